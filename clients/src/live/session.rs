//! A thread's last TLS session.

use std::sync::{Mutex, PoisonError};

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls_pki_types::ServerName;

/// Holds one session: the last one. rustls itself refuses to take up a session that was made with
/// another certificate; the attempt then makes a full handshake.
#[derive(Debug, Default)]
pub(super) struct LastSession(Mutex<Option<(ServerName<'static>, Value)>>);

#[derive(Debug)]
enum Value {
    V1_2(Tls12ClientSessionValue),
    V1_3(Tls13ClientSessionValue),
}

impl LastSession {
    fn with<T>(&self, f: impl FnOnce(&mut Option<(ServerName<'static>, Value)>) -> T) -> T {
        // A panic elsewhere leaves at worst an old session behind: the server judges it.
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ClientSessionStore for LastSession {
    fn set_kx_hint(&self, _server_name: ServerName<'static>, _group: NamedGroup) {}

    fn kx_hint(&self, _server_name: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, server_name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.with(|last| *last = Some((server_name, Value::V1_2(value))));
    }

    fn tls12_session(&self, server_name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.with(|last| match last {
            Some((name, Value::V1_2(value))) if name.to_str() == server_name.to_str() => {
                Some(value.clone())
            }
            _ => None,
        })
    }

    fn remove_tls12_session(&self, server_name: &ServerName<'static>) {
        self.with(|last| {
            if matches!(last, Some((name, Value::V1_2(_))) if name == server_name) {
                *last = None;
            }
        });
    }

    fn insert_tls13_ticket(
        &self,
        server_name: ServerName<'static>,
        value: Tls13ClientSessionValue,
    ) {
        self.with(|last| *last = Some((server_name, Value::V1_3(value))));
    }

    fn take_tls13_ticket(
        &self,
        server_name: &ServerName<'static>,
    ) -> Option<Tls13ClientSessionValue> {
        self.with(|last| match last.take() {
            Some((name, Value::V1_3(value))) if name == *server_name => Some(value),
            other => {
                *last = other;
                None
            }
        })
    }
}
