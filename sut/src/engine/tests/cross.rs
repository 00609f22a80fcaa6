//! Cross-certificates: from where a certificate on the way up says, every so often.

use revlab_lab::http::FetchError;
use revlab_lab::trace::{Handshake, Layer, Purpose, State, Step, Verdict};
use revlab_lab::{Clock, Code, Span};
use revlab_pki::{Certificate, CertificateExtras, CrossPoints, Usage, cms};

use super::authority::{Authority, BASE, START, base, urls};
use super::bench::{Answer, Bench, Seen, profile};
use crate::profile::Hypothesis;
use crate::{Operation, SYSTEM_ACCOUNT};

const HOUR: Span = Span::from_hours(1);
const CROSS: &str = "http://ca/old.p7c";
const SECOND: &str = "http://other/old.p7c";
const OLD: &str = "http://ca/old.crt";

/// A root that the machine trusts, one that it does not, and a client of the latter. The first has
/// certified the key of the second, and the second's own certificate says where that is to be had.
struct Cast {
    new: Authority,
    old: Authority,
    cross: Certificate,
    client: Certificate,
}

fn cast(sync_delta: u32, at: &[&str]) -> Cast {
    let points = CrossPoints { sync_delta, points: vec![urls(at)] };
    let extras =
        CertificateExtras { extensions: vec![points.extension()], ..CertificateExtras::default() };
    let old = Authority::self_issued_with("OLD-ROOT", &extras);
    let new = Authority::self_issued("NEW-ROOT");
    let none = CertificateExtras::default();
    let cross = new.issue("OLD-ROOT", 7, Usage::Authority, &none, |_| {}).certificate;
    let client = old.client("alice", 10, |t| t.issuer_urls = urls(&[OLD]));
    Cast { new, old, cross, client }
}

impl Cast {
    /// A machine that trusts the new root alone, and looks at the client's revocation alone.
    fn bench(&self, settings: &[(&str, &str)]) -> Bench {
        let fixed = [("check_scope", "leaf"), ("prefetch", "false")];
        let profile = profile(Hypothesis::H0, &[], &[&fixed[..], settings].concat());
        let known = vec![self.new.certificate.clone()];
        let mut bench = Bench::with(profile, Clock::exact(START), known);
        let list = self.old.sign(&base(1, START, Span::from_days(90)));
        bench.put("base", BASE, Answer::ok(list));
        bench.put("old", OLD, Answer::ok(self.old.certificate.der().to_vec()));
        bench.put("cross", CROSS, self.answer());
        bench
    }

    fn answer(&self) -> Answer {
        Answer::ok(cms::certs_only(std::slice::from_ref(&self.cross)))
    }

    /// The client comes with its root; what was asked for meanwhile.
    fn comes(&self, bench: &mut Bench) -> Seen {
        let from = bench.asked.len();
        let chain = [self.client.clone(), self.old.certificate.clone()];
        let attempt = bench.request(&chain, Handshake::Full);
        bench.wait(Span::from_mins(1));
        Seen { asked: bench.asked_since(from), ..bench.seen(attempt) }
    }
}

/// Where cross-certificates were looked for, and how they were found.
fn lookups(seen: &Seen) -> Vec<(Layer, State)> {
    let of = |step: &Step| match step {
        Step::CrossCertificates { layer, state, .. } => Some((*layer, *state)),
        _ => None,
    };
    seen.check.steps.iter().filter_map(of).collect()
}

/// §2.2: the extension leads to a way up that ends at a root which is trusted.
#[test]
fn a_certificate_leads_to_the_cross_certificates_of_its_ca() {
    let cast = cast(0, &[CROSS]);
    let mut bench = cast.bench(&[]);
    let seen = cast.comes(&mut bench);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, "cross base"));
    assert_eq!(lookups(&seen), [(Layer::Memory, State::Absent)]);
    let fetch = bench.fetches().next().unwrap();
    assert_eq!(fetch.purpose, Purpose::Issuer);
    assert_eq!(fetch.object.as_ref().unwrap().sha1, Some(cast.cross.sha1()));
    let seen = cast.comes(&mut bench);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, ""));
    assert_eq!(lookups(&seen), [(Layer::Memory, State::Fresh)]);

    let seen = cast.comes(&mut cast.bench(&[("cross_certificates", "false")]));
    assert_eq!((seen.page.as_str(), seen.asked.as_str()), ("403.16", ""));
    assert_eq!(seen.code, Some(Code::CERT_E_UNTRUSTEDROOT));
}

/// The certificate that says so may itself be one that nobody sent.
#[test]
fn an_issuer_that_was_fetched_can_point_to_cross_certificates() {
    let cast = cast(0, &[CROSS]);
    let mut bench = cast.bench(&[]);
    let seen = bench.check(&cast.client);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, "old cross base"));
    let seen = bench.check(&cast.client);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, ""));
}

/// §2.2, CrossCertDownloadIntervalHours: 168 h. What the certificate itself says goes before it
/// (CROSS_CERT_DIST_POINTS_INFO).
#[test]
fn cross_certificates_are_fetched_again_after_168_hours_and_not_before() {
    let rows = [("", 0, 168), ("24h", 0, 24), ("240h", 0, 240), ("1h", 2 * 3600, 2)];
    for (own, sync_delta, hours) in rows {
        let setting = [("cross_cert_download_interval", own)];
        let settings = if own.is_empty() { &[][..] } else { &setting[..] };
        let cast = cast(sync_delta, &[CROSS]);
        let mut bench = cast.bench(settings);
        let (mut asked, mut fetched) = (Vec::new(), START);
        for _ in 0..2 {
            asked.push(cast.comes(&mut bench).asked);
            bench.wait_until(fetched + Span::from_hours(hours) - Span::from_mins(2));
            asked.push(cast.comes(&mut bench).asked);
            fetched += Span::from_hours(hours);
            bench.wait_until(fetched);
        }
        let seen = cast.comes(&mut bench);
        assert_eq!(lookups(&seen), [(Layer::Memory, State::Stale)]);
        asked.push(seen.asked);
        assert_eq!(asked, ["cross base", "", "cross", "", "cross"], "{settings:?} {hours} h");
    }
}

/// 0 means that each check fetches them, once.
#[test]
fn without_an_interval_each_check_fetches_them() {
    let cast = cast(0, &[CROSS]);
    let mut bench = cast.bench(&[("cross_cert_download_interval", "0s")]);
    assert_eq!(cast.comes(&mut bench).asked, "cross base");
    assert_eq!(cast.comes(&mut bench).asked, "cross");
}

/// They are on the account's disk by their URL, as what caIssuers gives is (inferred).
#[test]
fn cross_certificates_outlive_a_reboot_and_go_with_the_url_cache() {
    let cast = cast(0, &[CROSS]);
    let mut bench = cast.bench(&[]);
    cast.comes(&mut bench);
    bench.wait(HOUR);
    bench.replace_machine();
    let seen = cast.comes(&mut bench);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, ""));
    assert_eq!(lookups(&seen), [(Layer::Disk, State::Fresh)]);

    bench.operate(Operation::UrlcacheDelete { account: SYSTEM_ACCOUNT.into() });
    assert_eq!(cast.comes(&mut bench).asked, "", "the process has them still");
    bench.replace_machine();
    assert_eq!(cast.comes(&mut bench).asked, "cross base");

    // After the interval what is on disk serves, and is fetched again.
    bench.wait(Span::from_hours(168));
    bench.put("cross", CROSS, Answer::not_found());
    bench.replace_machine();
    let seen = cast.comes(&mut bench);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, "cross"));
    assert_eq!(lookups(&seen), [(Layer::Disk, State::Stale)]);

    bench.put("cross", CROSS, cast.answer());
    bench.operate(Operation::ChainCacheResync);
    let seen = cast.comes(&mut bench);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, "cross base"));
}

/// A look that fails changes nothing, and is repeated once its URL is not left alone any more.
#[test]
fn a_failure_leaves_the_old_cross_certificates_in_use() {
    let cast = cast(0, &[CROSS]);
    let mut bench = cast.bench(&[("crl_offline_memory", "1h")]);
    cast.comes(&mut bench);
    bench.wait(Span::from_hours(168));
    bench.put("cross", CROSS, Answer::error(FetchError::ConnectionRefused));
    for (wait, asked) in [(Span::ZERO, "cross"), (Span::ZERO, ""), (HOUR, "cross")] {
        bench.wait(wait);
        let seen = cast.comes(&mut bench);
        assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, asked));
    }
    bench.put("cross", CROSS, Answer::ok(b"<html>".to_vec()));
    bench.wait(HOUR);
    assert_eq!(cast.comes(&mut bench).verdict, Verdict::Good);
    assert!(bench.fetches().last().unwrap().rejected.is_some());
    bench.put("cross", CROSS, cast.answer());
    bench.wait(HOUR);
    assert_eq!(cast.comes(&mut bench).asked, "cross");
    bench.wait(HOUR);
    assert_eq!(cast.comes(&mut bench).asked, "", "the interval begins anew");
}

/// What comes takes the place of what was there: a way up can end.
#[test]
fn a_cross_certificate_that_is_withdrawn_is_gone_with_the_next_look() {
    let cast = cast(0, &[CROSS]);
    let mut bench = cast.bench(&[]);
    cast.comes(&mut bench);
    bench.put("cross", CROSS, Answer::ok(cms::certs_only(&[])));
    assert_eq!(cast.comes(&mut bench).verdict, Verdict::Good);
    bench.wait(Span::from_hours(168));
    let seen = cast.comes(&mut bench);
    assert_eq!((seen.page.as_str(), seen.asked.as_str()), ("403.16", "cross"));
    assert_eq!(seen.code, Some(Code::CERT_E_UNTRUSTEDROOT));
    assert_eq!(cast.comes(&mut bench).asked, "");
}

/// The URLs of one point are ways to the same file: the next is asked where one fails.
#[test]
fn the_next_way_to_a_point_is_tried() {
    let cast = cast(0, &[SECOND, CROSS]);
    let mut bench = cast.bench(&[]);
    bench.put("second", SECOND, Answer::never());
    let seen = cast.comes(&mut bench);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::Good, "second cross base"));
    let times: Vec<Span> = bench.asked.iter().map(|asked| asked.at - START).collect();
    assert_eq!(times, [Span::ZERO, Span::from_secs(15), Span::from_secs(15)]);
    assert_eq!(cast.comes(&mut bench).asked, "", "the point was asked, whichever way");
}
