//! The core of the client driver: which attempt is sent when, and what goes on record for it.

mod connections;
mod in_flight;

use std::sync::Arc;

use revlab_lab::trace::{
    Attempt, Handshake, HttpVersion, Kind, Phase, PhasesMs, TlsVersion, Validation,
};
use revlab_lab::{Core, Instant, Name, Out, Outcome, Seed, Span};

use crate::barrier::Barriers;
use crate::cipher::Cipher;
use crate::classify::classify;
use crate::identities::{Identities, RevocationState};
pub use crate::observation::{Agreed, Observation, Seen, Times};
use crate::plan::{ClientPlan, Holder, ResumedBy, Session, Sessions};
use crate::schedule::{Due, Schedule};
use connections::{Connections, Idle};
use in_flight::InFlight;

/// Every client of a run. An attempt is sent when it is due; in an open load model that is also while
/// earlier ones of its thread are still under way.
#[derive(Debug)]
pub struct Driver {
    plans: Vec<ClientPlan>,
    names: Vec<Names>,
    identities: Vec<Identities>,
    schedule: Schedule,
    barriers: Barriers,
    in_flight: InFlight<Open>,
    connections: Connections,
    /// Statuses by which the server refuses, beside 401 and 403.
    refuses: Vec<u16>,
    in_turns: bool,
}

/// What can happen to the clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// Lab time has reached [`next_wakeup`](Core::next_wakeup).
    Wake,
    /// No attempt is begun any more; those under way come to their end.
    Stop,
    /// What a CA says of a certificate has changed.
    Revocation {
        /// Whose certificate.
        identity: Name,
        /// What it says now.
        state: RevocationState,
    },
    /// A client closes the connections that it keeps open and does not use at the moment.
    HangUp {
        /// Which client.
        client: Name,
    },
    /// An attempt begins only now: in [turns](Driver::take_turns) alone.
    Began {
        /// Which attempt.
        attempt: u64,
    },
    /// How far an attempt has come, or by its times will have come. Optional: without it an attempt
    /// that times out is recorded as not having come past connecting.
    Reached {
        /// Which attempt.
        attempt: u64,
        /// How far.
        reached: Reached,
    },
    /// An attempt has come to its end.
    Answer {
        /// Which attempt.
        attempt: u64,
        /// What the client saw.
        observation: Observation,
        /// The SUT's checks that the attempt caused or waited for.
        checks: Vec<u64>,
        /// Who validated whom for it.
        validations: Vec<Validation>,
        /// Wall time that it took, in milliseconds; in `live` only.
        wall_ms: Option<u32>,
    },
}

/// What the clients ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAction {
    /// Make an attempt.
    Send(Send),
    /// An attempt's time is up and it is on record: drop its connection. An answer that comes all
    /// the same is ignored.
    Abandon {
        /// Which attempt.
        attempt: u64,
    },
    /// Close a connection that was kept open.
    Disconnect {
        /// Which one: the number of the attempt that made it.
        connection: u64,
    },
}

/// One attempt to be made. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// Its number, counting from 1 over the run in the order of sending.
    pub attempt: u64,
    /// The client's name in the scenario.
    pub client: Name,
    /// Which of its threads, counting from 0.
    pub thread: u32,
    /// The certificate to be used: [`identity_name`](crate::plan::identity_name).
    pub identity: Name,
    /// What is presented for it: the same, unless whoever sends knows of several certificates of the
    /// identity.
    pub presents: Name,
    /// The SUT to be asked.
    pub sut: Name,
    /// Whether to take up the last session, if it was made with the same identity.
    pub session: Session,
    /// What a session is taken up by, over TLS 1.2.
    pub resumed_by: ResumedBy,
    /// Who has the sessions.
    pub sessions: Sessions,
    /// Whether the connection is to stay open after the answer.
    pub keep_alive: bool,
    /// The connection to be used, where one was kept open: the number of the attempt that made it. The
    /// server may have closed it; then another is made, which has the number of this attempt.
    pub connection: Option<u64>,
    /// The protocol version to be spoken.
    pub tls: TlsVersion,
    /// The version of HTTP to be asked for, and spoken.
    pub http: HttpVersion,
    /// The cipher suites to be offered, the preferred one first; none: all that there are.
    pub ciphers: Arc<[Cipher]>,
    /// The path to be requested.
    pub path: Name,
    /// The host name to be asked for, where it is not the server's own.
    pub host: Option<Name>,
    /// Whether a validator judges the server's certificate before the request is sent.
    pub validated: bool,
}

impl Send {
    /// Who can take up the session of this attempt again.
    pub fn holder(&self) -> Holder {
        match self.sessions {
            Sessions::Own => Holder::Thread(self.thread),
            Sessions::Shared => Holder::Identity(self.presents.clone()),
        }
    }
}

/// What is said again with each attempt of a client.
#[derive(Debug)]
struct Names {
    path: Name,
    host: Option<Name>,
}

/// An attempt under way.
#[derive(Debug)]
struct Open {
    due: Due,
    identity: Name,
    began: Instant,
    reached: Reached,
    connection: Option<u64>,
}

/// How far an attempt is known to have come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// What its handshake came to, once that is complete.
    pub agreed: Option<Agreed>,
    /// How long the steps took.
    pub times: Times,
}

impl Driver {
    /// A driver for these clients. Simultaneous attempts are sent in the order of the clients'
    /// names, whatever the order of `plans`.
    ///
    /// What chance decides is drawn from `seed`. Plans are taken as checked; of those that are not,
    /// paces and time-outs below 1 ms count as 1 ms, and no identity as one.
    pub fn new(mut plans: Vec<ClientPlan>, seed: Seed) -> Driver {
        plans.sort_by(|a, b| a.name.cmp(&b.name));
        let names = plans.iter().map(Names::of).collect();
        let identities = plans.iter().map(|plan| Identities::of(plan, seed)).collect();
        let schedule = Schedule::new(&plans, seed);
        let (barriers, connections) = (Barriers::default(), Connections::default());
        Driver {
            plans,
            names,
            identities,
            schedule,
            barriers,
            connections,
            in_flight: InFlight::new(),
            refuses: Vec::new(),
            in_turns: false,
        }
    }

    /// Takes these statuses for refusals too, beside 401 and 403: nginx refuses by 400.
    pub fn refused_by(&mut self, statuses: &[u16]) {
        self.refuses = statuses.to_vec();
    }

    /// Whoever makes the attempts makes one after another, also of those that are due at the same time:
    /// each begins, and its time runs, when [`ClientEvent::Began`] says so.
    pub fn take_turns(&mut self) {
        self.in_turns = true;
    }

    /// How many attempts are under way.
    pub fn open(&self) -> usize {
        self.in_flight.len()
    }

    /// An attempt has come due.
    fn begin(&mut self, now: Instant, due: Due, out: &mut Out<ClientAction>) {
        match self.plans.get(due.client).and_then(|plan| plan.barrier) {
            None => self.send(now, due, out),
            Some(together) => {
                let ready = self.barriers.arrive(now, due, together);
                ready.into_iter().for_each(|due| self.send(now, due, out));
            }
        }
    }

    /// Nobody waits at a barrier for those who cannot come.
    fn let_go(&mut self, now: Instant, out: &mut Out<ClientAction>) {
        for (client, waiting) in self.barriers.waiting() {
            if !self.schedule.can_come(client, waiting) {
                let left = self.barriers.open(now, client);
                left.into_iter().for_each(|due| self.send(now, due, out));
            }
        }
    }

    fn send(&mut self, now: Instant, due: Due, out: &mut Out<ClientAction>) {
        let (Some(plan), Some(names), Some(identities)) = (
            self.plans.get(due.client),
            self.names.get(due.client),
            self.identities.get_mut(due.client),
        ) else {
            return;
        };
        let Some(identity) = identities.choose(plan, due) else {
            // In a closed model its thread goes on all the same.
            return self.schedule.ended(&self.plans, due, now);
        };
        let deadline = (!self.in_turns).then(|| time_is_up(now, plan));
        let place = (due.client, due.thread);
        let (connection, dropped) = match plan.keep_alive {
            true => self.connections.take_up(place, &identity),
            false => (None, None),
        };
        if let Some(connection) = dropped {
            out.act(ClientAction::Disconnect { connection });
        }
        let reached = Reached::default();
        let open = Open { due, identity: identity.clone(), began: now, reached, connection };
        let attempt = self.in_flight.push(deadline, open);
        out.act(ClientAction::Send(Send {
            attempt,
            client: plan.name.clone(),
            thread: due.thread,
            identity: identity.clone(),
            presents: identity.clone(),
            sut: plan.sut.clone(),
            session: plan.session,
            resumed_by: plan.resumed_by,
            sessions: plan.sessions,
            keep_alive: plan.keep_alive,
            connection,
            tls: plan.tls,
            http: plan.http,
            ciphers: plan.ciphers.clone(),
            path: names.path.clone(),
            host: names.host.clone(),
            validated: plan.validator.is_some(),
        }));
    }

    fn has_begun(&mut self, now: Instant, attempt: u64) {
        let Some(open) = self.in_flight.get_mut(attempt) else { return };
        open.began = now;
        if let Some(plan) = self.plans.get(open.due.client) {
            self.in_flight.set_deadline(attempt, time_is_up(now, plan));
        }
    }

    /// Keeps the connection of an attempt that has its answer, or closes it: a thread keeps one.
    fn put_back(
        &mut self,
        attempt: u64,
        open: &Open,
        seen: &Observation,
        out: &mut Out<ClientAction>,
    ) {
        if !seen.stays_open {
            return;
        }
        let kept = seen.agreed.as_ref().is_some_and(|agreed| agreed.handshake == Handshake::Kept);
        let number = open.connection.filter(|_| kept).unwrap_or(attempt);
        let place = (open.due.client, open.due.thread);
        let idle = Idle { number, identity: open.identity.clone() };
        if !self.connections.put_back(place, idle) {
            out.act(ClientAction::Disconnect { connection: number });
        }
    }

    fn hang_up(&mut self, client: &Name, out: &mut Out<ClientAction>) {
        let index = self.plans.iter().position(|plan| plan.name == *client);
        for connection in index.into_iter().flat_map(|index| self.connections.drop_all(index)) {
            out.act(ClientAction::Disconnect { connection });
        }
    }

    /// Ends the attempts whose time was up by `until`.
    fn expire(&mut self, now: Instant, until: Instant, out: &mut Out<ClientAction>) {
        while let Some((deadline, attempt)) = self.in_flight.next_deadline()
            && deadline <= until
            && let Some(open) = self.in_flight.remove(attempt)
        {
            out.act(ClientAction::Abandon { attempt });
            self.schedule.ended(&self.plans, open.due, now);
            if let Some(plan) = self.plans.get(open.due.client) {
                out.trace(Kind::Attempt(timed_out(open, plan, now)));
            }
        }
    }
}

impl Core for Driver {
    type Event = ClientEvent;
    type Action = ClientAction;

    fn decide(&mut self, now: Instant, event: ClientEvent, out: &mut Out<ClientAction>) {
        // Of an attempt whose time is up it still counts how far it has come.
        if let ClientEvent::Reached { attempt, reached } = &event
            && let Some(open) = self.in_flight.get_mut(*attempt)
        {
            open.reached = reached.clone();
        }
        // An answer at the very instant of the time-out still counts: answers come before
        // wake-ups.
        self.expire(now, now - Span::from_millis(1), out);
        match event {
            ClientEvent::Wake => {
                self.expire(now, now, out);
                while let Some(due) = self.schedule.pop(&self.plans, now) {
                    self.begin(now, due, out);
                }
            }
            ClientEvent::Stop => {
                self.schedule.clear();
                self.barriers = Barriers::default();
            }
            ClientEvent::Revocation { identity, state } => {
                self.identities.iter_mut().for_each(|own| own.tell(&identity, state));
            }
            ClientEvent::HangUp { client } => self.hang_up(&client, out),
            ClientEvent::Began { attempt } => self.has_begun(now, attempt),
            ClientEvent::Reached { .. } => {}
            ClientEvent::Answer { attempt, observation, checks, validations, wall_ms } => {
                let Some(open) = self.in_flight.remove(attempt) else { return };
                self.schedule.ended(&self.plans, open.due, now);
                self.put_back(attempt, &open, &observation, out);
                if let Some(plan) = self.plans.get(open.due.client) {
                    let mut record = answered(open, plan, now, &observation, &self.refuses);
                    record.checks = checks;
                    record.validations = validations;
                    record.wall_ms = wall_ms;
                    out.trace(Kind::Attempt(record));
                }
            }
        }
        self.let_go(now, out);
    }

    fn next_wakeup(&self) -> Option<Instant> {
        let time_out = self.in_flight.next_deadline().map(|(deadline, _)| deadline);
        [self.schedule.next(), time_out].into_iter().flatten().min()
    }
}

/// When the time of an attempt that begins now is up.
fn time_is_up(now: Instant, plan: &ClientPlan) -> Instant {
    now + plan.timeout.max(Span::from_millis(1))
}

impl Names {
    fn of(plan: &ClientPlan) -> Names {
        let host = plan.host.as_deref().map(Name::from);
        Names { path: Name::from(plan.path.as_str()), host }
    }
}

/// A request phase of more than this counts as waiting: its phases go on record.
const WAITED: i64 = 1000;

fn answered(
    open: Open,
    plan: &ClientPlan,
    now: Instant,
    seen: &Observation,
    refuse: &[u16],
) -> Attempt {
    let said = classify(seen, plan.admit, refuse);
    let took_ms = (now - open.began).as_millis();
    let told = said.outcome != Outcome::Admitted || took_ms > WAITED || seen.times.measured;
    let answered = matches!(seen.seen, Seen::Response { .. });
    let times = match answered {
        // Nobody told the first byte apart: the answer came at once.
        true => Times { first_byte_ms: seen.times.first_byte_ms.or(Some(took_ms)), ..seen.times },
        false => seen.times,
    };
    let agreed = seen.agreed.as_ref();
    Attempt {
        phase: said.phase,
        phases_ms: told.then(|| phases(took_ms, agreed, &times)),
        outcome: said.outcome,
        status: said.status,
        substatus: said.substatus,
        code: said.code,
        alert: said.alert,
        error: said.error,
        ..blank(open, plan, now, agreed)
    }
}

fn timed_out(open: Open, plan: &ClientPlan, now: Instant) -> Attempt {
    let took_ms = (now - open.began).as_millis();
    let Reached { agreed, times } = open.reached.clone();
    let connected = times.connect_ms.is_some_and(|connect| connect <= took_ms);
    Attempt {
        phase: Some(match (&agreed, connected) {
            (Some(_), _) => Phase::Request,
            (None, true) => Phase::Handshake,
            (None, false) => Phase::Connect,
        }),
        phases_ms: Some(phases(took_ms, agreed.as_ref(), &times)),
        outcome: Outcome::TimedOut,
        ..blank(open, plan, now, agreed.as_ref())
    }
}

/// How `took_ms` divides. A phase that did not come to its end has all that is left.
fn phases(took_ms: i64, agreed: Option<&Agreed>, times: &Times) -> PhasesMs {
    let within = |ms: i64, most: i64| ms.min(most).max(0);
    if agreed.is_some_and(|agreed| agreed.handshake == Handshake::Kept) {
        let first_byte = times.first_byte_ms.map(|ms| within(ms, took_ms));
        return PhasesMs { connect: None, handshake: 0, request: took_ms, first_byte };
    }
    let connect = within(times.connect_ms.unwrap_or(took_ms), took_ms);
    let left = took_ms - connect;
    let handshake = match times.handshake_ms {
        Some(ms) if agreed.is_some() => within(ms, left),
        _ => left,
    };
    let request = left - handshake;
    let first_byte = times.first_byte_ms.map(|ms| within(ms, request));
    PhasesMs { connect: Some(connect), handshake, request, first_byte }
}

/// What is on record for every attempt, however it ended.
fn blank(open: Open, plan: &ClientPlan, now: Instant, agreed: Option<&Agreed>) -> Attempt {
    Attempt {
        client: plan.name.clone(),
        thread: open.due.thread,
        identity: open.identity,
        due: open.due.at,
        began: (open.began != open.due.at).then_some(open.began),
        phase: None,
        phases_ms: None,
        tls: agreed.map(|agreed| agreed.tls),
        http: agreed.map(|agreed| agreed.http).filter(|http| *http != HttpVersion::V1_1),
        cipher: agreed.and_then(|agreed| agreed.cipher).map(|cipher| Name::from(cipher.as_str())),
        handshake: agreed.map_or(Handshake::None, |agreed| agreed.handshake),
        outcome: Outcome::Failed,
        status: None,
        substatus: None,
        code: None,
        alert: None,
        error: None,
        took_ms: (now - open.began).as_millis(),
        wall_ms: None,
        checks: Vec::new(),
        validations: Vec::new(),
    }
}

#[cfg(test)]
pub(crate) use tests::plan as sample;
#[cfg(test)]
mod tests;
