//! What there is behind the socket: the CAs, the moment that they are at, and who has a certificate.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use revlab_fake_ca::config::CaOperation;
use revlab_fake_ca::content::ocsp::OcspDefect;
use revlab_fake_ca::{CaEvent, FakeCa};
use revlab_lab::http::{Reply, Request};
use revlab_lab::{Core, Instant, Out, Seed, Span};
use revlab_pki::{Certificate, KeyAlgorithm, KeyPair, Usage};

use super::{CLIENTS, configs};

/// What the serving thread and the test share.
#[derive(Debug)]
pub(super) struct State {
    pub(super) ca: FakeCa,
    pub(super) now: Instant,
    pub(super) identities: BTreeMap<String, (Certificate, KeyPair)>,
    pub(super) pages: BTreeMap<String, Reply>,
    pub(super) journal: Vec<Request>,
}

impl State {
    pub(super) fn new(address: SocketAddr, key: KeyAlgorithm, lines: &str) -> State {
        let now = wall_clock();
        let start = now - Span::from_hours(1);
        let configs = configs::of(address, key, lines);
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
        self.operate(CaOperation::Revoke { serial, reason: Some(reason), extensions: Vec::new() });
    }

    fn operate(&mut self, operation: CaOperation) {
        let event = CaEvent::Operation { ca: "issuing".into(), operation };
        self.ca.decide(self.now, event, &mut Out::new());
    }

    pub(super) fn answer(&mut self, request: Request) -> Reply {
        if let Some(page) = self.pages.get(request.url.path()) {
            return page.clone();
        }
        let (request, defects) = self.defective(request);
        self.ca.reply_with(self.now, &request, &[], &defects)
    }

    /// A request to `/defect/NAME/ocsp`, or below it, as one to `/ocsp`, and the defect of that name.
    fn defective(&self, request: Request) -> (Request, Vec<OcspDefect>) {
        let named = OcspDefect::NAMES.iter().find_map(|(name, defect)| {
            let rest = request.url.path().strip_prefix("/defect/")?.strip_prefix(name)?;
            rest.starts_with("/ocsp").then(|| (rest.to_owned(), *defect))
        });
        let Some((rest, defect)) = named else { return (request, Vec::new()) };
        let url = format!("http://{}{rest}", request.url.authority()).parse();
        let url = url.unwrap_or_else(|_| request.url.clone());
        (Request { url, ..request }, vec![defect])
    }
}

/// Wall time in whole seconds, as certificates have it.
#[expect(clippy::disallowed_methods, reason = "programs that nobody here wrote read this clock")]
fn wall_clock() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Instant::from_millis(i64::try_from(since.as_millis()).unwrap_or_default()).floor_to_second()
}
