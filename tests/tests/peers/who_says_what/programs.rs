//! The programs that have a column.

use std::path::{Path, PathBuf};

use revlab_tests::program::{program, run};

/// A program with a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Openssl,
    Gnutls,
    Jdk,
    Strongswan,
    Dirmngr,
}

/// How many columns there are.
pub(crate) const COLUMNS: usize = 5;

pub(crate) const PROGRAMS: [Program; COLUMNS] =
    [Program::Openssl, Program::Gnutls, Program::Jdk, Program::Strongswan, Program::Dirmngr];

impl Program {
    /// As it is called in the book.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Program::Openssl => "OpenSSL",
            Program::Gnutls => "GnuTLS",
            Program::Jdk => "JDK",
            Program::Strongswan => "strongSwan",
            Program::Dirmngr => "dirmngr",
        }
    }

    /// Where its command is, if it is installed. `tool` is GnuTLS's: it has one for each matter.
    pub(crate) fn find(self, tool: &str) -> Option<PathBuf> {
        match self {
            Program::Openssl => program("openssl"),
            Program::Gnutls => program(tool),
            Program::Jdk => crate::jdk::java(),
            Program::Strongswan => program("pki"),
            Program::Dirmngr => program("dirmngr").filter(|_| crate::dirmngr::is_there()),
        }
    }

    /// Its version, from its own words: the first word that begins with numbers and dots.
    pub(crate) fn version(self, command: &Path) -> String {
        let line = match self {
            Program::Openssl => "version",
            Program::Strongswan => "--help",
            Program::Gnutls | Program::Jdk | Program::Dirmngr => "--version",
        };
        let text = run(command, Path::new("."), line).text;
        let numbers = |word: &str| {
            let is_part = |c: &char| c.is_ascii_digit() || *c == '.';
            let numbers: String = word.chars().take_while(is_part).collect();
            (numbers.contains('.') && !numbers.starts_with('.')).then_some(numbers)
        };
        let of = |text: &str| text.split_whitespace().find_map(numbers);
        // strongSwan says first what else it misses.
        let own = text.lines().find(|line| line.contains(self.name())).and_then(of);
        own.or_else(|| of(&text)).unwrap_or_else(|| panic!("no version in {text}"))
    }
}
