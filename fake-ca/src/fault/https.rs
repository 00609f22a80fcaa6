//! `https`: the host listens at port 443 too, with a certificate that nobody should trust.
//!
//! It acts on requests to `https` URLs alone, which are refused without it: the handshake fails. A
//! client that looks away is served on a real socket; the lab's own never does.

use super::Ruling;

/// The name in scenarios.
pub(super) const NAME: &str = "https";

/// What is wrong with the certificate of a site that speaks TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HttpsCertificate {
    /// It is signed by its own key.
    SelfSigned,
    /// It has expired, a day before the scenario begins.
    Expired,
    /// It is for another host.
    OtherName,
    /// It is issued by a CA that nobody knows.
    Untrusted,
}

impl HttpsCertificate {
    /// All, with their names in scenarios.
    pub const NAMES: [(&'static str, HttpsCertificate); 4] = [
        ("self_signed", HttpsCertificate::SelfSigned),
        ("expired", HttpsCertificate::Expired),
        ("other_name", HttpsCertificate::OtherName),
        ("untrusted", HttpsCertificate::Untrusted),
    ];
}

/// What comes of the request.
pub(super) fn ruling(wrong: HttpsCertificate) -> Ruling {
    Ruling::Insecure(wrong)
}

#[cfg(test)]
mod tests {
    use super::super::tests::meeting;
    use super::super::{Effect, ResetAt, Ruling};
    use super::*;

    #[test]
    fn the_handshake_comes_behind_the_connection_and_before_the_request() {
        let tls = || Effect::Https(HttpsCertificate::Expired);
        let insecure = Ruling::Insecure(HttpsCertificate::Expired);
        let met = |other| meeting(&[("other", other), ("https", tls())]).ruling;
        assert_eq!(met(Effect::Down), Ruling::Refused);
        assert_eq!(met(Effect::ResetPeer(ResetAt::Connect)), Ruling::ResetAtConnect);
        assert_eq!(met(Effect::ResetPeer(ResetAt::Request)), insecure);
        assert_eq!(met(Effect::Timeout(None)), insecure);
    }
}
