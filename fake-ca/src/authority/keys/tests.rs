use std::collections::BTreeMap;

use revlab_lab::Seed;
use revlab_lab::http::Request;
use revlab_lab::trace::Purpose;
use revlab_pki::{CertId, CertStatus, Crl, KeyAlgorithm, OcspResponse, Usage, Verifier};

use super::*;
use crate::authority::Order;
use crate::config::{CaConfig, CrlSigner, Publishing, Renewal};
use crate::sample::{self, START};
use crate::web_site::Content;

const DAY: Span = Span::from_days(1);

fn days(ago: i64, new_key: bool) -> Renewal {
    Renewal { ago: Span::from_days(ago), new_key }
}

fn renewed(renewals: &[Renewal]) -> CaConfig {
    CaConfig { key_index: 0, renewed: renewals.to_vec(), ..sample::issuing() }
}

fn authority(config: CaConfig) -> Authority {
    Authority::new(config, None, Seed(1), START).unwrap()
}

fn issue(ca: &mut Authority, by: usize, common_name: &str) -> Certificate {
    let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), common_name);
    let (life, usage) = (ca.life_by(by), Usage::Client);
    let order = Order { common_name, usage, dns_names: &[], life, ocsp: None, ca_version: None };
    ca.issue_by(by, &order, &key).unwrap()
}

/// The CRLs on the site by the name of their file.
fn lists(ca: &Authority) -> BTreeMap<String, Crl> {
    let files = ca.files().into_iter().filter(|file| file.content == Content::Crl);
    let name = |path: &str| path.trim_start_matches("/CertEnroll/").to_owned();
    files.map(|file| (name(&file.path), Crl::parse(&file.bytes).unwrap())).collect()
}

/// The table of Microsoft's page "Certification Authority Renewal" (fact sheet §4.4).
#[test]
fn indexes_and_file_names_are_those_of_ad_cs() {
    let new_keys = [true, false, false, true, false, true, false];
    let ago = |n: usize| 20 - i64::try_from(n).unwrap();
    let all: Vec<_> = new_keys.iter().enumerate().map(|(n, new)| days(ago(n), *new)).collect();
    for (count, version) in
        [(1, 1), (2, 1), (3, 1), (4, 4), (5, 4), (6, 6), (7, 6)].into_iter().enumerate()
    {
        let ca = authority(renewed(&all[..=count]));
        assert_eq!(ca.certificate.ca_version(), Some(version));
        let (certificate, key) = version;
        let crt = format!("/CertEnroll/WIN-MSPRL0T325O_XXX-CA({certificate}).crt");
        assert_eq!(ca.locations.certificate_path, crt);
        let newest = &lists(&ca)[&format!("XXX-CA({key}).crl")];
        assert_eq!(newest.ca_version(), Some(version));
        assert!(Verifier::new().verify_crl(newest, &ca.certificate));
        assert_eq!(ca.older_files().len(), count + 1);
        assert_eq!(ca.older_files()[0].path, "/CertEnroll/WIN-MSPRL0T325O_XXX-CA.crt");
    }
    let names: Vec<_> = lists(&authority(renewed(&all))).into_keys().collect();
    let keys = ["XXX-CA", "XXX-CA(1)", "XXX-CA(4)", "XXX-CA(6)"];
    let mut expected: Vec<_> =
        keys.iter().flat_map(|key| [format!("{key}.crl"), format!("{key}+.crl")]).collect();
    expected.sort();
    assert_eq!(names, expected);
}

#[test]
fn each_key_lists_what_it_has_signed_and_signs_that_itself() {
    let mut ca = authority(renewed(&[days(10, true)]));
    let (old, new) = (issue(&mut ca, 0, "old"), issue(&mut ca, 1, "new"));
    let former = ca.former()[0].clone();
    assert_ne!(former.public_key_info(), ca.certificate.public_key_info());
    for (certificate, issuer, suffix) in [(&old, &former, ""), (&new, &ca.certificate, "(1)")] {
        assert!(Verifier::new().verify_certificate(certificate, issuer));
        assert_eq!(certificate.authority_key_id(), issuer.subject_key_id());
        let crl = format!("http://win-msprl0t325o/CertEnroll/XXX-CA{suffix}.crl");
        assert_eq!(certificate.crl_urls()[0].as_str(), crl);
        let crt = format!("http://win-msprl0t325o/CertEnroll/WIN-MSPRL0T325O_XXX-CA{suffix}.crt");
        assert_eq!(certificate.issuer_urls()[0].as_str(), crt);
        assert_eq!(ca.issuer_of(certificate), issuer);
    }
    assert_eq!(old.not_before(), ca.certificate.not_before() - DAY);
    assert_eq!(new.not_before(), ca.certificate.not_before());
    ca.revoke(START, old.serial(), Some(1));
    ca.revoke(START, new.serial(), Some(4));
    ca.publish_now(START, true);
    let lists = lists(&ca);
    let (first, second) = (&lists["XXX-CA.crl"], &lists["XXX-CA(1).crl"]);
    assert!(Verifier::new().verify_crl(first, &former));
    assert!(Verifier::new().verify_crl(second, &ca.certificate));
    assert!(first.find(old.serial()).is_some() && first.find(new.serial()).is_none());
    assert!(second.find(new.serial()).is_some() && second.find(old.serial()).is_none());
    assert_eq!(first.number(), second.number());
    assert_eq!(first.ca_version(), Some((0, 0)));
}

#[test]
fn renewal_with_the_same_key_keeps_its_crl_and_replaces_its_certificate() {
    let mut ca = authority(renewed(&[days(10, false)]));
    let former = ca.former()[0].clone();
    assert_eq!(former.public_key_info(), ca.certificate.public_key_info());
    assert_ne!(former, ca.certificate);
    assert_ne!(former.serial(), ca.certificate.serial());
    assert_eq!(ca.certificate.ca_version(), Some((1, 0)));
    assert_eq!(lists(&ca).into_keys().collect::<Vec<_>>(), ["XXX-CA+.crl", "XXX-CA.crl"]);
    let client = issue(&mut ca, 0, "client");
    assert!(client.issuer_urls()[0].as_str().ends_with("_XXX-CA(1).crt"));
    assert!(client.crl_urls()[0].as_str().ends_with("/XXX-CA.crl"));
}

#[test]
fn a_renewed_certificate_bears_the_hash_of_the_one_before() {
    let ca = authority(renewed(&[days(10, true)]));
    let extension = CertificateExtension::previous_certificate(&ca.former()[0]);
    let der = ca.certificate.der();
    assert_eq!(extension.value.len(), 22);
    assert!(der.windows(22).any(|octets| octets == extension.value));
    assert!(!ca.former()[0].der().windows(22).any(|octets| octets == extension.value));
}

#[test]
fn during_the_run_a_new_key_brings_its_crl_and_the_old_one_goes_on_until_it_expires() {
    let life = Span::from_days(31);
    let mut ca = authority(CaConfig { lifetime: life, ..renewed(&[]) });
    let client = issue(&mut ca, 0, "client");
    let number = |ca: &Authority, list: &str| lists(ca).get(list).and_then(Crl::number);
    let before = number(&ca, "XXX-CA.crl").unwrap();
    let noon = START + Span::from_hours(12);
    while ca.next_due().is_some_and(|due| due < noon) {
        ca.publish_next();
    }
    ca.renew_now(noon, true, None);
    let later = number(&ca, "XXX-CA(1).crl").unwrap();
    assert!(later > before);
    assert_eq!(number(&ca, "XXX-CA.crl"), Some(later));
    let old = &lists(&ca)["XXX-CA.crl"];
    assert!(Verifier::new().verify_crl(old, &ca.former()[0]));
    ca.revoke(noon, client.serial(), None);
    let end = ca.former()[0].not_after();
    while ca.next_due().is_some_and(|due| due < end + DAY) {
        ca.publish_next();
    }
    let (old, new) = (&lists(&ca)["XXX-CA.crl"], &lists(&ca)["XXX-CA(1).crl"]);
    assert!(old.find(client.serial()).is_some() && new.find(client.serial()).is_none());
    assert_eq!(old.next_update(), Some(end), "no CRL outlives the certificate of its key");
    assert!(new.this_update() > end);
    ca.renew_now(end + DAY, false, None);
    assert_eq!(ca.certificate.ca_version(), Some((2, 1)));
    assert_eq!(ca.former().len(), 2);
}

#[test]
fn a_subordinate_is_renewed_by_the_key_that_its_parent_had_then() {
    let mut root = authority(CaConfig { renewed: vec![days(20, true)], ..sample::root() });
    let config = CaConfig {
        parent: Some("root".into()),
        ..renewed(&[days(25, true), days(15, false), days(10, true)])
    };
    let ca = Authority::new(config, Some(&mut root), Seed(1), START).unwrap();
    let all: Vec<_> = ca.former().iter().chain([&ca.certificate]).collect();
    let (before, after) = (&root.former()[0], &root.certificate);
    for (certificate, issuer) in all.into_iter().zip([before, before, after, after]) {
        assert!(Verifier::new().verify_certificate(certificate, issuer));
        assert_eq!(root.issuer_of(certificate), issuer);
    }
    assert_eq!(
        ca.certificate.crl_urls()[0].as_str(),
        "http://pki.example/CertEnroll/Root%20CA(1).crl"
    );
}

#[test]
fn the_responder_speaks_for_each_key_with_that_key() {
    let mut config = sample::with_responder("http://ocsp.example/ocsp");
    (config.key_index, config.renewed) = (0, vec![days(10, true)]);
    let mut ca = authority(config);
    for (by, name) in [(0, "old"), (1, "new")] {
        let client = issue(&mut ca, by, name);
        let issuer = ca.issuer_of(&client).clone();
        let id = CertId::new(&client, &issuer);
        let asked = revlab_pki::OcspRequest::of(id.clone());
        let url = "http://ocsp.example/ocsp".parse().unwrap();
        let (reply, _) = ca.respond(START, &url, &asked, &[], &Request::get(url.clone()));
        let response = OcspResponse::parse(&reply.body).unwrap();
        assert!(Verifier::new().verify_ocsp(&response, &issuer));
        assert_eq!(response.find(&id).unwrap().status, CertStatus::Good);
    }
}

#[test]
fn each_key_has_a_signer_of_crls_of_its_own() {
    let signer = Some(CrlSigner::default());
    let publishing = Publishing { signer, ..Publishing::default() };
    let ca = authority(CaConfig { publishing, ..renewed(&[days(10, true)]) });
    let signers: Vec<_> =
        ca.keys.iter().map(|key| key.signer.clone().unwrap().certificate).collect();
    let issuers = [&ca.former()[0], &ca.certificate];
    for (n, list) in ["XXX-CA.crl", "XXX-CA(1).crl"].iter().enumerate() {
        assert!(Verifier::new().verify_crl(&lists(&ca)[*list], &signers[n]));
        assert!(Verifier::new().verify_certificate(&signers[n], issuers[n]));
    }
    assert_ne!(signers[0].public_key_info(), signers[1].public_key_info());
    assert_ne!(signers[0].serial(), signers[1].serial());
}

#[test]
fn the_crt_without_suffix_is_a_real_one_of_an_older_key() {
    let ca = authority(sample::issuing());
    let [older] = &ca.older_files()[..] else { panic!("one file") };
    let relic = Certificate::parse(&older.bytes).unwrap();
    assert_eq!(relic.subject(), ca.certificate.subject());
    assert_ne!(relic.public_key_info(), ca.certificate.public_key_info());
    assert_ne!(relic.serial(), ca.certificate.serial());
    assert_eq!(relic.ca_version(), Some((0, 0)));
    assert_eq!(relic.not_after(), ca.certificate.not_before());
    let request = Request::get(format!("http://win-msprl0t325o{}", older.path).parse().unwrap());
    assert_eq!(ca.locations.older_file(&request), Some(&older.path));
    assert_eq!(ca.locations.file(&request), None::<Purpose>);
}
