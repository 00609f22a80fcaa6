//! The keys of `[ca.NAME.crl]` that say which CRLs there are and how they get to the web site.

use revlab_fake_ca::config::{CrlSigner, Publishing, Replica};
use revlab_lab::{Instant, Span};
use revlab_pki::{CrlSubjects, KeyAlgorithm};

use super::Spec;
use super::actors::Role;
use super::ca::file_stem;
use super::fields::Fields;
use super::times::Sign;

#[cfg(test)]
pub(super) const SPECS: &[&Spec] = &[&DOWN, &REPLICA, &SIGNER];

const DOWN: Spec = Spec { path: "ca.NAME.crl.down", keys: &["from", "until"], kinds: &[] };

const REPLICA: Spec = Spec { path: "ca.NAME.crl.replica", keys: &["url", "lag"], kinds: &[] };

const SIGNER: Spec = Spec { path: "ca.NAME.crl.signer", keys: &["name", "key"], kinds: &[] };

const SCOPES: [(&str, Option<CrlSubjects>); 4] = [
    ("all", None),
    ("user", Some(CrlSubjects::Users)),
    ("ca", Some(CrlSubjects::Authorities)),
    ("attribute", Some(CrlSubjects::Attributes)),
];

/// Reasons that a list can be limited to, with their codes (RFC 5280 §5.3.1).
const REASONS: [(&str, u8); 8] = [
    ("key_compromise", 1),
    ("ca_compromise", 2),
    ("affiliation_changed", 3),
    ("superseded", 4),
    ("cessation_of_operation", 5),
    ("certificate_hold", 6),
    ("privilege_withdrawn", 9),
    ("aa_compromise", 10),
];

/// As many as issue 3 asks for: 1,000,000 entries.
const PADDING_MOST: i64 = 1_000_000;

/// A certificate's list is told by one octet of its serial number.
const PARTITIONS_MOST: i64 = 256;

/// Reads them from the CA's `crl` table; `cdp` is whether the CA has CRL distribution points of its
/// own.
pub(super) fn decode(crl: &Fields<'_>, cdp: bool) -> Publishing {
    let partitions = crl.number("partitions", 1, PARTITIONS_MOST).unwrap_or(0);
    if partitions > 1 && cdp {
        let message = "certificates point to the list that they are in; with `cdp` they cannot";
        crl.report("partitions", message);
    }
    Publishing {
        only: crl.choice("scope", &SCOPES).flatten(),
        reasons: reasons(crl),
        partitions,
        signer: signer(crl),
        indirect_for: indirect_for(crl),
        padding: crl.number("padding", 0, PADDING_MOST).unwrap_or(0),
        lag: crl.duration("publication_lag", Sign::NotNegative).unwrap_or(Span::ZERO),
        down: down(crl),
        replica: replica(crl),
        archive: crl.boolean("archive").unwrap_or(false),
        ahead: crl.boolean("pre_publish").unwrap_or(false),
    }
}

fn reasons(crl: &Fields<'_>) -> Option<Vec<u8>> {
    let texts = crl.texts("reasons")?;
    if texts.is_empty() {
        crl.report(
            "reasons",
            "a list for no reason lists nothing; without `reasons` it is for all",
        );
    }
    let chosen = |(text, place)| crl.chosen("reasons", place, text, &REASONS);
    Some(texts.into_iter().filter_map(chosen).collect())
}

fn indirect_for(crl: &Fields<'_>) -> Vec<revlab_lab::Name> {
    let texts = crl.texts("indirect_for").unwrap_or_default();
    texts.into_iter().filter_map(|(text, place)| crl.cx.actor(text, place, &[Role::Ca])).collect()
}

fn signer(crl: &Fields<'_>) -> Option<CrlSigner> {
    let fields = crl.table("signer", &SIGNER)?;
    let common_name = fields.parsed("name", "a text", file_stem);
    Some(CrlSigner { common_name, key: fields.choice("key", &KeyAlgorithm::NAMES) })
}

fn down(crl: &Fields<'_>) -> Option<(Instant, Instant)> {
    let window = crl.table("down", &DOWN)?.window("from", "until");
    Some((window.from, window.to))
}

fn replica(crl: &Fields<'_>) -> Option<Replica> {
    let fields = crl.table("replica", &REPLICA)?;
    fields.require("lag", "lag = \"2h\"");
    let url = fields.parsed("url", "a URL", |text| text.parse().map_err(|e| format!("{e}")));
    Some(Replica { url, lag: fields.duration("lag", Sign::NotNegative)? })
}
