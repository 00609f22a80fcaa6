//! What has been asked and done, counted, in Prometheus' text format (version 0.0.4).

use std::collections::BTreeMap;
use std::fmt::Write;

use revlab_lab::trace::{Publish, Purpose};
use revlab_lab::{Instant, Name};

use super::carry_out::Seen;

/// The counters. They never decrease, whatever is reset.
#[derive(Clone, Debug)]
pub(super) struct Metrics {
    /// Wall time.
    started: Instant,
    requests: BTreeMap<(Name, &'static str, String), u64>,
    faults: BTreeMap<Name, u64>,
    publications: BTreeMap<(Name, &'static str), u64>,
    /// By site: connections that are open, and those that were reset at once.
    connections: BTreeMap<String, (u32, u64)>,
}

/// So many names of faults are counted apart: names come from outside.
const FAULTS_MOST: usize = 1_000;

impl Metrics {
    pub(super) fn new(started: Instant) -> Metrics {
        Metrics {
            started,
            requests: BTreeMap::new(),
            faults: BTreeMap::new(),
            publications: BTreeMap::new(),
            connections: BTreeMap::new(),
        }
    }

    pub(super) fn asked(&mut self, purpose: Option<&(Name, Purpose)>, faults: &[Name], seen: Seen) {
        let (ca, purpose) = match purpose {
            Some((ca, purpose)) => (ca.clone(), purpose.as_str()),
            None => (Name::from(""), "other"),
        };
        let status = seen.word();
        *self.requests.entry((ca, purpose, status)).or_default() += 1;
        for fault in faults {
            if self.faults.len() < FAULTS_MOST || self.faults.contains_key(fault) {
                *self.faults.entry(fault.clone()).or_default() += 1;
            }
        }
    }

    pub(super) fn published(&mut self, publish: &Publish) {
        let key = (publish.ca.clone(), publish.what.as_str());
        *self.publications.entry(key).or_default() += 1;
    }

    /// What a site has told of its connections.
    pub(super) fn connections(&mut self, site: &str, open: u32, turned_away: u64) {
        self.connections.insert(site.to_owned(), (open, turned_away));
    }

    /// The text that is scraped.
    pub(super) fn text(&self, journal: usize) -> String {
        let mut text = String::new();
        family(
            &mut text,
            "revlab_requests_total",
            "counter",
            "Requests to the CAs by what they got.",
        );
        for ((ca, purpose, status), count) in &self.requests {
            let labels = [("ca", &**ca), ("purpose", *purpose), ("status", status.as_str())];
            sample(&mut text, "revlab_requests_total", &labels, *count as f64);
        }
        family(&mut text, "revlab_faults_met_total", "counter", "Requests that met a fault.");
        for (fault, count) in &self.faults {
            sample(&mut text, "revlab_faults_met_total", &[("fault", &**fault)], *count as f64);
        }
        family(&mut text, "revlab_publications_total", "counter", "CRLs and OCSP answers made.");
        for ((ca, what), count) in &self.publications {
            let labels = [("ca", &**ca), ("what", *what)];
            sample(&mut text, "revlab_publications_total", &labels, *count as f64);
        }
        family(&mut text, "revlab_connections", "gauge", "Open connections to a site.");
        for (site, (open, _)) in &self.connections {
            sample(&mut text, "revlab_connections", &[("site", site)], f64::from(*open));
        }
        let name = "revlab_connections_turned_away_total";
        family(&mut text, name, "counter", "Connections that were reset at once.");
        for (site, (_, turned_away)) in &self.connections {
            sample(&mut text, name, &[("site", site)], *turned_away as f64);
        }
        family(&mut text, "revlab_journal_entries", "gauge", "Requests in the journal.");
        sample(&mut text, "revlab_journal_entries", &[], journal as f64);
        family(&mut text, "process_start_time_seconds", "gauge", "When serving began, Unix time.");
        let started = self.started.as_millis() as f64 / 1000.0;
        sample(&mut text, "process_start_time_seconds", &[], started);
        text
    }
}

fn family(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn sample(text: &mut String, name: &str, labels: &[(&str, &str)], value: f64) {
    let labels: Vec<String> =
        labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
    let labels =
        if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    let _ = writeln!(text, "{name}{labels} {value}");
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let mut metrics = Metrics::new(Instant::from_millis(1_700_000_000_500));
        let purpose = (Name::from("issuing"), Purpose::Ocsp);
        let slow = [Name::from("slow")];
        metrics.asked(Some(&purpose), &slow, Seen::Status(200, 5));
        metrics.asked(Some(&purpose), &[], Seen::Status(200, 5));
        metrics.asked(None, &[], Seen::Reset);
        metrics.connections("127.0.0.1:8001", 3, 7);
        insta::assert_snapshot!(metrics.text(3), @r#"
        # HELP revlab_requests_total Requests to the CAs by what they got.
        # TYPE revlab_requests_total counter
        revlab_requests_total{ca="",purpose="other",status="reset"} 1
        revlab_requests_total{ca="issuing",purpose="ocsp",status="200"} 2
        # HELP revlab_faults_met_total Requests that met a fault.
        # TYPE revlab_faults_met_total counter
        revlab_faults_met_total{fault="slow"} 1
        # HELP revlab_publications_total CRLs and OCSP answers made.
        # TYPE revlab_publications_total counter
        # HELP revlab_connections Open connections to a site.
        # TYPE revlab_connections gauge
        revlab_connections{site="127.0.0.1:8001"} 3
        # HELP revlab_connections_turned_away_total Connections that were reset at once.
        # TYPE revlab_connections_turned_away_total counter
        revlab_connections_turned_away_total{site="127.0.0.1:8001"} 7
        # HELP revlab_journal_entries Requests in the journal.
        # TYPE revlab_journal_entries gauge
        revlab_journal_entries 3
        # HELP process_start_time_seconds When serving began, Unix time.
        # TYPE process_start_time_seconds gauge
        process_start_time_seconds 1700000000.5
        "#);
    }
}
