//! A judge of server certificates that does not judge the same thing twice.
//!
//! Clients of a load test meet the same certificate hundreds of times in one second; verifying its chain
//! each time took a tenth to a fifth of all their processor time (`figures.md`).

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// Judges as `inner` does, and remembers what it last accepted.
#[derive(Debug)]
pub(super) struct Remembering {
    inner: Arc<dyn ServerCertVerifier>,
    accepted: Mutex<Option<Accepted>>,
}

/// Everything that a judgement depends on.
#[derive(Debug)]
struct Accepted {
    chain: Vec<CertificateDer<'static>>,
    name: ServerName<'static>,
    stapled: Vec<u8>,
    second: u64,
}

impl Accepted {
    fn is(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> bool {
        let chain = std::iter::once(end_entity).chain(intermediates);
        self.second == now.as_secs()
            && self.name == *name
            && self.stapled == stapled
            && self.chain.iter().eq(chain)
    }
}

impl Remembering {
    pub(super) fn new(inner: Arc<dyn ServerCertVerifier>) -> Remembering {
        Remembering { inner, accepted: Mutex::new(None) }
    }
}

impl ServerCertVerifier for Remembering {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // What is kept was accepted, whoever panicked since.
        let mut accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        let known = accepted.as_ref();
        if known.is_some_and(|known| known.is(end_entity, intermediates, name, stapled, now)) {
            return Ok(ServerCertVerified::assertion());
        }
        let verified =
            self.inner.verify_server_cert(end_entity, intermediates, name, stapled, now)?;
        let chain = std::iter::once(end_entity).chain(intermediates);
        *accepted = Some(Accepted {
            chain: chain.map(|c| c.clone().into_owned()).collect(),
            name: name.to_owned(),
            stapled: stapled.to_vec(),
            second: now.as_secs(),
        });
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::*;

    /// Accepts what begins with a one, and counts how often it is asked.
    #[derive(Debug, Default)]
    struct Counting(AtomicU32);

    impl ServerCertVerifier for Counting {
        fn verify_server_cert(
            &self,
            end_entity: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            self.0.fetch_add(1, Ordering::Relaxed);
            match end_entity.first() {
                Some(1) => Ok(ServerCertVerified::assertion()),
                _ => Err(Error::General("no".to_owned())),
            }
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(Error::General("unused".to_owned()))
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(Error::General("unused".to_owned()))
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            Vec::new()
        }
    }

    #[test]
    fn only_the_very_same_is_not_judged_again_and_no_refusal_is_remembered() {
        let counting = Arc::new(Counting::default());
        let judge = Remembering::new(counting.clone());
        let certificate = |octet: u8| CertificateDer::from(vec![octet]);
        let name = |name: &'static str| ServerName::try_from(name).unwrap();
        let ask = |octet, above: &[CertificateDer<'_>], host, stapled: &[u8], second| {
            let now = UnixTime::since_unix_epoch(Duration::from_secs(second));
            let asked =
                judge.verify_server_cert(&certificate(octet), above, &name(host), stapled, now);
            (asked.is_ok(), counting.0.load(Ordering::Relaxed))
        };
        assert_eq!(ask(1, &[], "web.lab", b"", 7), (true, 1));
        assert_eq!(ask(1, &[], "web.lab", b"", 7), (true, 1));
        assert_eq!(ask(1, &[], "web.lab", b"", 8), (true, 2));
        assert_eq!(ask(1, &[certificate(2)], "web.lab", b"", 8), (true, 3));
        assert_eq!(ask(1, &[certificate(2)], "mail.lab", b"", 8), (true, 4));
        assert_eq!(ask(1, &[certificate(2)], "mail.lab", b"x", 8), (true, 5));
        assert_eq!(ask(2, &[], "mail.lab", b"x", 8), (false, 6));
        assert_eq!(ask(2, &[], "mail.lab", b"x", 8), (false, 7));
        assert_eq!(ask(1, &[certificate(2)], "mail.lab", b"x", 8), (true, 7));
    }
}
