//! What Java's exceptions say of an exchange, and which one says what an attempt does.
//!
//! Messages are those of OpenJDK 17 and Apache HttpClient 4, as JMeter puts them into a JTL.

use revlab_clients::alert::alert_name;
use revlab_clients::observation::{
    CONNECTION_CLOSED, CONNECTION_REFUSED, CONNECTION_RESET, NOT_HTTP, SERVER_EXPIRED,
    SERVER_NAME_MISMATCH, SERVER_NOT_YET_VALID, SERVER_REFUSED, SERVER_UNTRUSTED, Seen,
};
use revlab_lab::trace::{Attempt, Handshake, Phase};
use revlab_lab::{Code, Name, Outcome};

use crate::jmeter::jtl::{NO_ANSWER, NO_ANSWER_MESSAGE, Sample};

/// What an exception means.
pub(super) enum Meaning {
    /// This was seen.
    Seen(Seen),
    /// The client's time was up.
    TimedOut(Phase),
}

/// What Java says of an alert that it received, before its name in RFC 8446 §6.
const ALERT: &str = "Received fatal alert: ";

const HANDSHAKE: &str = "javax.net.ssl.SSLHandshakeException";
const IO: &str = "java.io.IOException";
const TIMED_OUT: &str = "java.net.SocketTimeoutException";

/// Our word for what happened, how far it had come, and the exception that says so: its class, and
/// what is in its message. The first that fits counts.
const EXCEPTIONS: [(&str, Phase, &str, &str); 13] = [
    (CONNECTION_REFUSED, Phase::Connect, "java.net.ConnectException", "Connection refused"),
    (CONNECTION_RESET, Phase::Connect, "java.net.ConnectException", "Connection reset"),
    (CONNECTION_RESET, Phase::Handshake, "java.net.SocketException", "Connection reset"),
    (CONNECTION_RESET, Phase::Request, "java.net.SocketException", "Connection reset"),
    (CONNECTION_CLOSED, Phase::Handshake, HANDSHAKE, "Remote host terminated the handshake"),
    (
        CONNECTION_CLOSED,
        Phase::Handshake,
        HANDSHAKE,
        "Remote host closed connection during handshake",
    ),
    (
        CONNECTION_CLOSED,
        Phase::Request,
        "org.apache.http.NoHttpResponseException",
        "failed to respond",
    ),
    (SERVER_EXPIRED, Phase::Handshake, HANDSHAKE, "CertificateExpiredException"),
    (SERVER_NOT_YET_VALID, Phase::Handshake, HANDSHAKE, "CertificateNotYetValidException"),
    (SERVER_UNTRUSTED, Phase::Handshake, HANDSHAKE, "PKIX path building failed"),
    (
        SERVER_NAME_MISMATCH,
        Phase::Handshake,
        "javax.net.ssl.SSLPeerUnverifiedException",
        "doesn't match",
    ),
    (SERVER_NAME_MISMATCH, Phase::Handshake, HANDSHAKE, "No subject alternative"),
    (NOT_HTTP, Phase::Request, "org.apache.http.ProtocolException", "not HTTP"),
];

/// What a sample without a status says.
pub(super) fn read(sample: &Sample, handshake: Handshake) -> Meaning {
    let class = sample.response_code.trim_start_matches(NO_ANSWER).trim();
    let message = sample.response_message.trim_start_matches(NO_ANSWER_MESSAGE).trim();
    if let Some(name) = alert(message) {
        return Meaning::Seen(Seen::Alert(Name::from(name)));
    }
    if class.ends_with("ConnectTimeoutException") {
        return Meaning::TimedOut(Phase::Connect);
    }
    let connecting = message.to_ascii_lowercase().contains("connect timed out");
    if class.ends_with("SocketTimeoutException") {
        // A silent server is met as soon as its answer to the ClientHello is waited for.
        let connected = handshake != Handshake::None && !connecting;
        return Meaning::TimedOut(if connected { Phase::Request } else { Phase::Connect });
    }
    if let Some(code) = message
        .strip_prefix(SERVER_REFUSED)
        .and_then(|rest| rest.trim_start_matches([':', ' ']).parse::<Code>().ok())
    {
        return Meaning::Seen(Seen::Distrusted { code });
    }
    let begun = handshake != Handshake::None;
    let fits = |(_, phase, known, part): &&(&str, Phase, &str, &str)| {
        let same = class == *known || class.rsplit('.').next() == known.rsplit('.').next();
        same && message.contains(part)
            && (*phase == Phase::Request || !begun || *known == HANDSHAKE)
    };
    if class.ends_with("HttpHostConnectException") && message.contains("refused") {
        return broken(Phase::Connect, CONNECTION_REFUSED);
    }
    match EXCEPTIONS.iter().find(fits) {
        Some((CONNECTION_CLOSED, phase, ..)) => Meaning::Seen(Seen::Closed { phase: *phase }),
        Some((error, phase, ..)) => broken(*phase, error),
        None => other(class, message, begun),
    }
}

fn broken(phase: Phase, error: &str) -> Meaning {
    Meaning::Seen(Seen::Broken { phase, error: Name::from(error) })
}

/// An exception that has no word of ours: its own words.
fn other(class: &str, message: &str, begun: bool) -> Meaning {
    let phase = match class {
        "java.net.UnknownHostException"
        | "java.net.ConnectException"
        | "java.net.NoRouteToHostException" => Phase::Connect,
        _ if begun => Phase::Request,
        _ if class.starts_with("javax.net.ssl.") => Phase::Handshake,
        _ => Phase::Request,
    };
    match (class, message) {
        (IO | HANDSHAKE, words) if !words.is_empty() => broken(phase, words),
        (class, "") => broken(phase, class),
        (class, words) => broken(phase, &format!("{class}: {words}")),
    }
}

/// The alert that a message names, if it is one.
fn alert(message: &str) -> Option<&str> {
    let (_, name) = message.split_once(ALERT)?;
    let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
    let name = name.get(..end)?;
    (0..=u8::MAX).filter_map(alert_name).find(|known| *known == name)
}

/// Class and message of the exception that JMeter would have met.
pub(super) fn write(attempt: &Attempt) -> (String, String) {
    let of = |class: &str, message: &str| (class.to_owned(), message.to_owned());
    if let Some(alert) = &attempt.alert {
        return (HANDSHAKE.to_owned(), format!("{ALERT}{alert}"));
    }
    if attempt.outcome == Outcome::TimedOut {
        return match attempt.phase {
            Some(Phase::Connect) => of(TIMED_OUT, "connect timed out"),
            _ => of(TIMED_OUT, "Read timed out"),
        };
    }
    let Some(error) = &attempt.error else { return of(IO, "no answer") };
    if let (SERVER_REFUSED, Some(code)) = (&**error, attempt.code) {
        return (HANDSHAKE.to_owned(), format!("{SERVER_REFUSED}: {code}"));
    }
    let phase = attempt.phase.unwrap_or(Phase::Request);
    let same = EXCEPTIONS.iter().find(|(word, of, ..)| **word == **error && *of == phase);
    match same {
        Some((.., class, message)) => of(class, message),
        None if phase == Phase::Handshake => of(HANDSHAKE, error),
        None => of(IO, error),
    }
}
