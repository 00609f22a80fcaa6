//! All attempts of a run as a table: CSV (RFC 4180), a line each, in the order of the trace.

use revlab_lab::trace::{Attempt, Handshake, HttpVersion, Kind, Phase, TlsVersion, Trace};
use revlab_lab::{Instant, Outcome};
use serde::Serialize;

/// Columns have the names of the trace's fields; what is absent there is empty here.
#[derive(Serialize)]
struct Row<'a> {
    n: u64,
    client: &'a str,
    thread: u32,
    identity: &'a str,
    due: Instant,
    began: Instant,
    outcome: Outcome,
    status: Option<u16>,
    substatus: Option<u16>,
    code: Option<String>,
    symbol: Option<&'static str>,
    alert: Option<&'a str>,
    error: Option<&'a str>,
    phase: Option<Phase>,
    tls: Option<TlsVersion>,
    http: Option<HttpVersion>,
    cipher: Option<&'a str>,
    handshake: Handshake,
    took_ms: i64,
    connect_ms: Option<i64>,
    handshake_ms: Option<i64>,
    request_ms: Option<i64>,
    first_byte_ms: Option<i64>,
    wall_ms: Option<u32>,
    checks: String,
}

/// The table, with a line of column names first, also where there are no attempts.
///
/// ```
/// let text = revlab::report::attempts::csv(&revlab_lab::trace::Trace::default());
/// assert!(text.starts_with("n,client,thread,identity,due,began,outcome,status"));
/// assert_eq!(text.lines().count(), 1);
/// ```
pub fn csv(trace: &Trace) -> String {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    // Writing into memory does not fail, and every row is flat.
    let _ = writer.write_record(COLUMNS);
    for record in trace.records() {
        if let Kind::Attempt(it) = &record.kind {
            let _ = writer.serialize(row(record.n, it));
        }
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

const COLUMNS: [&str; 25] = [
    "n",
    "client",
    "thread",
    "identity",
    "due",
    "began",
    "outcome",
    "status",
    "substatus",
    "code",
    "symbol",
    "alert",
    "error",
    "phase",
    "tls",
    "http",
    "cipher",
    "handshake",
    "took_ms",
    "connect_ms",
    "handshake_ms",
    "request_ms",
    "first_byte_ms",
    "wall_ms",
    "checks",
];

fn row(n: u64, it: &Attempt) -> Row<'_> {
    let checks: Vec<String> = it.checks.iter().map(u64::to_string).collect();
    Row {
        n,
        client: &it.client,
        thread: it.thread,
        identity: &it.identity,
        due: it.due,
        began: it.began.unwrap_or(it.due),
        outcome: it.outcome,
        status: it.status,
        substatus: it.substatus,
        code: it.code.map(|code| code.to_string()),
        symbol: it.code.and_then(|code| code.symbol()),
        alert: it.alert.as_deref(),
        error: it.error.as_deref(),
        phase: it.phase,
        tls: it.tls,
        http: it.http,
        cipher: it.cipher.as_deref(),
        handshake: it.handshake,
        took_ms: it.took_ms,
        connect_ms: it.phases_ms.and_then(|p| p.connect),
        handshake_ms: it.phases_ms.map(|p| p.handshake),
        request_ms: it.phases_ms.map(|p| p.request),
        first_byte_ms: it.phases_ms.and_then(|p| p.first_byte),
        wall_ms: it.wall_ms,
        checks: checks.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use revlab_lab::trace::Kind;

    use super::*;
    use crate::report::sample::outage;

    #[test]
    fn every_attempt_has_a_line_with_every_column() {
        let trace = outage().trace();
        let text = csv(&trace);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let heads = reader.headers().unwrap().clone();
        assert_eq!(heads.iter().collect::<Vec<_>>(), COLUMNS);
        let all = trace.records().iter().filter(|r| matches!(r.kind, Kind::Attempt(_)));
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), all.count());
        insta::assert_snapshot!(text.lines().skip(44).take(3).collect::<Vec<_>>().join("\n"));
    }
}
