//! What is written for programs that take part: roots, intermediates, credentials, token.

use revlab_lab::Name;
use revlab_pki::Certificate;
use revlab_pki::pkcs12::{self, Encryption};

use super::laboratory::Laboratory;
use super::token::Token;
use crate::exec::Identity;
use crate::out::PASSWORD;

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Artefact {
    name: String,
    bytes: Vec<u8>,
    secret: bool,
}

impl Artefact {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether only its owner may read it.
    pub(super) fn is_secret(&self) -> bool {
        self.secret
    }

    fn public(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Artefact {
        Artefact { name: name.into(), bytes: bytes.into(), secret: false }
    }

    fn secret(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Artefact {
        Artefact { secret: true, ..Artefact::public(name, bytes) }
    }
}

/// The token in its file.
pub(super) fn token(token: &Token) -> Artefact {
    Artefact::secret("token", token.as_str())
}

/// All certificates and keys: `roots.pem`, `intermediates.pem` where there are any, `ca-NAME.pem`, and the credentials of
/// a client and of a server.
pub(super) fn artefacts(lab: &Laboratory) -> Vec<Artefact> {
    let (mut roots, mut intermediates) = (Vec::new(), Vec::new());
    let mut artefacts = Vec::new();
    for (name, chain) in &lab.cast.authorities {
        for certificate in chain {
            let known = if certificate.is_self_issued() { &mut roots } else { &mut intermediates };
            if !known.contains(certificate) {
                known.push(certificate.clone());
            }
        }
        if let Some(own) = chain.first() {
            artefacts.push(Artefact::public(format!("ca-{name}.pem"), own.pem()));
        }
    }
    artefacts.insert(0, Artefact::public("roots.pem", pem(&roots)));
    // Programs refuse a file without certificates.
    if !intermediates.is_empty() {
        artefacts.insert(1, Artefact::public("intermediates.pem", pem(&intermediates)));
    }
    for (name, identity) in
        [("client", client(lab).map(|(_, i)| i)), ("server", lab.server.as_ref())]
    {
        let Some(identity) = identity else { continue };
        artefacts.push(Artefact::public(format!("{name}.pem"), pem(&identity.chain)));
        artefacts.push(Artefact::secret(format!("{name}.key"), identity.key.pkcs8_pem()));
        let (key, chain) = (&identity.key, &identity.chain);
        let file = pkcs12::export(key, chain, PASSWORD, name, Encryption::Modern);
        artefacts.push(Artefact::secret(format!("{name}.p12"), file));
    }
    artefacts
}

/// The identity whose credential is written: the first by name.
pub(super) fn client(lab: &Laboratory) -> Option<(&Name, &Identity)> {
    lab.cast.identities.first_key_value()
}

fn pem(certificates: &[Certificate]) -> String {
    certificates.iter().map(Certificate::pem).collect()
}
