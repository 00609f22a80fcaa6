//! `revlab cache`: what is shown, and what is refused.

use crate::folder::{Folder, GOOD};

/// A folder in which the good scenario was run with `--out out`.
fn ran() -> Folder {
    let folder = Folder::with(&[("good.toml", GOOD)]);
    assert_eq!(folder.revlab(&["run", "good.toml", "--out", "out"]).status, Some(0));
    folder
}

#[test]
fn what_a_run_has_cached_is_shown_with_its_state() {
    let said = ran().revlab(&["cache", "out"]);
    assert_eq!(said.status, Some(0), "{}", said.err);
    insta::assert_snapshot!(said.out, @r#"
    out/good/default/web/cache
    web: its clock showed 2024-03-01T01:00:00.000Z

    systemprofile: 2 objects
      http://issuing/CertEnroll/issuing+.crl
        delta CRL 8 of CN=issuing, 0 certificates listed, 289 bytes, fresh
        thisUpdate 2024-03-01T00:20:00.000Z, nextUpdate 2024-03-01T01:25:00.000Z
        stored 2024-03-01T00:55:00.005Z
        prefetch: none; nothing was tried yet (0)
        ETag "1da6b6f9834f400:8"
        file 579FC2B71C49E6F4ECE63A4B9BE583975A119D4B
      http://issuing/CertEnroll/issuing.crl
        base CRL 7 of CN=issuing, 0 certificates listed, 315 bytes, fresh
        thisUpdate 2024-02-29T23:50:00.000Z, nextUpdate 2024-03-01T01:25:00.000Z
        stored 2024-03-01T00:00:00.005Z
        prefetch: none; nothing was tried yet (0)
        ETag "1da6b6b6752c000:7"
        file A1B6B4E7DF07CEED6344759B5476CD34DBF9DFC1
    "#);
}

#[test]
fn at_another_time_other_objects_are_fresh() {
    let folder = ran();
    let at = |time: &str| {
        let said = folder.revlab(&["cache", "out/good", "--format", "json", "--at", time]);
        let value: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
        let entries = value[0]["accounts"]["systemprofile"]["entries"].as_array().expect("entries");
        let of = |e: &serde_json::Value| format!("{} {}", e["what"], e["state"]).replace('"', "");
        entries.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(at("2024-02-01T00:00:00Z"), ["delta not yet valid", "base not yet valid"]);
    assert_eq!(at("2024-03-01T01:00:00Z"), ["delta fresh", "base fresh"]);
    assert_eq!(at("2024-03-02T00:00:00Z"), ["delta stale", "base stale"]);
}

/// The files are what they say: OpenSSL reads them.
#[test]
fn the_objects_are_der_that_openssl_reads() {
    let Some(openssl) = revlab_tests::program::program("openssl") else { return };
    let folder = ran();
    let content = folder.path("out/good/default/web/cache/systemprofile/Content");
    let files: Vec<_> = std::fs::read_dir(content).expect("the folder").flatten().collect();
    assert_eq!(files.len(), 2);
    for file in files {
        let mut command = std::process::Command::new(&openssl);
        command.args(["crl", "-inform", "der", "-noout", "-in"]).arg(file.path());
        assert!(command.status().expect("it starts").success(), "{file:?}");
    }
}

#[test]
fn a_folder_without_caches_is_refused() {
    let folder = ran();
    for (path, why) in [
        ("nowhere", "error: nowhere cannot be read: No such file or directory"),
        ("out/good/default/web/pki", "error: there are no caches in out/good/default/web/pki"),
    ] {
        let said = folder.revlab(&["cache", path]);
        assert_eq!(said.status, Some(2), "{path}");
        assert!(said.err.starts_with(why), "{}", said.err);
    }
}

#[test]
fn a_spoilt_file_is_named() {
    let folder = ran();
    let cache = folder.path("out/good/default/web/cache");
    let content = cache.join("systemprofile/Content");
    for file in std::fs::read_dir(content).expect("the folder").flatten() {
        std::fs::write(file.path(), "no CRL").expect("it can be written");
    }
    let said = folder.revlab(&["cache", "out"]);
    assert_eq!(said.status, Some(2));
    assert!(said.err.contains("/cache/systemprofile/Content/"), "{}", said.err);
}
