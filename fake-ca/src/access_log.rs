//! `ca-access.log`: what the CA's web site wrote about the fetches of a run.
//!
//! A pure function of the trace, in the W3C extended format of IIS 7.5 with its default fields
//! (fact sheet §5.3), so that it can be laid beside a real log line by line. Lines end in a line
//! feed alone.

use std::fmt::Write;

use percent_encoding::percent_decode_str;
use revlab_lab::http::Method;
use revlab_lab::trace::{Fetch, Kind, Purpose, Record};
use revlab_lab::{Instant, Span};

const FIELDS: &str = "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip \
                      cs(User-Agent) sc-status sc-substatus sc-win32-status time-taken";

/// What a trace does not know about the two machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `s-ip`: the CA's address.
    pub server_address: String,
    /// `c-ip`: the address of the system under test.
    pub client_address: String,
    /// `cs(User-Agent)`; spaces are written as `+`.
    pub user_agent: String,
    /// The part of each fetch's `took_ms` that the client spent by itself and the server did not
    /// see (`per_retrieval_overhead`).
    pub overhead: Span,
}

impl Default for Options {
    /// Link-local addresses (RFC 4291 §2.5.6) with a zone, as in logs of workgroup machines, and
    /// the user agent of Windows 7 and 2008 R2 (fact sheet §2.8).
    fn default() -> Options {
        Options {
            server_address: "fe80::1%10".to_owned(),
            client_address: "fe80::2%10".to_owned(),
            user_agent: "Microsoft-CryptoAPI/6.1".to_owned(),
            overhead: Span::ZERO,
        }
    }
}

/// The log of the site with these host names.
///
/// Only fetches that got a status are in it: the others never reached the site, or were never
/// answered. A line is stamped with the record's `t`, when the answer was complete, in UTC.
/// Empty where nothing was fetched.
pub fn render(records: &[Record], hosts: &[String], options: &Options) -> String {
    let mut log = String::new();
    for record in records {
        let Kind::Fetch(fetch) = &record.kind else { continue };
        let Some(status) = fetch.status.filter(|_| is_here(fetch, hosts)) else { continue };
        if log.is_empty() {
            head(&mut log, record.t);
        }
        line(&mut log, record.t, fetch, status, options);
    }
    log
}

fn is_here(fetch: &Fetch, hosts: &[String]) -> bool {
    hosts.iter().any(|host| host.eq_ignore_ascii_case(fetch.url.host()))
}

fn head(log: &mut String, first: Instant) {
    log.push_str("#Software: Microsoft Internet Information Services 7.5\n#Version: 1.0\n#Date: ");
    stamp(log, first);
    log.push_str("\n#Fields: ");
    log.push_str(FIELDS);
    log.push('\n');
}

fn line(log: &mut String, t: Instant, fetch: &Fetch, status: u16, options: &Options) {
    let substatus = fetch.substatus.unwrap_or(0);
    let whole = fetch.url.path_and_query();
    let (path, query) = whole.split_once('?').unwrap_or((whole, "-"));
    let stem = percent_decode_str(path).decode_utf8_lossy();
    let taken = Ord::max(fetch.took_ms.saturating_sub(options.overhead.as_millis()), 0);
    stamp(log, t);
    let fields = [
        &options.server_address,
        fetch.method.as_str(),
        &one_word(&stem),
        &one_word(query),
        &fetch.url.port().to_string(),
        "-",
        &options.client_address,
        &one_word(&options.user_agent),
        &status.to_string(),
        &substatus.to_string(),
        &win32_status(fetch, status, substatus).to_string(),
        &taken.to_string(),
    ];
    for field in fields {
        log.push(' ');
        log.push_str(field);
    }
    log.push('\n');
}

fn stamp(log: &mut String, t: Instant) {
    let (year, month, day, hour, minute, second, _) = t.civil();
    // Writing to a String cannot fail.
    let _ = write!(log, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
}

/// Fields are parted by spaces and lines by line feeds: neither may be inside one.
fn one_word(text: &str) -> String {
    let word: String =
        text.chars().map(|c| if c.is_whitespace() || c.is_control() { '+' } else { c }).collect();
    if word.is_empty() { "-".to_owned() } else { word }
}

/// sc-win32-status as IIS writes it beside these statuses (inferred): below a file the path is not
/// found (3), otherwise the file (2); a method that a static file does not have is an invalid
/// function (1).
fn win32_status(fetch: &Fetch, status: u16, substatus: u16) -> u32 {
    match (status, substatus) {
        (404, 0) if fetch.purpose == Purpose::Ocsp && fetch.method == Method::Get => 3,
        (404, 0) => 2,
        (405, _) => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use revlab_lab::http::FetchError;

    use super::*;

    fn fetch(t: &str, purpose: Purpose, path: &str, status: (u16, u16)) -> Record {
        let t: Instant = t.parse().unwrap();
        let fetch = Fetch {
            id: 1,
            began: t,
            by: "web".into(),
            process: "lsass".into(),
            purpose,
            method: Method::Get,
            url: format!("http://win-msprl0t325o{path}").parse().unwrap(),
            status: Some(status.0),
            substatus: Some(status.1),
            error: None,
            rejected: None,
            bytes: 700,
            took_ms: 202,
            object: None,
            check: None,
            unsolicited: None,
            client: None,
            faults: Vec::new(),
        };
        Record { n: 0, t, kind: Kind::Fetch(fetch) }
    }

    fn hosts() -> Vec<String> {
        vec!["WIN-MSPRL0T325O".to_owned()]
    }

    #[test]
    fn the_log_has_the_fields_and_the_order_of_the_excerpt() {
        let crt = "/CertEnroll/WIN-MSPRL0T325O_XXX-CA.crt/MFEw";
        let records = [
            fetch("2014-04-16T10:51:33.900Z", Purpose::Ocsp, &format!("{crt}%2F"), (404, 0)),
            fetch("2014-04-16T10:51:34.100Z", Purpose::Ocsp, &format!("{crt}%2B"), (404, 11)),
            fetch("2014-04-16T10:51:34.900Z", Purpose::Base, "/CertEnroll/XXX-CA(1).crl", (200, 0)),
            fetch("2014-04-16T10:51:39Z", Purpose::Delta, "/CertEnroll/XXX-CA(1)+.crl", (200, 0)),
            fetch("2014-04-16T10:51:40Z", Purpose::Issuer, "/My%20CA.crt?a=b", (404, 0)),
        ];
        insta::assert_snapshot!(render(&records, &hosts(), &Options::default()), @r"
        #Software: Microsoft Internet Information Services 7.5
        #Version: 1.0
        #Date: 2014-04-16 10:51:33
        #Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status sc-substatus sc-win32-status time-taken
        2014-04-16 10:51:33 fe80::1%10 GET /CertEnroll/WIN-MSPRL0T325O_XXX-CA.crt/MFEw/ - 80 - fe80::2%10 Microsoft-CryptoAPI/6.1 404 0 3 202
        2014-04-16 10:51:34 fe80::1%10 GET /CertEnroll/WIN-MSPRL0T325O_XXX-CA.crt/MFEw+ - 80 - fe80::2%10 Microsoft-CryptoAPI/6.1 404 11 0 202
        2014-04-16 10:51:34 fe80::1%10 GET /CertEnroll/XXX-CA(1).crl - 80 - fe80::2%10 Microsoft-CryptoAPI/6.1 200 0 0 202
        2014-04-16 10:51:39 fe80::1%10 GET /CertEnroll/XXX-CA(1)+.crl - 80 - fe80::2%10 Microsoft-CryptoAPI/6.1 200 0 0 202
        2014-04-16 10:51:40 fe80::1%10 GET /My+CA.crt a=b 80 - fe80::2%10 Microsoft-CryptoAPI/6.1 404 0 2 202
        ");
    }

    #[test]
    fn what_never_reached_the_site_is_not_in_its_log() {
        let mut record = fetch("2014-04-16T10:51:34Z", Purpose::Base, "/x.crl", (200, 0));
        assert_eq!(render(std::slice::from_ref(&record), &[], &Options::default()), "");
        if let Kind::Fetch(fetch) = &mut record.kind {
            (fetch.status, fetch.error) = (None, Some(FetchError::ConnectionRefused));
        }
        assert_eq!(render(&[record], &hosts(), &Options::default()), "");
    }

    #[test]
    fn time_that_the_client_spent_by_itself_is_not_the_servers() {
        let record = fetch("2014-04-16T10:51:34Z", Purpose::Base, "/x.crl", (200, 0));
        let taken = |overhead| {
            let options = Options { overhead, ..Options::default() };
            let log = render(std::slice::from_ref(&record), &hosts(), &options);
            log.trim_end().rsplit(' ').next().map(str::to_owned)
        };
        assert_eq!(taken(Span::from_millis(200)).as_deref(), Some("2"));
        assert_eq!(taken(Span::from_secs(5)).as_deref(), Some("0"));
    }

    proptest! {
        #[test]
        fn a_path_cannot_break_a_line(path in "(/[a-z]{0,3}(%0[aAdD]|%20|%09|%ff)?){1,4}") {
            let record = fetch("2014-04-16T10:51:34Z", Purpose::Base, &path, (200, 0));
            let log = render(&[record], &hosts(), &Options::default());
            let last = log.lines().last().unwrap_or("");
            prop_assert_eq!(log.lines().count(), 5);
            prop_assert_eq!(last.split(' ').count(), FIELDS.split(' ').count());
        }
    }
}
