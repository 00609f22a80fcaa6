//! `log`: lines in the SUT's own log.

use revlab_lab::Code;

use super::index::Index;
use super::{Ruling, phrase, select};
use crate::scenario::model::{Count, Window};

pub(super) fn judge(
    index: &Index<'_>,
    window: Window,
    code: Option<Code>,
    file: Option<&str>,
    count: Count,
) -> Ruling {
    let with = code.map(|c| format!(" with {c}")).unwrap_or_default();
    let inside = file.map(|f| format!(" in a log whose path contains `{f}`")).unwrap_or_default();
    let expected = format!("{}{with}{inside}", phrase::count(count, "line"));
    let here = || index.logs.iter().filter(|l| window.contains(l.t));
    let found: Vec<_> = here()
        .filter(|l| (code.is_none() || l.code == code) && file.is_none_or(|f| l.file.contains(f)))
        .collect();
    let mut seen = phrase::counted(found.len(), "line");
    if let Some(first) = found.first() {
        seen.push_str(&format!(", the first at {} in {}", phrase::at(first.t), first.file));
    }
    if select::count(count, found.len()) {
        return Ruling::by_problems(expected, &[], seen, Vec::new());
    }
    if found.is_empty() {
        // What was logged instead is the best hint at a mistyped path or code.
        let near: Vec<_> = here().filter(|l| code.is_some() && l.code == code).collect();
        let near = if near.is_empty() { here().collect() } else { near };
        if let Some(first) = near.first() {
            let code = first.code.map_or("no code".to_owned(), |c| c.to_string());
            seen.push_str(&format!(
                "; nearest: {code} in {} at {}",
                first.file,
                phrase::at(first.t)
            ));
        }
        let nearest = near.iter().map(|l| l.n).collect();
        return Ruling { nearest, ..Ruling::failed(expected, seen) };
    }
    let nearest = found.iter().map(|l| l.n).collect();
    Ruling { nearest, ..Ruling::failed(expected, seen) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Status;
    use crate::judge::sample::{Lab, hours, mins};
    use crate::scenario::model::ExpectationKind;

    const OFFLINE: Code = Code::CRYPT_E_REVOCATION_OFFLINE;

    fn lines(code: Code, file: &str, min: u64, max: Option<u64>) -> ExpectationKind {
        ExpectationKind::Log {
            code: Some(code),
            file: Some(file.to_owned()),
            count: Count { min, max },
        }
    }

    fn logged() -> Lab {
        let mut lab = Lab::new(hours(2));
        lab.log(mins(10), "FailedReqLogFiles/W3SVC1/fr000001.xml", OFFLINE);
        lab.log(mins(10), "Microsoft-Windows-CAPI2/Operational", OFFLINE);
        lab.log(mins(90), "FailedReqLogFiles/W3SVC1/fr000002.xml", OFFLINE);
        lab
    }

    #[test]
    fn lines_are_counted_by_code_file_and_window() {
        let lab = logged();
        assert_eq!(lab.find(lines(OFFLINE, "FailedReq", 2, Some(2))).verdict, Status::Held);
        let first = lab.find_in(mins(0), hours(1), lines(OFFLINE, "FailedReq", 2, None));
        assert_eq!(first.verdict, Status::Failed);
        assert_eq!(
            first.seen,
            "1 line, the first at 2014-04-16 00:10:00 in FailedReqLogFiles/W3SVC1/fr000001.xml"
        );
        let none = lab.find(lines(Code::CRYPT_E_REVOKED, "FailedReq", 0, Some(0)));
        assert_eq!(none.verdict, Status::Held);
    }

    #[test]
    fn a_line_in_another_file_is_named_as_the_nearest() {
        let finding = logged().find(lines(OFFLINE, "u_ex140416.log", 1, None));
        assert_eq!(finding.verdict, Status::Failed);
        assert!(finding.seen.contains("nearest: 0x80092013 in FailedReqLogFiles"));
        assert_eq!(finding.nearest.len(), 3);
    }
}
