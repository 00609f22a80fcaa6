//! On which requests a fault acts.

use std::fmt;
use std::sync::Arc;

use revlab_lab::Name;
use revlab_lab::http::{Method, Request};
use revlab_lab::trace::Purpose;

/// On which of the requests to its endpoint a fault acts: those that meet all that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// With one of these purposes; empty: any.
    pub purposes: Vec<Purpose>,
    /// To a URL like this, as requested.
    pub url: Option<Pattern>,
    /// With this method.
    pub method: Option<Method>,
    /// From a client whose name or `User-Agent` is like this.
    pub client: Option<Pattern>,
    /// From a process of this account of the client; who does not tell has none.
    pub account: Option<Name>,
    /// OCSP requests about this certificate.
    pub certificate: Option<OfCertificate>,
}

/// A certificate that an OCSP request can ask about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfCertificate {
    /// The one with this serial number, big-endian without leading zeros.
    Serial(Vec<u8>),
    /// Any that the CA has issued to this common name: an identity of the scenario.
    IssuedTo(Name),
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller<'a> {
    /// The SUT in a run; the peer's address in real time.
    pub name: &'a str,
    /// The account of the process that asks, where that is known.
    pub account: Option<&'a str>,
    /// How many other requests to the CAs are under way.
    pub open: u32,
}

/// A request, with what the CAs know of it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Who asks.
    pub caller: Caller<'a>,
    /// The request.
    pub request: &'a Request,
    /// The CA and the endpoint that it is for.
    pub purpose: Option<&'a (Name, Purpose)>,
    /// The serial numbers that it asks about, where it is an OCSP request.
    pub serials: &'a [Vec<u8>],
}

/// A text in which `*` stands for any number of characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern(Arc<str>);

impl Selector {
    /// Whether it selects this request; `is_issued_to` says whether the certificate with a serial
    /// number was issued to a common name.
    pub fn selects(&self, asked: &Asked<'_>, is_issued_to: impl Fn(&str, &[u8]) -> bool) -> bool {
        let request = asked.request;
        let purpose = asked.purpose.map(|(_, purpose)| purpose);
        let agent = || request.header("User-Agent").unwrap_or_default();
        let like = |pattern: &Option<Pattern>, matches: &dyn Fn(&Pattern) -> bool| {
            pattern.as_ref().is_none_or(matches)
        };
        let about = |certificate: &OfCertificate| match certificate {
            OfCertificate::Serial(serial) => asked.serials.contains(serial),
            OfCertificate::IssuedTo(name) => asked.serials.iter().any(|s| is_issued_to(name, s)),
        };
        (self.purposes.is_empty() || purpose.is_some_and(|p| self.purposes.contains(p)))
            && self.method.is_none_or(|method| method == request.method)
            && like(&self.url, &|pattern| pattern.matches(request.url.as_str()))
            && like(&self.client, &|pattern| {
                pattern.matches(asked.caller.name) || pattern.matches(agent())
            })
            && self.account.as_deref().is_none_or(|account| asked.caller.account == Some(account))
            && self.certificate.as_ref().is_none_or(about)
    }

    /// Whether it asks about certificates, so that serial numbers have to be read.
    pub(crate) fn needs_serials(&self) -> bool {
        self.certificate.is_some()
    }
}

impl Pattern {
    /// The pattern that `text` is.
    pub fn new(text: impl Into<Arc<str>>) -> Pattern {
        Pattern(text.into())
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the whole of `text` is like this; case counts.
    pub fn matches(&self, text: &str) -> bool {
        let Some((first, rest)) = self.0.split_once('*') else { return *self.0 == *text };
        let Some(mut left) = text.strip_prefix(first) else { return false };
        let mut parts: Vec<&str> = rest.split('*').collect();
        let last = parts.pop().unwrap_or_default();
        // The leftmost place for each part leaves the most for the parts behind it.
        for part in parts {
            let Some((_, behind)) = left.split_once(part) else { return false };
            left = behind;
        }
        left.ends_with(last)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn selects(selector: &Selector, request: &Request, serials: &[Vec<u8>]) -> bool {
        let caller = Caller { name: "web", account: Some("systemprofile"), open: 0 };
        let purpose = ("issuing".into(), Purpose::Ocsp);
        let asked = Asked { caller, request, purpose: Some(&purpose), serials };
        selector.selects(&asked, |name, serial| name == "jmeter-1" && serial == [7])
    }

    fn request() -> Request {
        let mut request = Request::get("http://ca.lab/ocsp/MFEw".parse().unwrap());
        request.headers.push(("user-agent".into(), "Microsoft-CryptoAPI/6.1".into()));
        request
    }

    #[test]
    fn an_empty_selector_selects_everything() {
        assert!(selects(&Selector::default(), &request(), &[]));
    }

    #[test]
    fn all_that_is_set_has_to_fit() {
        let good = Selector {
            purposes: vec![Purpose::Base, Purpose::Ocsp],
            url: Some(Pattern::new("http://ca.lab/*")),
            method: Some(Method::Get),
            client: Some(Pattern::new("web")),
            account: Some("systemprofile".into()),
            certificate: Some(OfCertificate::Serial(vec![7])),
        };
        let about = [vec![7]];
        assert!(selects(&good, &request(), &about));
        let others = [
            Selector { purposes: vec![Purpose::Delta], ..good.clone() },
            Selector { url: Some(Pattern::new("http://ca.lab/ocsp")), ..good.clone() },
            Selector { method: Some(Method::Post), ..good.clone() },
            Selector { client: Some(Pattern::new("mail")), ..good.clone() },
            Selector { account: Some("Administrator".into()), ..good.clone() },
            Selector { certificate: Some(OfCertificate::Serial(vec![8])), ..good.clone() },
        ];
        for other in others {
            assert!(!selects(&other, &request(), &about), "{other:?}");
        }
    }

    #[test]
    fn a_client_is_known_by_its_user_agent_too() {
        let client = |text| Selector { client: Some(Pattern::new(text)), ..Selector::default() };
        assert!(selects(&client("Microsoft-CryptoAPI/*"), &request(), &[]));
        assert!(!selects(&client("curl/*"), &request(), &[]));
    }

    #[test]
    fn a_certificate_is_known_by_whom_it_was_issued_to() {
        let certificate = Some(OfCertificate::IssuedTo("jmeter-1".into()));
        let selector = Selector { certificate, ..Selector::default() };
        assert!(selects(&selector, &request(), &[vec![1], vec![7]]));
        assert!(!selects(&selector, &request(), &[vec![1]]));
    }

    #[test]
    fn a_star_stands_for_any_number_of_characters() {
        for (pattern, text, fits) in [
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c", "abc", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "acb", false),
            ("ab*bc", "abc", false),
            ("**", "x", true),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), fits, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn a_text_with_any_part_of_it_starred_out_still_fits(
            text in "[a-c]{0,12}", from in 0usize..12, length in 0usize..12
        ) {
            let from = from.min(text.len());
            let to = (from + length).min(text.len());
            let pattern = Pattern::new(format!("{}*{}", &text[..from], &text[to..]));
            prop_assert!(pattern.matches(&text));
        }
    }
}
