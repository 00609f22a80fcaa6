//! What a scenario says about its CAs: plain data, already checked.

mod imported;
mod issued;
mod publishing;
mod renewal;
mod responder;

use revlab_lab::clock::Drift;
use revlab_lab::http::Url;
use revlab_lab::{Clock, Name, Span};
use revlab_pki::{CrlExtension, KeyAlgorithm};

pub use imported::Imported;
pub use issued::{CrossPointer, Issued, Own};
pub use publishing::{CrlSigner, Publishing, Replica};
pub use renewal::Renewal;
pub use responder::{
    AnswerDates, GetPath, Methods, NeverIssued, NonceRule, OcspSigner, Responder, ResponderId,
    ResponderSource, Signing,
};

/// One certificate authority in the style of AD CS, with its web site.
#[derive(Clone, Debug, PartialEq)]
pub struct CaConfig {
    /// The actor's name in the scenario: `issuing`.
    pub name: Name,
    /// The CA above it; none: its own certificate is a root.
    pub parent: Option<Name>,
    /// Other CAs that certify its key too: cross-certificates, which are on its site, one by one and
    /// with its own in one file that AIA caIssuers names as well.
    pub cross: Vec<Name>,
    /// Common name of the CA: `XXX-CA`. Also the stem of its files (fact sheet §4.4, %3).
    pub common_name: String,
    /// Host name of its web site, as in the URLs of certificates: `win-msprl0t325o`.
    pub host: String,
    /// DNS name of the computer (§4.4, %1): the first part of the name of its `.crt` file.
    pub computer: String,
    /// Kind of key of the CA and of the certificates it issues.
    pub key: KeyAlgorithm,
    /// A CA that exists already; none: certificate and key are made.
    pub imported: Option<Imported>,
    /// Index of its first key and certificate (§4.4): with 1, files are called `XXX-CA(1).crl`, and
    /// the CA version extension says 1.1. The `.crt` without suffix is there as well, with a
    /// certificate of an older key that has expired: inferred.
    pub key_index: u16,
    /// Renewals of its certificate before the start of the run, in any order.
    pub renewed: Vec<Renewal>,
    /// How long before the start of the run the CA was set up: notBefore of its certificate.
    pub age: Span,
    /// How long the CA certificate lives from then on.
    pub lifetime: Span,
    /// How long the certificates that it issues live, from [`CaConfig::age`] on.
    pub issued_lifetime: Span,
    /// Its publication of CRLs.
    pub crl: CrlSchedule,
    /// Which CRLs it publishes, and how they get to its site.
    pub publishing: Publishing,
    /// CRL distribution points of issued certificates; none: the AD CS default below
    /// `http://host/CertEnroll/`. Empty: no such extension.
    pub cdp: Option<Vec<Url>>,
    /// freshestCRL of issued base CRLs; none: the AD CS default. Empty: no such extension.
    pub freshest: Option<Vec<Url>>,
    /// Published CRL locations, 1.3.6.1.4.1.311.21.14, of base and delta CRLs (fact sheet §4.3,
    /// "if configured"). Empty, as in AD CS by itself: no such extension.
    pub published_locations: Vec<Url>,
    /// Authority information access of issued certificates.
    pub aia: Aia,
    /// What issued certificates say besides.
    pub issued: Issued,
    /// What its own certificate says besides.
    pub own: Own,
    /// A working OCSP responder; none: what the URL answers is up to the web site.
    pub responder: Option<Responder>,
    /// The web site.
    pub web: WebSite,
    /// The CA's clock.
    pub clock: Clock,
}

/// When base and delta CRLs are published (fact sheet §4.1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CrlSchedule {
    /// Publication period of the base CRL.
    pub period: Span,
    /// Publication period of the delta CRL; none: no deltas.
    pub delta_period: Option<Span>,
    /// CRLOverlapPeriod; none: 10 % of the period, at most 12 h, at least 1.5 × skew.
    pub overlap: Option<Span>,
    /// CRLDeltaOverlapPeriod; none: by `delta_overlap_rule`.
    pub delta_overlap: Option<Span>,
    /// Which default the delta overlap has. Both are inferred.
    pub delta_overlap_rule: DeltaOverlap,
    /// ClockSkewMinutes: how far publications are back-dated. 10 min in AD CS.
    pub clock_skew: Span,
    /// When the base timer fires, relative to the start of the run.
    pub phase: Span,
    /// When the delta timer fires, relative to the start of the run.
    pub delta_phase: Span,
    /// How much later than the period each timer fires, as a rate.
    pub drift: Drift,
    /// What a base run on its own timer does about the delta.
    pub base_run: BaseRun,
    /// Which base a delta refers to. Inferred.
    pub delta_base: DeltaBase,
    /// Whether deltas bear the virtual base, 1.3.6.1.4.1.311.21.3 (fact sheet §4.3: on deltas, as
    /// described, rarely seen). It is the number of the base that the delta refers to: inferred.
    pub virtual_base: bool,
}

/// Default of the delta overlap (fact sheet §4.1, inferred: two memories of one article).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeltaOverlap {
    /// As for the base: 10 % of the delta period, at most 12 h, at least 1.5 × skew.
    A,
    /// The delta period itself, at most 12 h.
    B,
}

/// What a base run on its own timer does about the delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseRun {
    /// Nothing: the delta has a timer of its own.
    BaseOnly,
    /// Publishes a delta too, and re-arms the delta timer from that moment.
    WithDelta,
}

/// Which base a delta refers to (its delta CRL indicator). Inferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeltaBase {
    /// Published together with a new base: the one before it; otherwise the newest.
    Previous,
    /// Always the newest base.
    Newest,
    /// The oldest base whose nextUpdate has not passed.
    OldestUnexpired,
}

/// Authority information access of issued certificates (RFC 5280 §4.2.2.1).
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Aia {
    /// URLs under id-ad-ocsp, in order.
    pub ocsp: Vec<Url>,
    /// URLs under id-ad-caIssuers; none: the AD CS default (the `.crt` on the web site).
    pub issuers: Option<Vec<Url>>,
}

/// The CA's web site: IIS with `/CertEnroll/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebSite {
    /// allowDoubleEscaping: without it `+` in a path is answered 404.11 (fact sheet §4.4).
    pub double_escaping: bool,
}

/// What an administrator does at a CA.
#[derive(Clone, Debug, PartialEq)]
pub enum CaOperation {
    /// Revokes a certificate; it is listed from the next publication on, and by the responder
    /// at once.
    Revoke {
        /// Serial number of the certificate, big-endian, without leading zeros.
        serial: Vec<u8>,
        /// Reason code, RFC 5280 §5.3.1; none: the extension is left out.
        reason: Option<u8>,
        /// Further entry extensions, such as invalidityDate (RFC 5280 §5.3.2).
        extensions: Vec<CrlExtension>,
    },
    /// `certutil -CRL`: publishes now, and re-arms the timers from now on.
    Publish {
        /// A new base (and, with deltas on, a delta); otherwise a delta alone.
        base: bool,
    },
    /// Takes a certificate off hold (reason 6). It is gone from the next base, and deltas to older
    /// bases say removeFromCRL (RFC 5280 §5.2.4, §5.3.1). Nothing for one that is not on hold.
    Release {
        /// Serial number of the certificate, big-endian, without leading zeros.
        serial: Vec<u8>,
    },
    /// The next publication by timer does not happen; the one after it comes at its time.
    Skip {
        /// That of the base; otherwise that of the delta.
        base: bool,
    },
    /// The next publication by timer comes later, and those after it with it.
    Postpone {
        /// That of the base; otherwise that of the delta.
        base: bool,
        /// By how much; not negative.
        by: Span,
    },
    /// The CA gets a new certificate, from its parent or as a root. With a new key it then publishes
    /// base and delta for each of its keys; the others go on until their certificates expire.
    Renew {
        /// A new key as well; otherwise the one that it has.
        new_key: bool,
    },
    /// The CA is restored from a backup: the site has the base and delta of back then, numbers go on
    /// from there, and the revocations since are forgotten.
    Restore {
        /// So many bases back, at least 1; at most as far as the run goes back.
        back: u32,
    },
}
