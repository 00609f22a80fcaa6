//! A certificate of the CA's that signs its CRLs in its place (RFC 5280 §6.3.3 (f)).

use revlab_pki::{
    Certificate, CertificateExtras, CrlExtension, DistinguishedName, IssueError, Issuer, KeyPair,
    Usage,
};

use super::keys::CaKey;
use super::publishing::certificate_file;
use super::{Authority, Order, another_key, serial};
use crate::config::{CrlSigner, Own};
use crate::publication::Life;
use crate::responder::signer::Signer;
use crate::web_site::File;

/// Behind the common name, for the stream of the serial number: it may be the CA's own name, and
/// must not draw the serial numbers of others.
const SERIAL: &str = "/crl-signer";

impl Authority {
    /// What signs a list: its key of the CA's, or the certificate that it has for that.
    pub(super) fn signs(&self, list: usize) -> (&Certificate, &KeyPair) {
        match self.key_of_list(list) {
            Some(CaKey { signer: Some(signer), .. }) => (&signer.certificate, &signer.key),
            Some(key) => (&key.certificate, &key.pair),
            None => (&self.certificate, &self.key),
        }
    }

    /// The certificate that signs CRLs in the CA's place, where there is one.
    pub(crate) fn crl_signer(&self) -> Option<&Certificate> {
        self.keys.last()?.signer.as_ref().map(|signer| &signer.certificate)
    }

    /// The name in which CRLs are issued where it is not the CA's: then they are indirect ones, and
    /// certificates name their issuer (RFC 5280 §4.2.1.13).
    pub(super) fn crl_issuer(&self) -> Option<&DistinguishedName> {
        let name = self.crl_signer()?.subject();
        (name != self.certificate.subject()).then_some(name)
    }

    /// Where the certificate of who signs CRLs is, said in them.
    pub(super) fn signer_location(&self, list: usize) -> Option<CrlExtension> {
        let position = list / self.config.publishing.lists();
        let (_, url) = self.locations.crl_signers.get(position)?;
        Some(CrlExtension::signer_at(url))
    }

    /// The files with those certificates.
    pub(super) fn signer_files(&self) -> impl Iterator<Item = File> {
        let places = self.keys.iter().zip(&self.locations.crl_signers);
        places.filter_map(|(key, (path, _))| {
            let certificate = &key.signer.as_ref()?.certificate;
            Some(certificate_file(certificate, path))
        })
    }

    /// Issues one for the newest key, where the scenario wants it.
    pub(super) fn appoint_signer(&mut self) -> Result<(), IssueError> {
        let wanted = self.config.publishing.signer.clone();
        let signer = wanted.map(|wanted| self.appoint(&wanted)).transpose()?;
        if let Some(newest) = self.keys.last_mut() {
            newest.signer = signer;
        }
        Ok(())
    }

    /// Issues it, for as long as the CA itself lives. It names no CRL: a path validation of the
    /// signer would otherwise want the very list that it signs.
    fn appoint(&self, wanted: &CrlSigner) -> Result<Signer, IssueError> {
        let ca = &self.config.common_name;
        let common_name = wanted.common_name.as_deref().unwrap_or(ca);
        let (not_before, not_after) = (self.certificate.not_before(), self.certificate.not_after());
        let order = Order {
            common_name,
            usage: Usage::CrlSigner,
            dns_names: &[],
            life: Life { not_before, not_after },
            ocsp: Some(&[]),
            ca_version: None,
        };
        let before = self.newest_key() as u64;
        let drawn = serial(self.seed, self.name(), &format!("{common_name}{SERIAL}"), before);
        let by = self.newest_key();
        let (mut template, extras) = self.template(&order, drawn, &Own::default(), by);
        if common_name == ca {
            template.subject = self.certificate.subject().clone();
        }
        template.crl_urls.clear();
        // The AIA of the CA's certificates is right for this one too, all else is not.
        let extras = CertificateExtras { access: extras.access, ..CertificateExtras::default() };
        let algorithm = wanted.key.unwrap_or(self.config.key);
        let name = match before {
            0 => format!("{}/crl-signer", self.name()),
            again => format!("{}/crl-signer-{again}", self.name()),
        };
        let own = self.keys.iter().map(|key| &key.pair);
        let signers = self.keys.iter().filter_map(|key| Some(&key.signer.as_ref()?.key));
        let taken: Vec<&KeyPair> = own.chain(signers).collect();
        let key = another_key(algorithm, self.seed, &name, &taken);
        let issuer = Issuer::Certificate(&self.certificate, &self.key);
        let certificate = template.issue_with(&extras, key.public_key_info(), &issuer)?;
        Ok(Signer { certificate, key })
    }
}

#[cfg(test)]
mod tests {
    use revlab_lab::Seed;
    use revlab_lab::http::Request;
    use revlab_pki::{Crl, KeyAlgorithm, Verifier};

    use super::*;
    use crate::config::{CaConfig, Publishing};
    use crate::sample::{self, START};
    use crate::web_site::Content;

    fn authority(signer: CrlSigner, padding: u32) -> Authority {
        let publishing = Publishing { signer: Some(signer), padding, ..Publishing::default() };
        let config = CaConfig { publishing, ..sample::issuing() };
        Authority::new(config, None, Seed(1), START).unwrap()
    }

    fn named(name: &str) -> CrlSigner {
        CrlSigner { common_name: Some(name.to_owned()), key: Some(KeyAlgorithm::EcdsaP384) }
    }

    fn client(ca: &mut Authority) -> Certificate {
        let key = KeyPair::seeded(ca.config.key, Seed(1), "client");
        let (usage, life) = (Usage::Client, ca.usual_life());
        let (common_name, dns_names) = ("client", &[][..]);
        let order = Order { common_name, usage, dns_names, life, ocsp: None, ca_version: None };
        ca.issue(&order, &key).unwrap()
    }

    fn lists(ca: &Authority) -> Vec<Crl> {
        let files = ca.files().into_iter().filter(|file| file.content == Content::Crl);
        files.map(|file| Crl::parse(&file.bytes).unwrap()).collect()
    }

    #[test]
    fn a_signer_of_the_same_name_signs_with_a_key_of_its_own() {
        let mut ca = authority(CrlSigner::default(), 0);
        let client = client(&mut ca);
        ca.revoke(START, client.serial(), Some(1));
        ca.publish_now(START, true);
        let signer = ca.crl_signer().unwrap();
        assert!(!signer.is_ca());
        assert_eq!(signer.subject(), ca.certificate.subject());
        assert_ne!(signer.serial(), ca.certificate.serial());
        assert!(Verifier::new().verify_certificate(signer, &ca.certificate));
        for crl in lists(&ca) {
            assert_eq!(crl.issuer(), ca.certificate.subject());
            assert!(Verifier::new().verify_crl(&crl, signer));
            assert!(!Verifier::new().verify_crl(&crl, &ca.certificate));
            assert_eq!(crl.authority_key_id(), signer.subject_key_id());
            assert!(crl.scope().is_none() && crl.find(client.serial()).is_some());
        }
    }

    #[test]
    fn a_signer_of_another_name_issues_indirect_crls_that_certificates_point_to() {
        let mut ca = authority(named("CRL-ISSUER"), 3);
        let client = client(&mut ca);
        ca.revoke(START, client.serial(), Some(1));
        for published in [false, true] {
            if published {
                ca.publish_now(START, true);
            }
            for crl in lists(&ca) {
                assert_eq!(crl.issuer().to_string(), "CN=CRL-ISSUER");
                assert!(crl.scope().unwrap().indirect);
                assert!(crl.find(client.serial()).is_none(), "it is not by the CRL's issuer");
                let found = crl.find_of(client.issuer(), client.serial());
                assert_eq!(found.is_some(), published);
                let foreign = crl.entries().filter(|entry| crl.find(&entry.serial).is_some());
                assert_eq!(foreign.count(), 0, "padding is of the CA's certificates too");
            }
        }
        let text = String::from_utf8_lossy(client.der()).into_owned();
        assert!(text.contains("CRL-ISSUER"), "cRLIssuer of its distribution point");
        assert_eq!(client.crl_urls(), [ca.locations.lists[0].base_url.clone()]);
    }

    #[test]
    fn the_signers_certificate_is_on_the_site_where_the_crl_says() {
        let ca = authority(named("CRL-ISSUER"), 0);
        let (path, url) = ca.locations.crl_signers[0].clone();
        assert_eq!(path, "/CertEnroll/WIN-MSPRL0T325O_XXX-CA(1)_crl.crt");
        let file = ca.files().into_iter().find(|file| file.path == path).unwrap();
        assert_eq!(&*file.bytes, ca.crl_signer().unwrap().der());
        let asked = ca.locations.file(&Request::get(url.clone()));
        assert_eq!(asked, Some(revlab_lab::trace::Purpose::Issuer));
        let list = ca.served[0].base.as_ref().unwrap();
        let text = String::from_utf8_lossy(&list.der).into_owned();
        assert!(text.contains(url.as_str()));
    }
}
