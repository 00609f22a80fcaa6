//! The ports of the sites: open, kept closed by a fault, or swallowing. A shell without decisions.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};

use revlab_fake_ca::live::{Arrived, Gate, Site, Swallowing, swallowing_at};
use tokio::net::TcpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::ways::{DEAD, Stand, Taking};

/// So many connections all sites together keep open: with what else is open, well below the 1024
/// files that many systems give a process. Each site has an equal share.
const CONNECTIONS_MOST: usize = 512;

/// Where requests go, with the index of the door that they came through.
pub(super) type To = mpsc::Sender<(usize, Arrived)>;

/// The sites' ports.
#[derive(Debug)]
pub(super) struct Doors {
    doors: Vec<Door>,
    to: To,
    /// How many connections each may keep open.
    share: u32,
}

/// One host's site.
#[derive(Debug)]
pub(super) struct Door {
    /// The host's name in the CAs' configuration.
    pub(super) name: String,
    address: SocketAddr,
    gate: Gate,
    state: State,
    /// From here nothing comes, for a name that has a dead address first.
    _dead: Option<Swallowing>,
}

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
    pub(super) fn new(sites: Vec<(String, Site)>, to: To) -> Doors {
        let share = CONNECTIONS_MOST / sites.len().max(1);
        let share = u32::try_from(share.max(1)).unwrap_or(u32::MAX);
        let door = |(index, (name, site)): (usize, (String, Site))| {
            let (address, gate) = (site.address(), site.gate().clone());
            gate.at_most(share);
            let dead = SocketAddr::new(DEAD, address.port());
            // Where there is no such address nothing comes from it either.
            let dead = address.ip().is_loopback().then(|| swallowing_at(dead).ok()).flatten();
            let state = State::Open(tokio::spawn(pump(index, site, to.clone())));
            Door { name, address, gate, state, _dead: dead.map(|(kept, _)| kept) }
        };
        let doors = sites.into_iter().enumerate().map(door).collect();
        Doors { doors, to, share }
    }

    pub(super) fn get(&self, index: usize) -> Option<&Door> {
        self.doors.get(index)
    }

    /// Each site's name, with how many connections are open and how many were turned away.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&str, u32, u64)> {
        self.doors.iter().map(|door| (&*door.name, door.gate.open(), door.gate.turned_away()))
    }

    /// Opens and closes what has to be, and leaves what stands as it should.
    pub(super) async fn settle(&mut self, stands: &BTreeMap<String, Stand>) {
        for (index, door) in self.doors.iter_mut().enumerate() {
            let stand = stands.get(&door.name.to_ascii_lowercase()).copied().unwrap_or_default();
            door.gate.at_most(stand.most.map_or(self.share, |most| most.min(self.share)));
            door.gate.reset_all(stand.taking == Taking::Resets);
            if door.stands(stand.taking) {
                continue;
            }
            if let State::Open(site) = &door.state {
                site.abort();
            }
            door.state = State::Lost;
            door.state = freed(|| door.take(index, stand.taking, &self.to)).await;
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

/// What is done with a port as soon as those who had it are gone.
async fn freed(take: impl Fn() -> io::Result<State>) -> State {
    /// The tasks of a site end in one turn each.
    const TURNS: usize = 100;
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
        if let Ok(state) = take() {
            return state;
        }
    }
    State::Lost
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
fn keep(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match address.ip() {
        IpAddr::V4(_) => TcpSocket::new_v4()?,
        IpAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}
