//! Reading a certificate.

use std::sync::OnceLock;

use const_oid::db::rfc5280::*;
use der::{Decode, Reader, SliceReader};
use x509_cert::ext::pkix::{AuthorityInfoAccessSyntax, BasicConstraints, ExtendedKeyUsage};

use super::cross_points::{CROSS_POINTS, CrossPoints};
use super::{ExtendedUsage, Extensions, Inner};
use crate::decode::{constructed, number, optional, place, primitive, sequence, serial, whole};
use crate::extension::{self, Extension};
use crate::signature::SignatureAlgorithm;
use crate::signed::Signed;
use crate::{DistinguishedName, Malformed, time, weak};

/// Reads a whole certificate.
pub(super) fn certificate(der: &[u8]) -> Result<Inner, Malformed> {
    let signed = Signed::read_whole(der)?;
    let mut inner = whole(signed.tbs, |r| sequence(r, |r| tbs(r, der)))?;
    inner.tbs = place(der, signed.tbs);
    inner.signature = place(der, signed.signature);
    if inner.signed_with != SignatureAlgorithm::read(signed.algorithm) {
        inner.signed_with = None;
    }
    inner.weak = weak::read(signed.algorithm);
    inner.der = der.into();
    Ok(inner)
}

/// Reads the signed part; the places of the outer parts are left empty.
fn tbs<'a>(r: &mut SliceReader<'a>, der: &'a [u8]) -> Result<Inner, Malformed> {
    if let Some(version) = optional(r, constructed(0))? {
        whole(version, |r| number(r, "the certificate's version"))?;
    }
    let serial = serial(r)?.to_vec();
    let signed_with = SignatureAlgorithm::read(r.tlv_bytes()?);
    let issuer = DistinguishedName::read(r)?;
    let (not_before, not_after) = sequence(r, |r| Ok((time::read(r)?, time::read(r)?)))?;
    let subject = DistinguishedName::read(r)?;
    let public_key_info = r.tlv_bytes()?;
    // issuerUniqueID and subjectUniqueID: nobody uses them (RFC 5280 §4.1.2.8).
    optional(r, primitive(1))?;
    optional(r, primitive(2))?;
    let extensions = match optional(r, constructed(3))? {
        Some(wrapped) => extensions(&extension::read_wrapped(wrapped)?)?,
        None => Extensions::default(),
    };
    Ok(Inner {
        der: Box::default(),
        tbs: 0..0,
        signature: 0..0,
        signed_with,
        serial,
        issuer,
        subject,
        not_before,
        not_after,
        public_key_info: place(der, public_key_info),
        extensions,
        constraints: OnceLock::new(),
        weak: None,
    })
}

pub(super) fn extensions(list: &[Extension<'_>]) -> Result<Extensions, Malformed> {
    let mut read = Extensions::default();
    for extension in list {
        take(extension, &mut read)?;
    }
    Ok(read)
}

fn take(extension: &Extension<'_>, into: &mut Extensions) -> Result<(), Malformed> {
    let body = extension.body;
    match extension.oid {
        ID_CE_SUBJECT_KEY_IDENTIFIER => into.subject_key_id = Some(extension::read_octets(body)?),
        ID_CE_AUTHORITY_KEY_IDENTIFIER => {
            into.authority_key_id = extension::read_authority_key_id(body)?;
        }
        ID_CE_BASIC_CONSTRAINTS => into.is_ca = BasicConstraints::from_der(body)?.ca,
        ID_CE_EXT_KEY_USAGE => into.extended_usage = Some(extended_usage(body)?),
        ID_CE_CRL_DISTRIBUTION_POINTS => {
            into.crl_urls = extension::read_distribution_points(body)?;
        }
        ID_CE_FRESHEST_CRL => {
            into.freshest_crl_urls = extension::read_distribution_points(body)?;
        }
        ID_PE_AUTHORITY_INFO_ACCESS => access(body, into)?,
        extension::CA_VERSION => into.ca_version = Some(extension::read_ca_version(body)?),
        CROSS_POINTS => {
            into.cross_points = Some(Box::new(CrossPoints::read(body)?));
            note_critical(extension, into);
        }
        // Understood as far as the lab goes: they do not bear on revocation.
        ID_CE_KEY_USAGE | ID_CE_SUBJECT_ALT_NAME | ID_CE_NAME_CONSTRAINTS => {}
        _ => note_critical(extension, into),
    }
    Ok(())
}

/// One that RFC 5280 does not know must not be critical.
fn note_critical(extension: &Extension<'_>, into: &mut Extensions) {
    if extension.critical && into.unknown_critical.is_none() {
        into.unknown_critical = Some(extension.oid.to_string());
    }
}

fn extended_usage(body: &[u8]) -> Result<ExtendedUsage, Malformed> {
    let purposes = ExtendedKeyUsage::from_der(body)?.0;
    let has = |purpose| purposes.contains(&purpose);
    Ok(ExtendedUsage {
        client_auth: has(ID_KP_CLIENT_AUTH) || has(ANY_EXTENDED_KEY_USAGE),
        ocsp_signing: has(ID_KP_OCSP_SIGNING),
    })
}

fn access(body: &[u8], into: &mut Extensions) -> Result<(), Malformed> {
    for description in AuthorityInfoAccessSyntax::from_der(body)?.0 {
        let url = extension::read_uri(&description.access_location);
        match description.access_method {
            ID_AD_OCSP => into.ocsp_urls.extend(url),
            ID_AD_CA_ISSUERS => into.issuer_urls.extend(url),
            _ => {}
        }
    }
    Ok(())
}
