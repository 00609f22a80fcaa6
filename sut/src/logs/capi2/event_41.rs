//! Event 41, Verify Revocation: what was found for one certificate.

use revlab_lab::Instant;

use super::envelope::Manifest;
use super::part::Part;
use super::words::{self, Budgets};
use crate::logs::Options;
use crate::logs::xml::Xml;

pub(super) const MANIFEST: Manifest =
    Manifest { id: 41, opcode: 2, keywords: 0x05, root: "CertVerifyRevocation" };

/// One certificate's revocation.
pub(super) struct Revocation<'a> {
    pub(super) part: Part<'a>,
    /// When the check began, in lab time.
    pub(super) begin: Instant,
}

impl Revocation<'_> {
    pub(super) fn body(&self, xml: &mut Xml, budgets: &Budgets, options: &Options) {
        let now = options.stamp(self.begin).to_string();
        let timeout = words::duration(budgets.check);
        xml.empty("Certificate", &[("subjectName", self.part.subject)]);
        let flag = ("CERT_VERIFY_REV_ACCUMULATIVE_TIMEOUT_FLAG", "true");
        xml.empty("Flags", &[("value", "4"), flag]);
        xml.empty(
            "AdditionalParameters",
            &[("timeToUse", &now), ("currentTime", &now), ("urlRetrievalTimeout", &timeout)],
        );
        let error = format!("{:X}", self.part.code.0);
        let reason = self.part.reason.to_string();
        xml.empty("RevocationStatus", &[("index", "0"), ("error", &error), ("reason", &reason)]);
        for seen in &self.part.seen {
            words::reference(xml, &seen.object, Some(seen.layer), true);
        }
    }
}
