//! A client as thread groups: one, or one for each stage of its rate.

use revlab_clients::Choice;
use revlab_clients::load::{Arrivals, Gap, Load, Rate, Stage};
use revlab_clients::plan::{ClientPlan, Session, Sessions};
use revlab_lab::trace::HttpVersion;
use revlab_lab::{Clock, Span};

use super::tree::{Element, Prop};
use super::{Target, csv_of};
use crate::jmeter::jtl::IDENTITY;
use crate::scenario::Scenario;

/// Modes of the Constant Throughput Timer: this thread only, and all threads of the group together.
const THIS_THREAD: i64 = 0;
const WHOLE_GROUP: i64 = 4;

/// A stretch of the run in which the group sends its load.
struct Stretch {
    name: String,
    /// After the start of the run.
    from: Span,
    length: Span,
    /// Requests a minute of the whole group; none: the timers say.
    per_minute: Option<f64>,
}

/// The thread groups of a client. What JMeter does otherwise goes into `notes`.
pub(super) fn groups(
    scenario: &Scenario,
    plan: &ClientPlan,
    target: &Target,
    notes: &mut Vec<String>,
) -> Vec<Element> {
    let mut said = Vec::new();
    unsaid(scenario, plan, target, &mut said);
    let stretches = stretches(scenario, plan, &mut said);
    let groups = stretches.iter().map(|s| thread_group(scenario, plan, target, s)).collect();
    notes.extend(said.into_iter().map(|note| format!("client `{}`: {note}", plan.name)));
    groups
}

fn stretches(scenario: &Scenario, plan: &ClientPlan, notes: &mut Vec<String>) -> Vec<Stretch> {
    let from = plan.from - scenario.start;
    let until = plan.until.min(scenario.start + scenario.duration) - scenario.start;
    let length = until - from;
    let Load::Rate(stages, arrivals) = &plan.load else {
        return vec![Stretch { name: plan.name.to_string(), from, length, per_minute: None }];
    };
    notes.push(
        "JMeter keeps a rate only as long as a thread is free: a server that stalls is asked less"
            .to_owned(),
    );
    if *arrivals == Arrivals::Poisson {
        notes.push("JMeter's Constant Throughput Timer lets requests come evenly, not as a Poisson process".into());
    }
    let mut at = from;
    let mut found = Vec::new();
    for (n, stage) in (1..).zip(stages) {
        let Stage { length, from, to } = stage;
        let length = length.unwrap_or(until - at).min(until - at).max(Span::ZERO);
        if from != to {
            notes
                .push(format!("stage {n} of the rate rises or falls: its mean is sent throughout"));
        }
        let per_minute = (per_minute(*from) + per_minute(*to)) / 2.0;
        if per_minute > 0.0 && length > Span::ZERO {
            let name = match stages.len() {
                1 => plan.name.to_string(),
                _ => format!("{}-stage-{n}", plan.name),
            };
            found.push(Stretch { name, from: at, length, per_minute: Some(per_minute) });
        }
        at = at + length;
    }
    if plan.loops.is_some() && found.len() > 1 {
        notes.push("`loops` counts in each stage by itself".into());
    }
    found
}

fn per_minute(rate: Rate) -> f64 {
    f64::from(rate.count) * 60_000.0 / rate.per.as_millis().max(1) as f64
}

/// What JMeter does otherwise, whatever the load.
fn unsaid(scenario: &Scenario, plan: &ClientPlan, target: &Target, notes: &mut Vec<String>) {
    let mut note = |text: &str| notes.push(text.to_owned());
    match &plan.load {
        Load::Every(gap) => {
            note(
                "JMeter waits for an answer before a thread's next request, also where `every` does not",
            );
            if gap.is_drawn() {
                note("the gaps that are drawn lie between the end of a request and the next one");
            }
        }
        Load::Think(_) | Load::Rate(..) => {}
    }
    if plan.threads > 1 && plan.identities > 1 {
        note(
            "its threads take the next line of the CSV file, in the order in which they come to it",
        );
    }
    match &plan.choice {
        Choice::Weighted(_) => {
            note(
                "its identities are taken as often as their weights have it, but in turn: nothing is drawn",
            );
        }
        Choice::Minted => note(
            "no certificate is issued for each attempt: all have the first one, which caches know from then on",
        ),
        Choice::RoundRobin | Choice::Listed(_) => {}
    }
    if plan.state.is_some() {
        note("`state` does nothing: JMeter does not know what the CA has revoked");
    }
    if plan.http != HttpVersion::V1_1 {
        note("JMeter's HTTPS samplers speak HTTP/1.1 alone");
    }
    if !plan.ciphers.is_empty() {
        note(
            "`ciphers` does nothing: Java offers its own, which `https.cipherSuites` of system.properties can change",
        );
    }
    if plan.session == Session::Resumed && plan.sessions == Sessions::Shared {
        note("sessions are each thread's own");
    }
    if plan.keep_alive && plan.identities > 1 {
        note(
            "a thread goes on using the connection that it keeps open, also with the next line of the CSV file: then its certificate is that of the first",
        );
    }
    if plan.barrier.is_some() {
        note(
            "the last ones at the barrier wait for the time-out, and on many machines each has a barrier of its own",
        );
    }
    if plan.validator.is_some() || plan.principal.is_some() {
        note("nobody validates the server's certificate: `validator` and `principal` do nothing");
    }
    if plan.clock != Clock::exact(scenario.start) {
        note("its `clock` is that of the machine");
    }
    if plan.remembers_certificate {
        note(
            "`remembers_certificate` does nothing: the keystore has one certificate of each identity",
        );
    }
    note("the `timeout` is given to connecting and to the answer, each by itself");
    if let (Some(host), Some(other)) = (&plan.host, &target.host)
        && host != other
    {
        notes.push(format!(
            "it asks for `{other}`, not for `{host}`: JMeter asks for the name that it connects to"
        ));
    }
    let spans = [
        ("ramp_up", plan.ramp_up),
        ("from", plan.from - scenario.start),
        ("until", plan.until - scenario.start),
    ];
    for (key, span) in spans {
        if span.as_millis() % 1000 != 0 {
            notes.push(format!(
                "`{key}` is {span}, and JMeter counts whole seconds: it is rounded up"
            ));
        }
    }
    if plan.path.contains("${") {
        notes.push("JMeter reads `${…}` in its `path` as a variable".to_owned());
    }
}

/// Whole seconds, rounded up.
fn seconds(span: Span) -> String {
    let ms = span.as_millis().max(0);
    (ms / 1000 + i64::from(ms % 1000 != 0)).to_string()
}

fn thread_group(
    scenario: &Scenario,
    plan: &ClientPlan,
    target: &Target,
    stretch: &Stretch,
) -> Element {
    let endless = plan.loops.is_none();
    let loops = plan.loops.map_or("-1".to_owned(), |loops| loops.to_string());
    let controller = Prop::Element {
        name: "ThreadGroup.main_controller".into(),
        kind: "LoopController",
        gui: "LoopControlPanel",
        inner: vec![
            Prop::yes("LoopController.continue_forever", endless),
            Prop::text("LoopController.loops", loops),
        ],
    };
    let threads = format!("${{__P(threads-{},{})}}", plan.name, plan.threads);
    Element::new("ThreadGroup", "ThreadGroupGui", &stretch.name)
        .with(Prop::text("ThreadGroup.on_sample_error", "continue"))
        .with(controller)
        .with(Prop::text("ThreadGroup.num_threads", threads))
        .with(Prop::text("ThreadGroup.ramp_time", seconds(plan.ramp_up)))
        .with(Prop::yes("ThreadGroup.scheduler", true))
        .with(Prop::text("ThreadGroup.duration", seconds(stretch.length)))
        .with(Prop::text("ThreadGroup.delay", seconds(stretch.from)))
        .holding([identities(plan), sampler(scenario, plan, target, stretch)])
        .holding(thinking(plan))
}

fn identities(plan: &ClientPlan) -> Element {
    Element::bean("CSVDataSet", "Identities")
        .with(Prop::text("delimiter", ","))
        .with(Prop::text("fileEncoding", "UTF-8"))
        .with(Prop::text("filename", csv_of(&plan.name)))
        .with(Prop::yes("quotedData", false))
        .with(Prop::yes("recycle", true))
        .with(Prop::text("shareMode", "shareMode.all"))
        .with(Prop::yes("stopThread", false))
        .with(Prop::text("variableNames", IDENTITY))
}

fn sampler(scenario: &Scenario, plan: &ClientPlan, target: &Target, stretch: &Stretch) -> Element {
    let own = scenario.suts.get(&plan.sut).map(|sut| sut.host.as_str()).unwrap_or_default();
    let host = target.host.as_deref().or(plan.host.as_deref()).unwrap_or(own);
    let port = target.port.unwrap_or(443);
    let timeout = plan.timeout.as_millis().to_string();
    let arguments = Prop::Element {
        name: "HTTPsampler.Arguments".into(),
        kind: "Arguments",
        gui: "HTTPArgumentsPanel",
        inner: vec![Prop::Collection("Arguments.arguments".into())],
    };
    let of_sut = if scenario.suts.len() == 1 { String::new() } else { format!("-{}", plan.sut) };
    Element::new("HTTPSamplerProxy", "HttpTestSampleGui", &plan.name)
        .with(arguments)
        .with(Prop::text("HTTPSampler.domain", format!("${{__P(host{of_sut},{host})}}")))
        .with(Prop::text("HTTPSampler.port", format!("${{__P(port{of_sut},{port})}}")))
        .with(Prop::text("HTTPSampler.connect_timeout", timeout.clone()))
        .with(Prop::text("HTTPSampler.response_timeout", timeout))
        .with(Prop::text("HTTPSampler.protocol", "https"))
        .with(Prop::text("HTTPSampler.contentEncoding", ""))
        .with(Prop::text("HTTPSampler.path", plan.path.clone()))
        .with(Prop::text("HTTPSampler.method", "GET"))
        .with(Prop::yes("HTTPSampler.follow_redirects", false))
        .with(Prop::yes("HTTPSampler.auto_redirects", false))
        .with(Prop::yes("HTTPSampler.use_keepalive", plan.keep_alive))
        .with(Prop::yes("HTTPSampler.DO_MULTIPART_POST", false))
        .with(Prop::text("HTTPSampler.implementation", "HttpClient4"))
        .holding(before(plan, stretch))
}

/// The timers that hold a request back.
fn before(plan: &ClientPlan, stretch: &Stretch) -> Vec<Element> {
    let mut timers = Vec::new();
    match (&plan.load, stretch.per_minute) {
        (_, Some(per_minute)) => timers.push(throughput(per_minute, WHOLE_GROUP)),
        (Load::Every(Gap::Fixed(gap)), _) => {
            let per_minute = 60_000.0 / gap.as_millis().max(1) as f64;
            timers.push(throughput(per_minute, THIS_THREAD));
        }
        _ => {}
    }
    timers.extend(plan.barrier.map(|together| {
        Element::bean("SyncTimer", "Synchronizing Timer")
            .with(Prop::int("groupSize", together.into()))
            .with(Prop::text("timeoutInMs", plan.timeout.as_millis().to_string()))
    }));
    timers
}

fn throughput(per_minute: f64, mode: i64) -> Element {
    Element::bean("ConstantThroughputTimer", "Constant Throughput Timer")
        .with(Prop::int("calcMode", mode))
        .with(Prop::text("throughput", per_minute.to_string()))
}

/// What a thread does between its requests: a pause with a timer below it, which the first request does
/// not wait for.
fn thinking(plan: &ClientPlan) -> Option<Element> {
    let gap = match plan.load {
        Load::Think(gap) => gap,
        Load::Every(gap) if gap.is_drawn() => gap,
        _ => return None,
    };
    let pause = Element::new("TestAction", "TestActionGui", "Think")
        .with(Prop::int("ActionProcessor.action", 1))
        .with(Prop::int("ActionProcessor.target", 0))
        .with(Prop::text("ActionProcessor.duration", "0"));
    Some(pause.holding([timer(gap)]))
}

fn timer(gap: Gap) -> Element {
    let ms = |span: Span| span.as_millis().to_string();
    let constant = |delay: String| {
        Element::new("ConstantTimer", "ConstantTimerGui", "Constant Timer")
            .with(Prop::text("ConstantTimer.delay", delay))
    };
    match gap {
        Gap::Fixed(span) => constant(ms(span)),
        // JMeter's Poisson Random Timer draws a number near its mean; the gaps of a Poisson process
        // are exponential.
        Gap::Poisson { mean } => {
            let draw = format!("(long)(-Math.log(1.0-Math.random())*{})", ms(mean));
            constant(format!("${{__BeanShell({draw})}}"))
        }
        Gap::Uniform { from, to } => {
            Element::new("UniformRandomTimer", "UniformRandomTimerGui", "Uniform Random Timer")
                .with(Prop::text("ConstantTimer.delay", ms(from)))
                .with(Prop::text("RandomTimer.range", ms(to - from)))
        }
        Gap::Gaussian { mean, deviation } => {
            Element::new("GaussianRandomTimer", "GaussianRandomTimerGui", "Gaussian Random Timer")
                .with(Prop::text("ConstantTimer.delay", ms(mean)))
                .with(Prop::text("RandomTimer.range", ms(deviation)))
        }
    }
}
