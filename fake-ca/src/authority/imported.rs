//! Taking over a CA that exists already.

use revlab_lab::Name;
use revlab_pki::{Certificate, IssueError, KeyPair, Verifier};

use super::Authority;
use crate::config::Imported;
use crate::setup::SetupError;

/// Its key and certificate, if they belong together and below the parent.
pub(super) fn checked(
    imported: &Imported,
    ca: &Name,
    parent: Option<&Authority>,
) -> Result<(KeyPair, Certificate), SetupError> {
    let (key, certificate) = (&imported.key, &imported.certificate);
    if key.public_key_info() != certificate.public_key_info() {
        let source = IssueError::IssuerKey { issuer: certificate.subject().clone() };
        return Err(SetupError::Certificate { ca: ca.clone(), source });
    }
    let by_parent = parent.is_none_or(|parent| {
        certificate.issuer() == parent.certificate.subject()
            && Verifier::new().verify_certificate(certificate, &parent.certificate)
    });
    if !by_parent {
        return Err(SetupError::NotByParent { ca: ca.clone() });
    }
    Ok((key.clone(), certificate.clone()))
}

#[cfg(test)]
mod tests {
    use revlab_lab::{Seed, Span};
    use revlab_pki::{CertificateTemplate, DistinguishedName, Issuer, KeyAlgorithm, Usage};

    use super::*;
    use crate::config::CaConfig;
    use crate::sample::{self, START};

    /// A root of the customer's, years old and with a long name.
    fn customers() -> Imported {
        let key = KeyPair::seeded(KeyAlgorithm::EcdsaP384, Seed(9), "customer");
        let template = CertificateTemplate {
            subject: DistinguishedName::parse("CN=Customer CA,O=Customer,C=DE").unwrap(),
            serial: vec![1],
            not_before: START - Span::from_days(2000),
            not_after: START + Span::from_days(2000),
            usage: Usage::Authority,
            crl_urls: Vec::new(),
            freshest_crl_urls: Vec::new(),
            ocsp_urls: Vec::new(),
            issuer_urls: Vec::new(),
            dns_names: Vec::new(),
            ca_version: Some((2, 1)),
        };
        let certificate = template.issue(key.public_key_info(), &Issuer::Itself(&key)).unwrap();
        Imported { certificate, above: Vec::new(), key }
    }

    #[test]
    fn a_ca_that_exists_issues_in_its_own_name_from_its_set_up_on() {
        let imported = customers();
        let config = CaConfig { imported: Some(imported.clone()), ..sample::issuing() };
        let ca = Authority::new(config, None, Seed(1), START).unwrap();
        assert_eq!(ca.certificate, imported.certificate);
        assert_eq!(ca.version(), (2, 1));
        assert_eq!(ca.usual_life().not_before, START - ca.config.age);
        let crl = ca.files().into_iter().find(|file| file.path.ends_with(".crl")).unwrap();
        let crl = revlab_pki::Crl::parse(&crl.bytes).unwrap();
        assert_eq!(crl.issuer().to_string(), "CN=Customer CA,O=Customer,C=DE");
        assert!(Verifier::new().verify_crl(&crl, &imported.certificate));
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let key = KeyPair::seeded(KeyAlgorithm::EcdsaP384, Seed(9), "other");
        let wrong = Imported { key, ..customers() };
        let config = |imported| CaConfig { imported: Some(imported), ..sample::issuing() };
        let error = Authority::new(config(wrong), None, Seed(1), START).unwrap_err();
        assert_eq!(error.key(), "private_key", "{error}");
        let mut root = Authority::new(sample::root(), None, Seed(1), START).unwrap();
        let config = CaConfig { parent: Some("root".into()), ..config(customers()) };
        let error = Authority::new(config, Some(&mut root), Seed(1), START).unwrap_err();
        assert_eq!(error.key(), "certificate", "{error}");
    }
}
