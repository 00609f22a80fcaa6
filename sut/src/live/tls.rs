//! The TLS side of the front: what it asks of clients, its clock and its session cache.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use revlab_lab::clock::LabTime;
use revlab_lab::trace::{HttpVersion, TlsVersion};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, StoresServerSessions};
use rustls::time_provider::TimeProvider;
use rustls::{DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};

use super::front::FrontConfig;
use super::shown::Shown;
use crate::sessions::SessionTable;

/// The server's TLS configuration, the sessions that it remembers, and what it shows.
pub(super) fn configure(
    front: &FrontConfig,
    provider: &Arc<CryptoProvider>,
) -> Result<(ServerConfig, Arc<Sessions>, Arc<Shown>), Error> {
    let versions: &[_] = match front.tls {
        TlsVersion::V1_2 => &[&rustls::version::TLS12],
        TlsVersion::V1_3 => &[&rustls::version::TLS13, &rustls::version::TLS12],
    };
    let shown = Arc::new(Shown::new(provider, &front.chain, &front.pkcs8)?);
    let time = Arc::new(ServerTime(front.lab_time.clone()));
    let builder = ServerConfig::builder_with_details(provider.clone(), time)
        .with_protocol_versions(versions)?;
    let builder = match front.client_certificates {
        true => builder.with_client_cert_verifier(Arc::new(AnyChain(provider.clone()))),
        false => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(shown.clone());
    config.alpn_protocols = match front.http {
        HttpVersion::V1_1 => vec![b"http/1.1".to_vec()],
        HttpVersion::V2 => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
    };
    let sessions = Arc::new(Sessions {
        table: Mutex::new(SessionTable::new(front.session_lifetime).with_idle(front.session_idle)),
        lab_time: front.lab_time.clone(),
    });
    // Never a ticketer: rustls' own judge the age of a ticket by the wall clock.
    if front.resumption {
        config.session_storage = sessions.clone();
        config.send_tls13_tickets = 1;
    } else {
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok((config, sessions, shown))
}

/// The session cache in lab time.
#[derive(Debug)]
pub(super) struct Sessions {
    table: Mutex<SessionTable<Vec<u8>>>,
    lab_time: LabTime,
}

impl Sessions {
    pub(super) fn forget(&self) {
        self.table().clear();
    }

    fn table(&self) -> MutexGuard<'_, SessionTable<Vec<u8>>> {
        // A panic elsewhere leaves at worst a session behind, which its lifetime bounds.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StoresServerSessions for Sessions {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.table().put(self.lab_time.now(), key, value);
        true
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.table().resume(self.lab_time.now(), key).cloned()
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.table().take(self.lab_time.now(), key)
    }

    fn can_cache(&self) -> bool {
        true
    }
}

/// Lets the handshake complete with whatever chain the client has: revocation is checked after
/// it, and the answer is an HTTP status (fact sheet §3.1, §3.3).
#[derive(Debug)]
struct AnyChain(Arc<CryptoProvider>);

impl ClientCertVerifier for AnyChain {
    /// None, as SChannel from 2012 on. 2008 R2 sends a list of trusted issuers (fact sheet §3.3,
    /// SendTrustedIssuerList); clients of the lab send their certificate either way.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[derive(Debug)]
struct ServerTime(LabTime);

impl TimeProvider for ServerTime {
    fn current_time(&self) -> Option<UnixTime> {
        let millis = u64::try_from(self.0.now().as_millis()).unwrap_or(0);
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_millis(millis)))
    }
}
