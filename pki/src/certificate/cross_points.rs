//! Where cross-certificates of a CA are: Microsoft's extension szOID_CROSS_CERT_DIST_POINTS.
//!
//! ```text
//! CrossCertDistPoints ::= SEQUENCE {
//!     syncDeltaTime            INTEGER (0..4294967295) OPTIONAL,
//!     crossCertDistPointNames  SEQUENCE OF GeneralNames }
//! ```
//!
//! The structure is the public header wincrypt.h's; what it means is CROSS_CERT_DIST_POINTS_INFO's
//! (<https://learn.microsoft.com/windows/win32/api/wincrypt/ns-wincrypt-cross_cert_dist_points_info>).

use const_oid::ObjectIdentifier;
use der::{Decode, SliceReader, Tag};
use revlab_lab::Span;
use revlab_lab::http::Url;
use x509_cert::ext::pkix::name::GeneralName;

use super::CertificateExtension;
use crate::decode::{next_is, number, sequence, sequence_of, whole};
use crate::general_name::uri;
use crate::{Malformed, encode, extension};

/// szOID_CROSS_CERT_DIST_POINTS.
pub(super) const CROSS_POINTS: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.10.9.1");

/// Where the certificates of a CA by other CAs are, and how often they change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrossPoints {
    /// syncDeltaTime: seconds between two looks; 0, or none in the extension: as often as who looks
    /// has it set.
    pub sync_delta: u32,
    /// The points; the URLs of one are different ways to the same file. Names that are no URL are
    /// left out, as in [`crl_urls`](super::Certificate::crl_urls).
    pub points: Vec<Vec<Url>>,
}

impl CrossPoints {
    /// The time between two looks; none: as who looks has it set.
    pub fn interval(&self) -> Option<Span> {
        (self.sync_delta > 0).then(|| Span::from_secs(i64::from(self.sync_delta)))
    }

    /// As an extension that is not critical.
    ///
    /// ```
    /// use revlab_pki::CrossPoints;
    /// let url = "http://pki.example/OLD-ROOT.p7c".parse()?;
    /// let points = CrossPoints { sync_delta: 86_400, points: vec![vec![url]] };
    /// assert_eq!(points.extension().oid.to_string(), "1.3.6.1.4.1.311.10.9.1");
    /// # Ok::<(), revlab_lab::http::UrlError>(())
    /// ```
    pub fn extension(&self) -> CertificateExtension {
        CertificateExtension { oid: CROSS_POINTS, critical: false, value: self.write() }
    }

    fn write(&self) -> Vec<u8> {
        let delta = match self.sync_delta {
            0 => Vec::new(),
            seconds => encode::number(u64::from(seconds)),
        };
        let names = |urls: &Vec<Url>| -> Vec<u8> {
            urls.iter().flat_map(|url| uri(url.as_str())).collect()
        };
        let points: Vec<u8> =
            self.points.iter().flat_map(|urls| encode::sequence(&[&names(urls)])).collect();
        encode::sequence(&[&delta, &encode::sequence(&[&points])])
    }

    pub(super) fn read(body: &[u8]) -> Result<CrossPoints, Malformed> {
        whole(body, |r| sequence(r, inside))
    }
}

fn inside(r: &mut SliceReader<'_>) -> Result<CrossPoints, Malformed> {
    let mut read = CrossPoints::default();
    if next_is(r, Tag::Integer)? {
        let what = "the time between two looks for cross-certificates";
        let seconds = number(r, what)?;
        read.sync_delta = u32::try_from(seconds).map_err(|_| Malformed::Number { what })?;
    }
    sequence_of(r, |r| {
        let mut urls = Vec::new();
        sequence_of(r, |r| {
            urls.extend(extension::read_uri(&GeneralName::decode(r)?));
            Ok(())
        })?;
        read.points.push(urls);
        Ok(())
    })?;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::encode::primitive;
    use crate::fixture::*;
    use crate::{Certificate, CertificateExtras, Issuer, KeyAlgorithm, Usage};

    fn urls(of: &[(u16, bool)]) -> Vec<Url> {
        let url = |(n, directory): &(u16, bool)| match directory {
            true => format!("ldap:///CN={n}?crossCertificatePair").parse().unwrap(),
            false => format!("http://pki.example/{n}.p7c").parse().unwrap(),
        };
        of.iter().map(url).collect()
    }

    /// A root that says so, or why there can be none.
    fn root(extension: CertificateExtension) -> Result<Certificate, crate::IssueError> {
        let key = crate::KeyPair::seeded(KeyAlgorithm::EcdsaP256, revlab_lab::Seed(1), "root");
        let extras = CertificateExtras { extensions: vec![extension], ..Default::default() };
        let template = template("root", &[1], Usage::Authority);
        template.issue_with(&extras, key.public_key_info(), &Issuer::Itself(&key))
    }

    proptest! {
        #[test]
        fn points_are_read_as_they_were_written(
            sync_delta: u32,
            points in prop::collection::vec(prop::collection::vec(any::<(u16, bool)>(), 0..4), 0..4),
        ) {
            let points = points.iter().map(|of| urls(of)).collect();
            let points = CrossPoints { sync_delta, points };
            prop_assert_eq!(CrossPoints::read(&points.write()).unwrap(), points);
        }

        /// Whatever stands there is read or refused.
        #[test]
        fn no_bytes_are_too_odd(
            body in prop::collection::vec(any::<u8>(), 0..64), at: prop::sample::Index, flip in 1u8..,
        ) {
            let _ = CrossPoints::read(&body);
            let points = vec![urls(&[(1, true), (2, false)])];
            let mut right = CrossPoints { sync_delta: 7, points }.write();
            let at = at.index(right.len());
            right[at] ^= flip;
            let _ = CrossPoints::read(&right);
        }
    }

    #[test]
    fn a_certificate_says_where_its_cross_certificates_are() {
        let points = CrossPoints { sync_delta: 3600, points: vec![urls(&[(1, false)])] };
        let certificate = root(points.extension()).unwrap();
        assert_eq!(certificate.cross_points(), Some(&points));
        assert_eq!(points.interval(), Some(Span::from_hours(1)));
        assert_eq!(certificate.unknown_critical(), None);
        assert_eq!(authority(KeyAlgorithm::EcdsaP256).certificate.cross_points(), None);
        assert_eq!(CrossPoints::default().interval(), None);
    }

    /// RFC 5280 §4.2 knows no such extension: who demands that it be understood is not heard.
    #[test]
    fn a_critical_one_counts_as_unknown() {
        let extension =
            CertificateExtension { critical: true, ..CrossPoints::default().extension() };
        let certificate = root(extension).unwrap();
        assert_eq!(certificate.unknown_critical(), Some("1.3.6.1.4.1.311.10.9.1"));
        assert!(certificate.cross_points().is_some());
    }

    #[test]
    fn names_that_are_no_url_are_left_out() {
        let names = [primitive(2, b"pki.example"), uri("http://pki.example/1.p7c")].concat();
        let points = encode::sequence(&[&encode::sequence(&[&names])]);
        let read = CrossPoints::read(&encode::sequence(&[&points])).unwrap();
        assert_eq!(read, CrossPoints { sync_delta: 0, points: vec![urls(&[(1, false)])] });
    }

    #[test]
    fn what_has_not_the_structure_is_refused() {
        let empty = encode::sequence(&[]);
        let number = |value: &[u8]| encode::tlv(encode::tag::INTEGER, value);
        let bodies = [
            Vec::new(),
            empty.clone(),
            encode::sequence(&[&number(&[0xff]), &empty]),
            encode::sequence(&[&number(&[1, 0, 0, 0, 0]), &empty]),
            encode::sequence(&[&number(&[1]), &number(&[1]), &empty]),
            encode::sequence(&[&empty, &empty]),
            encode::sequence(&[&encode::sequence(&[&uri("http://pki.example/1.p7c")])]),
            [encode::sequence(&[&empty]), vec![0]].concat(),
        ];
        for value in bodies {
            let extension = CertificateExtension { oid: CROSS_POINTS, critical: false, value };
            assert!(extension.check().is_err(), "{:02x?}", extension.value);
            assert!(root(extension).is_err());
        }
    }
}
