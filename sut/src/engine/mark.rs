//! Offline marks: a URL that failed is left alone for a while (fact sheet §2.3).
//!
//! That there are such marks is documented, for how long is not: both lengths are inferred. They
//! live in the process that failed, and end with it.
//!
//! The negative cache is the claim that Windows may leave a URL alone for up to eight hours, and
//! that a reboot does not always help (fact sheet §2.4 and §6, unverified): a longer mark, and where
//! it survives a reboot one that is kept with the account's disk cache. It is then deleted with that
//! cache, and lifted by an answer; `certutil -urlfetch` does not heed it. That is inferred: the sheet
//! says that the files of that cache are what persists, and that certutil goes to the wire.

use revlab_lab::http::Url;
use revlab_lab::trace::{Purpose, Step, Withheld};
use revlab_lab::{Instant, Span};

use super::Engine;
use super::check::Check;
use super::process::ProcessId;

impl Engine {
    /// Whether a URL is left alone by the check's process: for good (`file://` and `https://`, where these
    /// are refused: fact sheet §1.2, kb946401, and §2.8), without a network (§2.4), or still; the check's
    /// steps say so.
    pub(super) fn is_left_alone(
        &mut self,
        now: Instant,
        check: &mut Check,
        object: Purpose,
        url: &Url,
    ) -> bool {
        let refused = match url.scheme() {
            "file" if !self.parameters.file_urls => Some("file:// URLs are not read"),
            "https" if !self.parameters.https_urls => Some("https:// URLs are not asked"),
            _ => None,
        };
        if let Some(why) = refused {
            check.steps.push(Step::Refused { object, why: why.into() });
            return true;
        }
        if !self.connected {
            // Nothing was tried, so nothing has failed: no mark is left (inferred).
            let why = Withheld::NotConnected;
            check.steps.push(Step::Withheld { object, why, until: None });
            return true;
        }
        let Some(process) = self.processes.get(&check.process) else { return false };
        let kept = self.disks.get(&process.account).filter(|_| !process.wire_only);
        let kept = kept.and_then(|disk| disk.failed.get(url)).copied().filter(|at| *at > now);
        let mark = process.mark(url, now).max(kept);
        if mark.is_some() {
            let why = match object {
                Purpose::Ocsp => Withheld::OcspOfflineMark,
                Purpose::Base | Purpose::Delta | Purpose::Issuer => Withheld::OfflineMark,
            };
            check.steps.push(Step::Withheld { object, why, until: mark });
            if self.parameters.offline_rearm_on_read
                && let Some(process) = self.processes.get_mut(&check.process)
            {
                process.rearm_mark(url, now);
            }
        }
        mark.is_some()
    }

    /// A URL has failed: the check's process leaves it alone from now on, and with a negative cache
    /// on disk every process of its account.
    pub(super) fn leave_alone(&mut self, now: Instant, check: &Check, object: Purpose, url: &Url) {
        let p = &self.parameters;
        let length = match object {
            Purpose::Ocsp => p.ocsp_offline_memory,
            Purpose::Base | Purpose::Delta | Purpose::Issuer => p.crl_offline_memory,
        };
        let (negative, on_disk) = (p.negative_cache, p.negative_cache_survives_reboot);
        let (growth, limit) = (p.offline_growth, p.offline_growth_limit);
        let Some(process) = self.processes.get_mut(&check.process) else { return };
        process.set_mark(url, now, |failures| {
            let grown = grown(length, growth, failures, limit);
            if on_disk { grown } else { Ord::max(grown, negative) }
        });
        if on_disk && negative > Span::ZERO {
            let account = process.account.clone();
            self.disk(&account).failed.insert(url.clone(), now + negative);
        }
    }

    /// A URL has answered: it is not left alone any more.
    pub(super) fn lift_mark(&mut self, process: ProcessId, url: &Url) {
        let Some(process) = self.processes.get_mut(&process) else { return };
        process.unset_mark(url);
        let account = process.account.clone();
        self.disk(&account).failed.remove(url);
    }
}

/// What a time grows to with so many failures in a row, up to a limit; at least what it was.
fn grown(length: Span, growth: u32, failures: u32, limit: Span) -> Span {
    let mut grown = length;
    for _ in 1..failures {
        if growth <= 1 || grown >= limit {
            break;
        }
        grown = Span::from_millis(grown.as_millis().saturating_mul(i64::from(growth)));
    }
    Ord::max(Ord::min(grown, limit), length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_time_doubles_up_to_its_limit() {
        let (minute, limit) = (Span::from_mins(1), Span::from_mins(10));
        let times = (1..7).map(|n| grown(minute, 2, n, limit).as_millis() / 60_000);
        assert_eq!(times.collect::<Vec<_>>(), [1, 2, 4, 8, 10, 10]);
        assert_eq!(grown(minute, 1, 9, limit), minute);
        assert_eq!(grown(limit, 2, 9, minute), limit, "a limit does not shorten");
    }

    proptest! {
        #[test]
        fn it_never_shrinks_and_never_passes_its_limit(
            length in 0i64..1 << 40, growth: u32, failures: u32, limit in 0i64..1 << 40,
        ) {
            let (length, limit) = (Span::from_millis(length), Span::from_millis(limit));
            let grown = grown(length, growth, failures, limit);
            prop_assert!(grown >= length && grown <= Ord::max(length, limit));
        }
    }
}
