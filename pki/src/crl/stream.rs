//! CRLs of any size, written and signed entry by entry.
//!
//! DER wants each length before the content, and the signature of ECDSA has no fixed length. So
//! the entries are gone through three times: for their length, for their digest, for writing. In
//! memory are one entry and a buffer of [`BUFFER`] octets.

use std::io::{self, Write};

use super::entry::EntryWriter;
use super::{CrlEntry, CrlTemplate, NumberFlaw};
use crate::encode::{self, tag};
use crate::keys::DigestSigner;
use crate::signed::algorithm_identifier;
use crate::{Certificate, KeyPair};

/// So much is put together before it is hashed or written.
const BUFFER: usize = 64 << 10;

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// How many entries the CRL has.
    pub entries: u64,
    /// How many octets.
    pub octets: u64,
}

/// Writes a CRL that lists the entries of `template` and behind them those of `further`, which is
/// asked three times for the same entries. The bytes are those of [`CrlTemplate::sign`] for all
/// entries.
///
/// Ed25519 signs no digests (RFC 8032 §5.1): with such a key what is signed is once in memory.
///
/// # Errors
///
/// What `out` says.
pub fn stream<I: Iterator<Item = CrlEntry>>(
    template: &CrlTemplate,
    further: impl Fn() -> I,
    issuer: &Certificate,
    key: &KeyPair,
    mut out: impl Write,
) -> io::Result<Written> {
    let each =
        |take: &mut dyn FnMut(&[u8]) -> io::Result<()>| go_through(template, further(), take);
    let (entries, length) = measure(template, further());
    let algorithm = algorithm_identifier(key.algorithm());
    let head = template.before_entries(algorithm, issuer.subject(), false);
    // An empty list must be absent (RFC 5280 §5.1.2.6).
    let list = if entries == 0 { Vec::new() } else { encode::header(tag::SEQUENCE, length) };
    let tail = template.behind_entries(issuer, NumberFlaw::None);
    let signed = head.len() + list.len() + length + tail.len();
    let begin = [encode::header(tag::SEQUENCE, signed), head, list].concat();

    let mut signer = DigestSigner::new(key);
    signer.update(&begin);
    each(&mut |part| {
        signer.update(part);
        Ok(())
    })?;
    signer.update(&tail);
    let end = [algorithm, &encode::bit_string(&signer.sign())].concat();

    let whole = begin.len() + length + tail.len() + end.len();
    let outer = encode::header(tag::SEQUENCE, whole);
    out.write_all(&outer)?;
    out.write_all(&begin)?;
    each(&mut |part| out.write_all(part))?;
    out.write_all(&tail)?;
    out.write_all(&end)?;
    out.flush()?;
    Ok(Written { entries, octets: (outer.len() + whole) as u64 })
}

/// How many entries there are, and how many octets they have together.
fn measure(template: &CrlTemplate, further: impl Iterator<Item = CrlEntry>) -> (u64, usize) {
    let (mut writer, mut entries, mut length) = (EntryWriter::default(), 0, 0);
    let mut add = |entry: &CrlEntry| {
        length += writer.length(entry);
        entries += 1;
    };
    template.entries.iter().for_each(&mut add);
    further.for_each(|entry| add(&entry));
    (entries, length)
}

/// Hands over all entries in DER, piece by piece.
fn go_through(
    template: &CrlTemplate,
    further: impl Iterator<Item = CrlEntry>,
    take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let (mut writer, mut buffer) = (EntryWriter::default(), Vec::with_capacity(BUFFER + 256));
    let mut push = |entry: &CrlEntry| {
        writer.push(&mut buffer, entry);
        if buffer.len() >= BUFFER {
            take(&buffer)?;
            buffer.clear();
        }
        Ok::<(), io::Error>(())
    };
    template.entries.iter().try_for_each(&mut push)?;
    further.into_iter().try_for_each(|entry| push(&entry))?;
    take(&buffer)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture::{START, authority, base};
    use crate::{Crl, CrlExtension, KeyAlgorithm, Verifier};

    fn entry(n: u32) -> CrlEntry {
        CrlEntry {
            serial: n.wrapping_mul(2_654_435_761).to_be_bytes().to_vec(),
            revoked_at: START,
            reason: (n.is_multiple_of(3)).then_some(1),
            extensions: Vec::new(),
        }
    }

    fn streamed(template: &CrlTemplate, further: u32, kind: KeyAlgorithm) -> (Vec<u8>, Written) {
        let ca = authority(kind);
        let mut out = Vec::new();
        let further = || (1000..1000 + further).map(entry);
        let written = stream(template, further, &ca.certificate, &ca.key, &mut out).unwrap();
        (out, written)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_streamed_crl_has_the_bytes_of_one_made_at_once(own in 0u32..5, further in 0u32..300) {
            let template = CrlTemplate { entries: (0..own).map(entry).collect(), ..base() };
            let mut all = template.clone();
            all.entries.extend((1000..1000 + further).map(entry));
            let ca = authority(KeyAlgorithm::EcdsaP256);
            let (bytes, written) = streamed(&template, further, KeyAlgorithm::EcdsaP256);
            prop_assert_eq!(&bytes, &all.sign(&ca.certificate, &ca.key));
            let (entries, octets) = (u64::from(own + further), bytes.len() as u64);
            prop_assert_eq!(written, Written { entries, octets });
        }
    }

    #[test]
    fn lists_larger_than_the_buffer_verify() {
        for kind in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::Rsa2048] {
            let (bytes, written) = streamed(&base(), 5000, kind);
            assert!(bytes.len() > 2 * BUFFER);
            let crl = Crl::parse(&bytes).unwrap();
            assert_eq!((crl.len(), written.entries), (5000, 5000));
            assert!(Verifier::new().verify_crl(&crl, &authority(kind).certificate));
        }
    }

    /// Counts what is written, and the most at once.
    #[derive(Default)]
    struct Counting {
        all: u64,
        most: usize,
    }

    impl Write for Counting {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.all += bytes.len() as u64;
            self.most = self.most.max(bytes.len());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_hundred_megabytes_go_through_a_small_buffer() {
        let ca = authority(KeyAlgorithm::EcdsaP256);
        let unknown = CrlExtension::unknown(false);
        let extensions = vec![CrlExtension::invalidity_date(START), unknown.clone(), unknown];
        let long = |n: u32| CrlEntry {
            serial: [&[0x5a; 16][..], &n.to_be_bytes()].concat(),
            reason: Some(1),
            extensions: extensions.clone(),
            ..entry(n)
        };
        let (mut out, further) = (Counting::default(), || (0..1_000_000).map(long));
        let written = stream(&base(), further, &ca.certificate, &ca.key, &mut out).unwrap();
        assert_eq!((written.entries, written.octets), (1_000_000, out.all));
        assert!(out.all > 100_000_000, "{}", out.all);
        assert!(out.most < BUFFER + 512, "{}", out.most);
    }

    #[test]
    fn what_cannot_be_written_is_said() {
        let ca = authority(KeyAlgorithm::EcdsaP256);
        let mut small = [0u8; 16];
        let full = stream(&base(), std::iter::empty, &ca.certificate, &ca.key, &mut small[..]);
        assert_eq!(full.unwrap_err().kind(), io::ErrorKind::WriteZero);
    }
}
