//! Certificates: as target, as a CA above it and as an anchor.
#![no_main]

mod chain;

use libfuzzer_sys::fuzz_target;
use revlab_pki::Certificate;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(certificate) = Certificate::parse(bytes) {
        let mut evidence = chain::evidence();
        evidence.certificates.push(certificate.clone());
        evidence.anchors.push(certificate.clone());
        chain::judge(&evidence);
        evidence.target = certificate;
        chain::judge(&evidence);
    }
});
