use super::*;

const TEXT: &str = r#"
    format = 1
    title = "Three kinds of load"
    start = "2024-03-01T00:00:00Z"
    duration = "1h"
    [ca.issuing]
    [sut.web]
    host = "www.lab"
    tls = "1.3"
    [clients.users]
    think = "5s..15s"
    threads = 3
    identities = 3
    ramp_up = "30s"
    [clients.pacers]
    every = "10s"
    from = "90s"
    loops = 5
    path = "/a?b=c&d"
    [clients.crowd]
    rate = [{ for = "10m", rate = "1 per 1s" }, { rate = "1 per 1s", to = "3 per 1s", for = "10m" }]
    arrivals = "poisson"
    threads = 4
    barrier = 2
    [operation.again]
    on = "web"
    at = "10m"
    reboot = {}
"#;

fn exported() -> (Scenario, Export) {
    let read = crate::scenario::from_text("three", TEXT);
    let scenario = read.unwrap_or_else(|errors| panic!("{}", errors.render(false))).remove(0);
    let (_, cast) = crate::exec::authorities(&scenario).unwrap();
    let target = Target { host: Some("127.0.0.1".into()), port: Some(8443) };
    let export = export(&scenario, &cast, &target);
    (scenario, export)
}

fn text<'e>(export: &'e Export, name: &str) -> &'e str {
    let file = export.files.iter().find(|file| file.name == name).unwrap();
    std::str::from_utf8(&file.bytes).unwrap()
}

#[test]
fn the_plan_has_a_thread_group_for_each_client_and_stage() {
    let (_, export) = exported();
    insta::assert_snapshot!("plan", text(&export, PLAN));
}

#[test]
fn what_jmeter_does_otherwise_is_listed_and_stands_in_the_readme() {
    let (_, export) = exported();
    insta::assert_snapshot!("notes", export.notes.join("\n"));
    let readme = text(&export, "README.md");
    assert!(export.notes.iter().all(|note| readme.contains(note)), "{readme}");
}

#[test]
fn every_identity_has_its_line_and_keys_are_secret() {
    let (_, export) = exported();
    assert_eq!(text(&export, "identities-users.csv"), "users-1\nusers-2\nusers-3\n");
    assert_eq!(text(&export, "identities-crowd.csv"), "crowd-1\n");
    let secret: Vec<_> = export.files.iter().filter(|f| f.secret).map(|f| &*f.name).collect();
    assert_eq!(secret, [KEYSTORE]);
    assert!(text(&export, "user.properties").contains("https.socket.protocols=TLSv1.3\n"));
}

#[test]
fn lines_are_as_the_choice_has_them_and_what_jmeter_cannot_choose_is_said() {
    let text = "format = 1\ntitle = \"t\"\nstart = \"2024-03-01T00:00:00Z\"\nduration = \"1h\"\n\
                ca.issuing = {}\nsut.web = {}\n[clients.some]\nevery = \"10s\"\nidentities = 2\n\
                weights = [3, 1]\nhttp = \"2\"\n[clients.new]\nevery = \"10s\"\nchoice = \"minted\"\n\
                [clients.good]\nevery = \"10s\"\nstate = \"good\"\n";
    let read = crate::scenario::from_text("choices", text);
    let scenario = read.unwrap_or_else(|errors| panic!("{}", errors.render(false))).remove(0);
    let (_, cast) = crate::exec::authorities(&scenario).unwrap();
    let export = export(&scenario, &cast, &Target::default());
    assert_eq!(self::text(&export, "identities-some.csv"), "some-1\nsome-1\nsome-1\nsome-2\n");
    let noted = |client: &str, what: &str| {
        let client = format!("client `{client}`: ");
        let of_client = export.notes.iter().filter(|note| note.starts_with(&client));
        assert_eq!(of_client.filter(|note| note.contains(what)).count(), 1, "{:?}", export.notes);
    };
    noted("some", "weights");
    noted("some", "HTTP/1.1");
    noted("new", "no certificate is issued for each attempt");
    noted("good", "`state` does nothing");
    assert_eq!(by_weight(&[4_000_000, 1_000_000]).count(), 100_000);
}

#[test]
fn connections_that_are_kept_outlast_an_iteration_and_what_that_brings_is_said() {
    let exported = |session: &str, others: &str| {
        let text = format!(
            "format = 1\ntitle = \"t\"\nstart = \"2024-03-01T00:00:00Z\"\nduration = \"1h\"\n\
             ca.issuing = {{}}\nsut.web = {{}}\n[clients.one]\nevery = \"10s\"\nkeep_alive = true\n\
             session = \"{session}\"\nidentities = 2\n{others}"
        );
        let read = crate::scenario::from_text("kept", &text);
        let scenario = read.unwrap_or_else(|errors| panic!("{}", errors.render(false))).remove(0);
        let (_, cast) = crate::exec::authorities(&scenario).unwrap();
        export(&scenario, &cast, &Target::default())
    };
    let use_keepalive = "<boolProp name=\"HTTPSampler.use_keepalive\">true</boolProp>";
    let lasts = "https.use.cached.ssl.context=true\nhttpclient.reset_state_on_thread_group_iteration=false\n";
    let noted = |export: &Export, what: &str| export.notes.iter().any(|note| note.contains(what));
    let fresh = exported("fresh", "");
    assert!(text(&fresh, PLAN).contains(use_keepalive));
    assert!(text(&fresh, "user.properties").contains(lasts));
    assert!(
        noted(&fresh, "Java takes its session up") && noted(&fresh, "the next line of the CSV")
    );
    assert!(!noted(&exported("resumed", ""), "Java takes its session up"));
    let mixed = exported("fresh", "[clients.two]\nevery = \"10s\"\n");
    assert!(text(&mixed, PLAN).contains(use_keepalive));
    assert!(!text(&mixed, "user.properties").contains(lasts));
    assert!(noted(&mixed, "no connection outlasts an iteration"));
}
