//! A fake CA with an OCSP responder, alone and on a socket.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures wall time")]

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use revlab_fake_ca::config::{CaConfig, Signing};
use revlab_fake_ca::{CaAction, CaEvent, Defects, FakeCa};
use revlab_lab::http::{Reply, Request, Url};
use revlab_lab::{Core, Instant, Item, Out, Seed};
use revlab_pki::{CertId, Certificate, KeyPair, OcspRequest, Usage};

use crate::site;

/// A minute after the start of the scenarios here.
pub const NOW: Instant = Instant::from_millis(1_709_251_260_000);

/// The responder's URL in certificates: without a path, since `openssl ocsp` answers at the root.
const OCSP: &str = "http://ocsp.lab.example";

/// A CA whose responder answers on loopback, from a thread of its own, until the process ends.
pub struct Served {
    address: SocketAddr,
    path: String,
    issuer: Certificate,
    issuer_key: KeyPair,
    client: Certificate,
}

impl Served {
    /// Starts it.
    pub fn start(signing: Signing) -> Served {
        let (mut ca, client, request) = set_up(signing);
        let issuer = ca.certificate("issuing").expect("the CA").clone();
        let issuer_key = ca.issuer_key("issuing").expect("the CA").clone();
        let path = request.url.path_and_query().to_owned();
        // The site is known by its loopback address, the CA by the name in certificates.
        let address = site::serve(move |request| {
            let url = format!("{OCSP}{}", request.url.path_and_query()).parse().ok()?;
            Some(answer(&mut ca, Request { url, ..request }))
        });
        Served { address, path, issuer, issuer_key, client }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The path of the GET about its one client.
    pub fn path(&self) -> String {
        self.path.clone()
    }

    /// Writes what `openssl ocsp` needs to answer the same request.
    pub fn write(&self, folder: &Path) {
        let serial: String = self.client.serial().iter().map(|o| format!("{o:02X}")).collect();
        let index = format!("V\t491231235959Z\t\t{serial}\tunknown\t/CN=client\n");
        for (name, text) in [
            ("ca.pem", self.issuer.pem()),
            ("ca.key", self.issuer_key.pkcs8_pem()),
            ("index.txt", index),
        ] {
            std::fs::write(folder.join(name), text).expect("a file in the temporary folder");
        }
    }
}

/// Requests a second that the core answers by itself, each signed anew.
pub fn core_rate(time: Duration) -> f64 {
    let (mut ca, _, request) = set_up(Signing::Live);
    let (began, mut answered) = (std::time::Instant::now(), 0u64);
    while began.elapsed() < time {
        std::hint::black_box(answer(&mut ca, request.clone()));
        answered += 1;
    }
    answered as f64 / began.elapsed().as_secs_f64()
}

fn set_up(signing: Signing) -> (FakeCa, Certificate, Request) {
    let text = format!(
        "format = 1\ntitle = \"x\"\nstart = \"2024-03-01T00:00:00Z\"\nduration = \"1h\"\n\
         [ca.issuing]\nname = \"LAB-CA\"\nhost = \"pki.lab.example\"\naia = {{ ocsp = [\"{OCSP}\"] }}\n\
         responder = {{}}\n[sut.web]\nprofile = \"windows-2008r2\"\n\
         [clients.users]\nsut = \"web\"\nevery = \"1m\"\n"
    );
    let variants = revlab::scenario::from_text("rates", &text);
    let scenario = variants.unwrap_or_else(|e| panic!("{}", e.render(false))).remove(0);
    let start = scenario.start;
    let mut configs: Vec<CaConfig> = scenario.cas.into_values().collect();
    for responder in configs.iter_mut().filter_map(|config| config.responder.as_mut()) {
        responder.signing = signing;
    }
    let mut ca = FakeCa::new(configs, Vec::new(), Seed(1), start).expect("a CA");
    let key = KeyPair::seeded(revlab_pki::KeyAlgorithm::EcdsaP256, Seed(1), "client");
    let client = ca.issue("issuing", "client", Usage::Client, &key, &[]).expect("a certificate");
    let id = CertId::new(&client, ca.certificate("issuing").expect("the CA"));
    let base: Url = OCSP.parse().expect("a URL");
    let request = Request::get(OcspRequest::of(id).url(&base).expect("a URL"));
    ca.decide(start, CaEvent::Wake, &mut Out::new());
    (ca, client, request)
}

/// The CA of a scenario with these lines more, with nothing but its web site, and the URL of its base
/// CRL.
///
/// # Panics
///
/// The lines are wrong: a benchmark of something else would be worthless.
pub fn publishing(lines: &str) -> (FakeCa, Url) {
    let text = format!(
        "format = 1\ntitle = \"x\"\nstart = \"2024-03-01T00:00:00Z\"\nduration = \"1h\"\n\
         [sut.web]\n[clients.users]\nsut = \"web\"\nevery = \"1m\"\n\
         [ca.issuing]\nname = \"LAB-CA\"\nhost = \"pki.lab.example\"\n{lines}"
    );
    let variants = revlab::scenario::from_text("site", &text);
    let scenario = variants.unwrap_or_else(|e| panic!("{}", e.render(false))).remove(0);
    let start = scenario.start;
    let configs: Vec<CaConfig> = scenario.cas.into_values().collect();
    let mut ca = FakeCa::new(configs, scenario.faults.into_values().collect(), Seed(1), start)
        .expect("a CA");
    let key = KeyPair::seeded(revlab_pki::KeyAlgorithm::EcdsaP256, Seed(1), "client");
    let client = ca.issue("issuing", "client", Usage::Client, &key, &[]).expect("a certificate");
    ca.decide(start, CaEvent::Wake, &mut Out::new());
    (ca, client.crl_urls().first().expect("a distribution point").clone())
}

/// What the CA answers a minute after the start, faults on the way included.
pub fn answer(ca: &mut FakeCa, request: Request) -> Reply {
    let mut out = Out::new();
    ca.decide(NOW, CaEvent::Request { fetch: 0, request, defects: Defects::default() }, &mut out);
    let reply = out.drain().find_map(|item| match item {
        Item::Do(CaAction::Reply { reply, .. }) => Some(reply),
        _ => None,
    });
    reply.expect("a reply to each request")
}
