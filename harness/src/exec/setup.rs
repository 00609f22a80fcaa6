//! Before the first event: certificates, identities and machines. Pure; what fails here fails
//! before anything was run.

use std::collections::BTreeMap;
use std::sync::Arc;

use revlab_clients::plan::{ClientPlan, StoredIdentity};
use revlab_clients::{Driver, identity_name};
use revlab_fake_ca::FakeCa;
use revlab_lab::http::Url;
use revlab_lab::{Name, Seed};
use revlab_pki::{Certificate, KeyPair, Usage};
use revlab_sut::config::{SutConfig, ValidatorConfig};
use revlab_sut::machine::Accounts;
use revlab_sut::{Machine, Stores};

use crate::scenario::model::Scenario;

/// Why a lab cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A CA cannot be what the scenario asks for.
    #[error(transparent)]
    Ca(#[from] revlab_fake_ca::SetupError),
    /// A certificate cannot be issued.
    #[error("no certificate for `{name}`: {why}")]
    Issue {
        /// For whom.
        name: String,
        /// Why not.
        why: String,
    },
    /// A name leads nowhere.
    #[error("there is no CA `{0}`")]
    NoCa(Name),
}

/// The certificates and keys of a run.
#[derive(Clone, Debug)]
pub struct Cast {
    /// CA certificates by actor name, each with its issuers behind it.
    pub authorities: BTreeMap<Name, Vec<Certificate>>,
    /// CA certificates that renewals have replaced.
    pub former: Vec<Certificate>,
    /// By actor name, of those CAs that have one: the certificate that signs its CRLs.
    pub crl_signers: BTreeMap<Name, Certificate>,
    /// Client identities by name.
    pub identities: BTreeMap<Name, Identity>,
    /// Server identities by SUT, and those of directories.
    pub servers: BTreeMap<Name, Identity>,
    /// Of SUTs whose certificate was exchanged: the first one.
    pub first_servers: BTreeMap<Name, Identity>,
}

/// A certificate with its issuers and its key.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The CA that issued it.
    pub ca: Name,
    /// Its certificate, then the intermediate ones; the root is left out.
    pub chain: Arc<[Certificate]>,
    /// Its private key.
    pub key: KeyPair,
    /// Whether the intermediate certificates are sent along in handshakes.
    pub sends_issuers: bool,
}

impl Identity {
    /// What is sent in handshakes: certificate_list (RFC 8446 §4.4.2).
    pub fn certificate_list(&self) -> Arc<[Certificate]> {
        match self.sends_issuers {
            true => self.chain.clone(),
            false => self.chain.iter().take(1).cloned().collect(),
        }
    }

    /// The same in DER.
    pub fn certificate_list_der(&self) -> Vec<Vec<u8>> {
        self.certificate_list().iter().map(|c| c.der().to_vec()).collect()
    }
}

/// Everything a run starts from.
pub(super) struct Lab {
    pub(super) ca: FakeCa,
    /// The SUTs, then the validators.
    pub(super) machines: Vec<(Name, Machine)>,
    /// Where among them those of each validator begin, and how many there are.
    pub(super) validators: BTreeMap<Name, Machines>,
    pub(super) driver: Driver,
    pub(super) cast: Cast,
}

/// The machines of a validator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Machines {
    pub(super) first: usize,
    pub(super) count: usize,
}

/// Sets the lab of a scenario up.
pub(super) fn set_up(scenario: &Scenario) -> Result<Lab, SetupError> {
    set_up_by(scenario, scenario.seed)
}

/// The same with keys that are drawn by another seed.
pub(super) fn set_up_by(scenario: &Scenario, keys: Seed) -> Result<Lab, SetupError> {
    let (ca, cast) = match keys == scenario.seed {
        true => authorities(scenario)?,
        false => {
            let (mut ca, cast) = authorities(&Scenario { seed: keys, ..scenario.clone() })?;
            ca.draw_faults_by(scenario.seed);
            (ca, cast)
        }
    };
    let machine = |config: &SutConfig| {
        Machine::new(config, cast.stores(&config.stores, &config.ocsp_urls), scenario.seed)
    };
    let mut machines: Vec<_> = scenario.suts.iter().map(|(n, c)| (n.clone(), machine(c))).collect();
    let mut validators = BTreeMap::new();
    for (name, config) in &scenario.validators {
        let accounts = config.directory.as_ref().map(|directory| {
            let known = cast
                .identities
                .iter()
                .filter_map(|(name, identity)| Some((name, identity.chain.first()?)));
            Accounts::new(directory.mapping, known)
        });
        let first = machines.len();
        for name in names_of(scenario, name, config) {
            let known = cast.stores(&config.stores, &config.ocsp_urls);
            let machine =
                Machine::validator(config, name.clone(), accounts.clone(), known, scenario.seed);
            machines.push((name, machine));
        }
        validators.insert(name.clone(), Machines { first, count: machines.len() - first });
    }
    let driver = Driver::new(scenario.clients.values().cloned().collect(), scenario.seed);
    Ok(Lab { ca, machines, validators, driver, cast })
}

/// The names of a validator's machines: its own, or with a number for each thread of its clients.
fn names_of(scenario: &Scenario, name: &Name, config: &ValidatorConfig) -> Vec<Name> {
    if !config.each_thread {
        return vec![name.clone()];
    }
    let mine = scenario.clients.values().filter(|plan| plan.validator.as_ref() == Some(name));
    let threads: u32 = mine.map(|plan| plan.threads).sum();
    (1..=threads.max(1)).map(|number| Name::from(format!("{name}-{number}"))).collect()
}

/// Sets up the CAs of a scenario and issues its certificates.
///
/// # Errors
///
/// See [`SetupError`].
pub(crate) fn authorities(scenario: &Scenario) -> Result<(FakeCa, Cast), SetupError> {
    let configs = scenario.cas.values().cloned().collect();
    let faults = scenario.faults.values().cloned().collect();
    let mut ca = FakeCa::new(configs, faults, scenario.seed, scenario.start)?;
    let cast = cast(scenario, &mut ca)?;
    Ok((ca, cast))
}

fn cast(scenario: &Scenario, ca: &mut FakeCa) -> Result<Cast, SetupError> {
    let mut cast = Cast {
        authorities: scenario.cas.keys().map(|n| (n.clone(), ca.chain(n))).collect(),
        former: scenario.cas.keys().flat_map(|n| ca.former_certificates(n)).cloned().collect(),
        crl_signers: crl_signers(scenario, ca),
        identities: BTreeMap::new(),
        servers: BTreeMap::new(),
        first_servers: BTreeMap::new(),
    };
    for (name, sut) in &scenario.suts {
        let key = key_of(scenario, &sut.ca, &format!("server/{name}"))?;
        let host = std::slice::from_ref(&sut.host);
        let issued = ca.issue(&sut.ca, &sut.host, Usage::Server, &key, host);
        let identity = identity(&cast, &sut.ca, &sut.host, key, issued)?;
        let identity = Identity { sends_issuers: sut.sends_issuers, ..identity };
        cast.servers.insert(name.clone(), identity);
    }
    for (name, validator) in &scenario.validators {
        let Some(own) = &validator.directory else { continue };
        let key = key_of(scenario, &own.ca, &format!("server/{name}"))?;
        let issued =
            ca.issue(&own.ca, &own.host, Usage::Server, &key, std::slice::from_ref(&own.host));
        let identity = identity(&cast, &own.ca, &own.host, key, issued)?;
        cast.servers.insert(name.clone(), identity);
    }
    for (client, plan) in &scenario.clients {
        for (n, stored) in plan.keystore.iter().enumerate() {
            let name = identity_name(client, u32::try_from(n + 1).unwrap_or(u32::MAX));
            cast.identities.insert(name.clone(), adopted(&cast, ca, plan, &name, stored)?);
        }
        if plan.keystore.is_empty() {
            for number in 1..=plan.identities {
                let name = identity_name(client, number);
                cast.identities.insert(name.clone(), issued(scenario, &cast, ca, plan, &name)?);
            }
        }
    }
    Ok(cast)
}

/// Issues the certificate of a client by this name.
pub(super) fn issued(
    scenario: &Scenario,
    cast: &Cast,
    ca: &mut FakeCa,
    plan: &ClientPlan,
    name: &Name,
) -> Result<Identity, SetupError> {
    let key = key_of(scenario, &plan.ca, &format!("client/{name}"))?;
    if !plan.recorded {
        ca.keep_no_record(&plan.ca, name);
    }
    let issued = match plan.issued_by_key {
        Some(by) => ca.issue_by_key(&plan.ca, name, Usage::Client, &key, by),
        None => ca.issue(&plan.ca, name, Usage::Client, &key, &[]),
    };
    let identity = identity(cast, &plan.ca, name, key, issued)?;
    Ok(Identity { sends_issuers: plan.sends_issuers, ..identity })
}

/// An identity that was issued elsewhere; its CA takes it into its records.
fn adopted(
    cast: &Cast,
    ca: &mut FakeCa,
    plan: &ClientPlan,
    name: &Name,
    stored: &StoredIdentity,
) -> Result<Identity, SetupError> {
    let refused = |why: String| SetupError::Issue { name: name.to_string(), why };
    let own = stored.chain.first().ok_or_else(|| refused("it has none".to_owned()))?;
    let known = if plan.recorded { ca.adopt(&plan.ca, own) } else { Ok(()) };
    known.map_err(|why| refused(why.to_string()))?;
    let chain = chain(cast, &plan.ca, own.clone());
    let (ca, key) = (plan.ca.clone(), stored.key.clone());
    Ok(Identity { ca, chain, key, sends_issuers: plan.sends_issuers })
}

fn crl_signers(scenario: &Scenario, ca: &FakeCa) -> BTreeMap<Name, Certificate> {
    let signers = scenario.cas.keys().filter_map(|n| Some((n.clone(), ca.crl_signer(n)?.clone())));
    signers.collect()
}

fn key_of(scenario: &Scenario, ca: &Name, name: &str) -> Result<KeyPair, SetupError> {
    let config = scenario.cas.get(ca).ok_or_else(|| SetupError::NoCa(ca.clone()))?;
    Ok(KeyPair::seeded(config.key, scenario.seed, name))
}

fn identity<E: std::fmt::Display>(
    cast: &Cast,
    ca: &Name,
    name: &str,
    key: KeyPair,
    issued: Result<Certificate, E>,
) -> Result<Identity, SetupError> {
    let certificate =
        issued.map_err(|why| SetupError::Issue { name: name.to_owned(), why: why.to_string() })?;
    let chain = chain(cast, ca, certificate);
    Ok(Identity { ca: ca.clone(), chain, key, sends_issuers: true })
}

/// More CAs than any path of a scenario has.
const LONGEST: usize = 32;

/// A certificate and the intermediate ones above it.
pub(crate) fn chain(cast: &Cast, ca: &Name, certificate: Certificate) -> Arc<[Certificate]> {
    let above = |below: &Certificate| {
        let own = cast.authorities.get(ca).into_iter().flatten();
        let all = own.chain(cast.authorities.values().flatten()).chain(&cast.former);
        let mut issuers = all.filter(|issuer| has_issued(issuer, below));
        issuers.next().filter(|issuer| !issuer.is_self_issued()).cloned()
    };
    std::iter::successors(Some(certificate), above).take(LONGEST).collect()
}

/// Names match, and key identifiers where both have one (RFC 5280 §4.2.1.1).
fn has_issued(issuer: &Certificate, certificate: &Certificate) -> bool {
    issuer.is_ca()
        && issuer.subject() == certificate.issuer()
        && issuer.fits_key_id(certificate.authority_key_id())
}

impl Cast {
    /// What is in the stores of a machine that has the certificates of these CAs; none: of all.
    fn stores(&self, of: &Option<Vec<Name>>, ocsp_urls: &[(Name, Vec<Url>)]) -> Stores {
        let mut certificates: Vec<Certificate> = Vec::new();
        let mine = |name: &Name| of.as_ref().is_none_or(|names| names.contains(name));
        let own = self.authorities.iter().filter(|(name, _)| mine(name));
        let own: Vec<&Certificate> = match of {
            None => own.flat_map(|(_, chain)| chain).collect(),
            Some(_) => own.filter_map(|(_, chain)| chain.first()).collect(),
        };
        let same = |c: &&Certificate| {
            of.is_none() || own.iter().any(|known| known.subject() == c.subject())
        };
        let former = self.former.iter().filter(same);
        // What else signs CRLs is at hand too; whether its signature counts is the profile's business.
        let signers = self.crl_signers.iter().filter(|(name, _)| mine(name)).map(|(_, c)| c);
        for certificate in own.iter().copied().chain(former).chain(signers) {
            if !certificates.contains(certificate) {
                certificates.push(certificate.clone());
            }
        }
        let certified = |ca: &Name| self.authorities.get(ca).and_then(|chain| chain.first());
        let noted = ocsp_urls.iter().filter_map(|(ca, urls)| Some((certified(ca)?, urls)));
        let ocsp_urls = noted.map(|(ca, urls)| (ca.clone(), urls.clone())).collect();
        Stores { certificates, ocsp_urls }
    }

    /// Takes over what an operation has made of a CA: a renewed one has another certificate.
    pub(crate) fn follow(&mut self, authorities: &FakeCa, ca: &Name) {
        let chain = authorities.chain(ca);
        let Some(known) =
            self.authorities.get_mut(ca).filter(|known| known.first() != chain.first())
        else {
            return;
        };
        self.former.extend(known.first().cloned());
        *known = chain;
        if let (Some(signer), Some(known)) =
            (authorities.crl_signer(ca), self.crl_signers.get_mut(ca))
        {
            *known = signer.clone();
        }
    }
}
