//! What stands in place of the server's own answer.

use std::sync::Arc;

use revlab_lab::http::{Reply, Request};

use super::{Location, authenticate, captive_portal, not_modified, redirect, status};

/// A reply that a fault gives, whatever is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// A status with a short HTML page, or with this body.
    Status {
        /// The HTTP status.
        status: u16,
        /// The body, as text/html.
        body: Option<Arc<str>>,
    },
    /// The resource is elsewhere.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        status: u16,
        /// Where.
        to: Location,
    },
    /// The client has to say who it is.
    Authenticate {
        /// 401, or 407 as from a proxy.
        status: u16,
        /// The challenge.
        challenge: Arc<str>,
    },
    /// The login page of a network.
    CaptivePortal,
    /// 304, whether the client has something or not.
    NotModified,
}

impl Page {
    /// The reply to `request`.
    pub(super) fn reply(&self, request: &Request) -> Reply {
        match self {
            Page::Status { status, body: None } => status::page(*status),
            Page::Status { status, body: Some(body) } => status::page_with(*status, body),
            Page::Redirect { status, to } => redirect::page(*status, to, request),
            Page::Authenticate { status, challenge } => authenticate::page(*status, challenge),
            Page::CaptivePortal => captive_portal::page(),
            Page::NotModified => not_modified::page(),
        }
    }
}
