//! A served scenario, and the smallest HTTP client that can ask it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::Value as Json;
use tempfile::TempDir;

/// A CA with deltas and a responder, and two clients.
pub(crate) const SCENARIO: &str = r#"
format = 1
title = "A served CA"
start = "2014-04-16T00:00:00Z"
duration = "1h"
[ca.issuing]
name = "LAB-CA"
host = "pki.lab.example"
computer = "PKI"
crl = { period = "1h", delta_period = "30m" }
aia.ocsp = ["http://pki.lab.example/ocsp"]
responder = { validity = "1h" }
[sut.web]
[clients.users]
every = "1m"
identities = 2
"#;

/// A running `revlab serve`. It ends with the test, whatever becomes of it.
pub(crate) struct Served {
    child: Child,
    /// What it said when it was ready.
    pub(crate) ready: Json,
    folder: TempDir,
}

/// What came back over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl Served {
    pub(crate) fn new() -> Served {
        Served::with(SCENARIO, &[])
    }

    /// Serves a scenario; returns when it has said that it is ready.
    pub(crate) fn with(scenario: &str, more: &[&str]) -> Served {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("served.toml"), scenario).expect("written");
        let mut child = Command::new(env!("CARGO_BIN_EXE_revlab-as-tested"))
            .args(["serve", "served.toml", "--out", "run", "--format", "json", "--quiet"])
            .args(more)
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("served");
        let mut line = String::new();
        let out = child.stdout.take().expect("a pipe");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let ready = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        Served { child, ready, folder }
    }

    pub(crate) fn run_folder(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.run_folder().join(name)
    }

    pub(crate) fn token(&self) -> String {
        std::fs::read_to_string(self.file("token")).expect("a token")
    }

    /// A URL of the first CA, by its key in what was said.
    pub(crate) fn url(&self, what: &str) -> String {
        let url = match &self.ready["cas"][0][what] {
            Json::Array(urls) => &urls[0],
            url => url,
        };
        url.as_str().unwrap_or_else(|| panic!("no {what}: {}", self.ready)).to_owned()
    }

    pub(crate) fn control(&self) -> &str {
        self.ready["control"].as_str().expect("a URL")
    }

    /// A request to the control API, with the token.
    pub(crate) fn api(&self, method: &str, path: &str, body: &Json) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let url = format!("{}{path}", self.control());
        let bearer = format!("Bearer {}", self.token());
        ask(method, &url, &[("Authorization", &bearer)], body.as_bytes()).expect("an answer")
    }

    /// The same, which must be answered with this status.
    pub(crate) fn must(&self, status: u16, method: &str, path: &str, body: &Json) -> Json {
        let answer = self.api(method, path, body);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        if answer.body.is_empty() { Json::Null } else { answer.json() }
    }

    pub(crate) fn signal(&mut self, signal: &str) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill").success());
        self.child.wait().expect("an end")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn get(url: &str) -> std::io::Result<Answer> {
    ask("GET", url, &[], b"")
}

/// One request on a connection of its own.
pub(crate) fn ask(
    method: &str,
    url: &str,
    fields: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Answer> {
    let (authority, path) = apart(url);
    let mut stream = TcpStream::connect(authority)?;
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n");
    for (name, value) in fields {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    read(&bytes).ok_or_else(|| std::io::Error::other("no HTTP"))
}

/// Authority and path of a URL.
pub(crate) fn apart(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("http://").expect("http");
    let slash = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(slash);
    (authority, if path.is_empty() { "/" } else { path })
}

fn read(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let fields = lines.filter_map(|line| line.split_once(": "));
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Some(Answer { status, fields, body: bytes[end + 4..].to_vec() })
}

/// Whether a file can be read by its owner alone.
pub(crate) fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).expect("a file").permissions().mode();
    mode & 0o777 == 0o600
}
