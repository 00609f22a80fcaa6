//! How long the steps of an attempt take: by lab time, or by the wall where lab time is real time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant as Wall;

use revlab_lab::Instant;
use revlab_lab::clock::LabTime;

use crate::driver::Reached;

/// What time is read from.
#[derive(Clone, Debug)]
pub(super) enum Stopwatch {
    /// It stands still while bytes move, unless the executor moves it on.
    Lab(LabTime),
    /// Lab time is real time.
    Wall,
}

/// A stopwatch that runs.
#[derive(Clone, Debug)]
pub(super) enum Running {
    Lab(LabTime, Instant),
    Wall(Wall),
}

impl Stopwatch {
    pub(super) fn start(&self) -> Running {
        match self {
            Stopwatch::Lab(lab_time) => Running::Lab(lab_time.clone(), lab_time.now()),
            Stopwatch::Wall => Running::Wall(wall()),
        }
    }
}

impl Running {
    /// Milliseconds since the start.
    pub(super) fn ms(&self) -> i64 {
        match self {
            Running::Lab(lab_time, began) => (lab_time.now() - *began).as_millis(),
            Running::Wall(began) => {
                let passed = wall().saturating_duration_since(*began).as_millis();
                i64::try_from(passed).unwrap_or(i64::MAX)
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "where lab time is real time, it is measured")]
fn wall() -> Wall {
    Wall::now()
}

/// How far an attempt has come, for whoever gives it up.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Mutex<Reached>>);

impl Progress {
    /// How far it has come by now.
    pub fn reached(&self) -> Reached {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn note(&self, f: impl FnOnce(&mut Reached)) {
        // A panic elsewhere leaves at worst a step untold.
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
