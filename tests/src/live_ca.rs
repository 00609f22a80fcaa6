//! A CA on loopback for programs that nobody here wrote: a root, an issuing CA below it with base
//! and delta CRLs and an OCSP responder, and clients that are good or revoked. Real sockets, and the
//! machine's own time: those programs read no other clock.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use revlab::scenario;
use revlab_fake_ca::config::{CaConfig, CaOperation};
use revlab_fake_ca::live::{Answered, Site};
use revlab_fake_ca::{CaAction, CaEvent, FakeCa};
use revlab_lab::http::{Method, Reply, Request};
use revlab_lab::{Core, Instant, Item, Out, Seed, Span};
use revlab_pki::{Certificate, CertificateTemplate, Issuer, KeyAlgorithm, KeyPair, Usage};
use tempfile::TempDir;
use tokio::sync::oneshot;

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

/// What the serving thread and the test share.
#[derive(Debug)]
struct State {
    ca: FakeCa,
    now: Instant,
    identities: BTreeMap<String, (Certificate, KeyPair)>,
    pages: BTreeMap<String, Reply>,
    journal: Vec<Request>,
}

impl LiveCa {
    /// Starts a CA with keys of one kind. Its time stands still at the moment of the call.
    ///
    /// In its folder are `root.pem`, `issuing.pem`, both as `chain.pem`, for each client and the
    /// `server` NAME`.pem` and NAME`.key`, and the CRLs of both as `root.crl`, `base.crl` and
    /// `delta.crl` in DER and `.crl.pem`.
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
        for name in CLIENTS.into_iter().chain(["server"]) {
            let (certificate, key) = self.identity(name);
            self.write(&format!("{name}.pem"), certificate.pem());
            self.write(&format!("{name}.key"), key.pkcs8_pem());
        }
        let lists = [("root", "Root"), ("base", "Issuing"), ("delta", "Issuing+")];
        for (file, at) in lists {
            let der = self.get(&format!("/CertEnroll/{at}.crl")).body;
            self.write(&format!("{file}.crl"), &der);
            self.write(&format!("{file}.crl.pem"), pem("X509 CRL", &der));
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

impl State {
    fn new(address: SocketAddr, key: KeyAlgorithm, lines: &str) -> State {
        let now = wall_clock();
        let start = now - Span::from_hours(1);
        let configs = configs(address, key, lines);
        let ca = FakeCa::new(configs, Vec::new(), Seed(1), start).unwrap_or_else(|e| panic!("{e}"));
        let identities = BTreeMap::new();
        let (pages, journal) = (BTreeMap::new(), Vec::new());
        let mut state = State { ca, now: start, identities, pages, journal };
        state.live_through(now, key);
        state
    }

    /// The last half hour before `now`: who is issued, and what becomes of whom.
    fn live_through(&mut self, now: Instant, key: KeyAlgorithm) {
        for name in CLIENTS {
            self.issue(name, Usage::Client, key, &[]);
        }
        self.issue("server", Usage::Server, key, &["127.0.0.1".to_owned()]);
        self.now = now - Span::from_mins(20);
        self.revoke("revoked", 1);
        self.revoke("held", 6);
        self.operate(CaOperation::Publish { base: true });
        self.now = now - Span::from_mins(10);
        self.revoke("late", 4);
        self.operate(CaOperation::Publish { base: false });
        self.now = now;
    }

    fn issue(&mut self, name: &str, usage: Usage, key: KeyAlgorithm, dns_names: &[String]) {
        let key = KeyPair::seeded(key, Seed(1), name);
        let certificate = self.ca.issue("issuing", name, usage, &key, dns_names);
        let certificate = certificate.unwrap_or_else(|e| panic!("{e}"));
        self.identities.insert(name.to_owned(), (certificate, key));
    }

    fn revoke(&mut self, name: &str, reason: u8) {
        let Some((certificate, _)) = self.identities.get(name) else { return };
        let serial = certificate.serial().to_vec();
        self.operate(CaOperation::Revoke { serial, reason: Some(reason) });
    }

    fn operate(&mut self, operation: CaOperation) {
        let event = CaEvent::Operation { ca: "issuing".into(), operation };
        self.ca.decide(self.now, event, &mut Out::new());
    }

    fn answer(&mut self, request: Request) -> Reply {
        if let Some(page) = self.pages.get(request.url.path()) {
            return page.clone();
        }
        let mut out = Out::new();
        self.ca.decide(self.now, CaEvent::Request { fetch: 0, request }, &mut out);
        let mut items = out.drain();
        let reply = items.find_map(|item| match item {
            Item::Do(CaAction::Reply { reply, .. }) => Some(reply),
            Item::Trace(_) => None,
        });
        reply.expect("the CA answers every request")
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

/// The two CAs as a scenario says them, with the port in every URL.
fn configs(address: SocketAddr, key: KeyAlgorithm, lines: &str) -> Vec<CaConfig> {
    let named = KeyAlgorithm::NAMES.iter().find(|(_, kind)| *kind == key);
    let key = named.map_or("p256", |(name, _)| *name);
    let at = format!("http://{address}");
    let text = format!(
        r#"
        format = 1
        title = "A CA on loopback"
        start = "2024-01-01T00:00:00Z"
        duration = "1h"

        [ca.root]
        name = "Root"
        host = "127.0.0.1"
        computer = "root"
        key = "{key}"
        age = "60d"
        crl = {{ period = "90d", delta_period = "none" }}
        cdp = ["{at}/CertEnroll/Root.crl"]
        aia = {{ ocsp = ["{at}/root/ocsp"], issuers = ["{at}/CertEnroll/root_Root.crt"] }}
        responder = {{}}

        [ca.issuing]
        name = "Issuing"
        parent = "root"
        host = "127.0.0.1"
        computer = "issuing"
        key = "{key}"
        crl = {{ period = "1d", delta_period = "2h", delta_base = "newest" }}
        cdp = ["{at}/CertEnroll/Issuing.crl"]
        freshest = ["{at}/CertEnroll/Issuing+.crl"]
        aia = {{ ocsp = ["{at}/ocsp"], issuers = ["{at}/CertEnroll/issuing_Issuing.crt"] }}
        {lines}

        [sut.web]

        [clients.users]
        sut = "web"
        every = "1h"
        "#
    );
    let scenarios = scenario::from_text("live-ca", &text);
    let scenarios = scenarios.unwrap_or_else(|e| panic!("{}", e.render(false)));
    scenarios.into_iter().flat_map(|scenario| scenario.cas.into_values()).collect()
}

/// Bytes as PEM.
pub fn pem(label: &str, der: &[u8]) -> String {
    let key = "-----";
    let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, der);
    let mut lines = vec![format!("{key}BEGIN {label}{key}")];
    let bytes = text.as_bytes();
    lines.extend(bytes.chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()));
    lines.push(format!("{key}END {label}{key}\n"));
    lines.join("\n")
}

/// Wall time in whole seconds, as certificates have it.
#[expect(clippy::disallowed_methods, reason = "programs that nobody here wrote read this clock")]
fn wall_clock() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Instant::from_millis(i64::try_from(since.as_millis()).unwrap_or_default()).floor_to_second()
}

/// A test that panicked with the lock has failed; the others have CAs of their own.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
