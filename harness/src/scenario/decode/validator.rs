//! `[validator.NAME]`.

use revlab_lab::Name;
use revlab_sut::config::{Directory, Mapping, ValidatorConfig};

use super::super::tree::Entry;
use super::Spec;
use super::clock;
use super::context::Context;
use super::fields::Fields;
use super::profile;
use super::sut::{ca_of, ocsp_urls, stores};

#[cfg(test)]
pub(super) const SPECS: &[&Spec] = &[&VALIDATOR, &DIRECTORY];

const VALIDATOR: Spec = Spec {
    path: "validator.NAME",
    keys: &[
        "profile",
        "hypothesis",
        "updates",
        "parameters",
        "clock",
        "each_thread",
        "directory",
        "stores",
        "ocsp_urls",
        "crl_prefetch",
    ],
    kinds: &[],
};

const DIRECTORY: Spec =
    Spec { path: "validator.NAME.directory", keys: &["host", "ca", "mapping"], kinds: &[] };

const MAPPINGS: [(&str, Mapping); 3] = [
    ("issuer_and_subject", Mapping::IssuerAndSubject),
    ("issuer_and_serial", Mapping::IssuerAndSerial),
    ("public_key", Mapping::PublicKey),
];

pub(super) fn decode(cx: &Context, name: Name, entry: &Entry) -> Option<ValidatorConfig> {
    let label = format!("validator `{name}`");
    let fields = Fields::open(cx, &entry.node, entry.place, label, &VALIDATOR)?;
    let profile = profile::decode(&fields);
    let each_thread = fields.boolean("each_thread").unwrap_or(false);
    let directory = match fields.table("directory", &DIRECTORY) {
        None => None,
        Some(own) => Some(directory(&own, &name)?),
    };
    if each_thread && directory.is_some() {
        fields.report("each_thread", "a directory is one machine: no thread has one of its own");
    }
    let (clock, stores) = (clock::decode(&fields), stores(&fields));
    Some(ValidatorConfig {
        profile,
        clock,
        each_thread,
        directory,
        stores,
        ocsp_urls: ocsp_urls(&fields),
        crl_prefetch: fields.urls("crl_prefetch").unwrap_or_default(),
        name,
    })
}

fn directory(fields: &Fields<'_>, name: &Name) -> Option<Directory> {
    let mapping = fields.choice("mapping", &MAPPINGS).unwrap_or(Mapping::IssuerAndSubject);
    let host = fields.host("host").unwrap_or_else(|| name.to_ascii_lowercase());
    Some(Directory { host, ca: ca_of(fields)?, mapping })
}
