//! nginx that asks for client certificates, and what its clients need, in files.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant as Wall};

use revlab::exec::Cast;

use crate::processor;

/// A full handshake as nginx' log has it, behind the protocol: no session taken up, the client verified,
/// its request answered.
const FULL: &str = ". SUCCESS 200";
const LOG: &str = "access.log";

const PATIENCE: Duration = Duration::from_secs(5);

/// nginx with TLS; ends when it is dropped.
#[derive(Debug)]
pub struct Mutual {
    child: Child,
    log: PathBuf,
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
             http {{ log_format handshakes \"$ssl_protocol $ssl_session_reused $ssl_client_verify $status\";\n\
             access_log {0}/{LOG} handshakes;\n\
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
        Some(Mutual { child, log: folder.join(LOG) })
    }

    /// Waits until it listens.
    ///
    /// # Panics
    ///
    /// It does not within five seconds.
    #[expect(clippy::disallowed_methods, reason = "a server is waited for in real time")]
    pub fn wait(&self, address: SocketAddr) {
        let began = Wall::now();
        while std::net::TcpStream::connect(address).is_err() {
            assert!(began.elapsed() < PATIENCE, "nginx does not listen");
            std::thread::yield_now();
        }
    }

    /// Makes sure that since the last call there were so many full handshakes of this protocol version
    /// (`1.3`), each with a client that was verified and one request that was answered, and nothing else.
    ///
    /// # Panics
    ///
    /// There was something else.
    #[expect(clippy::disallowed_methods, reason = "a server is waited for in real time")]
    pub fn made_full_handshakes(&mut self, count: usize, tls: &str) {
        let began = Wall::now();
        // A client may be gone before its request is logged.
        let mut seen = self.logged();
        while seen.values().sum::<usize>() < count && began.elapsed() < PATIENCE {
            std::thread::yield_now();
            seen = self.logged();
        }
        let expected = BTreeMap::from([(format!("TLSv{tls} {FULL}"), count)]);
        assert_eq!(seen, expected, "what nginx saw is not what was to be measured");
        // It appends, so it goes on at the begin.
        let _ = fs::write(&self.log, "");
    }

    /// How often which line is in the log.
    fn logged(&self) -> BTreeMap<String, usize> {
        let mut seen = BTreeMap::new();
        for line in fs::read_to_string(&self.log).unwrap_or_default().lines() {
            *seen.entry(line.to_owned()).or_default() += 1;
        }
        seen
    }

    /// Processor time that the server has taken, in seconds.
    pub fn processor_time(&self) -> f64 {
        processor::of(&self.child.id().to_string())
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
