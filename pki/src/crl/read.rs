//! Reading a CRL.

use const_oid::db::rfc5280::{
    ID_AD_CA_ISSUERS, ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_CERTIFICATE_ISSUER, ID_CE_CRL_NUMBER,
    ID_CE_CRL_REASONS, ID_CE_DELTA_CRL_INDICATOR, ID_CE_FRESHEST_CRL,
    ID_CE_ISSUING_DISTRIBUTION_POINT, ID_PE_AUTHORITY_INFO_ACCESS,
};
use der::{Decode, Reader, SliceReader, Tag};
use revlab_lab::http::Url;
use x509_cert::ext::pkix::AuthorityInfoAccessSyntax;

use super::entries::Entries;
use super::{CrlEntry, CrlExtension, CrlScope, Extensions, Inner};
use crate::decode::{
    constructed, enumerated, next_is, number, optional, place, sequence, serial, whole,
};
use crate::extension::{self, Extension};
use crate::signature::SignatureAlgorithm;
use crate::signed::Signed;
use crate::{DistinguishedName, Malformed, PointNameRead, time, weak};

/// Reads a whole CRL.
pub(super) fn crl(der: Box<[u8]>) -> Result<Inner, Malformed> {
    let signed = Signed::read_whole(&der)?;
    let mut inner = whole(signed.tbs, |r| sequence(r, |r| tbs(r, &der)))?;
    inner.tbs = place(&der, signed.tbs);
    inner.signature = place(&der, signed.signature);
    if inner.signed_with != SignatureAlgorithm::read(signed.algorithm) {
        inner.signed_with = None;
    }
    inner.weak = weak::read(signed.algorithm);
    inner.der = der;
    Ok(inner)
}

/// Reads the signed part; the places of the outer parts are left empty.
fn tbs<'a>(r: &mut SliceReader<'a>, der: &'a [u8]) -> Result<Inner, Malformed> {
    let mut version = 1;
    if next_is(r, Tag::Integer)? {
        version = number(r, "the CRL's version")?.saturating_add(1);
    }
    let signed_with = SignatureAlgorithm::read(r.tlv_bytes()?);
    let issuer = DistinguishedName::read(r)?;
    let this_update = time::read(r)?;
    let next_update = if time::is_next(r)? { Some(time::read(r)?) } else { None };
    let entries = match next_is(r, Tag::Sequence)? {
        true => Entries::read(r, der)?,
        false => Entries::default(),
    };
    let extensions = match optional(r, constructed(0))? {
        Some(wrapped) => extensions(&extension::read_wrapped(wrapped)?)?,
        None => Extensions::default(),
    };
    // Without indirectCRL nothing says that an entry may be about another issuer's certificate.
    if entries.name_issuers() && !extensions.scope.as_ref().is_some_and(|scope| scope.indirect) {
        return Err(not_indirect());
    }
    Ok(Inner {
        der: Box::default(),
        tbs: 0..0,
        signature: 0..0,
        signed_with,
        weak: None,
        version,
        issuer,
        this_update,
        next_update,
        extensions,
        entries,
    })
}

/// The refusal of a certificate issuer that means nothing here.
pub(super) fn not_indirect() -> Malformed {
    Malformed::UnknownCritical { oid: ID_CE_CERTIFICATE_ISSUER.to_string() }
}

/// Reads one entry of revokedCertificates.
pub(super) fn entry(r: &mut SliceReader<'_>) -> Result<CrlEntry, Malformed> {
    sequence(r, |r| {
        let serial = serial(r)?.to_vec();
        let revoked_at = time::read(r)?;
        let (mut reason, mut extensions) = (None, Vec::new());
        if !r.is_finished() {
            for extension in extension::read_list(r)? {
                match extension.oid {
                    ID_CE_CRL_REASONS => reason = Some(whole(extension.body, enumerated)?),
                    oid if extension.critical && oid != ID_CE_CERTIFICATE_ISSUER => {
                        return Err(extension.not_understood());
                    }
                    oid => extensions.push(CrlExtension {
                        oid,
                        critical: extension.critical,
                        value: extension.body.to_vec(),
                    }),
                }
            }
        }
        Ok(CrlEntry { serial, revoked_at, reason, extensions })
    })
}

pub(super) fn extensions(list: &[Extension<'_>]) -> Result<Extensions, Malformed> {
    let mut read = Extensions::default();
    for extension in list {
        let body = extension.body;
        match extension.oid {
            ID_CE_AUTHORITY_KEY_IDENTIFIER => {
                read.authority_key_id = extension::read_authority_key_id(body)?;
            }
            ID_CE_CRL_NUMBER => {
                read.number = Some(extension::read_number(body, "the CRL number")?);
            }
            ID_CE_DELTA_CRL_INDICATOR => {
                let what = "the delta CRL indicator";
                read.base_number = Some(extension::read_number(body, what)?);
            }
            extension::VIRTUAL_BASE => {
                read.virtual_base = Some(extension::read_number(body, "the virtual base")?);
            }
            extension::NEXT_PUBLISH => read.next_publish = Some(extension::read_time(body)?),
            extension::CA_VERSION => read.ca_version = Some(extension::read_ca_version(body)?),
            ID_CE_FRESHEST_CRL => {
                read.freshest_crl_urls = extension::read_distribution_points(body)?;
            }
            extension::PUBLISHED_LOCATIONS => {
                read.published_locations = extension::read_distribution_points(body)?;
            }
            ID_CE_ISSUING_DISTRIBUTION_POINT => {
                read.scope = Some(CrlScope::read(body)?);
                read.point = whole(body, |r| {
                    sequence(r, |r| {
                        let name = PointNameRead::read(r)?;
                        while !r.is_finished() {
                            r.tlv_bytes()?;
                        }
                        Ok(name)
                    })
                })?;
                read.scope_der = body.to_vec();
            }
            _ if extension.critical => return Err(extension.not_understood()),
            ID_PE_AUTHORITY_INFO_ACCESS => read.signer_urls = signer_urls(body),
            _ => {}
        }
    }
    Ok(read)
}

/// A hint where to look, so that one which cannot be read costs no more than the hint.
fn signer_urls(body: &[u8]) -> Vec<Url> {
    let access = AuthorityInfoAccessSyntax::from_der(body).map(|read| read.0).unwrap_or_default();
    let issuers = access.iter().filter(|one| one.access_method == ID_AD_CA_ISSUERS);
    issuers.filter_map(|one| extension::read_uri(&one.access_location)).collect()
}
