//! The strict engine beside OpenSSL, over thousands of combinations of faults. What they differ in
//! stands in `differential.toml` with the rule behind it; any other difference fails, and so does an
//! entry of the list that no combination meets.
//!
//! Both verdicts are refusals alike where more than the revocation of the client is in question.
//!
//! `REVLAB_DIFFERENTIAL=all cargo test -p revlab-tests --test differential` takes every combination;
//! otherwise a sample is taken, and entries that it does not meet are only counted against it when
//! the whole is run.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use revlab_lab::Seed;
use revlab_pki::Verifier;
use revlab_sut::validation::policy::{Policy, Scope};
use revlab_sut::validation::{Status, verify};
use revlab_tests::differential::{AT, Case, Files, cases};
use revlab_tests::program::{finish, program};
use serde::Deserialize;

/// How many combinations a usual run takes.
const SAMPLE: usize = 500;

/// A known difference.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    /// Values of axes by name, with `|` between those of one axis; the others may have any.
    case: BTreeMap<String, String>,
    ours: Vec<Verdict>,
    openssl: Vec<Verdict>,
    /// The rule by which one of them is right.
    rule: String,
    /// Which: `ours`, `openssl` or `either`, where the rule leaves it open.
    right: String,
}

#[derive(Debug, Deserialize)]
struct List {
    difference: Vec<Difference>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Good,
    Revoked,
    Undetermined,
    PathInvalid,
    /// A CRL cannot be read.
    Unreadable,
}

impl Difference {
    fn matches(&self, case: &Case, ours: Verdict, theirs: Verdict) -> bool {
        let values: BTreeMap<&str, String> = Case::AXES.into_iter().zip(case.values()).collect();
        let one_of = |axis: &String, list: &String| {
            let value = values.get(axis.as_str()).map(String::as_str).unwrap_or_default();
            list.split('|').any(|one| one == value)
        };
        self.ours.contains(&ours)
            && self.openssl.contains(&theirs)
            && self.case.iter().all(|(axis, list)| one_of(axis, list))
    }
}

/// Equal, or both a refusal where the chain is wrong too or the CA is revoked: validators that look
/// at things in another order then have another reason, which no RFC forbids.
fn agree(case: &Case, ours: Verdict, theirs: Verdict) -> bool {
    let ordered = case.is_about_revocation() && !case.issuer_revoked;
    ours == theirs || (!ordered && ours != Verdict::Good && theirs != Verdict::Good)
}

/// OpenSSL asks about the anchor as well.
fn ours(case: &Case, verifier: &mut Verifier) -> (Files, Verdict) {
    let policy = Policy { scope: Scope::WholeChain, ..Policy::strict() };
    let (files, evidence) = case.make();
    let verdict = match evidence.map(|evidence| verify(AT, &evidence, &policy, verifier).status) {
        None => Verdict::Unreadable,
        Some(Status::Good) => Verdict::Good,
        Some(Status::Revoked) => Verdict::Revoked,
        Some(Status::Undetermined) => Verdict::Undetermined,
        Some(Status::PathInvalid) => Verdict::PathInvalid,
    };
    (files, verdict)
}

fn openssl(program: &Path, folder: &Path, files: &Files) -> (Verdict, String) {
    let put = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("written");
    put("anchor.pem", &files.anchor);
    put("target.pem", &files.target);
    let mut command = Command::new(program);
    command.current_dir(folder).arg("verify");
    let at = AT.as_secs().to_string();
    command.args(["-attime", &at, "-crl_check_all", "-extended_crl", "-use_deltas"]);
    command.args(["-CAfile", "anchor.pem"]);
    if !files.untrusted.is_empty() {
        put("untrusted.pem", &files.untrusted);
        command.args(["-untrusted", "untrusted.pem"]);
    }
    for (n, crl) in files.crls.iter().enumerate() {
        let name = format!("{n}.crl.pem");
        put(&name, crl);
        command.args(["-CRLfile", &name]);
    }
    command.arg("target.pem");
    let said = finish(command);
    if said.ok {
        return (Verdict::Good, said.text);
    }
    let code = said.text.split_once("error ").and_then(|(_, rest)| rest.split(' ').next());
    let verdict = match code.and_then(|code| code.parse::<u32>().ok()) {
        Some(23) => Verdict::Revoked,
        // Unable to get CRL; its signature, validity, fields, signer, signer's usage; critical
        // extensions; scope; signer's path.
        Some(3 | 5 | 8 | 11 | 12 | 15 | 16 | 33 | 35 | 36 | 44 | 54) => Verdict::Undetermined,
        Some(_) => Verdict::PathInvalid,
        None => Verdict::Unreadable,
    };
    (verdict, said.text)
}

#[test]
fn openssl_and_the_strict_engine_differ_only_as_the_list_says() {
    let Some(program) = program("openssl") else { return };
    let list = include_str!("differential.toml");
    let list: List = toml::from_str(list).expect("a list of differences");
    for entry in &list.difference {
        assert!(entry.rule.contains("RFC"), "{entry:?} names no RFC");
        assert!(["ours", "openssl", "either"].contains(&&*entry.right), "{entry:?}");
        assert!(entry.case.keys().all(|axis| Case::AXES.contains(&&**axis)), "{entry:?}");
    }
    let whole = std::env::var_os("REVLAB_DIFFERENTIAL").is_some();
    let mut all = cases(Seed(1));
    all.truncate(if whole { usize::MAX } else { SAMPLE });
    let folder = tempfile::tempdir().expect("a folder");
    let mut verifier = Verifier::new();
    let mut met = vec![0usize; list.difference.len()];
    let mut unknown = Vec::new();
    for case in &all {
        let (files, ours) = ours(case, &mut verifier);
        let (theirs, said) = openssl(&program, folder.path(), &files);
        if agree(case, ours, theirs) {
            continue;
        }
        let mut known = false;
        for (entry, met) in list.difference.iter().zip(&mut met) {
            if entry.matches(case, ours, theirs) {
                *met += 1;
                known = true;
            }
        }
        if !known {
            unknown.push(format!("{case}: ours {ours:?}, OpenSSL {theirs:?}: {}", said.trim()));
        }
    }
    assert!(unknown.is_empty(), "{} of {}:\n{}", unknown.len(), all.len(), unknown.join("\n"));
    let unmet = list.difference.iter().zip(&met).filter(|(_, met)| **met == 0);
    let unmet: Vec<String> = unmet.map(|(entry, _)| format!("{entry:?}")).collect();
    assert!(!whole || unmet.is_empty(), "never met:\n{}", unmet.join("\n"));
}
