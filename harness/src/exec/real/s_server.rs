//! OpenSSL's `s_server -crl_check -crl_download` as a system under test.
//!
//! It downloads the CRL that a client's certificate names at each full handshake, keeps nothing,
//! and refuses by a TLS alert. Names stay those of the scenario: it asks the CA through
//! `http_proxy`, which OpenSSL honours from 3.0 on.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use revlab_lab::trace::TlsVersion;
use revlab_lab::{Instant, Name};

use super::child::{self, Child};
use super::clock::{self, ClockFile};
use crate::exec::setup::Cast;

/// The log's name in the run's folder.
pub(super) const LOG: &str = "s_server.log";

/// The oldest release that asks through a proxy.
const OLDEST: u32 = 3;

/// A running `s_server` with the files that it was started from.
#[derive(Debug)]
pub(super) struct SServer {
    child: Child,
    address: SocketAddr,
    version: String,
    arguments: Vec<String>,
    proxy: SocketAddr,
    library: PathBuf,
    clock: PathBuf,
    folder: tempfile::TempDir,
}

impl SServer {
    /// Starts it on 127.0.0.1 at `port` (0: one that is free), with the time of `clock` and with
    /// the CA behind `proxy`.
    ///
    /// # Errors
    ///
    /// OpenSSL or libfaketime is missing, too old, or has no effect; in words.
    pub(super) fn start(
        sut: &Name,
        tls: TlsVersion,
        cast: &Cast,
        port: u16,
        proxy: SocketAddr,
        start: Instant,
    ) -> Result<(SServer, ClockFile), String> {
        let version = version()?;
        let library = clock::library().ok_or(
            "libfaketime is not installed, and nothing else gives OpenSSL lab time \
             (Debian: `apt-get install libfaketime`)",
        )?;
        let folder = tempfile::tempdir().map_err(|e| format!("no folder for its files: {e}"))?;
        let chained = files(folder.path(), sut, cast).map_err(|e| format!("its files: {e}"))?;
        let mut clock = ClockFile::new(folder.path().join("clock"));
        clock.set(start).map_err(|e| format!("its clock: {e}"))?;
        let arguments = arguments(tls, chained);
        let path = clock.path().to_owned();
        let at = SocketAddr::from(([127, 0, 0, 1], port));
        let (child, address) = begin(&folder, &arguments, at, proxy, &library, &path)?;
        let server =
            SServer { child, address, version, arguments, proxy, library, clock: path, folder };
        server.takes_its_time()?;
        Ok((server, clock))
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// `OpenSSL 3.0.19 27 Jan 2026`.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// What it was started with, in one line, without addresses and files.
    pub(super) fn options(&self) -> String {
        let files = ["-cert", "-key", "-cert_chain", "-CAfile", "-verifyCAfile"];
        let words = self.arguments.iter().filter(|w| !w.ends_with(".pem"));
        words.filter(|w| !files.contains(&w.as_str())).cloned().collect::<Vec<_>>().join(" ")
    }

    /// Ends it and starts it again where it was.
    pub(super) fn restart(&mut self) -> Result<(), String> {
        self.child.stop();
        let (folder, arguments) = (&self.folder, &self.arguments);
        let begun = begin(folder, arguments, self.address, self.proxy, &self.library, &self.clock)?;
        self.child = begun.0;
        Ok(())
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<String> {
        self.child.ended()
    }

    /// Why it has refused a client, in its own words, since this was last asked.
    pub(super) fn reasons(&mut self) -> Vec<String> {
        self.child.new_lines().into_iter().filter(|l| l.starts_with("verify error:")).collect()
    }

    /// Ends it; what it has said.
    pub(super) fn stop(mut self) -> Vec<u8> {
        self.child.stop();
        child::kept(&self.folder.path().join(LOG))
    }

    /// Whether the library is in the process, where the system says so: a program can be built so
    /// that none is loaded. What its clock reads it tells itself with each page.
    fn takes_its_time(&self) -> Result<(), String> {
        match fs::read_to_string(format!("/proc/{}/maps", self.child.id())) {
            Ok(maps) if !maps.contains("libfaketime") => {
                Err("libfaketime has no effect on it: `openssl` does not load it".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// `OpenSSL 3.0.19 27 Jan 2026`, if that is what there is.
fn version() -> Result<String, String> {
    let needed = "`--sut s_server` needs OpenSSL 3.0 or later";
    let output = Command::new("openssl")
        .arg("version")
        .output()
        .map_err(|e| format!("{needed}, and `openssl` does not start: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let said = text.split(" (").next().unwrap_or_default().trim().to_owned();
    match major(&said) {
        Some(major) if major >= OLDEST => Ok(said),
        _ => Err(format!("{needed}, and `openssl version` says `{said}`")),
    }
}

fn major(version: &str) -> Option<u32> {
    version.strip_prefix("OpenSSL ")?.split('.').next()?.parse().ok()
}

/// Writes what it reads: its own certificate and key, and whom it trusts. Whether there are
/// certificates between its own and the root.
fn files(folder: &Path, sut: &Name, cast: &Cast) -> std::io::Result<bool> {
    let write = |name: &str, text: &str| fs::write(folder.join(name), text);
    let authorities = || cast.authorities.values().flatten();
    write(
        "roots.pem",
        &authorities().filter(|c| c.is_self_issued()).map(|c| c.pem()).collect::<String>(),
    )?;
    write("authorities.pem", &authorities().map(|c| c.pem()).collect::<String>())?;
    let Some(own) = cast.servers.get(sut) else { return Ok(false) };
    write("server.pem", &own.chain.iter().take(1).map(|c| c.pem()).collect::<String>())?;
    let above: String = own.certificate_list().iter().skip(1).map(|c| c.pem()).collect();
    write("chain.pem", &above)?;
    // The folder is its owner's alone.
    write("key.pem", &own.key.pkcs8_pem())?;
    Ok(!above.is_empty())
}

/// Everything but the address. `-verifyCAfile` beside `-CAfile`: without it `-crl_download` is
/// silently without effect.
fn arguments(tls: TlsVersion, chained: bool) -> Vec<String> {
    let mut line = "s_server -cert server.pem -key key.pem -CAfile authorities.pem \
                    -verifyCAfile roots.pem -Verify 5 -verify_return_error -www \
                    -crl_check -crl_download"
        .to_owned();
    if chained {
        line.push_str(" -cert_chain chain.pem");
    }
    if tls == TlsVersion::V1_2 {
        line.push_str(" -tls1_2");
    }
    line.split_whitespace().map(str::to_owned).collect()
}

fn begin(
    folder: &tempfile::TempDir,
    arguments: &[String],
    at: SocketAddr,
    proxy: SocketAddr,
    library: &Path,
    clock: &Path,
) -> Result<(Child, SocketAddr), String> {
    let mut command = child::command("openssl");
    command.args(arguments).args(["-accept", &at.to_string()]).current_dir(folder.path());
    // Of the caller's environment only where programs are: no proxy, no configuration, no time
    // zone of this machine.
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("TZ", "UTC0");
    command.env("http_proxy", format!("http://{proxy}"));
    command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", clock);
    // Read at each look at the clock; timers of the program stay real.
    command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    Child::start("openssl", command, &folder.path().join(LOG), |line| accepts(line, at))
}

/// Where it listens: `ACCEPT 127.0.0.1:46095` where it was free to choose, else `ACCEPT`.
fn accepts(line: &str, at: SocketAddr) -> Option<SocketAddr> {
    match line.strip_prefix("ACCEPT")?.trim() {
        "" => Some(at),
        chosen => chosen.parse().ok(),
    }
}

/// What its clock read when the session of a page began, in seconds since 1970: `Start Time:
/// 1709254800` among the properties of the session.
pub(super) fn told_time(page: &[u8]) -> Option<i64> {
    let mark = b"Start Time: ";
    let at = page.windows(mark.len()).position(|w| w == mark)?;
    let digits = page.get(at + mark.len()..)?;
    let length = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    std::str::from_utf8(digits.get(..length)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_line_that_tells_it() {
        let at = SocketAddr::from(([127, 0, 0, 1], 8443));
        assert_eq!(accepts("ACCEPT 127.0.0.1:46095", at), "127.0.0.1:46095".parse().ok());
        assert_eq!(accepts("ACCEPT", at), Some(at));
        assert_eq!(accepts("verify depth is 3, must return a certificate", at), None);
    }

    #[test]
    fn a_page_tells_the_time_of_the_server() {
        let page =
            b"    Extended master secret: yes\n    Start Time: 1709254800\n    Timeout   : 7200";
        assert_eq!(told_time(page), Some(1_709_254_800));
        assert_eq!(told_time(b"Start Time: soon"), None);
        assert_eq!(told_time(b""), None);
    }

    #[test]
    fn only_openssl_itself_from_3_on_will_do() {
        assert_eq!(major("OpenSSL 3.0.19 27 Jan 2026"), Some(3));
        assert_eq!(major("OpenSSL 1.1.1n"), Some(1));
        assert_eq!(major("LibreSSL 3.3.6"), None);
    }

    #[test]
    fn the_options_name_no_file() {
        let line = arguments(TlsVersion::V1_2, true).join(" ");
        assert!(line.contains("-verifyCAfile roots.pem"), "{line}");
        assert!(line.ends_with("-cert_chain chain.pem -tls1_2"), "{line}");
    }
}
