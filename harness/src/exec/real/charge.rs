//! What connecting to a real server is charged where lab time stands still while bytes move.

use revlab_clients::Agreed;
use revlab_lab::Span;
use revlab_lab::network::Network;
use revlab_lab::trace::{Handshake, TlsVersion};

/// What an attempt connects by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// The protocol version that is asked for.
    pub(super) tls: TlsVersion,
    /// Whether there is a connection that was kept open; the server may have closed it.
    pub(super) kept: bool,
}

impl Way {
    /// What is charged before the attempt is under way, so that the server meets it at its time: a full
    /// handshake where one has to be made.
    pub(super) fn ahead(self, network: &Network) -> Span {
        match self.kept {
            true => Span::ZERO,
            false => network.tls_request(self.tls, Handshake::Full),
        }
    }

    /// The whole of it, by what the attempt came to. Without a handshake that was completed (`agreed`)
    /// over a connection that the server had closed, one was tried.
    pub(super) fn whole(self, network: &Network, agreed: Option<&Agreed>) -> Span {
        match (self.kept, agreed) {
            (true, Some(agreed)) => network.tls_request(agreed.tls, agreed.handshake),
            (true, None) => network.tls_request(self.tls, Handshake::Full),
            (false, _) => self.ahead(network),
        }
    }
}

#[cfg(test)]
mod tests {
    use revlab_lab::trace::HttpVersion;

    use super::*;

    fn agreed(handshake: Handshake) -> Agreed {
        Agreed { handshake, tls: TlsVersion::V1_2, http: HttpVersion::V1_1, cipher: None }
    }

    #[test]
    fn a_kept_connection_costs_nothing_unless_another_had_to_be_made() {
        let network = Network::default();
        let way = Way { tls: TlsVersion::V1_3, kept: true };
        assert_eq!(way.ahead(&network), Span::ZERO);
        let whole = |agreed: Option<Agreed>| way.whole(&network, agreed.as_ref()).as_millis();
        assert_eq!(whole(Some(agreed(Handshake::Kept))), 0);
        // TCP, and what the server spoke.
        assert_eq!(whole(Some(agreed(Handshake::Full))), 3);
        assert_eq!(whole(Some(agreed(Handshake::Resumed))), 2);
        assert_eq!(whole(None), 2);
    }

    #[test]
    fn a_new_connection_is_charged_ahead() {
        let network = Network::default();
        for (tls, cost) in [(TlsVersion::V1_2, 3), (TlsVersion::V1_3, 2)] {
            let way = Way { tls, kept: false };
            assert_eq!(way.ahead(&network).as_millis(), cost);
            for agreed in [None, Some(agreed(Handshake::Full))] {
                assert_eq!(way.whole(&network, agreed.as_ref()).as_millis(), cost);
            }
        }
    }
}
