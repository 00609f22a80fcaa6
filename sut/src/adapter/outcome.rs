//! A verdict by a command: what is run for each attempt, and what its words come to.

use serde::Deserialize;

use super::AdapterError;
use super::words::pattern;

/// A command for each attempt.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// What is run, each word a template.
    pub run: Vec<String>,
    /// Commands that are run before it, such as one that empties a cache.
    #[serde(default)]
    pub before: Vec<Vec<String>>,
    /// What its end means: the first that fits.
    pub says: Vec<Says>,
}

/// What the end of a probe means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Says {
    /// Its exit status; none: any.
    pub status: Option<i32>,
    /// A regular expression that one of its lines fits; none: any.
    pub line: Option<String>,
    /// What it means.
    pub outcome: Verdict,
}

/// What a verifier comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The certificate is good enough.
    Admitted,
    /// It is not.
    Refused,
    /// It could not say.
    Failed,
}

impl Probe {
    /// What its end means, with the line that says so. What nothing fits has failed.
    pub fn verdict<'t>(&self, status: Option<i32>, output: &'t str) -> (Verdict, Option<&'t str>) {
        let fitting =
            self.says.iter().find_map(|says| says.fits(status, output).map(|l| (says, l)));
        match fitting {
            Some((says, line)) => (says.outcome, line),
            None => (Verdict::Failed, output.trim_end().lines().last()),
        }
    }
}

impl Says {
    pub(super) fn check(&self) -> Result<(), AdapterError> {
        self.line.as_deref().map_or(Ok(()), |line| pattern(line).map(drop))
    }

    /// The line that fits, if any is needed; `None` where it does not fit.
    fn fits<'t>(&self, status: Option<i32>, output: &'t str) -> Option<Option<&'t str>> {
        if self.status.is_some() && self.status != status {
            return None;
        }
        let Some(line) = &self.line else { return Some(output.trim_end().lines().last()) };
        let pattern = pattern(line).ok()?;
        output.lines().find(|line| pattern.is_match(line)).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe() -> Probe {
        let says = |status, line: Option<&str>, outcome| Says {
            status,
            line: line.map(str::to_owned),
            outcome,
        };
        Probe {
            run: Vec::new(),
            before: Vec::new(),
            says: vec![
                says(Some(0), Some("soft-failed"), Verdict::Admitted),
                says(Some(0), None, Verdict::Admitted),
                says(None, Some("revoked"), Verdict::Refused),
            ],
        }
    }

    #[test]
    fn the_first_that_fits_counts_and_what_nothing_fits_has_failed() {
        let verdict = |status, text| probe().verdict(status, text);
        assert_eq!(
            verdict(Some(0), "a\nsoft-failed b\nc\n"),
            (Verdict::Admitted, Some("soft-failed b"))
        );
        assert_eq!(verdict(Some(0), "good\n"), (Verdict::Admitted, Some("good")));
        assert_eq!(verdict(Some(1), "revoked\nend"), (Verdict::Refused, Some("revoked")));
        assert_eq!(verdict(None, ""), (Verdict::Failed, None));
    }
}
