//! `revlab profiles`.

use crate::folder::Folder;

#[test]
fn profiles_are_listed_explained_and_compared() {
    let ours = "title = \"ours\"\nextends = \"windows-10\"\n[parameters]\n\
                prefetch = { value = false, reported = \"our policy\" }\n";
    let folder = Folder::with(&[("ours.toml", ours), ("bad.toml", "title = 1\n")]);
    let all = folder.revlab(&["profiles"]);
    assert!(all.out.starts_with("windows-2008r2  Windows 7"), "{}", all.out);
    assert_eq!((all.status, all.out.lines().count()), (Some(0), 8));
    let one = folder.revlab(&["profiles", "rfc5280-strict"]);
    assert!(one.out.contains("documented: RFC 5280 §6.3.3"), "{}", one.out);
    let two = folder.revlab(&["profiles", "rfc5280-strict", "soft-fail"]);
    assert_eq!(two.out.matches("soft-fail       false").count(), 2, "{}", two.out);
    let two = folder.revlab(&["profiles", "windows-10", "ours.toml", "--format", "json"]);
    assert_eq!(two.json()[0]["ours.toml"], false);
    assert_eq!(two.json().as_array().map(Vec::len), Some(1));

    let missing = folder.revlab(&["profiles", "windows-95"]);
    assert_eq!(missing.status, Some(2));
    assert!(missing.err.contains("There are windows-2008r2, windows-2003"), "{}", missing.err);
    let bad = folder.revlab(&["profiles", "bad.toml"]);
    assert_eq!(bad.status, Some(2));
    assert!(bad.err.contains("--> bad.toml:1:9"), "{}", bad.err);
}
