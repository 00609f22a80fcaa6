//! What stays with the lab: the keys of a kit's CAs and clients, and how a run takes them.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use revlab_clients::plan::StoredIdentity;
use revlab_clients::{Choice, identity_name};
use revlab_fake_ca::FakeCa;
use revlab_fake_ca::config::{Imported, Own};
use revlab_lab::http::Url;
use revlab_lab::{Instant, Name, Seed};
use revlab_pki::{Certificate, KeyPair};
use serde::{Deserialize, Serialize};

use super::{AGE, Content, LIFE};
use crate::scenario::Pattern;
use crate::scenario::model::Scenario;

/// The file in the kit's folder. It holds private keys.
pub const FILE: &str = "lab.json";

/// The version of the file that this revlab writes and reads.
const FORMAT: u32 = 1;

/// What a run needs of a kit.
#[derive(Debug, Serialize, Deserialize)]
pub struct Lab {
    format: u32,
    /// Which scenario it was made for; others with the same CAs and clients can be run with it too.
    pub scenario: String,
    /// When it was made, and when its certificates end.
    made: Instant,
    expires: Instant,
    /// Where the other machine looks for the CA.
    pub listen: SocketAddr,
    /// By which keys are drawn that no certificate of the kit has: those of responders.
    keys: u64,
    cas: BTreeMap<String, Held>,
    clients: BTreeMap<String, Held>,
}

/// A certificate with those above it, and its key, in PEM.
#[derive(Debug, Serialize, Deserialize)]
struct Held {
    certificate: String,
    key: String,
}

/// The file of a kit.
pub(super) fn text(content: &Content<'_>) -> Vec<u8> {
    let pem = |chain: &[Certificate]| chain.iter().map(Certificate::pem).collect::<String>();
    let (cast, wish) = (content.cast, content.wish);
    let keys = content.keys.iter();
    let ca = |(name, key): (&Name, &KeyPair)| {
        let chain = cast.authorities.get(name).map(Vec::as_slice).unwrap_or_default();
        (name.to_string(), Held { certificate: pem(chain), key: key.pkcs8_pem() })
    };
    let clients = cast.identities.iter().map(|(name, client)| {
        let held = Held { certificate: pem(&client.chain), key: client.key.pkcs8_pem() };
        (name.to_string(), held)
    });
    let lab = Lab {
        format: FORMAT,
        scenario: content.scenario.name.clone(),
        made: wish.at,
        expires: wish.at - AGE + LIFE,
        listen: wish.listen,
        keys: wish.keys.0,
        cas: keys.map(ca).collect(),
        clients: clients.collect(),
    };
    let mut bytes = serde_json::to_vec_pretty(&lab).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

impl Lab {
    /// Reads the kit in a folder.
    ///
    /// # Errors
    ///
    /// There is none, or it cannot be read, in words with the file.
    pub fn read(folder: &Path) -> Result<Lab, String> {
        let file = folder.join(FILE);
        let place = file.display();
        let text = fs::read_to_string(&file)
            .map_err(|why| format!("{place} cannot be read: {why}; `revlab kit` writes it"))?;
        let lab: Lab = serde_json::from_str(&text).map_err(|why| {
            let (line, column) = (why.line(), why.column());
            format!("{place}:{line}:{column}: not what `revlab kit` writes: {why}")
        })?;
        match lab.format {
            FORMAT => Ok(lab),
            other => Err(format!("{place}: format {other} is not known, {FORMAT} is")),
        }
    }

    /// By which seed keys are drawn.
    pub fn keys(&self) -> Seed {
        Seed(self.keys)
    }

    /// The scenario with the CAs and clients of the kit.
    ///
    /// # Errors
    ///
    /// Why the scenario cannot be run with it, in words.
    pub fn applied(&self, scenario: &Scenario) -> Result<Scenario, String> {
        if scenario.start < self.made - AGE || scenario.start + scenario.duration > self.expires {
            let (made, end) = (crate::judge::at(self.made), crate::judge::at(self.expires));
            return Err(format!(
                "the kit was made at {made} and its certificates end at {end}, before the run does: make a new one"
            ));
        }
        let pattern = Pattern::of(scenario).map_err(super::told)?;
        let mut applied = named(pattern, scenario, self.listen.port())?;
        for (name, ca) in &mut applied.cas {
            let held = self.held(&self.cas, "CA", name)?;
            let (mut chain, key) = held.read()?;
            let certificate = chain.remove(0);
            let above = if ca.parent.is_some() { Vec::new() } else { chain };
            ca.imported = Some(Imported { certificate, above, key });
            ca.renewed.clear();
            ca.own = Own::default();
        }
        for (name, plan) in &mut applied.clients {
            if plan.choice == Choice::Minted || !plan.keystore.is_empty() {
                continue;
            }
            for number in 1..=plan.identities {
                let held = self.held(&self.clients, "client", &identity_name(name, number))?;
                let (chain, key) = held.read()?;
                plan.keystore.push(StoredIdentity { chain, key });
            }
        }
        Ok(applied)
    }

    fn held<'a>(
        &self,
        all: &'a BTreeMap<String, Held>,
        what: &str,
        name: &str,
    ) -> Result<&'a Held, String> {
        all.get(name).ok_or_else(|| {
            let made = &self.scenario;
            format!("the kit has no {what} `{name}`: it was made for `{made}`; make one for this scenario")
        })
    }
}

impl Held {
    /// The chain, which has at least one certificate, and the key.
    fn read(&self) -> Result<(Vec<Certificate>, KeyPair), String> {
        let wrong = |why: String| format!("a certificate of the kit cannot be read: {why}");
        let chain = Certificate::parse_pem(&self.certificate).map_err(|e| wrong(e.to_string()))?;
        let key = KeyPair::from_pem(&self.key).map_err(|e| wrong(e.to_string()))?;
        let own = chain.first().ok_or_else(|| wrong("there is none".to_owned()))?;
        match own.public_key_info() == key.public_key_info() {
            true => Ok((chain, key)),
            false => Err(wrong("its key is another one's".to_owned())),
        }
    }
}

/// The scenario of a pattern, whose CAs are served under their names at this port.
pub(super) fn named(
    mut pattern: Pattern,
    scenario: &Scenario,
    port: u16,
) -> Result<Scenario, String> {
    const HTTP: u16 = 80;
    if port == HTTP {
        return pattern.scenario().map_err(super::told);
    }
    let hosts = FakeCa::hosts_of(scenario.cas.values());
    let known = |url: &Url| {
        url.scheme().eq_ignore_ascii_case("http")
            && url.port() == HTTP
            && hosts.iter().any(|host| host.eq_ignore_ascii_case(url.host()))
    };
    pattern.rewrite(&|url| {
        let rest = url.as_str().get(url.scheme().len() + 3 + url.authority().len()..)?;
        known(url).then(|| format!("http://{}:{port}{rest}", url.host()).parse().ok()).flatten()
    });
    let mut named = pattern.scenario().map_err(super::told)?;
    for ca in named.cas.values_mut() {
        if hosts.iter().any(|host| host.eq_ignore_ascii_case(&ca.host)) {
            ca.host = format!("{}:{port}", ca.host);
        }
    }
    Ok(named)
}
