//! Which command a request to the control API is: a pure function of method, path and body.
//!
//! What the API offers is one table of routes, `ROUTES`; the OpenAPI description is tested against it.

mod body;

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use revlab_lab::Span;
use serde_json::{Map, Value as Json};

pub use super::problem::Problem;
pub(super) use body::HOLD;
pub use body::Which;

/// The longest body that is read.
pub const BODY_MOST: usize = 1 << 20;

/// So many entries of the journal are shown unless the request says otherwise.
const LIMIT: usize = 1_000;

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Whether anybody is there.
    Health,
    /// The counters.
    Metrics,
    /// The description of the API.
    OpenApi,
    /// What is served, and how it stands.
    State,
    /// What has been issued.
    Certificates,
    /// All faults.
    Faults,
    /// One fault.
    Fault(String),
    /// A new fault.
    Add {
        /// Its name.
        name: String,
        /// Its table.
        table: Map<String, Json>,
    },
    /// A merge patch to a fault.
    Change {
        /// Its name.
        name: String,
        /// What changes.
        patch: Map<String, Json>,
    },
    /// A fault ends for good.
    Remove(String),
    /// Faults are put in, each in place of the one of its name.
    Populate(Map<String, Json>),
    /// All faults end for good.
    Heal,
    /// A certificate is revoked.
    Revoke {
        /// Which.
        which: Which,
        /// Reason code, RFC 5280 §5.3.1.
        reason: Option<u8>,
    },
    /// A CA publishes now.
    Publish {
        /// Which CA; none: the only one.
        ca: Option<String>,
        /// A base, or a delta alone.
        base: bool,
    },
    /// A certificate is taken off hold.
    Release(Which),
    /// The next publication by timer does not happen.
    Skip {
        /// Which CA; none: the only one.
        ca: Option<String>,
        /// That of the base, or that of the delta.
        base: bool,
    },
    /// The next publication by timer comes later.
    Postpone {
        /// Which CA; none: the only one.
        ca: Option<String>,
        /// That of the base, or that of the delta.
        base: bool,
        /// By so much.
        by: Span,
    },
    /// A CA is restored from a backup.
    Restore {
        /// Which CA; none: the only one.
        ca: Option<String>,
        /// So many bases back.
        back: u32,
    },
    /// Lab time moves on, or a CA's own clock is set.
    Clock {
        /// The CA whose clock it is; none: lab time, for all of them.
        ca: Option<String>,
        /// By so much; that of a CA also back.
        by: Span,
    },
    /// What has been asked.
    Journal {
        /// So many of the newest.
        limit: usize,
    },
    /// The journal begins anew.
    Forget,
    /// Everything is as if nobody had done anything.
    Reset,
}

/// A request that matched a route.
struct Call<'a> {
    /// What stands for `{name}` in the path, decoded.
    name: String,
    query: &'a str,
    body: &'a [u8],
}

type Make = fn(&Call<'_>) -> Result<Command, Problem>;

/// Every method and path, with what it makes of a request.
const ROUTES: [(&str, &str, Make); 24] = [
    ("GET", "/healthz", |_| Ok(Command::Health)),
    ("GET", "/metrics", |_| Ok(Command::Metrics)),
    ("GET", "/openapi.json", |_| Ok(Command::OpenApi)),
    ("GET", "/state", |_| Ok(Command::State)),
    ("GET", "/certificates", |_| Ok(Command::Certificates)),
    ("GET", "/faults", |_| Ok(Command::Faults)),
    ("DELETE", "/faults", |_| Ok(Command::Heal)),
    ("GET", "/faults/{name}", |call| Ok(Command::Fault(call.name.clone()))),
    ("POST", "/faults/{name}", |call| {
        Ok(Command::Add { name: call.name.clone(), table: body::object(call.body)? })
    }),
    ("PATCH", "/faults/{name}", |call| {
        Ok(Command::Change { name: call.name.clone(), patch: body::object(call.body)? })
    }),
    ("DELETE", "/faults/{name}", |call| Ok(Command::Remove(call.name.clone()))),
    ("POST", "/populate", |call| Ok(Command::Populate(body::object(call.body)?))),
    ("POST", "/heal", |call| body::nothing(call.body).map(|()| Command::Heal)),
    ("POST", "/revoke", |call| body::revoke(call.body)),
    ("POST", "/hold", |call| body::hold(call.body)),
    ("POST", "/release", |call| body::release(call.body)),
    ("POST", "/skip", |call| body::skip(call.body)),
    ("POST", "/postpone", |call| body::postpone(call.body)),
    ("POST", "/restore", |call| body::restore(call.body)),
    ("POST", "/publish", |call| body::publish(call.body)),
    ("POST", "/clock", |call| body::clock(call.body)),
    ("GET", "/journal", |call| Ok(Command::Journal { limit: limit(call.query)? })),
    ("DELETE", "/journal", |_| Ok(Command::Forget)),
    ("POST", "/reset", |call| body::nothing(call.body).map(|()| Command::Reset)),
];

/// Every method and path of the API; `{name}` stands for one part of a path.
pub fn routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROUTES.into_iter().map(|(method, path, _)| (method, path))
}

/// Whether a request needs no token: only whether anybody is there may everybody know.
pub fn is_open(method: &str, path: &str) -> bool {
    matches!(method, "GET" | "HEAD") && path == "/healthz"
}

/// The command that a request is. `target` is path and query as in the request line. HEAD is taken
/// for GET.
///
/// # Errors
///
/// No such path (404) or method (405), or a body that does not say what it must (400, 413).
pub fn route(method: &str, target: &str, body: &[u8]) -> Result<Command, Problem> {
    if body.len() > BODY_MOST {
        return Err(Problem::new(413, format!("a body has at most {BODY_MOST} octets")));
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let method = if method == "HEAD" { "GET" } else { method };
    let mut allowed = BTreeSet::new();
    for (known, template, make) in ROUTES {
        let Some(name) = matched(template, path) else { continue };
        if known == method {
            return make(&Call { name, query, body });
        }
        allowed.insert(known);
    }
    if allowed.is_empty() {
        return Err(Problem::new(404, "there is no such path; GET /openapi.json lists them"));
    }
    let allow = allowed.into_iter().collect::<Vec<_>>().join(", ");
    let detail = format!("this path has {allow}");
    Err(Problem { allow: Some(allow), ..Problem::new(405, detail) })
}

/// What stands for `{name}`: empty where there is no such part.
fn matched(template: &str, path: &str) -> Option<String> {
    let Some(stem) = template.strip_suffix("{name}") else {
        return (template == path).then(String::new);
    };
    let name = path.strip_prefix(stem).filter(|name| !name.is_empty() && !name.contains('/'))?;
    Some(percent_decode_str(name).decode_utf8().ok()?.into_owned())
}

fn limit(query: &str) -> Result<usize, Problem> {
    let wrong = || Problem::new(400, "the query can say `limit=N` and nothing else");
    match query.split_once('=') {
        None if query.is_empty() => Ok(LIMIT),
        Some(("limit", number)) => number.parse().map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests;
