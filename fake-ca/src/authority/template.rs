//! What a new certificate says, as its CA is configured.

use revlab_lab::http::Url;
use revlab_pki::{
    AccessDescription, AccessMethod, CertificateExtras, CertificateTemplate, DistinguishedName,
    DistributionPoint, Usage,
};

use super::{Authority, Order};
use crate::config::{Issued, Own};

impl Authority {
    /// The template of a certificate and what it says besides; `own` is what the certificate of a
    /// CA below this one wants to say.
    pub(super) fn template(
        &self,
        order: &Order<'_>,
        serial: Vec<u8>,
        own: &Own,
        by: usize,
    ) -> (CertificateTemplate, CertificateExtras) {
        let key = self.keys.get(by);
        let certificate = key.map_or(&self.certificate, |key| &key.certificate);
        let from = key.map_or(certificate.not_before(), |key| key.from);
        let ocsp = order.ocsp.unwrap_or(&self.config.aia.ocsp);
        let mut template = CertificateTemplate {
            subject: DistinguishedName::common_name(order.common_name),
            crl_urls: self.locations.cdp_of(by, &serial),
            serial,
            not_before: order.life.not_before.max(from),
            not_after: Ord::min(order.life.not_after, certificate.not_after()),
            usage: order.usage,
            freshest_crl_urls: Vec::new(),
            ocsp_urls: ocsp.to_vec(),
            issuer_urls: self.locations.issuers_of(key.map(|key| &key.url)),
            dns_names: order.dns_names.to_vec(),
            ca_version: order.ca_version,
        };
        let mut extras = match order.usage {
            Usage::Authority => own.extras(),
            Usage::OcspSigner | Usage::CrlSigner => CertificateExtras::default(),
            Usage::Client | Usage::Server => self.config.issued.extras(),
        };
        let issued = &self.config.issued;
        extras.freshest_crl_points = issued.freshest.clone();
        if let Some(issuer) = self.crl_issuer() {
            let urls = std::mem::take(&mut template.crl_urls);
            let at = DistributionPoint::at(urls.iter().map(Url::as_str));
            let point = DistributionPoint { crl_issuer: Some(issuer.clone()), ..at };
            extras.crl_points.extend((!urls.is_empty()).then_some(point));
        }
        if let Some(points) = &issued.points {
            template.crl_urls.clear();
            extras.crl_points = points.clone();
        }
        if let Some(access) = &issued.access {
            template.issuer_urls.clear();
            template.ocsp_urls.clear();
            extras.access = replace_ocsp(access, order.ocsp);
        }
        if order.usage == Usage::OcspSigner {
            // Nobody checks it (id-pkix-ocsp-nocheck), so it says nothing about where (RFC 6960
            // §4.2.2.2.1). Windows refuses a signer that does (fact sheet §2.1, reported).
            template.crl_urls.clear();
            template.ocsp_urls.clear();
            extras.crl_points.clear();
            extras.freshest_crl_points.clear();
            extras.access.retain(|entry| entry.method != AccessMethod::Ocsp);
        }
        (template, extras)
    }
}

/// The list with the OCSP URLs of an order in the place of its own.
fn replace_ocsp(access: &[AccessDescription], ocsp: Option<&[Url]>) -> Vec<AccessDescription> {
    let Some(ocsp) = ocsp else { return access.to_vec() };
    let others = access.iter().filter(|entry| entry.method != AccessMethod::Ocsp).cloned();
    let method = AccessMethod::Ocsp;
    let own = ocsp.iter().map(|url| AccessDescription { method, uri: url.to_string() });
    others.chain(own).collect()
}

impl Issued {
    fn extras(&self) -> CertificateExtras {
        CertificateExtras {
            must_staple: self.must_staple,
            ocsp_no_check: self.ocsp_no_check,
            extensions: self.extensions.clone(),
            ..CertificateExtras::default()
        }
    }
}

impl Own {
    pub(super) fn extras(&self) -> CertificateExtras {
        let pointer = self.cross_points.as_ref().filter(|pointer| !pointer.urls.is_empty());
        let points = pointer.map(|pointer| pointer.points().extension());
        CertificateExtras {
            name_constraints: self.name_constraints.clone(),
            extensions: points.into_iter().chain(self.extensions.iter().cloned()).collect(),
            ..CertificateExtras::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use revlab_lab::Seed;
    use revlab_pki::{Certificate, CertificateExtension, KeyPair};

    use super::*;
    use crate::config::CaConfig;
    use crate::sample::{self, START};

    fn entry(method: AccessMethod, uri: &str) -> AccessDescription {
        AccessDescription { method, uri: uri.to_owned() }
    }

    fn authority(issued: Issued) -> Authority {
        let config = CaConfig { issued, ..sample::issuing() };
        Authority::new(config, None, Seed(1), START).unwrap()
    }

    fn issue(ca: &mut Authority, ocsp: Option<&[Url]>) -> Certificate {
        let key = KeyPair::seeded(ca.config.key, Seed(1), "client");
        let life = ca.usual_life();
        let (common_name, usage) = ("client", Usage::Client);
        let order = Order { common_name, usage, dns_names: &[], life, ocsp, ca_version: None };
        ca.issue(&order, &key).unwrap()
    }

    #[test]
    fn points_replace_the_usual_one_and_lead_to_the_ca_by_their_urls() {
        let ldap = "ldap:///CN=XXX-CA?certificateRevocationList";
        let points = [[ldap, "http://a/1.crl"], ["http://dead/2.crl", "http://a/1.crl"]];
        let points = points.map(DistributionPoint::at).to_vec();
        let mut ca = authority(Issued { points: Some(points), ..Issued::default() });
        let certificate = issue(&mut ca, None);
        let urls: Vec<_> = certificate.crl_urls().iter().map(Url::as_str).collect();
        assert_eq!(urls, [ldap, "http://a/1.crl", "http://dead/2.crl", "http://a/1.crl"]);
        assert_eq!(ca.locations.cdp, certificate.crl_urls());
    }

    #[test]
    fn access_keeps_its_order_and_an_order_of_its_own_replaces_the_responders() {
        use AccessMethod::{Issuer, Ocsp};
        let access = vec![
            entry(Ocsp, "http://dead/ocsp"),
            entry(Issuer, "ldap:///CN=XXX-CA?cACertificate"),
            entry(Ocsp, "http://a/ocsp"),
            entry(Issuer, "http://a/ca.crt"),
        ];
        let issuers = ["ldap:///CN=XXX-CA?cACertificate", "http://a/ca.crt"];
        let mut ca = authority(Issued { access: Some(access.clone()), ..Issued::default() });
        let certificate = issue(&mut ca, None);
        let text = |urls: &[Url]| urls.iter().map(Url::to_string).collect::<Vec<_>>();
        assert_eq!(text(certificate.ocsp_urls()), ["http://dead/ocsp", "http://a/ocsp"]);
        assert_eq!(text(certificate.issuer_urls()), issuers);
        assert_eq!(ca.locations.ocsp, certificate.ocsp_urls());
        let order = ["http://new/ocsp".parse().unwrap()];
        let certificate = issue(&mut ca, Some(&order));
        assert_eq!(certificate.ocsp_urls(), order);
        assert_eq!(text(certificate.issuer_urls()), issuers);
    }

    #[test]
    fn extensions_of_issued_certificates_are_not_in_those_of_cas_below() {
        let oid = "1.2.3".parse().unwrap();
        let extension = CertificateExtension { oid, critical: true, value: vec![5, 0] };
        let extensions = vec![extension];
        let mut ca = authority(Issued { extensions, ..Issued::default() });
        assert_eq!(issue(&mut ca, None).unknown_critical(), Some("1.2.3"));
        let below = CaConfig { parent: Some("issuing".into()), ..sample::root() };
        let below = Authority::new(below, Some(&mut ca), Seed(1), START).unwrap();
        assert_eq!(below.certificate.unknown_critical(), None);
    }
}
