//! JTL as XML.

use std::collections::BTreeMap;

use super::super::xml::{Token, Tokens, escaped};
use super::{IDENTITY, JtlError, NEEDED, Sample, millis, success, time_stamp};

pub use super::super::xml::XmlError;

pub(super) fn write(samples: &[Sample]) -> String {
    let mut text =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testResults version=\"1.2\">\n".to_owned();
    for sample in samples {
        let mut attributes = vec![
            ("t", sample.elapsed.to_string()),
            ("it", "0".to_owned()),
            ("lt", sample.latency.to_string()),
            ("ct", sample.connect.unwrap_or_default().to_string()),
            ("ts", sample.time_stamp.as_millis().to_string()),
            ("s", sample.success.to_string()),
            ("lb", sample.label.clone()),
            ("rc", sample.response_code.clone()),
            ("rm", sample.response_message.clone()),
            ("tn", sample.thread_name.clone()),
            ("dt", "text".to_owned()),
            ("by", "0".to_owned()),
            ("sby", "0".to_owned()),
            ("ng", "0".to_owned()),
            ("na", "0".to_owned()),
        ];
        attributes.extend(sample.identity.iter().map(|identity| (IDENTITY, identity.clone())));
        text.push_str("<httpSample");
        for (name, value) in attributes {
            text.push_str(&format!(" {name}=\"{}\"", escaped(&value)));
        }
        text.push_str(">\n");
        if !sample.failure_message.is_empty() {
            text.push_str(&format!(
                "  <assertionResult>\n    <name>outcome</name>\n    <failure>true</failure>\n    \
                 <error>false</error>\n    <failureMessage>{}</failureMessage>\n  </assertionResult>\n",
                escaped(&sample.failure_message)
            ));
        }
        text.push_str(&format!(
            "  <java.net.URL>{}</java.net.URL>\n</httpSample>\n",
            escaped(&sample.url)
        ));
    }
    text.push_str("\n</testResults>\n");
    text
}

/// The elements that are samples.
const SAMPLES: [&str; 2] = ["httpSample", "sample"];

pub(super) fn read(text: &str) -> Result<Vec<Sample>, JtlError> {
    let mut tokens = Tokens::new(text);
    root(&mut tokens)?;
    let mut samples = Vec::new();
    // Which elements the reader is in, below the root.
    let mut path: Vec<String> = Vec::new();
    while let Some(token) = tokens.next()? {
        match token {
            Token::Open { name, attributes } => {
                if path.is_empty() && SAMPLES.contains(&name.as_str()) {
                    samples.push(sample(&tokens, attributes)?);
                }
                path.push(name);
            }
            Token::Close => {
                path.pop();
            }
            Token::Text(text) => {
                if let Some(sample) = samples.last_mut() {
                    inside(sample, &path, &text);
                }
            }
        }
    }
    Ok(samples)
}

/// Goes past the begin of the outermost element.
fn root(tokens: &mut Tokens<'_>) -> Result<(), JtlError> {
    loop {
        match tokens.next()? {
            Some(Token::Open { name, .. }) if name == "testResults" => return Ok(()),
            Some(Token::Text(text)) if text.trim().is_empty() => {}
            Some(Token::Open { name, .. }) => {
                let what =
                    format!("the outermost element is `{name}`, and of a JTL it is `testResults`");
                return Err(tokens.wrong(what).into());
            }
            _ => return Err(tokens.wrong("there is no element `testResults`").into()),
        }
    }
}

/// Text inside a sample, but not inside another one below it.
fn inside(sample: &mut Sample, path: &[String], text: &str) {
    let below: Vec<&str> = path.iter().skip(1).map(String::as_str).collect();
    match below.as_slice() {
        ["java.net.URL"] => sample.url.push_str(text),
        ["responseData"] => sample.response_data.push_str(text),
        ["assertionResult", "failureMessage"] => sample.failure_message.push_str(text),
        _ => {}
    }
}

fn sample(tokens: &Tokens<'_>, attributes: Vec<(String, String)>) -> Result<Sample, JtlError> {
    let mut values: BTreeMap<String, String> = attributes.into_iter().collect();
    let missing: Vec<&str> = NEEDED
        .iter()
        .filter(|(_, key)| !values.contains_key(*key))
        .map(|(name, _)| *name)
        .collect();
    if !missing.is_empty() {
        let place = format!("line {}: ", tokens.line());
        return Err(JtlError::Missing { place, columns: missing });
    }
    of(&mut values).map_err(|what| JtlError::Line { line: tokens.line(), what })
}

fn of(values: &mut BTreeMap<String, String>) -> Result<Sample, String> {
    let mut ms = |key: &str| values.remove(key).map(|ms| millis(key, &ms)).transpose();
    let (elapsed, latency, connect) = (ms("t")?, ms("lt")?, ms("ct")?);
    let mut text = |key: &str| values.remove(key).unwrap_or_default();
    Ok(Sample {
        time_stamp: time_stamp(&text("ts"))?,
        elapsed: elapsed.unwrap_or_default(),
        label: text("lb"),
        response_code: text("rc"),
        response_message: text("rm"),
        thread_name: text("tn"),
        success: success(&text("s"))?,
        failure_message: String::new(),
        url: String::new(),
        host: text("hn"),
        latency: latency.unwrap_or_default(),
        connect,
        identity: Some(text(IDENTITY)).filter(|name| !name.is_empty()),
        response_data: String::new(),
    })
}
