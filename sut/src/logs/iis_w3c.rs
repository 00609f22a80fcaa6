//! The web server's access log: IIS 7.5, W3C extended format, a file a day.
//!
//! Field names and their order are the documented default of 7.5 (fact sheet §5.3). A line is
//! stamped when the response is complete, in UTC and whole seconds (the stamp rule is inferred).
//! `time-taken` is in milliseconds; it counts from the request, without the handshake, where the
//! trace has phases. Attempts without an HTTP answer leave no line: the request never reached IIS.

use revlab_lab::trace::{Attempt, Record};
use revlab_lab::{Instant, Outcome};

use super::{LogFile, Options, answered, evidence};

/// The fields that IIS 7.5 logs unless told otherwise.
const FIELDS: &str = "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip \
                      cs(User-Agent) sc-status sc-substatus sc-win32-status time-taken";

/// The access log of all attempts that got an HTTP answer, in order of days.
pub fn render(records: &[Record], options: &Options) -> Vec<LogFile> {
    let middle = request_fields(options);
    let mut files: Vec<(Day, LogFile)> = Vec::new();
    let mut current = 0;
    for (record, attempt, status) in answered(records, options) {
        let stamp = Stamp::new(options.stamp(record.t));
        if files.get(current).is_none_or(|(day, _)| *day != stamp.day) {
            current = open(&mut files, &stamp, options.stamp(record.t));
        }
        if let Some((_, file)) = files.get_mut(current) {
            line(&mut file.bytes, &stamp, &middle, attempt, status);
        }
    }
    files.sort_by_key(|(day, _)| *day);
    files.into_iter().map(|(_, file)| file).collect()
}

/// Year, month, day.
type Day = (i16, i8, i8);

/// A time as the log writes it.
struct Stamp {
    day: Day,
    text: [u8; 19],
}

impl Stamp {
    fn new(at: Instant) -> Stamp {
        let (year, month, day, hour, minute, second, _) = at.civil();
        let mut text = *b"0000-00-00 00:00:00";
        let (century, year_of_it) = (year.rem_euclid(10_000) / 100, year.rem_euclid(100));
        let pairs = [century, year_of_it, month.into(), day.into()];
        let times = [hour, minute, second].map(i16::from);
        let places = [0, 2, 5, 8, 11, 14, 17];
        for (at, value) in places.into_iter().zip(pairs.into_iter().chain(times)) {
            if let Some([tens, ones]) = text.get_mut(at..at + 2) {
                *tens = b'0' + (value / 10) as u8;
                *ones = b'0' + (value % 10) as u8;
            }
        }
        Stamp { day: (year, month, day), text }
    }
}

/// The index of the day's file, which is begun when there is none yet.
///
/// A clock that is set back over midnight makes IIS go on with the file that it finds.
fn open(files: &mut Vec<(Day, LogFile)>, stamp: &Stamp, at: Instant) -> usize {
    if let Some(found) = files.iter().position(|(day, _)| *day == stamp.day) {
        return found;
    }
    let mut bytes = Vec::with_capacity(16 * 1024);
    bytes.extend_from_slice(
        b"#Software: Microsoft Internet Information Services 7.5\r\n#Version: 1.0\r\n#Date: ",
    );
    bytes.extend_from_slice(&stamp.text);
    bytes.extend_from_slice(b"\r\n#Fields: ");
    bytes.extend_from_slice(FIELDS.as_bytes());
    bytes.extend_from_slice(b"\r\n");
    files.push((stamp.day, LogFile { path: evidence::iis_w3c(at), bytes }));
    files.len() - 1
}

/// From `s-ip` to `cs(User-Agent)`: the same for every line of a run.
fn request_fields(options: &Options) -> Vec<u8> {
    let (stem, query) = options.path.split_once('?').unwrap_or((&options.path, ""));
    let port = options.port.to_string();
    let fields = [
        &options.address,
        "GET",
        stem,
        query,
        &port,
        "",
        &options.client_address,
        &options.user_agent,
    ];
    let mut bytes = vec![b' '];
    for field in fields {
        push_field(&mut bytes, field);
        bytes.push(b' ');
    }
    bytes
}

/// A field's text: `-` when empty; blanks and control characters, which would end the field,
/// become `+`.
fn push_field(bytes: &mut Vec<u8>, field: &str) {
    if field.is_empty() {
        bytes.push(b'-');
    }
    bytes.extend(field.bytes().map(|b| if b <= b' ' || b == 0x7f { b'+' } else { b }));
}

fn line(bytes: &mut Vec<u8>, stamp: &Stamp, middle: &[u8], attempt: &Attempt, status: u16) {
    let refused = attempt.outcome == Outcome::Refused;
    let win32 = attempt.code.filter(|_| refused).map_or(0, |code| code.0);
    let took = attempt.phases_ms.map_or(attempt.took_ms, |phases| phases.request);
    bytes.extend_from_slice(&stamp.text);
    bytes.extend_from_slice(middle);
    push_decimal(bytes, status.into());
    bytes.push(b' ');
    push_decimal(bytes, attempt.substatus.unwrap_or(0).into());
    bytes.push(b' ');
    push_decimal(bytes, win32.into());
    bytes.push(b' ');
    push_decimal(bytes, took.max(0).unsigned_abs());
    bytes.extend_from_slice(b"\r\n");
}

/// A number without the formatting machinery: three weeks hold more than half a million of them.
fn push_decimal(bytes: &mut Vec<u8>, mut value: u64) {
    let begin = bytes.len();
    loop {
        bytes.push(b'0' + (value % 10) as u8);
        value /= 10;
        if value == 0 {
            break;
        }
    }
    if let Some(digits) = bytes.get_mut(begin..) {
        digits.reverse();
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;
    use revlab_lab::{Clock, Code, Span, clock::Drift};

    use super::*;
    use crate::logs::sample::{START, admitted, record, refused};

    fn text(file: &LogFile) -> &str {
        std::str::from_utf8(&file.bytes).unwrap()
    }

    #[test]
    fn a_line_has_the_fields_of_iis_7_5_with_the_code_in_unsigned_decimal() {
        let records = [record(START, admitted(4)), record(START + Span::from_secs(10), refused(6))];
        let options = Options { user_agent: "Apache HttpClient".into(), ..Options::default() };
        let files = render(&records, &options);
        assert_eq!(files[0].path, "W3SVC1/u_ex140416.log");
        assert_snapshot!(text(&files[0]).replace("\r\n", "\n"), @r"
        #Software: Microsoft Internet Information Services 7.5
        #Version: 1.0
        #Date: 2014-04-16 00:00:00
        #Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status sc-substatus sc-win32-status time-taken
        2014-04-16 00:00:00 192.0.2.10 GET / - 443 - 192.0.2.20 Apache+HttpClient 200 0 0 4
        2014-04-16 00:00:10 192.0.2.10 GET / - 443 - 192.0.2.20 Apache+HttpClient 403 13 2148081683 6
        ");
    }

    #[test]
    fn a_new_day_begins_a_new_file() {
        let late = START + Span::from_hours(24) - Span::from_millis(1);
        let records = [
            record(late, admitted(4)),
            record(late + Span::from_millis(1), admitted(4)),
            record(late + Span::from_hours(24), refused(4)),
        ];
        let files = render(&records, &Options::default());
        let paths: Vec<_> = files.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(paths, ["W3SVC1/u_ex140416.log", "W3SVC1/u_ex140417.log"]);
        assert!(text(&files[0]).contains("#Date: 2014-04-16 23:59:59\r\n"));
        assert_eq!(text(&files[0]).lines().count(), 5);
        assert_eq!(text(&files[1]).lines().count(), 6);
    }

    #[test]
    fn an_attempt_without_an_http_answer_and_one_of_another_server_leave_no_line() {
        let mut lost = admitted(4);
        lost.status = None;
        let mut other = admitted(4);
        other.client = "elsewhere".into();
        let records = [record(START, lost), record(START, other)];
        let clients = Some(["jmeter".into()].into());
        assert_eq!(render(&records, &Options { clients, ..Options::default() }), []);
    }

    #[test]
    fn lines_are_stamped_by_the_servers_own_clock() {
        let clock = Some(Clock::new(START, Span::from_hours(-1), Drift::NONE, vec![]));
        let options = Options { clock, ..Options::default() };
        let files = render(&[record(START, admitted(4))], &options);
        assert_eq!(files[0].path, "W3SVC1/u_ex140415.log");
        assert!(text(&files[0]).contains("\r\n2014-04-15 23:00:00 192.0.2.10 GET "));
    }

    #[test]
    fn a_clock_set_back_over_midnight_goes_on_with_the_old_file() {
        let at = START + Span::from_hours(24);
        let steps = vec![revlab_lab::clock::Step { at, by: Span::from_mins(-5) }];
        let clock = Some(Clock::new(START, Span::from_mins(1), Drift::NONE, steps));
        let options = Options { clock, ..Options::default() };
        let minutes = [-2, -1, 0, 4].map(|m| record(at + Span::from_mins(m), admitted(1)));
        let lines: Vec<_> = render(&minutes, &options)
            .iter()
            .map(|f| text(f).lines().filter(|l| !l.starts_with('#')).count())
            .collect();
        assert_eq!(lines, [2, 2]);
    }

    proptest! {
        #[test]
        fn every_line_has_as_many_fields_as_the_header_names(
            agent in any::<String>(), path in any::<String>(), status in any::<u16>(),
            code in any::<u32>(), took in any::<i64>(), at in -60_000_000_000_000i64..200_000_000_000_000,
        ) {
            let mut attempt = refused(took);
            (attempt.status, attempt.code) = (Some(status), Some(Code(code)));
            let options = Options { user_agent: agent, path, ..Options::default() };
            let files = render(&[record(Instant::from_millis(at), attempt)], &options);
            let line = text(&files[0]).strip_suffix("\r\n").unwrap().rsplit("\r\n").next().unwrap();
            let fields: Vec<_> = line.split(' ').collect();
            prop_assert_eq!(fields.len(), FIELDS.split(' ').count());
            let (status, code) = (status.to_string(), code.to_string());
            prop_assert_eq!(&fields[10..13], &[status.as_str(), "13", code.as_str()]);
            let took = took.max(0).to_string();
            prop_assert_eq!(fields[13], took.as_str());
        }
    }
}
