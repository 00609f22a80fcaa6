//! The name of a web site: a host, with a port where it is not 80.
//!
//! Scenarios know hosts alone, and every site listens at port 80. A CA that serves real programs on
//! loopback bears the port in the names of its sites, as in `127.0.0.1:8080`, and is found there and
//! nowhere else.

use revlab_lab::http::Url;

/// The name of the site that a URL leads to.
pub(crate) fn of(url: &Url) -> String {
    match url.port() {
        80 => url.host().to_owned(),
        port => format!("{}:{port}", url.host()),
    }
}

/// Whether the host of a URL is that of a site, whatever its port.
pub(crate) fn resolves(site: &str, url: &Url) -> bool {
    parts(site).0.eq_ignore_ascii_case(url.host())
}

/// Whether a URL leads to where a site listens.
pub(crate) fn listens(site: &str, url: &Url) -> bool {
    let port = parts(site).1.unwrap_or(80);
    url.scheme().eq_ignore_ascii_case("http") && resolves(site, url) && url.port() == port
}

/// Whether a request with this URL is for a site. A site without a port of its own is asked for by
/// its host alone.
pub(crate) fn is_at(site: &str, url: &Url) -> bool {
    resolves(site, url) && parts(site).1.is_none_or(|port| port == url.port())
}

fn parts(site: &str) -> (&str, Option<u16>) {
    let split = site.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    split.map_or((site, None), |(host, port)| (host, Some(port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn a_site_without_a_port_listens_at_80_alone() {
        let site = "Pki.Lab";
        assert!(listens(site, &url("http://pki.lab/x")));
        assert!(listens(site, &url("http://pki.lab:80/x")));
        assert!(!listens(site, &url("http://pki.lab:8080/x")));
        assert!(!listens(site, &url("https://pki.lab/x")));
        assert!(is_at(site, &url("http://pki.lab:8080/x")), "asked for by its host alone");
    }

    #[test]
    fn sites_of_one_host_are_told_apart_by_their_ports() {
        let site = "127.0.0.1:8001";
        for (text, here) in [("http://127.0.0.1:8001/", true), ("http://127.0.0.1:8002/", false)] {
            assert_eq!((listens(site, &url(text)), is_at(site, &url(text))), (here, here));
        }
        assert!(resolves(site, &url("http://127.0.0.1/")));
        assert_eq!(of(&url("http://127.0.0.1:8001/ocsp")), site);
        assert_eq!(of(&url("http://127.0.0.1/ocsp")), "127.0.0.1");
    }

    #[test]
    fn a_colon_in_an_ipv6_address_is_no_port() {
        assert!(is_at("[::1]", &url("http://[::1]/x")));
        assert!(is_at("[::1]:8001", &url("http://[::1]:8001/x")));
        assert!(!is_at("[::1]:8001", &url("http://[::1]:8002/x")));
    }
}
