//! revlab reproduces certificate-revocation incidents.
//!
//! A scenario file describes a fake CA, clients, a system under test, faults and what is expected;
//! it is run in lab time, and what happened is judged from the trace alone.
//!
//! * [`scenario`]: from a TOML file to what is meant, with every mistake and its place;
//! * [`exec`]: running it, in `sim` or `live`, one loop for both;
//! * [`judge`]: whether what happened is what was expected;
//! * [`report`]: terminal, HTML, Markdown, JSON, JUnit, CSV; [`compare`]: two runs against one another;
//! * [`adapters`]: what there is to tell about real servers;
//! * [`out`]: what `--out` keeps; [`kept`]: reading it back; [`caches`]: the disk caches among it, in
//!   words;
//! * [`matrix`]: scenarios on several systems under test, in one table;
//! * [`hypotheses`]: which observations of the incident each hypothesis reproduces;
//! * [`jmeter`]: plans and results of Apache JMeter, read and written;
//! * [`kit`]: what a machine outside the lab needs to be the system under test;
//! * `serve`: the CAs of a scenario in real time, for other programs (feature `live`);
//! * [`sut_logs`]: what a system under test has logged, put into the trace of its run;
//! * [`cli`]: the `revlab` command.
//!
//! ```
//! use revlab::exec::{self, Options, Transport};
//! use revlab::{judge, scenario};
//!
//! let text = r#"
//! format = 1
//! title = "a client is let in"
//! start = "2024-03-01T00:00:00Z"
//! duration = "1h"
//! [ca.issuing]
//! [sut.web]
//! [clients.users]
//! every = "1m"
//! [expect.let-in]
//! attempts = { share = "all", outcome = "admitted" }
//! "#;
//! let scenarios = scenario::from_text("example", text).expect("no mistakes");
//! let mut trace = Vec::new();
//! let run = exec::run(&scenarios[0], Transport::Sim, &Options::default(), &mut trace)?;
//! assert_eq!(judge::judge(&scenarios[0], &run.trace).status(), judge::Status::Held);
//! # Ok::<(), exec::RunError>(())
//! ```

pub mod adapters;
pub mod caches;
pub mod cli;
pub mod compare;
pub mod digest;
pub mod exec;
pub mod hypotheses;
pub mod jmeter;
pub mod judge;
pub mod kept;
pub mod kit;
pub mod matrix;
pub mod out;
pub mod profiles;
pub mod report;
pub mod scenario;
#[cfg(feature = "live")]
pub mod serve;
pub mod sut_logs;
