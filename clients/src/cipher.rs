//! Cipher suites, by their names in the registry of IANA.

use revlab_lab::trace::TlsVersion;

/// One of the cipher suites that clients and the model's server speak: those of rustls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cipher(u16);

/// By which key a server shows who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// ECDSA, or EdDSA (RFC 8422 §2.2).
    Ecdsa,
    /// RSA.
    Rsa,
}

/// Name, number, version and, over TLS 1.2, by which key the server shows who it is; the strongest
/// first, as rustls has them.
type Row = (&'static str, u16, TlsVersion, Option<Authentication>);

use Authentication::{Ecdsa, Rsa};
use TlsVersion::{V1_2, V1_3};

const ALL: [Row; 9] = [
    ("TLS_AES_256_GCM_SHA384", 0x1302, V1_3, None),
    ("TLS_AES_128_GCM_SHA256", 0x1301, V1_3, None),
    ("TLS_CHACHA20_POLY1305_SHA256", 0x1303, V1_3, None),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 0xc02c, V1_2, Some(Ecdsa)),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0xc02b, V1_2, Some(Ecdsa)),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", 0xcca9, V1_2, Some(Ecdsa)),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 0xc030, V1_2, Some(Rsa)),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0xc02f, V1_2, Some(Rsa)),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 0xcca8, V1_2, Some(Rsa)),
];

impl Cipher {
    /// The suites of a version with their names.
    ///
    /// ```
    /// use revlab_clients::cipher::Cipher;
    /// use revlab_lab::trace::TlsVersion;
    ///
    /// let names: Vec<_> = Cipher::of(TlsVersion::V1_3).map(|(name, _)| name).collect();
    /// assert!(names.contains(&"TLS_AES_128_GCM_SHA256"));
    /// ```
    pub fn of(tls: TlsVersion) -> impl Iterator<Item = (&'static str, Cipher)> {
        let rows = ALL.iter().filter(move |(_, _, version, _)| *version == tls);
        rows.map(|(name, number, ..)| (*name, Cipher(*number)))
    }

    /// The suite of this number, if clients speak it.
    pub fn numbered(number: u16) -> Option<Cipher> {
        ALL.iter().any(|row| row.1 == number).then_some(Cipher(number))
    }

    /// Its number in the registry.
    pub fn number(self) -> u16 {
        self.0
    }

    /// Its name in the registry.
    pub fn as_str(self) -> &'static str {
        self.row().map_or("", |row| row.0)
    }

    /// Whether a server that speaks all suites can choose it, with such a key. TLS 1.3 keeps keys and
    /// suites apart (RFC 8446 §1.2).
    pub fn fits(self, key: Authentication) -> bool {
        self.row().is_some_and(|row| row.3.is_none_or(|needs| needs == key))
    }

    fn row(self) -> Option<&'static Row> {
        ALL.iter().find(|row| row.1 == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_has_its_own_name_and_number_and_belongs_to_one_version() {
        for (i, (name, number, tls, key)) in ALL.iter().enumerate() {
            let cipher = Cipher::numbered(*number).unwrap();
            assert_eq!((cipher.as_str(), cipher.number()), (*name, *number));
            assert!(ALL[..i].iter().all(|row| row.0 != *name && row.1 != *number));
            assert_eq!(Cipher::of(*tls).filter(|(_, it)| *it == cipher).count(), 1);
            assert_eq!(key.is_none(), *tls == V1_3);
        }
        assert_eq!(Cipher::numbered(0x0a), None);
    }

    #[test]
    fn over_tls_1_2_a_suite_needs_the_right_key() {
        let named = |name: &str| Cipher::of(V1_2).find(|(it, _)| *it == name).unwrap().1;
        let rsa = named("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
        assert!(rsa.fits(Rsa) && !rsa.fits(Ecdsa));
        assert!(Cipher::of(V1_3).all(|(_, cipher)| cipher.fits(Rsa) && cipher.fits(Ecdsa)));
    }

    #[cfg(feature = "live")]
    #[test]
    fn they_are_those_of_the_tls_library() {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let theirs = provider.cipher_suites.iter().map(|suite| u16::from(suite.suite()));
        assert!(theirs.eq(ALL.iter().map(|row| row.1)));
    }
}
