//! Chains, CRLs and deltas with one fault or several, drawn by seed, for holding one
//! validator against another.
//!
//! A combination is one value of each axis. Faults of CRLs are the fake CA's own defects
//! (`revlab_fake_ca::content`); the axes of chains and of deltas add what no CA does by itself.

mod make;

use std::fmt;

use revlab_fake_ca::content::crl::CrlDefect;
use revlab_lab::Seed;
use revlab_sut::validation::Evidence;

pub use make::{AT, Files};

/// What is wrong with the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChainFault {
    /// Nothing.
    None,
    /// The client's certificate has expired.
    LeafExpired,
    /// It is not valid yet.
    LeafFuture,
    /// The CA's certificate has expired.
    IssuerExpired,
    /// The CA's basic constraints lack cA.
    IssuerNoAuthority,
    /// The CA's key may sign CRLs and no certificates.
    IssuerNoCertificateSign,
    /// The CA's key may sign certificates and no CRLs.
    IssuerNoCrlSign,
    /// The client's certificate is signed by another key.
    LeafOtherKey,
    /// The client's certificate has an unknown critical extension.
    LeafUnknownCritical,
    /// The CA may certify other names than the client's.
    NameNotPermitted,
    /// The CA's path length is 0, and there is another CA below it.
    PathTooLong,
    /// The CA's certificate is not there.
    IssuerMissing,
}

/// What is published as a delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeltaKind {
    /// No delta.
    None,
    /// One that lists nobody.
    Empty,
    /// One that lists the client.
    Lists,
    /// One that takes the client off the base's list.
    Removes,
}

/// One combination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Of the chain.
    pub chain: ChainFault,
    /// Of the base CRL; `None`: it is right.
    pub base: Option<CrlDefect>,
    /// Whether the base lists the client.
    pub listed: bool,
    /// The delta.
    pub delta: DeltaKind,
    /// Of the delta; `None`: it is right.
    pub delta_defect: Option<CrlDefect>,
    /// Whether the root's CRL lists the CA.
    pub issuer_revoked: bool,
}

/// Name by name, as the list of differences has it.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [chain, base, listed, delta, delta_defect, issuer] = self.values();
        write!(
            f,
            "chain={chain} base={base} listed={listed} delta={delta} \
             delta_defect={delta_defect} issuer_revoked={issuer}"
        )
    }
}

impl Case {
    /// The names of the axes, in the order of [`Case::values`].
    pub const AXES: [&'static str; 6] =
        ["chain", "base", "listed", "delta", "delta_defect", "issuer_revoked"];

    /// The value of each axis as text.
    pub fn values(&self) -> [String; 6] {
        let defect = |of: Option<CrlDefect>| of.map_or("none", CrlDefect::name).to_owned();
        [
            snake(&format!("{:?}", self.chain)),
            defect(self.base),
            self.listed.to_string(),
            snake(&format!("{:?}", self.delta)),
            defect(self.delta_defect),
            self.issuer_revoked.to_string(),
        ]
    }

    /// Whether two validators that look at things in another order must still agree on why: there
    /// is nothing wrong with the chain.
    pub fn is_about_revocation(&self) -> bool {
        self.chain == ChainFault::None
    }

    /// The files for a program, and the evidence for the strict engine.
    pub fn make(&self) -> (Files, Option<Evidence>) {
        make::case(self)
    }
}

fn snake(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

/// Every chain fault.
const CHAINS: [ChainFault; 12] = [
    ChainFault::None,
    ChainFault::LeafExpired,
    ChainFault::LeafFuture,
    ChainFault::IssuerExpired,
    ChainFault::IssuerNoAuthority,
    ChainFault::IssuerNoCertificateSign,
    ChainFault::IssuerNoCrlSign,
    ChainFault::LeafOtherKey,
    ChainFault::LeafUnknownCritical,
    ChainFault::NameNotPermitted,
    ChainFault::PathTooLong,
    ChainFault::IssuerMissing,
];

/// Every combination, in an order drawn by the seed, so that the first thousand are a fair sample.
pub fn cases(seed: Seed) -> Vec<Case> {
    let defects: Vec<Option<CrlDefect>> =
        [None].into_iter().chain(CrlDefect::NAMES.map(|(_, defect)| Some(defect))).collect();
    let deltas = [DeltaKind::None, DeltaKind::Empty, DeltaKind::Lists, DeltaKind::Removes];
    let mut all = Vec::new();
    for chain in CHAINS {
        for base in &defects {
            for delta in deltas {
                for delta_defect in &defects {
                    // Half the axes at once are enough to see each against each other.
                    let wrong = [chain != ChainFault::None, base.is_some(), delta_defect.is_some()];
                    let wrong = wrong.into_iter().filter(|wrong| *wrong).count();
                    if (delta == DeltaKind::None && delta_defect.is_some()) || wrong > 2 {
                        continue;
                    }
                    for listed in [false, true] {
                        all.push(Case {
                            chain,
                            base: *base,
                            listed,
                            delta,
                            delta_defect: *delta_defect,
                            issuer_revoked: all.len() % 11 == 10,
                        });
                    }
                }
            }
        }
    }
    shuffle(&mut all, seed);
    all
}

fn shuffle<T>(list: &mut [T], seed: Seed) {
    let mut stream = seed.stream("differential");
    for n in (1..list.len()).rev() {
        let other = usize::try_from(stream.below(n as u64 + 1)).unwrap_or(0);
        list.swap(n, other);
    }
}
