//! What an observation means: outcome, and what the server said about it.

use revlab_lab::trace::Phase;
use revlab_lab::{Code, Name, Outcome};

use crate::observation::{ALERT_LOST, CONNECTION_CLOSED, Observation, SERVER_REFUSED, Seen};
use crate::plan::StatusRange;

/// What an observation means, in the words of the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classified {
    /// What came of the attempt.
    pub outcome: Outcome,
    /// How far it came; `None` when a whole answer arrived.
    pub phase: Option<Phase>,
    /// HTTP status.
    pub status: Option<u16>,
    /// IIS sub-status, where the answer is an IIS detailed error page.
    pub substatus: Option<u16>,
    /// Error code, where the answer is an IIS detailed error page.
    pub code: Option<Code>,
    /// TLS alert, by its name in RFC 8446 §6.
    pub alert: Option<Name>,
    /// What went wrong otherwise.
    pub error: Option<Name>,
}

/// How much of an error page is looked at, in bytes: the styles of an IIS page come first.
const SCAN: usize = 16 * 1024;

/// What `observation` means for a client that counts a status in `admit` as being let in.
///
/// A server refuses by status 401 or 403, by one of `refuse`, or by any TLS alert, also by one that comes after the client's
/// side of a TLS 1.3 handshake was complete. Everything else is a failure.
pub fn classify(observation: &Observation, admit: StatusRange, refuse: &[u16]) -> Classified {
    let mut c = Classified {
        outcome: Outcome::Failed,
        phase: None,
        status: None,
        substatus: None,
        code: None,
        alert: None,
        error: None,
    };
    match &observation.seen {
        Seen::Response { status, body } => {
            c.status = Some(*status);
            if admit.contains(*status) {
                c.outcome = Outcome::Admitted;
            } else {
                if matches!(*status, UNAUTHORIZED | FORBIDDEN) || refuse.contains(status) {
                    c.outcome = Outcome::Refused;
                }
                let page = body.get(..SCAN).unwrap_or(body);
                c.substatus = substatus(page, *status);
                c.code = code(page);
            }
        }
        Seen::Alert(name) => {
            c.outcome = Outcome::Refused;
            c.alert = Some(name.clone());
            c.phase = Some(match observation.agreed {
                None => Phase::Handshake,
                Some(_) => Phase::Request,
            });
        }
        Seen::Closed { phase } => {
            c.phase = Some(*phase);
            c.error = Some(Name::from(CONNECTION_CLOSED));
        }
        Seen::Distrusted { code } => {
            c.phase = Some(Phase::Handshake);
            c.code = Some(*code);
            c.error = Some(Name::from(SERVER_REFUSED));
        }
        Seen::AlertLost { phase } => {
            c.outcome = Outcome::Refused;
            c.phase = Some(*phase);
            c.error = Some(Name::from(ALERT_LOST));
        }
        Seen::Verdict { outcome, words, .. } => {
            c.outcome = *outcome;
            c.error = (*outcome != Outcome::Admitted).then(|| words.clone());
        }
        Seen::Broken { phase, error } => {
            c.phase = Some(*phase);
            c.error = Some(error.clone());
        }
    }
    c
}

const UNAUTHORIZED: u16 = 401;
const FORBIDDEN: u16 = 403;

/// The number after the status in the page's heading, `HTTP Error 403.13 - Forbidden`.
fn substatus(page: &[u8], status: u16) -> Option<u16> {
    let heading = format!("HTTP Error {status}.");
    number(after(page, heading.as_bytes())?, 10, 1..=5)?.try_into().ok()
}

/// The first number of the form `0x80092013` in the page.
fn code(page: &[u8]) -> Option<Code> {
    let mut rest = page;
    while let Some(tail) = after(rest, b"0x") {
        if let Some(code) = number(tail, 16, 8..=8) {
            return Some(Code(code));
        }
        rest = tail;
    }
    None
}

/// What follows the first occurrence of `needle`.
fn after<'a>(hay: &'a [u8], needle: &[u8]) -> Option<&'a [u8]> {
    let at = hay.windows(needle.len()).position(|w| w == needle)?;
    hay.get(at + needle.len()..)
}

/// The number at the start of `text`, if it is as many digits long as `length` allows.
fn number(text: &[u8], radix: u32, length: std::ops::RangeInclusive<usize>) -> Option<u32> {
    let is_digit = |b: &&u8| char::from(**b).is_digit(radix);
    let digits = text.iter().take_while(is_digit).take(length.end() + 1).count();
    let digits = text.get(..digits).filter(|d| length.contains(&d.len()))?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use revlab_lab::trace::{Handshake, TlsVersion};

    use super::*;
    use crate::observation::{Agreed, Times};

    fn seen(handshake: Handshake, seen: Seen) -> Classified {
        let agreed = Agreed::plain(handshake, TlsVersion::V1_3);
        let agreed = (handshake != Handshake::None).then_some(agreed);
        classify(
            &Observation { agreed, times: Times::default(), seen, stays_open: false },
            StatusRange::SUCCESS,
            &[],
        )
    }

    fn answer(status: u16, body: &str) -> Classified {
        seen(Handshake::Full, Seen::Response { status, body: Arc::from(body.as_bytes()) })
    }

    #[test]
    fn a_status_in_the_admit_range_is_admitted_whatever_the_page_says() {
        let c = answer(204, "HTTP Error 204.1 0x80092013");
        assert_eq!((c.outcome, c.substatus, c.code), (Outcome::Admitted, None, None));
        assert_eq!((c.status, c.phase), (Some(204), None));
    }

    #[test]
    fn an_iis_error_page_gives_substatus_and_code() {
        let c = answer(
            403,
            "<h2>HTTP Error 403.13 - Forbidden</h2><th>Error Code</th><td>0x80092013</td>",
        );
        assert_eq!((c.outcome, c.substatus), (Outcome::Refused, Some(13)));
        assert_eq!(c.code, Some(Code::CRYPT_E_REVOCATION_OFFLINE));
    }

    #[test]
    fn a_bare_403_is_refused_and_other_statuses_fail() {
        let c = answer(403, "");
        assert_eq!((c.outcome, c.substatus, c.code), (Outcome::Refused, None, None));
        assert_eq!(answer(404, "HTTP Error 404.11").outcome, Outcome::Failed);
        assert_eq!(answer(404, "HTTP Error 404.11").substatus, Some(11));
        assert_eq!(answer(302, "").outcome, Outcome::Failed);
    }

    #[test]
    fn what_only_looks_like_substatus_or_code_is_not_taken() {
        let page = "HTTP Error 403.99999 HTTP Error 500.19 0x800920130 0x8009 0xzz";
        let c = answer(403, page);
        assert_eq!((c.substatus, c.code), (None, None));
        assert_eq!(answer(403, "0x8009 then 0x80092010").code, Some(Code::CRYPT_E_REVOKED));
        let late = format!("{}0x80092013", " ".repeat(SCAN));
        assert_eq!(answer(403, &late).code, None);
    }

    #[test]
    fn an_alert_is_a_refusal_also_after_the_handshake() {
        let alert = || Seen::Alert(Name::from("certificate_revoked"));
        let inside = seen(Handshake::None, alert());
        assert_eq!((inside.outcome, inside.phase), (Outcome::Refused, Some(Phase::Handshake)));
        let after = seen(Handshake::Full, alert());
        assert_eq!((after.outcome, after.phase), (Outcome::Refused, Some(Phase::Request)));
        assert_eq!(after.alert.as_deref(), Some("certificate_revoked"));
    }

    #[test]
    fn silence_and_breakage_are_failures_with_their_phase() {
        let closed = seen(Handshake::Full, Seen::Closed { phase: Phase::Request });
        assert_eq!((closed.outcome, closed.phase), (Outcome::Failed, Some(Phase::Request)));
        assert_eq!(closed.error.as_deref(), Some("connection closed"));
        let error = Name::from(crate::observation::CONNECTION_REFUSED);
        let refused = seen(Handshake::None, Seen::Broken { phase: Phase::Connect, error });
        assert_eq!((refused.outcome, refused.phase), (Outcome::Failed, Some(Phase::Connect)));
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_a_page(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let body = Arc::from(bytes.as_slice());
            let c = seen(Handshake::Full, Seen::Response { status: 403, body });
            prop_assert_eq!(c.outcome, Outcome::Refused);
        }

        #[test]
        fn substatus_and_code_are_found_wherever_they_stand(
            before in "[ -/:-~]{0,60}", sub in 0u16..1000, value in any::<u32>(),
        ) {
            let page = format!("{before} HTTP Error 403.{sub} - no; code 0x{value:08x}.");
            let c = answer(403, &page);
            prop_assert_eq!(c.substatus, Some(sub));
            prop_assert_eq!(c.code, Some(Code(value)));
        }
    }
}
