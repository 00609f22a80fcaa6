//! What a responder answers by its configuration, and by each defect.

use std::fmt::Write as _;

use revlab_lab::http::{Reply, Request};
use revlab_lab::{Instant, Out, Seed, Span};
use revlab_pki::{
    CertId, CertIdHash, CertStatus, Certificate, KeyAlgorithm, KeyPair, Malformed, OcspExtension,
    OcspRequest, OcspResponse, Usage, Verifier,
};

use crate::config::{
    AnswerDates, CaConfig, CaOperation, NeverIssued, NonceRule, OcspSigner, Responder,
    ResponderSource, Signing,
};
use crate::content::ocsp::OcspDefect;
use crate::sample::{self, START};
use crate::{CaEvent, FakeCa};
use revlab_lab::Core;

const OCSP: &str = "http://ocsp.example/ocsp";

struct Bench {
    ca: FakeCa,
    client: Certificate,
}

impl Bench {
    fn with(change: impl FnOnce(&mut Responder)) -> Bench {
        let mut config: CaConfig = sample::with_responder(OCSP);
        if let Some(responder) = &mut config.responder {
            change(responder);
        }
        let mut ca = FakeCa::new(vec![config], Vec::new(), Seed(1), START).unwrap();
        let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), "client");
        let client = ca.issue("issuing", "client", Usage::Client, &key, &[]).unwrap();
        Bench { ca, client }
    }

    fn id(&self) -> CertId {
        CertId::new(&self.client, self.issuer())
    }

    fn issuer(&self) -> &Certificate {
        self.ca.certificate("issuing").unwrap()
    }

    fn ask(&mut self, now: Instant, request: &OcspRequest, defects: &[OcspDefect]) -> Reply {
        let request = Request::get(request.url(&OCSP.parse().unwrap()).unwrap());
        self.ca.respond(now, &request, defects, &mut Out::new()).unwrap()
    }

    fn response(&mut self, now: Instant, request: &OcspRequest) -> OcspResponse {
        OcspResponse::parse(&self.ask(now, request, &[]).body).unwrap()
    }

    fn revoke(&mut self, now: Instant) {
        let serial = self.client.serial().to_vec();
        let operation = CaOperation::Revoke { serial, reason: None, extensions: Vec::new() };
        let event = CaEvent::Operation { ca: "issuing".into(), operation };
        self.ca.decide(now, event, &mut Out::new());
    }
}

fn with_nonce(id: CertId) -> OcspRequest {
    OcspRequest { nonce: Some(vec![4, 3, 7, 8, 9]), ..OcspRequest::of(id) }
}

fn minutes(span: Span) -> i64 {
    span.as_millis() / 60_000
}

/// One line about what a client makes of an answer.
fn line(bench: &Bench, reply: &Reply, request: &OcspRequest) -> String {
    let response = match OcspResponse::parse(&reply.body) {
        Ok(response) => response,
        Err(Malformed::Der { .. }) => {
            return format!(
                "{} octets of {:?}: not DER",
                reply.body.len(),
                reply.header("content-type")
            );
        }
        Err(other) => return other.to_string(),
    };
    if response.status() != 0 {
        return format!("status {}", response.status());
    }
    let mut line = match Verifier::new().verify_ocsp(&response, bench.issuer()) {
        true => "authorized".to_owned(),
        false => "NOT AUTHORIZED".to_owned(),
    };
    let _ = write!(line, ", {} answers", response.answers().len());
    match response.find(&request.ids[0]) {
        None => line.push_str(", none for the certificate"),
        Some(answer) => {
            let status = match answer.status {
                CertStatus::Good => "good",
                CertStatus::Revoked { .. } => "revoked",
                CertStatus::Unknown => "unknown",
            };
            let next = answer.next_update.map(|next| minutes(next - START));
            let (this, made) =
                (minutes(answer.this_update - START), minutes(answer.produced_at - START));
            let _ = write!(line, ", {status} {this}..{next:?} made {made}");
        }
    }
    match response.nonce() {
        None => line.push_str(", no nonce"),
        Some(nonce) if Some(nonce) != request.nonce.as_deref() => line.push_str(", WRONG NONCE"),
        Some(_) => {}
    }
    let _ = write!(line, ", {} certificates", response.certificates().len());
    line
}

#[test]
fn each_defect_shows_in_its_own_way() {
    let mut bench = Bench::with(|responder| responder.nonce = NonceRule::Echo);
    let request = with_nonce(bench.id());
    let right = bench.ask(START, &request, &[]);
    let mut table = format!("{:35}{}\n", "(none)", line(&bench, &right, &request));
    for (name, defect) in OcspDefect::NAMES {
        let reply = bench.ask(START, &request, &[defect]);
        let _ = writeln!(table, "{name:35}{}", line(&bench, &reply, &request));
    }
    insta::assert_snapshot!(table, @r#"
    (none)                             authorized, 1 answers, good 0..Some(60) made 0, 0 certificates
    malformed_request                  status 1
    internal_error                     status 2
    try_later                          status 3
    status_4                           status 4
    sig_required                       status 5
    unauthorized                       status 6
    status_7                           status 7
    no_response_bytes                  5 octets of Some("application/ocsp-response"): not DER
    empty                              0 octets of Some("application/ocsp-response"): not DER
    html                               142 octets of Some("text/html"): not DER
    truncated                          150 octets of Some("application/ocsp-response"): not DER
    trailing_bytes                     301 octets of Some("application/ocsp-response"): not DER
    unknown_response_type              OCSP response of type 1.3.6.1.5.5.7.48.1.127: only id-pkix-ocsp-basic (1.3.6.1.5.5.7.48.1.1) is read
    say_good                           authorized, 1 answers, good 0..Some(60) made 0, 0 certificates
    say_revoked                        authorized, 1 answers, revoked 0..Some(60) made 0, 0 certificates
    say_unknown                        authorized, 1 answers, unknown 0..Some(60) made 0, 0 certificates
    wrong_serial                       authorized, 1 answers, none for the certificate, 0 certificates
    wrong_issuer                       authorized, 1 answers, none for the certificate, 0 certificates
    wrong_hash                         authorized, 1 answers, none for the certificate, 0 certificates
    no_answer                          authorized, 0 answers, none for the certificate, 0 certificates
    several_answers                    authorized, 3 answers, good 0..Some(60) made 0, 0 certificates
    contradictory                      authorized, 2 answers, good 0..Some(60) made 0, 0 certificates
    stale                              authorized, 1 answers, good -120..Some(-60) made -120, 0 certificates
    future                             authorized, 1 answers, good 60..Some(120) made 60, 0 certificates
    no_next_update                     authorized, 1 answers, good 0..None made 0, 0 certificates
    next_update_before_this_update     authorized, 1 answers, good 0..Some(-60) made 0, 0 certificates
    produced_in_future                 authorized, 1 answers, good 0..Some(60) made 1440, 0 certificates
    produced_before_this_update        authorized, 1 answers, good 0..Some(60) made -1440, 0 certificates
    fractional_seconds                 `20140416000000.5Z` is not a time such as `140416105134Z` (until 2049) or `20500416105134Z`
    unknown_critical_extension         extension 1.3.6.1.4.1.32473.1 is critical and not understood
    unknown_critical_single_extension  extension 1.3.6.1.4.1.32473.1 is critical and not understood
    nonce_missing                      authorized, 1 answers, good 0..Some(60) made 0, no nonce, 0 certificates
    nonce_wrong                        authorized, 1 answers, good 0..Some(60) made 0, WRONG NONCE, 0 certificates
    by_name                            authorized, 1 answers, good 0..Some(60) made 0, 0 certificates
    by_key                             authorized, 1 answers, good 0..Some(60) made 0, 0 certificates
    by_neither                         NOT AUTHORIZED, 1 answers, good 0..Some(60) made 0, 0 certificates
    broken_signature                   NOT AUTHORIZED, 1 answers, good 0..Some(60) made 0, 0 certificates
    wrong_key                          NOT AUTHORIZED, 1 answers, good 0..Some(60) made 0, 0 certificates
    sha1_signature                     NOT AUTHORIZED, 1 answers, good 0..Some(60) made 0, 0 certificates
    md5_signature                      NOT AUTHORIZED, 1 answers, good 0..Some(60) made 0, 0 certificates
    signer_without_eku                 NOT AUTHORIZED, 1 answers, good 0..Some(60) made 0, 1 certificates
    signer_expired                     authorized, 1 answers, good 0..Some(60) made 0, 1 certificates
    signer_not_yet_valid               authorized, 1 answers, good 0..Some(60) made 0, 1 certificates
    signer_revoked                     authorized, 1 answers, good 0..Some(60) made 0, 1 certificates
    signer_of_other_issuer             NOT AUTHORIZED, 1 answers, good 0..Some(60) made 0, 1 certificates
    signer_missing                     NOT AUTHORIZED, 1 answers, good 0..Some(60) made 0, 0 certificates
    signer_tampered                    NOT AUTHORIZED, 1 answers, good 0..Some(60) made 0, 1 certificates
    "#);
}

#[test]
fn the_same_request_and_defect_give_the_same_bytes() {
    let (mut one, mut two) = (Bench::with(|_| {}), Bench::with(|_| {}));
    let request = OcspRequest::of(one.id());
    // In the other order as well: nothing depends on what was asked before.
    let forth: Vec<_> =
        OcspDefect::NAMES.map(|(_, defect)| one.ask(START, &request, &[defect])).into();
    let mut back: Vec<_> = OcspDefect::NAMES
        .into_iter()
        .rev()
        .map(|(_, defect)| two.ask(START, &request, &[defect]))
        .collect();
    back.reverse();
    assert_eq!(forth, back);
}

#[test]
fn a_broken_delegation_differs_in_the_one_thing_that_it_is_about() {
    let mut bench = Bench::with(|responder| responder.signer = OcspSigner::Delegated);
    let request = OcspRequest::of(bench.id());
    let mut signer = |defect| {
        let body = bench.ask(START, &request, &[defect]).body;
        OcspResponse::parse(&body).unwrap().certificates()[0].clone()
    };
    let expired = signer(OcspDefect::SignerExpired);
    assert!(expired.not_after() < START && expired.allows_ocsp_signing());
    let early = signer(OcspDefect::SignerNotYetValid);
    assert!(START < early.not_before() && early.allows_ocsp_signing());
    let plain = signer(OcspDefect::SignerWithoutEku);
    assert!(!plain.allows_ocsp_signing());
    let foreign = signer(OcspDefect::SignerOfOtherIssuer);
    let tampered = signer(OcspDefect::SignerTampered);
    let revoked = signer(OcspDefect::SignerRevoked);
    let issuer = bench.issuer();
    assert_ne!(foreign.issuer(), issuer.subject());
    let by_issuer = |signer: &Certificate| Verifier::new().verify_certificate(signer, issuer);
    assert!(by_issuer(&expired) && by_issuer(&early) && by_issuer(&plain) && by_issuer(&revoked));
    assert!(!by_issuer(&tampered));
    let id = CertId::new(&revoked, issuer);
    let status = bench.response(START, &OcspRequest::of(id.clone())).find(&id).map(|a| a.status);
    assert!(matches!(status, Some(CertStatus::Revoked { .. })));
}

#[test]
fn a_lagging_responder_learns_of_a_revocation_later() {
    let mut bench = Bench::with(|responder| {
        responder.lag = Span::from_mins(10);
        responder.signing = Signing::Live;
    });
    let id = bench.id();
    bench.revoke(START + Span::from_mins(1));
    let mut at = |n| {
        let response = bench.response(START + Span::from_mins(n), &OcspRequest::of(id.clone()));
        response.find(&id).map(|answer| answer.status == CertStatus::Good)
    };
    assert_eq!([1, 10, 11].map(&mut at), [Some(true), Some(true), Some(false)]);
}

#[test]
fn an_answer_with_a_nonce_is_for_one_client_and_without_one_for_all() {
    let mut bench = Bench::with(|responder| responder.nonce = NonceRule::Echo);
    let id = bench.id();
    let own = bench.ask(START, &with_nonce(id.clone()), &[]);
    assert_eq!(own.header("Cache-Control"), Some("no-store"));
    assert_eq!(own.header("ETag"), None);
    let first = bench.ask(START, &OcspRequest::of(id.clone()), &[]);
    let again = bench.ask(START + Span::from_mins(10), &OcspRequest::of(id), &[]);
    assert_eq!(first.body, again.body);
    assert!(first.header("ETag").is_some());
}

#[test]
fn a_demanded_nonce_that_is_missing_makes_the_request_malformed() {
    let mut bench = Bench::with(|responder| responder.nonce = NonceRule::Demand);
    let id = bench.id();
    assert_eq!(bench.response(START, &OcspRequest::of(id.clone())).status(), 1);
    assert_eq!(bench.response(START, &with_nonce(id)).status(), 0);
}

#[test]
fn live_answers_are_as_young_as_their_request() {
    let mut bench = Bench::with(|responder| responder.signing = Signing::Live);
    let id = bench.id();
    let mut this_update = |n| {
        let now = START + Span::from_mins(n);
        let answer = bench.response(now, &OcspRequest::of(id.clone())).find(&id);
        answer.map(|answer| answer.this_update == now)
    };
    assert_eq!([0, 1, 2].map(&mut this_update), [Some(true); 3]);
}

#[test]
fn one_request_about_several_certificates_gets_an_answer_for_each() {
    let mut bench = Bench::with(|_| {});
    let (one, mut other) = (bench.id(), bench.id());
    other.serial = vec![0x42];
    let by_sha256 = CertId::by(CertIdHash::Sha256, &bench.client, bench.issuer());
    let ids = vec![one, other, by_sha256];
    let response = bench.response(START, &OcspRequest { ids: ids.clone(), nonce: None });
    let status: Vec<_> =
        ids.iter().map(|id| response.find(id).map(|answer| answer.status)).collect();
    let (good, unknown) = (Some(CertStatus::Good), Some(CertStatus::Unknown));
    assert_eq!(status, [good, unknown, good]);
}

#[test]
fn a_client_that_has_the_answer_is_told_so() {
    let mut bench = Bench::with(|_| {});
    let url = OcspRequest::of(bench.id()).url(&OCSP.parse().unwrap()).unwrap();
    let mut ask = |headers: Vec<(String, String)>| {
        let request = Request { headers, ..Request::get(url.clone()) };
        bench.ca.respond(START, &request, &[], &mut Out::new()).unwrap()
    };
    let etag = ask(Vec::new()).header("ETag").unwrap().to_owned();
    let unchanged = ask(vec![("If-None-Match".to_owned(), etag.clone())]);
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    assert_eq!(unchanged.header("ETag"), Some(&*etag));
    assert_eq!(ask(vec![("If-None-Match".to_owned(), "\"x\"".to_owned())]).status, 200);
}

#[test]
fn an_archive_cutoff_is_told_where_it_is_configured() {
    let cutoff = OcspExtension::archive_cutoff(START - Span::from_days(365));
    let tells = |reply: &Reply| reply.body.windows(cutoff.value.len()).any(|w| w == cutoff.value);
    for (kept, told) in [(None, false), (Some(Span::from_days(365)), true)] {
        let mut bench = Bench::with(|responder| responder.archive_cutoff = kept);
        let request = OcspRequest::of(bench.id());
        assert_eq!(tells(&bench.ask(START, &request, &[])), told);
    }
}

/// RFC 6960 §4.4.4 lets a responder keep what it knows; this one always does.
#[test]
fn a_certificate_that_has_expired_is_still_known() {
    let mut bench = Bench::with(|_| {});
    let (request, after) =
        (OcspRequest::of(bench.id()), bench.client.not_after() + Span::from_days(1));
    assert!(after < bench.issuer().not_after());
    let status =
        |bench: &mut Bench| bench.response(after, &request).find(&bench.id()).unwrap().status;
    assert_eq!(status(&mut bench), CertStatus::Good);
    bench.revoke(after);
    assert!(matches!(status(&mut bench), CertStatus::Revoked { .. }));
}

/// What a client makes of an answer about its own certificate at a time.
fn told(bench: &mut Bench, now: Instant) -> String {
    let request = OcspRequest::of(bench.id());
    let reply = bench.ask(now, &request, &[]);
    line(bench, &reply, &request)
}

/// The CA's own time goes on, and with it its publications.
fn pass(bench: &mut Bench, until: Instant) {
    while let Some(at) = bench.ca.next_wakeup().filter(|at| *at <= until) {
        bench.ca.decide(at, CaEvent::Wake, &mut Out::new());
    }
}

/// Fact sheet §1.2, kb2960124: who knows lists alone does not know what was never issued.
#[test]
fn a_serial_number_that_was_never_issued_is_unknown_or_good_as_the_responder_says() {
    for source in [ResponderSource::Database, ResponderSource::Crl] {
        for (never_issued, status) in
            [(NeverIssued::Unknown, "unknown"), (NeverIssued::Good, "good")]
        {
            let mut bench = Bench::with(|r| (r.source, r.never_issued) = (source, never_issued));
            assert!(told(&mut bench, START).contains(", good"));
            // Twice: the second is as after a reissue.
            bench.ca.keep_no_record("issuing", "stranger");
            for _ in 0..2 {
                let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), "stranger");
                let issued = bench.ca.issue("issuing", "stranger", Usage::Client, &key, &[]);
                bench.client = issued.unwrap();
            }
            let later = START + Span::from_hours(2);
            pass(&mut bench, later);
            assert!(told(&mut bench, later).contains(&format!(", {status} ")), "{source:?}");
        }
    }
}

/// Microsoft's Online Responder: a revocation shows once it is published, in the delta first.
#[test]
fn by_lists_a_revocation_shows_when_it_is_published() {
    let mut bench = Bench::with(|responder| responder.source = ResponderSource::Crl);
    pass(&mut bench, START);
    assert!(told(&mut bench, START).contains(", good"));
    bench.revoke(START);
    assert!(told(&mut bench, START + Span::from_secs(1)).contains(", good"));
    let operation = CaOperation::Publish { base: false };
    let event = CaEvent::Operation { ca: "issuing".into(), operation };
    bench.ca.decide(START + Span::from_mins(5), event, &mut Out::new());
    assert!(told(&mut bench, START + Span::from_mins(5)).contains(", revoked"));
}

/// Fact sheet §1.2, kb2635621: thisUpdate is the base's although the delta is newer.
#[test]
fn answers_bear_the_dates_of_the_base_or_of_the_newest_list() {
    let at = START + Span::from_mins(45);
    let mut this_updates = Vec::new();
    for dates in [AnswerDates::Own, AnswerDates::Base, AnswerDates::Newest] {
        let mut bench = Bench::with(|r| (r.source, r.dates) = (ResponderSource::Crl, dates));
        pass(&mut bench, at);
        let response = bench.response(at, &OcspRequest::of(bench.id()));
        let answer = response.find(&bench.id()).unwrap();
        let (base, delta) =
            (bench.ca.newest_crl("issuing", true), bench.ca.newest_crl("issuing", false));
        let (base, delta) = (base.unwrap(), delta.unwrap());
        let expected = match dates {
            AnswerDates::Own => (at, Some(at + Span::from_hours(1))),
            AnswerDates::Base => (base.this_update(), base.next_update().min(delta.next_update())),
            AnswerDates::Newest => {
                (delta.this_update(), base.next_update().min(delta.next_update()))
            }
        };
        assert_eq!((answer.this_update, answer.next_update), expected);
        this_updates.push(answer.this_update);
    }
    assert!(this_updates[1] < this_updates[2] && this_updates[2] < this_updates[0]);
}
