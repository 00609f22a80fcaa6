//! `[ca.NAME.issued]` and `[ca.NAME.own]`: what certificates say besides the usual.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use revlab_fake_ca::config::{CrossPointer, Issued, Own};
use revlab_lab::Span;
use revlab_pki::{
    AccessDescription, AccessMethod, CertificateExtension, DistinguishedName, DistributionPoint,
    GeneralName, NameConstraints, PointName, ReasonFlags,
};

use super::super::source::Place;
use super::super::tree::shortened;
use super::Spec;
use super::fields::Fields;
use super::times::Sign;

#[cfg(test)]
pub(super) const SPECS: &[&Spec] = &[&ISSUED, &POINT, &OWN, &CROSS_POINTS, &EXTENSION];

const ISSUED: Spec = Spec {
    path: "ca.NAME.issued",
    keys: &["points", "freshest", "must_staple", "ocsp_no_check", "extensions"],
    kinds: &[],
};

const POINT: Spec = Spec {
    path: "ca.NAME.issued.points",
    keys: &["urls", "directory", "relative", "reasons", "crl_issuer"],
    kinds: &[],
};

const OWN: Spec = Spec {
    path: "ca.NAME.own",
    keys: &["permitted", "excluded", "constrained", "cross_points", "extensions"],
    kinds: &[],
};

const CROSS_POINTS: Spec =
    Spec { path: "ca.NAME.own.cross_points", keys: &["urls", "interval"], kinds: &[] };

const EXTENSION: Spec = Spec {
    path: "ca.NAME.issued.extensions",
    keys: &["oid", "critical", "value", "base64"],
    kinds: &[],
};

/// `access` is that of the CA's `aia`.
pub(super) fn decode(ca: &Fields<'_>, access: Option<Vec<AccessDescription>>) -> Issued {
    let Some(fields) = ca.table("issued", &ISSUED) else {
        return Issued { access, ..Issued::default() };
    };
    if fields.has("points") && ca.has("cdp") {
        fields.report("points", "they stand in place of `cdp`: only one of the two can be");
    }
    Issued {
        points: points(&fields, "points"),
        freshest: points(&fields, "freshest").unwrap_or_default(),
        access,
        must_staple: fields.boolean("must_staple").unwrap_or(false),
        ocsp_no_check: fields.boolean("ocsp_no_check").unwrap_or(false),
        extensions: extensions(&fields),
    }
}

pub(super) fn own(ca: &Fields<'_>) -> Own {
    let Some(fields) = ca.table("own", &OWN) else { return Own::default() };
    let constrained = fields.has("permitted") || fields.has("excluded");
    let constraints = || NameConstraints {
        permitted: subtrees(&fields, "permitted"),
        excluded: subtrees(&fields, "excluded"),
    };
    Own {
        name_constraints: constrained.then(constraints),
        cross_points: cross_points(ca, &fields),
        extensions: extensions(&fields),
        unconstrained: fields.boolean("constrained") == Some(false),
        ..Own::default()
    }
}

/// Key `cross_points`: where the CA's cross-certificates are.
fn cross_points(ca: &Fields<'_>, own: &Fields<'_>) -> Option<CrossPointer> {
    let fields = own.table("cross_points", &CROSS_POINTS)?;
    let urls = fields.urls("urls").unwrap_or_default();
    if urls.is_empty() && !ca.has("cross") {
        let message = "no other CA certifies this one, so nothing is there";
        own.report("cross_points", format!("{message}: give the CA `cross`, or this `urls`"));
    }
    let interval = fields.duration("interval", Sign::Positive);
    let seconds = |interval: Span| {
        let millis = interval.as_millis();
        millis % 1000 == 0 && u32::try_from(millis / 1000).is_ok()
    };
    if interval.is_some_and(|interval| !seconds(interval)) {
        fields.report("interval", "whole seconds are needed, fewer than 2^32 (about 136 years)");
    }
    Some(CrossPointer { urls, interval })
}

/// Key `access` of `[ca.NAME.aia]`.
pub(super) fn access(aia: &Fields<'_>) -> Option<Vec<AccessDescription>> {
    let texts = aia.texts("access")?;
    for key in ["ocsp", "issuers"] {
        if aia.has(key) {
            aia.report(
                "access",
                format!("it stands in place of `{key}`: only one of the two can be"),
            );
        }
    }
    Some(texts.into_iter().filter_map(|(text, place)| description(aia, text, place)).collect())
}

fn description(aia: &Fields<'_>, text: &str, place: Place) -> Option<AccessDescription> {
    let parts = text.split_once(' ');
    let method = parts.and_then(|(method, _)| match method {
        "ocsp" => Some(AccessMethod::Ocsp),
        "issuer" => Some(AccessMethod::Issuer),
        oid => oid.parse().ok().map(AccessMethod::Other),
    });
    let uri = parts.map(|(_, uri)| uri).filter(|uri| is_uri(uri));
    match (method, uri) {
        (Some(method), Some(uri)) => Some(AccessDescription { method, uri: uri.to_owned() }),
        _ => {
            let message = format!(
                "`access` of {}: `{}` is not a method and a URI, such as `ocsp http://host/ocsp`",
                aia.label,
                shortened(text)
            );
            let help = "the method is `ocsp`, `issuer` or an OID";
            aia.cx.report_with(place, message, help);
            None
        }
    }
}

fn points(fields: &Fields<'_>, key: &'static str) -> Option<Vec<DistributionPoint>> {
    Some(fields.tables(key, &POINT)?.iter().map(point).collect())
}

fn point(fields: &Fields<'_>) -> DistributionPoint {
    let mut names: Vec<GeneralName> = uris(fields).into_iter().map(GeneralName::Uri).collect();
    names.extend(distinguished(fields, "directory").map(GeneralName::Directory));
    let relative = distinguished(fields, "relative");
    if fields.has("relative") && (fields.has("urls") || fields.has("directory")) {
        fields.report("relative", "a point with other names has none relative to the CRL's issuer");
    }
    if !["urls", "directory", "relative", "crl_issuer"].into_iter().any(|key| fields.has(key)) {
        let message = format!("{} leads nowhere", fields.label);
        let help = "give it `urls`, `directory`, `relative` or `crl_issuer`";
        fields.cx.report_with(fields.place, message, help);
    }
    DistributionPoint {
        name: match relative {
            Some(name) => Some(PointName::RelativeToIssuer(name)),
            None => (!names.is_empty()).then_some(PointName::Full(names)),
        },
        reasons: reasons(fields),
        crl_issuer: distinguished(fields, "crl_issuer"),
    }
}

fn uris(fields: &Fields<'_>) -> Vec<String> {
    let mut uris = Vec::new();
    for (text, place) in fields.texts("urls").unwrap_or_default() {
        if is_uri(text) {
            uris.push(text.to_owned());
        } else {
            let message = format!(
                "`urls` of {}: `{}` is not a URI such as `http://host/path` or `ldap:///CN=…`",
                fields.label,
                shortened(text)
            );
            fields.cx.report(place, message);
        }
    }
    uris
}

/// A scheme, a colon and something behind it, all in what a URI may be written in (RFC 3986 §2).
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let plain = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(plain)
        && !rest.is_empty()
        && rest.chars().all(|c| c.is_ascii_graphic())
}

fn distinguished(fields: &Fields<'_>, key: &'static str) -> Option<DistinguishedName> {
    fields.parsed(key, "a name such as `\"CN=XXX-CA,DC=corp\"`", |text| {
        DistinguishedName::parse(text).ok_or_else(|| {
            format!("`{}` is not a name such as `CN=XXX-CA,DC=corp`", shortened(text))
        })
    })
}

/// Reason codes, as revocations have them.
fn reasons(fields: &Fields<'_>) -> Option<ReasonFlags> {
    let codes = fields.integers("reasons")?;
    let mut known = Vec::new();
    for (code, place) in codes {
        match u8::try_from(code) {
            Ok(code @ (1..=6 | 9 | 10)) => known.push(code),
            _ => {
                let message = format!("`reasons` of {}: {code} is no reason", fields.label);
                fields.cx.report_with(place, message, "1 to 6, 9 and 10 are (RFC 5280 §5.3.1)");
            }
        }
    }
    Some(ReasonFlags::of(known))
}

fn subtrees(fields: &Fields<'_>, key: &'static str) -> Vec<GeneralName> {
    let mut names = Vec::new();
    for (text, place) in fields.texts(key).unwrap_or_default() {
        match subtree(text) {
            Some(name) => names.push(name),
            None => {
                let message =
                    format!("`{key}` of {}: `{}` is no name space", fields.label, shortened(text));
                let help = "such as `dns:corp.example`, `email:.corp.example`, \
                            `directory:DC=corp,DC=example` or `ip:10.0.0.0/8`";
                fields.cx.report_with(place, message, help);
            }
        }
    }
    names
}

fn subtree(text: &str) -> Option<GeneralName> {
    let (kind, value) = text.split_once(':')?;
    let plain = !value.is_empty() && value.chars().all(|c| c.is_ascii_graphic());
    match kind {
        "dns" => plain.then(|| GeneralName::Dns(value.to_owned())),
        "email" => plain.then(|| GeneralName::Email(value.to_owned())),
        "directory" => DistinguishedName::parse(value).map(GeneralName::Directory),
        "ip" => {
            let (address, bits) = value.split_once('/')?;
            let address: IpAddr = address.parse().ok()?;
            let longest = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.parse().ok().filter(|bits| *bits <= longest)?;
            Some(GeneralName::Network(address, bits))
        }
        _ => None,
    }
}

fn extensions(fields: &Fields<'_>) -> Vec<CertificateExtension> {
    let mut found: Vec<CertificateExtension> = Vec::new();
    for fields in fields.tables("extensions", &EXTENSION).unwrap_or_default() {
        let Some(extension) = extension(&fields) else { continue };
        if found.iter().any(|earlier| earlier.oid == extension.oid) {
            fields.report("oid", "it is there twice (RFC 5280 §4.2 allows each once)");
        }
        found.push(extension);
    }
    found
}

fn extension(fields: &Fields<'_>) -> Option<CertificateExtension> {
    fields.require("oid", "oid = \"1.3.6.1.4.1.311.21.7\"");
    let oid = fields.parsed("oid", "an OID", |text| {
        text.parse().map_err(|_| format!("`{}` is not an OID such as `1.2.840.1`", shortened(text)))
    });
    let (hex, base64) =
        (fields.parsed("value", "hex", hex), fields.parsed("base64", "base64", base64));
    if fields.has("value") == fields.has("base64") {
        let message = format!("{} needs one of `value` and `base64`", fields.label);
        fields.cx.report_with(fields.place, message, "such as `value = \"0500\"`, DER in hex");
    }
    let value_key = if fields.has("value") { "value" } else { "base64" };
    let critical = fields.boolean("critical").unwrap_or(false);
    let extension = CertificateExtension { oid: oid?, critical, value: hex.or(base64)? };
    if let Err(error) = extension.check() {
        fields.report(value_key, format!("no certificate with it can be read: {error}"));
        return None;
    }
    Some(extension)
}

/// Octets in hex; blanks and colons between them do not count.
fn hex(text: &str) -> Result<Vec<u8>, String> {
    let bad = || format!("`{}` is not hex such as `0500`", shortened(text));
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != ':')
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0).ok_or_else(bad)?;
    let octet = |pair: &[u8]| pair.iter().fold(0, |sum, digit| sum << 4 | digit);
    Ok(digits.chunks(2).map(octet).collect())
}

fn base64(text: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(text).map_err(|_| format!("`{}` is not base64", shortened(text)))
}

#[cfg(test)]
mod tests {
    use crate::scenario::from_text;

    /// What is said about these lines in the table of a CA, one line each.
    fn said(lines: &str) -> String {
        let text = format!(
            r#"format = 1
title = "t"
start = "2024-01-01T00:00:00Z"
duration = "1d"
sut.web = {{}}
clients.users.every = "1m"
[ca.issuing]
{lines}
"#
        );
        from_text("x", &text).expect_err("there is a mistake").lines().join("\n")
    }

    #[test]
    fn what_cannot_be_in_a_certificate_is_said_with_its_place() {
        let wrong = r#"cdp = []
[ca.issuing.aia]
ocsp = []
access = ["ocsp", "issuer ldap", "1.2.3 http://a/"]
[ca.issuing.issued]
points = [
    {},
    { urls = ["no uri", "http://a/"], relative = "CN=a", reasons = [0, 1, 8] },
    { crl_issuer = "XXX-CA" },
]
extensions = [
    { oid = "2.5.29.14", value = "0500" },
    { oid = "1.2.3", value = "050" },
    { oid = "1.2.4", value = "", base64 = "BQA=" },
    { oid = "1.2.5", value = "" },
    { oid = "1.2.5", value = "" },
    { value = "" },
]
[ca.issuing.own]
permitted = ["corp.example", "ip:10.0.0.0/33"]
cross_points = { interval = "1500ms" }"#;
        insta::assert_snapshot!(said(wrong), @r#"
        x.toml:11:10: `access` of `aia` of CA `issuing`: it stands in place of `ocsp`: only one of the two can be
        x.toml:11:11: `access` of `aia` of CA `issuing`: `ocsp` is not a method and a URI, such as `ocsp http://host/ocsp`; the method is `ocsp`, `issuer` or an OID
        x.toml:11:19: `access` of `aia` of CA `issuing`: `issuer ldap` is not a method and a URI, such as `ocsp http://host/ocsp`; the method is `ocsp`, `issuer` or an OID
        x.toml:13:10: `points` of `issued` of CA `issuing`: they stand in place of `cdp`: only one of the two can be
        x.toml:14:5: `points` of `issued` of CA `issuing` leads nowhere; give it `urls`, `directory`, `relative` or `crl_issuer`
        x.toml:15:15: `urls` of `points` of `issued` of CA `issuing`: `no uri` is not a URI such as `http://host/path` or `ldap:///CN=…`
        x.toml:15:50: `relative` of `points` of `issued` of CA `issuing`: a point with other names has none relative to the CRL's issuer
        x.toml:15:69: `reasons` of `points` of `issued` of CA `issuing`: 0 is no reason; 1 to 6, 9 and 10 are (RFC 5280 §5.3.1)
        x.toml:15:75: `reasons` of `points` of `issued` of CA `issuing`: 8 is no reason; 1 to 6, 9 and 10 are (RFC 5280 §5.3.1)
        x.toml:16:20: `crl_issuer` of `points` of `issued` of CA `issuing`: `XXX-CA` is not a name such as `CN=XXX-CA,DC=corp`
        x.toml:19:34: `value` of `extensions` of `issued` of CA `issuing`: no certificate with it can be read: not an object in DER (unexpected ASN.1 DER tag: expected OCTET STRING, got NULL)
        x.toml:20:30: `value` of `extensions` of `issued` of CA `issuing`: `050` is not hex such as `0500`
        x.toml:21:5: `extensions` of `issued` of CA `issuing` needs one of `value` and `base64`; such as `value = "0500"`, DER in hex
        x.toml:23:13: `oid` of `extensions` of `issued` of CA `issuing`: it is there twice (RFC 5280 §4.2 allows each once)
        x.toml:24:5: `extensions` of `issued` of CA `issuing` needs `oid`; such as `oid = "1.3.6.1.4.1.311.21.7"`
        x.toml:27:14: `permitted` of `own` of CA `issuing`: `corp.example` is no name space; such as `dns:corp.example`, `email:.corp.example`, `directory:DC=corp,DC=example` or `ip:10.0.0.0/8`
        x.toml:27:30: `permitted` of `own` of CA `issuing`: `ip:10.0.0.0/33` is no name space; such as `dns:corp.example`, `email:.corp.example`, `directory:DC=corp,DC=example` or `ip:10.0.0.0/8`
        x.toml:28:16: `cross_points` of `own` of CA `issuing`: no other CA certifies this one, so nothing is there: give the CA `cross`, or this `urls`
        x.toml:28:29: `interval` of `cross_points` of `own` of CA `issuing`: whole seconds are needed, fewer than 2^32 (about 136 years)
        "#);
    }
}
