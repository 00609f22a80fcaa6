//! Setting up all CAs of a scenario, parents first.

use std::collections::BTreeMap;

use revlab_lab::http::UrlError;
use revlab_lab::{Instant, Name, Seed, Span};
use revlab_pki::IssueError;

use crate::authority::Authority;
use crate::config::CaConfig;
use crate::fault::{Effect, FaultConfig};
use crate::publication::ScheduleError;

/// What the CAs and faults of a scenario get wrong together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// Two CAs have one name.
    #[error("CA `{ca}` is there twice: each CA needs a name of its own")]
    DuplicateName {
        /// The CA.
        ca: Name,
    },
    /// The parent is not one of the scenario's CAs.
    #[error("CA `{ca}`: its parent `{parent}` is not a CA of the scenario")]
    UnknownParent {
        /// The CA.
        ca: Name,
        /// The parent that it names.
        parent: Name,
    },
    /// The CA is above itself.
    #[error("CA `{ca}`: its parents lead back to itself; one of them must be a root")]
    ParentCycle {
        /// One CA of the circle.
        ca: Name,
    },
    /// The publication schedule cannot be kept.
    #[error("CA `{ca}`: {source}")]
    Schedule {
        /// The CA.
        ca: Name,
        /// What cannot be.
        source: ScheduleError,
    },
    /// The host cannot stand in a URL.
    #[error("CA `{ca}`: its host makes no URL: {source}")]
    Host {
        /// The CA.
        ca: Name,
        /// The URL that it would make.
        source: UrlError,
    },
    /// Age or lifetime is negative, or the certificate would end before it begins.
    #[error("CA `{ca}`: `{key}` is negative; it counts from the set-up of the CA onwards")]
    Negative {
        /// The CA.
        ca: Name,
        /// The key.
        key: &'static str,
    },
    /// Within its own life and its parent's no time is left for the CA certificate.
    #[error("CA `{ca}`: no time is left for its certificate within `lifetime` and its parent's")]
    NeverValid {
        /// The CA.
        ca: Name,
    },
    /// An imported certificate is not by the parent that the scenario names.
    #[error("CA `{ca}`: its certificate is not issued by its parent")]
    NotByParent {
        /// The CA.
        ca: Name,
    },
    /// The CA certificate cannot be issued.
    #[error("CA `{ca}`: its certificate cannot be issued: {source}")]
    Certificate {
        /// The CA.
        ca: Name,
        /// Why not.
        source: IssueError,
    },
    /// No certificate for signing CRLs can be issued.
    #[error("CA `{ca}`: the certificate that signs its CRLs cannot be issued: {source}")]
    CrlSigner {
        /// The CA.
        ca: Name,
        /// Why not.
        source: IssueError,
    },
    /// A renewal that cannot have been.
    #[error("CA `{ca}`: its certificate cannot be renewed: {source}")]
    Renewal {
        /// The CA.
        ca: Name,
        /// Why not.
        source: IssueError,
    },
    /// A renewal before the CA was set up, or after the start.
    #[error("CA `{ca}`: a renewal {ago} ago is not between its set-up and the start")]
    RenewalTime {
        /// The CA.
        ca: Name,
        /// How long ago.
        ago: Span,
    },
    /// A CA that shall certify its key is not there, or is the CA itself.
    #[error("CA `{ca}`: `{by}`, which shall certify its key too, is no other CA of the scenario")]
    UnknownCross {
        /// The CA.
        ca: Name,
        /// The other.
        by: Name,
    },
    /// A cross-certificate cannot be issued.
    #[error("CA `{ca}`: a cross-certificate cannot be issued: {source}")]
    Cross {
        /// The CA.
        ca: Name,
        /// Why not.
        source: IssueError,
    },
    /// Two CAs would write the same files.
    #[error(
        "CA `{ca}` has the same files as `{other}`: give it another `name`, `computer` or `host`"
    )]
    SameFiles {
        /// The CA.
        ca: Name,
        /// The other.
        other: Name,
    },
    /// Two CAs share a web site and want it different.
    #[error("CA `{ca}` shares the web site of `{other}`: both must say the same here")]
    SharedSite {
        /// The CA.
        ca: Name,
        /// The other.
        other: Name,
    },
    /// A fault acts on a CA that is not there.
    #[error("fault `{fault}` acts on `{ca}`, which is not a CA of the scenario")]
    FaultTarget {
        /// The fault.
        fault: Name,
        /// The CA that it names.
        ca: Name,
    },
}

impl SetupError {
    /// The actor, or the fault, whose table in the scenario has to change.
    pub fn actor(&self) -> &Name {
        match self {
            SetupError::DuplicateName { ca }
            | SetupError::UnknownParent { ca, .. }
            | SetupError::ParentCycle { ca }
            | SetupError::Schedule { ca, .. }
            | SetupError::Host { ca, .. }
            | SetupError::Negative { ca, .. }
            | SetupError::NeverValid { ca }
            | SetupError::NotByParent { ca }
            | SetupError::Certificate { ca, .. }
            | SetupError::CrlSigner { ca, .. }
            | SetupError::UnknownCross { ca, .. }
            | SetupError::Cross { ca, .. }
            | SetupError::Renewal { ca, .. }
            | SetupError::RenewalTime { ca, .. }
            | SetupError::SameFiles { ca, .. }
            | SetupError::SharedSite { ca, .. } => ca,
            SetupError::FaultTarget { fault, .. } => fault,
        }
    }

    /// The key in that table, dotted where it is in a table of its own.
    pub fn key(&self) -> &'static str {
        match self {
            SetupError::DuplicateName { .. } | SetupError::SameFiles { .. } => "name",
            SetupError::UnknownParent { .. } | SetupError::ParentCycle { .. } => "parent",
            SetupError::Schedule { source, .. } => source.key(),
            SetupError::Host { .. } => "host",
            SetupError::Negative { key, .. } => key,
            SetupError::NeverValid { .. } => "lifetime",
            SetupError::NotByParent { .. } => "certificate",
            SetupError::Certificate { source: IssueError::IssuerKey { .. }, .. } => "private_key",
            SetupError::Certificate { source: IssueError::Serial { .. }, .. } => "name",
            SetupError::Certificate { .. } => "key",
            SetupError::CrlSigner { .. } => "crl.signer",
            SetupError::UnknownCross { .. } | SetupError::Cross { .. } => "cross",
            SetupError::Renewal { .. } | SetupError::RenewalTime { .. } => "renewed",
            SetupError::SharedSite { .. } => "web.double_escaping",
            SetupError::FaultTarget { .. } => "on",
        }
    }
}

/// Sets up the CAs, parents first, each with its history up to `start`.
pub(crate) fn authorities(
    configs: Vec<CaConfig>,
    seed: Seed,
    start: Instant,
) -> Result<BTreeMap<Name, Authority>, SetupError> {
    let mut waiting = by_name(configs)?;
    let mut ready = BTreeMap::new();
    while let Some(name) = next_ready(&waiting, &ready)? {
        let Some(config) = waiting.remove(&name) else { break };
        check(&config)?;
        let parent = config.parent.as_ref().and_then(|parent| ready.get_mut(parent));
        let authority = Authority::new(config, parent, seed, start)?;
        ready.insert(name, authority);
    }
    cross_certify(&mut ready)?;
    check_sites(&ready)?;
    Ok(ready)
}

/// Has the CAs certify one another as they are configured, by name.
fn cross_certify(ready: &mut BTreeMap<Name, Authority>) -> Result<(), SetupError> {
    let names: Vec<Name> = ready.keys().cloned().collect();
    for name in names {
        let Some(mut authority) = ready.remove(&name) else { continue };
        for other in authority.config.cross.clone() {
            let ca = name.clone();
            let Some(by) = ready.get_mut(&other) else {
                return Err(SetupError::UnknownCross { ca, by: other });
            };
            authority.cross_certify(by).map_err(|source| SetupError::Cross { ca, source })?;
        }
        ready.insert(name, authority);
    }
    Ok(())
}

/// Whether every fault acts on a CA that is there.
pub(crate) fn check_faults(
    faults: &[FaultConfig],
    authorities: &BTreeMap<Name, Authority>,
) -> Result<(), SetupError> {
    for FaultConfig { name, on, effect, .. } in faults {
        let of = match effect {
            Effect::NameWrongAddress(of) => of.as_ref(),
            _ => None,
        };
        let mut named = std::iter::once(&on.ca).chain(of);
        if let Some(ca) = named.find(|ca| !authorities.contains_key(*ca)) {
            return Err(SetupError::FaultTarget { fault: name.clone(), ca: ca.clone() });
        }
    }
    Ok(())
}

fn by_name(configs: Vec<CaConfig>) -> Result<BTreeMap<Name, CaConfig>, SetupError> {
    let mut named = BTreeMap::new();
    for config in configs {
        let ca = config.name.clone();
        if named.insert(ca.clone(), config).is_some() {
            return Err(SetupError::DuplicateName { ca });
        }
    }
    Ok(named)
}

/// The first CA by name whose parent is ready; `None` when all are.
fn next_ready(
    waiting: &BTreeMap<Name, CaConfig>,
    ready: &BTreeMap<Name, Authority>,
) -> Result<Option<Name>, SetupError> {
    for (name, config) in waiting {
        match &config.parent {
            Some(parent) if waiting.contains_key(parent) => {}
            Some(parent) if !ready.contains_key(parent) => {
                let (ca, parent) = (name.clone(), parent.clone());
                return Err(SetupError::UnknownParent { ca, parent });
            }
            _ => return Ok(Some(name.clone())),
        }
    }
    // Each that still waits has a parent that waits: a circle, or what hangs below one.
    match in_circle(waiting) {
        Some(ca) => Err(SetupError::ParentCycle { ca }),
        None => Ok(None),
    }
}

/// A CA of the circle: where as many steps up lead as there are CAs.
fn in_circle(waiting: &BTreeMap<Name, CaConfig>) -> Option<Name> {
    let mut name = waiting.keys().next()?;
    for _ in 0..waiting.len() {
        name = waiting.get(name)?.parent.as_ref()?;
    }
    Some(name.clone())
}

fn check(config: &CaConfig) -> Result<(), SetupError> {
    let ca = config.name.clone();
    let spans = [
        ("age", config.age),
        ("lifetime", config.lifetime),
        ("issued_lifetime", config.issued_lifetime),
    ];
    if let Some((key, _)) = spans.into_iter().find(|(_, span)| span.is_negative()) {
        return Err(SetupError::Negative { ca, key });
    }
    let outside = |ago: Span| ago <= Span::ZERO || ago >= config.age;
    match config.renewed.iter().find(|renewal| outside(renewal.ago)) {
        Some(renewal) => Err(SetupError::RenewalTime { ca, ago: renewal.ago }),
        None => Ok(()),
    }
}

/// CAs may share a web site, but not files, and the site is configured once.
fn check_sites(authorities: &BTreeMap<Name, Authority>) -> Result<(), SetupError> {
    for (i, one) in authorities.values().enumerate() {
        for two in authorities.values().skip(i + 1) {
            if !one.config.host.eq_ignore_ascii_case(&two.config.host) {
                continue;
            }
            let (ca, other) = (two.name().clone(), one.name().clone());
            let (a, b) = (&one.locations, &two.locations);
            if a.shares_a_list_with(b)
                || a.certificate_path.eq_ignore_ascii_case(&b.certificate_path)
            {
                return Err(SetupError::SameFiles { ca, other });
            }
            if one.config.web != two.config.web {
                return Err(SetupError::SharedSite { ca, other });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::WebSite;
    use crate::sample::{self, START};

    fn error(configs: Vec<CaConfig>) -> SetupError {
        authorities(configs, Seed(1), START).unwrap_err()
    }

    #[test]
    fn parents_are_set_up_first_whatever_their_names() {
        let ready =
            authorities(vec![sample::subordinate(), sample::root()], Seed(1), START).unwrap();
        let (root, issuing) = (&ready["root"].certificate, &ready["issuing"].certificate);
        assert_eq!(issuing.issuer(), root.subject());
        assert_eq!(issuing.crl_urls(), ready["root"].locations.cdp);
        assert!(root.is_self_issued() && root.crl_urls().is_empty());
    }

    #[test]
    fn what_cannot_be_names_the_actor_and_the_key() {
        let circle = CaConfig { parent: Some("issuing".into()), ..sample::root() };
        let mut overlap = sample::issuing();
        overlap.crl.overlap = Some(Span::from_hours(2));
        let twin = CaConfig { name: "twin".into(), ..sample::issuing() };
        let web = WebSite { double_escaping: false };
        let other = CaConfig { common_name: "Y".into(), web, ..twin.clone() };
        for (configs, actor, key) in [
            (vec![sample::issuing(), sample::issuing()], "issuing", "name"),
            (vec![sample::subordinate()], "issuing", "parent"),
            (vec![sample::subordinate(), circle], "issuing", "parent"),
            (vec![overlap], "issuing", "crl.overlap"),
            (vec![CaConfig { host: "a b".into(), ..sample::issuing() }], "issuing", "host"),
            (vec![CaConfig { age: Span::from_secs(-1), ..sample::issuing() }], "issuing", "age"),
            (vec![CaConfig { lifetime: Span::ZERO, ..sample::issuing() }], "issuing", "lifetime"),
            (vec![sample::issuing(), twin], "twin", "name"),
            (vec![sample::issuing(), other], "twin", "web.double_escaping"),
        ] {
            let error = error(configs);
            assert_eq!((&**error.actor(), error.key()), (actor, key), "{error}");
        }
    }

    #[test]
    fn a_parent_that_is_not_there_is_told_from_a_circle() {
        insta::assert_snapshot!(
            error(vec![sample::subordinate()]),
            @"CA `issuing`: its parent `root` is not a CA of the scenario"
        );
        let circle = CaConfig { parent: Some("issuing".into()), ..sample::root() };
        assert!(matches!(
            error(vec![sample::subordinate(), circle]),
            SetupError::ParentCycle { .. }
        ));
    }
}
