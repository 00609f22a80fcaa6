//! What an error of the socket, TLS or HTTP means to a client.

use std::error::Error;
use std::io;

use revlab_lab::Name;
use revlab_lab::trace::Phase;
use rustls::CertificateError;

use crate::alert::alert_name;
use crate::observation::{
    CONNECTION_REFUSED, CONNECTION_RESET, NOT_HTTP, SERVER_EXPIRED, SERVER_NAME_MISMATCH,
    SERVER_NOT_YET_VALID, SERVER_UNTRUSTED, Seen,
};

/// The number of the alert that the server sent, if that is what the error says.
pub(super) fn alert(error: &io::Error) -> Option<u8> {
    match tls(error)? {
        rustls::Error::AlertReceived(alert) => Some(u8::from(*alert)),
        _ => None,
    }
}

/// The server's refusal by the alert of this number.
pub(super) fn refused(number: u8) -> Seen {
    Seen::Alert(alert_name(number).map_or_else(|| format!("alert_{number}").into(), Name::from))
}

/// What an error of the socket or of TLS means in this phase.
pub(super) fn of_io(error: &io::Error, phase: Phase) -> Seen {
    if let Some(number) = alert(error) {
        return refused(number);
    }
    let error: Name = match (tls(error), error.kind()) {
        (Some(rustls::Error::InvalidCertificate(error)), _) => certificate(error),
        (Some(error), _) => error.to_string().into(),
        (None, io::ErrorKind::UnexpectedEof) => return Seen::Closed { phase },
        (None, io::ErrorKind::ConnectionRefused) => CONNECTION_REFUSED.into(),
        (
            None,
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe,
        ) => CONNECTION_RESET.into(),
        // The kind, not the text: systems word their errors differently.
        (None, kind) => kind.to_string().into(),
    };
    Seen::Broken { phase, error }
}

/// What an error of HTTP means.
pub(super) fn of_http(error: &hyper::Error) -> Seen {
    let phase = Phase::Request;
    if let Some(error) = cause(error) {
        return of_io(error, phase);
    }
    if error.is_parse() {
        return Seen::Broken { phase, error: NOT_HTTP.into() };
    }
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        return Seen::Closed { phase };
    }
    Seen::Broken { phase, error: error.to_string().into() }
}

/// Whether the error has its cause in the socket or in TLS.
pub(super) fn cause(error: &hyper::Error) -> Option<&io::Error> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io);
        }
        next = error.source();
    }
    None
}

fn tls(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref::<rustls::Error>()
}

fn certificate(error: &CertificateError) -> Name {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            SERVER_EXPIRED.into()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            SERVER_NOT_YET_VALID.into()
        }
        CertificateError::UnknownIssuer => SERVER_UNTRUSTED.into(),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            SERVER_NAME_MISMATCH.into()
        }
        other => format!("server certificate: {other}").into(),
    }
}
