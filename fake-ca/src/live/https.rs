//! TLS in front of a site, and the lab's own look at it.
//!
//! What comes through the handshake is handed on to the site as it is.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use revlab_lab::clock::LabTime;
use revlab_lab::http::FetchError;
use revlab_pki::Certificate;
use rustls::client::ClientConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::ServerConfig;
use rustls::time_provider::TimeProvider;
use rustls::{RootCertStore, crypto};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::Gate;
use super::gate::Admitted;
use super::play::reset;
use crate::HttpsCredential;

/// So many connections are open at once; further ones are reset.
const MOST: u32 = 64;

/// A TLS server in front of a site. Dropping it closes its port and all connections.
#[derive(Debug)]
pub struct HttpsFront {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl HttpsFront {
    /// Listens at `address`, with this credential, and hands on to the site at `site`. Must be called
    /// within a tokio runtime.
    ///
    /// # Errors
    ///
    /// What the system says when the port cannot be had, that there is no runtime, or that rustls
    /// cannot use the credential.
    pub fn bind(
        address: SocketAddr,
        credential: &HttpsCredential,
        site: SocketAddr,
    ) -> io::Result<HttpsFront> {
        let runtime = tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
        let acceptor = TlsAcceptor::from(Arc::new(server(credential).map_err(io::Error::other)?));
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let accepting = runtime.spawn(accept(listener, acceptor, site));
        Ok(HttpsFront { address, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for HttpsFront {
    fn drop(&mut self) {
        // The connections belong to the accepting task and end with it.
        self.accepting.abort();
    }
}

fn server(credential: &HttpsCredential) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let chain = credential.chain.iter().map(|c| CertificateDer::from(c.der().to_vec())).collect();
    let key = PrivatePkcs8KeyDer::from(credential.key.pkcs8().to_vec());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::Pkcs8(key))
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, site: SocketAddr) {
    let gate = Gate::default();
    gate.at_most(MOST);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        // The peer went away, or the system is short of something: the next may fare better.
        let Ok((stream, _)) = accepted else {
            tokio::task::yield_now().await;
            continue;
        };
        match gate.admit() {
            Some(admitted) => {
                connections.spawn(hand_on(stream, acceptor.clone(), site, admitted));
            }
            None => reset(&stream),
        }
    }
}

async fn hand_on(stream: TcpStream, acceptor: TlsAcceptor, site: SocketAddr, _inside: Admitted) {
    // Errors here are the peer's, which refuses the certificate above all, or the site's.
    let Ok(mut secure) = acceptor.accept(stream).await else { return };
    let Ok(mut plain) = TcpStream::connect(site).await else { return };
    let _ = tokio::io::copy_bidirectional(&mut secure, &mut plain).await;
}

/// What a client hears that connects to `address` for `host`, trusts these roots and reads the lab's
/// clock: none where the handshake succeeds.
pub async fn refusal(
    address: SocketAddr,
    host: &str,
    roots: &[Certificate],
    lab_time: &LabTime,
) -> Option<FetchError> {
    let Ok(stream) = TcpStream::connect(address).await else {
        return Some(FetchError::ConnectionRefused);
    };
    let Ok(name) = ServerName::try_from(host.to_owned()) else {
        return Some(FetchError::SecureFailure);
    };
    let Ok(config) = client(roots, lab_time) else { return Some(FetchError::SecureFailure) };
    match TlsConnector::from(Arc::new(config)).connect(name, stream).await {
        Ok(_) => None,
        Err(error) if error.get_ref().is_some_and(|e| e.is::<rustls::Error>()) => {
            Some(FetchError::SecureFailure)
        }
        Err(_) => Some(FetchError::ConnectionReset),
    }
}

fn client(roots: &[Certificate], lab_time: &LabTime) -> Result<ClientConfig, rustls::Error> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(CertificateDer::from(root.der().to_vec()))?;
    }
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let time = Arc::new(ByLabTime(lab_time.clone()));
    Ok(ClientConfig::builder_with_details(provider, time)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(store)
        .with_no_client_auth())
}

#[derive(Debug)]
struct ByLabTime(LabTime);

impl TimeProvider for ByLabTime {
    fn current_time(&self) -> Option<UnixTime> {
        let secs = u64::try_from(self.0.now().as_secs()).ok()?;
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(secs)))
    }
}

#[cfg(test)]
mod tests {
    use revlab_lab::Seed;

    use super::*;
    use crate::FakeCa;
    use crate::fault::HttpsCertificate;
    use crate::sample::{self, START};

    const HOST: &str = "pki.lab.example";

    fn bind(credential: &HttpsCredential) -> HttpsFront {
        let nowhere = "127.0.0.1:1".parse().unwrap();
        HttpsFront::bind("127.0.0.1:0".parse().unwrap(), credential, nowhere).unwrap()
    }

    #[tokio::test]
    async fn each_certificate_is_refused_for_its_own_defect_and_for_no_other() {
        let ca = FakeCa::new(vec![sample::issuing()], Vec::new(), Seed(1), START).unwrap();
        let roots = ca.chain("issuing");
        let now = LabTime::new(START);
        let refused = async |wrong, host: &str, roots: &[Certificate], now: &LabTime| {
            let credential = ca.https_credential("issuing", HOST, wrong, Seed(1)).unwrap();
            let front = bind(&credential);
            (refusal(front.address(), host, roots, now).await, credential)
        };
        for (name, wrong) in HttpsCertificate::NAMES {
            let (why, credential) = refused(wrong, HOST, &roots, &now).await;
            assert_eq!(why, Some(FetchError::SecureFailure), "{name}");
            // Whoever asks for the other name, or looks at the clock of last week, is content.
            let week_before = LabTime::new(START - revlab_lab::Span::from_days(7));
            let (host, roots, now) = match wrong {
                HttpsCertificate::OtherName => ("other.invalid", roots.clone(), &now),
                HttpsCertificate::Expired => (HOST, roots.clone(), &week_before),
                HttpsCertificate::SelfSigned => (HOST, credential.chain.clone(), &now),
                HttpsCertificate::Untrusted => continue,
            };
            let trusted = refused(wrong, host, &roots, now).await.0;
            assert_eq!(trusted, None, "{name}");
        }
    }
}
