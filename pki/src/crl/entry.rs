//! Writing entries, one after another.

use const_oid::db::rfc5280::ID_CE_CRL_REASONS;
use revlab_lab::Instant;

use super::{CrlEntry, CrlExtension};
use crate::encode::{self, tag};
use crate::{extension, time};

/// Writes entries with little work for each: CRLs may be large, and in a large one most entries
/// share their revocationDate with the one before.
#[derive(Default)]
pub(super) struct EntryWriter {
    date: Option<(Instant, Vec<u8>)>,
    /// crlEntryExtensions of the entry at hand; empty where there are none.
    extensions: Vec<u8>,
}

impl EntryWriter {
    /// How many octets [`EntryWriter::push`] appends.
    pub(super) fn length(&mut self, entry: &CrlEntry) -> usize {
        encode::tlv_length(self.prepare(entry))
    }

    /// Appends an entry.
    pub(super) fn push(&mut self, out: &mut Vec<u8>, entry: &CrlEntry) {
        let length = self.prepare(entry);
        encode::push_header(out, tag::SEQUENCE, length);
        encode::push_unsigned(out, &entry.serial);
        if let Some((_, date)) = &self.date {
            out.extend_from_slice(date);
        }
        out.extend_from_slice(&self.extensions);
    }

    /// Makes date and extensions ready; how long the content is.
    fn prepare(&mut self, entry: &CrlEntry) -> usize {
        self.extensions.clear();
        match (entry.reason, entry.extensions.as_slice()) {
            (None, []) => {}
            (Some(reason), []) if reason < 0x80 => self.extensions.extend(only_reason(reason)),
            (reason, further) => {
                let further = further.iter().flat_map(CrlExtension::write);
                let list: Vec<u8> =
                    reason.map(reason_code).into_iter().flatten().chain(further).collect();
                encode::push(&mut self.extensions, tag::SEQUENCE, &[&list]);
            }
        }
        let date = match &self.date {
            Some((at, date)) if *at == entry.revoked_at => date.len(),
            _ => {
                let date = time::time(entry.revoked_at);
                self.date.insert((entry.revoked_at, date)).1.len()
            }
        };
        encode::unsigned_length(&entry.serial) + date + self.extensions.len()
    }
}

/// crlEntryExtensions with the reasonCode alone, as nearly every entry has it.
fn only_reason(reason: u8) -> [u8; 14] {
    [0x30, 12, 0x30, 10, 0x06, 3, 0x55, 0x1d, 0x15, 0x04, 3, tag::ENUMERATED, 1, reason]
}

/// The reasonCode extension. Reasons end at 10; what has no place in one octet becomes 0.
fn reason_code(reason: u8) -> Vec<u8> {
    let reason = if reason < 0x80 { reason } else { 0 };
    extension::write(ID_CE_CRL_REASONS, false, &encode::tlv(tag::ENUMERATED, &[reason]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_length_is_that_of_what_is_written(
            serial: Vec<u8>, reason: Option<u8>, at in 0..i64::from(u32::MAX), further in 0usize..30,
        ) {
            let extensions = vec![CrlExtension::unknown(false); further];
            let revoked_at = Instant::from_millis(at * 1000);
            let entry = CrlEntry { serial, revoked_at, reason, extensions };
            let mut out = Vec::new();
            EntryWriter::default().push(&mut out, &entry);
            prop_assert_eq!(EntryWriter::default().length(&entry), out.len());
        }
    }

    #[test]
    fn the_short_form_of_a_reason_is_the_extension() {
        for reason in 0..=10 {
            let list = encode::tlv(tag::SEQUENCE, &reason_code(reason));
            assert_eq!(only_reason(reason).to_vec(), list);
        }
    }
}
