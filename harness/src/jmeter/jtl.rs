//! JTL: the results of JMeter, as CSV and as XML, read and written.
//!
//! The CSV has the columns of JMeter 5 in their order, the XML the attributes of JMeter's
//! `<testResults version="1.2">`. What a reader needs is [`NEEDED`]; other columns are passed over.

mod csv_format;
mod xml_format;

use revlab_lab::Instant;

pub use xml_format::XmlError;

/// One line of a JTL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// When the sample began, by the wall clock of the load generator.
    pub time_stamp: Instant,
    /// How long it took, in milliseconds.
    pub elapsed: i64,
    /// The sampler's name in the plan.
    pub label: String,
    /// HTTP status, or `Non HTTP response code: ` with an exception's class.
    pub response_code: String,
    /// What goes with it: `OK`, or `Non HTTP response message: ` with an exception's message.
    pub response_message: String,
    /// Thread group, number of the group and number of the thread: `users 1-3`.
    pub thread_name: String,
    /// Whether JMeter counts it as a success, after its assertions.
    pub success: bool,
    /// What failed assertions said.
    pub failure_message: String,
    /// The URL that was asked for; empty: not told.
    pub url: String,
    /// Up to the first byte of the answer, in milliseconds; 0: none came.
    pub latency: i64,
    /// TCP and TLS, in milliseconds; 0: no connection was made. None: not told.
    pub connect: Option<i64>,
    /// The machine that sent it; empty: not told.
    pub host: String,
    /// The identity that was used, where the plan tells it (`sample_variables=identity`).
    pub identity: Option<String>,
    /// The body of the answer, where an XML JTL has it.
    pub response_data: String,
}

/// What begins the response code of a sample that got no answer.
pub const NO_ANSWER: &str = "Non HTTP response code: ";
/// What begins the response message of a sample that got no answer.
pub const NO_ANSWER_MESSAGE: &str = "Non HTTP response message: ";

/// The variable in which plans that revlab writes keep the identity of a sample.
pub const IDENTITY: &str = "identity";

/// The columns without which a JTL cannot be judged, with the attributes that hold them in XML.
pub const NEEDED: [(&str, &str); 7] = [
    ("timeStamp", "ts"),
    ("elapsed", "t"),
    ("label", "lb"),
    ("responseCode", "rc"),
    ("responseMessage", "rm"),
    ("threadName", "tn"),
    ("success", "s"),
];

/// The properties of JMeter by which it writes them.
const PROPERTIES: &str = "jmeter.save.saveservice";

/// Why a JTL cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JtlError {
    /// It has nothing in it.
    #[error("there is nothing in it (expected a JTL of JMeter, as CSV or as XML)")]
    Empty,
    /// Its first line does not name columns.
    #[error(
        "its first line does not name its columns: run JMeter with \
         `-J{PROPERTIES}.print_field_names=true`"
    )]
    NoNames,
    /// Columns are missing.
    #[error(
        "{place}{} missing: {}; run JMeter with {}",
        if columns.len() == 1 { "a column is" } else { "columns are" },
        quoted(columns),
        options(columns)
    )]
    Missing {
        /// Which place, for messages; empty: the whole file.
        place: String,
        /// Their names in CSV.
        columns: Vec<&'static str>,
    },
    /// A line is not what it should be.
    #[error("line {line}: {what}")]
    Line {
        /// Counting from 1.
        line: usize,
        /// What is wrong, and what would be right.
        what: String,
    },
    /// It is not XML, though it begins as XML.
    #[error(transparent)]
    Xml(#[from] XmlError),
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// What makes JMeter write these columns.
fn options(columns: &[&str]) -> String {
    let property = |column: &&str| match *column {
        "timeStamp" => format!("`-J{PROPERTIES}.timestamp_format=ms`"),
        "elapsed" => format!("`-J{PROPERTIES}.time=true`"),
        "responseCode" => format!("`-J{PROPERTIES}.response_code=true`"),
        "responseMessage" => format!("`-J{PROPERTIES}.response_message=true`"),
        "threadName" => format!("`-J{PROPERTIES}.thread_name=true`"),
        "success" => format!("`-J{PROPERTIES}.successful=true`"),
        other => format!("`-J{PROPERTIES}.{other}=true`"),
    };
    columns.iter().map(property).collect::<Vec<_>>().join(" ")
}

/// Reads a JTL, as XML where it begins with `<`, else as CSV. Samples inside samples (redirects,
/// embedded resources) are parts of the outer one and are passed over.
///
/// # Errors
///
/// See [`JtlError`].
pub fn read(text: &str) -> Result<Vec<Sample>, JtlError> {
    let text = text.trim_start_matches('\u{feff}');
    match text.trim_start().chars().next() {
        None => Err(JtlError::Empty),
        Some('<') => xml_format::read(text),
        Some(_) => csv_format::read(text),
    }
}

/// Writes CSV with the columns of JMeter 5, and the identity behind them as JMeter writes variables.
pub fn csv(samples: &[Sample]) -> String {
    csv_format::write(samples)
}

/// Writes XML as JMeter does.
pub fn xml(samples: &[Sample]) -> String {
    xml_format::write(samples)
}

/// Milliseconds since 1970.
fn time_stamp(text: &str) -> Result<Instant, String> {
    let bad = || {
        format!(
            "`{text}` is not a time in milliseconds since 1970: run JMeter with \
             `-J{PROPERTIES}.timestamp_format=ms`"
        )
    };
    let ms: i64 = text.trim().parse().map_err(|_| bad())?;
    // To the year 2999, as far as lab time goes.
    const LAST: i64 = 32_503_680_000_000;
    if (0..LAST).contains(&ms) { Ok(Instant::from_millis(ms)) } else { Err(bad()) }
}

/// A length of time in milliseconds.
fn millis(name: &str, text: &str) -> Result<i64, String> {
    // A century: sums stay in the calendar.
    const LONGEST: i64 = 3_155_760_000_000;
    let ms = text.trim().parse().ok().filter(|ms| (0..LONGEST).contains(ms));
    ms.ok_or_else(|| format!("`{name}` is `{text}`, not a number of milliseconds"))
}

fn success(text: &str) -> Result<bool, String> {
    match text.trim() {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(format!("`success` is `{other}`, neither `true` nor `false`")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(super) fn sample() -> Sample {
        Sample {
            time_stamp: Instant::from_millis(1_397_606_400_000),
            elapsed: 12,
            label: "users".into(),
            response_code: "200".into(),
            response_message: "OK".into(),
            thread_name: "users 1-1".into(),
            success: true,
            failure_message: String::new(),
            url: "https://www.lab/".into(),
            latency: 12,
            connect: Some(8),
            host: String::new(),
            identity: Some("users-1".into()),
            response_data: String::new(),
        }
    }

    fn revoked() -> Sample {
        Sample {
            response_code: format!("{NO_ANSWER}javax.net.ssl.SSLHandshakeException"),
            response_message: format!(
                "{NO_ANSWER_MESSAGE}Received fatal alert: certificate_revoked"
            ),
            success: false,
            failure_message: "a, \"b\" <c>".into(),
            latency: 0,
            connect: Some(0),
            identity: Some("users-2".into()),
            thread_name: "users 1-2".into(),
            ..sample()
        }
    }

    #[test]
    fn csv_is_as_jmeter_writes_it() {
        insta::assert_snapshot!(csv(&[sample(), revoked()]), @r#"
        timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,bytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect,"identity"
        1397606400000,12,users,200,OK,users 1-1,text,true,,0,0,0,https://www.lab/,12,0,8,users-1
        1397606400000,12,users,Non HTTP response code: javax.net.ssl.SSLHandshakeException,Non HTTP response message: Received fatal alert: certificate_revoked,users 1-2,text,false,"a, ""b"" <c>",0,0,0,https://www.lab/,0,0,0,users-2
        "#);
    }

    #[test]
    fn xml_is_as_jmeter_writes_it() {
        insta::assert_snapshot!(xml(&[sample(), revoked()]), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testResults version="1.2">
        <httpSample t="12" it="0" lt="12" ct="8" ts="1397606400000" s="true" lb="users" rc="200" rm="OK" tn="users 1-1" dt="text" by="0" sby="0" ng="0" na="0" identity="users-1">
          <java.net.URL>https://www.lab/</java.net.URL>
        </httpSample>
        <httpSample t="12" it="0" lt="0" ct="0" ts="1397606400000" s="false" lb="users" rc="Non HTTP response code: javax.net.ssl.SSLHandshakeException" rm="Non HTTP response message: Received fatal alert: certificate_revoked" tn="users 1-2" dt="text" by="0" sby="0" ng="0" na="0" identity="users-2">
          <assertionResult>
            <name>outcome</name>
            <failure>true</failure>
            <error>false</error>
            <failureMessage>a, &quot;b&quot; &lt;c&gt;</failureMessage>
          </assertionResult>
          <java.net.URL>https://www.lab/</java.net.URL>
        </httpSample>

        </testResults>
        "#);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let both = [sample(), revoked()];
        assert_eq!(read(&csv(&both)).unwrap(), both);
        assert_eq!(read(&xml(&both)).unwrap(), both);
    }

    #[test]
    fn every_missing_column_is_named_with_what_makes_jmeter_write_it() {
        let text = "timeStamp,elapsed,label,responseCode,threadName\n1,2,users,200,users 1-1\n";
        let error = read(text).unwrap_err().to_string();
        assert_eq!(
            error,
            "columns are missing: `responseMessage`, `success`; run JMeter with \
             `-Jjmeter.save.saveservice.response_message=true` \
             `-Jjmeter.save.saveservice.successful=true`"
        );
        let text = "<testResults version=\"1.2\">\n<httpSample t=\"1\" lb=\"a\" rc=\"200\" \
                    rm=\"OK\" tn=\"a 1-1\" ts=\"1\"/></testResults>";
        let error = read(text).unwrap_err().to_string();
        assert!(error.starts_with("line 2: a column is missing: `success`; run JMeter"), "{error}");
    }

    #[test]
    fn what_is_no_jtl_is_said_in_one_line() {
        let wrong = |text: &str| read(text).unwrap_err().to_string();
        assert!(wrong(" \n").contains("nothing in it"));
        assert!(wrong("1415,12,users,200,OK,users 1-1,text,true\n").contains("print_field_names"));
        assert!(wrong("<html></html>").contains("`testResults`"));
        assert!(wrong("<testResults>").contains("line 1, column"));
        let head = "timeStamp,elapsed,label,responseCode,responseMessage,threadName,success\n";
        let row = |row: &str| wrong(&format!("{head}{row}\n"));
        assert!(row("2014/04/16 10:00:00,1,a,200,OK,a 1-1,true").contains("timestamp_format=ms"));
        assert!(row("1,x,a,200,OK,a 1-1,true").starts_with("line 2: `elapsed` is `x`"));
        assert!(row("1,1,a,200,OK,a 1-1,yes").contains("neither `true` nor `false`"));
        assert!(row("1,1,a").starts_with("line 2: "));
    }

    #[test]
    fn another_delimiter_and_other_columns_are_read() {
        let text = "success;timeStamp;elapsed;label;responseCode;responseMessage;threadName;\"x\"\n\
                    true;5;7;a;200;OK;a 1-1;y\n";
        let read = read(text).unwrap();
        assert_eq!((read[0].elapsed, read[0].connect, &read[0].identity), (7, None, &None));
    }

    #[test]
    fn a_sample_inside_a_sample_is_a_part_of_it_and_the_body_is_read() {
        let text = "<testResults version=\"1.2\">\
             <httpSample t=\"9\" ct=\"3\" ts=\"5\" s=\"false\" lb=\"a\" rc=\"403\" rm=\"Forbidden\" \
             tn=\"a 1-1\" identity=\"a-1\">\
             <httpSample t=\"4\" ts=\"5\" s=\"true\" lb=\"b\" rc=\"302\" rm=\"Found\" tn=\"a 1-1\"/>\
             <assertionResult><name>n</name><failure>true</failure><error>false</error>\
             <failureMessage>no &amp; no</failureMessage></assertionResult>\
             <responseData class=\"java.lang.String\">HTTP Error 403.13</responseData>\
             <java.net.URL>https://a/</java.net.URL></httpSample></testResults>";
        let read = read(text).unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].failure_message, "no & no");
        assert_eq!(read[0].response_data, "HTTP Error 403.13");
        assert_eq!(read[0].url, "https://a/");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,120}|[<>/&;a\"' =\n,]{0,120}") {
            let _ = read(&text);
        }

        #[test]
        fn any_rows_and_any_elements_are_read_or_refused(
            rows in "[0-9a-z,\"\n ]{0,80}", inner in "[<>/a-z\"= ]{0,80}",
        ) {
            let head = "timeStamp,elapsed,label,responseCode,responseMessage,threadName,success\n";
            let _ = read(&format!("{head}{rows}"));
            let _ = read(&format!("<testResults>{inner}</testResults>"));
        }

        #[test]
        fn whatever_is_in_a_sample_is_read_back(
            ts in 0i64..4_000_000_000_000, elapsed in 0i64..100_000, connect in 0i64..1000,
            label in "[ -~äß]{0,20}", code in "[ -~]{1,20}", message in "[ -~\n]{0,40}",
            success: bool, identity in proptest::option::of("[a-z]{1,5}-[1-9]"),
        ) {
            let sample = Sample {
                time_stamp: Instant::from_millis(ts), elapsed, label, response_code: code,
                response_message: message, success, connect: Some(connect), identity, ..sample()
            };
            let samples = [sample];
            prop_assert_eq!(read(&csv(&samples)).unwrap(), &samples);
            prop_assert_eq!(read(&xml(&samples)).unwrap(), &samples);
        }
    }
}
