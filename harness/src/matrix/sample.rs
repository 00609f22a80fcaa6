//! A small matrix for tests.

use std::collections::BTreeMap;

use super::{Cell, FORMAT, Matrix, Mix, State};

pub(super) fn cell(sut: &str, during: &str) -> Cell {
    let one = |outcome: &str| BTreeMap::from([(outcome.to_owned(), 3)]);
    let mix = |phase: &str, outcome: &str| Mix {
        phase: phase.to_owned(),
        good: one(outcome),
        revoked: BTreeMap::new(),
    };
    Cell {
        scenario: "matrix/transport".to_owned(),
        variant: Some("down".to_owned()),
        crossing: None,
        sut: sut.to_owned(),
        state: State::Ran,
        reason: None,
        version: Some(format!("{sut} 3.0")),
        status: Some("held".to_owned()),
        phases: vec![mix("before", "admitted"), mix("during", during)],
        fetches: BTreeMap::from([("base".to_owned(), 4)]),
        refused_by: match during {
            "refused" => BTreeMap::from([("alert certificate_revoked".to_owned(), 3)]),
            _ => BTreeMap::new(),
        },
        exposure_ms: Some(90_000),
        slowest_ms: 20,
        fail_open: Vec::new(),
        lock_out: Vec::new(),
        died: None,
        folder: Some(format!("{sut}/matrix/transport/down/web")),
        command: format!("revlab run scenarios/matrix/transport.toml --variant down --sut {sut}"),
    }
}

pub(super) fn skipped() -> Cell {
    Cell {
        state: State::Skipped,
        reason: Some("there is no `nginx` | here".to_owned()),
        version: None,
        status: None,
        phases: Vec::new(),
        folder: None,
        ..cell("nginx", "refused")
    }
}

/// The model admits during the fault, `s_server` refuses, and there is no nginx.
pub(super) fn matrix() -> Matrix {
    let cells = vec![cell("model", "admitted"), cell("s_server", "refused"), skipped()];
    Matrix {
        format: FORMAT,
        revlab: "1.2.3".to_owned(),
        suts: cells.iter().map(|c| c.sut.clone()).collect(),
        chosen: false,
        planned: cells.iter().map(Cell::name).collect(),
        cells,
    }
}
