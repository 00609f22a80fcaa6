//! Event 11, Build Chain: what the whole check came to.
//!
//! Elements are those of published logs (fact sheet §5.2). Certificates have no `fileRef`, because
//! the trace does not hold their bytes; which flags the caller gives is inferred.

use revlab_lab::trace::Purpose;
use revlab_lab::{Code, Instant};

use super::envelope::{Manifest, result};
use super::part::Part;
use super::words;
use crate::logs::xml::Xml;
use crate::logs::{Options, message};

pub(super) const MANIFEST: Manifest =
    Manifest { id: 11, opcode: 2, keywords: 0x03, root: "CertGetCertificateChain" };

/// A chain that was built and checked.
pub(super) struct Chain<'a> {
    /// One for each certificate, from the root side down.
    pub(super) parts: Vec<Part<'a>>,
    pub(super) code: Code,
    /// Whether revocation was looked at; not when the chain itself is bad.
    pub(super) checked: bool,
    /// Whether a signature does not count for its digest.
    pub(super) weak: bool,
    /// When the check ended, in lab time.
    pub(super) now: Instant,
}

impl Chain<'_> {
    pub(super) fn body(&self, xml: &mut Xml, options: &Options) {
        let evaluated = self.parts.last().map_or("", |part| part.subject);
        xml.empty("Certificate", &[("subjectName", evaluated)]);
        let flag = ("CERT_CHAIN_REVOCATION_CHECK_CHAIN_EXCLUDE_ROOT", "true");
        xml.empty("Flags", &[("value", "40000000"), flag]);
        xml.empty("ChainEngineInfo", &[("context", "machine")]);
        xml.element("CertificateChain", &[], |xml| {
            trust_status(xml, self.code, self.weak);
            for part in self.parts.iter().rev() {
                xml.element("ChainElement", &[], |xml| self.element(xml, part, options));
            }
        });
    }

    fn element(&self, xml: &mut Xml, part: &Part<'_>, options: &Options) {
        xml.empty("Certificate", &[("subjectName", part.subject)]);
        trust_status(xml, part.code, self.weak);
        if !self.checked {
            return;
        }
        let object = |purpose| part.seen.iter().find(|seen| seen.purpose == purpose);
        let source = object(Purpose::Base).or_else(|| object(Purpose::Ocsp));
        let fresh =
            source.map(|seen| words::duration(options.stamp(self.now) - seen.object.this_update));
        let attributes: Vec<_> =
            fresh.as_deref().map(|text| ("freshnessTime", text)).into_iter().collect();
        xml.element("RevocationInfo", &attributes, |xml| {
            result(xml, "RevocationResult", part.code, message::text(part.code));
            for seen in &part.seen {
                words::reference(xml, &seen.object, Some(seen.layer), false);
            }
        });
    }
}

/// CERT_TRUST_STATUS for a code: offline comes together with unknown (fact sheet §2.7).
fn trust_status(xml: &mut Xml, code: Code, weak: bool) {
    let (value, flags): (&str, &[&str]) = match code {
        Code(0) => ("0", &[]),
        Code::CRYPT_E_REVOKED => ("4", &["CERT_TRUST_IS_REVOKED"]),
        Code::CRYPT_E_NO_REVOCATION_CHECK => ("40", &["CERT_TRUST_REVOCATION_STATUS_UNKNOWN"]),
        Code::CERT_E_EXPIRED => ("1", &["CERT_TRUST_IS_NOT_TIME_VALID"]),
        Code::CERT_E_UNTRUSTEDROOT => ("20", &["CERT_TRUST_IS_UNTRUSTED_ROOT"]),
        Code::CERT_E_CHAINING => ("10000", &["CERT_TRUST_IS_PARTIAL_CHAIN"]),
        Code::TRUST_E_CERT_SIGNATURE if weak => ("100000", &["CERT_TRUST_HAS_WEAK_SIGNATURE"]),
        Code::TRUST_E_CERT_SIGNATURE => ("8", &["CERT_TRUST_IS_NOT_SIGNATURE_VALID"]),
        Code::CERT_E_WRONG_USAGE => ("10", &["CERT_TRUST_IS_NOT_VALID_FOR_USAGE"]),
        Code::CERT_E_CRITICAL | Code::CERT_E_MALFORMED => {
            ("100", &["CERT_TRUST_INVALID_EXTENSION"])
        }
        Code::CERT_E_INVALID_POLICY => ("200", &["CERT_TRUST_INVALID_POLICY_CONSTRAINTS"]),
        Code::TRUST_E_BASIC_CONSTRAINTS => ("400", &["CERT_TRUST_INVALID_BASIC_CONSTRAINTS"]),
        Code::CERT_E_INVALID_NAME => ("800", &["CERT_TRUST_INVALID_NAME_CONSTRAINTS"]),
        _ => (
            "1000040",
            &["CERT_TRUST_REVOCATION_STATUS_UNKNOWN", "CERT_TRUST_IS_OFFLINE_REVOCATION"],
        ),
    };
    let mut attributes = vec![("value", value)];
    attributes.extend(flags.iter().map(|flag| (*flag, "true")));
    xml.element("TrustStatus", &[], |xml| {
        xml.empty("ErrorStatus", &attributes);
        xml.empty("InfoStatus", &[("value", "0")]);
    });
}
