//! What `--sut` names: what stands in for the model of the system under test.

mod program;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use revlab_lab::clock::Drift;
use revlab_lab::{Clock, Span};
use revlab_pki::KeyAlgorithm;
use revlab_sut::config::ClientCertificates;

use super::hooks::{Hooks, SET_CLOCK};
use crate::scenario::model::{OperationKind, Scenario};

/// What runs the system under test in place of the built-in model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adapter {
    /// A program that the run starts and stops, by its adapter.
    Program(Program),
    /// A server that somebody else has started.
    Elsewhere(Elsewhere),
}

pub use program::{Program, ProgramError};

/// A server that somebody else has started: `https://host:port?…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// Name or address that the clients connect to. The name in TLS is the scenario's.
    pub host: String,
    /// Its port; 443 unless given.
    pub port: u16,
    /// `clock=FILE`: the file from which the server takes its time, by libfaketime. Without it
    /// lab time is real time, and the run begins now.
    pub clock: Option<PathBuf>,
    /// `ca=PORT`: the port on 127.0.0.1 at which the CA answers; 0: one that is free.
    pub ca: u16,
    /// `for=SPAN`: the run stops after so much lab time; what lies behind is inconclusive.
    pub stop_after: Option<Span>,
    /// `ready=SPAN`: how long, in real time, the run waits for the server to listen. 10 s unless
    /// given, 10 min at most.
    pub ready: Span,
}

/// The longest scenario that is run in real time without [`Elsewhere::stop_after`].
const LONGEST: Span = Span::from_hours(1);

/// How long a run waits for the server unless told otherwise, and at most.
const READY: (Span, Span) = (Span::from_secs(10), Span::from_mins(10));

/// What is wrong with the text behind `--sut`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdapterError {
    /// It names no program that there is an adapter for.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// It is no address of a server.
    #[error("`{0}` is not the address of a server such as `https://127.0.0.1:8443`")]
    Address(String),
    /// An option that is not there.
    #[error("`{name}` is not an option of `https://…`{hint}")]
    Option {
        /// What was typed.
        name: String,
        /// The nearest valid name or all of them, in words.
        hint: String,
    },
    /// An option with a value that it cannot have.
    #[error("`{option}={value}`: {wanted}")]
    Value {
        /// Which option.
        option: &'static str,
        /// What was typed.
        value: String,
        /// What would be right.
        wanted: &'static str,
    },
}

impl Adapter {
    /// What `--sut` takes, for messages.
    pub const VALID: &'static str = "adapters as NAME or NAME/PROFILE; beside them `model` and \
         `https://HOST:PORT[?clock=FILE&ca=PORT&for=SPAN&ready=SPAN]`";

    /// What is behind `--sut`; none: the model. Adapters that are not built in are looked for in the
    /// folder `adapters` of each of these folders.
    ///
    /// # Errors
    ///
    /// See [`AdapterError`].
    pub fn parse(text: &str, beside: &[PathBuf]) -> Result<Option<Adapter>, AdapterError> {
        match text {
            "model" => Ok(None),
            _ if text.starts_with("https://") => Ok(Some(Adapter::Elsewhere(text.parse()?))),
            _ => Ok(Some(Adapter::Program(Program::find(text, beside)?))),
        }
    }

    /// The name in traces.
    pub fn name(&self) -> &str {
        match self {
            Adapter::Program(program) => &program.name,
            Adapter::Elsewhere(_) => "https",
        }
    }

    /// The program that the run starts, if it does.
    pub fn program(&self) -> Option<&Program> {
        match self {
            Adapter::Program(program) => Some(program),
            Adapter::Elsewhere(_) => None,
        }
    }

    /// Whether lab time is real time.
    pub fn in_real_time(&self) -> bool {
        match self {
            Adapter::Elsewhere(there) => there.clock.is_none(),
            Adapter::Program(program) => program.in_real_time,
        }
    }

    /// As it runs this scenario: in real time where that says so.
    pub fn of(&self, scenario: &Scenario) -> Adapter {
        let mut of = self.clone();
        if let Adapter::Program(program) = &mut of {
            program.in_real_time |= scenario.always_real;
        }
        of
    }

    /// Why a scenario is too long for real time, and what would be right.
    fn too_long(&self, scenario: &Scenario) -> String {
        let lasts = scenario.duration;
        let right = match self {
            Adapter::Elsewhere(_) => {
                "add `for=10m` to stop after ten minutes, or give the server lab time by `clock=FILE`"
            }
            Adapter::Program(_) if scenario.always_real => {
                "make it shorter, or leave `real_time.always` out"
            }
            Adapter::Program(_) => "give the program lab time (`libfaketime`)",
        };
        format!(
            "it lasts {lasts}, and that is real time: {right}, or have the scenario say by how much its times may \
             be divided (`real_time = {{ divide = 60 }}`)"
        )
    }

    /// How a command can do what it does not, where one can.
    fn or_hook(&self, what: &str) -> String {
        match self {
            Adapter::Elsewhere(_) => format!(": give a command for it, `--hook {what}=COMMAND`"),
            Adapter::Program(_) => String::new(),
        }
    }

    /// Why a scenario cannot be run with it; none: it can.
    pub fn refuses(&self, scenario: &Scenario) -> Option<String> {
        self.refuses_with(scenario, &Hooks::default())
    }

    /// The same where commands stand for operations on the server.
    pub fn refuses_with(&self, scenario: &Scenario, hooks: &Hooks) -> Option<String> {
        let sut = match scenario.suts.values().collect::<Vec<_>>()[..] {
            [sut] => sut,
            [] => return Some("it has no system under test".to_owned()),
            _ => {
                return Some(
                    "it has several systems under test, and `--sut` stands for one".into(),
                );
            }
        };
        for operation in scenario.operations.values() {
            let OperationKind::Sut(action) = &operation.action else { continue };
            let only = Some("only the model can do".to_owned());
            let why = self.program().map_or(only, |program| program.cannot(action));
            let what = super::operations::record(operation).what;
            if let Some(why) = why.filter(|_| hooks.of(&what).is_none()) {
                let name = &operation.name;
                let hook = self.or_hook(&what);
                return Some(format!("operation `{name}` is one that {why}{hook}"));
            }
        }
        let keys = self.program().map_or(&[][..], |program| &program.adapter.keys);
        let other = scenario.cas.values().find(|ca| {
            !keys.is_empty()
                && ca.imported.is_none()
                && !keys.iter().any(|key| key == key_name(ca.key))
        });
        if let Some(ca) = other {
            let (name, ca) = (self.name(), &ca.name);
            let right: Vec<_> = keys.iter().map(|key| format!("`key = \"{key}\"`")).collect();
            let right = right.join(" or ");
            return Some(format!("`{name}` cannot verify what CA `{ca}` signs: say {right} there"));
        }
        if let Some(what) = modelled(scenario) {
            return Some(format!("{what} is one that only the model can do"));
        }
        if !self.in_real_time() {
            return None;
        }
        // A clock that is merely ahead or behind is met by lab time: the run begins as much before the present.
        let offset = sut.clock.skew(scenario.start);
        let keeps = Clock::new(scenario.start, offset, Drift::NONE, Vec::new());
        if sut.clock != keeps && hooks.of(SET_CLOCK).is_none() {
            return Some(format!(
                "the clock of a server that runs in real time neither drifts nor steps{}",
                self.or_hook(SET_CLOCK)
            ));
        }
        if self.program().is_some_and(|program| program.adapter.probe.is_some()) {
            let name = self.name();
            return Some(format!(
                "`{name}` judges one certificate at a time, and in real time attempts do not wait for one another"
            ));
        }
        let asked = matches!(self, Adapter::Elsewhere(Elsewhere { stop_after: Some(_), .. }));
        (scenario.duration > LONGEST && !asked).then(|| self.too_long(scenario))
    }
}

/// The name of a kind of keys in scenarios.
fn key_name(key: KeyAlgorithm) -> &'static str {
    KeyAlgorithm::NAMES.iter().find(|(_, known)| *known == key).map_or("", |(name, _)| name)
}

/// What in a scenario a real server would silently do without: a client that waits for a validator, what
/// the server is to staple, to ask a directory or to have in its stores, an exchange of its certificate.
fn modelled(scenario: &Scenario) -> Option<String> {
    let client = scenario
        .clients
        .values()
        .find(|plan| plan.validator.is_some() || plan.host.is_some() || plan.remembers_certificate);
    let sut = scenario.suts.values().find(|sut| {
        let asks = sut.client_certificates == ClientCertificates::Require;
        !asks
            || sut.directory.is_some()
            || sut.staple.is_some()
            || sut.stores.is_some()
            || !sut.ocsp_urls.is_empty()
    });
    let operation = scenario.operations.values().find(|operation| {
        matches!(
            operation.action,
            OperationKind::SwapCertificate { .. }
                | OperationKind::RestoreCertificate
                | OperationKind::ClearSslState
        )
    });
    client
        .map(|plan| format!("what client `{}` does beyond asking", plan.name))
        .or_else(|| sut.map(|sut| format!("what SUT `{}` does beyond answering", sut.name)))
        .or_else(|| operation.map(|operation| format!("operation `{}`", operation.name)))
}

impl FromStr for Elsewhere {
    type Err = AdapterError;

    fn from_str(text: &str) -> Result<Elsewhere, AdapterError> {
        let (address, options) = text.split_once('?').unwrap_or((text, ""));
        let bad = || AdapterError::Address(address.to_owned());
        let url: revlab_lab::http::Url = address.parse().map_err(|_| bad())?;
        let port = url.authority().rsplit_once(':').map(|(_, port)| port.parse::<u16>());
        let port = match port {
            _ if !matches!(url.path_and_query(), "/") => return Err(bad()),
            Some(Err(_)) if !url.host().ends_with(']') => return Err(bad()),
            _ => url.port(),
        };
        let host = url.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let mut server =
            Elsewhere { host, port, clock: None, ca: 0, stop_after: None, ready: READY.0 };
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            server.set(name, value)?;
        }
        Ok(server)
    }
}

impl Elsewhere {
    /// `https://127.0.0.1:8443`.
    pub fn address(&self) -> String {
        match self.host.contains(':') {
            true => format!("https://[{}]:{}", self.host, self.port),
            false => format!("https://{}:{}", self.host, self.port),
        }
    }

    /// `?clock=FILE&ca=8080`: those that are not as they are without being given.
    fn options(&self) -> String {
        let spaceless = |span: Span| span.to_string().replace(' ', "");
        let given = [
            self.clock.as_ref().map(|clock| format!("clock={}", clock.display())),
            (self.ca != 0).then(|| format!("ca={}", self.ca)),
            self.stop_after.map(|span| format!("for={}", spaceless(span))),
            (self.ready != READY.0).then(|| format!("ready={}", spaceless(self.ready))),
        ];
        let given: Vec<String> = given.into_iter().flatten().collect();
        if given.is_empty() { String::new() } else { format!("?{}", given.join("&")) }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), AdapterError> {
        let wrong =
            |option, wanted| AdapterError::Value { option, value: value.to_owned(), wanted };
        let span = || value.parse::<Span>().ok().filter(|span| *span > Span::ZERO);
        match name {
            "clock" if value.is_empty() => return Err(wrong("clock", "a file is wanted")),
            "clock" => self.clock = Some(PathBuf::from(value)),
            "ca" => {
                self.ca = value.parse().map_err(|_| wrong("ca", "a port is wanted, 0 to 65535"))?;
            }
            "for" => {
                let wanted = "a time above zero is wanted, such as `10m`";
                self.stop_after = Some(span().ok_or_else(|| wrong("for", wanted))?);
            }
            "ready" => {
                let wanted = "a time above zero and up to 10m is wanted, such as `30s`";
                let ready = span().filter(|span| *span <= READY.1);
                self.ready = ready.ok_or_else(|| wrong("ready", wanted))?;
            }
            _ => {
                let hint = crate::scenario::hint(name, ["clock", "ca", "for", "ready"]);
                return Err(AdapterError::Option { name: name.to_owned(), hint });
            }
        }
        Ok(())
    }
}

/// As `--sut` takes it.
impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Adapter::Program(program) => program.fmt(f),
            Adapter::Elsewhere(server) => write!(f, "{}{}", server.address(), server.options()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(text: &str) -> String {
        Adapter::parse(text, &[]).unwrap_err().to_string()
    }

    fn s_server() -> Adapter {
        Adapter::parse("s_server", &[]).unwrap().unwrap()
    }

    fn scenario(more: &str) -> Scenario {
        let text = format!(
            "format = 1\ntitle = \"t\"\nstart = \"2024-03-01T00:00:00Z\"\nduration = \"8h\"\n\
             [ca.issuing]\n[clients.users]\nevery = \"1m\"\n{more}"
        );
        let mut read = crate::scenario::from_text("t", &text).unwrap();
        read.remove(0)
    }

    #[test]
    fn an_address_is_read_with_its_options() {
        let text = "https://127.0.0.1:8443?clock=/run/clock&ca=8080&for=10m&ready=1m";
        let server = Elsewhere {
            host: "127.0.0.1".into(),
            port: 8443,
            clock: Some("/run/clock".into()),
            ca: 8080,
            stop_after: Some(Span::from_mins(10)),
            ready: Span::from_mins(1),
        };
        let server = Adapter::Elsewhere(server);
        assert_eq!(server.to_string(), text);
        assert_eq!(Adapter::parse(text, &[]), Ok(Some(server)));
        let plain = Adapter::parse("https://[::1]:8443/", &[]).unwrap().unwrap();
        assert_eq!(plain.to_string(), "https://[::1]:8443");
        assert!(plain.in_real_time());
        assert_eq!(Adapter::parse("model", &[]), Ok(None));
    }

    #[test]
    fn what_cannot_be_is_said_with_what_would_be_right() {
        assert!(error("s_serve").contains("did you mean `s_server`?"), "{}", error("s_serve"));
        insta::assert_snapshot!(error("https://"), @"`https://` is not the address of a server such as `https://127.0.0.1:8443`");
        insta::assert_snapshot!(error("https://a:b"), @"`https://a:b` is not the address of a server such as `https://127.0.0.1:8443`");
        insta::assert_snapshot!(error("https://a/b"), @"`https://a/b` is not the address of a server such as `https://127.0.0.1:8443`");
        insta::assert_snapshot!(error("https://a?clok=x"), @"`clok` is not an option of `https://…`: did you mean `clock`?");
        insta::assert_snapshot!(error("https://a?ca=x"), @"`ca=x`: a port is wanted, 0 to 65535");
        insta::assert_snapshot!(error("https://a?for=0s"), @"`for=0s`: a time above zero is wanted, such as `10m`");
        insta::assert_snapshot!(error("https://a?ready=1h"), @"`ready=1h`: a time above zero and up to 10m is wanted, such as `30s`");
    }

    #[test]
    fn real_time_is_bounded_and_lab_time_is_not() {
        let real = |text| Adapter::parse(text, &[]).unwrap().unwrap();
        let lab = scenario("[sut.web]\n");
        assert!(real("https://a").refuses(&lab).unwrap().contains("it lasts 8h"));
        assert_eq!(real("https://a?for=1m").refuses(&lab), None);
        assert_eq!(real("https://a?clock=f").refuses(&lab), None);
        assert_eq!(s_server().refuses(&lab), None);
        let skewed = scenario("[sut.web]\nclock = { offset = \"5m\" }\n");
        assert_eq!(real("https://a?for=1m").refuses(&skewed), None);
        assert_eq!(s_server().refuses(&skewed), None);
        let stepping = "[sut.web]\nclock = { steps = [{ at = \"1h\", by = \"5m\" }] }\n";
        let stepping = scenario(stepping);
        let why = real("https://a?for=1m").refuses(&stepping).unwrap();
        assert!(why.contains("`--hook set_clock=COMMAND`"), "{why}");
        let hooks = Hooks::parse(["set_clock=true"]).unwrap();
        assert_eq!(real("https://a?for=1m").refuses_with(&stepping, &hooks), None);
    }

    #[test]
    fn a_scenario_that_wants_real_time_is_run_in_it_and_cannot_be_long() {
        let short = scenario("[sut.web]\n");
        assert!(!s_server().of(&short).in_real_time());
        let always = scenario("[real_time]\nalways = true\n[sut.web]\n");
        let there = s_server().of(&always);
        assert!(there.in_real_time());
        let why = there.refuses(&always).unwrap();
        assert!(why.contains("it lasts 8h, and that is real time: make it shorter"), "{why}");
    }

    #[test]
    fn operations_of_the_model_are_refused_and_a_restart_is_not() {
        let restart = "[sut.web]\n[operation.o]\non = \"web\"\nat = \"1h\"\nrestart_service = {}\n";
        assert_eq!(s_server().refuses(&scenario(restart)), None);
        let real = Adapter::parse("https://a?clock=f", &[]).unwrap().unwrap();
        assert!(real.refuses(&scenario(restart)).unwrap().contains("operation `o`"));
        let hooks = Hooks::parse(["restart_service=true"]).unwrap();
        assert_eq!(real.refuses_with(&scenario(restart), &hooks), None);
        let resync =
            "[sut.web]\n[operation.o]\non = \"web\"\nat = \"1h\"\nchain_cache_resync = {}\n";
        assert!(s_server().refuses(&scenario(resync)).unwrap().contains("operation `o`"));
    }

    #[test]
    fn what_only_a_model_can_do_is_refused_and_never_left_out() {
        let refused = |more: &str| {
            s_server().refuses(&scenario(&format!("[sut.web]\n{more}"))).unwrap_or_default()
        };
        let clear = "[operation.o]\non = \"users\"\nat = \"1m\"\nclear_ssl_state = {}\n";
        assert!(refused(clear).starts_with("operation `o` is one that only the model"));
        let swap =
            "[operation.o]\non = \"web\"\nat = \"1m\"\nswap_certificate = { names = [\"a\"] }\n";
        assert!(refused(swap).starts_with("operation `o` is one that only the model"));
        let mut staples = scenario("[sut.web]\n");
        for sut in staples.suts.values_mut() {
            sut.client_certificates = ClientCertificates::Ignore;
        }
        let why = s_server().refuses(&staples).unwrap_or_default();
        assert!(why.starts_with("what SUT `web` does beyond answering"), "{why}");
        let mut validated = scenario("[sut.web]\n");
        for plan in validated.clients.values_mut() {
            plan.validator = Some("desk".into());
        }
        let why = s_server().refuses(&validated).unwrap_or_default();
        assert!(why.contains("does beyond asking"), "{why}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(https://)?.{0,40}") {
            let _ = Adapter::parse(&text, &[]);
        }
    }
}
