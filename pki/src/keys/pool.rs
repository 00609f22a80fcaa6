//! The committed RSA test keys: public and worthless, see `keys/README.md`.

use super::KeyAlgorithm;

/// The keys of this kind's size, PKCS #8 in PEM; none for kinds that are drawn.
pub(super) fn of(algorithm: KeyAlgorithm) -> &'static [&'static str] {
    match algorithm {
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::RsaPss => &RSA_2048,
        KeyAlgorithm::Rsa3072 => &RSA_3072,
        KeyAlgorithm::Rsa4096 => &RSA_4096,
        KeyAlgorithm::EcdsaP256 | KeyAlgorithm::EcdsaP384 | KeyAlgorithm::Ed25519 => &[],
    }
}

const RSA_2048: [&str; 12] = [
    include_str!("../../keys/rsa2048-01.pem"),
    include_str!("../../keys/rsa2048-02.pem"),
    include_str!("../../keys/rsa2048-03.pem"),
    include_str!("../../keys/rsa2048-04.pem"),
    include_str!("../../keys/rsa2048-05.pem"),
    include_str!("../../keys/rsa2048-06.pem"),
    include_str!("../../keys/rsa2048-07.pem"),
    include_str!("../../keys/rsa2048-08.pem"),
    include_str!("../../keys/rsa2048-09.pem"),
    include_str!("../../keys/rsa2048-10.pem"),
    include_str!("../../keys/rsa2048-11.pem"),
    include_str!("../../keys/rsa2048-12.pem"),
];

const RSA_3072: [&str; 4] = [
    include_str!("../../keys/rsa3072-01.pem"),
    include_str!("../../keys/rsa3072-02.pem"),
    include_str!("../../keys/rsa3072-03.pem"),
    include_str!("../../keys/rsa3072-04.pem"),
];

const RSA_4096: [&str; 4] = [
    include_str!("../../keys/rsa4096-01.pem"),
    include_str!("../../keys/rsa4096-02.pem"),
    include_str!("../../keys/rsa4096-03.pem"),
    include_str!("../../keys/rsa4096-04.pem"),
];
