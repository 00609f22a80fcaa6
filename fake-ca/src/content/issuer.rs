//! CA certificates that are served in another form than they should be, or are others.
//!
//! RFC 5280 §4.2.2.1 wants one certificate in DER, or several in a "certs-only" CMS message, and no
//! other form.

use revlab_lab::Seed;
use revlab_pki::{
    Certificate, CertificateTemplate, DistinguishedName, Issuer, KeyPair, Usage, cms,
};

/// What is wrong with the file that caIssuers names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IssuerDefect {
    /// PEM, which RFC 5280 does not allow and many clients take.
    Pem,
    /// A "certs-only" CMS message (`.p7c`), which is right and which many clients do not take.
    P7c,
    /// The certificate of another CA, `CN=Another CA`.
    WrongCertificate,
    /// A certificate of the same name with another key, as after a renewal that the certificates
    /// issued before do not know.
    OtherKey,
    /// An HTML page, as from a captive portal or a proxy.
    Html,
    /// Not one byte.
    Empty,
    /// The first half alone.
    Truncated,
    /// A line feed behind the end.
    TrailingBytes,
}

impl IssuerDefect {
    /// All defects with their names in scenarios.
    pub const NAMES: [(&'static str, IssuerDefect); 8] = [
        ("pem", IssuerDefect::Pem),
        ("p7c", IssuerDefect::P7c),
        ("wrong_certificate", IssuerDefect::WrongCertificate),
        ("other_key", IssuerDefect::OtherKey),
        ("html", IssuerDefect::Html),
        ("empty", IssuerDefect::Empty),
        ("truncated", IssuerDefect::Truncated),
        ("trailing_bytes", IssuerDefect::TrailingBytes),
    ];
}

const PAGE: &[u8] = b"<!DOCTYPE html>\r\n<html><head><title>Log in</title></head>\r\n\
    <body><form method=\"post\">Please log in to use this network.</form></body></html>\r\n";

/// The file with these defects at once, in their order. Another key comes from the seed.
pub fn spoil(
    certificate: &Certificate,
    key: &KeyPair,
    seed: Seed,
    defects: &[IssuerDefect],
) -> Vec<u8> {
    let other = |subject: &DistinguishedName| {
        let key = KeyPair::seeded(key.algorithm(), seed, "another CA");
        let template = CertificateTemplate {
            subject: subject.clone(),
            serial: vec![1],
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            usage: Usage::Authority,
            crl_urls: Vec::new(),
            freshest_crl_urls: Vec::new(),
            ocsp_urls: Vec::new(),
            issuer_urls: Vec::new(),
            dns_names: Vec::new(),
            ca_version: None,
        };
        // The names are those of certificates that exist: this one can be issued as well.
        template.issue(key.public_key_info(), &Issuer::Itself(&key)).ok()
    };
    let mut shown = certificate.clone();
    for defect in defects {
        let replaced = match defect {
            IssuerDefect::WrongCertificate => other(&DistinguishedName::common_name("Another CA")),
            IssuerDefect::OtherKey => other(certificate.subject()),
            _ => None,
        };
        shown = replaced.unwrap_or(shown);
    }
    defects.iter().fold(shown.der().to_vec(), |bytes, defect| form(*defect, bytes, &shown))
}

fn form(defect: IssuerDefect, mut bytes: Vec<u8>, shown: &Certificate) -> Vec<u8> {
    match defect {
        IssuerDefect::Pem => shown.pem().into_bytes(),
        IssuerDefect::P7c => cms::certs_only(std::slice::from_ref(shown)),
        IssuerDefect::Html => PAGE.to_vec(),
        IssuerDefect::Empty => Vec::new(),
        IssuerDefect::Truncated => {
            bytes.truncate(bytes.len() / 2);
            bytes
        }
        IssuerDefect::TrailingBytes => {
            bytes.push(b'\n');
            bytes
        }
        IssuerDefect::WrongCertificate | IssuerDefect::OtherKey => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FakeCa;
    use crate::sample::{self, START};

    fn spoilt(defects: &[IssuerDefect]) -> (Certificate, Vec<u8>) {
        let ca = FakeCa::new(vec![sample::issuing()], Vec::new(), Seed(1), START).unwrap();
        let certificate = ca.certificate("issuing").unwrap().clone();
        let bytes = spoil(&certificate, ca.issuer_key("issuing").unwrap(), Seed(1), defects);
        (certificate, bytes)
    }

    #[test]
    fn without_a_defect_the_certificate_is_as_it_is() {
        let (certificate, bytes) = spoilt(&[]);
        assert_eq!(bytes, certificate.der());
    }

    #[test]
    fn every_defect_changes_the_bytes_and_is_the_same_again() {
        let right = spoilt(&[]).1;
        for (name, defect) in IssuerDefect::NAMES {
            assert_ne!(spoilt(&[defect]).1, right, "{name}");
            assert_eq!(spoilt(&[defect]).1, spoilt(&[defect]).1, "{name}");
        }
    }

    #[test]
    fn the_wrong_certificate_has_another_name_and_the_other_key_the_same() {
        let read = |defect| {
            let (certificate, bytes) = spoilt(&[defect]);
            (certificate, Certificate::parse(&bytes).unwrap())
        };
        let (right, wrong) = read(IssuerDefect::WrongCertificate);
        assert_ne!(right.subject(), wrong.subject());
        let (right, renewed) = read(IssuerDefect::OtherKey);
        assert_eq!(right.subject(), renewed.subject());
        assert_ne!(right.public_key_info(), renewed.public_key_info());
    }

    #[test]
    fn a_wrong_certificate_can_come_in_a_wrong_form() {
        let (_, bytes) = spoilt(&[IssuerDefect::WrongCertificate, IssuerDefect::Pem]);
        let text = String::from_utf8(bytes).unwrap();
        let wrong = Certificate::parse_pem(&text).unwrap();
        assert_eq!(
            wrong.first().map(|c| c.subject().to_string()),
            Some("CN=Another CA".to_owned())
        );
    }
}
