mod oracle;

use const_oid::db::rfc5280::ID_CE_CERTIFICATE_ISSUER;
use proptest::prelude::*;
use revlab_lab::Span;
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, RevocationOptionsBuilder, anchor_from_trusted_cert};

use super::*;
use crate::encode::{self, tag};
use crate::fixture::*;
use crate::signed::{algorithm_identifier, seal};
use crate::{KeyAlgorithm, Usage, Verifier, extension, time};

const KINDS: [KeyAlgorithm; 2] = [KeyAlgorithm::EcdsaP256, KeyAlgorithm::Rsa2048];

fn revoked(serial: &[u8]) -> CrlEntry {
    CrlEntry { serial: serial.to_vec(), revoked_at: START, reason: Some(1), extensions: Vec::new() }
}

#[test]
fn a_serial_number_is_found_whatever_its_leading_zeros() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let mut template = base();
    template.entries = vec![revoked(&[0, 0, 5]), revoked(&[0x80]), revoked(&[0])];
    let crl = Crl::parse(&template.sign(&ca.certificate, &ca.key)).unwrap();
    assert_eq!(crl.find(&[5]), Some(revoked(&[5])));
    assert_eq!(crl.find(&[0, 0x80]), Some(revoked(&[0x80])));
    assert_eq!(crl.find(&[]), Some(revoked(&[0])));
    assert_eq!(crl.find(&[6]), None);
}

#[test]
fn a_serial_number_listed_twice_is_found_as_listed_first() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let mut template = base();
    template.entries =
        vec![revoked(&[9]), revoked(&[5]), CrlEntry { reason: None, ..revoked(&[5]) }];
    let crl = Crl::parse(&template.sign(&ca.certificate, &ca.key)).unwrap();
    assert_eq!(crl.find(&[5]), Some(revoked(&[5])));
    assert_eq!(crl.len(), 3);
}

/// A CRL with these parts between thisUpdate and the end of the signed part.
fn by_hand(version: &[u8], rest: &[u8]) -> Vec<u8> {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let tbs = encode::sequence(&[
        version,
        algorithm_identifier(ca.key.algorithm()),
        ca.certificate.subject().as_der(),
        &time::time(START),
        rest,
    ]);
    seal(&tbs, &ca.key, &[])
}

#[test]
fn a_version_1_crl_without_next_update_is_read() {
    let entry = encode::sequence(&[&encode::unsigned(&[5]), &time::time(START)]);
    let crl = Crl::parse(&by_hand(&[], &encode::sequence(&[&entry]))).unwrap();
    assert_eq!(crl.find(&[5]), Some(CrlEntry { reason: None, ..revoked(&[5]) }));
    assert_eq!((crl.next_update(), crl.number(), crl.base_number()), (None, None, None));
}

#[test]
fn critical_extensions_that_are_not_understood_are_refused() {
    let strange = CrlExtension::unknown(true).write();
    let list = encode::constructed(0, &encode::sequence(&[&strange]));
    let unknown = |oid: &str| Err(Malformed::UnknownCritical { oid: oid.to_owned() });
    assert_eq!(Crl::parse(&by_hand(&encode::number(1), &list)), unknown("1.3.6.1.4.1.99999.1"));

    let indirect = extension::write(ID_CE_CERTIFICATE_ISSUER, true, &encode::sequence(&[]));
    let entry = encode::sequence(&[
        &encode::unsigned(&[5]),
        &time::time(START),
        &encode::sequence(&[&indirect]),
    ]);
    let entries = encode::sequence(&[&entry]);
    assert_eq!(Crl::parse(&by_hand(&encode::number(1), &entries)), unknown("2.5.29.29"));
}

#[test]
fn an_indirect_crl_says_whose_certificate_each_entry_is() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let other = DistinguishedName::common_name("Other CA");
    let scope = CrlScope { indirect: true, ..CrlScope::default() };
    let named = |serial: &[u8], issuer: &DistinguishedName| CrlEntry {
        extensions: vec![CrlExtension::certificate_issuer(issuer)],
        ..revoked(serial)
    };
    let own = ca.certificate.subject();
    let template = CrlTemplate {
        extensions: vec![scope.extension()],
        // The issuer holds on until another is named (RFC 5280 §5.3.3).
        entries: vec![revoked(&[5]), named(&[6], &other), revoked(&[5]), named(&[7], own)],
        ..base()
    };
    let crl = Crl::parse(&template.sign(&ca.certificate, &ca.key)).unwrap();
    assert_eq!(crl.scope(), Some(&scope));
    let listed = |issuer| [5, 6, 7].map(|serial| crl.find_of(issuer, &[serial]).is_some());
    assert_eq!(listed(own), [true, false, true]);
    assert_eq!(listed(&other), [true, true, false]);
    assert_eq!(crl.entries_of().filter(|(issuer, _)| **issuer == other).count(), 2);
    let direct = CrlTemplate { extensions: Vec::new(), ..template };
    let refused = Crl::parse(&direct.sign(&ca.certificate, &ca.key));
    assert_eq!(refused, Err(Malformed::UnknownCritical { oid: "2.5.29.29".to_owned() }));
}

#[test]
fn an_entry_keeps_its_further_extensions() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let reject = const_oid::ObjectIdentifier::new_unwrap("1.2.840.10040.2.3");
    let on_hold = CrlEntry {
        reason: Some(6),
        extensions: vec![
            CrlExtension::hold_instruction(reject),
            CrlExtension::invalidity_date(START - Span::from_days(1)),
        ],
        ..revoked(&[5])
    };
    let template = CrlTemplate { entries: vec![on_hold.clone()], ..base() };
    let crl = Crl::parse(&template.sign(&ca.certificate, &ca.key)).unwrap();
    assert_eq!(crl.find(&[5]), Some(on_hold));
}

#[test]
fn a_crl_says_where_its_signer_is_and_a_broken_hint_is_none() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let place = url("http://host/lists.crt");
    let mut template = base();
    template.extensions = vec![CrlExtension::signer_at(&place)];
    let read = |template: &CrlTemplate| Crl::parse(&template.sign(&ca.certificate, &ca.key));
    assert_eq!(read(&template).unwrap().signer_urls(), [place]);
    template.extensions[0].value = vec![0x30];
    assert!(read(&template).unwrap().signer_urls().is_empty());
    // It must not be critical (RFC 5280 §5.2.7), and decides nothing that would have to be understood.
    template.extensions[0].critical = true;
    assert!(read(&template).is_err());
}

#[test]
fn the_delta_crl_indicator_is_critical() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let delta = CrlTemplate { base_number: Some(7), number: 8, ..base() };
    let der = delta.sign(&ca.certificate, &ca.key);
    let indicator = [6, 3, 0x55, 0x1d, 27, tag::BOOLEAN, 1, 0xff, 4, 3, 2, 1, 7];
    assert!(der.windows(indicator.len()).any(|window| window == indicator));
    assert_eq!(Crl::parse(&der).unwrap().base_number(), Some(7));
}

#[test]
fn the_virtual_base_is_one_integer_and_not_critical() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let delta = CrlTemplate { base_number: Some(7), virtual_base: Some(6), number: 8, ..base() };
    let der = delta.sign(&ca.certificate, &ca.key);
    // 1.3.6.1.4.1.311.21.3 and right after it the value.
    let written = [tag::SEQUENCE, 16, 6, 9, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x15, 3, 4, 3, 2, 1, 6];
    assert!(der.windows(written.len()).any(|window| window == written));
    let crl = Crl::parse(&der).unwrap();
    assert_eq!((crl.virtual_base(), crl.base_number()), (Some(6), Some(7)));
    let without = CrlTemplate { virtual_base: None, ..delta }.sign(&ca.certificate, &ca.key);
    assert_eq!(Crl::parse(&without).unwrap().virtual_base(), None);
    assert!(!without.windows(9).any(|window| window == &written[4..13]));
}

#[test]
fn numbers_beyond_64_bits_are_refused_by_name() {
    let read = |oid, octets: &[u8]| {
        let body = encode::tlv(tag::INTEGER, octets);
        let written = extension::write(oid, false, &body);
        let list = encode::constructed(0, &encode::sequence(&[&written]));
        Crl::parse(&by_hand(&encode::number(1), &list))
    };
    let beyond = [1, 0, 0, 0, 0, 0, 0, 0, 0];
    let virtual_base = read(extension::VIRTUAL_BASE, &beyond);
    assert_eq!(virtual_base, Err(Malformed::Number { what: "the virtual base" }));
    let number = |octets: &[u8]| {
        read(const_oid::db::rfc5280::ID_CE_CRL_NUMBER, octets).map(|crl| crl.number())
    };
    let refused = Err(Malformed::Number { what: "the CRL number" });
    assert_eq!(number(&[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Ok(Some(u64::MAX)));
    assert_eq!(number(&beyond), refused);
    assert_eq!(number(&[0xff]), refused);
}

#[test]
fn what_is_wrong_is_said_in_words() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let der = base().sign(&ca.certificate, &ca.key);
    let scope = CrlExtension::unknown(true).write();
    let scope = encode::constructed(0, &encode::sequence(&[&scope]));
    let bad_time = encode::tlv(tag::UTC_TIME, b"140229000000Z");
    let told: String = [
        b"<html>not found</html>".to_vec(),
        der[..der.len() / 2].to_vec(),
        [&der[..], b"\n"].concat(),
        ca.certificate.der().to_vec(),
        by_hand(&encode::number(1), &scope),
        by_hand(&encode::number(1), &bad_time),
    ]
    .iter()
    .map(|bytes| format!("{}\n", Crl::parse(bytes).unwrap_err()))
    .collect();
    insta::assert_snapshot!(told, @r"
    not a CRL in DER (unknown/unsupported ASN.1 DER tag: 0x3c at DER byte 1)
    not a CRL in DER (ASN.1 DER message is incomplete: expected 354, actual 177 at DER byte 4)
    not a CRL in DER (trailing data at end of DER message: decoded 354 bytes, 1 bytes remaining at DER byte 354)
    not a CRL in DER (unexpected ASN.1 DER tag: expected SEQUENCE, got INTEGER)
    extension 1.3.6.1.4.1.99999.1 is critical and not understood
    `140229000000Z` is not a time such as `140416105134Z` (until 2049) or `20500416105134Z`
    ");
}

#[test]
fn crls_are_the_same_bytes_in_every_run() {
    let golden = KINDS.map(|kind| {
        let ca = authority(kind);
        let template = CrlTemplate { entries: vec![revoked(&[5])], ..base() };
        digest::hex(&digest::sha256(&template.sign(&ca.certificate, &ca.key)))
    });
    assert_eq!(
        golden,
        [
            "e00d025207694dfd521c33ca199cf3ea1f4ea553a2afa9956bcb6d5ad45f9746",
            "d725a0a14e6087c19ce39ac5514d7167c26ea9d33d0675824e76a47ca791e63d",
        ]
    );
}

#[test]
fn webpki_agrees_on_who_is_revoked_and_on_whose_crl_it_is() {
    for kind in KINDS {
        let ca = authority(kind);
        let impostor = named_authority(kind, "IMPOSTOR");
        let (client, _) = ca.issue(&template("subject", &[5], Usage::Client));
        for (listed, key) in [(&[5], &ca.key), (&[6], &ca.key), (&[6], &impostor.key)] {
            let template = CrlTemplate { entries: vec![revoked(listed)], ..base() };
            let der = template.sign(&ca.certificate, key);
            let crl = Crl::parse(&der).unwrap();
            let ours = Verifier::new().verify_crl(&crl, &ca.certificate)
                && crl.find(client.serial()).is_none();
            let genuine = key.public_key_info() == ca.key.public_key_info();
            assert_eq!(ours, webpki_says_good(&client, &ca.certificate, &der), "{kind:?}");
            assert_eq!(ours, *listed == [6] && genuine);
        }
    }
}

/// The oracle: whether the client is good by this base CRL, an hour after START.
fn webpki_says_good(client: &crate::Certificate, ca: &crate::Certificate, crl: &[u8]) -> bool {
    let root = CertificateDer::from(ca.der());
    let anchors = [anchor_from_trusted_cert(&root).unwrap()];
    let algorithms =
        [webpki::aws_lc_rs::ECDSA_P256_SHA256, webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256];
    let lists = [webpki::BorrowedCertRevocationList::from_der(crl).unwrap().into()];
    let lists: Vec<&webpki::CertRevocationList<'_>> = lists.iter().collect();
    let revocation = RevocationOptionsBuilder::new(&lists).unwrap().build();
    let at = START + Span::from_hours(1);
    let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(at.as_secs() as u64));
    let usage = KeyUsage::client_auth();
    let der = CertificateDer::from(client.der());
    let certificate = EndEntityCert::try_from(&der).unwrap();
    certificate
        .verify_for_usage(&algorithms, &anchors, &[], time, usage, Some(revocation), None)
        .is_ok()
}

fn entries() -> impl Strategy<Value = Vec<CrlEntry>> {
    let entry = (serials(), seconds(), prop::option::of(0u8..=10)).prop_map(
        |(serial, revoked_at, reason)| CrlEntry {
            serial,
            revoked_at,
            reason,
            extensions: Vec::new(),
        },
    );
    prop::collection::btree_map(serials(), entry, 0..20)
        .prop_map(|map| map.into_iter().map(|(serial, e)| CrlEntry { serial, ..e }).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_crl_says_what_its_template_said(
        entries in entries(),
        number: u64,
        base_number: Option<u64>,
        virtual_base: Option<u64>,
        times in (seconds(), prop::option::of(seconds()), prop::option::of(seconds())),
        ca_version: Option<(u16, u16)>,
        locations in 0usize..3,
        stranger in serials(),
    ) {
        let (this_update, next_update, next_publish) = times;
        let urls: Vec<_> = (0..locations).map(|i| url(&format!("http://host/{i}.crl"))).collect();
        let template = CrlTemplate {
            number,
            base_number,
            virtual_base,
            this_update,
            next_update,
            next_publish,
            ca_version,
            freshest_crl_urls: urls.clone(),
            published_locations: urls,
            extensions: Vec::new(),
            entries: entries.iter().rev().cloned().collect(),
        };
        let ca = authority(KeyAlgorithm::EcdsaP256);
        let crl = Crl::parse(&template.sign(&ca.certificate, &ca.key)).unwrap();
        prop_assert_eq!(crl.issuer(), ca.certificate.subject());
        prop_assert_eq!(crl.authority_key_id(), ca.certificate.subject_key_id());
        prop_assert_eq!(crl.number(), Some(number));
        prop_assert_eq!(crl.base_number(), base_number);
        prop_assert_eq!(crl.virtual_base(), virtual_base);
        prop_assert_eq!(crl.this_update(), this_update);
        prop_assert_eq!(crl.next_update(), next_update);
        prop_assert_eq!(crl.next_publish(), next_publish);
        prop_assert_eq!(crl.ca_version(), ca_version);
        prop_assert_eq!(crl.freshest_crl_urls(), template.freshest_crl_urls);
        prop_assert_eq!(crl.published_locations(), template.published_locations);
        prop_assert_eq!(crl.len(), entries.len());
        prop_assert_eq!(crl.is_empty(), entries.is_empty());
        prop_assert_eq!(&crl.entries().collect::<Vec<_>>(), &entries);
        for entry in &entries {
            prop_assert_eq!(crl.find(&entry.serial), Some(entry.clone()));
        }
        if entries.iter().all(|entry| entry.serial != stranger) {
            prop_assert_eq!(crl.find(&stranger), None);
        }
        prop_assert!(Verifier::new().verify_crl(&crl, &ca.certificate));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_spoilt_crl_is_malformed_or_does_not_verify(spoiling in spoiling()) {
        let ca = authority(KeyAlgorithm::EcdsaP256);
        let template =
            CrlTemplate { base_number: Some(6), entries: vec![revoked(&[5])], ..base() };
        let spoilt = spoil(&template.sign(&ca.certificate, &ca.key), spoiling);
        if let Ok(crl) = Crl::parse(&spoilt) {
            prop_assert!(!Verifier::new().verify_crl(&crl, &ca.certificate));
            prop_assert_eq!(crl.entries().count(), crl.len());
        }
    }
}
