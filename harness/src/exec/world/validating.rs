//! Validations beside that of the client by the server: a client's of its server, a server's of its
//! directory, the directory's of the client.
//!
//! The way between a server and its directory is modelled on both transports alike: its messages cost
//! what they would cost, and no bytes move. So are OCSP responses that are stapled to the certificates
//! above a server's own (RFC 8446 §4.4.2.1): rustls sends the first alone.

use revlab_clients::driver::Reached;
use revlab_clients::{ClientEvent, Observation, Seen};
use revlab_lab::trace::{Handshake, Party, TlsVersion, Validation};
use revlab_lab::{Instant, Name};
use revlab_sut::config::{Principal, PrincipalFrom};
use revlab_sut::{SutEvent, Validate};

use super::{Event, World};
use crate::exec::setup::Machines;
use crate::exec::wire::{Opened, Wire};

/// What a client demands, as its validator takes it.
fn demanded(principal: revlab_clients::plan::Principal) -> Principal {
    let from = match principal.in_first_dns_name {
        true => PrincipalFrom::FirstDnsName,
        false => PrincipalFrom::CommonName,
    };
    Principal { name: principal.name, from }
}

impl<W: Wire> World<'_, W> {
    /// The client has seen the server's certificate: its validator judges it, where it is new.
    pub(super) fn at_validator(&mut self, now: Instant, attempt: u64) {
        let Some(open) = self.open.get_mut(&attempt) else { return };
        let Some(shown) = open.shown.take() else { return };
        let (handshake, tls) = (shown.agreed.handshake, shown.agreed.tls);
        open.agreed = Some(shown.agreed.clone());
        let above = std::mem::take(&mut open.staples_above).into_iter();
        let above = above.take(if tls == TlsVersion::V1_3 { shown.chain.len() } else { 0 });
        let (sut, validator, times) = (open.sut, open.validator, open.times);
        let (client, asked_for) = (open.client.clone(), open.host.clone());
        let reached = Reached { agreed: Some(shown.agreed), times };
        self.tell_driver(now, ClientEvent::Reached { attempt, reached });
        let machine = validator.filter(|_| handshake != Handshake::Resumed);
        let Some(machine) = machine else { return self.proceed(now, attempt) };
        let plan = self.scenario.clients.get(&client);
        let host = asked_for.or_else(|| self.host_of(sut));
        let principal = plan.and_then(|plan| plan.principal.clone());
        let validate = Validate {
            attempt,
            of: Party::Server,
            peer: shown.chain,
            host,
            principal: principal.map(demanded),
            staples: std::iter::once(shown.staple).chain(above).collect(),
        };
        self.tell_machine(now, machine, SutEvent::Validate(validate));
    }

    fn host_of(&self, sut: usize) -> Option<Name> {
        let config = self.scenario.suts.values().nth(sut)?;
        Some(Name::from(config.host.as_str()))
    }

    /// A validator has said what it thinks.
    pub(super) fn validated(&mut self, now: Instant, attempt: u64, validation: Validation) {
        if validation.of == Party::Client {
            let Some(open) = self.open.get(&attempt) else { return };
            let event = Event::Counsel { attempt, validation };
            self.push_attempt(now + self.scenario.network.round_trip, open.rank, attempt, event);
            return;
        }
        let code = validation.code;
        let Some(open) = self.open.get_mut(&attempt) else { return };
        open.validations.push(validation);
        let Some(code) = code else { return self.proceed(now, attempt) };
        let (rank, times, agreed) = (open.rank, open.times, open.agreed.clone());
        self.wire.abandon_attempt(attempt);
        let seen = Seen::Distrusted { code };
        let observation = Observation { agreed, times, seen, stays_open: false };
        self.push_attempt(now, rank, attempt, Event::AtClient { attempt, observation });
    }

    /// The client accepts its server: the request goes out, and has arrived.
    fn proceed(&mut self, now: Instant, attempt: u64) {
        let opened = self.wire.proceed(attempt);
        let Some(open) = self.open.get_mut(&attempt) else { return };
        let rank = open.rank;
        match opened {
            Opened::Request { peer, agreed } => {
                open.arrived = Some((peer, agreed));
                self.push_attempt(now, rank, attempt, Event::AtSut { attempt });
            }
            Opened::Ended(mut observation) => {
                observation.times = open.times;
                self.push_attempt(now, rank, attempt, Event::AtClient { attempt, observation });
            }
            // It has been so before.
            Opened::Connected(_) => {}
        }
    }

    /// A server connects to its directory: the handshake shows it the directory's certificate.
    pub(super) fn connect(&mut self, now: Instant, attempt: u64, directory: Name) {
        let Some(open) = self.open.get(&attempt) else { return };
        let cost = self.scenario.network.tls_request(TlsVersion::V1_2, Handshake::Full);
        let event = Event::DirectoryShown { attempt, directory };
        self.push_attempt(now + cost, open.rank, attempt, event);
    }

    pub(super) fn directory_shown(&mut self, now: Instant, attempt: u64, directory: &Name) {
        let Some(sut) = self.open.get(&attempt).map(|open| open.sut) else { return };
        let chain = self.cast.servers.get(directory).map(|own| own.chain.clone());
        let config = self.scenario.validators.get(directory);
        let own = config.and_then(|config| config.directory.as_ref());
        let validate = Validate {
            attempt,
            of: Party::Directory,
            peer: chain.unwrap_or_default(),
            host: own.map(|own| Name::from(own.host.as_str())),
            principal: None,
            staples: Vec::new(),
        };
        self.tell_machine(now, sut, SutEvent::Validate(validate));
    }

    /// A server asks its directory about a client.
    pub(super) fn consult(
        &mut self,
        now: Instant,
        attempt: u64,
        directory: Name,
        peer: super::Peer,
    ) {
        let Some(open) = self.open.get(&attempt) else { return };
        let event = Event::Consulted { attempt, directory, peer };
        self.push_attempt(now + self.scenario.network.round_trip, open.rank, attempt, event);
    }

    pub(super) fn consulted(
        &mut self,
        now: Instant,
        attempt: u64,
        directory: &Name,
        peer: super::Peer,
    ) {
        let Some(machine) = self.validators.get(directory).map(|machines| machines.first) else {
            return;
        };
        let of = Party::Client;
        let (host, principal, staples) = (None, None, Vec::new());
        let validate = Validate { attempt, of, peer, host, principal, staples };
        self.tell_machine(now, machine, SutEvent::Validate(validate));
    }

    pub(super) fn counsel(&mut self, now: Instant, attempt: u64, validation: Validation) {
        let Some(sut) = self.open.get(&attempt).map(|open| open.sut) else { return };
        self.tell_machine(now, sut, SutEvent::Counsel { attempt, validation });
    }

    /// The validator that has this machine.
    pub(in crate::exec) fn validator_with(&self, machine: usize) -> Option<&Name> {
        let has = |of: &Machines| (of.first..of.first + of.count).contains(&machine);
        self.validators.iter().find(|(_, machines)| has(machines)).map(|(name, _)| name)
    }

    /// The machine that judges servers for a thread of a client.
    pub(super) fn validator_of(&self, client: &Name, thread: u32) -> Option<usize> {
        let name = self.scenario.clients.get(client)?.validator.as_ref()?;
        let machines = self.validators.get(name)?;
        if machines.count <= 1 {
            return Some(machines.first);
        }
        let before = self.scenario.clients.iter().take_while(|(other, _)| *other != client);
        let mine = before.filter(|(_, plan)| plan.validator.as_ref() == Some(name));
        let offset: u32 = mine.map(|(_, plan)| plan.threads).sum();
        let number = (offset + thread) as usize;
        (number < machines.count).then_some(machines.first + number)
    }
}
