//! What certificates say besides names, keys and times: where to look, and extensions of any kind.

use revlab_lab::Span;
use revlab_lab::http::Url;
use revlab_pki::{
    AccessDescription, AccessMethod, CertificateExtension, CrossPoints, DistributionPoint,
    GeneralName, NameConstraints, PointName,
};

use super::CaConfig;
use crate::locations::bundle_url;

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
    /// Where its cross-certificates are (Microsoft's 1.3.6.1.4.1.311.10.9.1). Certificates of its key
    /// by other CAs do not say it: inferred.
    pub cross_points: Option<CrossPointer>,
    /// Any other extensions.
    pub extensions: Vec<CertificateExtension>,
    /// The organization in the name of a root that is made for a machine outside the lab.
    pub organization: Option<String>,
    /// Whether a root that is made for a machine outside the lab may vouch for any name.
    pub unconstrained: bool,
}

/// Where a CA's cross-certificates are, and how often to look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CrossPointer {
    /// Different ways to the same file; none: the `.p7c` of [`CaConfig::cross`] on its site.
    pub urls: Vec<Url>,
    /// syncDeltaTime, whole seconds up to 2³² − 1; none: as often as who looks has it set.
    pub interval: Option<Span>,
}

impl CrossPointer {
    /// As the extension has it.
    pub(crate) fn points(&self) -> CrossPoints {
        let seconds = self.interval.map_or(0, |interval| interval.as_millis() / 1000);
        CrossPoints {
            sync_delta: u32::try_from(seconds).unwrap_or_default(),
            points: vec![self.urls.clone()],
        }
    }
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
    /// the detailed ones of [`CaConfig::issued`] where those are there, and with what a pointer to
    /// cross-certificates leaves to the site.
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
        if self.own.cross_points.as_ref().is_some_and(|pointer| pointer.urls.is_empty()) {
            let bundle = bundle_url(&self);
            let urls = bundle.map_or_else(Vec::new, |url| vec![url]);
            self.own.cross_points.iter_mut().for_each(|pointer| pointer.urls.clone_from(&urls));
        }
        self
    }
}
