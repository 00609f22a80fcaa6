//! A machine that judges certificates for others: servers with what they staple, and clients of a
//! directory.

use std::sync::Arc;

use revlab_lab::http::Reply;
use revlab_lab::trace::{Party, Validation, Verdict};
use revlab_lab::{Clock, Code, Core, Instant, Item, Name, Out, Seed, Span};
use revlab_pki::{CertStatus, Certificate};

use super::authority::{Authority, START, base, entry};
use crate::config::{Directory, Mapping, Principal, PrincipalFrom, ValidatorConfig};
use crate::machine::Accounts;
use crate::profile::{Profile, Sheet, Value};
use crate::{Machine, SutAction, SutEvent, Validate};

const DAY: Span = Span::from_days(1);

/// A validator's machine of a profile, whose CRL is always there and lists `revoked`.
struct Desk {
    machine: Machine,
    crl: Vec<u8>,
    fetches: usize,
}

impl Desk {
    fn new(profile: &str, settings: &[(&str, &str)], revoked: &[&Certificate]) -> Desk {
        let root = Authority::root();
        let entries = revoked.iter().map(|c| entry(c, None)).collect();
        let list = revlab_pki::CrlTemplate { entries, ..base(1, START, DAY) };
        let crl = root.sign(&list);
        Desk { machine: machine(profile, settings, None), crl, fetches: 0 }
    }

    /// What the machine says of a server's certificate.
    fn judge(&mut self, own: &Certificate, staple: Option<Vec<u8>>) -> Validation {
        self.ask(own, staple, None, None)
    }

    fn ask(
        &mut self,
        own: &Certificate,
        staple: Option<Vec<u8>>,
        host: Option<&str>,
        principal: Option<Principal>,
    ) -> Validation {
        let validate = Validate {
            attempt: 1,
            of: Party::Server,
            peer: Arc::from([own.clone()]),
            host: host.map(Name::from),
            principal,
            staples: vec![staple.map(Arc::from)],
        };
        self.run(SutEvent::Validate(validate))
    }

    fn run(&mut self, event: SutEvent) -> Validation {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let mut out = Out::new();
            self.machine.decide(START, event, &mut out);
            for item in out.drain() {
                match item {
                    Item::Do(SutAction::Validated { validation, .. }) => return validation,
                    Item::Do(SutAction::Fetch { fetch, .. }) => {
                        self.fetches += 1;
                        let body = Arc::from(self.crl.clone());
                        let reply = Reply { status: 200, substatus: 0, headers: Vec::new(), body };
                        events.push(SutEvent::Fetched { fetch, result: Ok(reply) });
                    }
                    _ => {}
                }
            }
        }
        panic!("nothing was said");
    }
}

fn machine(profile: &str, settings: &[(&str, &str)], accounts: Option<Accounts>) -> Machine {
    let mut profile =
        Profile::new(Sheet::named(profile).unwrap(), crate::profile::Hypothesis::H0, Vec::new());
    for (name, text) in settings {
        let value = text.parse().map_or(Value::Text(text), Value::Boolean);
        profile.set(name, value).unwrap();
    }
    let config = ValidatorConfig {
        name: "desk".into(),
        profile,
        clock: Clock::exact(START),
        each_thread: false,
        directory: Some(Directory {
            host: "dc".into(),
            ca: "issuing".into(),
            mapping: Mapping::IssuerAndSerial,
        }),
        stores: None,
        ocsp_urls: Vec::new(),
        crl_prefetch: Vec::new(),
    };
    let known = vec![Authority::root().certificate];
    Machine::validator(&config, "desk".into(), accounts, known, Seed(1))
}

fn server(change: impl FnOnce(&mut revlab_pki::CertificateTemplate)) -> Certificate {
    Authority::root().client("mail.example", 20, |template| {
        template.usage = revlab_pki::Usage::Server;
        change(template);
    })
}

fn stapled(own: &Certificate, status: CertStatus, from: Instant, to: Instant) -> Vec<u8> {
    Authority::root().ocsp(own, status, from, to - from)
}

/// §2.1, documented: a stapled response goes before everything else.
#[test]
fn a_valid_staple_decides_and_nobody_is_asked() {
    let own = server(|_| {});
    let hour = START + Span::from_hours(1);
    let mut desk = Desk::new("windows-10", &[], &[]);
    let said = desk.judge(&own, Some(stapled(&own, CertStatus::Good, START, hour)));
    assert_eq!((said.verdict, said.code, desk.fetches), (Verdict::Good, None, 0));
    let revoked = CertStatus::Revoked { at: START, reason: None };
    let said = desk.judge(&own, Some(stapled(&own, revoked, START, hour)));
    assert_eq!((said.verdict, desk.fetches), (Verdict::Revoked, 0));
}

#[test]
fn a_staple_that_does_not_fit_leaves_it_to_the_other_sources() {
    let (own, other) = (server(|_| {}), server(|t| t.serial = vec![21]));
    let hour = START + Span::from_hours(1);
    let old = stapled(&own, CertStatus::Good, START - DAY, START - Span::from_hours(1));
    let of_another = stapled(&other, CertStatus::Good, START, hour);
    let unknown = stapled(&own, CertStatus::Unknown, START, hour);
    for staple in [old, of_another, unknown, b"no response".to_vec(), Vec::new()] {
        let mut desk = Desk::new("windows-10", &[], &[&own]);
        let said = desk.judge(&own, Some(staple));
        assert_eq!((said.verdict, desk.fetches), (Verdict::Revoked, 1));
    }
    let mut desk = Desk::new("windows-10", &[("staple", "ignore")], &[]);
    let revoked = CertStatus::Revoked { at: START, reason: None };
    let said = desk.judge(&own, Some(stapled(&own, revoked, START, hour)));
    assert_eq!((said.verdict, desk.fetches), (Verdict::Good, 1));
}

/// RFC 7633 §4.3.3.
#[test]
fn without_a_staple_one_that_is_demanded_is_offline() {
    let own = server(|_| {});
    let mut desk = Desk::new("windows-10", &[("staple", "require")], &[]);
    let said = desk.judge(&own, None);
    assert_eq!(
        (said.verdict, said.code),
        (Verdict::Offline, Some(Code::CRYPT_E_REVOCATION_OFFLINE))
    );
    assert_eq!(desk.fetches, 0);
}

#[test]
fn another_name_and_another_principal_are_refused_though_nothing_is_revoked() {
    let names = ["webmail.example".to_owned(), "mail.example".to_owned()];
    let own = server(|template| template.dns_names = names.to_vec());
    let mut desk = Desk::new("windows-10", &[], &[]);
    let principal = |from| Some(Principal { name: "MAIL.example".into(), from });
    let (cn, dns) = (PrincipalFrom::CommonName, PrincipalFrom::FirstDnsName);
    let cases = [
        (Some("mail.example"), None, None),
        (Some("other.example"), None, Some(Code::CERT_E_CN_NO_MATCH)),
        (Some("mail.example"), principal(cn), None),
        (Some("mail.example"), principal(dns), Some(Code::SEC_E_WRONG_PRINCIPAL)),
    ];
    for (host, principal, code) in cases {
        let said = desk.ask(&own, None, host, principal);
        assert_eq!((said.verdict, said.code), (Verdict::Good, code));
    }
}

/// A directory refuses who is not good, and whom it does not know, each in its own way.
#[test]
fn a_directory_maps_good_clients_to_their_accounts() {
    let root = Authority::root();
    let (known, revoked) = (root.client("alice", 10, |_| {}), root.client("bob", 11, |_| {}));
    let stranger = root.client("carol", 12, |_| {});
    let (alice, bob): (Name, Name) = ("alice".into(), "bob".into());
    let accounts = Accounts::new(Mapping::IssuerAndSerial, [(&alice, &known), (&bob, &revoked)]);
    let mut desk = Desk::new("windows-10", &[], &[&revoked]);
    desk.machine = machine("windows-10", &[], Some(accounts));
    let mut ask = |own: &Certificate| {
        let (of, peer) = (Party::Client, Arc::from([own.clone()]));
        let (host, principal, staples) = (None, None, Vec::new());
        desk.run(SutEvent::Validate(Validate { attempt: 1, of, peer, host, principal, staples }))
    };
    let said = ask(&known);
    assert_eq!((said.code, said.account.as_deref()), (None, Some("alice")));
    let said = ask(&revoked);
    assert_eq!(said.verdict, Verdict::Revoked);
    assert_eq!((said.code, said.account), (Some(Code::SEC_E_SMARTCARD_CERT_REVOKED), None));
    let said = ask(&stranger);
    assert_eq!((said.verdict, said.code), (Verdict::Good, Some(Code::SEC_E_LOGON_DENIED)));
}
