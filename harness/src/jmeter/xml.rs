//! XML as JMeter and Windows write it: reading token by token with places, and writing.

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

/// A file that is not XML, or not the XML that was expected, and where it goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub struct XmlError {
    /// Counting from 1.
    pub line: usize,
    /// Counting characters from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
}

/// Elements nested deeper are no plan's and no result's.
const DEEPEST: usize = 200;

/// A piece of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// An element begins.
    Open { name: String, attributes: Vec<(String, String)> },
    /// The innermost element ends.
    Close,
    /// Text between tags, entities resolved.
    Text(String),
}

/// Reads a file token by token.
pub(crate) struct Tokens<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    depth: usize,
    /// An element that was opened and closed in one tag is still to be closed.
    closing: bool,
    done: bool,
    /// Where the last token begins.
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(text: &'a str) -> Tokens<'a> {
        let reader = Reader::from_str(text);
        Tokens { text, reader, depth: 0, closing: false, done: false, at: 0 }
    }

    /// The line of the last token, from 1.
    pub(crate) fn line(&self) -> usize {
        place(self.text, self.at).0
    }

    /// What is wrong at the last token.
    pub(crate) fn wrong(&self, what: impl Into<String>) -> XmlError {
        self.wrong_at(self.at, what)
    }

    fn wrong_at(&self, at: usize, what: impl Into<String>) -> XmlError {
        let (line, column) = place(self.text, at);
        XmlError { line, column, what: what.into() }
    }

    /// The next token; none at the end of the file.
    pub(crate) fn next(&mut self) -> Result<Option<Token>, XmlError> {
        if std::mem::take(&mut self.closing) {
            self.depth -= 1;
            return Ok(Some(Token::Close));
        }
        while !self.done {
            self.at = position(self.reader.buffer_position());
            let event = self.reader.read_event();
            let event = event.map_err(|error| {
                self.wrong_at(position(self.reader.error_position()), error.to_string())
            })?;
            let token = match event {
                Event::Start(tag) => self.open(&tag)?,
                Event::Empty(tag) => {
                    let token = self.open(&tag)?;
                    self.closing = true;
                    token
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    Token::Close
                }
                Event::Text(text) => Token::Text(self.told(text.xml10_content())?.into_owned()),
                Event::CData(text) => Token::Text(self.told(text.xml10_content())?.into_owned()),
                Event::GeneralRef(entity) => Token::Text(self.entity(&entity)?),
                Event::Eof => {
                    self.done = true;
                    if self.depth > 0 {
                        return Err(self.wrong("the file ends in the middle of an element"));
                    }
                    break;
                }
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => continue,
            };
            return Ok(Some(token));
        }
        Ok(None)
    }

    fn told<T>(&self, result: Result<T, impl std::fmt::Display>) -> Result<T, XmlError> {
        result.map_err(|error| self.wrong(error.to_string()))
    }

    fn open(&mut self, tag: &BytesStart<'_>) -> Result<Token, XmlError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.wrong(format!("more than {DEEPEST} elements inside one another")));
        }
        let name = String::from_utf8_lossy(tag.name().as_ref()).into_owned();
        let mut attributes = Vec::new();
        for attribute in tag.attributes() {
            let attribute = self.told(attribute)?;
            let value = self.told(attribute.normalized_value(XmlVersion::Implicit1_0))?;
            let name = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
            attributes.push((name, value.into_owned()));
        }
        Ok(Token::Open { name, attributes })
    }

    fn entity(&self, entity: &BytesRef<'_>) -> Result<String, XmlError> {
        if let Some(character) = self.told(entity.resolve_char_ref())? {
            return Ok(character.to_string());
        }
        let name = self.told(entity.decode())?;
        match resolve_predefined_entity(&name) {
            Some(text) => Ok(text.to_owned()),
            None => Err(self.wrong(format!("there is no entity `&{name};`"))),
        }
    }
}

fn position(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// Line and column of an offset.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let begin = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let column = String::from_utf8_lossy(before.get(begin..).unwrap_or_default()).chars().count();
    (line, column + 1)
}

/// Text as it stands between tags or in an attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#xa;"),
            '\t' => out.push_str("&#x9;"),
            // XML 1.0 has no way to write them (§2.2).
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: &str) -> Result<Vec<Token>, XmlError> {
        let mut tokens = Tokens::new(text);
        std::iter::from_fn(|| tokens.next().transpose()).collect()
    }

    #[test]
    fn elements_attributes_and_entities_are_read() {
        let text = "<?xml version=\"1.0\"?><a b=\"1 &lt; 2\">x &amp; &#65;<c/></a>";
        let open = |name: &str, attributes: &[(&str, &str)]| Token::Open {
            name: name.into(),
            attributes: attributes.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        };
        let text_of = |text: &str| Token::Text(text.into());
        let expected = [
            open("a", &[("b", "1 < 2")]),
            text_of("x "),
            text_of("&"),
            text_of(" "),
            text_of("A"),
            open("c", &[]),
            Token::Close,
            Token::Close,
        ];
        assert_eq!(all(text).unwrap(), expected);
    }

    #[test]
    fn what_is_not_xml_is_said_with_its_place() {
        let wrong = |text: &str| all(text).unwrap_err();
        let error = wrong("<a>\n  <b></c>\n</a>");
        assert_eq!((error.line, error.column), (2, 6), "{error}");
        assert_eq!(wrong("<a>\n<b>").what, "the file ends in the middle of an element");
        assert_eq!(
            wrong("<a>\n &what;</a>").to_string(),
            "line 2, column 2: there is no entity `&what;`"
        );
        assert!(wrong(&"<a>".repeat(300)).what.contains("200 elements"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}|[<>/&;a\"' =\n]{0,80}") {
            let _ = all(&text);
        }

        #[test]
        fn what_is_written_is_read_back(text in "[ -~\n\tä€]{1,40}") {
            let xml = format!("<a b=\"{}\"/>", escaped(&text));
            let read = all(&xml).unwrap();
            let Some(Token::Open { attributes, .. }) = read.first() else { panic!("{read:?}") };
            prop_assert_eq!(&attributes[0].1, &text);
        }
    }
}
