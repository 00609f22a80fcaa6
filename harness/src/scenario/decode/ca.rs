//! `[ca.NAME]`.

use std::collections::BTreeMap;

use revlab_fake_ca::config::{
    Aia, BaseRun, CaConfig, CrlSchedule, DeltaBase, DeltaOverlap, Issued, Publishing, WebSite,
};
use revlab_lab::clock::Drift;
use revlab_lab::{Name, Span};
use revlab_pki::{AccessDescription, AccessMethod, KeyAlgorithm};

use super::super::notation;
use super::super::tree::{Entry, Table};
use super::Spec;
use super::actors::Role;
use super::clock;
use super::context::Context;
use super::fields::Fields;
use super::imported;
use super::issued;
use super::publishing;
use super::renewed;
use super::responder;
use super::times::Sign;
use super::validity;

#[cfg(test)]
pub(super) const SPECS: &[&Spec] = &[&CA, &CRL, &AIA, &WEB];

const CA: Spec = Spec {
    path: "ca.NAME",
    keys: &[
        "style",
        "name",
        "host",
        "computer",
        "parent",
        "cross",
        "key",
        "certificate",
        "private_key",
        "key_index",
        "renewed",
        "age",
        "lifetime",
        "not_before",
        "not_after",
        "issued_lifetime",
        "crl",
        "cdp",
        "freshest",
        "published_locations",
        "aia",
        "issued",
        "own",
        "responder",
        "web",
        "clock",
        "fault",
    ],
    kinds: &[],
};

const CRL: Spec = Spec {
    path: "ca.NAME.crl",
    keys: &[
        "period",
        "delta_period",
        "overlap",
        "delta_overlap",
        "delta_overlap_rule",
        "clock_skew",
        "phase",
        "delta_phase",
        "drift",
        "base_publishes_delta",
        "delta_base",
        "virtual_base",
        "scope",
        "reasons",
        "partitions",
        "signer",
        "indirect_for",
        "padding",
        "publication_lag",
        "down",
        "replica",
        "archive",
        "pre_publish",
    ],
    kinds: &[],
};

const AIA: Spec = Spec { path: "ca.NAME.aia", keys: &["ocsp", "issuers", "access"], kinds: &[] };

const WEB: Spec = Spec { path: "ca.NAME.web", keys: &["double_escaping"], kinds: &[] };

const STYLES: [(&str, ()); 1] = [("adcs", ())];

const RULES: [(&str, DeltaOverlap); 2] = [("A", DeltaOverlap::A), ("B", DeltaOverlap::B)];

const DELTA_BASES: [(&str, DeltaBase); 3] = [
    ("previous", DeltaBase::Previous),
    ("newest", DeltaBase::Newest),
    ("oldest_unexpired", DeltaBase::OldestUnexpired),
];

pub(super) fn decode(cx: &Context, name: Name, entry: &Entry) -> Option<CaConfig> {
    let label = format!("CA `{name}`");
    let fields = Fields::open(cx, &entry.node, entry.place, label, &CA)?;
    fields.choice("style", &STYLES);
    let host = fields.host("host").unwrap_or_else(|| name.to_ascii_lowercase());
    let (aia, access) = aia(&fields);
    let (crl, publishing) = crl(&fields);
    let imported = imported::decode(&fields);
    let (age, lifetime) = validity::decode(&fields);
    let own = imported.as_ref();
    let own_key = own.map(|own| own.key.algorithm());
    let key_index = own.and_then(|own| own.certificate.ca_version()).map(|(_, key)| key);
    let own_name = own.and_then(|own| own.certificate.subject().common_name_value());
    let own_name = own_name.filter(|name| file_stem(name).is_ok());
    Some(CaConfig {
        parent: fields.actor("parent", &[Role::Ca]),
        cross: cross(&fields, &name),
        common_name: common_name(&fields).or(own_name).unwrap_or_else(|| name.to_string()),
        computer: fields.host("computer").unwrap_or_else(|| host.to_ascii_uppercase()),
        host,
        key: fields
            .choice("key", &KeyAlgorithm::NAMES)
            .or(own_key)
            .unwrap_or(KeyAlgorithm::EcdsaP256),
        key_index: fields.number("key_index", 0, i64::from(u16::MAX)).or(key_index).unwrap_or(0),
        imported,
        renewed: renewed::decode(&fields, age),
        age,
        lifetime,
        issued_lifetime: fields
            .duration("issued_lifetime", Sign::Positive)
            .unwrap_or(Span::from_days(365)),
        crl,
        publishing,
        cdp: fields.urls("cdp"),
        freshest: fields.urls("freshest"),
        published_locations: fields.urls("published_locations").unwrap_or_default(),
        responder: responder::decode(&fields, &aia),
        aia,
        issued: issued::decode(&fields, access),
        own: issued::own(&fields),
        web: web(&fields),
        clock: clock::decode(&fields),
        name,
    })
}

/// Other CAs, each once.
fn cross(fields: &Fields<'_>, own: &Name) -> Vec<Name> {
    let mut others: Vec<Name> = Vec::new();
    for (text, place) in fields.texts("cross").unwrap_or_default() {
        let Some(other) = fields.cx.actor(text, place, &[Role::Ca]) else { continue };
        if other == *own || others.contains(&other) {
            let message = format!("`cross` of {}: `{other}` is no further CA", fields.label);
            fields.cx.report_with(place, message, "name each other CA once");
        } else {
            others.push(other);
        }
    }
    others
}

/// The common name is also the stem of file names and stands in URLs.
fn common_name(fields: &Fields<'_>) -> Option<String> {
    fields.parsed("name", "a text", file_stem)
}

pub(super) fn file_stem(text: &str) -> Result<String, String> {
    let forbidden = |c: char| c.is_control() || "/\\:*?\"<>|%#".contains(c);
    // X.520: ub-common-name is 64.
    if text.trim().is_empty() || text.chars().count() > 64 || text.contains(forbidden) {
        return Err("1 to 64 characters that can stand in a file name are needed".into());
    }
    Ok(text.to_owned())
}

fn crl(ca: &Fields<'_>) -> (CrlSchedule, Publishing) {
    let divided = |usual| ca.cx.divided(usual);
    let usual = CrlSchedule {
        period: divided(Span::from_days(7)),
        delta_period: Some(divided(Span::from_days(1))),
        overlap: None,
        delta_overlap: None,
        delta_overlap_rule: DeltaOverlap::A,
        clock_skew: divided(Span::from_mins(10)),
        phase: Span::ZERO,
        delta_phase: Span::ZERO,
        drift: Drift::NONE,
        base_run: BaseRun::BaseOnly,
        delta_base: DeltaBase::Previous,
        virtual_base: true,
    };
    let Some(fields) = ca.table("crl", &CRL) else { return (usual, Publishing::default()) };
    let or = |key, sign, usual| fields.duration(key, sign).unwrap_or(usual);
    let base_run = match fields.boolean("base_publishes_delta") {
        Some(true) => BaseRun::WithDelta,
        Some(false) => BaseRun::BaseOnly,
        None => usual.base_run,
    };
    let schedule = CrlSchedule {
        period: or("period", Sign::Positive, usual.period),
        delta_period: delta_period(&fields, usual.delta_period),
        overlap: fields.duration("overlap", Sign::NotNegative),
        delta_overlap: fields.duration("delta_overlap", Sign::NotNegative),
        delta_overlap_rule: fields
            .choice("delta_overlap_rule", &RULES)
            .unwrap_or(usual.delta_overlap_rule),
        clock_skew: or("clock_skew", Sign::NotNegative, usual.clock_skew),
        phase: or("phase", Sign::Any, usual.phase),
        delta_phase: or("delta_phase", Sign::Any, usual.delta_phase),
        drift: fields
            .parsed("drift", "a drift such as `\"24s per 1h\"`", notation::drift)
            .unwrap_or(usual.drift),
        base_run,
        delta_base: fields.choice("delta_base", &DELTA_BASES).unwrap_or(usual.delta_base),
        virtual_base: fields.boolean("virtual_base").unwrap_or(usual.virtual_base),
    };
    check_overlaps(&fields, &schedule);
    (schedule, publishing::decode(&fields, ca.has("cdp")))
}

fn delta_period(fields: &Fields<'_>, usual: Option<Span>) -> Option<Span> {
    match fields.entry("delta_period").map(|entry| &entry.node.value) {
        None => usual,
        Some(super::super::tree::Value::Text(text)) if text == "none" => None,
        // One that is wrong is reported; that there are no deltas then spoils no other check.
        Some(_) => fields.duration("delta_period", Sign::Positive),
    }
}

/// AD CS takes no overlap beyond the period, and no delta period beyond the base's (fact sheet
/// §4.1).
fn check_overlaps(fields: &Fields<'_>, schedule: &CrlSchedule) {
    let longer = |key, overlap: Option<Span>, period_key, period: Option<Span>| {
        if let (Some(overlap), Some(period)) = (overlap, period)
            && overlap > period
        {
            fields.report(key, format!("`{overlap}` is longer than `{period_key}` (`{period}`)"));
        }
    };
    let (period, delta_period) = (schedule.period, schedule.delta_period);
    longer("overlap", schedule.overlap, "period", Some(period));
    longer("delta_overlap", schedule.delta_overlap, "delta_period", delta_period);
    if let Some(delta_period) = delta_period
        && delta_period > period
    {
        let (key, place) = match fields.has("delta_period") {
            true => ("delta_period", fields.place_of("delta_period")),
            false => ("period", fields.place_of("period")),
        };
        let message = format!(
            "`{key}`: deltas every {delta_period} come less often than bases, every {period}"
        );
        let help = "set a shorter `delta_period`, or `delta_period = \"none\"` for no deltas";
        fields.cx.report_with(place, message, help);
    }
}

/// The lists of URLs, and the one list that stands in their place.
fn aia(ca: &Fields<'_>) -> (Aia, Option<Vec<AccessDescription>>) {
    let Some(fields) = ca.table("aia", &AIA) else { return (Aia::default(), None) };
    let access = issued::access(&fields);
    let named = |method| Issued { access: access.clone(), ..Issued::default() }.access_urls(method);
    let ocsp = named(AccessMethod::Ocsp).or_else(|| fields.urls("ocsp")).unwrap_or_default();
    let issuers = named(AccessMethod::Issuer).or_else(|| fields.urls("issuers"));
    (Aia { ocsp, issuers }, access)
}

fn web(ca: &Fields<'_>) -> WebSite {
    let fields = ca.table("web", &WEB);
    let double_escaping = fields.and_then(|fields| fields.boolean("double_escaping"));
    WebSite { double_escaping: double_escaping.unwrap_or(true) }
}

/// Every chain of parents must end in a root.
pub(super) fn check_parents(cx: &Context, tree: &Table, cas: &BTreeMap<Name, CaConfig>) {
    for (name, ca) in cas {
        let mut above = ca.parent.as_ref();
        for _ in 0..cas.len() {
            above = match above {
                Some(parent) if parent == name => break,
                Some(parent) => cas.get(parent).and_then(|ca| ca.parent.as_ref()),
                None => break,
            };
        }
        let place = || {
            let own = tree.table("ca")?.table(name)?;
            own.get("parent").map(|entry| entry.node.place)
        };
        if above == Some(name)
            && let Some(place) = place()
        {
            let message = format!("CA `{name}` is above itself: its `parent` leads back to it");
            cx.report_with(place, message, "a CA without `parent` is a root");
        }
    }
}
