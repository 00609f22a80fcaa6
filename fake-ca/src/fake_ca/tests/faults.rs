//! Faults on the CAs as a whole: what they select, what changes and ends them, and noise.

use super::*;
use crate::fault::{OfCertificate, Selector, When};

/// A responder that faults act on, with the request about a certificate of `client` in it.
fn about_the_client(faults: Vec<FaultConfig>) -> (FakeCa, Request, Certificate) {
    let configs = vec![sample::with_responder(OCSP)];
    let mut ca = FakeCa::new(configs, faults, Seed(1), START).unwrap();
    let certificate = client(&mut ca);
    let request = ocsp_get(&ca, &certificate, OCSP).0;
    (ca, request, certificate)
}

fn ocsp_der(ca: &FakeCa, certificate: &Certificate) -> Vec<u8> {
    OcspRequest::of(ocsp_get(ca, certificate, OCSP).1).der()
}

fn met(ca: &mut FakeCa, at: Instant, request: &Request) -> bool {
    !ca.meet(at, WEB, request).faults.is_empty()
}

#[test]
fn a_fault_selects_the_certificate_that_is_asked_about() {
    let only = |certificate| Selector { certificate: Some(certificate), ..Selector::default() };
    let issued_to = |name: &str| only(OfCertificate::IssuedTo(name.into()));
    let serial = about_the_client(Vec::new()).2.serial().to_vec();
    for (only, selects) in [
        (issued_to("client"), true),
        (issued_to("other"), false),
        (only(OfCertificate::Serial(serial)), true),
        (only(OfCertificate::Serial(vec![1])), false),
    ] {
        let down = fault("f", "issuing", Endpoint::Ocsp, Effect::Down);
        let (mut ca, request, certificate) =
            about_the_client(vec![FaultConfig { only, ..down.clone() }]);
        assert_eq!(met(&mut ca, mins(10), &request), selects);
        let post = Request { method: Method::Post, body: ocsp_der(&ca, &certificate), ..get(OCSP) };
        assert_eq!(met(&mut ca, mins(10), &post), selects);
    }
}

#[test]
fn faults_can_be_changed_and_ended_while_the_ca_runs() {
    let down = fault("down", "issuing", Endpoint::Ocsp, Effect::Down);
    let once = When { first: Some(1), ..When::default() };
    let down = FaultConfig { when: once, ..down };
    let (mut ca, request, _) = about_the_client(Vec::new());
    assert!(!met(&mut ca, mins(10), &request));
    ca.set_faults(vec![down.clone()]).unwrap();
    assert!(met(&mut ca, mins(10), &request));
    let other = fault("other", "nobody", Endpoint::All, Effect::Down);
    assert!(ca.set_faults(vec![other]).is_err());
    assert_eq!(ca.faults(), std::slice::from_ref(&down));
    assert!(!met(&mut ca, mins(11), &request), "it has counted on");
    let silent = fault("silent", "issuing", Endpoint::All, Effect::Timeout(None));
    ca.set_faults(vec![down, silent]).unwrap();
    assert_eq!(ca.meet(mins(11), WEB, &request).ruling, Ruling::Silent);
    assert_eq!(ca.heal(mins(12), Some("issuing")).len(), 2);
    assert_eq!(ca.meet(mins(12), WEB, &request).ruling, Ruling::undisturbed());
}

#[test]
fn ten_thousand_malformed_ocsp_requests_leave_the_ca_answering() {
    let (mut ca, good, certificate) = about_the_client(Vec::new());
    let before = ask(&mut ca, START, good.clone());
    let der = ocsp_der(&ca, &certificate);
    let headers = vec![("Content-Type".to_owned(), "application/ocsp-request".to_owned())];
    let mut noise = Seed(1).stream("noise");
    for n in 0..10_000u32 {
        let mut body = der.clone();
        let at = noise.below(body.len() as u64) as usize;
        match n % 4 {
            0 => body.truncate(at),
            1 => noise.fill(&mut body[at..]),
            2 => noise.fill(&mut body[at..=at]),
            _ => body.extend_from_within(at..),
        }
        let post = Request { method: Method::Post, headers: headers.clone(), body, ..get(OCSP) };
        ca.meet(START, WEB, &post);
        let reply = ask(&mut ca, START, post);
        assert!((200..500).contains(&reply.status), "request {n}: {}", reply.status);
    }
    assert_eq!(ask(&mut ca, START, good), before);
}
