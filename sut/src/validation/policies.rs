//! Certificate policies (RFC 5280 §6.1.3 (d) to (f), §6.1.4 (a) to (j), §6.1.5), with the graph of
//! RFC 9618 in the place of the tree, so that no chain makes it grow without bound.
//!
//! The user's initial set is always any-policy: then all that counts is whether a policy is left
//! at the end, and the last row of the graph is enough.

use std::collections::{BTreeMap, BTreeSet};

use revlab_pki::{Constraints, ObjectIdentifier};

/// The special policy that stands for all.
const ANY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32.0");

/// The state between two certificates.
pub(super) struct Policies {
    /// The last row: each valid policy with the policies that are expected below it.
    row: BTreeMap<ObjectIdentifier, BTreeSet<ObjectIdentifier>>,
    explicit: u64,
    inhibit_any: u64,
    mapping: u64,
}

impl Policies {
    /// For a path of this many certificates (RFC 5280 §6.1.2 (a), (d) to (f)).
    pub(super) fn new(length: usize, explicit: bool) -> Policies {
        let after_all = u64::try_from(length).unwrap_or(u64::MAX).saturating_add(1);
        Policies {
            row: BTreeMap::from([(ANY, BTreeSet::from([ANY]))]),
            explicit: if explicit { 0 } else { after_all },
            inhibit_any: after_all,
            mapping: after_all,
        }
    }

    /// §6.1.3 (d) to (f); false: a policy is required, and none is left.
    pub(super) fn enter(&mut self, read: &Constraints, self_issued: bool, last: bool) -> bool {
        match &read.policies {
            Some(policies) => {
                let any =
                    policies.contains(&ANY) && (self.inhibit_any > 0 || (!last && self_issued));
                self.row = self.next_row(policies, any);
            }
            None => self.row.clear(),
        }
        self.explicit > 0 || !self.row.is_empty()
    }

    fn next_row(
        &self,
        policies: &[ObjectIdentifier],
        any: bool,
    ) -> BTreeMap<ObjectIdentifier, BTreeSet<ObjectIdentifier>> {
        let expected: BTreeSet<_> = self.row.values().flatten().copied().collect();
        let above_any = self.row.contains_key(&ANY);
        let own = policies.iter().copied().filter(|policy| *policy != ANY);
        let own = own.filter(|policy| above_any || expected.contains(policy));
        let by_any = expected.iter().filter(|_| any).copied();
        own.chain(by_any).map(|policy| (policy, BTreeSet::from([policy]))).collect()
    }

    /// §6.1.4 (a) to (j); false: the mapping is not allowed.
    pub(super) fn prepare(&mut self, read: &Constraints, self_issued: bool) -> bool {
        if read.mappings.iter().any(|(from, to)| *from == ANY || *to == ANY) {
            return false;
        }
        self.map(&read.mappings);
        if !self_issued {
            for counter in [&mut self.explicit, &mut self.mapping, &mut self.inhibit_any] {
                *counter = counter.saturating_sub(1);
            }
        }
        let lower = |counter: &mut u64, limit: Option<u64>| {
            *counter = limit.map_or(*counter, |limit| limit.min(*counter));
        };
        lower(&mut self.explicit, read.require_explicit_policy);
        lower(&mut self.mapping, read.inhibit_mapping);
        lower(&mut self.inhibit_any, read.inhibit_any_policy);
        true
    }

    fn map(&mut self, mappings: &[(ObjectIdentifier, ObjectIdentifier)]) {
        let from: BTreeSet<_> = mappings.iter().map(|(from, _)| *from).collect();
        for policy in from {
            if self.mapping == 0 {
                self.row.remove(&policy);
            } else if self.row.contains_key(&policy) || self.row.contains_key(&ANY) {
                let to = mappings.iter().filter(|(from, _)| *from == policy).map(|(_, to)| *to);
                self.row.insert(policy, to.collect());
            }
        }
    }

    /// §6.1.5 (a), (b) and (g): whether the path may be used.
    pub(super) fn wrap_up(&mut self, read: &Constraints) -> bool {
        self.explicit = self.explicit.saturating_sub(1);
        if read.require_explicit_policy == Some(0) {
            self.explicit = 0;
        }
        self.explicit > 0 || !self.row.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.99999.2.1");
    const B: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.99999.2.2");

    fn with(policies: &[ObjectIdentifier]) -> Constraints {
        Constraints { policies: Some(policies.to_vec()), ..Constraints::default() }
    }

    /// Whether a path of these certificates, from the anchor on, may be used.
    fn valid(path: &[Constraints], explicit: bool) -> bool {
        let mut state = Policies::new(path.len(), explicit);
        let last = path.len() - 1;
        path.iter().enumerate().all(|(n, read)| {
            let entered = state.enter(read, false, n == last);
            entered && if n < last { state.prepare(read, false) } else { state.wrap_up(read) }
        })
    }

    #[test]
    fn without_a_demand_any_path_may_be_used() {
        assert!(valid(&[with(&[A]), with(&[B])], false));
        assert!(valid(&[Constraints::default()], false));
    }

    #[test]
    fn a_demanded_policy_has_to_go_all_the_way_down() {
        assert!(valid(&[with(&[A]), with(&[A])], true));
        assert!(valid(&[with(&[ANY]), with(&[B])], true));
        assert!(valid(&[with(&[A]), with(&[ANY])], true));
        assert!(!valid(&[with(&[A]), with(&[B])], true));
        assert!(!valid(&[with(&[A]), Constraints::default()], true));
        let demanding = Constraints { require_explicit_policy: Some(0), ..with(&[A]) };
        assert!(!valid(&[demanding.clone(), with(&[B])], false));
        assert!(valid(&[demanding, with(&[A])], false));
    }

    #[test]
    fn a_mapping_leads_from_one_policy_to_another_unless_it_is_inhibited() {
        let mapped = Constraints { mappings: vec![(A, B)], ..with(&[A]) };
        assert!(valid(&[mapped.clone(), with(&[B])], true));
        assert!(!valid(&[mapped.clone(), with(&[A])], true));
        let inhibiting = Constraints { inhibit_mapping: Some(0), ..with(&[A]) };
        assert!(!valid(&[inhibiting, mapped, with(&[B])], true));
        let bad = Constraints { mappings: vec![(ANY, B)], ..with(&[A]) };
        assert!(!valid(&[bad, with(&[A])], false));
    }

    #[test]
    fn any_policy_can_be_inhibited() {
        let inhibiting = Constraints { inhibit_any_policy: Some(0), ..with(&[A]) };
        assert!(!valid(&[inhibiting.clone(), with(&[ANY])], true));
        assert!(valid(&[inhibiting, with(&[A])], true));
    }
}
