//! Apache JMeter, both ways: its plans (`.jmx`) and its results (JTL), read and written.
//!
//! * [`import`]: a plan becomes the skeleton of a scenario;
//! * [`export`]: a scenario becomes a plan with keystore and CSV files, which real JMeter runs;
//! * [`jtl`]: results as CSV and as XML, read and written;
//! * [`samples`]: what a sample says of an attempt, and an attempt of a sample;
//! * [`judged`]: a run that JMeter made, as a trace that the judge reads;
//! * [`journal`]: what a CA was asked meanwhile, from the journal of `revlab serve`.
//!
//! All of it is pure: text and plain data to text and plain data. What one side cannot say is
//! listed, never dropped silently.

pub mod export;
pub mod import;
pub mod journal;
pub mod jtl;
pub mod judged;
mod plan;
pub mod samples;
pub(crate) mod xml;
