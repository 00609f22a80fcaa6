//! What is believed: chains, CRLs and OCSP responses by the rules of `crate::validation`, as the
//! profile turns them.

use revlab_lab::trace::{Handshake, Step, Verdict};
use revlab_lab::{Clock, Span};
use revlab_pki::{
    CertId, CertIdHash, CertStatus, Certificate, CertificateExtras, CertificateTemplate, Crl,
    CrlFlaws, CrlScope, CrlSubjects, CrlTemplate, DistinguishedName, DistributionPoint,
    GeneralName, NameConstraints, OcspAnswer, ReasonFlags, Usage, WeakDigest,
};

use super::authority::{Authority, BASE, OCSP, START, base, entry, url, urls};
use super::bench::{Answer, Bench, profile};
use crate::profile::{Hypothesis, Profile, Sheet};

const DAY: Span = Span::from_days(1);
const HOUR: Span = Span::from_hours(1);
const PLAIN: fn() -> CertificateExtras = CertificateExtras::default;

fn strict() -> Profile {
    Profile::new(Sheet::named("rfc5280-strict").unwrap(), Hypothesis::H0, Vec::new())
}

fn bench(profile: Profile, known: &[&Certificate]) -> Bench {
    let root = Authority::root().certificate;
    let known: Vec<Certificate> =
        [&root].into_iter().chain(known.iter().copied()).cloned().collect();
    Bench::with(profile, Clock::exact(START), known)
}

fn windows() -> Profile {
    profile(Hypothesis::H0, &[], &[])
}

/// A base CRL with this issuing distribution point.
fn scoped(scope: &CrlScope) -> CrlTemplate {
    CrlTemplate { extensions: vec![scope.extension()], ..base(1, START, DAY) }
}

/// The verdicts of Windows and of RFC 5280 on a client by this CRL.
fn by_crl(client: &Certificate, crl: &[u8], known: &[&Certificate]) -> [Verdict; 2] {
    [windows(), strict()].map(|profile| {
        let mut bench = bench(profile, known);
        bench.put("base", BASE, Answer::ok(crl.to_vec()));
        bench.check(client).verdict
    })
}

const OFFLINE: Verdict = Verdict::Offline;
const GOOD: Verdict = Verdict::Good;

/// §2.1, documented: fullName alone is compared, URLs without regard to case. RFC 5280 §6.3.3 (b)(2)
/// takes them as they are written.
#[test]
fn a_point_is_matched_by_its_url_without_regard_to_case() {
    let ca = Authority::root();
    let client = ca.client("alice", 10, |_| {});
    let at = |text: &str| CrlScope { urls: vec![url(text)], ..CrlScope::default() };
    let judged = |text| by_crl(&client, &ca.sign(&scoped(&at(text))), &[]);
    assert_eq!(judged(BASE), [GOOD, GOOD]);
    assert_eq!(judged("http://ca/BASE.crl"), [GOOD, OFFLINE]);
    assert_eq!(judged("http://ca/other.crl"), [OFFLINE, OFFLINE]);
}

/// §2.1, documented: onlyContainsUserCerts and onlyContainsCACerts are heeded.
#[test]
fn a_crl_about_other_kinds_of_certificates_says_nothing() {
    let ca = Authority::root();
    let client = ca.client("alice", 10, |_| {});
    let only = |only| CrlScope { only: Some(only), ..CrlScope::default() };
    let judged = |kind| by_crl(&client, &ca.sign(&scoped(&only(kind))), &[]);
    assert_eq!(judged(CrlSubjects::Users), [GOOD, GOOD]);
    assert_eq!(judged(CrlSubjects::Authorities), [OFFLINE, OFFLINE]);
    assert_eq!(judged(CrlSubjects::Attributes), [OFFLINE, OFFLINE]);
}

/// §2.1, documented: onlySomeReasons is not honoured; that the CRL is then refused is inferred. By
/// RFC 5280 §6.3.3 (d), (e) several of them together clear a certificate, from the disk cache too.
#[test]
fn crls_for_some_reasons_add_up_by_the_rfc_and_not_for_windows() {
    const SECOND: &str = "http://ca/second.crl";
    let ca = Authority::root();
    let point = |at: &str, reasons: &[u8]| DistributionPoint {
        reasons: Some(ReasonFlags::of(reasons.iter().copied())),
        ..DistributionPoint::at([at])
    };
    let crl_points = vec![point(BASE, &[1, 2]), point(SECOND, &[3, 4, 5, 6, 9, 10])];
    let extras = CertificateExtras { crl_points, ..PLAIN() };
    let client = ca.issue("alice", 10, Usage::Client, &extras, |_| {}).certificate;
    let list = |at: &str, reasons: &[u8], listed: bool| {
        let (urls, reasons) = (urls(&[at]), Some(reasons.to_vec()));
        let entries = if listed { vec![entry(&client, Some(4))] } else { Vec::new() };
        let scope = CrlScope { urls, reasons, ..CrlScope::default() };
        Answer::ok(ca.sign(&CrlTemplate { entries, ..scoped(&scope) }))
    };
    for (profile, listed, verdict) in
        [(strict(), false, GOOD), (strict(), true, Verdict::Revoked), (windows(), false, OFFLINE)]
    {
        let mut bench = bench(profile, &[]);
        bench.put("first", BASE, list(BASE, &[1, 2], false));
        bench.put("second", SECOND, list(SECOND, &[3, 4, 5, 6, 9, 10], listed));
        let seen = bench.check(&client);
        assert_eq!((seen.verdict, seen.asked.as_str()), (verdict, "first second"));
        if verdict != OFFLINE {
            let again = bench.check(&client);
            assert_eq!((again.verdict, again.asked.as_str()), (verdict, ""));
        }
    }
    let mut bench = bench(strict(), &[]);
    bench.put("first", BASE, list(BASE, &[1, 2], false));
    bench.put("second", SECOND, Answer::not_found());
    assert_eq!(bench.check(&client).verdict, OFFLINE, "six reasons are open");
}

/// §2.1 and §1.2 (dedicated-crl-signer), reported: Windows takes the issuer's own signature alone.
/// RFC 5280 §6.3.3 (f): another key of that name counts if a chain leads from it to the same root.
#[test]
fn a_crl_signer_of_its_own_counts_by_the_rfc_and_not_for_windows() {
    let ca = Authority::root();
    let client = ca.client("alice", 10, |_| {});
    let named = |t: &mut CertificateTemplate| t.subject = DistinguishedName::common_name("XXX-CA");
    let signer = ca.issue("Signer", 20, Usage::CrlSigner, &PLAIN(), named);
    let crl = signer.sign(&base(1, START, DAY));
    assert_eq!(by_crl(&client, &crl, &[&signer.certificate]), [OFFLINE, GOOD]);
    assert_eq!(by_crl(&client, &crl, &[]), [OFFLINE, OFFLINE], "its certificate is not at hand");
    let stranger = Authority::self_issued("Stranger");
    let signer = stranger.issue("Signer", 20, Usage::CrlSigner, &PLAIN(), named);
    let crl = signer.sign(&base(1, START, DAY));
    let known = [&signer.certificate, &stranger.certificate];
    assert_eq!(by_crl(&client, &crl, &known), [OFFLINE, OFFLINE], "of another root");
}

/// §1.2 (dedicated-crl-signer), reported: after a CRL that was refused OCSP is not asked, although it
/// is after one that did not come; also while the CRL's URL is left alone.
#[test]
fn ocsp_does_not_follow_a_crl_that_was_refused() {
    let ca = Authority::root();
    let client = ca.client_with_ocsp("alice", 10);
    let foreign = Authority::self_issued("Stranger").sign(&base(1, START, DAY));
    for (after, first, second) in
        [("unless_refused", "base", ""), ("always", "base ocsp", ""), ("never", "base", "")]
    {
        let crl_first = [("switch_to_crl_count", "4294967295"), ("ocsp_after_crl", after)];
        let mut bench = Bench::new(&crl_first);
        bench.put("ocsp", OCSP, Answer::ok(ca.ocsp(&client, CertStatus::Good, START, HOUR)));
        bench.put("base", BASE, Answer::ok(foreign.clone()));
        let verdict = if after == "always" { GOOD } else { OFFLINE };
        for asked in [first, second] {
            let seen = bench.check(&client);
            assert_eq!((seen.verdict, seen.asked.as_str()), (verdict, asked), "{after}");
        }
    }
}

/// §2.7, documented: a CRL or an OCSP response that fails the policy for strong signatures counts as
/// offline, and one that is not asked to does not.
#[test]
fn a_weakly_signed_crl_is_no_crl_where_the_policy_says_so() {
    let ca = Authority::root();
    let client = ca.client("alice", 10, |_| {});
    let flaws = CrlFlaws { digest: Some(WeakDigest::Sha1), ..CrlFlaws::default() };
    let crl = base(1, START, DAY).sign_flawed(&ca.certificate, &ca.key, &flaws);
    for (setting, verdict) in [("true", GOOD), ("false", OFFLINE)] {
        let mut bench = Bench::new(&[("weak_signatures", setting)]);
        bench.put("base", BASE, Answer::ok(crl.clone()));
        let seen = bench.check(&client);
        assert_eq!(seen.verdict, verdict);
        let rejected = bench.fetches().next().unwrap().rejected.clone();
        let why = (verdict == OFFLINE).then_some("is signed with SHA-1, which does not count");
        assert!(rejected.as_deref().unwrap_or_default().ends_with(why.unwrap_or_default()));
    }
}

/// §2.1, documented: without nextUpdate a CRL never expires. RFC 5280 §5.1.2.5 demands it.
#[test]
fn a_crl_without_next_update_never_expires_for_windows() {
    let ca = Authority::root();
    let client = ca.client("alice", 10, |_| {});
    let endless = CrlTemplate { next_update: None, ..base(1, START, DAY) };
    assert_eq!(by_crl(&client, &ca.sign(&endless), &[]), [GOOD, OFFLINE]);
}

/// §2.1, reported (dotnet/runtime's tests): an expired CRL that lists the certificate revokes it all
/// the same, from the wire and from memory; one that does not settles nothing.
#[test]
fn an_expired_crl_still_counts_against_those_that_it_lists() {
    let ca = Authority::root();
    let (client, other) = (ca.client("alice", 10, |_| {}), ca.client("bob", 11, |_| {}));
    let listing =
        |from| CrlTemplate { entries: vec![entry(&client, Some(1))], ..base(1, from, HOUR) };
    let expired = ca.sign(&listing(START - DAY));
    assert_eq!(by_crl(&client, &expired, &[]), [Verdict::Revoked, OFFLINE]);
    assert_eq!(by_crl(&other, &expired, &[]), [OFFLINE, OFFLINE]);

    let mut bench = Bench::new(&[]);
    bench.put("base", BASE, Answer::ok(ca.sign(&listing(START))));
    assert_eq!(bench.check(&client).verdict, Verdict::Revoked);
    bench.wait(DAY);
    bench.put("base", BASE, Answer::not_found());
    assert_eq!(bench.check(&client).verdict, Verdict::Revoked);
}

fn answer(client: &Certificate, ca: &Authority) -> OcspAnswer {
    OcspAnswer {
        id: CertId::new(client, &ca.certificate),
        status: CertStatus::Good,
        this_update: START,
        next_update: Some(START + HOUR),
        produced_at: START,
    }
}

/// The verdict on a client by this response alone.
fn by_ocsp(profile: Profile, client: &Certificate, response: Vec<u8>) -> Verdict {
    let mut bench = bench(profile, &[]);
    bench.put("ocsp", OCSP, Answer::ok(response));
    bench.put("base", BASE, Answer::not_found());
    bench.check(client).verdict
}

/// §2.1, reported: a delegated signer is accepted, with id-kp-OCSPSigning and within its own
/// validity; one whose certificate names a source for itself is not (dotnet/runtime's tests).
#[test]
fn a_delegated_responder_is_judged_by_its_certificate() {
    let ca = Authority::root();
    let client = ca.client_with_ocsp("alice", 10);
    let judged = |profile: Profile, signer: &Authority| {
        let der = answer(&client, &ca).sign(&signer.certificate, &signer.key, true);
        by_ocsp(profile, &client, der)
    };
    let nocheck = CertificateExtras { ocsp_no_check: true, ..PLAIN() };
    let signer = ca.issue("Responder", 20, Usage::OcspSigner, &PLAIN(), |_| {});
    assert_eq!([windows(), strict()].map(|p| judged(p, &signer)), [GOOD, GOOD]);
    let other = ca.issue("Responder", 20, Usage::Client, &nocheck, |_| {});
    assert_eq!([windows(), strict()].map(|p| judged(p, &other)), [OFFLINE, OFFLINE]);
    let over =
        ca.issue("Responder", 20, Usage::OcspSigner, &PLAIN(), |t| t.not_after = START - HOUR);
    assert_eq!([windows(), strict()].map(|p| judged(p, &over)), [OFFLINE, OFFLINE]);
    let with_crl = ca.issue("Responder", 20, Usage::OcspSigner, &PLAIN(), |t| {
        t.crl_urls = urls(&[BASE]);
    });
    let with_ocsp = ca.issue("Responder", 20, Usage::OcspSigner, &PLAIN(), |t| {
        t.ocsp_urls = urls(&[OCSP]);
    });
    for signer in [with_crl, with_ocsp] {
        assert_eq!([windows(), strict()].map(|p| judged(p, &signer)), [OFFLINE, GOOD]);
    }
}

/// RFC 6960 §4.1.1: a responder may name the certificate by another hash function.
#[test]
fn an_answer_is_found_by_any_hash_function() {
    let ca = Authority::root();
    let client = ca.client_with_ocsp("alice", 10);
    for hash in CertIdHash::ALL {
        let id = CertId::by(hash, &client, &ca.certificate);
        let der = OcspAnswer { id, ..answer(&client, &ca) }.sign(&ca.certificate, &ca.key, false);
        let mut bench = Bench::new(&[]);
        bench.put("ocsp", OCSP, Answer::ok(der));
        assert_eq!(bench.check(&client).verdict, GOOD);
        assert_eq!(bench.check(&client).asked, "", "{hash:?}");
    }
}

/// RFC 9654 §2.1: who sends a nonce wants it back. §2.8, inferred: Windows sends none.
#[test]
fn a_nonce_that_was_sent_has_to_come_back() {
    let ca = Authority::root();
    let client = ca.client_with_ocsp("alice", 10);
    let without = answer(&client, &ca).sign(&ca.certificate, &ca.key, false);
    let sending = profile(Hypothesis::H0, &[], &[("ocsp_nonce", "sent")]);
    assert_eq!(by_ocsp(windows(), &client, without.clone()), GOOD);
    assert_eq!(by_ocsp(sending, &client, without), OFFLINE);
}

/// RFC 5280 §6.3: a revocation in any source at hand counts for who hears them all; §2.1: for Windows
/// the first that knows the certificate decides.
#[test]
fn a_crl_at_hand_is_heard_behind_a_good_answer_where_the_profile_says_so() {
    let ca = Authority::root();
    let client = ca.client_with_ocsp("alice", 10);
    let other = ca.client("bob", 11, |_| {});
    for (profile, verdict) in [(windows(), GOOD), (strict(), Verdict::Revoked)] {
        let mut bench = bench(profile, &[]);
        let good = answer(&client, &ca).sign(&ca.certificate, &ca.key, false);
        bench.put("ocsp", OCSP, Answer::ok(good));
        assert_eq!(bench.check(&client).verdict, GOOD);
        let entries = vec![entry(&client, Some(1))];
        bench.put(
            "base",
            BASE,
            Answer::ok(ca.sign(&CrlTemplate { entries, ..base(1, START, DAY) })),
        );
        assert_eq!(bench.check(&other).asked, "base");
        let seen = bench.check(&client);
        assert_eq!((seen.verdict, seen.asked.as_str()), (verdict, ""));
    }
}

/// What a chain of client, CA and root is refused for: page, code and rule.
fn refused(
    profile: Profile,
    client: &Certificate,
    issuing: &Certificate,
) -> (String, String, String) {
    let mut bench = bench(profile, &[issuing]);
    let seen = bench.check(client);
    assert_eq!((seen.verdict, seen.asked.as_str()), (Verdict::NotChecked, ""));
    let rule = seen.check.steps.iter().find_map(|step| match step {
        Step::Chain { rule, .. } => rule.clone(),
        _ => None,
    });
    (seen.page, seen.code.unwrap().to_string(), rule.unwrap().to_string())
}

/// §3.1 and §2.7: what is wrong with a chain is 403.16, with the code of winerror.h; RFC 5280 §6.1.
#[test]
fn each_fault_of_a_chain_has_its_code() {
    let root = Authority::root();
    let issuing = root.subordinate("Issuing-CA", &[]);
    let told = |client: &Certificate, ca: &Certificate| {
        let (page, code, rule) = refused(windows(), client, ca);
        assert_eq!(page, "403.16");
        format!("{code} {rule}")
    };
    let name = |text: &str| GeneralName::Dns(text.to_owned());
    let constrained = CertificateExtras {
        name_constraints: Some(NameConstraints { permitted: vec![name("lab")], excluded: vec![] }),
        ..PLAIN()
    };
    let limited = root.issue("Limited-CA", 3, Usage::Authority, &constrained, |_| {});
    let outside = limited.client("alice", 10, |t| t.dns_names = vec!["host.elsewhere".into()]);
    assert_eq!(told(&outside, &limited.certificate), "0x800B0114 name_not_permitted");

    let server = issuing.issue("alice", 10, Usage::Server, &PLAIN(), |_| {}).certificate;
    assert_eq!(told(&server, &issuing.certificate), "0x800B0110 purpose_wrong");

    let no_ca = root.issue("Not-a-CA", 3, Usage::Client, &PLAIN(), |_| {});
    let below = no_ca.client("alice", 10, |_| {});
    assert_eq!(told(&below, &no_ca.certificate), "0x80096019 not_authority");

    let impostor = root.issue("Impostor", 4, Usage::Authority, &PLAIN(), |t| {
        t.subject = DistinguishedName::common_name("Issuing-CA");
    });
    let forged = impostor.client("alice", 10, |_| {});
    assert_eq!(told(&forged, &issuing.certificate), "0x80096004 signature_bad");
}

/// §3.2, documented: netsh usagecheck.
#[test]
fn usage_is_checked_unless_the_binding_says_otherwise() {
    let ca = Authority::root();
    let server = ca.issue("alice", 10, Usage::Server, &PLAIN(), |t| t.crl_urls = urls(&[BASE]));
    for (setting, page) in [("true", "403.16"), ("false", "200")] {
        let mut bench = Bench::new(&[("usage_check", setting)]);
        bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, DAY))));
        assert_eq!(bench.check(&server.certificate).page, page);
    }
}

/// RFC 4158 §2: where one path is not valid another is tried, such as one over a cross-certificate.
#[test]
fn another_path_is_tried_where_one_is_not_valid() {
    let root = Authority::root();
    let second = Authority::self_issued("Second-Root");
    let issuing = root.subordinate("Issuing-CA", &[]);
    let cross = second.issue("Issuing-CA", 5, Usage::Authority, &PLAIN(), |_| {}).certificate;
    let client = issuing.client("alice", 10, |_| {});
    let over = root
        .issue("Issuing-CA", 6, Usage::Authority, &PLAIN(), |t| t.not_after = START - HOUR)
        .certificate;
    let leaf_only = profile(Hypothesis::H0, &[], &[("check_scope", "leaf")]);
    let mut bench = bench(leaf_only, &[&over, &cross, &second.certificate]);
    bench.put("base", BASE, Answer::ok(issuing.sign(&base(1, START, DAY))));
    assert_eq!(bench.check(&client).verdict, GOOD);
}

/// A chain is judged again when one of its certificates begins or ends to be valid, and not before.
#[test]
fn a_chain_holds_until_the_first_of_its_certificates_ends() {
    let ca = Authority::root();
    let client = ca.client("alice", 10, |t| t.not_after = START + HOUR);
    let mut bench = Bench::new(&[]);
    bench.put("base", BASE, Answer::ok(ca.sign(&base(1, START, DAY))));
    for (after, page) in [(Span::ZERO, "200"), (HOUR, "200"), (Span::from_secs(1), "403.17")] {
        bench.wait(after);
        assert_eq!(bench.check(&client).page, page);
    }
}

/// Parts of what was a CRL are refused with a reason, whoever reads them.
#[test]
fn what_is_cut_off_is_refused() {
    let ca = Authority::root();
    let client = ca.client("alice", 10, |_| {});
    let whole = ca.sign(&base(1, START, DAY));
    assert!(Crl::parse(&whole).is_ok());
    let mut bench = Bench::new(&[]);
    bench.put("base", BASE, Answer::ok(whole[..whole.len() - 1].to_vec()));
    let attempt = bench.request(std::slice::from_ref(&client), Handshake::Full);
    bench.wait(HOUR);
    assert_eq!(bench.seen(attempt).verdict, OFFLINE);
    assert!(bench.fetches().next().unwrap().rejected.is_some());
}
