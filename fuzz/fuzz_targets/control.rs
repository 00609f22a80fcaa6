//! Requests to the control API of `revlab serve`: each is a command or a problem with its status.
#![no_main]

use libfuzzer_sys::fuzz_target;
use revlab::serve::control;

fuzz_target!(|input: (&str, &str, &[u8])| {
    let (method, target, body) = input;
    if let Err(problem) = control::route(method, target, body) {
        assert!(matches!(problem.status, 400 | 404 | 405 | 413), "{problem:?}");
    }
});
