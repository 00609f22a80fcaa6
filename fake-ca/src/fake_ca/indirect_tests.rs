//! An indirect CRL: what one CA publishes about the certificates of another.

use revlab_pki::{Crl, KeyAlgorithm};

use super::*;
use crate::config::Publishing;
use crate::sample::{self, START};

#[test]
fn an_indirect_crl_lists_what_the_other_ca_has_revoked_under_its_name() {
    let mut root = sample::root();
    root.crl.period = revlab_lab::Span::from_hours(1);
    root.crl.phase = revlab_lab::Span::from_mins(10);
    let indirect_for = vec![Name::from("issuing"), Name::from("root"), Name::from("nobody")];
    root.publishing = Publishing { indirect_for, ..Publishing::default() };
    let configs = vec![root, sample::subordinate()];
    let mut ca = FakeCa::new(configs, Vec::new(), Seed(1), START).unwrap();
    let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), "client");
    let client = ca.issue("issuing", "client", Usage::Client, &key, &[]).unwrap();
    let subordinate = ca.certificate("issuing").unwrap().clone();
    let mut out = Out::new();
    for (at, serial) in [("issuing", client.serial()), ("root", subordinate.serial())] {
        let operation = CaOperation::Revoke {
            serial: serial.to_vec(),
            reason: Some(1),
            extensions: Vec::new(),
        };
        ca.decide(START, CaEvent::Operation { ca: at.into(), operation }, &mut out);
    }
    while let Some(at) = ca.next_wakeup().filter(|at| *at < START + revlab_lab::Span::from_hours(1))
    {
        ca.decide(at, CaEvent::Wake, &mut out);
    }
    let base = ca.authorities.get("root").unwrap().files().remove(0);
    let crl = Crl::parse(&base.bytes).unwrap();
    assert!(crl.scope().unwrap().indirect);
    assert_eq!(crl.len(), 2);
    assert!(crl.find(subordinate.serial()).is_some());
    assert!(crl.find(client.serial()).is_none());
    assert!(crl.find_of(subordinate.subject(), client.serial()).is_some());
}
