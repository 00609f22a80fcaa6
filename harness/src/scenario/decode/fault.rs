//! `[fault.NAME]`.

use revlab_fake_ca::fault::{Effect, Endpoint, FaultConfig, Target};
use revlab_lab::{Instant, Name};

use super::super::tree::Entry;
use super::Spec;
use super::actors::Role;
use super::context::Context;
use super::fields::Fields;
use super::times::Sign;

#[cfg(test)]
pub(super) const SPECS: &[&Spec] = &[&FAULT];

const FAULT: Spec = Spec {
    path: "fault.NAME",
    keys: &["on", "from", "for", "until", "must_be_met"],
    kinds: &[
        &Spec { path: "fault.NAME.name_not_resolved", keys: &[], kinds: &[] },
        &Spec { path: "fault.NAME.down", keys: &[], kinds: &[] },
        &Spec { path: "fault.NAME.reset_peer", keys: &[], kinds: &[] },
        &Spec { path: "fault.NAME.timeout", keys: &[], kinds: &[] },
        &Spec { path: "fault.NAME.latency", keys: &["latency"], kinds: &[] },
        &Spec { path: "fault.NAME.status", keys: &["status"], kinds: &[] },
    ],
};

const ENDPOINTS: [(&str, Endpoint); 5] = [
    ("crl", Endpoint::Crl),
    ("base", Endpoint::Base),
    ("delta", Endpoint::Delta),
    ("ocsp", Endpoint::Ocsp),
    ("issuer", Endpoint::Issuer),
];

pub(super) fn decode(cx: &Context, name: Name, entry: &Entry) -> Option<FaultConfig> {
    let label = format!("fault `{name}`");
    let fields = Fields::open(cx, &entry.node, entry.place, label, &FAULT)?;
    fields.require("on", "on = \"issuing.crl\"");
    let on = target(&fields);
    let must_be_met = fields.boolean("must_be_met").unwrap_or(true);
    let (from, until) = window(&fields);
    let effect = fields.kind().and_then(|(kind, fields)| effect(kind, &fields));
    Some(FaultConfig { name, on: on?, from, until, must_be_met, effect: effect? })
}

/// `issuing`, or `issuing.crl`.
fn target(fields: &Fields<'_>) -> Option<Target> {
    let text = fields.text("on")?;
    let place = fields.place_of("on");
    let (ca, endpoint) = match text.split_once('.') {
        None => (text, Some(Endpoint::All)),
        Some((ca, endpoint)) => (ca, fields.chosen("on", place, endpoint, &ENDPOINTS)),
    };
    let ca = fields.cx.actor(ca, place, &[Role::Ca]);
    Some(Target { ca: ca?, endpoint: endpoint? })
}

fn window(fields: &Fields<'_>) -> (Instant, Instant) {
    if fields.has("for") && fields.has("until") {
        fields.report("until", "`for` says already when it ends; only one of them can be");
    }
    let window = fields.window("from", "until");
    let Some(length) = fields.duration("for", Sign::Positive) else {
        return (window.from, window.to);
    };
    let until = window.from + length;
    if let Some(run) = fields.cx.run
        && until > run.end()
    {
        let message =
            format!("`{}` ends {until}, outside the run, which ends {}", length, run.end());
        fields.report("for", message);
    }
    (window.from, until)
}

fn effect(kind: &str, fields: &Fields<'_>) -> Option<Effect> {
    match kind {
        "name_not_resolved" => Some(Effect::NameNotResolved),
        "down" => Some(Effect::Down),
        "reset_peer" => Some(Effect::ResetPeer),
        "timeout" => Some(Effect::Timeout),
        "latency" => {
            fields.require("latency", "latency = \"2s\"");
            fields.duration("latency", Sign::Positive).map(Effect::Latency)
        }
        "status" => {
            fields.require("status", "status = 503");
            fields.number("status", 200, 599).map(Effect::Status)
        }
        _ => None,
    }
}
