//! The page of the book: its tables read, compared and written.

use std::fs;
use std::path::{Path, PathBuf};

use revlab_tests::program::skipped;

use super::programs::{COLUMNS, PROGRAMS, Program};
use super::verdict::Cells;

/// The page as it stands in the book.
pub(crate) struct Page {
    text: String,
}

/// A program's place in a table.
pub(crate) struct Column {
    pub(crate) program: Program,
    /// The command, where the program is there in the series that the page tells of.
    pub(crate) command: Option<PathBuf>,
    /// What heads the column.
    heading: String,
}

/// What each program says about each defect; `None` where it was not asked.
pub(crate) type Rows = Vec<(String, [Option<String>; COLUMNS])>;

/// Asks all programs at the same time about the defects of these names.
pub(crate) fn asked(
    columns: &[Column; COLUMNS],
    defects: &[&str],
    ask: impl Fn(&Column) -> Option<Vec<String>> + Sync,
) -> Rows {
    let ask = &ask;
    let columns = std::thread::scope(|scope| {
        let threads = columns.each_ref().map(|column| scope.spawn(move || ask(column)));
        threads.map(|thread| thread.join().expect("a column"))
    });
    let row = |(n, defect): (usize, &&str)| {
        let told = |column: &Option<Vec<String>>| column.as_ref().and_then(|c| c.get(n).cloned());
        ((*defect).to_owned(), columns.each_ref().map(told))
    };
    defects.iter().enumerate().map(row).collect()
}

const BEGIN: &str = "<!-- generated: ";
const END: &str = "<!-- end -->";

impl Page {
    pub(crate) fn read() -> Page {
        let text = fs::read_to_string(path());
        Page { text: text.unwrap_or_else(|e| panic!("{}: {e}", path().display())) }
    }

    /// The place of a program in the table `of`.
    pub(crate) fn column(&self, of: &str, program: Program) -> Column {
        let tool = if of == "crl" { "certtool" } else { "ocsptool" };
        let mut command = program.find(tool);
        let told = self.headings(of).into_iter().find(|h| h.starts_with(program.name()));
        let here = command.as_deref().map(|command| program.version(command));
        let heading = match (told, here) {
            (Some(told), Some(here)) if !writes() => {
                if series(told.trim_start_matches(program.name()).trim()) != series(&here) {
                    let why = format!("the book tells of {told}, here is {here}");
                    command = skipped(&why);
                }
                told
            }
            (_, Some(here)) => format!("{} {here}", program.name()),
            (told, None) => told.unwrap_or_else(|| program.name().to_owned()),
        };
        Column { program, command, heading }
    }

    /// Compares a table with what was told anew, or writes it. What nobody told anew stays.
    pub(crate) fn compare(&self, of: &str, columns: &[Column; COLUMNS], told: Rows) {
        let old = PROGRAMS.map(|program| self.cells(of, program));
        let mut lines = vec![];
        let headings: Vec<_> = columns.iter().map(|column| column.heading.as_str()).collect();
        lines.push(format!("| defect | {} |", headings.join(" | ")));
        lines.push("|---".repeat(1 + COLUMNS) + "|");
        for (defect, cells) in told {
            let cells = cells.into_iter().zip(&old).map(|(new, old)| {
                new.or_else(|| old.get(&defect).cloned()).unwrap_or_else(|| "not run".to_owned())
            });
            lines.push(format!("| `{defect}` | {} |", cells.collect::<Vec<_>>().join(" | ")));
        }
        let new = lines.join("\n");
        if writes() {
            // The two tables are made at the same time by two tests: the file is read once more.
            let text = Page::read().with(of, &new);
            fs::write(path(), text).unwrap_or_else(|e| panic!("{}: {e}", path().display()));
            return;
        }
        assert_eq!(self.table(of), new, "REVLAB_WRITE_PEERS=1 writes the table anew");
    }

    fn table(&self, of: &str) -> &str {
        let (_, behind) = self.text.split_once(&format!("{BEGIN}{of} -->\n")).expect("the table");
        behind.split_once(&format!("\n{END}")).expect("its end").0
    }

    fn with(&self, of: &str, table: &str) -> String {
        let old = format!("{BEGIN}{of} -->\n{}\n{END}", self.table(of));
        self.text.replace(&old, &format!("{BEGIN}{of} -->\n{table}\n{END}"))
    }

    fn headings(&self, of: &str) -> Vec<String> {
        self.table(of).lines().next().map(fields).unwrap_or_default()
    }

    fn cells(&self, of: &str, program: Program) -> Cells {
        let headings = self.headings(of);
        let Some(at) = headings.iter().position(|h| h.starts_with(program.name())) else {
            return Cells::new();
        };
        let rows = self.table(of).lines().skip(2).map(fields);
        let cell = |row: Vec<String>| {
            Some((row.first()?.trim_matches('`').to_owned(), row.get(at)?.clone()))
        };
        rows.filter_map(cell).collect()
    }
}

fn fields(line: &str) -> Vec<String> {
    line.trim_matches('|').split('|').map(|field| field.trim().to_owned()).collect()
}

/// The part of a version within which a program should say the same: two numbers.
fn series(version: &str) -> Vec<&str> {
    version.split('.').take(2).collect()
}

fn writes() -> bool {
    std::env::var_os("REVLAB_WRITE_PEERS").is_some()
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/reference/peers.md")
}
