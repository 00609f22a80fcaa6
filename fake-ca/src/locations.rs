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
    /// Path of the CA certificate without suffix, decoded, where the scenario tells of a renewal by
    /// the index of the key.
    pub(crate) relic_path: Option<String>,
    /// Paths of the CA's certificates before its newest, decoded, oldest first.
    pub(crate) older_certificate_paths: Vec<String>,
    /// Path, decoded, and URL of the certificates that sign CRLs in the CA's place, for each of its
    /// keys one, where it has them.
    pub(crate) crl_signers: Vec<(String, Url)>,
    /// Path, decoded, and URL of the file with its certificate and its cross-certificates, where it
    /// has some.
    pub(crate) bundle: Option<(String, Url)>,
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
    /// Into how many lists the certificates of a key are divided.
    partitions: usize,
    /// Whether AIA caIssuers is what the scenario says.
    fixed_issuers: bool,
    /// AIA caIssuers of issued certificates.
    pub(crate) issuers: Vec<Url>,
    /// Where its own certificate says that its cross-certificates are.
    cross_points: Vec<Url>,
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
        let names = FileNames::of(config);
        let index = config.key_index;
        let lists = names.lists(index)?;
        let first = names.list(index, 0)?;
        let certificate_path = names.certificate(index);
        let certificate_url = names.url(&certificate_path)?;
        let with_deltas = config.crl.delta_period.is_some();
        let default_freshest = || if with_deltas { vec![first.delta_url] } else { Vec::new() };
        Ok(Locations {
            host: config.host.clone(),
            fixed: (config.cdp.is_some(), config.freshest.is_some() || !with_deltas),
            partitions: lists.len().max(1),
            fixed_issuers: config.aia.issuers.is_some(),
            cdp: config.cdp.clone().unwrap_or_else(|| vec![first.base_url]),
            freshest: config.freshest.clone().unwrap_or_else(default_freshest),
            issuers: config.aia.issuers.clone().unwrap_or_else(|| vec![certificate_url.clone()]),
            cross_points: config.own.cross_points.iter().flat_map(|p| p.urls.clone()).collect(),
            ocsp: config.aia.ocsp.clone(),
            lists,
            replica: config.publishing.replica.as_ref().and_then(|replica| replica.url.clone()),
            certificate_path,
            relic_path: (index > 0).then(|| names.certificate(0)),
            older_certificate_paths: Vec::new(),
            bundle: names.bundle()?,
            crl_signers: names.crl_signer(index)?.into_iter().collect(),
            certificate_url,
        })
    }

    /// The CA has a new certificate with this index, and a new key or the one that it had.
    ///
    /// # Errors
    ///
    /// As [`Locations::of`].
    pub(crate) fn renew(
        &mut self,
        config: &CaConfig,
        index: u16,
        with_new_key: bool,
    ) -> Result<(), UrlError> {
        let names = FileNames::of(config);
        let path = names.certificate(index);
        let url = names.url(&path)?;
        if with_new_key {
            self.lists.extend(names.lists(index)?);
            self.crl_signers.extend(names.crl_signer(index)?);
        }
        self.certificate_url = url;
        let before = std::mem::replace(&mut self.certificate_path, path);
        self.older_certificate_paths.push(before);
        Ok(())
    }

    /// AIA caIssuers of what a key issues whose newest certificate is there.
    pub(crate) fn issuers_of(&self, certificate: Option<&Url>) -> Vec<Url> {
        match certificate {
            Some(url) if !self.fixed_issuers => {
                let bundle = self.bundle.iter().map(|(_, url)| url);
                std::iter::once(url).chain(bundle).cloned().collect()
            }
            _ => self.issuers.clone(),
        }
    }

    /// Whether two CAs of one site would write the same CRL files.
    pub(crate) fn shares_a_list_with(&self, other: &Locations) -> bool {
        let same = |one: &ListLocation, two: &ListLocation| {
            one.base_path.eq_ignore_ascii_case(&two.base_path)
        };
        self.lists.iter().any(|one| other.lists.iter().any(|two| same(one, two)))
    }

    /// Which of the lists of its key a certificate belongs to: by its last octet.
    pub(crate) fn partition_of(&self, serial: &[u8]) -> usize {
        usize::from(serial.last().copied().unwrap_or(0)) % self.partitions
    }

    /// CRL distribution points of a certificate with this serial number, by the key at that position.
    pub(crate) fn cdp_of(&self, key: usize, serial: &[u8]) -> Vec<Url> {
        match self.lists.get(key * self.partitions + self.partition_of(serial)) {
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
        let signer = self.crl_signers.iter().map(|(path, _)| path);
        let bundle = self.bundle.iter().map(|(path, _)| path);
        let own = std::iter::once(&self.certificate_path);
        let mut certificates = own.chain(signer).chain(bundle);
        let certificate =
            || certificates.any(|path| self.is_at(path, request)).then_some(Purpose::Issuer);
        crl.or_else(certificate).or_else(|| self.is_replica(request).then_some(Purpose::Base))
    }

    /// The path of the `.crt` from before a renewal that a request asks for.
    pub(crate) fn older_file(&self, request: &Request) -> Option<&String> {
        let mut paths = self.relic_path.iter().chain(&self.older_certificate_paths);
        paths.find(|path| self.is_at(path, request))
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
            (&self.cross_points, Purpose::Issuer),
            (&self.ocsp, Purpose::Ocsp),
        ];
        let same = |url: &Url| below(url, &request.url) == Some("");
        named.into_iter().find(|(urls, _)| urls.iter().any(same)).map(|(_, purpose)| purpose)
    }
}

/// The file with a CA's cross-certificates; none: it has none, or a host that no URL can have.
pub(crate) fn bundle_url(config: &CaConfig) -> Option<Url> {
    FileNames::of(config).bundle().ok().flatten().map(|(_, url)| url)
}

/// What the files of a CA are called (fact sheet §4.4).
struct FileNames<'a> {
    config: &'a CaConfig,
    ca: String,
    computer: String,
}

impl FileNames<'_> {
    fn of(config: &CaConfig) -> FileNames<'_> {
        let (ca, computer) = (file_name(&config.common_name), file_name(&config.computer));
        FileNames { config, ca, computer }
    }

    fn url(&self, path: &str) -> Result<Url, UrlError> {
        format!("http://{}{}", self.config.host, utf8_percent_encode(path, ESCAPED)).parse()
    }

    /// The `.crt` of the certificate with this index: suffix %4.
    fn certificate(&self, index: u16) -> String {
        format!("/CertEnroll/{}_{}{}.crt", self.computer, self.ca, suffix(index))
    }

    /// The lists of the key with this index: suffix %8.
    fn lists(&self, index: u16) -> Result<Vec<ListLocation>, UrlError> {
        (0..self.config.publishing.lists()).map(|number| self.list(index, number)).collect()
    }

    fn list(&self, index: u16, number: usize) -> Result<ListLocation, UrlError> {
        let (ca, suffix) = (&self.ca, suffix(index));
        let stem = match self.config.publishing.partitions {
            0 | 1 => format!("/CertEnroll/{ca}{suffix}"),
            _ => format!("/CertEnroll/{ca}{suffix}_p{}", number + 1),
        };
        let (base_path, delta_path) = (format!("{stem}.crl"), format!("{stem}+.crl"));
        let (base_url, delta_url) = (self.url(&base_path)?, self.url(&delta_path)?);
        Ok(ListLocation { stem, base_path, delta_path, base_url, delta_url })
    }

    /// All its certificates, where there are several.
    fn bundle(&self) -> Result<Option<(String, Url)>, UrlError> {
        if self.config.cross.is_empty() {
            return Ok(None);
        }
        let path = format!("/CertEnroll/{}_{}.p7c", self.computer, self.ca);
        Ok(Some((path.clone(), self.url(&path)?)))
    }

    /// The certificate that signs the CRLs of the key with this index in its place.
    fn crl_signer(&self, index: u16) -> Result<Option<(String, Url)>, UrlError> {
        if self.config.publishing.signer.is_none() {
            return Ok(None);
        }
        let (ca, computer) = (&self.ca, &self.computer);
        let path = format!("/CertEnroll/{computer}_{ca}{}_crl.crt", suffix(index));
        Ok(Some((path.clone(), self.url(&path)?)))
    }
}

/// What renewals put behind a name: nothing for the first, then `(1)`.
fn suffix(index: u16) -> String {
    match index {
        0 => String::new(),
        index => format!("({index})"),
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
        assert_eq!(locations.relic_path, Some(first.certificate_path));
        assert_eq!(first.relic_path, None);
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
