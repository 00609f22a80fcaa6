//! The ports of the sites: open, kept closed by a fault, or swallowing. A shell without decisions.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use revlab_fake_ca::HttpsCredential;
use revlab_fake_ca::fault::HttpsCertificate;
use revlab_fake_ca::live::https::HttpsFront;
use revlab_fake_ca::live::{Arrived, Gate, Site, Swallowing, swallowing_at};
use tokio::net::TcpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::ways::{DEAD, Stand, Taking};

/// So many connections all sites together keep open: with what else is open, well below the 1024
/// files that many systems give a process. Each site has an equal share.
const CONNECTIONS_MOST: usize = 512;

/// Where requests go, with the index of the door that they came through.
pub(crate) type To = mpsc::Sender<(usize, Arrived)>;

/// The sites' ports.
#[derive(Debug)]
pub(crate) struct Doors {
    doors: Vec<Door>,
    to: To,
    /// How many connections each may keep open.
    share: u32,
}

/// One host's site.
#[derive(Debug)]
pub(crate) struct Door {
    /// The host's name in the CAs' configuration.
    pub(crate) name: String,
    address: SocketAddr,
    gate: Gate,
    state: State,
    https: Option<Https>,
    /// From here nothing comes, for a name that has a dead address first.
    _dead: Option<Swallowing>,
}

/// The port at which a site speaks TLS, where a fault has it do so.
#[derive(Debug)]
struct Https {
    address: SocketAddr,
    state: HttpsState,
}

#[derive(Debug)]
enum HttpsState {
    Refusing { _kept: TcpSocket },
    Speaking { wrong: HttpsCertificate, _front: HttpsFront },
    Lost,
}

/// Gives the credential of a site by its name.
pub(crate) type Credentials<'a> = &'a dyn Fn(&str, HttpsCertificate) -> Option<HttpsCredential>;

#[derive(Debug)]
enum State {
    Open(JoinHandle<()>),
    Refusing {
        _kept: TcpSocket,
    },
    Swallowing {
        _kept: Swallowing,
    },
    /// The port could not be had again; it is tried again when next something happens.
    Lost,
}

impl Doors {
    /// `https`: the sockets that keep the ports with TLS, one for each site or none at all.
    pub(crate) fn new(sites: Vec<(String, Site)>, https: Vec<TcpSocket>, to: To) -> Doors {
        let mut https = https.into_iter();
        let share = CONNECTIONS_MOST / sites.len().max(1);
        let share = u32::try_from(share.max(1)).unwrap_or(u32::MAX);
        let mut secure = || {
            let kept = https.next()?;
            let address = kept.local_addr().ok()?;
            Some(Https { address, state: HttpsState::Refusing { _kept: kept } })
        };
        let door = |(index, (name, site)): (usize, (String, Site))| {
            let (address, gate) = (site.address(), site.gate().clone());
            gate.at_most(share);
            let dead = SocketAddr::new(DEAD, address.port());
            // Where there is no such address nothing comes from it either.
            let dead = address.ip().is_loopback().then(|| swallowing_at(dead).ok()).flatten();
            let state = State::Open(tokio::spawn(pump(index, site, to.clone())));
            let https = secure();
            Door { name, address, gate, state, https, _dead: dead.map(|(kept, _)| kept) }
        };
        let doors = sites.into_iter().enumerate().map(door).collect();
        Doors { doors, to, share }
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Door> {
        self.doors.get(index)
    }

    /// Each site's name, with how many connections are open and how many were turned away.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&str, u32, u64)> {
        self.doors.iter().map(|door| (&*door.name, door.gate.open(), door.gate.turned_away()))
    }

    /// Opens and closes what has to be, and leaves what stands as it should.
    pub(crate) async fn settle(
        &mut self,
        stands: &BTreeMap<String, Stand>,
        credentials: Credentials<'_>,
    ) {
        for (index, door) in self.doors.iter_mut().enumerate() {
            let stand = stands.get(&door.name.to_ascii_lowercase()).copied().unwrap_or_default();
            door.gate.at_most(stand.most.map_or(self.share, |most| most.min(self.share)));
            door.gate.reset_all(stand.taking == Taking::Resets);
            door.speak(stand.https.filter(|_| stand.taking == Taking::Accepts), credentials).await;
            if door.stands(stand.taking) {
                continue;
            }
            if let State::Open(site) = &door.state {
                site.abort();
            }
            door.state = State::Lost;
            let take = || door.take(index, stand.taking, &self.to);
            door.state = freed(take).await.unwrap_or(State::Lost);
        }
    }
}

impl Door {
    fn stands(&self, taking: Taking) -> bool {
        match (&self.state, taking) {
            (State::Open(site), Taking::Accepts | Taking::Resets) => !site.is_finished(),
            (State::Refusing { .. }, Taking::Refuses) => true,
            (State::Swallowing { .. }, Taking::Swallows) => true,
            _ => false,
        }
    }

    /// Speaks TLS with a certificate like this, or not.
    async fn speak(&mut self, wrong: Option<HttpsCertificate>, credentials: Credentials<'_>) {
        let Some(https) = &mut self.https else { return };
        let stands = match (&https.state, wrong) {
            (HttpsState::Speaking { wrong, .. }, Some(wanted)) => *wrong == wanted,
            (HttpsState::Refusing { .. }, None) => true,
            _ => false,
        };
        if stands {
            return;
        }
        let (address, site) = (https.address, self.address);
        let credential = wrong.and_then(|wrong| Some((wrong, credentials(&self.name, wrong)?)));
        https.state = HttpsState::Lost;
        let take = || {
            Ok(match &credential {
                Some((wrong, credential)) => {
                    let front = HttpsFront::bind(address, credential, site)?;
                    HttpsState::Speaking { wrong: *wrong, _front: front }
                }
                None => HttpsState::Refusing { _kept: keep(address)? },
            })
        };
        https.state = freed(take).await.unwrap_or(HttpsState::Lost);
    }

    /// Takes the port for this.
    fn take(&self, index: usize, taking: Taking, to: &To) -> io::Result<State> {
        let address = self.address;
        Ok(match taking {
            Taking::Accepts | Taking::Resets => {
                let site = Site::behind(self.gate.clone(), address)?;
                State::Open(tokio::spawn(pump(index, site, to.clone())))
            }
            Taking::Refuses => State::Refusing { _kept: keep(address)? },
            Taking::Swallows => State::Swallowing { _kept: swallowing_at(address)?.0 },
        })
    }
}

/// What is done with a port as soon as those who had it are gone; none: they do not go.
async fn freed<T>(take: impl Fn() -> io::Result<T>) -> Option<T> {
    /// The tasks of a site end on another thread, soon.
    const PAUSE: Duration = Duration::from_millis(1);
    const TRIES: usize = 1000;
    for _ in 0..TRIES {
        if let Ok(state) = take() {
            return Some(state);
        }
        tokio::time::sleep_until(tokio::time::Instant::now() + PAUSE).await;
    }
    None
}

/// Hands over what arrives at a site. Dropping the task closes the site.
async fn pump(index: usize, mut site: Site, to: To) {
    while let Some(arrived) = site.next().await {
        if to.send((index, arrived)).await.is_err() {
            return;
        }
    }
}

/// Keeps a port from others without listening at it: connections are refused.
pub(crate) fn keep(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match address.ip() {
        IpAddr::V4(_) => TcpSocket::new_v4()?,
        IpAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}
