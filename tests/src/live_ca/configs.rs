//! The two CAs of [`LiveCa`](super::LiveCa), said in the language of scenarios: so that they mean what
//! they mean to everyone.

use std::net::SocketAddr;

use revlab::scenario;
use revlab_fake_ca::config::CaConfig;
use revlab_pki::KeyAlgorithm;

/// The two CAs as a scenario says them, with the port in every URL.
pub(super) fn of(address: SocketAddr, key: KeyAlgorithm, lines: &str) -> Vec<CaConfig> {
    let named = KeyAlgorithm::NAMES.iter().find(|(_, kind)| *kind == key);
    let key = named.map_or("p256", |(name, _)| *name);
    let at = format!("http://{address}");
    let text = format!(
        r#"
        format = 1
        title = "A CA on loopback"
        start = "2024-01-01T00:00:00Z"
        duration = "1h"

        [ca.root]
        name = "Root"
        host = "127.0.0.1"
        computer = "root"
        key = "{key}"
        age = "60d"
        crl = {{ period = "90d", delta_period = "none" }}
        cdp = ["{at}/CertEnroll/Root.crl"]
        aia = {{ ocsp = ["{at}/root/ocsp"], issuers = ["{at}/CertEnroll/root_Root.crt"] }}
        responder = {{}}

        [ca.issuing]
        name = "Issuing"
        parent = "root"
        host = "127.0.0.1"
        computer = "issuing"
        key = "{key}"
        crl.period = "1d"
        crl.delta_period = "2h"
        crl.delta_base = "newest"
        cdp = ["{at}/CertEnroll/Issuing.crl"]
        freshest = ["{at}/CertEnroll/Issuing+.crl"]
        aia = {{ ocsp = ["{at}/ocsp"], issuers = ["{at}/CertEnroll/issuing_Issuing.crt"] }}
        {lines}

        [sut.web]

        [clients.users]
        sut = "web"
        every = "1h"
        "#
    );
    let scenarios = scenario::from_text("live-ca", &text);
    let scenarios = scenarios.unwrap_or_else(|e| panic!("{}", e.render(false)));
    scenarios.into_iter().flat_map(|scenario| scenario.cas.into_values()).collect()
}
