//! TLS for clients whose validator judges the server: any chain is taken, and what was stapled is kept.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// Lets every handshake complete in which the server proves to have its certificate's key.
#[derive(Debug)]
pub(super) struct Unjudged {
    provider: Arc<CryptoProvider>,
    stapled: Mutex<Option<Vec<u8>>>,
}

impl Unjudged {
    pub(super) fn new(provider: Arc<CryptoProvider>) -> Unjudged {
        Unjudged { provider, stapled: Mutex::new(None) }
    }

    /// What was stapled in the last handshake; each time once.
    pub(super) fn stapled(&self) -> Option<Vec<u8>> {
        self.stapled.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ServerCertVerifier for Unjudged {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let stapled = (!ocsp_response.is_empty()).then(|| ocsp_response.to_vec());
        *self.stapled.lock().unwrap_or_else(PoisonError::into_inner) = stapled;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
