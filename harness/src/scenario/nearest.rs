//! The valid name that was most likely meant.

/// So many names are no help any more.
const MANY: usize = 40;

/// What would be right instead of `wrong`: the nearest of `valid`, else all of them, or of very many those that begin
/// alike. `what` names them in the plural: `valid keys`.
pub(super) fn help<'a>(
    wrong: &str,
    valid: impl IntoIterator<Item = &'a str>,
    what: &str,
) -> Option<String> {
    let valid: Vec<&str> = valid.into_iter().collect();
    if let Some(name) = nearest(wrong, &valid) {
        return Some(format!("did you mean `{name}`?"));
    }
    let alike = alike(wrong, &valid);
    let others = valid.len() - alike.len();
    if valid.len() > MANY && others > 0 && !alike.is_empty() {
        return Some(format!("{what}: `{}` and {others} others", alike.join("`, `")));
    }
    (!valid.is_empty()).then(|| format!("{what}: `{}`", valid.join("`, `")))
}

/// Those that begin as what was written does.
fn alike<'a>(wrong: &str, valid: &[&'a str]) -> Vec<&'a str> {
    const BEGIN: usize = 3;
    let begin: String = wrong.chars().take(BEGIN).collect();
    valid.iter().filter(|name| name.starts_with(&begin)).copied().collect()
}

/// The only name that begins with what was written, if that is more than a few letters: its end was
/// left out. Otherwise at most 3 edits away and at most half of what was written, for a two-letter word
/// is near to everything; and nearer than any other, for of two equally near names neither is meant for
/// sure.
fn nearest<'a>(wrong: &str, valid: &[&'a str]) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    let length = wrong.chars().count();
    // Beyond any valid name's length the distance is not worth its quadratic cost.
    if length > 64 {
        return None;
    }
    const FEW: usize = 4;
    let mut begun = valid.iter().filter(|name| name.to_lowercase().starts_with(&wrong));
    if let (Some(name), None, true) = (begun.next(), begun.next(), length > FEW) {
        return Some(name);
    }
    let edits = |name: &str| strsim::damerau_levenshtein(&wrong, &name.to_lowercase());
    let mut near: Vec<(usize, &str)> = valid.iter().map(|name| (edits(name), *name)).collect();
    near.sort();
    match near.as_slice() {
        [(first, _), (second, _), ..] if first == second => None,
        [(distance, name), ..] if *distance <= 3 && distance * 2 <= length => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 3] = ["period", "delta_period", "overlap"];

    #[test]
    fn a_slip_gets_the_nearest_name_and_anything_else_the_list() {
        let ask = |wrong| help(wrong, KEYS, "valid keys").unwrap();
        assert_eq!(ask("perod"), "did you mean `period`?");
        assert_eq!(ask("Overlap"), "did you mean `overlap`?");
        // The end was left out: likelier than another end.
        let versions = ["windows-2003", "windows-2008r2"];
        let said = help("windows-2008", versions, "there are").unwrap();
        assert_eq!(said, "did you mean `windows-2008r2`?");
        assert_eq!(ask("colour"), "valid keys: `period`, `delta_period`, `overlap`");
        assert_eq!(help("H9", ["H0", "H2"], "it can be").unwrap(), "it can be: `H0`, `H2`");
        assert_eq!(ask("x"), "valid keys: `period`, `delta_period`, `overlap`");
        assert_eq!(help("x", [], "valid keys"), None);
    }

    #[test]
    fn of_very_many_names_those_that_begin_alike_are_told() {
        let others: Vec<String> = (0..50).map(|n| format!("other-{n}")).collect();
        let names = others.iter().map(String::as_str);
        let many = || ["cdn-flushed-and-all-miss", "cdn-misses"].into_iter().chain(names.clone());
        let said = help("cdn-flushd", many(), "there are").unwrap();
        assert_eq!(said, "there are: `cdn-flushed-and-all-miss`, `cdn-misses` and 50 others");
        let nothing_alike = help("zzz", many(), "there are").unwrap();
        assert!(nothing_alike.ends_with("`other-49`"), "{nothing_alike}");
        let all_alike = help("otherwise", names.clone(), "there are").unwrap();
        assert!(all_alike.ends_with("`other-49`"), "{all_alike}");
    }
}
