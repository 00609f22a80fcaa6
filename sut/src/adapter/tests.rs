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
        for profile in adapter.profiles.values() {
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
