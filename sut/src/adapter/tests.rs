use super::*;

const BARE: &str = "about = \"a\"\npackages = []\nprograms = [\"a\"]\ndefault = \"one\"\n\
    version = { run = [\"a\"], line = \"a\" }\n[profiles.one]\nabout = \"one\"\n";

fn error(text: &str) -> String {
    Adapter::read("mine/adapter.toml", text, BTreeMap::new()).unwrap_err().to_string()
}

#[test]
fn every_built_in_adapter_can_be_read_and_filled_in_for_each_profile() {
    let values = Values { tls: "1.3".into(), ..Values::default() };
    for name in Adapter::shipped() {
        let adapter = Adapter::of_name(name).unwrap().unwrap_or_else(|e| panic!("{e}"));
        let profiles = adapter.profiles.values();
        let checked = profiles.clone().map(|profile| adapter.options(profile, true));
        let unchecked = profiles.clone().map(|profile| adapter.options(profile, false));
        assert!(unchecked.clone().all(|options| options.is_some() == adapter.unchecked.is_some()));
        for profile in checked.chain(unchecked).flatten() {
            let profile = &profile;
            adapter.files(profile, &values).unwrap_or_else(|e| panic!("{name}: {e}"));
            let lines = adapter.server.iter().map(|server| &server.run);
            let lines = lines.chain(adapter.probe.iter().map(|probe| &probe.run));
            for line in lines.chain(&adapter.prepare).chain(&adapter.publish) {
                let words = Adapter::words(line, profile, &values);
                assert!(!words.unwrap_or_else(|e| panic!("{name}: {e}")).is_empty());
            }
        }
    }
    assert!(Adapter::shipped().len() >= 10);
}

#[test]
fn mistakes_are_told_with_their_place() {
    let typo = error(&format!("{BARE}[server]\nrun = [\"a\"]\nstopp = \"TERM\"\n"));
    assert!(
        typo.starts_with("mine/adapter.toml: line 10, column 1: unknown field `stopp`"),
        "{typo}"
    );
    let bare = error(BARE);
    assert!(
        bare.ends_with("it has neither `server` nor `probe`: nothing would be asked"),
        "{bare}"
    );
    let server = format!("{BARE}[server]\nrun = []\n");
    let two = error(&server.replace("default = \"one\"", "default = \"two\""));
    assert!(two.ends_with("`default = \"two\"` is no profile: there are `one`"), "{two}");
    let file = error(&format!("{server}[files]\n\"a\" = \"b\"\n"));
    assert!(file.ends_with("b: there is no such template beside `adapter.toml`"), "{file}");
    let pattern = error(&server.replace("line = \"a\"", "line = \"(\""));
    assert!(pattern.contains("`(` is no regular expression: "), "{pattern}");
}

const REFERENCE: &str = include_str!("../../../docs/src/reference/adapter.md");

/// The keys in the table under a heading of the reference.
fn documented(heading: &str) -> Vec<&'static str> {
    let section = REFERENCE.split("\n##").find_map(|section| {
        let (first, rest) = section.split_once('\n')?;
        (first.trim_matches(['#', ' ', '`']) == heading).then_some(rest)
    });
    let section = section.unwrap_or_else(|| panic!("there is no heading `{heading}`"));
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once(" |"));
    cells.flat_map(|(names, _)| names.split(", ")).map(|name| name.trim_matches('`')).collect()
}

/// The keys that a text with an unknown one could have there.
fn wanted(text: &str) -> Vec<String> {
    let said = error(text);
    let (_, wanted) = said.split_once("expected ").unwrap_or_else(|| panic!("{said}"));
    wanted.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_reference_has_every_key_and_no_other() {
    let with = |more: &str| format!("{BARE}{more}\nzz = 1\n");
    let tables = [
        ("adapter.toml", format!("zz = 1\n{BARE}")),
        ("version", BARE.replace("{ run", "{ zz = 1, run")),
        ("server", with("[server]")),
        ("server.reload", with("[server]\nrun = []\n[server.reload]")),
        ("probe", with("[probe]")),
        ("time", with("[time]")),
        ("reason", with("[[reason]]")),
        ("profiles.NAME", with("")),
    ];
    for (heading, text) in tables {
        let (mut there, mut wanted) = (documented(heading), wanted(&text));
        there.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(there, wanted, "{heading}");
    }
    let values = toml::Table::try_from(Values::default()).unwrap();
    let mut told: Vec<&str> = values.keys().map(String::as_str).chain(["set"]).collect();
    let mut there = documented("What templates are told");
    told.sort_unstable();
    there.sort_unstable();
    assert_eq!(there, told);
}

#[test]
fn the_example_of_the_reference_is_an_adapter() {
    let (_, example) = REFERENCE.split_once("```toml,adapter\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let templates = BTreeMap::from([("mined.conf".to_owned(), String::new())]);
    let adapter = Adapter::read("mine/adapter.toml", example, templates).unwrap();
    let (_, profile) = adapter.profile(None).unwrap();
    let unchecked = adapter.options(profile, false).unwrap();
    assert_eq!(unchecked.set["crl"].as_bool(), Some(false));
    let reload = adapter.server.unwrap().reload.unwrap();
    let line = "mined: cannot reload: bad end line";
    assert_eq!(reload.refusal(line).as_deref(), Some("bad end line"));
    assert_eq!((reload.is_done_by(line), reload.refusal("reloaded")), (Some(true), None));
}
