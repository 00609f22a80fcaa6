//! GnuPG's dirmngr: CRL and OCSP. It reads its trusted certificates from `/etc/gnupg` alone, so it
//! runs where `/etc` is a folder of the test: in a mount namespace of its own, and in a process
//! namespace that ends with it. RSA only: it cannot verify ECDSA.

use std::fs;

use revlab_pki::KeyAlgorithm;
use revlab_tests::live_ca::LiveCa;
use revlab_tests::program::{program, run, skipped};

const SCRIPT: &str = r#"
mount --bind etc /etc || exit 1
export GNUPGHOME="$PWD/home"
dirmngr --daemon > /dev/null || exit 1
for name in good revoked held late; do
    echo "$name by CRL: $(dirmngr-client --validate --pem $name.pem 2>&1)"
    echo "$name by OCSP: $(dirmngr-client --ocsp --pem $name.pem 2>&1)"
done
"#;

#[test]
fn dirmngr_checks_by_list_and_by_ocsp() {
    if program("dirmngr").is_none() || program("dirmngr-client").is_none() {
        return;
    }
    let Some(unshare) = program("unshare") else { return };
    let ca = LiveCa::start(KeyAlgorithm::Rsa2048);
    let inside = "--user --map-root-user --mount --pid --fork --kill-child";
    if !run(&unshare, ca.path(), &format!("{inside} true")).ok {
        let _: Option<()> = skipped("unshare may not make namespaces here");
        return;
    }
    let root = ca.path().join("etc/gnupg");
    for folder in [root.join("trusted-certs"), root.join("extra-certs"), ca.path().join("home")] {
        fs::create_dir_all(folder).unwrap();
    }
    ca.write("etc/gnupg/trusted-certs/root.crt", ca.authority("root").0.der());
    ca.write("etc/gnupg/extra-certs/issuing.crt", ca.authority("issuing").0.der());
    // Without a resolver's file it does not even take addresses.
    ca.write("etc/resolv.conf", "nameserver 127.0.0.1\n");
    ca.write("etc/hosts", "127.0.0.1 localhost\n");
    ca.write("home/dirmngr.conf", "allow-ocsp\ndisable-ldap\n");
    ca.write("script.sh", SCRIPT);
    let said = run(&unshare, ca.path(), &format!("{inside} sh script.sh"));
    // It does not know deltas: `late` is good by list.
    insta::assert_snapshot!(said.text.replace("dirmngr-client: ", ""), @r"
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
