//! `connection_limit`: while so many requests are under way, further connections are reset at once.
//!
//! Requests of all clients to all CAs of the scenario count, from the moment they leave the client
//! until it has its answer or gives up; on a real socket the connections to one site. Met only by what
//! comes in excess.

use super::{Caller, Ruling};

/// The name in scenarios.
pub(super) const NAME: &str = "connection_limit";

/// What comes of the request; none: there is room for it.
pub(super) fn ruling(most: u32, caller: &Caller<'_>) -> Option<Ruling> {
    (caller.open >= most).then_some(Ruling::ResetAtConnect)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_let_in_and_no_more() {
        let ruling = |open| ruling(2, &Caller { name: "web", account: None, open });
        assert_eq!((ruling(0), ruling(1)), (None, None));
        assert_eq!(ruling(2), Some(Ruling::ResetAtConnect));
    }
}
