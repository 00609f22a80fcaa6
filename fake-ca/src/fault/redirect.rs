//! `redirect`: the resource is elsewhere: on another host, behind https, in a file, or right here.

use std::sync::Arc;

use revlab_lab::http::{Reply, Request};

use super::{Answer, Page, status};

/// The name in scenarios.
pub(super) const NAME: &str = "redirect";

/// Where a redirect leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// To the URL that was asked for: whoever follows asks again.
    Loop,
    /// There; put into `Location` as it is, whatever its scheme.
    At(Arc<str>),
}

/// Puts the page in place.
pub(super) fn act(answer: &mut Answer, status: u16, to: &Location) -> bool {
    answer.page = Some(Page::Redirect { status, to: to.clone() });
    true
}

/// The reply to `request` (RFC 9110 §15.4).
pub(super) fn page(status: u16, to: &Location, request: &Request) -> Reply {
    let mut reply = status::page(status);
    let location = match to {
        Location::Loop => request.url.to_string(),
        Location::At(place) => place.to_string(),
    };
    reply.headers.push(("Location".to_owned(), location));
    reply
}

#[cfg(test)]
mod tests {
    use super::super::Effect;
    use super::super::tests::heard;
    use super::*;

    #[test]
    fn a_redirect_leads_where_it_says_and_a_loop_back() {
        let location = |to| {
            let reply = heard(&[("f", Effect::Redirect { status: 302, to })], b"").result.unwrap();
            assert_eq!(reply.status, 302);
            reply.header("location").map(str::to_owned)
        };
        assert_eq!(location(Location::Loop).as_deref(), Some("http://ca.lab/a.crl"));
        let file = location(Location::At("file:///c:/a.crl".into()));
        assert_eq!(file.as_deref(), Some("file:///c:/a.crl"));
    }
}
