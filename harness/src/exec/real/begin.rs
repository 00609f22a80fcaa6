//! A program begins its part: the CA's sites where it finds them, its own process, its time.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use revlab_clients::plan::Session;
use revlab_fake_ca::FakeCa;
use revlab_fake_ca::live::{Answered, Site};
use revlab_lab::Name;
use revlab_lab::http::Reply;
use revlab_sut::adapter::Names;
use revlab_sut::config::SutConfig;

use super::peer::Time;
use super::place::Place;
use super::server::{Server, Setting};
use super::sites::Sites;
use crate::exec::adapter::Program;
use crate::exec::setup::Lab;
use crate::exec::{Options, RunError};
use crate::scenario::model::Scenario;

/// Starts a program, with the CA's sites where it finds them.
pub(super) fn begin(
    scenario: &Scenario,
    lab: &Lab,
    sut: &SutConfig,
    program: &Program,
    options: &Options<'_>,
) -> Result<(Sites, Server, Time), RunError> {
    let place = Place::new();
    if let Some(port) = options.port {
        is_free(place.sut(Some(port)))?;
    }
    let sites = sites(scenario, lab, program, place)?;
    let backend = match program.adapter.server.as_ref().is_some_and(|server| server.backend) {
        true => Some(plain_server(place.backend())?),
        false => None,
    };
    let crls = match program.options().crl_files {
        true => put_by_hand(scenario, lab),
        false => BTreeMap::new(),
    };
    let setting = Setting {
        sut: &sut.name,
        host: &sut.host,
        tls: sut.tls,
        resumption: scenario.clients.values().any(|plan| plan.session == Session::Resumed),
        at: place.sut(options.port),
        proxy: sites.as_proxy(),
        resolver: sites.name_server(),
        backend,
        start: sut.clock.at(scenario.start),
        crls,
    };
    let (server, file) = Server::start(program, &lab.cast, setting).map_err(RunError::Sut)?;
    let time = match file {
        Some(file) => Time::Held { file, paced: !program.adapter.time.patient },
        None => Time::real(scenario.start),
    };
    Ok((sites, server, time))
}

fn sites(
    scenario: &Scenario,
    lab: &Lab,
    program: &Program,
    place: Place,
) -> Result<Sites, RunError> {
    let hosts = FakeCa::hosts_of(scenario.cas.values());
    let are_addresses = hosts.iter().all(|host| is_loopback_with_port(host));
    if place.has_names() || are_addresses {
        return Sites::named(scenario, &lab.ca, place);
    }
    if program.adapter.names == Names::Dns {
        let name = &program.name;
        return Err(RunError::Sut(format!(
            "`{name}` looks the CAs' names up and connects to the ports in certificates, and there is no \
             network of the lab's own for that (see `revlab sut probe {name}`); or give each CA an \
             address with a port as its host, such as `host = \"127.0.0.1:8081\"`"
        )));
    }
    Sites::proxy(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
}

/// A port that was asked for: of one that is taken many servers say less than would help.
fn is_free(at: SocketAddr) -> Result<(), RunError> {
    let taken = |e| {
        let what = format!("the system under test cannot listen at {at}: {e}");
        RunError::Live(format!("{what}; without `--port` one that is free is taken"))
    };
    std::net::TcpListener::bind(at).map(drop).map_err(taken)
}

fn is_loopback_with_port(host: &str) -> bool {
    host.parse::<SocketAddr>().is_ok_and(|at| at.ip().is_loopback())
}

/// What an administrator has put in place before the start: the newest base CRL of each CA.
fn put_by_hand(scenario: &Scenario, lab: &Lab) -> BTreeMap<Name, Vec<u8>> {
    let newest = |ca: &Name| Some((ca.clone(), lab.ca.newest_crl(ca, true)?.der().to_vec()));
    scenario.cas.keys().filter_map(newest).collect()
}

/// A plain HTTP server that lets everybody in, for one that only ends TLS.
fn plain_server(at: SocketAddr) -> Result<SocketAddr, RunError> {
    let taken = |e| RunError::Live(format!("the plain server cannot listen at {at}: {e}"));
    let mut site = Site::bind(at).map_err(taken)?;
    let address = site.address();
    tokio::spawn(async move {
        while let Some(arrived) = site.next().await {
            let body = (*b"admitted\n").into();
            let reply = Reply { body, ..revlab_fake_ca::fault::page(200) };
            let _ = arrived.answer.send(Answered::Reply(reply));
        }
    });
    Ok(address)
}
