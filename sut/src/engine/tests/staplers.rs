//! What a server staples: whom it asks, when, and what it makes of the answers.

use revlab_lab::{Instant, Span};
use revlab_pki::{CertStatus, Certificate, OcspResponse};

use super::authority::{Authority, OCSP, START, urls};
use super::bench::{Answer, Bench};
use crate::Operation;
use crate::config::Staple;

const HOUR: Span = Span::from_hours(1);
const USUAL: Staple = Staple {
    refresh: HOUR,
    lazy: false,
    keep_expired: false,
    drop_on_failure: false,
    chain: false,
    unchecked: false,
};

fn server() -> Certificate {
    Authority::root().client_with_ocsp("www", 10)
}

fn good(of: &Certificate, from: Instant, life: Span) -> Answer {
    Answer::ok(Authority::root().ocsp(of, CertStatus::Good, from, life))
}

/// A server whose responder says for two hours that all is well.
fn bench(staple: Staple) -> Bench {
    let mut bench = Bench::stapling(staple, &[server()]);
    bench.put("ocsp", OCSP, good(&server(), START, HOUR.scale(2, 1)));
    bench
}

/// What a client that comes now is shown.
fn shown(bench: &mut Bench) -> Option<Vec<u8>> {
    let now = bench.now;
    bench.machine.staples(now).remove(0).map(|staple| staple.to_vec())
}

fn asked(bench: &Bench) -> usize {
    bench.asked.len()
}

#[test]
fn it_asks_at_once_and_then_as_often_as_it_is_told() {
    let mut bench = bench(USUAL);
    assert_eq!(shown(&mut bench), None, "before the answer");
    bench.wait(Span::from_secs(1));
    assert!(shown(&mut bench).is_some());
    bench.wait(HOUR);
    assert_eq!(asked(&bench), 2);
    bench.wait(HOUR);
    assert_eq!(asked(&bench), 3);
    assert!(bench.fetches().all(|f| f.unsolicited.as_deref() == Some("staple")));
}

#[test]
fn a_lazy_one_asks_when_the_first_client_comes() {
    let mut bench = bench(Staple { lazy: true, ..USUAL });
    bench.wait(HOUR);
    assert_eq!(asked(&bench), 0);
    assert_eq!(shown(&mut bench), None);
    bench.wait(Span::from_secs(1));
    assert_eq!(asked(&bench), 1);
    assert!(shown(&mut bench).is_some());
}

#[test]
fn what_has_expired_is_shown_only_where_it_is_kept() {
    for keep_expired in [false, true] {
        let mut bench = bench(Staple { keep_expired, ..USUAL });
        bench.wait(Span::from_secs(1));
        bench.put("ocsp", OCSP, Answer::not_found());
        bench.wait_until(START + HOUR.scale(2, 1));
        assert!(shown(&mut bench).is_some(), "up to and including nextUpdate");
        bench.wait(Span::from_millis(1));
        assert_eq!(shown(&mut bench).is_some(), keep_expired);
    }
}

#[test]
fn a_failure_takes_away_what_is_still_good_only_where_that_is_so() {
    for drop_on_failure in [false, true] {
        let mut bench = bench(Staple { drop_on_failure, ..USUAL });
        bench.wait(Span::from_secs(1));
        bench.put("ocsp", OCSP, Answer::not_found());
        bench.wait(HOUR);
        assert_eq!(shown(&mut bench).is_some(), !drop_on_failure);
        let before = asked(&bench);
        bench.wait(Span::from_mins(5));
        assert_eq!(asked(&bench), before + 1, "the next request comes sooner");
    }
}

#[test]
fn what_is_not_a_valid_answer_is_shown_only_unchecked() {
    let other = Authority::root().client_with_ocsp("other", 11);
    let stranger = Authority::self_issued("Stranger");
    let answers = [
        Answer::ok(OcspResponse::error(3)),
        good(&other, START, HOUR),
        good(&server(), START - HOUR.scale(3, 1), HOUR),
        good(&server(), START + HOUR.scale(2, 1), HOUR),
        Answer::ok(stranger.ocsp(&server(), CertStatus::Good, START, HOUR)),
        Answer::ok(b"no".to_vec()),
    ];
    for answer in answers {
        for unchecked in [false, true] {
            let mut bench = bench(Staple { unchecked, ..USUAL });
            bench.put("ocsp", OCSP, answer.clone());
            bench.wait(Span::from_secs(1));
            assert_eq!(shown(&mut bench).is_some(), unchecked);
            let refused = bench.fetches().next().is_some_and(|f| f.rejected.is_some());
            assert_eq!(refused, !unchecked);
        }
    }
}

#[test]
fn a_responder_that_never_answers_is_given_up() {
    let mut bench = bench(USUAL);
    bench.put("ocsp", OCSP, Answer::never());
    bench.wait(Span::from_secs(16));
    let fetch = bench.fetches().next().unwrap();
    assert_eq!(fetch.error, Some(revlab_lab::http::FetchError::TimedOut));
    assert!(bench.in_flight.is_empty());
}

#[test]
fn a_reboot_forgets_and_another_certificate_is_asked_about_anew() {
    let mut bench = bench(USUAL);
    bench.wait(Span::from_secs(1));
    bench.operate(Operation::Reboot);
    assert_eq!(shown(&mut bench), None);
    bench.wait(Span::from_secs(1));
    assert!(shown(&mut bench).is_some());
    let other = Authority::root().client_with_ocsp("www2", 12);
    bench.decide(crate::SutEvent::OwnCertificate { chain: [other.clone()].into() });
    assert_eq!(shown(&mut bench), None, "what is held is about the one before");
    bench.put("ocsp", OCSP, good(&other, bench.now, HOUR));
    bench.wait(Span::from_secs(1));
    assert!(shown(&mut bench).is_some());
}

/// RFC 8446 §4.4.2.1: each certificate has a response of its own, from its own responder.
#[test]
fn a_chain_has_a_response_for_each_of_its_certificates() {
    let root = Authority::root();
    let extras = revlab_pki::CertificateExtras::default();
    let issuing = root.issue("Issuing-CA", 2, revlab_pki::Usage::Authority, &extras, |t| {
        t.ocsp_urls = urls(&["http://root/ocsp"]);
    });
    let own = issuing.client_with_ocsp("www", 10);
    let chain = [own.clone(), issuing.certificate.clone()];
    let mut bench = Bench::stapling(Staple { chain: true, ..USUAL }, &chain);
    let leaf = issuing.ocsp(&own, CertStatus::Good, START, HOUR);
    let above = root.ocsp(&issuing.certificate, CertStatus::Good, START, HOUR);
    bench.put("ocsp", OCSP, Answer::ok(leaf.clone()));
    bench.put("root", "http://root/ocsp", Answer::ok(above.clone()));
    bench.wait(Span::from_secs(1));
    let now = bench.now;
    let shown: Vec<_> =
        bench.machine.staples(now).into_iter().map(|s| s.map(|s| s.to_vec())).collect();
    assert_eq!(shown, [Some(leaf), Some(above)]);
    let ids: std::collections::BTreeSet<u64> = bench.fetches().map(|f| f.id).collect();
    assert_eq!(ids.len(), 2, "their fetches have numbers of their own");
}
