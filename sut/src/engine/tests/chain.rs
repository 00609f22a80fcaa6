//! Chains: from the root's side down, and what is judged before revocation.

use revlab_lab::trace::{Handshake, Purpose, Step, Verdict};
use revlab_lab::{Clock, Span};
use revlab_pki::{Certificate, CrlTemplate};

use super::authority::{Authority, BASE, DELTA, START, base, delta, entry, url, urls};
use super::bench::{Answer, Bench, profile};
use crate::profile::Hypothesis;

const DAY: Span = Span::from_days(1);
const ROOT_BASE: &str = "http://ca/root.crl";
const ROOT_DELTA: &str = "http://ca/root-delta.crl";

/// Root, issuing CA and a client of it.
fn two_tiers() -> (Authority, Authority, Certificate) {
    let root = Authority::root();
    let issuing = root.subordinate("Issuing-CA", &[ROOT_BASE]);
    let client = issuing.client("alice", 10, |_| {});
    (root, issuing, client)
}

fn bench_of(root: &Authority, issuing: &Authority) -> Bench {
    bench_knowing(vec![root.certificate.clone(), issuing.certificate.clone()], root, issuing)
}

fn bench_knowing(known: Vec<Certificate>, root: &Authority, issuing: &Authority) -> Bench {
    let mut bench = Bench::with(profile(Hypothesis::H0, &[], &[]), Clock::exact(START), known);
    bench.put("root", ROOT_BASE, Answer::ok(root.sign(&base(1, START, DAY))));
    bench.put("base", BASE, Answer::ok(issuing.sign(&base(1, START, DAY))));
    bench
}

/// §2.1, documented: from the root side down to the evaluated certificate.
#[test]
fn the_issuing_ca_is_checked_before_the_client() {
    let (root, issuing, client) = two_tiers();
    let seen = bench_of(&root, &issuing).check(&client);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, "root base"));
    let subjects = seen.check.steps.iter().filter_map(|step| match step {
        Step::Certificate { subject } => Some(&**subject),
        _ => None,
    });
    assert_eq!(subjects.collect::<Vec<_>>(), ["CN=Issuing-CA", "CN=alice"]);
}

/// §2.7, documented: CertVerifyRevocation stops at the first bad index.
#[test]
fn the_first_bad_link_ends_the_check() {
    let (root, issuing, client) = two_tiers();
    let mut bench = bench_of(&root, &issuing);
    bench.put("root", ROOT_BASE, Answer::not_found());
    let seen = bench.check(&client);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Offline, "root"));

    let mut bench = bench_of(&root, &issuing);
    let entries = vec![entry(&issuing.certificate, Some(2))];
    let listing = CrlTemplate { entries, ..base(1, START, DAY) };
    bench.put("root", ROOT_BASE, Answer::ok(root.sign(&listing)));
    let seen = bench.check(&client);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Revoked, "root"));
}

/// Each link has its own delta and its own base in the record: what one link used neither excuses
/// the other's missing delta nor is forgotten when the other's base is fetched.
#[test]
fn what_one_link_used_does_not_count_for_another() {
    let (root, issuing, client) = two_tiers();
    let mut bench = bench_of(&root, &issuing);
    let pointing = |number: u64, to: &str| CrlTemplate {
        freshest_crl_urls: vec![url(to)],
        ..base(number, START, DAY)
    };
    bench.put("root", ROOT_BASE, Answer::ok(root.sign(&pointing(1, ROOT_DELTA))));
    bench.put("root-delta", ROOT_DELTA, Answer::ok(root.sign(&delta(2, 1, START, DAY))));
    bench.put("base", BASE, Answer::ok(issuing.sign(&pointing(7, DELTA))));
    bench.put("delta", DELTA, Answer::not_found());
    let seen = bench.check(&client);
    assert_eq!(seen.asked, "root root-delta base delta");
    assert_eq!(seen.verdict, Verdict::Offline);
    let used: Vec<_> = seen.check.used.iter().map(|u| (u.object, u.number)).collect();
    let expected = [(Purpose::Base, Some(1)), (Purpose::Delta, Some(2)), (Purpose::Base, Some(7))];
    assert_eq!(used, expected);
}

/// §2.3, documented: the 20 s are for the whole check, all links together.
#[test]
fn the_links_of_a_chain_share_one_time_budget() {
    let (root, issuing, client) = two_tiers();
    let mut bench = bench_of(&root, &issuing);
    let slow = Answer::ok(root.sign(&base(1, START, DAY))).after(Span::from_secs(8));
    bench.put("root", ROOT_BASE, slow);
    bench.put("base", BASE, Answer::never());
    let seen = bench.check(&client);
    assert_eq!(seen.verdict, Verdict::Offline);
    assert_eq!(seen.took, Span::from_secs(8 + 6), "half of the 12 s that remained");
}

/// §3.1, documented: 403.17 expired or not yet valid, 403.16 untrusted; a chain that is bad is not
/// looked up (inferred).
#[test]
fn a_bad_chain_is_refused_without_any_fetch() {
    let ca = Authority::root();
    let stranger = Authority::self_issued("Stranger-CA");
    let expired = ca.client("alice", 10, |t| t.not_after = START - Span::from_hours(1));
    let early = ca.client("bob", 11, |t| t.not_before = START + Span::from_hours(1));
    let unknown = stranger.client("carol", 12, |_| {});
    for (client, page, code) in [
        (&expired, "403.17", "0x800B0101"),
        (&early, "403.17", "0x800B0101"),
        (&unknown, "403.16", "0x800B010A"),
        (&stranger.certificate, "403.16", "0x800B0109"),
    ] {
        let mut bench = Bench::new(&[]);
        let seen = bench.check(client);
        assert_eq!((seen.page.as_str(), seen.asked.as_str()), (page, ""));
        assert_eq!(seen.code.unwrap().to_string(), code);
        assert_eq!(seen.verdict, Verdict::NotChecked);
        assert!(bench.log().any(|line| line == format!("{page} {code}")), "in the server's log");
    }
}

/// §7.1 (clock_skew_tolerance 0, inferred): the server judges by its own clock.
#[test]
fn validity_is_judged_by_the_servers_clock() {
    let ca = Authority::root();
    let client = ca.client("alice", 10, |t| t.not_after = START + Span::from_hours(1));
    let ahead = Clock::new(START, Span::from_hours(2), revlab_lab::clock::Drift::NONE, vec![]);
    let known = vec![ca.certificate.clone()];
    let mut bench = Bench::with(profile(Hypothesis::H0, &[], &[]), ahead, known);
    assert_eq!(bench.check(&client).page, "403.17");
}

/// §3.1, documented: 403.7, client certificate required.
#[test]
fn no_client_certificate_is_403_7_and_no_check() {
    let mut bench = Bench::new(&[]);
    let attempt = bench.request(&[], Handshake::Full);
    let (_, reply, checks) = &bench.answered[&attempt];
    assert_eq!((reply.status, reply.substatus, checks.len()), (403, 7, 0));
    assert_eq!(bench.checks().count(), 0);
}

/// RFC 8446 §4.4.2: the peer sends its chain; what it lacks at one time it may send at another.
#[test]
fn an_issuer_that_the_peer_sends_completes_the_chain() {
    let (root, issuing, client) = two_tiers();
    let mut bench = bench_knowing(vec![root.certificate.clone()], &root, &issuing);
    assert_eq!(bench.check(&client).page, "403.16");
    let attempt = bench.request(&[client, issuing.certificate], Handshake::Full);
    bench.wait(Span::from_secs(1));
    assert_eq!(bench.seen(attempt).page, "200");
}

/// §3.3, inferred with medium to high confidence: no certificate is sent over a resumed session.
#[test]
fn a_resumed_session_skips_the_check_unless_the_parameter_says_otherwise() {
    for (setting, asked, verdict) in
        [("true", "", Verdict::NotChecked), ("false", "base", Verdict::Revoked)]
    {
        let ca = Authority::root();
        let client = ca.client("alice", 10, |t| t.crl_urls = urls(&[BASE]));
        let mut bench = Bench::new(&[("resumption_skips_revocation", setting)]);
        let entries = vec![entry(&client, None)];
        let listing = CrlTemplate { entries, ..base(1, START, DAY) };
        bench.put("base", BASE, Answer::ok(ca.sign(&listing)));
        let attempt = bench.request(std::slice::from_ref(&client), Handshake::Resumed);
        bench.wait(Span::from_secs(1));
        assert_eq!(bench.asked_since(0), asked);
        assert_eq!(bench.seen(attempt).verdict, verdict);
        assert_eq!(bench.seen(attempt).page == "200", setting == "true");
    }
}

/// §2.1: an object found under the right URL, on disk or by another check's retrieval, still has to
/// be of the certificate's own issuer.
#[test]
fn two_cas_that_share_a_url_do_not_share_what_it_brings() {
    let root = Authority::root();
    let issuing = root.subordinate("Issuing-CA", &[BASE]);
    let client = issuing.client("alice", 10, |_| {});
    let mut bench = bench_of(&root, &issuing);
    bench.put("base", BASE, Answer::ok(root.sign(&base(1, START, DAY))));
    let seen = bench.check(&client);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Offline, "base base"));

    let other = Authority::self_issued("Other-CA");
    let known = vec![root.certificate.clone(), other.certificate.clone()];
    let mut bench = bench_knowing(known, &root, &issuing);
    let slow = Answer::ok(root.sign(&base(1, START, DAY))).after(Span::from_secs(2));
    bench.put("base", BASE, slow);
    let [served, waiting] =
        [&root, &other].map(|ca| bench.request(&[ca.client("bob", 11, |_| {})], Handshake::Full));
    bench.wait(Span::from_secs(30));
    assert_eq!(bench.seen(served).verdict, Verdict::Good);
    assert_eq!(bench.seen(waiting).verdict, Verdict::Offline);
}
