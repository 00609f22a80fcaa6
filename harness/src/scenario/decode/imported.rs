//! Keys `certificate` and `private_key` of `[ca.NAME]`: a CA that exists already.

use std::path::Path;

use revlab_fake_ca::config::Imported;
use revlab_pki::{Certificate, KeyPair};

use super::super::source::read_text;
use super::super::tree::{Table, Value, shortened};
use super::context::Context;
use super::fields::Fields;

/// What the two files hold, if they are named and fit together.
pub(super) fn decode(ca: &Fields<'_>) -> Option<Imported> {
    let (certificate, key) = (ca.has("certificate"), ca.has("private_key"));
    if !certificate && !key {
        return None;
    }
    ca.require("certificate", "certificate = \"ca.pem\"");
    ca.require("private_key", "private_key = \"ca.key\"");
    for made in ["key_index", "renewed", "lifetime", "not_after", "own"] {
        if ca.has(made) {
            ca.report(made, "`certificate` decides it");
        }
    }
    let chain = chain(ca);
    let key = file(ca, "private_key").and_then(|text| {
        KeyPair::from_pem(&text).map_err(|error| ca.report("private_key", error)).ok()
    });
    let ((certificate, above), key) = (chain?, key?);
    if certificate.public_key_info() != key.public_key_info() {
        ca.report("private_key", "it is not the key of `certificate`");
        return None;
    }
    Some(Imported { certificate, above, key })
}

/// The certificate and those above it.
fn chain(ca: &Fields<'_>) -> Option<(Certificate, Vec<Certificate>)> {
    let text = file(ca, "certificate")?;
    let report = |what: &str| ca.report("certificate", what);
    let found = match Certificate::parse_pem(&text) {
        Ok(found) => found,
        Err(error) => {
            report(&format!("a certificate in it cannot be read: {error}"));
            return None;
        }
    };
    let mut found = found.into_iter();
    let Some(certificate) = found.next() else {
        report("there is no certificate in PEM in it");
        return None;
    };
    let above: Vec<_> = found.collect();
    if !certificate.is_ca() {
        report("its first certificate is not a CA's (RFC 5280 §4.2.1.9)");
        return None;
    }
    let last = above.last().unwrap_or(&certificate);
    if !ca.has("parent") && !last.is_self_issued() {
        let issuer = last.issuer();
        report(&format!(
            "the chain in it ends below `{issuer}`: put the certificates up to the root behind it"
        ));
        return None;
    }
    Some((certificate, above))
}

/// The tree with the paths of such files from the root on: so it can be read again from anywhere.
pub(super) fn absolute(cx: &Context, tree: &Table) -> Table {
    let mut absolute = tree.clone();
    for (actors, key, is_path) in PATHS {
        let names: Vec<String> =
            tree.table(actors).into_iter().flat_map(Table::keys).map(str::to_owned).collect();
        for name in names {
            let Some(actor) = absolute.table_mut(actors).and_then(|all| all.table_mut(&name))
            else {
                continue;
            };
            make_absolute(cx, actor, key, is_path);
            if let Some(keystore) = actor.table_mut("keystore") {
                make_absolute(cx, keystore, "file", |_| true);
            }
        }
    }
    absolute
}

fn make_absolute(cx: &Context, table: &mut Table, key: &str, is_path: When) {
    let Some(entry) = table.get(key) else { return };
    let Value::Text(path) = &entry.node.value else { return };
    let whole = std::path::absolute(cx.folder(entry.node.place).join(path));
    if let Some(whole) = whole.ok().filter(|_| is_path(path)) {
        table.put(key, Value::Text(whole.display().to_string()));
    }
}

/// Which keys of which actors name files, and when.
const PATHS: [(&str, &str, When); 4] = [
    ("clients", "csv", |_| true),
    ("ca", "certificate", |_| true),
    ("ca", "private_key", |_| true),
    ("sut", "profile", super::profile::is_file),
];

/// Whether a text is the path of a file.
type When = fn(&str) -> bool;

/// The text of the file that `key` names, from the folder of the scenario file on.
fn file(ca: &Fields<'_>, key: &'static str) -> Option<String> {
    let path = ca.text(key)?;
    let folder = ca.cx.folder(ca.place_of(key));
    let read = read_text(&folder.join(Path::new(path)));
    let refused = |why| ca.report(key, format!("`{}` cannot be read: {why}", shortened(path)));
    read.map_err(refused).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use revlab_lab::{Seed, Span};
    use revlab_pki::{CertificateTemplate, DistinguishedName, Issuer, KeyAlgorithm, Usage};

    use super::*;
    use crate::scenario::{Scenario, load};

    /// A folder with a customer's CA.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::seeded(KeyAlgorithm::EcdsaP384, Seed(9), "customer");
        let start: revlab_lab::Instant = "2024-01-01T00:00:00Z".parse().unwrap();
        let template = |name: &str, usage| CertificateTemplate {
            subject: DistinguishedName::parse(name).unwrap(),
            serial: vec![1],
            not_before: start - Span::from_days(2000),
            not_after: start + Span::from_days(2000),
            usage,
            crl_urls: Vec::new(),
            freshest_crl_urls: Vec::new(),
            ocsp_urls: Vec::new(),
            issuer_urls: Vec::new(),
            dns_names: Vec::new(),
            ca_version: Some((2, 1)),
        };
        let root = template("CN=Customer CA,O=Customer", Usage::Authority);
        let root = root.issue(key.public_key_info(), &Issuer::Itself(&key)).unwrap();
        let issuer = Issuer::Certificate(&root, &key);
        let below = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(9), "below");
        let issue = |usage| template("CN=Below", usage).issue(below.public_key_info(), &issuer);
        let (sub, client) = (issue(Usage::Authority).unwrap(), issue(Usage::Client).unwrap());
        for (name, text) in [
            ("ca.pem", root.pem()),
            ("ca.key", key.pkcs8_pem()),
            ("sub.pem", sub.pem()),
            ("chain.pem", format!("{}{}", sub.pem(), root.pem())),
            ("sub.key", below.pkcs8_pem()),
            ("client.pem", client.pem()),
            ("locked.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n".into()),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn read(folder: &Path, ca: &str) -> Result<Vec<Scenario>, String> {
        let text = format!(
            "format = 1\ntitle = \"t\"\nstart = \"2024-01-01T00:00:00Z\"\nduration = \"1d\"\n\
             sut.web = {{}}\nclients.users.every = \"1h\"\n[ca.issuing]\n{ca}"
        );
        let path = folder.join("x.toml");
        fs::write(&path, text).unwrap();
        load(&path).map_err(|errors| {
            errors.lines().join("\n").replace(&folder.display().to_string(), "FOLDER")
        })
    }

    #[test]
    fn the_files_beside_the_scenario_decide_name_key_and_validity() {
        let folder = folder();
        for (certificate, key, name, algorithm) in [
            ("ca.pem", "ca.key", "Customer CA", KeyAlgorithm::EcdsaP384),
            ("chain.pem", "sub.key", "Below", KeyAlgorithm::EcdsaP256),
        ] {
            let lines = format!("certificate = \"{certificate}\"\nprivate_key = \"{key}\"");
            let scenarios = read(folder.path(), &lines).unwrap();
            let ca = &scenarios[0].cas["issuing"];
            assert_eq!((ca.common_name.as_str(), ca.key), (name, algorithm));
            assert_eq!(ca.key_index, 1);
            assert!(ca.imported.is_some());
            // What a run keeps of its scenario can be read from another folder.
            let again = crate::scenario::from_text("again", &scenarios[0].resolved).unwrap();
            assert_eq!(again[0].cas, scenarios[0].cas);
        }
    }

    #[test]
    fn files_that_do_not_fit_are_mistakes_where_they_are_named() {
        let folder = folder();
        let mut told = String::new();
        for lines in [
            "certificate = \"ca.pem\"",
            "certificate = \"ca.pem\"\nprivate_key = \"sub.key\"",
            "certificate = \"none.pem\"\nprivate_key = \"locked.key\"",
            "certificate = \"ca.key\"\nprivate_key = \"ca.pem\"",
            "certificate = \"client.pem\"\nprivate_key = \"sub.key\"",
            "certificate = \"sub.pem\"\nprivate_key = \"sub.key\"\nlifetime = \"1d\"",
        ] {
            told.push_str(&read(folder.path(), lines).unwrap_err());
            told.push('\n');
        }
        insta::assert_snapshot!(told, @r#"
        FOLDER/x.toml:7:5: CA `issuing` needs `private_key`; such as `private_key = "ca.key"`
        FOLDER/x.toml:9:15: `private_key` of CA `issuing`: it is not the key of `certificate`
        FOLDER/x.toml:8:15: `certificate` of CA `issuing`: `none.pem` cannot be read: there is no such file
        FOLDER/x.toml:9:15: `private_key` of CA `issuing`: its private key is encrypted; `openssl pkey -in FILE -out PLAIN` takes that off
        FOLDER/x.toml:8:15: `certificate` of CA `issuing`: there is no certificate in PEM in it
        FOLDER/x.toml:9:15: `private_key` of CA `issuing`: there is no private key in PEM in it
        FOLDER/x.toml:8:15: `certificate` of CA `issuing`: its first certificate is not a CA's (RFC 5280 §4.2.1.9)
        FOLDER/x.toml:8:15: `certificate` of CA `issuing`: the chain in it ends below `CN=Customer CA,O=Customer`: put the certificates up to the root behind it
        FOLDER/x.toml:10:12: `lifetime` of CA `issuing`: `certificate` decides it
        "#);
    }
}
