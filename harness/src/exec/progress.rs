//! How far a run has come, for whoever watches it: read from what goes on record, never asked of the lab.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use revlab_lab::trace::{FaultState, Kind};
use revlab_lab::{Instant, Name, Outcome, Span};

/// How far a run has come; one thread notes, others look.
#[derive(Debug)]
pub struct Progress {
    start: Instant,
    duration: Span,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    now: Instant,
    outcomes: BTreeMap<Outcome, u64>,
    faults: BTreeMap<Name, u32>,
}

impl Progress {
    /// Nothing has happened in a run that begins at `start` and lasts so long.
    pub fn new(start: Instant, duration: Span) -> Progress {
        let state = State { now: start, outcomes: BTreeMap::new(), faults: BTreeMap::new() };
        Progress { start, duration, state: Mutex::new(state) }
    }

    /// Something goes on record.
    pub(super) fn note(&self, now: Instant, kind: &Kind) {
        self.with(|state| {
            state.now = now;
            match kind {
                Kind::Attempt(attempt) => *state.outcomes.entry(attempt.outcome).or_default() += 1,
                Kind::Fault(fault) => match fault.state {
                    FaultState::Begin => *state.faults.entry(fault.id.clone()).or_default() += 1,
                    FaultState::End => {
                        state.faults.remove(&fault.id);
                    }
                },
                _ => {}
            }
        });
    }

    /// How much of the run has passed, from 0 to 1.
    pub fn share(&self) -> f64 {
        let passed = self.with(|state| state.now - self.start).as_millis();
        (passed as f64 / self.duration.as_millis().max(1) as f64).clamp(0.0, 1.0)
    }

    /// Lab time, attempts by outcome, and the faults that act now.
    ///
    /// ```
    /// use revlab::exec::Progress;
    /// use revlab_lab::{Instant, Span};
    /// let progress = Progress::new(Instant::from_millis(0), Span::from_hours(1));
    /// assert_eq!(progress.line(), "1970-01-01 00:00:00  no attempt yet");
    /// ```
    pub fn line(&self) -> String {
        self.with(|state| {
            let mix: Vec<String> = state
                .outcomes
                .iter()
                .map(|(outcome, count)| format!("{} {count}", outcome.as_str()))
                .collect();
            let mix = if mix.is_empty() { "no attempt yet".to_owned() } else { mix.join(", ") };
            let faults: Vec<&str> = state.faults.keys().map(|name| &**name).collect();
            let faults = match faults[..] {
                [] => String::new(),
                [one] => format!("  fault: {one}"),
                _ => format!("  faults: {}", faults.join(", ")),
            };
            format!("{}  {mix}{faults}", crate::judge::at(state.now))
        })
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::{Options, Transport, run};
    use crate::scenario::from_text;

    #[test]
    fn what_is_shown_is_what_is_on_record() {
        let text = "format = 1\ntitle = \"t\"\nstart = \"2024-03-01T00:00:00Z\"\nduration = \"1h\"\n\
                    ca.issuing = {}\nsut.web = {}\nclients.users.every = \"10m\"\n\
                    fault.for-ever = { on = \"issuing\", from = \"30m\", down = {} }\n\
                    fault.short = { on = \"issuing\", from = \"5m\", for = \"1m\", down = {} }\n";
        let scenario = from_text("t", text).unwrap().remove(0);
        let progress = Progress::new(scenario.start, scenario.duration);
        assert_eq!(progress.share(), 0.0);
        let options = Options { progress: Some(&progress), ..Options::default() };
        run(&scenario, Transport::Sim, &options, &mut std::io::sink()).unwrap();
        assert_eq!(progress.line(), "2024-03-01 00:50:00  admitted 6  fault: for-ever");
        assert!((0.8..1.0).contains(&progress.share()), "{}", progress.share());
    }
}
