//! OCSP requests as they come over POST and GET: whatever is read is written and read again as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use revlab_pki::OcspRequest;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(request) = OcspRequest::parse(bytes) {
        let again = OcspRequest::parse(&request.der()).expect("what was written can be read");
        assert_eq!(again, request);
    }
    if let Ok(path) = std::str::from_utf8(bytes) {
        let _ = OcspRequest::from_path(path);
    }
});
