//! The `revlab` command as a process: what is typed, what is said, what is left behind.

mod bad_input;
mod cache;
mod compared;
mod folder;
mod full_disk;
mod interrupted;
mod judged;
mod kept;
mod key_log;
mod library;
mod manual;
mod matrix;
mod output;
mod profiles;
mod progress;
mod statuses;
