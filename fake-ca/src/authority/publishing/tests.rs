use revlab_lab::{Seed, Span};
use revlab_pki::{Crl, KeyPair, Usage, Verifier};

use super::*;
use crate::authority::Order;
use crate::config::CaConfig;
use crate::sample::{self, START};

fn crl(publication: &Option<Publication>) -> Crl {
    Crl::parse(&publication.as_ref().unwrap().der).unwrap()
}

fn issue(ca: &mut Authority, common_name: &str) -> Vec<u8> {
    let key = KeyPair::seeded(ca.config.key, Seed(1), common_name);
    let life = ca.usual_life();
    let (usage, dns_names, ca_version) = (Usage::Client, &[][..], None);
    let order = Order { common_name, usage, dns_names, life, ocsp: None, ca_version };
    ca.issue(&order, &key).unwrap().serial().to_vec()
}

fn run_until(ca: &mut Authority, until: Instant) {
    while ca.next_due().is_some_and(|due| due <= until) {
        ca.publish_next();
    }
}

#[test]
fn a_base_and_a_delta_from_before_are_in_place_at_the_start() {
    let ca = Authority::new(sample::issuing(), None, Seed(1), START).unwrap();
    let (base, delta) = (crl(&ca.served[0].base), crl(&ca.served[0].delta));
    assert_eq!(base.this_update(), START - Span::from_mins(65));
    assert_eq!(delta.this_update(), START - Span::from_mins(35));
    assert_eq!(delta.base_number(), base.number());
    assert_eq!(base.freshest_crl_urls(), ca.locations.freshest);
    assert!(delta.freshest_crl_urls().is_empty());
    assert_eq!(base.ca_version(), Some((1, 1)));
    for crl in [base, delta] {
        let key = ca.certificate.public_key_info();
        assert!(Verifier::new().verify(key, crl.tbs(), crl.signature()));
        assert!(crl.is_empty());
    }
}

#[test]
fn a_delta_names_the_base_it_refers_to_as_virtual_base_unless_told_otherwise() {
    let mut config = sample::issuing();
    let mut ca = Authority::new(config.clone(), None, Seed(1), START).unwrap();
    // The pair at +5 min: its delta refers to the base of an hour before.
    run_until(&mut ca, START + Span::from_mins(5));
    let (base, delta) = (crl(&ca.served[0].base), crl(&ca.served[0].delta));
    assert_eq!((base.number(), base.virtual_base()), (Some(7), None));
    assert_eq!((delta.base_number(), delta.virtual_base()), (Some(5), Some(5)));
    config.crl.virtual_base = false;
    let ca = Authority::new(config, None, Seed(1), START).unwrap();
    let delta = crl(&ca.served[0].delta);
    assert_eq!((delta.base_number(), delta.virtual_base()), (Some(5), None));
}

#[test]
fn base_and_delta_say_where_crls_are_published_if_that_is_configured() {
    let mut config = sample::issuing();
    let of = |config: &CaConfig| {
        let ca = Authority::new(config.clone(), None, Seed(1), START).unwrap();
        [&ca.served[0].base, &ca.served[0].delta]
            .map(|publication| crl(publication).published_locations().to_vec())
    };
    assert_eq!(of(&config), [Vec::new(), Vec::new()]);
    let urls = ["http://a.example/XXX-CA(1).crl", "http://b.example/XXX-CA(1).crl"];
    config.published_locations = urls.map(|url| url.parse().unwrap()).to_vec();
    assert_eq!(of(&config), [config.published_locations.clone(), config.published_locations]);
}

#[test]
fn a_revocation_is_listed_from_the_next_publication_on() {
    let mut ca = Authority::new(sample::issuing(), None, Seed(1), START).unwrap();
    let (first, second) = (issue(&mut ca, "first"), issue(&mut ca, "second"));
    ca.revoke(START, &first, Some(1));
    assert!(crl(&ca.served[0].base).find(&first).is_none());
    // The pair at +5 min: its delta refers to the base of an hour before.
    run_until(&mut ca, START + Span::from_mins(5));
    assert!(crl(&ca.served[0].base).find(&first).is_some());
    assert!(crl(&ca.served[0].delta).find(&first).is_some());
    ca.revoke(START + Span::from_mins(10), &second, None);
    // The lone delta at +35 min refers to the base at +5 min, which lists the first.
    run_until(&mut ca, START + Span::from_mins(35));
    let delta = crl(&ca.served[0].delta);
    assert!(delta.find(&first).is_none());
    assert_eq!(delta.find(&second).and_then(|entry| entry.reason), None);
    assert!(delta.find(&second).is_some());
    assert!(crl(&ca.served[0].base).find(&second).is_none());
}

#[test]
fn what_is_taken_off_hold_is_told_by_deltas_until_a_base_says_so() {
    let mut ca = Authority::new(sample::issuing(), None, Seed(1), START).unwrap();
    let serial = issue(&mut ca, "client");
    let reason = |ca: &Authority, what: Purpose| {
        let served = &ca.served[0];
        let publication = if what == Purpose::Delta { &served.delta } else { &served.base };
        crl(publication).find(&serial).map(|entry| entry.reason)
    };
    ca.revoke(START, &serial, Some(6));
    run_until(&mut ca, START + Span::from_mins(5));
    assert_eq!(reason(&ca, Purpose::Base), Some(Some(6)));
    ca.release(START + Span::from_mins(6), &serial);
    assert_eq!(ca.status(&serial), revlab_pki::CertStatus::Good);
    // The lone delta refers to the base that lists the certificate.
    run_until(&mut ca, START + Span::from_mins(35));
    assert_eq!(reason(&ca, Purpose::Base), Some(Some(6)));
    assert_eq!(reason(&ca, Purpose::Delta), Some(Some(8)));
    // The next base is without it; its delta refers to the base before.
    run_until(&mut ca, START + Span::from_mins(65));
    assert_eq!(reason(&ca, Purpose::Base), None);
    assert_eq!(reason(&ca, Purpose::Delta), Some(Some(8)));
    run_until(&mut ca, START + Span::from_mins(95));
    assert_eq!(reason(&ca, Purpose::Delta), None);
}

#[test]
fn each_publication_is_announced_once() {
    let mut ca = Authority::new(sample::issuing(), None, Seed(1), START).unwrap();
    let mut id = 0;
    let mut announced = |ca: &mut Authority| -> Vec<(u64, Purpose)> {
        let records = ca.announce(|| {
            id += 1;
            id
        });
        records.iter().map(|record| (record.id, record.what)).collect()
    };
    assert_eq!(announced(&mut ca), [(1, Purpose::Base), (2, Purpose::Delta)]);
    assert!(announced(&mut ca).is_empty());
    run_until(&mut ca, START + Span::from_mins(35));
    assert_eq!(announced(&mut ca), [(3, Purpose::Base), (4, Purpose::Delta)]);
}

#[test]
fn artefacts_are_the_same_from_run_to_run() {
    let bytes = || {
        let mut ca = Authority::new(sample::issuing(), None, Seed(1), START).unwrap();
        let serial = issue(&mut ca, "client");
        ca.revoke(START, &serial, None);
        run_until(&mut ca, START + Span::from_hours(1));
        ca.files()
    };
    assert_eq!(bytes(), bytes());
}
