//! What a program is started from: files and command lines, made of templates.

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior};

use super::{Adapter, AdapterError, Profile};

/// What templates are told.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Values {
    /// Its folder.
    pub dir: String,
    /// Where it listens.
    pub address: String,
    /// At which port.
    pub port: u16,
    /// Its name in its certificate.
    pub host: String,
    /// The name server of the lab, as `127.0.0.53:53`.
    pub resolver: String,
    /// The plain HTTP server behind it, as `127.0.0.1:8080`.
    pub backend: String,
    /// The highest version of TLS: `1.2` or `1.3`.
    pub tls: String,
    /// Whether sessions may be resumed.
    pub resumption: bool,
    /// The first OCSP URL in the clients' certificates.
    pub ocsp_url: String,
    /// Whether there is a `chain.pem` to be sent behind the server's own certificate.
    pub chained: bool,
    /// The account that workers of a server started by root run as; empty where revlab is not run by
    /// root.
    pub user: String,
    /// The group of that account.
    pub group: String,
    /// Of a probe: the client's certificate, its issuers and its key, as files.
    pub client: String,
    /// The same with the issuers behind it.
    pub client_chain: String,
    /// The client's key.
    pub client_key: String,
    /// The CRL files, one for each CA, in order of name.
    pub crls: Vec<String>,
    /// The files of the CAs' certificates, one for each, in order of name: roots first.
    pub cas: Vec<String>,
    /// Those of them that are roots.
    pub roots: Vec<String>,
    /// The text of the file with all CRLs.
    pub crl_text: String,
}

/// Texts by the names of their files.
pub type Files = BTreeMap<String, String>;

impl Adapter {
    /// The files that it is started from.
    ///
    /// # Errors
    ///
    /// A template that cannot be filled in.
    pub fn files(&self, profile: &Profile, values: &Values) -> Result<Files, AdapterError> {
        let mut files = Files::new();
        for (file, template) in &self.files {
            let text = self.templates.get(template).map_or("", String::as_str);
            files.insert(file.clone(), fill(template, text, profile, values)?);
        }
        Ok(files)
    }

    /// A command line; words that come out empty are left out.
    ///
    /// # Errors
    ///
    /// A template that cannot be filled in.
    pub fn words(
        words: &[String],
        profile: &Profile,
        values: &Values,
    ) -> Result<Vec<String>, AdapterError> {
        let filled = words.iter().map(|word| fill(word, word, profile, values));
        let filled: Vec<String> = filled.collect::<Result<_, _>>()?;
        // One that is made of several words has a line for each.
        let split = filled.iter().flat_map(|word| word.split('\n'));
        Ok(split.filter(|word| !word.is_empty()).map(str::to_owned).collect())
    }
}

impl Adapter {
    /// A text.
    ///
    /// # Errors
    ///
    /// A template that cannot be filled in.
    pub fn text(
        template: &str,
        profile: &Profile,
        values: &Values,
    ) -> Result<String, AdapterError> {
        fill(template, template, profile, values)
    }
}

fn fill(
    name: &str,
    template: &str,
    profile: &Profile,
    values: &Values,
) -> Result<String, AdapterError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_keep_trailing_newline(true);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    let values = minijinja::context! {
        set => minijinja::Value::from_serialize(&profile.set),
        ..minijinja::Value::from_serialize(values)
    };
    environment
        .render_named_str(name, template, values)
        .map_err(|e| AdapterError::Template { name: name.to_owned(), why: e.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> Profile {
        let set = toml::toml! { check = "leaf" };
        Profile { about: String::new(), crl_files: false, set }
    }

    #[test]
    fn words_are_filled_in_and_empty_ones_left_out() {
        let values = Values { port: 8443, crls: vec!["a".into(), "b".into()], ..Values::default() };
        let words = [
            "-p",
            "{{port}}",
            "{% if tls == '1.2' %}-old{% endif %}",
            "{% for c in crls %}--crl\n{{c}}\n{% endfor %}",
            "{{set.check}}",
        ];
        let words = words.map(str::to_owned);
        let filled = Adapter::words(&words, &profile(), &values).unwrap();
        assert_eq!(filled, ["-p", "8443", "--crl", "a", "--crl", "b", "leaf"]);
    }

    #[test]
    fn what_is_not_there_is_said() {
        let error = Adapter::words(&["{{set.chekc}}".into()], &profile(), &Values::default());
        let error = error.unwrap_err().to_string();
        assert!(error.contains("undefined value"), "{error}");
    }
}
