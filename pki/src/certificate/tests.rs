use std::time::Duration;

use proptest::prelude::*;
use revlab_lab::{Seed, Span};
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::*;
use crate::encode;
use crate::fixture::*;
use crate::{KeyAlgorithm, KeyPair, Verifier};

fn kinds() -> impl Iterator<Item = KeyAlgorithm> {
    KeyAlgorithm::NAMES.into_iter().map(|(_, kind)| kind)
}

#[test]
fn a_certificate_says_what_its_template_said() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let template = template("jmeter-1", &[0, 0x8f, 1], Usage::Client);
    let (client, key) = ca.issue(&template);
    assert_eq!(client.subject().to_string(), "CN=jmeter-1");
    assert_eq!(client.issuer(), ca.certificate.subject());
    assert_eq!(client.serial(), [0x8f, 1]);
    assert_eq!(client.not_before(), template.not_before);
    assert_eq!(client.not_after(), template.not_after);
    assert_eq!(client.public_key_info(), key.public_key_info());
    assert_eq!(client.crl_urls(), template.crl_urls);
    assert_eq!(client.freshest_crl_urls(), template.freshest_crl_urls);
    assert_eq!(client.ocsp_urls(), template.ocsp_urls);
    assert_eq!(client.issuer_urls(), template.issuer_urls);
    assert_eq!(client.authority_key_id(), ca.certificate.subject_key_id());
    assert_eq!(client.ca_version(), None);
    assert_eq!(client.unknown_critical(), None);
    assert!(!client.is_ca() && !client.is_self_issued());
    assert_eq!(client, Certificate::parse(client.der()).unwrap());
}

#[test]
fn a_root_is_a_ca_with_its_version_and_without_authority_key() {
    let ca = authority(KeyAlgorithm::Rsa2048).certificate;
    assert!(ca.is_ca() && ca.is_self_issued());
    assert_eq!(ca.ca_version(), Some((1, 1)));
    assert_eq!(ca.authority_key_id(), None);
    assert!(ca.crl_urls().is_empty() && ca.ocsp_urls().is_empty());
}

#[test]
fn usages_allow_what_they_are_for() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let allowed = |usage| {
        let (certificate, _) = ca.issue(&template("subject", &[2], usage));
        (certificate.is_ca(), certificate.allows_client_auth(), certificate.allows_ocsp_signing())
    };
    assert_eq!(allowed(Usage::Authority), (true, true, false));
    assert_eq!(allowed(Usage::Client), (false, true, false));
    assert_eq!(allowed(Usage::Server), (false, false, false));
    assert_eq!(allowed(Usage::OcspSigner), (false, false, true));
    assert_eq!(allowed(Usage::CrlSigner), (false, true, false));
}

/// The oracle: may a TLS client present it under this root, a day after START?
fn webpki_accepts(der: &[u8], ca: &Certificate, at: Instant) -> bool {
    let root = CertificateDer::from(ca.der());
    let end_entity = CertificateDer::from(der);
    let Ok(certificate) = EndEntityCert::try_from(&end_entity) else { return false };
    let anchors = [anchor_from_trusted_cert(&root).unwrap()];
    let algorithms = webpki::ALL_VERIFICATION_ALGS;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(at.as_secs() as u64));
    let usage = KeyUsage::client_auth();
    certificate.verify_for_usage(algorithms, &anchors, &[], time, usage, None, None).is_ok()
}

#[test]
fn webpki_agrees_on_every_usage_key_and_validity() {
    for kind in kinds() {
        let ca = authority(kind);
        for usage in [Usage::Client, Usage::Server, Usage::OcspSigner] {
            let (certificate, _) = ca.issue(&template("subject", &[2], usage));
            for days in [-1, 1, 366] {
                let at = START + Span::from_days(days);
                let ours = certificate.allows_client_auth()
                    && (certificate.not_before()..=certificate.not_after()).contains(&at)
                    && Verifier::new().verify_certificate(&certificate, &ca.certificate);
                let theirs = webpki_accepts(certificate.der(), &ca.certificate, at);
                assert_eq!(ours, theirs, "{kind:?} {usage:?} {days}");
                assert_eq!(ours, usage == Usage::Client && days == 1);
            }
        }
    }
}

#[test]
fn webpki_finds_the_host_names_and_addresses() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let mut template = template("web", &[2], Usage::Server);
    template.dns_names = ["web.corp.example", "127.0.0.1", "::1"].map(String::from).to_vec();
    let (server, _) = ca.issue(&template);
    let der = CertificateDer::from(server.der());
    let certificate = EndEntityCert::try_from(&der).unwrap();
    for (name, valid) in
        [("web.corp.example", true), ("127.0.0.1", true), ("::1", true), ("x", false)]
    {
        let subject = rustls_pki_types::ServerName::try_from(name).unwrap();
        assert_eq!(certificate.verify_is_valid_for_subject_name(&subject).is_ok(), valid, "{name}");
    }
}

#[test]
fn what_cannot_be_issued_is_said() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let other = named_authority(KeyAlgorithm::EcdsaP256, "OTHER-CA");
    let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), "key");
    let good = template("subject", &[2], Usage::Client);
    let mut told = String::new();
    let mut tell = |template: &CertificateTemplate, public_key_info: &[u8], issuer: &Issuer<'_>| {
        let refusal = template.issue(public_key_info, issuer).unwrap_err();
        told.push_str(&format!("{refusal}\n"));
    };
    let issuer = Issuer::Certificate(&ca.certificate, &ca.key);
    for serial in [vec![0, 0], vec![1; 21]] {
        let template = CertificateTemplate { serial, ..good.clone() };
        tell(&template, key.public_key_info(), &issuer);
    }
    let template = CertificateTemplate { dns_names: vec!["bücher".to_owned()], ..good.clone() };
    tell(&template, key.public_key_info(), &issuer);
    tell(&good, b"no key", &issuer);
    tell(&good, key.public_key_info(), &Issuer::Certificate(&ca.certificate, &other.key));
    tell(&good, key.public_key_info(), &Issuer::Itself(&other.key));
    insta::assert_snapshot!(told, @r"
    the serial number has 0 octets without leading zeros; it must have 1 to 20
    the serial number has 21 octets without leading zeros; it must have 1 to 20
    host name `bücher` must be written in ASCII (`xn--…`)
    the key to be certified cannot be read
    the signing key is not the key of issuer `CN=XXX-CA`
    the signing key is not the key of issuer `CN=subject`
    ");
}

/// The certificate with the last arc of this extension's OID changed to 99.
fn renamed(certificate: &Certificate, oid: const_oid::ObjectIdentifier) -> Certificate {
    let oid = encode::oid(oid);
    let mut der = certificate.der().to_vec();
    let at = der.windows(oid.len()).position(|window| window == oid).unwrap();
    der[at + oid.len() - 1] = 99;
    Certificate::parse(&der).unwrap()
}

#[test]
fn an_unknown_extension_is_remembered_if_it_is_critical() {
    use const_oid::db::rfc5280::{ID_CE_KEY_USAGE, ID_PE_AUTHORITY_INFO_ACCESS};
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let (client, _) = ca.issue(&template("subject", &[2], Usage::Client));
    let harmless = renamed(&client, ID_PE_AUTHORITY_INFO_ACCESS);
    assert_eq!(harmless.unknown_critical(), None);
    assert!(harmless.ocsp_urls().is_empty());
    assert_eq!(renamed(&client, ID_CE_KEY_USAGE).unknown_critical(), Some("2.5.29.99"));
}

/// A raw extension.
fn raw(oid: &str, critical: bool, value: &[u8]) -> CertificateExtension {
    CertificateExtension { oid: oid.parse().unwrap(), critical, value: value.to_vec() }
}

#[test]
fn a_raw_extension_is_added_or_takes_the_place_of_the_usual_one() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let issue = |extension: CertificateExtension| {
        let extras =
            CertificateExtras { extensions: vec![extension], ..CertificateExtras::default() };
        let issuer = Issuer::Certificate(&ca.certificate, &ca.key);
        let template = template("subject", &[2], Usage::Client);
        template.issue_with(&extras, ca.key.public_key_info(), &issuer)
    };
    assert_eq!(issue(raw("1.2.3", false, &[])).unwrap().unknown_critical(), None);
    assert_eq!(issue(raw("1.2.3", true, &[])).unwrap().unknown_critical(), Some("1.2.3"));
    let other = issue(raw("2.5.29.14", false, &[4, 1, 7])).unwrap();
    assert_eq!(other.subject_key_id(), Some([7].as_slice()));
    assert_eq!(other.authority_key_id(), ca.certificate.subject_key_id());
    let bad = raw("2.5.29.14", false, &[5, 0]);
    assert!(bad.check().is_err() && raw("1.2.3", false, &[9]).check().is_ok());
    assert!(matches!(issue(bad), Err(IssueError::Unreadable(_))));
}

#[test]
fn extras_without_anything_change_nothing() {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let template = template("subject", &[2], Usage::OcspSigner);
    let issuer = Issuer::Certificate(&ca.certificate, &ca.key);
    let extras = CertificateExtras { ocsp_no_check: true, ..CertificateExtras::default() };
    let key = ca.key.public_key_info();
    assert_eq!(template.issue(key, &issuer), template.issue_with(&extras, key, &issuer));
}

#[test]
fn ca_certificates_are_the_same_bytes_in_every_run() {
    let golden: String = KeyAlgorithm::NAMES
        .into_iter()
        .map(|(name, kind)| {
            let der = authority(kind).certificate.der().to_vec();
            format!("{name} {}\n", digest::hex(&digest::sha256(&der)))
        })
        .collect();
    insta::assert_snapshot!(golden, @r"
    p256 df5dcffb7b3f7c1fddd199eb19049965ac9948264c317b2c2c6214913ddd5350
    p384 c5200aab89849b238c8dcbd933df7360549e8bc641a9df36487c16a6195c85c1
    ed25519 251411fb5ebb939c9e78bbef5cdf8a91880c79bdef9b2b9202bfa8141265bea7
    rsa2048 d83fe0822f9e98546ca6dcef7d099d56cc983395ea2a300dcffe02d92bf82b74
    rsa3072 8fdbc0f00768bb34bf4cc53dc06d44754d5127ede41330a77fb2c6b59224b790
    rsa4096 e378f27cc28bff34f3207b4a1a0246f9d3b10cb509e8e5055c01263b64758942
    rsa-pss 52ea23b95b70db7deed1e7bbc9dbc99ee61137af38245f32e98736a917b05d53
    ");
}

#[test]
fn the_pem_form_holds_the_der() {
    let ca = authority(KeyAlgorithm::EcdsaP256).certificate;
    let text = ca.pem();
    assert!(text.starts_with("-----BEGIN CERTIFICATE-----\n"));
    assert_eq!(pem::decode(&text).unwrap(), ca.der());
    assert_eq!(Certificate::parse_pem(&format!("{text}{text}")).unwrap(), [ca.clone(), ca]);
    assert!(Certificate::parse_pem(&pem::encode("CERTIFICATE", b"x")).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn validity_and_serial_survive_the_round_trip(
        serial in serials(), not_before in seconds(), not_after in seconds(),
    ) {
        let ca = authority(KeyAlgorithm::EcdsaP256);
        let template = CertificateTemplate {
            not_before,
            not_after,
            ..template("subject", &serial, Usage::Client)
        };
        let (certificate, _) = ca.issue(&template);
        prop_assert_eq!(certificate.serial(), serial);
        prop_assert_eq!(certificate.not_before(), not_before);
        prop_assert_eq!(certificate.not_after(), not_after);
    }

    #[test]
    fn any_text_can_be_parsed_as_a_certificate_without_panic(bytes: Vec<u8>) {
        prop_assert!(Certificate::parse(&bytes).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_spoilt_certificate_is_malformed_or_does_not_verify(spoiling in spoiling()) {
        let ca = authority(KeyAlgorithm::EcdsaP256);
        let (client, _) = ca.issue(&template("subject", &[2], Usage::Client));
        let spoilt = spoil(client.der(), spoiling);
        if let Ok(certificate) = Certificate::parse(&spoilt) {
            prop_assert!(!Verifier::new().verify_certificate(&certificate, &ca.certificate));
        }
        prop_assert!(!webpki_accepts(&spoilt, &ca.certificate, START + Span::from_days(1)));
    }
}
