//! Failed-request traces (FREB): an XML file for each refused attempt.
//!
//! IIS keeps the last 50 files of a site (`maxLogFiles`, documented default); numbers go on
//! counting. The attributes of the root, the events' envelope and the names of the first and the
//! error event's data are those of published traces (reported); the module and the notification
//! that refuse, and the event numbers, are inferred. That the code shows up here is what the
//! incident's reporter saw (fact sheet §5.3).

use std::collections::VecDeque;

use revlab_lab::trace::{Attempt, Record};
use revlab_lab::{Code, Instant, Outcome};

use super::xml::Xml;
use super::{LogFile, Options, answered, evidence, identifier, message};

/// How many files IIS keeps for a site.
pub const MAX_FILES: usize = 50;

const APP_POOL: &str = "DefaultAppPool";
const WORKER: &str = "w3wp.exe";
const EVENT: &str = "http://schemas.microsoft.com/win/2004/08/events/event";
const FREB: &str = "http://schemas.microsoft.com/win/2006/06/iis/freb";

/// The traces of the last [`MAX_FILES`] refusals by HTTP status.
pub fn render(records: &[Record], sut: &str, options: &Options) -> Vec<LogFile> {
    let mut last = VecDeque::with_capacity(MAX_FILES);
    let refused = answered(records, options).filter(|(_, a, _)| a.outcome == Outcome::Refused);
    for (number, (record, attempt, status)) in (1..).zip(refused) {
        if last.len() == MAX_FILES {
            last.pop_front();
        }
        last.push_back((number, record, attempt, status));
    }
    let file = |(number, record, attempt, status): (u64, &Record, &Attempt, u16)| {
        let failure = Failure::new(sut, options, record, attempt, status);
        LogFile { path: evidence::freb(number), bytes: failure.document() }
    };
    last.into_iter().map(file).collect()
}

/// One refused request.
struct Failure<'a> {
    options: &'a Options,
    activity: String,
    process: String,
    url: String,
    begin: Instant,
    end: Instant,
    took_ms: i64,
    status: u16,
    substatus: u16,
    code: Code,
}

impl<'a> Failure<'a> {
    fn new(
        sut: &str,
        options: &'a Options,
        record: &Record,
        attempt: &Attempt,
        status: u16,
    ) -> Failure<'a> {
        let took_ms = attempt.phases_ms.map_or(attempt.took_ms, |phases| phases.request).max(0);
        let end = options.stamp(record.t);
        Failure {
            options,
            activity: identifier::guid(sut, &[record.n, attempt.thread.into()]),
            process: identifier::process_id(WORKER).to_string(),
            url: format!("https://{}:{}{}", options.host, options.port, options.path),
            begin: end - revlab_lab::Span::from_millis(took_ms),
            end,
            took_ms,
            status,
            substatus: attempt.substatus.unwrap_or(0),
            code: attempt.code.unwrap_or(Code(0)),
        }
    }

    fn document(&self) -> Vec<u8> {
        let status = match self.substatus {
            0 => self.status.to_string(),
            substatus => format!("{}.{substatus}", self.status),
        };
        let root = [
            ("url", self.url.as_str()),
            ("siteId", "1"),
            ("appPoolId", APP_POOL),
            ("processId", &self.process),
            ("verb", "GET"),
            ("authenticationType", "NOT_AVAILABLE"),
            ("activityId", &self.activity),
            ("failureReason", "STATUS_CODE"),
            ("statusCode", &status),
            ("triggerStatusCode", &status),
            ("timeTaken", &self.took_ms.to_string()),
            ("xmlns:freb", FREB),
        ];
        let mut xml = Xml::new();
        xml.instruction("xml-stylesheet type='text/xsl' href='freb.xsl'");
        xml.element("failedRequest", &root, |xml| {
            self.request_start(xml);
            self.error_status(xml);
            self.request_end(xml);
        });
        xml.finish()
    }

    fn request_start(&self, xml: &mut Xml) {
        let data = [
            ("ContextId", self.activity.as_str()),
            ("SiteId", "1"),
            ("AppPoolId", APP_POOL),
            ("RequestURL", &self.url),
            ("RequestVerb", "GET"),
        ];
        let event =
            Kind { name: "GENERAL_REQUEST_START", opcode: "1", level: "0", keywords: "0x0" };
        self.event(xml, event, self.begin, &data, &[]);
    }

    fn error_status(&self, xml: &mut Xml) {
        let (status, substatus) = (self.status.to_string(), self.substatus.to_string());
        let data = [
            ("ContextId", self.activity.as_str()),
            ("ModuleName", "IIS Web Core"),
            ("Notification", "1"),
            ("HttpStatus", &status),
            ("HttpReason", message::reason_phrase(self.status)),
            ("HttpSubStatus", &substatus),
            ("ErrorCode", &self.code.0.to_string()),
            ("ConfigExceptionInfo", ""),
        ];
        let text = message::text_with_code(self.code);
        let words = [("Notification", "BEGIN_REQUEST"), ("ErrorCode", text.as_str())];
        let event = Kind {
            name: "MODULE_SET_RESPONSE_ERROR_STATUS",
            opcode: "16",
            level: "3",
            keywords: "0x100",
        };
        self.event(xml, event, self.end, &data, &words);
    }

    fn request_end(&self, xml: &mut Xml) {
        let (status, substatus) = (self.status.to_string(), self.substatus.to_string());
        let data = [
            ("ContextId", self.activity.as_str()),
            ("HttpStatus", &status),
            ("HttpSubStatus", &substatus),
        ];
        let event = Kind { name: "GENERAL_REQUEST_END", opcode: "2", level: "0", keywords: "0x0" };
        self.event(xml, event, self.end, &data, &[]);
    }

    /// One event: `System`, `EventData`, and `RenderingInfo` with `words` for coded data.
    fn event(
        &self,
        xml: &mut Xml,
        kind: Kind,
        at: Instant,
        data: &[(&str, &str)],
        words: &[(&str, &str)],
    ) {
        xml.element("Event", &[("xmlns", EVENT)], |xml| {
            xml.element("System", &[], |xml| self.system(xml, &kind, at));
            xml.element("EventData", &[], |xml| {
                for (name, value) in data {
                    xml.text("Data", &[("Name", name)], value);
                }
            });
            xml.element("RenderingInfo", &[("Culture", "en-US")], |xml| {
                xml.text("Opcode", &[], kind.name);
                for (name, value) in words {
                    xml.text("freb:Description", &[("Data", name)], value);
                }
            });
        });
    }

    fn system(&self, xml: &mut Xml, kind: &Kind, at: Instant) {
        let guid = "{3A2A4E84-4C21-4981-AE10-3FDA0D9B0F83}";
        xml.empty("Provider", &[("Name", "WWW Server"), ("Guid", guid)]);
        xml.text("EventID", &[], "0");
        xml.text("Version", &[], "1");
        xml.text("Level", &[], kind.level);
        xml.text("Opcode", &[], kind.opcode);
        xml.text("Keywords", &[], kind.keywords);
        xml.empty("TimeCreated", &[("SystemTime", &at.to_string())]);
        xml.empty("Correlation", &[("ActivityID", &self.activity)]);
        xml.empty("Execution", &[("ProcessID", &self.process)]);
        xml.text("Computer", &[], &self.options.computer);
    }
}

/// What sets the events of a trace apart.
struct Kind {
    name: &'static str,
    opcode: &'static str,
    level: &'static str,
    keywords: &'static str,
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;
    use revlab_lab::Span;

    use super::*;
    use crate::logs::sample::{START, admitted, record, refused};
    use crate::logs::xml::tests::read;

    #[test]
    fn a_refusal_shows_status_substatus_and_the_text_of_its_code() {
        let records = [record(START, refused(6))];
        let files = render(&records, "web", &Options::default());
        let elements = read(&files[0].bytes);
        let data = |name: &str| {
            let wanted = ("Name".to_owned(), name.to_owned());
            elements.iter().find(|(_, a, _)| a.contains(&wanted)).map(|(_, _, text)| text.as_str())
        };
        assert_eq!(data("ErrorCode"), Some("2148081683"));
        assert_eq!(data("HttpSubStatus"), Some("13"));
        assert_snapshot!("refusal", std::str::from_utf8(&files[0].bytes).unwrap());
    }

    #[test]
    fn sixty_refusals_leave_the_last_fifty_files() {
        let records: Vec<_> =
            (0..60).map(|i| record(START + Span::from_secs(10 * i), refused(6))).collect();
        let files = render(&records, "web", &Options::default());
        assert_eq!(files.len(), 50);
        assert_eq!(files[0].path, "FailedReqLogFiles/W3SVC1/fr000011.xml");
        assert_eq!(files[49].path, "FailedReqLogFiles/W3SVC1/fr000060.xml");
        assert_ne!(files[0].bytes, files[1].bytes);
    }

    #[test]
    fn an_admitted_attempt_and_a_refusal_by_alert_leave_no_file() {
        let mut alert = refused(6);
        (alert.status, alert.alert) = (None, Some("certificate_revoked".into()));
        let records = [record(START, admitted(4)), record(START, alert)];
        assert_eq!(render(&records, "web", &Options::default()), []);
    }

    proptest! {
        #[test]
        fn any_path_reads_back_as_it_was(path in "/[ -~äöü✓]{0,40}", host in "[ -~]{1,20}") {
            let options = Options { path: path.clone(), host: host.clone(), ..Options::default() };
            let files = render(&[record(START, refused(6))], "web", &options);
            let elements = read(&files[0].bytes);
            let wanted = format!("https://{host}:443{path}");
            prop_assert_eq!(&elements[0].1[0].1, &wanted);
        }
    }
}
