//! Bytes that are not what they were: a reason, and no panic.

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use revlab_pki::{
    CertId, CertStatus, CrlExtension, CrlScope, DistributionPoint, GeneralName, NameConstraints,
};

use super::*;

fn spoilt(bytes: &[u8], at: &Index, change: Option<u8>) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let at = at.index(out.len());
    match change {
        Some(change) => out[at] ^= change,
        None => out.truncate(at),
    }
    out
}

/// What becomes of bytes: several changes one after another, of the kinds that DER minds: other
/// octets, lengths and tags, pieces left out, doubled or put elsewhere.
#[derive(Clone, Debug)]
enum Change {
    Octet(Index, u8),
    Tag(Index, u8),
    Cut(Index, usize),
    Double(Index, usize),
    Move(Index, Index, usize),
    End(Index),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = any::<Index>;
    let tags = prop::sample::select(vec![
        0x00u8, 0x01, 0x02, 0x03, 0x06, 0x0a, 0x17, 0x18, 0x30, 0x31, 0x80, 0x84, 0xa0, 0xff,
    ]);
    let change = prop_oneof![
        4 => (at(), 1u8..).prop_map(|(at, by)| Change::Octet(at, by)),
        3 => (at(), tags).prop_map(|(at, tag)| Change::Tag(at, tag)),
        1 => (at(), 1usize..40).prop_map(|(at, long)| Change::Cut(at, long)),
        1 => (at(), 1usize..40).prop_map(|(at, long)| Change::Double(at, long)),
        1 => (at(), at(), 1usize..40).prop_map(|(from, to, long)| Change::Move(from, to, long)),
        1 => at().prop_map(Change::End),
    ];
    prop::collection::vec(change, 1..4)
}

fn changed(bytes: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for change in changes {
        if out.is_empty() {
            break;
        }
        let piece = |at: &Index, long: usize| {
            let from = at.index(out.len());
            from..out.len().min(from + long)
        };
        match change {
            Change::Octet(at, by) => {
                let at = at.index(out.len());
                out[at] ^= by;
            }
            Change::Tag(at, tag) => {
                let at = at.index(out.len());
                out[at] = *tag;
            }
            Change::Cut(at, long) => drop(out.drain(piece(at, *long))),
            Change::Double(at, long) => {
                let piece = piece(at, *long);
                let copy = out[piece.clone()].to_vec();
                out.splice(piece.start..piece.start, copy);
            }
            Change::Move(from, to, long) => {
                let taken: Vec<u8> = out.drain(piece(from, *long)).collect();
                let to = to.index(out.len() + 1);
                out.splice(to..to, taken);
            }
            Change::End(at) => out.truncate(at.index(out.len())),
        }
    }
    out
}

/// Artefacts of each kind with as much in them as there is: what the fuzz targets would begin with.
fn seeds(chain: &Chain) -> Vec<Vec<u8>> {
    let authority = &chain.issuing;
    let mut list = list(5, &[7, 8, 9]);
    let named = DistinguishedName::common_name("Other");
    list.entries[1].extensions =
        vec![CrlExtension::invalidity_date(START), CrlExtension::certificate_issuer(&named)];
    list.extensions = vec![CrlScope { indirect: true, ..CrlScope::default() }.extension()];
    let delta = CrlTemplate { base_number: Some(5), ..super::list(6, &[7]) };
    let answer = OcspAnswer {
        id: CertId::new(&chain.client.certificate, &authority.certificate),
        status: CertStatus::Revoked { at: START, reason: Some(1) },
        this_update: START,
        next_update: Some(hour(12)),
        produced_at: START,
    };
    let responder = authority.issue("Responder", 20, Usage::OcspSigner);
    let constraints = NameConstraints {
        permitted: vec![GeneralName::Dns("example".into())],
        excluded: vec![GeneralName::Network([10, 0, 0, 0].into(), 8)],
    };
    let extras = CertificateExtras {
        name_constraints: Some(constraints),
        must_staple: true,
        crl_points: vec![DistributionPoint {
            crl_issuer: Some(named),
            ..DistributionPoint::at(["http://pki.example/b.crl"])
        }],
        ..CertificateExtras::default()
    };
    let rich = chain.root.issue_with(&template("Issuing", 2, Usage::Authority), &extras, "Issuing");
    vec![
        authority.crl(&list).der().to_vec(),
        authority.crl(&delta).der().to_vec(),
        authority.answer(&answer, true).der().to_vec(),
        responder.answer(&answer, true).der().to_vec(),
        chain.client.certificate.der().to_vec(),
        rich.certificate.der().to_vec(),
    ]
}

/// Everything that the bytes can be read as, in the hands of the strict engine: as the fuzz targets
/// do.
fn judged_as_all(chain: &Chain, bytes: &[u8]) -> Vec<Finding> {
    let mut all = Vec::new();
    let mut judge = |evidence: &Evidence| all.push(judged(evidence, &Policy::strict()));
    if let Ok(crl) = Crl::parse(bytes) {
        judge(&chain.with_crls(&[crl.clone(), crl]));
    }
    if let Ok(response) = OcspResponse::parse(bytes) {
        let mut evidence = chain.with_root_crl();
        evidence.ocsp.push(response);
        judge(&evidence);
    }
    if let Ok(certificate) = Certificate::parse(bytes) {
        let mut evidence = chain.with_root_crl();
        evidence.certificates.push(certificate.clone());
        evidence.anchors.push(certificate.clone());
        judge(&evidence);
        evidence.target = certificate;
        judge(&evidence);
    }
    all
}

/// In place of cargo-fuzz, which needs a nightly compiler: each seed in two thousand wrong forms, the
/// same in every run.
#[test]
fn thousands_of_wrong_forms_are_refused_with_a_reason_and_without_panic() {
    let chain = chain();
    let mut runner = TestRunner::deterministic();
    let (mut refused, mut read) = (0, 0);
    for seed in seeds(&chain) {
        assert!(!judged_as_all(&chain, &seed).is_empty(), "a seed can be read");
        for _ in 0..2000 {
            let how = changes().new_tree(&mut runner).unwrap().current();
            let bytes = changed(&seed, &how);
            let findings = judged_as_all(&chain, &bytes);
            assert!(findings.iter().all(|finding| !finding.reason.is_empty()));
            let why = [
                Crl::parse(&bytes).err(),
                OcspResponse::parse(&bytes).err(),
                Certificate::parse(&bytes).err(),
            ];
            assert!(why.iter().flatten().all(|why| !why.to_string().is_empty()));
            if findings.is_empty() { refused += 1 } else { read += 1 }
        }
    }
    // Neither the readers alone nor the engine alone has seen them.
    assert!(refused > 1000 && read > 1000, "{refused} refused, {read} read");
}

proptest! {
    #[test]
    fn a_changed_artefact_is_refused_with_a_reason_and_never_helps(
        at: Index, change in prop::option::weighted(0.9, 1u8..), which in 0usize..4,
    ) {
        let chain = chain();
        let answer = OcspAnswer {
            id: CertId::new(&chain.client.certificate, &chain.issuing.certificate),
            status: CertStatus::Good,
            this_update: START,
            next_update: Some(hour(12)),
            produced_at: START,
        };
        let crl = chain.issuing.crl(&list(5, &[]));
        let response = chain.issuing.answer(&answer, false);
        let mut evidence = chain.with_root_crl();
        let by = |bytes: &[u8]| spoilt(bytes, &at, change);
        // Without the artefact that is spoilt, nothing would make the client good.
        let read = match which {
            0 => OcspResponse::parse(&by(response.der())).map(|read| evidence.ocsp.push(read)),
            1 => Crl::parse(&by(crl.der())).map(|read| evidence.crls.push(read)),
            2 => Certificate::parse(&by(chain.client.certificate.der())).map(|read| {
                evidence.target = read;
                evidence.crls.push(crl);
            }),
            _ => Certificate::parse(&by(chain.issuing.certificate.der())).map(|read| {
                evidence.certificates = vec![read];
                evidence.crls.push(crl);
            }),
        };
        match read {
            Err(why) => prop_assert!(!why.to_string().is_empty()),
            Ok(()) => {
                let finding = judged(&evidence, &Policy::strict());
                prop_assert_ne!(finding.status, Status::Good);
                prop_assert!(!finding.reason.is_empty());
            }
        }
    }
}
