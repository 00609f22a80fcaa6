//! What a fault does: one table for each effect.

use std::sync::Arc;

use revlab_fake_ca::content::crl::CrlDefect;
use revlab_fake_ca::content::issuer::IssuerDefect;
use revlab_fake_ca::content::ocsp::OcspDefect;
use revlab_fake_ca::fault::{Effect, HttpsCertificate, Location, ResetAt, Slices};
use revlab_lab::{Name, Span};

use super::super::super::tree::shortened;
use super::super::Spec;
use super::super::actors::Role;
use super::super::fields::Fields;
use super::super::times::Sign;

const fn kind(path: &'static str, keys: &'static [&'static str]) -> Spec {
    Spec { path, keys, kinds: &[] }
}

/// In the order in which a request meets them.
pub(super) const KINDS: &[&Spec] = &[
    &kind("fault.NAME.name_not_resolved", &[]),
    &kind("fault.NAME.name_servfail", &[]),
    &kind("fault.NAME.name_silent", &[]),
    &kind("fault.NAME.name_slow", &["delay"]),
    &kind("fault.NAME.name_aaaa_only", &[]),
    &kind("fault.NAME.name_wrong_address", &["of"]),
    &kind("fault.NAME.name_first_dead", &[]),
    &kind("fault.NAME.down", &[]),
    &kind("fault.NAME.swallowed", &[]),
    &kind("fault.NAME.connection_limit", &["connections"]),
    &kind("fault.NAME.reset_peer", &["at", "bytes"]),
    &kind("fault.NAME.https", &["certificate"]),
    &kind("fault.NAME.timeout", &["timeout"]),
    &kind("fault.NAME.status", &["status", "body"]),
    &kind("fault.NAME.redirect", &["to", "status"]),
    &kind("fault.NAME.authenticate", &["status", "challenge"]),
    &kind("fault.NAME.captive_portal", &[]),
    &kind("fault.NAME.not_modified", &[]),
    &kind("fault.NAME.crl", &["defect"]),
    &kind("fault.NAME.ocsp", &["defect"]),
    &kind("fault.NAME.issuer", &["defect"]),
    &kind("fault.NAME.content_type", &["content_type"]),
    &kind("fault.NAME.headers", &["set", "remove"]),
    &kind("fault.NAME.wrong_length", &["by"]),
    &kind("fault.NAME.broken_chunking", &[]),
    &kind("fault.NAME.no_length", &[]),
    &kind("fault.NAME.limit_data", &["bytes"]),
    &kind("fault.NAME.half_close", &["bytes"]),
    &kind("fault.NAME.latency", &["latency", "jitter"]),
    &kind("fault.NAME.bandwidth", &["rate"]),
    &kind("fault.NAME.slicer", &["average_size", "size_variation", "delay"]),
    &kind("fault.NAME.slow_close", &["delay"]),
];

/// Fields that belong to the connection and the framing have effects of their own.
const FRAMING: [&str; 3] = ["content-length", "transfer-encoding", "connection"];

const RESETS: [(&str, ResetAt); 2] = [("connect", ResetAt::Connect), ("request", ResetAt::Request)];

const REDIRECTS: [i64; 5] = [301, 302, 303, 307, 308];

pub(super) fn decode(kind: &str, fields: &Fields<'_>) -> Option<Effect> {
    match kind {
        "name_not_resolved" => Some(Effect::NameNotResolved),
        "name_servfail" => Some(Effect::NameServfail),
        "name_silent" => Some(Effect::NameSilent),
        "name_slow" => {
            fields.require("delay", "delay = \"3s\"");
            fields.duration_on_the_way("delay", Sign::Positive).map(Effect::NameSlow)
        }
        "name_aaaa_only" => Some(Effect::NameAaaaOnly),
        "name_wrong_address" => wrong_address(fields).map(Effect::NameWrongAddress),
        "name_first_dead" => Some(Effect::NameFirstDead),
        "down" => Some(Effect::Down),
        "swallowed" => Some(Effect::Swallowed),
        "captive_portal" => Some(Effect::CaptivePortal),
        "not_modified" => Some(Effect::NotModified),
        "broken_chunking" => Some(Effect::BrokenChunking),
        "no_length" => Some(Effect::NoLength),
        "connection_limit" => {
            fields.require("connections", "connections = 2");
            fields.number("connections", 0, i64::from(u32::MAX)).map(Effect::ConnectionLimit)
        }
        "reset_peer" => reset_peer(fields).map(Effect::ResetPeer),
        "timeout" => match fields.has("timeout") {
            true => fields
                .duration_on_the_way("timeout", Sign::NotNegative)
                .map(|t| Effect::Timeout(Some(t))),
            false => Some(Effect::Timeout(None)),
        },
        "https" => {
            fields.require("certificate", "certificate = \"expired\"");
            fields.choice("certificate", &HttpsCertificate::NAMES).map(Effect::Https)
        }
        "limit_data" => {
            fields.require("bytes", "bytes = 100");
            fields.number("bytes", 0, i64::MAX).map(Effect::LimitData)
        }
        "half_close" => {
            Some(Effect::HalfClose(fields.number("bytes", 0, i64::MAX).unwrap_or_default()))
        }
        "bandwidth" => {
            fields.require("rate", "rate = 1000");
            fields.number("rate", 1, i64::MAX).map(Effect::Bandwidth)
        }
        "latency" => {
            fields.require("latency", "latency = \"2s\"");
            let jitter =
                fields.duration_on_the_way("jitter", Sign::NotNegative).unwrap_or(Span::ZERO);
            let latency = fields.duration_on_the_way("latency", Sign::Positive)?;
            Some(Effect::Latency { latency, jitter })
        }
        "slow_close" => {
            fields.require("delay", "delay = \"2s\"");
            fields.duration_on_the_way("delay", Sign::Positive).map(Effect::SlowClose)
        }
        "slicer" => slicer(fields).map(Effect::Slicer),
        "crl" => {
            fields.require("defect", "defect = \"expired\"");
            fields.choice("defect", &CrlDefect::NAMES).map(Effect::Crl)
        }
        "ocsp" => {
            fields.require("defect", "defect = \"try_later\"");
            fields.choice("defect", &OcspDefect::NAMES).map(Effect::Ocsp)
        }
        "issuer" => {
            fields.require("defect", "defect = \"pem\"");
            fields.choice("defect", &IssuerDefect::NAMES).map(Effect::Issuer)
        }
        _ => http(kind, fields),
    }
}

fn http(kind: &str, fields: &Fields<'_>) -> Option<Effect> {
    match kind {
        "status" => {
            fields.require("status", "status = 503");
            let body = fields.text("body").map(Arc::from);
            fields.number("status", 200, 599).map(|status| Effect::Status { status, body })
        }
        "redirect" => redirect(fields),
        "authenticate" => {
            let challenge = text(fields, "challenge").unwrap_or_else(|| "Negotiate".into());
            let status = fields.number("status", 401, 407).unwrap_or(401);
            if !matches!(status, 401 | 407) {
                fields.report("status", "only 401 and 407 demand credentials");
            }
            Some(Effect::Authenticate { status, challenge })
        }
        "content_type" => {
            fields.require("content_type", "content_type = \"text/plain\"");
            text(fields, "content_type").map(Effect::ContentType)
        }
        "headers" => headers(fields),
        "wrong_length" => {
            fields.require("by", "by = 10");
            let most = i64::from(i32::MAX);
            let by = fields.number("by", -most, most)?;
            if by == 0 {
                fields.report("by", "0 makes no length wrong");
            }
            Some(Effect::WrongLength(by))
        }
        _ => None,
    }
}

/// The outer value is absent where `of` names no CA.
fn wrong_address(fields: &Fields<'_>) -> Option<Option<Name>> {
    match fields.text("of") {
        Some(ca) => fields.cx.actor(ca, fields.place_of("of"), &[Role::Ca]).map(Some),
        None => Some(None),
    }
}

fn reset_peer(fields: &Fields<'_>) -> Option<ResetAt> {
    if fields.has("at") && fields.has("bytes") {
        fields.report("bytes", "`at` says already when it is reset; only one of them can be");
    }
    match fields.has("bytes") {
        true => fields.number("bytes", 0, i64::MAX).map(ResetAt::Bytes),
        false if fields.has("at") => fields.choice("at", &RESETS),
        false => Some(ResetAt::Request),
    }
}

fn slicer(fields: &Fields<'_>) -> Option<Slices> {
    fields.require("average_size", "average_size = 100");
    let delay = fields.duration_on_the_way("delay", Sign::NotNegative).unwrap_or(Span::ZERO);
    let size_variation = fields.number("size_variation", 0, i64::MAX).unwrap_or(0);
    let average_size = fields.number("average_size", 1, i64::MAX)?;
    if size_variation >= average_size {
        fields.report("size_variation", "it is not less than `average_size`");
    }
    Some(Slices { average_size, size_variation, delay, draw: 0 })
}

fn redirect(fields: &Fields<'_>) -> Option<Effect> {
    fields.require("to", "to = \"https://host/path\"");
    let status = fields.number("status", 300, 399).unwrap_or(302);
    if !REDIRECTS.contains(&i64::from(status)) {
        fields.report("status", "only 301, 302, 303, 307 and 308 lead elsewhere");
    }
    let to = match &*text(fields, "to")? {
        "loop" => Location::Loop,
        to => Location::At(to.into()),
    };
    Some(Effect::Redirect { status, to })
}

/// A text that can be the value of a header field.
fn text(fields: &Fields<'_>, key: &'static str) -> Option<Arc<str>> {
    fields.parsed(key, "a text", |text| match is_value(text) {
        true => Ok(text.into()),
        false => Err(format!("`{}` cannot stand in a header field", shortened(text))),
    })
}

/// RFC 9110 §5.5, visible ASCII alone.
fn is_value(text: &str) -> bool {
    !text.trim().is_empty() && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// RFC 9110 §5.6.2.
fn is_name(text: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(token)
}

fn headers(fields: &Fields<'_>) -> Option<Effect> {
    if !fields.has("set") && !fields.has("remove") {
        let message = format!("{} changes no header field", fields.label);
        let help = "say `set = [\"Cache-Control: max-age=31536000\"]` or `remove = [\"ETag\"]`";
        fields.cx.report_with(fields.place, message, help);
    }
    let (mut set, mut remove) = (Vec::new(), Vec::new());
    for (text, place) in fields.texts("set").unwrap_or_default() {
        let split = text.split_once(':').map(|(name, value)| (name, value.trim()));
        match split.filter(|(name, value)| is_name(name) && is_value(value)) {
            Some((name, value)) if !is_framing(fields, name, place) => {
                set.push((name.into(), value.into()));
            }
            Some(_) => {}
            None => {
                let shown = shortened(text);
                let message = format!("`{shown}` is not a header field such as `Age: 3600`");
                fields.cx.report(place, message);
            }
        }
    }
    for (text, place) in fields.texts("remove").unwrap_or_default() {
        if !is_name(text) {
            let message = format!("`{}` is not the name of a header field", shortened(text));
            fields.cx.report(place, message);
        } else if !is_framing(fields, text, place) {
            remove.push(text.into());
        }
    }
    Some(Effect::Headers { set, remove })
}

fn is_framing(fields: &Fields<'_>, name: &str, place: super::super::super::source::Place) -> bool {
    let framing = FRAMING.iter().any(|other| other.eq_ignore_ascii_case(name));
    if framing {
        let message = format!("`{name}` belongs to the framing of the answer");
        let help = "`wrong_length`, `broken_chunking`, `no_length` and `slow_close` change it";
        fields.cx.report_with(place, message, help);
    }
    framing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_effect_can_be_written() {
        let kinds: Vec<_> = KINDS.iter().map(|spec| spec.name()).collect();
        assert_eq!(kinds, Effect::NAMES);
    }
}
