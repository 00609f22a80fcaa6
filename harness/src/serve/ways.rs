//! How the CAs' sites and names stand: what shows before any request has arrived. Pure.
//!
//! A fault on a CA as a whole acts on its site, one on an endpoint on a site that has nothing else.
//! Where the fault chooses among requests (`only`, `when`), or the site has other things too, it can
//! be carried out only once a request has arrived.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use revlab_fake_ca::FakeCa;
use revlab_fake_ca::dns::{NameFault, Zone};
use revlab_fake_ca::fault::{
    Effect, Endpoint, FaultConfig, HttpsCertificate, ResetAt, Selector, When,
};
use revlab_lab::http::Url;
use revlab_lab::trace::Purpose;
use revlab_lab::{Instant, Name};

use crate::scenario::model::Scenario;

/// Where nothing listens. A loopback address on Linux and Windows.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 255, 255, 254));

/// From where nothing comes: the shell keeps full backlogs there, at the ports of the sites.
pub(crate) const DEAD: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 255, 255, 253));

/// How a site takes up connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stand {
    pub(crate) taking: Taking,
    /// While so many are open further ones are reset.
    pub(crate) most: Option<u32>,
    /// It speaks TLS besides, with a certificate like this.
    pub(crate) https: Option<HttpsCertificate>,
}

/// What becomes of a connection; the first is met first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Taking {
    /// Nobody listens.
    Refuses,
    /// Its SYN gets no answer.
    Swallows,
    /// It is reset at once.
    Resets,
    #[default]
    Accepts,
}

/// The sites, and what each of them has: by its name in lower case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(BTreeMap<String, Vec<(Name, Option<Purpose>)>>);

impl Places {
    /// A CA's own host has its files, whatever its certificates name: nothing covers it in part.
    pub(crate) fn of(scenario: &Scenario, ca: &FakeCa) -> Places {
        let mut places: BTreeMap<String, Vec<(Name, Option<Purpose>)>> = BTreeMap::new();
        let site = |url: &Url| url.authority().to_ascii_lowercase();
        for (name, config) in &scenario.cas {
            let host = config.host.to_ascii_lowercase();
            places.entry(host).or_default().push((name.clone(), None));
            let Some(urls) = ca.urls(name) else { continue };
            let files = [(&urls.base, Purpose::Base), (&urls.certificate, Purpose::Issuer)];
            let delta = urls.delta.iter().map(|url| (url, Purpose::Delta));
            let ocsp = urls.ocsp.iter().map(|url| (url, Purpose::Ocsp));
            for (url, purpose) in files.into_iter().chain(delta).chain(ocsp) {
                places.entry(site(url)).or_default().push((name.clone(), Some(purpose)));
            }
        }
        Places(places)
    }

    /// The sites that a fault acts on as a whole.
    fn covered(&self, scenario: &Scenario, fault: &FaultConfig) -> Vec<String> {
        if fault.only != Selector::default() || fault.when != When::default() {
            return Vec::new();
        }
        let (ca, endpoint) = (&fault.on.ca, fault.on.endpoint);
        if endpoint == Endpoint::All {
            let config = scenario.cas.get(ca);
            return config.map(|config| config.host.to_ascii_lowercase()).into_iter().collect();
        }
        let is_all_its = |has: &[(Name, Option<Purpose>)]| {
            has.iter().all(|(of, purpose)| of == ca && purpose.is_some_and(|p| endpoint.covers(p)))
        };
        self.0.iter().filter(|(_, has)| is_all_its(has)).map(|(site, _)| site.clone()).collect()
    }

    /// How the sites stand under these faults; one that is not there accepts.
    pub(crate) fn stands<'a>(
        &self,
        scenario: &Scenario,
        now: Instant,
        faults: impl Iterator<Item = &'a FaultConfig>,
    ) -> BTreeMap<String, Stand> {
        let mut stands: BTreeMap<String, Stand> = BTreeMap::new();
        for fault in faults.filter(|fault| fault.is_active(now)) {
            let stand = stand(&fault.effect);
            if stand == Stand::default() {
                continue;
            }
            for site in self.covered(scenario, fault) {
                let known = stands.entry(site).or_default();
                let most = [known.most, stand.most].into_iter().flatten().min();
                let https = known.https.or(stand.https);
                *known = Stand { taking: known.taking.min(stand.taking), most, https };
            }
        }
        stands
    }
}

fn stand(effect: &Effect) -> Stand {
    let taking = match effect {
        Effect::NameNotResolved
        | Effect::NameServfail
        | Effect::NameAaaaOnly
        | Effect::NameWrongAddress(None)
        | Effect::Down => Taking::Refuses,
        Effect::NameSilent | Effect::Swallowed => Taking::Swallows,
        Effect::ResetPeer(ResetAt::Connect) => Taking::Resets,
        _ => Taking::Accepts,
    };
    let most = match effect {
        Effect::ConnectionLimit(most) => Some(*most),
        _ => None,
    };
    let https = match effect {
        Effect::Https(wrong) => Some(*wrong),
        _ => None,
    };
    Stand { taking, most, https }
}

/// The hosts that the name server knows, in lower case, and where each is.
#[derive(Clone, Debug)]
pub(crate) struct Names(BTreeMap<String, IpAddr>);

impl Names {
    /// Of sites that listen everywhere the loopback address is told.
    pub(crate) fn new(sites: impl IntoIterator<Item = (String, SocketAddr)>) -> Names {
        let told = |at: SocketAddr| match at.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        Names(sites.into_iter().map(|(host, at)| (host.to_ascii_lowercase(), told(at))).collect())
    }

    /// Whether a fault is the name server's to carry out: one of a name, on a site as a whole.
    pub(crate) fn take(&self, places: &Places, scenario: &Scenario, fault: &FaultConfig) -> bool {
        fault.effect.is_of_a_name() && !places.covered(scenario, fault).is_empty()
    }

    /// What is wrong with each name under these faults: of several the first in the order of
    /// [`Effect::NAMES`].
    pub(crate) fn faults(
        &self,
        places: &Places,
        scenario: &Scenario,
        now: Instant,
        faults: &[FaultConfig],
    ) -> BTreeMap<String, NameFault> {
        let mut active: Vec<_> = faults.iter().filter(|fault| fault.is_active(now)).collect();
        active.sort_by_key(|fault| {
            Effect::NAMES.iter().position(|name| *name == fault.effect.name())
        });
        let mut found = BTreeMap::new();
        for fault in active {
            let Some(wrong) = self.fault(scenario, &fault.effect) else { continue };
            for site in places.covered(scenario, fault) {
                found.entry(host(&site).to_owned()).or_insert(wrong);
            }
        }
        found
    }

    fn fault(&self, scenario: &Scenario, effect: &Effect) -> Option<NameFault> {
        Some(match effect {
            Effect::NameNotResolved => NameFault::Nxdomain,
            Effect::NameServfail => NameFault::Servfail,
            Effect::NameSilent => NameFault::Silent,
            Effect::NameSlow(by) => NameFault::Slow(*by),
            Effect::NameAaaaOnly => NameFault::AaaaOnly,
            Effect::NameWrongAddress(None) => NameFault::WrongAddress(NOWHERE),
            Effect::NameWrongAddress(Some(ca)) => {
                let of = host(&scenario.cas.get(ca)?.host).to_ascii_lowercase();
                NameFault::WrongAddress(*self.0.get(&of)?)
            }
            Effect::NameFirstDead => NameFault::FirstDead(DEAD),
            _ => return None,
        })
    }

    /// The zone in which these names have these faults. What it tells may not be kept.
    pub(crate) fn zone(&self, faults: &BTreeMap<String, NameFault>) -> Zone {
        let mut zone = Zone::new(0);
        for (name, address) in &self.0 {
            zone.add(name, vec![*address]);
            zone.set_fault(name, faults.get(name).copied());
        }
        zone
    }
}

/// The host of a site's name.
pub(crate) fn host(site: &str) -> &str {
    match site.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host,
        _ => site,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        format = 1
        title = "x"
        start = "2024-03-01T00:00:00Z"
        duration = "1h"
        [ca.issuing]
        host = "pki.lab"
        aia.ocsp = ["http://ocsp.lab/"]
        responder = {}
        [ca.root]
        host = "root.lab"
        [sut.web]
        ca = "issuing"
        [clients.users]
        ca = "issuing"
        every = "1m"
    "#;

    fn scenario(faults: &str) -> Scenario {
        let text = format!("{TEXT}\n{faults}");
        crate::scenario::from_text("x", &text)
            .unwrap_or_else(|e| panic!("{}", e.render(false)))
            .remove(0)
    }

    fn stands(faults: &str) -> Vec<(String, Taking, Option<u32>)> {
        let scenario = scenario(faults);
        let ca = crate::exec::authorities(&scenario).unwrap().0;
        let places = Places::of(&scenario, &ca);
        let stands = places.stands(&scenario, scenario.start, scenario.faults.values());
        stands.into_iter().map(|(site, stand)| (site, stand.taking, stand.most)).collect()
    }

    fn only(site: &str, taking: Taking) -> Vec<(String, Taking, Option<u32>)> {
        vec![(site.to_owned(), taking, None)]
    }

    #[test]
    fn what_shows_at_the_connection_is_told_of_the_whole_site() {
        let on = |on: &str, effect: &str| stands(&format!("[fault.f]\non = \"{on}\"\n{effect}"));
        let site = "pki.lab";
        assert_eq!(on("issuing", "down = {}"), only(site, Taking::Refuses));
        assert_eq!(on("issuing", "name_aaaa_only = {}"), only(site, Taking::Refuses));
        assert_eq!(on("issuing", "swallowed = {}"), only(site, Taking::Swallows));
        assert_eq!(on("issuing", "reset_peer = { at = \"connect\" }"), only(site, Taking::Resets));
        let most = vec![(site.to_owned(), Taking::Accepts, Some(2))];
        assert_eq!(on("issuing", "connection_limit = { connections = 2 }"), most);
        for effect in ["reset_peer = {}", "timeout = {}", "name_slow = { delay = \"1s\" }"] {
            assert_eq!(on("issuing", effect), [], "{effect}");
        }
    }

    #[test]
    fn tls_is_spoken_besides() {
        let scenario =
            scenario("[fault.f]\non = \"issuing\"\nhttps = { certificate = \"expired\" }");
        let ca = crate::exec::authorities(&scenario).unwrap().0;
        let faults = scenario.faults.values();
        let stands = Places::of(&scenario, &ca).stands(&scenario, scenario.start, faults);
        let https = Some(HttpsCertificate::Expired);
        assert_eq!(stands.get("pki.lab"), Some(&Stand { https, ..Stand::default() }));
    }

    #[test]
    fn an_endpoint_with_a_site_of_its_own_is_that_site() {
        let on = |on: &str, more: &str| {
            stands(&format!("[fault.f]\non = \"{on}\"\ndown = {{}}\n{more}"))
        };
        assert_eq!(on("issuing.ocsp", ""), only("ocsp.lab", Taking::Refuses));
        assert_eq!(on("issuing.crl", ""), [], "the CA's certificate is there too");
        assert_eq!(on("issuing.ocsp", "when = { first = 1 }"), [], "it chooses");
        assert_eq!(on("issuing.ocsp", "from = \"10m\""), [], "not yet");
    }

    #[test]
    fn of_several_the_first_in_the_order_of_a_request_counts() {
        let two = "[fault.a]\non = \"issuing\"\nswallowed = {}\n\
                   [fault.b]\non = \"issuing\"\ndown = {}\n\
                   [fault.c]\non = \"root\"\nconnection_limit = { connections = 5 }\n\
                   [fault.d]\non = \"root\"\nconnection_limit = { connections = 3 }\n";
        let expected = [
            ("pki.lab".to_owned(), Taking::Refuses, None),
            ("root.lab".to_owned(), Taking::Accepts, Some(3)),
        ];
        assert_eq!(stands(two), expected);
    }

    #[test]
    fn each_fault_of_a_name_is_one_of_the_name_server() {
        let at = |text: &str| text.parse().unwrap();
        let names = Names::new([
            ("PKI.lab".to_owned(), at("127.0.0.1:8001")),
            ("ocsp.lab".to_owned(), at("0.0.0.0:8002")),
            ("root.lab".to_owned(), at("127.0.0.7:8003")),
        ]);
        let of = |on: &str, effect: &str| {
            let scenario = scenario(&format!("[fault.f]\non = \"{on}\"\n{effect}"));
            let ca = crate::exec::authorities(&scenario).unwrap().0;
            let places = Places::of(&scenario, &ca);
            let faults: Vec<_> = scenario.faults.values().cloned().collect();
            let taken = names.take(&places, &scenario, &faults[0]);
            let told = names.faults(&places, &scenario, scenario.start, &faults);
            (taken, told.into_iter().collect::<Vec<_>>())
        };
        let told = |host: &str, fault| (true, vec![(host.to_owned(), fault)]);
        assert_eq!(of("issuing", "name_not_resolved = {}"), told("pki.lab", NameFault::Nxdomain));
        assert_eq!(of("issuing.ocsp", "name_silent = {}"), told("ocsp.lab", NameFault::Silent));
        let root = NameFault::WrongAddress("127.0.0.7".parse().unwrap());
        let wrong = "name_wrong_address = { of = \"root\" }";
        assert_eq!(of("issuing", wrong), told("pki.lab", root));
        assert_eq!(
            of("issuing", "name_first_dead = {}"),
            told("pki.lab", NameFault::FirstDead(DEAD))
        );
        assert_eq!(of("issuing.crl", "name_silent = {}"), (false, Vec::new()));
        assert_eq!(of("issuing", "down = {}"), (false, Vec::new()));
    }
}
