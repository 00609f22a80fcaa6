//! Each defect of a CRL before each program. RSA, since only an RSA key makes every weak signature.

use std::path::Path;

use revlab_fake_ca::content::crl::{CrlDefect, spoil};
use revlab_pki::{Crl, CrlTemplate, KeyAlgorithm};
use revlab_tests::live_ca::LiveCa;
use revlab_tests::pem;
use revlab_tests::program::run;

use super::page::{Column, Rows, asked};
use super::programs::{COLUMNS, Program};
use super::verdict::{Verdict, cell, words};

/// What each program says about each defect.
pub(crate) fn rows(columns: &[Column; COLUMNS]) -> Rows {
    let ca = LiveCa::start(KeyAlgorithm::Rsa2048);
    let defects: Vec<Subject> =
        CrlDefect::NAMES.iter().map(|(name, defect)| Subject::new(&ca, name, *defect)).collect();
    asked(columns, &defects.iter().map(|subject| subject.name).collect::<Vec<_>>(), |column| {
        ask(&ca, column, &defects)
    })
}

/// A defective list, its file, and the certificates that it decides about.
struct Subject {
    name: &'static str,
    /// Whether the delta is defective, or else the base.
    delta: bool,
    /// Whether its bytes are a list in DER, as a file for GnuTLS has to hold.
    is_der: bool,
}

impl Subject {
    fn new(ca: &LiveCa, name: &'static str, defect: CrlDefect) -> Subject {
        let delta = !defect.touches(false);
        let (issuer, key) = ca.authority("issuing");
        let [at_base, at_delta] = ["", "+"].map(|sign| format!("/defect/{name}{sign}.crl"));
        for (file, at, this) in [("base.crl", &at_base, !delta), ("delta.crl", &at_delta, delta)] {
            let der = std::fs::read(ca.path().join(file)).expect("the list");
            let list = template(&Crl::parse(&der).expect("a sound list"), &ca.url(&at_delta));
            let defects: &[CrlDefect] = if this { &[defect] } else { &[] };
            let bytes = spoil(&list, defects, &issuer, &key);
            ca.put(at, "application/pkix-crl", &bytes);
            if this {
                ca.write(&format!("{name}.crl.pem"), pem("X509 CRL", &bytes));
            }
        }
        let delta_url = ca.url(&at_delta);
        for of in ["good", "revoked", "late"] {
            let freshest: &[&str] = if delta { &[&delta_url] } else { &[] };
            // A program that remembers what it has fetched shall fetch for each.
            let base = format!("{}?{of}", ca.url(&at_base));
            ca.twin(of, &format!("{of}-{name}"), &[&base], freshest, &[]);
        }
        let is_der = !matches!(defect, CrlDefect::Pem | CrlDefect::Base64);
        Subject { name, delta, is_der }
    }

    /// The certificates of a good and of a revoked client, without `.pem`.
    fn clients(&self) -> [String; 2] {
        ["good", if self.delta { "late" } else { "revoked" }]
            .map(|who| format!("{who}-{}", self.name))
    }
}

/// The template that a list was made from, with another location of the delta.
fn template(list: &Crl, delta: &str) -> CrlTemplate {
    let is_base = list.base_number().is_none();
    CrlTemplate {
        number: list.number().expect("a number"),
        base_number: list.base_number(),
        virtual_base: list.virtual_base(),
        this_update: list.this_update(),
        next_update: list.next_update(),
        next_publish: list.next_publish(),
        ca_version: list.ca_version(),
        freshest_crl_urls: is_base.then(|| delta.parse().expect("a URL")).into_iter().collect(),
        published_locations: Vec::new(),
        extensions: Vec::new(),
        entries: list.entries().collect(),
    }
}

/// One program about all defects; `None` where it is not there.
fn ask(ca: &LiveCa, column: &Column, defects: &[Subject]) -> Option<Vec<String>> {
    let command = column.command.as_deref()?;
    match column.program {
        Program::Jdk => {
            let clients: Vec<String> = defects.iter().flat_map(Subject::clients).collect();
            return Some(pairs(defects, &jdk(ca, command, "crl", &clients)));
        }
        Program::Dirmngr => return Some(dirmngr(ca, defects)),
        _ => {}
    }
    let cells = defects.iter().map(|subject| {
        let [good, revoked] = subject.clients();
        match column.program {
            Program::Openssl => cell(&openssl(ca, command, &good), &openssl(ca, command, &revoked)),
            Program::Gnutls if subject.delta => "does not know deltas".to_owned(),
            Program::Gnutls if !subject.is_der => "not asked".to_owned(),
            Program::Gnutls => {
                let verdict = |who: &str| gnutls(ca, command, who, subject.name);
                let list = gnutls_list(ca, command, subject.name);
                cell(&verdict(&good), &verdict(&revoked)) + &list
            }
            _ => cell(&strongswan(ca, command, &good), &strongswan(ca, command, &revoked)),
        }
    });
    Some(cells.collect())
}

fn openssl(ca: &LiveCa, command: &Path, who: &str) -> Verdict {
    let line = "verify -CAfile root.pem -untrusted issuing.pem -crl_check -extended_crl \
                -crl_download -use_deltas";
    let said = run(command, ca.path(), &format!("{line} {who}.pem"));
    if said.ok {
        return Verdict::Good;
    }
    let why = said.text.lines().find_map(|line| line.split_once(" lookup: "));
    match why.map(|(_, why)| why) {
        Some("certificate revoked") => Verdict::Revoked,
        why => Verdict::Refused(words(why.unwrap_or(&said.text))),
    }
}

fn gnutls(ca: &LiveCa, command: &Path, who: &str, defect: &str) -> Verdict {
    let both = [ca.read(&format!("{who}.pem")), ca.read("issuing.pem")].concat();
    ca.write(&format!("{who}.chain.pem"), both);
    let line = "--verify --load-ca-certificate root.pem";
    let said = run(
        command,
        ca.path(),
        &format!("{line} --infile {who}.chain.pem --load-crl {defect}.crl.pem"),
    );
    let chain = said.text.lines().find_map(|line| line.strip_prefix("Chain verification output: "));
    match chain {
        None => Verdict::Refused(words(said.text.lines().last().unwrap_or_default())),
        Some(text) if text.contains("revoked") => Verdict::Revoked,
        Some(text) if !text.starts_with("Verified") => {
            let why = text.rsplit_once("NOT trusted.").map_or(text, |(_, why)| why);
            Verdict::Refused(words(why))
        }
        Some(_) if said.text.contains("Checked against CRL[") => Verdict::Good,
        Some(_) => Verdict::Unchecked("the list is passed over".to_owned()),
    }
}

/// What GnuTLS says of the list itself, where it has not passed: for a chain it does not look.
fn gnutls_list(ca: &LiveCa, command: &Path, defect: &str) -> String {
    let line = "--verify-crl --load-ca-certificate issuing.pem --infile";
    let said = run(command, ca.path(), &format!("{line} {defect}.crl.pem"));
    match said.text.lines().find_map(|line| line.strip_prefix("Verification output: ")) {
        Some(text) if !text.starts_with("Verified") => {
            let why = text.rsplit_once("NOT trusted.").map_or(text, |(_, why)| why);
            format!("; `--verify-crl`: {}", words(why))
        }
        _ => String::new(),
    }
}

fn dirmngr(ca: &LiveCa, defects: &[Subject]) -> Vec<String> {
    let of = |s: &Subject| s.clients().map(|client| (s.name, "--validate", client));
    let answers = crate::dirmngr::answers(ca, &defects.iter().flat_map(of).collect::<Vec<_>>());
    let verdict = |said: &String| match said.strip_prefix("validation of certificate failed: ") {
        None if said == "certificate is valid" => Verdict::Good,
        Some("Certificate revoked") => Verdict::Revoked,
        why => Verdict::Refused(words(why.unwrap_or(said))),
    };
    let verdicts: Vec<Verdict> = answers.iter().map(verdict).collect();
    pairs(defects, &verdicts)
}

/// A cell for each defect, of verdicts on a good and a revoked client in turns.
fn pairs(defects: &[Subject], verdicts: &[Verdict]) -> Vec<String> {
    let told = |(subject, pair): (&Subject, &[Verdict])| match pair {
        _ if subject.delta => "does not know deltas".to_owned(),
        [good, revoked] => cell(good, revoked),
        _ => String::new(),
    };
    defects.iter().zip(verdicts.chunks(2)).map(told).collect()
}

/// What strongSwan says of a certificate, by the way that it names.
pub(crate) fn strongswan(ca: &LiveCa, command: &Path, who: &str) -> Verdict {
    let line = format!("--verify --online --in {who}.pem --cacert issuing.pem --cacert root.pem");
    let said = run(command, ca.path(), &line);
    if said.text.contains("certificate was revoked") {
        return Verdict::Revoked;
    }
    // Of the two certificates it is the first, the client's, that the list is about.
    let about = said.text.split("checking certificate status of").nth(1).unwrap_or(&said.text);
    if about.contains("certificate status is good") {
        return Verdict::Good;
    }
    let (told, end) = about.split_once("certificate status is").unwrap_or((about, ""));
    // What it does, and that it goes on to a list that is not there, is no reason.
    let no_reason = ["fetching", "requesting", "ocsp check failed, fallback to crl"];
    let why = told.lines().rfind(|line| !no_reason.iter().any(|no| line.contains(no)));
    let why = why.filter(|line| !line.starts_with(" \"")).unwrap_or(end);
    let why = words(why.split(": until ").next().unwrap_or(why));
    if said.ok { Verdict::Unchecked(why) } else { Verdict::Refused(why) }
}

/// What the JDK says of each certificate.
pub(crate) fn jdk(ca: &LiveCa, java: &Path, way: &str, clients: &[String]) -> Vec<Verdict> {
    let names: Vec<&str> = clients.iter().map(String::as_str).collect();
    let said = crate::jdk::verdicts(java, way, &[(ca, &names)]);
    assert_eq!(said.len(), names.len(), "{said:#?}");
    let verdict = |line: &String| match line.split_once(": ") {
        Some((_, "accepted")) => Verdict::Good,
        Some((_, why)) if why.starts_with("REVOKED") => Verdict::Revoked,
        _ => {
            let why = line.split_once(": ").and_then(|(_, why)| why.split_once(": "));
            let why = why.map_or(line.as_str(), |(_, why)| why);
            // `NotAfter: ` and then the moment, which differs from run to run.
            let date = why.split_once(": ").filter(|(label, _)| label.starts_with("Not"));
            Verdict::Refused(words(date.map_or(why, |(label, _)| label)))
        }
    };
    said.iter().map(verdict).collect()
}
