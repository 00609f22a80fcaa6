//! CRLs that are wrong on purpose.

mod making;

use revlab_pki::{Certificate, CrlTemplate, KeyPair};

use making::Making;

/// What is wrong with a CRL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CrlDefect {
    /// It expired a day before it was published: nextUpdate has passed (RFC 5280 §5.1.2.5,
    /// §6.3.3 (a)).
    Expired,
    /// thisUpdate lies a day behind the nextUpdate of the right one: it is of the future
    /// (RFC 5280 §5.1.2.4).
    Future,
    /// nextUpdate is left out (RFC 5280 §5.1.2.5 wants one).
    NoNextUpdate,
    /// nextUpdate lies an hour before thisUpdate.
    NextUpdateBeforeThisUpdate,
    /// The CRL number is left out (RFC 5280 §5.2.3 wants one).
    NumberMissing,
    /// The CRL number is critical (RFC 5280 §5.2.3: it is not).
    NumberCritical,
    /// The CRL number is two less than it should be, and so no greater than that of the CRL before
    /// (RFC 5280 §5.2.3: it increases).
    NumberBackwards,
    /// It is of version 1: without extensions, so without a number and a key identifier, and its entries
    /// without a reason (RFC 5280 §5.1.2.1; relying parties must process it, §5). A delta of version 1
    /// is none.
    Version1,
    /// A critical extension that nobody knows (RFC 5280 §5.2: such a CRL says nothing of
    /// certificates that it does not list).
    UnknownCriticalExtension,
    /// A critical extension of an entry that nobody knows; where nothing is revoked, of an entry
    /// for serial number 1 (RFC 5280 §5.3).
    UnknownCriticalEntryExtension,
    /// Its issuer is `CN=Not the issuer`; the key is right (RFC 5280 §6.3.3 (b)).
    WrongIssuer,
    /// Signed by another key of the same kind; issuer and key identifier are right (RFC 5280 §6.3.3
    /// (g)).
    WrongKey,
    /// The last bit of the signature is another (RFC 5280 §6.3.3 (g)).
    BrokenSignature,
    /// Signed with SHA-1 by a key that can, RSA or P-256; by other keys so that nothing verifies.
    Sha1Signature,
    /// Signed with MD5 by an RSA key; by other keys so that nothing verifies.
    Md5Signature,
    /// Lists the serial number −1 too (RFC 5280 §4.1.2.2: readers should be prepared for it).
    NegativeSerial,
    /// Lists a serial number of 20 octets too, the most that there can be (RFC 5280 §4.1.2.2: readers
    /// must take it). Right, and a trap all the same.
    TwentyOctetSerial,
    /// Lists a serial number of 21 octets too, one more than there can be (RFC 5280 §4.1.2.2).
    OverlongSerial,
    /// Of deltas: the base that it refers to is a thousand numbers ahead, so that no base fits
    /// (RFC 5280 §5.2.4 (c)). Bases stay right.
    DeltaWrongBase,
    /// Of bases: in its place a delta is served, and the base is nowhere (RFC 5280 §5.2.4 wants a
    /// complete CRL with each delta). Deltas stay right.
    DeltaWithoutBase,
    /// PEM instead of DER (RFC 5280 §4.2.1.13 wants DER over HTTP).
    Pem,
    /// Base64 without PEM's first and last line.
    Base64,
    /// Compressed by gzip, and no header field says so.
    Gzip,
    /// An HTML page, as from a captive portal or a proxy.
    Html,
    /// Not one byte.
    Empty,
    /// The first half alone.
    Truncated,
    /// A line feed behind the end.
    TrailingBytes,
}

impl CrlDefect {
    /// All defects with their names in scenarios.
    pub const NAMES: [(&'static str, CrlDefect); 27] = [
        ("expired", CrlDefect::Expired),
        ("future", CrlDefect::Future),
        ("no_next_update", CrlDefect::NoNextUpdate),
        ("next_update_before_this_update", CrlDefect::NextUpdateBeforeThisUpdate),
        ("number_missing", CrlDefect::NumberMissing),
        ("number_critical", CrlDefect::NumberCritical),
        ("number_backwards", CrlDefect::NumberBackwards),
        ("version_1", CrlDefect::Version1),
        ("unknown_critical_extension", CrlDefect::UnknownCriticalExtension),
        ("unknown_critical_entry_extension", CrlDefect::UnknownCriticalEntryExtension),
        ("wrong_issuer", CrlDefect::WrongIssuer),
        ("wrong_key", CrlDefect::WrongKey),
        ("broken_signature", CrlDefect::BrokenSignature),
        ("sha1_signature", CrlDefect::Sha1Signature),
        ("md5_signature", CrlDefect::Md5Signature),
        ("negative_serial", CrlDefect::NegativeSerial),
        ("twenty_octet_serial", CrlDefect::TwentyOctetSerial),
        ("overlong_serial", CrlDefect::OverlongSerial),
        ("delta_wrong_base", CrlDefect::DeltaWrongBase),
        ("delta_without_base", CrlDefect::DeltaWithoutBase),
        ("pem", CrlDefect::Pem),
        ("base64", CrlDefect::Base64),
        ("gzip", CrlDefect::Gzip),
        ("html", CrlDefect::Html),
        ("empty", CrlDefect::Empty),
        ("truncated", CrlDefect::Truncated),
        ("trailing_bytes", CrlDefect::TrailingBytes),
    ];

    /// The name in scenarios.
    pub fn name(self) -> &'static str {
        let named = CrlDefect::NAMES.iter().find(|(_, defect)| *defect == self);
        named.map_or("", |(name, _)| name)
    }

    /// Whether it changes anything about a delta, or else about a base.
    pub fn touches(self, delta: bool) -> bool {
        match self {
            CrlDefect::DeltaWrongBase => delta,
            CrlDefect::DeltaWithoutBase => !delta,
            _ => true,
        }
    }
}

/// The CRL of a template, signed by the issuer's `key`, with these defects at once.
///
/// What is wrong in the list comes before what is wrong with its bytes, and within each the order
/// is that of `defects`. Two of the same kind can undo one another's trace: of [`CrlDefect::Expired`]
/// and [`CrlDefect::Future`] the last one counts.
pub fn spoil(
    template: &CrlTemplate,
    defects: &[CrlDefect],
    issuer: &Certificate,
    key: &KeyPair,
) -> Vec<u8> {
    let mut making = Making::of(template, key);
    for defect in defects {
        making.list(*defect);
    }
    let der = making.sign(issuer);
    defects.iter().fold(der, |bytes, defect| making::bytes(*defect, bytes))
}

#[cfg(test)]
mod tests;
