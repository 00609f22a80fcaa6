//! Each defect of an OCSP answer before each program. The responder delegates, echoes nonces and
//! signs anew for each request.

use std::path::Path;

use revlab_fake_ca::content::ocsp::OcspDefect;
use revlab_pki::KeyAlgorithm;
use revlab_tests::live_ca::LiveCa;
use revlab_tests::program::run;

use super::page::{Column, Rows, asked};
use super::programs::{COLUMNS, Program};
use super::verdict::{Verdict, cell, words};

const CLIENTS: [&str; 2] = ["good", "revoked"];

/// What each program says about each defect.
pub(crate) fn rows(columns: &[Column; COLUMNS]) -> Rows {
    let lines = r#"responder = { signer = "delegated", nonce = "echo", signing = "live" }"#;
    let ca = LiveCa::start_with(KeyAlgorithm::Rsa2048, lines);
    let defects = OcspDefect::NAMES.map(|(name, _)| name);
    for name in defects {
        for of in CLIENTS {
            ca.twin(of, &file(of, name), &[], &[], &[&url(&ca, name)]);
            let both = [ca.read(&format!("{}.pem", file(of, name))), ca.read("issuing.pem")];
            ca.write(&format!("{}.chain.pem", file(of, name)), both.concat());
        }
    }
    asked(columns, &defects, |column| {
        let command = column.command.as_deref()?;
        Some(match column.program {
            Program::Openssl => one_by_one(&defects, |of, name| openssl(&ca, command, of, name)),
            Program::Gnutls => one_by_one(&defects, |of, name| gnutls(&ca, command, of, name)),
            Program::Strongswan => one_by_one(&defects, |of, name| {
                super::crl::strongswan(&ca, command, &file(of, name))
            }),
            Program::Jdk => in_pairs(super::crl::jdk(&ca, command, "ocsp", &files(&defects))),
            Program::Dirmngr => in_pairs(dirmngr(&ca, &defects)),
        })
    })
}

fn url(ca: &LiveCa, defect: &str) -> String {
    ca.url(&format!("/defect/{defect}/ocsp"))
}

/// The certificate of a client that names the responder with this defect, without `.pem`.
fn file(of: &str, defect: &str) -> String {
    format!("{of}-{defect}")
}

fn files(defects: &[&str]) -> Vec<String> {
    defects.iter().flat_map(|name| CLIENTS.map(|of| file(of, name))).collect()
}

fn one_by_one(defects: &[&str], verdict: impl Fn(&str, &str) -> Verdict) -> Vec<String> {
    let cell = |name: &&str| cell(&verdict("good", name), &verdict("revoked", name));
    defects.iter().map(cell).collect()
}

fn in_pairs(verdicts: Vec<Verdict>) -> Vec<String> {
    let told = |pair: &[Verdict]| match pair {
        [good, revoked] => cell(good, revoked),
        _ => String::new(),
    };
    verdicts.chunks(2).map(told).collect()
}

fn openssl(ca: &LiveCa, command: &Path, of: &str, defect: &str) -> Verdict {
    let file = file(of, defect);
    let line = format!("ocsp -issuer issuing.pem -cert {file}.pem -CAfile root.pem -url");
    let text = run(command, ca.path(), &format!("{line} {}", url(ca, defect))).text;
    let line = |start: &str| text.lines().find(|line| line.starts_with(start));
    // `40…:error:13800076:OCSP routines:OCSP_basic_verify:signer certificate not found:…`
    let own = text.lines().find(|line| line.contains(":OCSP routines:"));
    let reason = own.or_else(|| text.lines().find(|line| line.contains(":error:")));
    let reason = reason.and_then(|line| line.split(':').nth(5)).unwrap_or_default();
    let refused = |why: &str| {
        let parts = [why.trim_end_matches('.'), reason];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        Verdict::Refused(words(&parts.join(": ")))
    };
    let wrong = ["Responder Error", "Nonce Verify error", "Response Verify Failure"];
    let wrong = wrong.into_iter().chain(["Error querying OCSP", "Error parsing response"]);
    if let Some(wrong) = wrong.filter_map(line).next() {
        return refused(wrong);
    }
    match line(&format!("{file}.pem: ")).and_then(|line| line.split_once(": ")) {
        Some((_, "good")) => Verdict::Good,
        Some((_, "revoked")) => Verdict::Revoked,
        Some((_, wrong)) => refused(wrong),
        None => refused(""),
    }
}

fn gnutls(ca: &LiveCa, command: &Path, of: &str, defect: &str) -> Verdict {
    let line = format!("--ask --load-chain {}.chain.pem", file(of, defect));
    let text = run(command, ca.path(), &line).text;
    let behind = |start: &str| text.lines().find_map(|line| line.trim().strip_prefix(start));
    let status = behind("Certificate Status: ");
    match behind("Verifying OCSP Response: ") {
        Some("Success.") => match status {
            Some("good") => Verdict::Good,
            Some("revoked") => Verdict::Revoked,
            status => Verdict::Refused(words(status.unwrap_or("no status"))),
        },
        Some(failure) => Verdict::Refused(words(failure)),
        None => Verdict::Refused(words(text.lines().last().unwrap_or_default())),
    }
}

fn dirmngr(ca: &LiveCa, defects: &[&'static str]) -> Vec<Verdict> {
    let of = |name: &&'static str| CLIENTS.map(|of| (*name, "--ocsp", file(of, name)));
    let answers = crate::dirmngr::answers(ca, &defects.iter().flat_map(of).collect::<Vec<_>>());
    let verdict = |said: &String| match said.as_str() {
        "certificate is valid" => Verdict::Good,
        "certificate has been revoked" => Verdict::Revoked,
        said => Verdict::Refused(words(said.rsplit_once(": ").map_or(said, |(_, why)| why))),
    };
    answers.iter().map(verdict).collect()
}
