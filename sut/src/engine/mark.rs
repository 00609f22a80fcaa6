//! Offline marks: a URL that failed is left alone for a while (fact sheet §2.3).
//!
//! That there are such marks is documented, for how long is not: both lengths are inferred.

use revlab_lab::Instant;
use revlab_lab::http::Url;
use revlab_lab::trace::{Purpose, Step, Withheld};

use super::Engine;
use super::check::Check;

impl Engine {
    /// Whether a URL is still left alone by the check's process; the check's steps say so.
    pub(super) fn is_left_alone(
        &self,
        now: Instant,
        check: &mut Check,
        object: Purpose,
        url: &Url,
    ) -> bool {
        let mark = self.processes.get(&check.process).and_then(|p| p.mark(url, now));
        if mark.is_some() {
            let why = match object {
                Purpose::Ocsp => Withheld::OcspOfflineMark,
                Purpose::Base | Purpose::Delta | Purpose::Issuer => Withheld::OfflineMark,
            };
            check.steps.push(Step::Withheld { object, why, until: mark });
        }
        mark.is_some()
    }

    /// A URL has failed: the check's process leaves it alone from now on.
    pub(super) fn leave_alone(&mut self, now: Instant, check: &Check, object: Purpose, url: &Url) {
        let length = match object {
            Purpose::Ocsp => self.parameters.ocsp_offline_memory,
            Purpose::Base | Purpose::Delta | Purpose::Issuer => self.parameters.crl_offline_memory,
        };
        if let Some(process) = self.processes.get_mut(&check.process) {
            process.set_mark(url, now + length);
        }
    }
}
