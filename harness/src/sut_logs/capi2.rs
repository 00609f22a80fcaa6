//! Events of the log CAPI2/Operational, as `wevtutil qe … /f:xml` writes them, with or without an element around
//! (fact sheet §5.1, §5.2).

use revlab_lab::{Code, Instant};

use super::{Evidence, Source};
use crate::jmeter::xml::{Token, Tokens};

/// Which events are evidence where they say that something failed: chain built, policy verified, revocation verified,
/// revocation information rejected, object retrieved from the network.
const TOLD: [u16; 5] = [11, 30, 41, 42, 53];

pub(super) fn is_one(text: &str) -> bool {
    let begin = text.trim_start();
    let begin = begin.get(..4000).unwrap_or(begin);
    begin.starts_with('<') && begin.contains("<Event")
}

/// What is known of an event so far.
#[derive(Default)]
struct Event {
    number: Option<u16>,
    at: Option<String>,
    kind: String,
    subject: Option<String>,
    file: Option<String>,
    url: String,
    process: Option<String>,
    result: Option<String>,
}

pub(super) fn read(text: &str) -> Result<Vec<Evidence>, (usize, String)> {
    let mut tokens = Tokens::new(text);
    let mut found = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut event = Event::default();
    while let Some(token) = tokens.next().map_err(|e| (e.line, e.what))? {
        match token {
            Token::Open { name, attributes } => {
                if name == "Event" {
                    event = Event::default();
                }
                let below = open.last().map(String::as_str);
                event.begins(&name, below, attributes);
                open.push(name);
            }
            Token::Text(text) => match open.last().map(String::as_str) {
                Some("EventID") => event.number = text.trim().parse().ok().or(event.number),
                Some("URL") => event.url.push_str(text.trim()),
                _ => {}
            },
            Token::Close => {
                if open.pop().as_deref() == Some("Event") {
                    let told = std::mem::take(&mut event).evidence();
                    found.extend(told.map_err(|what| (tokens.line(), what))?);
                }
            }
        }
    }
    Ok(found)
}

impl Event {
    fn begins(&mut self, name: &str, below: Option<&str>, attributes: Vec<(String, String)>) {
        let attribute = |wanted: &str| {
            attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
        };
        match name {
            "TimeCreated" => self.at = attribute("SystemTime"),
            "EventAuxInfo" => self.process = attribute("ProcessName"),
            "Result" => self.result = attribute("value"),
            "Certificate" | "SubjectCertificate"
                if below == Some(self.kind.as_str()) && self.subject.is_none() =>
            {
                self.subject = attribute("subjectName");
                self.file = attribute("fileRef");
            }
            _ if below == Some("UserData") => self.kind = name.to_owned(),
            _ => {}
        }
    }

    /// What it says; none: nothing went wrong, or it is another kind of event.
    fn evidence(self) -> Result<Option<Evidence>, String> {
        let number = self.number.ok_or("an event has no `EventID`")?;
        let (Some(result), true) = (&self.result, TOLD.contains(&number)) else { return Ok(None) };
        let digits = result.trim_start_matches("0x");
        let code = u32::from_str_radix(digits, 16).map_err(|_| {
            format!("the result `{result}` of event {number} is no hexadecimal number")
        })?;
        if code == 0 {
            return Ok(None);
        }
        let at = self.at.as_deref().unwrap_or_default();
        let at: Instant = at
            .parse()
            .map_err(|_| format!("`SystemTime` of event {number} is `{at}`, which is no time"))?;
        let of = self.subject.iter().map(|subject| format!(" of {subject}"));
        let url = Some(&self.url).filter(|url| !url.is_empty()).map(|url| format!(" {url}"));
        let by = self.process.iter().map(|process| format!(" by {process}"));
        let more: String = of.chain(url).chain(by).collect();
        let code = Code(code);
        Ok(Some(Evidence {
            source: Source::Capi2,
            at,
            line: format!("event {number} {}{more}: {code}", self.kind),
            status: None,
            substatus: None,
            code: Some(code),
            event: number,
            subject: self.subject.as_deref().map(common_name),
            thumbprint: self.file.as_deref().and_then(thumbprint),
        }))
    }
}

/// Windows shows the simple name; a whole distinguished name has it behind `CN=`.
fn common_name(subject: &str) -> String {
    let own = subject.split(',').find_map(|part| part.trim().strip_prefix("CN="));
    own.unwrap_or(subject).trim().to_owned()
}

/// Of `0123….cer`.
fn thumbprint(file: &str) -> Option<String> {
    const DIGITS: usize = 40;
    let stem = file.split('.').next()?;
    let is = stem.len() == DIGITS && stem.chars().all(|c| c.is_ascii_hexdigit());
    is.then(|| stem.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: u16, kind: &str, inner: &str, result: &str) -> String {
        format!(
            "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><EventID>{number}</EventID>\
             <TimeCreated SystemTime='2014-04-16T00:00:10.002000000Z'/></System><UserData><{kind}>{inner}\
             <EventAuxInfo ProcessName='lsass.exe'/><Result value='{result}'>words</Result></{kind}></UserData></Event>\n"
        )
    }

    #[test]
    fn failures_are_evidence_and_the_rest_is_passed_over() {
        let own = "<Certificate fileRef='0123456789ABCDEF0123456789ABCDEF01234567.cer' subjectName='jmeter-1'/>\
                   <IssuerCertificate fileRef='x.cer' subjectName='XXX-CA'/>";
        let text = [
            event(41, "CertVerifyRevocation", own, "80092013"),
            event(41, "CertVerifyRevocation", own, "0"),
            event(51, "CryptRetrieveObjectByUrlCache", "", "80070002"),
            event(
                53,
                "CryptRetrieveObjectByUrlWire",
                "<URL scheme='http'>http://a/b</URL>",
                "80190194",
            ),
        ]
        .concat();
        for text in [text.clone(), format!("<?xml version='1.0'?><Events>{text}</Events>")] {
            assert!(is_one(&text));
            let found = read(&text).unwrap();
            let lines: Vec<&str> = found.iter().map(|e| e.line.as_str()).collect();
            assert_eq!(
                lines,
                [
                    "event 41 CertVerifyRevocation of jmeter-1 by lsass.exe: 0x80092013",
                    "event 53 CryptRetrieveObjectByUrlWire http://a/b by lsass.exe: 0x80190194"
                ]
            );
            assert_eq!(found[0].subject.as_deref(), Some("jmeter-1"));
            assert_eq!(
                found[0].thumbprint.as_deref(),
                Some("0123456789abcdef0123456789abcdef01234567")
            );
        }
    }

    #[test]
    fn a_wrong_event_is_named_by_its_line() {
        let good = event(41, "CertVerifyRevocation", "", "80092013");
        let wrong = event(41, "CertVerifyRevocation", "", "offline");
        let (line, what) = read(&format!("{good}{wrong}")).unwrap_err();
        assert_eq!(line, 2);
        assert!(what.contains("`offline` of event 41"), "{what}");
        assert!(read(&good[..good.len() - 20]).unwrap_err().1.contains("in the middle"));
        let nameless = good.replace("<EventID>41</EventID>", "");
        assert_eq!(read(&nameless).unwrap_err().1, "an event has no `EventID`");
        assert_eq!(common_name("CN=a b, O=c"), "a b");
    }
}
