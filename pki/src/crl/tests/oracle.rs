//! Entries read by the `der` crate alone, one by one, and sorted: what the quicker way of
//! [`Crl::parse`] must take, refuse and find, whatever the bytes are.

use std::ops::Range;

use const_oid::db::rfc5280::ID_CE_CERTIFICATE_ISSUER;
use der::asn1::IntRef;
use der::{Decode, Reader, SliceReader, Tag};
use proptest::prelude::*;

use super::*;
use crate::decode::{canonical, next_is, optional, place, sequence, sequence_of, whole};
use crate::signed::Signed;

struct Listed {
    serial: Range<usize>,
    negative: bool,
    issuer: Option<usize>,
    entry: Range<usize>,
}

/// The entries of a CRL with their issuers, where not its own, and whether they can be found.
type Read = Vec<(Option<DistinguishedName>, CrlEntry, bool)>;

fn slow(der: &[u8]) -> Result<Read, Malformed> {
    let signed = Signed::read_whole(der)?;
    let (mut entries, others) = whole(signed.tbs, |r| sequence(r, |r| tbs(r, der)))?;
    let slice = |range: &Range<usize>| &der[range.clone()];
    entries.sort_by(|a, b| slice(&a.serial).cmp(slice(&b.serial)));
    let read = |listed: &Listed| {
        let issuer = listed.issuer.map(|nth| others[nth].clone());
        Ok((issuer, whole(slice(&listed.entry), read::entry)?, !listed.negative))
    };
    entries.iter().map(read).collect()
}

fn tbs<'a>(
    r: &mut SliceReader<'a>,
    der: &'a [u8],
) -> Result<(Vec<Listed>, Vec<DistinguishedName>), Malformed> {
    if next_is(r, Tag::Integer)? {
        crate::decode::number(r, "the CRL's version")?;
    }
    r.tlv_bytes()?;
    DistinguishedName::read(r)?;
    time::read(r)?;
    if time::is_next(r)? {
        time::read(r)?;
    }
    let (mut entries, mut others, mut named) = (Vec::new(), Vec::new(), None);
    if next_is(r, Tag::Sequence)? {
        sequence_of(r, |r| {
            entries.push(listed(r, der, &mut named, &mut others)?);
            Ok(())
        })?;
    }
    let wrapped = optional(r, crate::decode::constructed(0))?;
    let indirect = match wrapped {
        Some(wrapped) => read::extensions(&extension::read_wrapped(wrapped)?)?
            .scope
            .is_some_and(|scope| scope.indirect),
        None => false,
    };
    match named.is_some() && !indirect {
        true => Err(read::not_indirect()),
        false => Ok((entries, others)),
    }
}

fn listed<'a>(
    r: &mut SliceReader<'a>,
    der: &'a [u8],
    issuer: &mut Option<usize>,
    others: &mut Vec<DistinguishedName>,
) -> Result<Listed, Malformed> {
    let bytes = r.tlv_bytes()?;
    let read = whole(bytes, read::entry)?;
    if read.extensions.iter().any(|extension| extension.oid == ID_CE_CERTIFICATE_ISSUER) {
        let name = read.certificate_issuer()?.ok_or_else(read::not_indirect)?;
        let known = others.iter().position(|other| *other == name).unwrap_or(others.len());
        if known == others.len() {
            others.push(name);
        }
        *issuer = Some(known);
    }
    let (serial, negative) = whole(bytes, |r| {
        sequence(r, |r| {
            let octets = IntRef::decode(r)?.as_bytes();
            while !r.is_finished() {
                r.tlv_bytes()?;
            }
            Ok((canonical(octets), octets.first().is_some_and(|first| first & 0x80 != 0)))
        })
    })?;
    let (serial, entry) = (place(der, serial), place(der, bytes));
    Ok(Listed { serial, negative, issuer: *issuer, entry })
}

/// What both ways say of the same bytes must be the same, errors and their places included.
fn both_agree(der: &[u8]) -> Result<(), TestCaseError> {
    let slow = slow(der).map_err(|why| why.within("a CRL"));
    let crl = match (Crl::parse(der), slow.as_ref()) {
        (Ok(crl), Ok(_)) => crl,
        (Err(quick), Err(slow)) => {
            prop_assert_eq!(&quick, slow);
            return Ok(());
        }
        (quick, slow) => {
            prop_assert!(false, "{quick:?}, not {slow:?}");
            return Ok(());
        }
    };
    let slow = slow.unwrap_or_default();
    let issuer =
        |named: &Option<DistinguishedName>| named.clone().unwrap_or_else(|| crl.issuer().clone());
    let listed: Vec<_> =
        slow.iter().map(|(named, entry, _)| (issuer(named), entry.clone())).collect();
    let quick: Vec<_> = crl.entries_of().map(|(name, entry)| (name.clone(), entry)).collect();
    prop_assert_eq!(crl.len(), quick.len());
    prop_assert_eq!(&quick, &listed);
    for (named, entry, _) in &slow {
        let (name, serial) = (issuer(named), &entry.serial);
        let first = slow.iter().find(|(other, candidate, positive)| {
            *positive && issuer(other) == name && candidate.serial == *serial
        });
        prop_assert_eq!(crl.find_of(&name, serial), first.map(|(_, entry, _)| entry.clone()));
    }
    Ok(())
}

fn entry() -> impl Strategy<Value = CrlEntry> {
    let names = ["A", "B"].map(DistinguishedName::common_name);
    let further = prop_oneof![
        3 => Just(Vec::new()),
        1 => Just(vec![CrlExtension::invalidity_date(START)]),
        1 => Just(vec![CrlExtension::unknown(false)]),
        1 => prop::sample::select(names.to_vec())
            .prop_map(|name| vec![CrlExtension::certificate_issuer(&name)]),
    ];
    // Few numbers, so that some are listed twice.
    let serial = prop_oneof![2 => serials(), 1 => (1u8..6).prop_map(|n| vec![n])];
    (serial, seconds(), prop::option::of(0u8..=10), further).prop_map(
        |(serial, revoked_at, reason, extensions)| CrlEntry {
            serial,
            revoked_at,
            reason,
            extensions,
        },
    )
}

/// A CRL with such entries, and where they lie in it.
fn made(entries: Vec<CrlEntry>, negative: Vec<i8>, indirect: bool) -> Vec<u8> {
    let ca = authority(KeyAlgorithm::EcdsaP256);
    let scope = CrlScope { indirect, ..CrlScope::default() };
    let extensions = if indirect { vec![scope.extension()] } else { Vec::new() };
    let flaws = CrlFlaws { negative_serials: negative, ..CrlFlaws::default() };
    CrlTemplate { entries, extensions, ..base() }.sign_flawed(&ca.certificate, &ca.key, &flaws)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_quick_way_reads_what_the_slow_one_does(
        entries in prop::collection::vec(entry(), 0..12),
        negative in prop::collection::vec(-128i8..0, 0..3),
        indirect in prop::bool::weighted(0.8),
    ) {
        both_agree(&made(entries, negative, indirect))?;
    }

    #[test]
    fn bytes_changed_in_any_place_are_read_or_refused_alike(
        entries in prop::collection::vec(entry(), 1..5),
        indirect in prop::bool::weighted(0.8),
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), prop_oneof![Just(1u8), Just(0x80), Just(0xff), any::<u8>()]),
            40,
        ),
    ) {
        let der = made(entries, Vec::new(), indirect);
        // What lies between the CRL's times and its signature is mostly entries.
        let most = der.len() - 80;
        for (at, change) in changes {
            let mut spoilt = der.clone();
            spoilt[at.index(most)] ^= change;
            both_agree(&spoilt)?;
        }
    }
}

#[test]
fn forms_next_to_the_usual_one_are_read_or_refused_alike() {
    let date = b"\x17\x0d240301000000Z".as_slice();
    let reason = b"\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01\x01".as_slice();
    let extensions = |list: &[&[u8]]| encode::sequence(list);
    let entries: Vec<Vec<u8>> = [
        // Serial numbers: none, zero, too long by a zero, negative in both forms.
        vec![b"\x02\x00".as_slice(), date],
        vec![b"\x02\x01\x00", date],
        vec![b"\x02\x02\x00\x05", date],
        vec![b"\x02\x02\x00\x85", date],
        vec![b"\x02\x01\x85", date],
        vec![b"\x02\x02\xff\x85", date],
        vec![b"\x02\x02\xff\x05", date],
        // Lengths that are too long by an octet, or indefinite.
        vec![b"\x02\x81\x01\x05", date],
        vec![b"\x02\x80\x05\x00\x00", date],
        // Times: another form, no such day, short, none.
        vec![b"\x02\x01\x05", b"\x18\x0f20240301000000Z"],
        vec![b"\x02\x01\x05", b"\x17\x0d240230000000Z"],
        vec![b"\x02\x01\x05", b"\x17\x0b2403010000Z"],
        vec![b"\x02\x01\x05"],
        // Extensions: none, one, twice, without a body, with bytes behind, behind them something.
        vec![b"\x02\x01\x05", date, b"\x30\x00"],
        vec![b"\x02\x01\x05", date, &extensions(&[reason])],
        vec![b"\x02\x01\x05", date, &extensions(&[reason, reason])],
        vec![b"\x02\x01\x05", date, b"\x30\x07\x30\x05\x06\x03\x55\x1d\x15"],
        vec![b"\x02\x01\x05", date, b"\x30\x0b\x30\x09\x06\x03\x55\x1d\x15\x04\x02\x0a\x01"],
        vec![b"\x02\x01\x05", date, b"\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01\x81"],
        vec![b"\x02\x01\x05", date, b"\x30\x0b\x30\x09\x06\x03\x55\x1d\x18\x04\x00\x05\x00"],
        vec![b"\x02\x01\x05", date, b"\x30\x09\x30\x07\x06\x03\x55\x1d\x80\x04\x00"],
        vec![b"\x02\x01\x05", date, b"\x30\x09\x30\x07\x06\x03\x55\x1d\x7f\x04\x00"],
        vec![b"\x02\x01\x05", date, &extensions(&[reason]), b"\x05\x00"],
        vec![b"\x02\x01\x05", date, b"\x05\x00"],
        // Critical: understood, and not.
        vec![
            b"\x02\x01\x05",
            date,
            b"\x30\x0f\x30\x0d\x06\x03\x55\x1d\x15\x01\x01\xff\x04\x03\x0a\x01\x01",
        ],
        vec![b"\x02\x01\x05", date, b"\x30\x0c\x30\x0a\x06\x03\x55\x1d\x18\x01\x01\xff\x04\x00"],
    ]
    .iter()
    .map(|parts| encode::sequence(parts))
    .collect();
    let mut refused = 0;
    for entry in &entries {
        for list in [vec![entry], vec![&entries[1], entry, &entries[14]]] {
            let list: Vec<&[u8]> = list.into_iter().map(Vec::as_slice).collect();
            let der = by_hand(&encode::number(1), &encode::sequence(&list));
            both_agree(&der).unwrap();
            refused += usize::from(Crl::parse(&der).is_err());
        }
    }
    assert!(refused > entries.len() / 2 && refused < entries.len() * 2, "{refused}");
}
