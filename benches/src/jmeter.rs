//! Debian's JMeter with plans that revlab exports.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use revlab::exec::Cast;
use revlab::jmeter::export::{self, Target};
use revlab::jmeter::jtl;
use revlab::scenario::Scenario;

use crate::processor;

/// Where Debian has it.
const HOME: &str = "/usr/share/jmeter";
const RESULTS: &str = "results.jtl";

/// JMeter, and a folder for what it reads and writes.
#[derive(Debug)]
pub struct JMeter {
    folder: PathBuf,
}

/// What a run of JMeter came to.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// Requests, each over a connection of its own; all of them were answered with a success.
    pub requests: usize,
    /// From the first one's begin to the last one's end, in seconds.
    pub lasted: f64,
    /// Processor time in seconds, its start and its end included.
    pub processor: f64,
}

impl JMeter {
    /// Makes it ready in a folder below `folder`; none where JMeter or Java is not installed.
    pub fn prepare(folder: &Path) -> Option<JMeter> {
        // A package of its own, which `jmeter` alone does not bring.
        let http = Path::new(HOME).join("lib/ext/ApacheJMeter_http.jar");
        let folder = folder.join("jmeter");
        fs::create_dir_all(&folder).ok()?;
        // With the launcher that the tests have: see its own words.
        let launcher =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tests/jmeter/Start.java");
        let compiled = Command::new("javac").arg("-d").arg(&folder).arg(launcher).status();
        let ready = http.is_file() && compiled.ok()?.success();
        ready.then_some(JMeter { folder })
    }

    /// Has it send what the clients of `scenario` send, with the certificates of `cast`.
    ///
    /// # Panics
    ///
    /// It did not come to its end, or a request failed: its figures would be worth nothing.
    pub fn send(&self, scenario: &Scenario, cast: &Cast, server: SocketAddr) -> Took {
        let target = Target { host: Some(server.ip().to_string()), port: Some(server.port()) };
        for file in export::export(scenario, cast, &target).files {
            fs::write(self.folder.join(file.name), file.bytes).expect("the plan");
        }
        let results = self.folder.join(RESULTS);
        let _ = fs::remove_file(&results);
        let line = format!(
            "java -Djmeter.home={HOME} -cp {HOME}/bin/ApacheJMeter.jar:. Start \
             -n -t {} -q user.properties -S system.properties -l {RESULTS}",
            export::PLAN
        );
        let timed = processor::timed(&self.folder, &line);
        assert!(timed.said.contains("... end of run"), "JMeter: {}", timed.said);
        let text = fs::read_to_string(&results).unwrap_or_default();
        let samples = jtl::read(&text).unwrap_or_else(|e| panic!("JMeter's results: {e}"));
        let failed = samples.iter().find(|sample| !sample.success);
        assert!(failed.is_none(), "a request of JMeter failed: {failed:?}");
        let ends = samples.iter().map(|s| s.time_stamp.as_millis() + s.elapsed);
        let (first, last) = (samples.iter().map(|s| s.time_stamp.as_millis()).min(), ends.max());
        let lasted = last.unwrap_or_default() - first.unwrap_or_default();
        Took { requests: samples.len(), lasted: lasted as f64 / 1000.0, processor: timed.processor }
    }
}
