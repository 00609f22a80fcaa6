//! What certificates say besides names, keys and times: where to look, and extensions of any kind.

use revlab_lab::http::Url;
use revlab_pki::{
    AccessDescription, AccessMethod, CertificateExtension, DistributionPoint, GeneralName,
    NameConstraints, PointName,
};

use super::CaConfig;

/// What the certificates that a CA issues say on top of the usual.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Issued {
    /// CRL distribution points, in all issued certificates; none: one point with the URLs of
    /// [`CaConfig::cdp`].
    pub points: Option<Vec<DistributionPoint>>,
    /// freshestCRL, in all issued certificates (RFC 5280 §4.2.1.15). AD CS has it in base CRLs
    /// alone.
    pub freshest: Vec<DistributionPoint>,
    /// Authority information access in this very order, in all issued certificates; none: the
    /// lists of [`CaConfig::aia`].
    pub access: Option<Vec<AccessDescription>>,
    /// TLS feature with status_request (RFC 7633), in end-entity certificates.
    pub must_staple: bool,
    /// id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2.1), in end-entity certificates.
    pub ocsp_no_check: bool,
    /// Any others, in end-entity certificates.
    pub extensions: Vec<CertificateExtension>,
}

/// What the certificate of a CA itself says on top of the usual.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Own {
    /// Name constraints (RFC 5280 §4.2.1.10).
    pub name_constraints: Option<NameConstraints>,
    /// Any other extensions.
    pub extensions: Vec<CertificateExtension>,
    /// The organization in the name of a root that is made for a machine outside the lab.
    pub organization: Option<String>,
    /// Whether a root that is made for a machine outside the lab may vouch for any name.
    pub unconstrained: bool,
}

impl Issued {
    /// The URLs with a host under this access method, in order.
    pub fn access_urls(&self, method: AccessMethod) -> Option<Vec<Url>> {
        let entries = self.access.as_ref()?.iter().filter(|entry| entry.method == method);
        Some(entries.filter_map(|entry| entry.uri.parse().ok()).collect())
    }

    /// The URLs with a host of all distribution points, in order.
    fn point_urls(&self) -> Option<Vec<Url>> {
        let names = self.points.as_ref()?.iter().filter_map(|point| match &point.name {
            Some(PointName::Full(names)) => Some(names),
            _ => None,
        });
        let uris = names.flatten().filter_map(|name| match name {
            GeneralName::Uri(text) => text.parse().ok(),
            _ => None,
        });
        Some(uris.collect())
    }
}

impl CaConfig {
    /// The same with the plain lists of URLs, [`CaConfig::cdp`] and [`CaConfig::aia`], filled from
    /// the detailed ones of [`CaConfig::issued`] where those are there.
    pub(crate) fn settled(mut self) -> CaConfig {
        if let Some(urls) = self.issued.point_urls() {
            self.cdp = Some(urls);
        }
        if let Some(urls) = self.issued.access_urls(AccessMethod::Ocsp) {
            self.aia.ocsp = urls;
        }
        if let Some(urls) = self.issued.access_urls(AccessMethod::Issuer) {
            self.aia.issuers = Some(urls);
        }
        self
    }
}
