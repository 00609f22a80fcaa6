//! A checked scenario as a pattern for others: begun at another time, with other URLs, with other
//! faults.
//!
//! It works on the tree of the language, so that it needs to know nothing of what a table means, and
//! what comes of it passes the same decoders as a file.

use revlab_lab::http::Url;
use revlab_lab::{Instant, Name, Span};
use serde_json::{Map, Value as Json};

use super::decode;
use super::diagnostic::Diagnostic;
use super::model::Scenario;
use super::notation;
use super::source::{Place, Sources};
use super::tree::{Entry, Node, Table, Value};

/// A scenario that others can be made of.
#[derive(Clone, Debug)]
pub struct Pattern {
    name: String,
    variant: Option<Name>,
    tree: Table,
}

/// What is wrong with a table that did not come from a file, and so has no place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

impl From<Diagnostic> for Mistake {
    fn from(diagnostic: Diagnostic) -> Mistake {
        Mistake { message: diagnostic.message, help: diagnostic.help }
    }
}

impl Pattern {
    /// The pattern of a scenario.
    ///
    /// # Errors
    ///
    /// The text that the scenario keeps of itself cannot be read again.
    pub fn of(scenario: &Scenario) -> Result<Pattern, Vec<Mistake>> {
        let file = Sources::default().add(&scenario.name, &scenario.resolved);
        let tree = Table::parse(file, &scenario.resolved)
            .map_err(|found| found.into_iter().map(Mistake::from).collect::<Vec<_>>())?;
        Ok(Pattern { name: scenario.name.clone(), variant: scenario.variant.clone(), tree })
    }

    /// Begins at `to` instead of `from` and lasts for `duration`; every time that is written out
    /// moves along.
    pub fn begin(&mut self, from: Instant, to: Instant, duration: Span) {
        let by = to - from;
        each_value(&mut self.tree, &mut |value| {
            let text = match value {
                Value::Time(time) => time.to_string(),
                Value::Text(text) => text.clone(),
                _ => return,
            };
            match notation::instant(&text) {
                Ok(at) => *value = Value::Text((at + by).to_string()),
                Err(_) if matches!(value, Value::Time(_)) => *value = Value::Text(text),
                Err(_) => {}
            }
        });
        self.tree.put("start", Value::Text(to.to_string()));
        self.tree.put("duration", Value::Text(duration.to_string()));
    }

    /// Puts other URLs in place of those that `other` knows, in what CAs, operations and faults
    /// say.
    pub fn rewrite(&mut self, other: &dyn Fn(&Url) -> Option<Url>) {
        for section in ["ca", "operation", "fault"] {
            let Some(table) = self.tree.table_mut(section) else { continue };
            each_value(table, &mut |value| {
                if let Value::Text(text) = value
                    && let Some(url) = text.parse().ok().and_then(|url| other(&url))
                {
                    *text = url.to_string();
                }
            });
        }
    }

    /// The tables `[fault.NAME]` as JSON.
    pub fn faults(&self) -> Map<String, Json> {
        let faults = self.tree.table("fault").map(serde_json::to_value);
        match faults {
            Some(Ok(Json::Object(faults))) => faults,
            _ => Map::new(),
        }
    }

    /// The scenario as it stands.
    ///
    /// # Errors
    ///
    /// Every mistake in it.
    pub fn scenario(&self) -> Result<Scenario, Vec<Mistake>> {
        // Paths in it are absolute: the text was resolved when it was kept.
        let (variant, sources) = (self.variant.clone(), Sources::default());
        decode::scenario(&self.name, variant, &self.tree, &sources).map_err(mistakes)
    }

    /// The scenario with these tables `[fault.NAME]` and no others.
    ///
    /// # Errors
    ///
    /// Every mistake in them.
    pub fn with_faults(&self, faults: &Map<String, Json>) -> Result<Scenario, Vec<Mistake>> {
        let mut found = Vec::new();
        let value = value("fault", &Json::Object(faults.clone()), &mut found);
        if !found.is_empty() {
            return Err(found);
        }
        let mut pattern = self.clone();
        pattern.tree.put("fault", value);
        pattern.scenario()
    }
}

fn mistakes(found: Vec<Diagnostic>) -> Vec<Mistake> {
    let mut mistakes: Vec<Mistake> = Vec::new();
    for mistake in found.into_iter().map(Mistake::from) {
        if !mistakes.contains(&mistake) {
            mistakes.push(mistake);
        }
    }
    mistakes
}

fn each_value(table: &mut Table, change: &mut dyn FnMut(&mut Value)) {
    for entry in table.iter_mut() {
        each_below(&mut entry.node.value, change);
    }
}

fn each_below(value: &mut Value, change: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Table(table) => each_value(table, change),
        Value::List(items) => {
            items.iter_mut().for_each(|item| each_below(&mut item.value, change));
        }
        _ => change(value),
    }
}

/// JSON as a value of the language, which has neither `null` nor numbers beyond 64 bits.
fn value(at: &str, json: &Json, found: &mut Vec<Mistake>) -> Value {
    let node = |value| Node { place: Place::START, value };
    match json {
        Json::String(text) => Value::Text(text.clone()),
        Json::Bool(value) => Value::Boolean(*value),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Value::Integer(integer),
            (None, Some(float)) if number.is_f64() => Value::Float(float),
            _ => wrong(format!("`{at}` is a number too large for 64 bits"), found),
        },
        Json::Array(items) => {
            Value::List(items.iter().map(|item| node(value(at, item, found))).collect())
        }
        Json::Object(map) => Value::Table(Table::from_entries(map.iter().map(|(key, json)| {
            let node = node(value(key, json, found));
            Entry { key: key.clone(), place: Place::START, node }
        }))),
        Json::Null => wrong(format!("`{at}` is null; leave it out instead"), found),
    }
}

fn wrong(message: String, found: &mut Vec<Mistake>) -> Value {
    found.push(Mistake { message, help: None });
    Value::Boolean(false)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pattern() -> (Scenario, Pattern) {
        let text = r#"
            format = 1
            title = "x"
            start = 2014-04-16T00:00:00Z
            duration = "1h"
            [ca.issuing]
            host = "pki.lab"
            aia.ocsp = ["http://pki.lab/ocsp", "http://else.where/ocsp"]
            [sut.web]
            [clients.users]
            every = "1m"
            [fault.early]
            on = "issuing.crl"
            from = 2014-04-16T00:10:00Z
            for = "5m"
            down = {}
        "#;
        let scenario = super::super::from_text("x", text).unwrap().remove(0);
        let pattern = Pattern::of(&scenario).unwrap();
        (scenario, pattern)
    }

    const TO: Instant = Instant::from_millis(1_700_000_000_000);

    fn moved() -> Pattern {
        let (scenario, mut pattern) = pattern();
        pattern.begin(scenario.start, TO, Span::from_days(36_500));
        pattern
    }

    #[test]
    fn a_scenario_that_begins_later_has_everything_later() {
        let scenario = moved().scenario().unwrap();
        assert_eq!((scenario.start, scenario.duration), (TO, Span::from_days(36_500)));
        let fault = &scenario.faults["early"];
        assert_eq!(fault.from, TO + Span::from_mins(10));
        assert_eq!(fault.until, TO + Span::from_mins(15));
    }

    #[test]
    fn urls_are_put_in_place_of_those_that_are_known() {
        let mut pattern = moved();
        pattern.rewrite(&|url| {
            let known = url.host() == "pki.lab";
            known.then(|| format!("http://127.0.0.1:8001{}", url.path()).parse().ok()).flatten()
        });
        let scenario = pattern.scenario().unwrap();
        let urls: Vec<_> =
            scenario.cas["issuing"].aia.ocsp.iter().map(ToString::to_string).collect();
        assert_eq!(urls, ["http://127.0.0.1:8001/ocsp", "http://else.where/ocsp"]);
    }

    #[test]
    fn faults_survive_their_json() {
        let pattern = moved();
        let faults = pattern.faults();
        assert_eq!(faults["early"]["on"], "issuing.crl");
        assert_eq!(
            pattern.with_faults(&faults).unwrap().faults,
            pattern.scenario().unwrap().faults
        );
    }

    #[test]
    fn mistakes_in_json_are_those_of_a_scenario() {
        let pattern = moved();
        let of = |json: Json| {
            let Json::Object(faults) = json else { panic!() };
            pattern.with_faults(&faults).unwrap_err()
        };
        let found = of(json!({ "f": { "on": "isuing", "donw": {} } }));
        assert!(found.iter().any(|m| m.message.contains("there is no CA `isuing`")), "{found:?}");
        assert!(found.iter().any(|m| m.message.contains("donw")), "{found:?}");
        assert_eq!(of(json!({ "f": null }))[0].message, "`f` is null; leave it out instead");
        assert_eq!(
            of(json!({ "f": { "x": 18446744073709551615u64 } }))[0].message,
            "`x` is a number too large for 64 bits"
        );
        assert!(!of(json!({ "a b": { "on": "issuing", "down": {} } })).is_empty());
    }
}
