//! What a validation asks for: plain data, each a switch of its own.

use revlab_lab::Span;

use crate::profile::{self, CheckScope, CrlScopes, CrlSigner, OcspNonce, Parameters};

/// How a chain and its revocation are judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Which certificates have to be proven not revoked.
    pub scope: Scope,
    /// What becomes of a certificate whose status cannot be found out.
    pub failure: Failure,
    /// A certificate that names neither a CRL nor a responder.
    pub no_pointer: NoPointer,
    /// Where the status is looked for, in this order.
    pub sources: Vec<Source>,
    /// Whether one conclusive source ends the search. Otherwise all are asked, and a revocation in
    /// any of them counts.
    pub first_source_decides: bool,
    /// Whether `unknown` of a responder counts as good.
    pub unknown_is_good: bool,
    /// Whether delta CRLs are used.
    pub deltas: bool,
    /// What becomes of a base CRL whose delta is not current.
    pub expired_delta: ExpiredDelta,
    /// Whether a current delta brings a base CRL up to date that has expired (RFC 5280 §6.3.3
    /// (a)(1)(i)); otherwise the base has to be current too.
    pub delta_renews_base: bool,
    /// What a CRL that is no longer current still says.
    pub expired_crl: ExpiredCrl,
    /// Whether a CRL or an OCSP answer without nextUpdate is current for ever; otherwise never.
    pub without_next_update: bool,
    /// Whether CRLs of version 1 count (RFC 5280 §5 wants them processed).
    pub version_1: bool,
    /// How long after its nextUpdate a CRL or an OCSP answer still counts as current.
    pub grace: Span,
    /// How far back the thisUpdate of an OCSP answer may lie, whatever its nextUpdate; zero: as far as it
    /// likes. RFC 6960 §3.2 (5) leaves "sufficiently recent" to the client.
    pub ocsp_max_age: Span,
    /// How far this clock may differ from those of the issuers: every limit is widened by it.
    pub tolerance: Span,
    /// What the certificate is used for (RFC 5280 §4.2.1.12).
    pub purpose: Purpose,
    /// Whether the extended key usage of CAs limits the certificates below them, as RFC 5280 does
    /// not say and most programs do.
    pub purpose_is_nested: bool,
    /// Whether signatures with MD5 or SHA-1 count.
    pub weak_signatures: bool,
    /// What a CRL with an issuing distribution point is used for.
    pub scopes: CrlScopes,
    /// Whether a CRL may be signed by another key than the one that signed the certificate
    /// (RFC 5280 §6.3.3 (f)): a dedicated CRL issuer, an indirect CRL, the CA's key before or
    /// after.
    pub other_crl_signer: bool,
    /// Whether the anchor's own validity and constraints count (RFC 5937); RFC 5280 §6.1.1 takes
    /// nothing but name and key from it.
    pub anchor_checked: bool,
    /// Whether the path must be valid for some certificate policy (initial-explicit-policy).
    pub explicit_policy: bool,
    /// Whether a delegated responder's certificate without id-pkix-ocsp-nocheck must be proven not
    /// revoked by a CRL (RFC 6960 §4.2.2.2.1); otherwise it counts as good.
    pub responder_checked: bool,
    /// Whether a delegated responder is believed whose own certificate names a CRL or a responder.
    pub responder_with_source: bool,
    /// Whether an OCSP answer must bear the nonce of the request, where there was one.
    pub nonce_required: bool,
    /// How many certificates a path may have below its anchor.
    pub max_depth: usize,
    /// How many paths are tried.
    pub max_paths: usize,
}

/// Which certificates have to be proven not revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// None: the path alone is judged.
    Nothing,
    /// The target.
    Leaf,
    /// All but the anchor.
    ChainWithoutRoot,
    /// The anchor too, by CRLs of its own.
    WholeChain,
}

/// What becomes of a certificate whose status cannot be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The whole is undetermined.
    Hard,
    /// It counts as good.
    Soft,
}

/// A certificate that names neither a CRL nor a responder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPointer {
    /// Is judged as any other, by what there is (RFC 5280 §6.3.3 takes every CRL of its issuer).
    Judged,
    /// Counts as good.
    Good,
}

/// Where a status is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// OCSP responses.
    Ocsp,
    /// CRLs.
    Crl,
}

/// What becomes of a base CRL whose delta is not current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiredDelta {
    /// It is used alone.
    Ignored,
    /// It is not used either.
    Fatal,
}

/// What a CRL that is no longer current still says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiredCrl {
    /// Nothing.
    Nothing,
    /// That those which it lists are revoked.
    Revocations,
}

/// What a certificate is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Anything.
    Any,
    /// Authenticating a TLS client: id-kp-clientAuth.
    Client,
    /// Authenticating a TLS server: id-kp-serverAuth.
    Server,
}

impl Policy {
    /// All that RFC 5280 and RFC 6960 ask for, and nothing taken for granted: hard fail, every
    /// source heard, whole chain but the anchor.
    pub fn strict() -> Policy {
        Policy {
            scope: Scope::ChainWithoutRoot,
            failure: Failure::Hard,
            no_pointer: NoPointer::Judged,
            sources: vec![Source::Ocsp, Source::Crl],
            first_source_decides: false,
            unknown_is_good: false,
            deltas: true,
            expired_delta: ExpiredDelta::Ignored,
            delta_renews_base: true,
            expired_crl: ExpiredCrl::Nothing,
            without_next_update: false,
            version_1: true,
            grace: Span::ZERO,
            ocsp_max_age: Span::ZERO,
            tolerance: Span::ZERO,
            purpose: Purpose::Any,
            purpose_is_nested: false,
            weak_signatures: false,
            scopes: CrlScopes::Full,
            other_crl_signer: true,
            anchor_checked: false,
            explicit_policy: false,
            responder_checked: true,
            responder_with_source: true,
            nonce_required: true,
            max_depth: 10,
            max_paths: 64,
        }
    }

    /// As a profile with these parameters judges. What the certificate is used for is up to the
    /// caller: [`Purpose::Any`].
    pub fn of(parameters: &Parameters) -> Policy {
        let p = parameters;
        let ocsp = p.ocsp_client.then_some(Source::Ocsp);
        let crl = p.crl_client.then_some(Source::Crl);
        Policy {
            scope: match p.check_scope {
                CheckScope::Chain => Scope::ChainWithoutRoot,
                CheckScope::Leaf => Scope::Leaf,
            },
            failure: if p.offline_refuses { Failure::Hard } else { Failure::Soft },
            sources: ocsp.into_iter().chain(crl).collect(),
            first_source_decides: p.first_source_decides,
            unknown_is_good: p.unknown_is_good,
            expired_delta: match p.expired_delta_policy {
                profile::ExpiredDelta::BaseOnly => ExpiredDelta::Ignored,
                profile::ExpiredDelta::Offline => ExpiredDelta::Fatal,
            },
            expired_crl: match p.expired_crl_revokes {
                true => ExpiredCrl::Revocations,
                false => ExpiredCrl::Nothing,
            },
            delta_renews_base: p.delta_renews_base,
            without_next_update: p.without_next_update,
            version_1: p.crl_version_1,
            grace: p.crl_validity_extension,
            tolerance: p.clock_skew_tolerance,
            ocsp_max_age: p.ocsp_max_age,
            purpose_is_nested: p.usage_is_nested,
            weak_signatures: p.weak_signatures,
            scopes: p.crl_scope,
            other_crl_signer: p.crl_signer == CrlSigner::Authorized,
            anchor_checked: p.anchor_checked,
            responder_checked: p.responder_checked,
            responder_with_source: p.responder_with_source,
            nonce_required: p.ocsp_nonce != OcspNonce::Ignored,
            ..Policy::strict()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Sheet;

    fn preset(name: &str) -> Policy {
        Policy::of(Sheet::named(name).unwrap().parameters())
    }

    #[test]
    fn the_strict_profile_asks_for_all_that_there_is() {
        assert_eq!(preset("rfc5280-strict"), Policy::strict());
    }

    /// §2.1, §2.6 and §2.7 of the fact sheet.
    #[test]
    fn windows_judges_by_its_own_rules() {
        let windows = preset("windows-2008r2");
        assert_eq!(windows.expired_delta, ExpiredDelta::Fatal);
        assert_eq!(windows.expired_crl, ExpiredCrl::Revocations);
        assert_eq!(windows.scopes, CrlScopes::Urls);
        assert!(windows.without_next_update && !windows.other_crl_signer);
        assert_eq!(preset("windows-2003").sources, [Source::Crl]);
        assert!(!preset("windows-10").weak_signatures);
    }
}
