//! Where a CA's files are and what its certificates say about that (fact sheet §4.4, §4.5).

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use revlab_lab::http::{Method, Request, Url, UrlError};
use revlab_lab::trace::Purpose;

use crate::config::CaConfig;
use crate::site_name;
use crate::web_site::same_path;

/// What cannot stand in the path of a URL as it is (RFC 3986 §3.3, and `%` itself).
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Where the files of one list of revocations are: a CA has one unless it divides its certificates.
#[derive(Clone, Debug)]
pub(crate) struct ListLocation {
    /// Path of the base CRL, decoded, up to what tells one file from another: `/CertEnroll/XXX-CA`.
    stem: String,
    /// Path of the base CRL, decoded.
    pub(crate) base_path: String,
    /// Path of the delta CRL, decoded.
    pub(crate) delta_path: String,
    /// URL of the base CRL's file.
    pub(crate) base_url: Url,
    /// URL of the delta CRL's file.
    pub(crate) delta_url: Url,
}

/// A CRL that is not the newest of its URL, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OtherCrl {
    /// `XXX-CA_42.crl`, or with a `+` the delta of that number.
    Archived {
        /// Its CRL number.
        number: u64,
        /// Base or delta.
        purpose: Purpose,
    },
    /// `XXX-CA_next.crl`: the next base, beforehand.
    Next,
}

/// The files of one CA and the URLs in what it signs.
#[derive(Clone, Debug)]
pub(crate) struct Locations {
    /// Host name of the web site.
    pub(crate) host: String,
    /// Of each list of revocations; at least one.
    pub(crate) lists: Vec<ListLocation>,
    /// The URL of a copy of the base that lags behind, where it has one of its own.
    replica: Option<Url>,
    /// Path of the CA certificate, decoded.
    pub(crate) certificate_path: String,
    /// Path of the CA certificate without suffix, decoded, where the key has been renewed.
    pub(crate) older_certificate_path: Option<String>,
    /// Path, decoded, and URL of the certificate that signs CRLs in the CA's place.
    pub(crate) crl_signer: Option<(String, Url)>,
    /// URL of the CA certificate's file.
    pub(crate) certificate_url: Url,
    /// CRL distribution points of issued certificates, of those in the first list where there are
    /// several: [`Locations::cdp_of`].
    pub(crate) cdp: Vec<Url>,
    /// freshestCRL of base CRLs, of the first list where there are several:
    /// [`Locations::freshest_of`].
    pub(crate) freshest: Vec<Url>,
    /// Whether cdp and freshest are the same in all lists, since the scenario says them.
    fixed: (bool, bool),
    /// AIA caIssuers of issued certificates.
    pub(crate) issuers: Vec<Url>,
    /// AIA OCSP of issued certificates, and any other URL that this CA has ever named as OCSP.
    pub(crate) ocsp: Vec<Url>,
}

impl Locations {
    /// The locations that `config` says or leaves to AD CS.
    ///
    /// # Errors
    ///
    /// The host is not one that a URL can have.
    pub(crate) fn of(config: &CaConfig) -> Result<Locations, UrlError> {
        // Renewal with a new key gives both suffixes, %4 and %8 (fact sheet §4.4).
        let suffix = match config.key_index {
            0 => String::new(),
            index => format!("({index})"),
        };
        let ca = file_name(&config.common_name);
        let computer = file_name(&config.computer);
        let certificate_path = format!("/CertEnroll/{computer}_{ca}{suffix}.crt");
        let older_certificate_path =
            (config.key_index > 0).then(|| format!("/CertEnroll/{computer}_{ca}.crt"));
        let url = |path: &str| -> Result<Url, UrlError> {
            format!("http://{}{}", config.host, utf8_percent_encode(path, ESCAPED)).parse()
        };
        let list = |number: usize| -> Result<ListLocation, UrlError> {
            let stem = match config.publishing.partitions {
                0 | 1 => format!("/CertEnroll/{ca}{suffix}"),
                _ => format!("/CertEnroll/{ca}{suffix}_p{}", number + 1),
            };
            let (base_path, delta_path) = (format!("{stem}.crl"), format!("{stem}+.crl"));
            let (base_url, delta_url) = (url(&base_path)?, url(&delta_path)?);
            Ok(ListLocation { stem, base_path, delta_path, base_url, delta_url })
        };
        let first = list(0)?;
        let lists = (0..config.publishing.lists()).map(list).collect::<Result<Vec<_>, _>>()?;
        let certificate_url = url(&certificate_path)?;
        let signer_path = format!("/CertEnroll/{computer}_{ca}{suffix}_crl.crt");
        let crl_signer = config.publishing.signer.is_some().then(|| url(&signer_path));
        let crl_signer = crl_signer.transpose()?.map(|url| (signer_path, url));
        let with_deltas = config.crl.delta_period.is_some();
        let default_freshest = || if with_deltas { vec![first.delta_url] } else { Vec::new() };
        Ok(Locations {
            host: config.host.clone(),
            fixed: (config.cdp.is_some(), config.freshest.is_some() || !with_deltas),
            cdp: config.cdp.clone().unwrap_or_else(|| vec![first.base_url]),
            freshest: config.freshest.clone().unwrap_or_else(default_freshest),
            issuers: config.aia.issuers.clone().unwrap_or_else(|| vec![certificate_url.clone()]),
            ocsp: config.aia.ocsp.clone(),
            lists,
            replica: config.publishing.replica.as_ref().and_then(|replica| replica.url.clone()),
            certificate_path,
            older_certificate_path,
            crl_signer,
            certificate_url,
        })
    }

    /// Whether two CAs of one site would write the same CRL files.
    pub(crate) fn shares_a_list_with(&self, other: &Locations) -> bool {
        let same = |one: &ListLocation, two: &ListLocation| {
            one.base_path.eq_ignore_ascii_case(&two.base_path)
        };
        self.lists.iter().any(|one| other.lists.iter().any(|two| same(one, two)))
    }

    /// The list that a certificate belongs to: by its last octet.
    pub(crate) fn list_of(&self, serial: &[u8]) -> usize {
        usize::from(serial.last().copied().unwrap_or(0)) % self.lists.len().max(1)
    }

    /// CRL distribution points of a certificate with this serial number.
    pub(crate) fn cdp_of(&self, serial: &[u8]) -> Vec<Url> {
        match self.lists.get(self.list_of(serial)) {
            Some(list) if !self.fixed.0 => vec![list.base_url.clone()],
            _ => self.cdp.clone(),
        }
    }

    /// freshestCRL of the base CRLs of a list.
    pub(crate) fn freshest_of(&self, list: usize) -> Vec<Url> {
        match self.lists.get(list) {
            Some(list) if !self.fixed.1 => vec![list.delta_url.clone()],
            _ => self.freshest.clone(),
        }
    }

    /// The list whose base or delta a request on this CA's host asks for.
    pub(crate) fn crl(&self, request: &Request) -> Option<(usize, Purpose)> {
        self.lists.iter().enumerate().find_map(|(list, location)| {
            let base = self.is_at(&location.base_path, request).then_some(Purpose::Base);
            let delta = || self.is_at(&location.delta_path, request).then_some(Purpose::Delta);
            base.or_else(delta).map(|purpose| (list, purpose))
        })
    }

    /// The CRL of a list that a request asks for by the name of one that is not the newest.
    pub(crate) fn other_crl(&self, request: &Request) -> Option<(usize, OtherCrl)> {
        if !site_name::is_at(&self.host, &request.url) {
            return None;
        }
        let path = percent_encoding::percent_decode_str(request.url.path()).decode_utf8_lossy();
        let (stem, rest) = path.rsplit_once('_')?;
        let list = self.lists.iter().position(|list| same_path(&list.stem, stem))?;
        let rest = rest.to_ascii_lowercase();
        let name = rest.strip_suffix(".crl")?;
        if name == "next" {
            return Some((list, OtherCrl::Next));
        }
        let (digits, purpose) = match name.strip_suffix('+') {
            Some(digits) => (digits, Purpose::Delta),
            None => (name, Purpose::Base),
        };
        Some((list, OtherCrl::Archived { number: digits.parse().ok()?, purpose }))
    }

    /// Whether a request asks for the copy that lags behind at a URL of its own.
    pub(crate) fn is_replica(&self, request: &Request) -> bool {
        self.replica.as_ref().is_some_and(|url| below(url, &request.url) == Some(""))
    }

    /// Takes note of OCSP URLs that some certificate of this CA names.
    pub(crate) fn also_ocsp(&mut self, urls: &[Url]) {
        for url in urls {
            if !self.ocsp.contains(url) {
                self.ocsp.push(url.clone());
            }
        }
    }

    /// Whether a request is an OCSP request to one of these URLs: a POST to it, or a GET below it.
    /// A mis-pointed URL counts as well: it is what the client takes for a responder.
    pub(crate) fn is_ocsp(urls: &[Url], request: &Request) -> bool {
        urls.iter().any(|url| match below(url, &request.url) {
            Some("") => request.method == Method::Post,
            Some(_) => request.method != Method::Post,
            None => false,
        })
    }

    /// The file that a request on this CA's host asks for.
    pub(crate) fn file(&self, request: &Request) -> Option<Purpose> {
        let crl = self.crl(request).map(|(_, purpose)| purpose);
        let signer = self.crl_signer.iter().map(|(path, _)| path);
        let mut certificates = std::iter::once(&self.certificate_path).chain(signer);
        let certificate =
            || certificates.any(|path| self.is_at(path, request)).then_some(Purpose::Issuer);
        crl.or_else(certificate).or_else(|| self.is_replica(request).then_some(Purpose::Base))
    }

    /// The same of the `.crt` from before the renewal of its key.
    pub(crate) fn older_file(&self, request: &Request) -> Option<Purpose> {
        let path = self.older_certificate_path.as_deref()?;
        self.is_at(path, request).then_some(Purpose::Issuer)
    }

    fn is_at(&self, file: &str, request: &Request) -> bool {
        let path = percent_encoding::percent_decode_str(request.url.path()).decode_utf8_lossy();
        site_name::is_at(&self.host, &request.url) && same_path(file, &path)
    }

    /// What a URL is meant for by the certificates and CRLs that name it, wherever it leads.
    pub(crate) fn named(&self, request: &Request) -> Option<Purpose> {
        let named = [
            (&self.cdp, Purpose::Base),
            (&self.freshest, Purpose::Delta),
            (&self.issuers, Purpose::Issuer),
            (&self.ocsp, Purpose::Ocsp),
        ];
        let same = |url: &Url| below(url, &request.url) == Some("");
        named.into_iter().find(|(urls, _)| urls.iter().any(same)).map(|(_, purpose)| purpose)
    }
}

/// What `url` has below `root`: "" for the same resource, `/MFEw…` for one below it; `None` where
/// it is elsewhere. Hosts and the root's path compare without regard to case, as IIS does.
pub(crate) fn below<'a>(root: &Url, url: &'a Url) -> Option<&'a str> {
    if !root.host().eq_ignore_ascii_case(url.host()) || root.port() != url.port() {
        return None;
    }
    let (stem, path) = (root.path().trim_end_matches('/'), url.path());
    let (start, rest) = path.split_at_checked(stem.len())?;
    let rest = if rest == "/" { "" } else { rest };
    (start.eq_ignore_ascii_case(stem) && (rest.is_empty() || rest.starts_with('/'))).then_some(rest)
}

/// A name as AD CS puts it into file names (§4.4, %7): what files cannot be called becomes `!` and
/// four hex digits. The set is inferred.
fn file_name(name: &str) -> String {
    let mut safe = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_control() || "\"*/:<>?\\|!#%+".contains(c) {
            safe.push_str(&format!("!{:04x}", u32::from(c)));
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample;

    fn get(url: &str) -> Request {
        Request::get(url.parse().unwrap())
    }

    fn post(url: &str) -> Request {
        Request { method: Method::Post, ..get(url) }
    }

    #[test]
    fn files_are_called_as_in_the_incident() {
        let locations = Locations::of(&sample::issuing()).unwrap();
        let host = "http://win-msprl0t325o/CertEnroll";
        assert_eq!(locations.cdp, [format!("{host}/XXX-CA(1).crl").parse().unwrap()]);
        assert_eq!(locations.freshest, [format!("{host}/XXX-CA(1)+.crl").parse().unwrap()]);
        let crt = format!("{host}/WIN-MSPRL0T325O_XXX-CA(1).crt");
        assert_eq!(locations.issuers, [crt.parse().unwrap()]);
        let first = Locations::of(&CaConfig { key_index: 0, ..sample::issuing() }).unwrap();
        assert_eq!(first.lists[0].delta_path, "/CertEnroll/XXX-CA+.crl");
        assert_eq!(first.certificate_path, "/CertEnroll/WIN-MSPRL0T325O_XXX-CA.crt");
        assert_eq!(locations.older_certificate_path, Some(first.certificate_path));
        assert_eq!(first.older_certificate_path, None);
    }

    #[test]
    fn without_deltas_nothing_points_to_one() {
        let mut config = sample::issuing();
        config.crl.delta_period = None;
        assert!(Locations::of(&config).unwrap().freshest.is_empty());
    }

    #[test]
    fn below_a_mis_pointed_url_is_ocsp_and_the_file_itself_is_not() {
        let mut config = sample::issuing();
        let crt = "http://win-msprl0t325o/CertEnroll/WIN-MSPRL0T325O_XXX-CA(1).crt";
        config.aia.ocsp = vec![crt.parse().unwrap()];
        let locations = Locations::of(&config).unwrap();
        let is_ocsp = |request: &Request| Locations::is_ocsp(&locations.ocsp, request);
        assert!(is_ocsp(&get(&format!("{crt}/MFEwTzBN"))));
        assert!(is_ocsp(&post(crt)));
        assert!(!is_ocsp(&get(crt)));
        assert_eq!(locations.file(&get(crt)), Some(Purpose::Issuer));
        assert!(!is_ocsp(&get("http://elsewhere/CertEnroll/WIN-MSPRL0T325O_XXX-CA(1).crt/MFEw")));
    }

    #[test]
    fn below_compares_hosts_and_stems_without_regard_to_case() {
        let root: Url = "http://Host/ocsp/".parse().unwrap();
        let of = |url: &str| below(&root, &url.parse().unwrap()).map(str::to_owned);
        assert_eq!(of("http://host/OCSP"), Some(String::new()));
        assert_eq!(of("http://host/ocsp/"), Some(String::new()));
        assert_eq!(of("http://host/ocsp/MFEw"), Some("/MFEw".to_owned()));
        assert_eq!(of("http://host/ocsp2"), None);
        assert_eq!(of("http://host:8080/ocsp"), None);
    }

    #[test]
    fn a_url_counts_for_what_names_it_wherever_it_leads() {
        let mut config = sample::issuing();
        config.cdp = Some(vec!["http://nowhere/a.crl".parse().unwrap()]);
        let locations = Locations::of(&config).unwrap();
        assert_eq!(locations.named(&get("http://nowhere/a.crl")), Some(Purpose::Base));
        assert_eq!(locations.named(&get("http://nowhere/b.crl")), None);
        assert_eq!(locations.file(&get("http://nowhere/CertEnroll/XXX-CA(1).crl")), None);
    }

    proptest! {
        #[test]
        fn every_common_name_makes_urls_that_lead_to_its_files(name in ".{1,40}") {
            let config = CaConfig { common_name: name, ..sample::issuing() };
            let locations = Locations::of(&config).unwrap();
            let request = Request::get(locations.lists[0].base_url.clone());
            prop_assert_eq!(locations.file(&request), Some(Purpose::Base));
        }
    }
}
