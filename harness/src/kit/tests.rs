use super::*;
use crate::scenario;

const SCENARIO: &str = r#"
format = 1
title = "a client is let in"
start = "2014-04-16T00:00:00Z"
duration = "1h"
[ca.root]
host = "root.lab.example"
[ca.issuing]
parent = "root"
host = "pki.lab.example"
aia.ocsp = ["http://ocsp.lab.example/ocsp"]
responder = {}
[sut.web]
host = "web.lab.example"
[clients.users]
every = "1m"
identities = 2
"#;

const AT: Instant = Instant::from_millis(1_790_000_000_000);

fn read(text: &str) -> Scenario {
    scenario::from_text("t", text).unwrap_or_else(|e| panic!("{}", e.render(false))).remove(0)
}

fn wish(listen: &str) -> Wish {
    let keys = Seed(77);
    let password = password(keys);
    let listen = listen.parse().unwrap();
    Wish { at: AT, listen, https_port: 8443, keys, reproducible: false, password }
}

fn file<'a>(kit: &'a Kit, name: &str) -> &'a File {
    kit.files.iter().find(|file| file.name == name).unwrap_or_else(|| panic!("no {name}"))
}

fn said(kit: &Kit, name: &str) -> String {
    String::from_utf8(file(kit, name).bytes.clone()).unwrap()
}

fn held(kit: &Kit) -> lab::Lab {
    serde_json::from_slice(&file(kit, lab::FILE).bytes).unwrap()
}

#[test]
fn a_root_can_do_no_harm() {
    let kit = make(&read(SCENARIO), &wish("192.0.2.7:80")).unwrap();
    let root = Certificate::parse(&file(&kit, "windows/root-1.crt").bytes).unwrap();
    assert_eq!(root.subject().to_string(), "CN=root,O=revlab LAB");
    assert!(root.not_after() - root.not_before() <= Span::from_days(30));
    assert!(root.not_before() < AT && root.not_after() > AT + Span::from_days(20));
    let limits = root.constraints().unwrap().name_limits.clone().unwrap();
    let text = format!("{:?}", limits.permitted);
    for host in ["root.lab.example", "pki.lab.example", "ocsp.lab.example", "web.lab.example"] {
        assert!(text.contains(host), "{text}");
    }
    assert_eq!(limits.permitted.len(), 4);
    assert_eq!(limits.excluded.len(), 2, "no address at all");
    let free = SCENARIO.replace("[ca.root]", "[ca.root]\nown = { constrained = false }");
    let kit = make(&read(&free), &wish("192.0.2.7:80")).unwrap();
    let root = Certificate::parse(&file(&kit, "windows/root-1.crt").bytes).unwrap();
    assert!(root.constraints().unwrap().name_limits.is_none());
    assert!(kit.notes.iter().any(|note| note.contains("vouches for any name")), "{:?}", kit.notes);
}

#[test]
fn every_key_is_a_secret_and_every_pfx_opens() {
    let kit = make(&read(SCENARIO), &wish("192.0.2.7:80")).unwrap();
    let secret = |name: &str| {
        [".pfx", ".key", "lab.json", "password.txt"].iter().any(|end| name.ends_with(end))
    };
    for file in &kit.files {
        assert_eq!(file.secret, secret(&file.name), "{}", file.name);
    }
    let password = said(&kit, "windows/password.txt");
    for name in ["windows/server.pfx", "clients/users-1.pfx", "clients/users-2.pfx"] {
        let read = revlab_pki::keystore::read(&file(&kit, name).bytes, Some(password.trim()));
        assert!(read.is_ok(), "{name}");
    }
    assert!(!said(&kit, "README.md").contains(password.trim()));
}

#[test]
fn other_keys_are_drawn_for_another_seed() {
    let scenario = read(SCENARIO);
    let other = Wish { keys: Seed(78), ..wish("192.0.2.7:80") };
    let [one, two] = [&wish("192.0.2.7:80"), &other].map(|wish| make(&scenario, wish).unwrap());
    assert_ne!(said(&one, "pem/server.key"), said(&two, "pem/server.key"));
    assert_ne!(password(Seed(77)), password(Seed(78)));
}

#[test]
fn the_names_of_the_hosts_file_are_those_of_the_certificates() {
    let kit = make(&read(SCENARIO), &wish("192.0.2.7:8080")).unwrap();
    let settings = said(&kit, "windows/Settings.ps1");
    for host in ["root.lab.example", "pki.lab.example", "ocsp.lab.example"] {
        assert!(settings.contains(&format!("'192.0.2.7 {host} # revlab ")), "{settings}");
    }
    let pem = said(&kit, "pem/server.pem");
    let server = Certificate::parse_pem(&pem).unwrap().remove(0);
    let urls = server.crl_urls().iter().chain(server.ocsp_urls());
    let urls: Vec<String> = urls.map(ToString::to_string).collect();
    assert_eq!(urls.len(), 2);
    assert!(urls[0].starts_with("http://pki.lab.example:8080/"), "{urls:?}");
    assert_eq!(urls[1], "http://ocsp.lab.example:8080/ocsp");
}

#[test]
fn netsh_is_told_what_the_profile_says() {
    let text = SCENARIO.replace(
        "[sut.web]",
        "[sut.web]\nparameters = { cached_only = true, usage_check = false, binding_url_timeout = \"3s\", revocation_freshness_time = \"1m\" }",
    );
    let settings =
        said(&make(&read(&text), &wish("192.0.2.7:80")).unwrap(), "windows/Settings.ps1");
    for word in [
        "'verifyclientcertrevocation=enable'",
        "'verifyrevocationwithcachedclientcertonly=enable'",
        "'usagecheck=disable'",
        "'revocationfreshnesstime=60'",
        "'urlretrievaltimeout=3000'",
    ] {
        assert!(settings.contains(word), "{word} in {settings}");
    }
}

#[test]
fn a_run_takes_cas_and_clients_from_the_kit() {
    let scenario = read(SCENARIO);
    let kit = make(&scenario, &wish("192.0.2.7:8080")).unwrap();
    let mut pattern = Pattern::of(&scenario).unwrap();
    pattern.begin(scenario.start, AT + Span::from_hours(5), scenario.duration);
    let applied = held(&kit).applied(&pattern.scenario().unwrap()).unwrap();
    let (_, cast) = exec::authorities(&applied).unwrap();
    let root = Certificate::parse(&file(&kit, "windows/root-1.crt").bytes).unwrap();
    assert_eq!(cast.authorities["issuing"].last(), Some(&root));
    let pfx = revlab_pki::keystore::read(
        &file(&kit, "clients/users-2.pfx").bytes,
        Some(&password(Seed(77))),
    );
    assert_eq!(cast.identities["users-2"].chain[0], pfx.unwrap()[0].chain[0]);
    assert_eq!(cast.authorities["issuing"].len(), 2);
    let server = Certificate::parse_pem(&said(&kit, "pem/server.pem")).unwrap();
    assert!(
        revlab_pki::Verifier::new().verify_certificate(&server[0], &cast.authorities["issuing"][0])
    );
}

#[test]
fn what_a_kit_cannot_be_made_for_or_run_with_is_said() {
    let refused = |from: &str, to: &str| {
        make(&read(&SCENARIO.replace(from, to)), &wish("192.0.2.7:80")).unwrap_err()
    };
    let rsa = refused("[ca.root]", "[ca.root]\nkey = \"rsa2048\"");
    assert!(rsa.contains("`root` has an RSA key"), "{rsa}");
    let long = refused("\"1h\"", "\"25d\"");
    assert!(long.contains("it lasts 25d"), "{long}");
    let short = refused("[ca.root]", "[ca.root]\nage = \"1h\"\nlifetime = \"90m\"");
    assert!(short.contains("`root` expire during the scenario"), "{short}");
    let kit = make(&read(SCENARIO), &wish("192.0.2.7:80")).unwrap();
    let lab = held(&kit);
    let early = lab.applied(&read(SCENARIO)).unwrap_err();
    assert!(early.contains("make a new one"), "{early}");
    let now = |text: String| {
        let start = format!("start = \"{}\"", AT + Span::from_mins(1));
        read(&text.replace("start = \"2014-04-16T00:00:00Z\"", &start))
    };
    let more = lab.applied(&now(SCENARIO.replace("identities = 2", "identities = 3"))).unwrap_err();
    assert!(more.contains("no client `users-3`"), "{more}");
    let other = lab
        .applied(&now(SCENARIO.replace("ca.root", "ca.other").replace("\"root\"", "\"other\"")))
        .unwrap_err();
    assert!(other.contains("no CA `other`"), "{other}");
}

/// Brackets and quotes of a script, without what is in strings and comments.
fn unbalanced(script: &str) -> Option<String> {
    let mut open = Vec::new();
    for (number, line) in (1..).zip(script.lines()) {
        let mut quote = None;
        for c in line.chars() {
            match (quote, c) {
                (Some(end), c) if c == end => quote = None,
                (Some(_), _) => {}
                (None, '\'' | '"') => quote = Some(c),
                (None, '#') => break,
                (None, '(' | '{' | '[') => open.push((c, number)),
                (None, ')' | '}' | ']') => {
                    let fits = open.pop().is_some_and(|(o, _)| {
                        matches!((o, c), ('(', ')') | ('{', '}') | ('[', ']'))
                    });
                    if !fits {
                        return Some(format!("line {number}: {c}"));
                    }
                }
                _ => {}
            }
        }
        if quote.is_some() {
            return Some(format!("line {number}: a string without an end"));
        }
    }
    open.pop().map(|(c, number)| format!("line {number}: {c} without an end"))
}

#[test]
fn scripts_are_whole_and_undo_knows_every_step() {
    let kit = make(&read(SCENARIO), &wish("192.0.2.7:80")).unwrap();
    for file in kit.files.iter().filter(|file| file.name.ends_with(".ps1")) {
        let script = std::str::from_utf8(&file.bytes).unwrap();
        assert_eq!(unbalanced(script), None, "{}", file.name);
        assert!(script.is_ascii(), "{}: old PowerShell takes UTF-8 for ANSI", file.name);
    }
    let undo = said(&kit, "windows/Undo.ps1");
    let mut steps = 0;
    for name in ["Prepare", "Clear-Cache"] {
        let script = said(&kit, &format!("windows/{name}.ps1"));
        for step in script.split("Add-Step '").skip(1) {
            let step = step.split('\'').next().unwrap();
            steps += 1;
            // That the log was changed is undone by the values from before.
            assert!(step == "capi2" || undo.contains(&format!("'{step}' {{")), "{step}");
        }
    }
    assert_eq!(steps, 10);
}
