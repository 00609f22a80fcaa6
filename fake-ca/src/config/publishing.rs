//! What a scenario says about which CRLs a CA publishes, and how they get to its web site.

use revlab_lab::http::Url;
use revlab_lab::{Instant, Name, Span};
use revlab_pki::{CrlSubjects, KeyAlgorithm};

/// Which CRLs a CA publishes and how they get to its site. The default: one list of everything, on
/// the site as soon as it is signed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Publishing {
    /// The list is about certificates of one kind alone: onlyContains… (RFC 5280 §5.2.5).
    pub only: Option<CrlSubjects>,
    /// The list is about some reasons alone: onlySomeReasons (RFC 5280 §5.2.5), as reason codes.
    pub reasons: Option<Vec<u8>>,
    /// Into how many lists the certificates are divided, each at a URL of its own that certificates
    /// and issuing distribution point name. 0 and 1: not divided.
    pub partitions: u16,
    /// A certificate of its own that signs the CRLs; none: the CA itself does.
    pub signer: Option<CrlSigner>,
    /// CAs whose revocations are listed too: an indirect CRL (RFC 5280 §5.2.5, §5.3.3).
    pub indirect_for: Vec<Name>,
    /// So many serial numbers that nobody in the scenario has are listed in each base besides.
    pub padding: u32,
    /// How long after it was signed a CRL comes to the site.
    pub lag: Span,
    /// In this window the CA does not run: what falls due is made up for at its end.
    pub down: Option<(Instant, Instant)>,
    /// Another copy of the CRLs, behind the CA's own.
    pub replica: Option<Replica>,
    /// Whether older CRLs stay on the site under names with their number: `XXX-CA_42.crl`.
    pub archive: bool,
    /// Whether the next base is on the site beforehand, as `XXX-CA_next.crl`.
    pub ahead: bool,
}

/// A certificate that signs CRLs in the CA's place: issued by the CA, with cRLSign alone, and no CA
/// itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrlSigner {
    /// Its common name. None, or that of the CA: CRLs are issued in the CA's name, and only the key
    /// is another (RFC 5280 §6.3.3 (f)). Otherwise they are indirect CRLs of an issuer of this name,
    /// which certificates name as cRLIssuer (RFC 5280 §4.2.1.13).
    pub common_name: Option<String>,
    /// Kind of its key; none: that of the CA.
    pub key: Option<KeyAlgorithm>,
}

/// A copy of the CRLs that lags behind.
#[derive(Clone, Debug, PartialEq)]
pub struct Replica {
    /// Where the copy of the base is; none: it shares the CA's own URLs with the original, and
    /// answers every second request there.
    pub url: Option<Url>,
    /// How far it is behind the CA's site.
    pub lag: Span,
}

impl Publishing {
    /// How many lists there are: at least one.
    pub fn lists(&self) -> usize {
        usize::from(self.partitions.max(1))
    }
}
