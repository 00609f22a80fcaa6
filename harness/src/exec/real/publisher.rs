//! The script that brings CRLs to a server that reads them from files. Pure: when it runs, what it has
//! fetched, and what is in the files then.

use std::collections::{BTreeMap, VecDeque};

use revlab_lab::{Instant, Name};
use revlab_sut::config::{Publisher, Spoiled};

/// What the script is about to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It fetches the base CRL of every CA.
    Fetch,
    /// It puts what it has fetched in place.
    Put(Batch),
}

/// CRL files by CA, and how they are put in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    /// In DER.
    pub(super) crls: BTreeMap<Name, Vec<u8>>,
    /// Whether nobody but root can read them.
    pub(super) unreadable: bool,
    /// Only so many octets of each file come to be written.
    pub(super) truncated: Option<usize>,
    /// Whether the server is told.
    pub(super) reload: bool,
}

impl Batch {
    /// What of a file comes to be written.
    pub(super) fn written<'t>(&self, text: &'t str) -> &'t str {
        let most = self.truncated.unwrap_or(text.len()).min(text.len());
        // PEM is ASCII: there is a character's end everywhere.
        text.get(..most).unwrap_or_default()
    }
}

/// The state of the script.
#[derive(Debug)]
pub(super) struct Script {
    config: Publisher,
    next: Instant,
    /// What has been fetched and is not in place yet, with when it will be.
    waiting: VecDeque<(Instant, Batch)>,
}

impl Script {
    /// A script whose first run is one period after the start: until then what was put by hand is
    /// there.
    pub(super) fn new(config: Publisher, start: Instant) -> Script {
        let next = start + config.every;
        Script { config, next, waiting: VecDeque::new() }
    }

    /// When it does something next.
    pub(super) fn next_wakeup(&self) -> Instant {
        self.waiting.front().map_or(self.next, |(at, _)| (*at).min(self.next))
    }

    /// What it does now.
    pub(super) fn wake(&mut self, now: Instant) -> Option<Step> {
        if self.waiting.front().is_some_and(|(at, _)| *at <= now) {
            return self.waiting.pop_front().map(|(_, batch)| Step::Put(batch));
        }
        if self.next > now {
            return None;
        }
        self.next += self.config.every;
        let stopped = self.is(now, |spoiled| *spoiled == Spoiled::Stopped);
        (!stopped).then_some(Step::Fetch)
    }

    /// It has fetched these; of a CA whose CRL could not be had the file stays as it is.
    pub(super) fn fetched(&mut self, now: Instant, crls: BTreeMap<Name, Vec<u8>>) {
        let truncated = self.config.faults.iter().filter(|f| f.is_active(now));
        let truncated = truncated.filter_map(|fault| match fault.spoiled {
            Spoiled::Truncated(octets) => Some(octets),
            _ => None,
        });
        let batch = Batch {
            crls,
            truncated: truncated.min(),
            unreadable: self.is(now, |spoiled| *spoiled == Spoiled::Unreadable),
            reload: self.config.reload && !self.is(now, |spoiled| *spoiled == Spoiled::NoReload),
        };
        self.waiting.push_back((now + self.config.lag, batch));
    }

    fn is(&self, now: Instant, what: impl Fn(&Spoiled) -> bool) -> bool {
        self.config.faults.iter().any(|fault| fault.is_active(now) && what(&fault.spoiled))
    }
}

#[cfg(test)]
mod tests {
    use revlab_lab::Span;
    use revlab_sut::config::PublisherFault;

    use super::*;

    fn at(minutes: i64) -> Instant {
        Instant::from_millis(minutes * 60_000)
    }

    fn script(faults: Vec<PublisherFault>) -> Script {
        let (every, lag) = (Span::from_mins(10), Span::from_mins(1));
        Script::new(Publisher { every, lag, reload: true, faults }, at(0))
    }

    fn batch(script: &mut Script, now: i64) -> Option<Batch> {
        assert_eq!(script.wake(at(now)), Some(Step::Fetch));
        script.fetched(at(now), BTreeMap::from([("issuing".into(), vec![1, 2, 3])]));
        assert_eq!(script.wake(at(now)), None);
        match script.wake(at(now + 1)) {
            Some(Step::Put(batch)) => Some(batch),
            _ => None,
        }
    }

    #[test]
    fn what_is_fetched_is_in_place_after_the_lag() {
        let mut script = script(Vec::new());
        assert_eq!(script.next_wakeup(), at(10));
        let batch = batch(&mut script, 10).unwrap();
        assert!(batch.reload && !batch.unreadable && batch.truncated.is_none());
        assert_eq!(script.next_wakeup(), at(20));
    }

    #[test]
    fn a_run_that_takes_longer_than_the_next_one_waits_loses_nothing() {
        let config = Publisher {
            every: Span::from_mins(10),
            lag: Span::from_mins(15),
            reload: true,
            faults: Vec::new(),
        };
        let mut script = Script::new(config, at(0));
        let mut puts = Vec::new();
        for minute in 0..=40 {
            while let Some(step) = script.wake(at(minute)) {
                match step {
                    Step::Fetch => {
                        let crl = vec![u8::try_from(minute).unwrap()];
                        script.fetched(at(minute), BTreeMap::from([("issuing".into(), crl)]));
                    }
                    Step::Put(batch) => puts.push((minute, batch.crls["issuing"][0])),
                }
            }
        }
        assert_eq!(puts, [(25, 10), (35, 20)]);
    }

    #[test]
    fn each_fault_shows_while_it_lasts() {
        let fault = |spoiled| PublisherFault { from: at(5), until: at(15), spoiled };
        let mut stopped = script(vec![fault(Spoiled::Stopped)]);
        assert_eq!(stopped.wake(at(10)), None);
        assert_eq!(stopped.wake(at(20)), Some(Step::Fetch));
        let of = |spoiled| {
            let mut script = script(vec![fault(spoiled)]);
            (batch(&mut script, 10).unwrap(), batch(&mut script, 20).unwrap())
        };
        let (torn, whole) = of(Spoiled::Truncated(2));
        assert_eq!((torn.truncated, whole.truncated), (Some(2), None));
        assert_eq!(
            (torn.written("abc"), torn.written("a"), whole.written("abc")),
            ("ab", "a", "abc")
        );
        let (closed, open) = of(Spoiled::Unreadable);
        assert!(closed.unreadable && !open.unreadable);
        let (untold, told) = of(Spoiled::NoReload);
        assert!(!untold.reload && told.reload);
    }
}
