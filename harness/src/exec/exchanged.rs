//! Operations on certificates and sessions: a server's certificate is exchanged, a client's SSL state is
//! cleared.

use revlab_clients::ClientEvent;
use revlab_lab::{Instant, Name};
use revlab_pki::Usage;
use revlab_sut::SutEvent;

use super::setup::{Identity, chain};
use super::wire::Wire;
use super::world::World;

impl<W: Wire> World<'_, W> {
    /// The server gets a new certificate with the same subject, the same dates and other names.
    pub(super) fn swap(&mut self, now: Instant, sut: &Name, names: &[String]) {
        let Some(config) = self.scenario.suts.get(sut) else { return };
        let Some(server) = self.cast.servers.get(sut).cloned() else { return };
        let issued = self.ca.issue(&config.ca, &config.host, Usage::Server, &server.key, names);
        // The names were checked when the scenario was read, and the first issue has succeeded.
        let Ok(certificate) = issued else { return };
        let chain = chain(&self.cast, &config.ca, certificate);
        self.cast.first_servers.entry(sut.clone()).or_insert_with(|| server.clone());
        self.exchange(now, sut, Identity { chain, ..server });
    }

    /// The server's first certificate is put back.
    pub(super) fn put_back(&mut self, now: Instant, sut: &Name) {
        if let Some(first) = self.cast.first_servers.get(sut).cloned() {
            self.exchange(now, sut, first);
        }
    }

    /// From now on handshakes show this certificate. What was agreed on before can still be resumed.
    fn exchange(&mut self, now: Instant, sut: &Name, server: Identity) {
        let Some(index) = self.scenario.suts.keys().position(|name| name == sut) else { return };
        self.wire.replace_server(index, &server);
        let chain = server.chain.clone();
        self.cast.servers.insert(sut.clone(), server);
        self.tell_machine(now, index, SutEvent::OwnCertificate { chain });
    }

    /// "Clear SSL state": a client's sessions and the certificates that it remembers are forgotten; no
    /// CRL and no OCSP response is (fact sheet §6). Connections that it keeps open are closed (inferred:
    /// the button would not help otherwise).
    pub(super) fn clear_ssl_state(&mut self, now: Instant, client: &Name) {
        self.tell_driver(now, ClientEvent::HangUp { client: client.clone() });
        self.wire.forget_client_sessions(client);
        self.choices.forget(client);
    }

    /// The machine of clients has been rebooted: their sessions and connections are gone with its
    /// processes.
    pub(super) fn forget_sessions_of(&mut self, now: Instant, machine: usize) {
        let Some(validator) = self.validator_with(machine).cloned() else { return };
        let clients = self.scenario.clients.values();
        for plan in clients.filter(|plan| plan.validator.as_ref() == Some(&validator)) {
            self.clear_ssl_state(now, &plan.name);
        }
    }
}
