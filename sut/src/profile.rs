//! How a system under test checks revocation: named parameters, each with its source.
//!
//! What is documented, what third parties report and what revlab infers are kept apart: every value
//! of a [`Sheet`] says which it is. A [hypothesis](Hypothesis) is a named set of the inferred ones.

mod hypothesis;
mod parameter;
mod parameters;
mod sheet;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use hypothesis::Hypothesis;
pub use parameter::{Evidence, Info, Value, ValueError};
pub use parameters::{
    BaseRetry, CheckScope, CrlScopes, CrlSigner, EntryScope, ExpiredDelta, OcspAfterCrl,
    OcspErrorMark, OcspNonce, OlderDelta, Parameters, RefetchAfterNextPublish, SkipCrl, StapleUse,
};
pub use sheet::{Given, Sheet, SheetError};

/// A profile with everything applied: what a SUT does.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    sheet: Arc<Sheet>,
    hypothesis: Hypothesis,
    updates: Vec<Update>,
    /// What was set by name, in order: kept so that another hypothesis can be put below it.
    settings: Vec<(String, parameter::OwnedValue)>,
    parameters: Parameters,
}

/// A patch that changes what a profile does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// The hotfix of the incident. What it changes inside is inferred: the CDP is never skipped
    /// because of OCSP, and nothing but the URL that failed is marked offline (fact sheet §7.3).
    Kb2666300,
}

impl Update {
    /// All updates with their names in scenarios.
    pub const NAMES: [(&'static str, Update); 1] = [("KB2666300", Update::Kb2666300)];

    /// Its name in scenarios.
    pub fn as_str(self) -> &'static str {
        name_of(&Update::NAMES, self)
    }
}

impl Profile {
    /// The profile, under a hypothesis about its undocumented mechanism, with these updates.
    pub fn new(sheet: Arc<Sheet>, hypothesis: Hypothesis, updates: Vec<Update>) -> Profile {
        let mut parameters = sheet.parameters().clone();
        hypothesis.apply(&mut parameters);
        for update in &updates {
            match update {
                Update::Kb2666300 => parameters.apply_kb2666300(),
            }
        }
        Profile { sheet, hypothesis, updates, settings: Vec::new(), parameters }
    }

    /// The same profile, updates and settings under another hypothesis.
    pub fn with_hypothesis(&self, hypothesis: Hypothesis) -> Profile {
        let mut profile = Profile::new(self.sheet.clone(), hypothesis, self.updates.clone());
        for (name, value) in &self.settings {
            // It could be set before, and what can be set does not depend on the hypothesis.
            let _ = profile.set(name, value.as_value());
        }
        profile
    }

    /// The parameters in force.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Its hypothesis.
    pub fn hypothesis(&self) -> Hypothesis {
        self.hypothesis
    }

    /// Its name in scenarios.
    pub fn name(&self) -> &str {
        self.sheet.name()
    }

    /// What its file says.
    pub fn sheet(&self) -> &Sheet {
        &self.sheet
    }

    /// Sets one parameter by name, on top of profile, hypothesis and updates.
    ///
    /// # Errors
    ///
    /// No such parameter, or a value that it cannot take.
    pub fn set(&mut self, name: &str, value: Value<'_>) -> Result<(), ValueError> {
        self.parameters.set(name, value)?;
        self.settings.push((name.to_owned(), value.into()));
        Ok(())
    }

    /// Name, hypothesis, updates and every parameter, for the trace's header.
    pub fn describe(&self) -> BTreeMap<String, serde_json::Value> {
        let mut map = self.parameters.describe();
        map.insert("profile".into(), self.name().into());
        map.insert("hypothesis".into(), self.hypothesis.as_str().into());
        let updates: Vec<_> = self.updates.iter().map(|u| u.as_str()).collect();
        map.insert("updates".into(), updates.into());
        map
    }
}

/// The name of `value` in a table of names.
fn name_of<T: PartialEq + Copy>(names: &[(&'static str, T)], value: T) -> &'static str {
    names.iter().find(|(_, v)| *v == value).map_or("", |(n, _)| n)
}
