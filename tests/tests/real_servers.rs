//! Every adapter that is built in, with its program, in a network of the lab's own: the same scenario,
//! the same outcomes. Through the command, since it is the command that enters that network.
//!
//! Skipped, and said so, where a program or namespaces are missing; `REVLAB_NO_SKIPS=1` makes that a failure.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use revlab::kept;
use revlab_lab::Outcome;
use revlab_lab::trace::{Kind, Trace};
use revlab_tests::program::finish;
use revlab_tests::server;

/// A good client and one that is revoked after an hour, every ten minutes.
const REVOKED: &str = r#"
format = 1
title = "one of two is revoked"
start = "2024-03-01T00:00:00Z"
duration = "2h"
[ca.issuing]
KEY
host = "pki.lab.example"
crl = { period = "1h", delta_period = "none" }
aia = { ocsp = ["http://pki.lab.example/ocsp"] }
responder = { signer = "delegated", nonce = "echo" }
[sut.web]
tls = "TLS"
publisher = { every = "30m" }
[clients.good]
every = "10m"
[clients.bad]
every = "10m"
[operation.revoke]
on = "issuing"
at = "1h"
revoke = { identity = "bad-1" }
"#;

/// The end of a command.
struct Ran {
    text: String,
    trace: Option<Trace>,
    folder: tempfile::TempDir,
}

/// Runs `scenario` with `sut` in a folder of its own, with what `prepare` has put there.
fn run(scenario: &str, sut: &str, prepare: impl Fn(&Path)) -> Option<Ran> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lab.toml"), scenario).unwrap();
    prepare(folder.path());
    let revlab = env!("CARGO_BIN_EXE_revlab-as-tested");
    let (text, trace) = server::run(revlab, folder.path(), sut)?;
    Some(Ran { text, trace, folder })
}

/// What became of the attempts of each client: how often what.
fn outcomes(trace: &Trace) -> BTreeMap<(String, Outcome), usize> {
    let mut counts = BTreeMap::new();
    for record in trace.records() {
        if let Kind::Attempt(attempt) = &record.kind {
            *counts.entry((attempt.client.to_string(), attempt.outcome)).or_default() += 1;
        }
    }
    counts
}

/// Where a revoked client is refused from the next attempt after its revocation on, and the other
/// never. Returns the trace.
fn holds(sut: &str, tls: &str, key: &str, admitted: usize) -> Option<Trace> {
    let scenario = REVOKED.replace("TLS", tls).replace("KEY", key);
    let ran = run(&scenario, sut, |_| {})?;
    let trace = ran.trace.unwrap_or_else(|| panic!("{sut}: {}", ran.text));
    let expected = [
        (("bad".to_owned(), Outcome::Admitted), admitted),
        (("bad".to_owned(), Outcome::Refused), 12 - admitted),
        (("good".to_owned(), Outcome::Admitted), 12),
    ];
    assert_eq!(outcomes(&trace), BTreeMap::from(expected), "{sut}: {}", ran.text);
    assert!(trace.is_complete(), "{sut}: {}", ran.text);
    // Nothing of it is left.
    assert_eq!(left_behind(ran.folder.path()), Vec::<String>::new());
    Some(trace)
}

/// Processes that have something of a run's folder in their command line.
fn left_behind(folder: &Path) -> Vec<String> {
    let name = folder.display().to_string();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = processes.filter_map(|p| std::fs::read_to_string(p.path().join("cmdline")).ok());
    lines.filter(|line| line.contains(&name)).collect()
}

fn logged(trace: &Trace) -> Vec<&str> {
    let logs = trace.records().iter().filter_map(|record| match &record.kind {
        Kind::Log(log) => Some(&*log.line),
        _ => None,
    });
    logs.collect()
}

#[test]
fn nginx_by_ocsp_and_by_a_file() {
    for (sut, says) in [("nginx", "certificate revoked"), ("nginx/crl", "(23:certificate revoked)")]
    {
        for tls in ["1.2", "1.3"] {
            let Some(trace) = holds(sut, tls, "", 6) else { return };
            assert_eq!(logged(&trace), [says; 6]);
            // What each brought is told, and so for how long it was valid.
            let mut fetches = trace.records().iter().filter_map(|record| match &record.kind {
                Kind::Fetch(fetch) => Some(fetch),
                _ => None,
            });
            assert!(
                fetches.all(|fetch| fetch.object.as_ref().is_some_and(|o| o.next_update.is_some()))
            );
        }
    }
    holds("nginx/ocsp-uncached", "1.3", "", 6);
}

#[test]
fn apache_by_ocsp_and_by_files() {
    for sut in
        ["apache", "apache/ocsp-no-nonce", "apache/crl", "apache/crl-path", "apache/crl-soft"]
    {
        let Some(trace) = holds(sut, "1.3", "", 6) else { return };
        let says = "AH02276: Certificate Verification: Error (23): certificate revoked";
        assert!(logged(&trace).contains(&says), "{:?}", logged(&trace));
    }
}

#[test]
fn stunnel_by_ocsp_and_by_files() {
    for sut in ["stunnel", "stunnel/ocsp-nonce", "stunnel/crl", "stunnel/crl-path"] {
        let Some(trace) = holds(sut, "1.3", "", 6) else { return };
        assert_eq!(logged(&trace).len(), 6, "{:?}", logged(&trace));
    }
}

#[test]
fn haproxy_by_a_file_that_its_socket_replaces() {
    for sut in ["haproxy", "haproxy/crl-rule"] {
        holds(sut, "1.3", "", 6);
    }
}

#[test]
fn a_server_on_the_jdk_by_ocsp_and_by_crls() {
    for (sut, tls) in [("jdk", "1.3"), ("jdk/crl", "1.2"), ("jdk/leaf", "1.3")] {
        let Some(trace) = holds(sut, tls, "", 6) else { return };
        let says = logged(&trace).into_iter().filter(|line| line.contains("has been revoked"));
        assert_eq!(says.count(), 6, "{:?}", logged(&trace));
    }
}

#[test]
fn programs_that_only_judge() {
    for (sut, key) in [
        ("strongswan", ""),
        ("nss", ""),
        ("nss/ocsp", ""),
        ("dirmngr/ocsp", "key = \"rsa2048\""),
        ("freeradius/ocsp-no-nonce", ""),
        ("freeradius/crl", ""),
    ] {
        if holds(sut, "1.2", key, 6).is_none() {
            return;
        }
    }
}

#[test]
fn a_program_that_only_judges_is_given_the_certificate_of_each_attempt() {
    let minted = REVOKED.replace("[clients.good]", "[clients.good]\nchoice = \"minted\"");
    let scenario = minted.replace("KEY", "").replace("TLS", "1.2");
    for sut in ["strongswan", "nss"] {
        let Some(ran) = run(&scenario, sut, |_| {}) else { return };
        let trace = ran.trace.unwrap_or_else(|| panic!("{sut}: {}", ran.text));
        let good = (("good".to_owned(), Outcome::Admitted), 12);
        assert!(outcomes(&trace).into_iter().any(|count| count == good), "{sut}: {}", ran.text);
    }
}

#[test]
fn what_an_adapter_cannot_do_is_said_before_anything_is_started() {
    let Some(ran) = run(&REVOKED.replace("KEY", "").replace("TLS", "1.2"), "dirmngr", |_| {})
    else {
        return;
    };
    let wanted =
        "error: lab: `dirmngr` cannot verify what CA `issuing` signs: say `key = \"rsa2048\"";
    assert!(ran.text.starts_with(wanted), "{}", ran.text);
}

/// What is run in place of revlab, so that it does not find libfaketime.
fn without_libfaketime() -> Command {
    let hidden = "for there in /usr/lib/*/faketime; do mount -t tmpfs none \"$there\" || exit 1; done; \
                  exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", hidden, "sh", env!("CARGO_BIN_EXE_revlab-as-tested")]);
    command
}

/// An hour in six seconds: the times of it are divided where there is no lab time.
const SHORT: &str = r#"
format = 1
title = "one of two is revoked"
start = "2024-03-01T00:00:00Z"
duration = "1h"
real_time = { divide = 600 }
[ca.issuing]
host = "pki.lab.example"
aia = { ocsp = ["http://pki.lab.example/ocsp"] }
responder = { signer = "delegated" }
[sut.web]
[clients.good]
every = "10m"
[clients.bad]
every = "10m"
[operation.revoke]
on = "issuing"
at = "25m"
revoke = { identity = "bad-1" }
"#;

#[test]
fn without_libfaketime_a_run_is_made_in_real_time_with_its_times_divided() {
    if run(&REVOKED.replace("KEY", "").replace("TLS", "1.3"), "nginx", |_| {}).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lab.toml"), SHORT).unwrap();
    // Hidden by root alone: nginx cannot give files away within a user namespace of one user.
    let is_root = finish(Command::new("id")).text.contains("uid=0(");
    let (mut command, note) = match is_root {
        true => (
            without_libfaketime(),
            "note: libfaketime is not installed: `nginx` lives in real time, and times are divided by 600",
        ),
        false => (Command::new(env!("CARGO_BIN_EXE_revlab-as-tested")), "in real time"),
    };
    command.args(["run", "lab.toml", "--out", "out", "--sut", "nginx/ocsp-uncached"]);
    if !is_root {
        command.arg("--real-time");
    }
    command.current_dir(folder.path());
    let text = finish(command).text;
    assert!(text.contains(note), "{text}");
    let kept = kept::discover(&folder.path().join("out")).unwrap();
    let trace = kept::read_trace(&kept[0]).unwrap();
    assert!(trace.is_complete(), "{text}");
    let of = |client: &str| -> Vec<Outcome> {
        let attempts = trace.records().iter().filter_map(|record| match &record.kind {
            Kind::Attempt(attempt) if *attempt.client == *client => Some(attempt.outcome),
            _ => None,
        });
        attempts.collect()
    };
    assert_eq!(of("good"), [Outcome::Admitted; 6], "{text}");
    // How many come before the revocation depends on the machine.
    let bad = of("bad");
    let admitted = bad.iter().take_while(|outcome| **outcome == Outcome::Admitted).count();
    assert_eq!(bad[admitted..], vec![Outcome::Refused; bad.len() - admitted], "{text}");
    assert!((1..6).contains(&admitted), "{text}");
}

/// An adapter of one's own: a copy of nginx' with something else in it.
fn own(folder: &Path, change: &[(&str, &str)]) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sut/adapters/nginx");
    let to = folder.join("adapters/mine");
    std::fs::create_dir_all(&to).unwrap();
    for name in ["adapter.toml", "nginx.conf"] {
        let mut text = std::fs::read_to_string(from.join(name)).unwrap();
        for (old, new) in change {
            text = text.replace(old, new);
        }
        std::fs::write(to.join(name), text).unwrap();
    }
}

fn said_of(change: &[(&str, &str)]) -> Option<String> {
    let scenario = REVOKED.replace("KEY", "").replace("TLS", "1.2");
    let ran = run(&scenario, "mine", |folder| own(folder, change))?;
    assert_eq!(left_behind(ran.folder.path()), Vec::<String>::new());
    Some(ran.text)
}

#[test]
fn an_adapter_of_ones_own_lies_beside_the_scenario() {
    let Some(said) = said_of(&[]) else { return };
    assert!(said.contains("mine, nginx/"), "{said}");
}

/// Of devices there is loopback, and no way leads anywhere else.
#[test]
fn nothing_leads_out_of_the_network_of_a_run() {
    let devices = |there: u32| {
        let script = format!(
            r#"test $(grep -c : /proc/net/dev) = {there} && test $(wc -l < /proc/net/route) -le 1"#
        );
        format!("prepare = [[\"sh\", \"-c\", \"{script}\"]]\ndefault = \"ocsp\"")
    };
    let Some(said) = said_of(&[("default = \"ocsp\"", &devices(1))]) else { return };
    assert!(said.contains("mine, nginx/"), "{said}");
    // What is looked at can be otherwise.
    let Some(said) = said_of(&[("default = \"ocsp\"", &devices(2))]) else { return };
    assert!(said.starts_with("error: "), "{said}");
}

#[test]
fn a_configuration_that_is_not_taken_is_told_in_the_servers_own_words() {
    let Some(said) = said_of(&[("worker_processes 1;", "worker_processes many;")]) else { return };
    let own =
        "`nginx` ended with status 1: nginx: [emerg] \"worker_processes\" directive invalid value";
    assert!(said.contains(own), "{said}");
    assert!(said.starts_with("error: lab: the system under test cannot be had"), "{said}");
}

#[test]
fn a_server_that_reads_another_time_is_inconclusive() {
    // What it tells as its time is when the page was written: at the epoch.
    let Some(said) = said_of(&[("time=$msec", "time=0")]) else { return };
    assert!(said.contains("does not take lab time: it reads 1970-01-01"), "{said}");
    assert!(said.contains("INCONCLUSIVE"), "{said}");
}

#[test]
fn a_server_that_dies_in_the_middle_is_inconclusive() {
    let dies = "location / { return 444; }";
    let page = "location / { default_type text/plain; return 200 \"verify=$ssl_client_verify time=$msec\\n\"; }";
    let Some(said) = said_of(&[
        (page, dies),
        ("run = [\"nginx\", \"-p\"", "run = [\"timeout\", \"1\", \"nginx\", \"-p\""),
    ]) else {
        return;
    };
    assert!(said.contains("INCONCLUSIVE") && said.contains("ended with status 124"), "{said}");
}

#[test]
fn a_program_that_is_not_there_is_named_with_its_package() {
    let folder = tempfile::tempdir().unwrap();
    own(folder.path(), &[("programs = [\"nginx\"]", "programs = [\"nginx-of-next-year\"]")]);
    std::fs::write(
        folder.path().join("lab.toml"),
        REVOKED.replace("KEY", "").replace("TLS", "1.2"),
    )
    .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_revlab-as-tested"));
    command.args(["run", "lab.toml", "--sut", "mine"]).current_dir(folder.path());
    let said = finish(command).text;
    let wanted = "`nginx-of-next-year` is not installed (Debian: `apt-get install nginx-light`)";
    assert!(said.contains(wanted), "{said}");
}
