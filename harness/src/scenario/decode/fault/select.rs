//! On which requests a fault acts: `only` and `when`.

use revlab_fake_ca::fault::{OfCertificate, Pattern, Probability, Selector, When};
use revlab_lab::http::{Method, Url};

use super::super::super::tree::{Value, shortened};
use super::super::Spec;
use super::super::actors::Role;
use super::super::fields::Fields;
use super::super::filter;

pub(super) const ONLY: Spec = Spec {
    path: "fault.NAME.only",
    keys: &["purpose", "url", "method", "client", "account", "identity", "serial"],
    kinds: &[],
};

pub(super) const WHEN: Spec = Spec {
    path: "fault.NAME.when",
    keys: &["first", "every", "after_ocsp", "probability"],
    kinds: &[],
};

const METHODS: [(&str, Method); 3] =
    [("GET", Method::Get), ("HEAD", Method::Head), ("POST", Method::Post)];

pub(super) fn only(fault: &Fields<'_>) -> Selector {
    let Some(fields) = fault.table("only", &ONLY) else { return Selector::default() };
    if fields.has("identity") && fields.has("serial") {
        fields.report("serial", "`identity` says already which certificate; only one can be");
    }
    let identity = fields.identity("identity").map(|(name, _)| OfCertificate::IssuedTo(name));
    let serial = fields.parsed("serial", "a serial number in hex", serial);
    Selector {
        purposes: filter::purposes(&fields),
        url: fields.parsed("url", "a URL, in which `*` stands for any text", url),
        method: fields.choice("method", &METHODS),
        client: client(&fields),
        account: fields.name("account"),
        certificate: identity.or(serial.map(OfCertificate::Serial)),
    }
}

fn url(text: &str) -> Result<Pattern, String> {
    if !text.contains('*') && text.parse::<Url>().is_err() {
        let shown = shortened(text);
        return Err(format!("`{shown}` is not an absolute URL such as `http://host/path`"));
    }
    Ok(Pattern::new(text))
}

/// A SUT or a validator by its name, or a pattern for `User-Agent`.
fn client(fields: &Fields<'_>) -> Option<Pattern> {
    let text = fields.text("client")?;
    if !text.contains('*') {
        fields.cx.actor(text, fields.place_of("client"), &[Role::Sut, Role::Validator])?;
    }
    Some(Pattern::new(text))
}

/// Hex digits, with colons between octets if one likes; as DER has it, without leading zeros.
fn serial(text: &str) -> Result<Vec<u8>, String> {
    let digits: String = text.chars().filter(|c| *c != ':').collect();
    let even = if digits.len() % 2 == 1 { format!("0{digits}") } else { digits };
    let octet = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok().filter(|_| !pair.starts_with('+'))
    };
    let octets: Option<Vec<u8>> = even.as_bytes().chunks(2).map(octet).collect();
    let bad = || format!("`{}` is not a serial number in hex such as `1a2b3c`", shortened(text));
    let octets = octets.filter(|octets| !octets.is_empty()).ok_or_else(bad)?;
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    Ok(octets.get(zeros..).unwrap_or_default().to_vec())
}

pub(super) fn when(fault: &Fields<'_>) -> When {
    let Some(fields) = fault.table("when", &WHEN) else { return When::default() };
    When {
        first: fields.number("first", 0, i64::MAX),
        every: fields.number("every", 1, i64::MAX),
        after_ocsp: fields.number("after_ocsp", 0, i64::MAX),
        probability: probability(&fields),
    }
}

fn probability(fields: &Fields<'_>) -> Option<Probability> {
    let number = match fields.entry("probability")?.node.value {
        Value::Float(number) => number,
        Value::Integer(0) => 0.0,
        Value::Integer(1) => 1.0,
        _ => f64::NAN,
    };
    if !(0.0..=1.0).contains(&number) {
        fields.report("probability", "a number from 0.0 to 1.0 is needed");
        return None;
    }
    // At most a million.
    Some(Probability::millionths((number * 1e6).round() as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_read_as_der_has_it() {
        assert_eq!(serial("1A:2b:3c"), Ok(vec![0x1a, 0x2b, 0x3c]));
        assert_eq!(serial("00ab"), Ok(vec![0xab]));
        assert_eq!(serial("abc"), Ok(vec![0x0a, 0xbc]));
        for bad in ["", "xy", ":", "+a", "é1"] {
            assert!(serial(bad).is_err(), "{bad}");
        }
    }
}
