//! The strict engine beside OpenSSL and the JDK, over thousands of combinations of faults. What they
//! differ in stands in `differential.toml` and `differential_jdk.toml` with the rule behind it; any other
//! difference fails, and so does an entry of a list that no combination meets.
//!
//! The JDK does not know deltas (its CRL selector passes them over): it is asked about those
//! combinations that have none.
//!
//! Both verdicts are refusals alike where more than the revocation of the client is in question.
//!
//! `REVLAB_DIFFERENTIAL=all cargo test -p revlab-tests --test differential` takes every combination;
//! otherwise OpenSSL is asked about a sample, and entries that it does not meet are only counted
//! against it when the whole is run.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use revlab_lab::Seed;
use revlab_pki::Verifier;
use revlab_sut::validation::policy::{Policy, Scope};
use revlab_sut::validation::{Status, verify};
use revlab_tests::differential::{AT, Case, DeltaKind, Files, cases};
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
    #[serde(alias = "openssl", alias = "jdk")]
    theirs: Vec<Verdict>,
    /// The rule by which one of them is right.
    rule: String,
    /// Which: `ours`, the peer by name, or `either`, where the rule leaves it open.
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
            && self.theirs.contains(&theirs)
            && self.case.iter().all(|(axis, list)| one_of(axis, list))
    }
}

/// Equal, or both a refusal where the chain is wrong too or the CA is revoked: validators that look
/// at things in another order then have another reason, which no RFC forbids.
fn agree(case: &Case, ours: Verdict, theirs: Verdict) -> bool {
    let ordered = case.is_about_revocation() && !case.issuer_revoked;
    ours == theirs || (!ordered && ours != Verdict::Good && theirs != Verdict::Good)
}

fn ours(case: &Case, scope: Scope, verifier: &mut Verifier) -> (Files, Verdict) {
    let policy = Policy { scope, ..Policy::strict() };
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

/// Writes a combination into a folder.
fn put(folder: &Path, files: &Files) {
    let put = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("written");
    put("anchor.pem", &files.anchor);
    put("target.pem", &files.target);
    if !files.untrusted.is_empty() {
        put("untrusted.pem", &files.untrusted);
    }
    for (n, crl) in files.crls.iter().enumerate() {
        put(&format!("{n}.crl.pem"), crl);
    }
}

fn openssl(program: &Path, folder: &Path, files: &Files) -> (Verdict, String) {
    put(folder, files);
    let mut command = Command::new(program);
    command.current_dir(folder).arg("verify");
    let at = AT.as_secs().to_string();
    command.args(["-attime", &at, "-crl_check_all", "-extended_crl", "-use_deltas"]);
    command.args(["-CAfile", "anchor.pem"]);
    if !files.untrusted.is_empty() {
        command.args(["-untrusted", "untrusted.pem"]);
    }
    for n in 0..files.crls.len() {
        command.args(["-CRLfile", &format!("{n}.crl.pem")]);
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

/// Each combination's verdict by one peer, and its words.
type Theirs = Vec<(Verdict, String)>;

/// Whether every combination is asked about.
fn whole() -> bool {
    std::env::var_os("REVLAB_DIFFERENTIAL").is_some()
}

fn read(list: &str, peer: &str) -> Vec<Difference> {
    let list: List = toml::from_str(list).expect("a list of differences");
    for entry in &list.difference {
        assert!(entry.rule.contains("RFC"), "{entry:?} names no RFC");
        assert!(["ours", peer, "either"].contains(&&*entry.right), "{entry:?}");
        assert!(entry.case.keys().all(|axis| Case::AXES.contains(&&**axis)), "{entry:?}");
    }
    list.difference
}

/// Holds both verdicts of each combination against each other and the list.
fn compare(cases: &[Case], ours: &[Verdict], theirs: &Theirs, list: &[Difference], whole: bool) {
    assert_eq!(cases.len(), theirs.len(), "{theirs:?}");
    let mut met = vec![0usize; list.len()];
    let mut unknown = Vec::new();
    for ((case, ours), (theirs, said)) in cases.iter().zip(ours).zip(theirs) {
        if agree(case, *ours, *theirs) {
            continue;
        }
        let mut known = false;
        for (entry, met) in list.iter().zip(&mut met) {
            if entry.matches(case, *ours, *theirs) {
                *met += 1;
                known = true;
            }
        }
        if !known {
            unknown.push(format!("{case}: ours {ours:?}, theirs {theirs:?}: {}", said.trim()));
        }
    }
    assert!(unknown.is_empty(), "{} of {}:\n{}", unknown.len(), cases.len(), unknown.join("\n"));
    let unmet = list.iter().zip(&met).filter(|(_, met)| **met == 0);
    let unmet: Vec<String> = unmet.map(|(entry, _)| format!("{entry:?}")).collect();
    assert!(!whole || unmet.is_empty(), "never met:\n{}", unmet.join("\n"));
}

#[test]
fn openssl_and_the_strict_engine_differ_only_as_the_list_says() {
    let Some(program) = program("openssl") else { return };
    let list = read(include_str!("differential.toml"), "openssl");
    let mut cases = cases(Seed(1));
    cases.truncate(if whole() { usize::MAX } else { SAMPLE });
    let folder = tempfile::tempdir().expect("a folder");
    let mut verifier = Verifier::new();
    let both = cases.iter().map(|case| {
        // OpenSSL asks about the anchor as well.
        let (files, ours) = ours(case, Scope::WholeChain, &mut verifier);
        (ours, openssl(&program, folder.path(), &files))
    });
    let (ours, theirs): (Vec<Verdict>, Theirs) = both.unzip();
    compare(&cases, &ours, &theirs, &list, whole());
}

#[test]
fn the_jdk_and_the_strict_engine_differ_only_as_the_list_says() {
    let (Some(_), Some(java)) = (program("javac"), program("java")) else { return };
    let list = read(include_str!("differential_jdk.toml"), "jdk");
    let cases = cases(Seed(1)).into_iter().filter(|case| case.delta == DeltaKind::None);
    let cases: Vec<Case> = cases.collect();
    let folder = tempfile::tempdir().expect("a folder");
    let mut verifier = Verifier::new();
    let ours = cases.iter().enumerate().map(|(n, case)| {
        let (files, ours) = ours(case, Scope::ChainWithoutRoot, &mut verifier);
        let own = folder.path().join(n.to_string());
        std::fs::create_dir(&own).expect("a folder");
        put(&own, &files);
        ours
    });
    let ours: Vec<Verdict> = ours.collect();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/Crls.java");
    let mut command = Command::new(java);
    command.args(["-Xshare:auto", "-XX:TieredStopAtLevel=1"]).arg(source);
    command.arg(AT.as_millis().to_string()).arg(folder.path());
    let said = finish(command);
    assert!(said.ok, "{}", said.text);
    let verdict = |line: &str| match line.split(':').next() {
        Some("good") => Verdict::Good,
        Some("revoked") => Verdict::Revoked,
        Some("undetermined") => Verdict::Undetermined,
        Some("unreadable") => Verdict::Unreadable,
        _ => Verdict::PathInvalid,
    };
    let theirs = said.text.lines().map(|line| (verdict(line), line.to_owned())).collect();
    compare(&cases, &ours, &theirs, &list, true);
}
