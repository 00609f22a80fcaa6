//! No sequence of operations, faults and clock steps makes the strict profile admit a certificate
//! that a reachable, valid source lists as revoked.
//!
//! The judge here knows nothing of the engine: it knows what was revoked when, what the CA published
//! when and until when it is valid, which URLs answered, and when the machine's caches were emptied.
//! What a cache may still say is said by an older publication that was served since then and is valid:
//! that excuses, and nothing else does.

use std::fmt::Write as _;
use std::sync::Mutex;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use revlab::exec::Transport;
use revlab::scenario::from_text;
use revlab_lab::trace::{Kind, Publish, Purpose};
use revlab_lab::{Instant, Outcome, Span};
use revlab_tests::run;

/// 2024-03-01T00:00:00Z.
const START: Instant = Instant::from_millis(1_709_251_200_000);
/// How long a run is, in minutes.
const LENGTH: i64 = 20 * 60;

/// For how long an OCSP answer is valid, in minutes.
const ANSWERS: i64 = 50;

/// What can be out of reach.
const ENDPOINTS: [&str; 4] = ["issuing", "issuing.base", "issuing.delta", "issuing.ocsp"];

/// What an administrator does to the machine or the CA. The machine's caches are emptied by
/// deleting the disk's and a reboot right after it.
const OPERATIONS: [&str; 7] = [
    "on = \"issuing\", publish = {}",
    "on = \"issuing\", publish = { base = false }",
    "on = \"web\", reboot = {}",
    "on = \"web\", restart_service = {}",
    "on = \"web\", urlcache_delete = {}",
    "on = \"web\", delete_cache_files = {}",
    "on = \"web\", chain_cache_resync = {}",
];

/// A course of events; all times in minutes from the start.
#[derive(Clone, Debug)]
struct Course {
    ocsp: bool,
    periods: (i64, i64),
    /// When the first identity is revoked, and the second put on hold and, after so long, released.
    revoked: i64,
    held: (i64, Option<i64>),
    operations: Vec<(i64, usize)>,
    emptied: Vec<i64>,
    /// Which endpoint, from when, for how long.
    faults: Vec<(usize, i64, i64)>,
    /// When the machine's clock is set, and by how much.
    steps: Vec<(i64, i64)>,
    resumed: bool,
}

fn courses() -> impl Strategy<Value = Course> {
    let minute = || 1..LENGTH;
    let operations = prop::collection::vec((minute(), 0..OPERATIONS.len()), 0..8);
    let emptied = prop::collection::vec(minute(), 0..4);
    let faults = prop::collection::vec((0..ENDPOINTS.len(), 0..LENGTH - 250, 5i64..240), 0..5);
    let steps = prop::collection::vec((minute(), -90i64..90), 0..3);
    let held = (1..LENGTH / 2, prop::option::of(5i64..400));
    let shape = (any::<bool>(), (60i64..360, 20i64..60), any::<bool>());
    (shape, minute(), held, operations, emptied, faults, steps).prop_map(
        |((ocsp, periods, resumed), revoked, held, operations, emptied, faults, steps)| Course {
            ocsp,
            periods,
            revoked,
            held,
            operations,
            emptied,
            faults,
            steps,
            resumed,
        },
    )
}

impl Course {
    fn scenario(&self, profile: &str) -> String {
        let (base, delta) = self.periods;
        let aia = match self.ocsp {
            true => format!(
                "aia.ocsp = [\"http://pki.example/ocsp\"]\nresponder = {{ validity = \"{ANSWERS}m\" }}"
            ),
            false => "aia.ocsp = []".to_owned(),
        };
        let session = if self.resumed { "resumed" } else { "fresh" };
        let mut text = format!(
            r#"format = 1
title = "a course of events"
start = "2024-03-01T00:00:00Z"
duration = "{LENGTH}m"
[ca.issuing]
name = "LAB-CA"
host = "pki.example"
computer = "PKI"
crl = {{ period = "{base}m", delta_period = "{delta}m" }}
{aia}
[clients.users]
every = "7m"
threads = 3
identities = 3
session = "{session}"
[sut.web]
profile = "{profile}"
"#
        );
        let mut line = |line: String| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{line}");
        };
        let steps =
            self.steps.iter().map(|(at, by)| format!("{{ at = \"{at}m\", by = \"{by}m\" }}"));
        line(format!("clock = {{ steps = [{}] }}", in_order(&self.steps, steps)));
        line("[operation]".to_owned());
        // Half a minute off the attempts, which are due at whole ones.
        let mut operation = |name: String, at: i64, second: i64, what: &str| {
            line(format!("{name} = {{ at = \"{}s\", {what} }}", at * 60 + second));
        };
        let revoke = |identity: &str, reason: u8| {
            format!("on = \"issuing\", revoke = {{ identity = \"{identity}\", reason = {reason} }}")
        };
        operation("revoke".into(), self.revoked, 20, &revoke("users-1", 1));
        operation("hold".into(), self.held.0, 20, &revoke("users-2", 6));
        if let Some(released) = self.released() {
            let release = "on = \"issuing\", release = { identity = \"users-2\" }";
            operation("release".into(), released, 20, release);
        }
        for (n, (at, kind)) in self.operations.iter().enumerate() {
            operation(format!("o{n}"), *at, 40, OPERATIONS[*kind]);
        }
        for (n, at) in self.emptied.iter().enumerate() {
            operation(format!("delete{n}"), *at, 30, OPERATIONS[5]);
            operation(format!("reboot{n}"), *at, 31, OPERATIONS[2]);
        }
        line("[fault]".to_owned());
        for (n, (on, from, long)) in self.faults.iter().enumerate() {
            let on = ENDPOINTS[*on];
            line(format!(
                "f{n} = {{ on = \"{on}\", from = \"{from}m\", for = \"{long}m\", must_be_met = false, down = {{}} }}"
            ));
        }
        text
    }

    fn released(&self) -> Option<i64> {
        self.held.1.map(|after| self.held.0 + after).filter(|at| *at < LENGTH)
    }

    /// Whether an identity was revoked at a time, as the CA sees it.
    fn is_revoked(&self, identity: &str, at: Instant) -> bool {
        let second = |minute: i64| START + Span::from_secs(minute * 60 + 20);
        match identity {
            "users-1" => second(self.revoked) <= at,
            "users-2" => {
                let back = self.released().is_some_and(|released| second(released) <= at);
                second(self.held.0) <= at && !back
            }
            _ => false,
        }
    }

    /// What the machine's clock reads.
    fn clock(&self, at: Instant) -> Instant {
        let set = self.steps.iter().filter(|(minute, _)| START + Span::from_mins(*minute) <= at);
        at + Span::from_mins(set.map(|(_, by)| by).sum())
    }

    fn reachable(&self, what: Purpose, at: Instant) -> bool {
        let own = match what {
            Purpose::Base => "issuing.base",
            Purpose::Delta => "issuing.delta",
            Purpose::Ocsp => "issuing.ocsp",
            Purpose::Issuer => "issuing.issuer",
        };
        !self.faults.iter().any(|(on, from, long)| {
            let since = START + Span::from_mins(*from);
            [own, "issuing"].contains(&ENDPOINTS[*on])
                && since <= at
                && at < since + Span::from_mins(*long)
        })
    }

    /// Whether the responder has given an answer since then that is still valid and says good.
    fn said_good(&self, identity: &str, since: Instant, at: Instant) -> bool {
        let minutes = (0..LENGTH * 2).map(|half| START + Span::from_secs(half * 30));
        let mut within = minutes.filter(|then| since <= *then && *then <= at).chain([at]);
        self.ocsp
            && within.any(|then| {
                !self.is_revoked(identity, then)
                    && self.clock(at) <= then + Span::from_mins(ANSWERS)
            })
    }

    /// Why an answer of the responder, which is asked now, must be believed. It may be one of before,
    /// which is given again for half its validity, and it is dated by the CA's clock.
    fn says_revoked(&self, identity: &str, at: Instant) -> Option<String> {
        let clock = self.clock(at);
        let valid = at <= clock && clock <= at + Span::from_mins(ANSWERS / 2);
        let said = self.ocsp
            && valid
            && self.is_revoked(identity, at)
            && self.reachable(Purpose::Ocsp, at);
        said.then(|| format!("{identity} at {at} (its clock: {clock}), revoked by OCSP"))
    }

    /// When the caches were last emptied.
    fn emptied(&self, at: Instant) -> Instant {
        let done = self.emptied.iter().map(|minute| START + Span::from_secs(minute * 60 + 31));
        done.filter(|done| *done <= at).max().unwrap_or(START)
    }
}

/// TOML of steps, the earliest first.
fn in_order(steps: &[(i64, i64)], lines: impl Iterator<Item = String>) -> String {
    let mut both: Vec<(i64, String)> = steps.iter().map(|(at, _)| *at).zip(lines).collect();
    both.sort();
    both.into_iter().map(|(_, line)| line).collect::<Vec<_>>().join(", ")
}

/// What was published, each with its moment.
struct Published(Vec<(Instant, Publish)>);

impl Published {
    /// Those of a kind that were served in a span of time, the newest last.
    fn served(&self, what: Purpose, from: Instant, to: Instant) -> Vec<&(Instant, Publish)> {
        let of: Vec<_> = self.0.iter().filter(|(at, p)| p.what == what && *at <= to).collect();
        let ended = |n: usize| of.get(n + 1).is_some_and(|(next, _)| *next < from);
        (0..of.len()).filter(|n| !ended(*n)).map(|n| of[n]).collect()
    }
}

/// Why this admission must not be: a source lists the certificate, answers, and is valid, and
/// nothing older that the machine may still have says otherwise.
fn violated(course: &Course, published: &Published, identity: &str, at: Instant) -> Option<String> {
    let clock = course.clock(at);
    let valid =
        |p: &Publish| p.this_update <= clock && p.next_update.is_some_and(|until| clock <= until);
    let since = course.emptied(at);
    let bases = published.served(Purpose::Base, since, at);
    let known: Vec<_> = bases.iter().filter(|(_, p)| valid(p)).collect();
    // Either source is enough: the strict profile asks no second where the first has spoken.
    let by_ocsp = course.said_good(identity, since, at);
    if let Some(why) = course.says_revoked(identity, at)
        && !by_ocsp
        && !known.iter().any(|(when, _)| !course.is_revoked(identity, *when))
    {
        return Some(why);
    }
    for what in [Purpose::Base, Purpose::Delta] {
        let served = published.served(what, since, at);
        let Some((when, newest)) = served.last() else { continue };
        let listed = course.is_revoked(identity, *when);
        if !listed || !valid(newest) || !course.reachable(what, at) {
            continue;
        }
        // A delta is about what its base does not know, and says nothing without it, nor to a base
        // that came after it (RFC 5280 §5.2.4).
        if what == Purpose::Delta {
            let from = bases.iter().find(|(_, p)| p.number == newest.base_number);
            let is_news = from.is_some_and(|(at, _)| !course.is_revoked(identity, *at));
            let goes = known
                .iter()
                .all(|(_, p)| newest.base_number <= p.number && p.number < newest.number);
            if known.is_empty() || !goes || !is_news {
                continue;
            }
        }
        // Off a base's list it is taken by a delta, too.
        let deltas = published.served(Purpose::Delta, since, at);
        let says_otherwise =
            |(at, p): &&(Instant, Publish)| valid(p) && !course.is_revoked(identity, *at);
        let excused = by_ocsp || served.iter().chain(&deltas).any(says_otherwise);
        if !excused {
            let number = newest.number.unwrap_or_default();
            return Some(format!(
                "{identity} at {at} (its clock: {clock}), listed by {} {number} since {when}",
                what.as_str()
            ));
        }
    }
    None
}

/// The admissions of a run that must not be, and how many attempts of revoked ones there were.
fn violations(course: &Course, profile: &str) -> (Vec<String>, usize) {
    let text = course.scenario(profile);
    let scenarios = from_text("course", &text);
    let scenario = match &scenarios {
        Ok(scenarios) => &scenarios[0],
        Err(errors) => panic!("{text}\n{}", errors.render(false)),
    };
    let (run, _) = run(scenario, Transport::Sim);
    let records = run.trace.records();
    let publish = |record: &revlab_lab::trace::Record| match &record.kind {
        Kind::Publish(publish) => Some((record.t, publish.clone())),
        _ => None,
    };
    let published = Published(records.iter().filter_map(publish).collect());
    let (mut found, mut asked) = (Vec::new(), 0);
    for record in records {
        let Kind::Attempt(attempt) = &record.kind else { continue };
        let both = [attempt.due, record.t];
        asked += usize::from(both.iter().all(|at| course.is_revoked(&attempt.identity, *at)));
        if attempt.outcome != Outcome::Admitted {
            continue;
        }
        // Whenever it was that the machine looked.
        let why = both.map(|at| violated(course, &published, &attempt.identity, at));
        if let [Some(_), Some(why)] = why {
            found.push(why);
        }
    }
    (found, asked)
}

#[test]
fn the_strict_profile_admits_nobody_whom_a_reachable_valid_source_lists() {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        // A few seconds' worth.
        config.cases = 128;
    }
    let mut runner = TestRunner::new(config);
    let asked = Mutex::new(0);
    let outcome = runner.run(&courses(), |course| {
        let (found, of_them) = violations(&course, "rfc5280-strict");
        *asked.lock().expect("one thread") += of_them;
        prop_assert!(
            found.is_empty(),
            "{}\n{}",
            found.join("\n"),
            course.scenario("rfc5280-strict")
        );
        Ok(())
    });
    if let Err(why) = outcome {
        panic!("{why}");
    }
    assert!(asked.into_inner().expect("one thread") > 1000, "hardly anybody revoked was there");
}

/// The same judge finds what it is there to find: Windows lets resumed sessions in without a check,
/// and a CRL that is taken for valid longer hides the one that came after it.
#[test]
fn the_same_judge_finds_what_a_lax_profile_lets_in() {
    let longer = "rfc5280-strict\"\nparameters.crl_validity_extension = \"12h";
    for (profile, resumed) in [("windows-2008r2", true), (longer, false)] {
        let mut runner = TestRunner::deterministic();
        let course = || courses().new_tree(&mut runner).expect("a course").current();
        let lax = std::iter::repeat_with(course).take(16).filter(|course| {
            let course = Course { resumed, ..course.clone() };
            !violations(&course, profile).0.is_empty()
        });
        assert!(lax.count() > 0, "the judge sees nothing of {profile}");
    }
}
