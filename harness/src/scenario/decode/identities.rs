//! Which certificates the clients have, and which of them an attempt uses.

use std::collections::BTreeMap;
use std::path::Path;

use revlab_clients::plan::{ClientPlan, StoredIdentity};
use revlab_clients::{Choice, RevocationState, identity_name};
use revlab_lab::Name;
use revlab_pki::keystore;

use super::super::model::{Operation, OperationKind};
use super::super::nearest;
use super::super::source::{read_bytes, read_text};
use super::super::tree::{Table, Value, shortened};
use super::Spec;
use super::context::Context;
use super::fields::Fields;

/// A file with certificates and keys.
pub(super) const KEYSTORE: Spec =
    Spec { path: "clients.NAME.keystore", keys: &["file", "password", "password_env"], kinds: &[] };

/// What `choice` can say; the other ways have keys of their own.
#[derive(Clone, Copy)]
enum Said {
    RoundRobin,
    Random,
    Minted,
}

/// Whose certificates nothing can name, since each attempt has its own.
pub(super) const MINTED: &str = "minted";

const CHOICES: [(&str, Said); 3] =
    [("round_robin", Said::RoundRobin), ("random", Said::Random), (MINTED, Said::Minted)];

const STATES: [(&str, RevocationState); 2] =
    [("good", RevocationState::Good), ("revoked", RevocationState::Revoked)];

/// Each identity is a key and a certificate.
const MOST: i64 = 10_000;

/// The certificates of a group of clients.
pub(super) struct Identities {
    pub(super) number: u32,
    pub(super) choice: Choice,
    pub(super) state: Option<RevocationState>,
    pub(super) keystore: Vec<StoredIdentity>,
}

pub(super) fn decode(fields: &Fields<'_>, client: &Name) -> Identities {
    let keystore = stored(fields);
    let said = fields.number("identities", 1, MOST);
    let number = match (&keystore, said) {
        (Some(stored), Some(said)) if said as usize > stored.len() => {
            let there = stored.len();
            fields.report("identities", format!("there are {there} in `keystore`"));
            said
        }
        (_, Some(said)) => said,
        (Some(stored), None) => u32::try_from(stored.len()).unwrap_or(u32::MAX),
        (None, None) => 1,
    };
    let keystore = keystore.unwrap_or_default().into_iter().take(number as usize).collect();
    let choice = choice(fields, client, number);
    let state = fields.choice("state", &STATES);
    if choice == Choice::Minted {
        for other in ["identities", "keystore", "state"].into_iter().filter(|key| fields.has(key)) {
            fields.report(other, "with `choice = \"minted\"` each attempt has a new certificate");
        }
    }
    Identities { number, choice, state, keystore }
}

fn choice(fields: &Fields<'_>, client: &Name, number: u32) -> Choice {
    let there: Vec<_> =
        ["choice", "weights", "csv"].into_iter().filter(|key| fields.has(key)).collect();
    if let [first, second, ..] = there[..] {
        fields.report(second, format!("there is `{first}` already, and only one of them can be"));
        return Choice::RoundRobin;
    }
    if fields.has("weights") {
        return weights(fields, number).map_or(Choice::RoundRobin, Choice::Weighted);
    }
    if fields.has("csv") {
        return listed(fields, client, number).map_or(Choice::RoundRobin, Choice::Listed);
    }
    match fields.choice("choice", &CHOICES) {
        Some(Said::Random) => Choice::Weighted(vec![1; number as usize]),
        Some(Said::Minted) => Choice::Minted,
        Some(Said::RoundRobin) | None => Choice::RoundRobin,
    }
}

/// Somebody who only sends with revoked certificates needs one that is revoked some time.
pub(super) fn check_states(
    cx: &Context,
    tree: &Table,
    clients: &BTreeMap<Name, ClientPlan>,
    operations: &BTreeMap<Name, Operation>,
) {
    for (name, plan) in clients {
        if plan.state != Some(RevocationState::Revoked) {
            continue;
        }
        let is_own = |identity: &Name| {
            identity.rsplit_once('-').is_some_and(|(client, _)| *client == **name)
        };
        let revokes = operations.values().any(|operation| {
            matches!(&operation.action, OperationKind::Revoke { identity, .. } if is_own(identity))
        });
        let entry = tree.table("clients").and_then(|all| all.table(name)?.get("state"));
        if let Some(entry) = entry.filter(|_| !revokes) {
            let message = format!(
                "client `{name}` never sends: no operation revokes one of its certificates"
            );
            cx.report_with(entry.place, message, format!("revoke = {{ identity = \"{name}-1\" }}"));
        }
    }
}

/// One weight for each identity.
fn weights(fields: &Fields<'_>, number: u32) -> Option<Vec<u32>> {
    let said = fields.integers("weights")?;
    let mut weights = Vec::new();
    for (weight, place) in &said {
        match u32::try_from(*weight) {
            Ok(weight) if weight <= MOST as u32 => weights.push(weight),
            _ => {
                let message = format!("`weights` of {}: {weight} is not 0 to {MOST}", fields.label);
                fields.cx.report(*place, message);
                return None;
            }
        }
    }
    if weights.len() != number as usize {
        let there = weights.len();
        let message = format!("there are {there} of them for {number} `identities`: one for each");
        fields.report("weights", message);
        return None;
    }
    if weights.iter().all(|weight| *weight == 0) {
        fields.report("weights", "nobody could ever be chosen: one must be above 0");
        return None;
    }
    Some(weights)
}

/// The rows of a file with a column `identity`, as places from 0.
fn listed(fields: &Fields<'_>, client: &Name, number: u32) -> Option<Vec<u32>> {
    let text = file(fields, "csv", read_text)?;
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let headers = rows.headers().cloned().unwrap_or_default();
    let Some(column) = headers.iter().position(|name| name == "identity") else {
        let there: Vec<&str> = headers.iter().take(8).collect();
        let message = match there.is_empty() {
            true => "it is empty: a first line with the column `identity` is needed".to_owned(),
            false => {
                format!("there is no column `identity`, but `{}`", shortened(&there.join("`, `")))
            }
        };
        fields.report("csv", message);
        return None;
    };
    let names: Vec<Name> = (1..=number).map(|n| identity_name(client, n)).collect();
    let mut places = Vec::new();
    for row in rows.records() {
        let row = row.map_err(|error| fields.report("csv", error)).ok()?;
        let line = row.position().map_or(0, csv::Position::line);
        let name = row.get(column).unwrap_or_default();
        let Some(place) = names.iter().position(|known| **known == *name) else {
            let near = nearest::help(name, names.iter().map(|n| &**n).take(200), "identities");
            let near = near.map(|help| format!("; {help}")).unwrap_or_default();
            let shown = shortened(name);
            fields.report("csv", format!("line {line}: there is no identity `{shown}`{near}"));
            return None;
        };
        places.push(u32::try_from(place).unwrap_or(u32::MAX));
    }
    if places.is_empty() {
        fields.report("csv", "it has no row: nobody could ever be chosen");
        return None;
    }
    Some(places)
}

/// What a keystore holds, in its order.
fn stored(client: &Fields<'_>) -> Option<Vec<StoredIdentity>> {
    let fields = client.table("keystore", &KEYSTORE)?;
    fields.require("file", "file = \"users.p12\"");
    if fields.has("password") && fields.has("password_env") {
        fields.report("password_env", "there is `password` already");
    }
    let password = match fields.text("password_env") {
        Some(variable) => match std::env::var(variable) {
            Ok(password) => Some(password),
            Err(_) => {
                let shown = shortened(variable);
                fields.report("password_env", format!("there is no variable `{shown}`"));
                return None;
            }
        },
        None => fields.text("password").map(str::to_owned),
    };
    let octets = file(&fields, "file", read_bytes)?;
    match keystore::read(&octets, password.as_deref()) {
        Ok(entries) => {
            let stored = entries.into_iter().map(|e| StoredIdentity { chain: e.chain, key: e.key });
            Some(stored.collect())
        }
        Err(error) => {
            let key = match error {
                keystore::Unreadable::WrongPassword if fields.has("password_env") => "password_env",
                keystore::Unreadable::WrongPassword if fields.has("password") => "password",
                _ => "file",
            };
            fields.report(key, error);
            None
        }
    }
}

/// What the file that `key` names holds, from the folder of the scenario file on.
fn file<T>(
    fields: &Fields<'_>,
    key: &'static str,
    read: impl Fn(&Path) -> Result<T, String>,
) -> Option<T> {
    let path = fields.text(key)?;
    let folder = fields.cx.folder(fields.place_of(key));
    let refused = |why| fields.report(key, format!("`{}` cannot be read: {why}", shortened(path)));
    read(&folder.join(Path::new(path))).map_err(refused).ok()
}

/// How many identities a client has as far as its table says; none: a keystore knows.
pub(super) fn said<'a>(value: impl Fn(&'static str) -> Option<&'a Value>) -> Option<u32> {
    if let Some(Value::Text(choice)) = value("choice")
        && choice == MINTED
    {
        return Some(0);
    }
    match (value("identities"), value("keystore")) {
        (None, None) => Some(1),
        (Some(Value::Integer(n)), _) => u32::try_from(*n).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use insta::assert_snapshot;
    use revlab_lab::Seed;
    use revlab_pki::pkcs12::{self, Encryption};
    use revlab_pki::{Certificate, KeyAlgorithm, KeyPair};

    use super::*;
    use crate::exec::{self, Options, Transport};
    use crate::scenario::{Scenario, load};

    fn scenario(client: &str) -> String {
        format!(
            "format = 1\ntitle = \"t\"\nstart = \"2024-01-01T00:00:00Z\"\nduration = \"1h\"\n\
             ca.issuing = {{}}\nsut.web = {{}}\n[clients.users]\nevery = \"10m\"\n{client}\n"
        )
    }

    fn read(folder: &Path, client: &str) -> Result<Scenario, String> {
        let path = folder.join("x.toml");
        fs::write(&path, scenario(client)).unwrap();
        let loaded = load(&path).map(|mut all| all.remove(0));
        loaded.map_err(|errors| {
            errors.lines().join("\n").replace(&folder.display().to_string(), "FOLDER")
        })
    }

    /// A client of the same CA as the scenarios have, in files.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let issuer = read(folder.path(), "identities = 2").unwrap();
        let run = exec::run(&issuer, Transport::Sim, &Options::default(), &mut std::io::sink());
        let cast = run.unwrap().cast;
        let of = |n: u32| cast.identities[&identity_name("users", n)].clone();
        let (one, two) = (of(1), of(2));
        let files = |password, encryption| {
            pkcs12::export(&one.key, &one.chain, password, "anna", encryption)
        };
        let path = |name: &str| folder.path().join(name);
        fs::write(path("modern.p12"), files("secret", Encryption::Modern)).unwrap();
        fs::write(path("legacy.p12"), files("secret", Encryption::Legacy)).unwrap();
        let pem = |c: &[Certificate]| c.iter().map(Certificate::pem).collect::<String>();
        let both = pem(&two.chain) + &two.key.pkcs8_pem() + &one.key.pkcs8_pem() + &pem(&one.chain);
        fs::write(path("both.pem"), both).unwrap();
        fs::write(path("no-key.pem"), pem(&one.chain)).unwrap();
        fs::write(path("no-certificate.pem"), one.key.pkcs8_pem()).unwrap();
        fs::write(path("text.p12"), "no keystore").unwrap();
        let other = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(9), "other");
        let locked = other.pkcs8_pem().replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        fs::write(path("locked.pem"), locked + &pem(&one.chain)).unwrap();
        folder
    }

    #[test]
    fn a_keystore_gives_its_keys_in_its_order() {
        let folder = folder();
        let subjects = |client: &str| -> Vec<String> {
            let read = read(folder.path(), client).unwrap_or_else(|e| panic!("{e}"));
            let plan = &read.clients["users"];
            assert_eq!(plan.identities as usize, plan.keystore.len());
            plan.keystore.iter().map(|stored| stored.chain[0].subject().to_string()).collect()
        };
        for file in ["modern", "legacy"] {
            let client = format!("keystore = {{ file = \"{file}.p12\", password = \"secret\" }}");
            assert_eq!(subjects(&client), ["CN=users-1"]);
        }
        assert_eq!(subjects("keystore = { file = \"both.pem\" }"), ["CN=users-2", "CN=users-1"]);
        let one = "identities = 1\nkeystore = { file = \"both.pem\" }";
        assert_eq!(subjects(one), ["CN=users-2"]);
    }

    #[test]
    fn who_comes_with_a_keystore_is_let_in_and_can_be_revoked() {
        let folder = folder();
        // Revoked and published before anybody has fetched anything.
        let client = "from = \"5m\"\nkeystore = { file = \"both.pem\" }\n[operation.revoke]\non = \"issuing\"\n\
                      at = \"1m\"\nrevoke = { identity = \"users-2\" }\n[operation.publish]\n\
                      on = \"issuing\"\nat = \"2m\"\npublish = { base = true }\n";
        let read = read(folder.path(), client).unwrap_or_else(|e| panic!("{e}"));
        let run = exec::run(&read, Transport::Sim, &Options::default(), &mut std::io::sink());
        let trace = run.unwrap().trace;
        let outcomes: Vec<String> = trace
            .records()
            .iter()
            .filter_map(|record| match &record.kind {
                revlab_lab::trace::Kind::Attempt(a) => {
                    Some(format!("{} {}", a.identity, a.outcome.as_str()))
                }
                _ => None,
            })
            .collect();
        assert_eq!(
            outcomes,
            [
                "users-1 admitted",
                "users-2 refused",
                "users-1 admitted",
                "users-2 refused",
                "users-1 admitted",
                "users-2 refused"
            ]
        );
    }

    #[test]
    fn a_keystore_that_cannot_be_used_is_a_mistake_where_it_is_named() {
        let folder = folder();
        let all = [
            "keystore = {}",
            "keystore = { file = \"none.p12\" }",
            "keystore = { file = \"modern.p12\", password = \"wrong\" }",
            "keystore = { file = \"legacy.p12\", password = \"wrong\" }",
            "keystore = { file = \"modern.p12\" }",
            "keystore = { file = \"modern.p12\", password_env = \"REVLAB_NO_SUCH_VARIABLE\" }",
            "keystore = { file = \"text.p12\", password = \"secret\" }",
            "keystore = { file = \"no-key.pem\" }",
            "keystore = { file = \"no-certificate.pem\" }",
            "keystore = { file = \"locked.pem\" }",
            "identities = 3\nkeystore = { file = \"both.pem\" }",
            "keystore = { file = \"both.pem\" }\n[operation.r]\non = \"issuing\"\nat = \"1m\"\n\
             revoke = { identity = \"users-3\" }",
        ];
        let told: Vec<String> =
            all.iter().map(|client| read(folder.path(), client).unwrap_err()).collect();
        assert_snapshot!(told.join("\n"), @r#"
        FOLDER/x.toml:9:1: `keystore` of client `users` needs `file`; such as `file = "users.p12"`
        FOLDER/x.toml:9:21: `file` of `keystore` of client `users`: `none.p12` cannot be read: there is no such file
        FOLDER/x.toml:9:46: `password` of `keystore` of client `users`: that is not its password
        FOLDER/x.toml:9:46: `password` of `keystore` of client `users`: that is not its password
        FOLDER/x.toml:9:21: `file` of `keystore` of client `users`: it is under a password, and none is given
        FOLDER/x.toml:9:50: `password_env` of `keystore` of client `users`: there is no variable `REVLAB_NO_SUCH_VARIABLE`
        FOLDER/x.toml:9:21: `file` of `keystore` of client `users`: it is neither PEM nor PKCS #12 (RFC 7292): unexpected ASN.1 DER tag: expected SEQUENCE, got APPLICATION [14] (constructed)
        FOLDER/x.toml:9:21: `file` of `keystore` of client `users`: there is no private key in it
        FOLDER/x.toml:9:21: `file` of `keystore` of client `users`: private key number 1 in it has no certificate there
        FOLDER/x.toml:9:21: `file` of `keystore` of client `users`: its private key is encrypted; `openssl pkey -in FILE -out PLAIN` takes that off
        FOLDER/x.toml:9:14: `identities` of client `users`: there are 2 in `keystore`
        FOLDER/x.toml:11:6: `on` of operation `r`: there is no identity `users-3`: client `users` has 2 of them
        "#);
    }

    #[test]
    fn a_choice_that_can_never_be_made_is_a_mistake() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("rows.csv", "user,identity\na,users-2\nb,users-1\n");
        write("columns.csv", "user,alias\na,users-2\n");
        write("unknown.csv", "identity\nusers-1\nuser-2\n");
        write("headers.csv", "identity\n");
        write("empty.csv", "");
        let listed = read(folder.path(), "identities = 2\ncsv = \"rows.csv\"").unwrap();
        assert_eq!(listed.clients["users"].choice, Choice::Listed(vec![1, 0]));
        // What a run keeps of its scenario can be read from another folder.
        let again = crate::scenario::from_text("again", &listed.resolved).unwrap();
        assert_eq!(again[0].clients, listed.clients);
        let all = [
            "choice = \"minted\"\nidentities = 2",
            "choice = \"random\"\nweights = [1]",
            "identities = 2\nweights = [1]",
            "identities = 2\nweights = [0, 0]",
            "identities = 2\nweights = [1, -1]",
            "identities = 2\ncsv = \"columns.csv\"",
            "identities = 2\ncsv = \"unknown.csv\"",
            "identities = 2\ncsv = \"headers.csv\"",
            "csv = \"empty.csv\"",
            "csv = \"none.csv\"",
            "state = \"revoked\"",
            "choice = \"minted\"\n[operation.r]\non = \"issuing\"\nat = \"1m\"\n\
             revoke = { identity = \"users-1\" }",
        ];
        let told: Vec<String> =
            all.iter().map(|client| read(folder.path(), client).unwrap_err()).collect();
        assert_snapshot!(told.join("\n"), @r#"
        FOLDER/x.toml:10:14: `identities` of client `users`: with `choice = "minted"` each attempt has a new certificate
        FOLDER/x.toml:10:11: `weights` of client `users`: there is `choice` already, and only one of them can be
        FOLDER/x.toml:10:11: `weights` of client `users`: there are 1 of them for 2 `identities`: one for each
        FOLDER/x.toml:10:11: `weights` of client `users`: nobody could ever be chosen: one must be above 0
        FOLDER/x.toml:10:15: `weights` of client `users`: -1 is not 0 to 10000
        FOLDER/x.toml:10:7: `csv` of client `users`: there is no column `identity`, but `user`, `alias`
        FOLDER/x.toml:10:7: `csv` of client `users`: line 3: there is no identity `user-2`; did you mean `users-2`?
        FOLDER/x.toml:10:7: `csv` of client `users`: it has no row: nobody could ever be chosen
        FOLDER/x.toml:9:7: `csv` of client `users`: it is empty: a first line with the column `identity` is needed
        FOLDER/x.toml:9:7: `csv` of client `users`: `none.csv` cannot be read: there is no such file
        FOLDER/x.toml:9:1: client `users` never sends: no operation revokes one of its certificates; revoke = { identity = "users-1" }
        FOLDER/x.toml:13:23: there is no identity `users-1`; client `users` has a new certificate for each attempt, which nothing can name
        "#);
    }
}
