//! The steps of a check as sentences, each with where it comes from.
//!
//! "fact sheet §" is the project's sheet of Windows facts; RFC sections are named where Windows
//! does what the RFC says.

use revlab_lab::trace::{Layer, Purpose, State, Step, Withheld};
use revlab_lab::{Code, Instant};

use crate::judge::at;

/// One step of a check, as a sentence with its source in brackets.
///
/// ```
/// use revlab::report::words;
/// use revlab_lab::trace::{Purpose, Step};
/// let step = Step::NoUrl { object: Purpose::Base };
/// assert_eq!(
///     words::step(&step),
///     "no URL says where the base CRL can be had (RFC 5280 §4.2.1.13)"
/// );
/// ```
pub fn step(step: &Step) -> String {
    format!("{} ({})", sentence(step), source(step))
}

fn sentence(step: &Step) -> String {
    match step {
        Step::Chain { error: None, .. } => "the chain itself is in order".to_owned(),
        Step::Chain { error: Some(error), rule } => {
            let rule = rule.as_ref().map(|rule| format!(", {}", rule.replace('_', " ")));
            format!("the chain is bad: {}{}", code(*error), rule.unwrap_or_default())
        }
        Step::Resumed => "the TLS session was resumed, so no certificate was looked at".to_owned(),
        Step::Certificate { subject } => format!("revocation of {subject} is looked at"),
        Step::Lookup { object, layer, state, number, next_update } => {
            let number = number.map(|n| format!(" {n}")).unwrap_or_default();
            let what = format!("{}{number}", noun(*object));
            let until = next_update.map(at).unwrap_or_else(|| "for ever".to_owned());
            let place = layer_words(*layer);
            match state {
                State::Fresh => format!("{what} {place} is fresh until {until}"),
                State::Stale if *object == Purpose::Issuer => {
                    format!("{what} {place} has expired, on {until}")
                }
                State::Stale => format!("{what} {place} is stale: its nextUpdate was {until}"),
                State::NotYetValid => format!("{what} {place} is not valid yet"),
                State::Absent => format!("there is no {what} {place}"),
            }
        }
        Step::CrossCertificates { subject, layer, state, due } => {
            crosses(subject, *layer, *state, *due)
        }
        Step::Retrieve { object, fetch, status, error, rejected } => {
            let asked = format!("the network is asked for the {} (fetch {fetch})", noun(*object));
            let came = match (error, status) {
                (Some(error), _) => error.as_str().to_owned(),
                (None, Some(status)) => format!("status {status}"),
                (None, None) => "no answer".to_owned(),
            };
            match rejected {
                Some(why) => format!("{asked}: {came}, not usable: {why}"),
                None => format!("{asked}: {came}"),
            }
        }
        Step::Shared { object, fetch } => {
            format!("another check is fetching the {} already (fetch {fetch})", noun(*object))
        }
        Step::Withheld { object, why, until } => {
            let until = until.map(|t| format!(", until {}", at(t))).unwrap_or_default();
            format!("the network is not asked for the {}{until}: {}", noun(*object), reason(*why))
        }
        Step::Refused { object, why } => {
            format!("the {} is there and fresh, but not used: {why}", noun(*object))
        }
        Step::BaseTooOld { base, indicator } => format!(
            "the delta starts from base CRL {indicator} and the base at hand is {base}: a newer \
             one is looked for"
        ),
        Step::BudgetSpent { object } => {
            format!("the time for the whole check is used up: the {} is given up", noun(*object))
        }
        Step::Listed { object, reason } => {
            let reason = reason.map(|r| format!(", reason code {r}")).unwrap_or_default();
            format!("the certificate is listed as revoked in the {}{reason}", noun(*object))
        }
        Step::NoUrl { object } => format!("no URL says where the {} can be had", noun(*object)),
        Step::Remembered { until } => {
            format!("the verdict of an earlier check is repeated, until {}", at(*until))
        }
    }
}

fn crosses(of: &str, layer: Layer, state: State, due: Option<Instant>) -> String {
    let (what, place) = (format!("the cross-certificates of {of}"), layer_words(layer));
    match (state, due) {
        (State::Absent, _) | (_, None) => format!("{what} are to be fetched: there are none yet"),
        (State::Fresh, Some(due)) => {
            format!("{what} {place} need not be fetched again before {}", at(due))
        }
        (_, Some(due)) => format!("{what} {place} are to be fetched again, since {}", at(due)),
    }
}

fn source(step: &Step) -> &'static str {
    match step {
        Step::Chain { .. } => "RFC 5280 §6.1",
        Step::Resumed => "fact sheet §3.3, inferred",
        Step::Certificate { .. } => "RFC 5280 §6.3, fact sheet §2.1",
        Step::Lookup { layer: Layer::Staple, .. } => "RFC 6066 §8, fact sheet §2.1",
        Step::Lookup { object: Purpose::Issuer, .. } => "RFC 5280 §4.2.2.1, fact sheet §5.1",
        Step::Lookup { .. } => "fact sheet §2.1, §2.4",
        Step::CrossCertificates { .. } => "fact sheet §2.2, partly inferred",
        Step::Retrieve { object: Purpose::Ocsp, .. } => "RFC 6960 §2, fact sheet §2.1",
        Step::Retrieve { object: Purpose::Issuer, .. } => "RFC 5280 §4.2.2.1, fact sheet §2.2",
        Step::Retrieve { .. } => "fact sheet §2.1",
        Step::Shared { .. } => "fact sheet §1.2, KB2831238",
        Step::Withheld { why, .. } => match why {
            Withheld::OfflineMark | Withheld::OcspOfflineMark => "fact sheet §7.1, inferred",
            Withheld::OcspFailed => "fact sheet §7.3, hypotheses H1b and H1d, inferred",
            Withheld::WaitsForDelta => "fact sheet §7.3, hypothesis H4, inferred",
            Withheld::CrlPreferred => "fact sheet §2.1",
            Withheld::NoValidBase => "fact sheet §7.1, inferred",
            Withheld::CachedOnly => "fact sheet §3.2",
            Withheld::CrlRefused => "fact sheet §1.2, dedicated-crl-signer",
            Withheld::NotConnected => "fact sheet §2.4",
        },
        Step::Refused { object: Purpose::Issuer, .. } => "fact sheet §2.2",
        Step::Refused { .. } | Step::BaseTooOld { .. } => "fact sheet §2.6",
        Step::BudgetSpent { .. } => "fact sheet §2.3",
        Step::Listed { object: Purpose::Ocsp, .. } => "RFC 6960 §2.2",
        Step::Listed { .. } => "RFC 5280 §6.3.3",
        Step::NoUrl { object: Purpose::Ocsp | Purpose::Issuer } => "RFC 5280 §4.2.2.1",
        Step::NoUrl { object: Purpose::Delta } => "RFC 5280 §4.2.1.15, §5.2.6",
        Step::NoUrl { object: Purpose::Base } => "RFC 5280 §4.2.1.13",
        Step::Remembered { .. } => "fact sheet §7.3, hypothesis H5, inferred",
    }
}

fn reason(why: Withheld) -> &'static str {
    match why {
        Withheld::OfflineMark => "it is marked offline since an earlier failure",
        Withheld::OcspOfflineMark => "its URL failed lately and is marked offline",
        Withheld::OcspFailed => "OCSP has just failed, and that stops the check short of the CRL",
        Withheld::WaitsForDelta => "it is only asked for when a delta is due too",
        Withheld::CrlPreferred => "policy prefers CRLs",
        Withheld::NoValidBase => "without a valid base there is no use for it",
        Withheld::CachedOnly => "the server is set to keep to what is cached",
        Withheld::CrlRefused => "the CRL goes before it, came and was refused",
        Withheld::NotConnected => "the machine has no network (ERROR_NOT_CONNECTED)",
    }
}

/// What an object is called in a sentence.
pub(crate) fn noun(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Base => "base CRL",
        Purpose::Delta => "delta CRL",
        Purpose::Ocsp => "OCSP answer",
        Purpose::Issuer => "issuer certificate",
    }
}

fn layer_words(layer: Layer) -> &'static str {
    match layer {
        Layer::Memory => "in memory",
        Layer::Disk => "on disk",
        Layer::Store => "in the machine's store",
        Layer::Wire => "from the network",
        Layer::Staple => "in the handshake",
    }
}

/// `0x80092013 CRYPT_E_REVOCATION_OFFLINE`.
fn code(code: Code) -> String {
    match code.symbol() {
        Some(symbol) => format!("{code} {symbol}"),
        None => code.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use revlab_lab::http::FetchError;

    use super::*;

    fn t() -> Instant {
        "2014-04-16T07:25:10Z".parse().unwrap()
    }

    fn base_in_memory(state: State) -> Step {
        let (object, layer) = (Purpose::Base, Layer::Memory);
        let (number, next_update) = match state {
            State::Absent => (None, None),
            _ => (Some(12), Some(t())),
        };
        Step::Lookup { object, layer, state, number, next_update }
    }

    #[test]
    fn every_step_is_a_sentence_with_its_source() {
        let base = Purpose::Base;
        let retrieve = |status, error, rejected: Option<&str>| Step::Retrieve {
            object: Purpose::Ocsp,
            fetch: 17,
            status,
            error,
            rejected: rejected.map(Into::into),
        };
        let crosses = |layer, state, due| Step::CrossCertificates {
            subject: "CN=OLD-ROOT".into(),
            layer,
            state,
            due,
        };
        let withheld = |why| Step::Withheld { object: base, why, until: Some(t()) };
        let steps = [
            Step::Chain { error: None, rule: None },
            Step::Chain { error: Some(Code::CERT_E_UNTRUSTEDROOT), rule: Some("no_path".into()) },
            Step::Resumed,
            Step::Certificate { subject: "CN=jmeter-1".into() },
            base_in_memory(State::Fresh),
            base_in_memory(State::Stale),
            base_in_memory(State::NotYetValid),
            base_in_memory(State::Absent),
            crosses(Layer::Memory, State::Absent, None),
            crosses(Layer::Disk, State::Fresh, Some(t())),
            crosses(Layer::Memory, State::Stale, Some(t())),
            retrieve(Some(404), None, None),
            retrieve(None, Some(FetchError::NameNotResolved), None),
            retrieve(Some(200), None, Some("not an OCSP response")),
            Step::Shared { object: base, fetch: 18 },
            withheld(Withheld::OfflineMark),
            withheld(Withheld::OcspOfflineMark),
            withheld(Withheld::OcspFailed),
            withheld(Withheld::WaitsForDelta),
            withheld(Withheld::CrlPreferred),
            withheld(Withheld::NoValidBase),
            withheld(Withheld::CachedOnly),
            withheld(Withheld::CrlRefused),
            withheld(Withheld::NotConnected),
            Step::Refused { object: Purpose::Delta, why: "it is older than the base".into() },
            Step::BaseTooOld { base: 10, indicator: 12 },
            Step::BudgetSpent { object: base },
            Step::Listed { object: base, reason: Some(1) },
            Step::NoUrl { object: Purpose::Ocsp },
            Step::Remembered { until: t() },
        ];
        let words: Vec<String> = steps.iter().map(step).collect();
        insta::assert_snapshot!(words.join("\n"));
    }
}
