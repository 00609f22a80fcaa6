//! Real servers as systems under test, as data: what is run, from which files, and what its words mean.
//!
//! An adapter is a folder: `adapter.toml`, and the templates that it names. Those of
//! [`Adapter::shipped`] are built in; anybody can have more beside a scenario. Nothing here starts
//! anything.
//!
//! Two kinds: a *server* listens and is probed by the lab's clients; a *verifier* is a command for
//! each verdict. One that has both a server and a probe, such as FreeRADIUS with `eapol_test`, is a server
//! that speaks no TLS of its own.

mod outcome;
mod shipped;
mod template;
mod words;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use outcome::{Probe, Says, Verdict};
pub use template::{Files, Values};
pub use words::{Clockwork, Heard, TimeTold, Where};

use words::Reason;

/// What is known of a program that can be a system under test.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adapter {
    /// What it is and what it shows, in a line or two.
    pub about: String,
    /// Debian's packages.
    pub packages: Vec<String>,
    /// What must be on the path.
    pub programs: Vec<String>,
    /// How it tells its version.
    pub version: Version,
    /// The kinds of CAs' keys whose signatures it can verify, by their names in scenarios; none: all.
    #[serde(default)]
    pub keys: Vec<String>,
    /// What listens; none: nothing runs between two attempts.
    pub server: Option<Server>,
    /// A command for each attempt; none: the lab's clients connect.
    pub probe: Option<Probe>,
    /// How it takes lab time, and shows that it does.
    #[serde(default)]
    pub time: Time,
    /// How it finds the CAs.
    #[serde(default)]
    pub names: Names,
    /// Written into its folder: the file, by the template that it is made from.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Files and folders of the system that are its own folder's in its eyes: the path, by the one below
    /// its folder.
    #[serde(default)]
    pub binds: BTreeMap<String, String>,
    /// Commands that are run in its folder before it is started.
    #[serde(default)]
    pub prepare: Vec<Vec<String>>,
    /// Commands that are run in its folder when CRL files have changed, and before it is started.
    #[serde(default)]
    pub publish: Vec<Vec<String>>,
    /// What beside alerts, 401 and 403 is a refusal.
    #[serde(default)]
    pub refuses: Refuses,
    /// Lines of its log that say why.
    #[serde(default)]
    pub reason: Vec<Reason>,
    /// What of a profile's options is otherwise where revocation is not checked; none: that cannot be
    /// switched off.
    pub unchecked: Option<toml::Table>,
    /// The profile that is meant where none is named.
    pub default: String,
    /// Its options, by name.
    pub profiles: BTreeMap<String, Profile>,
    /// The templates by their names.
    #[serde(skip)]
    pub templates: BTreeMap<String, String>,
}

/// How a program tells its version.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// What is run.
    pub run: Vec<String>,
    /// What of its output is the version: a regular expression, whose first group counts where it has
    /// one.
    pub line: String,
}

/// A server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// What is run, in the foreground.
    pub run: Vec<String>,
    /// The line of its log by which it is ready: a regular expression. None: it is ready when something
    /// listens at its port.
    pub ready: Option<String>,
    /// The files below its folder that it logs to, beside its output.
    #[serde(default)]
    pub logs: Vec<String>,
    /// How it takes up changed files; none: it has to be started again.
    pub reload: Option<Reload>,
    /// The signal that asks it to end.
    #[serde(default)]
    pub stop: Signal,
    /// Whether it needs a plain HTTP server behind it, whose address is `backend`.
    #[serde(default)]
    pub backend: bool,
    /// How long clients over TLS 1.3 listen before they send, in milliseconds: a refusal comes then.
    /// 300 unless given.
    pub listen_ms: Option<u32>,
    /// Environment variables beside those of lab time.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
}

/// How a server takes up changed files: by one of these.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reload {
    /// By this signal.
    pub signal: Option<Signal>,
    /// By this command, run in its folder.
    pub run: Option<Vec<String>>,
    /// Whether it takes up another configuration by that too. Otherwise it has to be started again.
    #[serde(default)]
    pub configuration: bool,
    /// By lines to its admin socket, a Unix socket below its folder.
    pub socket: Option<String>,
    /// What the socket is told, each line a template, one connection for each.
    #[serde(default)]
    pub say: Vec<String>,
    /// The line of its log by which it has taken them up, or has not: a regular expression. None: it has
    /// at once.
    pub done: Option<String>,
    /// The line of its log, or of its socket's answer, by which it has not: a regular expression, whose
    /// first group counts where it has one.
    pub refused: Option<String>,
}

/// A signal, by its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Signal {
    /// Hang up.
    #[serde(rename = "HUP")]
    Hup,
    /// Interrupt.
    #[serde(rename = "INT")]
    Int,
    /// Quit.
    #[serde(rename = "QUIT")]
    Quit,
    /// Terminate.
    #[default]
    #[serde(rename = "TERM")]
    Term,
    /// The first one of a program's own.
    #[serde(rename = "USR1")]
    Usr1,
    /// Kill: for what heeds none.
    #[serde(rename = "KILL")]
    Kill,
}

/// How a program takes lab time.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Time {
    /// Whether its monotonic clock is lab time too. Otherwise its timers are real.
    #[serde(default)]
    pub monotonic: Monotonic,
    /// Whether its clock goes on between two settings, at the pace of the wall, or stands still.
    #[serde(default)]
    pub runs: bool,
    /// Whether it sets no time-out on what it fetches: then lab time may jump while it waits. Otherwise
    /// what is held back is held back in real time.
    #[serde(default)]
    pub patient: bool,
    /// Where it tells the time; none: it never does, and only that the library is loaded can be looked
    /// at.
    pub told: Option<TimeTold>,
}

/// What the monotonic clock of a program is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Monotonic {
    /// The system's.
    #[default]
    Real,
    /// Lab time.
    Lab,
}

/// How a program finds the CAs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Names {
    /// By the system's resolver, or by a name server that its configuration names (`resolver`).
    #[default]
    Dns,
    /// Through the proxy that `http_proxy` names: it needs no names.
    Proxy,
    /// It asks no CA.
    None,
}

/// What of a server's behaviour is a refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refuses {
    /// These HTTP statuses.
    #[serde(default)]
    pub status: Vec<u16>,
}

/// A set of options.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What it is, in a line.
    pub about: String,
    /// Whether it reads CRLs from files, which a publisher has to bring.
    #[serde(default)]
    pub crl_files: bool,
    /// What the templates are told, as `set.NAME`.
    #[serde(default)]
    pub set: toml::Table,
}

/// What is wrong with an adapter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdapterError {
    /// Its description cannot be read.
    #[error("{file}: {why}")]
    Description {
        /// Which file.
        file: String,
        /// Place and reason.
        why: String,
    },
    /// A template that is not there or cannot be read.
    #[error("{name}: {why}")]
    Template {
        /// The template.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// A regular expression that is none.
    #[error("`{pattern}` is no regular expression: {why}")]
    Pattern {
        /// What stands there.
        pattern: String,
        /// What is wrong.
        why: String,
    },
}

impl Adapter {
    /// The name of an adapter's description.
    pub const FILE: &'static str = "adapter.toml";

    /// Reads a description, with the templates that lie beside it.
    ///
    /// # Errors
    ///
    /// It cannot be read, or names what is not there; with place and reason.
    pub fn read(
        file: &str,
        text: &str,
        templates: BTreeMap<String, String>,
    ) -> Result<Adapter, AdapterError> {
        let wrong = |why: String| AdapterError::Description { file: file.to_owned(), why };
        let mut adapter: Adapter = toml::from_str(text)
            .map_err(|e| wrong(format!("{}{}", place(text, e.span()), e.message())))?;
        adapter.templates = templates;
        adapter.check().map_err(|e| wrong(e.to_string()))?;
        Ok(adapter)
    }

    /// Whether each attempt is a command, and nothing listens.
    pub fn is_verifier(&self) -> bool {
        self.server.is_none()
    }

    /// The profile of this name; none named: the default one.
    pub fn profile(&self, name: Option<&str>) -> Option<(&str, &Profile)> {
        let name = name.unwrap_or(&self.default);
        self.profiles.get_key_value(name).map(|(name, profile)| (name.as_str(), profile))
    }

    /// A profile's options when revocation is checked, or not any more. None: it cannot be switched off.
    pub fn options(&self, profile: &Profile, checked: bool) -> Option<Profile> {
        let mut options = profile.clone();
        if !checked {
            options.set.extend(self.unchecked.clone()?);
        }
        Some(options)
    }

    fn check(&self) -> Result<(), AdapterError> {
        let bare =
            |why: &str| AdapterError::Template { name: "adapter".to_owned(), why: why.into() };
        if self.server.is_none() && self.probe.is_none() {
            return Err(bare("it has neither `server` nor `probe`: nothing would be asked"));
        }
        if !self.profiles.contains_key(&self.default) {
            let there: Vec<_> = self.profiles.keys().map(String::as_str).collect();
            let (default, there) = (&self.default, there.join("`, `"));
            return Err(bare(&format!(
                "`default = \"{default}\"` is no profile: there are `{there}`"
            )));
        }
        let missing = self.files.values().find(|file| !self.templates.contains_key(*file));
        if let Some(name) = missing {
            let why = "there is no such template beside `adapter.toml`".to_owned();
            return Err(AdapterError::Template { name: name.clone(), why });
        }
        words::pattern(&self.version.line)?;
        if let Some(ready) = self.server.as_ref().and_then(|server| server.ready.as_ref()) {
            words::pattern(ready)?;
        }
        let reload = self.server.as_ref().and_then(|server| server.reload.as_ref());
        let said = reload.into_iter().flat_map(|reload| [&reload.done, &reload.refused]);
        said.flatten().try_for_each(|line| words::pattern(line).map(drop))?;
        if let Some(told) = &self.time.told {
            words::pattern(&told.pattern)?;
        }
        self.reason.iter().try_for_each(|reason| words::pattern(&reason.pattern).map(drop))?;
        self.probe.iter().flat_map(|probe| &probe.says).try_for_each(Says::check)
    }
}

/// `line 3, column 7: `, where a parser says where.
fn place(text: &str, span: Option<std::ops::Range<usize>>) -> String {
    let Some(before) = span.and_then(|span| text.get(..span.start)) else { return String::new() };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {line}, column {column}: ")
}

#[cfg(test)]
mod tests;
