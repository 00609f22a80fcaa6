//! Cross-certificates: the CA's key certified by other CAs too, so that several paths lead up from
//! what it issues (RFC 5280 §3.2, §6.1).

use std::sync::Arc;

use revlab_lab::Name;
use revlab_pki::{Certificate, IssueError, Usage, cms};

use super::publishing::certificate_file;
use super::{Authority, Order};
use crate::config::Own;
use crate::publication::Life;
use crate::web_site::{Content, File};

/// A certificate of this CA's key by another CA.
#[derive(Clone, Debug)]
pub(crate) struct Cross {
    /// Who has issued it.
    pub(crate) by: Name,
    pub(crate) certificate: Certificate,
}

impl Authority {
    /// Has its newest key certified by another CA, for as long as its own certificate lives.
    pub(crate) fn cross_certify(&mut self, by: &mut Authority) -> Result<(), IssueError> {
        let (not_before, not_after) = (self.certificate.not_before(), self.certificate.not_after());
        let order = Order {
            common_name: &self.config.common_name,
            usage: Usage::Authority,
            dns_names: &[],
            life: Life { not_before, not_after },
            ocsp: None,
            ca_version: None,
        };
        let subject = Some(self.certificate.subject().clone());
        let position = by.newest_key();
        // Where they are is said by its own certificate, not by them.
        let own = Own { cross_points: None, ..self.config.own.clone() };
        let certificate = by.issue_with(position, &order, &own, subject, &self.key)?;
        self.crosses.push(Cross { by: by.name().clone(), certificate });
        Ok(())
    }

    /// Its cross-certificates.
    pub(crate) fn crosses(&self) -> &[Cross] {
        &self.crosses
    }

    /// Their files, and the one that caIssuers names as well, with all its certificates by other
    /// CAs: a "certs-only" CMS message (RFC 5280 §4.2.2.1).
    pub(super) fn cross_files(&self) -> Vec<File> {
        let Some((path, _)) = &self.locations.bundle else { return Vec::new() };
        let stem = path.trim_end_matches(".p7c");
        let single = self.crosses.iter().map(|cross| {
            certificate_file(&cross.certificate, &format!("{stem}_by_{}.crt", cross.by))
        });
        let mut files: Vec<File> = single.collect();
        let crosses = self.crosses.iter().map(|cross| &cross.certificate);
        // The way up from a self-signed one leads nowhere: who trusts it has it.
        let own = std::iter::once(&self.certificate).filter(|own| !own.is_self_issued());
        let all: Vec<Certificate> = own.chain(crosses).cloned().collect();
        files.push(File {
            path: path.clone(),
            content: Content::Certificates,
            bytes: Arc::from(cms::certs_only(&all)),
            modified: self.certificate.not_before(),
            change: 0,
        });
        files
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use revlab_lab::http::{Request, Url};
    use revlab_lab::trace::Purpose;
    use revlab_lab::{Seed, Span};

    use super::*;
    use crate::config::{CaConfig, CrossPointer};
    use crate::sample::{self, START};
    use crate::setup::authorities;

    fn crossed(pointer: CrossPointer, host: &str) -> BTreeMap<Name, Authority> {
        let own = Own { cross_points: Some(pointer), ..Own::default() };
        let cross = vec!["other".into()];
        let old = CaConfig { host: host.into(), own, cross, ..sample::issuing() };
        let other =
            CaConfig { name: "other".into(), common_name: "OTHER".into(), ..sample::root() };
        authorities(vec![old, other], Seed(1), START).unwrap()
    }

    #[test]
    fn its_own_certificate_says_where_they_are_and_they_do_not() {
        let ready = crossed(CrossPointer::default(), "pki.lab");
        let ca = &ready["issuing"];
        let points = ca.certificate.cross_points().unwrap();
        let bundle: Url = "http://pki.lab/CertEnroll/WIN-MSPRL0T325O_XXX-CA.p7c".parse().unwrap();
        assert_eq!((points.interval(), &points.points), (None, &vec![vec![bundle.clone()]]));
        assert_eq!(ca.crosses()[0].certificate.cross_points(), None);
        assert_eq!(ca.locations.file(&Request::get(bundle)), Some(Purpose::Issuer));
    }

    #[test]
    fn urls_and_an_interval_of_its_own_are_what_it_says() {
        let urls: Vec<Url> =
            ["http://a/x.p7c", "http://b/x.p7c"].map(|url| url.parse().unwrap()).into();
        let interval = Some(Span::from_hours(24));
        let ready = crossed(CrossPointer { urls: urls.clone(), interval }, "pki.lab");
        let ca = &ready["issuing"];
        let points = ca.certificate.cross_points().unwrap();
        assert_eq!((points.interval(), &points.points), (interval, &vec![urls.clone()]));
        assert_eq!(ca.locations.named(&Request::get(urls[1].clone())), Some(Purpose::Issuer));
    }
}
