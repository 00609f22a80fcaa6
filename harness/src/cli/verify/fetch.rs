//! The shell of `--fetch`: one HTTP exchange after another, for what
//! [`revlab_sut::validation::wanted`] asks for, until nothing is missing that could be had.
//!
//! Bounds: [`EACH`] for a URL, [`ALL`] for all together, [`MOST`] retrievals, and a size for each
//! kind of object. Redirects are not followed, and nothing but `http` is spoken: the only
//! hosts that are asked are those that the certificates name.

mod arrived;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant as Wall, SystemTime};

use revlab_lab::Instant;
use revlab_lab::http::{FetchError, Reply, Request, Url};
use revlab_lab::trace::Purpose;
use revlab_sut::live::exchange;
use revlab_sut::validation::policy::Policy;
use revlab_sut::validation::wanted::{Wanted, next};
use tokio::runtime::{Builder, Runtime};

use super::input::Input;
use super::retrieval::Retrieval;
use crate::cli::Refusal;

/// Time for one URL; as long as Windows gives it.
const EACH: Duration = Duration::from_secs(15);
/// Time for all of them.
const ALL: Duration = Duration::from_secs(60);
/// How many are tried.
const MOST: usize = 64;

/// Where hosts are, if not where the system finds them.
pub(super) type Resolved = BTreeMap<String, SocketAddr>;

/// `HOST=ADDRESS:PORT`.
pub(super) fn resolved(text: &str) -> Result<(String, SocketAddr), String> {
    let whole = text.split_once('=').filter(|(host, _)| !host.is_empty());
    let parsed = whole.and_then(|(host, address)| Some((host, address.parse().ok()?)));
    let (host, address) = parsed.ok_or("HOST=ADDRESS:PORT is needed, as pki=127.0.0.1:8080")?;
    Ok((host.to_ascii_lowercase(), address))
}

/// Fetches what is missing into the input; what was done, in order.
///
/// # Errors
///
/// There is no runtime to be had.
pub(super) fn missing(
    at: Instant,
    policy: &Policy,
    resolved: &Resolved,
    input: &mut Input,
) -> Result<Vec<Retrieval>, Refusal> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|why| Refusal(format!("error: --fetch: {why}")))?;
    let began = now();
    let (mut tried, mut done) = (Vec::new(), Vec::new());
    while let Some(wanted) = next(at, &input.evidence, policy, &tried) {
        let left = ALL.saturating_sub(began.elapsed());
        let given_up = match (done.len() < MOST, left.is_zero()) {
            (false, _) => Some(format!("not asked: {MOST} retrievals are the limit")),
            (_, true) => Some(format!("not asked: {} s are the limit", ALL.as_secs())),
            _ => None,
        };
        let enough = given_up.is_some();
        done.push(match given_up {
            Some(error) => told(&wanted, now(), Err(error)),
            None => one(&runtime, &wanted, left.min(EACH), resolved, input),
        });
        if enough {
            break;
        }
        tried.push(wanted.request);
    }
    // A name that is still being looked up is not waited for.
    runtime.shutdown_background();
    Ok(done)
}

/// Makes one retrieval and takes what it brings.
fn one(
    runtime: &Runtime,
    wanted: &Wanted,
    within: Duration,
    resolved: &Resolved,
    input: &mut Input,
) -> Retrieval {
    let began = now();
    if !wanted.url.scheme().eq_ignore_ascii_case("http") {
        let error = format!("not asked: `{}` is not spoken, only http", wanted.url.scheme());
        return told(wanted, began, Err(error));
    }
    let reply = runtime.block_on(async {
        #[expect(clippy::disallowed_methods, reason = "a real server is given wall time")]
        let answer = tokio::time::timeout(within, ask(&wanted.request, resolved)).await;
        answer.unwrap_or(Err(FetchError::TimedOut))
    });
    let mut told = told(wanted, began, reply.as_ref().map_err(|error| error.as_str().to_owned()));
    let Ok(reply) = reply else { return told };
    let taken = match (reply.status, wanted.purpose) {
        (200, purpose) if reply.body.len() > limit(purpose) => {
            Err(format!("refused: more than {} bytes", limit(purpose)))
        }
        (200, purpose) => arrived::take(purpose, &reply.body, &told.url, input),
        // What comes with another status is a page for people.
        _ => Err("no object".to_owned()),
    };
    match taken {
        Ok(words) => told.arrived = Some(words),
        Err(why) => told.error = Some(why),
    }
    told
}

/// The largest object of a kind, in bytes.
fn limit(purpose: Purpose) -> usize {
    match purpose {
        Purpose::Base | Purpose::Delta => 100 << 20,
        Purpose::Ocsp | Purpose::Issuer => 1 << 20,
    }
}

/// Asks at each address of the host until one takes the connection.
async fn ask(request: &Request, resolved: &Resolved) -> Result<Reply, FetchError> {
    let mut last = FetchError::NameNotResolved;
    for address in addresses(&request.url, resolved).await {
        match exchange(address, request).await {
            Err(FetchError::ConnectionRefused) => last = FetchError::ConnectionRefused,
            answer => return answer,
        }
    }
    Err(last)
}

async fn addresses(url: &Url, resolved: &Resolved) -> Vec<SocketAddr> {
    if let Some(address) = resolved.get(&url.host().to_ascii_lowercase()) {
        return vec![*address];
    }
    let host = url.host().trim_start_matches('[').trim_end_matches(']');
    let found = tokio::net::lookup_host((host, url.port())).await;
    found.map(Iterator::collect).unwrap_or_default()
}

fn told(wanted: &Wanted, began: Wall, reply: Result<&Reply, String>) -> Retrieval {
    Retrieval {
        purpose: wanted.purpose,
        subject: wanted.subject.to_string(),
        method: wanted.request.method.as_str(),
        url: wanted.url.to_string(),
        status: reply.as_ref().ok().map(|reply| reply.status),
        bytes: reply.as_ref().map_or(0, |reply| reply.body.len() as u64),
        error: reply.err(),
        ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        arrived: None,
    }
}

#[expect(clippy::disallowed_methods, reason = "a retrieval takes wall time")]
fn now() -> Wall {
    Wall::now()
}

/// The present, where nobody names another time.
#[expect(clippy::disallowed_methods, reason = "what is fetched now is judged now")]
pub(super) fn present() -> Instant {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Instant::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_given_an_address_and_a_port() {
        let address = resolved("PKI.example=127.0.0.1:8080").unwrap();
        assert_eq!(address, ("pki.example".to_owned(), ([127, 0, 0, 1], 8080).into()));
        for wrong in ["pki.example", "=127.0.0.1:1", "pki=127.0.0.1", "pki=localhost:80"] {
            assert!(resolved(wrong).is_err(), "{wrong}");
        }
    }
}
