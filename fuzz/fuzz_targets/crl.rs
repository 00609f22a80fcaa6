//! CRLs: read, and asked about a client.
#![no_main]

mod chain;

use libfuzzer_sys::fuzz_target;
use revlab_pki::Crl;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(crl) = Crl::parse(bytes) {
        let mut evidence = chain::evidence();
        evidence.crls = vec![crl.clone(), crl];
        chain::judge(&evidence);
    }
});
