//! A minimal TLS client with certificates for the tests.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::client::Resumption;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A CA with the certificates of one server and one client.
pub(super) struct Pki {
    pub(super) ca: CertifiedIssuer<'static, KeyPair>,
    pub(super) server: (Vec<Vec<u8>>, Vec<u8>),
    pub(super) client: (Vec<Vec<u8>>, Vec<u8>),
}

pub(super) fn pki() -> Pki {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let issue = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
        (vec![leaf.der().to_vec(), ca.der().to_vec()], key.serialize_der())
    };
    let (server, client) = (issue("web.test"), issue("client.test"));
    Pki { ca, server, client }
}

/// A client of one TLS version; it resumes sessions.
pub(super) fn client(
    pki: &Pki,
    version: &'static SupportedProtocolVersion,
    identity: Option<(&[Vec<u8>], &[u8])>,
) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(pki.ca.der().to_vec())).unwrap();
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match identity {
        Some((chain, key)) => {
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.to_vec()));
            let key = provider.key_provider.load_private_key(key).unwrap();
            let chain = chain.iter().map(|c| CertificateDer::from(c.clone())).collect();
            let certified = CertifiedKey::new(chain, key);
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
        }
        None => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::in_memory_sessions(16);
    Arc::new(config)
}

pub(super) async fn connect(
    config: &Arc<ClientConfig>,
    to: SocketAddr,
) -> std::io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(to).await?;
    TlsConnector::from(config.clone()).connect("web.test".try_into().unwrap(), tcp).await
}

/// One GET; the answer as text, up to the end of the connection.
pub(super) async fn get(
    config: &Arc<ClientConfig>,
    to: SocketAddr,
    path: &str,
) -> std::io::Result<String> {
    let mut stream = connect(config, to).await?;
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: web.test\r\nrevlab-attempt: 42\r\n\
                        connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.flush().await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text)
}
