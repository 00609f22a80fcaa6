//! What is said when all is ready: where everything is, and a line to try each.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use revlab_fake_ca::CaUrls;
use revlab_lab::Name;
use revlab_lab::http::Url;
use serde::Serialize;

use super::core::ServeCore;
use super::credential;

/// Everything that somebody needs to know to begin.
#[derive(Clone, Debug, Serialize)]
pub struct Ready {
    /// The scenario's name.
    pub scenario: String,
    /// Its variant.
    pub variant: Option<String>,
    /// From the start of the process's work to here, in milliseconds.
    pub ready_ms: u64,
    /// Lab time.
    pub now: String,
    /// The CAs.
    pub cas: Vec<Ca>,
    /// Base URL of the control API.
    pub control: String,
    /// Where the name server listens, by UDP and TCP.
    pub dns: Option<String>,
    /// What somebody should know who lets other machines in.
    pub warnings: Vec<String>,
    /// The folder of the run.
    pub folder: PathBuf,
    /// The files in it.
    pub files: Vec<PathBuf>,
    /// Lines for a POSIX shell, and for Windows' command prompt.
    pub try_it: Vec<Try>,
}

/// Where a CA is.
#[derive(Clone, Debug, Serialize)]
pub struct Ca {
    /// Its name in the scenario.
    pub name: String,
    /// The address at which its site listens.
    pub listens: Option<String>,
    /// The address at which its site can speak TLS.
    pub https: Option<String>,
    /// Its base CRL.
    pub base: String,
    /// Its delta CRL.
    pub delta: Option<String>,
    /// Its certificate.
    pub certificate: String,
    /// What its certificates name as OCSP.
    pub ocsp: Vec<String>,
}

/// A command line.
#[derive(Clone, Debug, Serialize)]
pub struct Try {
    /// The program.
    pub program: &'static str,
    /// What it shows.
    pub what: String,
    /// The line.
    pub line: String,
}

/// What the shell knows.
pub(super) struct Places<'a> {
    /// The address of each host's site, by the host's name in the CAs' configuration.
    pub(super) sites: &'a [(String, String)],
    /// The same with TLS.
    pub(super) https: &'a [(String, String)],
    pub(super) control: String,
    pub(super) dns: Option<SocketAddr>,
    pub(super) warnings: Vec<String>,
    pub(super) folder: &'a Path,
    pub(super) files: Vec<PathBuf>,
    pub(super) took: Duration,
}

impl Ready {
    pub(super) fn new(core: &ServeCore, places: Places<'_>) -> Ready {
        let ca = |name: &Name| {
            let urls: CaUrls = core.lab.ca.urls(name)?;
            let host = core.scenario.cas.get(name).map(|config| config.host.as_str())?;
            let at = |sites: &[(String, String)]| {
                let site = sites.iter().find(|(known, _)| known.eq_ignore_ascii_case(host));
                site.map(|(_, address)| address.clone())
            };
            Some(Ca {
                name: name.to_string(),
                listens: at(places.sites),
                https: at(places.https),
                base: urls.base.to_string(),
                delta: urls.delta.map(|url| url.to_string()),
                certificate: urls.certificate.to_string(),
                ocsp: urls.ocsp.iter().map(ToString::to_string).collect(),
            })
        };
        let cas: Vec<Ca> = core.scenario.cas.keys().filter_map(ca).collect();
        Ready {
            scenario: core.scenario.name.clone(),
            variant: core.scenario.variant.as_deref().map(str::to_owned),
            ready_ms: u64::try_from(places.took.as_millis()).unwrap_or(u64::MAX),
            now: core.scenario.start.to_string(),
            try_it: lines(core, &cas, &places),
            cas,
            control: places.control,
            dns: places.dns.map(|at| at.to_string()),
            warnings: places.warnings,
            folder: places.folder.to_owned(),
            files: places.files,
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        let variant = self.variant.as_ref().map_or(String::new(), |v| format!(", variant {v}"));
        let mut lines =
            vec![format!("serving {}{variant}: ready in {} ms", self.scenario, self.ready_ms)];
        for ca in &self.cas {
            lines.push(format!("\nCA {}", ca.name));
            let mut row = |what: &str, url: &str| lines.push(format!("  {what:<12} {url}"));
            if let Some(address) = &ca.listens {
                row("listens at", address);
            }
            ca.https.iter().for_each(|address| row("https at", address));
            row("base CRL", &ca.base);
            ca.delta.iter().for_each(|url| row("delta CRL", url));
            row("certificate", &ca.certificate);
            ca.ocsp.iter().for_each(|url| row("OCSP", url));
        }
        lines.push(format!("\ncontrol API    {}", self.control));
        self.dns.iter().for_each(|at| lines.push(format!("name server    {at}")));
        lines.push(format!("\nfiles in {}", self.folder.display()));
        let names = self.files.iter().filter_map(|file| file.file_name());
        let names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
        lines.push(format!("  {}", names.join("  ")));
        lines.push("\ntry".to_owned());
        for Try { what, line, .. } in &self.try_it {
            lines.push(format!("  # {what}\n  {line}"));
        }
        lines.join("\n")
    }
}

fn lines(core: &ServeCore, cas: &[Ca], places: &Places<'_>) -> Vec<Try> {
    let (folder, control) = (places.folder, &places.control);
    let file = |name: &str| quoted(&folder.join(name).display().to_string());
    let mut lines = Vec::new();
    let mut add = |program, what: &str, line: String| {
        lines.push(Try { program, what: what.to_owned(), line });
    };
    let issuer = credential::client(&core.lab).map(|(_, identity)| identity.ca.clone());
    let ca = issuer.as_deref().and_then(|issuer| cas.iter().find(|ca| ca.name == *issuer));
    if let Some(ca) = ca.filter(|_| core.names_addresses()) {
        add("curl", "fetch the base CRL", format!("curl -sSf -o base.crl {}", quoted(&ca.base)));
        let mut chain = format!("-CAfile {}", file("roots.pem"));
        if core.lab.cast.authorities.values().flatten().any(|c| !c.is_self_issued()) {
            chain.push_str(&format!(" -untrusted {}", file("intermediates.pem")));
        }
        let line =
            format!("openssl verify -crl_check -crl_download {chain} {}", file("client.pem"));
        add("openssl", "check the client's certificate by CRL", line);
        if let Some(url) = ca.ocsp.first() {
            let issuer = file(&format!("ca-{}.pem", ca.name));
            let line = format!(
                "openssl ocsp -issuer {issuer} -cert {} -url {} -CAfile {}",
                file("client.pem"),
                quoted(url),
                file("roots.pem")
            );
            add("openssl", "ask the responder about the client's certificate", line);
        }
        let client = folder.join("client.pem");
        let line = format!("certutil -verify -urlfetch \"{}\"", client.display());
        add("certutil", "the same on Windows, with CRLs, OCSP and all", line);
    }
    if let (Some(at), Some(ca)) = (places.dns, cas.first()) {
        for (program, what, line) in by_name(at, ca) {
            add(program, what, line);
        }
    }
    let token = format!("-H \"Authorization: Bearer $(cat {})\"", file("token"));
    add("curl", "see how it stands", format!("curl -sSf {token} {control}/state"));
    if let Some(ca) = cas.first() {
        let fault =
            format!("{{\"on\":\"{}.crl\",\"for\":\"1m\",\"status\":{{\"status\":503}}}}", ca.name);
        let line = format!("curl -sSf {token} -d {} {control}/faults/broken", quoted(&fault));
        add("curl", "answer 503 instead of the CRLs for a minute", line);
    }
    if let Some((name, _)) = credential::client(&core.lab) {
        let body = quoted(&format!("{{\"identity\":\"{name}\",\"reason\":1}}"));
        let line = format!("curl -sSf {token} -d {body} {control}/revoke");
        add("curl", "revoke the client's certificate", line);
    }
    lines
}

/// How to find a CA by the name server.
fn by_name(at: SocketAddr, ca: &Ca) -> Vec<(&'static str, &'static str, String)> {
    let Ok(url) = ca.base.parse::<Url>() else { return Vec::new() };
    let (host, port) = (url.host(), url.port());
    let dig = format!("dig +short @{} -p {} {host} A", at.ip(), at.port());
    // Only a curl that is built with c-ares can be told which name server to ask.
    let curl = format!(
        "curl -sSf --resolve {host}:{port}:$({dig} | tail -n 1) -o base.crl {}",
        quoted(&ca.base)
    );
    vec![
        ("dig", "ask the name server", dig),
        ("curl", "fetch the base CRL from where the name server has it", curl),
    ]
}

/// For a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_text_is_one_word_whatever_is_in_it() {
        assert_eq!(quoted("http://h/XXX-CA(1)+.crl"), "'http://h/XXX-CA(1)+.crl'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
    }
}
