//! nginx with one file.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::server::{self, Server};

/// Serves `file` as `/file`, from `folder`; none where nginx is not installed.
pub fn start(folder: &Path, file: &[u8]) -> Option<Server> {
    let address = server::free_port();
    std::fs::write(folder.join("file"), file).ok()?;
    let configuration = format!(
        "worker_processes 1;\npid {0}/nginx.pid;\nerror_log {0}/error.log;\nevents {{ worker_connections 256; }}\n\
         http {{ access_log off; keepalive_requests 100000000; sendfile on;\n\
         server {{ listen {address}; root {0}; }} }}\n",
        folder.display()
    );
    std::fs::write(folder.join("nginx.conf"), configuration).ok()?;
    let child = Command::new("nginx")
        .args(["-g", "daemon off; master_process off;", "-c"])
        .arg(folder.join("nginx.conf"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    Server::ready(child, address, "/file")
}
