//! What scenario files mean, as a whole: every key, defaults, variants, inheritance.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use revlab_clients::cipher::Cipher;
use revlab_clients::load::{Arrivals, Gap, Load, Rate, Stage};
use revlab_clients::plan::{ClientPlan, Principal, ResumedBy, Session, Sessions, StatusRange};
use revlab_clients::{Choice, RevocationState};
use revlab_fake_ca::config::*;
use revlab_fake_ca::content::crl::CrlDefect;
use revlab_fake_ca::content::issuer::IssuerDefect;
use revlab_fake_ca::content::ocsp::OcspDefect;
use revlab_fake_ca::fault::{
    Effect, Endpoint, HttpsCertificate, OfCertificate, Pattern, Probability, ResetAt, Selector,
    When,
};
use revlab_lab::clock::{Drift, Step};
use revlab_lab::http::Method;
use revlab_lab::network::Network;
use revlab_lab::trace::{HttpVersion, Purpose, TlsVersion};
use revlab_lab::{Clock, Instant, Name, Seed, Span};
use revlab_pki::{
    AccessDescription, AccessMethod, CertificateExtension, CrlSubjects, DistinguishedName,
    DistributionPoint, GeneralName, KeyAlgorithm, NameConstraints, PointName, ReasonFlags,
};
use revlab_sut::config::Spoiled;
use revlab_sut::profile::{Hypothesis, Profile, Sheet, Update, Value};

use super::library::{DiscoverError, Entry, discover, entry};
use super::model::{Expectation, ExpectationKind, Operation};
use super::{Scenario, decode, from_text, load, name_of};

/// Every key of the language at least once.
const EVERYTHING: &str = include_str!("everything.toml");

const SMALL: &str = r#"
format = 1
title = "small"
start = 2014-04-16T00:00:00Z
duration = "24h"
ca.issuing = {}
sut.web = {}
clients.jmeter.every = "10s"
"#;

fn start() -> Instant {
    "2014-04-16T00:00:00Z".parse().unwrap()
}

fn one(text: &str) -> Scenario {
    let mut scenarios = from_text("x", text).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(scenarios.len(), 1);
    scenarios.remove(0)
}

fn variant(text: &str, name: &str) -> Scenario {
    let scenarios = from_text("x", text).unwrap_or_else(|errors| panic!("{errors}"));
    scenarios.into_iter().find(|s| s.variant.as_deref() == Some(name)).unwrap()
}

fn urls(texts: &[&str]) -> Vec<revlab_lab::http::Url> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn every_key_that_can_be_written_is_read_without_complaint() {
    for key in decode::specs().iter().flat_map(|spec| spec.keys.iter().copied()) {
        let written = EVERYTHING.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        assert!(written.clone().any(|word| word == key), "{key} is in no example");
    }
    assert_eq!(from_text("x", EVERYTHING).unwrap_or_else(|errors| panic!("{errors}")).len(), 1);
}

#[test]
fn the_reference_names_every_key_in_the_section_of_its_table() {
    let reference = include_str!("../../../docs/src/reference/scenario.md");
    for spec in decode::specs() {
        let heading = format!("# `{}`\n", spec.path);
        let (_, section) = reference
            .split_once(&heading)
            .unwrap_or_else(|| panic!("the reference has no section `{}`", spec.path));
        let section = section.split("\n#").next().unwrap_or_default();
        let kinds = spec.kinds.iter().map(|kind| kind.path.rsplit('.').next().unwrap());
        let keys: Vec<&str> = spec.keys.iter().copied().chain(kinds).collect();
        for key in &keys {
            let row = format!("\n| `{key}` |");
            assert!(section.contains(&row), "`{}`: the reference lacks `{key}`", spec.path);
        }
        assert_eq!(section.matches("\n| `").count(), keys.len(), "`{}`: rows of no key", spec.path);
    }
}

#[test]
fn the_page_of_defects_has_each_of_them_once() {
    let page = include_str!("../../../docs/src/reference/defects.md");
    let (crls, rest) = page.split_once("\n## OCSP answers\n").unwrap();
    let (ocsp, issuer) = rest.split_once("\n## CA certificates\n").unwrap();
    let rows = |section: &str| -> Vec<String> {
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
        rows.map(|(name, _)| name.to_owned()).collect()
    };
    assert_eq!(rows(crls), CrlDefect::NAMES.map(|(name, _)| name));
    assert_eq!(rows(ocsp), OcspDefect::NAMES.map(|(name, _)| name));
    assert_eq!(rows(issuer), IssuerDefect::NAMES.map(|(name, _)| name));
}

#[test]
fn the_example_of_the_reference_is_a_scenario() {
    let reference = include_str!("../../../docs/src/reference/scenario.md");
    let (_, rest) = reference.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let names = from_text("x", example).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(names.len(), 1);
    assert_eq!(names[0].expectations.len(), 1);
}

#[test]
fn the_head_and_the_network_are_read() {
    let s = variant(EVERYTHING, "only");
    assert_eq!((s.name.as_str(), s.title.as_str()), ("x", "Another title"));
    assert_eq!(s.description.as_deref(), Some("Another description"));
    assert_eq!(s.tags, ["a", "b"]);
    assert_eq!((s.start, s.duration, s.seed), (start(), Span::from_hours(24), Seed(8)));
    let network = Network {
        round_trip: Span::from_millis(2),
        name_error: Span::from_millis(3),
        name_timeout: Span::from_secs(4),
        connect_timeout: Span::from_secs(5),
    };
    assert_eq!(s.network, network);
}

#[test]
fn a_ca_is_read_to_the_last_key() {
    let s = variant(EVERYTHING, "only");
    let drift = |secs| Drift { gain: Span::from_secs(secs), per: Span::from_hours(1) };
    let step = Step { at: start() + Span::from_hours(3), by: Span::from_mins(-10) };
    let expected = CaConfig {
        name: "issuing".into(),
        parent: Some("root".into()),
        cross: vec!["root".into()],
        common_name: "XXX-CA".into(),
        host: "win-msprl0t325o".into(),
        computer: "WIN-MSPRL0T325O.lab".into(),
        key: KeyAlgorithm::Rsa2048,
        imported: None,
        key_index: 1,
        renewed: vec![
            Renewal { ago: Span::from_days(20), new_key: true },
            Renewal { ago: Span::from_days(10), new_key: false },
        ],
        age: Span::from_days(40),
        lifetime: Span::from_days(1000),
        issued_lifetime: Span::from_days(100),
        crl: CrlSchedule {
            period: Span::from_hours(1),
            delta_period: Some(Span::from_mins(30)),
            overlap: Some(Span::from_mins(6)),
            delta_overlap: Some(Span::from_mins(5)),
            delta_overlap_rule: DeltaOverlap::B,
            clock_skew: Span::from_mins(4),
            phase: Span::from_mins(3),
            delta_phase: Span::from_mins(-2),
            drift: drift(24),
            base_run: BaseRun::WithDelta,
            delta_base: DeltaBase::OldestUnexpired,
            virtual_base: false,
        },
        publishing: Publishing {
            only: Some(CrlSubjects::Users),
            reasons: Some(vec![1, 4]),
            partitions: 1,
            signer: Some(CrlSigner {
                common_name: Some("CRL issuer".into()),
                key: Some(KeyAlgorithm::EcdsaP384),
            }),
            indirect_for: vec!["root".into()],
            padding: 10,
            lag: Span::from_mins(1),
            down: Some((start() + Span::from_hours(4), start() + Span::from_hours(5))),
            replica: Some(Replica {
                url: "http://mirror/b.crl".parse().ok(),
                lag: Span::from_hours(2),
            }),
            archive: true,
            ahead: true,
        },
        cdp: Some(urls(&["http://a/b.crl"])),
        freshest: Some(vec![]),
        published_locations: urls(&["http://a/p.crl", "http://b/p.crl"]),
        aia: Aia { ocsp: urls(&["http://a/ocsp"]), issuers: Some(urls(&["http://a/i.crt"])) },
        issued: Issued::default(),
        own: Own::default(),
        responder: Some(Responder {
            at: Some(urls(&["http://b/ocsp"])),
            from: Some(start() + Span::from_hours(3)),
            validity: Span::from_hours(2),
            signer: OcspSigner::Delegated,
            responder_id: ResponderId::ByName,
            nonce: NonceRule::Demand,
            signing: Signing::Live,
            lag: Span::from_mins(10),
            methods: Methods { get: false, post: true },
            get: GetPath {
                merge_slashes: true,
                plus_as_space: true,
                refuse_encoded_slash: true,
                max_url: Some(255),
            },
            archive_cutoff: Some(Span::from_days(365)),
            source: ResponderSource::Crl,
            never_issued: NeverIssued::Good,
            dates: AnswerDates::Newest,
        }),
        web: WebSite { double_escaping: false },
        clock: Clock::new(start(), Span::from_mins(5), drift(1), vec![step]),
    };
    assert_eq!(s.cas["issuing"], expected);
}

#[test]
fn what_certificates_say_besides_is_read_to_the_last_key() {
    let s = variant(EVERYTHING, "only");
    let root = &s.cas["root"];
    let name = |text| DistinguishedName::parse(text).unwrap();
    let uri = |text: &str| GeneralName::Uri(text.into());
    let points = vec![
        DistributionPoint {
            name: Some(PointName::Full(vec![
                uri("ldap:///CN=a"),
                uri("http://a/a.crl"),
                GeneralName::Directory(name("CN=a")),
            ])),
            reasons: Some(ReasonFlags::of([1, 10])),
            crl_issuer: None,
        },
        DistributionPoint {
            name: Some(PointName::RelativeToIssuer(name("CN=b"))),
            reasons: None,
            crl_issuer: Some(name("CN=c,O=d")),
        },
    ];
    let access = |method, uri: &str| AccessDescription { method, uri: uri.into() };
    let other = AccessMethod::Other("1.2.3".parse().unwrap());
    let extension = |oid: &str, critical| CertificateExtension {
        oid: oid.parse().unwrap(),
        critical,
        value: vec![5, 0],
    };
    let issued = Issued {
        points: Some(points),
        freshest: vec![DistributionPoint::at(["file://///s/a+.crl"])],
        access: Some(vec![
            access(AccessMethod::Ocsp, "http://dead/ocsp"),
            access(AccessMethod::Issuer, "ldap:///CN=a"),
            access(other, "http://a/"),
        ]),
        must_staple: true,
        ocsp_no_check: true,
        extensions: vec![extension("1.2.3", true), extension("1.2.4", false)],
    };
    assert_eq!(root.issued, issued);
    assert_eq!(
        root.aia,
        Aia { ocsp: urls(&["http://dead/ocsp"]), issuers: Some(urls(&["ldap:///CN=a"])) }
    );
    let constraints = NameConstraints {
        permitted: vec![GeneralName::Dns("lab".into())],
        excluded: vec![
            GeneralName::Email("x.lab".into()),
            GeneralName::Directory(name("CN=a")),
            GeneralName::Network("10.0.0.0".parse().unwrap(), 8),
        ],
    };
    let cross_points =
        CrossPointer { urls: urls(&["http://a/cross.p7c"]), interval: Some(Span::from_hours(24)) };
    let own = Own {
        name_constraints: Some(constraints),
        cross_points: Some(cross_points),
        unconstrained: true,
        ..Own::default()
    };
    assert_eq!(root.own, own);
}

#[test]
fn a_scenario_can_want_real_time_without_shorter_times() {
    let real = "format = 1\ntitle = \"t\"\nstart = \"2024-03-01T00:00:00Z\"\nduration = \"20s\"\n\
         real_time = { always = true }\n[ca.issuing]\n[sut.web]\n[clients.users]\nevery = \"10s\"\n";
    let read = one(real);
    assert_eq!((read.always_real, read.divide), (true, None));
    assert!(!one(&real.replace("always = true", "divide = 2")).always_real);
}

#[test]
fn a_run_in_real_time_has_its_times_divided_and_those_of_the_network_not() {
    let text = r#"
format = 1
title = "x"
start = 2014-04-16T00:00:00Z
duration = "1h"
real_time = { divide = 60, now = NOW }
network.name_error = "2s"
ca.issuing.crl = { period = "30m", delta_period = "none" }
sut.web.clock.offset = "5m"
clients.jmeter = { every = "1m..3m", timeout = "20s" }
fault.slow = { on = "issuing", from = "10m", for = "20m", latency = { latency = "10s" } }
operation.revoke = { on = "issuing", at = "30m", revoke = { identity = "jmeter-1" } }
expect.e = { why = "w", exposure = { at_most = "10m" } }
"#;
    let as_written = one(&text.replace("NOW", "false"));
    let divided = one(&text.replace("NOW", "true"));
    assert_eq!((as_written.divide, divided.divide), (Some(60), Some(60)));
    let times = |s: &Scenario| {
        let client = &s.clients["jmeter"];
        let fault = &s.faults["slow"];
        let Load::Every(gap) = client.load.clone() else { panic!("{:?}", client.load) };
        let ExpectationKind::Exposure { at_most } = s.expectations[0].kind else { panic!() };
        (
            [
                s.duration,
                s.cas["issuing"].crl.period,
                fault.until - fault.from,
                gap.mean(),
                at_most,
            ],
            [s.suts["web"].clock.skew(start()), s.operations["revoke"].at - start()],
            [s.network.name_error, client.timeout],
            fault.effect.clone(),
        )
    };
    let (own, others, network, effect) = times(&as_written);
    let by_60 = |span: Span| span.scale(1, 60);
    let expected = (own.map(by_60), others.map(by_60), network, effect);
    assert_eq!(times(&divided), expected);
    assert_eq!(own[0], Span::from_hours(1));
}

#[test]
fn a_ca_that_says_nothing_is_an_ad_cs_ca() {
    let s = one(SMALL);
    let ca = &s.cas["issuing"];
    assert_eq!((ca.common_name.as_str(), ca.host.as_str()), ("issuing", "issuing"));
    assert_eq!(ca.computer, "ISSUING");
    assert_eq!(ca.crl.period, Span::from_days(7));
    assert_eq!(ca.crl.delta_period, Some(Span::from_days(1)));
    assert_eq!((ca.crl.overlap, ca.crl.delta_overlap), (None, None));
    assert_eq!(ca.crl.clock_skew, Span::from_mins(10));
    assert_eq!((&ca.cdp, &ca.freshest, &ca.responder), (&None, &None, &None));
    assert!(ca.crl.virtual_base && ca.published_locations.is_empty());
    assert_eq!(ca.publishing, Publishing::default());
    assert_eq!(ca.clock, Clock::exact(start()));
    let none = one(&format!("{SMALL}[ca.issuing.crl]\ndelta_period = \"none\"\n")
        .replace("ca.issuing = {}\n", ""));
    assert_eq!(none.cas["issuing"].crl.delta_period, None);
}

#[test]
fn the_validity_of_a_ca_can_be_given_by_dates() {
    let root = &variant(EVERYTHING, "only").cas["root"];
    // From 1 January to 16 April 2014, and to 1 January 2034.
    assert_eq!(root.age, Span::from_days(105));
    assert_eq!(root.lifetime, Span::from_days(20 * 365 + 5));
}

#[test]
fn a_sut_is_read_with_its_profile() {
    let s = variant(EVERYTHING, "only");
    let sut = &s.suts["web"];
    let mut profile = Profile::new(
        Sheet::named("windows-2008r2").unwrap(),
        Hypothesis::H2,
        vec![Update::Kb2666300],
    );
    profile.set("ocsp_offline_memory", Value::Text("5h")).unwrap();
    profile.set("prefetch", Value::Boolean(false)).unwrap();
    assert_eq!(sut.profile, profile);
    assert!(sut.under_test);
    assert_eq!((sut.host.as_str(), &*sut.ca, sut.tls), ("www.lab", "root", TlsVersion::V1_3));
    assert_eq!(sut.clock.skew(start()), Span::from_mins(1));
    assert_eq!((sut.sends_issuers, &sut.stores), (false, &Some(vec!["root".into()])));
    let urls = vec!["http://ocsp.lab/first".parse().unwrap()];
    assert_eq!(sut.ocsp_urls, [("issuing".into(), urls)]);
    assert_eq!(sut.crl_prefetch, ["http://pki.lab/a.crl".parse().unwrap()]);
    let publisher = &sut.publisher;
    let (half, minute) = (Span::from_mins(30), Span::from_mins(1));
    assert_eq!((publisher.every, publisher.lag, publisher.reload), (half, minute, false));
    let faults: Vec<_> = publisher.faults.iter().map(|f| f.spoiled).collect();
    let expected =
        [Spoiled::Truncated(7), Spoiled::Stopped, Spoiled::Unreadable, Spoiled::NoReload];
    assert_eq!(faults, expected);
    let torn = &publisher.faults[0];
    assert_eq!(
        (torn.from, torn.until),
        (start() + Span::from_hours(1), start() + Span::from_mins(90))
    );
    assert_eq!(s.validators["desk"].stores, Some(vec!["issuing".into(), "root".into()]));
    let other = &s.suts["other"];
    assert!(!other.under_test);
    assert!(other.sends_issuers && other.stores.is_none());
    assert_eq!(
        (other.host.as_str(), &*other.ca, other.tls),
        ("other", "issuing", TlsVersion::V1_2)
    );
}

#[test]
fn load_models_are_read_in_every_notation() {
    let s = variant(EVERYTHING, "only");
    let load = |name: &str| s.clients[name].load.clone();
    let secs = Span::from_secs;
    assert_eq!(load("desks"), Load::Think(Gap::Gaussian { mean: secs(10), deviation: secs(2) }));
    let rate = |count| Rate { count, per: secs(1) };
    let stages = vec![
        Stage { length: Some(Span::from_hours(1)), from: rate(1), to: rate(1) },
        Stage { length: Some(secs(60)), from: rate(1), to: rate(50) },
        Stage { length: None, from: rate(2), to: rate(2) },
    ];
    assert_eq!(load("crowd"), Load::Rate(stages, Arrivals::Poisson));
    let of = |text: &str| {
        let text = EVERYTHING.replace("think = \"gaussian 10s, 2s\"", text);
        variant(&text, "only").clients["desks"].load.clone()
    };
    let uniform = Gap::Uniform { from: secs(5), to: secs(15) };
    assert_eq!(of("every = \"5s..15s\""), Load::Every(uniform));
    assert_eq!(of("think = \"poisson 3s\""), Load::Think(Gap::Poisson { mean: secs(3) }));
    let flat = Stage { length: None, from: rate(10), to: rate(10) };
    assert_eq!(of("rate = \"10 per 1s\""), Load::Rate(vec![flat], Arrivals::Even));
}

#[test]
fn a_client_is_read_to_the_last_key() {
    let s = variant(EVERYTHING, "only");
    let expected = ClientPlan {
        name: "jmeter".into(),
        sut: "web".into(),
        issued_by_key: Some(1),
        ca: "issuing".into(),
        load: Load::Every(Gap::Fixed(Span::from_secs(10))),
        barrier: Some(2),
        threads: 2,
        ramp_up: Span::from_secs(4),
        identities: 3,
        choice: Choice::Weighted(vec![3, 2, 0]),
        state: Some(RevocationState::Good),
        keystore: Vec::new(),
        from: start() + Span::from_secs(30),
        until: start() + Span::from_hours(23),
        loops: Some(1000),
        session: Session::Resumed,
        resumed_by: ResumedBy::Id,
        sessions: Sessions::Shared,
        keep_alive: true,
        tls: TlsVersion::V1_2,
        http: HttpVersion::V2,
        ciphers: Cipher::numbered(0xc02b).into_iter().collect(),
        timeout: Span::from_secs(30),
        control: true,
        path: "/a?b=c".into(),
        admit: StatusRange { from: 200, to: 299 },
        clock: Clock::new(start(), Span::from_secs(-2), Drift::NONE, vec![]),
        validator: Some("desk".into()),
        principal: Some(Principal { name: "www.lab".into(), in_first_dns_name: true }),
        host: Some("mail.lab".into()),
        remembers_certificate: true,
        sends_issuers: false,
        recorded: false,
    };
    assert_eq!(s.clients["jmeter"], expected);
}

#[test]
fn a_client_that_says_nothing_follows_the_sut_under_test() {
    let s = variant(EVERYTHING, "only");
    let client = &s.clients["plain"];
    assert_eq!((&*client.sut, &*client.ca, client.tls), ("web", "issuing", TlsVersion::V1_3));
    assert_eq!((client.from, client.until), (start(), start() + Span::from_hours(24)));
    assert_eq!((client.threads, client.identities, client.loops), (1, 1, None));
    assert_eq!((client.session, client.control), (Session::Fresh, false));
    assert_eq!((client.sessions, client.resumed_by), (Sessions::Own, ResumedBy::Ticket));
    assert_eq!((client.http, client.ciphers.len()), (HttpVersion::V1_1, 0));
    assert_eq!(s.suts["web"].http, HttpVersion::V1_1);
    assert_eq!(client.timeout, Span::from_mins(1));
}

#[test]
fn faults_act_on_endpoints_for_a_time() {
    let s = variant(EVERYTHING, "only");
    let fault = |name: &str| &s.faults[name];
    let hours = |n| start() + Span::from_hours(n);
    let shown = |name: &str| {
        let f = fault(name);
        (&*f.on.ca, f.on.endpoint, f.effect.clone())
    };
    assert_eq!(shown("resolver"), ("issuing", Endpoint::All, Effect::NameNotResolved));
    assert_eq!(shown("name-servfail").2, Effect::NameServfail);
    assert_eq!(shown("name-silent"), ("issuing", Endpoint::Crl, Effect::NameSilent));
    assert_eq!(shown("name-slow").2, Effect::NameSlow(Span::from_secs(3)));
    assert_eq!(shown("name-aaaa").2, Effect::NameAaaaOnly);
    assert_eq!(shown("name-nowhere").2, Effect::NameWrongAddress(None));
    assert_eq!(shown("name-elsewhere").2, Effect::NameWrongAddress(Some("root".into())));
    assert_eq!(shown("name-dead").2, Effect::NameFirstDead);
    assert_eq!(shown("down"), ("issuing", Endpoint::Crl, Effect::Down));
    assert_eq!(shown("reset"), ("issuing", Endpoint::Base, Effect::ResetPeer(ResetAt::Request)));
    assert_eq!(shown("silent"), ("issuing", Endpoint::Delta, Effect::Timeout(None)));
    let late = Effect::Latency { latency: Span::from_secs(2), jitter: Span::ZERO };
    assert_eq!(shown("late"), ("issuing", Endpoint::Ocsp, late));
    let busy = Effect::Status { status: 503, body: None };
    assert_eq!(shown("page"), ("root", Endpoint::Issuer, busy));
    assert_eq!((fault("resolver").from, fault("resolver").until), (hours(0), hours(24)));
    assert_eq!((fault("down").from, fault("down").until), (hours(3), hours(4)));
    assert_eq!((fault("reset").from, fault("reset").until), (hours(1), hours(2)));
    assert_eq!(shown("reset-at").2, Effect::ResetPeer(ResetAt::Connect));
    assert_eq!(shown("reset-in").2, Effect::ResetPeer(ResetAt::Bytes(100)));
    assert_eq!(shown("insecure").2, Effect::Https(HttpsCertificate::Untrusted));
    assert_eq!(shown("closed").2, Effect::Timeout(Some(Span::from_secs(5))));
    let jitter = Span::from_millis(500);
    assert_eq!(shown("wavering").2, Effect::Latency { latency: Span::from_secs(2), jitter });
    let set = vec![("Cache-Control".into(), "max-age=31536000".into())];
    assert_eq!(shown("cached").2, Effect::Headers { set, remove: vec!["ETag".into()] });
    assert!(fault("down").must_be_met);
    assert!(!fault("page").must_be_met);
}

#[test]
fn a_fault_says_on_which_requests_it_acts() {
    let s = variant(EVERYTHING, "only");
    let only = Selector {
        purposes: vec![Purpose::Base, Purpose::Ocsp],
        url: Some(Pattern::new("http://*")),
        method: Some(Method::Get),
        client: Some(Pattern::new("web")),
        account: Some("systemprofile".into()),
        certificate: Some(OfCertificate::IssuedTo("jmeter-1".into())),
    };
    let when = When {
        first: Some(10),
        every: Some(2),
        after_ocsp: Some(3),
        probability: Some(Probability::millionths(250_000)),
    };
    let fault = &s.faults["some"];
    assert_eq!((&fault.only, &fault.when), (&only, &when));
    let certificate = Some(OfCertificate::Serial(vec![0x1a, 0x2b]));
    assert_eq!(s.faults["serial"].only.certificate, certificate);
    assert_eq!(s.faults["down"].only, Selector::default());
    assert_eq!(s.faults["down"].when, When::default());
}

#[test]
fn a_fault_in_the_table_of_its_ca_is_the_same_fault() {
    let own = "ca.issuing.fault.slow = { on = \"crl\", down = {} }\n\
               ca.issuing.fault.all = { timeout = {} }\n";
    let apart = "fault.slow = { on = \"issuing.crl\", down = {} }\n\
                 fault.all = { on = \"issuing\", timeout = {} }\n";
    let faults = |text: &str| {
        one(&SMALL.replace("ca.issuing = {}", &format!("ca.issuing.host = \"h\"\n{text}"))).faults
    };
    assert_eq!(faults(own), faults(apart));
}

#[test]
fn operations_are_read_with_their_defaults() {
    let s = variant(EVERYTHING, "only");
    let line = |o: &Operation| {
        let (at, until) = (o.at - start(), o.until - start());
        format!("{} on {} at {at} every {:?} until {until}: {:?}", o.name, o.on, o.every, o.action)
    };
    let lines: Vec<String> = s.operations.values().map(line).collect();
    assert_snapshot!(lines.join("\n"), @r#"
    a on web at 1h every None until 1d: Sut(Reboot)
    b on web at 1h every Some(Span(1800000)) until 5h: Sut(RestartService)
    binding on other at 3h every None until 1d: Sut(RecreateBinding)
    c on web at 2h every None until 1d: Sut(UrlcacheDelete { account: "Administrator" })
    cable on other at 3h every None until 1d: Sut(Disconnect)
    cable-again on other at 4h every None until 1d: Sut(Connect)
    check-off on other at 3h 10m every None until 1d: Sut(RevocationCheck { enabled: false })
    check-on on other at 3h 20m every None until 1d: Sut(RevocationCheck { enabled: true })
    d on web at 2h every None until 1d: Sut(UrlcacheDelete { account: "NetworkService" })
    e on web at 2h every None until 1d: Sut(DeleteCacheFiles { accounts: ["Administrator", "systemprofile"] })
    f on web at 2h every None until 1d: Sut(DeleteCacheFiles { accounts: ["systemprofile"] })
    g on other at 2h every None until 1d: Sut(ChainCacheResync)
    h on web at 2h every None until 1d: Sut(Verify { identity: "jmeter-3", account: "Operator" })
    i on issuing at 2h every None until 1d: Revoke { identity: "jmeter-1", reason: Some(6), extensions: [CrlExtension { oid: ObjectIdentifier(2.5.29.24), critical: false, value: [24, 15, 50, 48, 49, 52, 48, 52, 48, 49, 48, 48, 48, 48, 48, 48, 90] }, CrlExtension { oid: ObjectIdentifier(2.5.29.23), critical: false, value: [6, 7, 82, 134, 72, 206, 56, 2, 3] }] }
    j on issuing at 2h every None until 1d: Publish { base: true }
    k on issuing at 2h every None until 1d: Publish { base: false }
    l on issuing at 2h every None until 1d: Reissue { ocsp: [Url(http://b/ocsp)] }
    m on issuing at 2h every None until 1d: Release { identity: "jmeter-1" }
    n on issuing at 2h every None until 1d: Ca(Skip { base: true })
    o on issuing at 2h every None until 1d: Ca(Postpone { base: false, by: Span(3600000) })
    p on issuing at 2h every None until 1d: Ca(Restore { back: 2 })
    q on issuing at 20h every None until 1d: Heal
    q-renew on issuing at 2h every None until 1d: Ca(Renew { new_key: false })
    r-back on web at 4h every None until 1d: RestoreCertificate
    r-clear on jmeter at 5h every None until 1d: ClearSslState
    r-reboot-desks on desk at 5h every None until 1d: Sut(Reboot)
    r-swap on web at 3h every None until 1d: SwapCertificate { names: ["www.lab", "mail.lab"] }
    store on web at 2h every None until 1d: Sut(AddToStore { ca: "issuing", base: false })
    "#);
}

#[test]
fn expectations_are_read_in_the_order_of_the_file() {
    let s = variant(EVERYTHING, "only");
    assert_eq!(s.expectations[0].why.as_deref(), Some("because"));
    assert_eq!(s.expectations[0].shows, ["O2"]);
    assert_eq!(s.expectations[0].known.as_deref(), Some("LAB-7"));
    let line = |e: &Expectation| {
        let (from, to) = (e.window.from - start(), e.window.to - start());
        format!("{} {from}..{to}: {:?}", e.name, e.kind)
    };
    let lines: Vec<String> = s.expectations.iter().map(line).collect();
    assert_snapshot!(lines.join("\n"), @r#"
    z-attempts 1h..20h: Attempts { share: AtLeast(0.95), of: AttemptFilter { clients: ["jmeter"], identity: Some("jmeter-2") }, result: ResultFilter { outcome: Refused, code: Some(0x80092013), substatus: Some(13), by: Some("web") } }
    episodes 0s..1d: Episodes { of: AttemptFilter { clients: ["jmeter"], identity: Some("jmeter-1") }, result: ResultFilter { outcome: Refused, code: Some(0x80092013), substatus: Some(13), by: Some("dc") }, count: Count { min: 2, max: Some(5) }, length: Some(SpanRange { min: Some(Span(1800000)), max: Some(Span(4500000)) }), heals: Some(true), first: Some(SpanRange { min: Some(Span(25200000)), max: None }), apart: Some(SpanRange { min: None, max: Some(Span(28800000)) }) }
    fetches 0s..1d: Fetches { of: FetchFilter { purposes: [Base, Delta], url: Some("XXX-CA"), status: Some(200), succeeded: Some(true), process: Some("lsass.exe"), by: Some("desk"), unsolicited: Some(false) }, count: Count { min: 0, max: Some(0) }, during: Some(During { of: AttemptFilter { clients: ["plain"], identity: Some("plain-1") }, result: ResultFilter { outcome: Refused, code: Some(0x80092013), substatus: Some(13), by: None }, at_start: Some(Span(60000)) }), while_base_stale: true }
    order 0s..1d: Order { sequence: [OrderItem { of: FetchFilter { purposes: [Base], url: None, status: None, succeeded: None, process: None, by: None, unsolicited: None }, at: Instant(1397645494000) }, OrderItem { of: FetchFilter { purposes: [Delta], url: Some("c"), status: Some(200), succeeded: Some(true), process: Some("d"), by: None, unsolicited: Some(false) }, at: Instant(1397646000000) }], within: Span(30000), only: Some(FetchFilter { purposes: [Base], url: Some("a"), status: Some(404), succeeded: Some(false), process: Some("b"), by: Some("web"), unsolicited: Some(true) }) }
    follows 0s..1d: Follows { after: FetchFilter { purposes: [Ocsp], url: None, status: None, succeeded: Some(false), process: None, by: None, unsolicited: None }, then: FetchFilter { purposes: [Base], url: None, status: None, succeeded: None, process: None, by: None, unsolicited: None }, within: Span(20000) }
    checks 0s..1d: Checks { of: CheckFilter { process: Some("lsass.exe"), by: Some("dc"), identity: Some("jmeter-1") }, result: CheckResult { verdict: Some(Offline), code: Some(0x80092013), base: Some(Stale) }, count: None, share: Some(All), during: Some(During { of: AttemptFilter { clients: [], identity: None }, result: ResultFilter { outcome: Refused, code: None, substatus: None, by: None }, at_start: None }) }
    more-checks 0s..1d: Checks { of: CheckFilter { process: None, by: None, identity: None }, result: CheckResult { verdict: Some(Good), code: None, base: None }, count: Some(Count { min: 3, max: Some(3) }), share: None, during: None }
    exposure 0s..1d: Exposure { at_most: Span(7200000) }
    log 0s..1d: Log { code: Some(0x80092013), file: Some("u_ex"), count: Count { min: 0, max: Some(3) } }
    "#);
}

const VARIANTS: &str = r#"
[expect.b]
log = {}
[expect.a]
log = { count = "= 0" }
[variant.z]
clients.jmeter.threads = 2
remove = ["expect.b"]
expect.c.exposure.at_most = "1h"
[variant.y]
title = "other"
"#;

#[test]
fn variants_come_in_the_order_of_the_file_and_merge_by_name() {
    let scenarios = from_text("x", &format!("{SMALL}{VARIANTS}")).unwrap();
    let names: Vec<_> = scenarios.iter().map(|s| s.variant.clone().unwrap()).collect();
    assert_eq!(names, [Name::from("z"), Name::from("y")]);
    let expectations = |s: &Scenario| -> Vec<String> {
        s.expectations.iter().map(|e| e.name.to_string()).collect()
    };
    assert_eq!(expectations(&scenarios[0]), ["a", "c"]);
    assert_eq!(expectations(&scenarios[1]), ["b", "a"]);
    assert_eq!(scenarios[0].clients["jmeter"].threads, 2);
    assert_eq!(scenarios[1].clients["jmeter"].threads, 1);
    assert_eq!((scenarios[0].title.as_str(), scenarios[1].title.as_str()), ("small", "other"));
}

#[test]
fn the_resolved_text_does_not_depend_on_the_order_of_variants() {
    let one = format!("{SMALL}[variant.a]\nseed = 2\n[variant.b]\nseed = 3\n");
    let other = format!("{SMALL}[variant.b]\nseed = 3\n[variant.a]\nseed = 2\n");
    assert_eq!(variant(&one, "a").resolved, variant(&other, "a").resolved);
    assert_snapshot!(variant(&one, "b").resolved, @r#"
    # x, variant b, as resolved
    format = 1
    title = "small"
    start = 2014-04-16T00:00:00Z
    duration = "24h"
    seed = 3

    [ca.issuing]

    [sut.web]

    [clients.jmeter]
    every = "10s"
    "#);
}

#[test]
fn the_resolved_text_is_a_scenario_that_means_the_same() {
    let whole = variant(EVERYTHING, "only");
    let again = one(&whole.resolved);
    let expected = Scenario { variant: None, resolved: again.resolved.clone(), ..whole };
    assert_eq!(again, expected);
}

#[test]
fn a_file_extends_another_relative_to_itself() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    fs::create_dir_all(folder.path().join("scenarios/theme")).unwrap();
    put(
        "scenarios/common.toml",
        &format!("template = true\n{SMALL}[expect.a]\nlog = {{}}\n[variant.v]\n"),
    );
    put(
        "scenarios/theme/x.toml",
        "title = \"x\"\nextends = \"../common.toml\"\nremove = [\"expect.a\"]\n[expect.b]\nlog = {}\n",
    );
    let scenarios = load(&folder.path().join("scenarios/theme/x.toml")).unwrap();
    assert_eq!(scenarios.len(), 1);
    assert_eq!((scenarios[0].name.as_str(), scenarios[0].title.as_str()), ("theme/x", "x"));
    assert_eq!(scenarios[0].variant.as_deref(), Some("v"));
    assert_eq!(scenarios[0].expectations.len(), 1);
    assert_eq!(&*scenarios[0].expectations[0].name, "b");
}

#[test]
fn a_mistake_in_an_extended_file_is_shown_in_that_file() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    put("common.toml", &SMALL.replace("10s", "0s"));
    put("x.toml", "extends = \"common.toml\"\ntitel = \"x\"\n");
    let errors = load(&folder.path().join("x.toml")).unwrap_err();
    let lines = errors.lines().join("\n").replace(&folder.path().display().to_string(), "FOLDER");
    assert_snapshot!(lines, @r#"
    FOLDER/x.toml:2:1: unknown key `titel` in the scenario; did you mean `title`?
    FOLDER/common.toml:8:24: `every` of client `jmeter`: `0s` is not longer than zero
    "#);
}

#[test]
fn files_that_extend_one_another_in_a_circle_or_too_deep_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let said = |name: &str| {
        let errors = load(&folder.path().join(name)).unwrap_err();
        errors.lines().join("\n").replace(&folder.path().display().to_string(), "FOLDER")
    };
    put("a.toml", "extends = \"b.toml\"\n");
    put("b.toml", "extends = \"a.toml\"\n");
    assert_snapshot!(said("a.toml"), @"FOLDER/b.toml:1:11: FOLDER/a.toml extends itself, directly or through other files");
    for i in 0..12 {
        put(&format!("d{i}.toml"), &format!("extends = \"d{}.toml\"\n", i + 1));
    }
    assert_snapshot!(said("d0.toml"), @"FOLDER/d8.toml:1:11: files extend one another more than 8 deep");
}

#[test]
fn a_scenario_is_named_by_its_path_in_the_library() {
    let name = |path: &str| name_of(Path::new(path));
    assert_eq!(name("scenarios/kb2666300/lab.toml"), "kb2666300/lab");
    assert_eq!(name("/a/scenarios/b/scenarios/c.toml"), "c");
    assert_eq!(name("other/x.y.toml"), "x.y");
    assert_eq!(name("scenarios/../x.toml"), "x");
    assert_eq!(name("scenarios.toml"), "scenarios");
}

#[test]
fn a_folder_stands_for_the_scenarios_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("scenarios");
    fs::create_dir_all(root.join("b/.git")).unwrap();
    fs::create_dir_all(root.join("empty")).unwrap();
    for (name, text) in [
        ("z.toml", SMALL),
        ("b/a.toml", "format = 1\ntitle = \"A\"\ntags = [\"t\"]\n[variant.p]\n[variant.o]\n"),
        ("b/broken.toml", "= ="),
        ("b/common-ca.toml", ""),
        ("b/base.toml", "template = true\n"),
        ("b/.hidden.toml", ""),
        ("b/.git/x.toml", ""),
        ("b/readme.md", ""),
    ] {
        fs::write(root.join(name), text).unwrap();
    }
    let found = discover(&[root.clone(), root.join("z.toml")]).unwrap();
    assert_eq!(found, [root.join("b/a.toml"), root.join("b/broken.toml"), root.join("z.toml")]);
    let expected = Entry {
        path: root.join("b/a.toml"),
        name: "b/a".into(),
        title: "A".into(),
        variants: vec!["p".into(), "o".into()],
        tags: vec!["t".into()],
    };
    assert_eq!(entry(&root.join("b/a.toml")).unwrap(), expected);
    assert!(entry(&root.join("b/broken.toml")).is_err());
    assert_eq!(discover(&[root.join("empty")]), Err(DiscoverError::Empty(root.join("empty"))));
    assert_eq!(discover(&[root.join("none")]), Err(DiscoverError::Missing(root.join("none"))));
}
