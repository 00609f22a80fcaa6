//! The elements of a plan, and how JMeter writes them.

use super::super::xml::escaped;

/// An element with its properties and what hangs below it.
#[derive(Clone, Debug)]
pub(super) struct Element {
    class: &'static str,
    gui: &'static str,
    name: String,
    props: Vec<Prop>,
    below: Vec<Element>,
}

/// A property.
#[derive(Clone, Debug)]
pub(super) enum Prop {
    Text(String, String),
    Yes(String, bool),
    Int(String, i64),
    /// An empty collection.
    Collection(String),
    Element {
        name: String,
        kind: &'static str,
        gui: &'static str,
        inner: Vec<Prop>,
    },
}

impl Prop {
    pub(super) fn text(name: &str, value: impl Into<String>) -> Prop {
        Prop::Text(name.into(), value.into())
    }

    pub(super) fn yes(name: &str, value: bool) -> Prop {
        Prop::Yes(name.into(), value)
    }

    pub(super) fn int(name: &str, value: i64) -> Prop {
        Prop::Int(name.into(), value)
    }
}

impl Element {
    pub(super) fn new(class: &'static str, gui: &'static str, name: &str) -> Element {
        Element { class, gui, name: name.to_owned(), props: Vec::new(), below: Vec::new() }
    }

    /// One that JMeter shows by its bean's properties.
    pub(super) fn bean(class: &'static str, name: &str) -> Element {
        Element::new(class, "TestBeanGUI", name)
    }

    pub(super) fn with(mut self, prop: Prop) -> Element {
        self.props.push(prop);
        self
    }

    pub(super) fn holding(mut self, below: impl IntoIterator<Item = Element>) -> Element {
        self.below.extend(below);
        self
    }
}

/// A whole plan.
pub(super) fn document(plan: &Element) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
                    <jmeterTestPlan version=\"1.2\" properties=\"2.8\" jmeter=\"2.13\">\n  <hashTree>\n"
        .to_owned();
    element(&mut text, plan, 4);
    text.push_str("  </hashTree>\n</jmeterTestPlan>\n");
    text
}

fn element(text: &mut String, it: &Element, indent: usize) {
    let (pad, class, gui) = (" ".repeat(indent), it.class, it.gui);
    let name = escaped(&it.name);
    text.push_str(&format!(
        "{pad}<{class} guiclass=\"{gui}\" testclass=\"{class}\" testname=\"{name}\" enabled=\"true\">\n"
    ));
    it.props.iter().for_each(|each| prop(text, each, indent + 2));
    text.push_str(&format!("{pad}</{class}>\n"));
    if it.below.is_empty() {
        text.push_str(&format!("{pad}<hashTree/>\n"));
        return;
    }
    text.push_str(&format!("{pad}<hashTree>\n"));
    it.below.iter().for_each(|each| element(text, each, indent + 2));
    text.push_str(&format!("{pad}</hashTree>\n"));
}

fn prop(text: &mut String, it: &Prop, indent: usize) {
    let pad = " ".repeat(indent);
    let mut simple = |kind: &str, name: &str, value: &str| {
        let value = escaped(value);
        text.push_str(&format!("{pad}<{kind} name=\"{name}\">{value}</{kind}>\n"));
    };
    match it {
        Prop::Text(name, value) => simple("stringProp", name, value),
        Prop::Yes(name, value) => simple("boolProp", name, &value.to_string()),
        Prop::Int(name, value) => simple("intProp", name, &value.to_string()),
        Prop::Collection(name) => {
            text.push_str(&format!("{pad}<collectionProp name=\"{name}\"/>\n"));
        }
        Prop::Element { name, kind, gui, inner } => {
            text.push_str(&format!(
                "{pad}<elementProp name=\"{name}\" elementType=\"{kind}\" guiclass=\"{gui}\" \
                 testclass=\"{kind}\" testname=\"{kind}\" enabled=\"true\">\n"
            ));
            inner.iter().for_each(|each| prop(text, each, indent + 2));
            text.push_str(&format!("{pad}</elementProp>\n"));
        }
    }
}
