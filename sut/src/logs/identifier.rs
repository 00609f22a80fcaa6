//! Identifiers that Windows draws by chance: here they are derived, so that the same trace gives
//! the same files.

use std::fmt::Write;

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// A GUID in braces that depends on these words and numbers alone.
pub(super) fn guid(subject: &str, numbers: &[u64]) -> String {
    let mut text = String::with_capacity(38);
    let [high, low] = [1, 2].map(|salt| {
        let seed = subject.bytes().fold(OFFSET ^ salt, step);
        let hash = numbers.iter().flat_map(|n| n.to_le_bytes()).fold(seed, step);
        // FNV's last bytes reach only the low bits: spread them.
        (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    });
    let (a, b, c) = (high >> 32, (high >> 16) & 0xffff, high & 0xffff);
    let (d, e) = (low >> 48, low & 0xffff_ffff_ffff);
    // Writing to a String cannot fail.
    let _ = write!(text, "{{{a:08X}-{b:04X}-{c:04X}-{d:04X}-{e:012X}}}");
    text
}

/// A process id for a process name: a multiple of four below 4000, as on Windows.
pub(super) fn process_id(name: &str) -> u32 {
    let hash = name.bytes().fold(OFFSET, step);
    4 * (100 + (hash % 900) as u32)
}

fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(PRIME)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_guid_is_the_same_for_the_same_words_and_differs_for_neighbours() {
        assert_eq!(guid("web", &[7]), guid("web", &[7]));
        let all: BTreeSet<_> = (0..1000).map(|n| guid("web", &[n])).collect();
        assert_eq!(all.len(), 1000);
        assert!(all.iter().all(|g| g.len() == 38 && g.starts_with('{') && g.ends_with('}')));
    }

    #[test]
    fn a_process_id_is_a_small_multiple_of_four() {
        for name in ["lsass.exe", "w3wp.exe", "certutil.exe", ""] {
            let id = process_id(name);
            assert!(id.is_multiple_of(4) && (400..4000).contains(&id), "{name}: {id}");
        }
    }
}
