//! The artefacts of a combination.

use std::sync::LazyLock;

use revlab_fake_ca::content::crl::{CrlDefect, spoil};
use revlab_lab::http::Url;
use revlab_lab::{Instant, Seed, Span};
use revlab_pki::{
    Certificate, CertificateExtension, CertificateExtras, CertificateTemplate, Crl, CrlEntry,
    CrlTemplate, DistinguishedName, GeneralName, Issuer, KeyAlgorithm, KeyPair, Malformed,
    NameConstraints, ObjectIdentifier, Usage,
};
use revlab_sut::validation::Evidence;

use super::{Case, ChainFault, DeltaKind};
use crate::pem;

/// When everything is judged: 2024-03-01T12:00:00Z.
pub const AT: Instant = Instant::from_millis(1_709_294_400_000);

const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const UNKNOWN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.99999.1");

/// A combination as PEM, for programs.
#[derive(Clone, Debug)]
pub struct Files {
    /// The anchor.
    pub anchor: String,
    /// The CAs between.
    pub untrusted: String,
    /// The certificate to judge.
    pub target: String,
    /// The CRLs, one a file: a program that cannot read one says so of that one.
    pub crls: Vec<String>,
}

#[derive(Clone)]
struct Party {
    certificate: Certificate,
    key: KeyPair,
}

fn key(name: &str) -> KeyPair {
    KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(6), name)
}

fn url(text: &str) -> Vec<Url> {
    text.parse().into_iter().collect()
}

fn template(name: &str, serial: u8, usage: Usage) -> CertificateTemplate {
    CertificateTemplate {
        subject: DistinguishedName::common_name(name),
        serial: vec![serial],
        not_before: AT + Span::from_days(-30),
        not_after: AT + Span::from_days(30),
        usage,
        crl_urls: url("http://pki.example/a.crl"),
        freshest_crl_urls: url("http://pki.example/a+.crl"),
        ocsp_urls: Vec::new(),
        issuer_urls: Vec::new(),
        dns_names: Vec::new(),
        ca_version: None,
    }
}

fn issue(by: &Party, template: &CertificateTemplate, extras: &CertificateExtras) -> Party {
    let key = key(&template.subject.to_string());
    let issuer = Issuer::Certificate(&by.certificate, &by.key);
    let certificate = template.issue_with(extras, key.public_key_info(), &issuer);
    Party { certificate: certificate.expect("a certificate that can be read"), key }
}

fn with(oid: ObjectIdentifier, value: &[u8]) -> CertificateExtras {
    let extension = CertificateExtension { oid, critical: true, value: value.to_vec() };
    CertificateExtras { extensions: vec![extension], ..CertificateExtras::default() }
}

/// The anchor, the CAs from it down, and the client.
struct Chain {
    root: Party,
    authorities: Vec<Party>,
    client: Party,
}

fn root() -> Party {
    let key = key("Root");
    let template = CertificateTemplate {
        crl_urls: Vec::new(),
        freshest_crl_urls: Vec::new(),
        ..template("Root", 1, Usage::Authority)
    };
    let certificate = template.issue(key.public_key_info(), &Issuer::Itself(&key));
    Party { certificate: certificate.expect("a root"), key }
}

fn chain(fault: ChainFault) -> Chain {
    use ChainFault as F;
    static ROOT: LazyLock<Party> = LazyLock::new(root);
    let root = ROOT.clone();
    let none = CertificateExtras::default();
    let mut authority = template("Issuing", 2, Usage::Authority);
    let mut extras = match fault {
        F::IssuerNoAuthority => with(BASIC_CONSTRAINTS, &[0x30, 0]),
        F::PathTooLong => with(BASIC_CONSTRAINTS, &[0x30, 6, 1, 1, 255, 2, 1, 0]),
        // cRLSign alone, keyCertSign alone.
        F::IssuerNoCertificateSign => with(KEY_USAGE, &[3, 2, 1, 2]),
        F::IssuerNoCrlSign => with(KEY_USAGE, &[3, 2, 2, 4]),
        _ => none.clone(),
    };
    if fault == F::NameNotPermitted {
        let permitted = vec![GeneralName::Directory(DistinguishedName::common_name("Other"))];
        extras.name_constraints = Some(NameConstraints { permitted, excluded: Vec::new() });
    }
    if fault == F::IssuerExpired {
        authority.not_after = AT + Span::from_days(-1);
    }
    let mut authorities = vec![issue(&root, &authority, &extras)];
    if fault == F::PathTooLong {
        let lower = template("Lower", 3, Usage::Authority);
        authorities.push(issue(&authorities[0], &lower, &none));
    }
    let mut client = template("client", 7, Usage::Client);
    match fault {
        F::LeafExpired => client.not_after = AT + Span::from_days(-1),
        F::LeafFuture => client.not_before = AT + Span::from_days(1),
        _ => {}
    }
    let extras = if fault == F::LeafUnknownCritical { with(UNKNOWN, &[5, 0]) } else { none };
    let mut last = authorities[authorities.len() - 1].clone();
    if fault == F::LeafOtherKey {
        let other = template("Other key", 2, Usage::Authority);
        let other = issue(&root, &other, &CertificateExtras::default());
        // Its certificate bears the CA's name, so that nothing but the key is another.
        let named = template("Issuing", 2, Usage::Authority);
        let issuer = Issuer::Certificate(&root.certificate, &root.key);
        let certificate = named.issue(other.key.public_key_info(), &issuer).expect("issued");
        last = Party { certificate, key: other.key };
    }
    let client = issue(&last, &client, &extras);
    Chain { root, authorities, client }
}

fn list(number: u64, serials: &[u8]) -> CrlTemplate {
    let entry = |serial: &u8| CrlEntry {
        serial: vec![*serial],
        revoked_at: AT + Span::from_days(-2),
        reason: Some(6),
        extensions: Vec::new(),
    };
    CrlTemplate {
        number,
        base_number: None,
        virtual_base: None,
        this_update: AT + Span::from_hours(-2),
        next_update: Some(AT + Span::from_hours(2)),
        next_publish: None,
        ca_version: None,
        freshest_crl_urls: url("http://pki.example/a+.crl"),
        published_locations: Vec::new(),
        extensions: Vec::new(),
        entries: serials.iter().map(entry).collect(),
    }
}

/// The CRLs of the CA that has issued the client.
fn lists(case: &Case, by: &Party) -> Vec<Vec<u8>> {
    let sign = |template: &CrlTemplate, defect: Option<CrlDefect>| {
        let defects: Vec<CrlDefect> = defect.into_iter().collect();
        spoil(template, &defects, &by.certificate, &by.key)
    };
    let listed: &[u8] = if case.listed { &[7] } else { &[] };
    let mut all = vec![sign(&list(50, listed), case.base)];
    let serials: &[u8] = match case.delta {
        DeltaKind::None => return all,
        DeltaKind::Empty => &[],
        DeltaKind::Lists | DeltaKind::Removes => &[7],
    };
    let mut delta = CrlTemplate {
        base_number: Some(50),
        this_update: AT + Span::from_hours(-1),
        freshest_crl_urls: Vec::new(),
        ..list(52, serials)
    };
    if case.delta == DeltaKind::Removes {
        delta.entries.iter_mut().for_each(|entry| entry.reason = Some(8));
    }
    all.push(sign(&delta, case.delta_defect));
    all
}

/// Files, and evidence; none where a CRL cannot be read at all.
pub(super) fn case(case: &Case) -> (Files, Option<Evidence>) {
    let chain = chain(case.chain);
    let issuer_listed: &[u8] = if case.issuer_revoked { &[2] } else { &[] };
    let mut root_list = list(1, issuer_listed);
    root_list.freshest_crl_urls.clear();
    let mut ders = vec![root_list.sign(&chain.root.certificate, &chain.root.key)];
    let above = chain.authorities.iter().rev().skip(1);
    ders.extend(above.map(|ca| list(1, &[]).sign(&ca.certificate, &ca.key)));
    let last = &chain.authorities[chain.authorities.len() - 1];
    ders.extend(lists(case, last));
    let mut certificates: Vec<Certificate> =
        chain.authorities.iter().map(|ca| ca.certificate.clone()).collect();
    if case.chain == ChainFault::IssuerMissing {
        certificates.clear();
    }
    let files = Files {
        anchor: chain.root.certificate.pem(),
        untrusted: certificates.iter().map(Certificate::pem).collect(),
        target: chain.client.certificate.pem(),
        crls: ders.iter().map(|der| pem("X509 CRL", der)).collect(),
    };
    let mut evidence = Evidence::of(chain.client.certificate, vec![chain.root.certificate.clone()]);
    evidence.certificates = certificates;
    for der in &ders {
        match Crl::parse(der) {
            Ok(crl) => evidence.crls.push(crl),
            Err(why @ Malformed::UnknownCritical { .. }) => {
                evidence.not_understood.push(("a CRL".to_owned(), why.to_string()));
            }
            Err(_) => return (files, None),
        }
    }
    (files, Some(evidence))
}
