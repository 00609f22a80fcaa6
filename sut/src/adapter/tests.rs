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
    insta::assert_snapshot!(error(&format!("{BARE}[server]\nrun = [\"a\"]\nstopp = \"TERM\"\n")), @"");
    insta::assert_snapshot!(error(BARE), @"");
    let server = format!("{BARE}[server]\nrun = []\n");
    insta::assert_snapshot!(error(&server.replace("default = \"one\"", "default = \"two\"")), @"");
    insta::assert_snapshot!(error(&format!("{server}[files]\n\"a\" = \"b\"\n")), @"");
    insta::assert_snapshot!(error(&server.replace("line = \"a\"", "line = \"(\"")), @"");
}
