//! Timers as the load of a client.

use super::super::plan::Node;
use super::Reading;
use super::open_model::Schedule;
use super::values::Variables;

/// The keys by which a scenario says when attempts are due, as TOML.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct LoadKeys {
    pub(super) lines: Vec<String>,
    /// Milliseconds between a thread's requests, about.
    pub(super) gap_ms: f64,
    /// The load comes at a rate of the whole group.
    pub(super) is_rate: bool,
}

/// What the timers of a group come to.
#[derive(Default)]
struct Timers {
    /// What is always waited, in milliseconds.
    constant: f64,
    drawn: Option<Drawn>,
    throughput: Option<Throughput>,
    barrier: Option<f64>,
}

enum Drawn {
    Uniform(f64),
    Gaussian(f64),
}

struct Throughput {
    /// A minute.
    per_minute: f64,
    of_thread: bool,
    poisson: bool,
}

/// A century in milliseconds: what is longer is a mistake.
const LONGEST: f64 = 3_155_760_000_000.0;

/// The load of a group of so many threads with these timers.
pub(super) fn load(
    reading: &mut Reading,
    timers: &[(&Node, Vec<String>)],
    threads: u32,
) -> LoadKeys {
    let mut all = Timers::default();
    for (timer, path) in timers {
        take(reading, &mut all, timer, path);
    }
    let mut keys = keys(&all);
    if let Some(together) = all.barrier {
        match together as u32 {
            // JMeter's 0 is the number of threads.
            0 if threads >= 2 => keys.lines.push(format!("barrier = {threads}")),
            n if (2..=threads).contains(&n) => keys.lines.push(format!("barrier = {n}")),
            n => {
                let path = timers.iter().find(|(timer, _)| timer.class == "SyncTimer");
                let path = path.map(|(_, path)| path.clone()).unwrap_or_default();
                reading.note(&path, &format!("a barrier of {n} for {threads} threads is left out"));
            }
        }
    }
    keys
}

fn take(reading: &mut Reading, all: &mut Timers, timer: &Node, path: &[String]) {
    let delay = |reading: &mut Reading| {
        reading.number(path, timer, "ConstantTimer.delay").unwrap_or(0.0).clamp(0.0, LONGEST)
    };
    let range = |reading: &mut Reading| {
        reading.number(path, timer, "RandomTimer.range").unwrap_or(0.0).clamp(0.0, LONGEST)
    };
    let drawn = match timer.class.as_str() {
        "ConstantTimer" => {
            if let Some(mean) = timer.prop("ConstantTimer.delay").and_then(exponential) {
                let why = "the gaps that are drawn by a function are taken for those of a Poisson process";
                reading.note(path, why);
                all.constant += mean;
                return;
            }
            all.constant += delay(reading);
            return;
        }
        "UniformRandomTimer" => Drawn::Uniform(range(reading)),
        "GaussianRandomTimer" => Drawn::Gaussian(range(reading)),
        "PoissonRandomTimer" => {
            let lambda = range(reading);
            let why = "JMeter draws a number near `lambda`, which is a Gaussian with the deviation √lambda";
            reading.note(path, why);
            all.constant += lambda;
            Drawn::Gaussian(lambda.sqrt())
        }
        "SyncTimer" => {
            all.barrier = reading.number(path, timer, "groupSize").map(|n| n.clamp(0.0, 10_000.0));
            return;
        }
        "ConstantThroughputTimer" | "PreciseThroughputTimer" => {
            return throughput(reading, all, timer, path);
        }
        _ => return reading.note(path, "this timer is not understood, and left out"),
    };
    all.constant += delay(reading);
    match &all.drawn {
        None => all.drawn = Some(drawn),
        Some(_) => reading.note(path, "a second timer that draws: only its constant part is taken"),
    }
}

/// The mean of the function by which revlab's own plans draw exponential gaps.
fn exponential(text: &str) -> Option<f64> {
    let inner = text.strip_prefix("${__BeanShell((long)(-Math.log(1.0-Math.random())*")?;
    inner.strip_suffix(")}")?.parse().ok()
}

fn throughput(reading: &mut Reading, all: &mut Timers, timer: &Node, path: &[String]) {
    let Some(number) = reading.number(path, timer, "throughput").filter(|n| *n > 0.0) else {
        return reading.note(path, "has no throughput, and is left out");
    };
    let precise = timer.class == "PreciseThroughputTimer";
    let per_minute = match precise {
        true => {
            let period = reading.number(path, timer, "throughputPeriod").filter(|s| *s > 0.0);
            number * 60.0 / period.unwrap_or(3600.0)
        }
        false => number,
    };
    let mode = reading.value(path, timer, "calcMode").unwrap_or_else(|| "0".to_owned());
    let of_thread = !precise && matches!(mode.as_str(), "0" | "this thread only" | "calcMode.1");
    if !precise && matches!(mode.as_str(), "1" | "3" | "calcMode.2" | "calcMode.4") {
        reading.note(
            path,
            "counts the threads of all groups: here the rate is that of each group by itself",
        );
    }
    if !of_thread {
        reading.note(path, "JMeter keeps the rate while a thread is free, a scenario always");
    }
    all.throughput = Some(Throughput { per_minute, of_thread, poisson: precise });
}

fn keys(all: &Timers) -> LoadKeys {
    let ms = |ms: f64| format!("{}ms", ms.round() as i64);
    match (&all.throughput, &all.drawn) {
        (Some(pace), _) if pace.of_thread => {
            let gap = (60_000.0 / pace.per_minute).clamp(1.0, LONGEST);
            LoadKeys {
                lines: vec![format!("every = \"{}\"", ms(gap))],
                gap_ms: gap,
                is_rate: false,
            }
        }
        (Some(pace), _) => {
            let mut lines = vec![format!("rate = \"{}\"", rate(pace.per_minute / 60.0))];
            if pace.poisson {
                lines.push("arrivals = \"poisson\"".to_owned());
            }
            LoadKeys { lines, gap_ms: 60_000.0 / pace.per_minute, is_rate: true }
        }
        (None, drawn) => {
            let c = all.constant;
            let (gap, gap_ms) = match drawn {
                None => (ms(c), c),
                Some(Drawn::Uniform(range)) => {
                    (format!("{}..{}", ms(c), ms(c + range)), c + range / 2.0)
                }
                Some(Drawn::Gaussian(deviation)) => {
                    (format!("gaussian {}, {}", ms(c), ms(*deviation)), c)
                }
            };
            LoadKeys { lines: vec![format!("think = \"{gap}\"")], gap_ms, is_rate: false }
        }
    }
}

/// `10 per 1s`, in the smallest whole numbers that a scenario can have; never zero.
fn rate(per_second: f64) -> String {
    for (seconds, unit) in [(1.0, "1s"), (60.0, "1m"), (3600.0, "1h"), (86_400.0, "1d")] {
        let count = per_second * seconds;
        if count >= 1.0 && (count - count.round()).abs() < 1e-9 * count || unit == "1d" {
            return format!("{} per {unit}", (count.round() as u32).max(1));
        }
    }
    String::new()
}

/// The stages of an open model.
pub(super) fn open(schedule: &Schedule) -> LoadKeys {
    let words = |per_second: f64| match per_second {
        0.0 => "0 per 1s".to_owned(),
        some => rate(some),
    };
    let stage = |stage: &super::open_model::Stage| {
        let to = match stage.from == stage.to {
            true => String::new(),
            false => format!(", to = \"{}\"", words(stage.to)),
        };
        format!("    {{ for = \"{}\", rate = \"{}\"{to} }},", stage.length, words(stage.from))
    };
    let mut lines = vec!["rate = [".to_owned()];
    lines.extend(schedule.stages.iter().map(stage));
    lines.push("]".to_owned());
    if schedule.random {
        lines.push("arrivals = \"poisson\"".to_owned());
    }
    LoadKeys { lines, gap_ms: 0.0, is_rate: true }
}

/// What a pause of a thread waits: its own length and the timers below it, as a constant timer.
pub(super) fn pause(variables: &Variables, action: &Node) -> Option<f64> {
    let text = action.prop("ActionProcessor.duration")?;
    variables
        .resolve(text)
        .ok()?
        .trim()
        .parse::<f64>()
        .ok()
        .filter(|ms| ms.is_finite() && *ms > 0.0)
}
