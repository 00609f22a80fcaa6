//! JTL as CSV.

use super::{IDENTITY, JtlError, NEEDED, Sample, millis, success, time_stamp};

/// The columns that JMeter 5 writes unless told otherwise, in their order, but for `sentBytes`: JMeter 2.13
/// opens no file with a column that it does not know.
const COLUMNS: [&str; 16] = [
    "timeStamp",
    "elapsed",
    "label",
    "responseCode",
    "responseMessage",
    "threadName",
    "dataType",
    "success",
    "failureMessage",
    "bytes",
    "grpThreads",
    "allThreads",
    "URL",
    "Latency",
    "IdleTime",
    "Connect",
];

pub(super) fn write(samples: &[Sample]) -> String {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    // JMeter tells variables by the quotes around their names. The writer quotes where it must only.
    let mut head = COLUMNS.join(",");
    let told = samples.iter().any(|sample| sample.identity.is_some());
    if told {
        head.push_str(&format!(",\"{IDENTITY}\""));
    }
    head.push('\n');
    for sample in samples {
        let number = |ms: i64| ms.to_string();
        let mut row = vec![
            number(sample.time_stamp.as_millis()),
            number(sample.elapsed),
            sample.label.clone(),
            sample.response_code.clone(),
            sample.response_message.clone(),
            sample.thread_name.clone(),
            "text".to_owned(),
            sample.success.to_string(),
            sample.failure_message.clone(),
            number(0),
            number(0),
            number(0),
            sample.url.clone(),
            number(sample.latency),
            number(0),
            number(sample.connect.unwrap_or_default()),
        ];
        if told {
            row.push(sample.identity.clone().unwrap_or_default());
        }
        // Writing into memory does not fail, and every row is as long as the first.
        let _ = writer.write_record(&row);
    }
    let rows = String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default();
    head + &rows
}

/// Where the columns are.
struct Places {
    needed: [usize; NEEDED.len()],
    failure_message: Option<usize>,
    url: Option<usize>,
    latency: Option<usize>,
    connect: Option<usize>,
    host: Option<usize>,
    identity: Option<usize>,
}

pub(super) fn read(text: &str) -> Result<Vec<Sample>, JtlError> {
    let first = text.lines().next().unwrap_or_default();
    let delimiter = delimiter(first).ok_or(JtlError::NoNames)?;
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let line = |error: &csv::Error| {
        error.position().map_or(1, |at| usize::try_from(at.line()).unwrap_or(usize::MAX))
    };
    let wrong = |error: csv::Error| JtlError::Line { line: line(&error), what: error.to_string() };
    let names = reader.headers().map_err(wrong)?.clone();
    let places = Places::of(&names)?;
    let mut samples = Vec::new();
    for row in reader.records() {
        let row = row.map_err(wrong)?;
        let line = row.position().map_or(0, |at| usize::try_from(at.line()).unwrap_or(usize::MAX));
        let read = places.sample(&row, names.len());
        samples.push(read.map_err(|what| JtlError::Line { line, what })?);
    }
    Ok(samples)
}

/// What stands between the names: what follows the first one, as JMeter finds it out. None: these
/// are no names.
fn delimiter(first: &str) -> Option<u8> {
    if !NEEDED.iter().any(|(name, _)| first.contains(name)) {
        return None;
    }
    let between = |byte: &u8| !byte.is_ascii_alphanumeric() && !matches!(byte, b'"' | b'_' | b' ');
    Some(first.bytes().find(|byte| between(byte)).filter(u8::is_ascii).unwrap_or(b','))
}

impl Places {
    fn of(names: &csv::StringRecord) -> Result<Places, JtlError> {
        let place = |wanted: &str| names.iter().position(|name| name.trim() == wanted);
        let mut needed = [0; NEEDED.len()];
        let mut columns = Vec::new();
        for (to, (name, _)) in needed.iter_mut().zip(NEEDED) {
            match place(name) {
                Some(at) => *to = at,
                None => columns.push(name),
            }
        }
        if !columns.is_empty() {
            return Err(JtlError::Missing { place: String::new(), columns });
        }
        Ok(Places {
            needed,
            failure_message: place("failureMessage"),
            url: place("URL"),
            latency: place("Latency"),
            connect: place("Connect"),
            host: place("Hostname"),
            identity: place(IDENTITY),
        })
    }

    fn sample(&self, row: &csv::StringRecord, columns: usize) -> Result<Sample, String> {
        let short = || format!("there are {} values under {columns} names", row.len());
        let text = |at: usize| row.get(at).ok_or_else(short);
        let other = |at: Option<usize>| at.map_or(Ok(""), text);
        let [ts, elapsed, label, code, message, thread, successful] = self.needed;
        let connect = self.connect.map(|at| millis("Connect", text(at)?)).transpose()?;
        let latency = self.latency.map(|at| millis("Latency", text(at)?)).transpose()?;
        Ok(Sample {
            time_stamp: time_stamp(text(ts)?)?,
            elapsed: millis("elapsed", text(elapsed)?)?,
            label: text(label)?.to_owned(),
            response_code: text(code)?.to_owned(),
            response_message: text(message)?.to_owned(),
            thread_name: text(thread)?.to_owned(),
            success: success(text(successful)?)?,
            failure_message: other(self.failure_message)?.to_owned(),
            url: other(self.url)?.to_owned(),
            latency: latency.unwrap_or_default(),
            connect,
            host: other(self.host)?.to_owned(),
            identity: Some(other(self.identity)?.to_owned()).filter(|name| !name.is_empty()),
            response_data: String::new(),
        })
    }
}
