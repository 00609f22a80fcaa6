//! Streams a CRL into a file and says how long that took and how much memory the process had at
//! most: `cargo run --release -p revlab-pki --example stream_crl -- 1000000 large.crl`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use revlab_lab::{Instant, Seed, Span};
use revlab_pki::crl::stream;
use revlab_pki::{
    Certificate, CertificateTemplate, CrlEntry, CrlTemplate, DistinguishedName, Issuer,
    KeyAlgorithm, KeyPair, Usage,
};

/// 2014-04-16T00:00:00Z.
const START: Instant = Instant::from_millis(1_397_606_400_000);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [count, path] = arguments.as_slice() else { return ExitCode::from(2) };
    let Ok(count) = count.parse() else { return ExitCode::from(2) };
    match run(count, path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{path}: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a measurement, not a part of the lab")]
fn run(count: u64, path: &str) -> io::Result<()> {
    let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), "issuing");
    let ca = ca(&key).map_err(io::Error::other)?;
    let out = BufWriter::new(File::create(path)?);
    let began = std::time::Instant::now();
    let written = stream(&template(), || (0..count).map(entry), &ca, &key, out)?;
    let took = began.elapsed();
    let memory = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let most = memory.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM unknown");
    let (entries, octets) = (written.entries, written.octets);
    writeln!(io::stdout(), "{entries} entries, {octets} octets in {} ms; {most}", took.as_millis())
}

/// Sixteen octets of serial number, as public CAs have them.
fn entry(n: u64) -> CrlEntry {
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    let serial = [&[0x5a][..], &mixed[1..], &n.to_be_bytes()].concat();
    CrlEntry { serial, revoked_at: START, reason: Some(1), extensions: Vec::new() }
}

fn ca(key: &KeyPair) -> Result<Certificate, revlab_pki::IssueError> {
    let template = CertificateTemplate {
        subject: DistinguishedName::common_name("XXX-CA"),
        serial: vec![1],
        not_before: START,
        not_after: START + Span::from_days(365),
        usage: Usage::Authority,
        crl_urls: Vec::new(),
        freshest_crl_urls: Vec::new(),
        ocsp_urls: Vec::new(),
        issuer_urls: Vec::new(),
        dns_names: Vec::new(),
        ca_version: None,
    };
    template.issue(key.public_key_info(), &Issuer::Itself(key))
}

fn template() -> CrlTemplate {
    CrlTemplate {
        number: 1,
        base_number: None,
        virtual_base: None,
        this_update: START,
        next_update: Some(START + Span::from_days(7)),
        next_publish: None,
        ca_version: None,
        freshest_crl_urls: Vec::new(),
        published_locations: Vec::new(),
        extensions: Vec::new(),
        entries: Vec::new(),
    }
}
