//! Sockets, signals and the clock around the core.
//!
//! Two threads: one has the connections, and the other the core, to which sites and the control API hand
//! over what arrives. So the next request is read while an answer is signed. What takes time (a slow peer,
//! a delayed answer) has a task of its own and delays nobody.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use revlab_fake_ca::FakeCa;
use revlab_fake_ca::dns::NameFault;
use revlab_fake_ca::live::dns::NameServer;
use revlab_fake_ca::live::{Arrived, Site};
use revlab_lab::http::{Request, Url};
use revlab_lab::{Instant, Seed, Span};
use revlab_pki::KeyAlgorithm as K;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;

use super::core::ServeCore;
use super::credential;
use super::doors::{Doors, keep};
use super::files::Folder;
use super::http::{self, Commanded};
use super::ready::{Places, Ready};
use super::sites::Sites;
use super::token::Token;
use super::ways::Names;
use super::{Options, ServeError};
use crate::scenario::model::Scenario;

/// So much may wait for the core before those who bring it have to wait themselves.
const WAITING: usize = 256;

/// The longest sleep: what is to be waited for is then asked for again.
const LONGEST: Duration = Duration::from_secs(3600);

/// Lab time as the wall clock runs.
#[derive(Clone, Copy)]
struct Clock {
    start: Instant,
    began: std::time::Instant,
}

impl Clock {
    fn now(&self) -> Instant {
        let passed = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.start + Span::from_millis(passed)
    }

    /// Until when to wait for an instant; none has come at the latest in an hour, when it is asked
    /// for again.
    fn until(&self, at: Option<Instant>) -> tokio::time::Instant {
        let left = at.map_or(i64::MAX, |at| (at - self.now()).as_millis());
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
        tokio::time::Instant::now() + left.min(LONGEST)
    }
}

/// Runs the shell; see [`super::serve`].
#[expect(clippy::disallowed_methods, reason = "serving begins at the wall clock's time")]
pub(super) fn run(
    scenario: &Scenario,
    options: &Options,
    ready: impl FnOnce(&Ready),
    asked: impl FnMut(&str),
) -> Result<(), ServeError> {
    let began = std::time::Instant::now();
    let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let wall = wall.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0));
    let start = options.at.unwrap_or(Instant::from_millis(wall)).floor_to_second();
    // The fraction of the second that has passed belongs to lab time.
    let passed = match options.at {
        Some(_) => Duration::ZERO,
        None => Duration::from_millis(u64::try_from(wall.rem_euclid(1000)).unwrap_or(0)),
    };
    let clock = Clock { start, began: began.checked_sub(passed).unwrap_or(began) };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|e| ServeError::system("the runtime", e))?;
    runtime.block_on(serve(scenario, options, clock, began, ready, asked))
}

async fn serve(
    scenario: &Scenario,
    options: &Options,
    clock: Clock,
    began: std::time::Instant,
    ready: impl FnOnce(&Ready),
    mut asked: impl FnMut(&str),
) -> Result<(), ServeError> {
    let mut stop = Stop::new().map_err(|e| ServeError::system("the signals", e))?;
    let (to, mut arrived) = mpsc::channel(WAITING);
    let sites = bind(scenario, options.listen)?;
    let https = match options.https {
        true => keep_https(&sites, options.listen)?,
        false => Vec::new(),
    };
    let listener = TcpListener::bind(options.control).await;
    let listener =
        listener.map_err(|e| no_port("the control API", "--control", options.control, e))?;
    let control = listener.local_addr().map_err(|e| ServeError::system("the control API", e))?;
    let addresses: Vec<_> =
        sites.iter().map(|(host, site)| (host.clone(), site.address())).collect();
    let keep_hosts = options.dns.is_some();
    let named = (!options.keep_names).then(|| Sites::new(addresses.iter().cloned(), keep_hosts));
    let secure = sites
        .iter()
        .zip(&https)
        .filter_map(|((host, _), kept)| Some((host.clone(), kept.local_addr().ok()?)));
    let secure: Vec<(String, SocketAddr)> = secure.collect();
    let named = named.map(|sites| sites.with_https(secure.iter().cloned()));
    let mut dns = options.dns.map(|at| Told::bind(at, &addresses)).transpose()?;
    let known = dns.as_ref().map(|dns| dns.known.clone());
    let name = |host: &str| named.as_ref().and_then(|sites| sites.name(host));
    let names: Vec<String> =
        addresses.iter().map(|(host, _)| name(host).unwrap_or_else(|| host.clone())).collect();
    let mut core = ServeCore::new(scenario, clock.start, named, known, keys(scenario, options)?)?;

    let folder = Folder::new(options.out.as_deref())?;
    let token = Token::new().map_err(|e| ServeError::system("the token", e))?;
    let mut artefacts = credential::artefacts(&core.lab);
    artefacts.push(credential::token(&token));
    let files = artefacts.iter().map(|a| folder.write(a)).collect::<Result<Vec<_>, _>>()?;
    let places = Places {
        sites: &names
            .iter()
            .cloned()
            .zip(addresses.iter().map(|(_, a)| a.to_string()))
            .collect::<Vec<_>>(),
        control: format!("http://{control}"),
        https: &names
            .iter()
            .cloned()
            .zip(secure.iter().map(|(_, at)| at.to_string()))
            .collect::<Vec<_>>(),
        dns: dns.as_ref().map(|dns| dns.server.address()),
        warnings: warnings(scenario, options),
        folder: folder.path(),
        files,
        took: began.elapsed(),
    };
    let ready_now = Ready::new(&core, places);

    let (to_core, mut commands) = mpsc::channel(WAITING);
    let api = tokio::spawn(http::accept(listener, token, to_core));
    let sites = names.into_iter().zip(sites.into_iter().map(|(_, site)| site)).collect();
    let mut doors = Doors::new(sites, https, to);
    ready(&ready_now);
    loop {
        core.pass(clock.now());
        settle(&mut doors, dns.as_mut(), &core, clock.now()).await;
        let wake = tokio::time::sleep_until(clock.until(core.next_wakeup()));
        tokio::select! {
            () = stop.asked() => break,
            Some((index, arrived)) = arrived.recv() => {
                if let Some(door) = doors.get(index) {
                    answer(&mut core, clock.now(), &door.name, arrived);
                    core.journal.line().iter().for_each(|line| asked(line));
                }
            }
            Some(Commanded { command, reply }) = commands.recv() => {
                for (site, open, turned_away) in doors.counts() {
                    core.metrics.connections(site, open, turned_away);
                }
                let replied = core.control(clock.now(), command);
                // Who has taken a site down finds it down.
                settle(&mut doors, dns.as_mut(), &core, clock.now()).await;
                let _ = reply.send(replied);
            }
            () = wake => {}
        }
    }
    api.abort();
    Ok(())
}

/// The name server, and what it has been told.
struct Told {
    server: NameServer,
    known: Names,
    wrong: BTreeMap<String, NameFault>,
}

impl Told {
    fn bind(at: SocketAddr, sites: &[(String, SocketAddr)]) -> Result<Told, ServeError> {
        let (known, wrong) = (Names::new(sites.iter().cloned()), BTreeMap::new());
        let server = NameServer::bind(at, known.zone(&wrong));
        let server = server.map_err(|e| no_port("the name server", "--dns", at, e))?;
        Ok(Told { server, known, wrong })
    }
}

/// Sees to it that sites and names stand as the core has it now.
async fn settle(doors: &mut Doors, dns: Option<&mut Told>, core: &ServeCore, now: Instant) {
    doors.settle(&core.stands(now), &|site, wrong| core.https_credential(site, wrong)).await;
    let Some(dns) = dns else { return };
    let wrong = core.wrong_names(now);
    if wrong != dns.wrong {
        let zone = dns.known.zone(&wrong);
        dns.server.change(|told| *told = zone);
        dns.wrong = wrong;
    }
}

/// What somebody should know who lets others than this machine in.
fn warnings(scenario: &Scenario, options: &Options) -> Vec<String> {
    let all = [
        ("--listen", "the CAs", Some(options.listen)),
        ("--control", "the control API", Some(options.control)),
        ("--dns", "the name server", options.dns),
    ];
    let warning = |(flag, what, at): (&str, &str, Option<SocketAddr>)| {
        let ip = at?.ip();
        let warning = format!("`{flag} {ip}`: other machines than this one reach {what}");
        (!ip.is_loopback()).then_some(warning)
    };
    let pooled = |key| matches!(key, K::Rsa2048 | K::Rsa3072 | K::Rsa4096 | K::RsaPss);
    let keys = if options.reproducible_keys {
        Some("`--reproducible-keys`: anybody can draw the same private keys")
    } else if scenario.cas.values().any(|ca| ca.imported.is_none() && pooled(ca.key)) {
        Some("RSA keys come from a small pool of public test keys: anybody has them")
    } else {
        None
    };
    all.into_iter().filter_map(warning).chain(keys.map(str::to_owned)).collect()
}

/// By which seed keys are drawn.
fn keys(scenario: &Scenario, options: &Options) -> Result<Seed, ServeError> {
    if options.reproducible_keys {
        return Ok(scenario.seed);
    }
    let mut octets = [0; 8];
    let none = || io::Error::other("no random numbers can be had");
    aws_lc_rs::rand::fill(&mut octets).map_err(|_| ServeError::system("the keys", none()))?;
    Ok(Seed(u64::from_be_bytes(octets)))
}

/// A site for each host of the CAs.
fn bind(scenario: &Scenario, listen: SocketAddr) -> Result<Vec<(String, Site)>, ServeError> {
    let mut sites = Vec::new();
    for (index, host) in FakeCa::hosts_of(scenario.cas.values()).into_iter().enumerate() {
        let port = match listen.port() {
            0 => Some(0),
            first => u16::try_from(index).ok().and_then(|index| first.checked_add(index)),
        };
        let port = port.ok_or_else(|| {
            ServeError::system("the sites", io::Error::other("there are not so many ports"))
        })?;
        let address = SocketAddr::new(listen.ip(), port);
        let what = format!("`{host}`");
        let site = Site::bind(address).map_err(|e| no_port(&what, "--listen", address, e))?;
        sites.push((host, site));
    }
    Ok(sites)
}

/// A port for TLS for each site, behind those of the sites; connections to it are refused until a
/// fault has it speak.
fn keep_https(sites: &[(String, Site)], listen: SocketAddr) -> Result<Vec<TcpSocket>, ServeError> {
    let ports = sites.iter().enumerate().map(|(index, (host, _))| {
        let behind = u16::try_from(sites.len() + index).ok();
        let port = match listen.port() {
            0 => Some(0),
            first => behind.and_then(|index| first.checked_add(index)),
        };
        let none =
            || ServeError::system("the sites", io::Error::other("there are not so many ports"));
        let address = SocketAddr::new(listen.ip(), port.ok_or_else(none)?);
        let what = format!("`https` of `{host}`");
        keep(address).map_err(|e| no_port(&what, "--listen", address, e))
    });
    ports.collect()
}

/// Says which option would help where somebody else listens there.
fn no_port(what: &str, flag: &str, address: SocketAddr, error: io::Error) -> ServeError {
    let what = format!("{what} cannot listen at {address}");
    if error.kind() != io::ErrorKind::AddrInUse {
        return ServeError::system(what, error);
    }
    let ip = address.ip();
    let help = format!("{error}; `{flag} {ip}` takes a port that is free");
    ServeError::system(what, io::Error::new(error.kind(), help))
}

/// A request has arrived at the site called `name`: whatever its `Host` says, it is for that one.
fn answer(core: &mut ServeCore, now: Instant, name: &str, arrived: Arrived) {
    let Arrived { request, peer, others, answer } = arrived;
    let url = at_site(name, &request.url).unwrap_or_else(|| request.url.clone());
    let peer = Some(peer.ip().to_string());
    let carried = core.request(now, (peer, others), Request { url, ..request });
    // A peer that has gone away gets nothing.
    let _ = answer.send(carried.answered);
}

fn at_site(name: &str, url: &Url) -> Option<Url> {
    format!("http://{name}{}", url.path_and_query()).parse().ok()
}

/// Ctrl-C, and where there is such a thing, TERM.
struct Stop {
    #[cfg(unix)]
    term: tokio::signal::unix::Signal,
    #[cfg(unix)]
    int: tokio::signal::unix::Signal,
}

impl Stop {
    /// From now on the signals no longer end the process by themselves.
    #[cfg(unix)]
    fn new() -> io::Result<Stop> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Stop { term: signal(SignalKind::terminate())?, int: signal(SignalKind::interrupt())? })
    }

    #[cfg(unix)]
    async fn asked(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }

    #[cfg(not(unix))]
    fn new() -> io::Result<Stop> {
        Ok(Stop {})
    }

    #[cfg(not(unix))]
    async fn asked(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
