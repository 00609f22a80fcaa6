//! Failed-request traces of IIS: one refused request each, with the code of the notification that refused it
//! (fact sheet §5.3).

use std::collections::BTreeMap;

use revlab_lab::{Code, Instant};

use super::{Evidence, Source};
use crate::jmeter::xml::{Token, Tokens};

pub(super) fn is_one(text: &str) -> bool {
    text.get(..2000).unwrap_or(text).contains("<failedRequest")
}

/// What one event says.
#[derive(Default)]
struct Event {
    data: BTreeMap<String, String>,
    at: Option<String>,
}

pub(super) fn read(text: &str) -> Result<Option<Evidence>, (usize, String)> {
    let mut tokens = Tokens::new(text);
    let mut root: Option<BTreeMap<String, String>> = None;
    let (mut event, mut name) = (Event::default(), None);
    let (mut status, mut substatus, mut code) = (None, None, None);
    let mut last = None;
    let mut open: Vec<String> = Vec::new();
    while let Some(token) = tokens.next().map_err(|e| (e.line, e.what))? {
        match token {
            Token::Open { name: element, attributes } => {
                let attributes: BTreeMap<_, _> = attributes.into_iter().collect();
                match element.as_str() {
                    "Event" => event = Event::default(),
                    "TimeCreated" => event.at = attributes.get("SystemTime").cloned(),
                    "Data" => name = attributes.get("Name").cloned(),
                    "failedRequest" => {
                        let told =
                            attributes.get("statusCode").map(String::as_str).unwrap_or_default();
                        let (whole, sub) = told.split_once('.').unwrap_or((told, "0"));
                        status = whole.parse::<u16>().ok();
                        substatus = sub.parse::<u16>().ok();
                        if status.is_none() {
                            let what = format!(
                                "`statusCode` is `{told}`, and not a status such as `403.13`"
                            );
                            return Err((tokens.line(), what));
                        }
                        root = Some(attributes);
                    }
                    _ => {}
                }
                open.push(element);
            }
            Token::Text(text) => {
                if let Some(name) =
                    name.as_ref().filter(|_| open.last().is_some_and(|e| e == "Data"))
                {
                    event.data.entry(name.clone()).or_default().push_str(text.trim());
                }
            }
            Token::Close => match open.pop().as_deref() {
                Some("Data") => name = None,
                Some("Event") => {
                    let refuses = |status: u16| {
                        event.data.get("HttpStatus").and_then(|s| s.parse().ok()) == Some(status)
                    };
                    let told = event.data.get("ErrorCode").and_then(|text| code_of(text));
                    if status.is_some_and(refuses) && told.is_some_and(|code| code.0 != 0) {
                        code = told;
                    }
                    last = event.at.take().or(last);
                }
                _ => {}
            },
        }
    }
    let (Some(root), Some(last)) = (root, last) else { return Ok(None) };
    let at: Instant =
        last.parse().map_err(|_| (1, format!("`SystemTime` is `{last}`, which is no time")))?;
    let attribute = |name: &str| root.get(name).map(String::as_str).unwrap_or_default();
    let code_words = code.map(|code| format!(" {code}")).unwrap_or_default();
    Ok(Some(Evidence {
        source: Source::Freb,
        at,
        line: format!(
            "{}{code_words} {} {}",
            attribute("statusCode"),
            attribute("verb"),
            attribute("url")
        ),
        status,
        substatus,
        code,
        event: 0,
        subject: None,
        thumbprint: None,
    }))
}

/// A code in decimal, or in hexadecimal with words around it.
fn code_of(text: &str) -> Option<Code> {
    let hex = text
        .split_once("0x")
        .map(|(_, rest)| rest.chars().take_while(char::is_ascii_hexdigit).collect::<String>());
    match hex {
        Some(hex) => u32::from_str_radix(&hex, 16).ok().map(Code),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_that_of_the_notification_that_refused() {
        let event = |status: &str, code: &str| {
            format!(
                "<Event><System><TimeCreated SystemTime=\"2014-04-16T00:00:10.1234567Z\"/></System><EventData>\
                 <Data Name=\"HttpStatus\">{status}</Data><Data Name=\"ErrorCode\">{code}</Data></EventData></Event>\n"
            )
        };
        let all = [event("404", "2"), event("403", "2148081683"), event("403", "0")].concat();
        let text = format!(
            "<?xml version=\"1.0\"?>\n<failedRequest url=\"https://web:443/\" verb=\"GET\" statusCode=\"403.13\">\n{all}</failedRequest>"
        );
        assert!(is_one(&text));
        let found = read(&text).unwrap().unwrap();
        assert_eq!((found.status, found.substatus), (Some(403), Some(13)));
        assert_eq!(found.code, Some(Code::CRYPT_E_REVOCATION_OFFLINE));
        assert_eq!(found.at.to_string(), "2014-04-16T00:00:10.123Z");
        let cut = read(text.trim_end_matches("</failedRequest>")).unwrap_err();
        assert!(cut.1.contains("ends in the middle"), "{cut:?}");
        assert_eq!(
            code_of("The server was offline. (0x80092013)"),
            Some(Code::CRYPT_E_REVOCATION_OFFLINE)
        );
        let wrong = read("<x>\n\n<failedRequest statusCode=\"abc\"/></x>").unwrap_err();
        assert_eq!(wrong.0, 3);
    }
}
