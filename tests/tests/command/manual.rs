//! `revlab completions` and `revlab man`.

use crate::folder::Folder;

#[test]
fn a_shell_is_told_every_command() {
    let folder = Folder::with(&[]);
    for (shell, sign) in [
        ("bash", "complete -F _revlab"),
        ("zsh", "#compdef revlab"),
        ("fish", "complete -c revlab"),
    ] {
        let said = folder.revlab(&["completions", shell]);
        assert_eq!(said.status, Some(0));
        assert!(said.out.contains(sign), "{shell}");
        for command in ["run", "verify", "cache", "lint", "profiles"] {
            assert!(said.out.contains(command), "{shell}: {command}");
        }
    }
    assert_eq!(folder.revlab(&["completions", "cmd.exe"]).status, Some(2));
}

#[test]
fn there_is_a_page_for_each_command_and_it_says_what_help_says() {
    let folder = Folder::with(&[("a-file", "")]);
    assert_eq!(folder.revlab(&["man", "pages"]).status, Some(0));
    let page = std::fs::read_to_string(folder.path("pages/revlab-run.1")).expect("a page");
    assert!(page.contains("Run scenarios and judge them"), "{page}");
    assert!(page.contains("transport"), "{page}");
    assert!(
        folder.path("pages/revlab.1").is_file() && folder.path("pages/revlab-lint.1").is_file()
    );
    let said = folder.revlab(&["man", "a-file"]);
    assert_eq!(said.status, Some(2));
    assert!(
        said.err.starts_with("error: the pages cannot be written into a-file: "),
        "{}",
        said.err
    );
}
