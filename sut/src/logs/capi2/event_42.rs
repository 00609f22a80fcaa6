//! Event 42, Reject Revocation Information: an object was there but could not be used.
//!
//! The action `CheckTimeValidity` for an object outside its time is reported (fact sheet §5.2). For
//! an object that was refused though fresh, the action is the trace's reason: inferred.

use revlab_lab::Code;
use revlab_lab::trace::{State, Step};

use super::envelope::{Manifest, result};
use super::objects::{Object, Objects};
use super::words;
use crate::logs::message;
use crate::logs::xml::Xml;

pub(super) const MANIFEST: Manifest =
    Manifest { id: 42, opcode: 0, keywords: 0x05, root: "CertRejectedRevocationInfo" };

/// A rejected object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rejected<'a> {
    subject: &'a str,
    object: Object<'a>,
    action: &'a str,
}

impl<'a> Rejected<'a> {
    /// What a step rejects, if it does.
    ///
    /// The same object in memory and on disk is rejected once: the place is not part of the event.
    pub(super) fn new(
        subject: &'a str,
        step: &'a Step,
        objects: &Objects<'a>,
    ) -> Option<Rejected<'a>> {
        match step {
            Step::Lookup {
                object,
                state: State::Stale | State::NotYetValid,
                number,
                next_update,
                ..
            } => {
                let object = *objects.find(*object, *number, *next_update)?;
                Some(Rejected { subject, object, action: "CheckTimeValidity" })
            }
            Step::Refused { object, why } => {
                let object = *objects.newest(*object)?;
                Some(Rejected { subject, object, action: why })
            }
            _ => None,
        }
    }

    /// What it was rejected with: as offline, whatever the reason (inferred).
    pub(super) fn outcome(&self) -> Code {
        Code::CRYPT_E_REVOCATION_OFFLINE
    }

    pub(super) fn body(&self, xml: &mut Xml) {
        xml.empty("SubjectCertificate", &[("subjectName", self.subject)]);
        words::reference(xml, &self.object, None, false);
        xml.element("Action", &[("name", self.action)], |xml| {
            result(xml, "Error", self.outcome(), message::text(self.outcome()));
        });
    }
}
