//! Connections that threads keep open.

use super::*;

/// The end of an attempt after which its connection stays open.
fn stays_open(attempt: u64, handshake: Handshake) -> ClientEvent {
    let mut event = answer(attempt, 200, "");
    if let ClientEvent::Answer { observation, .. } = &mut event {
        observation.agreed = Some(Agreed::plain(handshake, TlsVersion::V1_2));
        observation.stays_open = true;
        if handshake == Handshake::Kept {
            observation.times = Times::default();
        }
    }
    event
}

fn keeping() -> ClientPlan {
    ClientPlan { keep_alive: true, ..plan() }
}

/// The connections that attempts went over, where each is answered and its connection stays open.
fn used(plan: ClientPlan) -> Vec<Option<u64>> {
    let mut lab = Lab::new(vec![plan]);
    let mut used = Vec::new();
    while let Some(now) = lab.driver.next_wakeup() {
        for send in lab.sends(now) {
            used.push(send.connection);
            let kind = send.connection.map_or(Handshake::Full, |_| Handshake::Kept);
            lab.tell(now, stays_open(send.attempt, kind));
        }
    }
    used
}

#[test]
fn a_thread_goes_on_with_its_first_connection_as_long_as_that_stays_open() {
    assert_eq!(used(keeping()), [None, Some(1), Some(1), Some(1), Some(1), Some(1)]);
    assert_eq!(used(plan()), [None; 6]);
}

#[test]
fn each_thread_has_its_own_connection() {
    let two = ClientPlan { threads: 2, identities: 1, loops: Some(2), ..keeping() };
    assert_eq!(used(two), [None, None, Some(1), Some(2)]);
}

#[test]
fn with_another_certificate_a_thread_closes_its_connection_and_makes_another() {
    let mut lab = Lab::new(vec![ClientPlan {
        choice: crate::identities::Choice::Listed(vec![0, 1]),
        identities: 2,
        ..keeping()
    }]);
    lab.sends(at(0));
    lab.tell(at(1), stays_open(1, Handshake::Full));
    let (actions, _) = lab.tell(at(10_000), ClientEvent::Wake);
    assert_eq!(actions[0], ClientAction::Disconnect { connection: 1 });
    assert!(
        matches!(&actions[1], ClientAction::Send(Send { connection: None, .. })),
        "{actions:?}"
    );
}

#[test]
fn what_a_thread_opens_while_its_connection_is_busy_is_closed_after_the_answer() {
    // The pace does not wait for answers.
    let mut lab = Lab::new(vec![keeping()]);
    let first = lab.sends(at(0));
    let second = lab.sends(at(10_000));
    assert_eq!((first[0].connection, second[0].connection), (None, None));
    let (actions, _) = lab.tell(at(10_001), stays_open(2, Handshake::Full));
    assert_eq!(actions, []);
    let (actions, _) = lab.tell(at(10_002), stays_open(1, Handshake::Full));
    assert_eq!(actions, [ClientAction::Disconnect { connection: 1 }]);
    assert_eq!(lab.sends(at(20_000))[0].connection, Some(2));
}

#[test]
fn a_connection_that_the_server_had_closed_gives_way_to_that_of_the_attempt() {
    let mut lab = Lab::new(vec![keeping()]);
    lab.sends(at(0));
    lab.tell(at(1), stays_open(1, Handshake::Full));
    assert_eq!(lab.sends(at(10_000))[0].connection, Some(1));
    lab.tell(at(10_001), stays_open(2, Handshake::Full));
    assert_eq!(lab.sends(at(20_000))[0].connection, Some(2));
}

#[test]
fn an_attempt_that_fails_or_times_out_leaves_no_connection() {
    let mut lab = Lab::new(vec![keeping()]);
    lab.sends(at(0));
    lab.tell(at(1), stays_open(1, Handshake::Full));
    let second = lab.sends(at(10_000));
    assert_eq!(second[0].connection, Some(1));
    // Its connection ends with it.
    lab.tell(at(10_001), answer(2, 200, ""));
    assert_eq!(lab.sends(at(20_000))[0].connection, None);
    lab.tell(at(20_001), stays_open(3, Handshake::Full));
    assert_eq!(lab.sends(at(30_000))[0].connection, Some(3));
    let slow = ClientPlan { timeout: Span::from_secs(5), ..keeping() };
    let mut lab = Lab::new(vec![slow]);
    lab.sends(at(0));
    lab.tell(at(1), stays_open(1, Handshake::Full));
    lab.sends(at(10_000));
    let (actions, _) = lab.tell(at(15_000), ClientEvent::Wake);
    assert_eq!(actions, [ClientAction::Abandon { attempt: 2 }]);
    assert_eq!(lab.sends(at(20_000))[0].connection, None);
}

#[test]
fn a_client_that_hangs_up_closes_what_it_does_not_use() {
    let other = ClientPlan { name: Name::from("other"), ..keeping() };
    let mut lab = Lab::new(vec![keeping(), other]);
    lab.sends(at(0));
    lab.tell(at(1), stays_open(1, Handshake::Full));
    lab.tell(at(1), stays_open(2, Handshake::Full));
    let client = keeping().name;
    let (actions, _) = lab.tell(at(2), ClientEvent::HangUp { client });
    assert_eq!(actions.len(), 1);
    let connections: Vec<_> = lab.sends(at(10_000)).iter().map(|send| send.connection).collect();
    assert_eq!(connections.iter().flatten().count(), 1);
}

#[test]
fn an_attempt_without_a_handshake_has_neither_connect_nor_tls_on_record() {
    let mut lab = Lab::new(vec![keeping()]);
    lab.sends(at(0));
    lab.tell(at(1), stays_open(1, Handshake::Full));
    lab.sends(at(10_000));
    let (_, records) = lab.tell(at(13_000), stays_open(2, Handshake::Kept));
    let record = &records[0];
    assert_eq!((record.handshake, record.tls), (Handshake::Kept, Some(TlsVersion::V1_2)));
    let phases = PhasesMs { connect: None, handshake: 0, request: 3000, first_byte: Some(3000) };
    assert_eq!(record.phases_ms, Some(phases));
}
