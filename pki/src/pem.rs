//! PEM (RFC 7468).

use der::pem::{LineEnding, decode_vec, encode_string};

/// `-----BEGIN label-----` and so on, with a line feed at each line's end.
pub(crate) fn encode(label: &'static str, der: &[u8]) -> String {
    encode_string(label, LineEnding::LF, der).expect("labels are constants and bytes fit in memory")
}

/// The bytes in the first PEM block; `None` where `text` is not PEM.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    decode_vec(text.as_bytes()).ok().map(|(_, der)| der)
}

/// A block of a PEM text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block<'t> {
    /// What stands behind BEGIN.
    pub label: &'t str,
    /// The line of its BEGIN, from 1 on.
    pub line: usize,
    /// Its content; `None` where that is no PEM, or the block has no end.
    pub der: Option<Vec<u8>>,
}

/// All blocks of a text with their places. What stands between them does not count (RFC 7468 §2).
pub fn located_blocks(text: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find("-----BEGIN ")) {
        let begun = from + at;
        let line = text.get(..begun).unwrap_or_default().matches('\n').count() + 1;
        let rest = text.get(begun..).unwrap_or_default();
        let label = rest.strip_prefix("-----BEGIN ").and_then(|rest| rest.split_once("-----"));
        let Some((label, _)) = label else { break };
        let end = format!("-----END {label}-----");
        let length = rest.find(&end).map(|at| at + end.len());
        let block = length.and_then(|length| rest.get(..length));
        let der = block.and_then(|block| decode(&format!("{block}\n")));
        found.push(Block { label, line, der });
        from = begun + length.unwrap_or("-----BEGIN ".len());
    }
    found
}

/// All blocks of a text with their labels; `None` for the content of one that is no PEM. What
/// stands between blocks does not count, as in RFC 7468 §2.
pub(crate) fn blocks(text: &str) -> Vec<(&str, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, begun)) = rest.split_once("-----BEGIN ") {
        let Some((label, body)) = begun.split_once("-----") else { break };
        let end = format!("-----END {label}-----");
        let Some((content, behind)) = body.split_once(end.as_str()) else { break };
        found.push((label, decode(&format!("-----BEGIN {label}-----{content}{end}\n"))));
        rest = behind;
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blocks_are_found_between_other_text() {
        let text = format!("a\n{}b\n{}c", encode("ONE", b"1"), encode("TWO", b"2"));
        let both = [("ONE", Some(b"1".to_vec())), ("TWO", Some(b"2".to_vec()))];
        assert_eq!(blocks(&text), both);
        assert_eq!(blocks(&text.replace('\n', "\r\n")), both);
        assert_eq!(blocks("-----BEGIN A-----\n!\n-----END A-----"), [("A", None)]);
        assert_eq!(blocks("-----BEGIN A-----\nAA==\n-----END B-----"), []);
    }

    #[test]
    fn a_block_has_a_line_and_one_without_an_end_no_content() {
        let text = format!("a\n{}-----BEGIN TWO-----\nAA==\n", encode("ONE", b"1"));
        let block = |label, line, der| Block { label, line, der };
        let both = [block("ONE", 2, Some(b"1".to_vec())), block("TWO", 5, None)];
        assert_eq!(located_blocks(&text), both);
    }

    proptest! {
        #[test]
        fn any_text_has_blocks_or_none_without_panic(text in "(-----|BEGIN |END |A|\n|.){0,60}") {
            blocks(&text);
            located_blocks(&text);
        }
    }
}
