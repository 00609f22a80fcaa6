//! `revlab serve` as a process: real sockets, real files, programs that nobody here wrote.
#![cfg(unix)]

mod api;
mod bounds;
mod client;
mod connections;
mod fetching;
mod https;
mod names;
mod peers;
mod served;
