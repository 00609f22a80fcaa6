//! Sockets, signals and the clock around the core.
//!
//! One thread: sites and the control API hand over what arrives, the core says what becomes of it.
//! What takes time (a slow peer, a delayed answer) has a task of its own and delays nobody.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use revlab_fake_ca::FakeCa;
use revlab_fake_ca::live::{Arrived, Site};
use revlab_lab::http::{Request, Url};
use revlab_lab::{Instant, Span};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::core::ServeCore;
use super::credential;
use super::files::Folder;
use super::http::{self, Commanded};
use super::ready::{Places, Ready};
use super::sites::Sites;
use super::token::Token;
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

/// One host's site: open, or closed by a fault and its port kept from others.
struct Door {
    /// The host's name in the CAs' configuration.
    name: String,
    address: SocketAddr,
    state: State,
}

enum State {
    Open(JoinHandle<()>),
    Closed {
        _kept: TcpSocket,
    },
    /// The port could not be had again; it is tried again when next something happens.
    Lost,
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
    let runtime = tokio::runtime::Builder::new_current_thread()
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
    let listener = TcpListener::bind(options.control).await;
    let listener = listener.map_err(|e| no_port("the control API", options.control, e))?;
    let control = listener.local_addr().map_err(|e| ServeError::system("the control API", e))?;
    let addresses: Vec<_> =
        sites.iter().map(|(host, site)| (host.clone(), site.address())).collect();
    let named = (!options.keep_names).then(|| Sites::new(addresses.iter().cloned()));
    let name = |host: &str| named.as_ref().and_then(|sites| sites.name(host));
    let names: Vec<String> =
        addresses.iter().map(|(host, _)| name(host).unwrap_or_else(|| host.clone())).collect();
    let mut core = ServeCore::new(scenario, clock.start, named)?;

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
        folder: folder.path(),
        files,
        took: began.elapsed(),
    };
    let ready_now = Ready::new(&core, places);

    let (to_core, mut commands) = mpsc::channel(WAITING);
    let api = tokio::spawn(http::accept(listener, token, to_core));
    let mut doors = Vec::new();
    for (index, (site, name)) in sites.into_iter().map(|(_, site)| site).zip(names).enumerate() {
        let address = site.address();
        let state = State::Open(tokio::spawn(pump(index, site, to.clone())));
        doors.push(Door { name, address, state });
    }
    ready(&ready_now);
    loop {
        core.pass(clock.now());
        open_and_close(&mut doors, &core, clock.now(), &to).await;
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
                let replied = core.control(clock.now(), command);
                // Who has taken a site down finds it down.
                open_and_close(&mut doors, &core, clock.now(), &to).await;
                let _ = reply.send(replied);
            }
            () = wake => {}
        }
    }
    api.abort();
    Ok(())
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
        let site = Site::bind(address).map_err(|e| no_port(&format!("`{host}`"), address, e))?;
        sites.push((host, site));
    }
    Ok(sites)
}

fn no_port(what: &str, address: SocketAddr, error: io::Error) -> ServeError {
    ServeError::system(format!("{what} cannot listen at {address}"), error)
}

/// Hands over what arrives at a site. Dropping the task closes the site.
async fn pump(index: usize, mut site: Site, to: mpsc::Sender<(usize, Arrived)>) {
    while let Some(arrived) = site.next().await {
        if to.send((index, arrived)).await.is_err() {
            return;
        }
    }
}

/// Closes the sites that a fault has taken down, and opens the others.
async fn open_and_close(
    doors: &mut [Door],
    core: &ServeCore,
    now: Instant,
    to: &mpsc::Sender<(usize, Arrived)>,
) {
    let closed = core.closed(now);
    for (index, door) in doors.iter_mut().enumerate() {
        let is_closed = closed.iter().any(|name| name.eq_ignore_ascii_case(&door.name));
        match (&door.state, is_closed) {
            (State::Open(site), true) => {
                site.abort();
                door.state = match close(door.address).await {
                    Some(kept) => State::Closed { _kept: kept },
                    None => State::Lost,
                };
            }
            (State::Open(site), false) if !site.is_finished() => {}
            (State::Closed { .. } | State::Lost, true) => {}
            (_, false) => {
                door.state = State::Lost;
                if let Ok(site) = Site::bind(door.address) {
                    door.state = State::Open(tokio::spawn(pump(index, site, to.clone())));
                }
            }
        }
    }
}

/// Takes the port of a site that is ending, as soon as nothing listens there any more.
async fn close(address: SocketAddr) -> Option<TcpSocket> {
    /// Its tasks end in one turn each.
    const TURNS: usize = 100;
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
        if let Ok(kept) = keep(address) {
            return Some(kept);
        }
    }
    None
}

/// Keeps a port from others without listening at it: connections are refused.
fn keep(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match address.ip() {
        IpAddr::V4(_) => TcpSocket::new_v4()?,
        IpAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// A request has arrived at the site called `name`: whatever its `Host` says, it is for that one.
fn answer(core: &mut ServeCore, now: Instant, name: &str, arrived: Arrived) {
    let Arrived { request, peer, answer } = arrived;
    let url = at_site(name, &request.url).unwrap_or_else(|| request.url.clone());
    let peer = Some(peer.ip().to_string());
    let carried = core.request(now, peer, Request { url, ..request });
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
