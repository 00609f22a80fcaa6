//! PEM (RFC 7468).

use der::pem::{LineEnding, decode_vec, encode_string};

/// `-----BEGIN label-----` and so on, with a line feed at each line's end.
pub(crate) fn encode(label: &'static str, der: &[u8]) -> String {
    encode_string(label, LineEnding::LF, der).expect("labels are constants and bytes fit in memory")
}

/// The bytes in the first PEM block; `None` where `text` is not PEM.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    decode_vec(text.as_bytes()).ok().map(|(_, der)| der)
}
