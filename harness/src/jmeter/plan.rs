//! A plan of JMeter as a tree of its elements.

use std::collections::BTreeMap;

use super::xml::{Token, Tokens, XmlError};

/// An element of a plan, with what hangs below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Node {
    /// `ThreadGroup`, `HTTPSamplerProxy` …
    pub(super) class: String,
    /// How JMeter shows it, which tells elements of one class apart.
    pub(super) gui: String,
    pub(super) name: String,
    pub(super) enabled: bool,
    /// All properties by name, those of inner elements among them.
    pub(super) props: BTreeMap<String, String>,
    /// Name and value of each argument: a variable, or a parameter of a request.
    pub(super) arguments: Vec<(String, String)>,
    pub(super) below: Vec<Node>,
}

impl Node {
    /// A property without the blanks around it; none: it is not there, or empty.
    pub(super) fn prop(&self, name: &str) -> Option<&str> {
        self.props.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.prop(name) == Some("true")
    }
}

/// An element of the XML.
#[derive(Debug, Default)]
struct Raw {
    tag: String,
    attributes: BTreeMap<String, String>,
    text: String,
    inner: Vec<Raw>,
}

/// Reads a plan: its elements from the test plan down.
pub(super) fn read(text: &str) -> Result<Vec<Node>, XmlError> {
    let root = raw(text)?;
    let tree = root.inner.iter().find(|raw| raw.tag == "hashTree");
    Ok(nodes(tree.map(|tree| tree.inner.as_slice()).unwrap_or_default()))
}

fn raw(text: &str) -> Result<Raw, XmlError> {
    let mut tokens = Tokens::new(text.trim_start_matches('\u{feff}'));
    let mut open: Vec<Raw> = Vec::new();
    while let Some(token) = tokens.next()? {
        match token {
            Token::Open { name, attributes } => {
                if open.is_empty() && name != "jmeterTestPlan" {
                    let what = format!(
                        "the outermost element is `{name}`, and of a plan it is `jmeterTestPlan`"
                    );
                    return Err(tokens.wrong(what));
                }
                let attributes = attributes.into_iter().collect();
                open.push(Raw { tag: name, attributes, ..Raw::default() });
            }
            Token::Text(text) => {
                if let Some(last) = open.last_mut() {
                    last.text.push_str(&text);
                }
            }
            Token::Close => match (open.pop(), open.last_mut()) {
                (Some(done), Some(above)) => above.inner.push(done),
                (Some(done), None) => return Ok(done),
                (None, _) => break,
            },
        }
    }
    Err(tokens.wrong("there is no element `jmeterTestPlan`: this is no plan of JMeter"))
}

/// In a plan an element is followed by the tree of what hangs below it.
fn nodes(raws: &[Raw]) -> Vec<Node> {
    let mut found: Vec<Node> = Vec::new();
    for raw in raws {
        match (raw.tag.as_str(), found.last_mut()) {
            ("hashTree", Some(last)) => last.below = nodes(&raw.inner),
            ("hashTree", None) => found.extend(nodes(&raw.inner)),
            _ => found.push(node(raw)),
        }
    }
    found
}

fn node(raw: &Raw) -> Node {
    let attribute = |name: &str| raw.attributes.get(name).cloned().unwrap_or_default();
    let mut node = Node {
        class: raw.tag.clone(),
        gui: attribute("guiclass"),
        name: attribute("testname"),
        enabled: attribute("enabled") != "false",
        ..Node::default()
    };
    raw.inner.iter().for_each(|inner| prop(&mut node, inner));
    node
}

/// Takes a property in, and those inside it.
fn prop(node: &mut Node, raw: &Raw) {
    let inner = |name: &str| {
        let named = |raw: &&Raw| raw.attributes.get("name").map(String::as_str) == Some(name);
        raw.inner.iter().find(named).map(|raw| raw.text.clone())
    };
    if let Some(name) =
        inner("Argument.name").or_else(|| inner("Argument.value").map(|_| String::new()))
    {
        node.arguments.push((name, inner("Argument.value").unwrap_or_default()));
        return;
    }
    // `<doubleProp><name>throughput</name><value>6.0</value>…`
    let tagged = |tag: &str| raw.inner.iter().find(|raw| raw.tag == tag).map(|raw| &raw.text);
    let name = raw.attributes.get("name").or_else(|| tagged("name"));
    if let Some(name) = name {
        let value = tagged("value").unwrap_or(&raw.text);
        node.props.insert(name.trim().to_owned(), value.clone());
    }
    raw.inner.iter().for_each(|inner| prop(node, inner));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_with_properties_arguments_and_what_hangs_below() {
        let text = r#"<?xml version="1.0"?><jmeterTestPlan version="1.2"><hashTree>
            <TestPlan guiclass="TestPlanGui" testname="p" enabled="true">
              <elementProp name="v" elementType="Arguments"><collectionProp name="Arguments.arguments">
                <elementProp name="host" elementType="Argument">
                  <stringProp name="Argument.name">host</stringProp>
                  <stringProp name="Argument.value">www.lab</stringProp>
                </elementProp></collectionProp></elementProp>
            </TestPlan>
            <hashTree>
              <ConstantThroughputTimer testname="t" enabled="false">
                <doubleProp><name>throughput</name><value>6.0</value><savedValue>0.0</savedValue></doubleProp>
              </ConstantThroughputTimer><hashTree/>
            </hashTree></hashTree></jmeterTestPlan>"#;
        let plan = read(text).unwrap();
        assert_eq!(plan.len(), 1);
        assert_eq!(plan[0].arguments, [("host".to_owned(), "www.lab".to_owned())]);
        let timer = &plan[0].below[0];
        assert_eq!((timer.prop("throughput"), timer.enabled), (Some("6.0"), false));
    }

    #[test]
    fn what_is_no_plan_is_said() {
        assert!(read("<html/>").unwrap_err().what.contains("`jmeterTestPlan`"));
        assert!(read("").unwrap_err().what.contains("no plan of JMeter"));
        assert_eq!(read("<jmeterTestPlan>\n<hashTree>").unwrap_err().line, 2);
    }
}
