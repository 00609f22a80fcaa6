//! What becomes of a request under a ruling, on a real socket and in real time.

use revlab_fake_ca::fault::Ruling;
use revlab_fake_ca::live::{Answered, Pace};
use revlab_lab::http::{FetchError, Reply, Request};

/// What becomes of a request's connection.
#[derive(Debug)]
pub(super) struct Carried {
    pub(super) answered: Answered,
    pub(super) seen: Seen,
}

/// What the peer gets to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// A reply with this status and so many octets of body.
    Status(u16, usize),
    /// The connection is reset.
    Reset,
    /// An answer that is no whole reply.
    Broken,
    /// Nothing.
    Silent,
}

impl Seen {
    /// In one word: for metrics and lines.
    pub(super) fn word(self) -> String {
        match self {
            Seen::Status(status, _) => status.to_string(),
            Seen::Reset => "reset".to_owned(),
            Seen::Broken => "broken".to_owned(),
            Seen::Silent => "silent".to_owned(),
        }
    }

    fn of(answered: &Answered) -> Seen {
        match answered {
            Answered::Reply(reply) | Answered::Late(reply, _) => Seen::reply(reply),
            Answered::Script(script, _) => match script.heard().result {
                Ok(reply) => Seen::reply(&reply),
                Err(FetchError::ConnectionReset) => Seen::Reset,
                Err(_) => Seen::Broken,
            },
            Answered::Reset => Seen::Reset,
            Answered::Silent => Seen::Silent,
        }
    }

    fn reply(reply: &Reply) -> Seen {
        Seen::Status(reply.status, reply.body.len())
    }
}

/// Carries a ruling out; `own` makes the server's reply and is asked only where one is needed.
pub(super) fn carry_out(
    ruling: &Ruling,
    request: &Request,
    own: impl FnOnce() -> Reply,
) -> Carried {
    let answered = Answered::under(ruling, request, Pace::Real, own);
    Carried { seen: Seen::of(&answered), answered }
}
