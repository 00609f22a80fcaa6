//! `status`: the server answers with an HTTP status and a short HTML page, whatever is asked.
//!
//! The same [`page`] on both transports. Of several pages the first in the scenario counts;
//! latencies still delay it.

use std::sync::Arc;

use revlab_lab::http::Reply;

use super::{Answer, Page};
use crate::web_site;

/// The name in scenarios.
pub(super) const NAME: &str = "status";

/// Puts the page in place.
pub(super) fn act(answer: &mut Answer, status: u16, body: Option<Arc<str>>) -> bool {
    answer.page = Some(Page::Status { status, body });
    true
}

/// The reply that the fault gives in place of the server's own.
pub fn page(status: u16) -> Reply {
    web_site::error_page(status, 0)
}

/// The same with another body.
pub(super) fn page_with(status: u16, body: &str) -> Reply {
    Reply { body: body.as_bytes().into(), ..page(status) }
}

#[cfg(test)]
mod tests {
    use revlab_lab::Span;

    use super::super::Effect;
    use super::super::tests::{answer, heard, meeting};
    use super::*;

    fn status(status: u16) -> Effect {
        Effect::Status { status, body: None }
    }

    #[test]
    fn the_first_status_counts_and_can_still_be_late() {
        let late = Effect::Latency { latency: Span::from_secs(1), jitter: Span::ZERO };
        let faults = [("busy", status(503)), ("slow", late), ("broken", status(500))];
        let answer = answer(&faults);
        assert_eq!(answer.delay, Span::from_secs(1));
        assert_eq!(answer.page, Some(Page::Status { status: 503, body: None }));
        assert_eq!(meeting(&faults).faults, ["busy".into(), "slow".into()]);
    }

    #[test]
    fn the_page_names_its_status_unless_it_has_a_body_of_its_own() {
        let page = page(503);
        assert_eq!((page.status, page.substatus), (503, 0));
        assert!(String::from_utf8_lossy(&page.body).contains("503"));
        let own = Effect::Status { status: 200, body: Some("maintenance".into()) };
        let reply = heard(&[("f", own)], b"crl").result.unwrap();
        assert_eq!((reply.status, &*reply.body), (200, &b"maintenance"[..]));
    }
}
