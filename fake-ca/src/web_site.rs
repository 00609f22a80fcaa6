//! What IIS 7.5 answers for the files of a CA (fact sheet §4.5, inferred).
//!
//! A site is the files below one host name. Paths compare as IIS compares them: percent-decoded
//! and without regard to case. The order of decisions is IIS's: request filtering, then the file,
//! then the method.

mod date;

use std::sync::Arc;

use percent_encoding::percent_decode_str;
use revlab_lab::Instant;
use revlab_lab::http::{Method, Reply, Request};

pub(crate) use date::imf_fixdate;

/// The `Server` field.
const SERVER: &str = "Microsoft-IIS/7.5";

/// What a static file can be asked, as the static file handler of IIS lists it.
const ALLOW: &str = "GET, HEAD, OPTIONS, TRACE";

/// A file below the site's root, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path, decoded: `/CertEnroll/XXX-CA(1)+.crl`.
    pub path: String,
    /// What is in it.
    pub content: Content,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
    /// When it was written, by the server's clock.
    pub modified: Instant,
    /// Tells versions apart that were written at one instant; the second part of the ETag.
    pub change: u64,
}

/// Kind of content, by its media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A CRL (RFC 2585 §4.2).
    Crl,
    /// Several in a CMS message (RFC 5280 §4.2.2.1).
    Certificates,
    /// A CA certificate, with the type that IIS has for `.crt`.
    Certificate,
}

/// What the site of these files answers.
///
/// `double_escaping` is allowDoubleEscaping: without it a path that changes when it is decoded
/// a second time, a `+` above all, is answered 404.11.
pub fn answer(files: &[File], double_escaping: bool, request: &Request) -> Reply {
    if request.method == Method::Other {
        return error_page(501, 0);
    }
    let path = percent_decode_str(request.url.path()).decode_utf8_lossy();
    if !double_escaping && is_double_escaped(&path) {
        return error_page(404, 11);
    }
    match files.iter().find(|file| same_path(&file.path, &path)) {
        None => error_page(404, 0),
        Some(_) if request.method == Method::Post => not_allowed(),
        Some(file) => serve(file, request),
    }
}

/// The short HTML page that goes with a status that is no success.
pub fn error_page(status: u16, substatus: u16) -> Reply {
    let title = reason(status);
    let text = format!(
        "<!DOCTYPE html>\r\n<html><head><title>{status} - {title}</title></head>\r\n\
         <body><h1>{status} - {title}</h1></body></html>\r\n"
    );
    let headers = vec![field("Content-Type", "text/html"), field("Server", SERVER)];
    Reply { status, substatus, headers, body: Arc::from(text.into_bytes()) }
}

/// Whether two decoded paths name one file: Windows compares without regard to case.
pub(crate) fn same_path(a: &str, b: &str) -> bool {
    a.chars().map(lower).eq(b.chars().map(lower))
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// Request filtering decodes twice and refuses what changes; a `+` may stand for a space.
fn is_double_escaped(once: &str) -> bool {
    once.contains('+') || percent_decode_str(once).decode_utf8_lossy() != once
}

fn serve(file: &File, request: &Request) -> Reply {
    let etag = etag(file);
    let headers = vec![
        field("Content-Type", file.content.media_type()),
        field("Last-Modified", &imf_fixdate(file.modified)),
        field("Accept-Ranges", "bytes"),
        field("ETag", &etag),
        field("Server", SERVER),
    ];
    if is_unchanged(request, &etag, file.modified) {
        let headers = headers.into_iter().filter(|(name, _)| name != "Content-Type").collect();
        return Reply { status: 304, substatus: 0, headers, body: Arc::from([]) };
    }
    let body = match request.method {
        Method::Get => file.bytes.clone(),
        _ => Arc::from([]),
    };
    Reply { status: 200, substatus: 0, headers, body }
}

/// RFC 9110 §13.2.2: If-None-Match decides where it is present, else If-Modified-Since.
pub(crate) fn is_unchanged(request: &Request, etag: &str, modified: Instant) -> bool {
    if let Some(tags) = request.header("If-None-Match") {
        let tags = tags.split(',').map(str::trim);
        return tags
            .map(|tag| tag.strip_prefix("W/").unwrap_or(tag))
            .any(|tag| tag == "*" || tag == etag);
    }
    let since = request.header("If-Modified-Since").and_then(date::parse_imf_fixdate);
    since.is_some_and(|since| modified.floor_to_second() <= since)
}

/// Strong, in the form of IIS: the time of writing as a FILETIME in hex, and a change number.
fn etag(file: &File) -> String {
    // A FILETIME counts 100 ns since 1601, which is 11 644 473 600 s before 1970.
    let filetime = (i128::from(file.modified.as_millis()) + 11_644_473_600_000) * 10_000;
    format!("\"{filetime:x}:{:x}\"", file.change)
}

fn not_allowed() -> Reply {
    let mut reply = error_page(405, 0);
    reply.headers.insert(0, field("Allow", ALLOW));
    reply
}

fn field(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Error",
    }
}

impl Content {
    fn media_type(self) -> &'static str {
        match self {
            Content::Crl => "application/pkix-crl",
            Content::Certificate => "application/x-x509-ca-cert",
            Content::Certificates => "application/pkcs7-mime",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WRITTEN: Instant = Instant::from_millis(1_397_645_494_250);

    fn files() -> Vec<File> {
        let file = |path: &str, content, bytes: &[u8]| File {
            path: path.to_owned(),
            content,
            bytes: Arc::from(bytes),
            modified: WRITTEN,
            change: 7,
        };
        vec![
            file("/CertEnroll/XXX-CA(1).crl", Content::Crl, b"base"),
            file("/CertEnroll/XXX-CA(1)+.crl", Content::Crl, b"delta"),
            file("/CertEnroll/WIN-MSPRL0T325O_XXX-CA.crt", Content::Certificate, b"certificate"),
        ]
    }

    fn request(method: Method, path: &str) -> Request {
        let url = format!("http://win-msprl0t325o{path}").parse().unwrap();
        Request { method, ..Request::get(url) }
    }

    fn ask(method: Method, path: &str, double_escaping: bool) -> (u16, u16) {
        let reply = answer(&files(), double_escaping, &request(method, path));
        (reply.status, reply.substatus)
    }

    #[test]
    fn a_crl_is_served_with_type_date_and_strong_etag() {
        let get = request(Method::Get, "/CertEnroll/XXX-CA(1).crl");
        let reply = answer(&files(), true, &get);
        let head: Vec<_> = reply.headers.iter().map(|(n, v)| format!("{n}: {v}")).collect();
        insta::assert_snapshot!(format!("{}\n{}", reply.status, head.join("\n")), @r#"
        200
        Content-Type: application/pkix-crl
        Last-Modified: Wed, 16 Apr 2014 10:51:34 GMT
        Accept-Ranges: bytes
        ETag: "1cf5961d54fa4a0:7"
        Server: Microsoft-IIS/7.5
        "#);
        assert_eq!(&*reply.body, b"base");
        let crt = request(Method::Get, "/CertEnroll/WIN-MSPRL0T325O_XXX-CA.crt");
        let reply = answer(&files(), true, &crt);
        assert_eq!(reply.header("content-type"), Some("application/x-x509-ca-cert"));
    }

    #[test]
    fn paths_compare_decoded_and_without_regard_to_case() {
        for path in [
            "/certenroll/xxx-ca(1).CRL",
            "/CertEnroll/XXX-CA%281%29.crl",
            "/CertEnroll/XXX-CA(1).crl?x",
        ] {
            assert_eq!(ask(Method::Get, path, false), (200, 0), "{path}");
        }
    }

    #[test]
    fn head_has_the_fields_of_get_and_no_body() {
        let path = "/CertEnroll/XXX-CA(1).crl";
        let get = answer(&files(), true, &request(Method::Get, path));
        let head = answer(&files(), true, &request(Method::Head, path));
        assert_eq!((head.status, &head.headers), (200, &get.headers));
        assert!(head.body.is_empty());
    }

    #[test]
    fn what_has_not_changed_is_not_sent_again() {
        let path = "/CertEnroll/XXX-CA(1).crl";
        let etag = etag(&files()[0]);
        let conditional = |name: &str, value: &str| {
            let mut get = request(Method::Get, path);
            get.headers.push((name.to_owned(), value.to_owned()));
            answer(&files(), true, &get).status
        };
        assert_eq!(conditional("If-None-Match", &etag), 304);
        assert_eq!(conditional("if-none-match", &format!("\"x\", W/{etag}")), 304);
        assert_eq!(conditional("If-None-Match", "*"), 304);
        assert_eq!(conditional("If-None-Match", "\"other\""), 200);
        assert_eq!(conditional("If-Modified-Since", "Wed, 16 Apr 2014 10:51:34 GMT"), 304);
        assert_eq!(conditional("If-Modified-Since", "Wed, 16 Apr 2014 10:51:33 GMT"), 200);
        assert_eq!(conditional("If-Modified-Since", "yesterday"), 200);
    }

    #[test]
    fn below_the_certificate_there_is_nothing() {
        let below = "/CertEnroll/WIN-MSPRL0T325O_XXX-CA.crt/MFEwTzBNMEswSTAJBgUrDgMCGgUABBQ";
        assert_eq!(ask(Method::Get, below, false), (404, 0));
        assert_eq!(ask(Method::Get, &format!("{below}%2Fx%3D"), false), (404, 0));
        assert_eq!(ask(Method::Get, &format!("{below}%2Bx"), false), (404, 11));
        assert_eq!(ask(Method::Get, &format!("{below}%2Bx"), true), (404, 0));
    }

    #[test]
    fn a_plus_needs_double_escaping() {
        for path in ["/CertEnroll/XXX-CA(1)+.crl", "/CertEnroll/XXX-CA(1)%2B.crl"] {
            assert_eq!(ask(Method::Get, path, true), (200, 0), "{path}");
            assert_eq!(ask(Method::Get, path, false), (404, 11), "{path}");
        }
        assert_eq!(ask(Method::Get, "/CertEnroll/XXX-CA(1)%252B.crl", false), (404, 11));
        assert_eq!(ask(Method::Get, "/CertEnroll/XXX-CA(1).crl?a+b", false), (200, 0));
    }

    #[test]
    fn a_post_to_a_file_is_not_allowed() {
        let post = request(Method::Post, "/CertEnroll/WIN-MSPRL0T325O_XXX-CA.crt");
        let reply = answer(&files(), false, &post);
        assert_eq!((reply.status, reply.header("Allow")), (405, Some(ALLOW)));
        assert_eq!(ask(Method::Post, "/ocsp", false), (404, 0));
        assert_eq!(ask(Method::Other, "/CertEnroll/XXX-CA(1).crl", false), (501, 0));
    }

    #[test]
    fn versions_written_at_one_instant_have_etags_of_their_own() {
        let [first, second] = [0, 1].map(|change| etag(&File { change, ..files().remove(0) }));
        assert_ne!(first, second);
    }

    proptest! {
        #[test]
        fn any_path_gets_an_answer(path in "/[!-~]{0,40}", double_escaping in any::<bool>()) {
            let Ok(url) = format!("http://h{path}").parse() else { return Ok(()) };
            let reply = answer(&files(), double_escaping, &Request::get(url));
            prop_assert!(matches!(reply.status, 200 | 404));
        }
    }
}
