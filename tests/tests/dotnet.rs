//! What dotnet/runtime's revocation tests say of Windows (`DynamicRevocationTests`, `TimeoutTests`), as
//! a family of scenarios: 25 shapes of a PKI of two tiers, under each condition, for each profile.
//!
//! A shape says by what the status of the issuing CA and that of the client can be found out (CRL,
//! OCSP, both), and whether a certificate of its own signs the OCSP answers. What is expected comes
//! from those tests' own statements, never from a run:
//!
//! * what is unreachable, or cannot be used for its signature or date, is offline;
//! * an OCSP time-out falls over to the CRL, and a CRL that does not come does no harm where OCSP
//!   answers;
//! * an expired CRL still revokes what it lists, and settles nothing for others;
//! * no nextUpdate is accepted;
//! * answers from the cache hold when the source is gone (that they do offline, too, is tested beside
//!   the engine: `restored.rs`);
//! * the root is not asked about.

use revlab::exec::Transport;
use revlab::judge::{self, Status};
use revlab::report::terminal;
use revlab_tests::run;

/// By what the status of a certificate can be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Crl,
    Ocsp { delegated: bool },
    Both { delegated: bool },
}

const ALL: [By; 5] = [
    By::Crl,
    By::Ocsp { delegated: false },
    By::Ocsp { delegated: true },
    By::Both { delegated: false },
    By::Both { delegated: true },
];

impl By {
    fn crl(self) -> bool {
        !matches!(self, By::Ocsp { .. })
    }

    fn ocsp(self) -> bool {
        self != By::Crl
    }

    /// What a CA says in the certificates that it issues, and what answers.
    fn keys(self, host: &str) -> String {
        let cdp = if self.crl() { "" } else { "cdp = []\n" };
        let signer = match self {
            By::Ocsp { delegated: true } | By::Both { delegated: true } => "delegated",
            _ => "ca",
        };
        let ocsp = match self.ocsp() {
            true => format!(
                "aia = {{ ocsp = [\"http://{host}/ocsp\"] }}\n\
                 responder = {{ signer = \"{signer}\" }}\n"
            ),
            false => String::new(),
        };
        format!(
            "host = \"{host}\"\ncrl = {{ period = \"1h\", delta_period = \"none\" }}\n{cdp}{ocsp}"
        )
    }
}

/// What clients see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Good,
    Revoked,
    Offline,
}

/// What is wrong, and what is expected of a shape: `None` where it does not apply.
struct Condition {
    name: &'static str,
    tables: &'static str,
    expected: fn(issuer: By, leaf: By) -> Option<Expected>,
}

use Expected::{Good, Offline, Revoked};

/// Offline for whoever depends on it.
fn offline_if(depends: bool) -> Option<Expected> {
    Some(if depends { Offline } else { Good })
}

const REVOKE: &str = "[operation.revoke]\non = \"issuing\"\nat = \"1m\"\nrevoke = { identity = \"client-1\" }\n\
                      [operation.publish]\non = \"issuing\"\nat = \"2m\"\npublish = {}\n";

const REVOKE_ISSUER: &str = "[operation.revoke-issuer]\non = \"root\"\nat = \"1m\"\nrevoke = { identity = \"issuing\" }\n\
                             [operation.publish-root]\non = \"root\"\nat = \"2m\"\npublish = {}\n";

const CONDITIONS: &[Condition] = &[
    Condition { name: "all good", tables: "", expected: |_, _| Some(Good) },
    Condition { name: "leaf revoked", tables: "REVOKE", expected: |_, _| Some(Revoked) },
    Condition { name: "issuer revoked", tables: "REVOKE_ISSUER", expected: |_, _| Some(Revoked) },
    Condition {
        name: "issuer revoked, and the leaf's source stopped",
        tables: "REVOKE_ISSUER[fault.a]\non = \"issuing\"\ndown = {}\n",
        expected: |_, _| Some(Revoked),
    },
    Condition {
        name: "both revoked",
        tables: "REVOKE_ISSUERREVOKE",
        expected: |_, _| Some(Revoked),
    },
    Condition {
        name: "every source stopped",
        tables: "[fault.a]\non = \"issuing\"\ndown = {}\n[fault.b]\non = \"root\"\ndown = {}\nmust_be_met = false\n",
        expected: |_, _| Some(Offline),
    },
    Condition {
        name: "the issuer's source stopped",
        tables: "[fault.b]\non = \"root\"\ndown = {}\n",
        expected: |_, _| Some(Offline),
    },
    Condition {
        name: "the leaf's source stopped",
        tables: "[fault.a]\non = \"issuing\"\ndown = {}\n",
        expected: |_, _| Some(Offline),
    },
    Condition {
        name: "CRLs do not come",
        tables: "[fault.a]\non = \"issuing.crl\"\ntimeout = {}\n[fault.b]\non = \"root.crl\"\ntimeout = {}\n",
        expected: |issuer, leaf| offline_if(!issuer.ocsp() || !leaf.ocsp()),
    },
    Condition {
        name: "OCSP does not answer in time",
        tables: "[fault.a]\non = \"issuing.ocsp\"\ntimeout = {}\n",
        expected: |_, leaf| leaf.ocsp().then(|| if leaf.crl() { Good } else { Offline }),
    },
    Condition {
        name: "the issuer's OCSP does not answer in time",
        tables: "[fault.b]\non = \"root.ocsp\"\ntimeout = {}\n",
        expected: |issuer, _| issuer.ocsp().then(|| if issuer.crl() { Good } else { Offline }),
    },
    Condition {
        name: "the leaf's signatures are corrupt",
        tables: "[fault.a]\non = \"issuing.base\"\ncrl = { defect = \"broken_signature\" }\n\
                 [fault.b]\non = \"issuing.ocsp\"\nocsp = { defect = \"broken_signature\" }\n",
        expected: |_, _| Some(Offline),
    },
    Condition {
        name: "the issuer's signatures are corrupt",
        tables: "[fault.a]\non = \"root.base\"\ncrl = { defect = \"broken_signature\" }\n\
                 [fault.b]\non = \"root.ocsp\"\nocsp = { defect = \"broken_signature\" }\n",
        expected: |_, _| Some(Offline),
    },
    Condition {
        name: "an expired CRL that does not list the leaf",
        tables: "[fault.a]\non = \"issuing.base\"\ncrl = { defect = \"expired\" }\n",
        expected: |_, leaf| offline_if(!leaf.ocsp()),
    },
    Condition {
        name: "an expired CRL that lists the leaf",
        tables: "REVOKE[fault.a]\non = \"issuing.base\"\ncrl = { defect = \"expired\" }\n",
        expected: |_, leaf| (!leaf.ocsp()).then_some(Revoked),
    },
    Condition {
        name: "CRLs without nextUpdate",
        tables: "[fault.a]\non = \"issuing.base\"\ncrl = { defect = \"no_next_update\" }\n\
                 [fault.b]\non = \"root.base\"\ncrl = { defect = \"no_next_update\" }\n",
        expected: |_, _| Some(Good),
    },
    Condition {
        name: "sources stop after a good answer",
        tables: "[fault.a]\non = \"issuing\"\nfrom = \"12m\"\ndown = {}\n[fault.b]\non = \"root\"\nfrom = \"12m\"\ndown = {}\n",
        expected: |_, _| Some(Good),
    },
];

fn scenario(issuer: By, leaf: By, condition: &Condition, expected: Expected, sut: &str) -> String {
    let attempts = match expected {
        Good => "outcome = \"admitted\"",
        Revoked => "outcome = \"refused\", code = \"0x80092010\", substatus = 13",
        Offline => "outcome = \"refused\", code = \"0x80092013\", substatus = 13",
    };
    // A fault that a shape has no use for is met by nobody.
    let tables = condition
        .tables
        .replace("REVOKE_ISSUER", REVOKE_ISSUER)
        .replace("REVOKE", REVOKE)
        .replace("must_be_met = false\n", "");
    let tables = tables.replace("[fault.", "MET[fault.");
    let tables: String = tables
        .split("MET")
        .map(|part| match part.starts_with("[fault.") {
            true => format!("{part}must_be_met = false\n"),
            false => part.to_owned(),
        })
        .collect();
    format!(
        "format = 1\ntitle = \"{name}: issuer by {issuer:?}, leaf by {leaf:?}\"\n\
         start = \"2024-03-01T00:00:00Z\"\nduration = \"30m\"\n\
         [ca.root]\n{root}[ca.issuing]\nparent = \"root\"\n{issuing}[sut.web]\n{sut}ca = \"issuing\"\n\
         [clients.client]\nca = \"issuing\"\nevery = \"5m\"\nfrom = \"10m\"\ntimeout = \"2m\"\n\
         {tables}[expect.status]\nattempts = {{ share = \"all\", {attempts} }}\n",
        name = condition.name,
        root = issuer.keys("root.lab.example"),
        issuing = leaf.keys("pki.lab.example"),
    )
}

/// Runs the whole family under one profile; tells of every case that fails.
fn family(sut: &str) {
    let mut failed = Vec::new();
    let mut count = 0;
    for condition in CONDITIONS {
        for (issuer, leaf) in ALL.iter().flat_map(|i| ALL.iter().map(move |l| (*i, *l))) {
            let Some(expected) = (condition.expected)(issuer, leaf) else { continue };
            let text = scenario(issuer, leaf, condition, expected, sut);
            let read = revlab::scenario::from_text("dotnet", &text);
            let scenario = read.unwrap_or_else(|e| panic!("{}\n{text}", e.render(false))).remove(0);
            let (run, _) = run(&scenario, Transport::Sim);
            let judgement = judge::judge(&scenario, &run.trace);
            count += 1;
            if judgement.status() != Status::Held {
                let report = terminal::render(&scenario, &run.trace, &judgement, false);
                failed.push((scenario.title.clone(), expected, report));
            }
        }
    }
    assert!(count > 250, "{count} cases");
    if let Some((.., report)) = failed.first() {
        let names: Vec<_> = failed.iter().map(|(t, e, _)| format!("{t}: not {e:?}")).collect();
        panic!("{} of {count} cases\n{}\n{report}", failed.len(), names.join("\n"));
    }
}

#[test]
fn there_are_twenty_five_shapes() {
    assert_eq!(ALL.len() * ALL.len(), 25);
}

#[test]
fn windows_2008_r2_with_the_hotfix_meets_them() {
    family("profile = \"windows-2008r2\"\nupdates = [\"KB2666300\"]\n");
}

#[test]
fn windows_2012_r2_meets_them() {
    family("profile = \"windows-2012r2\"\n");
}

#[test]
fn windows_10_meets_them() {
    family("profile = \"windows-10\"\n");
}
