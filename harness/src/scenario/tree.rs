//! TOML as a tree that remembers the file and place of everything in it.
//!
//! Tables keep the order of the file. Trees of several files can be merged; what is merged keeps
//! its own place.

use serde::ser::{Serialize, SerializeMap, Serializer};
use toml::de::{DeTable, DeValue};
use toml::value::Datetime;

use super::diagnostic::Diagnostic;
use super::source::{FileId, Place};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Time(Datetime),
    List(Vec<Node>),
    Table(Table),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    entries: Vec<Entry>,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    /// Where the key stands.
    pub(super) place: Place,
    pub(super) node: Node,
}

impl Value {
    /// What stands there, for a message.
    pub(super) fn describe(&self) -> String {
        match self {
            Value::Text(text) => format!("the text \"{}\"", shortened(text)),
            Value::Integer(number) => format!("the number {number}"),
            Value::Float(number) => format!("the number {number}"),
            Value::Boolean(value) => format!("`{value}`"),
            Value::Time(time) => format!("the time {time}"),
            Value::List(_) => "a list".into(),
            Value::Table(_) => "a table".into(),
        }
    }
}

/// Long enough for every name and URL; a message is no place for more.
pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

impl Table {
    /// Parses TOML.
    ///
    /// # Errors
    ///
    /// Every syntax error that the parser could go on after, at most one a line.
    pub(super) fn parse(file: FileId, text: &str) -> Result<Table, Vec<Diagnostic>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut found = Vec::new();
        let mut last_line = None;
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let line = text.get(..span.start).map(|before| before.matches('\n').count());
            if line.is_none() || line != last_line {
                let place = Place { file, start: span.start, end: span.end };
                found.push(Diagnostic::at(place, format!("TOML syntax: {}", error.message())));
            }
            last_line = line;
        }
        let table = convert_table(file, table.into_inner(), &mut found);
        if found.is_empty() { Ok(table) } else { Err(found) }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.entries.iter_mut()
    }

    pub(super) fn from_entries(entries: impl Iterator<Item = Entry>) -> Table {
        Table { entries: entries.collect() }
    }

    pub(super) fn into_entries(self) -> impl Iterator<Item = Entry> {
        self.entries.into_iter()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.key.as_str())
    }

    /// The table under a key, where there is one.
    pub(super) fn table(&self, key: &str) -> Option<&Table> {
        match &self.get(key)?.node.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The same, to be changed.
    pub(super) fn table_mut(&mut self, key: &str) -> Option<&mut Table> {
        match self.entries.iter_mut().find(|entry| entry.key == key) {
            Some(Entry { node: Node { value: Value::Table(table), .. }, .. }) => Some(table),
            _ => None,
        }
    }

    /// Sets what stands under a key, at the place of what stood there before.
    pub(super) fn put(&mut self, key: &str, value: Value) {
        match self.entries.iter_mut().find(|entry| entry.key == key) {
            Some(entry) => entry.node.value = value,
            None => {
                let node = Node { place: Place::START, value };
                self.entries.push(Entry { key: key.to_owned(), place: Place::START, node });
            }
        }
    }

    pub(super) fn remove(&mut self, key: &str) -> Option<Entry> {
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(at))
    }

    /// Removes what stands under a dotted path.
    ///
    /// # Errors
    ///
    /// The part of the path that is not there, and what there is in its place.
    pub(super) fn remove_path(&mut self, path: &str) -> Result<(), (String, Vec<String>)> {
        let Some((first, rest)) = path.split_once('.') else {
            return match self.remove(path) {
                Some(_) => Ok(()),
                None => Err((path.to_owned(), self.keys().map(str::to_owned).collect())),
            };
        };
        let names = || self.entries.iter().map(|entry| entry.key.clone()).collect();
        let absent = (first.to_owned(), names());
        match self.entries.iter_mut().find(|entry| entry.key == first) {
            Some(Entry { node: Node { value: Value::Table(table), .. }, .. }) => {
                table.remove_path(rest)
            }
            _ => Err(absent),
        }
    }

    /// Merges `over` on top: tables by name, everything else replaced.
    pub(super) fn merge(&mut self, over: Table) {
        for entry in over.entries {
            match self.entries.iter_mut().find(|own| own.key == entry.key) {
                Some(own) => match (&mut own.node.value, entry.node.value) {
                    (Value::Table(own), Value::Table(over)) => own.merge(over),
                    (_, value) => {
                        own.place = entry.place;
                        own.node = Node { place: entry.node.place, value };
                    }
                },
                None => self.entries.push(entry),
            }
        }
    }

    /// As TOML text, in the order of the table.
    pub(super) fn to_text(&self) -> String {
        // Everything in the tree came from TOML, so it can be written as TOML.
        toml::to_string(self).unwrap_or_default()
    }
}

fn convert_table(file: FileId, table: DeTable<'_>, found: &mut Vec<Diagnostic>) -> Table {
    let mut entries: Vec<Entry> = Vec::new();
    for (key, value) in table {
        let span = key.span();
        let place = Place { file, start: span.start, end: span.end };
        let span = value.span();
        let value_place = Place { file, start: span.start, end: span.end };
        let value = convert(file, value_place, value.into_inner(), found);
        let key = key.into_inner().into_owned();
        entries.push(Entry { key, place, node: Node { place: value_place, value } });
    }
    entries.sort_by_key(|entry| entry.place.start);
    Table { entries }
}

fn convert(file: FileId, place: Place, value: DeValue<'_>, found: &mut Vec<Diagnostic>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => {
            let read = i64::from_str_radix(number.as_str(), number.radix());
            Value::Integer(read.unwrap_or_else(|_| {
                found.push(Diagnostic::at(place, "the number is too large for 64 bits"));
                0
            }))
        }
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(value) => Value::Boolean(value),
        DeValue::Datetime(time) => Value::Time(time),
        DeValue::Array(items) => Value::List(
            items
                .into_iter()
                .map(|item| {
                    let span = item.span();
                    let place = Place { file, start: span.start, end: span.end };
                    Node { place, value: convert(file, place, item.into_inner(), found) }
                })
                .collect(),
        ),
        DeValue::Table(table) => Value::Table(convert_table(file, table, found)),
    }
}

impl Serialize for Table {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(self.entries.len()))?;
        for entry in &self.entries {
            map.serialize_entry(&entry.key, &entry.node.value)?;
        }
        map.end()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Text(text) => s.serialize_str(text),
            Value::Integer(number) => s.serialize_i64(*number),
            Value::Float(number) => s.serialize_f64(*number),
            Value::Boolean(value) => s.serialize_bool(*value),
            Value::Time(time) => time.serialize(s),
            Value::List(items) => s.collect_seq(items.iter().map(|item| &item.value)),
            Value::Table(table) => table.serialize(s),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::Sources;
    use super::*;

    fn tree(text: &str) -> Table {
        Table::parse(Sources::default().add("x.toml", text), text).unwrap()
    }

    #[test]
    fn a_table_keeps_the_order_of_the_file() {
        let t = tree("z = 1\n[b.y]\nk = 1\n[a]\n[b.x]\n");
        assert_eq!(t.keys().collect::<Vec<_>>(), ["z", "b", "a"]);
        assert_eq!(t.table("b").unwrap().keys().collect::<Vec<_>>(), ["y", "x"]);
    }

    #[test]
    fn what_is_merged_keeps_its_place_and_replaces_all_but_tables() {
        let mut base = tree("a = { x = 1, y = [1, 2] }\nb = 1\n");
        base.merge(tree("\n\n a = { y = [3], z = 4 }\n b.c = 5\n"));
        assert_eq!(base.to_text(), "[a]\nx = 1\ny = [3]\nz = 4\n\n[b]\nc = 5\n");
        assert_eq!(base.table("a").unwrap().get("y").unwrap().place.start, 9);
    }

    #[test]
    fn a_path_is_removed_or_the_part_that_is_not_there_is_named() {
        let mut t = tree("[expect.a]\nx = 1\n[expect.b]\n");
        assert_eq!(t.remove_path("expect.a"), Ok(()));
        assert_eq!(t.remove_path("expect.c"), Err(("c".into(), vec!["b".into()])));
        assert_eq!(t.remove_path("fault.c"), Err(("fault".into(), vec!["expect".into()])));
        assert_eq!(t.to_text(), "[expect.b]\n");
    }

    #[test]
    fn every_kind_of_value_is_written_as_it_was_read() {
        let text =
            "a = \"x\\\"y\\n\"\nb = 1.5\nc = true\nd = 2014-04-16T00:00:00Z\ne = [1, { f = 2 }]\n";
        assert_eq!(tree(&tree(text).to_text()).to_text(), tree(text).to_text());
    }

    #[test]
    fn a_number_beyond_64_bits_is_a_mistake() {
        let text = "seed = 99999999999999999999";
        let found = Table::parse(Sources::default().add("x.toml", text), text).unwrap_err();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].message, "the number is too large for 64 bits");
    }
}
