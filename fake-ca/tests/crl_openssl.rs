//! What OpenSSL says to each CRL that is wrong on purpose. Skipped, and said so, where no `openssl`
//! is on the path.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use revlab_fake_ca::content::crl::{CrlDefect, spoil};
use revlab_lab::{Instant, Seed, Span};
use revlab_pki::{
    Certificate, CertificateTemplate, CrlEntry, CrlExtension, CrlScope, CrlSubjects, CrlTemplate,
    DistinguishedName, Issuer, KeyAlgorithm, KeyPair, Usage,
};

/// 2014-04-16T00:00:00Z.
const START: Instant = Instant::from_millis(1_397_606_400_000);

/// A folder with a CA and two clients, the second of them revoked, as files that OpenSSL reads.
struct Lab {
    folder: PathBuf,
    ca: Certificate,
    key: KeyPair,
    revoked: Certificate,
}

impl Lab {
    /// `None`, with a note, where there is no `openssl`.
    fn new(test: &str, kind: KeyAlgorithm) -> Option<Lab> {
        if !Command::new("openssl").arg("version").output().is_ok_and(|o| o.status.success()) {
            skipped(test);
            return None;
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        std::fs::create_dir_all(&folder).unwrap();
        let key = KeyPair::seeded(kind, Seed(1), "issuing");
        let ca = template("XXX-CA", 1, Usage::Authority)
            .issue(key.public_key_info(), &Issuer::Itself(&key))
            .unwrap();
        let issue = |name: &str, serial| {
            let own = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), name);
            let template = template(name, serial, Usage::Client);
            template.issue(own.public_key_info(), &Issuer::Certificate(&ca, &key)).unwrap()
        };
        let (good, revoked) = (issue("good", 0x8001), issue("revoked", 0x8002));
        let lab = Lab { folder, ca, key, revoked };
        lab.write("ca.pem", lab.ca.pem().as_bytes());
        lab.write("good.pem", good.pem().as_bytes());
        lab.write("revoked.pem", lab.revoked.pem().as_bytes());
        Some(lab)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.join(name), bytes).unwrap();
    }

    /// All that it printed.
    fn openssl(&self, line: &str) -> String {
        let output = Command::new("openssl")
            .args(line.split_whitespace())
            .current_dir(&self.folder)
            .output()
            .unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    fn crl(&self, base_number: Option<u64>) -> CrlTemplate {
        let entry = CrlEntry {
            serial: self.revoked.serial().to_vec(),
            revoked_at: START,
            reason: Some(1),
            extensions: Vec::new(),
        };
        CrlTemplate {
            number: if base_number.is_some() { 8 } else { 7 },
            base_number,
            virtual_base: None,
            this_update: START,
            next_update: Some(START + Span::from_hours(2)),
            next_publish: Some(START + Span::from_hours(1)),
            ca_version: None,
            freshest_crl_urls: vec!["http://host/XXX-CA+.crl".parse().unwrap()],
            published_locations: Vec::new(),
            extensions: Vec::new(),
            entries: if base_number.is_some() { Vec::new() } else { vec![entry] },
        }
    }

    /// What `openssl verify` says of a certificate by these CRLs, an hour after the start; the
    /// files are as served, and OpenSSL's own conversion to PEM comes before. What it cannot
    /// convert is its answer.
    fn verdict(&self, certificate: &str, lists: &[Vec<u8>]) -> String {
        let mut line = format!(
            "verify -attime {} -CAfile ca.pem -crl_check -use_deltas -extended_crl",
            START.as_secs() + 3600
        );
        for (n, list) in lists.iter().enumerate() {
            self.write("served.crl", list);
            let _ = std::fs::remove_file(self.folder.join(format!("{n}.pem")));
            let told = self.openssl(&format!("crl -inform DER -in served.crl -out {n}.pem"));
            if !self.folder.join(format!("{n}.pem")).exists() {
                return told;
            }
            line += &format!(" -CRLfile {n}.pem");
        }
        self.openssl(&format!("{line} {certificate}.pem"))
    }

    fn spoilt(&self, defect: CrlDefect, base_number: Option<u64>) -> Vec<u8> {
        spoil(&self.crl(base_number), &[defect], &self.ca, &self.key)
    }
}

fn template(name: &str, serial: u16, usage: Usage) -> CertificateTemplate {
    CertificateTemplate {
        subject: DistinguishedName::common_name(name),
        serial: serial.to_be_bytes().to_vec(),
        not_before: START,
        not_after: START + Span::from_days(365),
        usage,
        crl_urls: vec!["http://host/XXX-CA.crl".parse().unwrap()],
        freshest_crl_urls: Vec::new(),
        ocsp_urls: Vec::new(),
        issuer_urls: Vec::new(),
        dns_names: Vec::new(),
        ca_version: None,
    }
}

/// Where `REVLAB_NO_SKIPS` is set, as on CI, a missing program is a failure.
/// It is said past the runner, which keeps what passing tests say to itself.
fn skipped(test: &str) {
    assert!(std::env::var_os("REVLAB_NO_SKIPS").is_none(), "{test}: there is no `openssl`");
    let _ = writeln!(std::io::stderr(), "skipped: {test}: there is no `openssl` on the path");
}

/// What OpenSSL 3.0 says of the good certificate, in words that other versions have too.
fn told_of_the_good_one(defect: CrlDefect, kind: KeyAlgorithm) -> &'static str {
    match defect {
        CrlDefect::Expired | CrlDefect::NextUpdateBeforeThisUpdate => "CRL has expired",
        CrlDefect::Future => "CRL is not yet valid",
        CrlDefect::NumberCritical
        | CrlDefect::UnknownCriticalExtension
        | CrlDefect::UnknownCriticalEntryExtension => "unhandled critical CRL extension",
        CrlDefect::WrongIssuer | CrlDefect::DeltaWithoutBase => "unable to get certificate CRL",
        CrlDefect::WrongKey | CrlDefect::BrokenSignature => "CRL signature failure",
        // No EC key signs with MD5.
        CrlDefect::Md5Signature if kind == KeyAlgorithm::EcdsaP256 => "CRL signature failure",
        CrlDefect::Pem
        | CrlDefect::Base64
        | CrlDefect::Gzip
        | CrlDefect::Html
        | CrlDefect::Empty
        | CrlDefect::Truncated => "Unable to load CRL",
        // It does not mind these.
        CrlDefect::NoNextUpdate
        | CrlDefect::NumberMissing
        | CrlDefect::NumberBackwards
        | CrlDefect::Version1
        | CrlDefect::Sha1Signature
        | CrlDefect::Md5Signature
        | CrlDefect::NegativeSerial
        | CrlDefect::TwentyOctetSerial
        | CrlDefect::OverlongSerial
        | CrlDefect::DeltaWrongBase
        | CrlDefect::TrailingBytes => "good.pem: OK",
    }
}

#[test]
fn openssl_says_of_each_defect_what_it_is() {
    for kind in [KeyAlgorithm::Rsa2048, KeyAlgorithm::EcdsaP256] {
        let Some(lab) = Lab::new("defects", kind) else { return };
        let sound = lab.crl(None).sign(&lab.ca, &lab.key);
        assert!(lab.verdict("good", &[sound]).contains("good.pem: OK"));
        for (name, defect) in CrlDefect::NAMES {
            let served = lab.spoilt(defect, None);
            let told = lab.verdict("good", std::slice::from_ref(&served));
            let expected = told_of_the_good_one(defect, kind);
            assert!(told.contains(expected), "{kind:?} {name}: not `{expected}`: {told}");
            // Where it does not mind, it still sees what is revoked.
            if expected == "good.pem: OK" {
                let told = lab.verdict("revoked", &[served]);
                assert!(told.contains("certificate revoked"), "{kind:?} {name}: {told}");
            }
        }
    }
}

#[test]
fn openssl_leaves_a_delta_alone_whose_base_is_another() {
    let Some(lab) = Lab::new("wrong-base", KeyAlgorithm::EcdsaP256) else { return };
    let base = CrlTemplate { entries: Vec::new(), ..lab.crl(None) }.sign(&lab.ca, &lab.key);
    let delta = CrlTemplate { entries: lab.crl(None).entries, ..lab.crl(Some(7)) };
    let told = |defects: &[CrlDefect]| {
        let delta = spoil(&delta, defects, &lab.ca, &lab.key);
        lab.verdict("revoked", &[base.clone(), delta])
    };
    let sound = told(&[]);
    assert!(sound.contains("certificate revoked"), "{sound}");
    let spoilt = told(&[CrlDefect::DeltaWrongBase]);
    assert!(spoilt.contains("revoked.pem: OK"), "{spoilt}");
}

#[test]
fn openssl_keeps_to_the_scope_of_a_crl() {
    let Some(lab) = Lab::new("scope", KeyAlgorithm::EcdsaP256) else { return };
    let told = |scope: CrlScope| {
        let template = CrlTemplate { extensions: vec![scope.extension()], ..lab.crl(None) };
        let crl = template.sign(&lab.ca, &lab.key);
        ["good", "revoked"].map(|name| lab.verdict(name, std::slice::from_ref(&crl)))
    };
    let here = vec!["http://host/XXX-CA.crl".parse().unwrap()];
    let users = CrlScope { only: Some(CrlSubjects::Users), ..CrlScope::default() };
    for scope in [users, CrlScope { urls: here, ..CrlScope::default() }] {
        let [good, revoked] = told(scope.clone());
        assert!(good.contains("good.pem: OK"), "{scope:?}: {good}");
        assert!(revoked.contains("certificate revoked"), "{scope:?}: {revoked}");
    }
    let elsewhere = vec!["http://host/partition-2.crl".parse().unwrap()];
    let authorities = CrlScope { only: Some(CrlSubjects::Authorities), ..CrlScope::default() };
    for scope in [authorities, CrlScope { urls: elsewhere, ..CrlScope::default() }] {
        let [good, _] = told(scope.clone());
        assert!(good.to_lowercase().contains("different crl scope"), "{scope:?}: {good}");
    }
    // One that covers some reasons leaves the others open.
    let [good, revoked] = told(CrlScope { reasons: Some(vec![1, 2]), ..CrlScope::default() });
    assert!(good.contains("unable to get certificate CRL"), "{good}");
    assert!(revoked.contains("certificate revoked"), "{revoked}");
}

#[test]
fn openssl_sees_who_is_on_hold_and_who_is_off_it_again() {
    let Some(lab) = Lab::new("hold", KeyAlgorithm::EcdsaP256) else { return };
    let with_reason = |base_number, reason| {
        let listed = lab.crl(None).entries.into_iter();
        let entries = listed.map(|entry| CrlEntry { reason: Some(reason), ..entry }).collect();
        CrlTemplate { entries, ..lab.crl(base_number) }.sign(&lab.ca, &lab.key)
    };
    let base = with_reason(None, 6);
    let told = lab.verdict("revoked", std::slice::from_ref(&base));
    assert!(told.contains("certificate revoked"), "{told}");
    let told = lab.verdict("revoked", &[base, with_reason(Some(7), 8)]);
    assert!(told.contains("revoked.pem: OK"), "{told}");
}

#[test]
fn openssl_reads_whose_certificates_an_indirect_crl_is_about() {
    let Some(lab) = Lab::new("indirect", KeyAlgorithm::EcdsaP256) else { return };
    let scope = CrlScope { indirect: true, ..CrlScope::default() };
    let of_other = |mut entry: CrlEntry| {
        let other = DistinguishedName::common_name("Other CA");
        entry.extensions.push(CrlExtension::certificate_issuer(&other));
        entry
    };
    let own = lab.crl(None).entries;
    let other: Vec<CrlEntry> = own.iter().cloned().map(of_other).collect();
    for (entries, expected) in [(own, "certificate revoked"), (other, "revoked.pem: OK")] {
        let extensions = vec![scope.extension()];
        let crl = CrlTemplate { entries, extensions, ..lab.crl(None) }.sign(&lab.ca, &lab.key);
        lab.write("served.crl", &crl);
        let text = lab.openssl("crl -inform DER -in served.crl -noout -text");
        assert!(text.contains("Indirect CRL"), "{text}");
        let told = lab.verdict("revoked", &[crl]);
        assert!(told.contains(expected), "not `{expected}`: {told}");
    }
}
