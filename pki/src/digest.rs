//! SHA-1 and SHA-256.
//!
//! SHA-1 only where the formats ask for it: key identifiers (RFC 5280 §4.2.1.2), CertIDs
//! (RFC 5019 §2.1.1) and thumbprints as Windows shows them.

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

pub(crate) fn sha1(bytes: &[u8]) -> [u8; 20] {
    fixed(&SHA1_FOR_LEGACY_USE_ONLY, bytes)
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    fixed(&SHA256, bytes)
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn fixed<const N: usize>(algorithm: &'static Algorithm, bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    for (to, from) in out.iter_mut().zip(digest(algorithm, bytes).as_ref()) {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_fips_180_4() {
        assert_eq!(hex(&sha1(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(
            hex(&sha256(b"abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
