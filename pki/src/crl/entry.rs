//! Writing entries, one after another.

use const_oid::db::rfc5280::ID_CE_CRL_REASONS;
use revlab_lab::Instant;

use super::{CrlEntry, CrlExtension};
use crate::encode::{self, tag};
use crate::{extension, time};

/// Writes entries through one scratch buffer: CRLs may be large, and in a large one most entries
/// share their revocationDate with the one before.
#[derive(Default)]
pub(super) struct EntryWriter {
    scratch: Vec<u8>,
    date: Option<(Instant, Vec<u8>)>,
}

impl EntryWriter {
    /// Appends an entry.
    pub(super) fn push(&mut self, out: &mut Vec<u8>, entry: &CrlEntry) {
        self.scratch.clear();
        encode::push_unsigned(&mut self.scratch, &entry.serial);
        match &self.date {
            Some((at, date)) if *at == entry.revoked_at => self.scratch.extend_from_slice(date),
            _ => {
                let date = time::time(entry.revoked_at);
                self.scratch.extend_from_slice(&date);
                self.date = Some((entry.revoked_at, date));
            }
        }
        match (entry.reason, entry.extensions.as_slice()) {
            (None, []) => {}
            (Some(reason), []) if reason < 0x80 => self.scratch.extend(only_reason(reason)),
            (reason, further) => {
                let further = further.iter().flat_map(CrlExtension::write);
                let list: Vec<u8> =
                    reason.map(reason_code).into_iter().flatten().chain(further).collect();
                encode::push(&mut self.scratch, tag::SEQUENCE, &[&list]);
            }
        }
        encode::push(out, tag::SEQUENCE, &[&self.scratch]);
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
    use super::*;

    #[test]
    fn the_short_form_of_a_reason_is_the_extension() {
        for reason in 0..=10 {
            let list = encode::tlv(tag::SEQUENCE, &reason_code(reason));
            assert_eq!(only_reason(reason).to_vec(), list);
        }
    }
}
