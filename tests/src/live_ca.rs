//! A CA on loopback for programs that nobody here wrote: a root, an issuing CA below it with base
//! and delta CRLs and an OCSP responder, and clients that are good or revoked. Real sockets, and the
//! machine's own time: those programs read no other clock. At `/defect/NAME/ocsp` its responder has the
//! OCSP defect of that name.

mod configs;
mod state;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use revlab_fake_ca::live::{Answered, Site};
use revlab_lab::Instant;
use revlab_lab::http::{Method, Reply, Request};
use revlab_pki::{Certificate, CertificateTemplate, Issuer, KeyAlgorithm, KeyPair, Usage};
use tempfile::TempDir;
use tokio::sync::oneshot;

use state::State;

/// The clients: good, in the base CRL, on hold in the base CRL, and in the delta alone.
pub const CLIENTS: [&str; 4] = ["good", "revoked", "held", "late"];

/// A CA that serves until it is dropped.
#[derive(Debug)]
pub struct LiveCa {
    /// Its files, see [`LiveCa::start`].
    pub folder: TempDir,
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl LiveCa {
    /// Starts a CA with keys of one kind. Its time stands still at the moment of the call.
    ///
    /// In its folder are `root.pem`, `issuing.pem`, both as `chain.pem`, for each client and the
    /// `server` NAME`.pem` and NAME`.key`, and the CRLs of both as `root.crl`, `base.crl` and
    /// `delta.crl` in DER and `.crl.pem`; `crl-signer.pem` where the CRLs have a signer of their own.
    ///
    /// # Panics
    ///
    /// There is no port to be had on loopback, or no place for files.
    pub fn start(key: KeyAlgorithm) -> LiveCa {
        LiveCa::start_with(key, "responder = {}")
    }

    /// As [`LiveCa::start`], with other lines in the scenario's table of the issuing CA.
    ///
    /// # Panics
    ///
    /// As [`LiveCa::start`]; or the lines are wrong.
    pub fn start_with(key: KeyAlgorithm, lines: &str) -> LiveCa {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a tokio runtime");
        let site = {
            let _inside = runtime.enter();
            Site::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a port on loopback")
        };
        let address = site.address();
        let state = Arc::new(Mutex::new(State::new(address, key, lines)));
        let (stop, stopped) = oneshot::channel();
        let served = state.clone();
        let thread = std::thread::spawn(move || runtime.block_on(serve(site, served, stopped)));
        let folder = TempDir::new().expect("a folder");
        let (stop, thread) = (Some(stop), Some(thread));
        let ca = LiveCa { folder, address, state, stop, thread };
        ca.write_files();
        ca
    }

    /// An absolute URL at the CA.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The folder of its files.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What the CA's time is.
    pub fn now(&self) -> Instant {
        self.state().now
    }

    /// A CA's certificate and key: `root` or `issuing`.
    ///
    /// # Panics
    ///
    /// There is no such CA.
    pub fn authority(&self, name: &str) -> (Certificate, KeyPair) {
        let state = self.state();
        let found = state.ca.certificate(name).cloned().zip(state.ca.issuer_key(name).cloned());
        found.unwrap_or_else(|| panic!("there is no CA `{name}`"))
    }

    /// The certificate and the key of a client or the `server`.
    ///
    /// # Panics
    ///
    /// There is none of that name.
    pub fn identity(&self, name: &str) -> (Certificate, KeyPair) {
        let found = self.state().identities.get(name).cloned();
        found.unwrap_or_else(|| panic!("there is no identity `{name}`"))
    }

    /// Another certificate for an identity, with the serial number of its own, so that all that is
    /// said about the one holds for the other, and with these URLs: CRL distribution point,
    /// freshestCRL and OCSP. Written as `FILE.pem`.
    ///
    /// # Panics
    ///
    /// There is no such identity, or one of the texts is no URL.
    pub fn twin(&self, name: &str, file: &str, cdp: &[&str], freshest: &[&str], ocsp: &[&str]) {
        let ((certificate, key), (ca, ca_key)) = (self.identity(name), self.authority("issuing"));
        let urls = |texts: &[&str]| {
            let parsed = texts.iter().map(|text| text.parse().unwrap_or_else(|e| panic!("{e}")));
            parsed.collect::<Vec<_>>()
        };
        let template = CertificateTemplate {
            subject: certificate.subject().clone(),
            serial: certificate.serial().to_vec(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            usage: Usage::Client,
            crl_urls: urls(cdp),
            freshest_crl_urls: urls(freshest),
            ocsp_urls: urls(ocsp),
            issuer_urls: Vec::new(),
            dns_names: Vec::new(),
            ca_version: None,
        };
        let twin = template.issue(key.public_key_info(), &Issuer::Certificate(&ca, &ca_key));
        self.write(&format!("{file}.pem"), twin.unwrap_or_else(|e| panic!("{e}")).pem());
    }

    /// From now on the CA answers so at a path, whatever else is there.
    pub fn put(&self, path: &str, content_type: &str, body: &[u8]) {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        let reply = Reply { status: 200, substatus: 0, headers, body: body.into() };
        self.state().pages.insert(path.to_owned(), reply);
    }

    /// What has been asked for since this was called last: method and path in order.
    pub fn asked(&self) -> Vec<(Method, String)> {
        let journal = std::mem::take(&mut self.state().journal);
        journal.iter().map(|r| (r.method, r.url.path_and_query().to_owned())).collect()
    }

    /// What the CA answers to a request, without a socket.
    ///
    /// # Panics
    ///
    /// The URL is none.
    pub fn get(&self, path: &str) -> Reply {
        let url = self.url(path).parse().unwrap_or_else(|e| panic!("{e}"));
        self.state().answer(Request::get(url))
    }

    /// Writes a file into the folder.
    ///
    /// # Panics
    ///
    /// It cannot be written.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
    }

    /// Reads a text file from the folder.
    ///
    /// # Panics
    ///
    /// It is not there.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn write_files(&self) {
        let (root, issuing) = (self.authority("root").0.pem(), self.authority("issuing").0.pem());
        self.write("root.pem", &root);
        self.write("issuing.pem", &issuing);
        self.write("chain.pem", issuing + &root);
        if let Some(signer) = self.state().ca.crl_signer("issuing") {
            self.write("crl-signer.pem", signer.pem());
        }
        for name in CLIENTS.into_iter().chain(["server"]) {
            let (certificate, key) = self.identity(name);
            self.write(&format!("{name}.pem"), certificate.pem());
            self.write(&format!("{name}.key"), key.pkcs8_pem());
        }
        let lists = [("root", "Root"), ("base", "Issuing"), ("delta", "Issuing+")];
        for (file, at) in lists {
            let der = self.get(&format!("/CertEnroll/{at}.crl")).body;
            self.write(&format!("{file}.crl"), &der);
            self.write(&format!("{file}.crl.pem"), crate::pem("X509 CRL", &der));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Drop for LiveCa {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has failed the test already: its client got no answer.
            let _ = thread.join();
        }
    }
}

async fn serve(mut site: Site, state: Arc<Mutex<State>>, mut stopped: oneshot::Receiver<()>) {
    loop {
        let arrived = tokio::select! {
            arrived = site.next() => arrived,
            _ = &mut stopped => return,
        };
        let Some(arrived) = arrived else { return };
        let reply = {
            let mut state = lock(&state);
            let request = at_port(arrived.request, site.address());
            state.journal.push(request.clone());
            state.answer(request)
        };
        // A client that has gone away needs no answer.
        let _ = arrived.answer.send(Answered::Reply(reply));
    }
}

/// The request as it was meant: `openssl ocsp` leaves the port out of its `Host` field.
fn at_port(request: Request, address: SocketAddr) -> Request {
    let url = format!("http://{address}{}", request.url.path_and_query());
    let url = url.parse().unwrap_or_else(|_| request.url.clone());
    Request { url, ..request }
}

/// A test that panicked with the lock has failed; the others have CAs of their own.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
