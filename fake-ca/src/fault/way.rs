//! What happens before a connection is begun: how a client finds out where to.

use revlab_lab::Span;
use revlab_lab::network::Network;

use super::{Meeting, Ruling};

/// What happens before a connection is begun. The default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// The name server stays silent.
    pub silent: bool,
    /// So much later the name server answers.
    pub slow: Span,
    /// Nothing comes from the first of the addresses, and the client tries the next.
    pub first_dead: bool,
}

impl Meeting {
    /// How long it takes until a connection is begun, or until it is clear that none will be, and
    /// what comes of the request then: a resolver that has given up finds nothing any more.
    pub fn on_its_way(self, network: &Network) -> (Span, Ruling) {
        let Way { silent, slow, first_dead } = self.way;
        if silent || slow >= network.name_timeout && slow > Span::ZERO {
            return (network.name_timeout, Ruling::NameNotResolved);
        }
        let lost = match (&self.ruling, first_dead) {
            (Ruling::NameNotResolved, _) => network.name_error,
            (_, true) => network.connect_timeout,
            (_, false) => Span::ZERO,
        };
        (slow + lost, self.ruling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(ruling: Ruling, way: Way) -> (i64, Ruling) {
        let meeting = Meeting { faults: Vec::new(), way, ruling };
        let (after, ruling) = meeting.on_its_way(&Network::default());
        (after.as_millis(), ruling)
    }

    #[test]
    fn each_thing_on_the_way_takes_its_time() {
        let none = Way::default();
        let slow = Way { slow: Span::from_secs(3), ..none };
        let dead = Way { first_dead: true, ..slow };
        let answer = Ruling::undisturbed;
        assert_eq!(takes(answer(), none), (0, answer()));
        assert_eq!(takes(Ruling::NameNotResolved, none), (1, Ruling::NameNotResolved));
        assert_eq!(takes(answer(), slow), (3_000, answer()));
        assert_eq!(takes(Ruling::Refused, dead), (24_000, Ruling::Refused));
    }

    #[test]
    fn a_resolver_gives_up_in_the_end() {
        let silent = Way { silent: true, ..Way::default() };
        assert_eq!(takes(Ruling::NameNotResolved, silent), (10_000, Ruling::NameNotResolved));
        let late = Way { slow: Span::from_secs(10), ..Way::default() };
        assert_eq!(takes(Ruling::undisturbed(), late), (10_000, Ruling::NameNotResolved));
    }
}
