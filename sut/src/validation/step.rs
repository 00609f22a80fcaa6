//! What a validation did, step by step: a code, its parameters, its words and its source.

use std::fmt;

use revlab_lab::Instant;
use revlab_pki::{Crl, DistinguishedName, WeakDigest};
use serde::{Serialize, Serializer};

/// A name in a step; text in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(Box<DistinguishedName>);

impl Name {
    /// The name itself.
    pub fn get(&self) -> &DistinguishedName {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.is_empty() {
            true => f.write_str("(no name)"),
            false => self.0.fmt(f),
        }
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl From<&DistinguishedName> for Name {
    fn from(name: &DistinguishedName) -> Name {
        Name(Box::new(name.clone()))
    }
}

/// Which of the CRLs at hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CrlRef {
    /// Its place among them, from 1 on.
    pub place: usize,
    /// Its issuer.
    pub issuer: Name,
    /// Its CRL number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// Whether it is a delta.
    pub delta: bool,
}

impl CrlRef {
    /// The CRL at an index, from 0 on.
    pub fn of(index: usize, crl: &Crl) -> CrlRef {
        CrlRef {
            place: index + 1,
            issuer: crl.issuer().into(),
            number: crl.number(),
            delta: crl.base_number().is_some(),
        }
    }
}

impl fmt::Display for CrlRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.delta { "delta CRL" } else { "CRL" };
        write!(f, "{kind} [{}] of {}", self.place, self.issuer)?;
        self.number.map_or(Ok(()), |number| write!(f, ", number {number}"))
    }
}

/// A weak digest in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(pub WeakDigest);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// A reason code in words (RFC 5280 §5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason(pub Option<u8>);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            None | Some(0) => "unspecified",
            Some(1) => "keyCompromise",
            Some(2) => "cACompromise",
            Some(3) => "affiliationChanged",
            Some(4) => "superseded",
            Some(5) => "cessationOfOperation",
            Some(6) => "certificateHold",
            Some(8) => "removeFromCRL",
            Some(9) => "privilegeWithdrawn",
            Some(10) => "aACompromise",
            Some(other) => return write!(f, "reason {other}"),
        })
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// The steps: a line each, so that code, parameters, source and words stand together.
macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty),* } $code:literal $source:literal $words:literal;)*) => {
        /// One step. `subject` is whose certificate it is about, `crl` and `response` which of the
        /// artefacts at hand (responses count from 1), `at` a time that the artefact states.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        #[serde(tag = "code", rename_all = "snake_case")]
        pub enum Step {
            $($(#[$doc])* $name { $(#[doc = concat!("`", stringify!($field), "`: see [`Step`].")] $field: $kind),* },)*
        }

        impl Step {
            /// Its code, as JSON has it.
            pub fn code(&self) -> &'static str {
                match self { $(Step::$name { .. } => $code,)* }
            }

            /// The rule that it follows.
            pub fn source(&self) -> &'static str {
                match self { $(Step::$name { .. } => $source,)* }
            }
        }

        /// In words, for people.
        impl fmt::Display for Step {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Step::$name { $($field),* } => {
                        // Not every sentence needs every parameter.
                        $(let _ = $field;)*
                        write!(f, $words)
                    })*
                }
            }
        }

        #[cfg(test)]
        const CODES: &[(&str, &str)] = &[$((stringify!($name), $code)),*];
    };
}

steps! {
    /// An artefact was left out: it has a critical part that is not understood.
    NotUnderstood { what: String, why: String } "not_understood" "RFC 5280 §5.2, §5.3" "{what} is not used: {why}";
    /// No anchor was reached.
    NoPath { subject: Name } "no_path" "RFC 5280 §6.1" "no chain leads from {subject} to an anchor";
    /// There were more paths than are tried.
    PathsExhausted { tried: usize } "paths_exhausted" "RFC 5280 §6.1" "gave up after {tried} paths";
    /// A path would have been too long.
    DepthExceeded { depth: usize } "depth_exceeded" "RFC 5280 §6.1" "a chain of more than {depth} certificates is not followed";
    /// A path is looked at.
    PathTried { path: String, anchor: Name } "path_tried" "RFC 5280 §6.1" "trying {path} below the anchor {anchor}";
    /// The target is an anchor.
    TargetIsAnchor { subject: Name } "target_is_anchor" "RFC 5280 §6.1.1 (d)" "{subject} is an anchor itself";
    /// A certificate's signature verifies.
    SignatureGood { subject: Name, issuer: Name } "signature_good" "RFC 5280 §6.1.3 (a)(1)" "{subject} is signed by {issuer}";
    /// It does not.
    SignatureBad { subject: Name, issuer: Name } "signature_bad" "RFC 5280 §6.1.3 (a)(1)" "{subject} is not signed by the key of {issuer}";
    /// A signature uses a digest that the policy refuses.
    SignatureWeak { what: String, digest: Digest } "signature_weak" "RFC 6151 §2, RFC 6194 §4" "{what} is signed with {digest}, which does not count";
    /// The validity has not begun.
    NotYetValid { subject: Name, at: Instant } "not_yet_valid" "RFC 5280 §6.1.3 (a)(2)" "{subject} is not valid before {at}";
    /// It is over.
    Expired { subject: Name, at: Instant } "expired" "RFC 5280 §6.1.3 (a)(2)" "{subject} has expired: it was valid until {at}";
    /// A part of a certificate cannot be read.
    CertificateMalformed { subject: Name, why: String } "certificate_malformed" "RFC 5280 §4.2" "{subject} cannot be used: {why}";
    /// A version 1 or 2 certificate with extensions, or no version at all.
    VersionBad { subject: Name, version: u64 } "version_bad" "RFC 5280 §4.1.2.1" "{subject} is of version {version}, which does not fit what it contains";
    /// A certificate that is no CA's has issued another.
    NotAuthority { subject: Name } "not_authority" "RFC 5280 §6.1.4 (k)" "{subject} is no CA: basic constraints with cA are missing";
    /// pathLenConstraint is exceeded.
    PathTooLong { subject: Name } "path_too_long" "RFC 5280 §6.1.4 (l)" "a path length constraint above {subject} allows no further CA";
    /// Key usage lacks keyCertSign.
    NoCertificateSign { subject: Name } "no_certificate_sign" "RFC 5280 §6.1.4 (n)" "the key of {subject} may not sign certificates";
    /// A critical extension that is not understood.
    UnknownCritical { subject: Name, oid: String } "unknown_critical" "RFC 5280 §6.1.4 (o), §6.1.5 (f)" "{subject} has the critical extension {oid}, which is not understood";
    /// A name lies outside what a CA above may name.
    NameNotPermitted { subject: Name, name: String } "name_not_permitted" "RFC 5280 §6.1.3 (b)" "{subject} bears {name}, which is in no permitted subtree";
    /// A name lies in what a CA above must not name.
    NameExcluded { subject: Name, name: String } "name_excluded" "RFC 5280 §6.1.3 (c)" "{subject} bears {name}, which is in an excluded subtree";
    /// A constraint on names that is not processed.
    NameConstraintUnsupported { subject: Name, kind: String } "name_constraint_unsupported" "RFC 5280 §4.2.1.10" "name constraints above {subject} are of a kind that is not processed: {kind}";
    /// No certificate policy is left, and one is required.
    NoPolicy { subject: Name } "no_policy" "RFC 5280 §6.1.3 (f), §6.1.5 (g); RFC 9618" "no certificate policy is valid for the path down to {subject}, and one is required";
    /// A mapping from or to anyPolicy.
    PolicyMappingBad { subject: Name } "policy_mapping_bad" "RFC 5280 §6.1.4 (a)" "{subject} maps anyPolicy, which is not allowed";
    /// The extended key usage is for something else.
    PurposeWrong { subject: Name, purpose: String } "purpose_wrong" "RFC 5280 §4.2.1.12" "{subject} may not be used for {purpose}";
    /// The path is valid; its revocation comes next.
    PathValid { subject: Name } "path_valid" "RFC 5280 §6.1.5" "the path to {subject} is valid";
    /// A certificate is not asked about.
    NotChecked { subject: Name } "not_checked" "policy" "the revocation of {subject} is not asked about";
    /// A certificate names no source and need not be checked.
    NoPointerGood { subject: Name } "no_pointer_good" "policy" "{subject} names neither a CRL nor a responder, which counts as good";
    /// The status of a certificate is looked for.
    StatusSought { subject: Name, serial: String } "status_sought" "RFC 5280 §6.3" "looking for the status of {subject}, serial {serial}";
    /// A CRL is about another issuer's certificates.
    CrlOtherIssuer { crl: CrlRef } "crl_other_issuer" "RFC 5280 §6.3.3 (b)(1)" "{crl}: of another issuer";
    /// cRLIssuer is named, and the CRL is not indirect.
    CrlNotIndirect { crl: CrlRef } "crl_not_indirect" "RFC 5280 §6.3.3 (b)(1)" "{crl}: the certificate names this CRL issuer, but the CRL is not indirect";
    /// The distribution point is another.
    CrlOtherPoint { crl: CrlRef } "crl_other_point" "RFC 5280 §6.3.3 (b)(2)(i)" "{crl}: of another distribution point";
    /// Its issuing distribution point is of a kind that the policy does not look at.
    CrlScopeRefused { crl: CrlRef, what: String } "crl_scope_refused" "RFC 5280 §5.2" "{crl}: has {what}, which is critical and not looked at";
    /// onlyContainsUserCerts, and the certificate is a CA's.
    CrlOnlyUsers { crl: CrlRef } "crl_only_users" "RFC 5280 §6.3.3 (b)(2)(ii)" "{crl}: about end entities only";
    /// onlyContainsCACerts, and the certificate is not a CA's.
    CrlOnlyAuthorities { crl: CrlRef } "crl_only_authorities" "RFC 5280 §6.3.3 (b)(2)(iii)" "{crl}: about CAs only";
    /// onlyContainsAttributeCerts.
    CrlOnlyAttributes { crl: CrlRef } "crl_only_attributes" "RFC 5280 §6.3.3 (b)(2)(iv)" "{crl}: about attribute certificates only";
    /// It adds no reason to those known.
    CrlNoNewReason { crl: CrlRef } "crl_no_new_reason" "RFC 5280 §6.3.3 (e)" "{crl}: about no reason that is not known already";
    /// A version that does not exist, or extensions in version 1.
    CrlVersionBad { crl: CrlRef, version: u64 } "crl_version_bad" "RFC 5280 §5.1.2.1" "{crl}: its version {version} does not fit what it contains";
    /// It is of version 1, which the policy does not take.
    CrlVersionOld { crl: CrlRef } "crl_version_old" "policy" "{crl}: of version 1, which does not count";
    /// thisUpdate is in the future.
    CrlNotYetValid { crl: CrlRef, at: Instant } "crl_not_yet_valid" "RFC 5280 §6.3.3 (a)" "{crl}: not valid before {at}";
    /// nextUpdate is past.
    CrlExpired { crl: CrlRef, at: Instant } "crl_expired" "RFC 5280 §6.3.3 (a)" "{crl}: expired at {at}";
    /// There is no nextUpdate.
    CrlWithoutNextUpdate { crl: CrlRef } "crl_without_next_update" "RFC 5280 §5.1.2.5" "{crl}: does not say until when it is current";
    /// No certificate for its signature.
    CrlSignerMissing { crl: CrlRef } "crl_signer_missing" "RFC 5280 §6.3.3 (f)" "{crl}: no certificate of its signer at hand, or its signature does not verify";
    /// The signer's certificate is another than the issuer's, which the policy refuses.
    CrlSignerOther { crl: CrlRef } "crl_signer_other" "policy" "{crl}: not signed by the key that signed the certificate";
    /// The signer's path is not valid.
    CrlSignerPath { crl: CrlRef, signer: Name, why: String } "crl_signer_path" "RFC 5280 §6.3.3 (f)" "{crl}: its signer {signer} is not trusted: {why}";
    /// cRLSign is missing.
    CrlSignMissing { crl: CrlRef, signer: Name } "crl_sign_missing" "RFC 5280 §6.3.3 (f)" "{crl}: the key of {signer} may not sign CRLs";
    /// The signer itself is revoked.
    CrlSignerRevoked { crl: CrlRef, signer: Name } "crl_signer_revoked" "RFC 5280 §6.1.3 (a)(3)" "{crl}: its signer {signer} is revoked";
    /// The signature does not verify.
    CrlSignatureBad { crl: CrlRef } "crl_signature_bad" "RFC 5280 §6.3.3 (g)" "{crl}: its signature does not verify";
    /// The CRL is used.
    CrlTaken { crl: CrlRef } "crl_taken" "RFC 5280 §6.3.3 (g)" "{crl}: used";
    /// A delta goes with a base.
    DeltaTaken { crl: CrlRef, base: CrlRef } "delta_taken" "RFC 5280 §6.3.3 (c)" "{crl}: used with {base}";
    /// A delta does not go with it.
    DeltaOther { crl: CrlRef, base: CrlRef, why: String } "delta_other" "RFC 5280 §5.2.4, §6.3.3 (c)" "{crl}: does not go with {base}: {why}";
    /// The base is not used since its delta is not current.
    DeltaFatal { crl: CrlRef } "delta_fatal" "policy" "{crl}: not used, since its delta is not current";
    /// A delta takes a revocation back.
    Removed { crl: CrlRef, subject: Name } "removed" "RFC 5280 §6.3.3 (k)" "{crl}: takes {subject} off the list";
    /// A CRL lists the certificate.
    Listed { crl: CrlRef, subject: Name, reason: Reason, at: Instant } "listed" "RFC 5280 §6.3.3 (i), (j)" "{crl}: lists {subject}, revoked at {at} ({reason})";
    /// A CRL does not.
    NotListed { crl: CrlRef, subject: Name } "not_listed" "RFC 5280 §6.3.3 (j)" "{crl}: does not list {subject}";
    /// Not every reason is covered by the CRLs at hand.
    ReasonsMissing { subject: Name } "reasons_missing" "RFC 5280 §6.3.3 (l)" "the CRLs at hand do not cover every reason for which {subject} could be revoked";
    /// There is nothing about the certificate.
    NothingFound { subject: Name } "nothing_found" "RFC 5280 §6.3.3" "no CRL and no OCSP response at hand says anything about {subject}";
    /// An error response.
    OcspError { response: usize, status: u8 } "ocsp_error" "RFC 6960 §4.2.1" "OCSP response [{response}]: an error, responseStatus {status}";
    /// No answer about the certificate.
    OcspOther { response: usize } "ocsp_other" "RFC 6960 §3.2 (1)" "OCSP response [{response}]: not about this certificate";
    /// Nobody who may has signed it.
    OcspUnauthorized { response: usize, why: String } "ocsp_unauthorized" "RFC 6960 §4.2.2.2" "OCSP response [{response}]: its signer may not answer for this CA: {why}";
    /// The signature does not verify.
    OcspSignatureBad { response: usize } "ocsp_signature_bad" "RFC 6960 §3.2 (2)" "OCSP response [{response}]: its signature does not verify";
    /// The nonce is missing or another.
    OcspNonce { response: usize } "ocsp_nonce" "RFC 9654 §2.1" "OCSP response [{response}]: does not bear the nonce of the request";
    /// thisUpdate is in the future.
    OcspNotYetValid { response: usize, at: Instant } "ocsp_not_yet_valid" "RFC 6960 §3.2 (5)" "OCSP response [{response}]: not valid before {at}";
    /// nextUpdate is past.
    OcspExpired { response: usize, at: Instant } "ocsp_expired" "RFC 6960 §3.2 (6)" "OCSP response [{response}]: expired at {at}";
    /// nextUpdate lies before thisUpdate.
    OcspTimesBad { response: usize } "ocsp_times_bad" "RFC 6960 §4.2.2.1" "OCSP response [{response}]: its nextUpdate lies before its thisUpdate";
    /// Its thisUpdate lies further back than the policy takes.
    OcspTooOld { response: usize, at: Instant } "ocsp_too_old" "RFC 6960 §3.2 (5)" "OCSP response [{response}]: of {at}, which is not recent enough";
    /// There is no nextUpdate.
    OcspWithoutNextUpdate { response: usize } "ocsp_without_next_update" "RFC 5019 §2.2.4" "OCSP response [{response}]: does not say until when it is current";
    /// The responder is accepted.
    OcspTaken { response: usize, responder: Name } "ocsp_taken" "RFC 6960 §4.2.2.2" "OCSP response [{response}]: used, signed by {responder}";
    /// Good.
    OcspGood { response: usize, subject: Name } "ocsp_good" "RFC 6960 §2.2" "OCSP response [{response}]: {subject} is good";
    /// Revoked.
    OcspRevoked { response: usize, subject: Name, reason: Reason, at: Instant } "ocsp_revoked" "RFC 6960 §2.2" "OCSP response [{response}]: {subject} was revoked at {at} ({reason})";
    /// Unknown.
    OcspUnknown { response: usize, subject: Name } "ocsp_unknown" "RFC 6960 §2.2" "OCSP response [{response}]: the responder does not know {subject}";
    /// Undetermined, and let through.
    SoftFail { subject: Name } "soft_fail" "policy" "the status of {subject} is not known, which counts as good";
    /// The certificate is not revoked.
    NotRevoked { subject: Name } "not_revoked" "RFC 5280 §6.3.3" "{subject} is not revoked";
}

impl Step {
    /// Why a source that is about the certificate was not used; those about something else say
    /// nothing.
    pub(super) fn is_refusal_of_a_source(&self) -> bool {
        let about_others =
            ["crl_other_issuer", "crl_other_point", "crl_no_new_reason", "ocsp_other"];
        let code = self.code();
        let of_source = ["crl_", "ocsp_", "delta_", "reasons_", "signature_weak"];
        let taken = ["crl_taken", "delta_taken", "ocsp_taken", "ocsp_good"];
        of_source.iter().any(|start| code.starts_with(start))
            && !about_others.contains(&code)
            && !taken.contains(&code)
    }

    /// Whether a CRL was refused for one distribution point and may serve for another.
    pub(super) fn is_about_scope(&self) -> bool {
        matches!(
            self,
            Step::CrlOtherIssuer { .. }
                | Step::CrlNotIndirect { .. }
                | Step::CrlOtherPoint { .. }
                | Step::CrlNoNewReason { .. }
        )
    }

    /// Whose certificate a step of the path is about.
    pub(super) fn subject(&self) -> Option<&Name> {
        match self {
            Step::SignatureBad { subject, .. }
            | Step::NotYetValid { subject, .. }
            | Step::Expired { subject, .. }
            | Step::CertificateMalformed { subject, .. }
            | Step::VersionBad { subject, .. }
            | Step::NotAuthority { subject }
            | Step::PathTooLong { subject }
            | Step::NoCertificateSign { subject }
            | Step::UnknownCritical { subject, .. }
            | Step::NameNotPermitted { subject, .. }
            | Step::NameExcluded { subject, .. }
            | Step::NameConstraintUnsupported { subject, .. }
            | Step::NoPolicy { subject }
            | Step::PolicyMappingBad { subject }
            | Step::PurposeWrong { subject, .. } => Some(subject),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// serde makes the same codes from the names of the variants.
    #[test]
    fn codes_are_the_names_in_snake_case_and_all_differ() {
        let snake = |name: &str| {
            name.chars().fold(String::new(), |mut text, c| {
                if c.is_ascii_uppercase() && !text.is_empty() {
                    text.push('_');
                }
                text.push(c.to_ascii_lowercase());
                text
            })
        };
        for (name, code) in CODES {
            assert_eq!(snake(name), *code);
        }
    }

    #[test]
    fn a_step_has_words_a_code_and_a_source() {
        let subject = Name::from(&DistinguishedName::common_name("XXX-CA"));
        let step = Step::Expired { subject, at: Instant::from_millis(0) };
        assert_eq!(
            step.to_string(),
            "CN=XXX-CA has expired: it was valid until 1970-01-01T00:00:00.000Z"
        );
        assert_eq!(step.source(), "RFC 5280 §6.1.3 (a)(2)");
        let json = serde_json::to_value(&step).unwrap();
        assert_eq!(json["code"], step.code());
        assert_eq!(json["subject"], "CN=XXX-CA");
    }
}
