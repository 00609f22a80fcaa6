//! The bearer token of the control API (RFC 6750 §2.1).

use std::io;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::rand::fill;

use super::laboratory::hex;

/// A token of 256 bits from the operating system. It is not shown by `Debug`.
#[derive(Clone)]
pub(super) struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    pub(super) fn new() -> io::Result<Token> {
        let mut octets = [0u8; 32];
        fill(&mut octets).map_err(|_| io::Error::other("no random numbers can be had"))?;
        Ok(Token(hex(&octets)))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the value of an `Authorization` field bears it. The time that it takes depends on the
    /// length alone.
    pub(super) fn is_in(&self, authorization: Option<&[u8]>) -> bool {
        let Some((scheme, given)) = authorization.and_then(|value| value.split_at_checked(7))
        else {
            return false;
        };
        scheme.eq_ignore_ascii_case(b"Bearer ")
            && verify_slices_are_equal(given.trim_ascii(), self.0.as_bytes()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_token_is_needed_and_no_other() {
        let token = Token::new().unwrap();
        let text = token.as_str();
        assert_eq!(text.len(), 64);
        let given = |value: &str| token.is_in(Some(value.as_bytes()));
        assert!(given(&format!("Bearer {text}")) && given(&format!("bearer  {text} ")));
        let half = text.get(..32).unwrap();
        for wrong in
            ["", "Bearer", "Bearer ", half, &format!("Bearer {half}"), &format!("Basic {text}")]
        {
            assert!(!given(wrong), "{wrong}");
        }
        assert!(!token.is_in(None));
        assert!(!given(&format!("Bearer {}", Token::new().unwrap().as_str())));
        assert!(!format!("{token:?}").contains(text));
    }
}
