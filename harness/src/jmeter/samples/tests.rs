use proptest::prelude::*;
use revlab_clients::observation::{CONNECTION_CLOSED, CONNECTION_REFUSED, CONNECTION_RESET};
use revlab_lab::trace::Record;
use revlab_lab::{Code, Instant};

use super::*;
use crate::jmeter::jtl;

const HEAD: &str = "format = 1\ntitle = \"t\"\nstart = \"2024-03-01T00:00:00Z\"\nduration = \"1h\"\n\
                    [ca.issuing]\n[sut.web]\n";

fn scenario(clients: &str) -> Scenario {
    let read = crate::scenario::from_text("t", &format!("{HEAD}{clients}"));
    read.unwrap_or_else(|errors| panic!("{}", errors.render(false))).remove(0)
}

fn users() -> Scenario {
    scenario("[clients.users]\nevery = \"10s\"\nthreads = 3\nidentities = 3\n")
}

fn sample_of(code: &str, message: &str, connect: i64) -> Sample {
    Sample {
        time_stamp: Instant::from_millis(1_709_251_200_000),
        elapsed: 40,
        label: "users".into(),
        response_code: code.into(),
        response_message: message.into(),
        thread_name: "users 1-2".into(),
        success: code.starts_with('2'),
        connect: Some(connect),
        identity: Some("users-2".into()),
        ..Sample::default()
    }
}

fn one(sample: Sample) -> Attempt {
    let mut found = attempts(&users(), &[sample]);
    assert_eq!(found.notes, Vec::<String>::new());
    found.attempts.remove(0)
}

/// The samples that Debian's JMeter 2.13 wrote on OpenJDK 17.
#[test]
fn what_jmeter_writes_is_classified_as_our_own_clients_would() {
    let at = |class: &str, message: &str, connect: i64| {
        let message = format!("{NO_ANSWER_MESSAGE}{message}");
        let it = one(sample_of(&format!("{NO_ANSWER}{class}"), &message, connect));
        let told = it.alert.or(it.error).unwrap_or_default().to_string();
        format!("{} {:?} {told}", it.outcome, it.phase.unwrap())
    };
    let alert = "(unknown_ca) Received fatal alert: unknown_ca";
    assert_eq!(at(HANDSHAKE, alert, 0), "refused Handshake unknown_ca");
    assert_eq!(at(HANDSHAKE, alert, 45), "refused Request unknown_ca");
    assert_eq!(
        at(HANDSHAKE, "Received fatal alert: certificate_revoked", 0),
        "refused Handshake certificate_revoked"
    );
    let timed_out = "java.net.SocketTimeoutException";
    assert_eq!(at(timed_out, "Read timed out", 0), "timed_out Connect ");
    assert_eq!(at(timed_out, "Read timed out", 9), "timed_out Request ");
    let connecting = "org.apache.http.conn.ConnectTimeoutException";
    assert_eq!(at(connecting, "Connect to a:1 timed out", 0), "timed_out Connect ");
    assert_eq!(
        at(HANDSHAKE, "Remote host terminated the handshake", 0),
        "failed Handshake connection closed"
    );
    assert_eq!(
        at("java.net.ConnectException", "Connection refused", 0),
        "failed Connect connection refused"
    );
    assert_eq!(
        at("java.net.SocketException", "Connection reset", 0),
        "failed Handshake connection reset"
    );
    assert_eq!(
        at("java.net.SocketException", "Connection reset", 7),
        "failed Request connection reset"
    );
    assert_eq!(
        at("java.net.UnknownHostException", "nowhere.invalid: Name or service not known", 0),
        "failed Connect java.net.UnknownHostException: nowhere.invalid: Name or service not known"
    );
}

const HANDSHAKE: &str = "javax.net.ssl.SSLHandshakeException";

#[test]
fn a_status_is_an_answer_and_a_failed_assertion_lets_nobody_in() {
    let admitted = one(sample_of("200", "OK", 8));
    assert_eq!((admitted.outcome, admitted.status), (Outcome::Admitted, Some(200)));
    assert_eq!((&*admitted.identity, admitted.thread), ("users-2", 1));
    assert_eq!(admitted.handshake, Handshake::Full);
    let mut page = sample_of("403", "Forbidden", 8);
    page.response_data = "<h2>HTTP Error 403.13 - Forbidden</h2> 0x80092013".into();
    let refused = one(page);
    assert_eq!((refused.outcome, refused.substatus), (Outcome::Refused, Some(13)));
    assert_eq!(refused.code, Some(Code::CRYPT_E_REVOCATION_OFFLINE));
    let mut asserted = sample_of("200", "OK", 8);
    (asserted.success, asserted.failure_message) = (false, "no welcome".into());
    let failed = one(asserted);
    assert_eq!(failed.outcome, Outcome::Failed);
    assert_eq!(failed.error.as_deref(), Some("assertion failed: no welcome"));
}

#[test]
fn a_sample_is_of_the_client_that_label_or_thread_group_names() {
    let both = scenario("[clients.users]\nevery = \"1m\"\n[clients.power-users]\nevery = \"1m\"\n");
    let of = |label: &str, thread: &str| {
        let sample = Sample {
            label: label.into(),
            thread_name: thread.into(),
            identity: None,
            ..sample_of("200", "OK", 1)
        };
        attempts(&both, &[sample]).attempts.first().map(|a| a.client.to_string())
    };
    assert_eq!(of("users", "x 1-1").as_deref(), Some("users"));
    assert_eq!(of("GET /", "power-users 2-1").as_deref(), Some("power-users"));
    assert_eq!(of("GET /", "10.0.0.1-users 1-1").as_deref(), Some("users"));
    assert_eq!(of("GET /", "strangers 1-1"), None);
    assert_eq!(of("GET /", ""), None);
}

#[test]
fn what_cannot_be_an_attempt_is_said_and_left_out() {
    let mut samples = vec![sample_of("200", "OK", 1); 4];
    samples[0].identity = None;
    samples[1].identity = Some("users-9".into());
    samples[2].identity = Some("users-02".into());
    let found = attempts(&users(), &samples);
    assert_eq!(found.attempts.len(), 1);
    insta::assert_snapshot!(found.notes.join("\n"), @r"
    1 sample is left out: the client has no identity `users-02`
    1 sample is left out: the client has no identity `users-9`
    1 sample is left out: `users` has several identities, and the JTL does not tell which was used (run JMeter with `-Jsample_variables=identity` and that variable as the alias)
    ");
    let both = scenario("[clients.a]\nevery = \"1m\"\n[clients.b]\nevery = \"1m\"\n");
    let found = attempts(&both, &samples[..2]);
    assert_eq!(
        found.notes,
        [
            "2 samples are left out: neither `users` nor the thread group is a client of the scenario"
        ]
    );
}

#[test]
fn thread_one_of_one_machine_is_not_thread_one_of_another() {
    let named = |name: &str| Sample { thread_name: name.into(), ..sample_of("200", "OK", 1) };
    let samples = ["a-users 1-1", "a-users 1-3", "b-users 1-1", "b-users 1-2"].map(named);
    let threads: Vec<u32> =
        attempts(&users(), &samples).attempts.iter().map(|a| a.thread).collect();
    assert_eq!(threads, [0, 2, 3, 4]);
}

/// An attempt as a JTL can tell it.
fn told(attempt: &Attempt) -> Attempt {
    Attempt {
        due: attempt.began.unwrap_or(attempt.due),
        began: None,
        phases_ms: None,
        tls: None,
        http: None,
        cipher: None,
        // That a session was taken up is not told.
        handshake: match attempt.handshake {
            Handshake::Resumed => Handshake::Full,
            told => told,
        },
        wall_ms: None,
        checks: Vec::new(),
        validations: Vec::new(),
        ..attempt.clone()
    }
}

fn round_trip(scenario: &Scenario, all: &[Attempt]) {
    let record = |(n, a): (u64, &Attempt)| Record { n, t: a.due, kind: Kind::Attempt(a.clone()) };
    let trace = Trace::new((0..).zip(all).map(record).collect());
    let written = samples(scenario, &trace);
    for text in [jtl::csv(&written), jtl::xml(&written)] {
        let read = attempts(scenario, &jtl::read(&text).unwrap());
        assert_eq!(read.notes, Vec::<String>::new());
        let read: Vec<Attempt> = read.attempts.iter().map(told).collect();
        let mut expected: Vec<Attempt> = all.iter().map(told).collect();
        expected.sort_by_key(|attempt| attempt.due);
        assert_eq!(read, expected);
    }
}

#[test]
fn a_run_of_the_model_written_as_a_jtl_is_read_back_as_it_was() {
    let scenario = scenario(
        "[clients.users]\nevery = \"10s\"\nthreads = 3\nidentities = 3\n\
         [fault.down]\non = \"issuing\"\nfrom = \"10m\"\nuntil = \"40m\"\ndown = {}\n\
         [operation.gone]\non = \"issuing\"\nat = \"20m\"\nrevoke = { identity = \"users-2\" }\n",
    );
    let options = crate::exec::Options::default();
    let run = crate::exec::run(&scenario, crate::exec::Transport::Sim, &options, &mut Vec::new())
        .unwrap();
    let all: Vec<Attempt> = run
        .trace
        .records()
        .iter()
        .filter_map(|r| match &r.kind {
            Kind::Attempt(attempt) => Some(attempt.clone()),
            _ => None,
        })
        .collect();
    assert!(all.len() > 1000, "{}", all.len());
    round_trip(&scenario, &all);
}

/// What an attempt can have come to.
fn ended() -> impl Strategy<Value = Attempt> {
    let base = Attempt {
        client: "users".into(),
        thread: 0,
        identity: "users-1".into(),
        due: Instant::from_millis(1_709_251_200_000),
        began: None,
        phase: None,
        phases_ms: None,
        tls: None,
        http: None,
        cipher: None,
        handshake: Handshake::Full,
        outcome: Outcome::Admitted,
        status: Some(200),
        substatus: None,
        code: None,
        alert: None,
        error: None,
        took_ms: 5,
        wall_ms: None,
        checks: Vec::new(),
        validations: Vec::new(),
    };
    let none = Attempt { status: None, ..base.clone() };
    let broken = move |phase, error: &str, handshake| Attempt {
        outcome: Outcome::Failed,
        phase: Some(phase),
        error: Some(error.into()),
        handshake,
        ..none.clone()
    };
    let refused = Attempt { outcome: Outcome::Refused, status: None, ..base.clone() };
    let page = Attempt { outcome: Outcome::Refused, status: Some(403), ..base.clone() };
    let (not, full) = (Handshake::None, Handshake::Full);
    let alert: Option<Name> = Some("certificate_revoked".into());
    let kinds = vec![
        base.clone(),
        Attempt { handshake: Handshake::Kept, ..base.clone() },
        Attempt { handshake: Handshake::Kept, ..page.clone() },
        Attempt { outcome: Outcome::Failed, status: Some(503), ..base.clone() },
        page.clone(),
        Attempt { substatus: Some(13), code: Some(Code::CRYPT_E_REVOKED), ..page.clone() },
        Attempt { substatus: Some(7), ..page },
        Attempt { alert: alert.clone(), phase: Some(Phase::Request), ..refused.clone() },
        Attempt { alert, phase: Some(Phase::Handshake), handshake: not, ..refused },
        Attempt {
            outcome: Outcome::TimedOut,
            status: None,
            phase: Some(Phase::Request),
            ..base.clone()
        },
        Attempt {
            outcome: Outcome::TimedOut,
            status: None,
            phase: Some(Phase::Connect),
            handshake: not,
            ..base
        },
        broken(Phase::Connect, CONNECTION_REFUSED, not),
        broken(Phase::Handshake, CONNECTION_CLOSED, not),
        broken(Phase::Request, CONNECTION_CLOSED, full),
        broken(Phase::Handshake, CONNECTION_RESET, not),
        broken(Phase::Request, CONNECTION_RESET, full),
        broken(Phase::Handshake, "server certificate not trusted", not),
        broken(Phase::Handshake, "a word of its own", not),
        broken(Phase::Request, "answer is too long", full),
        Attempt {
            code: Some(Code::CERT_E_EXPIRED),
            ..broken(Phase::Handshake, SERVER_REFUSED, not)
        },
    ];
    let which = (0..kinds.len(), 0u32..3, 1u32..=3, 0i64..3_000_000, 0i64..70_000, 0i64..9);
    which.prop_map(move |(kind, thread, identity, at, took_ms, late)| {
        let it = kinds[kind].clone();
        let began = (late > 0).then(|| it.due + Span::from_millis(at + late));
        let due = it.due + Span::from_millis(at);
        Attempt { thread, identity: format!("users-{identity}").into(), due, began, took_ms, ..it }
    })
}

proptest! {
    #[test]
    fn whatever_came_of_attempts_is_read_back(all in proptest::collection::vec(ended(), 1..20)) {
        round_trip(&users(), &all);
    }
}
