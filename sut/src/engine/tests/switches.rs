//! What profiles switch: which sources are asked, which certificates are checked, who is let in when
//! nothing can be found out, and what goes on behind a check.

use revlab_lab::Span;
use revlab_lab::http::FetchError;
use revlab_lab::trace::{Purpose, Step, Verdict, Withheld};
use revlab_lab::{Clock, Code};
use revlab_pki::{CertStatus, Certificate, CrlTemplate};

use super::authority::{Authority, BASE, OCSP, START, base, entry};
use super::bench::{Answer, Bench, profile};
use crate::Operation;
use crate::profile::{Hypothesis, Profile, Sheet};

const DAY: Span = Span::from_days(1);
const ROOT_BASE: &str = "http://ca/root.crl";

fn built_in(name: &str) -> Profile {
    Profile::new(Sheet::named(name).unwrap(), Hypothesis::H0, Vec::new())
}

/// Root, issuing CA, and a client that the issuing CA has revoked.
fn two_tiers(profile: Profile) -> (Bench, Authority, Certificate) {
    let root = Authority::root();
    let issuing = root.subordinate("Issuing-CA", &[ROOT_BASE]);
    let client = issuing.client("alice", 10, |_| {});
    let known = vec![root.certificate.clone(), issuing.certificate.clone()];
    let mut bench = Bench::with(profile, Clock::exact(START), known);
    let listing = CrlTemplate { entries: vec![entry(&client, Some(1))], ..base(1, START, DAY) };
    bench.put("root", ROOT_BASE, Answer::not_found());
    bench.put("base", BASE, Answer::ok(issuing.sign(&listing)));
    (bench, issuing, client)
}

/// Whoever lets in what cannot be checked goes on to the next certificate, and finds the client
/// revoked where the hard one never gets there.
#[test]
fn soft_fail_goes_on_to_the_client_behind_an_authority_that_cannot_be_checked() {
    let (mut bench, _, client) = two_tiers(built_in("soft-fail"));
    let seen = bench.check(&client);
    assert_eq!((seen.verdict, seen.page.as_str()), (Verdict::Revoked, "403.13"));
    assert_eq!(seen.asked, "root base");
    let (mut bench, _, client) = two_tiers(built_in("rfc5280-strict"));
    let seen = bench.check(&client);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Offline, "root"));
}

#[test]
fn soft_fail_lets_in_what_cannot_be_checked_and_the_record_says_so() {
    for (name, page) in [("soft-fail", "200"), ("rfc5280-strict", "403.13")] {
        let mut bench = Bench::of(built_in(name));
        bench.put("base", BASE, Answer::error(FetchError::ConnectionRefused));
        let seen = bench.check(&Authority::root().client("alice", 10, |_| {}));
        assert_eq!((seen.verdict, seen.page.as_str()), (Verdict::Offline, page), "{name}");
        assert_eq!(seen.code, Some(Code::CRYPT_E_REVOCATION_OFFLINE));
        let silent = Authority::root().client("bob", 11, |t| t.crl_urls.clear());
        let seen = bench.check(&silent);
        assert_eq!((seen.verdict, seen.page.as_str()), (Verdict::Unknown, page), "{name}");
    }
}

#[test]
fn one_source_alone_is_asked_where_the_profile_says_so() {
    let ca = Authority::root();
    let client = ca.client_with_ocsp("alice", 10);
    for (name, asked) in [("ocsp-only", "ocsp"), ("crl-only", "base"), ("rfc5280-strict", "ocsp")] {
        let mut bench = Bench::of(built_in(name));
        let good = ca.ocsp(&client, CertStatus::Good, START, DAY);
        bench.put("ocsp", OCSP, Answer::ok(good));
        bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, DAY))));
        let seen = bench.check(&client);
        assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, asked), "{name}");
        // With that source gone only who knows the other one gets an answer.
        let mut bench = Bench::of(built_in(name));
        bench.put("ocsp", OCSP, Answer::not_found());
        bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, DAY))));
        let verdict = if name == "ocsp-only" { Verdict::Offline } else { Verdict::Good };
        assert_eq!(bench.check(&client).verdict, verdict, "{name}");
    }
}

#[test]
fn the_leaf_alone_is_checked_where_the_parameter_says_so() {
    let leaf = profile(Hypothesis::H0, &[], &[("check_scope", "leaf")]);
    let (mut bench, issuing, _) = two_tiers(leaf);
    let seen = bench.check(&issuing.client("bob", 11, |_| {}));
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, "base"));
}

/// §1.2 (kb884115), documented: the download goes on for a minute, and a later attempt succeeds.
#[test]
fn on_2003_a_slow_crl_fails_the_check_and_serves_the_next() {
    let ca = Authority::root();
    let client = ca.client("alice", 10, |_| {});
    let slow = Answer::ok(ca.sign(&base(1, START, DAY))).after(Span::from_secs(40));
    let mut bench = Bench::of(built_in("windows-2003"));
    bench.put("base", BASE, slow.clone());
    let seen = bench.check(&client);
    assert_eq!((seen.verdict, seen.took), (Verdict::Offline, Span::from_secs(15)));
    assert_eq!(bench.fetches().count(), 0, "it is still under way");
    bench.wait(Span::from_secs(30));
    assert_eq!(bench.fetches().map(|fetch| fetch.took_ms).collect::<Vec<_>>(), [40_000]);
    let seen = bench.check(&client);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, ""));

    // Where nothing goes on behind the check, the CRL never arrives.
    let mut bench = Bench::new(&[]);
    bench.put("base", BASE, slow);
    bench.check(&client);
    bench.wait(Span::from_secs(90));
    assert_eq!(bench.check(&client).verdict, Verdict::Offline);
}

/// §1.2 (kb884115), documented: the background ends after 60 s.
#[test]
fn what_goes_on_behind_a_check_ends_too() {
    let mut bench = Bench::of(built_in("windows-2003"));
    bench.put("base", BASE, Answer::never());
    bench.check(&Authority::root().client("alice", 10, |_| {}));
    bench.wait(Span::from_mins(5));
    let fetches: Vec<_> = bench.fetches().map(|f| (f.took_ms, f.error)).collect();
    assert_eq!(fetches, [(75_000, Some(FetchError::TimedOut))]);
    assert!(bench.in_flight.is_empty());
}

/// §2.2, documented: MaxUrlRetrievalByteCount.
#[test]
fn an_object_above_the_limit_is_refused() {
    let ca = Authority::root();
    let crl = ca.sign(&base(1, START, DAY));
    let client = ca.client("alice", 10, |_| {});
    for (limit, verdict) in [(crl.len(), Verdict::Good), (crl.len() - 1, Verdict::Offline)] {
        let mut bench = Bench::new(&[("max_object_size", &limit.to_string())]);
        bench.put("base", BASE, Answer::ok(crl.clone()));
        assert_eq!(bench.check(&client).verdict, verdict);
    }
}

/// §2.4, reported: the value is heeded from Vista on.
#[test]
fn on_2003_a_resync_changes_nothing() {
    let ca = Authority::root();
    let client = ca.client("alice", 10, |_| {});
    for (name, asked) in [("windows-2003", ""), ("windows-10", "base")] {
        let mut bench = Bench::of(built_in(name));
        bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, DAY))));
        bench.check(&client);
        bench.wait(Span::from_secs(1));
        bench.operate(Operation::ChainCacheResync);
        assert_eq!(bench.check(&client).asked, asked, "{name}");
    }
}

/// §1.2 (kb946401), documented: file:// URLs are refused since Vista SP1; the next point is asked.
#[test]
fn file_urls_are_passed_over_since_vista() {
    const SHARE: &str = "file://server/share/base.crl";
    let ca = Authority::root();
    let client = ca.client("alice", 10, |t| t.crl_urls = super::authority::urls(&[SHARE, BASE]));
    for (name, asked) in [("windows-2003", "share"), ("windows-2008r2", "base")] {
        let mut bench = Bench::of(built_in(name));
        bench.put("share", SHARE, Answer::ok(ca.sign(&base(1, START, DAY))));
        bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, DAY))));
        let seen = bench.check(&client);
        assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, asked), "{name}");
    }
}

/// §2.8, documented in little detail: https:// URLs are asked under a newer flag alone.
#[test]
fn https_urls_are_passed_over_without_a_flag() {
    const SECURE: &str = "https://ca/base.crl";
    let ca = Authority::root();
    let client = ca.client("alice", 10, |t| t.crl_urls = super::authority::urls(&[SECURE, BASE]));
    for (flag, asked) in [("false", "base"), ("true", "secure")] {
        let mut bench = Bench::new(&[("https_urls", flag)]);
        bench.put("secure", SECURE, Answer::ok(ca.sign(&base(1, START, DAY))));
        bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, DAY))));
        let seen = bench.check(&client);
        assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, asked), "{flag}");
    }
}

/// §2.4: without a network a retrieval is an error of its own (ERROR_NOT_CONNECTED), and it comes at
/// once. What is cached serves on; that no mark is left behind is inferred.
#[test]
fn without_a_network_nothing_is_asked_and_nothing_is_marked() {
    let ca = Authority::root();
    let mut bench = Bench::new(&[]);
    bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, DAY))));
    bench.operate(Operation::Disconnect);
    let seen = bench.check(&ca.client("alice", 10, |_| {}));
    assert_eq!((seen.verdict, seen.asked.as_str(), seen.took), (Verdict::Offline, "", Span::ZERO));
    let why = Step::Withheld { object: Purpose::Base, why: Withheld::NotConnected, until: None };
    assert!(seen.check.steps.contains(&why));
    bench.operate(Operation::Connect);
    let seen = bench.check(&ca.client("alice", 10, |_| {}));
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, "base"), "no mark");
    bench.operate(Operation::Disconnect);
    assert_eq!(bench.check(&ca.client("alice", 10, |_| {})).verdict, Verdict::Good, "cached");
}

/// §2.5 (CRLs come over LDAP too): a directory's URL is asked for in its place. The lab has none, so
/// the next URL decides.
#[test]
fn a_directory_is_asked_in_its_place() {
    const DIRECTORY: &str = "ldap:///CN=LAB-CA,CN=CDP?certificateRevocationList?base";
    let ca = Authority::root();
    let at = super::authority::urls(&[DIRECTORY, BASE]);
    let client = ca.client("alice", 10, |t| t.crl_urls = at);
    let mut bench = Bench::new(&[]);
    bench.put("directory", DIRECTORY, Answer::error(FetchError::NameNotResolved));
    bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, DAY))));
    let seen = bench.check(&client);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, "directory base"));
}

/// §1.2 (ocsp-url-trailing-slash), reported: two slashes where the URL ends in one.
#[test]
fn an_ocsp_url_that_ends_in_a_slash_gets_another() {
    for (name, begins) in
        [("windows-10", "http://ca/ocsp//M"), ("rfc5280-strict", "http://ca/ocsp/M")]
    {
        let client = Authority::root()
            .client("alice", 10, |t| t.ocsp_urls = super::authority::urls(&["http://ca/ocsp/"]));
        let mut bench = Bench::of(built_in(name));
        bench.check(&client);
        let asked = bench.asked[0].request.url.as_str();
        assert!(asked.starts_with(begins), "{name}: {asked}");
    }
}

/// §1.2 (binding-recreated), reported: with a new binding revocation is checked again.
#[test]
fn a_new_binding_has_its_defaults() {
    let mut bench = Bench::new(&[("verify_revocation", "false"), ("binding_url_timeout", "2s")]);
    bench.put("base", BASE, Answer::never());
    let client = Authority::root().client("alice", 10, |_| {});
    assert_eq!(bench.check(&client).page, "200");
    bench.operate(Operation::RecreateBinding);
    let seen = bench.check(&client);
    assert_eq!((seen.page.as_str(), seen.took), ("403.13", Span::from_secs(10)));
}

/// §3.2, documented: verifyclientcertrevocation. That it holds from the next handshake on is inferred.
#[test]
fn checks_are_switched_off_and_on() {
    let mut bench = Bench::new(&[]);
    bench.put("base", BASE, Answer::never());
    let client = Authority::root().client("alice", 10, |_| {});
    assert_eq!(bench.check(&client).page, "403.13");
    bench.operate(Operation::RevocationCheck { enabled: false });
    let seen = bench.check(&client);
    assert_eq!((seen.verdict, seen.page.as_str()), (Verdict::NotChecked, "200"));
    bench.operate(Operation::RevocationCheck { enabled: true });
    assert_eq!(bench.check(&client).page, "403.13");
}
