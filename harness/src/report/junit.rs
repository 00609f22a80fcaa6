//! JUnit XML: a suite for each scenario and variant, a case for each expectation.
//!
//! A failed expectation is a failure, and so is one that holds though it is known to fail; one that
//! fails as is known is skipped. An inconclusive one is an error; so is a run that proves nothing, in
//! a case of its own, [`RUN_CASE`].

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use revlab_lab::trace::{Kind, Trace};

use crate::judge::{Finding, Judgement, Status};
use crate::scenario::Scenario;

/// The case that says whether the run as a whole counts.
pub const RUN_CASE: &str = "(the run)";

/// The suite of one run.
#[derive(Clone, Debug)]
pub struct Suite(TestSuite);

/// The suite of one run: `kb2666300/lab [unpatched]`.
pub fn suite(scenario: &Scenario, trace: &Trace, judgement: &Judgement) -> Suite {
    let name = match &scenario.variant {
        Some(variant) => format!("{} [{variant}]", scenario.name),
        None => scenario.name.clone(),
    };
    let mut suite = TestSuite::new(name.as_str());
    suite.add_property(("seed", scenario.seed.0.to_string().as_str()));
    if let Some(Kind::Header(header)) = trace.records().first().map(|r| &r.kind) {
        suite.add_property(("sut", header.sut.as_str()));
        suite.add_property(("transport", header.transport.as_str()));
    }
    suite.add_test_case(run_case(&name, judgement));
    suite.add_test_cases(judgement.findings.iter().map(|f| case(&name, f)));
    Suite(suite)
}

/// Several suites as one XML document.
pub fn render(suites: impl IntoIterator<Item = Suite>) -> String {
    let mut report = Report::new("revlab");
    report.add_test_suites(suites.into_iter().map(|s| s.0));
    let mut bytes = Vec::new();
    // Writing into memory does not fail, and quick-junit keeps what XML cannot hold out of text.
    match report.serialize(&mut bytes) {
        Ok(()) => without_skipped(&report, &String::from_utf8_lossy(&bytes)),
        Err(_) => String::new(),
    }
}

/// Suites say how many cases were skipped, the document as a whole must not: Jenkins' xUnit plugin takes
/// no file that its schema (`junit-10.xsd`) does not allow.
fn without_skipped(report: &Report, text: &str) -> String {
    // The root is the first element that has it.
    text.replacen(&format!(" skipped=\"{}\"", report.skipped), "", 1)
}

fn run_case(suite: &str, judgement: &Judgement) -> TestCase {
    let reasons = &judgement.inconclusive;
    let status = match reasons.first() {
        None => TestCaseStatus::success(),
        Some(first) => not_held(NonSuccessKind::Error, Status::Inconclusive, first),
    };
    let mut case = TestCase::new(RUN_CASE, status);
    case.set_classname(suite);
    if !reasons.is_empty() {
        case.set_system_out(reasons.join("\n").as_str());
    }
    case
}

fn case(suite: &str, finding: &Finding) -> TestCase {
    let status = match finding.verdict {
        Status::Held => TestCaseStatus::success(),
        Status::Failed => not_held(NonSuccessKind::Failure, Status::Failed, &finding.seen),
        Status::Cured => {
            let ticket = finding.known.as_deref().unwrap_or_default();
            let words = format!("it holds, though it is known to fail ({ticket})");
            not_held(NonSuccessKind::Failure, Status::Cured, &words)
        }
        Status::Known => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(format!("known: {}", finding.known.as_deref().unwrap_or_default()));
            skipped
        }
        Status::Inconclusive => {
            not_held(NonSuccessKind::Error, Status::Inconclusive, &finding.seen)
        }
    };
    let mut case = TestCase::new(&*finding.name, status);
    case.set_classname(suite);
    case.set_system_out(reason(finding).as_str());
    case
}

fn not_held(kind: NonSuccessKind, status: Status, message: &str) -> TestCaseStatus {
    let mut found = TestCaseStatus::non_success(kind);
    found.set_type(status.as_str());
    found.set_message(message);
    found
}

fn reason(finding: &Finding) -> String {
    let mut lines = Vec::new();
    lines.extend(finding.why.as_ref().map(|why| format!("why: {why}")));
    lines.extend(finding.known.as_ref().map(|ticket| format!("known: {ticket}")));
    lines.push(format!("expected: {}", finding.expected));
    lines.push(format!("seen: {}", finding.seen));
    if !finding.nearest.is_empty() {
        let numbers: Vec<String> = finding.nearest.iter().map(u64::to_string).collect();
        lines.push(format!("records: {}", numbers.join(", ")));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use quick_xml::events::Event;
    use quick_xml::reader::Reader;

    use super::*;
    use crate::judge::judge;
    use crate::report::sample::outage;

    fn suite_of(lab: &crate::judge::sample::Lab) -> Suite {
        let (scenario, trace) = (lab.scenario(), lab.trace());
        suite(&scenario, &trace, &judge(&scenario, &trace))
    }

    #[test]
    fn held_failed_and_inconclusive_are_success_failure_and_error() {
        let mut lab = outage();
        lab.fault("never", revlab_lab::Span::ZERO, revlab_lab::Span::from_mins(1), true);
        insta::assert_snapshot!(render([suite_of(&lab)]));
    }

    #[test]
    fn a_known_failure_is_skipped_and_a_cure_is_a_failure() {
        let mut lab = outage();
        for expectation in &mut lab.scenario.expectations {
            expectation.known = Some("LAB-7".to_owned());
        }
        let text = render([suite_of(&lab)]);
        let report = Report::deserialize_from_str(&text).unwrap();
        let suite = &report.test_suites[0];
        assert_eq!((suite.tests, suite.failures, suite.errors), (4, 2, 0));
    }

    /// What `junit-10.xsd` of Jenkins' xUnit plugin allows of what is written here, by element: where it
    /// may be, its attributes, and those that it must have.
    const SCHEMA: [(&str, &str, &[&str], &[&str]); 9] = [
        ("testsuites", "", &["name", "time", "tests", "failures", "errors"], &[]),
        (
            "testsuite",
            "testsuites",
            &["name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp"],
            &["name", "tests", "failures", "errors"],
        ),
        ("properties", "testsuite", &[], &[]),
        ("property", "properties", &["name", "value"], &["name", "value"]),
        ("testcase", "testsuite", &["name", "time", "classname", "group"], &["name"]),
        ("skipped", "testcase", &["type", "message"], &[]),
        ("failure", "testcase", &["type", "message"], &[]),
        ("error", "testcase", &["type", "message"], &[]),
        ("system-out", "testcase", &[], &[]),
    ];

    /// How often each element is there. Fails where the schema does not allow it.
    fn allowed(text: &str) -> BTreeMap<String, usize> {
        let mut reader = Reader::from_str(text);
        let (mut path, mut found) = (vec![String::new()], BTreeMap::new());
        loop {
            let event = reader.read_event().unwrap();
            let (Event::Start(tag) | Event::Empty(tag)) = &event else {
                match event {
                    Event::End(_) => drop(path.pop()),
                    Event::Eof => return found,
                    _ => {}
                }
                continue;
            };
            let name = String::from_utf8(tag.name().0.to_vec()).unwrap();
            let rule = SCHEMA.iter().find(|(element, ..)| *element == name);
            let (_, parent, may, must) = rule.unwrap_or_else(|| panic!("{name}: {text}"));
            assert_eq!(path.last().unwrap(), parent, "{name}");
            let keys = tag.attributes().map(|a| a.unwrap().key.0.to_vec());
            let keys: Vec<String> = keys.map(|key| String::from_utf8(key).unwrap()).collect();
            assert!(keys.iter().all(|key| may.contains(&key.as_str())), "{name}: {keys:?}");
            assert!(must.iter().all(|key| keys.iter().any(|k| k == key)), "{name}: {keys:?}");
            *found.entry(name.clone()).or_default() += 1;
            if matches!(event, Event::Start(_)) {
                path.push(name);
            }
        }
    }

    #[test]
    fn jenkins_takes_every_element_and_attribute() {
        let (mut known, mut unmet) = (outage(), outage());
        for expectation in &mut known.scenario.expectations {
            expectation.known = Some("LAB-7".to_owned());
        }
        unmet.fault("never", revlab_lab::Span::ZERO, revlab_lab::Span::from_mins(1), true);
        let found = allowed(&render([suite_of(&known), suite_of(&unmet)]));
        // All that there are, each at least once.
        let elements: Vec<&str> = found.keys().map(String::as_str).collect();
        let mut expected = SCHEMA.map(|(element, ..)| element);
        expected.sort_unstable();
        assert_eq!(elements, expected);
        assert_eq!(found["testcase"], 8);
    }

    #[test]
    fn the_document_can_be_read_back() {
        let text = render([suite_of(&outage()), suite_of(&outage())]);
        let report = Report::deserialize_from_str(&text).unwrap();
        assert_eq!(report.test_suites.len(), 2);
        assert_eq!(report.failures, 2);
    }
}
