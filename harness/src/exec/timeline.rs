//! What the scenario has set for certain instants: operations, faults, clock steps.

use revlab_fake_ca::fault::{Endpoint, FaultConfig};
use revlab_lab::queue::{Class, EventQueue, Key};
use revlab_lab::trace::{ClockSet, Fault, FaultState, Kind};
use revlab_lab::{Clock, Instant, Name};

use super::world::Event;
use crate::scenario::model::Scenario;

/// Ranks of the actors by name: the documented order of simultaneous events of one class.
pub(super) struct Ranks {
    names: Vec<Name>,
}

impl Ranks {
    pub(super) fn new(scenario: &Scenario) -> Ranks {
        let mut names: Vec<Name> = Vec::new();
        names.extend(scenario.cas.keys().cloned());
        names.extend(scenario.suts.keys().cloned());
        names.extend(scenario.validators.keys().cloned());
        names.extend(scenario.clients.keys().cloned());
        names.sort();
        Ranks { names }
    }

    /// The rank of an actor. Actors of one name in different tables follow one another.
    pub(super) fn of(&self, name: &str) -> u16 {
        self.names.partition_point(|n| **n < *name) as u16
    }
}

/// The clocks of all actors, by name.
pub(super) fn clocks(scenario: &Scenario) -> impl Iterator<Item = (&Name, &Clock)> {
    let cas = scenario.cas.iter().map(|(n, c)| (n, &c.clock));
    let suts = scenario.suts.iter().map(|(n, c)| (n, &c.clock));
    let clients = scenario.clients.iter().map(|(n, c)| (n, &c.clock));
    let validators = scenario.validators.iter().map(|(n, c)| (n, &c.clock));
    cas.chain(suts).chain(validators).chain(clients)
}

/// A clock that reads other than lab time, as a record.
pub(super) fn clock_record(actor: &Name, clock: &Clock, now: Instant) -> Kind {
    Kind::Clock(ClockSet { actor: actor.clone(), offset_ms: clock.skew(now).as_millis() })
}

/// Puts operations, faults and clock steps into the queue.
pub(super) fn fill(scenario: &Scenario, ranks: &Ranks, queue: &mut EventQueue<Event>) {
    let end = scenario.start + scenario.duration;
    let mut push = |at: Instant, actor: &str, seq: usize, event: Event| {
        if at < end {
            let at = at.max(scenario.start);
            let actor = ranks.of(actor);
            queue.push(Key { at, class: Class::Operation, actor, seq: seq as u64 }, event);
        }
    };
    // One count over all three, so that keys differ; faults and steps come before operations.
    let mut seq = 0;
    for fault in scenario.faults.values().filter(|fault| !fault.never_acts()) {
        for (at, state) in [(fault.from, FaultState::Begin), (fault.until, FaultState::End)] {
            let record = Kind::Fault(fault_record(fault, state));
            push(at, &fault.on.ca, seq, Event::Note(Box::new(record)));
            seq += 1;
        }
    }
    for (actor, clock) in clocks(scenario) {
        for step in clock.steps() {
            let record = clock_record(actor, clock, step.at);
            push(step.at, actor, seq, Event::Note(Box::new(record)));
            seq += 1;
        }
    }
    for (index, (_, operation)) in scenario.operations.iter().enumerate() {
        push(operation.at, &operation.on, seq + index, Event::Operation { index });
    }
}

/// That a fault begins or ends, as a record.
pub(super) fn fault_record(fault: &FaultConfig, state: FaultState) -> Fault {
    Fault { id: fault.name.clone(), on: target_text(fault), state }
}

/// The endpoint as scenarios write it: `issuing.crl`, or `issuing` for the whole site.
fn target_text(fault: &FaultConfig) -> Name {
    let part = Endpoint::NAMES.iter().find(|(_, e)| *e == fault.on.endpoint);
    match part {
        Some((part, _)) => Name::from(format!("{}.{part}", fault.on.ca)),
        None => fault.on.ca.clone(),
    }
}
