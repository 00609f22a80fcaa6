//! `SSLKEYLOGFILE`: the secrets of connections, as Wireshark reads them.

use std::path::Path;

use crate::folder::{Folder, Said};

const SPOKEN: &str = r#"
format = 1
title = "Two clients"
start = "2024-03-01T00:00:00Z"
duration = "2m"
[ca.issuing]
[sut.web]
tls = "1.3"
[clients.old]
every = "1m"
tls = "1.2"
[clients.new]
every = "1m"
tls = "1.3"
"#;

fn run(folder: &Folder, transport: &str, file: &Path) -> Said {
    let mut command = folder.command(&["run", "it.toml", "--transport", transport]);
    command.env("SSLKEYLOGFILE", file);
    Said::from(command.output().expect("the command can be run"))
}

#[test]
fn the_secrets_of_every_connection_are_in_the_file_that_is_asked_for() {
    let folder = Folder::with(&[("it.toml", SPOKEN)]);
    let said = run(&folder, "live", &folder.path("keys"));
    assert_eq!(said.status, Some(0), "{said:?}");
    let text = folder.read("keys");
    let of = |label: &str| {
        let lines = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        lines.filter(|line| line[0] == label).collect::<Vec<_>>()
    };
    let bytes = |hex: &str| {
        assert!(hex.len().is_multiple_of(2) && hex.bytes().all(|b| b.is_ascii_hexdigit()), "{hex}");
        hex.len() / 2
    };
    // Two attempts of each: a label, the client's random of 32 bytes, the secret.
    for (label, secret) in [
        ("CLIENT_RANDOM", 48),
        ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", 48),
        ("SERVER_HANDSHAKE_TRAFFIC_SECRET", 48),
        ("CLIENT_TRAFFIC_SECRET_0", 48),
        ("SERVER_TRAFFIC_SECRET_0", 48),
    ] {
        let lines = of(label);
        assert_eq!(lines.len(), 2, "{label}: {text}");
        for line in lines {
            assert_eq!((line.len(), bytes(line[1]), bytes(line[2])), (3, 32, secret), "{label}");
        }
    }
}

#[test]
fn a_key_log_that_cannot_be_written_is_said_before_the_run() {
    let folder = Folder::with(&[("it.toml", SPOKEN)]);
    let said = run(&folder, "live", &folder.path("nowhere/keys"));
    assert_eq!(said.status, Some(2), "{said:?}");
    assert!(said.err.contains("SSLKEYLOGFILE"), "{}", said.err);
    assert!(said.err.contains("cannot be written"), "{}", said.err);
}

#[test]
fn sim_has_no_secrets() {
    let folder = Folder::with(&[("it.toml", SPOKEN)]);
    let said = run(&folder, "sim", &folder.path("keys"));
    assert_eq!(said.status, Some(0), "{said:?}");
    assert!(!folder.path("keys").exists());
}
