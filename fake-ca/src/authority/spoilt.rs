//! CRLs as faults have them served: made from the same template as the right ones.

use std::sync::Arc;

use revlab_lab::http::Request;
use revlab_lab::trace::Purpose;

use super::Authority;
use super::publishing::certificate_file;
use crate::content::crl::{CrlDefect, spoil};
use crate::content::issuer::{self, IssuerDefect};
use crate::web_site::File;

/// Tells the ETags of spoilt files from those of right ones.
const SPOILT: u64 = 1 << 32;

impl Authority {
    /// The CRL file that a request asks for, with these defects; `None` where it asks for no CRL,
    /// or none of them touches that kind. Made once for each publication and set of defects.
    pub(crate) fn spoilt_file(&mut self, request: &Request, defects: &[CrlDefect]) -> Option<File> {
        let (list, purpose) = self.locations.crl(request)?;
        let location = self.locations.lists.get(list)?;
        let path = match purpose {
            Purpose::Delta => location.delta_path.clone(),
            _ => location.base_path.clone(),
        };
        let padding = match purpose {
            Purpose::Base => self.padding(self.config.publishing.padding),
            _ => self.padding(0),
        };
        let (certificate, key) = self.signs(list);
        let (certificate, key) = (certificate.clone(), key.clone());
        let publication = self.served.get_mut(list)?.of(purpose).as_mut()?;
        let delta = publication.planned.base_number.is_some();
        let defects: Vec<CrlDefect> =
            defects.iter().copied().filter(|d| d.touches(delta)).collect();
        if defects.is_empty() {
            return None;
        }
        let (bytes, nth) = match publication.spoilt.iter().position(|(known, _)| *known == defects)
        {
            Some(at) => publication.spoilt.get(at).map(|(_, bytes)| (bytes.clone(), at))?,
            None => {
                let mut template = publication.template.clone();
                template.entries.extend(padding);
                let der = spoil(&template, &defects, &certificate, &key);
                let bytes: Arc<[u8]> = der.into();
                publication.spoilt.push((defects, bytes.clone()));
                (bytes, publication.spoilt.len() - 1)
            }
        };
        let change = publication.planned.number + SPOILT * (nth as u64 + 1);
        let mut file = self.files().into_iter().find(|file| file.path == path)?;
        file.bytes = bytes;
        file.change = change;
        Some(file)
    }
}

impl Authority {
    /// The CA's certificate as a request asks for it, with these defects; `None` where it asks for
    /// something else, or there are none.
    pub(crate) fn spoilt_certificate(
        &self,
        request: &Request,
        defects: &[IssuerDefect],
    ) -> Option<File> {
        let locations = &self.locations;
        let mut older = self.older_certificates();
        let (path, certificate) = match (locations.file(request), locations.older_file(request)) {
            (Some(Purpose::Issuer), _) => (&locations.certificate_path, &self.certificate),
            (None, Some(at)) => older.find(|(path, _)| *path == at)?,
            _ => return None,
        };
        if defects.is_empty() {
            return None;
        }
        let bytes = issuer::spoil(certificate, &self.key, self.seed(), defects);
        // Each set of defects has an ETag of its own.
        let change = defects.iter().fold(1, |sum, defect| sum * 16 + *defect as u64 + 1);
        Some(File { bytes: bytes.into(), change, ..certificate_file(certificate, path) })
    }
}

#[cfg(test)]
mod tests {
    use revlab_lab::Seed;

    use super::*;
    use crate::sample::{self, START};

    fn ca() -> Authority {
        Authority::new(sample::issuing(), None, Seed(1), START).unwrap()
    }

    fn asking_for(url: &revlab_lab::http::Url) -> Request {
        Request::get(url.clone())
    }

    #[test]
    fn a_spoilt_crl_is_made_once_and_has_an_etag_of_its_own() {
        let mut ca = ca();
        let base = asking_for(&ca.locations.lists[0].base_url);
        let right = ca.files().remove(0);
        let ask = |ca: &mut Authority, defect| ca.spoilt_file(&base, &[defect]).unwrap();
        let expired = ask(&mut ca, CrlDefect::Expired);
        let empty = ask(&mut ca, CrlDefect::Empty);
        let again = ask(&mut ca, CrlDefect::Expired);
        assert!(Arc::ptr_eq(&expired.bytes, &again.bytes));
        assert_ne!(expired.bytes, right.bytes);
        assert!(empty.bytes.is_empty());
        let changes = [right.change, expired.change, empty.change];
        assert!(changes[0] != changes[1] && changes[1] != changes[2]);
        assert_eq!(expired.change, again.change);
    }

    #[test]
    fn a_spoilt_certificate_is_served_where_the_certificate_is_and_nowhere_else() {
        let ca = ca();
        let [base, own] =
            [&ca.locations.lists[0].base_url, &ca.locations.certificate_url].map(asking_for);
        let spoilt = |request, defects: &[_]| ca.spoilt_certificate(request, defects);
        let pem = spoilt(&own, &[IssuerDefect::Pem]).unwrap();
        assert!(pem.bytes.starts_with(b"-----BEGIN CERTIFICATE-----"));
        assert_ne!(pem.change, spoilt(&own, &[IssuerDefect::P7c]).unwrap().change);
        assert_eq!(spoilt(&own, &[]), None);
        assert_eq!(spoilt(&base, &[IssuerDefect::Pem]), None);
    }

    #[test]
    fn what_does_not_touch_the_file_leaves_it_to_the_web_site() {
        let mut ca = ca();
        let [base, delta, issuer] = [
            &ca.locations.lists[0].base_url,
            &ca.locations.lists[0].delta_url,
            &ca.locations.issuers[0],
        ]
        .map(asking_for);
        assert_eq!(ca.spoilt_file(&base, &[CrlDefect::DeltaWrongBase]), None);
        assert_eq!(ca.spoilt_file(&issuer, &[CrlDefect::Empty]), None);
        assert!(ca.spoilt_file(&delta, &[CrlDefect::DeltaWrongBase]).is_some());
    }
}
