//! Bytes that are not what they were: a reason, and no panic.

use proptest::prelude::*;
use proptest::sample::Index;
use revlab_pki::{CertId, CertStatus};

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
