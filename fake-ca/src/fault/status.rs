//! `status`: the server answers with an HTTP status and a short HTML page, whatever is asked.
//!
//! The same [`page`] on both transports. Of several, the first in the scenario counts; latencies
//! still delay it.

use revlab_lab::http::Reply;

use crate::web_site;

/// The name in scenarios.
pub(super) const NAME: &str = "status";

/// Puts the status in place, unless one is there already; whether it did.
pub(super) fn act(status: &mut Option<u16>, code: u16) -> bool {
    let first = status.is_none();
    status.get_or_insert(code);
    first
}

/// The reply that the fault gives in place of the server's own.
pub fn page(status: u16) -> Reply {
    web_site::error_page(status, 0)
}

#[cfg(test)]
mod tests {
    use revlab_lab::Span;

    use super::super::tests::meeting;
    use super::super::{Effect, Ruling};
    use super::*;

    #[test]
    fn the_first_status_counts_and_can_still_be_late() {
        let met = meeting(&[
            ("busy", Effect::Status(503)),
            ("slow", Effect::Latency(Span::from_secs(1))),
            ("broken", Effect::Status(500)),
        ]);
        assert_eq!(met.ruling, Ruling::Answer { delay: Span::from_secs(1), status: Some(503) });
        assert_eq!(met.faults, ["busy".into(), "slow".into()]);
    }

    #[test]
    fn the_page_names_its_status() {
        let page = page(503);
        assert_eq!((page.status, page.substatus), (503, 0));
        assert!(String::from_utf8_lossy(&page.body).contains("503"));
    }
}
