//! Cross-certificates: the CA's key certified by other CAs too, so that several paths lead up from
//! what it issues (RFC 5280 §3.2, §6.1).

use std::sync::Arc;

use revlab_lab::Name;
use revlab_pki::{Certificate, IssueError, Usage, cms};

use super::publishing::certificate_file;
use super::{Authority, Order};
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
        let certificate = by.issue_with(position, &order, &self.config.own, subject, &self.key)?;
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
