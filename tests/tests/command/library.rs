//! `lint` and `list`.

use insta::assert_snapshot;
use revlab_tests::library;

use crate::folder::{Folder, GOOD, good_with, in_two_variants};

#[test]
fn lint_reports_every_mistake_of_every_file_with_its_place() {
    let three = good_with("every = \"1m\"", "every = \"-1m\"\nsesion = \"fresh\"")
        .replace("\"admitted\"", "\"admited\"");
    let folder = Folder::with(&[
        ("good.toml", GOOD),
        ("one.toml", &good_with("[sut.web]", "[sut.web]\nprofile = \"windows-2008\"")),
        ("three.toml", &three),
    ]);
    assert_snapshot!(folder.refused(&["lint", "."]), @r#"
    error: `profile` of SUT `web` cannot be `windows-2008`
     --> ./one.toml:9:11
      |
    9 | profile = "windows-2008"
      |           ^^^^^^^^^^^^^^
      |
      = help: did you mean `windows-2008r2`?
    error: `every` of client `users`: `-1m` is negative
      --> ./three.toml:10:9
       |
    10 | every = "-1m"
       |         ^^^^^

    error: unknown key `sesion` in client `users`
      --> ./three.toml:11:1
       |
    11 | sesion = "fresh"
       | ^^^^^^
       |
       = help: did you mean `session`?

    error: `outcome` of `attempts` of expectation `let-in` cannot be `admited`
      --> ./three.toml:13:39
       |
    13 | attempts = { share = "all", outcome = "admited" }
       |                                       ^^^^^^^^^
       |
       = help: did you mean `admitted`?
    error: 2 of 3 scenario files cannot be run
    "#);
}

#[test]
fn lint_of_good_files_says_so_and_runs_nothing() {
    let folder = Folder::with(&[("a.toml", GOOD), ("b.toml", &in_two_variants())]);
    let before = folder.listing("");
    let said = folder.revlab(&["lint", "a.toml", "b.toml"]);
    assert_eq!((said.status, &*said.err), (Some(0), ""));
    assert_snapshot!(said.out, @"2 scenario files: no mistakes");
    assert_eq!(folder.listing(""), before);
}

/// The names of the library's scenarios, as its files say.
fn names() -> Vec<String> {
    let files = revlab::scenario::library::discover(&[library()]).expect("the library");
    let name = |file: &std::path::PathBuf| {
        let below = file.strip_prefix(library()).expect("below the library").with_extension("");
        below.to_str().expect("UTF-8").replace('\\', "/")
    };
    files.iter().map(name).collect()
}

#[test]
fn list_names_every_scenario_of_the_library() {
    let said = Folder::new().revlab(&["list".as_ref(), library().as_os_str()]);
    assert_eq!((said.status, &*said.err), (Some(0), ""));
    let first = |line: &str| line.split("  ").next().unwrap_or_default().to_owned();
    let listed: Vec<String> = said.out.lines().map(first).filter(|n| !n.is_empty()).collect();
    assert_eq!(listed, names());
}

#[test]
fn list_as_json_names_every_scenario_of_the_library_and_nothing_else() {
    let library = library();
    let args = ["list".as_ref(), library.as_os_str(), "--format".as_ref(), "json".as_ref()];
    let said = Folder::new().revlab(&args);
    assert_eq!((said.status, &*said.err), (Some(0), ""));
    let json = said.json();
    let entries = json.as_array().expect("an array");
    let listed: Vec<_> = entries.iter().map(|e| e["name"].as_str().expect("a name")).collect();
    assert_eq!(listed, names());
    for entry in entries {
        assert_ne!(entry["title"].as_str().expect("a title"), "");
        assert!(std::path::Path::new(entry["path"].as_str().expect("a path")).is_file());
    }
}

#[test]
fn list_shows_titles_and_variants() {
    let folder = Folder::with(&[("a/one.toml", GOOD), ("a/two.toml", &in_two_variants())]);
    assert_snapshot!(folder.revlab(&["list", "a"]).out, @r"
    one  A client is let in
    two  A client is let in
         variants: unpatched, patched
    ");
}
