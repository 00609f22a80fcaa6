//! A kit: what a machine outside the lab needs to be the system under test of a scenario, and what the lab keeps
//! to play its CA.
//!
//! * [`make`] issues root, CAs, server and clients, and puts them into files with scripts and a page;
//! * [`lab`]: the file that stays with the lab, and how a later run takes its CAs and clients from it;
//! * `settings`, `readme`: what is written for the other side.
//!
//! A root that somebody puts into a store of trusted roots must not be able to do harm: it bears `O=revlab LAB`, lives
//! for 30 days at most, and vouches for the hosts of the scenario alone.

pub mod lab;
mod readme;
mod settings;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use revlab_fake_ca::FakeCa;
use revlab_fake_ca::config::CaConfig;
use revlab_lab::{Instant, Name, Seed, Span};
use revlab_pki::pkcs12::{self, Encryption};
use revlab_pki::{Certificate, GeneralName, KeyAlgorithm as K, KeyPair, NameConstraints};
use revlab_sut::config::SutConfig;

use crate::exec::{self, Cast};
use crate::jmeter::export::File;
use crate::scenario::Pattern;
use crate::scenario::model::Scenario;

/// The organization in the name of a root of a kit.
pub const ORGANIZATION: &str = "revlab LAB";
/// How long the certificates of a kit live, all told.
pub const LIFE: Span = Span::from_days(30);
/// How long before the making of the kit they begin: the CAs have published before a run begins.
pub const AGE: Span = Span::from_days(8);
/// So many clients have a PKCS #12 file: one takes as long as many signatures.
const MOST_CLIENTS: usize = 100;

/// What a kit is to be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// When it is made.
    pub at: Instant,
    /// Where the lab's CA will listen, as the other machine reaches it.
    pub listen: SocketAddr,
    /// The port at which the other machine serves.
    pub https_port: u16,
    /// By which seed keys are drawn.
    pub keys: Seed,
    /// Whether that is the scenario's own, and so anybody's.
    pub reproducible: bool,
    /// The password of the PKCS #12 files.
    pub password: String,
}

/// What has been made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kit {
    /// The files, by their path in the kit's folder.
    pub files: Vec<File>,
    /// What whoever uses it should know, a sentence each.
    pub notes: Vec<String>,
}

/// What the files of the other side are made of.
struct Content<'a> {
    scenario: &'a Scenario,
    sut: &'a SutConfig,
    cast: &'a Cast,
    keys: BTreeMap<Name, KeyPair>,
    wish: &'a Wish,
    roots: Vec<&'a Certificate>,
    intermediates: Vec<&'a Certificate>,
    server: &'a Certificate,
}

/// Makes the kit of a scenario.
///
/// # Errors
///
/// Why the scenario cannot be run with a machine elsewhere, in words.
pub fn make(scenario: &Scenario, wish: &Wish) -> Result<Kit, String> {
    let mut pattern = Pattern::of(scenario).map_err(told)?;
    pattern.begin(scenario.start, wish.at, scenario.duration);
    let mut moved = lab::named(pattern, scenario, wish.listen.port())?;
    let hosts = bare_hosts(&moved);
    let bounds = bounds(&moved, &hosts);
    for ca in moved.cas.values_mut() {
        prepare(ca, &bounds, scenario.duration, wish)?;
    }
    moved.seed = wish.keys;
    let (ca, cast) = exec::authorities(&moved).map_err(|error| error.to_string())?;
    let sut = moved.suts.values().find(|sut| sut.under_test);
    let sut = sut.ok_or("it has no system under test: there is nobody to make a kit for")?;
    let server = cast.servers.get(&sut.name).ok_or("the server has no certificate")?;
    let own = server.chain.first().ok_or("the server has no certificate")?;
    let mut content = Content {
        scenario,
        sut,
        cast: &cast,
        keys: moved.cas.keys().filter_map(|n| Some((n.clone(), ca.key(n)?.clone()))).collect(),
        wish,
        roots: Vec::new(),
        intermediates: Vec::new(),
        server: own,
    };
    content.sort();
    let mut files = vec![
        File { name: lab::FILE.into(), bytes: lab::text(&content), secret: true },
        text("README.md", readme::text(&content, &hosts)),
        text("windows/Settings.ps1", settings::text(&content, &hosts)),
    ];
    files.extend(SCRIPTS.map(|(name, script)| text(&format!("windows/{name}"), script.to_owned())));
    files.extend(content.certificates());
    Ok(Kit { files, notes: notes(scenario, wish) })
}

/// The password of the PKCS #12 files of a kit with these keys.
pub fn password(keys: Seed) -> String {
    const LENGTH: usize = 24;
    let drawn = crate::digest::sha256_hex(format!("password of the kit {}", keys.0).as_bytes());
    drawn.chars().take(LENGTH).collect()
}

/// The scripts, which are the same in every kit.
const SCRIPTS: [(&str, &str); 6] = [
    ("Common.ps1", include_str!("kit/windows/Common.ps1")),
    ("Prepare.ps1", include_str!("kit/windows/Prepare.ps1")),
    ("Undo.ps1", include_str!("kit/windows/Undo.ps1")),
    ("Clear-Cache.ps1", include_str!("kit/windows/Clear-Cache.ps1")),
    ("Collect.ps1", include_str!("kit/windows/Collect.ps1")),
    ("site/web.config", include_str!("kit/windows/web.config")),
];

fn text(name: &str, text: String) -> File {
    File { name: name.to_owned(), bytes: text.into_bytes(), secret: false }
}

pub(crate) fn told(found: Vec<crate::scenario::Mistake>) -> String {
    found.into_iter().map(|mistake| mistake.message).collect::<Vec<_>>().join("; ")
}

/// The hosts of the CAs and responders, without ports, each once.
fn bare_hosts(scenario: &Scenario) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    for host in FakeCa::hosts_of(scenario.cas.values()) {
        let bare = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
        let bare = bare.map_or(host.as_str(), |(bare, _)| bare).to_owned();
        if !hosts.contains(&bare) {
            hosts.push(bare);
        }
    }
    hosts
}

/// Gives a CA the life, and a root the bounds, that a kit has.
fn prepare(
    ca: &mut CaConfig,
    bounds: &NameConstraints,
    duration: Span,
    wish: &Wish,
) -> Result<(), String> {
    if ca.imported.is_some() {
        return Ok(());
    }
    if duration > LIFE - AGE {
        let most = LIFE - AGE;
        return Err(format!("it lasts {duration}, and the certificates of a kit live {most} more"));
    }
    if ca.lifetime - ca.age <= duration || ca.issued_lifetime - ca.age <= duration {
        return Err(format!(
            "certificates of CA `{}` expire during the scenario; those of a kit are made before it",
            ca.name
        ));
    }
    let pooled = matches!(ca.key, K::Rsa2048 | K::Rsa3072 | K::Rsa4096 | K::RsaPss);
    if pooled && !wish.reproducible {
        return Err(format!(
            "CA `{}` has an RSA key, and those come from a pool of public test keys: whoever trusted its \
             root would trust anybody. Use `key = \"p256\"`, or accept it with `--reproducible-keys`",
            ca.name
        ));
    }
    (ca.age, ca.lifetime, ca.issued_lifetime) = (AGE, LIFE, LIFE);
    ca.renewed.clear();
    if ca.parent.is_none() {
        ca.own.organization = Some(ORGANIZATION.to_owned());
        if ca.own.name_constraints.is_none() && !ca.own.unconstrained {
            ca.own.name_constraints = Some(bounds.clone());
        }
    }
    Ok(())
}

/// What a root of a kit vouches for: the hosts of the scenario, and no address that is not among them.
fn bounds(scenario: &Scenario, hosts: &[String]) -> NameConstraints {
    let suts = scenario.suts.values().map(|sut| sut.host.clone());
    let directories = scenario.validators.values().filter_map(|v| v.directory.as_ref());
    let all = hosts.iter().cloned().chain(suts).chain(directories.map(|own| own.host.clone()));
    let mut permitted: Vec<GeneralName> = Vec::new();
    for host in all {
        let name = match host.parse::<IpAddr>() {
            Ok(address) => GeneralName::Network(address, if address.is_ipv4() { 32 } else { 128 }),
            Err(_) => GeneralName::Dns(host),
        };
        if !permitted.contains(&name) {
            permitted.push(name);
        }
    }
    let families = [IpAddr::from(Ipv4Addr::UNSPECIFIED), IpAddr::from(Ipv6Addr::UNSPECIFIED)];
    let named = |family: &IpAddr| {
        let same = |name: &GeneralName| matches!(name, GeneralName::Network(own, _) if own.is_ipv4() == family.is_ipv4());
        permitted.iter().any(same)
    };
    let excluded = families.into_iter().filter(|family| !named(family));
    let excluded = excluded.map(|family| GeneralName::Network(family, 0)).collect();
    NameConstraints { permitted, excluded }
}

/// What the kit does otherwise than the scenario says, and what to take care of.
fn notes(scenario: &Scenario, wish: &Wish) -> Vec<String> {
    let mut notes = Vec::new();
    if wish.reproducible {
        notes.push("`--reproducible-keys`: anybody can draw the same private keys".to_owned());
    }
    if wish.listen.ip().is_loopback() {
        notes.push(format!(
            "the other machine will look for the CA at {}, itself: say with `--listen` where this machine is, or \
             have a tunnel lead here",
            wish.listen
        ));
    }
    for ca in scenario.cas.values() {
        let name = &ca.name;
        if ca.imported.is_some() {
            notes.push(format!(
                "CA `{name}` is the scenario's own: its root has no bounds of a kit"
            ));
        }
        if !ca.renewed.is_empty() {
            notes.push(format!("the renewals in the history of CA `{name}` are left out"));
        }
        if ca.own.unconstrained && ca.parent.is_none() {
            notes.push(format!(
                "the root of CA `{name}` vouches for any name (`constrained = false`)"
            ));
        }
    }
    if scenario.clients.values().map(|plan| plan.identities as usize).sum::<usize>() > MOST_CLIENTS
    {
        notes.push(format!("the first {MOST_CLIENTS} clients have a PKCS #12 file"));
    }
    notes
}

impl Content<'_> {
    /// Tells roots from other CA certificates.
    fn sort(&mut self) {
        for certificate in self.cast.authorities.values().flatten() {
            let list = match certificate.is_self_issued() {
                true => &mut self.roots,
                false => &mut self.intermediates,
            };
            if !list.contains(&certificate) {
                list.push(certificate);
            }
        }
    }

    /// CA certificates by file, with the Windows store that each belongs to.
    fn stored(&self) -> impl Iterator<Item = (String, &'static str, &Certificate)> {
        let numbered = |all: &'_ [&'_ Certificate], name: &'static str, store: &'static str| {
            let file =
                move |(n, _): (usize, &&Certificate)| (format!("{name}-{}.crt", n + 1), store);
            all.iter().enumerate().map(file).collect::<Vec<_>>()
        };
        let roots = numbered(&self.roots, "root", "Root").into_iter().zip(&self.roots);
        let below = numbered(&self.intermediates, "intermediate", "CA").into_iter();
        roots.chain(below.zip(&self.intermediates)).map(|((file, store), it)| (file, store, *it))
    }

    /// Certificates and keys: for Windows, and for what reads PEM.
    fn certificates(&self) -> Vec<File> {
        let secret = |name: String, bytes: Vec<u8>| File { name, bytes, secret: true };
        let password = self.wish.password.as_str();
        let mut files =
            vec![secret("windows/password.txt".into(), format!("{password}\n").into_bytes())];
        for (name, _, certificate) in self.stored() {
            let bytes = certificate.der().to_vec();
            files.push(File { name: format!("windows/{name}"), bytes, secret: false });
        }
        let pem = |all: &[&Certificate]| all.iter().map(|c| c.pem()).collect::<String>();
        files.push(text("pem/roots.pem", pem(&self.roots)));
        if !self.intermediates.is_empty() {
            files.push(text("pem/intermediates.pem", pem(&self.intermediates)));
        }
        if let Some(server) = self.cast.servers.get(&self.sut.name) {
            let own = std::slice::from_ref(self.server);
            let file =
                pkcs12::export(&server.key, own, password, &self.sut.host, Encryption::Legacy);
            files.push(secret("windows/server.pfx".into(), file));
            files.push(text("pem/server.pem", server.chain.iter().map(Certificate::pem).collect()));
            files.push(secret("pem/server.key".into(), server.key.pkcs8_pem().into_bytes()));
        }
        let clients = self.cast.identities.iter().take(MOST_CLIENTS);
        files.extend(clients.map(|(name, client)| {
            let file =
                pkcs12::export(&client.key, &client.chain, password, name, Encryption::Legacy);
            secret(format!("clients/{name}.pfx"), file)
        }));
        files.push(text(
            "windows/site/index.html",
            format!("<!doctype html><title>{0}</title><p>{0}\n", "revlab"),
        ));
        files
    }
}

#[cfg(test)]
mod tests;
