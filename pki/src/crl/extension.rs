//! Extensions of CRLs and of their entries, written as they are told.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280::{
    ID_AD_CA_ISSUERS, ID_CE_CERTIFICATE_ISSUER, ID_CE_HOLD_INSTRUCTION_CODE, ID_CE_INVALIDITY_DATE,
    ID_PE_AUTHORITY_INFO_ACCESS,
};
use der::Reader;
use revlab_lab::Instant;
use revlab_lab::http::Url;

use super::CrlEntry;
use crate::general_name::uri;
use crate::{DistinguishedName, Malformed, decode, encode, extension, time};

/// An extension of a CRL or of one of its entries, byte for byte.
///
/// ```
/// use revlab_lab::Instant;
/// use revlab_pki::crl::CrlExtension;
/// let known_bad = CrlExtension::invalidity_date(Instant::from_millis(0));
/// assert!(!known_bad.critical);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CrlExtension {
    /// Its OID.
    pub oid: ObjectIdentifier,
    /// Whether who does not know it must refuse the CRL (RFC 5280 §5.2, §5.3).
    pub critical: bool,
    /// extnValue, the octets in the OCTET STRING.
    pub value: Vec<u8>,
}

impl CrlExtension {
    /// An extension that nobody knows: 1.3.6.1.4.1.99999.1, with NULL in it. The arc is not
    /// assigned to anybody.
    pub fn unknown(critical: bool) -> CrlExtension {
        CrlExtension { oid: UNKNOWN, critical, value: encode::null() }
    }

    /// invalidityDate (RFC 5280 §5.3.2): when the key was compromised, or the certificate became
    /// invalid otherwise. A GeneralizedTime, not critical.
    pub fn invalidity_date(at: Instant) -> CrlExtension {
        let value = time::generalized(at);
        CrlExtension { oid: ID_CE_INVALIDITY_DATE, critical: false, value }
    }

    /// holdInstructionCode, what to do about a certificate on hold: RFC 3280 §5.3.2; RFC 5280 has
    /// dropped it. `code` is an OID such as id-holdinstruction-reject, 1.2.840.10040.2.3.
    pub fn hold_instruction(code: ObjectIdentifier) -> CrlExtension {
        let value = encode::oid(code);
        CrlExtension { oid: ID_CE_HOLD_INSTRUCTION_CODE, critical: false, value }
    }

    /// certificateIssuer, for an entry of an indirect CRL: whose certificate it is about, and those
    /// behind it too. Critical (RFC 5280 §5.3.3).
    pub fn certificate_issuer(name: &DistinguishedName) -> CrlExtension {
        // GeneralNames with one directoryName, [4] EXPLICIT since Name is a CHOICE.
        let value = encode::sequence(&[&encode::constructed(4, name.as_der())]);
        CrlExtension { oid: ID_CE_CERTIFICATE_ISSUER, critical: true, value }
    }

    /// Authority information access of a CRL: where the certificate of its signer is, which is not on
    /// the path of the certificates that it is about. Not critical (RFC 5280 §5.2.7).
    pub fn signer_at(url: &Url) -> CrlExtension {
        let entry = encode::sequence(&[&encode::oid(ID_AD_CA_ISSUERS), &uri(url.as_str())]);
        let value = encode::sequence(&[&entry]);
        CrlExtension { oid: ID_PE_AUTHORITY_INFO_ACCESS, critical: false, value }
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        extension::write(self.oid, self.critical, &self.value)
    }
}

impl CrlEntry {
    /// The certificate issuer, where this entry itself names one with a directoryName.
    ///
    /// # Errors
    ///
    /// The extension is not what it should be.
    pub fn certificate_issuer(&self) -> Result<Option<DistinguishedName>, Malformed> {
        let named = self.extensions.iter().find(|e| e.oid == ID_CE_CERTIFICATE_ISSUER);
        let Some(named) = named else { return Ok(None) };
        decode::whole(&named.value, |r| {
            decode::sequence(r, |r| {
                let mut name = None;
                while !r.is_finished() {
                    if let Some(directory) = decode::optional(r, decode::constructed(4))? {
                        name = Some(decode::whole(directory, DistinguishedName::read)?);
                    } else {
                        r.tlv_bytes()?;
                    }
                }
                Ok(name)
            })
        })
    }
}

const UNKNOWN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.99999.1");
