//! The client-certificate request driver.
//!
//! * [`plan`]: what a scenario says about its clients;
//! * [`load`]: when their attempts are due;
//! * [`identities`]: which certificate each of them uses;
//! * [`driver`]: the core, which says when which attempt is sent and puts each on record;
//! * [`observation`]: what a client saw of one exchange, on either transport;
//! * [`classify`](mod@classify): what such an observation means;
//! * [`alert`]: the names of TLS alerts;
//! * `live`: the same attempts over real sockets and TLS (feature `live`).

pub mod alert;
mod barrier;
pub mod cipher;
pub mod classify;
pub mod driver;
pub mod identities;
#[cfg(feature = "live")]
pub mod live;
pub mod load;
pub mod observation;
pub mod plan;
mod schedule;

pub use classify::{Classified, classify};
pub use driver::{ClientAction, ClientEvent, Driver, Send};
pub use identities::{Choice, RevocationState};
pub use load::{Arrivals, Gap, Load, Rate, Stage};
pub use observation::{Agreed, Observation, Seen, Times};
pub use plan::{ClientPlan, identity_name};
