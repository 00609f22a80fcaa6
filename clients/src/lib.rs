//! The client-certificate request driver.

pub mod plan;
