//! A program that a run starts: its adapter, by name, and which of its profiles.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use revlab_sut::adapter::{Adapter, Profile};
use revlab_sut::config::SutOperation;

/// The folder of adapters beside a scenario.
const FOLDER: &str = "adapters";

/// The most that is read of an adapter's file, in bytes.
const MOST: u64 = 1 << 20;

/// A program with the profile that it is started with.
#[derive(Clone, Debug)]
pub struct Program {
    /// The adapter's name.
    pub name: String,
    /// The profile's name.
    pub profile: String,
    /// What is known of the program.
    pub adapter: Arc<Adapter>,
    /// Whether it lives in real time, because it cannot be told another.
    pub in_real_time: bool,
}

/// Why there is no such program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// No adapter has this name.
    #[error("there is no system under test `{name}`{hint} ({valid})", valid = super::Adapter::VALID)]
    Unknown {
        /// What was typed.
        name: String,
        /// The nearest name, in words.
        hint: String,
    },
    /// It has no such profile.
    #[error("`{adapter}` has no profile `{profile}`{hint}")]
    Profile {
        /// The adapter.
        adapter: String,
        /// What was typed.
        profile: String,
        /// The nearest name or all of them, in words.
        hint: String,
    },
    /// The adapter cannot be read.
    #[error("the adapter of `{name}` cannot be read: {why}")]
    Unreadable {
        /// The adapter.
        name: String,
        /// With the place.
        why: String,
    },
}

impl Program {
    /// Finds `NAME` or `NAME/PROFILE`: in the folder `adapters` of one of these folders, or built in.
    ///
    /// # Errors
    ///
    /// See [`ProgramError`].
    pub fn find(text: &str, beside: &[PathBuf]) -> Result<Program, ProgramError> {
        let (name, profile) = match text.split_once('/') {
            Some((name, profile)) => (name, Some(profile)),
            None => (text, None),
        };
        let adapter = match own(name, beside)? {
            Some(adapter) => adapter,
            None => built_in(name, beside)?,
        };
        let known = adapter.profile(profile).map(|(name, _)| name.to_owned());
        match known {
            Some(profile) => Ok(Program {
                name: name.into(),
                profile,
                adapter: Arc::new(adapter),
                in_real_time: false,
            }),
            None => {
                let profile = profile.unwrap_or_default().to_owned();
                let names = adapter.profiles.keys().map(String::as_str);
                let hint = crate::scenario::hint(&profile, names);
                Err(ProgramError::Profile { adapter: name.into(), profile, hint })
            }
        }
    }

    /// Every adapter that there is: by name, and whether it is built in.
    pub fn names(beside: &[PathBuf]) -> BTreeMap<String, bool> {
        let built_in = Adapter::shipped().into_iter().map(|name| (name.to_owned(), true));
        built_in.chain(own_names(beside).into_iter().map(|name| (name, false))).collect()
    }

    /// Why an administrator cannot do this to it, after "it is one that"; none: it can be done.
    pub fn cannot(&self, action: &SutOperation) -> Option<String> {
        match action {
            SutOperation::RestartService | SutOperation::Reboot => None,
            SutOperation::RevocationCheck { .. } if self.adapter.unchecked.is_some() => None,
            SutOperation::RevocationCheck { .. } => {
                Some(format!("`{}` has no options for (`unchecked` in its adapter)", self.name))
            }
            _ => Some("only the model can do".to_owned()),
        }
    }

    /// Its options.
    pub fn options(&self) -> &Profile {
        // There by construction.
        &self.adapter.profiles[&self.profile]
    }
}

/// By name and profile: what they stand for is the same within a command.
impl PartialEq for Program {
    fn eq(&self, other: &Program) -> bool {
        (&self.name, &self.profile) == (&other.name, &other.profile)
    }
}

impl Eq for Program {}

/// As `--sut` takes it.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.profile == self.adapter.default {
            true => f.write_str(&self.name),
            false => write!(f, "{}/{}", self.name, self.profile),
        }
    }
}

fn built_in(name: &str, beside: &[PathBuf]) -> Result<Adapter, ProgramError> {
    match Adapter::of_name(name) {
        Some(read) => read.map_err(|e| unreadable(name, &e)),
        None => {
            let names = Program::names(beside);
            let hint = crate::scenario::hint(name, names.keys().map(String::as_str));
            Err(ProgramError::Unknown { name: name.to_owned(), hint })
        }
    }
}

/// An adapter of somebody's own.
fn own(name: &str, beside: &[PathBuf]) -> Result<Option<Adapter>, ProgramError> {
    if !is_name(name) {
        return Ok(None);
    }
    let folders = beside.iter().map(|folder| folder.join(FOLDER).join(name));
    let Some(folder) = folders.into_iter().find(|f| f.join(Adapter::FILE).is_file()) else {
        return Ok(None);
    };
    let mut templates = files(&folder).map_err(|e| unreadable(name, &e))?;
    let text = templates.remove(Adapter::FILE).unwrap_or_default();
    let file = folder.join(Adapter::FILE).display().to_string();
    Adapter::read(&file, &text, templates).map(Some).map_err(|e| unreadable(name, &e))
}

fn own_names(beside: &[PathBuf]) -> Vec<String> {
    let folders = beside.iter().filter_map(|folder| fs::read_dir(folder.join(FOLDER)).ok());
    let there = folders.flatten().flatten().filter(|e| e.path().join(Adapter::FILE).is_file());
    there.filter_map(|entry| entry.file_name().into_string().ok()).filter(|n| is_name(n)).collect()
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\'])
}

/// The texts of a folder, by name.
fn files(folder: &Path) -> std::io::Result<BTreeMap<String, String>> {
    let mut read = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let wanted = entry.metadata()?;
        if wanted.is_file()
            && wanted.len() <= MOST
            && let Ok(name) = entry.file_name().into_string()
        {
            read.insert(name, fs::read_to_string(entry.path())?);
        }
    }
    Ok(read)
}

fn unreadable(name: &str, why: &dyn fmt::Display) -> ProgramError {
    ProgramError::Unreadable { name: name.to_owned(), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Program::find(text, &[]).unwrap_err().to_string()
    }

    #[test]
    fn a_program_is_found_with_its_profile() {
        let nginx = Program::find("nginx", &[]).unwrap();
        assert_eq!((nginx.to_string(), nginx.profile), ("nginx".to_owned(), "ocsp".to_owned()));
        assert_eq!(Program::find("nginx/crl", &[]).unwrap().to_string(), "nginx/crl");
    }

    #[test]
    fn what_is_not_there_is_said_with_what_is() {
        let there =
            "(adapters as NAME or NAME/PROFILE; beside them `model` and `https://HOST:PORT[?";
        let typo = error("ngnix");
        assert!(
            typo.starts_with("there is no system under test `ngnix`: did you mean `nginx`?"),
            "{typo}"
        );
        assert!(typo.contains(there), "{typo}");
        assert_eq!(error("nginx/clr"), "`nginx` has no profile `clr`: did you mean `crl`?");
        assert!(error("../nginx").contains("no system under test `..`"), "{}", error("../nginx"));
    }

    #[test]
    fn one_of_your_own_lies_beside_the_scenario_and_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let mine = folder.path().join("adapters/mine");
        fs::create_dir_all(&mine).unwrap();
        fs::write(mine.join("adapter.toml"), "about = 3").unwrap();
        let beside = [folder.path().to_owned()];
        let error = Program::find("mine", &beside).unwrap_err().to_string();
        let wanted = "adapters/mine/adapter.toml: line 1, column 9: invalid type: integer `3`";
        assert!(error.contains(wanted), "{error}");
        assert_eq!(Program::names(&beside).get("mine"), Some(&false));
    }
}
