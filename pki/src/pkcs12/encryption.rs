//! How contents are encrypted and authenticated.

use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::{hmac, pbkdf2};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{ID_SHA_1, ID_SHA_256};

use super::kdf::{self, For};
use crate::encode::{self, octet_string, sequence};

const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");
const PBKDF2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.12");
const HMAC_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.9");
const AES_256_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.42");
const SHA1_3DES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.3");

/// By what a PKCS #12 file is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// AES-256 under PBKDF2 with SHA-256, authenticated by HMAC-SHA-256 (PBES2, RFC 8018), as
    /// OpenSSL 3 writes it. Windows reads it from Windows 10 1709 and Server 2019 on, Java from
    /// 8u301 on.
    Modern,
    /// Three-key 3DES and SHA-1 (RFC 7292 appendix C), which every Windows reads, 2008 R2 included.
    Legacy,
}

pub(super) struct Cipher<'a> {
    pub(super) encryption: Encryption,
    pub(super) password: &'a str,
    pub(super) iterations: u32,
}

impl Cipher<'_> {
    /// The AlgorithmIdentifier and the ciphertext.
    pub(super) fn encrypt(
        &self,
        plain: &[u8],
        salt: &[u8; 32],
        iv: &[u8; 32],
    ) -> (Vec<u8>, Vec<u8>) {
        match self.encryption {
            Encryption::Modern => self.aes(plain, first(salt), first(iv)),
            Encryption::Legacy => self.triple_des(plain, first(salt)),
        }
    }

    fn aes(&self, plain: &[u8], salt: [u8; 16], iv: [u8; 16]) -> (Vec<u8>, Vec<u8>) {
        let rounds = encode::number(u64::from(self.iterations));
        let prf = sequence(&[&encode::oid(HMAC_SHA256), &encode::null()]);
        let derivation = sequence(&[&octet_string(&salt), &rounds, &prf]);
        let parameters = sequence(&[
            &sequence(&[&encode::oid(PBKDF2), &derivation]),
            &sequence(&[&encode::oid(AES_256_CBC), &octet_string(&iv)]),
        ]);
        let mut key = [0; 32];
        let rounds =
            std::num::NonZeroU32::new(self.iterations).unwrap_or(std::num::NonZeroU32::MIN);
        let password = self.password.as_bytes();
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, password, &mut key);
        let mut text = plain.to_vec();
        let key =
            UnboundCipherKey::new(&AES_256, &key).and_then(PaddedBlockEncryptingKey::cbc_pkcs7);
        let context = EncryptionContext::Iv128(FixedLength::from(iv));
        key.and_then(|key| key.less_safe_encrypt(&mut text, context))
            .expect("a key of 32 octets encrypts any text that fits in memory");
        (sequence(&[&encode::oid(PBES2), &parameters]), text)
    }

    fn triple_des(&self, plain: &[u8], salt: [u8; 8]) -> (Vec<u8>, Vec<u8>) {
        let hash = &SHA1_FOR_LEGACY_USE_ONLY;
        let key: [u8; 24] = kdf::derive(hash, For::Key, self.password, &salt, self.iterations);
        let iv: [u8; 8] = kdf::derive(hash, For::Iv, self.password, &salt, self.iterations);
        let cipher = cbc::Encryptor::<des::TdesEde3>::new(&key.into(), &iv.into());
        let text = cipher.encrypt_padded_vec::<Pkcs7>(plain);
        let parameters = [octet_string(&salt), encode::number(u64::from(self.iterations))];
        (sequence(&[&encode::oid(SHA1_3DES), &sequence(&[&parameters.concat()])]), text)
    }

    /// MacData over the authenticated safe.
    pub(super) fn mac(&self, content: &[u8], salt: &[u8; 32]) -> Vec<u8> {
        let salt: [u8; 16] = first(salt);
        let (oid, tag) = match self.encryption {
            Encryption::Modern => {
                let key: [u8; 32] =
                    kdf::derive(&SHA256, For::Mac, self.password, &salt, self.iterations);
                (ID_SHA_256, hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), content))
            }
            Encryption::Legacy => {
                let hash = &SHA1_FOR_LEGACY_USE_ONLY;
                let key: [u8; 20] =
                    kdf::derive(hash, For::Mac, self.password, &salt, self.iterations);
                let algorithm = hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY;
                (ID_SHA_1, hmac::sign(&hmac::Key::new(algorithm, &key), content))
            }
        };
        let algorithm = sequence(&[&encode::oid(oid), &encode::null()]);
        let digest = sequence(&[&algorithm, &octet_string(tag.as_ref())]);
        sequence(&[&digest, &octet_string(&salt), &encode::number(u64::from(self.iterations))])
    }
}

/// The first octets of what was drawn.
fn first<const N: usize>(drawn: &[u8; 32]) -> [u8; N] {
    let mut octets = [0; N];
    for (to, from) in octets.iter_mut().zip(drawn) {
        *to = *from;
    }
    octets
}
