//! OCSP: its verdicts, GET and POST, and when CRLs go before it.

use revlab_lab::Span;
use revlab_lab::http::{FetchError, Method};
use revlab_lab::trace::{Layer, Purpose, Verdict};
use revlab_pki::{CertId, CertStatus, Certificate, OcspRequest};

use super::authority::{Authority, BASE, OCSP, START, base, url, urls};
use super::bench::{Answer, Bench};

const DAY: Span = Span::from_days(1);
const HOUR: Span = Span::from_hours(1);

/// A bench whose responder says this of the client, and whose base is fresh.
fn bench(settings: &[(&str, &str)], client: &Certificate, status: CertStatus) -> Bench {
    let ca = Authority::root();
    let mut bench = Bench::new(settings);
    bench.put("ocsp", OCSP, Answer::ok(ca.ocsp(client, status, START, HOUR)));
    bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, DAY))));
    bench
}

fn client() -> Certificate {
    Authority::root().client_with_ocsp("alice", 10)
}

/// §2.1, documented: OCSP is preferred, its answer is cached, and no CRL is needed.
#[test]
fn a_good_answer_admits_and_is_used_from_memory_until_its_next_update() {
    let mut bench = bench(&[], &client(), CertStatus::Good);
    let first = bench.check(&client());
    assert_eq!((first.verdict, first.asked.as_str()), (Verdict::Good, "ocsp"));
    bench.wait_until(START + HOUR);
    let second = bench.check(&client());
    assert_eq!((second.verdict, second.asked.as_str()), (Verdict::Good, ""));
    assert_eq!(second.check.used[0].layer, Layer::Memory);
    bench.wait(Span::from_millis(1));
    assert_eq!(bench.check(&client()).asked, "ocsp base");
}

/// §2.7, documented: CRYPT_E_REVOKED.
#[test]
fn a_revoked_answer_refuses_even_where_the_crl_does_not_list_the_certificate() {
    let revoked = CertStatus::Revoked { at: START, reason: Some(1) };
    let mut bench = bench(&[], &client(), revoked);
    let seen = bench.check(&client());
    assert_eq!((seen.verdict, seen.page.as_str()), (Verdict::Revoked, "403.13"));
    assert_eq!(seen.code.unwrap().to_string(), "0x80092010");
    assert_eq!(seen.asked, "ocsp");
}

/// §2.1, reported in 2012: Windows takes unknown for good.
#[test]
fn an_unknown_answer_is_good_enough_for_windows() {
    let mut bench = bench(&[], &client(), CertStatus::Unknown);
    for asked in ["ocsp", ""] {
        let seen = bench.check(&client());
        assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, asked));
    }
}

/// RFC 6960 §2.2: unknown says nothing; that the CRL is asked next is inferred. The verdict then
/// rests on the CRL alone, also when the answer is cached.
#[test]
fn an_unknown_answer_sends_the_check_on_to_the_crl_where_the_parameter_says_so() {
    let policy = [("unknown_is_good", "false")];
    let mut bench = bench(&policy, &client(), CertStatus::Unknown);
    for (asked, layer) in [("ocsp base", Layer::Wire), ("", Layer::Memory)] {
        let seen = bench.check(&client());
        assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, asked));
        let used: Vec<_> = seen.check.used.iter().map(|u| (u.object, u.layer)).collect();
        assert_eq!(used, [(Purpose::Base, layer)]);
    }
}

/// §2.8, documented (RFC 5019 §5): GET while the whole URL is at most 255 bytes, else POST.
#[test]
fn the_request_goes_by_get_up_to_255_bytes_of_url_and_by_post_beyond() {
    let ca = Authority::root();
    for (length, method) in [(255, Method::Get), (256, Method::Post)] {
        // The base64 of a request has a fixed length for serials of one octet, its escapes not.
        let at = |padding: usize| {
            let responder = format!("http://ca/{}", "x".repeat(padding));
            let client = ca.client("alice", 10, |t| t.ocsp_urls = urls(&[&responder]));
            let request = OcspRequest::of(CertId::new(&client, &ca.certificate));
            let whole = request.url(&url(&responder)).unwrap().as_str().len();
            (responder, client, whole)
        };
        let (.., shortest) = at(1);
        let (responder, client, whole) = at(1 + length - shortest);
        assert_eq!(whole, length);
        let mut bench = Bench::new(&[]);
        let good = ca.ocsp(&client, CertStatus::Good, START, HOUR);
        bench.put("ocsp", &responder, Answer::ok(good));
        assert_eq!(bench.check(&client).verdict, Verdict::Good);
        let request = &bench.asked[0].request;
        assert_eq!(request.method, method);
        assert_eq!(request.url.as_str() == responder, method == Method::Post);
        assert_eq!(request.body.is_empty(), method == Method::Get);
        assert_eq!(request.header("user-agent"), Some("Microsoft-CryptoAPI/6.1"));
    }
}

/// §7.3 (H2), inferred: a GET that failed may be tried again by POST, once.
#[test]
fn a_failed_get_is_tried_again_by_post_only_where_the_parameter_says_so() {
    for (setting, asked) in [("true", "ocsp ocsp base"), ("false", "ocsp base")] {
        let mut bench = bench(&[("ocsp_post_after_get", setting)], &client(), CertStatus::Good);
        bench.put("ocsp", OCSP, Answer::not_found());
        assert_eq!(bench.check(&client()).asked, asked);
        let methods: Vec<_> = bench.fetches().map(|f| f.method).collect();
        assert_eq!(methods.get(1) == Some(&Method::Post), setting == "true");
    }
}

/// §2.2, documented: CryptnetCachedOcspSwitchToCrlCount 0xFFFFFFFF puts the CRL first.
#[test]
fn the_highest_switch_count_puts_the_crl_first_and_ocsp_last() {
    let policy = [("switch_to_crl_count", "4294967295")];
    let mut bench = bench(&policy, &client(), CertStatus::Good);
    assert_eq!(bench.check(&client()).asked, "base");

    let mut bench = self::bench(&policy, &client(), CertStatus::Good);
    bench.put("base", BASE, Answer::not_found());
    let seen = bench.check(&client());
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, "base ocsp"));
}

/// §2.1 and §2.2, documented: more cached answers of an issuer than the magic number, 50.
#[test]
fn with_fifty_cached_answers_the_crl_goes_first() {
    let ca = Authority::root();
    let clients: Vec<_> = (1..=51).map(|i| ca.client_with_ocsp(&format!("c{i}"), i)).collect();
    let mut bench = Bench::new(&[]);
    bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, DAY))));
    for (i, client) in clients.iter().enumerate() {
        bench.put("ocsp", OCSP, Answer::ok(ca.ocsp(client, CertStatus::Good, START, HOUR)));
        let asked = if i < 50 { "ocsp" } else { "base" };
        assert_eq!(bench.check(client).asked, asked, "client {i}");
    }
}

/// §7.1: XP and 2003 had no OCSP client; a machine without one never asks, not even as a last
/// resort and not to probe.
#[test]
fn without_an_ocsp_client_no_responder_is_ever_asked() {
    for settings in [
        &[("ocsp_client", "false")][..],
        &[("ocsp_client", "false"), ("switch_to_crl_count", "4294967295")],
        &[("ocsp_client", "false"), ("ocsp_before_cached_crl", "true"), ("entry_scope", "issuer")],
    ] {
        let mut bench = bench(settings, &client(), CertStatus::Good);
        assert_eq!(bench.check(&client()).asked, "base");
        let other = Authority::root().client_with_ocsp("bob", 11);
        assert_eq!(bench.check(&other).asked, "", "{settings:?}");
        let mut bench = self::bench(settings, &client(), CertStatus::Good);
        bench.put("base", BASE, Answer::not_found());
        let seen = bench.check(&client());
        assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Offline, "base"), "{settings:?}");
    }
}

/// §0 (O11): what the `.crt` URL of the incident answers, and other answers that are none.
#[test]
fn an_answer_that_is_no_ocsp_response_counts_as_a_failure() {
    let ca = Authority::root();
    let stranger = ca.client_with_ocsp("bob", 11);
    let about_another = ca.ocsp(&stranger, CertStatus::Good, START, HOUR);
    for answer in [
        Answer::ok(ca.certificate.der().to_vec()),
        Answer::ok(revlab_pki::OcspResponse::error(3)),
        Answer::ok(about_another),
        Answer::ok(ca.ocsp(&client(), CertStatus::Good, START - DAY, HOUR)),
        Answer::status(405, Vec::new()),
        Answer::error(FetchError::ConnectionRefused),
    ] {
        let mut bench = bench(&[], &client(), CertStatus::Good);
        bench.put("ocsp", OCSP, answer);
        let seen = bench.check(&client());
        assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, "ocsp base"));
        assert!(!bench.fetches().next().unwrap().succeeded());
    }
}

/// §2.1, documented: OCSP URLs that policy adds for an issuer go before the ones in AIA.
#[test]
fn urls_added_by_policy_go_before_those_in_the_certificate() {
    let ca = Authority::root();
    let added = vec![(ca.certificate.clone(), urls(&["http://policy/ocsp"]))];
    let stores = crate::Stores { certificates: vec![ca.certificate.clone()], ocsp_urls: added };
    let profile = super::bench::profile(crate::profile::Hypothesis::H0, &[], &[]);
    let mut bench = Bench::with(profile, revlab_lab::Clock::exact(START), stores);
    bench.put("policy", "http://policy/ocsp", Answer::not_found());
    bench.put("ocsp", OCSP, Answer::ok(ca.ocsp(&client(), CertStatus::Good, START, HOUR)));
    bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, DAY))));
    assert_eq!(bench.check(&client()).asked, "policy ocsp");

    // A certificate without an OCSP URL is asked about too.
    let bare = ca.client("bob", 11, |_| {});
    bench.put(
        "policy",
        "http://policy/ocsp",
        Answer::ok(ca.ocsp(&bare, CertStatus::Good, START, DAY)),
    );
    bench.wait(HOUR.scale(7, 1));
    assert_eq!(bench.check(&bare).asked, "policy");
}

/// §7.1, inferred: Windows has no tolerance. With one, objects count a little before and after.
#[test]
fn a_tolerance_makes_objects_count_before_and_after_their_time() {
    for (tolerance, early, late) in [("0s", "ocsp base", "ocsp base"), ("5m", "ocsp", "")] {
        let mut bench = bench(&[("clock_skew_tolerance", tolerance)], &client(), CertStatus::Good);
        let from = START + Span::from_mins(4);
        let answer = Authority::root().ocsp(&client(), CertStatus::Good, from, HOUR);
        bench.put("ocsp", OCSP, Answer::ok(answer));
        assert_eq!(bench.check(&client()).asked, early);
        bench.wait_until(from + HOUR + Span::from_mins(5));
        if tolerance == "5m" {
            assert_eq!(bench.check(&client()).asked, late);
        }
    }
}
