//! From an HTTP request to an OCSP request (RFC 6960 A.1), by the ways of real servers.

use revlab_lab::Instant;
use revlab_lab::http::{Method, Request, Url};
use revlab_pki::OcspRequest;

use crate::authority::Authority;
use crate::config::{GetPath, NonceRule, Responder};
use crate::locations::below;

/// An OCSP request, and the responder's URL that it came to.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) at: Url,
    pub(crate) request: Result<OcspRequest, Refusal>,
}

/// Why no responder gets to think about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is no OCSP request, or one that the responder's rules forbid: malformedRequest.
    Malformed,
    /// The server before it answers with this status.
    Status(u16),
}

impl Authority {
    /// The OCSP request in `request`, where it is for this CA's responder and the responder is
    /// there by lab time `now`. A GET has the request below the URL, a POST in a body of the type
    /// application/ocsp-request; anything else is left to the web site.
    pub(crate) fn asked(&self, now: Instant, request: &Request) -> Option<Asked> {
        let responder = self.config.responder.as_ref()?;
        if responder.from.is_some_and(|from| now < from) {
            return None;
        }
        let urls = responder.at.as_ref().unwrap_or(&self.config.aia.ocsp);
        urls.iter().find_map(|url| {
            let request = read(responder, below(url, &request.url)?, request)?;
            let request = request.and_then(|request| demand(responder.nonce, request));
            Some(Asked { at: url.clone(), request })
        })
    }
}

fn read(
    responder: &Responder,
    rest: &str,
    request: &Request,
) -> Option<Result<OcspRequest, Refusal>> {
    match request.method {
        Method::Get | Method::Head if !rest.is_empty() => Some(match responder.methods.get {
            true => read_path(responder.get, rest, request),
            false => Err(Refusal::Status(405)),
        }),
        Method::Post if rest.is_empty() => {
            let kind = request.header("Content-Type")?.split(';').next()?.trim();
            let is_ocsp = kind.eq_ignore_ascii_case("application/ocsp-request");
            is_ocsp.then(|| match responder.methods.post {
                true => OcspRequest::parse(&request.body).map_err(|_| Refusal::Malformed),
                false => Err(Refusal::Status(405)),
            })
        }
        _ => None,
    }
}

fn read_path(get: GetPath, rest: &str, request: &Request) -> Result<OcspRequest, Refusal> {
    if get.max_url.is_some_and(|max| request.url.as_str().len() > max as usize) {
        return Err(Refusal::Status(414));
    }
    if get.refuse_encoded_slash && rest.to_ascii_lowercase().contains("%2f") {
        return Err(Refusal::Status(404));
    }
    let mut path = rest.to_owned();
    if get.merge_slashes {
        while path.contains("//") {
            path = path.replace("//", "/");
        }
    }
    if get.plus_as_space {
        path = path.replace('+', " ");
    }
    OcspRequest::from_path(&path).map_err(|_| Refusal::Malformed)
}

/// RFC 9654 §2.1: a nonce has 1 to 128 octets, and anything else makes the request malformed.
fn demand(rule: NonceRule, request: OcspRequest) -> Result<OcspRequest, Refusal> {
    let sound = match (rule, &request.nonce) {
        (NonceRule::Ignore, _) | (NonceRule::Echo, None) => true,
        (NonceRule::Demand, None) => false,
        (_, Some(_)) => request.nonce_octets().is_some_and(|octets| (1..=128).contains(&octets)),
    };
    if sound { Ok(request) } else { Err(Refusal::Malformed) }
}

#[cfg(test)]
mod tests {
    use revlab_lab::Span;
    use revlab_pki::{CertId, CertIdHash};

    use super::*;
    use crate::config::Methods;

    fn usual() -> Responder {
        Responder::valid_for(Span::from_hours(1))
    }

    /// One whose base64 form has `//` and `+` in it.
    fn request() -> OcspRequest {
        OcspRequest::of(CertId {
            hash: CertIdHash::Sha1,
            issuer_name_hash: [[0xfb; 10], [0xff; 10]].concat(),
            issuer_key_hash: vec![0xff; 20],
            serial: vec![0x7f, 0xef],
        })
    }

    fn get(path: &str) -> Request {
        Request::get(format!("http://host/ocsp{path}").parse().unwrap())
    }

    /// The path with everything escaped, and as it is.
    fn forms() -> (String, String) {
        let url = request().url(&"http://host/ocsp".parse().unwrap()).unwrap();
        let escaped = url.path().strip_prefix("/ocsp").unwrap().to_owned();
        let raw = escaped.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
        (escaped, raw)
    }

    fn read_by(responder: &Responder, path: &str) -> Result<OcspRequest, Refusal> {
        read(responder, path, &get(path)).unwrap()
    }

    #[test]
    fn the_usual_server_takes_escaped_and_raw_paths() {
        let (escaped, raw) = forms();
        assert!(raw.contains("//") && raw.contains('+'), "{raw}");
        for path in [escaped, raw] {
            assert_eq!(read_by(&usual(), &path), Ok(request()), "{path}");
        }
    }

    #[test]
    fn each_quirk_spoils_the_form_that_it_meets_and_no_other() {
        let (escaped, raw) = forms();
        let merging = GetPath { merge_slashes: true, ..GetPath::default() };
        let spacing = GetPath { plus_as_space: true, ..GetPath::default() };
        let refusing = GetPath { refuse_encoded_slash: true, ..GetPath::default() };
        let by = |get, path| read_by(&Responder { get, ..usual() }, path);
        assert_eq!(by(merging, &raw), Err(Refusal::Malformed));
        assert_eq!(by(merging, &escaped), Ok(request()));
        assert_eq!(by(spacing, &raw), Err(Refusal::Malformed));
        assert_eq!(by(spacing, &escaped), Ok(request()));
        assert_eq!(by(refusing, &raw), Ok(request()));
        assert_eq!(by(refusing, &escaped), Err(Refusal::Status(404)));
    }

    #[test]
    fn a_limit_counts_the_bytes_of_the_whole_url() {
        let (escaped, _) = forms();
        let length = "http://host/ocsp".len() + escaped.len();
        let limited = |max| {
            let get = GetPath { max_url: Some(max as u32), ..GetPath::default() };
            read_by(&Responder { get, ..usual() }, &escaped)
        };
        assert_eq!(limited(length), Ok(request()));
        assert_eq!(limited(length - 1), Err(Refusal::Status(414)));
    }

    #[test]
    fn a_method_that_is_not_taken_is_answered_405() {
        let (escaped, _) = forms();
        let by_post = Request {
            method: Method::Post,
            headers: vec![("content-type".to_owned(), "application/ocsp-request".to_owned())],
            body: request().der(),
            ..get("")
        };
        let only = |get, post| Responder { methods: Methods { get, post }, ..usual() };
        assert_eq!(read_by(&only(false, true), &escaped), Err(Refusal::Status(405)));
        assert_eq!(read(&only(false, true), "", &by_post), Some(Ok(request())));
        assert_eq!(read(&only(true, false), "", &by_post), Some(Err(Refusal::Status(405))));
    }

    #[test]
    fn a_demanded_nonce_has_1_to_128_octets() {
        let with = |octets: usize| {
            let nonce = match octets {
                0..=127 => [vec![4, octets as u8], vec![7; octets]].concat(),
                _ => [vec![4, 0x81, octets as u8], vec![7; octets]].concat(),
            };
            OcspRequest { nonce: Some(nonce), ..request() }
        };
        let raw = OcspRequest { nonce: Some(vec![1, 2, 3]), ..request() };
        for rule in [NonceRule::Echo, NonceRule::Demand] {
            let sound = |request: OcspRequest| demand(rule, request).is_ok();
            assert_eq!([1, 128].map(|n| sound(with(n))), [true; 2]);
            assert_eq!([0, 129].map(|n| sound(with(n))), [false; 2]);
            assert!(!sound(raw.clone()));
        }
        assert!(demand(NonceRule::Demand, request()).is_err());
        assert!(demand(NonceRule::Echo, request()).is_ok());
        assert!(demand(NonceRule::Ignore, with(129)).is_ok());
    }
}
