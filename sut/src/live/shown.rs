//! The certificate that a front shows, and what it staples to it: both can change while it serves.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::Error;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// What the next handshake shows.
#[derive(Debug)]
pub(super) struct Shown(Mutex<Arc<CertifiedKey>>);

impl Shown {
    pub(super) fn new(
        provider: &CryptoProvider,
        chain: &[Vec<u8>],
        pkcs8: &[u8],
    ) -> Result<Shown, Error> {
        Ok(Shown(Mutex::new(Arc::new(certified(provider, chain, pkcs8)?))))
    }

    /// Shows another certificate, and staples nothing until told to.
    pub(super) fn replace(
        &self,
        provider: &CryptoProvider,
        chain: &[Vec<u8>],
        pkcs8: &[u8],
    ) -> Result<(), Error> {
        let certified = Arc::new(certified(provider, chain, pkcs8)?);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = certified;
        Ok(())
    }

    /// Staples this from now on.
    pub(super) fn staple(&self, response: Option<Vec<u8>>) {
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.ocsp != response {
            let certified = CertifiedKey::clone(&shown);
            *shown = Arc::new(CertifiedKey { ocsp: response, ..certified });
        }
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn certified(
    provider: &CryptoProvider,
    chain: &[Vec<u8>],
    pkcs8: &[u8],
) -> Result<CertifiedKey, Error> {
    let chain = chain.iter().map(|c| CertificateDer::from(c.clone())).collect();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8.to_vec()));
    CertifiedKey::from_der(chain, key, provider)
}
