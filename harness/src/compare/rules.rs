//! What makes B worse than A.

use std::str::FromStr;

use super::Comparison;
use crate::judge::counted;

/// One thing that must not have become worse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// No attempt that was admitted is turned away, unless its certificate was revoked by then.
    NewlyRefused,
    /// No episode in which clients are not admitted is new.
    NewEpisodes,
    /// No expectation of the same name that held stops holding.
    Expectations,
    /// No revoked certificate is admitted for longer, or at a time at which it was turned away.
    Exposure,
    /// There are not more fetches, by more than so many per cent.
    Fetches(f64),
    /// 99 of 100 attempts do not take longer, by more than so many per cent.
    Latency(f64),
}

/// How B breaks these rules, each in words.
pub fn worse(it: &Comparison, rules: &[Rule]) -> Vec<String> {
    rules.iter().filter_map(|rule| rule.broken(it)).collect()
}

impl Rule {
    /// Those that hold unless others are given.
    pub const USUAL: [Rule; 4] =
        [Rule::NewlyRefused, Rule::NewEpisodes, Rule::Expectations, Rule::Exposure];

    /// How B breaks it, in words; none: it does not.
    pub fn broken(self, it: &Comparison) -> Option<String> {
        match self {
            Rule::NewlyRefused => {
                let changed = &it.attempts.newly_refused;
                let wrongly = changed.count - changed.revoked;
                (wrongly > 0).then(|| format!("{} newly refused", number(wrongly, "attempt")))
            }
            Rule::NewEpisodes => {
                let new = it.episodes.new.len();
                (new > 0).then(|| counted(new, "new episode"))
            }
            Rule::Expectations => {
                (!it.broken.is_empty()).then(|| format!("no longer held: {}", it.broken.join(", ")))
            }
            Rule::Exposure => exposure(it),
            Rule::Fetches(percent) => {
                let sum = |side: fn(&super::Fetches) -> u64| it.fetches.iter().map(side).sum();
                more("fetches", sum(|f| f.a), sum(|f| f.b), percent)
            }
            Rule::Latency(percent) => {
                let (a, b) = (it.a.latency?, it.b.latency?);
                more("ms at the 99th percentile", a.p99, b.p99, percent)
            }
        }
    }
}

fn number(n: u64, noun: &str) -> String {
    counted(usize::try_from(n).unwrap_or(usize::MAX), noun)
}

fn exposure(it: &Comparison) -> Option<String> {
    let again = it.attempts.newly_admitted.revoked;
    if again > 0 {
        let attempts = number(again, "attempt");
        return Some(format!("{attempts} with a revoked certificate newly admitted"));
    }
    let (a, b) = (it.a.exposure_ms?, it.b.exposure_ms?);
    let span = |ms| crate::judge::about(revlab_lab::Span::from_millis(ms));
    (b > a)
        .then(|| format!("a revoked certificate is admitted for {}, in A for {}", span(b), span(a)))
}

fn more(what: &str, a: u64, b: u64, percent: f64) -> Option<String> {
    let allowed = a as f64 * (1.0 + percent / 100.0);
    (b as f64 > allowed).then(|| format!("{b} {what}, in A {a}: more than {percent}% more"))
}

/// What is written on the command line: `newly-refused`, `fetches=10%`.
impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Rule, String> {
        let valid = "valid: newly-refused, new-episodes, expectations, exposure, fetches=N%, \
                     latency=N%";
        let percent = |value: &str| {
            let number = value.strip_suffix('%').and_then(|n| n.parse::<f64>().ok());
            number
                .filter(|n| n.is_finite() && *n >= 0.0)
                .ok_or_else(|| format!("`{value}` is no share such as 10%"))
        };
        match text.split_once('=') {
            None if text == "newly-refused" => Ok(Rule::NewlyRefused),
            None if text == "new-episodes" => Ok(Rule::NewEpisodes),
            None if text == "expectations" => Ok(Rule::Expectations),
            None if text == "exposure" => Ok(Rule::Exposure),
            Some(("fetches", value)) => percent(value).map(Rule::Fetches),
            Some(("latency", value)) => percent(value).map(Rule::Latency),
            _ => Err(valid.to_owned()),
        }
    }
}
