//! From the end of a check to its record, and the evidence in the SUT's own log.

use std::sync::Arc;

use revlab_lab::trace::{Check as Record, Kind, Log, Step, Used, Verdict};
use revlab_lab::{Code, Instant, Out};
use revlab_pki::Certificate;

use super::check::{Caller, Check};
use super::{Engine, check};
use crate::event::SutAction;

/// A check that has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Conclusion {
    /// Its number.
    pub(crate) check: u64,
    /// Who wanted to know.
    pub(crate) caller: Caller,
    /// What it came to.
    pub(crate) verdict: Verdict,
    /// The code that goes with it.
    pub(crate) code: Option<Code>,
}

/// What was last put on record about a certificate in a process.
#[derive(Debug, PartialEq)]
pub(super) struct Told {
    check: u64,
    verdict: Verdict,
    code: Option<Code>,
    used: Vec<Used>,
    steps: Vec<Step>,
}

impl Engine {
    /// The request came over a resumed session: no certificate was sent, none is checked.
    pub(crate) fn resumed(
        &mut self,
        now: Instant,
        peer: &[Certificate],
        caller: Caller,
        out: &mut Out<SutAction>,
    ) {
        let Some(process) = self.lsass() else { return };
        let usage = check::usage(caller, false);
        let Some(subject) = self.build_chain(now, process, usage, peer) else { return };
        let id = self.next_check;
        self.next_check += 1;
        let check = Check {
            id,
            began: now,
            caller,
            process,
            subject,
            at: 0,
            stage: check::Stage::Judge,
            pass: check::Pass::default(),
            steps: vec![Step::Resumed],
            used: Vec::new(),
            shortfall: None,
            spent: revlab_lab::Span::ZERO,
            presented: check::Presented::default(),
            search: None,
        };
        self.conclude(now, check, Verdict::NotChecked, None, out);
    }

    /// Ends a check: its record, the evidence, and the word to whoever waits for it.
    pub(super) fn conclude(
        &mut self,
        now: Instant,
        check: Check,
        verdict: Verdict,
        code: Option<Code>,
        out: &mut Out<SutAction>,
    ) {
        let process = self.process_name(check.process);
        let key = (process.clone(), check.subject.name.clone());
        self.concluded.push(Conclusion { check: check.id, caller: check.caller, verdict, code });
        let began = (check.began != now).then_some(check.began);
        let told = Told { check: check.id, verdict, code, used: check.used, steps: check.steps };
        let before = self.told.get(&key).filter(|t| began.is_none() && told.repeats(t));
        let mut record = Record {
            check: check.id,
            began,
            by: self.name.clone(),
            same_as: before.map(|t| t.check),
            process: None,
            subject: None,
            verdict: None,
            code: None,
            used: Vec::new(),
            steps: Vec::new(),
        };
        if record.same_as.is_none() {
            record.process = Some(process);
            record.subject = Some(check.subject.name.clone());
            record.verdict = Some(verdict);
            record.code = code;
            record.used = told.used.clone();
            record.steps = told.steps.clone();
            self.log_evidence(&told, out);
            self.told.insert(key, told);
        }
        out.trace(Kind::Check(record));
        if check.caller == Caller::Command {
            self.processes.remove(&check.process);
        }
    }

    /// CAPI2 event 41 for a check that did not come to a good verdict.
    fn log_evidence(&self, told: &Told, out: &mut Out<SutAction>) {
        if let Some(code) = told.code {
            let symbol = code.symbol().unwrap_or("unnamed");
            out.trace(Kind::Log(Log {
                by: self.name.clone(),
                file: Arc::from("Microsoft-Windows-CAPI2/Operational"),
                line: format!("event 41 Verify Revocation: {symbol}, check {}", told.check),
                code: Some(code),
                attempt: None,
            }));
        }
    }
}

impl Told {
    fn repeats(&self, earlier: &Told) -> bool {
        self.verdict == earlier.verdict
            && self.code == earlier.code
            && self.used == earlier.used
            && self.steps == earlier.steps
    }
}
