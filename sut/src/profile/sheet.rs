//! A profile as data: a TOML file that gives each parameter a value, its evidence and its source.
//!
//! A file gives all of them, or extends another and gives those that differ.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use serde::Deserialize;
use toml::Spanned;

use super::parameter::{Evidence, OwnedValue};
use super::{Hypothesis, Parameters, Update};

/// The built-in files, those that others extend first.
const FILES: [(&str, &str); 8] = [
    ("windows-2008r2", include_str!("../../profiles/windows-2008r2.toml")),
    ("windows-2003", include_str!("../../profiles/windows-2003.toml")),
    ("windows-2012r2", include_str!("../../profiles/windows-2012r2.toml")),
    ("windows-10", include_str!("../../profiles/windows-10.toml")),
    ("rfc5280-strict", include_str!("../../profiles/rfc5280-strict.toml")),
    ("soft-fail", include_str!("../../profiles/soft-fail.toml")),
    ("ocsp-only", include_str!("../../profiles/ocsp-only.toml")),
    ("crl-only", include_str!("../../profiles/crl-only.toml")),
];

static LIBRARY: LazyLock<Vec<Arc<Sheet>>> = LazyLock::new(|| {
    let mut library: Vec<Arc<Sheet>> = Vec::new();
    for (name, text) in FILES {
        let sheet = Sheet::read_beside(&library, name, text);
        library.push(Arc::new(sheet.expect("a built-in profile is in order")));
    }
    library
});

/// What a profile's file says, what it extends included.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    name: String,
    title: String,
    extends: Option<String>,
    hypothesis: Hypothesis,
    updates: Vec<Update>,
    given: BTreeMap<&'static str, Given>,
    parameters: Parameters,
}

/// A value of a profile, and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// The value as the file writes it.
    value: OwnedValue,
    /// How well it is known.
    pub evidence: Evidence,
    /// Where it comes from: a paragraph of the fact sheet, an RFC section.
    pub source: String,
    /// The profile whose file gives it.
    pub by: String,
}

/// What is wrong with a profile's file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SheetError {
    /// In words.
    pub message: String,
    /// Where in the text, in bytes; none: it is about the file as a whole.
    pub at: Option<Range<usize>>,
}

impl SheetError {
    /// Line and column in the text, both from 1, columns in characters.
    pub fn place(&self, text: &str) -> Option<(usize, usize)> {
        let before = text.get(..self.at.as_ref()?.start)?;
        let line = before.rsplit('\n').next().unwrap_or_default();
        Some((before.matches('\n').count() + 1, line.chars().count() + 1))
    }
}

/// The file as TOML has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    extends: Option<Spanned<String>>,
    hypothesis: Option<Spanned<String>>,
    updates: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    parameters: BTreeMap<Spanned<String>, Spanned<Row>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    value: OwnedValue,
    documented: Option<String>,
    reported: Option<String>,
    inferred: Option<String>,
}

impl Sheet {
    /// The built-in profiles, those that others extend first.
    pub fn library() -> &'static [Arc<Sheet>] {
        &LIBRARY
    }

    /// The built-in profile with this name.
    pub fn named(name: &str) -> Option<Arc<Sheet>> {
        LIBRARY.iter().find(|sheet| sheet.name == name).cloned()
    }

    /// Reads a user's file; `name` is what reports call it. It may extend a built-in profile.
    ///
    /// ```
    /// use revlab_sut::profile::Sheet;
    /// let text = r#"
    ///     title = "our servers: a grace of two hours"
    ///     extends = "windows-10"
    ///     [parameters]
    ///     crl_validity_extension = { value = "2h", reported = "our group policy" }
    /// "#;
    /// let sheet = Sheet::read("ours", text).unwrap();
    /// assert_eq!(sheet.given("crl_validity_extension").unwrap().source, "our group policy");
    /// ```
    ///
    /// # Errors
    ///
    /// It is not TOML, has a key too many, names a parameter that there is not or one with a value
    /// that it cannot take, or a value without exactly one evidence; it extends nothing and leaves
    /// parameters out.
    pub fn read(name: &str, text: &str) -> Result<Sheet, SheetError> {
        Sheet::read_beside(&LIBRARY, name, text)
    }

    fn read_beside(library: &[Arc<Sheet>], name: &str, text: &str) -> Result<Sheet, SheetError> {
        let file: File = toml::from_str(text)
            .map_err(|error| SheetError { message: error.message().into(), at: error.span() })?;
        let parent = file.extends.as_ref().map(|wanted| find(library, wanted)).transpose()?;
        let mut given = parent.map(|parent| parent.given.clone()).unwrap_or_default();
        for (key, row) in file.parameters {
            let info = Parameters::ALL.iter().find(|info| info.name == key.get_ref());
            let Some(info) = info else {
                let there_is = key.get_ref();
                let message = format!(
                    "there is no parameter `{there_is}`; `revlab profiles windows-2008r2` lists them"
                );
                return Err(SheetError { message, at: Some(key.span()) });
            };
            given.insert(info.name, read_row(name, info.name, row)?);
        }
        let hypothesis = match &file.hypothesis {
            Some(text) => choose(text, "hypothesis", &Hypothesis::NAMES)?,
            None => parent.map_or(Hypothesis::H0, |parent| parent.hypothesis),
        };
        let updates = match &file.updates {
            Some(texts) => texts.iter().map(|t| choose(t, "update", &Update::NAMES)).collect(),
            None => Ok(parent.map(|parent| parent.updates.clone()).unwrap_or_default()),
        };
        let parameters =
            Parameters::from_values(|name| given.get(name).map(|g| g.value.as_value()))
                .map_err(|message| SheetError { message, at: None })?;
        Ok(Sheet {
            name: name.to_owned(),
            title: file.title,
            extends: file.extends.map(Spanned::into_inner),
            hypothesis,
            updates: updates?,
            given,
            parameters,
        })
    }

    /// Its name in scenarios.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it models.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The profile that gives what its own file does not.
    pub fn extends(&self) -> Option<&str> {
        self.extends.as_deref()
    }

    /// The hypothesis in force unless a scenario says otherwise.
    pub fn hypothesis(&self) -> Hypothesis {
        self.hypothesis
    }

    /// The updates that there are for it.
    pub fn updates(&self) -> &[Update] {
        &self.updates
    }

    /// What a parameter rests on; none: there is no such parameter.
    pub fn given(&self, parameter: &str) -> Option<&Given> {
        self.given.get(parameter)
    }

    /// The values, without hypothesis and updates.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }
}

fn read_row(by: &str, parameter: &str, row: Spanned<Row>) -> Result<Given, SheetError> {
    let at = row.span();
    let row = row.into_inner();
    if let Err(why) = Parameters::check(parameter, row.value.as_value()) {
        return Err(SheetError { message: format!("`{parameter}`: {why}"), at: Some(at) });
    }
    let mut claims = [
        (Evidence::Documented, row.documented),
        (Evidence::Reported, row.reported),
        (Evidence::Inferred, row.inferred),
    ]
    .into_iter()
    .filter_map(|(evidence, source)| source.map(|source| (evidence, source)));
    match (claims.next(), claims.next()) {
        (Some((evidence, source)), None) => {
            Ok(Given { value: row.value, evidence, source, by: by.to_owned() })
        }
        _ => Err(SheetError {
            message:
                "a value needs one of `documented`, `reported` and `inferred`, with its source"
                    .into(),
            at: Some(at),
        }),
    }
}

fn find<'a>(
    library: &'a [Arc<Sheet>],
    wanted: &Spanned<String>,
) -> Result<&'a Arc<Sheet>, SheetError> {
    let found = library.iter().find(|sheet| sheet.name == *wanted.get_ref());
    found.ok_or_else(|| unknown(wanted, "profile", library.iter().map(|s| s.name.as_str())))
}

fn choose<T: Copy>(
    text: &Spanned<String>,
    what: &str,
    names: &[(&'static str, T)],
) -> Result<T, SheetError> {
    let found = names.iter().find(|(name, _)| name == text.get_ref());
    found
        .map(|(_, value)| *value)
        .ok_or_else(|| unknown(text, what, names.iter().map(|(name, _)| *name)))
}

fn unknown<'a>(
    text: &Spanned<String>,
    what: &str,
    there_are: impl Iterator<Item = &'a str>,
) -> SheetError {
    let there_are: Vec<&str> = there_are.collect();
    let is = text.get_ref();
    SheetError {
        message: format!("there is no {what} `{is}`; there are `{}`", there_are.join("`, `")),
        at: Some(text.span()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let error = Sheet::read("mine", text).unwrap_err();
        let at = error.at.clone().and_then(|at| text.get(at)).unwrap_or("the file").to_owned();
        format!("{at}: {error}")
    }

    #[test]
    fn every_built_in_profile_gives_every_parameter_with_a_source() {
        for sheet in Sheet::library() {
            for info in Parameters::ALL {
                let given = sheet.given(info.name).unwrap();
                assert!(!given.source.is_empty(), "{} {}", sheet.name, info.name);
            }
            assert_eq!(sheet.given.len(), Parameters::ALL.len(), "{}", sheet.name);
        }
    }

    #[test]
    fn a_file_may_give_what_differs_and_what_it_extends_gives_the_rest() {
        let text = "title = \"t\"\nextends = \"windows-10\"\n[parameters]\n\
                    prefetch = { value = false, reported = \"a blog\" }\n";
        let sheet = Sheet::read("mine", text).unwrap();
        assert!(!sheet.parameters().prefetch);
        assert_eq!(sheet.given("prefetch").unwrap().by, "mine");
        assert_eq!(sheet.given("user_agent").unwrap().by, "windows-10");
        assert_eq!(sheet.given("url_timeout").unwrap().by, "windows-2008r2");
        assert_eq!((sheet.extends(), sheet.hypothesis()), (Some("windows-10"), Hypothesis::H0));
    }

    #[test]
    fn each_mistake_is_named_where_it_stands() {
        let said = [
            "title = ",
            "title = \"t\"\n",
            "title = \"t\"\nextends = \"windows-95\"\n",
            "title = \"t\"\nextends = \"windows-10\"\nhypothesis = \"H9\"\n",
            "title = \"t\"\nextends = \"windows-10\"\nupdates = [\"KB1\"]\n",
            "title = \"t\"\nextends = \"windows-10\"\ncolour = 1\n",
            "title = \"t\"\nextends = \"windows-10\"\n[parameters]\nprefetsch = { value = true, inferred = \"x\" }\n",
            "title = \"t\"\nextends = \"windows-10\"\n[parameters]\nprefetch = { value = true }\n",
            "title = \"t\"\nextends = \"windows-10\"\n[parameters]\nprefetch = { value = true, inferred = \"x\", reported = \"y\" }\n",
            "title = \"t\"\nextends = \"windows-10\"\n[parameters]\nprefetch = { value = 1, inferred = \"x\" }\n",
        ];
        insta::assert_snapshot!(said.map(refused).join("\n"), @r#"
        : string values must be quoted, expected literal string
        the file: 99 values are missing, the first is `staple`: give them, or extend a profile
        "windows-95": there is no profile `windows-95`; there are `windows-2008r2`, `windows-2003`, `windows-2012r2`, `windows-10`, `rfc5280-strict`, `soft-fail`, `ocsp-only`, `crl-only`
        "H9": there is no hypothesis `H9`; there are `H0`, `H1a`, `H1b`, `H1c`, `H1d`, `H2`, `H4`, `H5`
        "KB1": there is no update `KB1`; there are `KB2666300`
        colour: unknown field `colour`, expected one of `title`, `extends`, `hypothesis`, `updates`, `parameters`
        prefetsch: there is no parameter `prefetsch`; `revlab profiles windows-2008r2` lists them
        { value = true }: a value needs one of `documented`, `reported` and `inferred`, with its source
        { value = true, inferred = "x", reported = "y" }: a value needs one of `documented`, `reported` and `inferred`, with its source
        { value = 1, inferred = "x" }: `prefetch`: `true` or `false` is needed
        "#);
    }
}
