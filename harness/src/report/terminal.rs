//! What a person reads about one run: at most 100 columns, readable without colour.
//!
//! From the most important down: what it was and what it came to; a strip of time in which an
//! outage stands out; the episodes in which clients were not admitted; what happened around each,
//! with the steps of its first refused check; counts of fetches; each expectation.

mod around;
mod axis;
mod episodes;
mod events;
mod expectations;
mod explain;
mod fetched;
mod head;
mod hours;
mod paint;
mod strip;

use revlab_lab::trace::Trace;

use super::wrap::{self, WIDTH};
use crate::judge::Judgement;
use crate::judge::index::Index;
use crate::scenario::Scenario;
use paint::Paint;

/// What the sections are made from.
struct Page<'p> {
    scenario: &'p Scenario,
    index: &'p Index<'p>,
    judgement: &'p Judgement,
    paint: Paint,
}

/// The report of one run, ending in a line feed; with ANSI escape codes if `colour`.
pub fn render(scenario: &Scenario, trace: &Trace, judgement: &Judgement, colour: bool) -> String {
    let index = Index::new(scenario, trace);
    let page = Page { scenario, index: &index, judgement, paint: Paint::new(colour) };
    let sections = [
        head::section(&page),
        strip::section(&page),
        episodes::section(&page),
        hours::section(&page),
        around::section(&page),
        fetched::section(&page),
        expectations::section(&page),
    ];
    let mut text = String::new();
    for section in sections.iter().filter(|s| !s.is_empty()) {
        if !text.is_empty() {
            text.push('\n');
        }
        for line in section {
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}

/// What `--explain` adds to [`render`]: checks step by step, ending in a line feed; empty where no
/// attempt has a check.
pub fn explain(scenario: &Scenario, trace: &Trace, judgement: &Judgement) -> String {
    let index = Index::new(scenario, trace);
    let page = Page { scenario, index: &index, judgement, paint: Paint::new(false) };
    let lines = explain::section(&page);
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use revlab_lab::trace::Kind;
    use revlab_lab::{Code, Outcome, Span};

    use super::*;
    use crate::judge::judge;
    use crate::judge::sample::{Lab, hours, mins};
    use crate::report::sample;

    fn text(lab: &Lab, colour: bool) -> String {
        let (scenario, trace) = (lab.scenario(), lab.trace());
        render(&scenario, &trace, &judge(&scenario, &trace), colour)
    }

    fn plain(styled: &str) -> String {
        let mut found = String::new();
        let mut rest = styled;
        while let Some(at) = rest.find('\x1b') {
            found.push_str(&rest[..at]);
            rest = &rest[at..];
            let end = rest.find('m').unwrap();
            rest = &rest[end + 1..];
        }
        found + rest
    }

    #[test]
    fn an_outage_is_seen_at_a_glance() {
        insta::assert_snapshot!(text(&sample::outage(), false));
    }

    #[test]
    fn each_outcome_is_explained_once_and_a_failed_expectation_by_what_is_nearest() {
        let lab = sample::outage();
        let (scenario, trace) = (lab.scenario(), lab.trace());
        let mut judgement = judge(&scenario, &trace);
        let plain = explain(&scenario, &trace, &judgement);
        insta::assert_snapshot!(plain);
        let finding = judgement.findings.first_mut().unwrap();
        finding.verdict = crate::judge::Status::Failed;
        // What points at no attempt and no check is passed over.
        finding.nearest = vec![0, u64::MAX];
        assert_eq!(plain, explain(&scenario, &trace, &judgement));
        let is_attempt = |kind: &Kind| matches!(kind, Kind::Attempt(_));
        let attempt = trace.records().iter().find(|r| is_attempt(&r.kind)).unwrap();
        judgement.findings.first_mut().unwrap().nearest = vec![0, attempt.n];
        let told = explain(&scenario, &trace, &judgement);
        assert!(told.starts_with(&plain) && told.contains("nearest to the failed expectation"));
    }

    #[test]
    fn a_healthy_run_is_short() {
        insta::assert_snapshot!(text(&sample::healthy(), false));
    }

    #[test]
    fn three_weeks_are_shown_by_their_episodes() {
        insta::assert_snapshot!(text(&sample::weeks(), false));
    }

    #[test]
    fn faults_operations_and_clocks_have_their_places() {
        let mut lab = sample::outage();
        lab.fault("ca-down", mins(60), mins(150), true);
        lab.operation(mins(100), "restart", "restart_service");
        lab.operation(mins(330), "restart", "restart_service");
        lab.operation(mins(200), "boot", "reboot");
        lab.clock(Span::ZERO, "web", mins(30)).clock(mins(90), "web", -mins(5));
        insta::assert_snapshot!(text(&lab, false));
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let lab = sample::outage();
        let styled = text(&lab, true);
        assert!(styled.contains('\x1b'));
        assert_eq!(plain(&styled), text(&lab, false));
    }

    #[test]
    fn no_line_is_longer_than_a_hundred_columns() {
        let mut lab = sample::outage();
        let long =
            "a-client-with-a-name-that-nobody-would-give-it-but-which-is-allowed-all-the-same";
        lab.scenario.title = long.repeat(3);
        lab.attempt_of(long, mins(3), Outcome::Refused, Some(Code::CRYPT_E_REVOKED));
        lab.operation(hours(1), long, "delete_cache_files").fault(long, hours(1), hours(2), true);
        for line in text(&lab, false).lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
    }

    #[test]
    fn a_run_without_a_record_is_reported_too() {
        let lab = sample::outage();
        let scenario = lab.scenario();
        let judgement = judge(&scenario, &Trace::default());
        let text = render(&scenario, &Trace::default(), &judgement, false);
        assert!(text.contains("INCONCLUSIVE"), "{text}");
        assert!(text.contains("No attempt was made"), "{text}");
    }
}
