//! A CRL of a million entries, built, signed and written to a file, beside `openssl ca -gencrl` with
//! the same key and serial numbers: `cargo bench -p revlab-benches --bench crl`.
//!
//! Not by divan: OpenSSL takes a quarter of a minute, and what counts is the ratio. That of memory is
//! told too, where the system tells it (Linux): the most that the process had up to then.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures wall time")]

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant as Wall};

use revlab_lab::{Instant, Seed, Span};
use revlab_pki::crl::stream;
use revlab_pki::{
    Certificate, CertificateTemplate, CrlEntry, CrlTemplate, DistinguishedName, Issuer,
    KeyAlgorithm, KeyPair, Usage,
};

const ENTRIES: u64 = 1_000_000;
const ROUNDS: usize = 5;

/// 2014-04-16T00:00:00Z.
const START: Instant = Instant::from_millis(1_397_606_400_000);

fn main() {
    // `cargo test --benches` and `--no-run` runs want nothing of it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), "issuing");
    let ca = ca(&key);
    let mut took: Vec<Duration> = (0..ROUNDS).map(|_| ours(folder.path(), &ca, &key)).collect();
    took.sort();
    let median = took.get(ROUNDS / 2).copied().unwrap_or_default();
    say(&format!("revlab, {ENTRIES} entries: {median:?} (median of {ROUNDS} rounds)"));
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(most) = status.lines().find(|line| line.starts_with("VmHWM")) {
        say(&format!("revlab, memory: {most}"));
    }
    match openssl(folder.path(), &ca, &key) {
        Some(took) => {
            let ratio = took.as_secs_f64() / median.as_secs_f64();
            say(&format!("openssl ca -gencrl: {took:?}, {ratio:.0} times as long"));
        }
        None => say("skipped: openssl is not installed, or makes no CRL"),
    }
}

fn ours(folder: &Path, ca: &Certificate, key: &KeyPair) -> Duration {
    let began = Wall::now();
    let file = File::create(folder.join("ours.crl")).expect("a file in a temporary folder");
    let written = stream(&template(), || (0..ENTRIES).map(entry), ca, key, BufWriter::new(file));
    assert_eq!(written.map(|written| written.entries).ok(), Some(ENTRIES));
    began.elapsed()
}

/// `None` where it is not there or fails.
fn openssl(folder: &Path, ca: &Certificate, key: &KeyPair) -> Option<Duration> {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).ok();
    write("ca.pem", &ca.pem())?;
    write("ca.key", &key.pkcs8_pem())?;
    write("number", "01\n")?;
    write("ca.cnf", CONFIG)?;
    let mut index = String::new();
    for n in 0..ENTRIES {
        let serial = entry(n).serial;
        let hex = serial.iter().fold(String::new(), |mut hex, octet| {
            let _ = write!(hex, "{octet:02X}");
            hex
        });
        let line = "R\t341126000000Z\t140416000000Z,keyCompromise\t";
        writeln!(index, "{line}{hex}\tunknown\t/CN=client-{n}").ok()?;
    }
    write("index.txt", &index)?;
    let began = Wall::now();
    let arguments = ["ca", "-gencrl", "-config", "ca.cnf", "-out", "theirs.pem"];
    let made = Command::new("openssl").args(arguments).current_dir(folder).output().ok()?;
    made.status.success().then(|| began.elapsed())
}

const CONFIG: &str = "[ca]\ndefault_ca = lab\n[lab]\ndatabase = index.txt\ncrlnumber = number\n\
                      default_md = sha256\ndefault_crl_days = 7\ncertificate = ca.pem\n\
                      private_key = ca.key\nunique_subject = no\n";

/// Sixteen octets of serial number, as public CAs have them.
fn entry(n: u64) -> CrlEntry {
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    let serial = [&[0x5a][..], mixed.get(1..).unwrap_or_default(), &n.to_be_bytes()].concat();
    CrlEntry { serial, revoked_at: START, reason: Some(1), extensions: Vec::new() }
}

fn ca(key: &KeyPair) -> Certificate {
    let template = CertificateTemplate {
        subject: DistinguishedName::common_name("XXX-CA"),
        serial: vec![1],
        not_before: START,
        not_after: START + Span::from_days(36_500),
        usage: Usage::Authority,
        crl_urls: Vec::new(),
        freshest_crl_urls: Vec::new(),
        ocsp_urls: Vec::new(),
        issuer_urls: Vec::new(),
        dns_names: Vec::new(),
        ca_version: None,
    };
    let issued = template.issue(key.public_key_info(), &Issuer::Itself(key));
    issued.expect("a template without host names can be issued")
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

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
