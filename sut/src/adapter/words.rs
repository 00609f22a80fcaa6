//! What a program says: the time that it reads, and why it refuses.

use regex::Regex;
use revlab_lab::{Code, Instant, Span};
use serde::Deserialize;

use super::{Adapter, AdapterError};

/// Where a program tells the time, and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeTold {
    /// Where.
    #[serde(rename = "in")]
    pub place: Where,
    /// A regular expression whose first group is the time.
    pub pattern: String,
    /// How the time is written: `%s`, or as strftime has it, in UTC.
    pub format: String,
}

/// Where a program says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Where {
    /// On the page that a client gets.
    Body,
    /// In its log, or in the output of a probe.
    Log,
}

/// A line of a log that says why.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// A regular expression; where it has a group, the first one is what counts.
    pub pattern: String,
    /// The code that Windows has for that, where there is one.
    pub code: Option<String>,
}

/// What a line of a log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Why, in the program's own words.
    pub reason: String,
    /// The code that Windows has for that.
    pub code: Option<Code>,
}

/// Whether a program's clock is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clockwork {
    /// It has told the time, and it is lab time.
    Right,
    /// It has told another.
    Wrong(Instant),
    /// It has told none.
    Untold,
}

/// How far a program's clock may be from what it was told: many tell whole seconds.
const APART: Span = Span::from_secs(2);

impl TimeTold {
    /// The last time in a text.
    pub fn read(&self, text: &str) -> Option<Instant> {
        let pattern = pattern(&self.pattern).ok()?;
        let found = pattern.captures_iter(text).last()?;
        let text = found.get(1)?.as_str();
        if self.format == "%s" {
            let seconds: i64 = text.split('.').next()?.parse().ok()?;
            return Some(Instant::from_millis(seconds.checked_mul(1000)?));
        }
        let read = jiff::fmt::strtime::parse(&self.format, text).ok()?.to_datetime().ok()?;
        let read = read.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        Some(Instant::from_millis(read.as_millisecond()))
    }
}

impl TimeTold {
    /// Whether what is said in this text, of what began and ended at these times of the program's own
    /// clock, is the time.
    pub fn clockwork(&self, text: &str, began: Instant, ended: Instant) -> Clockwork {
        match self.read(text) {
            None => Clockwork::Untold,
            Some(read) if read < began - APART || read > ended + APART => Clockwork::Wrong(read),
            Some(_) => Clockwork::Right,
        }
    }
}

impl Adapter {
    /// What a part of its log says about refusals, each thing once.
    pub fn reasons(&self, log: &str) -> Vec<Heard> {
        let mut reasons: Vec<Heard> = Vec::new();
        for heard in log.lines().filter_map(|line| self.reason(line)) {
            if !reasons.contains(&heard) {
                reasons.push(heard);
            }
        }
        reasons
    }

    /// What a line of its log says about a refusal; none: nothing.
    fn reason(&self, line: &str) -> Option<Heard> {
        self.reason.iter().find_map(|reason| {
            let reason_given = group(&pattern(&reason.pattern).ok()?, line)?;
            let code = reason.code.as_ref().and_then(|code| code.parse().ok());
            Some(Heard { reason: reason_given, code })
        })
    }

    /// Its version, of what it says when it is asked.
    pub fn version_in(&self, output: &str) -> Option<String> {
        let version = pattern(&self.version.line).ok()?;
        group(&version, output).map(|version| version.trim().to_owned())
    }
}

impl super::Reload {
    /// Whether this line of its log says that changed files have been taken up, or not; `None`: no line
    /// does.
    pub fn is_done_by(&self, line: &str) -> Option<bool> {
        let done = pattern(self.done.as_deref()?).ok()?;
        Some(done.is_match(line))
    }

    /// What of this line says that they have not; none: it does not say so.
    pub fn refusal(&self, line: &str) -> Option<String> {
        let refused = pattern(self.refused.as_deref()?).ok()?;
        group(&refused, line)
    }
}

/// What a pattern finds: its first group, where it has one.
fn group(pattern: &Regex, text: &str) -> Option<String> {
    let found = pattern.captures(text)?;
    found.get(1).or_else(|| found.get(0)).map(|found| found.as_str().to_owned())
}

impl super::Server {
    /// Whether this line of its log says that it is ready.
    pub fn is_ready_by(&self, line: &str) -> bool {
        let ready = self.ready.as_deref().and_then(|ready| pattern(ready).ok());
        ready.is_some_and(|ready| ready.is_match(line))
    }
}

pub(super) fn pattern(text: &str) -> Result<Regex, AdapterError> {
    let wrong =
        |e: regex::Error| AdapterError::Pattern { pattern: text.into(), why: e.to_string() };
    Regex::new(text).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pattern: &str, format: &str, text: &str) -> Option<String> {
        let told = TimeTold { place: Where::Log, pattern: pattern.into(), format: format.into() };
        told.read(text).map(|at| at.to_string())
    }

    #[test]
    fn times_are_read_as_programs_write_them() {
        let expected = Some("2024-03-01T01:00:00.000Z".to_owned());
        assert_eq!(told("Start Time: ([0-9]+)", "%s", "Start Time: 1709254800"), expected);
        assert_eq!(told("time=([0-9.]+)", "%s", "time=1709254800.123"), expected);
        let stunnel = "2024.03.01 00:59:59 LOG5[0]: a\n2024.03.01 01:00:00 LOG5[1]: b\n";
        let line = "(?m)^([0-9.]+ [0-9:]+) LOG";
        assert_eq!(told(line, "%Y.%m.%d %H:%M:%S", stunnel), expected);
        let date = "Fri, 01 Mar 2024 01:00:00 GMT";
        assert_eq!(told("(.*) GMT", "%a, %d %b %Y %H:%M:%S", date), expected);
        assert_eq!(told("(.*) GMT", "%a, %d %b %Y %H:%M:%S", "soon GMT"), None);
        assert_eq!(told("time=([0-9]+)", "%s", "none"), None);
    }

    #[test]
    fn a_clock_is_right_within_two_seconds_of_what_happened() {
        let told =
            TimeTold { place: Where::Body, pattern: "at ([0-9]+)".into(), format: "%s".into() };
        let at = |seconds: i64| Instant::from_millis(seconds * 1000);
        let read = |text: &str| told.clockwork(text, at(100), at(110));
        assert_eq!(read("at 98"), Clockwork::Right);
        assert_eq!(read("at 112"), Clockwork::Right);
        assert_eq!(read("at 97"), Clockwork::Wrong(at(97)));
        assert_eq!(read("at 113"), Clockwork::Wrong(at(113)));
        assert_eq!(read("soon"), Clockwork::Untold);
    }

    #[test]
    fn each_reason_is_heard_once_and_in_the_order_of_the_log() {
        let apache = Adapter::of_name("apache").unwrap().unwrap();
        let line = "[ssl:info] AH02276: Certificate Verification: Error (23): certificate revoked [subject: x]";
        let other = "[ssl:error] AH01918: no OCSP responder specified";
        let heard = apache.reasons(&format!("{line}\nelse\n{other}\n{line}\n"));
        let words: Vec<_> = heard.iter().map(|heard| heard.reason.as_str()).collect();
        assert_eq!(words.len(), 2, "{words:?}");
        assert!(
            words[0].starts_with("AH02276: ") && words[1].starts_with("AH01918: "),
            "{words:?}"
        );
        assert_eq!(heard[0].code, Some(Code(0x8009_2010)));
        assert_eq!(heard[1].code, None);
    }
}
