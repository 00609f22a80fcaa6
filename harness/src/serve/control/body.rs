//! What the bodies of commands say.

use revlab_lab::Span;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::{Command, Problem};

/// The reason code of certificateHold (RFC 5280 §5.3.1).
pub(in crate::serve) const HOLD: u8 = 6;

/// Which certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// That of an identity, a SUT or a CA, by its name in the scenario.
    Identity(String),
    /// By serial number.
    Serial {
        /// The CA that issued it; none: the only one that has issued that serial number.
        ca: Option<String>,
        /// In hex.
        serial: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Certificate {
    identity: Option<String>,
    ca: Option<String>,
    serial: Option<String>,
    reason: Option<u8>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Publish {
    ca: Option<String>,
    base: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Postpone {
    ca: Option<String>,
    base: Option<bool>,
    by: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Restore {
    ca: Option<String>,
    back: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    ca: Option<String>,
    by: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Nothing {}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::new(400, format!("the body: {error}")))
}

/// As [`read`]; no body at all says nothing.
fn read_or_default<'a, T: Deserialize<'a> + Default>(body: &'a [u8]) -> Result<T, Problem> {
    if body.trim_ascii().is_empty() { Ok(T::default()) } else { read(body) }
}

pub(super) fn object(body: &[u8]) -> Result<Map<String, Json>, Problem> {
    read(body)
}

pub(super) fn nothing(body: &[u8]) -> Result<(), Problem> {
    read_or_default::<Nothing>(body).map(|Nothing {}| ())
}

pub(super) fn revoke(body: &[u8]) -> Result<Command, Problem> {
    let certificate: Certificate = read(body)?;
    let reason = certificate.reason;
    if reason.is_some_and(|reason| !matches!(reason, 0..=6 | 9 | 10)) {
        return Err(Problem::new(400, "`reason` is 0 to 6, 9 or 10 (RFC 5280 §5.3.1)"));
    }
    Ok(Command::Revoke { which: which(certificate)?, reason })
}

pub(super) fn hold(body: &[u8]) -> Result<Command, Problem> {
    Ok(Command::Revoke { which: without_reason(body)?, reason: Some(HOLD) })
}

fn without_reason(body: &[u8]) -> Result<Which, Problem> {
    let certificate: Certificate = read(body)?;
    if certificate.reason.is_some() {
        return Err(Problem::new(400, "`reason` is for /revoke alone"));
    }
    which(certificate)
}

fn which(certificate: Certificate) -> Result<Which, Problem> {
    let Certificate { identity, ca, serial, .. } = certificate;
    match (identity, serial, ca) {
        (Some(identity), None, None) => Ok(Which::Identity(identity)),
        (None, Some(serial), ca) => Ok(Which::Serial { ca, serial }),
        _ => Err(Problem::new(400, "say `identity`, or `serial` and perhaps `ca`")),
    }
}

pub(super) fn publish(body: &[u8]) -> Result<Command, Problem> {
    let Publish { ca, base } = read_or_default(body)?;
    Ok(Command::Publish { ca, base: base.unwrap_or(true) })
}

pub(super) fn release(body: &[u8]) -> Result<Command, Problem> {
    without_reason(body).map(Command::Release)
}

pub(super) fn skip(body: &[u8]) -> Result<Command, Problem> {
    let Publish { ca, base } = read_or_default(body)?;
    Ok(Command::Skip { ca, base: base.unwrap_or(true) })
}

pub(super) fn postpone(body: &[u8]) -> Result<Command, Problem> {
    let Postpone { ca, base, by } = read(body)?;
    Ok(Command::Postpone { ca, base: base.unwrap_or(true), by: length(&by)? })
}

pub(super) fn restore(body: &[u8]) -> Result<Command, Problem> {
    let Restore { ca, back } = read_or_default(body)?;
    match back.unwrap_or(1) {
        0 => Err(Problem::new(400, "`back` is at least 1")),
        back => Ok(Command::Restore { ca, back }),
    }
}

pub(super) fn clock(body: &[u8]) -> Result<Command, Problem> {
    let Clock { ca, by } = read(body)?;
    let by = match &by.strip_prefix('-').filter(|_| ca.is_some()) {
        Some(back) => Span::ZERO - length(back)?,
        None => length(&by)?,
    };
    Ok(Command::Clock { ca, by })
}

/// Time that passes: some, and not so much that the CA would be busy for hours.
fn length(by: &str) -> Result<Span, Problem> {
    const LONGEST: Span = Span::from_days(3_653);
    let by: Span = by.parse().map_err(|error| Problem::new(400, format!("`by`: {error}")))?;
    if by <= Span::ZERO || by > LONGEST {
        return Err(Problem::new(400, "`by` is longer than zero and at most ten years"));
    }
    Ok(by)
}
