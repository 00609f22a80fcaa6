//! A typed reader over one table: it gives what is rightly there and reports the rest.
//!
//! An optional value that is wrong is reported and then treated as absent. Callers read every
//! field before they give up, so that each mistake of a table is reported in one go.

use revlab_lab::http::Url;
use revlab_lab::{Code, Name};

use super::super::model::{Count, Share, SpanRange};
use super::super::notation;
use super::super::source::Place;
use super::super::tree::{Entry, Node, Table, Value, shortened};
use super::Spec;
use super::actors::Role;
use super::context::Context;

/// One table that is being read.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    pub(super) cx: &'a Context,
    /// Where the table's key stands: what is missing is reported there.
    pub(super) place: Place,
    /// Whose table it is, for messages: ``fault `ca-down` ``.
    pub(super) label: String,
    table: &'a Table,
    spec: &'static Spec,
}

impl<'a> Fields<'a> {
    /// Opens a table; reports keys that it cannot have. None: it is no table.
    pub(super) fn open(
        cx: &'a Context,
        node: &'a Node,
        place: Place,
        label: String,
        spec: &'static Spec,
    ) -> Option<Fields<'a>> {
        match &node.value {
            Value::Table(table) => Some(Fields::over(cx, table, place, label, spec)),
            other => {
                let message = format!("{label} must be a table, but is {}", other.describe());
                cx.report_with(node.place, message, example(spec));
                None
            }
        }
    }

    pub(super) fn over(
        cx: &'a Context,
        table: &'a Table,
        place: Place,
        label: String,
        spec: &'static Spec,
    ) -> Fields<'a> {
        let kinds = || spec.kinds.iter().map(|kind| kind.name());
        for entry in table.iter() {
            let key = entry.key.as_str();
            if !spec.keys.contains(&key) && !kinds().any(|kind| kind == key) {
                let message = format!("unknown key `{}` in {label}", shortened(key));
                let valid = spec.keys.iter().copied().chain(kinds());
                cx.report_name(entry.place, message, key, valid, "valid keys");
            }
        }
        Fields { cx, place, label, table, spec }
    }

    /// The table under `key`.
    pub(super) fn table(&self, key: &'static str, spec: &'static Spec) -> Option<Fields<'a>> {
        let entry = self.entry(key)?;
        let label = format!("`{key}` of {}", self.label);
        Fields::open(self.cx, &entry.node, entry.place, label, spec)
    }

    /// The tables in the list under `key`, with where each stands.
    pub(super) fn tables(&self, key: &'static str, spec: &'static Spec) -> Option<Vec<Fields<'a>>> {
        let entry = self.entry(key)?;
        let Value::List(items) = &entry.node.value else {
            self.wrong(entry, "a list of tables");
            return None;
        };
        let label = || format!("`{key}` of {}", self.label);
        let opened: Vec<_> = items
            .iter()
            .filter_map(|item| Fields::open(self.cx, item, item.place, label(), spec))
            .collect();
        (opened.len() == items.len()).then_some(opened)
    }

    /// The one kind of table that must be there.
    pub(super) fn kind(&self) -> Option<(&'static str, Fields<'a>)> {
        let kinds = self.spec.kinds;
        let find = |entry: &Entry| kinds.iter().find(|kind| kind.name() == entry.key);
        let mut present = self.table.iter().filter_map(|entry| Some((entry, *find(entry)?)));
        let names = || {
            let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
            format!("one of these is needed: `{}`", names.join("`, `"))
        };
        let Some((entry, spec)) = present.next() else {
            self.cx.report_with(self.place, format!("{} does not say what", self.label), names());
            return None;
        };
        for (second, _) in present {
            let message = format!("{} has both `{}` and `{}`", self.label, entry.key, second.key);
            self.cx.report_with(
                second.place,
                message,
                "only one can be: give the other a table of its own",
            );
        }
        self.table(spec.name(), spec).map(|fields| (spec.name(), fields))
    }

    pub(super) fn entry(&self, key: &'static str) -> Option<&'a Entry> {
        debug_assert!(
            self.spec.keys.contains(&key) || self.spec.kinds.iter().any(|kind| kind.name() == key),
            "`{key}` is read but not declared in {}",
            self.spec.path
        );
        self.table.get(key)
    }

    pub(super) fn has(&self, key: &'static str) -> bool {
        self.entry(key).is_some()
    }

    /// Where the value of `key` stands; the table's own place when it is absent.
    pub(super) fn place_of(&self, key: &'static str) -> Place {
        self.entry(key).map_or(self.place, |entry| entry.node.place)
    }

    /// Reports that `key` is absent, if it is; `example` is what could be written.
    pub(super) fn require(&self, key: &'static str, example: &str) {
        if !self.has(key) {
            let message = format!("{} needs `{key}`", self.label);
            self.cx.report_with(self.place, message, format!("such as `{example}`"));
        }
    }

    /// Reports something about the value of `key`.
    pub(super) fn report(&self, key: &'static str, what: impl std::fmt::Display) {
        self.cx.report(self.place_of(key), format!("`{key}` of {}: {what}", self.label));
    }

    fn wrong(&self, entry: &Entry, needed: &str) {
        let is = entry.node.value.describe();
        let message = format!("`{}` of {} must be {needed}, but is {is}", entry.key, self.label);
        self.cx.report(entry.node.place, message);
    }

    pub(super) fn text(&self, key: &'static str) -> Option<&'a str> {
        self.text_for(key, "a text")
    }

    fn text_for(&self, key: &'static str, needed: &str) -> Option<&'a str> {
        let entry = self.entry(key)?;
        match &entry.node.value {
            Value::Text(text) => Some(text),
            _ => {
                self.wrong(entry, needed);
                None
            }
        }
    }

    /// A text in a notation of its own.
    pub(super) fn parsed<T>(
        &self,
        key: &'static str,
        needed: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text_for(key, needed)?;
        read(text).map_err(|error| self.report(key, error)).ok()
    }

    pub(super) fn boolean(&self, key: &'static str) -> Option<bool> {
        let entry = self.entry(key)?;
        match entry.node.value {
            Value::Boolean(value) => Some(value),
            _ => {
                self.wrong(entry, "`true` or `false`");
                None
            }
        }
    }

    /// A whole number from `min` to `max`.
    pub(super) fn number<T: TryFrom<i64>>(
        &self,
        key: &'static str,
        min: i64,
        max: i64,
    ) -> Option<T> {
        let entry = self.entry(key)?;
        let needed = match max {
            i64::MAX => format!("a whole number from {min} on"),
            _ => format!("a whole number from {min} to {max}"),
        };
        match entry.node.value {
            Value::Integer(number) if (min..=max).contains(&number) => T::try_from(number).ok(),
            _ => {
                self.wrong(entry, &needed);
                None
            }
        }
    }

    /// One of a table of names.
    pub(super) fn choice<T: Copy>(&self, key: &'static str, names: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        self.chosen(key, self.place_of(key), text, names)
    }

    /// `text`, found in a table of names.
    pub(super) fn chosen<T: Copy>(
        &self,
        key: &'static str,
        place: Place,
        text: &str,
        names: &[(&str, T)],
    ) -> Option<T> {
        let found = names.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            let message = format!("`{key}` of {} cannot be `{}`", self.label, shortened(text));
            let valid = names.iter().map(|(name, _)| *name);
            self.cx.report_name(place, message, text, valid, "it can be");
        }
        found
    }

    /// The texts in a list, with where each stands.
    pub(super) fn texts(&self, key: &'static str) -> Option<Vec<(&'a str, Place)>> {
        let entry = self.entry(key)?;
        let needed = "a list of texts";
        let Value::List(items) = &entry.node.value else {
            self.wrong(entry, needed);
            return None;
        };
        let mut texts = Vec::new();
        for item in items {
            match &item.value {
                Value::Text(text) => texts.push((text.as_str(), item.place)),
                other => {
                    let message = format!(
                        "`{key}` of {} must be {needed}, but holds {}",
                        self.label,
                        other.describe()
                    );
                    self.cx.report(item.place, message);
                }
            }
        }
        Some(texts)
    }

    /// The whole numbers in a list, with where each stands.
    pub(super) fn integers(&self, key: &'static str) -> Option<Vec<(i64, Place)>> {
        let entry = self.entry(key)?;
        let Value::List(items) = &entry.node.value else {
            self.wrong(entry, "a list of whole numbers");
            return None;
        };
        let mut numbers = Vec::new();
        for item in items {
            match &item.value {
                Value::Integer(number) => numbers.push((*number, item.place)),
                other => {
                    let what = other.describe();
                    let message = format!(
                        "`{key}` of {} must be a list of whole numbers, but holds {what}",
                        self.label
                    );
                    self.cx.report(item.place, message);
                }
            }
        }
        Some(numbers)
    }

    pub(super) fn urls(&self, key: &'static str) -> Option<Vec<Url>> {
        let mut urls = Vec::new();
        for (text, place) in self.texts(key)? {
            match text.parse() {
                Ok(url) => urls.push(url),
                Err(_) => {
                    let message = format!(
                        "`{key}` of {}: `{}` is not an absolute URL such as `http://host/path`",
                        self.label,
                        shortened(text)
                    );
                    self.cx.report(place, message);
                }
            }
        }
        Some(urls)
    }

    /// A code: `"0x80092013"`, or the number.
    pub(super) fn code(&self, key: &'static str) -> Option<Code> {
        let entry = self.entry(key)?;
        let needed = "a code such as `\"0x80092013\"`";
        match &entry.node.value {
            Value::Integer(number) if u32::try_from(*number).is_ok() => {
                u32::try_from(*number).ok().map(Code)
            }
            Value::Text(_) => self.parsed(key, needed, |text| {
                text.parse::<Code>().map_err(|_| {
                    format!("`{}` is not a code such as `0x80092013`", shortened(text))
                })
            }),
            _ => {
                self.wrong(entry, needed);
                None
            }
        }
    }

    pub(super) fn count(&self, key: &'static str) -> Option<Count> {
        if let Value::Integer(number) = self.entry(key)?.node.value
            && let Ok(n) = u64::try_from(number)
        {
            return Some(Count { min: n, max: Some(n) });
        }
        self.parsed(key, "a count such as `\">= 1\"`", notation::count)
    }

    pub(super) fn share(&self, key: &'static str) -> Option<Share> {
        self.parsed(key, "a share such as `\"all\"` or `\">= 95%\"`", notation::share)
    }

    pub(super) fn range(&self, key: &'static str) -> Option<SpanRange> {
        let range = self.parsed(key, "a range such as `\"30m..75m\"`", notation::span_range)?;
        let divided = |end| self.cx.divided(end);
        Some(SpanRange { min: range.min.map(divided), max: range.max.map(divided) })
    }

    pub(super) fn actor(&self, key: &'static str, roles: &[Role]) -> Option<Name> {
        self.cx.actor(self.text(key)?, self.place_of(key), roles)
    }

    /// An identity, and the client that it belongs to.
    pub(super) fn identity(&self, key: &'static str) -> Option<(Name, Name)> {
        self.cx.identity(self.text(key)?, self.place_of(key))
    }

    /// A text that is passed on as a name: of an account, of a process.
    pub(super) fn name(&self, key: &'static str) -> Option<Name> {
        self.text(key).map(Name::from)
    }

    /// A host name that can stand in a URL, in a certificate and in a log.
    pub(super) fn host(&self, key: &'static str) -> Option<String> {
        self.parsed(key, "a host name", host_name)
    }

    /// A list of host names, of which there is one at least.
    pub(super) fn hosts(&self, key: &'static str) -> Option<Vec<String>> {
        let texts = self.texts(key)?;
        if texts.is_empty() {
            self.report(key, "at least one host name is needed");
        }
        let read = |(text, place): (&str, Place)| match host_name(text) {
            Ok(host) => Some(host),
            Err(why) => {
                self.cx.report(place, why);
                None
            }
        };
        let count = texts.len();
        let hosts: Vec<String> = texts.into_iter().filter_map(read).collect();
        (hosts.len() == count && count > 0).then_some(hosts)
    }
}

fn host_name(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let edge = |c: char| c.is_ascii_alphanumeric();
    let good = text.len() <= 253
        && text.chars().all(plain)
        && text.starts_with(edge)
        && text.ends_with(edge);
    match good {
        true => Ok(text.to_owned()),
        false => Err(format!("`{}` is not a host name such as `win-msprl0t325o`", shortened(text))),
    }
}

/// How a table is written.
fn example(spec: &Spec) -> String {
    match spec.keys {
        [] => format!("write `{} = {{}}`", spec.name()),
        keys => format!("its keys: `{}`", keys.join("`, `")),
    }
}
