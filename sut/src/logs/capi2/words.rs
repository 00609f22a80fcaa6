//! How CAPI2 events write durations, times and references to objects.

use std::collections::BTreeMap;
use std::fmt::Write;

use revlab_lab::Span;
use revlab_lab::trace::{Layer, Purpose};

use super::objects::Object;
use crate::logs::xml::Xml;

/// The time budgets in force, from the trace's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Budgets {
    /// For one URL (`url_timeout`).
    pub(super) url: Span,
    /// For a whole check (`accumulative_timeout`).
    pub(super) check: Span,
}

impl Default for Budgets {
    /// The documented defaults (fact sheet §2.2).
    fn default() -> Budgets {
        Budgets { url: Span::from_secs(15), check: Span::from_secs(20) }
    }
}

impl Budgets {
    /// What a resolved profile says; the default where it says nothing.
    pub(super) fn of(profile: &BTreeMap<String, serde_json::Value>) -> Budgets {
        let span = |name: &str| profile.get(name)?.as_str()?.parse::<Span>().ok();
        let default = Budgets::default();
        Budgets {
            url: span("url_timeout").unwrap_or(default.url),
            check: span("accumulative_timeout").unwrap_or(default.check),
        }
    }
}

/// An ISO 8601 duration: `PT15S`, `PT19.570S`, `P1DT2H`. Negative spans count as zero.
pub(super) fn duration(span: Span) -> String {
    let millis = span.as_millis().max(0);
    let (days, hours, minutes) =
        (millis / 86_400_000, millis / 3_600_000 % 24, millis / 60_000 % 60);
    let (seconds, rest) = (millis / 1000 % 60, millis % 1000);
    let mut text = String::from("P");
    // Writing to a String cannot fail.
    if days > 0 {
        let _ = write!(text, "{days}D");
    }
    let date = text.len();
    text.push('T');
    for (value, unit) in [(hours, 'H'), (minutes, 'M')] {
        if value > 0 {
            let _ = write!(text, "{value}{unit}");
        }
    }
    if rest > 0 {
        let _ = write!(text, "{seconds}.{rest:03}S");
    } else if seconds > 0 || text.len() == 2 {
        let _ = write!(text, "{seconds}S");
    } else if text.len() == date + 1 {
        text.truncate(date);
    }
    text
}

/// The name of a cache layer as event 41 has it. `TvoCache` and `UrlCache` are reported, the others
/// inferred.
pub(super) fn location(layer: Layer) -> &'static str {
    match layer {
        Layer::Memory => "TvoCache",
        Layer::Disk => "UrlCache",
        Layer::Store => "CertStore",
        Layer::Wire => "Wire",
        Layer::Staple => "Stapled",
    }
}

/// The element that stands for an object of this purpose.
pub(super) fn element(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Base | Purpose::Delta => "CertificateRevocationList",
        Purpose::Ocsp => "OCSPResponse",
        Purpose::Issuer => "Certificate",
    }
}

/// wincrypt.h's name and number for what is retrieved.
pub(super) fn context(purpose: Purpose) -> (&'static str, &'static str) {
    match purpose {
        Purpose::Base | Purpose::Delta => ("CONTEXT_OID_CRL", "2"),
        Purpose::Ocsp => ("CONTEXT_OID_OCSP_RESP", "6"),
        Purpose::Issuer => ("CONTEXT_OID_CERTIFICATE", "1"),
    }
}

/// The scheme of a URL, as the `scheme` attribute has it.
pub(super) fn scheme(url: &str) -> &str {
    url.split_once("://").map_or("", |(scheme, _)| scheme)
}

/// The object's element: where it was found, its URL where `url` asks for it, the file that Windows
/// dumps it to (`SHA1.crl`), and its issuer.
pub(super) fn reference(xml: &mut Xml, object: &Object<'_>, layer: Option<Layer>, url: bool) {
    let ending = match object.purpose {
        Purpose::Base | Purpose::Delta => "crl",
        Purpose::Ocsp => "bin",
        Purpose::Issuer => "cer",
    };
    let file = object.sha1.map(|sha1| format!("{}.{ending}", sha1.to_uppercase()));
    let mut attributes = Vec::with_capacity(4);
    attributes.extend(layer.map(|layer| ("location", location(layer))));
    attributes.extend(url.then_some(("url", object.url)));
    attributes.extend(file.as_deref().map(|file| ("fileRef", file)));
    attributes.extend(object.issuer.map(|issuer| ("issuerName", issuer)));
    xml.empty(element(object.purpose), &attributes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_iso_8601_with_the_fraction_only_where_there_is_one() {
        for (millis, text) in [
            (15_000, "PT15S"),
            (19_570, "PT19.570S"),
            (0, "PT0S"),
            (-5, "PT0S"),
            (3_600_000, "PT1H"),
            (93_784_005, "P1DT2H3M4.005S"),
            (86_400_000, "P1D"),
            (60_000, "PT1M"),
        ] {
            assert_eq!(duration(Span::from_millis(millis)), text);
        }
    }

    #[test]
    fn budgets_are_those_of_the_profile_and_else_the_documented_defaults() {
        let profile = BTreeMap::from([("url_timeout".to_owned(), "5s".into())]);
        let budgets = Budgets::of(&profile);
        assert_eq!((budgets.url, budgets.check), (Span::from_secs(5), Span::from_secs(20)));
    }
}
