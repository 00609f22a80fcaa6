//! Which runs a command line means: files, variants, tags, a shard, and what it replaces in them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;
use std::str::FromStr;

use revlab_lab::Instant;
use revlab_sut::profile::Hypothesis;

use super::{Refusal, RunArgs, lint, sut};
use crate::exec;
use crate::exec::adapter::Adapter;
use crate::scenario::{self, Scenario};

/// Part `k` of `n` of the runs, as `k/n`: run number i, from 0, is in part i mod n + 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shard {
    part: usize,
    of: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let parts = text.split_once('/');
        let parts = parts.and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
        match parts {
            Some((part, of)) if (1..=of).contains(&part) => Ok(Shard { part, of }),
            _ => Err("expected k/n with 1 ≤ k ≤ n, such as 2/4".to_owned()),
        }
    }
}

impl Shard {
    pub(super) fn keep<T>(self, all: Vec<T>) -> Vec<T> {
        let mine = |i: usize| i % self.of == self.part - 1;
        all.into_iter().enumerate().filter(|(i, _)| mine(*i)).map(|(_, it)| it).collect()
    }
}

/// Reads every file, and chooses from them.
pub(super) fn chosen(args: &RunArgs) -> Result<Vec<Scenario>, Refusal> {
    let mut scenarios = Vec::new();
    let mut mistakes = Vec::new();
    for file in lint::discover(&args.scenarios)? {
        match scenario::load(&file) {
            Ok(variants) => scenarios.extend(variants),
            Err(errors) => mistakes.push(errors.render(lint::colour())),
        }
    }
    if !mistakes.is_empty() {
        return Err(Refusal(mistakes.join("\n")));
    }
    choose_variants(&args.variant, &mut scenarios, |s| s)?;
    choose_tags(&args.tag, &mut scenarios, |s| s)?;
    match args.shard {
        Some(shard) => Ok(shard.keep(scenarios)),
        None => Ok(scenarios),
    }
}

/// Applies what the command line replaces, and refuses what cannot be run.
pub(super) fn made_ready(
    args: &RunArgs,
    adapter: Option<&Adapter>,
    tools: &sut::Tools,
    mut scenarios: Vec<Scenario>,
) -> Result<Vec<Scenario>, Refusal> {
    replace(args, &mut scenarios)?;
    for scenario in &scenarios {
        let adapter = adapter.map(|adapter| adapter.of(scenario));
        let begun = begun(scenario, adapter.as_ref(), tools)?;
        let refused = adapter.and_then(|adapter| adapter.refuses_with(&begun, &tools.hooks));
        if let Some(why) = refused {
            return Err(refusal(scenario, &why));
        }
        exec::try_set_up(&begun).map_err(|e| refusal(scenario, &e.to_string()))?;
    }
    Ok(scenarios)
}

/// The scenario as its run begins now: in real time it does so when it does, and a kit has its own
/// certificates and names.
pub(super) fn begun<'s>(
    scenario: &'s Scenario,
    adapter: Option<&Adapter>,
    tools: &sut::Tools,
) -> Result<Cow<'s, Scenario>, Refusal> {
    let mut begun = Cow::Borrowed(scenario);
    if adapter.is_some_and(Adapter::in_real_time) {
        begun = Cow::Owned(in_real_time(scenario, tools.start(scenario))?);
    }
    if let Some(kit) = &tools.kit {
        begun = Cow::Owned(kit.applied(&begun).map_err(|why| refusal(scenario, &why))?);
    }
    Ok(begun)
}

/// Those of one of the variants; without any, all.
pub(super) fn choose_variants<T>(
    wanted: &[String],
    scenarios: &mut Vec<T>,
    of: fn(&T) -> &Scenario,
) -> Result<(), Refusal> {
    let there: BTreeSet<String> =
        scenarios.iter().filter_map(|s| of(s).variant.as_ref()).map(ToString::to_string).collect();
    are_there("variant", wanted, &there)?;
    if !wanted.is_empty() {
        scenarios.retain(|s| {
            of(s).variant.as_deref().is_some_and(|name| wanted.iter().any(|w| w == name))
        });
    }
    Ok(())
}

/// Those with one of the tags; without any, all.
pub(super) fn choose_tags<T>(
    tags: &[String],
    scenarios: &mut Vec<T>,
    of: fn(&T) -> &Scenario,
) -> Result<(), Refusal> {
    let there: BTreeSet<String> =
        scenarios.iter().flat_map(|s| of(s).tags.iter().cloned()).collect();
    are_there("tag", tags, &there)?;
    if !tags.is_empty() {
        scenarios.retain(|s| of(s).tags.iter().any(|tag| tags.contains(tag)));
    }
    Ok(())
}

/// Whether everything that is asked for is there at all.
fn are_there(what: &str, wanted: &[String], there: &BTreeSet<String>) -> Result<(), Refusal> {
    let Some(unknown) = wanted.iter().find(|name| !there.contains(*name)) else { return Ok(()) };
    let hint = match there.is_empty() {
        true => ": there are none".to_owned(),
        false => scenario::hint(unknown, there.iter().map(String::as_str)),
    };
    Err(Refusal(format!("error: no scenario here has a {what} `{unknown}`{hint}")))
}

fn replace(args: &RunArgs, scenarios: &mut [Scenario]) -> Result<(), Refusal> {
    let hypothesis = args.hypothesis.as_deref().map(hypothesis).transpose()?;
    if args.seed.is_none() && hypothesis.is_none() {
        return Ok(());
    }
    for scenario in scenarios {
        let mut lines = String::new();
        lines.extend(args.seed.map(|seed| format!("seed = {seed}\n")));
        for (sut, hypothesis) in scenario.suts.keys().zip(hypothesis.into_iter().cycle()) {
            lines.push_str(&format!("sut.{sut}.hypothesis = \"{hypothesis}\"\n"));
        }
        *scenario = with(scenario, &lines)?;
    }
    Ok(())
}

/// The scenario as it is in real time, begun at `start`.
fn in_real_time(scenario: &Scenario, start: Instant) -> Result<Scenario, Refusal> {
    let mut lines = format!("start = \"{start}\"\n");
    if scenario.divide.is_some() {
        lines.push_str("real_time.now = true\n");
    }
    with(scenario, &lines)
}

/// The scenario with something else in it, also in the text that is kept of it.
fn with(scenario: &Scenario, lines: &str) -> Result<Scenario, Refusal> {
    let text = format!("{}\n[variant.replaced]\n{lines}", scenario.resolved);
    let variants = scenario::from_text(&scenario.name, &text)
        .map_err(|errors| Refusal(errors.render(lint::colour())))?;
    let again = variants.into_iter().next();
    let again = again.ok_or_else(|| refusal(scenario, "there is nothing to run in it"))?;
    let (head, _) = scenario.resolved.split_once('\n').unwrap_or_default();
    let (_, body) = again.resolved.split_once('\n').unwrap_or_default();
    let resolved = format!("{head}\n{body}");
    Ok(Scenario { variant: scenario.variant.clone(), resolved, ..again })
}

fn hypothesis(name: &str) -> Result<&str, Refusal> {
    let names = Hypothesis::NAMES.map(|(n, _)| n);
    if names.contains(&name) {
        return Ok(name);
    }
    let hint = scenario::hint(name, names);
    Err(Refusal(format!("error: there is no hypothesis `{name}`{hint}")))
}

pub(super) fn refusal(scenario: &Scenario, why: &str) -> Refusal {
    let variant = scenario.variant.as_ref().map(|v| format!(", variant {v}")).unwrap_or_default();
    Refusal(format!("error: {}{variant}: {why}", scenario.name))
}

/// The one scenario that is meant; `why` there has to be one.
pub(super) fn the_one(file: &Path, variant: Option<&str>, why: &str) -> Result<Scenario, Refusal> {
    let mut variants =
        scenario::load(file).map_err(|errors| Refusal(errors.render(lint::colour())))?;
    let names: Vec<String> =
        variants.iter().filter_map(|s| s.variant.as_ref()).map(ToString::to_string).collect();
    let wanted: Vec<String> = variant.into_iter().map(str::to_owned).collect();
    choose_variants(&wanted, &mut variants, |s| s)?;
    if variants.len() > 1 {
        let why = format!("{why}: choose it with `--variant`");
        return Err(Refusal(format!("error: {why}; there are `{}`", names.join("`, `"))));
    }
    let nothing = || Refusal(format!("error: {}: there is nothing in it", file.display()));
    variants.pop().ok_or_else(nothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_cover_every_run_once() {
        for of in 1..6 {
            let parts = (1..=of).flat_map(|part| Shard { part, of }.keep((0..4).collect()));
            let mut all: Vec<u32> = parts.collect();
            all.sort_unstable();
            assert_eq!(all, [0, 1, 2, 3]);
        }
        assert_eq!("2/3".parse(), Ok(Shard { part: 2, of: 3 }));
        for wrong in ["", "1", "0/2", "3/2", "1/0", "a/b", "1/2/3", "-1/2"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
