//! A machine elsewhere, from the kit to its logs. OpenSSL's server stands for it; skipped, and said so, where that is
//! missing.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use revlab_tests::program::{Running, program};
use revlab_tests::server::free_port;

/// What revlab said.
struct Said {
    status: Option<i32>,
    out: String,
    err: String,
}

fn revlab(folder: &Path, arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_revlab-as-tested"));
    let said = command.args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Said { status: said.status.code(), out: text(said.stdout), err: text(said.stderr) }
}

const SCENARIO: &str = r#"
format = 1
title = "a machine elsewhere"
start = "2014-04-16T00:00:00Z"
duration = "6s"
[ca.issuing]
host = "pki.lab.example"
[sut.web]
host = "web.lab.example"
tls = "1.3"
clock = { offset = "1h" }
[clients.users]
every = "1s"
control = true
[operation.restart]
on = "web"
at = "2s"
restart_service = {}
[expect.let-in]
attempts = { share = "all", outcome = "admitted" }
"#;

/// OpenSSL's server with what a kit has for it.
fn serve(kit: &Path, port: u16, ca: u16) -> Running {
    let mut command = Command::new("openssl");
    let line = "s_server -cert server.pem -key server.key -CAfile roots.pem -verifyCAfile roots.pem -Verify 5 \
                -verify_return_error -www -crl_check -crl_download";
    command.args(line.split_whitespace()).args(["-accept", &format!("127.0.0.1:{port}")]);
    command.env("http_proxy", format!("http://127.0.0.1:{ca}")).env_remove("no_proxy");
    command.current_dir(kit.join("pem")).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Running(command.spawn().unwrap())
}

/// A kit, its server, and a run with this hook.
fn run(folder: &Path, hook: &str) -> Said {
    fs::write(folder.join("lab.toml"), SCENARIO).unwrap();
    let (port, ca) = (free_port(), free_port());
    let listen = format!("127.0.0.1:{ca}");
    let made = revlab(folder, &["kit", "lab.toml", "--out", "kit", "--listen", &listen]);
    assert_eq!(made.status, Some(0), "{}", made.err);
    let _server = serve(&folder.join("kit"), port, ca);
    let sut = format!("https://127.0.0.1:{port}?ready=60s");
    revlab(
        folder,
        &["run", "lab.toml", "--sut", &sut, "--kit", "kit", "--out", "out", "--hook", hook],
    )
}

#[test]
fn a_server_with_a_kit_lets_its_clients_in_and_a_hook_restarts_it() {
    let Some(_) = program("openssl") else { return };
    let folder = tempfile::tempdir().unwrap();
    let hook = "restart_service=echo $REVLAB_OPERATION on $REVLAB_ON; echo $REVLAB_LAB_TIME $REVLAB_SUT_TIME > times";
    let said = run(folder.path(), hook);
    assert_eq!(said.status, Some(0), "{}\n{}", said.out, said.err);
    let out = folder.path().join("out/lab/default/web");
    let log = fs::read_to_string(out.join("logs/hooks.log")).unwrap();
    assert!(log.contains("restart_service on web\n"), "{log}");
    // The server's clock is the present: an hour ahead of the lab's.
    let times = fs::read_to_string(folder.path().join("times")).unwrap();
    let times: Vec<revlab_lab::Instant> =
        times.split_whitespace().map(|t| t.parse().unwrap()).collect();
    assert_eq!(times[1] - times[0], revlab_lab::Span::from_hours(1));
    let trace = fs::read_to_string(out.join("trace.jsonl")).unwrap();
    assert!(trace.contains("\"kind\":\"fetch\""), "the server has asked for the CRL");
    let lab = fs::read_to_string(folder.path().join("kit/lab.json")).unwrap();
    let secret: serde_json::Value = serde_json::from_str(&lab).unwrap();
    assert!(
        !trace.contains(&format!("\"seed\":{}", secret["keys"])),
        "the trace does not tell the keys"
    );
    let client = fs::read_to_string(out.join("pki/client-users-1.pem")).unwrap();
    assert_eq!(secret["clients"]["users-1"]["certificate"], client.as_str());
}

#[test]
fn a_hook_that_fails_makes_the_run_inconclusive_with_its_words() {
    let Some(_) = program("openssl") else { return };
    let folder = tempfile::tempdir().unwrap();
    let said = run(folder.path(), "restart_service=echo no such machine >&2; exit 7");
    assert_eq!(said.status, Some(3), "{}\n{}", said.out, said.err);
    assert!(said.out.contains("no such machine"), "{}", said.out);
}

#[test]
fn what_is_asked_for_without_a_machine_elsewhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("lab.toml"), SCENARIO).unwrap();
    let refused = |arguments: &[&str], wanted: &str| {
        let said = revlab(folder.path(), arguments);
        assert_eq!(said.status, Some(2), "{}", said.err);
        assert!(said.err.contains(wanted), "{}", said.err);
    };
    refused(&["run", "lab.toml", "--kit", "kit"], "`--kit` is for a machine elsewhere");
    refused(
        &["run", "lab.toml", "--sut", "https://a", "--kit", "none"],
        "none/lab.json cannot be read",
    );
    refused(&["run", "lab.toml", "--sut", "https://a"], "`--hook restart_service=COMMAND`");
    refused(&["run", "lab.toml", "--sut", "https://a", "--hook", "restart=x"], "did you mean");
    refused(
        &["run", "lab.toml", "--sut", "https://a?ca=1", "--listen", "127.0.0.1:80"],
        "both say where the CA listens",
    );
    refused(&["kit", "lab.toml", "--out", "kit", "--listen", "0.0.0.0"], "nobody can reach that");
    assert!(!folder.path().join("kit").exists());
    fs::create_dir(folder.path().join("kit")).unwrap();
    fs::write(folder.path().join("kit/mine"), "").unwrap();
    refused(&["kit", "lab.toml", "--out", "kit"], "it is not empty");
    assert_eq!(fs::read_dir(folder.path().join("kit")).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn a_kit_keeps_its_secrets_to_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("lab.toml"), SCENARIO).unwrap();
    let made = revlab(folder.path(), &["kit", "lab.toml", "--out", "kit"]);
    assert_eq!(made.status, Some(0), "{}", made.err);
    assert!(
        made.err.contains("the other machine will look for the CA at 127.0.0.1:80"),
        "{}",
        made.err
    );
    let mode = |file: &str| {
        fs::metadata(folder.path().join("kit").join(file)).unwrap().permissions().mode() & 0o777
    };
    for secret in [
        "lab.json",
        "windows/password.txt",
        "windows/server.pfx",
        "pem/server.key",
        "clients/users-1.pfx",
    ] {
        assert_eq!(mode(secret), 0o600, "{secret}");
    }
    assert_ne!(mode("README.md"), 0o600);
    let one = fs::read(folder.path().join("kit/pem/server.key")).unwrap();
    let again = revlab(folder.path(), &["kit", "lab.toml", "--out", "other"]);
    assert_eq!(again.status, Some(0), "{}", again.err);
    assert_ne!(one, fs::read(folder.path().join("other/pem/server.key")).unwrap(), "fresh keys");
}

/// A run of the model whose trace says that it was a server's: statuses, and nothing else.
fn wire(folder: &Path) -> std::path::PathBuf {
    let scenario = r#"
format = 1
title = "revoked"
start = "2014-04-16T00:00:00Z"
duration = "3h"
[ca.issuing]
crl = { period = "1h", delta_period = "none" }
[sut.web]
[clients.users]
every = "1m"
[operation.revoke]
on = "issuing"
at = "10m"
revoke = { identity = "users-1", reason = 1 }
[expect.revoked]
from = "2h 30m"
attempts = { share = "all", outcome = "refused", code = "0x80092010" }
"#;
    fs::write(folder.join("revoked.toml"), scenario).unwrap();
    let said = revlab(folder, &["run", "revoked.toml", "--out", "out"]);
    assert_eq!(said.status, Some(0), "{}\n{}", said.out, said.err);
    let run = folder.join("out/revoked/default/web");
    fs::rename(run.join("logs"), folder.join("collected")).unwrap();
    let trace = fs::read_to_string(run.join("trace.jsonl")).unwrap();
    let plain = trace.lines().filter_map(|line| {
        let mut record: serde_json::Value = serde_json::from_str(line).unwrap();
        match record["kind"].as_str().unwrap() {
            "check" | "log" | "cache" => return None,
            "header" => record["profiles"]["web"]["adapter"] = "https".into(),
            "attempt" => {
                let attempt = record.as_object_mut().unwrap();
                attempt
                    .retain(|field, _| !["code", "substatus", "checks"].contains(&field.as_str()));
            }
            _ => {}
        }
        Some(format!("{record}\n"))
    });
    fs::write(run.join("trace.jsonl"), plain.collect::<String>()).unwrap();
    run
}

#[test]
fn imported_logs_make_an_inconclusive_run_conclusive() {
    let folder = tempfile::tempdir().unwrap();
    let run = wire(folder.path());
    let before = fs::read(run.join("trace.jsonl")).unwrap();
    let judged = revlab(folder.path(), &["judge", "out"]);
    assert_eq!(judged.status, Some(3), "{}", judged.out);
    let import = || revlab(folder.path(), &["import-sut-logs", "collected", "--run", "out"]);
    let said = import();
    assert_eq!(said.status, Some(0), "{}\n{}", said.out, said.err);
    assert!(said.err.contains("0 have no code"), "{}", said.err);
    let after = fs::read(run.join("trace.jsonl")).unwrap();
    assert_eq!(fs::read(run.join("trace.wire.jsonl")).unwrap(), before);
    assert_ne!(after, before);
    assert!(run.join("logs/sut/W3SVC1/u_ex140416.log").is_file());
    assert!(fs::read_to_string(run.join("report.json")).unwrap().contains("0x80092010"));
    assert_eq!(revlab(folder.path(), &["judge", "out"]).status, Some(0));
    // A second time adds nothing.
    assert_eq!(import().status, Some(0));
    assert_eq!(fs::read(run.join("trace.jsonl")).unwrap(), after);
}

#[test]
fn logs_that_cannot_be_read_leave_the_run_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let run = wire(folder.path());
    let before = fs::read(run.join("trace.jsonl")).unwrap();
    let log = folder.path().join("collected/W3SVC1/u_ex140416.log");
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, text.replacen(" GET ", " ", 1)).unwrap();
    let said = revlab(folder.path(), &["import-sut-logs", "collected", "--run", "out"]);
    assert_eq!(said.status, Some(2));
    assert!(
        said.err.contains("u_ex140416.log:5: 13 values where `#Fields` names 14"),
        "{}",
        said.err
    );
    assert_eq!(fs::read(run.join("trace.jsonl")).unwrap(), before);
    assert!(!run.join("trace.wire.jsonl").exists());
    fs::create_dir(folder.path().join("empty")).unwrap();
    let none = revlab(folder.path(), &["import-sut-logs", "empty", "--run", "out"]);
    assert_eq!(none.status, Some(2));
    assert!(none.err.contains("there are no logs of IIS"), "{}", none.err);
}
