//! What an administrator does, and how far it reaches (§2.4).

use revlab_lab::trace::{CacheOp, Handshake, Kind, Layer, Verdict};
use revlab_lab::{Name, Span};
use revlab_pki::Certificate;

use super::authority::{Authority, BASE, OCSP, START, base};
use super::bench::{Answer, Bench, profile};
use crate::profile::Hypothesis;
use crate::{Operation, SYSTEM_ACCOUNT};

const DAY: Span = Span::from_days(1);
const ADMIN: &str = "Administrator";

fn client() -> Certificate {
    Authority::root().client("alice", 10, |_| {})
}

/// A server that has its base in memory and on disk.
fn warm(settings: &[(&str, &str)]) -> Bench {
    let mut bench = Bench::new(settings);
    let ca = Authority::root();
    bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, DAY))));
    bench.check(&client());
    bench.wait(Span::from_mins(1));
    bench
}

fn verify(bench: &mut Bench, certificate: &Certificate) -> String {
    let before = bench.asked.len();
    let peer = [certificate.clone()].into();
    bench.operate(Operation::Verify { peer, account: ADMIN.into() });
    bench.wait(Span::from_secs(30));
    bench.asked_since(before)
}

fn accounts(names: &[&str]) -> Vec<Name> {
    names.iter().map(|name| Name::from(*name)).collect()
}

/// §2.4, reported: deletion empties the disk cache of one account and no memory (O10).
#[test]
fn deleting_the_url_cache_reaches_one_account_and_no_memory() {
    for (account, asked) in [(ADMIN, ""), (SYSTEM_ACCOUNT, "base")] {
        let mut bench = warm(&[]);
        bench.operate(Operation::UrlcacheDelete { account: account.into() });
        assert_eq!(bench.check(&client()).asked, "", "memory still has it");
        bench.operate(Operation::Reboot);
        assert_eq!(bench.check(&client()).asked, asked, "{account}");
    }
}

/// §2.4, reported: deleting the files does the same for each account named.
#[test]
fn deleting_cache_files_reaches_the_accounts_named() {
    for (names, asked) in [(&[][..], ""), (&[ADMIN], ""), (&[ADMIN, SYSTEM_ACCOUNT], "base")] {
        let mut bench = warm(&[]);
        bench.operate(Operation::DeleteCacheFiles { accounts: accounts(names) });
        let cleared = bench.trace.iter().filter(|(_, kind)| {
            matches!(kind, Kind::Cache(c) if c.op == CacheOp::Clear && c.layer == Layer::Disk)
        });
        assert_eq!(cleared.count(), names.len());
        bench.operate(Operation::Reboot);
        assert_eq!(bench.check(&client()).asked, asked, "{names:?}");
    }
}

/// O10, reported: restarting IIS does not help. That lsass lives on is inferred with high
/// confidence.
#[test]
fn restarting_the_service_changes_nothing() {
    let mut bench = warm(&[]);
    bench.operate(Operation::RestartService);
    let seen = bench.check(&client());
    assert_eq!((seen.asked.as_str(), seen.check.used[0].layer), ("", Layer::Memory));
    assert_eq!(bench.sessions_forgotten, 0);
}

/// O10, reported that a reboot helps: every process ends, and with it what it held.
#[test]
fn a_reboot_closes_what_is_open_and_forgets_memory_and_sessions() {
    let mut bench = warm(&[]);
    bench.put("base", BASE, Answer::never());
    let other = Authority::root().client("bob", 11, |t| {
        t.crl_urls = super::authority::urls(&["http://ca/base.crl/other"]);
    });
    let open = bench.request(&[other], Handshake::Full);
    assert_eq!(bench.in_flight.len(), 1);
    bench.operate(Operation::Reboot);
    assert!(bench.closed.contains(&open));
    assert!(bench.in_flight.is_empty());
    assert_eq!(bench.sessions_forgotten, 1);
    assert_eq!(bench.check(&client()).check.used[0].layer, Layer::Disk);
    bench.wait(Span::from_mins(5));
    assert!(!bench.answered.contains_key(&open));
}

/// §2.4, documented and reported: every process ignores what was cached before, in memory and on
/// disk. It is a value of the registry, so it holds after a reboot too.
#[test]
fn a_resync_makes_older_objects_be_ignored_for_good() {
    let mut bench = warm(&[]);
    bench.operate(Operation::ChainCacheResync);
    bench.operate(Operation::Reboot);
    bench.wait(Span::from_mins(1));
    assert_eq!(bench.check(&client()).asked, "base");
    bench.operate(Operation::Reboot);
    assert_eq!(bench.check(&client()).asked, "", "what was stored since is used");

    let mut bench = warm(&[]);
    bench.operate(Operation::ChainCacheResync);
    bench.wait(Span::from_mins(1));
    assert_eq!(bench.check(&client()).asked, "base");
    assert_eq!(bench.check(&client()).asked, "");
}

/// §7.3, unknown to Windows' documents: whether a resync lifts offline marks is a parameter.
#[test]
fn a_resync_lifts_marks_only_where_the_parameter_says_so() {
    for (setting, asked) in [("false", ""), ("true", "base")] {
        let mut bench = Bench::new(&[("resync_lifts_offline_marks", setting)]);
        bench.put("base", BASE, Answer::not_found());
        bench.check(&client());
        bench.operate(Operation::ChainCacheResync);
        assert_eq!(bench.check(&client()).asked, asked, "{setting}");
    }
}

/// O9, reported, and §2.4: certutil is a process of its own, under its own account, and asks the
/// wire whatever is cached; it leaves nothing in the server's memory, and is gone afterwards.
#[test]
fn certutil_has_memory_and_account_of_its_own_and_is_gone_afterwards() {
    let mut bench = warm(&[]);
    assert_eq!(verify(&mut bench, &client()), "base");
    assert_eq!(verify(&mut bench, &client()), "base", "its memory went with it");
    let processes: Vec<_> = bench.checks().filter_map(|c| c.process.as_deref()).collect();
    assert_eq!(processes, ["lsass.exe", "certutil.exe", "certutil.exe"]);
    let owners = bench.trace.iter().filter_map(|(_, kind)| match kind {
        Kind::Cache(c) if c.layer == Layer::Disk && c.op == CacheOp::Store => Some(&*c.owner),
        _ => None,
    });
    assert_eq!(owners.collect::<Vec<_>>(), [SYSTEM_ACCOUNT, ADMIN, ADMIN]);

    let mut cold = Bench::new(&[]);
    cold.put("base", BASE, Answer::ok(Authority::root().sign(&base(1, START, DAY))));
    verify(&mut cold, &client());
    assert_eq!(cold.check(&client()).asked, "base", "the server has nothing of it");
}

/// O9 under H1d (inferred): in mid-outage certutil finds the certificate good.
#[test]
fn certutil_says_good_while_the_server_still_refuses() {
    let ca = Authority::root();
    let client = ca.client_with_ocsp("alice", 10);
    let mut bench = Bench::of(profile(Hypothesis::H1d, &[], &[]));
    bench.put("ocsp", OCSP, Answer::not_found());
    bench.script("base", BASE, move |now| {
        Answer::ok(ca.sign(&base(1, now.floor_to_second(), Span::from_hours(1))))
    });
    bench.check(&client);
    bench.wait(Span::from_hours(7));
    assert_eq!(bench.check(&client).verdict, Verdict::Offline);
    assert_eq!(verify(&mut bench, &client), "ocsp base");
    assert_eq!(bench.checks().last().unwrap().verdict, Some(Verdict::Good));
    assert_eq!(bench.check(&client).verdict, Verdict::Offline);
}
