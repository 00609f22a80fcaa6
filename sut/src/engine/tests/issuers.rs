//! Issuers that nobody sends: from caIssuers, once, and then from memory and disk.

use revlab_lab::http::FetchError;
use revlab_lab::trace::{CacheOp, Kind, Layer, Purpose, State, Step, Verdict};
use revlab_lab::{Clock, Code, Span};
use revlab_pki::{Certificate, CertificateExtras, Usage, cms};

use super::authority::{Authority, BASE, START, base, urls};
use super::bench::{Answer, Bench, profile};
use crate::cache::Object;
use crate::profile::Hypothesis;
use crate::{Operation, SYSTEM_ACCOUNT};

const DAY: Span = Span::from_days(1);
const ROOT_BASE: &str = "http://ca/root.crl";
const ISSUER: &str = "http://ca/issuing.crt";
const SECOND: &str = "http://ca/second.crt";

/// Root, issuing CA, and a client that says where the issuing CA's certificate is.
struct Cast {
    root: Authority,
    issuing: Authority,
    client: Certificate,
}

fn cast(at: &[&str]) -> Cast {
    let root = Authority::root();
    let issuing = root.subordinate("Issuing-CA", &[ROOT_BASE]);
    let client = issuing.client("alice", 10, |t| t.issuer_urls = urls(at));
    Cast { root, issuing, client }
}

impl Cast {
    /// A machine that knows the root alone.
    fn bench(&self, settings: &[(&str, &str)]) -> Bench {
        let known = vec![self.root.certificate.clone()];
        let profile = profile(Hypothesis::H0, &[], settings);
        let mut bench = Bench::with(profile, Clock::exact(START), known);
        bench.put("root", ROOT_BASE, Answer::ok(self.root.sign(&base(1, START, DAY))));
        bench.put("base", BASE, Answer::ok(self.issuing.sign(&base(1, START, DAY))));
        bench.put("issuer", ISSUER, Answer::ok(self.issuing.certificate.der().to_vec()));
        bench
    }
}

/// Where an issuer was looked for, and how it was found.
fn lookups(steps: &[Step]) -> Vec<(Layer, State)> {
    let of = |step: &Step| match step {
        Step::Lookup { object: Purpose::Issuer, layer, state, .. } => Some((*layer, *state)),
        _ => None,
    };
    steps.iter().filter_map(of).collect()
}

/// §2.2 and §5.1 (events 12 to 15), documented: an issuer comes from the network, then from the cache.
#[test]
fn an_issuer_that_nobody_sends_is_fetched_once_and_known_from_then_on() {
    let cast = cast(&[ISSUER]);
    let mut bench = cast.bench(&[]);
    let seen = bench.check(&cast.client);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, "issuer root base"));
    assert_eq!(lookups(&seen.check.steps), [(Layer::Disk, State::Absent)]);
    let fetch = bench.fetches().next().unwrap();
    assert_eq!(fetch.purpose, Purpose::Issuer);
    assert_eq!(fetch.object.as_ref().unwrap().sha1, Some(cast.issuing.certificate.sha1()));

    let other = cast.issuing.client("bob", 11, |t| t.issuer_urls = urls(&[ISSUER]));
    let seen = bench.check(&other);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, ""));
    assert_eq!(lookups(&seen.check.steps), [(Layer::Memory, State::Fresh)]);
}

/// It is on the account's disk by its URL, survives a reboot there, and nowhere else.
#[test]
fn it_outlives_a_reboot_and_goes_with_the_url_cache() {
    let cast = cast(&[ISSUER]);
    let mut bench = cast.bench(&[]);
    bench.check(&cast.client);
    let caches = bench.machine.caches(bench.now);
    let entries = &caches.accounts[SYSTEM_ACCOUNT].entries;
    let kept = entries.iter().find(|e| e.url.as_str() == ISSUER).unwrap();
    assert!(matches!(&kept.object, Object::Issuers(i) if i.certificates().len() == 1));
    assert!(kept.issuer.is_none() && kept.prefetch.at.is_none());

    bench.put("issuer", ISSUER, Answer::not_found());
    bench.replace_machine();
    let seen = bench.check(&cast.client);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, ""));
    assert_eq!(lookups(&seen.check.steps), [(Layer::Disk, State::Fresh)]);

    bench.operate(Operation::UrlcacheDelete { account: SYSTEM_ACCOUNT.into() });
    assert_eq!(bench.check(&cast.client).verdict, Verdict::Good, "the process still knows it");
    bench.replace_machine();
    let seen = bench.check(&cast.client);
    assert_eq!((seen.page.as_str(), seen.asked.as_str()), ("403.16", "issuer"));
    assert_eq!(seen.code, Some(Code::CERT_E_CHAINING));
}

/// ChainCacheResyncFiletime (§2.2): older cached information is ignored, and the issuer is asked for.
#[test]
fn a_resync_makes_it_be_fetched_anew() {
    let cast = cast(&[ISSUER]);
    let mut bench = cast.bench(&[]);
    bench.check(&cast.client);
    bench.wait(Span::from_mins(1));
    bench.operate(Operation::ChainCacheResync);
    assert!(bench.check(&cast.client).asked.starts_with("issuer"));
}

/// A peer that sends it spares the retrieval, and teaches the machine nothing.
#[test]
fn what_a_peer_sends_is_taken_and_not_kept() {
    let cast = cast(&[ISSUER]);
    let mut bench = cast.bench(&[]);
    let chain = [cast.client.clone(), cast.issuing.certificate.clone()];
    bench.request(&chain, revlab_lab::trace::Handshake::Full);
    bench.wait(Span::from_secs(1));
    assert_eq!(bench.asked_since(0), "root base");
    let seen = bench.check(&cast.client);
    assert_eq!(seen.asked, "issuer");
    let stored = bench.trace.iter().filter(|(_, kind)| {
        matches!(kind, Kind::Cache(c) if c.op == CacheOp::Store
            && c.layer == Layer::Memory && c.object.as_deref() == Some("issuer"))
    });
    assert_eq!(stored.count(), 1);
}

/// Strict profiles take the chain as it comes: RFC 5280 §6 begins with a path.
#[test]
fn where_the_profile_does_not_ask_the_chain_is_incomplete() {
    let cast = cast(&[ISSUER]);
    let seen = cast.bench(&[("aia_issuers", "false")]).check(&cast.client);
    assert_eq!((seen.page.as_str(), seen.asked.as_str()), ("403.16", ""));
    assert_eq!(seen.code, Some(Code::CERT_E_CHAINING));

    let nowhere = self::cast(&[]);
    let seen = nowhere.bench(&[]).check(&nowhere.client);
    assert_eq!(seen.code, Some(Code::CERT_E_CHAINING));
    assert!(seen.check.steps.contains(&Step::NoUrl { object: Purpose::Issuer }));
}

/// §2.2, documented: MaxAIAUrlCountInCert 5, RetrievalCountPerChain 3, ByteCount 100 000, CertCount 10.
#[test]
fn the_limits_of_the_fact_sheet_hold() {
    let many: Vec<String> = (0..9).map(|i| format!("http://ca/{i}.crt")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let cast = cast(&many);
    let asked = |settings: &[(&str, &str)]| {
        let mut bench = cast.bench(settings);
        let seen = bench.check(&cast.client);
        (seen.verdict, bench.fetches().count())
    };
    assert_eq!(asked(&[]), (Verdict::NotChecked, 3));
    assert_eq!(asked(&[("aia_max_retrievals", "8")]), (Verdict::NotChecked, 5));
    assert_eq!(asked(&[("aia_max_retrievals", "9"), ("aia_max_urls", "9")]).1, 9);

    let rejected = |body: Vec<u8>| {
        let cast = self::cast(&[ISSUER]);
        let mut bench = cast.bench(&[]);
        bench.put("issuer", ISSUER, Answer::ok(body));
        let seen = bench.check(&cast.client);
        let why = bench.fetches().next().unwrap().rejected.clone();
        (seen.verdict, why.map(|why| why.to_string()).unwrap_or_default())
    };
    let long = rejected(vec![b'x'; 100_001]);
    assert_eq!(long.1, "it has 100001 octets, and 100000 are the limit");
    let right = self::cast(&[ISSUER]).issuing.certificate;
    let crowd = |n: u8| {
        let other = |i| Authority::root().client("other", i, |_| {});
        let mut all: Vec<Certificate> = (1..n).map(other).collect();
        all.push(right.clone());
        cms::certs_only(&all)
    };
    assert_eq!(rejected(crowd(10)), (Verdict::Good, String::new()));
    assert_eq!(rejected(crowd(11)).1, "it has 11 certificates, and 10 are the limit");
}

/// A URL that fails is left alone for a while, and the next one is asked.
#[test]
fn the_next_url_is_asked_and_the_one_that_failed_left_alone() {
    let cast = cast(&[ISSUER, SECOND]);
    let mut bench = cast.bench(&[]);
    bench.put("issuer", ISSUER, Answer::error(FetchError::ConnectionRefused));
    bench.put("second", SECOND, Answer::not_found());
    assert_eq!(bench.check(&cast.client).asked, "issuer second");
    assert_eq!(bench.check(&cast.client).asked, "");
    bench.put("second", SECOND, Answer::ok(cast.issuing.certificate.pem().into_bytes()));
    bench.wait(Span::from_hours(1));
    let seen = bench.check(&cast.client);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, "issuer second root base"));
}

/// A certificate of another name is not the issuer.
#[test]
fn another_certificate_is_refused_with_the_reason() {
    let cast = cast(&[ISSUER]);
    let mut bench = cast.bench(&[]);
    bench.put("issuer", ISSUER, Answer::ok(cast.root.certificate.der().to_vec()));
    let seen = bench.check(&cast.client);
    assert_eq!(seen.code, Some(Code::CERT_E_CHAINING));
    let why = bench.fetches().next().unwrap().rejected.clone();
    assert_eq!(why.as_deref(), Some("no certificate of CN=Issuing-CA with the right key"));
}

/// Two levels up: each missing issuer is fetched, from the certificate below it.
#[test]
fn a_chain_is_fetched_level_by_level() {
    let root = Authority::root();
    let policy = root.subordinate("Policy-CA", &[]);
    let extras = CertificateExtras::default();
    let issuing = policy.issue("Issuing-CA", 3, Usage::Authority, &extras, |t| {
        t.issuer_urls = urls(&[SECOND]);
    });
    let client = issuing.client("alice", 10, |t| t.issuer_urls = urls(&[ISSUER]));
    let profile = profile(Hypothesis::H0, &[], &[("check_scope", "leaf")]);
    let mut bench = Bench::with(profile, Clock::exact(START), vec![root.certificate.clone()]);
    bench.put("base", BASE, Answer::ok(issuing.sign(&base(1, START, DAY))));
    bench.put("issuing", ISSUER, Answer::ok(issuing.certificate.der().to_vec()));
    bench.put("policy", SECOND, Answer::ok(policy.certificate.der().to_vec()));
    let seen = bench.check(&client);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, "issuing policy base"));
}

/// §2.3: a URL that never answers costs its 15 s; the budget of 20 s is one for revocation, which
/// then has all of it (inferred).
#[test]
fn waiting_for_an_issuer_does_not_shorten_the_revocation_check() {
    let cast = cast(&[ISSUER, SECOND]);
    let mut bench = cast.bench(&[]);
    bench.put("issuer", ISSUER, Answer::never());
    bench.put("second", SECOND, Answer::ok(cast.issuing.certificate.der().to_vec()));
    bench.put("root", ROOT_BASE, Answer::never());
    let began = bench.now;
    let seen = bench.check(&cast.client);
    assert_eq!(seen.verdict, Verdict::Offline);
    let times: Vec<Span> = bench.asked.iter().map(|a| a.at - began).collect();
    assert_eq!(times, [Span::ZERO, Span::from_secs(15), Span::from_secs(15)]);
    assert_eq!(seen.took, Span::from_secs(15 + 10));
}
