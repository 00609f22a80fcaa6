//! `[sut.NAME]`.

use revlab_lab::http::Url;
use revlab_lab::trace::{HttpVersion, TlsVersion};
use revlab_lab::{Name, Span};
use revlab_sut::config::{Adapter, ClientCertificates, Staple, SutConfig};

use super::super::tree::Entry;
use super::Spec;
use super::actors::Role;
use super::clock;
use super::context::Context;
use super::fields::Fields;
use super::profile;
use super::publisher;
use super::times::Sign;

#[cfg(test)]
pub(super) const SPECS: &[&Spec] = &[&SUT, &STAPLE, &OCSP_URLS];

const SUT: Spec = Spec {
    path: "sut.NAME",
    keys: &[
        "adapter",
        "profile",
        "hypothesis",
        "updates",
        "parameters",
        "under_test",
        "host",
        "ca",
        "tls",
        "http",
        "clock",
        "client_certificates",
        "directory",
        "staple",
        "sends_issuers",
        "stores",
        "ocsp_urls",
        "crl_prefetch",
        "publisher",
    ],
    kinds: &[],
};

const STAPLE: Spec = Spec {
    path: "sut.NAME.staple",
    keys: &["refresh", "lazy", "keep_expired", "drop_on_failure", "chain", "unchecked"],
    kinds: &[],
};

const OCSP_URLS: Spec = Spec { path: "sut.NAME.ocsp_urls", keys: &["ca", "urls"], kinds: &[] };

const CLIENT_CERTIFICATES: [(&str, ClientCertificates); 2] =
    [("require", ClientCertificates::Require), ("ignore", ClientCertificates::Ignore)];

const ADAPTERS: [(&str, Adapter); 1] = [("model", Adapter::Model)];

/// TLS versions with their names in scenarios.
pub(super) const TLS: [(&str, TlsVersion); 2] =
    [("1.2", TlsVersion::V1_2), ("1.3", TlsVersion::V1_3)];

pub(super) fn decode(cx: &Context, name: Name, entry: &Entry) -> Option<SutConfig> {
    let label = format!("SUT `{name}`");
    let fields = Fields::open(cx, &entry.node, entry.place, label, &SUT)?;
    let profile = profile::decode(&fields);
    let under_test = fields.boolean("under_test");
    if under_test == Some(false) && cx.actors.only_sut() {
        fields.report("under_test", "the only SUT must be under test");
    }
    let ca = ca_of(&fields);
    let tls = fields.choice("tls", &TLS).unwrap_or(TlsVersion::V1_2);
    let staple = fields.table("staple", &STAPLE).map(|inner| {
        let staple = staple(&inner);
        if staple.chain && tls != TlsVersion::V1_3 {
            inner.report("chain", "TLS 1.2 has room for one response: say `tls = \"1.3\"` too");
        }
        staple
    });
    Some(SutConfig {
        under_test: under_test.unwrap_or(cx.actors.only_sut()),
        adapter: fields.choice("adapter", &ADAPTERS).unwrap_or(Adapter::Model),
        host: fields.host("host").unwrap_or_else(|| name.to_ascii_lowercase()),
        profile,
        tls,
        http: fields.choice("http", &HttpVersion::NAMES).unwrap_or(HttpVersion::V2),
        clock: clock::decode(&fields),
        client_certificates: fields
            .choice("client_certificates", &CLIENT_CERTIFICATES)
            .unwrap_or(ClientCertificates::Require),
        directory: match fields.has("directory") {
            true => fields.actor("directory", &[Role::Validator]),
            false => None,
        },
        staple,
        sends_issuers: fields.boolean("sends_issuers").unwrap_or(true),
        stores: stores(&fields),
        ocsp_urls: ocsp_urls(&fields),
        crl_prefetch: fields.urls("crl_prefetch").unwrap_or_default(),
        publisher: publisher::decode(&fields),
        name,
        ca: ca?,
    })
}

fn staple(fields: &Fields<'_>) -> Staple {
    let flag = |key| fields.boolean(key).unwrap_or(false);
    Staple {
        refresh: fields.duration("refresh", Sign::Positive).unwrap_or(Span::from_hours(1)),
        lazy: flag("lazy"),
        keep_expired: flag("keep_expired"),
        drop_on_failure: flag("drop_on_failure"),
        chain: flag("chain"),
        unchecked: flag("unchecked"),
    }
}

/// The CAs whose certificates a machine has in its stores.
pub(super) fn stores(fields: &Fields<'_>) -> Option<Vec<Name>> {
    let named = fields.texts("stores")?.into_iter();
    Some(named.filter_map(|(text, place)| fields.cx.actor(text, place, &[Role::Ca])).collect())
}

/// OCSP URLs that policy adds.
pub(super) fn ocsp_urls(fields: &Fields<'_>) -> Vec<(Name, Vec<Url>)> {
    let tables = fields.tables("ocsp_urls", &OCSP_URLS).unwrap_or_default();
    let read = tables.iter().filter_map(|inner| {
        inner.require("urls", "urls = [\"http://pki.lab.example/ocsp\"]");
        Some((ca_of(inner)?, inner.urls("urls")?))
    });
    read.collect()
}

/// The CA of an actor: the one it names, else the obvious one.
pub(super) fn ca_of(fields: &Fields<'_>) -> Option<Name> {
    if fields.has("ca") {
        return fields.actor("ca", &[Role::Ca]);
    }
    let obvious = fields.cx.actors.default_ca();
    if obvious.is_none() && fields.cx.actors.several_cas() {
        fields.require("ca", "ca = \"issuing\"");
    }
    obvious
}
