//! OCSP responses: read, and asked about a client.
#![no_main]

mod chain;

use libfuzzer_sys::fuzz_target;
use revlab_pki::OcspResponse;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(response) = OcspResponse::parse(bytes) {
        let mut evidence = chain::evidence();
        evidence.ocsp.push(response);
        chain::judge(&evidence);
    }
});
