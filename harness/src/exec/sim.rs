//! The `sim` transport: cores connected directly. No TLS: handshakes and sessions are events.

use std::collections::BTreeMap;
use std::sync::Arc;

use revlab_clients::cipher::{Authentication, Cipher};
use revlab_clients::observation::{SERVER_EXPIRED, SERVER_NOT_YET_VALID, no_http};
use revlab_clients::plan::{Holder, Session};
use revlab_clients::{Agreed, Observation, Seen, Send, Times};
use revlab_fake_ca::fault::{Heard, Ruling, Script};
use revlab_lab::http::{FetchError, Reply, Request};
use revlab_lab::trace::{Handshake, HttpVersion, Phase, TlsVersion};
use revlab_lab::{Clock, Instant, Name, Span};
use revlab_pki::{Certificate, KeyAlgorithm};
use revlab_sut::config::SutConfig;
use revlab_sut::sessions::SessionTable;

use super::setup::{Cast, Identity};
use super::wire::{FetchKey, Opened, Shown, Wire};
use crate::scenario::model::Scenario;

/// Whoever can take up a session again, at a SUT.
type Place = (usize, Name, Holder);

/// The highest versions that a SUT speaks.
#[derive(Clone, Copy)]
struct Speaks {
    tls: TlsVersion,
    http: HttpVersion,
}

impl Speaks {
    fn of(config: &SutConfig) -> Speaks {
        Speaks { tls: config.tls, http: config.http }
    }
}

/// What a SUT shows in a handshake, and by what kind of key.
struct Server {
    chain: Arc<[Certificate]>,
    key: Authentication,
}

impl Server {
    fn of(identity: &Identity) -> Server {
        let key = match identity.key.algorithm() {
            KeyAlgorithm::EcdsaP256 | KeyAlgorithm::EcdsaP384 | KeyAlgorithm::Ed25519 => {
                Authentication::Ecdsa
            }
            KeyAlgorithm::Rsa2048
            | KeyAlgorithm::Rsa3072
            | KeyAlgorithm::Rsa4096
            | KeyAlgorithm::RsaPss => Authentication::Rsa,
        };
        Server { chain: identity.certificate_list(), key }
    }
}

/// Cores connected directly.
pub(super) struct SimWire {
    peers: BTreeMap<Name, Arc<[Certificate]>>,
    /// What each SUT speaks, and the sessions it knows.
    suts: Vec<(Speaks, SessionTable<()>)>,
    /// The session that each holder of each client could resume, by SUT, with the certificates
    /// that it was made with: another certificate makes a full handshake.
    sessions: BTreeMap<Place, (Vec<u8>, Arc<[Certificate]>)>,
    /// The server certificate of each SUT, and the clock by which each client judges it.
    servers: Vec<Option<Server>>,
    clocks: BTreeMap<Name, Clock>,
    next_session: u64,
    open: BTreeMap<u64, Connection>,
    /// Connections between two attempts, by number.
    kept: BTreeMap<u64, Connection>,
}

/// A connection after its handshake.
struct Connection {
    number: u64,
    agreed: Agreed,
    /// What the client presented in the handshake.
    peer: Arc<[Certificate]>,
}

impl SimWire {
    pub(super) fn new(scenario: &Scenario, cast: &Cast) -> SimWire {
        let table = |profile: &revlab_sut::profile::Profile| {
            let parameters = profile.parameters();
            SessionTable::new(parameters.tls_session_lifetime)
                .with_idle(parameters.tls_session_idle)
        };
        SimWire {
            peers: cast.identities.iter().map(|(n, i)| (n.clone(), i.certificate_list())).collect(),
            suts: scenario.suts.values().map(|c| (Speaks::of(c), table(&c.profile))).collect(),
            sessions: BTreeMap::new(),
            servers: scenario.suts.keys().map(|n| cast.servers.get(n).map(Server::of)).collect(),
            clocks: scenario.clients.iter().map(|(n, c)| (n.clone(), c.clock.clone())).collect(),
            next_session: 0,
            open: BTreeMap::new(),
            kept: BTreeMap::new(),
        }
    }

    /// As rustls does it: a 1.2 session is taken up again and again until its time is up; a 1.3
    /// ticket is used once, and each connection brings new ones.
    fn handshake(
        &mut self,
        now: Instant,
        sut: usize,
        send: &Send,
        tls: TlsVersion,
        peer: &Arc<[Certificate]>,
    ) -> Handshake {
        if send.session == Session::Fresh {
            return Handshake::Full;
        }
        let Some((_, table)) = self.suts.get_mut(sut) else { return Handshake::Full };
        let place = (sut, send.client.clone(), send.holder());
        let mine = self.sessions.get(&place).filter(|(_, made_with)| Arc::ptr_eq(made_with, peer));
        let known = match (mine, tls) {
            (None, _) => false,
            (Some((key, _)), TlsVersion::V1_2) => table.resume(now, key).is_some(),
            (Some((key, _)), TlsVersion::V1_3) => table.take(now, key).is_some(),
        };
        if !known || tls == TlsVersion::V1_3 {
            self.next_session += 1;
            let key = self.next_session.to_be_bytes().to_vec();
            table.put(now, key.clone(), ());
            self.sessions.insert(place, (key, peer.clone()));
        }
        if known { Handshake::Resumed } else { Handshake::Full }
    }
}

impl SimWire {
    fn server(&self, sut: usize) -> Option<&Server> {
        self.servers.get(sut)?.as_ref()
    }

    /// The suite that is agreed on, where the client asks for certain ones: the first that goes with the
    /// server's key. The server itself speaks all of rustls'; without one that goes it sends the alert
    /// of RFC 5246 §7.4.1.3.
    fn cipher(&self, sut: usize, send: &Send) -> Result<Option<Cipher>, Seen> {
        let Some(server) = self.server(sut).filter(|_| !send.ciphers.is_empty()) else {
            return Ok(None);
        };
        let fits = send.ciphers.iter().find(|cipher| cipher.fits(server.key));
        fits.map(|cipher| Some(*cipher)).ok_or_else(|| Seen::Alert("handshake_failure".into()))
    }

    /// What a client has against the server's certificate, by its own clock.
    fn server_error(&self, now: Instant, sut: usize, send: &Send) -> Option<&'static str> {
        let certificate = self.servers.get(sut)?.as_ref()?.chain.first()?;
        let reading = self.clocks.get(&send.client).map_or(now, |clock| clock.at(now));
        if reading < certificate.not_before() {
            Some(SERVER_NOT_YET_VALID)
        } else if reading > certificate.not_after() {
            Some(SERVER_EXPIRED)
        } else {
            None
        }
    }
}

impl Wire for SimWire {
    fn exchange(
        &mut self,
        _key: FetchKey,
        ruling: &Ruling,
        request: &Request,
        serve: &mut dyn FnMut(Request) -> Reply,
    ) -> Option<Heard> {
        let failed = |error| Some(Heard { result: Err(error), after: Span::ZERO });
        match ruling {
            Ruling::NameNotResolved => failed(FetchError::NameNotResolved),
            Ruling::Refused => failed(FetchError::ConnectionRefused),
            Ruling::ResetAtConnect | Ruling::Reset => failed(FetchError::ConnectionReset),
            Ruling::Insecure(_) => failed(FetchError::SecureFailure),
            Ruling::Swallowed | Ruling::Silent => None,
            Ruling::Elsewhere(_) => Some(Heard::at_once(serve(request.clone()))),
            Ruling::Answer(answer) => {
                let reply = answer.reply(request, serve(request.clone()));
                Some(match answer.shape.is_plain() {
                    true => Heard::at_once(reply),
                    false => Script::new(&answer.shape, &reply, request.method).heard(),
                })
            }
        }
    }

    fn abandon_fetch(&mut self, _key: FetchKey) {}

    fn open(&mut self, now: Instant, sut: usize, send: &Send, staple: Option<Arc<[u8]>>) -> Opened {
        if let Some(kept) = send.connection.and_then(|number| self.kept.remove(&number)) {
            let agreed = Agreed { handshake: Handshake::Kept, ..kept.agreed.clone() };
            let peer = kept.peer.clone();
            self.open.insert(send.attempt, Connection { agreed: agreed.clone(), ..kept });
            return Opened::Request { peer, agreed };
        }
        let speaks = self.suts.get(sut).map(|(speaks, _)| *speaks);
        let tls = speaks.map_or(send.tls, |speaks| Ord::min(speaks.tls, send.tls));
        let cipher = match self.cipher(sut, send) {
            Ok(cipher) => cipher,
            Err(seen) => return Opened::Ended(Observation::without_handshake(seen)),
        };
        if speaks.is_some_and(|speaks| speaks.http < send.http) {
            let seen = Seen::Broken { phase: Phase::Handshake, error: no_http(send.http) };
            return Opened::Ended(Observation::without_handshake(seen));
        }
        let peer = self.peers.get(&send.presents).cloned().unwrap_or_default();
        let place = (sut, send.client.clone(), send.holder());
        let full = send.session == Session::Fresh || !self.sessions.contains_key(&place);
        let judged_here = full && !send.validated;
        if let Some(error) = self.server_error(now, sut, send).filter(|_| judged_here) {
            let seen = Seen::Broken { phase: Phase::Handshake, error: Name::from(error) };
            return Opened::Ended(Observation::without_handshake(seen));
        }
        let handshake = self.handshake(now, sut, send, tls, &peer);
        let agreed = Agreed { handshake, tls, http: send.http, cipher };
        let connection =
            Connection { number: send.attempt, agreed: agreed.clone(), peer: peer.clone() };
        self.open.insert(send.attempt, connection);
        if !send.validated {
            return Opened::Request { peer, agreed };
        }
        let chain = self.server(sut).map(|own| own.chain.clone()).unwrap_or_default();
        Opened::Connected(Shown { agreed, chain, staple })
    }

    fn proceed(&mut self, attempt: u64) -> Opened {
        match self.open.get(&attempt) {
            Some(open) => Opened::Request { peer: open.peer.clone(), agreed: open.agreed.clone() },
            None => {
                let seen = Seen::Closed { phase: Phase::Request };
                Opened::Ended(Observation::without_handshake(seen))
            }
        }
    }

    fn answer(&mut self, attempt: u64, reply: Option<&Reply>, keeps: bool) -> Option<Observation> {
        let connection = self.open.remove(&attempt)?;
        let agreed = Some(connection.agreed.clone());
        let seen = match reply {
            Some(reply) => Seen::Response { status: reply.status, body: reply.body.clone() },
            None => Seen::Closed { phase: Phase::Request },
        };
        let stays_open = keeps && reply.is_some();
        if stays_open {
            self.kept.insert(connection.number, connection);
        }
        Some(Observation { agreed, times: Times::default(), seen, stays_open })
    }

    fn disconnect(&mut self, connection: u64) {
        self.kept.remove(&connection);
    }

    fn abandon_attempt(&mut self, attempt: u64) {
        self.open.remove(&attempt);
    }

    fn forget_sessions(&mut self, sut: usize) {
        if let Some((_, table)) = self.suts.get_mut(sut) {
            table.clear();
        }
    }

    fn forget_client_sessions(&mut self, client: &Name) {
        self.sessions.retain(|(_, of, _), _| of != client);
    }

    fn add_identity(&mut self, name: &Name, identity: &Identity) {
        self.peers.insert(name.clone(), identity.certificate_list());
    }

    fn remove_identity(&mut self, name: &Name) {
        self.peers.remove(name);
    }

    fn replace_server(&mut self, sut: usize, server: &Identity) {
        if let Some(own) = self.servers.get_mut(sut) {
            *own = Some(Server::of(server));
        }
    }

    fn set_time(&mut self, _now: Instant) {}

    fn trouble(&mut self) -> Option<String> {
        None
    }

    fn wall_ms(&mut self, _attempt: u64) -> Option<u32> {
        None
    }
}
