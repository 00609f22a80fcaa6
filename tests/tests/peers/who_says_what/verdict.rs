//! What a program makes of a certificate, and of an artefact as a whole.

use std::collections::BTreeMap;

/// What a program makes of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Checked and good.
    Good,
    /// Let in although it could not be checked, with the program's words for why.
    Unchecked(String),
    /// Refused because it is revoked.
    Revoked,
    /// Refused for another reason, in the program's words.
    Refused(String),
}

/// What a table has in one cell.
pub(crate) fn cell(good: &Verdict, revoked: &Verdict) -> String {
    match (good, revoked) {
        (Verdict::Good, Verdict::Revoked) => "takes it".to_owned(),
        (Verdict::Good, Verdict::Good) => "**both are good**".to_owned(),
        (Verdict::Revoked, Verdict::Revoked) => "both are revoked".to_owned(),
        (Verdict::Unchecked(a), Verdict::Unchecked(b)) if a == b => {
            format!("**lets both in**: {a}")
        }
        (Verdict::Refused(a), Verdict::Refused(b)) if a == b => format!("refuses both: {a}"),
        (good, revoked) => format!("good {}; revoked {}", alone(good), alone(revoked)),
    }
}

fn alone(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Good => "is good".to_owned(),
        Verdict::Unchecked(why) => format!("let in: {why}"),
        Verdict::Revoked => "is revoked".to_owned(),
        Verdict::Refused(why) => format!("refused: {why}"),
    }
}

/// The cells of a column: what one program says about each defect, by the defect's name.
pub(crate) type Cells = BTreeMap<String, String>;

/// Words of a program as they can stand in a table: without what differs from run to run.
pub(crate) fn words(text: &str) -> String {
    let plain: String = text.chars().map(|c| if "|`\n*<>".contains(c) { ' ' } else { c }).collect();
    let words: Vec<_> = plain
        .split_whitespace()
        .filter(|word| !word.contains("127.0.0.1") && word.matches(':').count() < 3)
        .collect();
    words.join(" ").trim_end_matches([':', '.', ',']).to_owned()
}
