//! Finding an entry by its serial number, in large CRLs too.
//!
//! A table of buckets, each a few places of entries, picked by a hash of the serial number: a
//! lookup touches the table twice and the CRL about once. The hash has no secret, so that
//! whoever makes a CRL can fill one bucket; large buckets are therefore sorted and searched by halves.

/// Places by serial number.
#[derive(Default)]
pub(super) struct Index {
    /// Where each bucket begins among the places; behind the last, where they end.
    begins: Box<[u32]>,
    /// Buckets one after another; in a small one in the CRL's order, in a large one by serial number
    /// first.
    places: Box<[u32]>,
}

/// An entry to be found.
pub(super) struct Keyed {
    /// [`hash`] of its serial number.
    pub(super) hash: u32,
    /// Where it lies.
    pub(super) place: u32,
}

/// Up to here a bucket is looked through place by place.
const SMALL: usize = 8;

impl Index {
    /// An index of these entries, in the CRL's order; `serial` is asked for those in large buckets.
    pub(super) fn new<'a>(entries: &[Keyed], serial: impl Fn(u32) -> &'a [u8]) -> Index {
        let buckets = entries.len();
        // Counting sort: how many are in each bucket, where each ends, then from the last to the
        // first, so that a bucket keeps the CRL's order.
        let mut begins = vec![0u32; buckets + 1];
        for entry in entries {
            if let Some(count) = begins.get_mut(bucket(entry.hash, buckets)) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for end in &mut begins {
            sum += *end;
            *end = sum;
        }
        let mut places = vec![0u32; entries.len()];
        for entry in entries.iter().rev() {
            if let Some(begin) = begins.get_mut(bucket(entry.hash, buckets)) {
                *begin -= 1;
                if let Some(place) = places.get_mut(*begin as usize) {
                    *place = entry.place;
                }
            }
        }
        for both in begins.windows(2) {
            let [from, to] = *both else { continue };
            let bucket = places.get_mut(from as usize..to as usize).unwrap_or_default();
            if bucket.len() > SMALL {
                bucket.sort_by(|a, b| serial(*a).cmp(serial(*b)));
            }
        }
        Index { begins: begins.into(), places: places.into() }
    }

    /// The places of entries with this serial number, in the CRL's order.
    pub(super) fn find<'a>(
        &'a self,
        wanted: &'a [u8],
        serial: impl Fn(u32) -> &'a [u8] + 'a,
    ) -> impl Iterator<Item = u32> + 'a {
        let mut bucket = self.bucket(hash(wanted));
        if bucket.len() > SMALL {
            let from = bucket.partition_point(|place| serial(*place) < wanted);
            let to = bucket.partition_point(|place| serial(*place) <= wanted);
            bucket = bucket.get(from..to).unwrap_or_default();
        }
        bucket.iter().copied().filter(move |place| serial(*place) == wanted)
    }

    fn bucket(&self, hash: u32) -> &[u32] {
        let nth = bucket(hash, self.places.len());
        let Some([from, to]) = self.begins.get(nth..nth + 2) else { return &[] };
        self.places.get(*from as usize..*to as usize).unwrap_or_default()
    }
}

/// Which of so many buckets: the hash as a fraction of 2³².
fn bucket(hash: u32, buckets: usize) -> usize {
    ((u64::from(hash) * buckets as u64) >> 32) as usize
}

/// A hash that spreads serial numbers drawn by chance and those that are counted.
pub(super) fn hash(serial: &[u8]) -> u32 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |sum: u64, word: u64| {
        let product = (sum ^ word).wrapping_mul(FACTOR);
        product ^ (product >> 32)
    };
    let (words, rest) = serial.as_chunks::<8>();
    let sum =
        words.iter().fold(serial.len() as u64, |sum, word| mix(sum, u64::from_le_bytes(*word)));
    let last = rest.iter().fold(0u64, |word, octet| word << 8 | u64::from(*octet));
    // Twice, so that the upper half depends on every bit.
    (mix(mix(sum, last), 0) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(serials: &[[u8; 4]], hash: impl Fn(&[u8]) -> u32) -> Index {
        let entry = |(n, serial): (usize, &[u8; 4])| Keyed { hash: hash(serial), place: n as u32 };
        let entries: Vec<Keyed> = serials.iter().enumerate().map(entry).collect();
        Index::new(&entries, |place| &serials[place as usize])
    }

    #[test]
    fn counted_serial_numbers_are_spread_over_the_buckets() {
        let serials: Vec<[u8; 4]> = (0..10_000u32).map(u32::to_be_bytes).collect();
        let index = of(&serials, hash);
        let longest = index.begins.windows(2).map(|both| both[1] - both[0]).max();
        assert!(longest < Some(12), "{longest:?}");
        for (n, serial) in serials.iter().enumerate() {
            let found: Vec<u32> = index.find(serial, |place| &serials[place as usize]).collect();
            assert_eq!(found, [n as u32]);
        }
    }

    #[test]
    fn a_bucket_that_somebody_has_filled_keeps_the_order_of_equal_numbers() {
        // All in the bucket of the one that is looked for, and each of them twice.
        let one = |n: u32| (n % 500).to_be_bytes();
        let serials: Vec<[u8; 4]> = (0..1000).map(one).collect();
        let wanted = one(77);
        let index = of(&serials, |_| hash(&wanted));
        let found: Vec<u32> = index.find(&wanted, |place| &serials[place as usize]).collect();
        assert_eq!(found, [77, 577]);
        let none = index.find(&[9; 4], |place| &serials[place as usize]).count();
        assert_eq!(none, 0);
    }

    #[test]
    fn nothing_is_found_where_nothing_is() {
        let index = of(&[], hash);
        assert_eq!(index.find(&[1], |_| &[]).count(), 0);
        assert_eq!(Index::default().find(&[1], |_| &[]).count(), 0);
    }
}
