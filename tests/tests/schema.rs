//! `report.json` is what its JSON Schema says, for every run of the library.

use std::io::sink;

use revlab::exec::{self, Options, Transport};
use revlab::scenario::{self, library::discover};
use revlab::{judge, report};
use revlab_tests::library;
use serde_json::{Value, json};

fn schema() -> jsonschema::Validator {
    let text = include_str!("../../docs/src/reference/report.schema.json");
    let schema = serde_json::from_str(text).expect("JSON");
    jsonschema::draft202012::new(&schema).expect("a schema")
}

/// The reports of a scenario file, of runs that are short enough.
fn reports(file: &std::path::Path) -> Vec<Value> {
    let scenarios = scenario::load(file).unwrap_or_else(|e| panic!("{e}"));
    let day = revlab_lab::Span::from_days(2);
    let short = scenarios.iter().filter(|s| s.duration <= day && s.clients.len() < 5);
    let made = short.map(|scenario| {
        let run = exec::run(scenario, Transport::Sim, &Options::default(), &mut sink());
        let trace = run.expect("a run").trace;
        report::json::report(scenario, &trace, &judge::judge(scenario, &trace))
    });
    made.collect()
}

#[test]
fn every_report_of_the_basics_and_the_incident_is_what_the_schema_says() {
    let schema = schema();
    let folders = ["basics", "kb2666300", "staple"].map(|folder| library().join(folder));
    let mut seen = 0;
    for file in discover(&folders).expect("the library") {
        for report in reports(&file) {
            let wrong: Vec<String> = schema.iter_errors(&report).map(|e| e.to_string()).collect();
            assert!(wrong.is_empty(), "{}: {}", file.display(), wrong.join("\n"));
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn what_is_no_report_is_refused() {
    let schema = schema();
    let file = library().join("basics/revoked.toml");
    let report = reports(&file).remove(0);
    assert!(schema.is_valid(&report));
    let with = |field: &str, value: Value| {
        let mut other = report.clone();
        other[field] = value;
        other
    };
    assert!(!schema.is_valid(&with("status", json!("fine"))));
    assert!(!schema.is_valid(&with("format", json!(2))));
    assert!(!schema.is_valid(&with("colour", json!("red"))));
    assert!(!schema.is_valid(&with("episodes", json!([{ "outcome": "refused" }]))));
    assert!(!schema.is_valid(&json!([report])));
}
