//! Names of all kinds, as they are read and compared (RFC 5280 §4.2.1.6, §4.2.1.13).

use der::asn1::{AnyRef, BitStringRef};
use der::{Decode, Reader, SliceReader, Tag, Tagged};

use crate::decode::{constructed, optional, primitive, sequence, sequence_of, whole};
use crate::{DistinguishedName, Malformed};

/// A GeneralName that was read, of a subject or in a constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectName {
    /// rfc822Name.
    Email(String),
    /// dNSName.
    Dns(String),
    /// directoryName.
    Directory(DistinguishedName),
    /// uniformResourceIdentifier.
    Uri(String),
    /// iPAddress: 4 or 16 octets, in constraints twice as many with the mask behind.
    Ip(Vec<u8>),
    /// Any other kind, by the number of its tag, with its content.
    Other(u32, Vec<u8>),
}

impl SubjectName {
    /// Reads the next GeneralName.
    pub(crate) fn read(r: &mut SliceReader<'_>) -> Result<SubjectName, Malformed> {
        let any = AnyRef::decode(r)?;
        let Tag::ContextSpecific { number, .. } = any.tag() else {
            return Err(der::Error::from(any.tag().value_error()).into());
        };
        let bytes = any.value();
        // IA5String; what is no ASCII matches nothing that is.
        let text = || String::from_utf8_lossy(bytes).into_owned();
        Ok(match number.value() {
            1 => SubjectName::Email(text()),
            2 => SubjectName::Dns(text()),
            4 => SubjectName::Directory(whole(bytes, DistinguishedName::read)?),
            6 => SubjectName::Uri(text()),
            7 => SubjectName::Ip(bytes.to_vec()),
            other => SubjectName::Other(other, bytes.to_vec()),
        })
    }

    /// Reads the content of GeneralNames.
    pub(crate) fn read_all(r: &mut SliceReader<'_>) -> Result<Vec<SubjectName>, Malformed> {
        let mut names = Vec::new();
        while !r.is_finished() {
            names.push(SubjectName::read(r)?);
        }
        Ok(names)
    }

    /// Whether both are the same name: distinguished names by RFC 5280 §7.1, others as they stand
    /// there.
    pub fn matches(&self, other: &SubjectName) -> bool {
        match (self, other) {
            (SubjectName::Directory(one), SubjectName::Directory(other)) => one.matches(other),
            _ => self == other,
        }
    }
}

/// A distribution point as it is read (RFC 5280 §4.2.1.13), of a certificate or, as issuing
/// distribution point, of a CRL (§5.2.5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PointRead {
    /// Its name, if it has one.
    pub name: Option<PointNameRead>,
    /// The reasons that its CRL is about; `None`: all.
    pub reasons: Option<Reasons>,
    /// The directory names of cRLIssuer; empty in a CRL.
    pub crl_issuer: Vec<DistinguishedName>,
}

/// DistributionPointName.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PointNameRead {
    /// fullName.
    Full(Vec<SubjectName>),
    /// nameRelativeToCRLIssuer: the content of one RelativeDistinguishedName.
    Relative(Vec<u8>),
}

impl PointRead {
    /// Reads the body of the extension of a certificate.
    pub(crate) fn read_list(body: &[u8]) -> Result<Vec<PointRead>, Malformed> {
        let mut points = Vec::new();
        whole(body, |r| {
            sequence_of(r, |r| {
                points.push(sequence(r, PointRead::read)?);
                Ok(())
            })
        })?;
        Ok(points)
    }

    fn read(r: &mut SliceReader<'_>) -> Result<PointRead, Malformed> {
        let name = PointNameRead::read(r)?;
        let reasons = optional(r, primitive(1))?.map(Reasons::read).transpose()?;
        let names = optional(r, constructed(2))?
            .map_or(Ok(Vec::new()), |content| whole(content, SubjectName::read_all))?;
        let directory = |name| match name {
            SubjectName::Directory(name) => Some(name),
            _ => None,
        };
        Ok(PointRead {
            name,
            reasons,
            crl_issuer: names.into_iter().filter_map(directory).collect(),
        })
    }

    /// Its names in full; relative ones are below `issuer`, the issuer of the CRL.
    pub fn names_below(&self, issuer: &DistinguishedName) -> Vec<SubjectName> {
        self.name.as_ref().map(|name| name.below(issuer)).unwrap_or_default()
    }
}

impl PointNameRead {
    /// Reads a DistributionPointName in its `[0]`, where there is one.
    pub(crate) fn read(r: &mut SliceReader<'_>) -> Result<Option<PointNameRead>, Malformed> {
        let Some(content) = optional(r, constructed(0))? else { return Ok(None) };
        whole(content, |r| {
            if let Some(names) = optional(r, constructed(0))? {
                return Ok(Some(PointNameRead::Full(whole(names, SubjectName::read_all)?)));
            }
            let part = crate::decode::content(r, constructed(1))?;
            Ok(Some(PointNameRead::Relative(part.to_vec())))
        })
    }

    /// The names in full.
    pub fn below(&self, issuer: &DistinguishedName) -> Vec<SubjectName> {
        match self {
            PointNameRead::Full(names) => names.clone(),
            PointNameRead::Relative(part) => {
                vec![SubjectName::Directory(issuer.with_relative(part))]
            }
        }
    }
}

/// A set of reasons as the mask of RFC 5280 §6.3.2 has it: bits 1 to 8 of ReasonFlags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reasons(u16);

impl Reasons {
    /// No reason.
    pub const NONE: Reasons = Reasons(0);
    /// The special value all-reasons.
    pub const ALL: Reasons = Reasons(0x7f80);

    /// Reads the content of a BIT STRING.
    pub(crate) fn read(content: &[u8]) -> Result<Reasons, Malformed> {
        let bits = crate::encode::tlv(crate::encode::tag::BIT_STRING, content);
        let bits = whole(&bits, |r| Ok(BitStringRef::decode(r)?.raw_bytes().to_vec()))?;
        let octet = |n| bits.get(n).copied().unwrap_or_default();
        Ok(Reasons(u16::from_be_bytes([octet(0), octet(1)]) & Reasons::ALL.0))
    }

    /// The set of these reason codes (RFC 5280 §5.3.1); those without a flag are left out.
    pub fn of(codes: &[u8]) -> Reasons {
        let all = [1, 2, 3, 4, 5, 6, 9, 10].into_iter().zip(1u32..);
        let set = all.filter(|(code, _)| codes.contains(code));
        Reasons(set.fold(0, |set, (_, bit)| set | 0x8000 >> bit))
    }

    /// The reasons of both.
    #[must_use]
    pub fn intersection(self, other: Reasons) -> Reasons {
        Reasons(self.0 & other.0)
    }

    /// The reasons of either.
    #[must_use]
    pub fn union(self, other: Reasons) -> Reasons {
        Reasons(self.0 | other.0)
    }

    /// Whether `other` has no reason that this lacks.
    pub fn contains(self, other: Reasons) -> bool {
        other.0 & !self.0 == 0
    }

    /// Whether the reason of this code (RFC 5280 §5.3.1) is in the set; false for codes without a
    /// flag.
    pub fn covers(self, code: u8) -> bool {
        let bit = match code {
            1..=6 => code,
            9 => 7,
            10 => 8,
            _ => return false,
        };
        self.0 & (0x8000 >> bit) != 0
    }
}
