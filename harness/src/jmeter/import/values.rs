//! Variables and functions in the values of a plan.

use std::collections::BTreeMap;

use super::super::plan::Node;

/// User-defined variables by name.
#[derive(Default)]
pub(super) struct Variables(BTreeMap<String, String>);

/// Variables that name variables, at most so deep.
const DEEPEST: usize = 8;

impl Variables {
    /// Takes in what a plan defines, wherever it stands.
    pub(super) fn take(&mut self, node: &Node) {
        if node.enabled && matches!(node.class.as_str(), "TestPlan" | "Arguments") {
            self.0.extend(node.arguments.iter().cloned());
        }
        node.below.iter().for_each(|child| self.take(child));
    }

    /// A text with its variables and properties resolved, these by their defaults.
    ///
    /// # Errors
    ///
    /// What is not known before the run.
    pub(super) fn resolve(&self, text: &str) -> Result<String, String> {
        self.within(text, DEEPEST)
    }

    fn within(&self, text: &str, deeper: usize) -> Result<String, String> {
        let Some((before, rest)) = text.split_once("${") else { return Ok(text.to_owned()) };
        let Some(end) = end(rest) else { return Ok(text.to_owned()) };
        let inner = rest.get(..end).unwrap_or_default();
        let behind = rest.get(end + 1..).unwrap_or_default();
        let unknown = || format!("${{{inner}}}");
        let value = self.one(inner).ok_or_else(unknown)?;
        let deeper = deeper.checked_sub(1).ok_or_else(unknown)?;
        let value = self.within(&value, deeper)?;
        Ok(format!("{before}{value}{}", self.within(behind, deeper)?))
    }

    /// What stands between `${` and `}`.
    fn one(&self, inner: &str) -> Option<String> {
        let Some(function) = inner.strip_prefix("__") else { return self.0.get(inner).cloned() };
        let (name, rest) = function.split_once('(')?;
        let arguments = arguments(rest.strip_suffix(')')?);
        let argument = |n: usize| arguments.get(n).map(|text| text.trim().to_owned());
        match name {
            // Without a default the value is 1, as JMeter has it.
            "P" => Some(argument(1).unwrap_or_else(|| "1".to_owned())),
            "property" => argument(2),
            _ => None,
        }
    }
}

/// Where the brace closes that was opened before `text`.
fn end(text: &str) -> Option<usize> {
    let mut open = 1usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(at);
        }
    }
    None
}

/// The arguments of a function: commas behind a backslash or inside braces are no separators.
fn arguments(text: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let (mut open, mut escaped) = (0usize, false);
    for character in text.chars() {
        let Some(last) = found.last_mut() else { break };
        match character {
            _ if std::mem::take(&mut escaped) => last.push(character),
            '\\' => escaped = true,
            ',' if open == 0 => found.push(String::new()),
            _ => {
                match character {
                    '{' => open += 1,
                    '}' => open = open.saturating_sub(1),
                    _ => {}
                }
                last.push(character);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn variables() -> Variables {
        let all = [
            ("host", "www.lab"),
            ("n", "${__P(threads,${m})}"),
            ("m", "7"),
            ("a", "${b}"),
            ("b", "${a}"),
        ];
        Variables(all.map(|(k, v)| (k.to_owned(), v.to_owned())).into())
    }

    #[test]
    fn variables_and_properties_are_resolved_as_far_as_they_are_known() {
        let of = |text: &str| variables().resolve(text);
        assert_eq!(of("https://${host}/x").as_deref(), Ok("https://www.lab/x"));
        assert_eq!(of("${n}${m}").as_deref(), Ok("77"));
        assert_eq!(of("${__P(x)}").as_deref(), Ok("1"));
        assert_eq!(of("${__property(x,,5)}").as_deref(), Ok("5"));
        assert_eq!(of("${__P(x,a\\,b)}").as_deref(), Ok("a,b"));
        assert_eq!(of("${__time()}"), Err("${__time()}".to_owned()));
        assert_eq!(of("${unknown}"), Err("${unknown}".to_owned()));
        assert!(of("${a}").is_err());
        assert_eq!(of("${open").as_deref(), Ok("${open"));
    }

    proptest! {
        #[test]
        fn any_text_is_resolved_or_not(text in "[${}_P(),ab\\\\é]{0,40}") {
            let _ = variables().resolve(&text);
        }
    }
}
