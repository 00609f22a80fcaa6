//! Which account a certificate belongs to, as a directory knows it.

use std::collections::BTreeMap;

use revlab_lab::Name;
use revlab_pki::Certificate;

use crate::config::Mapping;

/// The accounts of a directory, by what of a certificate each is found by. An administrator has
/// entered them once: a certificate that is issued anew is found only where what counts is the same.
#[derive(Clone, Debug)]
pub struct Accounts {
    mapping: Mapping,
    known: BTreeMap<Vec<u8>, Name>,
}

impl Accounts {
    /// The accounts with these names and certificates.
    pub fn new<'a>(
        mapping: Mapping,
        accounts: impl IntoIterator<Item = (&'a Name, &'a Certificate)>,
    ) -> Accounts {
        let entry = |(name, certificate): (&'a Name, _)| (key(mapping, certificate), name.clone());
        Accounts { mapping, known: accounts.into_iter().map(entry).collect() }
    }

    /// The account that a certificate belongs to.
    pub(super) fn of(&self, certificate: &Certificate) -> Option<&Name> {
        self.known.get(&key(self.mapping, certificate))
    }
}

fn key(mapping: Mapping, certificate: &Certificate) -> Vec<u8> {
    let issuer = certificate.issuer().to_string();
    match mapping {
        Mapping::IssuerAndSubject => {
            format!("<I>{issuer}<S>{}", certificate.subject()).into_bytes()
        }
        Mapping::IssuerAndSerial => {
            [format!("<I>{issuer}<SR>").as_bytes(), certificate.serial()].concat()
        }
        Mapping::PublicKey => certificate.public_key_info().to_vec(),
    }
}
