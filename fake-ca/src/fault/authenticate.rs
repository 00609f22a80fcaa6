//! `authenticate`: the server, or a proxy before it, demands credentials.

use std::sync::Arc;

use revlab_lab::http::Reply;

use super::{Answer, Page, status};

/// The name in scenarios.
pub(super) const NAME: &str = "authenticate";

/// Puts the page in place.
pub(super) fn act(answer: &mut Answer, status: u16, challenge: &Arc<str>) -> bool {
    answer.page = Some(Page::Authenticate { status, challenge: challenge.clone() });
    true
}

/// RFC 9110 §11.6.1 for 401, §11.7.1 for 407.
pub(super) fn page(status: u16, challenge: &str) -> Reply {
    let mut reply = status::page(status);
    let name = if status == 407 { "Proxy-Authenticate" } else { "WWW-Authenticate" };
    reply.headers.push((name.to_owned(), challenge.to_owned()));
    reply
}

#[cfg(test)]
mod tests {
    use super::super::Effect;
    use super::super::tests::heard;

    #[test]
    fn a_server_and_a_proxy_put_their_challenge_into_fields_of_their_own() {
        for (status, name) in [(401, "WWW-Authenticate"), (407, "Proxy-Authenticate")] {
            let effect = Effect::Authenticate { status, challenge: "Negotiate".into() };
            let reply = heard(&[("f", effect)], b"crl").result.unwrap();
            assert_eq!((reply.status, reply.header(name)), (status, Some("Negotiate")));
        }
    }
}
