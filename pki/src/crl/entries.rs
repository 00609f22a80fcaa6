//! revokedCertificates: every entry is read once for its errors, and looked up where it lies.

use std::collections::BTreeMap;
use std::ops::Range;

use const_oid::db::rfc5280::ID_CE_CERTIFICATE_ISSUER;
use der::{Length, Reader, SliceReader, Tag};

use super::index::{Index, Keyed, hash};
use super::{CrlEntry, read, usual};
use crate::decode::{content, place, whole};
use crate::{DistinguishedName, Malformed};

/// Where the entries of a CRL are.
#[derive(Default)]
pub(super) struct Entries {
    /// The content of revokedCertificates.
    list: Range<usize>,
    count: usize,
    /// By serial number; negative ones are no certificate's and not in it.
    index: Index,
    /// From which place in the list on which issuer's certificates are meant, in an indirect CRL
    /// (RFC 5280 §5.3.3).
    named: Vec<(u32, usize)>,
    /// The issuers that are named.
    others: Vec<DistinguishedName>,
}

/// What is known of entries while they are read.
#[derive(Default)]
struct Reading {
    count: usize,
    keyed: Vec<Keyed>,
    named: Vec<(u32, usize)>,
    others: Vec<DistinguishedName>,
    /// The place of each of the others, by its DER.
    known: BTreeMap<Vec<u8>, usize>,
}

impl Entries {
    /// Reads the list, which is next, of the CRL `der`.
    pub(super) fn read(r: &mut SliceReader<'_>, der: &[u8]) -> Result<Entries, Malformed> {
        let list = content(r, Tag::Sequence)?;
        let mut reading = Reading::default();
        let mut rest = list;
        while !rest.is_empty() {
            let at = list.len() - rest.len();
            let length = match usual::read(rest) {
                Some(entry) => {
                    reading.add(at, entry.serial)?;
                    entry.length
                }
                None => reading.unusual(list, at)?,
            };
            rest = rest.get(length..).unwrap_or_default();
        }
        let Reading { count, keyed, named, others, .. } = reading;
        let index = Index::new(&keyed, |place| serial(list, place));
        Ok(Entries { list: place(der, list), count, index, named, others })
    }

    /// Whether an entry names the issuer of its certificate.
    pub(super) fn name_issuers(&self) -> bool {
        !self.named.is_empty()
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The first entry with this serial number that is about a certificate of such an issuer;
    /// `own` is the CRL's.
    pub(super) fn find(
        &self,
        der: &[u8],
        own: &DistinguishedName,
        wanted: &[u8],
        is_issuer: impl Fn(&DistinguishedName) -> bool,
    ) -> Option<CrlEntry> {
        let list = self.list(der);
        let mut found = self.index.find(wanted, |place| serial(list, place));
        let place = found.find(|place| is_issuer(self.issuer(*place, own)))?;
        let mut reader = SliceReader::new(list.get(place as usize..)?).ok()?;
        // All entries were read once, so this is never an error.
        read::entry(&mut reader).ok()
    }

    /// All entries with the issuers of their certificates, by serial number; those of one number in
    /// the CRL's order.
    pub(super) fn all<'a>(
        &'a self,
        der: &'a [u8],
        own: &'a DistinguishedName,
    ) -> Vec<(&'a DistinguishedName, CrlEntry)> {
        let list = self.list(der);
        let mut all = Vec::with_capacity(self.count);
        let mut rest = list;
        while !rest.is_empty() {
            let at = u32::try_from(list.len() - rest.len()).unwrap_or(u32::MAX);
            let Ok(mut reader) = SliceReader::new(rest) else { break };
            // As above.
            let Ok(entry) = read::entry(&mut reader) else { break };
            all.push((self.issuer(at, own), entry));
            let behind = usize::try_from(reader.remaining_len()).unwrap_or_default();
            rest = rest.get(rest.len() - behind..).unwrap_or_default();
        }
        all.sort_by(|(_, a), (_, b)| a.serial.cmp(&b.serial));
        all
    }

    fn list<'a>(&self, der: &'a [u8]) -> &'a [u8] {
        der.get(self.list.clone()).unwrap_or_default()
    }

    /// Whose certificate the entry at a place is about. An issuer holds on until another is named.
    fn issuer<'a>(&'a self, place: u32, own: &'a DistinguishedName) -> &'a DistinguishedName {
        let before = self.named.partition_point(|(from, _)| *from <= place);
        let named = before.checked_sub(1).and_then(|last| self.named.get(last));
        named.and_then(|(_, other)| self.others.get(*other)).unwrap_or(own)
    }
}

/// The serial number of the entry at a place of the list.
fn serial(list: &[u8], place: u32) -> &[u8] {
    list.get(place as usize..).and_then(usual::serial_of).unwrap_or_default()
}

impl Reading {
    /// An entry that can be found by this serial number.
    fn add(&mut self, at: usize, serial: &[u8]) -> Result<(), Malformed> {
        self.count += 1;
        self.keyed.push(Keyed { hash: hash(serial), place: place_of(at)? });
        Ok(())
    }

    /// Reads the entry at a place of the list, in whatever form; how many octets it has.
    fn unusual(&mut self, list: &[u8], at: usize) -> Result<usize, Malformed> {
        let mut reader = SliceReader::new(list)?;
        reader.read_slice(Length::try_from(at)?)?;
        let bytes = reader.tlv_bytes()?;
        let entry = whole(bytes, read::entry)?;
        if entry.extensions.iter().any(|extension| extension.oid == ID_CE_CERTIFICATE_ISSUER) {
            let name = entry.certificate_issuer()?.ok_or_else(read::not_indirect)?;
            let nth = *self.known.entry(name.as_der().to_vec()).or_insert(self.others.len());
            if nth == self.others.len() {
                self.others.push(name);
            }
            self.named.push((place_of(at)?, nth));
        }
        match usual::serial_of(bytes) {
            Some(serial) => self.add(at, serial)?,
            None => self.count += 1,
        }
        Ok(bytes.len())
    }
}

/// DER of this size is refused before it comes to this.
fn place_of(at: usize) -> Result<u32, Malformed> {
    u32::try_from(at).map_err(|_| der::Error::from(der::ErrorKind::Overflow).into())
}
