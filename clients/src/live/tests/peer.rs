//! A minimal HTTPS server for the tests, which does what it is told.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A root with the certificates of one server (2014 only) and one client.
pub(super) struct Pki {
    pub(super) root: Vec<u8>,
    pub(super) server: (Vec<Vec<u8>>, Vec<u8>),
    pub(super) client: (Vec<Vec<u8>>, Vec<u8>),
}

pub(super) fn pki() -> Pki {
    pki_of("revlab test root")
}

pub(super) fn pki_of(root: &str) -> Pki {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, root);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let issue = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2014, 1, 1);
        params.not_after = date_time_ymd(2015, 1, 1);
        let leaf = params.signed_by(&key, &ca).unwrap();
        (vec![leaf.der().to_vec(), ca.der().to_vec()], key.serialize_der())
    };
    let (server, client) = (issue("web.test"), issue("client.test"));
    Pki { root: ca.der().to_vec(), server, client }
}

/// What a server does with every client.
#[derive(Clone, Copy)]
pub(super) enum Behaviour {
    /// Writes these bytes and closes the connection.
    Answer(&'static [u8]),
    /// Writes these bytes after each request, until the client hangs up.
    Keeps(&'static [u8]),
    /// Writes these bytes after the first request, and hangs up when the second one has come.
    KeepsForOne(&'static [u8]),
    /// Refuses the client's certificate as revoked, in the handshake.
    Revoked,
    /// Takes the request and waits until the client hangs up.
    Silent,
    /// Answers over HTTP/2 with this status and body.
    Http2(u16, &'static str),
    /// Agrees on HTTP/2 and closes the connection once the client has spoken.
    Http2Closes,
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    events: mpsc::UnboundedReceiver<Event>,
    task: JoinHandle<()>,
}

pub(super) struct Request {
    pub(super) head: String,
    pub(super) chain: Vec<Vec<u8>>,
}

enum Event {
    Request(Request),
    HungUp,
}

impl Server {
    pub(super) async fn start(pki: &Pki, behaviour: Behaviour) -> Server {
        Server::start_with(config(pki, behaviour), behaviour).await
    }

    pub(super) async fn start_with(config: ServerConfig, behaviour: Behaviour) -> Server {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, events) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                serve(tcp, &acceptor, behaviour, &sender).await;
            }
        });
        Server { address, events, task }
    }

    pub(super) async fn request(&mut self) -> Request {
        match self.events.recv().await {
            Some(Event::Request(request)) => request,
            _ => panic!("no request"),
        }
    }

    pub(super) async fn hung_up(&mut self) {
        assert!(matches!(self.events.recv().await, Some(Event::HungUp)));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection at a time is enough here.
async fn serve(
    tcp: TcpStream,
    acceptor: &TlsAcceptor,
    behaviour: Behaviour,
    events: &mpsc::UnboundedSender<Event>,
) {
    let mut stream = match acceptor.accept(tcp).into_fallible().await {
        Ok(stream) => stream,
        Err((_, mut tcp)) => {
            // Read to the end, so that the alert is not lost to a reset.
            tcp.shutdown().await.ok();
            tcp.read_to_end(&mut Vec::new()).await.ok();
            return;
        }
    };
    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let chain: Vec<Vec<u8>> = chain.iter().map(|c| c.to_vec()).collect();
    match behaviour {
        Behaviour::Http2(status, body) => return http2(stream, chain, status, body, events).await,
        Behaviour::Http2Closes => {
            stream.read_u8().await.ok();
            return;
        }
        _ => {}
    }
    let mut answered = 0;
    while let Some(head) = head(&mut stream).await {
        events.send(Event::Request(Request { head, chain: chain.clone() })).ok();
        match behaviour {
            Behaviour::Keeps(bytes) if stream.write_all(bytes).await.is_ok() => {}
            Behaviour::KeepsForOne(_) if answered > 0 => return,
            Behaviour::KeepsForOne(bytes) if stream.write_all(bytes).await.is_ok() => {}
            _ => break,
        }
        answered += 1;
    }
    if let Behaviour::Answer(bytes) = behaviour {
        // A client that reads only a part of a long answer breaks it off.
        if stream.write_all(bytes).await.is_ok() {
            stream.shutdown().await.ok();
        }
    }
    stream.read_to_end(&mut Vec::new()).await.ok();
    events.send(Event::HungUp).ok();
}

/// The head of the next request, unless the client has hung up.
async fn head(stream: &mut TlsStream<TcpStream>) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// Answers requests; of each head the request line and the fields are told, as HTTP/2 has them.
async fn http2(
    stream: TlsStream<TcpStream>,
    chain: Vec<Vec<u8>>,
    status: u16,
    body: &'static str,
    events: &mpsc::UnboundedSender<Event>,
) {
    let events = events.clone();
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let head = format!("{} {} {:?}", request.method(), request.uri(), request.headers());
        events.send(Event::Request(Request { head, chain: chain.clone() })).ok();
        let answer = hyper::Response::builder().status(status);
        std::future::ready(answer.body(Full::new(Bytes::from(body))))
    });
    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    builder.serve_connection(TokioIo::new(stream), service).await.ok();
}

pub(super) fn config(pki: &Pki, behaviour: Behaviour) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let chain = pki.server.0.iter().map(|c| CertificateDer::from(c.clone())).collect();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pki.server.1.clone()));
    let verifier = Verifier(provider.clone(), behaviour);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(chain, key)
        .unwrap();
    if matches!(behaviour, Behaviour::Http2(..) | Behaviour::Http2Closes) {
        config.alpn_protocols = vec![b"h2".to_vec()];
    }
    config
}

struct Verifier(Arc<CryptoProvider>, Behaviour);

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verifier")
    }
}

impl ClientCertVerifier for Verifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match self.1 {
            Behaviour::Revoked => Err(CertificateError::Revoked.into()),
            _ => Ok(ClientCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
