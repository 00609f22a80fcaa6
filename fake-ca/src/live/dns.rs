//! The name server on real sockets: UDP and TCP on one port (RFC 7766 wants both).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use revlab_lab::Span;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::dns::Zone;

/// So many answers can be on their way at once, and so many connections be open; further queries
/// are dropped, further connections closed.
const MOST: usize = 256;

/// How long a connection may be without a query.
const IDLE: Duration = Duration::from_secs(10);

/// How many ports are tried for one that is free for both UDP and TCP.
const TRIES: usize = 16;

/// A name server. Dropping it closes its sockets.
#[derive(Debug)]
pub struct NameServer {
    address: SocketAddr,
    zone: watch::Sender<Zone>,
    _serving: JoinSet<()>,
}

impl NameServer {
    /// Listens at `address`, by UDP and by TCP; port 0 takes one that is free for both. Must be
    /// called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// What the system says when the port cannot be had, or that there is no runtime.
    pub fn bind(address: SocketAddr, zone: Zone) -> io::Result<NameServer> {
        tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
        let (udp, tcp) = sockets(address)?;
        let address = udp.local_addr()?;
        let (zone, seen) = watch::channel(zone);
        let mut serving = JoinSet::new();
        serving.spawn(by_udp(Arc::new(udp), seen.clone()));
        serving.spawn(by_tcp(tcp, seen));
        Ok(NameServer { address, zone, _serving: serving })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes its zone; answers that are on their way stay as they are.
    pub fn change(&self, change: impl FnOnce(&mut Zone)) {
        self.zone.send_modify(change);
    }
}

fn sockets(address: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut tried = 0;
    loop {
        let udp = std::net::UdpSocket::bind(address)?;
        match std::net::TcpListener::bind(udp.local_addr()?) {
            Ok(tcp) => {
                udp.set_nonblocking(true)?;
                tcp.set_nonblocking(true)?;
                return Ok((UdpSocket::from_std(udp)?, TcpListener::from_std(tcp)?));
            }
            Err(error) if address.port() != 0 || tried == TRIES => return Err(error),
            Err(_) => tried += 1,
        }
    }
}

async fn by_udp(socket: Arc<UdpSocket>, zone: watch::Receiver<Zone>) {
    let room = Arc::new(Semaphore::new(MOST));
    let mut late = JoinSet::new();
    let mut query = [0; 4096];
    loop {
        let received = tokio::select! {
            received = socket.recv_from(&mut query) => received,
            Some(_) = late.join_next() => continue,
        };
        // An error here is an ICMP message about an answer sent before.
        let Ok((length, peer)) = received else { continue };
        let answer = query.get(..length).and_then(|query| zone.borrow().answer(query));
        let (Some(answer), Ok(permit)) = (answer, room.clone().try_acquire_owned()) else {
            continue;
        };
        if answer.after <= Span::ZERO {
            let _ = socket.send_to(&answer.bytes, peer).await;
            continue;
        }
        let socket = socket.clone();
        late.spawn(async move {
            wait(answer.after).await;
            let _ = socket.send_to(&answer.bytes, peer).await;
            drop(permit);
        });
    }
}

async fn by_tcp(listener: TcpListener, zone: watch::Receiver<Zone>) {
    let room = Arc::new(Semaphore::new(MOST));
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = open.join_next() => continue,
        };
        let (Ok((stream, _)), Ok(permit)) = (accepted, room.clone().try_acquire_owned()) else {
            continue;
        };
        let zone = zone.clone();
        open.spawn(async move {
            let _ = converse(stream, &zone).await;
            drop(permit);
        });
    }
}

/// One query after the other, each behind its length (RFC 1035 §4.2.2).
#[expect(clippy::disallowed_methods, reason = "an idle connection is closed in wall time")]
async fn converse(mut stream: TcpStream, zone: &watch::Receiver<Zone>) -> io::Result<()> {
    loop {
        let mut query = Vec::new();
        let read = async {
            let length = stream.read_u16().await?;
            query.resize(usize::from(length), 0);
            stream.read_exact(&mut query).await
        };
        tokio::time::timeout(IDLE, read).await.map_err(io::Error::other)??;
        let Some(answer) = zone.borrow().answer(&query) else { continue };
        wait(answer.after).await;
        let length = u16::try_from(answer.bytes.len()).map_err(io::Error::other)?;
        stream.write_u16(length).await?;
        stream.write_all(&answer.bytes).await?;
    }
}

#[expect(clippy::disallowed_methods, reason = "a slow name server is slow in wall time")]
async fn wait(span: Span) {
    let millis = u64::try_from(span.as_millis()).unwrap_or(0);
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

#[cfg(test)]
mod tests {
    use simple_dns::{CLASS, Name, Packet, QCLASS, QTYPE, Question, RCODE, TYPE};

    use super::*;
    use crate::dns::NameFault;

    fn query() -> Vec<u8> {
        let mut packet = Packet::new_query(7);
        let name = Name::new("pki.lab.example").unwrap();
        let (kind, class) = (QTYPE::TYPE(TYPE::A), QCLASS::CLASS(CLASS::IN));
        packet.questions.push(Question::new(name, kind, class, false));
        packet.build_bytes_vec().unwrap()
    }

    fn server() -> NameServer {
        let mut zone = Zone::new(0);
        zone.add("pki.lab.example", vec!["127.0.0.1".parse().unwrap()]);
        NameServer::bind("127.0.0.1:0".parse().unwrap(), zone).unwrap()
    }

    async fn by_udp_from(server: &NameServer) -> (RCODE, usize) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.send_to(&query(), server.address()).await.unwrap();
        let mut room = [0; 512];
        let (length, _) = socket.recv_from(&mut room).await.unwrap();
        let reply = Packet::parse(&room[..length]).unwrap();
        (reply.rcode(), reply.answers.len())
    }

    #[tokio::test]
    async fn udp_and_tcp_give_the_same_answer_and_a_change_shows_at_once() {
        let server = server();
        assert_eq!(by_udp_from(&server).await, (RCODE::NoError, 1));
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        let query = query();
        stream.write_u16(query.len() as u16).await.unwrap();
        stream.write_all(&query).await.unwrap();
        let mut reply = vec![0; usize::from(stream.read_u16().await.unwrap())];
        stream.read_exact(&mut reply).await.unwrap();
        assert_eq!(Packet::parse(&reply).unwrap().answers.len(), 1);
        server.change(|zone| {
            zone.set_fault("pki.lab.example", Some(NameFault::Servfail));
        });
        assert_eq!(by_udp_from(&server).await, (RCODE::ServerFailure, 0));
    }

    #[tokio::test]
    async fn a_silent_name_delays_no_other() {
        let server = server();
        server.change(|zone| {
            zone.add("dead.lab.example", Vec::new());
            zone.set_fault("dead.lab.example", Some(NameFault::Silent));
        });
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let dead = String::from_utf8_lossy(&query()).replace("\u{3}pki", "\u{4}dead");
        for _ in 0..50 {
            socket.send_to(dead.as_bytes(), server.address()).await.unwrap();
        }
        assert_eq!(by_udp_from(&server).await, (RCODE::NoError, 1));
    }
}
