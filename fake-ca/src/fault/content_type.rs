//! `content_type`: the body is what it should be and its media type is not.

use std::sync::Arc;

use super::Answer;

/// The name in scenarios.
pub(super) const NAME: &str = "content_type";

/// Sets the field.
pub(super) fn act(answer: &mut Answer, kind: &Arc<str>) -> bool {
    answer.set.push(("Content-Type".into(), kind.clone()));
    true
}

#[cfg(test)]
mod tests {
    use super::super::Effect;
    use super::super::tests::heard;

    #[test]
    fn the_type_is_replaced_and_the_body_stays() {
        let effect = Effect::ContentType("text/plain".into());
        let reply = heard(&[("f", effect)], b"crl").result.unwrap();
        assert_eq!(reply.headers, [("Content-Type".to_owned(), "text/plain".to_owned())]);
        assert_eq!(&*reply.body, b"crl");
    }
}
