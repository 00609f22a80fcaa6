//! `captive_portal`: a network answers every request with its login page and status 200.

use revlab_lab::http::Reply;

use super::{Answer, Page, status};

/// The name in scenarios.
pub(super) const NAME: &str = "captive_portal";

const LOGIN: &str = "<!DOCTYPE html>\r\n<html><head><title>Welcome</title></head>\r\n\
    <body><h1>Welcome</h1><form method=\"post\" action=\"/login\">\
    <input name=\"user\"><input name=\"password\" type=\"password\">\
    <button>Log in</button></form></body></html>\r\n";

/// Puts the page in place.
pub(super) fn act(answer: &mut Answer) -> bool {
    answer.page = Some(Page::CaptivePortal);
    true
}

/// The login page.
pub(super) fn page() -> Reply {
    status::page_with(200, LOGIN)
}

#[cfg(test)]
mod tests {
    use super::super::Effect;
    use super::super::tests::heard;

    #[test]
    fn a_portal_answers_200_with_html() {
        let reply = heard(&[("f", Effect::CaptivePortal)], b"crl").result.unwrap();
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html")));
        assert!(reply.body.starts_with(b"<!DOCTYPE html>"));
    }
}
