//! nginx that asks for client certificates, and what its clients need, in files.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use revlab::exec::Cast;

/// nginx with TLS; ends when it is dropped.
#[derive(Debug)]
pub struct Mutual {
    child: Child,
}

impl Mutual {
    /// Starts nginx in `folder` at `address` with the server certificate of the SUT `web`; none where
    /// it is not installed. Sessions are not kept, so that each handshake is a full one; TLS 1.3
    /// tickets are still sent.
    pub fn start(folder: &Path, address: SocketAddr, cast: &Cast) -> Option<Mutual> {
        let own = cast.servers.get("web")?;
        let roots: String = cast.authorities.values().flatten().map(|c| c.pem()).collect();
        fs::write(folder.join("ca.pem"), roots).ok()?;
        fs::write(folder.join("server.pem"), own.chain.first()?.pem()).ok()?;
        fs::write(folder.join("server.key"), own.key.pkcs8_pem()).ok()?;
        fs::write(folder.join("page"), "ok\n").ok()?;
        let configuration = format!(
            "worker_processes 1;\npid {0}/nginx.pid;\nerror_log {0}/error.log;\n\
             events {{ worker_connections 4096; }}\n\
             http {{ access_log off;\n\
             server {{ listen {address} ssl backlog=4096; root {0}; ssl_protocols TLSv1.2 TLSv1.3;\n\
             ssl_certificate {0}/server.pem; ssl_certificate_key {0}/server.key;\n\
             ssl_client_certificate {0}/ca.pem; ssl_verify_client on; ssl_session_cache off; }} }}\n",
            folder.display()
        );
        fs::write(folder.join("nginx.conf"), configuration).ok()?;
        let child = Command::new("nginx")
            .args(["-g", "daemon off; master_process off;", "-c"])
            .arg(folder.join("nginx.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        Some(Mutual { child })
    }

    /// Processor time that the server has taken, in seconds.
    pub fn processor_time(&self) -> f64 {
        processor_time(&self.child.id().to_string())
    }
}

impl Drop for Mutual {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes a client's certificate and key for other programs: `client.pem`, `client.key`.
pub fn write_client(folder: &Path, cast: &Cast, identity: &str) -> Option<(PathBuf, PathBuf)> {
    let identity = cast.identities.get(identity)?;
    let (certificate, key) = (folder.join("client.pem"), folder.join("client.key"));
    fs::write(&certificate, identity.chain.first()?.pem()).ok()?;
    fs::write(&key, identity.key.pkcs8_pem()).ok()?;
    Some((certificate, key))
}

/// Clock ticks a second in `/proc` (USER_HZ), the same on every Linux that has been.
const TICKS: f64 = 100.0;

/// Processor time of a process (`self`, or its number), user and system, in seconds.
pub fn processor_time(process: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The second field, the name, may have blanks; it ends with the last parenthesis.
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2).filter_map(|f| f.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
}

/// The most memory that this process has held at once, in KiB.
pub fn most_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
