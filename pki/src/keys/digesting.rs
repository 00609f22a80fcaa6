//! Signing what does not fit into memory: piece by piece, by its digest.

use aws_lc_rs::digest::{Context, SHA256, SHA384};

use super::private::PrivateKey;
use super::{KeyAlgorithm, KeyPair};

/// Takes what is to be signed in pieces.
pub(crate) struct DigestSigner<'a> {
    key: &'a KeyPair,
    taken: Taken,
}

enum Taken {
    Digest(Context),
    /// Ed25519 goes over the message twice (RFC 8032 §5.1.6).
    Message(Vec<u8>),
}

impl<'a> DigestSigner<'a> {
    pub(crate) fn new(key: &'a KeyPair) -> DigestSigner<'a> {
        let taken = match key.algorithm() {
            KeyAlgorithm::Ed25519 => Taken::Message(Vec::new()),
            KeyAlgorithm::EcdsaP384 => Taken::Digest(Context::new(&SHA384)),
            _ => Taken::Digest(Context::new(&SHA256)),
        };
        DigestSigner { key, taken }
    }

    pub(crate) fn update(&mut self, piece: &[u8]) {
        match &mut self.taken {
            Taken::Digest(context) => context.update(piece),
            Taken::Message(message) => message.extend_from_slice(piece),
        }
    }

    /// The signature that [`KeyPair::sign`] makes of all pieces in one.
    pub(crate) fn sign(self) -> Vec<u8> {
        let private: &PrivateKey = &self.key.0.private;
        match self.taken {
            Taken::Digest(context) => private.sign_digest(&context.finish()),
            Taken::Message(message) => private.sign(&message),
        }
    }
}

#[cfg(test)]
mod tests {
    use revlab_lab::Seed;

    use super::*;

    #[test]
    fn a_signature_is_the_same_piece_by_piece() {
        for (name, kind) in KeyAlgorithm::NAMES {
            let key = KeyPair::seeded(kind, Seed(1), "a");
            let mut signer = DigestSigner::new(&key);
            [&b"by"[..], b"", b"tes"].into_iter().for_each(|piece| signer.update(piece));
            assert_eq!(signer.sign(), key.sign(b"bytes"), "{name}");
        }
    }
}
