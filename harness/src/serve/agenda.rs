//! What the scenario's administrators do at the CAs, and when.

use revlab_lab::{Instant, Span};

use crate::scenario::model::{Operation, OperationKind, Scenario};

/// The operations on CAs that are still to come.
#[derive(Clone, Debug, Default)]
pub(super) struct Agenda {
    /// When each is due next.
    items: Vec<(Instant, Operation)>,
}

impl Agenda {
    pub(super) fn of(scenario: &Scenario) -> Agenda {
        let at_cas = |operation: &&Operation| !matches!(operation.action, OperationKind::Sut(_));
        let items = scenario.operations.values().filter(at_cas);
        Agenda { items: items.map(|operation| (operation.at, operation.clone())).collect() }
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.items.iter().map(|(at, _)| *at).min()
    }

    /// Takes the earliest that is due at `now`, with its instant; of several the first by name.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(Instant, Operation)> {
        let at = self.next().filter(|at| *at <= now)?;
        let index = self.items.iter().position(|(due, _)| *due == at)?;
        let (_, operation) = self.items.remove(index);
        if let Some(every) = operation.every.filter(|every| *every > Span::ZERO) {
            let again = at + every;
            if again < operation.until {
                self.items.insert(index, (again, operation.clone()));
            }
        }
        Some((at, operation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_comes_back_until_its_end() {
        let text = r#"
            format = 1
            title = "x"
            start = "2024-03-01T00:00:00Z"
            duration = "1h"
            [ca.issuing]
            [sut.web]
            [clients.users]
            every = "1m"
            [operation.again]
            on = "issuing"
            at = "10m"
            every = "10m"
            until = "35m"
            publish = {}
            [operation.once]
            on = "issuing"
            at = "20m"
            revoke = { identity = "users-1" }
            [operation.not-here]
            on = "web"
            at = "1m"
            reboot = {}
        "#;
        let scenario = crate::scenario::from_text("x", text).unwrap().remove(0);
        let mut agenda = Agenda::of(&scenario);
        let mut done = Vec::new();
        while let Some((at, operation)) = agenda.take_due(scenario.start + Span::from_hours(1)) {
            done.push(((at - scenario.start).to_string(), operation.name.to_string()));
        }
        let done: Vec<_> = done.iter().map(|(at, name)| (&**at, &**name)).collect();
        assert_eq!(done, [("10m", "again"), ("20m", "again"), ("20m", "once"), ("30m", "again")]);
        assert_eq!(agenda.next(), None);
    }
}
