//! The key derivation of RFC 7292 appendix B.

use aws_lc_rs::digest::{Algorithm, digest};

/// The octets that a hash takes in at a time: SHA-1 and SHA-256 alike.
const BLOCK: usize = 64;

/// What derived octets are for (RFC 7292 §B.3).
#[derive(Clone, Copy, Debug)]
pub(super) enum For {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

/// A password as PKCS #12 hashes it: UTF-16, big-endian, with a zero behind it (RFC 7292 §B.1).
pub(super) fn bmp_string(password: &str) -> Vec<u8> {
    password.encode_utf16().chain([0]).flat_map(u16::to_be_bytes).collect()
}

/// Derives `N` octets from a password.
pub(super) fn derive<const N: usize>(
    hash: &'static Algorithm,
    purpose: For,
    password: &str,
    salt: &[u8],
    iterations: u32,
) -> [u8; N] {
    let mut input = [stretched(salt), stretched(&bmp_string(password))].concat();
    let mut out = Vec::with_capacity(N + hash.output_len());
    while out.len() < N {
        let first = [[purpose as u8; BLOCK].as_slice(), &input].concat();
        let mut round = digest(hash, &first);
        for _ in 1..iterations {
            round = digest(hash, round.as_ref());
        }
        out.extend_from_slice(round.as_ref());
        let addend: Vec<u8> = round.as_ref().iter().copied().cycle().take(BLOCK).collect();
        for block in input.chunks_mut(BLOCK) {
            add_and_one(block, &addend);
        }
    }
    let mut octets = [0; N];
    for (to, from) in octets.iter_mut().zip(out) {
        *to = from;
    }
    octets
}

/// `bytes` over and over, up to a whole number of blocks; nothing stays nothing.
fn stretched(bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len().div_ceil(BLOCK) * BLOCK;
    bytes.iter().copied().cycle().take(length).collect()
}

/// Adds two big-endian numbers of one length, and one; what overflows is dropped.
fn add_and_one(block: &mut [u8], addend: &[u8]) {
    let mut carry = 1u16;
    for (octet, other) in block.iter_mut().zip(addend).rev() {
        carry += u16::from(*octet) + u16::from(*other);
        *octet = carry as u8;
        carry >>= 8;
    }
}
