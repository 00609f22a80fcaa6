//! The strict engine beside `openssl ocsp` and the JDK over combinations of what an OCSP response can say, who
//! has signed it, about what, by which hash, when, with which nonce, or which error it is: the same verdict, or the difference is one of [`OPENSSL`] or
//! [`JDK`].
//!
//! `openssl ocsp` holds the times of an answer against the machine's clock, so everything is made
//! around the present.

use std::fmt;
use std::path::Path;
use std::process::Command;

use revlab_lab::{Instant, Seed, Span};
use revlab_pki::{
    CertId, CertIdHash, CertStatus, Certificate, CertificateTemplate, DistinguishedName, Issuer,
    KeyAlgorithm, KeyPair, OcspAnswer, OcspExtension, OcspRequest, OcspResponse, OcspTemplate,
    ResponderName, SingleTemplate, Usage, Verifier,
};
use revlab_sut::validation::policy::{Policy, Scope, Source};
use revlab_sut::validation::{Evidence, Status, verify};
use revlab_tests::program::{finish, program};

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

/// The nonce that comes back. There are 16 octets in the request, but in the last of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nonce {
    Unasked,
    Echoed,
    Absent,
    Other,
    Empty,
    /// None was sent, and one comes.
    Unasked16,
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
    hash: CertIdHash,
    nonce: Nonce,
    /// responseStatus (RFC 6960 §4.2.1); not 0: there is nothing else in the response.
    status: u8,
}

/// What the cases differ from.
const USUAL: Case = Case {
    says: Says::Good,
    signer: Signer::Issuer,
    about: About::Client,
    times: Times::Current,
    by_key: true,
    several: false,
    hash: CertIdHash::Sha1,
    nonce: Nonce::Unasked,
    status: 0,
};

/// OCTET STRINGs of 16 octets, and an empty one.
const SENT: [u8; 18] = [4, 16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
const OTHER: [u8; 18] = [4, 16, 9, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
const EMPTY: [u8; 2] = [4, 0];

impl Nonce {
    fn sent(self) -> Option<Vec<u8>> {
        let sent = !matches!(self, Nonce::Unasked | Nonce::Unasked16);
        sent.then(|| SENT.to_vec())
    }

    fn comes_back(self) -> Option<Vec<u8>> {
        match self {
            Nonce::Unasked | Nonce::Absent => None,
            Nonce::Echoed => Some(SENT.to_vec()),
            Nonce::Other | Nonce::Unasked16 => Some(OTHER.to_vec()),
            Nonce::Empty => Some(EMPTY.to_vec()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Good,
    Revoked,
    Undetermined,
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

const OPENSSL: [Known; 3] = [
    Known {
        applies: |case| case.times == Times::NoNextUpdate,
        ours: Verdict::Undetermined,
        theirs: &[Verdict::Good, Verdict::Revoked],
        rule: "RFC 5019 §2.2.4 wants a nextUpdate; RFC 6960 §4.2.2.1 takes none for always current: \
               either, by policy",
    },
    NO_NONCE_GOOD,
    NO_NONCE_REVOKED,
];

/// A response without the nonce that was sent.
const NO_NONCE_GOOD: Known = Known {
    applies: |case| case.nonce == Nonce::Absent && case.says == Says::Good,
    ours: Verdict::Undetermined,
    theirs: &[Verdict::Good],
    rule: "RFC 9654 §3: a client that has sent a nonce may reject a response without one, for it may \
           be an old one: either, by policy (`ocsp_nonce`)",
};

const NO_NONCE_REVOKED: Known = Known {
    applies: |case| case.nonce == Nonce::Absent && case.says == Says::Revoked,
    theirs: &[Verdict::Revoked],
    ..NO_NONCE_GOOD
};

/// Without a nextUpdate an answer is too old to the JDK a quarter of an hour after its thisUpdate.
const JDK: [Known; 4] = [
    NO_NONCE_GOOD,
    NO_NONCE_REVOKED,
    Known {
        applies: |case| case.hash != CertIdHash::Sha1 && case.says == Says::Good,
        ours: Verdict::Good,
        theirs: &[Verdict::Undetermined],
        rule: "RFC 6960 §4.1.1 leaves the hash function open; the JDK asks by SHA-1 alone, and by \
               §3.2 (1) an answer must be about what was asked: either",
    },
    Known {
        applies: |case| case.hash != CertIdHash::Sha1 && case.says == Says::Revoked,
        ours: Verdict::Revoked,
        theirs: &[Verdict::Undetermined],
        rule: "the same of a revoked one (RFC 6960 §3.2 (1), §4.1.1)",
    },
];

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
        if case.status != 0 {
            return OcspResponse::error(case.status);
        }
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
            About::Client => CertId::by(case.hash, client, &self.issuing.certificate),
            About::OtherSerial => {
                CertId::by(case.hash, &self.other.certificate, &self.issuing.certificate)
            }
            About::OtherIssuer => CertId::by(case.hash, client, &self.root.certificate),
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
            extensions: case.nonce.comes_back().map(OcspExtension::nonce).into_iter().collect(),
            certificates: included.map(|party| party.certificate.clone()).into_iter().collect(),
            fraction: false,
        };
        match case.signer {
            Signer::WrongKey => template.sign(&self.client.key),
            _ => template.sign(&signer.key),
        }
    }

    fn ours(&self, case: &Case, der: &[u8], verifier: &mut Verifier) -> Verdict {
        let policy = Policy { sources: vec![Source::Ocsp], scope: Scope::Leaf, ..Policy::strict() };
        let anchors = vec![self.root.certificate.clone()];
        let mut evidence = Evidence::of(self.client.certificate.clone(), anchors);
        evidence.certificates = vec![self.issuing.certificate.clone()];
        evidence.ocsp = vec![OcspResponse::parse(der).expect("a response")];
        evidence.nonce = case.nonce.sent();
        match verify(self.now, &evidence, &policy, verifier).status {
            Status::Good => Verdict::Good,
            Status::Revoked => Verdict::Revoked,
            Status::Undetermined => Verdict::Undetermined,
            Status::PathInvalid => panic!("the path is sound"),
        }
    }
}

fn openssl(program: &Path, folder: &Path, pki: &Pki, case: &Case, der: &[u8]) -> (Verdict, String) {
    std::fs::write(folder.join("r.der"), der).expect("written");
    let mut command = Command::new(program);
    let hash = format!("{:?}", case.hash).to_ascii_lowercase();
    let mut line = "ocsp -respin r.der -issuer issuing.pem -CAfile root.pem \
                    -verify_other issuing.pem -no_nonce"
        .to_owned();
    // With a request from a file there is no summary, but the nonce is ours.
    let nonce = case.nonce.sent();
    if nonce.is_some() {
        let id = CertId::by(case.hash, &pki.client.certificate, &pki.issuing.certificate);
        let request = OcspRequest { ids: vec![id], nonce };
        std::fs::write(folder.join("q.der"), request.der()).expect("written");
        line += " -reqin q.der -resp_text";
    } else {
        line += &format!(" -{hash} -cert client.pem");
    }
    command.current_dir(folder).args(line.split_whitespace());
    let said = finish(command);
    let verified = said.text.contains("Response verify OK");
    let current = !said.text.contains("Status times invalid");
    let says = |word: &str| {
        said.text.contains(&format!("client.pem: {word}"))
            || said.text.contains(&format!("Cert Status: {word}"))
    };
    let verdict = match (verified && current, says("good"), says("revoked")) {
        (true, true, _) => Verdict::Good,
        (true, _, true) => Verdict::Revoked,
        _ => Verdict::Undetermined,
    };
    (verdict, said.text)
}

/// The same by every hash function, and with every nonce.
fn more(case: Case) -> Vec<Case> {
    let hashes = CertIdHash::ALL.into_iter().skip(1).flat_map(move |hash| {
        [About::Client, About::OtherSerial].map(|about| Case { hash, about, ..case })
    });
    let nonces = [Nonce::Echoed, Nonce::Absent, Nonce::Other, Nonce::Empty, Nonce::Unasked16];
    hashes.chain(nonces.map(|nonce| Case { nonce, ..case })).collect()
}

/// Every combination.
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
                        all.push(Case { says, signer, about, times, by_key, several, ..USUAL });
                    }
                }
            }
            all.extend(more(Case { says, signer, ..USUAL }));
        }
    }
    all.extend([1, 2, 3, 5, 6].map(|status| Case { status, ..USUAL }));
    all
}

/// The cases with their responses.
fn made(pki: &Pki) -> Vec<(Case, Vec<u8>)> {
    cases().into_iter().map(|case| (case, pki.response(&case))).collect()
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
fn compare(pki: &Pki, made: &[(Case, Vec<u8>)], theirs: &[(Verdict, String)], list: &[Known]) {
    assert_eq!(made.len(), theirs.len(), "{theirs:?}");
    let mut verifier = Verifier::new();
    let (mut unknown, mut met, mut told) = (Vec::new(), vec![0; list.len()], [0; 3]);
    for ((case, der), (theirs, said)) in made.iter().zip(theirs) {
        let ours = pki.ours(case, der, &mut verifier);
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
    assert!(unknown.is_empty(), "{} of {}:\n{}", unknown.len(), made.len(), unknown.join("\n"));
    assert!(told.iter().all(|times| *times > 5), "a verdict hardly came up: {told:?}");
    let unmet = list.iter().zip(met).filter(|(_, met)| *met == 0);
    let unmet: Vec<&str> = unmet.map(|(known, _)| known.rule).collect();
    assert!(unmet.is_empty(), "never met: {unmet:?}");
}

#[test]
fn openssl_and_the_strict_engine_differ_about_responses_only_as_the_list_says() {
    let Some(program) = program("openssl") else { return };
    let (pki, folder) = set_up();
    let made = made(&pki);
    let said = made.iter().map(|(case, der)| openssl(&program, folder.path(), &pki, case, der));
    compare(&pki, &made, &said.collect::<Vec<_>>(), &OPENSSL);
}

#[test]
fn the_jdk_and_the_strict_engine_differ_about_responses_only_as_the_list_says() {
    let (Some(_), Some(java)) = (program("javac"), program("java")) else { return };
    let (pki, folder) = set_up();
    let made = made(&pki);
    for (n, (case, der)) in made.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{n}.der")), der).expect("written");
        if let Some(nonce) = case.nonce.sent() {
            std::fs::write(folder.path().join(format!("{n}.nonce")), nonce).expect("written");
        }
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
    compare(&pki, &made, &said, &JDK);
}
