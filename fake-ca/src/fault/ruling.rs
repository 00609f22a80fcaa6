//! What comes of a request, as data that both transports carry out.

use std::sync::Arc;

use revlab_lab::http::{Reply, Request};
use revlab_lab::{Name, Span};

use super::{HttpsCertificate, Page, Shape, Way};
use crate::content::Defects;

/// What comes of a request before any server thinks about its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// The host's name does not resolve.
    NameNotResolved,
    /// The site of this name answers in place of the right one. (What [`compose`](super::compose)
    /// gives is the name of a CA, for which [`FakeCa::meet`](crate::FakeCa::meet) puts its site.)
    Elsewhere(Name),
    /// The connection is refused.
    Refused,
    /// The connection is never accepted: no answer to its SYN. The client's own time runs out.
    Swallowed,
    /// The connection is accepted and reset at once.
    ResetAtConnect,
    /// The connection is accepted, and the certificate of the handshake is one like this.
    Insecure(HttpsCertificate),
    /// The connection is accepted, the request read, the connection reset.
    Reset,
    /// The connection is accepted and stays silent.
    Silent,
    /// An answer comes, or begins to come. Boxed, since requests are moved a lot.
    Answer(Box<Answer>),
}

/// How an answer differs from the server's own. The default does not differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// How much later than without faults it begins.
    pub delay: Span,
    /// What stands in place of the server's own answer.
    pub page: Option<Page>,
    /// What is wrong with the server's own answer, where no page stands in its place.
    pub defects: Defects,
    /// Header fields that are set, in order, each in place of those of its name.
    pub set: Vec<(Arc<str>, Arc<str>)>,
    /// Header fields that are taken away before.
    pub remove: Vec<Arc<str>>,
    /// What happens to it on the wire.
    pub shape: Shape,
}

/// The faults that a request met, and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// The faults that had a part in it, in the order of the scenario. One that others leave
    /// nothing to do for is not met.
    pub faults: Vec<Name>,
    /// What happens before.
    pub way: Way,
    /// What comes of it.
    pub ruling: Ruling,
}

impl Ruling {
    /// An answer as without faults.
    pub fn undisturbed() -> Ruling {
        Ruling::Answer(Box::default())
    }

    /// The answer, where one comes.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Ruling::Answer(answer) => Some(answer),
            _ => None,
        }
    }

    /// What is wrong with the server's own answer, for [`CaEvent::Request`](crate::CaEvent::Request).
    pub fn defects(&self) -> Defects {
        self.answer().map(|answer| answer.defects.clone()).unwrap_or_default()
    }

    /// The request as it is to be answered: elsewhere, for the site that is there.
    pub fn lead(&self, request: Request) -> Request {
        let Ruling::Elsewhere(site) = self else { return request };
        match format!("http://{site}{}", request.url.path_and_query()).parse() {
            Ok(url) => Request { url, ..request },
            Err(_) => request,
        }
    }

    /// Whether what a client hears is the server's own answer, from wherever it comes.
    pub fn is_served(&self) -> bool {
        match self {
            Ruling::Elsewhere(_) => true,
            other => other.answer().is_some_and(|answer| answer.page.is_none()),
        }
    }
}

impl Answer {
    /// The reply to `request` where `own` is the server's: header fields and page, not the wire.
    pub fn reply(&self, request: &Request, own: Reply) -> Reply {
        let mut reply = match &self.page {
            Some(page) => page.reply(request),
            None => own,
        };
        let gone = |name: &str| self.remove.iter().any(|gone| gone.eq_ignore_ascii_case(name));
        reply.headers.retain(|(name, _)| !gone(name));
        // The framing is the shape's.
        let framing = ["content-length", "transfer-encoding", "connection"];
        let sets = |name: &str| !framing.iter().any(|other| other.eq_ignore_ascii_case(name));
        for (name, value) in self.set.iter().filter(|(name, _)| sets(name)) {
            reply.headers.retain(|(present, _)| !present.eq_ignore_ascii_case(name));
            reply.headers.push((name.to_string(), value.to_string()));
        }
        reply
    }
}
