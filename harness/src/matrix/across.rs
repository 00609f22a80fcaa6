//! Crossings: what is set otherwise on top of each variant.
//!
//! `tls`, `resumption` and `level` are overlays and make runs of their own; `handshake` tells the first
//! and the second handshake of each certificate during the fault apart, in the same run.

use std::fmt;
use std::str::FromStr;

use revlab_fake_ca::fault::Endpoint;

use crate::scenario::{self, Scenario};

/// What is crossed: a dimension, or one value of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dimension {
    name: &'static str,
    values: Vec<&'static str>,
}

/// All of them with their values.
const ALL: [(&str, &[&str]); 4] = [
    ("tls", &["1.2", "1.3"]),
    ("resumption", &["off", "on"]),
    ("level", &["leaf", "intermediate"]),
    ("handshake", &[]),
];

impl FromStr for Dimension {
    type Err = String;

    fn from_str(text: &str) -> Result<Dimension, String> {
        let (name, value) = text.split_once('=').map_or((text, None), |(n, v)| (n, Some(v)));
        let Some((name, values)) = ALL.iter().find(|(known, _)| *known == name) else {
            let valid = "tls, resumption, level and handshake";
            return Err(format!("there is no crossing `{name}`: there are {valid}"));
        };
        let values: Vec<&str> =
            values.iter().copied().filter(|v| value.is_none_or(|wanted| wanted == *v)).collect();
        match value {
            Some(wrong) if values.is_empty() => {
                Err(format!("`{name}` has no value `{wrong}`: leave `={wrong}` out for all"))
            }
            _ => Ok(Dimension { name, values }),
        }
    }
}

/// One value of each dimension.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crossing(Vec<(&'static str, &'static str)>);

impl fmt::Display for Crossing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each: Vec<String> = self.0.iter().map(|(name, v)| format!("{name}={v}")).collect();
        f.write_str(&each.join(","))
    }
}

/// Every combination, in order; one that is empty where nothing is crossed.
pub fn crossings(dimensions: &[Dimension]) -> Vec<Crossing> {
    let mut all = vec![Crossing::default()];
    for dimension in dimensions.iter().filter(|d| d.name != "handshake") {
        all = all
            .into_iter()
            .flat_map(|crossing| {
                dimension.values.iter().map(move |value| {
                    let mut longer = crossing.clone();
                    longer.0.push((dimension.name, value));
                    longer
                })
            })
            .collect();
    }
    all
}

/// Whether handshakes during the fault are told apart.
pub fn tells_handshakes(dimensions: &[Dimension]) -> bool {
    dimensions.iter().any(|d| d.name == "handshake")
}

impl Crossing {
    /// Whether nothing is crossed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As [`super::Cell::crossing`] has it.
    pub fn words(&self) -> Option<String> {
        (!self.is_empty()).then(|| self.to_string())
    }

    /// The scenario with this set.
    ///
    /// # Errors
    ///
    /// Why it does not apply to the scenario, in words.
    pub fn over(&self, scenario: &Scenario) -> Result<Scenario, String> {
        if self.is_empty() {
            return Ok(scenario.clone());
        }
        let mut text = format!("{}\n[variant.crossed]\n", scenario.resolved);
        for (name, value) in &self.0 {
            text.push_str(&overlay(scenario, name, value)?);
        }
        let read = scenario::from_text(&scenario.name, &text)
            .map_err(|_| format!("`{self}` does not go with what the scenario says"))?;
        let crossed = read.into_iter().next().ok_or("there is nothing to run in it")?;
        let own = scenario.variant.as_deref().unwrap_or("default");
        let label = self.to_string().replace(['=', ','], "-");
        Ok(Scenario { variant: Some(format!("{own}+{label}").into()), ..crossed })
    }
}

fn overlay(scenario: &Scenario, name: &str, value: &str) -> Result<String, String> {
    let clients = || scenario.clients.keys();
    Ok(match name {
        "tls" => {
            let suts = scenario.suts.keys().map(|sut| format!("sut.{sut}.tls = \"1.3\"\n"));
            let each = clients().map(|client| format!("clients.{client}.tls = \"{value}\"\n"));
            suts.chain(each).collect()
        }
        "resumption" => {
            let session = if value == "on" { "resumed" } else { "fresh" };
            clients().map(|client| format!("clients.{client}.session = \"{session}\"\n")).collect()
        }
        "level" if value == "intermediate" => raised(scenario)?,
        _ => String::new(),
    })
}

/// All faults, each on the endpoint of the same kind of the CA above.
fn raised(scenario: &Scenario) -> Result<String, String> {
    let mut text = String::new();
    for (name, fault) in &scenario.faults {
        let ca = &fault.on.ca;
        let parent = scenario.cas.get(ca).and_then(|ca| ca.parent.as_ref());
        let parent = parent.ok_or_else(|| format!("there is no CA above `{ca}`"))?;
        let endpoint = match fault.on.endpoint {
            Endpoint::All => "",
            Endpoint::Crl => ".crl",
            Endpoint::Base => ".base",
            Endpoint::Delta => ".delta",
            Endpoint::Ocsp => ".ocsp",
            Endpoint::Issuer => ".issuer",
        };
        if let Some(why) = offers_none(scenario, parent, fault.on.endpoint) {
            return Err(why);
        }
        text.push_str(&format!("fault.{name}.on = \"{parent}{endpoint}\"\n"));
    }
    if text.is_empty() { Err("it has no fault to move".to_owned()) } else { Ok(text) }
}

/// Why a fault on this endpoint of a CA would meet nobody; none: it can be met.
fn offers_none(scenario: &Scenario, ca: &str, endpoint: Endpoint) -> Option<String> {
    let ca = scenario.cas.get(ca)?;
    let what = match endpoint {
        Endpoint::Ocsp if ca.aia.ocsp.is_empty() => "names no OCSP responder for what it issues",
        Endpoint::Delta if ca.crl.delta_period.is_none() => "publishes no delta CRLs",
        _ => return None,
    };
    Some(format!("the CA above, `{}`, {what}", ca.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(more: &str) -> Scenario {
        let text = format!(
            "format = 1\ntitle = \"t\"\nstart = \"2024-03-01T00:00:00Z\"\nduration = \"1h\"\n\
             [ca.root]\n[ca.issuing]\nparent = \"root\"\n[sut.web]\n[clients.users]\nevery = \"1m\"\n{more}"
        );
        scenario::from_text("t", &text).unwrap().remove(0)
    }

    fn only(text: &str) -> Crossing {
        crossings(&[text.parse().unwrap()]).remove(0)
    }

    #[test]
    fn every_combination_is_there_once() {
        let both: Vec<Dimension> =
            ["tls", "handshake", "resumption=on"].map(|d| d.parse().unwrap()).into();
        let all: Vec<String> = crossings(&both).iter().map(Crossing::to_string).collect();
        assert_eq!(all, ["tls=1.2,resumption=on", "tls=1.3,resumption=on"]);
        assert!(tells_handshakes(&both));
        assert_eq!(crossings(&[]), [Crossing::default()]);
    }

    #[test]
    fn what_cannot_be_crossed_is_said() {
        assert!("tsl".parse::<Dimension>().unwrap_err().contains("there are tls"));
        assert!("tls=1.1".parse::<Dimension>().unwrap_err().contains("no value `1.1`"));
    }

    #[test]
    fn a_crossing_changes_what_it_names() {
        let plain = scenario("");
        let crossed = only("tls=1.3").over(&plain).unwrap();
        assert_eq!(crossed.clients["users"].tls, revlab_lab::trace::TlsVersion::V1_3);
        assert_eq!(crossed.variant.as_deref(), Some("default+tls-1.3"));
        let resumed = only("resumption=on").over(&plain).unwrap();
        assert_ne!(resumed.clients["users"].session, plain.clients["users"].session);
    }

    #[test]
    fn a_level_moves_the_faults_to_the_ca_above_where_there_is_one() {
        let low = scenario("[fault.off]\non = \"issuing.crl\"\ndown = {}\n");
        let high = only("level=intermediate").over(&low).unwrap();
        assert_eq!(&*high.faults["off"].on.ca, "root");
        let top = scenario("[fault.off]\non = \"root.crl\"\ndown = {}\n");
        let why = only("level=intermediate").over(&top).unwrap_err();
        assert_eq!(why, "there is no CA above `root`");
        assert!(only("level=intermediate").over(&scenario("")).is_err());
        let ocsp = scenario("[fault.off]\non = \"issuing.ocsp\"\ndown = {}\n");
        let why = only("level=intermediate").over(&ocsp).unwrap_err();
        assert_eq!(why, "the CA above, `root`, names no OCSP responder for what it issues");
    }
}
