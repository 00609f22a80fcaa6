//! Under which names the CAs are served.
//!
//! Scenarios name hosts that exist in no DNS. Unless they are to be kept, every URL of a served host
//! is changed, before anything is issued, into one of the address at which its site listens. URLs of
//! other hosts, ports and schemes stay as they are: they lead nowhere in the scenario either.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use revlab_fake_ca::FakeCa;
use revlab_lab::http::Url;

use crate::scenario::model::Scenario;
use crate::scenario::{Mistake, Pattern};

/// The sites by the host that the scenario gives them, in lower case.
#[derive(Clone, Debug, Default)]
pub(super) struct Sites {
    by_host: BTreeMap<String, SocketAddr>,
    /// Where the same sites speak TLS.
    https: BTreeMap<String, SocketAddr>,
    /// Hosts keep their names, and only get the ports.
    keep_hosts: bool,
}

impl Sites {
    pub(super) fn new(
        sites: impl IntoIterator<Item = (String, SocketAddr)>,
        keep_hosts: bool,
    ) -> Sites {
        Sites { by_host: by_host(sites), https: BTreeMap::new(), keep_hosts }
    }

    /// The same, which speak TLS at these addresses.
    pub(super) fn with_https(self, sites: impl IntoIterator<Item = (String, SocketAddr)>) -> Sites {
        Sites { https: by_host(sites), ..self }
    }

    /// Whether sites are named by their addresses.
    pub(super) fn names_addresses(&self) -> bool {
        !self.keep_hosts
    }

    /// The name of the site that a host of the scenario is served at.
    pub(super) fn name(&self, host: &str) -> Option<String> {
        self.named(&self.by_host, host, 80)
    }

    /// The authority of the site's URLs with `https`; none: it does not speak TLS.
    pub(super) fn https_name(&self, host: &str) -> Option<String> {
        self.named(&self.https, host, 443)
    }

    fn named(
        &self,
        sites: &BTreeMap<String, SocketAddr>,
        host: &str,
        usual: u16,
    ) -> Option<String> {
        let at = sites.get(&host.to_ascii_lowercase())?;
        let host = match at {
            _ if self.keep_hosts => host.to_owned(),
            SocketAddr::V4(at) => at.ip().to_string(),
            SocketAddr::V6(at) => format!("[{}]", at.ip()),
        };
        Some(match at.port() == usual {
            true => host,
            false => format!("{host}:{}", at.port()),
        })
    }

    /// The URL at which what a URL of the scenario names is served; none: it is not served.
    pub(super) fn url(&self, url: &Url) -> Option<Url> {
        let (scheme, name) = match (url.scheme().to_ascii_lowercase().as_str(), url.port()) {
            ("http", 80) => ("http", self.name(url.host())?),
            ("https", 443) => ("https", self.https_name(url.host())?),
            _ => return None,
        };
        // Kept byte for byte behind the authority: `http://host` has no path.
        let rest = url.as_str().get(url.scheme().len() + 3 + url.authority().len()..)?;
        format!("{scheme}://{name}{rest}").parse().ok()
    }

    /// Puts the sites' names in place of the CAs' hosts.
    pub(super) fn place(&self, scenario: &mut Scenario) {
        for ca in scenario.cas.values_mut() {
            if let Some(name) = self.name(&ca.host) {
                ca.host = name;
            }
        }
    }
}

/// Puts into a pattern, and into the scenario that comes of it, the names under which `revlab serve --listen`
/// serves its CAs at this address. With port 0 nobody knows the ports beforehand.
///
/// # Errors
///
/// There are not so many ports, or the scenario has mistakes then.
pub(crate) fn served_at(
    mut pattern: Pattern,
    scenario: &Scenario,
    listen: SocketAddr,
) -> Result<Scenario, String> {
    let hosts = FakeCa::hosts_of(scenario.cas.values()).into_iter().zip(0u16..);
    let address = |(host, index): (String, u16)| {
        let port = listen.port().checked_add(index).filter(|port| *port != 0);
        Ok((host, SocketAddr::new(listen.ip(), port.ok_or("there are not so many ports")?)))
    };
    let sites = Sites::new(hosts.map(address).collect::<Result<Vec<_>, String>>()?, false);
    pattern.rewrite(&|url| sites.url(url));
    let told = |found: Vec<Mistake>| {
        found.into_iter().map(|mistake| mistake.message).collect::<Vec<_>>().join("; ")
    };
    let mut scenario = pattern.scenario().map_err(told)?;
    sites.place(&mut scenario);
    Ok(scenario)
}

fn by_host(sites: impl IntoIterator<Item = (String, SocketAddr)>) -> BTreeMap<String, SocketAddr> {
    sites.into_iter().map(|(host, at)| (host.to_ascii_lowercase(), at)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sites() -> Sites {
        let at = |text: &str| text.parse().unwrap();
        Sites::new(
            [
                ("Pki.Lab".to_owned(), at("127.0.0.1:8001")),
                ("plain.lab".to_owned(), at("127.0.0.1:80")),
                ("six.lab".to_owned(), at("[::1]:8002")),
            ],
            false,
        )
    }

    #[test]
    fn what_is_served_is_named_by_its_address() {
        for (of, is) in [
            (
                "http://pki.lab/CertEnroll/XXX-CA(1)+.crl",
                "http://127.0.0.1:8001/CertEnroll/XXX-CA(1)+.crl",
            ),
            ("http://PKI.LAB:80/ocsp?x=%2B", "http://127.0.0.1:8001/ocsp?x=%2B"),
            ("http://plain.lab", "http://127.0.0.1"),
            ("http://six.lab/", "http://[::1]:8002/"),
        ] {
            let url = sites().url(&of.parse().unwrap());
            assert_eq!(url.map(|url| url.to_string()).as_deref(), Some(is), "{of}");
        }
    }

    #[test]
    fn where_there_is_a_name_server_hosts_keep_their_names() {
        let sites = Sites { keep_hosts: true, ..sites() };
        for (of, is) in [
            ("http://Pki.Lab/a.crl", "http://Pki.Lab:8001/a.crl"),
            ("http://plain.lab/", "http://plain.lab/"),
            ("http://six.lab/ocsp", "http://six.lab:8002/ocsp"),
        ] {
            let url = sites.url(&of.parse().unwrap());
            assert_eq!(url.map(|url| url.to_string()).as_deref(), Some(is), "{of}");
        }
    }

    #[test]
    fn what_speaks_tls_is_named_by_its_own_port() {
        let at = |text: &str| ("pki.lab".to_owned(), text.parse().unwrap());
        for (listens, is) in [
            ("127.0.0.1:9001", "https://127.0.0.1:9001/ocsp"),
            ("127.0.0.1:443", "https://127.0.0.1/ocsp"),
            ("127.0.0.1:80", "https://127.0.0.1:80/ocsp"),
        ] {
            let sites = sites().with_https([at(listens)]);
            let url = sites.url(&"https://PKI.lab/ocsp".parse().unwrap());
            assert_eq!(url.map(|url| url.to_string()).as_deref(), Some(is));
        }
    }

    #[test]
    fn what_leads_nowhere_in_the_scenario_leads_nowhere() {
        for of in
            ["http://else.lab/x", "http://pki.lab:8080/x", "https://pki.lab/x", "ldap://pki.lab/x"]
        {
            assert_eq!(sites().url(&of.parse().unwrap()), None, "{of}");
        }
    }
}
