//! Ctrl-C, and TERM as those send who cancel a job: the trace is kept, and proves nothing.
#![cfg(unix)]

use std::path::Path;
use std::process::{Child, Command, Stdio};

use revlab_lab::trace::Kind;

use crate::folder::{Folder, Said, good_with};

/// So many looks at a file that should come soon; each is a few system calls.
const LOOKS: u64 = 200_000_000;

/// Ends with the test, whatever becomes of it.
struct Guarded(Option<Child>);

impl Drop for Guarded {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Guarded {
    fn child(&mut self) -> &mut Child {
        self.0.as_mut().expect("not yet ended")
    }

    /// Waits until the run has written to its trace.
    fn until_there_is(&mut self, path: &Path) {
        for _ in 0..LOOKS {
            if path.exists() {
                return;
            }
            let ended = self.child().try_wait().expect("a status");
            assert!(ended.is_none(), "the run ended by itself: {ended:?}");
            std::thread::yield_now();
        }
        panic!("the run never began");
    }

    fn interrupt(mut self, signal: &str) -> Said {
        let id = self.child().id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().expect("kill");
        assert!(sent.success());
        let child = self.0.take().expect("not yet ended");
        Said::from(child.wait_with_output().expect("an end"))
    }
}

#[test]
fn ctrl_c_leaves_a_readable_trace_that_proves_nothing() {
    leaves_a_readable_trace("-INT");
}

#[test]
fn a_job_that_is_cancelled_leaves_one_too() {
    leaves_a_readable_trace("-TERM");
}

fn leaves_a_readable_trace(signal: &str) {
    let long = good_with("duration = \"1h\"", "duration = \"30d\"").replace("\"1m\"", "\"1s\"");
    let folder = Folder::with(&[("long.toml", &long), ("zz-never.toml", &long)]);
    let args = ["run", ".", "--transport", "live", "--out", "results", "--format", "json"];
    let mut command = folder.command(&args);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("run");
    let mut run = Guarded(Some(child));
    run.until_there_is(&folder.path("results/long/default/web/trace.jsonl"));
    let said = run.interrupt(signal);
    assert_eq!(said.status, Some(130), "{said:?}");
    assert_eq!(said.err, "interrupted: the trace ends where it was, and is inconclusive\n");
    assert_eq!(said.json().as_array().map(Vec::len), Some(1), "the next one is not begun");
    assert_eq!(said.json()[0]["status"], "inconclusive");
    assert_eq!(said.json()[0], folder.json("results/long/default/web/report.json"));
    assert!(!folder.path("results/zz-never").exists());

    let trace = folder.trace("results/long/default/web/trace.jsonl");
    assert!(!trace.is_complete());
    match trace.records().last().map(|r| &r.kind) {
        Some(Kind::End(end)) => assert_eq!(end.reason, "interrupted"),
        other => panic!("a trace ends with its `end`, not with {other:?}"),
    }
    assert!(folder.read("results/junit.xml").contains("<testsuite "));
}
