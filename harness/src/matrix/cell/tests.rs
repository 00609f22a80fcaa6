//! Small traces by hand. The CRL is valid from 0:00 to 1:25; `jmeter-1` is revoked at 0:30 where it is.

use revlab_lab::{Code, Span};

use super::*;
use crate::judge::sample::{Lab, base, hours, mins};

const OFFLINE: Code = Code::CRYPT_E_REVOCATION_OFFLINE;
const ROOT: &str = "http://root.test/ocsp";

fn asked(handshakes: bool) -> Asked<'static> {
    let (sut, command) = ("model", "revlab run lab.toml".to_owned());
    Asked { variant: None, crossing: None, sut, handshakes, folder: None, command }
}

fn cell(lab: &Lab) -> Cell {
    ran(&lab.scenario(), &lab.trace(), asked(false))
}

/// With a CRL on the site from 0:00 to 1:25.
fn lab() -> Lab {
    let mut lab = Lab::new(hours(4));
    lab.publish(Span::ZERO, Purpose::Base, 1);
    lab
}

/// The base CRL of the site, as it is fetched.
fn crl(lab: &Lab) -> Fetch {
    let url = "http://ca.test/XXX-CA.crl".parse().unwrap();
    Fetch { url, ..base(lab.at(Span::ZERO), lab.at(mins(85))) }
}

/// Its fetch where nothing comes.
fn lost(lab: &Lab) -> Fetch {
    let error = Some(FetchError::ConnectionRefused);
    Fetch { status: None, object: None, error, ..crl(lab) }
}

/// An OCSP answer about the certificate of a client, valid as the CRL is.
fn ocsp(lab: &Lab, client: &str) -> Fetch {
    let url = "http://ca.test/ocsp/MFEw".parse().unwrap();
    Fetch { url, purpose: Purpose::Ocsp, client: Some(client.into()), ..crl(lab) }
}

/// The scenario has a CA with a responder below a root with one.
fn two_tiers() -> Lab {
    two_tiers_with("")
}

/// The same with something more in the scenario.
fn two_tiers_with(more: &str) -> Lab {
    let text = format!(
        "format = 1\ntitle = \"t\"\nstart = \"2014-04-16T00:00:00Z\"\nduration = \"4h\"\n[ca.root]\n\
         aia = {{ ocsp = [\"{ROOT}\"] }}\n[ca.issuing]\nparent = \"root\"\n\
         aia = {{ ocsp = [\"http://ca.test/ocsp\"] }}\n[sut.web]\n[clients.jmeter]\nevery = \"1m\"\n{more}"
    );
    let mut lab = lab();
    lab.scenario = crate::scenario::from_text("lab", &text).unwrap().remove(0);
    lab
}

fn revoked() -> Lab {
    let mut lab = lab();
    lab.revocation("revoke", "jmeter-1").operation(mins(30), "revoke", "revoke");
    lab
}

#[test]
fn attempts_are_told_by_phase_and_by_what_their_certificate_was_then() {
    let mut lab = revoked();
    let right = crl(&lab);
    lab.fault("down", mins(60), mins(90), false).fetch(mins(1), right);
    lab.admitted(mins(10)).admitted(mins(30)).refused(mins(60), OFFLINE).refused(mins(90), OFFLINE);
    let one = |outcome: &str| BTreeMap::from([(outcome.to_owned(), 1)]);
    let none = BTreeMap::new;
    let mix = |phase: &str, good, revoked| Mix { phase: phase.to_owned(), good, revoked };
    // At the border an attempt belongs to what begins: at 0:30 it is revoked, at 1:00 there is the fault.
    let wanted = [
        mix("before", one("admitted"), one("admitted")),
        mix("during", none(), one("refused")),
        mix("after", none(), one("refused")),
    ];
    let cell = cell(&lab);
    assert_eq!(cell.phases, wanted);
    assert_eq!((cell.state, cell.status.as_deref()), (State::Ran, Some("held")));
}

#[test]
fn handshakes_during_the_fault_are_told_apart_when_asked_for() {
    let mut lab = lab();
    let right = crl(&lab);
    lab.fault("down", mins(10), mins(60), false).fetch(mins(1), right);
    lab.admitted(mins(5)).admitted(mins(10)).refused(mins(20), OFFLINE).refused(mins(30), OFFLINE);
    let cell = ran(&lab.scenario(), &lab.trace(), asked(true));
    let words: Vec<_> =
        cell.phases.iter().map(|m| format!("{}: {}", m.phase, m.words(true))).collect();
    let wanted = [
        "before: good admitted 1",
        "during: good admitted 1 + refused 2",
        "during, first handshake: good admitted 1",
        "during, second handshake: good refused 1",
    ];
    assert_eq!(words, wanted);
}

#[test]
fn a_fault_that_the_server_never_comes_near_says_nothing_of_it() {
    let mut lab = lab();
    lab.fault("down", mins(10), mins(60), false).admitted(mins(20));
    let why = "it never asks for `issuing.crl`, which fault `down` is on";
    let blind = cell(&lab);
    assert_eq!((blind.state, blind.reason.as_deref()), (State::Refused, Some(why)));
    assert_eq!(blind.phases, []);
    // Before the fault is soon enough: what shows before a request is met by none.
    let right = crl(&lab);
    lab.fetch(mins(1), right);
    assert_eq!(cell(&lab).state, State::Ran);
}

#[test]
fn a_revoked_client_is_excused_until_what_was_signed_before_has_expired() {
    let mut lab = revoked();
    lab.admitted(mins(10)).admitted(mins(85));
    let before = cell(&lab);
    assert_eq!(before.fail_open, Vec::<String>::new());
    assert_eq!(before.exposure_ms, Some(mins(55).as_millis() + 5));
    lab.admitted(mins(86));
    let wanted = ["1 × revoked, admitted after all that was signed before had expired"];
    assert_eq!(cell(&lab).fail_open, wanted);
}

#[test]
fn a_session_from_before_is_told_apart_from_a_full_handshake() {
    let mut lab = revoked();
    lab.admitted(mins(10)).admitted(mins(86)).resumed();
    let wanted = "1 × revoked, admitted without a full handshake after all that was signed before had expired";
    assert_eq!(cell(&lab).fail_open, [wanted]);
}

#[test]
fn an_answer_that_a_fault_made_wrong_excuses_as_long_as_it_is_valid() {
    let lie = |lab: &Lab, faults: Vec<Name>| {
        let object = base(lab.at(mins(80)), lab.at(mins(120))).object;
        Fetch { object, faults, ..ocsp(lab, "jmeter-1") }
    };
    let admitted_at_90 = |faults: Vec<Name>| {
        let mut lab = revoked();
        let answer = lie(&lab, faults);
        lab.admitted(mins(10)).fetch(mins(80), answer).admitted(mins(90));
        cell(&lab).fail_open
    };
    assert_eq!(admitted_at_90(vec!["lie".into()]), Vec::<String>::new());
    // What was signed after the revocation and met no fault cannot have called it good.
    assert_eq!(admitted_at_90(Vec::new()).len(), 1);
}

#[test]
fn admitted_with_every_source_lost_and_nothing_valid_is_fail_open() {
    let wanted =
        ["1 × admitted though no fetch for it brought anything and nothing before was still valid"];
    let mut alone = lab();
    let nothing = lost(&alone);
    alone.fetch(mins(90), nothing).admitted(mins(90));
    assert_eq!(cell(&alone).fail_open, wanted);
    let with = |began: Span, fetch: fn(&Lab) -> Fetch| {
        let mut lab = alone.clone();
        let it = fetch(&lab);
        lab.fetch(began, it);
        cell(&lab).fail_open
    };
    let later =
        |lab: &Lab| Fetch { object: base(lab.at(mins(80)), lab.at(mins(120))).object, ..crl(lab) };
    // An older CRL has expired; one that is valid is something to go by, so is a page that may be read.
    assert_eq!(with(mins(10), crl), wanted);
    assert_eq!(with(mins(80), later), Vec::<String>::new());
    let page = |lab: &Lab| Fetch { status: Some(200), object: None, ..crl(lab) };
    assert_eq!(with(mins(90), page), Vec::<String>::new());
    // A refusal is none, nor is an attempt that asked nobody.
    let mut shut = lab();
    let nothing = lost(&shut);
    shut.fetch(mins(90), nothing).refused(mins(90), OFFLINE).admitted(mins(100));
    assert_eq!(cell(&shut).fail_open, Vec::<String>::new());
}

#[test]
fn an_answer_about_another_certificate_is_nothing_to_go_by() {
    let about = |client: &str, url: &str| {
        let mut lab = two_tiers();
        let answer = Fetch { url: url.parse().unwrap(), ..ocsp(&lab, client) };
        let nothing = Fetch { object: None, status: Some(503), ..ocsp(&lab, "jmeter-1") };
        lab.fetch(mins(20), answer).fetch(mins(30), nothing).admitted(mins(30));
        cell(&lab).fail_open.len()
    };
    assert_eq!(about("jmeter-1", "http://ca.test/ocsp/MFEw"), 0);
    assert_eq!(about("jmeter-2", "http://ca.test/ocsp/MFEw"), 1);
    // Of the CA's own certificate.
    assert_eq!(about("jmeter-1", ROOT), 1);
}

#[test]
fn turned_away_with_something_right_and_valid_is_a_lock_out() {
    let mut lab = lab();
    let right = crl(&lab);
    lab.fetch(mins(10), right.clone()).refused(mins(84), OFFLINE);
    let wanted = ["1 × good, turned away though something right and still valid had been fetched"];
    assert_eq!(cell(&lab).lock_out, wanted);
    let none = Vec::<String>::new();
    let mut too_late = lab.clone();
    too_late.refused(mins(85), OFFLINE);
    assert_eq!(cell(&too_late).lock_out, wanted);
    let fetched = |fetch: Fetch| {
        let mut lab = super::tests::lab();
        lab.fetch(mins(10), fetch).refused(mins(84), OFFLINE);
        cell(&lab).lock_out
    };
    assert_eq!(fetched(Fetch { faults: vec!["wrong".into()], ..right.clone() }), none);
    assert_eq!(fetched(Fetch { status: Some(500), ..right.clone() }), none);
    let elsewhere = "http://another.test/XXX-CA.crl".parse().unwrap();
    assert_eq!(fetched(Fetch { url: elsewhere, ..right.clone() }), none);
    // Whether the script has brought it is not known of a server that the scenario does not have.
    assert_eq!(fetched(Fetch { process: "publisher".into(), ..right }), none);
}

#[test]
fn who_is_told_that_it_is_revoked_is_not_locked_out() {
    let refused = |defect: &str| {
        let fault =
            format!("[fault.wrong]\non = \"issuing.ocsp\"\nocsp = {{ defect = \"{defect}\" }}\n");
        let mut lab = two_tiers_with(&fault);
        let right = ocsp(&lab, "jmeter-1");
        let wrong = Fetch { faults: vec!["wrong".into()], ..right.clone() };
        lab.fetch(mins(10), right).fetch(mins(20), wrong).refused(mins(20), OFFLINE);
        cell(&lab).lock_out.len()
    };
    assert_eq!(refused("say_revoked"), 0);
    assert_eq!(refused("broken_signature"), 1);
}

#[test]
fn an_answer_about_a_certificate_that_was_replaced_covers_nobody() {
    let refused = |at: &str| {
        let reissue = format!(
            "[operation.new]\non = \"issuing\"\nat = \"{at}\"\nreissue = {{ ocsp = [\"http://ca.test/ocsp\"] }}\n"
        );
        let mut lab = two_tiers_with(&reissue);
        let right = ocsp(&lab, "jmeter-1");
        lab.fetch(mins(10), right).refused(mins(20), OFFLINE);
        cell(&lab).lock_out.len()
    };
    assert_eq!((refused("5m"), refused("15m"), refused("25m")), (1, 0, 1));
}

#[test]
fn not_modified_is_as_good_as_what_was_there() {
    let admitted = |before: Fetch, at: Span| {
        let mut lab = lab();
        let url = before.url.clone();
        let again = Fetch { status: Some(304), object: None, url, ..crl(&lab) };
        lab.fetch(mins(10), before).fetch(at, again).admitted(at);
        cell(&lab).fail_open.len()
    };
    let known = crl(&lab());
    assert_eq!(admitted(known.clone(), mins(84)), 0);
    assert_eq!(admitted(known.clone(), mins(86)), 1);
    // Nobody knows what that was.
    assert_eq!(admitted(Fetch { object: None, ..known }, mins(86)), 0);
}

#[test]
fn who_is_below_a_revoked_ca_is_revoked() {
    let mut lab = two_tiers();
    lab.revocation("revoke", "issuing").operation(mins(30), "revoke", "revoke");
    let right = crl(&lab);
    lab.fetch(mins(1), right).admitted(mins(10)).refused(mins(40), OFFLINE).admitted(mins(86));
    let cell = cell(&lab);
    let sides: Vec<_> = cell.phases.iter().map(|m| m.words(true)).collect();
    assert_eq!(sides, ["good admitted 1", "revoked admitted 1 + refused 1"]);
    assert_eq!((cell.fail_open.len(), cell.lock_out.len()), (1, 0));
}

#[test]
fn a_revoked_client_is_never_locked_out() {
    let mut lab = revoked();
    let right = crl(&lab);
    lab.fetch(mins(10), right).refused(mins(40), OFFLINE);
    assert_eq!(cell(&lab).lock_out, Vec::<String>::new());
}

#[test]
fn a_lock_out_takes_something_right_about_every_certificate_that_was_asked_about() {
    let refused = |client: &str, root: Option<Fetch>| {
        let mut lab = two_tiers();
        let answer = ocsp(&lab, client);
        lab.fetch(mins(10), answer);
        if let Some(root) = root {
            lab.fetch(mins(11), root);
        }
        lab.refused(mins(20), OFFLINE);
        cell(&lab).lock_out.len()
    };
    let of_root = |lab: &Lab| Fetch { url: ROOT.parse().unwrap(), ..ocsp(lab, "jmeter-1") };
    let right = of_root(&two_tiers());
    assert_eq!(refused("jmeter-1", None), 1);
    assert_eq!(refused("jmeter-2", None), 0);
    assert_eq!(refused("jmeter-1", Some(right.clone())), 1);
    assert_eq!(refused("jmeter-1", Some(Fetch { object: None, status: Some(503), ..right })), 0);
}

#[test]
fn what_the_script_has_fetched_counts_once_it_is_in_place() {
    let refused = |publisher: &str| {
        let mut lab = two_tiers();
        let text = lab.scenario.resolved.clone() + publisher;
        lab.scenario = crate::scenario::from_text("lab", &text).unwrap().remove(0);
        let fetch = Fetch { process: "publisher".into(), ..crl(&lab) };
        lab.fetch(mins(15), fetch).refused(mins(20), OFFLINE);
        cell(&lab).lock_out.len()
    };
    assert_eq!(refused("\n[sut.web.publisher]\n"), 1);
    assert_eq!(refused("\n[sut.web.publisher]\nlag = \"6m\"\n"), 0);
    assert_eq!(refused("\n[sut.web.publisher]\nreload = false\n"), 0);
    assert_eq!(refused("\n[sut.web.publisher]\nfaults = [{ unreadable = {} }]\n"), 0);
}

#[test]
fn who_is_let_in_while_checks_are_switched_off_is_let_in_on_purpose() {
    let mut lab = revoked();
    lab.operation(mins(90), "cure", "disable_revocation_check").admitted(mins(100));
    assert_eq!(cell(&lab).fail_open, Vec::<String>::new());
    lab.operation(mins(110), "again", "enable_revocation_check").admitted(mins(120));
    let told = ["1 × revoked, admitted after all that was signed before had expired"];
    assert_eq!(cell(&lab).fail_open, told);
}

#[test]
fn a_server_that_dies_has_done_that() {
    let died = |reason: &'static str| {
        let mut lab = lab();
        lab.admitted(mins(4)).stop(reason);
        let cell = cell(&lab);
        assert_eq!((cell.state, cell.reason.as_deref()), (State::Ran, None));
        assert!(cell.behaviour().ends_with("; died"), "{}", cell.behaviour());
        cell.died.unwrap_or_default()
    };
    assert_eq!(
        died("the system under test ended with signal 11: it said nothing"),
        "ended with signal 11"
    );
    let refused = "the system under test: `nginx` ended with status 1: nginx: [emerg] \"/tmp/x/crls.pem\" failed";
    assert_eq!(died(refused), "ended with status 1");
}

#[test]
fn fetches_are_counted_by_purpose_and_a_run_that_stopped_proves_nothing() {
    let mut lab = lab();
    let (one, two) = (crl(&lab), ocsp(&lab, "jmeter-1"));
    lab.fetch(mins(1), one.clone()).fetch(mins(2), one).fetch(mins(3), two).admitted(mins(4));
    let whole = cell(&lab);
    assert_eq!(whole.fetches, BTreeMap::from([("base".to_owned(), 2), ("ocsp".to_owned(), 1)]));
    assert_eq!((whole.slowest_ms, whole.exposure_ms), (5, None));
    lab.stop("interrupted");
    let cut = cell(&lab);
    assert_eq!((cut.state, cut.died), (State::Inconclusive, None));
    assert!(cut.reason.unwrap_or_default().contains("interrupted"));
}

#[test]
fn refusals_are_told_by_how_they_looked() {
    let mut lab = lab();
    lab.refused(mins(1), OFFLINE).refused(mins(2), OFFLINE).admitted(mins(3));
    let whole = cell(&lab);
    assert_eq!(whole.refused_by, BTreeMap::from([("status 403.13".to_owned(), 2)]));
    assert!(!whole.behaviour().contains("403"));
}
