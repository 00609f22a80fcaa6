//! The attempts of a run with a real system under test: from their begin to their end.

use std::time::Duration;

use revlab_clients::live::Progress;
use revlab_clients::observation::CONNECTION_RESET;
use revlab_clients::{ClientEvent, Observation, Seen, Send, Times};
use revlab_lab::http::Request;
use revlab_lab::trace::{Handshake, Kind, Log};
use revlab_lab::{Instant, Name, Span};
use revlab_sut::adapter::Clockwork;
use tokio::task::AbortHandle;

use super::charge::Way;
use super::lab::{RealLab, STEP};
use super::peer::Happened;
use crate::exec::minting::minted;
use crate::exec::setup::Identity;

/// How many steps without a sign of life make a run hung.
const HUNG: u32 = 120;
/// How long is waited, in real time, for a server that may be waiting for an answer that never
/// comes, before lab time goes on.
const GRACE: Duration = Duration::from_millis(100);
/// So long before its time is up it is asked how far an attempt has come; it may have begun a little
/// after the driver said so.
const NEARLY: Span = Span::from_secs(1);

/// An attempt under way. Its connection ends with it.
pub(super) struct Open {
    send: Send,
    /// When it was sent.
    began: Instant,
    /// A certificate that nobody needs any more when the attempt has ended.
    minted: Option<Name>,
    way: Way,
    client: AbortHandle,
    progress: Progress,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.client.abort();
    }
}

impl RealLab<'_> {
    /// An attempt begins.
    pub(super) fn begin(&mut self, send: Send) {
        let began = self.now;
        let send = Send { tls: Ord::min(send.tls, self.sut.tls), ..send };
        let way = Way { tls: send.tls, kept: send.connection.is_some() };
        if self.peer.holds_time() {
            self.charge(way.ahead(&self.scenario.network));
        }
        let minted = self.mint(&send);
        let identity = minted.as_ref().or_else(|| self.cast.identities.get(&send.presents));
        let (client, progress) = self.peer.start(&send, identity);
        let minted = minted.map(|_| send.identity.clone());
        let open = Open { began, minted, way, client, progress, send };
        self.open.insert(open.send.attempt, open);
    }

    /// Has the certificate of an attempt issued where each has its own.
    fn mint(&mut self, send: &Send) -> Option<Identity> {
        let issued = minted(self.scenario, &self.cast, &mut self.ca, send)?;
        let added = issued.map_err(|why| why.to_string()).and_then(|identity| {
            self.peer.replace_identity(&send.identity, &identity).map(|()| identity)
        });
        match added {
            Ok(identity) => Some(identity),
            Err(trouble) => {
                self.trouble.get_or_insert(trouble);
                None
            }
        }
    }

    /// An attempt is over, however it ended.
    pub(super) fn close(&mut self, attempt: u64) -> Option<Open> {
        let open = self.open.remove(&attempt)?;
        if let Some(minted) = &open.minted {
            self.peer.remove_identity(minted);
        }
        Some(open)
    }

    /// One attempt from its begin to its end, while lab time stands still; meanwhile the CA answers.
    pub(super) fn alone(&mut self, send: Send, stopped: &dyn Fn() -> bool) {
        let attempt = send.attempt;
        self.tell_driver(ClientEvent::Began { attempt });
        self.begin(send);
        let mut idle = 0;
        while self.open.contains_key(&attempt) && self.trouble.is_none() && !stopped() {
            let patience = self.patience();
            match self.peer.wait(patience) {
                Happened::Request(arrived) => {
                    idle = 0;
                    self.fetch(*arrived);
                }
                Happened::Seen(attempt, seen) => self.ended(attempt, seen),
                Happened::Nothing if self.peer.is_paced() => {
                    let passed = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
                    self.advance(self.now + Span::from_millis(passed.max(1)));
                }
                Happened::Nothing => {
                    idle += 1;
                    self.nothing_came(idle);
                }
            }
        }
        self.open.clear();
    }

    /// How long is waited in one go: where the server has time-outs of its own, at most up to what is due
    /// next.
    fn patience(&self) -> Duration {
        if !self.peer.is_paced() {
            return if self.silent { GRACE } else { STEP };
        }
        let due = self.next_due().unwrap_or(self.end);
        let ahead = (due - self.now).as_millis().max(0).unsigned_abs();
        Duration::from_millis(ahead).min(STEP)
    }

    /// While bytes move lab time stands still, but for what the server waits for: the network's own
    /// part, `cost` for TCP and TLS, comes on top.
    fn add_modelled(&self, times: &mut Times, cost: Span) {
        let connect = self.scenario.network.connect();
        times.connect_ms = times.connect_ms.map(|ms| ms + connect.as_millis());
        let tls = (cost - connect).as_millis();
        times.handshake_ms = times.handshake_ms.map(|ms| ms + tls);
    }

    /// Tells the driver how far those have come whose time is nearly up.
    pub(super) fn tell_progress(&mut self) {
        let mut nearly = Vec::new();
        for (attempt, open) in &self.open {
            let plan = self.scenario.clients.get(&open.send.client);
            let left = plan.map(|plan| open.began + plan.timeout - self.now);
            if left.is_some_and(|left| left <= NEARLY) {
                let mut reached = open.progress.reached();
                if self.peer.holds_time() {
                    let cost = open.way.whole(&self.scenario.network, reached.agreed.as_ref());
                    self.add_modelled(&mut reached.times, cost);
                }
                nearly.push(ClientEvent::Reached { attempt: *attempt, reached });
            }
        }
        nearly.into_iter().for_each(|event| self.tell_driver(event));
    }

    /// Whose attempt has caused a request: the one that is under way, or of several the one whose certificate
    /// an OCSP request names. Of others nobody can tell.
    pub(super) fn whose(&self, request: &Request) -> Option<Name> {
        if let [open] = self.open.values().collect::<Vec<_>>()[..] {
            return Some(open.send.identity.clone());
        }
        let serials = self.ca.serials(request);
        let is_named = |identity: &Name| {
            let certificate = self.cast.identities.get(identity).and_then(|i| i.chain.first());
            certificate.is_some_and(|own| serials.iter().any(|serial| *serial == own.serial()))
        };
        let mut identities = self.open.values().map(|open| &open.send.identity);
        identities.find(|identity| is_named(identity)).cloned()
    }

    fn nothing_came(&mut self, idle: u32) {
        if self.silent {
            // It waits for what will not come: only the clock can go on.
            let due = self.next_due().unwrap_or(self.end);
            self.advance(due + Span::from_millis(1));
        } else if idle >= HUNG {
            let seconds = (STEP * HUNG).as_secs();
            self.trouble = Some(format!(
                "the watchdog fired: the system under test gave no sign of life for {seconds} s"
            ));
        }
    }

    /// A client has seen the end of its attempt; of one that was given up nobody wants to know.
    pub(super) fn ended(&mut self, attempt: u64, mut seen: Observation) {
        let Some(open) = self.open.get(&attempt) else { return };
        let network = &self.scenario.network;
        let cost = open.way.whole(network, seen.agreed.as_ref());
        let owed = cost - open.way.ahead(network) + network.answer();
        if self.peer.holds_time() {
            self.add_modelled(&mut seen.times, cost);
        }
        self.heed(open.send.clone(), open.began, &mut seen);
        self.charge(owed);
        if self.close(attempt).is_some() {
            self.tell_driver(ClientEvent::Answer {
                attempt,
                observation: seen,
                checks: Vec::new(),
                validations: Vec::new(),
                wall_ms: None,
            });
        }
    }

    /// What the server itself says about the end of an attempt: the time, its reason, its end.
    fn heed(&mut self, send: Send, began: Instant, observation: &mut Observation) {
        let Observation { agreed, seen, .. } = observation;
        let kept = agreed.as_ref().is_some_and(|agreed| agreed.handshake == Handshake::Kept);
        let (began, ended) = (self.sut.clock.at(began), self.sut.clock.at(self.now));
        let file = self.log_name();
        let Some(server) = self.peer.ours() else { return };
        let is_admitted = matches!(&*seen, Seen::Response { status, .. } if *status < 300);
        let heard = match &*seen {
            Seen::Verdict { said, .. } => server.overhear(said),
            _ => server.listen(!is_admitted),
        };
        let page = match &*seen {
            Seen::Response { body, .. } => Some(body.clone()),
            _ => None,
        };
        let page = page.as_deref().map(String::from_utf8_lossy);
        let clockwork = server.clockwork(page, kept, began, ended);
        let gone = match seen {
            Seen::Closed { .. } | Seen::Broken { .. } => server.ended(),
            _ => None,
        };
        if !heard.is_empty() {
            lose_alert(seen);
        }
        // Of several that are under way nobody can tell whose it is.
        let whose = (self.open.len() == 1).then_some(send.attempt);
        for heard in heard {
            let (by, attempt) = (self.sut.name.clone(), whose);
            let (file, line, code) = (file.clone(), heard.reason, heard.code);
            self.record(Kind::Log(Log { by, file, line, code, attempt }));
        }
        if let Some(words) = gone {
            self.trouble.get_or_insert(format!("the system under test {words}"));
        }
        match clockwork {
            Clockwork::Right => self.told = true,
            Clockwork::Untold => {}
            Clockwork::Wrong(read) => {
                let (read, told) = (crate::judge::at(read), crate::judge::at(ended));
                self.trouble.get_or_insert(format!(
                    "the system under test does not take lab time: it reads {read}, and was told {told}"
                ));
            }
        }
    }
}

/// A connection that broke off where the server has a reason on record is a refusal whose alert was lost.
fn lose_alert(seen: &mut Seen) {
    let phase = match seen {
        Seen::Closed { phase } => *phase,
        Seen::Broken { phase, error } if **error == *CONNECTION_RESET => *phase,
        _ => return,
    };
    *seen = Seen::AlertLost { phase };
}
