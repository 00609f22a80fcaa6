//! Look-alike logs of a system under test: what an administrator of the real one would look at.
//!
//! The trace is the truth; these files are a pure function of it, rendered when a run is over. They
//! have the shape of the real ones, so that what reads those can read these, and so that they can be
//! laid beside an incident's. `docs/src/reference/logs.md` says of each field whether it is
//! documented, reported or inferred.
//!
//! * [`iis_w3c`]: the web server's access log, a file a day;
//! * [`freb`]: failed-request traces, a file for each refused attempt;
//! * [`capi2`]: the CAPI2 operational log, the last events as XML;
//! * [`evidence`]: the names of these files, for `log` records that point into them.

pub mod capi2;
pub mod evidence;
pub mod freb;
pub mod iis_w3c;

mod identifier;
mod message;
mod xml;

use std::collections::BTreeSet;

use revlab_lab::trace::{Attempt, Kind, Record};
use revlab_lab::{Clock, Instant, Name};

use crate::config::SutConfig;

/// One file of a SUT's logs.
#[derive(Clone, PartialEq, Eq)]
pub struct LogFile {
    /// Where it belongs below the run's `logs/`, with `/` between folders.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// What the logs say that the trace does not: names and addresses of the machines.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The server's host name, in the URLs of failed-request traces.
    pub host: String,
    /// The server's computer name, in events.
    pub computer: String,
    /// The server's address (`s-ip`).
    pub address: String,
    /// The server's port (`s-port`).
    pub port: u16,
    /// The path that clients ask for, with a query behind `?` where there is one.
    pub path: String,
    /// The clients' address (`c-ip`).
    pub client_address: String,
    /// The clients' User-Agent.
    pub user_agent: String,
    /// The clients that talk to this SUT; `None`: all of the scenario.
    pub clients: Option<BTreeSet<Name>>,
    /// The clock that stamps the logs; `None`: it reads lab time.
    pub clock: Option<Clock>,
}

impl Default for Options {
    /// A server called `web` and addresses from TEST-NET-1 (RFC 5737).
    fn default() -> Options {
        Options {
            host: "web".into(),
            computer: "WEB".into(),
            address: "192.0.2.10".into(),
            port: 443,
            path: "/".into(),
            client_address: "192.0.2.20".into(),
            user_agent: "revlab".into(),
            clients: None,
            clock: None,
        }
    }
}

impl Options {
    /// What a SUT's configuration says: its host and clock, and a computer name made from the
    /// host's first label as Windows would (upper case, at most 15 characters).
    pub fn of(sut: &SutConfig) -> Options {
        let label = sut.host.split('.').next().unwrap_or_default();
        Options {
            host: sut.host.clone(),
            computer: label.chars().take(15).collect::<String>().to_uppercase(),
            clock: Some(sut.clock.clone()),
            ..Options::default()
        }
    }

    /// What the SUT's clock reads at `lab`.
    fn stamp(&self, lab: Instant) -> Instant {
        self.clock.as_ref().map_or(lab, |clock| clock.at(lab))
    }

    /// Whether this client's attempts go to this SUT.
    fn serves(&self, client: &Name) -> bool {
        self.clients.as_ref().is_none_or(|clients| clients.contains(client))
    }
}

/// All log files of the system under test called `sut`.
///
/// Attempts do not say which SUT they went to: [`Options::clients`] does. The same records and
/// options give the same bytes.
pub fn render(records: &[Record], sut: &str, options: &Options) -> Vec<LogFile> {
    let mut files = iis_w3c::render(records, options);
    files.extend(freb::render(records, sut, options));
    files.push(capi2::render(records, sut, options));
    files
}

/// The attempts that got an HTTP answer from this SUT, with their status and when it was complete.
fn answered<'a>(
    records: &'a [Record],
    options: &'a Options,
) -> impl Iterator<Item = (&'a Record, &'a Attempt, u16)> {
    records.iter().filter_map(|record| match &record.kind {
        Kind::Attempt(attempt) if options.serves(&attempt.client) => {
            attempt.status.map(|status| (record, attempt, status))
        }
        _ => None,
    })
}

impl std::fmt::Debug for LogFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "==> {} <==\n{}", self.path, String::from_utf8_lossy(&self.bytes))
    }
}

#[cfg(test)]
mod sample;
