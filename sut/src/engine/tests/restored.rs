//! What is on disk is all that a machine needs: one made of it goes on as if it had never stopped.

use proptest::prelude::*;
use revlab_lab::trace::Verdict;
use revlab_lab::{Clock, Span};
use revlab_pki::{CertStatus, Certificate};

use super::authority::{Authority, BASE, OCSP, START, base};
use super::bench::{Answer, Bench, profile};
use super::random::{Deed, deed, hypothesis, play};
use crate::cache::{Caches, Object, Prefetch};
use crate::profile::Hypothesis;
use crate::{Operation, SYSTEM_ACCOUNT};

const DAY: Span = Span::from_days(1);

fn client() -> Certificate {
    Authority::root().client("alice", 10, |_| {})
}

/// §2.4: objects as files that others can read, and everything else beside them.
#[test]
fn a_fetched_crl_is_a_file_with_its_der() {
    let ca = Authority::root();
    let crl = ca.sign(&base(1, START, DAY));
    let mut bench = Bench::new(&[]);
    bench.put("base", BASE, Answer::ok(crl.clone()));
    bench.check(&client());
    let files = bench.machine.caches(bench.now).to_files();
    let names: Vec<_> =
        files.keys().map(|path| path.replace(&ca.certificate.sha1(), "CA")).collect();
    let names: Vec<_> = names.iter().map(|p| p.replace(&client().sha1(), "CLIENT")).collect();
    insta::assert_snapshot!(names.join("\n"), @r"
    certificates/CLIENT.cer
    certificates/CA.cer
    machine.json
    systemprofile/Content/D7B75FB7DAF45356F8F5A45375D485CCDF89FDCC.crl
    systemprofile/MetaData/D7B75FB7DAF45356F8F5A45375D485CCDF89FDCC.json
    ");
    let content = files.iter().find(|(path, _)| path.contains("/Content/")).unwrap();
    assert_eq!(&**content.1, &*crl);
    let again = Caches::from_files(&files).unwrap();
    let entry = &again.accounts[SYSTEM_ACCOUNT].entries[0];
    assert_eq!((entry.url.as_str(), entry.prefetch.status), (BASE, Prefetch::PENDING));
    assert!(matches!(&entry.object, Object::Crl(c) if c.number() == Some(1)));
    assert_eq!(again.to_files(), files);
}

/// What dotnet/runtime's tests say of X509RevocationMode.Offline (and §3.2 of the binding's): what a chain
/// that was checked online left in the cache settles it after the sources have stopped; without that
/// the status is offline.
#[test]
fn a_machine_that_keeps_to_its_cache_knows_what_was_found_out_online() {
    let ca = Authority::root();
    let revoked = ca.client("bob", 11, |_| {});
    let by_ocsp = ca.client("carol", 12, |t| {
        t.crl_urls.clear();
        t.ocsp_urls = super::authority::urls(&[OCSP]);
    });
    let listing = revlab_pki::CrlTemplate {
        entries: vec![super::authority::entry(&revoked, Some(1))],
        ..base(1, START, DAY)
    };
    let mut bench = Bench::new(&[]);
    bench.put("base", BASE, Answer::ok(ca.sign(&listing)));
    bench.put("ocsp", OCSP, Answer::ok(ca.ocsp(&by_ocsp, CertStatus::Good, START, DAY)));
    bench.check(&client());
    bench.check(&by_ocsp);
    bench.put("base", BASE, Answer::not_found());
    bench.put("ocsp", OCSP, Answer::not_found());
    let offline = || profile(Hypothesis::H0, &[], &[("cached_only", "true")]);
    bench.replace_machine_with(offline());
    for (certificate, verdict) in
        [(&client(), Verdict::Good), (&revoked, Verdict::Revoked), (&by_ocsp, Verdict::Good)]
    {
        let seen = bench.check(certificate);
        assert_eq!((seen.verdict, seen.asked.as_str()), (verdict, ""));
    }
    let mut empty = Bench::of(offline());
    for certificate in [&client(), &revoked, &by_ocsp] {
        let seen = empty.check(certificate);
        assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Offline, ""));
    }
}

/// §2.5: 0x10D0 is kept with the entry.
#[test]
fn the_mark_of_a_base_fetched_after_ocsp_is_kept() {
    let mut bench = Bench::new(&[]);
    bench.put("ocsp", OCSP, Answer::not_found());
    bench.put("base", BASE, Answer::ok(Authority::root().sign(&base(1, START, DAY))));
    bench.check(&Authority::root().client_with_ocsp("alice", 10));
    bench.operate(Operation::Reboot);
    let caches = bench.machine.caches(bench.now);
    let status: Vec<u32> =
        caches.accounts[SYSTEM_ACCOUNT].entries.iter().map(|e| e.prefetch.status).collect();
    assert_eq!(status, [Prefetch::MEDIA_OFFLINE]);
}

/// §2.4: what a process has in memory is not among it: an OCSP answer is read from disk.
#[test]
fn a_machine_made_of_its_disk_asks_nothing_that_is_on_it() {
    let ca = Authority::root();
    let client = ca.client_with_ocsp("alice", 10);
    let mut bench = Bench::new(&[]);
    bench.put("ocsp", OCSP, Answer::ok(ca.ocsp(&client, CertStatus::Good, START, DAY)));
    bench.check(&client);
    bench.replace_machine();
    let seen = bench.check(&client);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, ""));
    bench.wait(DAY + Span::from_secs(1));
    assert!(bench.check(&client).asked.starts_with("ocsp"), "what has expired is no use");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    /// For any past and any future: a machine whose memory is emptied while its disk is left alone, and
    /// one that is made anew of the files of that disk, write the same trace from then on, byte for
    /// byte, and leave the same files.
    #[test]
    fn a_machine_made_of_its_disk_goes_on_as_one_that_never_stopped(
        before in prop::collection::vec(deed(), 1..40),
        after in prop::collection::vec(deed(), 1..40),
        hypothesis in hypothesis(),
        negative: bool,
    ) {
        let negative = if negative { "2h" } else { "0s" };
        let settings = [
            ("negative_cache", negative),
            ("negative_cache_survives_reboot", "true"),
            ("prefetch_min_window", "1m"),
        ];
        let known = vec![Authority::root().certificate];
        let mut traces = Vec::new();
        for replaced in [false, true] {
            let profile = profile(hypothesis, &[], &settings);
            let mut bench = Bench::with(profile, Clock::exact(START), known.clone());
            play(&mut bench, &before);
            if replaced {
                bench.replace_machine();
            } else {
                bench.machine.forget_memory();
            }
            let at = bench.trace.len();
            play(&mut bench, &after);
            let mut records: Vec<String> = bench.trace[at..]
                .iter()
                .map(|(t, kind)| format!("{t} {}", serde_json::to_string(kind).unwrap()))
                .collect();
            let files = bench.machine.caches(bench.now).to_files();
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            records.extend(files.iter().map(|(path, bytes)| format!("{path} {}", text(bytes))));
            traces.push(records);
        }
        prop_assert_eq!(&traces[0], &traces[1]);
    }
}

/// The property above is about something: some histories leave entries, marks and a prefetch behind.
#[test]
fn histories_leave_something_on_disk() {
    let settings = [
        ("negative_cache", "2h"),
        ("negative_cache_survives_reboot", "true"),
        ("prefetch_min_window", "1m"),
    ];
    let mut bench = Bench::new(&settings);
    play(&mut bench, &[Deed::Ocsp(super::random::Conduct::NotFound), Deed::Request(0)]);
    let caches = bench.machine.caches(bench.now);
    let account = &caches.accounts[SYSTEM_ACCOUNT];
    assert_eq!(account.failed.keys().map(|url| url.as_str()).collect::<Vec<_>>(), [OCSP]);
    assert!(account.entries.iter().any(|e| e.prefetch.status == Prefetch::MEDIA_OFFLINE));
    assert!(account.entries.iter().any(|e| e.prefetch.at.is_some()), "the delta's");
}
