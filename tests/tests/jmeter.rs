//! Debian's JMeter with plans that revlab writes, and the files of results of both. Skipped, and said
//! so, where a program is missing.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use revlab_tests::program::{Running, Said, finish, program, skipped};
use revlab_tests::server::free_port;
use serde_json::Value as Json;

/// Where Debian has it.
const HOME: &str = "/usr/share/jmeter";

/// The programs that are needed; none where one is missing.
fn programs() -> Option<()> {
    ["jmeter", "javac", "java", "openssl", "curl"]
        .into_iter()
        .try_for_each(|p| program(p).map(drop))?;
    // A package of its own, which `jmeter` alone does not bring.
    let http = Path::new(HOME).join("lib/ext/ApacheJMeter_http.jar");
    if http.is_file() { Some(()) } else { skipped("jmeter-http is not installed") }
}

fn revlab(folder: &Path, line: &str) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_revlab-as-tested"));
    command.args(line.split_whitespace()).current_dir(folder);
    finish(command)
}

/// A Java program of this folder, among JMeter's classes.
fn java(folder: &Path, program: &str, line: &str) -> Said {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jmeter").join(program);
    let mut command = Command::new("java");
    command.arg(format!("-Djmeter.home={HOME}"));
    command.args(["-cp", &format!("{HOME}/bin/ApacheJMeter.jar")]).arg(source);
    command.args(line.split_whitespace()).current_dir(folder);
    finish(command)
}

/// Three users, of whom the first is revoked; it begins now, and lasts longer than two JVMs need.
#[expect(clippy::disallowed_methods, reason = "a foreign server lives in real time")]
fn scenario() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let start = revlab_lab::Instant::from_millis(since.as_secs() as i64 * 1000);
    format!(
        r#"
format = 1
title = "Three users of JMeter"
start = "{start}"
duration = "5m"
[ca.issuing]
crl = {{ period = "1d", delta_period = "none" }}
[sut.web]
tls = "1.2"
[clients.users]
think = "50ms"
threads = 3
identities = 3
loops = 6
[expect.the-first-is-refused]
attempts = {{ identity = "users-1", share = "all", outcome = "refused" }}
[expect.the-second-is-let-in]
attempts = {{ identity = "users-2", share = "all", outcome = "admitted" }}
[expect.the-third-is-let-in]
attempts = {{ identity = "users-3", share = "all", outcome = "admitted" }}
"#
    )
}

/// A program that is ready once it has said a line with this word on standard output, within half a
/// minute. What it says on standard error is kept in a file of the folder.
fn ready(mut command: Command, folder: &Path, word: &'static str) -> (Running, String) {
    let log = folder.join(format!("{word}.log"));
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped());
    let child = command.stderr(fs::File::create(&log).unwrap()).spawn();
    let mut running = Running(child.unwrap());
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let (to, said) = channel();
    std::thread::spawn(move || {
        let found = lines.find_map(|line| line.ok().filter(|line| line.contains(word)));
        // Without the line it has ended, and `to` with it.
        let _ = found.map(|line| to.send(line));
        // It goes on talking: nobody must be stopped by a full pipe.
        lines.for_each(drop);
    });
    let line = said.recv_timeout(Duration::from_secs(30)).unwrap_or_else(|e| {
        let log = fs::read_to_string(&log).unwrap_or_default();
        panic!("{command:?} has not said {word}: {e}\n{log}")
    });
    (running, line)
}

/// The CA of the scenario.
struct Ca {
    _running: Running,
    control: String,
    token: String,
}

impl Ca {
    /// Asks its control interface, with a body by POST.
    fn ask(&self, path: &str, body: Option<&str>) -> String {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--fail-with-body"]).args(body.into_iter().flat_map(|b| ["-d", b]));
        curl.args(["-H", &format!("Authorization: Bearer {}", self.token.trim())]);
        curl.arg(format!("{}/{path}", self.control));
        let answered = finish(curl);
        assert!(answered.ok, "{path}: {}", answered.text);
        answered.text
    }
}

/// The CA of the scenario, with the first user revoked and that published.
fn served(folder: &Path, ca: u16) -> Ca {
    let mut command = Command::new(env!("CARGO_BIN_EXE_revlab-as-tested"));
    let line = "serve lab.toml --reproducible-keys --out lab --format json --quiet --listen";
    command.args(line.split_whitespace()).arg(format!("127.0.0.1:{ca}"));
    let (running, line) = ready(command, folder, "control");
    let said: Json = serde_json::from_str(&line).unwrap();
    let control = said["control"].as_str().unwrap().to_owned();
    let token = fs::read_to_string(folder.join("lab/token")).unwrap();
    let ca = Ca { _running: running, control, token };
    ca.ask("revoke", Some(r#"{"identity":"users-1"}"#));
    ca.ask("publish", Some(r#"{"base":true}"#));
    ca
}

/// OpenSSL's server with the certificate that `serve` has written for it.
fn server(folder: &Path, port: u16) -> Running {
    let mut command = Command::new("openssl");
    let line = "s_server -key lab/server.key -cert lab/server.pem -CAfile lab/roots.pem -Verify 2 \
                -verifyCAfile lab/roots.pem -verify_return_error -crl_check -crl_download -www";
    command.args(line.split_whitespace()).args(["-accept", &format!("127.0.0.1:{port}")]);
    ready(command, folder, "ACCEPT").0
}

#[test]
fn jmeter_sends_what_revlab_exports_and_revlab_judges_what_it_saw() {
    let Some(()) = programs() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("lab.toml"), scenario()).unwrap();
    let (port, ca) = (free_port(), free_port());
    let export = format!(
        "jmeter export lab.toml --out kit --host 127.0.0.1 --port {port} --listen 127.0.0.1:{ca}"
    );
    let said = revlab(folder, &export);
    assert!(said.ok, "{}", said.text);
    let (ca, _server) = (served(folder, ca), server(folder, port));
    let kit = folder.join("kit");
    let plan = "-n -t plan.jmx -q user.properties -S system.properties";
    for (file, more) in
        [("results.jtl", ""), ("results.xml", "-Jjmeter.save.saveservice.output_format=xml")]
    {
        let said = java(&kit, "Start.java", &format!("{plan} -l {file} {more}"));
        assert!(said.ok && said.text.contains("... end of run"), "{file}: {}", said.text);
        // The fetches of both runs so far.
        fs::write(folder.join("journal.json"), ca.ask("journal", None)).unwrap();
        let judge = format!("jmeter judge kit/{file} lab.toml");
        for more in ["", " --journal journal.json"] {
            let judged = revlab(folder, &format!("{judge}{more}"));
            let results = fs::read_to_string(kit.join(file)).unwrap_or_default();
            assert!(judged.ok, "{file}{more}: {}\n{results}", judged.text);
            judged_in_full(&judged.text, more.is_empty());
        }
    }
}

/// Each of the three was used for a third of the requests, and nothing of the results is left out.
fn judged_in_full(text: &str, alone: bool) {
    for expected in ["6 of 18 attempts were not admitted", "alert certificate_revoked"] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    assert_eq!(text.matches("6 of 6 attempts refused").count(), 1, "{text}");
    assert_eq!(text.matches("6 of 6 attempts admitted").count(), 2, "{text}");
    assert!(!text.contains("left out"), "{text}");
    // OpenSSL's server has fetched a CRL, of which only the journal tells.
    assert_eq!(text.contains("Nothing was fetched."), alone, "{text}");
    assert_eq!(text.contains("base CRL  fetched  status 200"), !alone, "{text}");
}

/// The folder below this one that has a trace.
fn with_trace(folder: &Path) -> Option<PathBuf> {
    if folder.join("trace.jsonl").is_file() {
        return Some(folder.to_owned());
    }
    fs::read_dir(folder).ok()?.flatten().find_map(|entry| with_trace(&entry.path()))
}

/// A run that is kept, with refusals and admissions; its attempts in all, and those let in.
fn kept(folder: &Path) -> (PathBuf, usize, usize) {
    let file = revlab_tests::library().join("basics/revoked.toml");
    let said = revlab(folder, &format!("run {} --out out", file.display()));
    assert!(said.ok, "{}", said.text);
    let run = with_trace(&folder.join("out")).expect("a trace");
    let trace = fs::read_to_string(run.join("trace.jsonl")).unwrap();
    let attempts: Vec<&str> =
        trace.lines().filter(|line| line.contains(r#""kind":"attempt""#)).collect();
    let admitted = attempts.iter().filter(|a| a.contains(r#""outcome":"admitted""#)).count();
    (run, attempts.len(), admitted)
}

#[test]
fn jmeter_opens_the_results_that_revlab_writes() {
    let Some(()) = programs() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (run, all, admitted) = kept(folder);
    assert!(admitted > 0 && all > admitted);
    for format in ["jtl", "jtl-xml"] {
        let mut report = Command::new(env!("CARGO_BIN_EXE_revlab-as-tested"));
        report.arg("report").arg(&run).args(["--format", format]);
        let file = folder.join(format);
        let written = report.stdout(fs::File::create(&file).unwrap()).status().unwrap();
        assert!(written.success());
        let opened = java(folder, "Open.java", &file.display().to_string());
        let expected = format!("opened {all} samples, {admitted} successful");
        assert!(
            opened.ok && opened.text.contains(&expected),
            "{format}: {} is not {expected}",
            opened.text
        );
    }
}
