//! `headers`: header fields that the server would not send: `Cache-Control` and `Expires` that lie
//! about how long an answer is good, `Age`, `ETag`, `Set-Cookie`; or the lack of some.
//!
//! Of several faults that set one field the last in the scenario counts.

use std::sync::Arc;

use super::Answer;

/// The name in scenarios.
pub(super) const NAME: &str = "headers";

/// Takes fields away and sets others.
pub(super) fn act(answer: &mut Answer, set: &[(Arc<str>, Arc<str>)], remove: &[Arc<str>]) -> bool {
    answer.set.extend_from_slice(set);
    answer.remove.extend_from_slice(remove);
    !set.is_empty() || !remove.is_empty()
}

#[cfg(test)]
mod tests {
    use super::super::Effect;
    use super::super::tests::{heard, meeting};

    #[test]
    fn fields_are_set_and_taken_away_without_regard_to_case() {
        let set = vec![("Cache-Control".into(), "max-age=31536000".into())];
        let effect = Effect::Headers { set, remove: vec!["content-TYPE".into()] };
        let reply = heard(&[("f", effect)], b"crl").result.unwrap();
        let expected = ("Cache-Control".to_owned(), "max-age=31536000".to_owned());
        assert_eq!(reply.headers, [expected]);
    }

    #[test]
    fn a_fault_that_changes_no_field_is_not_met() {
        let effect = Effect::Headers { set: Vec::new(), remove: Vec::new() };
        assert!(meeting(&[("f", effect)]).faults.is_empty());
    }
}
