//! What a scenario says about renewals of a CA's certificate.

use revlab_lab::Span;

use super::CaConfig;

/// A renewal before the start of the run (fact sheet §4.4): a new certificate of the CA, from then on
/// for its whole lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// How long before the start.
    pub ago: Span,
    /// With a new key; otherwise with the one that there was.
    pub new_key: bool,
}

impl CaConfig {
    /// The renewals, oldest first.
    pub(crate) fn renewals(&self) -> Vec<Renewal> {
        let mut renewals = self.renewed.clone();
        renewals.sort_by_key(|renewal| std::cmp::Reverse(renewal.ago));
        renewals
    }
}
