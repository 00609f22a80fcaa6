//! What the binding of a site says about checks (§3.2), and when OCSP is given up for a CRL (§2.2).

use revlab_lab::Span;
use revlab_lab::http::FetchError;
use revlab_lab::trace::{Layer, Purpose, Step, Verdict};
use revlab_pki::{CertStatus, Certificate};

use super::authority::{Authority, BASE, OCSP, START, base};
use super::bench::{Answer, Bench};
use crate::Operation;

const DAY: Span = Span::from_days(1);
const HOUR: Span = Span::from_hours(1);

fn client() -> Certificate {
    Authority::root().client("alice", 10, |_| {})
}

fn with_base(settings: &[(&str, &str)]) -> Bench {
    let mut bench = Bench::new(settings);
    bench.put("base", BASE, Answer::ok(Authority::root().sign(&base(1, START, DAY))));
    bench
}

/// §3.2, documented: a newer CRL is fetched when the cached one was fetched longer ago than that;
/// 0: only when it has expired.
#[test]
fn a_valid_crl_is_fetched_anew_after_the_freshness_time() {
    for (time, asked) in [("0s", ""), ("1h", "base")] {
        let mut bench = with_base(&[("revocation_freshness_time", time)]);
        bench.check(&client());
        bench.wait(HOUR - Span::from_millis(1));
        assert_eq!(bench.check(&client()).asked, "", "{time}");
        bench.put("base", BASE, Answer::ok(Authority::root().sign(&base(2, START, DAY))));
        bench.wait(Span::from_millis(1));
        let seen = bench.check(&client());
        assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, asked), "{time}");
        let number = if asked.is_empty() { 1 } else { 2 };
        assert_eq!(seen.check.used.iter().map(|u| u.number).collect::<Vec<_>>(), [Some(number)]);
        assert_eq!(bench.check(&client()).asked, "", "the time counts anew");
    }
}

/// §3.2: that is counted from the download, also over a reboot; that the old CRL still counts where no
/// newer one is to be had is inferred.
#[test]
fn where_no_newer_crl_is_to_be_had_the_valid_one_counts() {
    let mut bench = with_base(&[("revocation_freshness_time", "1h")]);
    bench.check(&client());
    bench.put("base", BASE, Answer::error(FetchError::ConnectionRefused));
    bench.operate(Operation::Reboot);
    assert_eq!(bench.check(&client()).asked, "", "it is on disk, and young");
    bench.wait(HOUR);
    let seen = bench.check(&client());
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, "base"));
    assert_eq!(seen.check.used[0].layer, Layer::Memory);
}

/// §3.2: certutil is no site, and its own cache is not aged by a binding.
#[test]
fn a_binding_means_nothing_to_a_command() {
    let mut bench = with_base(&[("binding_url_timeout", "3s")]);
    bench.put("base", BASE, Answer::never());
    let peer = [client()].into();
    bench.operate(Operation::Verify { peer, account: "Administrator".into() });
    bench.wait(Span::from_secs(30));
    assert_eq!(bench.fetches().next().unwrap().took_ms, 10_000, "half of 20 s");
}

/// §3.2, documented: urlretrievaltimeout; 0 is the engine's own.
#[test]
fn the_binding_can_give_a_url_less_time() {
    for (time, took) in [("0s", 10_000), ("3s", 3_000)] {
        let mut bench = with_base(&[("binding_url_timeout", time)]);
        bench.put("base", BASE, Answer::never());
        let seen = bench.check(&client());
        assert_eq!(
            (seen.verdict, seen.took),
            (Verdict::Offline, Span::from_millis(took)),
            "{time}"
        );
    }
}

/// A server that has checked so many clients of one CA by OCSP.
fn after(count: u8, settings: &[(&str, &str)]) -> Bench {
    let ca = Authority::root();
    let mut bench = with_base(settings);
    for n in 0..count {
        let client = ca.client_with_ocsp(&format!("client {n}"), 20 + n);
        bench.put("ocsp", OCSP, Answer::ok(ca.ocsp(&client, CertStatus::Good, START, DAY)));
        assert_eq!(bench.check(&client).asked, "ocsp");
    }
    bench
}

/// §2.2 and §1.2 (ocsp-count-500), documented value, reported effect: with so many OCSP answers for a
/// CRL it is asked alone, whatever the other count says.
#[test]
fn after_so_many_answers_for_a_crl_ocsp_is_given_up() {
    let ca = Authority::root();
    let settings = [("switch_to_crl_count", "4294967294"), ("max_ocsp_per_crl", "3")];
    for (count, asked, verdict) in [(2, "ocsp", Verdict::Good), (3, "base", Verdict::Offline)] {
        let mut bench = after(count, &settings);
        let next = ca.client_with_ocsp("next", 99);
        bench.put("ocsp", OCSP, Answer::ok(ca.ocsp(&next, CertStatus::Good, START, DAY)));
        bench.put("base", BASE, Answer::not_found());
        let seen = bench.check(&next);
        assert_eq!((seen.asked.as_str(), seen.verdict), (asked, verdict), "{count}");
    }
}

/// §2.2: it is counted for each CRL: answers about certificates of another one do not matter.
#[test]
fn answers_for_another_crl_do_not_count() {
    let settings = [("switch_to_crl_count", "4294967294"), ("max_ocsp_per_crl", "3")];
    let mut bench = after(3, &settings);
    let ca = Authority::root();
    let elsewhere = ca.client("elsewhere", 98, |t| {
        t.ocsp_urls = super::authority::urls(&[OCSP]);
        t.crl_urls = super::authority::urls(&["http://ca/other.crl"]);
    });
    bench.put("ocsp", OCSP, Answer::ok(ca.ocsp(&elsewhere, CertStatus::Good, START, DAY)));
    assert_eq!(bench.check(&elsewhere).asked, "ocsp");
}

/// §2.2: 0xFFFFFFFF means that OCSP is never asked after a CRL; before it, it is.
#[test]
fn ocsp_after_a_crl_can_be_ruled_out() {
    for (most, asked) in [("4294967294", "base ocsp"), ("4294967295", "base")] {
        let settings = [("switch_to_crl_count", "4294967295"), ("max_ocsp_per_crl", most)];
        let ca = Authority::root();
        let client = ca.client_with_ocsp("alice", 10);
        let mut bench = Bench::new(&settings);
        bench.put("base", BASE, Answer::not_found());
        bench.put("ocsp", OCSP, Answer::ok(ca.ocsp(&client, CertStatus::Good, START, DAY)));
        assert_eq!(bench.check(&client).asked, asked, "{most}");
    }
}

/// §2.2: the policy CRL_VALIDITY_EXT_PERIOD lengthens the life of CRLs, in memory and on disk, and not
/// that of what comes over the wire for less.
#[test]
fn the_validity_extension_holds_for_the_disk_too() {
    for (extension, verdict) in [("0s", Verdict::Offline), ("12h", Verdict::Good)] {
        let mut bench = with_base(&[("crl_validity_extension", extension)]);
        bench.check(&client());
        bench.put("base", BASE, Answer::not_found());
        bench.wait(DAY + HOUR.scale(11, 1));
        bench.operate(Operation::Reboot);
        let seen = bench.check(&client());
        assert_eq!(seen.verdict, verdict, "{extension}");
        let on_disk =
            |s: &&Step| matches!(s, Step::Lookup { object: Purpose::Base, layer: Layer::Disk, .. });
        assert_eq!(seen.check.steps.iter().filter(on_disk).count(), 1);
        bench.wait(HOUR + Span::from_millis(1));
        assert_eq!(bench.check(&client()).verdict, Verdict::Offline, "{extension}");
    }
}
