//! Where a responder's answers come from: the CA's database, or the lists that it publishes, as
//! Microsoft's Online Responder has it.

use std::sync::Arc;

use revlab_lab::{Instant, Span};
use revlab_pki::{CertStatus, Crl};

use crate::authority::Authority;
use crate::config::{AnswerDates, NeverIssued, Responder, ResponderSource};

/// removeFromCRL (RFC 5280 §5.3.1).
const REMOVE_FROM_CRL: u8 = 8;

/// thisUpdate and nextUpdate.
pub(super) type Window = (Instant, Instant);

/// The newest lists, as they were read last.
#[derive(Debug, Default)]
pub(super) struct Lists {
    base: Option<(Arc<[u8]>, Crl)>,
    delta: Option<(Arc<[u8]>, Crl)>,
}

impl Authority {
    /// The status of each serial number, and of when the answer is; none: there is no list yet.
    pub(super) fn looked_up(
        &mut self,
        now: Instant,
        responder: &Responder,
        serials: &[&[u8]],
    ) -> Option<(Vec<CertStatus>, Window)> {
        let own = (now, now + Ord::max(responder.validity, Span::from_secs(1)));
        let lists = match (responder.source, responder.dates) {
            (ResponderSource::Database, AnswerDates::Own) => None,
            _ => Some(self.newest_lists()?),
        };
        let statuses = serials.iter().map(|serial| {
            let known = match (responder.source, &lists) {
                (ResponderSource::Crl, Some((base, delta))) => listed(base, delta.as_ref(), serial),
                _ if responder.lag == Span::ZERO => self.status(serial),
                _ => self.status_at(serial, now - responder.lag),
            };
            let recorded = self.status(serial) != CertStatus::Unknown;
            match (known, responder.never_issued) {
                (CertStatus::Revoked { .. }, _) => known,
                (_, NeverIssued::Good) => CertStatus::Good,
                (_, NeverIssued::Unknown) if recorded => known,
                (_, NeverIssued::Unknown) => CertStatus::Unknown,
            }
        });
        let statuses = statuses.collect();
        let window = match (responder.dates, &lists) {
            (AnswerDates::Own, _) | (_, None) => own,
            (AnswerDates::Base, Some((base, delta))) => dates(base, delta.as_ref(), own),
            (AnswerDates::Newest, Some((base, delta))) => {
                dates(delta.as_ref().unwrap_or(base), delta.as_ref(), own)
            }
        };
        Some((statuses, window))
    }

    /// The newest base, and the newest delta where that goes with it.
    fn newest_lists(&mut self) -> Option<(Crl, Option<Crl>)> {
        let (base, delta) = (self.newest_crl(true), self.newest_crl(false));
        let lists = &mut self.responses.lists;
        let base = read(&mut lists.base, base?)?;
        let delta = delta.and_then(|der| read(&mut lists.delta, der));
        let fits =
            |delta: &Crl| delta.base_number() <= base.number() && delta.number() >= base.number();
        Some((base.clone(), delta.filter(fits)))
    }
}

/// Reads a list, unless it is the one that was read last.
fn read(last: &mut Option<(Arc<[u8]>, Crl)>, der: Arc<[u8]>) -> Option<Crl> {
    if let Some((_, crl)) = last.as_ref().filter(|(known, _)| Arc::ptr_eq(known, &der)) {
        return Some(crl.clone());
    }
    let crl = Crl::parse(&der).ok()?;
    *last = Some((der, crl.clone()));
    Some(crl)
}

/// What the lists say of a serial number: good where they do not have it.
fn listed(base: &Crl, delta: Option<&Crl>, serial: &[u8]) -> CertStatus {
    let entry = delta.and_then(|delta| delta.find(serial)).or_else(|| base.find(serial));
    match entry.filter(|entry| entry.reason != Some(REMOVE_FROM_CRL)) {
        Some(entry) => CertStatus::Revoked { at: entry.revoked_at, reason: entry.reason },
        None => CertStatus::Good,
    }
}

/// From the thisUpdate of a list until the first of the lists expires.
fn dates(from: &Crl, delta: Option<&Crl>, own: Window) -> Window {
    let ends = [from.next_update(), delta.and_then(Crl::next_update)];
    (from.this_update(), ends.into_iter().flatten().min().unwrap_or(own.1))
}
