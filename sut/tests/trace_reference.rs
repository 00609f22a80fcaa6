//! The trace reference of the book names every field that a trace can hold, and no other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use revlab_lab::http::{FetchError, Method};
use revlab_lab::trace::{
    Attempt, Cache, CacheOp, Check, ClockSet, End, Fault, FaultState, Fetch, Handshake, Header,
    HttpVersion, Kind, Layer, Log, ObjectInfo, Operation, Party, Phase, PhasesMs, Publish, Purpose,
    State, Step, TlsVersion, Used, Validation, Verdict, Withheld, read,
};
use revlab_lab::{Code, Instant, Outcome};
use serde_json::Value;

const T: Instant = Instant::from_millis(1_397_606_400_000);

fn reference() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/reference/trace.md");
    std::fs::read_to_string(path).unwrap()
}

/// The text below the heading of each kind: ``## `fetch` ``.
fn sections(text: &str) -> BTreeMap<String, String> {
    let sections = text.split("\n## ").skip(1).filter_map(|section| {
        let (heading, body) = section.split_once('\n')?;
        Some((heading.trim_matches('`').to_owned(), body.to_owned()))
    });
    sections.collect()
}

/// The names in the first column of a section's table of fields or of steps. Other tables explain
/// values.
fn documented(section: &str) -> BTreeSet<String> {
    let is_head = |line: &&str| line.starts_with("| field ") || line.starts_with("| step ");
    let rows = section.lines().skip_while(|line| !is_head(line));
    let rows = rows.take_while(|line| line.starts_with('|'));
    let names = rows.filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// The keys of a JSON object; those of an object within as `outer.inner`. Maps with free keys and
/// steps, which have a table of their own, count as one.
fn keys(value: &Value, prefix: &str, found: &mut BTreeSet<String>) {
    let Value::Object(object) = value else { return };
    for (key, inner) in object {
        let name = format!("{prefix}{key}");
        found.insert(name.clone());
        if matches!(key.as_str(), "profiles" | "counts" | "steps") {
            continue;
        }
        let below = format!("{name}.");
        match inner {
            Value::Array(items) => items.iter().for_each(|item| keys(item, &below, found)),
            _ => keys(inner, &below, found),
        }
    }
}

fn fetch() -> Kind {
    Kind::Fetch(Fetch {
        id: 1,
        began: T,
        by: "web".into(),
        process: "lsass.exe".into(),
        purpose: Purpose::Base,
        method: Method::Get,
        url: "http://host/XXX-CA(1).crl".parse().unwrap(),
        status: Some(200),
        substatus: Some(0),
        error: Some(FetchError::TimedOut),
        rejected: Some("not a CRL".into()),
        bytes: 1,
        took_ms: 1,
        object: Some(ObjectInfo {
            number: Some(1),
            base_number: Some(1),
            this_update: T,
            next_update: Some(T),
            sha1: Some("00".into()),
        }),
        check: Some(1),
        unsolicited: Some("prefetch".into()),
        client: Some("jmeter-1".into()),
        faults: vec!["ca-down".into()],
    })
}

fn check(steps: Vec<Step>) -> Kind {
    Kind::Check(Check {
        check: 1,
        began: Some(T),
        by: "web".into(),
        same_as: Some(1),
        process: Some("lsass.exe".into()),
        subject: Some("jmeter-1".into()),
        verdict: Some(Verdict::Offline),
        code: Some(Code::CRYPT_E_REVOCATION_OFFLINE),
        used: vec![Used {
            object: Purpose::Base,
            layer: Layer::Memory,
            number: Some(1),
            next_update: Some(T),
        }],
        steps,
    })
}

fn attempt() -> Kind {
    Kind::Attempt(Attempt {
        client: "jmeter".into(),
        thread: 1,
        identity: "jmeter-1".into(),
        due: T,
        began: Some(T),
        phase: Some(Phase::Request),
        phases_ms: Some(PhasesMs {
            connect: Some(1),
            handshake: 1,
            request: 1,
            first_byte: Some(1),
        }),
        tls: Some(TlsVersion::V1_2),
        http: Some(HttpVersion::V2),
        cipher: Some("TLS_AES_128_GCM_SHA256".into()),
        handshake: Handshake::Full,
        outcome: Outcome::Refused,
        status: Some(403),
        substatus: Some(13),
        code: Some(Code::CRYPT_E_REVOCATION_OFFLINE),
        alert: Some("access_denied".into()),
        error: Some("connection closed".into()),
        took_ms: 1,
        wall_ms: Some(1),
        checks: vec![1],
        validations: vec![Validation {
            by: "dc".into(),
            of: Party::Client,
            check: 1,
            verdict: Verdict::Good,
            code: Some(Code::CRYPT_E_REVOKED),
            account: Some("jmeter-1".into()),
        }],
    })
}

fn header() -> Kind {
    Kind::Header(Header {
        format: 1,
        revlab: "0.1.0".into(),
        scenario: "kb2666300/lab".into(),
        digest: "00".into(),
        variant: Some("patched".into()),
        seed: 1,
        transport: "sim".into(),
        sut: "web".into(),
        start: T,
        duration_ms: 1,
        profiles: BTreeMap::from([("web".into(), BTreeMap::new())]),
    })
}

fn publish() -> Kind {
    Kind::Publish(Publish {
        id: 1,
        ca: "issuing".into(),
        what: Purpose::Delta,
        url: "http://host/XXX-CA(1)+.crl".into(),
        number: Some(2),
        base_number: Some(1),
        this_update: T,
        next_update: Some(T),
        next_publish: Some(T),
        entries: 0,
        bytes: 1,
        sha1: "00".into(),
    })
}

/// One example of each kind with every field set. A field that is added to a record has to be added
/// here, or this does not compile.
fn examples() -> Vec<Kind> {
    let fault = Fault { id: "ca-down".into(), on: "issuing.crl".into(), state: FaultState::Begin };
    let operation = Operation {
        id: "reboot".into(),
        what: "reboot".into(),
        on: "web".into(),
        detail: Some("all processes end".into()),
    };
    let cache = Cache {
        by: "web".into(),
        layer: Layer::Disk,
        owner: "systemprofile".into(),
        op: CacheOp::Clear,
        object: Some("base".into()),
    };
    let log = Log {
        by: "web".into(),
        file: "FailedReqLogFiles/W3SVC1".into(),
        line: "403.13".into(),
        code: Some(Code::CRYPT_E_REVOCATION_OFFLINE),
        attempt: Some(1),
    };
    let clock = ClockSet { actor: "web".into(), offset_ms: 1 };
    let end = End { reason: "complete".into(), counts: BTreeMap::from([("fetch".into(), 1)]) };
    vec![
        header(),
        publish(),
        fetch(),
        check(steps()),
        attempt(),
        Kind::Fault(fault),
        Kind::Operation(operation),
        Kind::Clock(clock),
        Kind::Cache(cache),
        Kind::Log(log),
        Kind::End(end),
    ]
}

/// One of each step with every field set.
fn steps() -> Vec<Step> {
    let object = Purpose::Base;
    vec![
        Step::Chain { error: Some(Code::CERT_E_EXPIRED), rule: Some("expired".into()) },
        Step::Resumed,
        Step::Certificate { subject: "CN=jmeter-1".into() },
        Step::Lookup {
            object,
            layer: Layer::Disk,
            state: State::Stale,
            number: Some(1),
            next_update: Some(T),
        },
        Step::CrossCertificates {
            subject: "CN=OLD-ROOT".into(),
            layer: Layer::Disk,
            state: State::Stale,
            due: Some(T),
        },
        Step::Retrieve {
            object,
            fetch: 1,
            status: Some(200),
            error: Some(FetchError::TimedOut),
            rejected: Some("not a CRL".into()),
        },
        Step::Shared { object, fetch: 1 },
        Step::Withheld { object, why: Withheld::OcspFailed, until: Some(T) },
        Step::Refused { object, why: "weak signature".into() },
        Step::BaseTooOld { base: 1, indicator: 2 },
        Step::BudgetSpent { object },
        Step::Listed { object, reason: Some(1) },
        Step::NoUrl { object },
        Step::Remembered { until: T },
    ]
}

#[test]
fn the_reference_names_exactly_the_fields_of_each_kind() {
    let sections = sections(&reference());
    let common = documented(&sections["Every record"]);
    assert_eq!(common, ["kind", "n", "t"].map(String::from).into());
    for kind in examples() {
        let mut found = BTreeSet::new();
        keys(&serde_json::to_value(&kind).unwrap(), "", &mut found);
        found.remove("kind");
        let section = sections.get(kind.name()).expect("a section for each kind");
        assert_eq!(documented(section), found, "`{}`", kind.name());
    }
}

#[test]
fn the_reference_names_every_step_with_its_fields() {
    let sections = sections(&reference());
    let section = &sections["Steps of a check"];
    let names: BTreeSet<_> = steps().iter().map(|step| step.name().to_owned()).collect();
    assert_eq!(documented(section), names);
    for step in steps() {
        let start = format!("| `{}`", step.name());
        let row = section.lines().find(|line| line.starts_with(&start)).unwrap();
        let fields = row.split('|').nth(2).unwrap();
        let mut found = BTreeSet::new();
        keys(&serde_json::to_value(&step).unwrap(), "", &mut found);
        found.remove("step");
        let named: BTreeSet<_> =
            fields.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect();
        assert_eq!(named, found, "{row}");
    }
}

#[test]
fn the_reference_names_every_value_that_a_field_can_have() {
    let text = reference();
    let outcomes = Outcome::NAMES.map(|(name, _)| name);
    let verdicts = Verdict::NAMES.map(|(name, _)| name);
    let purposes = Purpose::NAMES.map(|(name, _)| name);
    let named = outcomes.into_iter().chain(verdicts).chain(purposes).map(str::to_owned);
    let withheld = [
        Withheld::OfflineMark,
        Withheld::OcspOfflineMark,
        Withheld::OcspFailed,
        Withheld::WaitsForDelta,
        Withheld::CrlPreferred,
        Withheld::NoValidBase,
        Withheld::CachedOnly,
        Withheld::CrlRefused,
        Withheld::NotConnected,
    ];
    let errors = [
        FetchError::NameNotResolved,
        FetchError::ConnectionRefused,
        FetchError::ConnectionReset,
        FetchError::TimedOut,
        FetchError::BadReply,
    ];
    let layers = [Layer::Memory, Layer::Disk, Layer::Store, Layer::Wire, Layer::Staple];
    let states = [State::Fresh, State::Stale, State::NotYetValid, State::Absent];
    let values = withheld
        .iter()
        .map(serde_json::to_value)
        .chain(errors.iter().map(serde_json::to_value))
        .chain(layers.iter().map(serde_json::to_value))
        .chain(states.iter().map(serde_json::to_value))
        .map(|value| value.unwrap().as_str().unwrap().to_owned());
    for value in named.chain(values) {
        assert!(text.contains(&format!("`{value}`")), "`{value}` is not in the reference");
    }
}

#[test]
fn every_example_line_is_a_record_without_unknown_fields() {
    let text = reference();
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("{\"n\":")).collect();
    let mut kinds = BTreeSet::new();
    for line in lines {
        let trace = read(format!("{line}\n").as_bytes()).unwrap();
        let [record] = trace.records() else { panic!("{line}") };
        kinds.insert(record.kind.name());
        let mut written = serde_json::to_value(&record.kind).unwrap();
        written["n"] = record.n.into();
        written["t"] = record.t.to_string().into();
        assert_eq!(written, serde_json::from_str::<Value>(line).unwrap(), "{line}");
    }
    let all: BTreeSet<_> = examples().iter().map(Kind::name).collect();
    assert_eq!(kinds, all);
}
