//! Small traces made by hand, for tests of the judge and of the reports.

use std::collections::BTreeMap;
use std::sync::Arc;

use revlab_clients::load::{Gap, Load};
use revlab_clients::plan::{ClientPlan, ResumedBy, Session, Sessions, StatusRange};
use revlab_fake_ca::fault::{Effect, Endpoint, FaultConfig, Target};
use revlab_lab::http::Method;
use revlab_lab::network::Network;
use revlab_lab::trace::{
    Attempt, Check, ClockSet, End, Fault, FaultState, Fetch, Handshake, Header, HttpVersion, Kind,
    Layer, Log, ObjectInfo, Operation, Publish, Purpose, Record, State, Step, TlsVersion, Trace,
    Verdict,
};
use revlab_lab::{Clock, Code, Instant, Name, Outcome, Seed, Span};

use super::{Finding, judge};
use crate::scenario::Scenario;
use crate::scenario::model::{self, Expectation, ExpectationKind, OperationKind, Window};

pub(crate) fn mins(n: i64) -> Span {
    Span::from_mins(n)
}

pub(crate) fn hours(n: i64) -> Span {
    Span::from_hours(n)
}

/// A scenario and its trace under construction. Times are spans from the start of the run,
/// 2014-04-16T00:00:00Z; records are numbered in the order of their times.
#[derive(Clone)]
pub(crate) struct Lab {
    start: Instant,
    records: Vec<(Instant, Kind)>,
    end: Option<&'static str>,
    foreign: bool,
    pub(crate) scenario: Scenario,
}

impl Lab {
    pub(crate) fn new(duration: Span) -> Lab {
        let start: Instant = "2014-04-16T00:00:00Z".parse().unwrap();
        let scenario = Scenario {
            name: "kb2666300/lab".to_owned(),
            title: "A lab made by hand".to_owned(),
            description: None,
            variant: Some("unpatched".into()),
            tags: Vec::new(),
            resolved: String::new(),
            start,
            duration,
            divide: None,
            always_real: false,
            seed: Seed(1),
            network: Network::default(),
            cas: BTreeMap::new(),
            suts: BTreeMap::new(),
            validators: BTreeMap::new(),
            clients: BTreeMap::from([("jmeter".into(), client(start, duration))]),
            faults: BTreeMap::new(),
            operations: BTreeMap::new(),
            expectations: Vec::new(),
        };
        Lab { start, records: Vec::new(), end: Some("complete"), foreign: false, scenario }
    }

    /// The instant so long after the start.
    pub(crate) fn at(&self, after: Span) -> Instant {
        self.start + after
    }

    fn add(&mut self, after: Span, kind: Kind) -> &mut Lab {
        self.records.push((self.at(after), kind));
        self
    }

    pub(crate) fn admitted(&mut self, due: Span) -> &mut Lab {
        self.attempt_of("jmeter", due, Outcome::Admitted, None)
    }

    /// Refused with 403.13 and this code.
    pub(crate) fn refused(&mut self, due: Span, code: Code) -> &mut Lab {
        self.attempt_of("jmeter", due, Outcome::Refused, Some(code))
    }

    /// Refused by this TLS alert.
    pub(crate) fn alerted(&mut self, due: Span, alert: &str) -> &mut Lab {
        let mut it = attempt("jmeter", self.at(due), Outcome::Refused, None);
        (it.alert, it.status, it.substatus) = (Some(alert.into()), None, None);
        self.add(due + Span::from_millis(it.took_ms), Kind::Attempt(it))
    }

    /// The system under test is a program that is not ours.
    pub(crate) fn foreign(&mut self) -> &mut Lab {
        self.foreign = true;
        self
    }

    pub(crate) fn attempt_of(
        &mut self,
        client: &str,
        due: Span,
        outcome: Outcome,
        code: Option<Code>,
    ) -> &mut Lab {
        let it = attempt(client, self.at(due), outcome, code);
        self.add(due + Span::from_millis(it.took_ms), Kind::Attempt(it))
    }

    /// Admitted, but the answer came at `end`.
    pub(crate) fn attempt_ending(&mut self, client: &str, due: Span, end: Span) -> &mut Lab {
        let mut it = attempt(client, self.at(due), Outcome::Admitted, None);
        it.took_ms = (end - due).as_millis();
        self.add(end, Kind::Attempt(it))
    }

    /// The last attempt took up a session.
    pub(crate) fn resumed(&mut self) -> &mut Lab {
        if let Some((_, Kind::Attempt(it))) = self.records.last_mut() {
            it.handshake = Handshake::Resumed;
        }
        self
    }

    /// Points the last attempt to a check.
    pub(crate) fn with_check(&mut self, number: u64) -> &mut Lab {
        if let Some((_, Kind::Attempt(it))) = self.records.last_mut() {
            it.checks = vec![number];
        }
        self
    }

    pub(crate) fn fetch(&mut self, began: Span, mut it: Fetch) -> &mut Lab {
        it.began = self.at(began);
        self.add(began + Span::from_millis(it.took_ms), Kind::Fetch(it))
    }

    pub(crate) fn check(&mut self, at: Span, it: Check) -> &mut Lab {
        self.add(at, Kind::Check(it))
    }

    /// The check `number` repeats the check `of`.
    pub(crate) fn repeat(&mut self, at: Span, by: &str, number: u64, of: u64) -> &mut Lab {
        let mut it = check(by, number, Verdict::Good);
        (it.same_as, it.verdict, it.process, it.subject) = (Some(of), None, None, None);
        self.add(at, Kind::Check(it))
    }

    pub(crate) fn clock(&mut self, at: Span, actor: &str, offset: Span) -> &mut Lab {
        let it = ClockSet { actor: actor.into(), offset_ms: offset.as_millis() };
        self.add(at, Kind::Clock(it))
    }

    pub(crate) fn operation(&mut self, at: Span, id: &str, what: &str) -> &mut Lab {
        self.operation_on(at, "web", id, what)
    }

    pub(crate) fn operation_on(&mut self, at: Span, on: &str, id: &str, what: &str) -> &mut Lab {
        let it = Operation { id: id.into(), what: what.into(), on: on.into(), detail: None };
        self.add(at, Kind::Operation(it))
    }

    pub(crate) fn publish(&mut self, at: Span, what: Purpose, number: u64) -> &mut Lab {
        let it = Publish {
            id: number,
            ca: "issuing".into(),
            what,
            url: "http://ca.test/XXX-CA.crl".into(),
            number: Some(number),
            base_number: None,
            this_update: self.at(at),
            next_update: Some(self.at(at + mins(85))),
            next_publish: None,
            entries: 0,
            bytes: 400,
            sha1: String::new(),
        };
        self.add(at, Kind::Publish(it))
    }

    pub(crate) fn log(&mut self, at: Span, file: &str, code: Code) -> &mut Lab {
        let it = Log {
            by: "web".into(),
            file: file.into(),
            line: "a line".to_owned(),
            code: Some(code),
            attempt: None,
        };
        self.add(at, Kind::Log(it))
    }

    /// A fault in the scenario, with its records.
    pub(crate) fn fault(&mut self, id: &str, from: Span, to: Span, must_be_met: bool) -> &mut Lab {
        let name: Name = id.into();
        let on = Target { ca: "issuing".into(), endpoint: Endpoint::Crl };
        let config = FaultConfig {
            from: self.at(from),
            until: self.at(to),
            must_be_met,
            ..FaultConfig::always(name.clone(), on, Effect::Down)
        };
        self.scenario.faults.insert(name.clone(), config);
        for (at, state) in [(from, FaultState::Begin), (to, FaultState::End)] {
            let it = Fault { id: name.clone(), on: "issuing.crl".into(), state };
            self.add(at, Kind::Fault(it));
        }
        self
    }

    /// The scenario's operation `id` revokes the certificate of `identity`.
    pub(crate) fn revocation(&mut self, id: &str, identity: &str) -> &mut Lab {
        let action = OperationKind::Revoke {
            identity: identity.into(),
            reason: None,
            extensions: Vec::new(),
        };
        self.plan(id, action)
    }

    pub(crate) fn reissue(&mut self, id: &str) -> &mut Lab {
        self.plan(id, OperationKind::Reissue { ocsp: Vec::new() })
    }

    fn plan(&mut self, id: &str, action: OperationKind) -> &mut Lab {
        let operation = model::Operation {
            name: id.into(),
            on: "web".into(),
            at: self.start,
            every: None,
            until: self.start + self.scenario.duration,
            action,
        };
        self.scenario.operations.insert(id.into(), operation);
        self
    }

    /// The client is a control.
    pub(crate) fn control(&mut self) -> &mut Lab {
        for client in self.scenario.clients.values_mut() {
            client.control = true;
        }
        self
    }

    /// The trace ends with another reason than `complete`.
    pub(crate) fn stop(&mut self, reason: &'static str) -> &mut Lab {
        self.end = Some(reason);
        self
    }

    /// The trace has no `end`.
    pub(crate) fn cut(&mut self) -> &mut Lab {
        self.end = None;
        self
    }

    /// Adds an expectation about the whole run.
    pub(crate) fn expect(&mut self, kind: ExpectationKind) -> &mut Lab {
        let window = Window { from: self.start, to: self.start + self.scenario.duration };
        let name = format!("expectation-{}", self.scenario.expectations.len() + 1).into();
        let expectation =
            Expectation { name, why: None, shows: Vec::new(), known: None, window, kind };
        self.scenario.expectations.push(expectation);
        self
    }

    /// What the judge finds about this expectation of the whole run.
    pub(crate) fn find(&self, kind: ExpectationKind) -> Finding {
        self.find_in(Span::ZERO, self.scenario.duration, kind)
    }

    pub(crate) fn find_in(&self, from: Span, to: Span, kind: ExpectationKind) -> Finding {
        let mut lab = self.clone();
        lab.expect(kind);
        let window = Window { from: self.at(from), to: self.at(to) };
        let last = lab.scenario.expectations.last_mut().unwrap();
        last.window = window;
        judge(&lab.scenario, &lab.trace()).findings.pop().unwrap()
    }

    pub(crate) fn scenario(&self) -> Scenario {
        self.scenario.clone()
    }

    pub(crate) fn trace(&self) -> Trace {
        let mut all = self.records.clone();
        all.sort_by_key(|(t, _)| *t);
        let mut header = header(&self.scenario);
        if self.foreign {
            let adapter = BTreeMap::from([("adapter".to_owned(), "s_server".into())]);
            header.profiles.insert("web".to_owned(), adapter);
        }
        all.insert(0, (self.start, Kind::Header(header)));
        if let Some(reason) = self.end {
            let last = all.last().map_or(self.start, |(t, _)| *t);
            let whole = self.start + self.scenario.duration;
            let t = if reason == "complete" { last.max(whole) } else { last };
            let end = End { reason: reason.to_owned(), counts: BTreeMap::new() };
            all.push((t, Kind::End(end)));
        }
        let number = |(n, (t, kind)): (usize, (Instant, Kind))| Record { n: n as u64, t, kind };
        Trace::new(all.into_iter().enumerate().map(number).collect())
    }

    /// The outcome of the attempt with this record number.
    pub(crate) fn outcome_of(&self, n: u64) -> Option<Outcome> {
        self.trace().records().iter().find_map(|r| match &r.kind {
            Kind::Attempt(a) if r.n == n => Some(a.outcome),
            _ => None,
        })
    }
}

fn client(start: Instant, duration: Span) -> ClientPlan {
    ClientPlan {
        name: "jmeter".into(),
        sut: "web".into(),
        issued_by_key: None,
        ca: "issuing".into(),
        load: Load::Every(Gap::Fixed(Span::from_secs(10))),
        barrier: None,
        threads: 1,
        ramp_up: Span::ZERO,
        identities: 1,
        choice: revlab_clients::Choice::RoundRobin,
        state: None,
        keystore: Vec::new(),
        from: start,
        until: start + duration,
        loops: None,
        session: Session::Fresh,
        resumed_by: ResumedBy::Ticket,
        sessions: Sessions::Own,
        keep_alive: false,
        tls: TlsVersion::V1_2,
        http: HttpVersion::V1_1,
        ciphers: std::sync::Arc::from([]),
        timeout: Span::from_secs(60),
        control: false,
        path: "/".to_owned(),
        admit: StatusRange::SUCCESS,
        clock: Clock::exact(start),
        validator: None,
        principal: None,
        host: None,
        remembers_certificate: false,
        sends_issuers: true,
        recorded: true,
    }
}

fn header(scenario: &Scenario) -> Header {
    let text = |s: &str| serde_json::Value::from(s);
    let profile = BTreeMap::from([
        ("profile".to_owned(), text("windows-2008r2")),
        ("hypothesis".to_owned(), text("H1d")),
        ("updates".to_owned(), serde_json::Value::Array(Vec::new())),
    ]);
    Header {
        format: 1,
        revlab: "0.1.0".to_owned(),
        scenario: scenario.name.clone(),
        digest: String::new(),
        variant: scenario.variant.as_ref().map(|v| v.to_string()),
        seed: scenario.seed.0,
        transport: "sim".to_owned(),
        sut: "web".to_owned(),
        start: scenario.start,
        duration_ms: scenario.duration.as_millis(),
        profiles: BTreeMap::from([("web".to_owned(), profile)]),
    }
}

fn attempt(client: &str, due: Instant, outcome: Outcome, code: Option<Code>) -> Attempt {
    let refused = outcome == Outcome::Refused;
    Attempt {
        client: client.into(),
        thread: 0,
        identity: format!("{client}-1").into(),
        due,
        began: None,
        phase: None,
        phases_ms: None,
        tls: Some(TlsVersion::V1_2),
        http: None,
        cipher: None,
        handshake: Handshake::Full,
        outcome,
        status: Some(if refused { 403 } else { 200 }),
        substatus: refused.then_some(13),
        code,
        alert: None,
        error: None,
        took_ms: 5,
        wall_ms: None,
        checks: Vec::new(),
        validations: Vec::new(),
    }
}

/// A full record of a check of jmeter-1 by lsass.exe, without steps.
pub(crate) fn check(by: &str, number: u64, verdict: Verdict) -> Check {
    let code = match verdict {
        Verdict::Offline => Some(Code::CRYPT_E_REVOCATION_OFFLINE),
        Verdict::Revoked => Some(Code::CRYPT_E_REVOKED),
        _ => None,
    };
    Check {
        check: number,
        began: None,
        by: by.into(),
        same_as: None,
        process: Some("lsass.exe".into()),
        subject: Some("jmeter-1".into()),
        verdict: Some(verdict),
        code,
        used: Vec::new(),
        steps: Vec::new(),
    }
}

pub(crate) fn looked_up(object: Purpose, layer: Layer, state: State) -> Step {
    Step::Lookup { object, layer, state, number: None, next_update: None }
}

/// A base CRL that arrives, valid from `from` to `to`.
pub(crate) fn base(from: Instant, to: Instant) -> Fetch {
    let object = ObjectInfo {
        number: None,
        base_number: None,
        this_update: from,
        next_update: Some(to),
        sha1: None,
    };
    let url = "http://ca.test/CertEnroll/XXX-CA.crl";
    Fetch { object: Some(object), status: Some(200), bytes: 400, ..fetch(Purpose::Base, url) }
}

/// As [`base`], a delta.
pub(crate) fn delta(from: Instant, to: Instant) -> Fetch {
    let url = "http://ca.test/CertEnroll/XXX-CA+.crl".parse().unwrap();
    Fetch { purpose: Purpose::Delta, url, ..base(from, to) }
}

/// An OCSP request that the web site answers 404: the URL is the CA's certificate.
pub(crate) fn ocsp_failed() -> Fetch {
    let url = "http://ca.test/CertEnroll/ca.test_XXX-CA.crt/MFEw";
    Fetch { status: Some(404), bytes: 1245, ..fetch(Purpose::Ocsp, url) }
}

fn fetch(purpose: Purpose, url: &str) -> Fetch {
    Fetch {
        id: 1,
        began: Instant::default(),
        by: "web".into(),
        process: Arc::from("lsass.exe"),
        purpose,
        method: Method::Get,
        url: url.parse().unwrap(),
        status: None,
        substatus: None,
        error: None,
        rejected: None,
        bytes: 0,
        took_ms: 5,
        object: None,
        check: None,
        unsolicited: None,
        client: None,
        faults: Vec::new(),
    }
}
