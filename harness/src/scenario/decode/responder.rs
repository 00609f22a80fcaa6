//! `[ca.NAME.responder]`.

use revlab_fake_ca::config::{
    Aia, AnswerDates, GetPath, Methods, NeverIssued, NonceRule, OcspSigner, Responder, ResponderId,
    ResponderSource, Signing,
};
use revlab_lab::Span;

use super::Spec;
use super::fields::Fields;
use super::times::{Edge, Sign};

#[cfg(test)]
pub(super) const SPECS: &[&Spec] = &[&RESPONDER, &GET];

const RESPONDER: Spec = Spec {
    path: "ca.NAME.responder",
    keys: &[
        "at",
        "from",
        "validity",
        "signer",
        "responder_id",
        "nonce",
        "signing",
        "lag",
        "methods",
        "get",
        "archive_cutoff",
        "source",
        "never_issued",
        "dates",
    ],
    kinds: &[],
};

const GET: Spec = Spec {
    path: "ca.NAME.responder.get",
    keys: &["merge_slashes", "plus_as_space", "refuse_encoded_slash", "max_url"],
    kinds: &[],
};

const SIGNERS: [(&str, OcspSigner); 2] =
    [("ca", OcspSigner::Ca), ("delegated", OcspSigner::Delegated)];

const IDS: [(&str, ResponderId); 2] =
    [("by_key", ResponderId::ByKey), ("by_name", ResponderId::ByName)];

const NONCES: [(&str, NonceRule); 3] =
    [("ignore", NonceRule::Ignore), ("echo", NonceRule::Echo), ("demand", NonceRule::Demand)];

const SIGNINGS: [(&str, Signing); 2] = [("cached", Signing::Cached), ("live", Signing::Live)];

const SOURCES: [(&str, ResponderSource); 2] =
    [("database", ResponderSource::Database), ("crl", ResponderSource::Crl)];

const NEVER_ISSUED: [(&str, NeverIssued); 2] =
    [("unknown", NeverIssued::Unknown), ("good", NeverIssued::Good)];

const DATES: [(&str, AnswerDates); 3] =
    [("own", AnswerDates::Own), ("base", AnswerDates::Base), ("newest", AnswerDates::Newest)];

const METHODS: [(&str, bool); 2] = [("get", true), ("post", false)];

pub(super) fn decode(ca: &Fields<'_>, aia: &Aia) -> Option<Responder> {
    let fields = ca.table("responder", &RESPONDER)?;
    let at = fields.urls("at");
    let nowhere = at.as_ref().unwrap_or(&aia.ocsp).is_empty();
    if nowhere {
        let message = "the responder answers at no URL";
        fields.cx.report_with(fields.place, message, "give it `at`, or the CA `aia.ocsp`");
    }
    Some(Responder {
        at,
        from: fields.instant("from", Edge::Begin),
        validity: fields
            .duration("validity", Sign::Positive)
            .unwrap_or(fields.cx.divided(Span::from_hours(1))),
        signer: fields.choice("signer", &SIGNERS).unwrap_or_default(),
        responder_id: fields.choice("responder_id", &IDS).unwrap_or_default(),
        nonce: fields.choice("nonce", &NONCES).unwrap_or_default(),
        signing: fields.choice("signing", &SIGNINGS).unwrap_or_default(),
        lag: fields.duration("lag", Sign::NotNegative).unwrap_or(Span::ZERO),
        methods: methods(&fields),
        get: get(&fields),
        archive_cutoff: fields.duration("archive_cutoff", Sign::NotNegative),
        source: fields.choice("source", &SOURCES).unwrap_or_default(),
        never_issued: fields.choice("never_issued", &NEVER_ISSUED).unwrap_or_default(),
        dates: fields.choice("dates", &DATES).unwrap_or_default(),
    })
}

fn methods(fields: &Fields<'_>) -> Methods {
    let Some(texts) = fields.texts("methods") else { return Methods { get: true, post: true } };
    if texts.is_empty() {
        fields.report("methods", "a responder that takes neither \"get\" nor \"post\" is none");
    }
    let chosen = |(text, place)| fields.chosen("methods", place, text, &METHODS);
    let taken: Vec<bool> = texts.into_iter().filter_map(chosen).collect();
    Methods { get: taken.contains(&true), post: taken.contains(&false) }
}

fn get(fields: &Fields<'_>) -> GetPath {
    let Some(fields) = fields.table("get", &GET) else { return GetPath::default() };
    let is = |key| fields.boolean(key).unwrap_or(false);
    GetPath {
        merge_slashes: is("merge_slashes"),
        plus_as_space: is("plus_as_space"),
        refuse_encoded_slash: is("refuse_encoded_slash"),
        max_url: fields.number("max_url", 1, 1 << 20),
    }
}
