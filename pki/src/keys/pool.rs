//! The committed RSA test keys: public and worthless, see `keys/README.md`.

/// PKCS #8 in PEM.
pub(super) const KEYS: [&str; 12] = [
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
