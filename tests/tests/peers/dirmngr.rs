//! GnuPG's dirmngr: CRL and OCSP. It reads its trusted certificates from `/etc/gnupg` alone, so it
//! runs where `/etc` is a folder of the test: in a mount namespace of its own, and in a process
//! namespace that ends with it. RSA only: it cannot verify ECDSA.

use std::fs;

use revlab_pki::KeyAlgorithm;
use revlab_tests::live_ca::LiveCa;
use revlab_tests::program::{program, run, skipped};

const BEGIN: &str = r#"mount --bind etc /etc || exit 1
ask() {
    export GNUPGHOME="$PWD/$1"
    mkdir -p "$1" && cp dirmngr.conf "$1" || exit 1
    test -d "$1/crls.d" || dirmngr --daemon > /dev/null || exit 1
    dirmngr-client $2 --pem "$3.pem" 2>&1
}
"#;

/// Whether dirmngr can be run, with a note where not.
pub(crate) fn is_there() -> bool {
    let programs = ["dirmngr", "dirmngr-client", "unshare"];
    if !programs.into_iter().all(|name| program(name).is_some()) {
        return false;
    }
    let may = program("unshare").is_some_and(|unshare| {
        run(&unshare, std::path::Path::new("."), &format!("{INSIDE} true")).ok
    });
    may || skipped::<()>("unshare may not make namespaces here").is_some()
}

const INSIDE: &str = "--user --map-root-user --mount --pid --fork --kill-child";

/// What dirmngr answers to each question: a memory of its own by name, `--validate` for the CRL or
/// `--ocsp`, and the certificate's file without `.pem`. Of one memory there is one daemon.
pub(crate) fn answers(ca: &LiveCa, questions: &[(&str, &str, String)]) -> Vec<String> {
    let unshare = program("unshare").expect("looked for before");
    let gnupg = ca.path().join("etc/gnupg");
    for folder in ["trusted-certs", "extra-certs"] {
        fs::create_dir_all(gnupg.join(folder)).expect("a folder");
    }
    ca.write("etc/gnupg/trusted-certs/root.crt", ca.authority("root").0.der());
    ca.write("etc/gnupg/extra-certs/issuing.crt", ca.authority("issuing").0.der());
    // Without a resolver's file it does not even take addresses.
    ca.write("etc/resolv.conf", "nameserver 127.0.0.1\n");
    ca.write("etc/hosts", "127.0.0.1 localhost\n");
    ca.write("dirmngr.conf", "allow-ocsp\ndisable-ldap\n");
    let ask = |(memory, way, file): &(&str, &str, String)| {
        format!("ask 'memory-{memory}' {way} '{file}' || true\n")
    };
    ca.write("script.sh", BEGIN.to_owned() + &questions.iter().map(ask).collect::<String>());
    let said = run(&unshare, ca.path(), &format!("{INSIDE} sh script.sh"));
    let answers = said.text.lines().filter_map(|line| line.strip_prefix("dirmngr-client: "));
    let answers: Vec<String> = answers.map(str::to_owned).collect();
    assert_eq!(answers.len(), questions.len(), "{}", said.text);
    answers
}

#[test]
fn dirmngr_checks_by_list_and_by_ocsp() {
    if !is_there() {
        return;
    }
    let ca = LiveCa::start(KeyAlgorithm::Rsa2048);
    let mut questions = Vec::new();
    for name in ["good", "revoked", "held", "late"] {
        for way in ["--validate", "--ocsp"] {
            questions.push(("one", way, name.to_owned()));
        }
    }
    let answers = answers(&ca, &questions);
    let told = questions.iter().zip(answers).map(|((_, way, name), said)| {
        let way = if *way == "--ocsp" { "OCSP" } else { "CRL" };
        format!("{name} by {way}: {said}\n")
    });
    // It does not know deltas: `late` is good by list.
    insta::assert_snapshot!(told.collect::<String>(), @r"
    good by CRL: certificate is valid
    good by OCSP: certificate is valid
    revoked by CRL: validation of certificate failed: Certificate revoked
    revoked by OCSP: certificate has been revoked
    held by CRL: validation of certificate failed: Certificate revoked
    held by OCSP: certificate has been revoked
    late by CRL: certificate is valid
    late by OCSP: certificate has been revoked
    ");
}
