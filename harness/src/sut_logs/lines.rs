//! Logs in the W3C extended format: the access log of IIS, and HTTPERR of http.sys.
//!
//! Fields are those that the directive `#Fields` names; times are UTC. In the access log they are those of the end of the
//! response, in whole seconds (inferred), and `sc-win32-status` of a refusal is its code in decimal (fact sheet §3.1).
//! Fields of HTTPERR: <https://learn.microsoft.com/troubleshoot/developer/webapps/aspnet/site-behavior-performance/error-logging-http-apis>.

use revlab_lab::{Code, Instant};

use super::{Evidence, Source};

const FIELDS: &str = "#Fields:";

/// Statuses from here on are refusals and failures.
const FAILURES: u16 = 400;

pub(super) fn is_one(text: &str) -> bool {
    text.starts_with('#') && text.lines().take(10).any(|line| line.starts_with(FIELDS))
}

pub(super) fn read(text: &str) -> Result<Vec<Evidence>, (usize, String)> {
    let mut fields: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    for (number, whole) in (1..).zip(text.split_inclusive('\n')) {
        let line = whole.trim_end_matches(['\r', '\n', '\0']);
        if let Some(named) = line.strip_prefix(FIELDS) {
            fields = named.split_whitespace().collect();
            continue;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let values: Vec<&str> = line.split(' ').collect();
        if values.len() != fields.len() {
            // The last line may have been copied while it was written.
            if !whole.ends_with('\n') {
                break;
            }
            let (there, named) = (values.len(), fields.len());
            return Err((number, format!("{there} values where `#Fields` names {named}")));
        }
        let value = |name: &str| {
            let at = fields.iter().position(|field| *field == name)?;
            values.get(at).copied().filter(|value| *value != "-")
        };
        if let Some(evidence) = evidence(line, &value).map_err(|what| (number, what))? {
            found.push(evidence);
        }
    }
    Ok(found)
}

/// What a line says; none: nothing went wrong.
fn evidence<'a>(
    line: &str,
    value: &dyn Fn(&str) -> Option<&'a str>,
) -> Result<Option<Evidence>, String> {
    let (Some(date), Some(time)) = (value("date"), value("time")) else {
        return Err(
            "without the fields `date` and `time` it cannot be joined: have IIS log both".into()
        );
    };
    let at: Instant = format!("{date}T{time}Z")
        .parse()
        .map_err(|_| format!("`{date} {time}` is no time such as `2014-04-16 00:00:10`"))?;
    let number = |name: &str| match value(name) {
        None => Ok(None),
        Some(text) => match text.parse::<u32>() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(format!("`{name}` is `{text}`, which is no number")),
        },
    };
    let small = |number: Option<u32>| number.and_then(|number| u16::try_from(number).ok());
    let status = small(number("sc-status")?);
    let substatus = small(number("sc-substatus")?);
    let code = number("sc-win32-status")?.filter(|code| *code != 0).map(Code);
    let source = match value("s-reason") {
        Some(_) => Source::HttpErr,
        None if status.is_none_or(|status| status < FAILURES) => return Ok(None),
        None => Source::Access,
    };
    let (line, event) = (line.to_owned(), 0);
    let (subject, thumbprint) = (None, None);
    Ok(Some(Evidence { source, at, line, status, substatus, code, event, subject, thumbprint }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Date: 2014-04-16 00:00:00\r\n";

    #[test]
    fn a_refusal_tells_its_sub_status_and_its_code_and_others_tell_nothing() {
        let text = format!(
            "{HEAD}#Fields: date time sc-status sc-substatus sc-win32-status\r\n2014-04-16 00:00:00 200 0 0\r\n\
             2014-04-16 00:00:10 403 13 2148081683\r\n#Fields: time date sc-status\r\n00:00:20 2014-04-16 500\r\n2014-04"
        );
        assert!(is_one(&text));
        let found = read(&text).unwrap();
        let told: Vec<_> = found.iter().map(|e| (e.status, e.substatus, e.code)).collect();
        let offline = Some(Code::CRYPT_E_REVOCATION_OFFLINE);
        assert_eq!(told, [(Some(403), Some(13), offline), (Some(500), None, None)]);
        assert_eq!(found[1].at.to_string(), "2014-04-16T00:00:20.000Z");
    }

    #[test]
    fn what_http_sys_turns_away_is_told_with_its_reason() {
        let text = "#Software: Microsoft HTTP API 2.0\r\n#Fields: date time c-ip c-port s-ip s-port cs-version cs-method cs-uri \
                    sc-status s-siteid s-reason s-queuename\r\n\
                    2014-04-16 00:00:10 192.0.2.20 50001 192.0.2.10 443 - - - - - Timer_ConnectionIdle -\r\n";
        let found = read(text).unwrap();
        assert_eq!(
            (found[0].source, found[0].status, found[0].code),
            (Source::HttpErr, None, None)
        );
        assert!(found[0].line.contains("Timer_ConnectionIdle"));
    }

    #[test]
    fn a_wrong_line_is_named() {
        let said = |lines: &str| {
            read(&format!("{HEAD}#Fields: date time sc-status\n{lines}\n")).unwrap_err()
        };
        assert_eq!(
            said("2014-04-16 00:00:00 403 13"),
            (5, "4 values where `#Fields` names 3".into())
        );
        assert_eq!(said("2014-04-16 25:00:00 403").0, 5);
        assert_eq!(
            said("2014-04-16 00:00:00 4x3"),
            (5, "`sc-status` is `4x3`, which is no number".into())
        );
        let none = read("#Fields: sc-status\n403\n").unwrap_err();
        assert!(none.1.contains("have IIS log both"), "{}", none.1);
    }
}
