//! The CAs' sites as a real server finds them: one that answers for every host, as a proxy does, or, in
//! a network of the lab's own, one for each host at its own port, with a name server that leads there.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use revlab_fake_ca::FakeCa;
use revlab_fake_ca::dns::NameFault;
use revlab_fake_ca::live::dns::NameServer;
use revlab_fake_ca::live::{Arrived, Site};
use revlab_lab::Instant;
use tokio::sync::mpsc;

use super::place::Place;
use crate::exec::RunError;
use crate::scenario::model::Scenario;
use crate::serve::doors::{Doors, keep};
use crate::serve::ways::{self, Names, Places, Stand};

/// So many requests wait for the run at once.
const WAITING: usize = 64;

/// Where a server finds the CAs.
pub(super) enum Sites {
    /// All at one address.
    Proxy(Site),
    /// Each at its own.
    Named(Box<Named>),
}

/// Sites with names and ports as in certificates.
pub(super) struct Named {
    doors: Doors,
    arrived: mpsc::Receiver<(usize, Arrived)>,
    places: Places,
    stands: BTreeMap<String, Stand>,
    names: Names,
    server: NameServer,
    wrong: BTreeMap<String, NameFault>,
}

impl Sites {
    /// One site for all.
    pub(super) fn proxy(at: SocketAddr) -> Result<Sites, RunError> {
        let site = Site::bind(at).map_err(|e| RunError::Live(no_port(at, &e)))?;
        Ok(Sites::Proxy(site))
    }

    /// A site for each host of the CAs, and the name server.
    pub(super) fn named(scenario: &Scenario, ca: &FakeCa, place: Place) -> Result<Sites, RunError> {
        let (mut sites, mut https) = (Vec::new(), Vec::new());
        for (index, host) in FakeCa::hosts_of(scenario.cas.values()).into_iter().enumerate() {
            let at = place.site(index, &host);
            let site = Site::bind(at).map_err(|e| taken(&host, at, &e))?;
            let secure = SocketAddr::new(at.ip(), 443);
            https.push(keep(secure).map_err(|e| taken(&host, secure, &e))?);
            sites.push((host, site));
        }
        let addresses =
            sites.iter().map(|(host, site)| (ways::host(host).to_owned(), site.address()));
        let names = Names::new(addresses);
        let wrong = BTreeMap::new();
        let server = NameServer::bind(place.names(), names.zone(&wrong))
            .map_err(|e| taken("the name server", place.names(), &e))?;
        let (to, arrived) = mpsc::channel(WAITING);
        let doors = Doors::new(sites, https, to);
        let places = Places::of(scenario, ca);
        let stands = BTreeMap::new();
        let named = Named { doors, arrived, places, stands, names, server, wrong };
        Ok(Sites::Named(Box::new(named)))
    }

    /// Where the proxy is, if this is one.
    pub(super) fn as_proxy(&self) -> Option<SocketAddr> {
        match self {
            Sites::Proxy(site) => Some(site.address()),
            Sites::Named(_) => None,
        }
    }

    /// Where names are asked for, if anywhere.
    pub(super) fn name_server(&self) -> Option<SocketAddr> {
        match self {
            Sites::Proxy(_) => None,
            Sites::Named(named) => Some(named.server.address()),
        }
    }

    /// The next request. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Arrived> {
        match self {
            Sites::Proxy(site) => site.next().await,
            Sites::Named(named) => named.arrived.recv().await.map(|(_, arrived)| arrived),
        }
    }

    /// Whether sites and names are not as they should be now.
    pub(super) fn unsettled(&self, scenario: &Scenario, ca: &FakeCa, now: Instant) -> bool {
        match self {
            Sites::Proxy(_) => false,
            Sites::Named(named) => named.wanted(scenario, ca, now) != named.have(),
        }
    }

    /// Sees to it that sites and names are as they should be now.
    pub(super) async fn settle(&mut self, scenario: &Scenario, ca: &FakeCa, now: Instant) {
        let Sites::Named(named) = self else { return };
        let (stands, wrong) = named.wanted(scenario, ca, now);
        let credential = |site: &str, wrong| {
            let host = ways::host(site);
            let mut cas = scenario.cas.values();
            let of_site = cas.clone().find(|ca| ca.host.eq_ignore_ascii_case(site));
            let config = of_site.or_else(|| cas.next())?;
            ca.https_credential(&config.name, host, wrong, scenario.seed)
        };
        named.doors.settle(&stands, &credential).await;
        let zone = named.names.zone(&wrong);
        named.server.change(|told| *told = zone);
        (named.stands, named.wrong) = (stands, wrong);
    }
}

/// Why the CA has no port, and what would be right.
fn no_port(at: SocketAddr, error: &io::Error) -> String {
    let help = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; port 0 (`ca=0`, `--listen ADDRESS:0`) takes one that is free"
        }
        io::ErrorKind::AddrNotAvailable => "; it has to be an address of this machine",
        _ => "",
    };
    format!("{at} for the CA cannot be had: {error}{help}")
}

type Ways = (BTreeMap<String, Stand>, BTreeMap<String, NameFault>);

impl Named {
    fn have(&self) -> Ways {
        (self.stands.clone(), self.wrong.clone())
    }

    fn wanted(&self, scenario: &Scenario, ca: &FakeCa, now: Instant) -> Ways {
        let faults = ca.faults();
        // What the name server does wrong the site does not do besides.
        let others = faults.iter().filter(|f| !self.names.take(&self.places, scenario, f));
        let stands = self.places.stands(scenario, now, others);
        (stands, self.names.faults(&self.places, scenario, now, faults))
    }
}

fn taken(what: &str, at: SocketAddr, error: &io::Error) -> RunError {
    RunError::Live(format!("{what} cannot listen at {at}: {error}"))
}
