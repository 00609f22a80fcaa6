//! The names of the log files, so that `log` records name the very files that are rendered.

use revlab_lab::Instant;

/// The CAPI2 operational log: its channel's name, which `log` records give, with `.xml` behind it.
pub const CAPI2: &str = "Microsoft-Windows-CAPI2/Operational.xml";

/// The access log that holds a line stamped `at` by the SUT's clock: `W3SVC1/u_ex140416.log`.
///
/// IIS begins a new file each day, in UTC (its default period and time zone).
pub fn iis_w3c(at: Instant) -> String {
    let (year, month, day, ..) = at.civil();
    format!("W3SVC1/u_ex{:02}{month:02}{day:02}.log", year.rem_euclid(100))
}

/// The failed-request trace of the `number`-th refusal, counting from 1.
pub fn freb(number: u64) -> String {
    format!("FailedReqLogFiles/W3SVC1/fr{number:06}.xml")
}
