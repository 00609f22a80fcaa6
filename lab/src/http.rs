//! Requests and replies as data, and the URLs of the lab.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An absolute URL, kept byte for byte as certificates carry it. It names a host, unless it is one of
/// a directory (`ldap:///CN=…`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Url {
    text: Arc<str>,
    scheme_end: usize,
    path_start: usize,
}

impl Url {
    /// The whole URL.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `http`, `https`, `ldap` …
    pub fn scheme(&self) -> &str {
        &self.text[..self.scheme_end]
    }

    /// Host and, where given, port: `win-msprl0t325o` or `127.0.0.1:8080`.
    pub fn authority(&self) -> &str {
        &self.text[self.scheme_end + 3..self.path_start]
    }

    /// The host alone, as written; empty where the client knows its directory (`ldap:///CN=…`).
    pub fn host(&self) -> &str {
        let authority = self.authority();
        match authority.rfind(':') {
            Some(i) if authority[i + 1..].bytes().all(|b| b.is_ascii_digit()) => &authority[..i],
            _ => authority,
        }
    }

    /// The port, by the scheme where none is given.
    pub fn port(&self) -> u16 {
        let authority = self.authority();
        let written = authority.rfind(':').and_then(|i| authority[i + 1..].parse().ok());
        written.unwrap_or(if self.scheme() == "https" { 443 } else { 80 })
    }

    /// Path and query as sent in a request line; `/` where the URL has no path.
    pub fn path_and_query(&self) -> &str {
        let rest = &self.text[self.path_start..];
        if rest.is_empty() { "/" } else { rest }
    }

    /// Path without the query.
    pub fn path(&self) -> &str {
        let whole = self.path_and_query();
        whole.split_once('?').map_or(whole, |(path, _)| path)
    }
}

/// The text is not an absolute URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an absolute URL such as `http://host/path`")]
pub struct UrlError {
    text: String,
}

/// RFC 4516 §2: the client knows which directory to ask. AD CS writes such URLs unless told otherwise.
const LDAP_WITHOUT_HOST: &str = "ldap:///";

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Url, UrlError> {
        let bad = || UrlError { text: text.to_owned() };
        if text.starts_with(LDAP_WITHOUT_HOST) && text.is_ascii() {
            let path_start = LDAP_WITHOUT_HOST.len() - 1;
            return Ok(Url { text: Arc::from(text), scheme_end: "ldap".len(), path_start });
        }
        let uri: http::Uri = text.parse().map_err(|_| bad())?;
        let scheme = uri.scheme_str().ok_or_else(bad)?;
        let authority = uri.authority().filter(|a| !a.host().is_empty()).ok_or_else(bad)?;
        let path_start = scheme.len() + 3 + authority.as_str().len();
        Ok(Url { text: Arc::from(text), scheme_end: scheme.len(), path_start })
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({})", self.text)
    }
}

impl Serialize for Url {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Url, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The methods that revocation clients use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// RFC 9110 §9.3.1.
    Get,
    /// RFC 9110 §9.3.2.
    Head,
    /// RFC 9110 §9.3.3.
    Post,
    /// Any other: servers of the lab answer 501 to it.
    Other,
}

impl Method {
    /// As in a request line.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Other => "OTHER",
        }
    }
}

/// A request to a CA endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// GET or POST, in practice.
    pub method: Method,
    /// Where to, with the host of the certificate's URL.
    pub url: Url,
    /// Header fields in order; `Host` is implied by `url`.
    pub headers: Vec<(String, String)>,
    /// Empty for a GET.
    pub body: Vec<u8>,
}

impl Request {
    /// A GET without further header fields.
    pub fn get(url: Url) -> Request {
        Request { method: Method::Get, url, headers: Vec::new(), body: Vec::new() }
    }

    /// The value of a header field; names compare without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

/// A server's reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// IIS sub-status (`404.11`: 11). Not on the wire; kept for the server's log.
    pub substatus: u16,
    /// Header fields in order, without `Content-Length` and `Date`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Arc<[u8]>,
}

impl Reply {
    /// The value of a header field; names compare without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
}

/// Why a request got no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FetchError {
    /// The host's name does not resolve.
    NameNotResolved,
    /// Nothing listens on the port.
    ConnectionRefused,
    /// The peer reset the connection.
    ConnectionReset,
    /// The server's certificate is not to be trusted.
    SecureFailure,
    /// No complete answer within the time allowed.
    TimedOut,
    /// What came back is not HTTP, or ended early.
    BadReply,
}

impl FetchError {
    /// WinHTTP's number for it, as CAPI2 events show it (hex).
    pub fn winhttp(self) -> u32 {
        match self {
            FetchError::NameNotResolved => 0x2EE7,
            FetchError::ConnectionRefused => 0x2EFD,
            FetchError::ConnectionReset => 0x2EFE,
            FetchError::SecureFailure => 0x2F8F,
            FetchError::TimedOut => 0x2EE2,
            FetchError::BadReply => 0x2F78,
        }
    }

    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            FetchError::NameNotResolved => "name not resolved",
            FetchError::ConnectionRefused => "connection refused",
            FetchError::ConnectionReset => "connection reset",
            FetchError::SecureFailure => "certificate not trusted",
            FetchError::TimedOut => "timed out",
            FetchError::BadReply => "bad reply",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_and_kept_as_written() {
        let url: Url = "http://win-msprl0t325o/CertEnroll/XXX-CA(1)+.crl".parse().unwrap();
        assert_eq!(url.host(), "win-msprl0t325o");
        assert_eq!(url.port(), 80);
        assert_eq!(url.path(), "/CertEnroll/XXX-CA(1)+.crl");
        assert_eq!(url.to_string(), "http://win-msprl0t325o/CertEnroll/XXX-CA(1)+.crl");
        let url: Url = "https://127.0.0.1:8443/x?y=1".parse().unwrap();
        assert_eq!((url.host(), url.port(), url.path()), ("127.0.0.1", 8443, "/x"));
        assert_eq!(url.path_and_query(), "/x?y=1");
        let url: Url = "ldap:///CN=XXX-CA,CN=CDP?certificateRevocationList?base".parse().unwrap();
        assert_eq!((url.scheme(), url.host(), url.path()), ("ldap", "", "/CN=XXX-CA,CN=CDP"));
    }

    #[test]
    fn what_is_not_absolute_is_refused() {
        for text in [
            "",
            "/path",
            "host",
            "http://",
            "http:///x",
            "http://a b/",
            "ldap:///CN=é",
            "file:///x",
        ] {
            assert!(text.parse::<Url>().is_err(), "{text}");
        }
    }
}
