use proptest::prelude::*;
use revlab_lab::http::{Reply, Request};
use revlab_lab::{Seed, Span};

use super::*;

pub(super) fn fault(name: &str, effect: Effect) -> FaultConfig {
    let on = Target { ca: "issuing".into(), endpoint: Endpoint::All };
    FaultConfig {
        from: Instant::from_millis(0),
        until: Instant::from_millis(1000),
        ..FaultConfig::always(name.into(), on, effect)
    }
}

/// What comes of a request on which all of these act.
pub(super) fn meeting(effects: &[(&str, Effect)]) -> Meeting {
    let faults: Vec<_> = effects.iter().map(|(name, effect)| fault(name, effect.clone())).collect();
    let acting: Vec<_> =
        faults.iter().map(|fault| Acting { fault, count: 1, seed: Seed(1) }).collect();
    compose(&acting, &Caller { name: "web", account: None, open: 0 })
}

/// The answer that is left where these act.
pub(super) fn answer(effects: &[(&str, Effect)]) -> Answer {
    match meeting(effects).ruling {
        Ruling::Answer(answer) => *answer,
        other => panic!("no answer but {other:?}"),
    }
}

pub(super) fn request() -> Request {
    Request::get("http://ca.lab/a.crl".parse().unwrap())
}

pub(super) fn own(body: &[u8]) -> Reply {
    let headers = vec![("Content-Type".to_owned(), "application/pkix-crl".to_owned())];
    Reply { status: 200, substatus: 0, headers, body: body.into() }
}

/// What the client hears where these act on a reply with this body.
pub(super) fn heard(effects: &[(&str, Effect)], body: &[u8]) -> Heard {
    let answer = answer(effects);
    let reply = answer.reply(&request(), own(body));
    Script::new(&answer.shape, &reply, request().method).heard()
}

#[test]
fn without_faults_the_answer_comes_at_once() {
    let ruling = Ruling::Answer(Box::default());
    assert_eq!(meeting(&[]), Meeting { faults: Vec::new(), way: Way::default(), ruling });
}

#[test]
fn a_fault_acts_from_its_first_instant_until_before_its_last() {
    let fault = fault("f", Effect::Down);
    let active: Vec<_> =
        [-1, 0, 999, 1000].map(|ms| fault.is_active(Instant::from_millis(ms))).into();
    assert_eq!(active, [false, true, true, false]);
}

#[test]
fn an_endpoint_covers_its_purposes_alone() {
    let all = [Purpose::Base, Purpose::Delta, Purpose::Ocsp, Purpose::Issuer];
    for (name, endpoint) in Endpoint::NAMES {
        let covered = all.iter().filter(|purpose| endpoint.covers(**purpose)).count();
        assert_eq!(covered, if name == "crl" { 2 } else { 1 }, "{name}");
    }
    assert!(all.iter().all(|purpose| Endpoint::All.covers(*purpose)));
}

fn effects() -> impl Strategy<Value = Effect> {
    let ms = || (0i64..10_000).prop_map(Span::from_millis);
    prop_oneof![
        Just(Effect::NameNotResolved),
        Just(Effect::NameServfail),
        Just(Effect::NameSilent),
        ms().prop_map(Effect::NameSlow),
        Just(Effect::NameAaaaOnly),
        Just(Effect::NameWrongAddress(None)),
        Just(Effect::NameWrongAddress(Some("root".into()))),
        Just(Effect::NameFirstDead),
        Just(Effect::Down),
        Just(Effect::Swallowed),
        (0u32..2).prop_map(Effect::ConnectionLimit),
        Just(Effect::ResetPeer(ResetAt::Connect)),
        Just(Effect::Https(HttpsCertificate::Expired)),
        Just(Effect::ResetPeer(ResetAt::Request)),
        (0u64..400).prop_map(|n| Effect::ResetPeer(ResetAt::Bytes(n))),
        Just(Effect::Timeout(None)),
        ms().prop_map(|after| Effect::Timeout(Some(after))),
        (400u16..600).prop_map(|status| Effect::Status { status, body: None }),
        Just(Effect::CaptivePortal),
        Just(Effect::NotModified),
        (-20i64..20).prop_map(Effect::WrongLength),
        Just(Effect::BrokenChunking),
        Just(Effect::NoLength),
        (0u64..400).prop_map(Effect::LimitData),
        (0u64..400).prop_map(Effect::HalfClose),
        (ms(), ms()).prop_map(|(latency, jitter)| Effect::Latency { latency, jitter }),
        (1u64..5000).prop_map(Effect::Bandwidth),
        ms().prop_map(Effect::SlowClose),
    ]
}

proptest! {
    #[test]
    fn what_leaves_no_answer_wins_by_its_place_whatever_the_order(
        effects in proptest::collection::vec(effects(), 0..6)
    ) {
        let caller = Caller { name: "web", account: None, open: 0 };
        let ends = effects.iter().filter(|e| e.ends(&caller).is_some());
        let first = ends.min_by_key(|e| e.rank());
        let named: Vec<_> = effects.iter().map(|e| ("f", e.clone())).collect();
        let met = meeting(&named);
        match first {
            Some(first) => {
                prop_assert_eq!(Some(met.ruling), first.ends(&caller));
                let before = |e: &&Effect| e.is_on_the_way() && e.rank() < first.rank();
                prop_assert!(met.faults.len() <= 1 + effects.iter().filter(before).count());
                prop_assert!(!met.faults.is_empty());
            }
            None => prop_assert!(matches!(met.ruling, Ruling::Answer(_))),
        }
    }

    #[test]
    fn whatever_the_shape_the_client_hears_of_it_in_bounded_steps(
        effects in proptest::collection::vec(effects(), 0..6),
        body in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let named: Vec<_> = effects.iter().map(|e| ("f", e.clone())).collect();
        if let Ruling::Answer(answer) = meeting(&named).ruling {
            let reply = answer.reply(&request(), own(&body));
            let script = Script::new(&answer.shape, &reply, request().method);
            let whole: Vec<u8> = script.pieces().flat_map(|(_, bytes)| bytes.to_vec()).collect();
            prop_assert_eq!(&whole, script.bytes());
            prop_assert!(script.heard().after >= Span::ZERO);
        }
    }
}
