//! Which certificates a fetch is about: those of the client's CA, or of one above it.
//!
//! A server that checks a whole chain asks for the status of each of its certificates. What it hears of
//! one says nothing of another.

use revlab_fake_ca::fault::{Endpoint, FaultConfig};
use revlab_lab::Name;
use revlab_lab::trace::{Attempt, Fetch, Purpose};

use crate::judge::index::Index;
use crate::scenario::Scenario;

/// The script that brings CRL files, as a process in traces.
const PUBLISHER: &str = "publisher";

/// The CA of a client's certificate, and those above it up to the root: what each has issued is one
/// certificate of the chain.
pub(super) fn chain<'a>(scenario: &'a Scenario, attempt: &Attempt) -> Vec<&'a Name> {
    let mut all: Vec<&Name> = Vec::new();
    let mut next = scenario.clients.get(&attempt.client).map(|plan| &plan.ca);
    while let Some(ca) = next.filter(|ca| !all.contains(ca)) {
        all.push(ca);
        next = scenario.cas.get(ca).and_then(|ca| ca.parent.as_ref());
    }
    all
}

/// Whether a fetch is for the status of what a CA has issued.
pub(super) fn is_of(scenario: &Scenario, index: &Index<'_>, ca: &Name, fetch: &Fetch) -> bool {
    let url = fetch.url.as_str();
    let asked = |known: &str| {
        // A GET has the request behind the responder's URL (RFC 6960 A.1).
        let rest = url.strip_prefix(known);
        rest.is_some_and(|r| r.is_empty() || r.starts_with('/') || known.ends_with('/'))
    };
    let config = scenario.cas.get(ca);
    let named = config.into_iter().flat_map(|ca| ca.aia.ocsp.iter().chain(ca.cdp.iter().flatten()));
    fetch.purpose != Purpose::Issuer
        && (index.publications.iter().any(|p| p.ca == *ca && asked(&p.url))
            || named.into_iter().any(|known| asked(known.as_str())))
}

/// Why the faults of a run say nothing of its server: it never asks for what they are on, not while nothing
/// is wrong either. None: it does, or there are no faults.
pub(super) fn out_of_sight(scenario: &Scenario, index: &Index<'_>) -> Option<String> {
    let asked = |fault: &FaultConfig| {
        index.fetches.iter().any(|fetch| {
            let of_it = is_of(scenario, index, &fault.on.ca, fetch);
            match fault.on.endpoint {
                Endpoint::All => of_it,
                Endpoint::Crl => of_it && fetch.purpose != Purpose::Ocsp,
                Endpoint::Base => of_it && fetch.purpose == Purpose::Base,
                Endpoint::Delta => of_it && fetch.purpose == Purpose::Delta,
                Endpoint::Ocsp => of_it && fetch.purpose == Purpose::Ocsp,
                Endpoint::Issuer => fetch.purpose == Purpose::Issuer,
            }
        })
    };
    let first = index.faults.first()?;
    let is_seen = scenario.faults.values().any(asked);
    (!is_seen)
        .then(|| format!("it never asks for `{}`, which fault `{}` is on", first.on, first.id))
}

/// Whether a fetch about a CA's certificates can be about this one: a CRL is about all of them, an OCSP
/// answer about one.
pub(super) fn may_be_about(fetch: &Fetch, ca: &Name, chain: &[&Name], attempt: &Attempt) -> bool {
    fetch.purpose != Purpose::Ocsp
        || chain.first() != Some(&ca)
        || fetch.client.as_ref().is_none_or(|client| *client == attempt.identity)
}

/// Whether the script has made it that brings CRL files, and not the server.
pub(super) fn is_publishers(fetch: &Fetch) -> bool {
    *fetch.process == *PUBLISHER
}
