//! The actors of a scenario, and references to them.
//!
//! They are surveyed before anything is decoded, so that a mistake inside an actor's table does not
//! make every reference to it a mistake too.

use revlab_lab::Name;

use super::super::source::Place;
use super::super::tree::{Table, Value, shortened};
use super::context::{Context, noun};
use super::identities;

/// What kind of actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Ca,
    Sut,
    Validator,
    Client,
}

impl Role {
    const ALL: [Role; 4] = [Role::Ca, Role::Sut, Role::Validator, Role::Client];

    fn section(self) -> &'static str {
        match self {
            Role::Ca => "ca",
            Role::Sut => "sut",
            Role::Validator => "validator",
            Role::Client => "clients",
        }
    }

    fn noun(self) -> &'static str {
        noun(self.section())
    }

    fn plural(self) -> &'static str {
        match self {
            Role::Ca => "CAs",
            Role::Sut => "SUTs",
            Role::Validator => "validators",
            Role::Client => "clients",
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Actors {
    all: Vec<Actor>,
}

#[derive(Debug)]
struct Actor {
    name: Name,
    role: Role,
    /// How many identities a client has; none: the file does not say it rightly.
    identities: Option<u32>,
    under_test: bool,
}

impl Actors {
    /// Lists the actors, and reports what is wrong with them as a whole.
    pub(super) fn survey(cx: &Context, tree: &Table) -> Actors {
        let mut actors = Actors::default();
        for role in Role::ALL {
            match tree.get(role.section()) {
                None if role == Role::Validator => {}
                None => {
                    let message = format!("the scenario has no {}", role.noun());
                    let help = format!("add a table `[{}.NAME]`", role.section());
                    cx.report_with(top(tree), message, help);
                }
                Some(entry) => match &entry.node.value {
                    Value::Table(table) if table.keys().next().is_none() => {
                        cx.report(entry.place, format!("the scenario has no {}", role.noun()));
                    }
                    Value::Table(table) => actors.add(cx, role, table),
                    // Reported where the section is decoded.
                    _ => {}
                },
            }
        }
        actors.check_under_test(cx, tree);
        actors
    }

    fn add(&mut self, cx: &Context, role: Role, table: &Table) {
        for entry in table.iter() {
            if let Some(other) = self.all.iter().find(|actor| *actor.name == *entry.key) {
                let message =
                    format!("`{}` already names a {}", shortened(&entry.key), other.role.noun());
                cx.report_with(entry.place, message, "each actor needs a name of its own");
            }
            let value = |key| match &entry.node.value {
                Value::Table(table) => table.get(key).map(|entry| &entry.node.value),
                _ => None,
            };
            let identities = identities::said(value);
            let under_test = matches!(value("under_test"), Some(Value::Boolean(true)));
            let name = Name::from(entry.key.as_str());
            self.all.push(Actor { name, role, identities, under_test });
        }
    }

    /// Exactly one SUT is under test; a SUT alone is unless it says otherwise.
    fn check_under_test(&self, cx: &Context, tree: &Table) {
        let Some(suts) = tree.table("sut") else { return };
        let mut chosen = suts.iter().filter(|entry| {
            self.all.iter().any(|actor| actor.under_test && *actor.name == *entry.key)
        });
        let first = chosen.next();
        for second in chosen {
            let message = format!("SUT `{}` is a second SUT under test", shortened(&second.key));
            let help =
                format!("only one can be; `{}` is too", first.map_or("", |first| &first.key));
            cx.report_with(second.place, message, help);
        }
        let mut several = suts.iter().skip(1);
        if let (None, Some(second)) = (first, several.next()) {
            let message = "none of the SUTs is under test";
            cx.report_with(second.place, message, "say `under_test = true` in one of them");
        }
    }

    fn names(&self, role: Role) -> impl Iterator<Item = &Name> {
        self.all.iter().filter(move |actor| actor.role == role).map(|actor| &actor.name)
    }

    /// Whether there is no other SUT.
    pub(super) fn only_sut(&self) -> bool {
        self.names(Role::Sut).count() == 1
    }

    /// Whether there is more than one CA.
    pub(super) fn several_cas(&self) -> bool {
        self.names(Role::Ca).count() > 1
    }

    /// The CA that is meant where none is named: the only one, or the one called `issuing`.
    pub(super) fn default_ca(&self) -> Option<Name> {
        let mut names = self.names(Role::Ca);
        let first = names.next()?;
        match names.next() {
            None => Some(first.clone()),
            Some(_) => self.names(Role::Ca).find(|name| ***name == *"issuing").cloned(),
        }
    }

    /// The SUT that is meant where none is named: the only one, or the one under test.
    pub(super) fn default_sut(&self) -> Option<Name> {
        let suts = || self.all.iter().filter(|actor| actor.role == Role::Sut);
        let chosen = if self.only_sut() { suts().next() } else { suts().find(|a| a.under_test) };
        chosen.map(|actor| actor.name.clone())
    }

    /// Which kind of actor has this name.
    pub(super) fn role(&self, name: &str) -> Option<Role> {
        self.all.iter().find(|actor| *actor.name == *name).map(|actor| actor.role)
    }
}

impl Context {
    /// The actor that `text` names, if it is one of `roles`.
    pub(super) fn actor(&self, text: &str, place: Place, roles: &[Role]) -> Option<Name> {
        let wanted = roles.iter().map(|role| role.noun()).collect::<Vec<_>>().join(" or ");
        let shown = shortened(text);
        let message = match self.actors.role(text) {
            Some(role) if roles.contains(&role) => return Some(Name::from(text)),
            Some(role) => format!("`{shown}` is a {}; a {wanted} is needed", role.noun()),
            None => format!("there is no {wanted} `{shown}`"),
        };
        let valid = roles.iter().flat_map(|role| self.actors.names(*role)).map(|name| &**name);
        let what = match roles {
            [role] => format!("the {} are", role.plural()),
            _ => "there are".into(),
        };
        self.report_name(place, message, text, valid, &what);
        None
    }

    /// The identity that `text` names: `jmeter-1` is the first of client `jmeter`. With it comes
    /// the client.
    pub(super) fn identity(&self, text: &str, place: Place) -> Option<(Name, Name)> {
        let shown = shortened(text);
        let parts = text.rsplit_once('-').and_then(|(client, n)| {
            let plain = !n.starts_with('0') && n.bytes().all(|byte| byte.is_ascii_digit());
            Some((client, n.parse::<u32>().ok().filter(|_| plain)?))
        });
        let of = |client: &str| {
            self.actors.all.iter().find(|a| a.role == Role::Client && *a.name == *client)
        };
        if let Some((actor, n)) = parts.and_then(|(client, n)| Some((of(client)?, n))) {
            match actor.identities {
                Some(last) if n > last => {
                    let help = match last {
                        0 => format!(
                            "client `{}` has a new certificate for each attempt, which nothing can name",
                            actor.name
                        ),
                        1 => format!("client `{0}` has one: `{0}-1`", actor.name),
                        _ => format!("client `{0}` has `{0}-1` to `{0}-{last}`", actor.name),
                    };
                    self.report_with(place, format!("there is no identity `{shown}`"), help);
                    return None;
                }
                _ => return Some((Name::from(text), actor.name.clone())),
            }
        }
        let firsts: Vec<String> =
            self.actors.names(Role::Client).map(|name| format!("{name}-1")).collect();
        let message = format!("there is no identity `{shown}`");
        let valid = firsts.iter().map(String::as_str);
        self.report_name(
            place,
            message,
            text,
            valid,
            "identities are named `CLIENT-NUMBER`, such as",
        );
        None
    }
}

/// Where a mistake of the file as a whole is shown: its first key.
pub(in crate::scenario) fn top(tree: &Table) -> Place {
    tree.iter().map(|entry| entry.place).min().unwrap_or(Place::START)
}
