//! What was expected and what was seen, in words.

use std::fmt::Write;

use revlab_lab::trace::{Fetch, Purpose};
use revlab_lab::{Code, Instant, Outcome, Span};

use super::episode::{Episode, Healing};
use super::index::{At, Index};
use crate::scenario::model::{
    AttemptFilter, CheckFilter, CheckResult, Count, During, ExpectationKind, FetchFilter,
    ResultFilter, Share, SpanRange, Window,
};

/// How many things of a kind are named one by one before the rest is only counted.
const NAMED: usize = 4;

/// Lab time to the second: `2014-04-16 10:51:34`.
pub(crate) fn at(t: Instant) -> String {
    let (y, mo, d, h, mi, s, _) = t.civil();
    format!("{y:04}-{mo:02}-{d:02} {h:02}:{mi:02}:{s:02}")
}

/// `1 attempt`, `2 attempts`, `no attempt`; `es` after a sibilant.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    let plural = if noun.ends_with("ch") { "es" } else { "s" };
    match number {
        0 => format!("no {noun}"),
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}{plural}"),
    }
}

/// ` from … to …` unless the window is the whole run.
pub(super) fn window(index: &Index<'_>, window: Window) -> String {
    match (window.from > index.start, window.to < index.planned_end) {
        (false, false) => String::new(),
        (true, false) => format!(", from {} on", at(window.from)),
        (false, true) => format!(", up to {}", at(window.to)),
        (true, true) => format!(", from {} to {}", at(window.from), at(window.to)),
    }
}

/// `exactly 3 things`, `at least 1 thing`, `2 to 3 things`, `no thing`.
pub(super) fn count(count: Count, noun: &str) -> String {
    let many = |number: u64| counted(number as usize, noun);
    match (count.min, count.max) {
        (_, Some(0)) => format!("no {noun}"),
        (0, None) => format!("any number of {}", counted(2, noun).trim_start_matches("2 ")),
        (0, Some(max)) => format!("at most {}", many(max)),
        (min, None) => format!("at least {}", many(min)),
        (min, Some(max)) if min == max => format!("exactly {}", many(min)),
        (min, Some(max)) => format!("{min} to {}", many(max)),
    }
}

/// `30m to 1h 15m`, `at least 7d`, `at most 2h`.
pub(super) fn range(range: SpanRange) -> String {
    match (range.min, range.max) {
        (Some(min), Some(max)) if min == max => format!("exactly {min}"),
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => "of any length".to_owned(),
    }
}

/// `all`, `none`, `at least 95% of`.
pub(super) fn share(share: Share) -> String {
    match share {
        Share::All => "all".to_owned(),
        Share::None => "none of the".to_owned(),
        Share::AtLeast(part) => format!("at least {}% of the", part * 100.0),
        Share::AtMost(part) => format!("at most {}% of the", part * 100.0),
    }
}

/// `refused with 403.13, 0x80092013 CRYPT_E_REVOCATION_OFFLINE`, as far as each is known.
pub(crate) fn result_words(
    outcome: Outcome,
    status: Option<u16>,
    substatus: Option<u16>,
    code: Option<Code>,
) -> String {
    let http = match (status.filter(|_| outcome != Outcome::Admitted), substatus) {
        (Some(status), Some(sub)) => Some(format!("{status}.{sub}")),
        (Some(status), None) => Some(status.to_string()),
        (None, Some(sub)) => Some(format!("sub-status {sub}")),
        (None, None) => None,
    };
    let code = code.map(|code| match code.symbol() {
        Some(symbol) => format!("{code} {symbol}"),
        None => code.to_string(),
    });
    let with: Vec<String> = http.into_iter().chain(code).collect();
    let outcome = match outcome {
        Outcome::TimedOut => "timed out",
        other => other.as_str(),
    };
    if with.is_empty() { outcome.to_owned() } else { format!("{outcome} with {}", with.join(", ")) }
}

/// `refused by the alert unknown_ca`, where there was one.
pub(crate) fn by_alert(words: String, alert: Option<&revlab_lab::Name>) -> String {
    match alert {
        Some(alert) => format!("{words} by the alert {alert}"),
        None => words,
    }
}

/// What an expectation asks for that is not looked into.
pub(super) fn unasked(kind: &ExpectationKind) -> String {
    match kind {
        ExpectationKind::Log { .. } => "lines in the logs of Windows",
        _ => "fetches by a process, or of a cause",
    }
    .to_owned()
}

pub(super) fn result(filter: &ResultFilter) -> String {
    let mut words = result_words(filter.outcome, None, filter.substatus, filter.code);
    if let Some(by) = &filter.by {
        let _ = write!(words, " because of {by}");
    }
    words
}

/// ` by a and b with the certificate c`, or nothing.
pub(super) fn attempts_of(filter: &AttemptFilter) -> String {
    let mut text = String::new();
    if !filter.clients.is_empty() {
        let names: Vec<&str> = filter.clients.iter().map(|c| &**c).collect();
        let _ = write!(text, " by {}", names.join(" and "));
    }
    if let Some(identity) = &filter.identity {
        let _ = write!(text, " with the certificate {identity}");
    }
    text
}

/// `during each episode refused …`.
pub(super) fn during(during: &During) -> String {
    let of = format!("{}{}", result(&during.result), attempts_of(&during.of));
    match during.at_start {
        None => format!(" during each episode {of}"),
        Some(length) => format!(" in the first {length} of each episode {of}"),
    }
}

/// What a purpose is called in front of a noun.
pub(super) fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Base => "base CRL",
        Purpose::Delta => "delta CRL",
        Purpose::Ocsp => "OCSP",
        Purpose::Issuer => "issuer certificate",
    }
}

/// `successful base CRL or delta CRL fetch`: a noun that can be counted.
pub(super) fn fetch_noun(filter: &FetchFilter) -> String {
    let mut words: Vec<String> = Vec::new();
    match filter.succeeded {
        Some(true) => words.push("successful".into()),
        Some(false) => words.push("failed".into()),
        None => {}
    }
    match filter.unsolicited {
        Some(true) => words.push("unsolicited".into()),
        Some(false) => words.push("solicited".into()),
        None => {}
    }
    let purposes: Vec<&str> = filter.purposes.iter().map(|p| purpose(*p)).collect();
    if !purposes.is_empty() {
        words.push(purposes.join(" or "));
    }
    words.push("fetch".into());
    words.join(" ")
}

/// ` with status 404 by lsass.exe from a URL with …`: what follows the noun.
pub(super) fn fetch_details(filter: &FetchFilter) -> String {
    let mut text = String::new();
    if let Some(status) = filter.status {
        let _ = write!(text, " with status {status}");
    }
    if let Some(process) = &filter.process {
        let _ = write!(text, " by {process}");
    }
    if let Some(part) = &filter.url {
        let _ = write!(text, " from a URL with `{part}`");
    }
    text
}

/// `check of jmeter-1 by lsass.exe`: what follows is counted.
pub(super) fn checks_of(filter: &CheckFilter) -> String {
    let mut text = String::new();
    if let Some(identity) = &filter.identity {
        let _ = write!(text, " of {identity}");
    }
    if let Some(process) = &filter.process {
        let _ = write!(text, " by {process}");
    }
    if let Some(by) = &filter.by {
        let _ = write!(text, " on {by}");
    }
    text
}

/// ` with verdict offline, 0x80092013, that found its base CRL stale`.
pub(super) fn check_result(filter: &CheckResult) -> String {
    let verdict = filter.verdict.map(|v| {
        let name = revlab_lab::trace::Verdict::NAMES.iter().find(|(_, value)| *value == v);
        format!("with verdict {}", name.map_or("", |(name, _)| name))
    });
    let code = filter.code.map(|c| format!("with code {c}"));
    let base = filter.base.map(|state| format!("with its base CRL {}", state_word(state)));
    let all: Vec<String> = verdict.into_iter().chain(code).chain(base).collect();
    if all.is_empty() { String::new() } else { format!(" {}", all.join(", ")) }
}

/// How an object was found.
pub(crate) fn state_word(state: revlab_lab::trace::State) -> &'static str {
    use revlab_lab::trace::State;
    match state {
        State::Fresh => "fresh in memory",
        State::Stale => "stale in memory",
        State::NotYetValid => "not yet valid in memory",
        State::Absent => "absent from memory",
    }
}

/// `2014-04-16 07:27:30, …, and 3 more`.
pub(super) fn times(times: impl ExactSizeIterator<Item = Instant>) -> String {
    listed(times.map(at))
}

/// The first few, and how many more there are.
pub(super) fn listed(items: impl ExactSizeIterator<Item = String>) -> String {
    let more = items.len().saturating_sub(NAMED);
    let mut text = items.take(NAMED).collect::<Vec<_>>().join(", ");
    if more > 0 {
        let _ = write!(text, " and {more} more");
    }
    text
}

/// What was seen in each episode: once, where it was the same in all.
pub(super) fn in_episodes(seen: &[(Instant, String)]) -> String {
    match seen {
        [(_, first), _, ..] if seen.iter().all(|(_, words)| words == first) => {
            format!("{first} in each of {} episodes", seen.len())
        }
        _ => {
            let all =
                seen.iter().map(|(from, words)| format!("in that from {}: {words}", at(*from)));
            let more = seen.len().saturating_sub(NAMED);
            let mut text = all.take(NAMED).collect::<Vec<_>>().join("; ");
            if more > 0 {
                let _ = write!(text, "; and {more} more");
            }
            text
        }
    }
}

/// `1h at 2014-04-16 07:27:30, healed by itself`.
pub(super) fn episode(episode: &Episode) -> String {
    let end = match episode.healing {
        Healing::ByItself => "healed by itself",
        Healing::AfterOperation(_) => "ended after an operation",
        Healing::NotHealed => "not over when the run ended",
    };
    format!("{} from {} ({end})", episode.length(), at(episode.begin))
}

/// One fetch: `base CRL at … (status 200)`.
pub(super) fn fetch(fetch: &At<'_, Fetch>) -> String {
    let came = match (fetch.error, fetch.status) {
        (Some(error), _) => error.as_str().to_owned(),
        (None, Some(status)) => format!("status {status}"),
        (None, None) => "no answer".to_owned(),
    };
    format!("{} at {} ({came})", purpose(fetch.purpose), at(fetch.t))
}

/// To the nearest second, from one second on.
pub(crate) fn about(length: Span) -> Span {
    let millis = length.as_millis();
    match millis.saturating_abs() < 1000 {
        true => length,
        false => Span::from_secs((millis + 500 * millis.signum()) / 1000),
    }
}

/// How far `seen` is from `expected`: `13s early`, `2m late`.
pub(super) fn off(seen: Instant, expected: Instant) -> String {
    match about(seen - expected) {
        Span::ZERO => "on time".to_owned(),
        by if by.is_negative() => format!("{} early", -by),
        by => format!("{by} late"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_ranges_read_as_people_say_them() {
        let words = |min, max| count(Count { min, max }, "fetch");
        assert_eq!(words(1, None), "at least 1 fetch");
        assert_eq!(words(0, Some(0)), "no fetch");
        assert_eq!(words(3, Some(3)), "exactly 3 fetches");
        assert_eq!(words(0, Some(2)), "at most 2 fetches");
        assert_eq!(words(18, Some(24)), "18 to 24 fetches");
        assert_eq!(words(0, None), "any number of fetches");
        let bounds = |min, max| range(SpanRange { min, max });
        assert_eq!(bounds(Some(Span::from_mins(30)), Some(Span::from_mins(75))), "30m to 1h 15m");
        assert_eq!(bounds(Some(Span::from_days(7)), None), "at least 7d");
    }

    #[test]
    fn a_refusal_is_named_as_iis_and_windows_name_it() {
        let offline = Some(Code::CRYPT_E_REVOCATION_OFFLINE);
        assert_eq!(
            result_words(Outcome::Refused, Some(403), Some(13), offline),
            "refused with 403.13, 0x80092013 CRYPT_E_REVOCATION_OFFLINE"
        );
        assert_eq!(result_words(Outcome::Admitted, Some(200), None, None), "admitted");
        assert_eq!(result_words(Outcome::TimedOut, None, None, None), "timed out");
    }

    #[test]
    fn episodes_with_the_same_to_say_say_it_once() {
        let start = Instant::from_millis(0);
        let seen = |words: &[&str]| -> Vec<(Instant, String)> {
            words.iter().map(|w| (start, (*w).to_owned())).collect()
        };
        assert_eq!(in_episodes(&seen(&["none", "none"])), "none in each of 2 episodes");
        assert_eq!(in_episodes(&seen(&["none"])), "in that from 1970-01-01 00:00:00: none");
        let both = in_episodes(&seen(&["none", "one"]));
        assert!(both.ends_with("none; in that from 1970-01-01 00:00:00: one"), "{both}");
    }

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let start = Instant::from_millis(0);
        let six = (0..6).map(|m| start + Span::from_mins(m)).collect::<Vec<_>>();
        assert!(times(six.into_iter()).ends_with("1970-01-01 00:03:00 and 2 more"));
    }
}
