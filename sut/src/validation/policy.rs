//! What a validation asks for: plain data, each a switch of its own.

use revlab_lab::Span;

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
    /// How far this clock may differ from those of the issuers: every limit is widened by it.
    pub tolerance: Span,
    /// What the certificate is used for (RFC 5280 §4.2.1.12).
    pub purpose: Purpose,
    /// Whether the extended key usage of CAs limits the certificates below them, as RFC 5280 does
    /// not say and most programs do.
    pub purpose_is_nested: bool,
    /// Whether signatures with MD5 or SHA-1 count.
    pub weak_signatures: bool,
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
    /// The names that [`Policy::preset`] knows.
    pub const PRESETS: [&str; 8] = [
        "rfc5280-strict",
        "soft-fail",
        "ocsp-only",
        "crl-only",
        "windows-2003",
        "windows-2008r2",
        "windows-2012r2",
        "windows-10",
    ];

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
            tolerance: Span::ZERO,
            purpose: Purpose::Any,
            purpose_is_nested: false,
            weak_signatures: false,
            other_crl_signer: true,
            anchor_checked: false,
            explicit_policy: false,
            responder_checked: true,
            nonce_required: true,
            max_depth: 10,
            max_paths: 64,
        }
    }

    /// As Windows judges from what it has at hand: what the fact sheet says of all versions.
    fn windows() -> Policy {
        Policy {
            // §2.1: OCSP goes before CRLs, and what comes first decides.
            first_source_decides: true,
            // Dated 2012 (unmitigatedrisk): unknown is taken as good (reported).
            unknown_is_good: true,
            // §2.6: a delta that is pointed to has to be current.
            expired_delta: ExpiredDelta::Fatal,
            // Inferred: a CRL past its nextUpdate is said to be offline, deltas or not.
            delta_renews_base: false,
            // dotnet/runtime's tests: an expired CRL that lists the certificate still revokes it.
            expired_crl: ExpiredCrl::Revocations,
            // §2.1: without nextUpdate, a CRL never expires.
            without_next_update: true,
            purpose_is_nested: true,
            weak_signatures: true,
            // §2.1: signed by the issuer of the certificate, nobody else (reported).
            other_crl_signer: false,
            anchor_checked: true,
            responder_checked: false,
            nonce_required: false,
            ..Policy::strict()
        }
    }

    /// The policy of a name: one of [`Policy::PRESETS`].
    pub fn preset(name: &str) -> Option<Policy> {
        let strict = Policy::strict();
        Some(match name {
            "rfc5280-strict" => strict,
            "soft-fail" => Policy { failure: Failure::Soft, ..strict },
            "ocsp-only" => Policy { sources: vec![Source::Ocsp], ..strict },
            "crl-only" => Policy { sources: vec![Source::Crl], ..strict },
            // §2.1: OCSP came with Vista and 2008.
            "windows-2003" => Policy { sources: vec![Source::Crl], ..Policy::windows() },
            "windows-2008r2" | "windows-2012r2" => Policy::windows(),
            // Weak signatures are refused by later updates (inferred).
            "windows-10" => Policy { weak_signatures: false, ..Policy::windows() },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::profile::{CheckScope, ExpiredDelta as Profiled, Sheet};

    /// The profiles say the same to the model; neither can change alone.
    #[test]
    fn policies_ask_for_what_the_profiles_of_their_names_say() {
        let names: BTreeSet<&str> = Sheet::library().iter().map(|sheet| sheet.name()).collect();
        assert_eq!(names, Policy::PRESETS.into_iter().collect());
        for sheet in Sheet::library() {
            let (name, profile) = (sheet.name(), sheet.parameters());
            let policy = Policy::preset(name).unwrap();
            let asks = |source| policy.sources.contains(&source);
            assert_eq!(asks(Source::Ocsp), profile.ocsp_client, "{name}");
            assert_eq!(asks(Source::Crl), profile.crl_client, "{name}");
            assert_eq!(policy.failure == Failure::Hard, profile.offline_refuses, "{name}");
            let fatal = policy.expired_delta == ExpiredDelta::Fatal;
            assert_eq!(fatal, profile.expired_delta_policy == Profiled::Offline, "{name}");
            let chain = policy.scope == Scope::ChainWithoutRoot;
            assert_eq!(chain, profile.check_scope == CheckScope::Chain, "{name}");
        }
    }

    #[test]
    fn every_name_has_a_policy_and_no_other_has() {
        assert!(Policy::PRESETS.iter().all(|name| Policy::preset(name).is_some()));
        assert_eq!(Policy::preset("windows-11"), None);
    }
}
