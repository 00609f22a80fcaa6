//! All effects, and where each has its place.

use std::sync::Arc;

use revlab_lab::{Name, Span};

use super::*;
use crate::content::crl::CrlDefect;
use crate::content::issuer::IssuerDefect;
use crate::content::ocsp::OcspDefect;

/// What a fault does. Transport faults bear toxiproxy's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The host's name does not resolve.
    NameNotResolved,
    /// The name server says that it cannot say.
    NameServfail,
    /// The name server does not answer.
    NameSilent,
    /// The name server answers so much later.
    NameSlow(Span),
    /// The name has an IPv6 address alone, at which nothing listens.
    NameAaaaOnly,
    /// The name leads to another place: to the web site of this CA, or to where nothing listens.
    NameWrongAddress(Option<Name>),
    /// Nothing comes from the first of the name's addresses.
    NameFirstDead,
    /// Nothing listens: the connection is refused.
    Down,
    /// The connection is never accepted.
    Swallowed,
    /// While so many other requests are under way, further connections are reset.
    ConnectionLimit(u32),
    /// The connection is reset.
    ResetPeer(ResetAt),
    /// The host speaks TLS at port 443, with a certificate like this.
    Https(HttpsCertificate),
    /// The connection is accepted and never answered; where a time is given, it is closed after it.
    Timeout(Option<Span>),
    /// The answer is this status, with a short HTML page unless a body is given.
    Status {
        /// 200 to 599.
        status: u16,
        /// The body.
        body: Option<Arc<str>>,
    },
    /// The answer sends the client elsewhere.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        status: u16,
        /// Where.
        to: Location,
    },
    /// The answer demands credentials.
    Authenticate {
        /// 401 or 407.
        status: u16,
        /// The challenge, such as `Negotiate`.
        challenge: Arc<str>,
    },
    /// The answer is the login page of a network, with status 200.
    CaptivePortal,
    /// The answer is a 304, whether the client has something or not.
    NotModified,
    /// The CRL is wrong.
    Crl(CrlDefect),
    /// The OCSP answer is wrong.
    Ocsp(OcspDefect),
    /// The CA's certificate is wrong.
    Issuer(IssuerDefect),
    /// The body has another media type.
    ContentType(Arc<str>),
    /// Other header fields: those that lie about caching, above all.
    Headers {
        /// Fields that are set, each in place of those of its name.
        set: Vec<(Arc<str>, Arc<str>)>,
        /// Fields that are taken away.
        remove: Vec<Arc<str>>,
    },
    /// `Content-Length` says so many bytes more than there are; negative: fewer.
    WrongLength(i64),
    /// The body comes in chunks, and the second is none.
    BrokenChunking,
    /// Nothing tells the length of the body but the end of the connection.
    NoLength,
    /// The connection is closed after so many bytes of the answer.
    LimitData(u64),
    /// The server ends its side after so many bytes and keeps the connection.
    HalfClose(u64),
    /// The answer comes later.
    Latency {
        /// By so much.
        latency: Span,
        /// Give or take so much, by the seed.
        jitter: Span,
    },
    /// At most so many bytes a second; 0 counts as 1.
    Bandwidth(u64),
    /// The answer comes in slices.
    Slicer(Slices),
    /// The connection is closed so much later.
    SlowClose(Span),
}

/// What only one fault can have of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Page,
    Framing,
    Cut,
    Bandwidth,
    Slicer,
}

impl Effect {
    /// The names of all effects in scenarios, in the order in which a request meets them.
    pub const NAMES: [&'static str; 32] = [
        name_not_resolved::NAME,
        name_servfail::NAME,
        name_silent::NAME,
        name_slow::NAME,
        name_aaaa_only::NAME,
        name_wrong_address::NAME,
        name_first_dead::NAME,
        down::NAME,
        swallowed::NAME,
        connection_limit::NAME,
        reset_peer::NAME,
        https::NAME,
        timeout::NAME,
        status::NAME,
        redirect::NAME,
        authenticate::NAME,
        captive_portal::NAME,
        not_modified::NAME,
        content::CRL,
        content::OCSP,
        content::ISSUER,
        content_type::NAME,
        headers::NAME,
        wrong_length::NAME,
        broken_chunking::NAME,
        no_length::NAME,
        limit_data::NAME,
        half_close::NAME,
        latency::NAME,
        bandwidth::NAME,
        slicer::NAME,
        slow_close::NAME,
    ];

    /// The name in scenarios.
    pub fn name(&self) -> &'static str {
        match self {
            Effect::NameNotResolved => name_not_resolved::NAME,
            Effect::NameServfail => name_servfail::NAME,
            Effect::NameSilent => name_silent::NAME,
            Effect::NameSlow(_) => name_slow::NAME,
            Effect::NameAaaaOnly => name_aaaa_only::NAME,
            Effect::NameWrongAddress(_) => name_wrong_address::NAME,
            Effect::NameFirstDead => name_first_dead::NAME,
            Effect::Down => down::NAME,
            Effect::Swallowed => swallowed::NAME,
            Effect::ConnectionLimit(_) => connection_limit::NAME,
            Effect::ResetPeer(_) => reset_peer::NAME,
            Effect::Https(_) => https::NAME,
            Effect::Timeout(_) => timeout::NAME,
            Effect::Status { .. } => status::NAME,
            Effect::Redirect { .. } => redirect::NAME,
            Effect::Authenticate { .. } => authenticate::NAME,
            Effect::CaptivePortal => captive_portal::NAME,
            Effect::NotModified => not_modified::NAME,
            Effect::Crl(_) => content::CRL,
            Effect::Ocsp(_) => content::OCSP,
            Effect::Issuer(_) => content::ISSUER,
            Effect::ContentType(_) => content_type::NAME,
            Effect::Headers { .. } => headers::NAME,
            Effect::WrongLength(_) => wrong_length::NAME,
            Effect::BrokenChunking => broken_chunking::NAME,
            Effect::NoLength => no_length::NAME,
            Effect::LimitData(_) => limit_data::NAME,
            Effect::HalfClose(_) => half_close::NAME,
            Effect::Latency { .. } => latency::NAME,
            Effect::Bandwidth(_) => bandwidth::NAME,
            Effect::Slicer(_) => slicer::NAME,
            Effect::SlowClose(_) => slow_close::NAME,
        }
    }

    /// How early a request meets it: its place in [`Effect::NAMES`], but that a reset at the request
    /// comes behind the handshake.
    pub(super) fn rank(&self) -> (usize, bool) {
        let (name, late) = match self {
            Effect::ResetPeer(ResetAt::Request) => (https::NAME, true),
            other => (other.name(), false),
        };
        let place = Self::NAMES.iter().position(|known| *known == name);
        (place.unwrap_or(Self::NAMES.len()), late)
    }

    /// Whether it can do anything to a request with a URL of this scheme.
    pub(super) fn speaks(&self, scheme: &str) -> bool {
        !matches!(self, Effect::Https(_)) || scheme.eq_ignore_ascii_case("https")
    }

    /// The ruling of an effect that leaves no answer of the server's.
    pub(super) fn ends(&self, caller: &Caller<'_>) -> Option<Ruling> {
        match self {
            Effect::NameNotResolved => Some(name_not_resolved::RULING),
            Effect::NameServfail => Some(name_servfail::RULING),
            Effect::NameSilent => Some(name_silent::RULING),
            Effect::NameAaaaOnly => Some(name_aaaa_only::RULING),
            Effect::NameWrongAddress(of) => Some(name_wrong_address::ruling(of.as_ref())),
            Effect::Down => Some(down::RULING),
            Effect::Swallowed => Some(swallowed::RULING),
            Effect::ConnectionLimit(most) => connection_limit::ruling(*most, caller),
            Effect::ResetPeer(at) => reset_peer::ruling(*at),
            Effect::Https(wrong) => Some(https::ruling(*wrong)),
            Effect::Timeout(None) => Some(timeout::RULING),
            _ => None,
        }
    }

    /// Whether it can do anything to a request with this purpose.
    pub fn concerns(&self, purpose: Option<Purpose>) -> bool {
        match self {
            Effect::Crl(defect) => purpose.is_some_and(|p| content::spoils_crl(*defect, p)),
            Effect::Ocsp(_) => purpose == Some(Purpose::Ocsp),
            Effect::Issuer(_) => purpose == Some(Purpose::Issuer),
            _ => true,
        }
    }

    /// Whether it changes what the server itself says, which nobody sees behind a page.
    pub(super) fn is_content(&self) -> bool {
        matches!(self, Effect::Crl(_) | Effect::Ocsp(_) | Effect::Issuer(_))
    }

    /// Whether it is about a host's name: a matter of the name server's.
    pub fn is_of_a_name(&self) -> bool {
        matches!(
            self,
            Effect::NameNotResolved
                | Effect::NameServfail
                | Effect::NameSilent
                | Effect::NameSlow(_)
                | Effect::NameAaaaOnly
                | Effect::NameWrongAddress(_)
                | Effect::NameFirstDead
        )
    }

    /// Whether it acts before a connection is begun, and leaves the request on its way.
    pub(super) fn is_on_the_way(&self) -> bool {
        matches!(self, Effect::NameSlow(_) | Effect::NameFirstDead)
    }

    /// Changes what happens on the way; whether there was anything to change.
    pub(super) fn delay(&self, way: &mut Way) -> bool {
        match self {
            Effect::NameSlow(by) => name_slow::act(way, *by),
            Effect::NameFirstDead => name_first_dead::act(way),
            _ => false,
        }
    }

    /// What it wants of the answer for itself alone, with its rank among those that want the same.
    pub(super) fn place(&self) -> Option<(Place, u64)> {
        Some(match self {
            Effect::Status { .. }
            | Effect::Redirect { .. }
            | Effect::Authenticate { .. }
            | Effect::CaptivePortal
            | Effect::NotModified => (Place::Page, 0),
            Effect::WrongLength(_) | Effect::BrokenChunking | Effect::NoLength => {
                (Place::Framing, 0)
            }
            Effect::LimitData(after) | Effect::HalfClose(after) => (Place::Cut, *after),
            Effect::ResetPeer(ResetAt::Bytes(after)) => (Place::Cut, *after),
            Effect::Timeout(Some(_)) => (Place::Cut, 0),
            Effect::Bandwidth(rate) => (Place::Bandwidth, *rate),
            Effect::Slicer(_) => (Place::Slicer, 0),
            _ => return None,
        })
    }

    /// Changes the answer; whether there was anything to change.
    pub(super) fn act(&self, answer: &mut Answer, acting: &Acting<'_>) -> bool {
        match self {
            Effect::Status { status, body } => status::act(answer, *status, body.clone()),
            Effect::Redirect { status, to } => redirect::act(answer, *status, to),
            Effect::Authenticate { status, challenge } => {
                authenticate::act(answer, *status, challenge)
            }
            Effect::CaptivePortal => captive_portal::act(answer),
            Effect::NotModified => not_modified::act(answer),
            Effect::Crl(defect) => content::act_on_crl(answer, *defect),
            Effect::Ocsp(defect) => content::act_on_ocsp(answer, *defect),
            Effect::Issuer(defect) => content::act_on_issuer(answer, *defect),
            Effect::ContentType(kind) => content_type::act(answer, kind),
            Effect::Headers { set, remove } => headers::act(answer, set, remove),
            Effect::WrongLength(by) => wrong_length::act(answer, *by),
            Effect::BrokenChunking => broken_chunking::act(answer),
            Effect::NoLength => no_length::act(answer),
            Effect::LimitData(after) => limit_data::act(answer, *after),
            Effect::HalfClose(after) => half_close::act(answer, *after),
            Effect::ResetPeer(at) => reset_peer::act(answer, *at),
            Effect::Timeout(after) => timeout::act(answer, *after),
            Effect::Latency { latency, jitter } => latency::act(answer, *latency, *jitter, acting),
            Effect::Bandwidth(rate) => bandwidth::act(answer, *rate),
            Effect::Slicer(slices) => slicer::act(answer, *slices, acting),
            Effect::SlowClose(delay) => slow_close::act(answer, *delay),
            // They leave no answer, act on the way, or the limit is not reached.
            Effect::NameNotResolved
            | Effect::NameServfail
            | Effect::NameSilent
            | Effect::NameSlow(_)
            | Effect::NameAaaaOnly
            | Effect::NameWrongAddress(_)
            | Effect::NameFirstDead
            | Effect::Down
            | Effect::Swallowed
            | Effect::ConnectionLimit(_)
            | Effect::Https(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_there_once() {
        let mut names = Effect::NAMES.to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Effect::NAMES.len());
        assert!(Effect::NAMES.contains(&Effect::CaptivePortal.name()));
    }
}
