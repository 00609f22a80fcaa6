use revlab_lab::{Seed, Span};
use revlab_pki::{
    CertificateTemplate, Crl, DistinguishedName, Issuer, KeyAlgorithm, Usage, Verifier,
};

use super::*;
use crate::sample::START;

fn ca() -> (Certificate, KeyPair) {
    let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), "issuing");
    let template = CertificateTemplate {
        subject: DistinguishedName::common_name("XXX-CA"),
        serial: vec![1],
        not_before: START,
        not_after: START + Span::from_days(365),
        usage: Usage::Authority,
        crl_urls: Vec::new(),
        freshest_crl_urls: Vec::new(),
        ocsp_urls: Vec::new(),
        issuer_urls: Vec::new(),
        dns_names: Vec::new(),
        ca_version: None,
    };
    let certificate = template.issue(key.public_key_info(), &Issuer::Itself(&key)).unwrap();
    (certificate, key)
}

fn right(base_number: Option<u64>) -> CrlTemplate {
    CrlTemplate {
        number: 9,
        base_number,
        virtual_base: None,
        this_update: START,
        next_update: Some(START + Span::from_hours(2)),
        next_publish: Some(START + Span::from_hours(1)),
        ca_version: None,
        freshest_crl_urls: Vec::new(),
        published_locations: Vec::new(),
        extensions: Vec::new(),
        entries: Vec::new(),
    }
}

fn served(base_number: Option<u64>, defects: &[CrlDefect]) -> Vec<u8> {
    let (certificate, key) = ca();
    spoil(&right(base_number), defects, &certificate, &key)
}

#[test]
fn without_a_defect_it_is_the_right_one() {
    let (certificate, key) = ca();
    assert_eq!(served(None, &[]), right(None).sign(&certificate, &key));
}

/// What is read, and whether its signature verifies.
fn read_as(defect: CrlDefect) -> String {
    let (certificate, _) = ca();
    let delta = defect == CrlDefect::DeltaWrongBase;
    match Crl::parse(&served(delta.then_some(8), &[defect])) {
        Err(error) => error.to_string(),
        Ok(crl) => {
            let verified = Verifier::new().verify_crl(&crl, &certificate);
            let hours = |at| ((at - START) as Span).as_secs() / 3600;
            let (this, next) = (hours(crl.this_update()), crl.next_update().map(hours));
            let serials: Vec<usize> = crl.entries().map(|entry| entry.serial.len()).collect();
            format!(
                "{} number {:?} base {:?} hours {this}..{next:?} serials {serials:?} {}",
                crl.issuer(),
                crl.number(),
                crl.base_number(),
                if verified { "verifies" } else { "does not verify" },
            )
        }
    }
}

#[test]
fn each_defect_is_wrong_in_its_own_way() {
    let told: String = CrlDefect::NAMES
        .iter()
        .map(|(name, defect)| format!("{name}: {}\n", read_as(*defect)))
        .collect();
    insta::assert_snapshot!(told, @r"
    expired: CN=XXX-CA number Some(9) base None hours -26..Some(-24) serials [] verifies
    future: CN=XXX-CA number Some(9) base None hours 26..Some(28) serials [] verifies
    no_next_update: CN=XXX-CA number Some(9) base None hours 0..None serials [] verifies
    next_update_before_this_update: CN=XXX-CA number Some(9) base None hours 0..Some(-1) serials [] verifies
    number_missing: CN=XXX-CA number None base None hours 0..Some(2) serials [] verifies
    number_critical: CN=XXX-CA number Some(9) base None hours 0..Some(2) serials [] verifies
    number_backwards: CN=XXX-CA number Some(7) base None hours 0..Some(2) serials [] verifies
    version_1: CN=XXX-CA number None base None hours 0..Some(2) serials [] verifies
    unknown_critical_extension: extension 1.3.6.1.4.1.99999.1 is critical and not understood
    unknown_critical_entry_extension: extension 1.3.6.1.4.1.99999.1 is critical and not understood
    wrong_issuer: CN=Not the issuer number Some(9) base None hours 0..Some(2) serials [] verifies
    wrong_key: CN=XXX-CA number Some(9) base None hours 0..Some(2) serials [] does not verify
    broken_signature: CN=XXX-CA number Some(9) base None hours 0..Some(2) serials [] does not verify
    sha1_signature: CN=XXX-CA number Some(9) base None hours 0..Some(2) serials [] does not verify
    md5_signature: CN=XXX-CA number Some(9) base None hours 0..Some(2) serials [] does not verify
    negative_serial: CN=XXX-CA number Some(9) base None hours 0..Some(2) serials [1] verifies
    twenty_octet_serial: CN=XXX-CA number Some(9) base None hours 0..Some(2) serials [20] verifies
    overlong_serial: CN=XXX-CA number Some(9) base None hours 0..Some(2) serials [21] verifies
    delta_wrong_base: CN=XXX-CA number Some(9) base Some(1008) hours 0..Some(2) serials [] verifies
    delta_without_base: CN=XXX-CA number Some(9) base Some(8) hours 0..Some(2) serials [] verifies
    pem: not a CRL in DER (unknown/unsupported ASN.1 DER tag: 0x2d at DER byte 1)
    base64: not a CRL in DER (unexpected ASN.1 DER tag: expected SEQUENCE, got APPLICATION [13] (primitive))
    gzip: not a CRL in DER (invalid tag number at DER byte 1)
    html: not a CRL in DER (unknown/unsupported ASN.1 DER tag: 0x3c at DER byte 1)
    empty: not a CRL in DER (ASN.1 DER message is incomplete: expected 1, actual 0 at DER byte 0)
    truncated: not a CRL in DER (ASN.1 DER message is incomplete: expected 235, actual 117 at DER byte 3)
    trailing_bytes: not a CRL in DER (trailing data at end of DER message: decoded 235 bytes, 1 bytes remaining at DER byte 235)
    ");
}

#[test]
fn every_defect_has_a_name_of_its_own_and_changes_the_bytes_it_touches() {
    for (name, defect) in CrlDefect::NAMES {
        assert_eq!(defect.name(), name);
        for base_number in [None, Some(8)] {
            let changed = served(base_number, &[defect]) != served(base_number, &[]);
            assert_eq!(changed, defect.touches(base_number.is_some()), "{name}");
        }
    }
}

#[test]
fn the_same_defect_gives_the_same_bytes() {
    for (name, defect) in CrlDefect::NAMES {
        assert_eq!(served(None, &[defect]), served(None, &[defect]), "{name}");
    }
}

#[test]
fn defects_of_the_list_come_before_those_of_its_bytes() {
    let both = [CrlDefect::Pem, CrlDefect::NumberMissing];
    let missing = served(None, &[CrlDefect::NumberMissing]);
    assert_eq!(served(None, &both), revlab_pki::crl::to_pem(&missing).into_bytes());
}

#[test]
fn a_negative_serial_is_no_positive_one() {
    let crl = Crl::parse(&served(None, &[CrlDefect::NegativeSerial])).unwrap();
    assert_eq!((crl.len(), crl.find(&[0xff])), (1, None));
}
