//! CRLs that are not the newest: archived ones, copies that lag behind, the next one beforehand, and
//! the site after a backup was restored.

use revlab_lab::Instant;
use revlab_lab::http::Request;
use revlab_lab::trace::Purpose;

use super::{Authority, Publication};
use crate::locations::OtherCrl;
use crate::publication::Planned;
use crate::web_site::File;

/// So many are remembered, base and delta together.
const MOST: usize = 4096;

/// What an older CRL said, to be signed again: the same key and content give the same bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Older {
    planned: Planned,
    /// The point that the base of a delta knew.
    base: usize,
    /// How much of the history of revocations it knew.
    point: usize,
}

impl Authority {
    /// Remembers a CRL that is about to be signed.
    pub(super) fn keep_older(&mut self, planned: Planned) {
        let base = planned.base_number.and_then(|base| self.listed.get(&base).copied());
        if self.older.len() == MOST {
            self.older.pop_front();
        }
        self.older.push_back(Older {
            planned,
            base: base.unwrap_or(0),
            point: self.revocations.now(),
        });
    }

    /// The CRL that a request asks for where it is not the newest at its own URL.
    pub(crate) fn other_file(&mut self, now: Instant, request: &Request) -> Option<File> {
        let path = percent_encoding::percent_decode_str(request.url.path()).decode_utf8_lossy();
        if let Some((list, other)) = self.locations.other_crl(request) {
            let publication = match other {
                OtherCrl::Archived { number, purpose } if self.config.publishing.archive => self
                    .archived(now, list, |older| older.number == number && older.what() == purpose),
                OtherCrl::Next if self.config.publishing.ahead => self.next(list),
                _ => None,
            }?;
            return Some(self.file(&publication, &path));
        }
        let replica = self.config.publishing.replica.clone()?;
        let (list, purpose) = match replica.url {
            Some(_) if self.locations.is_replica(request) => (0, Purpose::Base),
            Some(_) => return None,
            None => self.locations.crl(request)?,
        };
        if replica.url.is_none() && !self.takes_turn(list, purpose) {
            return None;
        }
        let then = now - replica.lag;
        let publication = self.archived(then, list, |older| older.what() == purpose)?;
        Some(self.file(&publication, &path))
    }

    /// Whether the copy answers this time: every second time.
    fn takes_turn(&mut self, list: usize, purpose: Purpose) -> bool {
        let turn = self.turns.entry((list, purpose == Purpose::Delta)).or_insert(false);
        std::mem::replace(turn, !*turn)
    }

    /// The last of these that was on the site at `then`, signed again.
    fn archived(
        &self,
        then: Instant,
        list: usize,
        is: impl Fn(&Planned) -> bool,
    ) -> Option<Publication> {
        let lag = self.config.publishing.lag;
        let was_there = |older: &&Older| older.planned.at + lag <= then && is(&older.planned);
        let is_of_list = |older: &&Older| self.is_issued(list, &older.planned);
        let older = self.older.iter().rev().filter(is_of_list).find(was_there)?;
        Some(self.again(older, list))
    }

    fn again(&self, older: &Older, list: usize) -> Publication {
        let entries = match older.planned.what() {
            Purpose::Delta => self.revocations.changed(older.base, older.point),
            _ => self.revocations.listed(older.point),
        };
        let template = self.crl_template(older.planned, list, entries);
        self.signed(template, older.planned, list)
    }

    /// The next base as it is known now.
    fn next(&self, list: usize) -> Option<Publication> {
        let planned = self.timeline.next_base()?;
        let template = self.crl_template(planned, list, self.revoked());
        Some(self.signed(template, planned, list))
    }

    /// Restores a backup that is so many bases old: the site, the numbers and the revocations are
    /// those of back then.
    pub(crate) fn restore(&mut self, back: u32) {
        let bases = self.older.iter().enumerate().rev();
        let mut bases = bases.filter(|(_, older)| older.planned.what() == Purpose::Base);
        let Some((at, base)) = bases.nth(back as usize).map(|(at, base)| (at, *base)) else {
            return;
        };
        let number = base.planned.number;
        // The delta of back then: the last one before the next base.
        let behind = self.older.iter().skip(at + 1).map(|older| (older, older.planned.what()));
        let mut deltas = behind.take_while(|(_, what)| *what == Purpose::Delta);
        let delta = deltas.next().map(|(older, _)| *older);
        self.older.truncate(at + 1 + usize::from(delta.is_some()));
        self.on_the_way.clear();
        self.revocations.go_back_to(base.point);
        self.listed.retain(|listed, _| *listed <= number);
        self.timeline.go_back_to(delta.map_or(number, |delta| delta.planned.number));
        for older in [Some(base), delta].into_iter().flatten() {
            for list in 0..self.served.len() {
                if self.is_issued(list, &older.planned) {
                    let publication = self.again(&older, list);
                    self.show(publication);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use revlab_lab::{Seed, Span};
    use revlab_pki::{Crl, KeyPair, Usage};

    use super::*;
    use crate::authority::Order;
    use crate::config::{CaConfig, Publishing, Replica};
    use crate::sample::{self, START};

    fn authority(publishing: Publishing) -> Authority {
        let config = CaConfig { publishing, ..sample::issuing() };
        Authority::new(config, None, Seed(1), START).unwrap()
    }

    fn issue(ca: &mut Authority, common_name: &str) -> Vec<u8> {
        let key = KeyPair::seeded(ca.config.key, Seed(1), common_name);
        let life = ca.usual_life();
        let (usage, dns_names, ca_version) = (Usage::Client, &[][..], None);
        let order = Order { common_name, usage, dns_names, life, ocsp: None, ca_version };
        ca.issue(&order, &key).unwrap().serial().to_vec()
    }

    fn run_until(ca: &mut Authority, until: Instant) {
        while ca.next_due().is_some_and(|due| due <= until) {
            ca.publish_next();
        }
    }

    fn newest(ca: &Authority) -> (u64, u64) {
        let number =
            |p: &Option<Publication>| Crl::parse(&p.as_ref().unwrap().der).unwrap().number();
        let served = &ca.served[0];
        (number(&served.base).unwrap(), number(&served.delta).unwrap())
    }

    fn get(ca: &mut Authority, at: Instant, url: &str) -> Option<Crl> {
        let file = ca.other_file(at, &Request::get(url.parse().unwrap()))?;
        Some(Crl::parse(&file.bytes).unwrap())
    }

    const HOUR: Span = Span::from_hours(1);

    #[test]
    fn a_crl_reaches_the_site_after_its_lag() {
        let lag = Span::from_mins(20);
        let mut late = authority(Publishing { lag, ..Publishing::default() });
        let mut prompt = authority(Publishing::default());
        // Both sign a pair at +5 min.
        for (minutes, same) in [(4, true), (5, false), (24, false), (25, true)] {
            let at = START + Span::from_mins(minutes);
            run_until(&mut late, at);
            run_until(&mut prompt, at);
            assert_eq!(newest(&late) == newest(&prompt), same, "+{minutes} min");
        }
    }

    #[test]
    fn a_skipped_base_leaves_the_next_one_at_its_time() {
        let mut ca = authority(Publishing::default());
        let (before, _) = newest(&ca);
        ca.skip(true);
        run_until(&mut ca, START + Span::from_mins(64));
        assert_eq!(newest(&ca).0, before, "the one at +5 min did not happen");
        run_until(&mut ca, START + Span::from_mins(65));
        assert!(newest(&ca).0 > before);
    }

    #[test]
    fn a_postponed_base_comes_later_and_so_does_the_next() {
        let mut ca = authority(Publishing::default());
        ca.postpone(true, Span::from_mins(10));
        let before = newest(&ca).0;
        run_until(&mut ca, START + Span::from_mins(14));
        assert_eq!(newest(&ca).0, before);
        run_until(&mut ca, START + Span::from_mins(15));
        let first = newest(&ca).0;
        assert!(first > before);
        run_until(&mut ca, START + Span::from_mins(74));
        assert_eq!(newest(&ca).0, first);
    }

    #[test]
    fn what_falls_due_while_the_ca_is_down_is_made_up_for_once() {
        let window = Some((START, START + HOUR + HOUR));
        let mut ca = authority(Publishing { down: window, ..Publishing::default() });
        let before = newest(&ca);
        run_until(&mut ca, START + HOUR);
        ca.publish_now(START + HOUR, true);
        assert_eq!(newest(&ca), before);
        run_until(&mut ca, START + HOUR + HOUR);
        let (base, delta) = newest(&ca);
        assert_eq!(base, delta);
        assert_eq!(base, Ord::max(before.0, before.1) + 1);
    }

    #[test]
    fn a_restored_backup_serves_an_older_number_and_forgets() {
        let mut ca = authority(Publishing::default());
        let serial = issue(&mut ca, "client");
        run_until(&mut ca, START + Span::from_mins(5));
        let (then, bytes) = (newest(&ca), ca.served[0].base.clone().unwrap().der);
        ca.revoke(START + Span::from_mins(6), &serial, Some(1));
        run_until(&mut ca, START + Span::from_mins(65));
        let (later, _) = newest(&ca);
        ca.announce(|| 0);
        ca.restore(1);
        assert_eq!(newest(&ca), then);
        assert_eq!(ca.served[0].base.as_ref().unwrap().der, bytes);
        assert_eq!(ca.announce(|| 0).len(), 2, "it is published again");
        assert_eq!(ca.status(&serial), revlab_pki::CertStatus::Good);
        // The number comes again, with other content.
        run_until(&mut ca, START + Span::from_mins(125));
        assert!(newest(&ca).0 <= later);
        ca.restore(10_000);
        assert!(newest(&ca).0 <= later, "there is no such backup");
    }

    #[test]
    fn older_crls_stay_in_the_archive_byte_for_byte() {
        let mut ca = authority(Publishing { archive: true, ..Publishing::default() });
        run_until(&mut ca, START + Span::from_mins(5));
        let (number, der) = (newest(&ca).0, ca.served[0].base.clone().unwrap().der);
        run_until(&mut ca, START + HOUR + HOUR);
        let stem = "http://win-msprl0t325o/CertEnroll/XXX-CA(1)";
        let at = START + HOUR + HOUR;
        let old = get(&mut ca, at, &format!("{stem}_{number}.crl")).unwrap();
        assert_eq!(old.der(), &*der);
        assert_eq!(
            get(&mut ca, at, &format!("{stem}_{number}+.crl")).unwrap().number(),
            Some(number)
        );
        assert_eq!(get(&mut ca, at, &format!("{stem}_999.crl")), None);
        let mut without = authority(Publishing::default());
        assert_eq!(get(&mut without, at, &format!("{stem}_{number}.crl")), None);
    }

    #[test]
    fn the_next_base_is_there_beforehand_and_is_not_valid_yet() {
        let mut ca = authority(Publishing { ahead: true, ..Publishing::default() });
        let next = "http://win-msprl0t325o/CertEnroll/XXX-CA(1)_next.crl";
        run_until(&mut ca, START + Span::from_mins(34));
        let beforehand = get(&mut ca, START + Span::from_mins(34), next).unwrap();
        assert!(beforehand.this_update() > START + Span::from_mins(34));
        run_until(&mut ca, START + Span::from_mins(65));
        assert_eq!(beforehand.der(), &*ca.served[0].base.as_ref().unwrap().der);
    }

    #[test]
    fn a_copy_lags_behind_at_its_own_url_or_every_second_time() {
        let copy = |url: Option<&str>| {
            let url = url.map(|url| url.parse().unwrap());
            let replica = Some(Replica { url, lag: HOUR });
            authority(Publishing { replica, ..Publishing::default() })
        };
        let at = START + Span::from_mins(66);
        let mut mirror = copy(Some("http://mirror.lab/a.crl"));
        run_until(&mut mirror, at);
        let stale = get(&mut mirror, at, "http://mirror.lab/a.crl").unwrap();
        assert_eq!(stale.this_update(), START - Span::from_mins(5));
        let own = "http://win-msprl0t325o/CertEnroll/XXX-CA(1).crl";
        assert_eq!(get(&mut mirror, at, own), None);
        let mut shared = copy(None);
        run_until(&mut shared, at);
        let turns: Vec<bool> = (0..4).map(|_| get(&mut shared, at, own).is_some()).collect();
        assert_eq!(turns, [false, true, false, true]);
    }
}
