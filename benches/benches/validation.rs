//! The strict engine: a check of a three-certificate chain without its signatures, and a CRL of a
//! million entries read and searched: `cargo bench -p revlab-benches --bench validation`.
//!
//! Not by divan: each figure is a median of rounds, and the CRL is made once.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures wall time")]

use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant as Wall};

use revlab_lab::{Instant, Seed, Span};
use revlab_pki::{
    Certificate, CertificateTemplate, Crl, CrlEntry, CrlTemplate, DistinguishedName, Issuer,
    KeyAlgorithm, KeyPair, Usage, Verifier,
};
use revlab_sut::validation::policy::Policy;
use revlab_sut::validation::{Evidence, Status, verify};

const ENTRIES: u64 = 1_000_000;
const ROUNDS: u32 = 5;

/// 2024-03-01T00:00:00Z.
const START: Instant = Instant::from_millis(1_709_251_200_000);

fn main() {
    // `cargo test --benches` and `--no-run` runs want nothing of it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    check();
    large_crl();
}

fn template(name: &str, serial: u8, usage: Usage) -> CertificateTemplate {
    CertificateTemplate {
        subject: DistinguishedName::common_name(name),
        serial: vec![serial],
        not_before: START,
        not_after: START + Span::from_days(30),
        usage,
        crl_urls: Vec::new(),
        freshest_crl_urls: Vec::new(),
        ocsp_urls: Vec::new(),
        issuer_urls: Vec::new(),
        dns_names: Vec::new(),
        ca_version: None,
    }
}

fn key(name: &str) -> KeyPair {
    KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), name)
}

fn issue(name: &str, serial: u8, usage: Usage, by: &Issuer<'_>) -> Certificate {
    let key = key(name);
    template(name, serial, usage).issue(key.public_key_info(), by).expect("issued")
}

fn list(entries: Vec<CrlEntry>) -> CrlTemplate {
    CrlTemplate {
        number: 1,
        base_number: None,
        virtual_base: None,
        this_update: START,
        next_update: Some(START + Span::from_days(1)),
        next_publish: None,
        ca_version: None,
        freshest_crl_urls: Vec::new(),
        published_locations: Vec::new(),
        extensions: Vec::new(),
        entries,
    }
}

fn check() {
    let (root_key, issuing_key) = (key("Root"), key("Issuing"));
    let root = issue("Root", 1, Usage::Authority, &Issuer::Itself(&root_key));
    let by_root = Issuer::Certificate(&root, &root_key);
    let issuing = issue("Issuing", 2, Usage::Authority, &by_root);
    let by_issuing = Issuer::Certificate(&issuing, &issuing_key);
    let client = issue("client", 7, Usage::Client, &by_issuing);
    let crl = |ca, key| Crl::parse(&list(Vec::new()).sign(ca, key)).expect("a CRL");
    let mut evidence = Evidence::of(client, vec![root.clone()]);
    evidence.crls = vec![crl(&root, &root_key), crl(&issuing, &issuing_key)];
    evidence.certificates = vec![issuing];
    let policy = Policy::strict();
    let at = START + Span::from_hours(1);
    let mut verifier = Verifier::new();
    let first = verify(at, &evidence, &policy, &mut verifier);
    assert_eq!(first.status, Status::Good, "{}", first.reason);
    let warm = median(10_000, || {
        black_box(verify(at, &evidence, &policy, &mut verifier));
    });
    let fresh = median(500, || {
        black_box(verify(at, &evidence, &policy, &mut Verifier::new()));
    });
    say(&format!("three certificates, signatures remembered: {warm:?}; verified: {fresh:?}"));
}

fn large_crl() {
    let ca_key = key("Root");
    let ca = issue("Root", 1, Usage::Authority, &Issuer::Itself(&ca_key));
    let entry = |n: u64| CrlEntry {
        // Spread over the numbers, and not in their order.
        serial: n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes().to_vec(),
        revoked_at: START - Span::from_secs(n.cast_signed()),
        reason: Some(1),
        extensions: Vec::new(),
    };
    let der = list((1..=ENTRIES).map(entry).collect()).sign(&ca, &ca_key);
    let took = median(1, || {
        black_box(Crl::parse(black_box(&der)).expect("a CRL"));
    });
    let rate = der.len() as f64 / took.as_secs_f64() / 1e6;
    let crl = Crl::parse(&der).expect("a CRL");
    let mut n = 0u64;
    let lookup = median(100_000, || {
        n = n % ENTRIES + 1;
        black_box(crl.find(&entry(n).serial));
    });
    let bytes = der.len();
    say(&format!("{ENTRIES} entries, {bytes} bytes: read in {took:?}, {rate:.0} MB/s"));
    say(&format!("lookup: {lookup:?}"));
}

/// The median of the rounds' means.
fn median(each: u32, mut what: impl FnMut()) -> Duration {
    let mut took: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let began = Wall::now();
            (0..each).for_each(|_| what());
            began.elapsed() / each
        })
        .collect();
    took.sort();
    took.get(took.len() / 2).copied().unwrap_or_default()
}

fn say(text: &str) {
    // Whoever does not listen any more has heard enough.
    let _ = writeln!(std::io::stdout(), "{text}");
}
