//! What processes take: processor time and memory, as Linux tells them.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Clock ticks a second in `/proc` (USER_HZ), the same on every Linux that has been.
const TICKS: f64 = 100.0;

/// Processor time of a process (`self`, or its number), user and system, in seconds.
pub fn of(process: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The second field, the name, may have blanks; it ends with the last parenthesis.
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2).filter_map(|f| f.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
}

/// The most memory that this process has held at once, in KiB.
pub fn most_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// A command that has ended.
#[derive(Debug)]
pub struct Timed {
    /// What it wrote on standard output and on standard error.
    pub said: String,
    /// Processor time of it and of all that it waited for, in seconds.
    pub processor: f64,
}

/// Runs a line of bash in a folder.
///
/// # Panics
///
/// There is no bash.
pub fn timed(folder: &Path, line: &str) -> Timed {
    // The shell's own clock tells what its children took of the processor.
    let line = format!("TIMEFORMAT='%U %S'; time {{ {line}; }} 2>&1");
    let output = Command::new("bash").args(["-c", &line]).current_dir(folder).output();
    let output = output.expect("bash");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = told.lines().last().unwrap_or_default();
    let processor = last.split_whitespace().filter_map(|n| n.parse::<f64>().ok()).sum();
    Timed { said: String::from_utf8_lossy(&output.stdout).into_owned(), processor }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_said_and_took_are_told_apart() {
        let timed = timed(
            Path::new("/"),
            "pwd; echo 7 8 >&2; i=0; while ((i < 100000)); do ((i += 1)); done",
        );
        assert_eq!(timed.said, "/\n7 8\n");
        assert!(timed.processor > 0.0);
    }
}
