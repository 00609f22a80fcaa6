//! Commands of the user's that do to a machine elsewhere what a scenario's administrators do.

use std::collections::BTreeMap;

use revlab_lab::Span;

/// Commands by the operation in whose place they are run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hooks(BTreeMap<String, String>);

/// The operation of a hook that sets the clock of the machine, at the begin and at each step.
pub const SET_CLOCK: &str = "set_clock";

/// How long a command may take, in real time.
pub const LONGEST: Span = Span::from_mins(10);

/// What a hook can stand for: the operations on a system under test, and its clock.
const NAMES: [&str; 13] = [
    "restart_service",
    "reboot",
    "urlcache_delete",
    "delete_cache_files",
    "chain_cache_resync",
    "recreate_binding",
    "disable_revocation_check",
    "enable_revocation_check",
    "disconnect",
    "connect",
    "add_to_store",
    "verify_urlfetch",
    SET_CLOCK,
];

impl Hooks {
    /// Reads hooks as the command line has them, `restart_service=COMMAND`.
    ///
    /// # Errors
    ///
    /// What is wrong with one, in words.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Hooks, String> {
        let mut hooks = BTreeMap::new();
        for text in texts {
            let (name, command) = text
                .split_once('=')
                .filter(|(_, command)| !command.trim().is_empty())
                .ok_or_else(|| format!("`--hook {text}`: expected OPERATION=COMMAND"))?;
            if !NAMES.contains(&name) {
                let hint = crate::scenario::hint(name, NAMES);
                return Err(format!(
                    "`--hook`: `{name}` is no operation on a system under test{hint}"
                ));
            }
            if hooks.insert(name.to_owned(), command.to_owned()).is_some() {
                return Err(format!(
                    "`--hook {name}` is there twice: one command can have both parts"
                ));
            }
        }
        Ok(Hooks(hooks))
    }

    /// The command for an operation.
    pub fn of(&self, operation: &str) -> Option<&str> {
        self.0.get(operation).map(String::as_str)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_is_an_operation_and_a_command() {
        let hooks =
            Hooks::parse(["reboot=ssh a@b shutdown /r /t 0", "set_clock=date -s x=y"]).unwrap();
        assert_eq!(hooks.of("reboot"), Some("ssh a@b shutdown /r /t 0"));
        assert_eq!(hooks.of(SET_CLOCK), Some("date -s x=y"));
        assert_eq!(hooks.of("connect"), None);
    }

    #[test]
    fn what_is_no_hook_is_said() {
        let said = |texts: &[&str]| Hooks::parse(texts.iter().copied()).unwrap_err();
        insta::assert_snapshot!(said(&["reboot"]), @"`--hook reboot`: expected OPERATION=COMMAND");
        insta::assert_snapshot!(said(&["reboot= "]), @"`--hook reboot= `: expected OPERATION=COMMAND");
        insta::assert_snapshot!(said(&["rebot=x"]), @"`--hook`: `rebot` is no operation on a system under test: did you mean `reboot`?");
        insta::assert_snapshot!(said(&["reboot=x", "reboot=y"]), @"`--hook reboot` is there twice: one command can have both parts");
    }

    #[test]
    fn every_operation_on_a_system_under_test_can_have_a_hook() {
        use crate::scenario::model::OperationKind;
        let kinds = "reboot restart_service urlcache_delete delete_cache_files chain_cache_resync \
                     recreate_binding disable_revocation_check enable_revocation_check disconnect connect add_to_store verify_urlfetch";
        for kind in kinds.split(' ') {
            let inner = match kind {
                "add_to_store" => "{ ca = \"issuing\" }",
                "verify_urlfetch" => "{ identity = \"users-1\" }",
                _ => "{}",
            };
            let text = format!(
                "format = 1\ntitle = \"t\"\nstart = \"2024-03-01T00:00:00Z\"\nduration = \"8h\"\n[ca.issuing]\n\
                 [sut.web]\n[clients.users]\nevery = \"1m\"\n[operation.o]\non = \"web\"\nat = \"1h\"\n{kind} = {inner}\n"
            );
            let read = crate::scenario::from_text("t", &text);
            let scenario = read.unwrap_or_else(|e| panic!("{}", e.render(false))).remove(0);
            let operation = &scenario.operations["o"];
            assert!(matches!(operation.action, OperationKind::Sut(_)));
            let what = crate::exec::operations::record(operation).what;
            assert!(NAMES.contains(&&*what), "{what}");
        }
    }
}
