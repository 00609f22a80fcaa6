//! What becomes of a request's connection.

use revlab_lab::Span;
use revlab_lab::http::{Reply, Request};

use super::Pace;
use crate::fault::{Ruling, Script};

/// What becomes of a request's connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// This reply is sent.
    Reply(Reply),
    /// This reply is sent so much later in wall time.
    Late(Reply, Span),
    /// This script is written as it stands, and the connection ended as it says.
    Script(Box<Script>, Pace),
    /// The connection is reset: the peer sees a TCP RST.
    Reset,
    /// Nothing is sent; the connection stays open until the peer closes it.
    Silent,
}

impl Answered {
    /// What becomes of a request that has arrived, under a ruling; `own` makes the server's reply and
    /// is asked only where an answer comes.
    ///
    /// A request that has arrived can no longer be kept from it: where the name should not have
    /// resolved or the connection not have been accepted it is reset, where it should have been
    /// swallowed it stays silent. At [`Pace::Lab`] delays are left to the caller.
    pub fn under(
        ruling: &Ruling,
        request: &Request,
        pace: Pace,
        own: impl FnOnce() -> Reply,
    ) -> Answered {
        let answer = match ruling {
            Ruling::Answer(answer) => answer,
            Ruling::Elsewhere(_) => return Answered::Reply(own()),
            Ruling::Swallowed | Ruling::Silent => return Answered::Silent,
            Ruling::Insecure(_)
            | Ruling::NameNotResolved
            | Ruling::Refused
            | Ruling::ResetAtConnect
            | Ruling::Reset => {
                return Answered::Reset;
            }
        };
        let reply = answer.reply(request, own());
        let delay = match pace {
            Pace::Lab => Span::ZERO,
            Pace::Real => answer.delay,
        };
        if !answer.shape.is_plain() {
            let script = Script::new(&answer.shape, &reply, request.method).delayed(delay);
            Answered::Script(Box::new(script), pace)
        } else if delay > Span::ZERO {
            Answered::Late(reply, delay)
        } else {
            Answered::Reply(reply)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Answer, Shape};

    fn reply() -> Reply {
        Reply { status: 200, substatus: 0, headers: Vec::new(), body: (*b"crl").into() }
    }

    fn under(ruling: &Ruling, pace: Pace) -> Answered {
        let request = Request::get("http://ca.lab/a.crl".parse().unwrap());
        Answered::under(ruling, &request, pace, reply)
    }

    #[test]
    fn at_lab_pace_the_caller_charges_the_delay() {
        let delay = Span::from_secs(2);
        let late = Ruling::Answer(Box::new(Answer { delay, ..Answer::default() }));
        assert_eq!(under(&late, Pace::Lab), Answered::Reply(reply()));
        assert_eq!(under(&late, Pace::Real), Answered::Late(reply(), delay));
        assert_eq!(under(&Ruling::undisturbed(), Pace::Real), Answered::Reply(reply()));
    }

    #[test]
    fn a_shaped_answer_is_a_script_that_begins_late_at_real_pace() {
        let (delay, slow_close) = (Span::from_secs(2), Span::from_secs(1));
        let shape = Shape { slow_close, ..Shape::default() };
        let shaped = Ruling::Answer(Box::new(Answer { delay, shape, ..Answer::default() }));
        for (pace, after) in [(Pace::Lab, Span::ZERO), (Pace::Real, delay)] {
            let Answered::Script(script, at) = under(&shaped, pace) else { panic!("{pace:?}") };
            assert_eq!((script.heard().after, at), (after, pace));
        }
    }

    #[test]
    fn what_has_arrived_can_only_be_reset_or_left_silent() {
        for ruling in [Ruling::NameNotResolved, Ruling::Refused, Ruling::Reset] {
            assert_eq!(under(&ruling, Pace::Real), Answered::Reset);
        }
        assert_eq!(under(&Ruling::Swallowed, Pace::Real), Answered::Silent);
        assert_eq!(under(&Ruling::Silent, Pace::Real), Answered::Silent);
    }
}
