//! A check that is answered from memory, and a reboot with a full disk cache:
//! `cargo bench -p revlab-benches --bench machine`.

use std::sync::Arc;

use divan::Bencher;
use revlab_lab::http::{Reply, Request, Url};
use revlab_lab::trace::{Handshake, TlsVersion, Writer};
use revlab_lab::{Clock, Core, Instant, Item, Out, Seed, Span};
use revlab_pki::{
    CertId, CertStatus, Certificate, CertificateTemplate, CrlTemplate, DistinguishedName, Issuer,
    KeyAlgorithm, KeyPair, OcspAnswer, Usage,
};
use revlab_sut::config::{Adapter, SutConfig};
use revlab_sut::profile::{Hypothesis, Profile, Sheet, Value};
use revlab_sut::{Machine, Operation, SutAction, SutEvent};

fn main() {
    divan::main();
}

/// 2024-03-01T00:00:00Z.
const START: Instant = Instant::from_millis(1_709_251_200_000);
const DAY: Span = Span::from_days(1);

/// A CA with its key.
struct Authority {
    certificate: Certificate,
    key: KeyPair,
}

fn urls(texts: &[&str]) -> Vec<Url> {
    texts.iter().map(|text| text.parse().expect("a URL")).collect()
}

fn template(
    name: &str,
    serial: u32,
    usage: Usage,
    crl: &str,
    ocsp: &[&str],
) -> CertificateTemplate {
    CertificateTemplate {
        subject: DistinguishedName::common_name(name),
        serial: [&[1][..], &serial.to_be_bytes()].concat(),
        not_before: START - DAY,
        not_after: START + DAY.scale(365, 1),
        usage,
        crl_urls: urls(&[crl]),
        freshest_crl_urls: Vec::new(),
        ocsp_urls: urls(ocsp),
        issuer_urls: Vec::new(),
        dns_names: Vec::new(),
        ca_version: None,
    }
}

impl Authority {
    fn new(name: &str, above: Option<&Authority>) -> Authority {
        let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), name);
        let issuer = match above {
            Some(ca) => Issuer::Certificate(&ca.certificate, &ca.key),
            None => Issuer::Itself(&key),
        };
        let template = template(name, 1, Usage::Authority, "http://root/base.crl", &[]);
        let certificate = template.issue(key.public_key_info(), &issuer).expect("issued");
        Authority { certificate, key }
    }

    fn client(&self, serial: u32, ocsp: &[&str]) -> Certificate {
        let crl = "http://issuing/base.crl";
        let template = template(&format!("client {serial}"), serial, Usage::Client, crl, ocsp);
        let issuer = Issuer::Certificate(&self.certificate, &self.key);
        template.issue(self.key.public_key_info(), &issuer).expect("issued")
    }

    fn crl(&self, delta: bool) -> Vec<u8> {
        let template = CrlTemplate {
            number: 2,
            base_number: delta.then_some(1),
            virtual_base: None,
            this_update: START,
            next_update: Some(START + DAY.scale(7, 1)),
            next_publish: None,
            ca_version: None,
            freshest_crl_urls: urls(if delta { &[] } else { &["http://issuing/delta.crl"] }),
            published_locations: Vec::new(),
            extensions: Vec::new(),
            entries: Vec::new(),
        };
        template.sign(&self.certificate, &self.key)
    }
}

/// A machine with what it is asked for.
struct Lab {
    machine: Machine,
    root: Authority,
    issuing: Authority,
    now: Instant,
    attempt: u64,
    /// About whom OCSP is asked next.
    about: Option<Certificate>,
}

impl Lab {
    fn new(settings: &[(&str, Value<'_>)]) -> Lab {
        let root = Authority::new("root", None);
        let issuing = Authority::new("issuing", Some(&root));
        let sheet = Sheet::named("windows-2008r2").expect("it is built in");
        let mut profile = Profile::new(sheet, Hypothesis::H0, Vec::new());
        for (name, value) in settings {
            profile.set(name, *value).expect("a parameter");
        }
        let config = SutConfig {
            http: revlab_lab::trace::HttpVersion::V2,
            client_certificates: revlab_sut::config::ClientCertificates::Require,
            directory: None,
            staple: None,
            sends_issuers: true,
            stores: None,
            ocsp_urls: Vec::new(),
            crl_prefetch: Vec::new(),
            publisher: Default::default(),
            name: "web".into(),
            under_test: true,
            adapter: Adapter::Model,
            host: "web".into(),
            ca: "issuing".into(),
            profile,
            tls: TlsVersion::V1_2,
            clock: Clock::exact(START),
        };
        let known = vec![root.certificate.clone(), issuing.certificate.clone()];
        let machine = Machine::new(&config, known, Seed(1));
        Lab { machine, root, issuing, now: START, attempt: 0, about: None }
    }

    /// A request, with all that it makes the machine fetch.
    fn request(&mut self, peer: &Arc<[Certificate]>, out: &mut Out<SutAction>) {
        self.about = peer.first().cloned();
        let event = self.event(peer);
        self.machine.decide(self.now, event, out);
        loop {
            let fetches: Vec<(u64, Request)> = out.drain().filter_map(fetch).collect();
            if fetches.is_empty() {
                return;
            }
            for (fetch, request) in fetches {
                let result = Ok(self.answer(&request));
                self.machine.decide(self.now, SutEvent::Fetched { fetch, result }, out);
            }
        }
    }

    fn event(&mut self, peer: &Arc<[Certificate]>) -> SutEvent {
        self.attempt += 1;
        let (attempt, handshake) = (self.attempt, Handshake::Full);
        SutEvent::Request { attempt, peer: peer.clone(), handshake, connection: None }
    }

    fn answer(&self, request: &Request) -> Reply {
        let body = match request.url.as_str() {
            "http://root/base.crl" => self.root.crl(false),
            "http://issuing/base.crl" => self.issuing.crl(false),
            "http://issuing/delta.crl" => self.issuing.crl(true),
            _ => {
                let about = self.about.as_ref().expect("somebody is asked about");
                let answer = OcspAnswer {
                    id: CertId::new(about, &self.issuing.certificate),
                    status: CertStatus::Good,
                    this_update: START,
                    next_update: Some(START + DAY),
                    produced_at: START,
                };
                answer.sign(&self.issuing.certificate, &self.issuing.key, false)
            }
        };
        Reply { status: 200, substatus: 0, headers: Vec::new(), body: body.into() }
    }
}

fn fetch(item: Item<SutAction>) -> Option<(u64, Request)> {
    match item {
        Item::Do(SutAction::Fetch { fetch, request, .. }) => Some((fetch, request)),
        _ => None,
    }
}

/// A lab whose machine has checked this client before: it has base and delta in memory. The CA above
/// is left out, whose CRL here points at a delta that is not its own.
fn warm() -> (Lab, Arc<[Certificate]>) {
    let mut lab = Lab::new(&[("check_scope", Value::Text("leaf"))]);
    let peer: Arc<[Certificate]> = [lab.issuing.client(7, &[])].into();
    lab.request(&peer, &mut Out::new());
    lab.now += Span::from_secs(1);
    let mut out = Out::new();
    let event = lab.event(&peer);
    lab.machine.decide(lab.now, event, &mut out);
    let welcome = |item: &Item<SutAction>| match item {
        Item::Do(SutAction::Respond { reply, .. }) => reply.status == 200,
        Item::Do(_) => false,
        Item::Trace(_) => true,
    };
    assert!(out.drain().all(|item| welcome(&item)), "it is let in, and nothing is asked for");
    (lab, peer)
}

/// Base and delta from memory: decision, answer and the check's record.
#[divan::bench(sample_count = 200, sample_size = 1000)]
fn a_check_from_memory(bencher: Bencher<'_, '_>) {
    let (mut lab, peer) = warm();
    let mut out = Out::new();
    bencher.bench_local(|| {
        let event = lab.event(&peer);
        lab.machine.decide(lab.now, event, &mut out);
        out.drain().count()
    });
}

/// The same, and the record written as a line.
#[divan::bench(sample_count = 200, sample_size = 1000)]
fn a_check_from_memory_and_its_line(bencher: Bencher<'_, '_>) {
    let (mut lab, peer) = warm();
    let mut out = Out::new();
    let mut writer = Writer::new(std::io::sink());
    bencher.bench_local(|| {
        let event = lab.event(&peer);
        lab.machine.decide(lab.now, event, &mut out);
        for item in out.drain() {
            if let Item::Trace(kind) = item {
                writer.write(lab.now, kind).expect("a sink takes it");
            }
        }
    });
}

/// A resumed session is let in without a check: what a request costs besides.
#[divan::bench(sample_count = 200, sample_size = 1000)]
fn a_request_without_a_check(bencher: Bencher<'_, '_>) {
    let (mut lab, peer) = warm();
    let mut out = Out::new();
    bencher.bench_local(|| {
        let (attempt, handshake) = (lab.attempt, Handshake::Resumed);
        lab.attempt += 1;
        let event = SutEvent::Request { attempt, peer: peer.clone(), handshake, connection: None };
        lab.machine.decide(lab.now, event, &mut out);
        out.drain().count()
    });
}

/// A reboot of a machine that has 3,000 OCSP answers on disk: they are written down and read back.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn a_reboot_with_3000_answers_on_disk(bencher: Bencher<'_, '_>) {
    let never = Value::Integer(4_294_967_294);
    let mut lab = Lab::new(&[
        ("check_scope", Value::Text("leaf")),
        ("switch_to_crl_count", never),
        ("max_ocsp_per_crl", never),
    ]);
    let mut out = Out::new();
    for serial in 0..3_000 {
        let peer: Arc<[Certificate]> =
            [lab.issuing.client(serial, &["http://issuing/ocsp"])].into();
        lab.request(&peer, &mut out);
    }
    let caches = lab.machine.caches(lab.now);
    assert_eq!(caches.accounts.values().map(|a| a.entries.len()).sum::<usize>(), 3_000);
    bencher.bench_local(|| {
        lab.machine.decide(lab.now, SutEvent::Operation(Operation::Reboot), &mut out);
        out.drain().count()
    });
}
