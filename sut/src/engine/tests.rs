//! Proof of the engine, seen from outside: requests in; fetches, answers and trace records out.
//!
//! [`authority`] makes certificates, CRLs and OCSP answers; [`bench`] drives a machine against a
//! scripted CA in lab time. Each other file has one subject. The doc comment of a test names the
//! fact it stands for, by its § of the fact sheet, and how well it is known.

mod authority;
mod bench;
mod binding;
mod budget;
mod chain;
mod cross;
mod delta;
mod freshness;
mod hypotheses;
mod issuers;
mod judging;
mod kept;
mod listed;
mod lookup;
mod marks;
mod ocsp;
mod operations;
mod parameters;
mod prefetch;
mod random;
mod record;
mod restored;
mod sharing;
mod staplers;
mod store;
mod switches;
mod validator;
