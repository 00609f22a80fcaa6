//! The files that a program is started from.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use revlab_lab::trace::TlsVersion;
use revlab_pki::Certificate;
use revlab_sut::adapter::Values;

use super::server::Setting;
use crate::exec::adapter::Program;
use crate::exec::namespace;
use crate::exec::setup::{Cast, Identity};

/// Writes what the lab has for it, and gives what templates are told.
pub(super) fn fill(
    program: &Program,
    cast: &Cast,
    setting: &Setting<'_>,
    folder: &Path,
) -> io::Result<Values> {
    let (cas, roots) = authorities(cast, folder)?;
    let chained = match cast.servers.get(setting.sut) {
        Some(own) => credential(own, folder)?,
        None => false,
    };
    let leaf = cast.identities.values().find_map(|identity| identity.chain.first());
    let ocsp = leaf.and_then(|leaf| leaf.ocsp_urls().first()).map(ToString::to_string);
    let port = match setting.at.port() {
        0 if program.adapter.server.is_some() => free_port(setting.at)?,
        port => port,
    };
    let shown = |at: Option<SocketAddr>| at.map(|at| at.to_string()).unwrap_or_default();
    Ok(Values {
        dir: folder.display().to_string(),
        address: setting.at.ip().to_string(),
        port,
        host: setting.host.to_owned(),
        resolver: shown(setting.resolver),
        backend: shown(setting.backend),
        tls: if setting.tls == TlsVersion::V1_3 { "1.3" } else { "1.2" }.to_owned(),
        resumption: setting.resumption,
        ocsp_url: ocsp.unwrap_or_default(),
        chained,
        user: if namespace::is_root() { "nobody" } else { "" }.to_owned(),
        group: group().to_owned(),
        client: "client.pem".to_owned(),
        client_chain: "client-chain.pem".to_owned(),
        client_key: "client-key.pem".to_owned(),
        crls: Vec::new(),
        cas,
        roots,
        crl_text: String::new(),
    })
}

/// Writes the CAs' certificates: their files, roots first, and those of the roots.
fn authorities(cast: &Cast, folder: &Path) -> io::Result<(Vec<String>, Vec<String>)> {
    let mut distinct: Vec<&Certificate> = Vec::new();
    for certificate in cast.authorities.values().flatten().chain(&cast.former) {
        if !distinct.contains(&certificate) {
            distinct.push(certificate);
        }
    }
    distinct.sort_by_key(|certificate| !certificate.is_self_issued());
    let (mut cas, mut roots) = (Vec::new(), Vec::new());
    for (n, certificate) in distinct.iter().enumerate() {
        let name = format!("ca-{n}.pem");
        fs::write(folder.join(&name), certificate.pem())?;
        fs::write(folder.join(format!("ca-{n}.der")), certificate.der())?;
        if certificate.is_self_issued() {
            roots.push(name.clone());
        }
        cas.push(name);
    }
    let all: String = distinct.iter().map(|c| c.pem()).collect();
    let anchors: String = distinct.iter().filter(|c| c.is_self_issued()).map(|c| c.pem()).collect();
    fs::write(folder.join("authorities.pem"), all)?;
    fs::write(folder.join("roots.pem"), anchors)?;
    Ok((cas, roots))
}

/// Writes its certificate and key; whether certificates are sent behind its own.
fn credential(own: &Identity, folder: &Path) -> io::Result<bool> {
    let list: Vec<String> = own.certificate_list().iter().map(|c| c.pem()).collect();
    let (first, above) = list.split_at(1.min(list.len()));
    fs::write(folder.join("server.pem"), first.concat())?;
    fs::write(folder.join("chain.pem"), above.concat())?;
    fs::write(folder.join("fullchain.pem"), list.concat())?;
    let key = own.key.pkcs8_pem();
    private(&folder.join("key.pem"), &key)?;
    private(&folder.join("bundle.pem"), &format!("{}{key}", list.concat()))?;
    Ok(!above.is_empty())
}

/// The group of `nobody`, which distributions do not agree about.
fn group() -> &'static str {
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    let is_there = groups.lines().any(|line| line.starts_with("nogroup:"));
    if is_there { "nogroup" } else { "nobody" }
}

fn free_port(at: SocketAddr) -> io::Result<u16> {
    Ok(TcpListener::bind(at)?.local_addr()?.port())
}

/// A key: its owner's alone.
pub(super) fn private(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    mode(path, 0o600)
}

/// A file that comes to be there in one go.
pub(super) fn put(path: &Path, bytes: &[u8], unreadable: bool) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    fs::write(&fresh, bytes)?;
    mode(&fresh, if unreadable { 0 } else { 0o644 })?;
    fs::rename(&fresh, path)
}

#[cfg(unix)]
pub(super) fn mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
pub(super) fn mode(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}
