//! The strict engine beside `openssl ocsp` and the JDK over combinations of what an OCSP response can say, who
//! has signed it, about what, and when: the same verdict, or the difference is one of [`OPENSSL`] or
//! [`JDK`].
//!
//! `openssl ocsp` holds the times of an answer against the machine's clock, so everything is made
//! around the present. `REVLAB_DIFFERENTIAL=all` takes every combination, otherwise a sample.

use std::fmt;
use std::path::Path;
use std::process::Command;

use revlab_lab::{Instant, Seed, Span};
use revlab_pki::{
    CertId, CertStatus, Certificate, CertificateTemplate, DistinguishedName, Issuer, KeyAlgorithm,
    KeyPair, OcspAnswer, OcspResponse, OcspTemplate, ResponderName, SingleTemplate, Usage,
    Verifier,
};
use revlab_sut::validation::policy::{Policy, Scope, Source};
use revlab_sut::validation::{Evidence, Status, verify};
use revlab_tests::program::{finish, program};

/// How many combinations a usual run takes.
const SAMPLE: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Good,
    Revoked,
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signer {
    Issuer,
    Delegate,
    DelegateExpired,
    DelegateFuture,
    /// Its certificate is not for OCSP.
    DelegateWithoutPurpose,
    /// Of the root, not of the CA that has issued the client.
    DelegateOfAnother,
    /// Its certificate is not in the response.
    DelegateMissing,
    /// Another key in the issuer's name.
    WrongKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    Client,
    OtherSerial,
    OtherIssuer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Times {
    Current,
    Expired,
    Future,
    NoNextUpdate,
    Reversed,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    says: Says,
    signer: Signer,
    about: About,
    times: Times,
    by_key: bool,
    /// Several answers, of which the first is about somebody else.
    several: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Good,
    Revoked,
    Undetermined,
}

impl Case {
    fn faults(&self) -> usize {
        let signer = !matches!(self.signer, Signer::Issuer | Signer::Delegate);
        let wrong = [signer, self.about != About::Client, self.times != Times::Current];
        wrong.into_iter().filter(|wrong| *wrong).count()
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A difference: in which cases, what each says, and the rule by which one is right.
struct Known {
    applies: fn(&Case) -> bool,
    ours: Verdict,
    theirs: &'static [Verdict],
    rule: &'static str,
}

const OPENSSL: [Known; 1] = [Known {
    applies: |case| case.times == Times::NoNextUpdate,
    ours: Verdict::Undetermined,
    theirs: &[Verdict::Good, Verdict::Revoked],
    rule: "RFC 5019 §2.2.4 wants a nextUpdate; RFC 6960 §4.2.2.1 takes none for always current: \
           either, by policy",
}];

/// None: without a nextUpdate an answer is too old to the JDK a quarter of an hour after its thisUpdate.
const JDK: [Known; 0] = [];

struct Party {
    certificate: Certificate,
    key: KeyPair,
}

struct Pki {
    now: Instant,
    root: Party,
    issuing: Party,
    client: Party,
    other: Party,
}

fn party(now: Instant, by: Option<&Party>, name: &str, serial: u8, usage: Usage) -> Party {
    party_of(by, name, serial, usage, now + Span::from_days(-10), now + Span::from_days(10))
}

fn party_of(
    by: Option<&Party>,
    name: &str,
    serial: u8,
    usage: Usage,
    not_before: Instant,
    not_after: Instant,
) -> Party {
    let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(8), name);
    let template = CertificateTemplate {
        subject: DistinguishedName::common_name(name),
        serial: vec![serial],
        not_before,
        not_after,
        usage,
        crl_urls: Vec::new(),
        freshest_crl_urls: Vec::new(),
        ocsp_urls: Vec::new(),
        issuer_urls: Vec::new(),
        dns_names: Vec::new(),
        ca_version: None,
    };
    let issuer = match by {
        Some(by) => Issuer::Certificate(&by.certificate, &by.key),
        None => Issuer::Itself(&key),
    };
    let certificate = template.issue(key.public_key_info(), &issuer).expect("issued");
    Party { certificate, key }
}

impl Pki {
    fn new(now: Instant) -> Pki {
        let root = party(now, None, "Root", 1, Usage::Authority);
        let issuing = party(now, Some(&root), "Issuing", 2, Usage::Authority);
        let client = party(now, Some(&issuing), "client", 7, Usage::Client);
        let other = party(now, Some(&issuing), "other", 8, Usage::Client);
        Pki { now, root, issuing, client, other }
    }

    fn delegate(&self, signer: Signer) -> Option<Party> {
        let day = |n| self.now + Span::from_days(n);
        let usual = |by, usage| party_of(Some(by), "Responder", 20, usage, day(-5), day(5));
        let issuing = &self.issuing;
        Some(match signer {
            Signer::Issuer | Signer::WrongKey => return None,
            Signer::Delegate | Signer::DelegateMissing => usual(issuing, Usage::OcspSigner),
            Signer::DelegateWithoutPurpose => usual(issuing, Usage::Client),
            Signer::DelegateOfAnother => usual(&self.root, Usage::OcspSigner),
            Signer::DelegateExpired => {
                party_of(Some(issuing), "Responder", 20, Usage::OcspSigner, day(-5), day(-1))
            }
            Signer::DelegateFuture => {
                party_of(Some(issuing), "Responder", 20, Usage::OcspSigner, day(1), day(5))
            }
        })
    }

    fn response(&self, case: &Case) -> Vec<u8> {
        let hour = |n| self.now + Span::from_hours(n);
        let (from, until) = match case.times {
            Times::Current => (hour(-2), Some(hour(2))),
            Times::Expired => (hour(-4), Some(hour(-2))),
            Times::Future => (hour(2), Some(hour(4))),
            Times::NoNextUpdate => (hour(-2), None),
            Times::Reversed => (hour(-2), Some(hour(-3))),
        };
        let client = &self.client.certificate;
        let id = match case.about {
            About::Client => CertId::new(client, &self.issuing.certificate),
            About::OtherSerial => CertId::new(&self.other.certificate, &self.issuing.certificate),
            About::OtherIssuer => CertId::new(client, &self.root.certificate),
        };
        let status = match case.says {
            Says::Good => CertStatus::Good,
            Says::Revoked => CertStatus::Revoked { at: hour(-3), reason: Some(1) },
            Says::Unknown => CertStatus::Unknown,
        };
        let answer = |id: CertId, status| SingleTemplate {
            answer: OcspAnswer {
                id,
                status,
                this_update: from,
                next_update: until,
                produced_at: hour(-1),
            },
            extensions: Vec::new(),
        };
        let mut answers = vec![answer(id, status)];
        if case.several {
            let other = CertId::new(&self.other.certificate, &self.issuing.certificate);
            answers.insert(0, answer(other, CertStatus::Good));
        }
        let delegate = self.delegate(case.signer);
        let signer = delegate.as_ref().unwrap_or(&self.issuing);
        let included = delegate.as_ref().filter(|_| case.signer != Signer::DelegateMissing);
        let responder = match case.by_key {
            true => ResponderName::key_of(&signer.certificate),
            false => ResponderName::name_of(&signer.certificate),
        };
        let template = OcspTemplate {
            responder,
            produced_at: hour(-1),
            answers,
            extensions: Vec::new(),
            certificates: included.map(|party| party.certificate.clone()).into_iter().collect(),
            fraction: false,
        };
        match case.signer {
            Signer::WrongKey => template.sign(&self.client.key),
            _ => template.sign(&signer.key),
        }
    }

    fn ours(&self, der: &[u8], verifier: &mut Verifier) -> Verdict {
        let policy = Policy { sources: vec![Source::Ocsp], scope: Scope::Leaf, ..Policy::strict() };
        let anchors = vec![self.root.certificate.clone()];
        let mut evidence = Evidence::of(self.client.certificate.clone(), anchors);
        evidence.certificates = vec![self.issuing.certificate.clone()];
        evidence.ocsp = vec![OcspResponse::parse(der).expect("a response")];
        match verify(self.now, &evidence, &policy, verifier).status {
            Status::Good => Verdict::Good,
            Status::Revoked => Verdict::Revoked,
            Status::Undetermined => Verdict::Undetermined,
            Status::PathInvalid => panic!("the path is sound"),
        }
    }
}

fn openssl(program: &Path, folder: &Path, der: &[u8]) -> (Verdict, String) {
    std::fs::write(folder.join("r.der"), der).expect("written");
    let mut command = Command::new(program);
    let line = "ocsp -respin r.der -issuer issuing.pem -cert client.pem -CAfile root.pem \
                -verify_other issuing.pem -no_nonce";
    command.current_dir(folder).args(line.split_whitespace());
    let said = finish(command);
    let verified = said.text.contains("Response verify OK");
    let current = !said.text.contains("Status times invalid");
    let says = |word: &str| said.text.contains(&format!("client.pem: {word}"));
    let verdict = match (verified && current, says("good"), says("revoked")) {
        (true, true, _) => Verdict::Good,
        (true, _, true) => Verdict::Revoked,
        _ => Verdict::Undetermined,
    };
    (verdict, said.text)
}

/// Every combination, in an order drawn by a seed.
fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for says in [Says::Good, Says::Revoked, Says::Unknown] {
        for signer in [
            Signer::Issuer,
            Signer::Delegate,
            Signer::DelegateExpired,
            Signer::DelegateFuture,
            Signer::DelegateWithoutPurpose,
            Signer::DelegateOfAnother,
            Signer::DelegateMissing,
            Signer::WrongKey,
        ] {
            for about in [About::Client, About::OtherSerial, About::OtherIssuer] {
                for times in [
                    Times::Current,
                    Times::Expired,
                    Times::Future,
                    Times::NoNextUpdate,
                    Times::Reversed,
                ] {
                    for (by_key, several) in
                        [(true, false), (false, false), (true, true), (false, true)]
                    {
                        all.push(Case { says, signer, about, times, by_key, several });
                    }
                }
            }
        }
    }
    let mut stream = Seed(8).stream("differential");
    for n in (1..all.len()).rev() {
        let other = usize::try_from(stream.below(n as u64 + 1)).unwrap_or(0);
        all.swap(n, other);
    }
    // Those in which one thing at most is wrong come first: they are in every sample.
    all.sort_by_key(|case| case.faults() > 1);
    all
}

/// The cases of a run, those of the sample or all, with their responses.
fn drawn(pki: &Pki) -> Vec<(Case, Vec<u8>)> {
    let mut all = cases();
    if std::env::var_os("REVLAB_DIFFERENTIAL").is_none() {
        all.truncate(SAMPLE);
    }
    all.into_iter().map(|case| (case, pki.response(&case))).collect()
}

/// The PKI of the present, and a folder with its certificates.
fn set_up() -> (Pki, tempfile::TempDir) {
    #[expect(clippy::disallowed_methods, reason = "openssl ocsp reads the machine's clock")]
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::SystemTime::UNIX_EPOCH).expect("after 1970");
    let pki = Pki::new(Instant::from_millis(since.as_secs() as i64 * 1000));
    let folder = tempfile::tempdir().expect("a folder");
    for (name, party) in
        [("root.pem", &pki.root), ("issuing.pem", &pki.issuing), ("client.pem", &pki.client)]
    {
        std::fs::write(folder.path().join(name), party.certificate.pem()).expect("written");
    }
    (pki, folder)
}

/// Holds two verdicts of each case against each other and the list.
fn compare(pki: &Pki, drawn: &[(Case, Vec<u8>)], theirs: &[(Verdict, String)], list: &[Known]) {
    assert_eq!(drawn.len(), theirs.len(), "{theirs:?}");
    let mut verifier = Verifier::new();
    let (mut unknown, mut met, mut told) = (Vec::new(), vec![0; list.len()], [0; 3]);
    for ((case, der), (theirs, said)) in drawn.iter().zip(theirs) {
        let ours = pki.ours(der, &mut verifier);
        told[ours as usize] += 1;
        if ours == *theirs {
            continue;
        }
        let known = list.iter().position(|known| {
            (known.applies)(case) && known.ours == ours && known.theirs.contains(theirs)
        });
        match known {
            Some(nth) => met[nth] += 1,
            None => unknown.push(format!("{case}: ours {ours:?}, not {theirs:?}: {said}")),
        }
    }
    assert!(unknown.is_empty(), "{} of {}:\n{}", unknown.len(), drawn.len(), unknown.join("\n"));
    assert!(told.iter().all(|times| *times > 5), "a verdict hardly came up: {told:?}");
    let unmet = list.iter().zip(met).filter(|(_, met)| *met == 0);
    let unmet: Vec<&str> = unmet.map(|(known, _)| known.rule).collect();
    assert!(unmet.is_empty(), "never met: {unmet:?}");
}

#[test]
fn openssl_and_the_strict_engine_differ_about_responses_only_as_the_list_says() {
    let Some(program) = program("openssl") else { return };
    let (pki, folder) = set_up();
    let drawn = drawn(&pki);
    let said = drawn.iter().map(|(_, der)| openssl(&program, folder.path(), der));
    compare(&pki, &drawn, &said.collect::<Vec<_>>(), &OPENSSL);
}

#[test]
fn the_jdk_and_the_strict_engine_differ_about_responses_only_as_the_list_says() {
    let (Some(_), Some(java)) = (program("javac"), program("java")) else { return };
    let (pki, folder) = set_up();
    let drawn = drawn(&pki);
    for (n, (_, der)) in drawn.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{n}.der")), der).expect("written");
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/Ocsp.java");
    let mut command = Command::new(java);
    command.args(["-Xshare:auto", "-XX:TieredStopAtLevel=1"]).arg(source);
    command.arg(pki.now.as_millis().to_string()).arg(folder.path());
    let said = finish(command);
    assert!(said.ok, "{}", said.text);
    let verdict = |line: &str| match line.split(':').next() {
        Some("good") => Verdict::Good,
        Some("revoked") => Verdict::Revoked,
        _ => Verdict::Undetermined,
    };
    let said: Vec<_> = said.text.lines().map(|line| (verdict(line), line.to_owned())).collect();
    compare(&pki, &drawn, &said, &JDK);
}
