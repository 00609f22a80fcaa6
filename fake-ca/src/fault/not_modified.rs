//! `not_modified`: 304 for everything, also for a client that never had the object.

use std::sync::Arc;

use revlab_lab::http::Reply;

use super::{Answer, Page};

/// The name in scenarios.
pub(super) const NAME: &str = "not_modified";

/// Puts the page in place.
pub(super) fn act(answer: &mut Answer) -> bool {
    answer.page = Some(Page::NotModified);
    true
}

/// A 304 (RFC 9110 §15.4.5) without body and validators.
pub(super) fn page() -> Reply {
    Reply { status: 304, substatus: 0, headers: Vec::new(), body: Arc::from([]) }
}

#[cfg(test)]
mod tests {
    use super::super::Effect;
    use super::super::tests::heard;

    #[test]
    fn nothing_comes_with_it() {
        let reply = heard(&[("f", Effect::NotModified)], b"crl").result.unwrap();
        assert_eq!((reply.status, reply.headers.len(), reply.body.len()), (304, 0, 0));
    }
}
