//! Hypotheses about the undocumented mechanism behind KB2666300.
//!
//! None of these mechanisms is described by a source. Each is a named set of the inferred
//! parameters; the book's table says which observations of the incident each one reproduces.

use std::fmt;

use revlab_lab::Span;

use super::parameters::{BaseRetry, EntryScope, OcspErrorMark, Parameters, SkipCrl};

/// A named set of parameter values (fact sheet §7.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hypothesis {
    /// No defect: what the log shows is a healthy server.
    H0,
    /// An OCSP failure marks the whole entry offline, CDP list included.
    H1a,
    /// An OCSP failure makes the same pass skip the CRL; the next pass goes straight to it.
    H1b,
    /// As H1a, but the mark is armed by OCSP attempts for other certificates of the same CA.
    H1c,
    /// As H1b, but only where an existing entry is refreshed; the entry is then offline for about
    /// an hour. The leading one, and the default.
    #[default]
    H1d,
    /// Every retrieval costs 5 to 6 s, so that OCSP leaves the CRL too little of the 20 s.
    H2,
    /// After a skipped refresh the base is only tried again when a delta has to be fetched too.
    H4,
    /// After a skipped refresh the verdict is repeated until the delta's nextUpdate.
    H5,
}

impl Hypothesis {
    /// All hypotheses with their names in scenarios.
    pub const NAMES: [(&'static str, Hypothesis); 8] = [
        ("H0", Hypothesis::H0),
        ("H1a", Hypothesis::H1a),
        ("H1b", Hypothesis::H1b),
        ("H1c", Hypothesis::H1c),
        ("H1d", Hypothesis::H1d),
        ("H2", Hypothesis::H2),
        ("H4", Hypothesis::H4),
        ("H5", Hypothesis::H5),
    ];

    /// Its name in scenarios.
    pub fn as_str(self) -> &'static str {
        super::name_of(&Hypothesis::NAMES, self)
    }

    pub(super) fn apply(self, p: &mut Parameters) {
        match self {
            Hypothesis::H0 => {}
            Hypothesis::H1a => {
                p.skip_crl_on_ocsp_wire_error = SkipCrl::Always;
                p.ocsp_error_mark = OcspErrorMark::Always;
            }
            Hypothesis::H1b => p.skip_crl_on_ocsp_wire_error = SkipCrl::Always,
            Hypothesis::H1c => {
                p.ocsp_error_mark = OcspErrorMark::Always;
                p.entry_scope = EntryScope::Issuer;
                p.ocsp_before_cached_crl = true;
            }
            Hypothesis::H1d => {
                p.skip_crl_on_ocsp_wire_error = SkipCrl::RefreshOnly;
                p.ocsp_error_mark = OcspErrorMark::WhenSkipped;
            }
            Hypothesis::H2 => {
                p.per_retrieval_overhead = Span::from_millis(5500);
                p.overhead_in_budget = true;
                p.ocsp_post_after_get = true;
            }
            Hypothesis::H4 => {
                p.skip_crl_on_ocsp_wire_error = SkipCrl::RefreshOnly;
                p.base_retry = BaseRetry::WithDelta;
            }
            Hypothesis::H5 => {
                p.skip_crl_on_ocsp_wire_error = SkipCrl::RefreshOnly;
                p.base_retry = BaseRetry::AfterDeltaNextUpdate;
            }
        }
    }
}

impl fmt::Display for Hypothesis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
