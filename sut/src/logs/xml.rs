//! Writing XML: elements, attributes and text, escaped so that they read back as they were.

use std::io;

use quick_xml::Writer;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesDecl, BytesEnd, BytesPI, BytesStart, BytesText, Event};

/// Attributes in the order they are written.
pub(super) type Attributes<'a> = &'a [(&'a str, &'a str)];

/// An XML document that is being written to memory, indented by one space a level.
pub(super) struct Xml {
    writer: Writer<Vec<u8>>,
}

impl Xml {
    /// A document with its declaration.
    pub(super) fn new() -> Xml {
        let mut xml = Xml { writer: Writer::new_with_indent(Vec::new(), b' ', 1) };
        xml.put(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        xml
    }

    /// A processing instruction before the root: a style sheet.
    pub(super) fn instruction(&mut self, content: &str) {
        self.put(Event::PI(BytesPI::new(content)));
    }

    /// A comment; `text` must not hold `--`.
    pub(super) fn comment(&mut self, text: &str) {
        self.put(Event::Comment(BytesText::from_escaped(format!(" {text} "))));
    }

    /// An element with elements in it.
    pub(super) fn element(
        &mut self,
        name: &str,
        attributes: Attributes<'_>,
        inside: impl FnOnce(&mut Xml),
    ) {
        self.put(Event::Start(start(name, attributes)));
        inside(self);
        self.put(Event::End(BytesEnd::new(name)));
    }

    /// An element with text in it.
    pub(super) fn text(&mut self, name: &str, attributes: Attributes<'_>, text: &str) {
        self.put(Event::Start(start(name, attributes)));
        self.put(Event::Text(BytesText::from_escaped(escape(text))));
        self.put(Event::End(BytesEnd::new(name)));
    }

    /// An element with nothing in it.
    pub(super) fn empty(&mut self, name: &str, attributes: Attributes<'_>) {
        self.put(Event::Empty(start(name, attributes)));
    }

    /// The document, with a line feed at its end.
    pub(super) fn finish(self) -> Vec<u8> {
        let mut bytes = self.writer.into_inner();
        bytes.push(b'\n');
        bytes
    }

    fn put(&mut self, event: Event<'_>) {
        let written: io::Result<()> = self.writer.write_event(event);
        written.expect("a write to memory cannot fail");
    }
}

fn start<'a>(name: &'a str, attributes: Attributes<'a>) -> BytesStart<'a> {
    let mut element = BytesStart::new(name);
    for (key, value) in attributes {
        let value = escape(value);
        element.push_attribute(Attribute::from((key.as_bytes(), value.as_bytes())));
    }
    element
}

/// Escapes text for elements and attributes alike.
///
/// White space other than the blank is written as a character reference, because XML readers
/// normalise it. Characters that XML 1.0 §2.2 forbids altogether become U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' => escaped.push_str("&#9;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            // NEL and LINE SEPARATOR count as line ends in XML 1.1 readers.
            '\u{85}' => escaped.push_str("&#x85;"),
            '\u{2028}' => escaped.push_str("&#x2028;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use quick_xml::Reader;
    use quick_xml::events::Event;

    use super::*;

    /// Every element of a document in order: its name, its attributes and its own text.
    pub(in crate::logs) type Element = (String, Vec<(String, String)>, String);

    /// Reads a document, which fails the test unless it is well-formed.
    pub(in crate::logs) fn read(bytes: &[u8]) -> Vec<Element> {
        let text = std::str::from_utf8(bytes).unwrap();
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_end_names = true;
        let (mut elements, mut open): (Vec<Element>, Vec<usize>) = Default::default();
        loop {
            let event = reader.read_event().unwrap();
            match &event {
                Event::Start(e) | Event::Empty(e) => {
                    let attributes = e.attributes().map(|a| {
                        let a = a.unwrap();
                        let value = std::str::from_utf8(&a.value).unwrap();
                        let value = quick_xml::escape::unescape(value).unwrap().into_owned();
                        (String::from_utf8(a.key.as_ref().to_vec()).unwrap(), value)
                    });
                    let name = String::from_utf8(e.name().as_ref().to_vec()).unwrap();
                    elements.push((name, attributes.collect(), String::new()));
                    if matches!(event, Event::Start(_)) {
                        open.push(elements.len() - 1);
                    }
                }
                Event::End(_) => drop(open.pop().unwrap()),
                Event::Text(t) => {
                    let raw = std::str::from_utf8(t).unwrap();
                    // Outside an element only the indentation is left.
                    match open.last() {
                        Some(i) => elements[*i].2.push_str(raw),
                        None => assert!(raw.trim().is_empty(), "{raw}"),
                    }
                }
                Event::GeneralRef(r) => {
                    let raw = format!("&{};", std::str::from_utf8(r).unwrap());
                    let text = quick_xml::escape::unescape(&raw).unwrap().into_owned();
                    elements[*open.last().unwrap()].2.push_str(&text);
                }
                Event::Eof => break,
                _ => {}
            }
        }
        assert!(open.is_empty(), "{open:?} are not closed");
        elements
    }

    #[test]
    fn characters_that_xml_forbids_become_the_replacement_character() {
        assert_eq!(escape("a\u{0}b\u{1b}c\u{ffff}"), "a\u{fffd}b\u{fffd}c\u{fffd}");
    }

    proptest! {
        #[test]
        fn text_and_attributes_read_back_as_they_were_written(text in any::<String>()) {
            let legal = |c: char| !matches!(c, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
            let text: String = text.chars().filter(|c| legal(*c)).collect();
            let mut xml = Xml::new();
            xml.element("root", &[("name", &text)], |xml| xml.text("leaf", &[], &text));
            let elements = read(&xml.finish());
            prop_assert_eq!(&elements[0].1[0].1, &text);
            prop_assert_eq!(&elements[1].2, &text);
        }
    }
}
