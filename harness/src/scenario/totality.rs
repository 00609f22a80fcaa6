//! The reader is total: whatever a file holds, it is a scenario or a list of mistakes.

use proptest::prelude::*;

use super::mistakes::GOOD;
use super::{decode, from_text};

/// Pieces of scenario files, to be put together in any order.
fn piece() -> impl Strategy<Value = String> {
    let words = [
        "[ca.issuing]",
        "[sut.web]",
        "[clients.jmeter]",
        "[fault.x]",
        "[operation.y]",
        "[expect.z]",
        "[variant.v]",
        "[network]",
        "[variant]",
        "[ca]",
        "on",
        "at",
        "from",
        "until",
        "every",
        "crl",
        "period",
        "attempts",
        "episodes",
        "fetches",
        "order",
        "follows",
        "checks",
        "during",
        "share",
        "outcome",
        "remove",
        "parameters",
        "clock",
        "steps",
        "down",
        "latency",
        "format",
        "title",
        "start",
        "duration",
        " = ",
        " = ",
        " = ",
        "\n",
        "\n",
        "\n",
        "{ ",
        " }",
        "[",
        "]",
        "\"3h\"",
        "\"-1h\"",
        "\"issuing.crl\"",
        "\"jmeter-1\"",
        "\"web\"",
        "\"..\"",
        "\">= \"",
        "\"é\u{7}\"",
        "9223372036854775807",
        "-1",
        "1.5",
        "nan",
        "true",
        "2014-04-16T00:00:00Z",
        "\"2014-04-16T00:00:00Z\"",
        "1979-05-27",
        ".",
        ",",
        "#",
        "'",
        "\"",
    ];
    prop_oneof![proptest::sample::select(words.to_vec()).prop_map(str::to_owned), ".{0,3}"]
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(pieces in proptest::collection::vec(piece(), 0..40)) {
        for text in [pieces.concat(), format!("{GOOD}{}", pieces.concat())] {
            if let Err(errors) = from_text("x", &text) {
                prop_assert!(!errors.diagnostics().is_empty());
                prop_assert_eq!(errors.lines().len(), errors.diagnostics().len());
                prop_assert!(!errors.to_string().is_empty());
            }
        }
    }

    #[test]
    fn no_value_anywhere_makes_the_reader_panic(
        key in proptest::sample::select(decode::specs().iter().flat_map(|s| s.keys).copied().collect::<Vec<_>>()),
        table in proptest::sample::select(vec![
            "ca.issuing", "ca.issuing.crl", "ca.issuing.responder", "sut.web", "clients.jmeter",
            "clients.jmeter.clock", "fault.x", "operation.x.revoke", "expect.x.fetches",
            "expect.x.order", "variant.v",
        ]),
        value in proptest::sample::select(vec![
            "\"\"", "\"-\"", "\"100y\"", "\"36525d\"", "\"-36525d\"", "0", "-1", "[]", "[[]]", "{}",
            "[{ at = \"0s\" }]", "nan", "\"..\"", "\"jmeter-4294967295\"", "\"a.b.c\"", "false",
            "\"2999-12-31T23:59:59Z\"", "9999-12-31T23:59:59Z", "\" per \"", "\"1ms per 36525d\"",
        ]),
    ) {
        let text = format!("{GOOD}[{table}]\n{key} = {value}\n").replace("[ca.issuing]\n[sut", "[sut");
        let _ = from_text("x", &text);
    }
}
