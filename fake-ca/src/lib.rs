//! A certificate authority to break things with.
//!
//! * [`FakeCa`]: all CAs of a scenario as one state machine: what they publish, issue, revoke and
//!   answer, and what the scenario's faults do to a request;
//! * [`config`], [`fault`]: what a scenario says about them, as plain data;
//! * [`content`]: what they publish wrong on purpose;
//! * [`publication`]: when CRLs are published and how long they are valid;
//! * [`web_site`]: what IIS answers for their files;
//! * [`dns`]: what a name server answers about their hosts;
//! * [`access_log`]: what its log would say, from the trace;
//! * `live`: the same on a real socket (feature `live`).
//!
//! Everything but `live` is pure: no I/O, no clock, no randomness but the seed's.

pub mod access_log;
mod authority;
pub mod config;
pub mod content;
pub mod dns;
mod fake_ca;
pub mod fault;
#[cfg(feature = "live")]
pub mod live;
mod locations;
pub mod publication;
mod responder;
#[cfg(test)]
mod sample;
mod setup;
mod site_name;
pub mod web_site;

pub use content::Defects;
pub use fake_ca::{CaAction, CaEvent, CaUrls, CannotIssue, FakeCa, HttpsCredential};
pub use setup::SetupError;

/// SHA-1 in lower-case hex: the name under which Windows dumps an object.
fn sha1(bytes: &[u8]) -> String {
    use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes);
    let mut hex = String::with_capacity(40);
    for octet in digest.as_ref() {
        let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
        hex.extend([digit(octet >> 4), digit(octet & 15)]);
    }
    hex
}
