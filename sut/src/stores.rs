//! What is in a machine's certificate stores.

use revlab_lab::http::Url;
use revlab_pki::Certificate;

/// A machine's certificate stores, and what an administrator has noted down with a certificate.
#[derive(Clone, Debug, Default)]
pub struct Stores {
    /// CA certificates; the self-issued ones among them are trusted roots.
    pub certificates: Vec<Certificate>,
    /// OCSP URLs that policy adds for what a CA has issued: they go before those in AIA (fact sheet
    /// §2.1).
    pub ocsp_urls: Vec<(Certificate, Vec<Url>)>,
}

impl From<Vec<Certificate>> for Stores {
    fn from(certificates: Vec<Certificate>) -> Stores {
        Stores { certificates, ocsp_urls: Vec::new() }
    }
}

impl Stores {
    /// The OCSP URLs that policy adds for what this CA has issued.
    pub(crate) fn ocsp_urls_of(&self, issuer: &Certificate) -> &[Url] {
        let same = |c: &Certificate| {
            c.subject().matches(issuer.subject()) && c.public_key_info() == issuer.public_key_info()
        };
        self.ocsp_urls.iter().find(|(c, _)| same(c)).map_or(&[], |(_, urls)| urls)
    }
}
