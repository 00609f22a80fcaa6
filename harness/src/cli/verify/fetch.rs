//! The shell of `--fetch`: one HTTP exchange after another, for what
//! [`revlab_sut::validation::wanted`] asks for, until nothing is missing that could be had.
//!
//! There are [`Bounds`] for a URL and for all together, and a size for each kind of object. Redirects
//! are not followed, and nothing but `http` is spoken: the only hosts that are asked are those that
//! the certificates name.

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

/// What fetching may cost at most.
pub(super) struct Bounds {
    /// Time for one URL.
    each: Duration,
    /// Time for all of them.
    all: Duration,
    /// How many are tried.
    most: usize,
}

/// A URL has as long as Windows gives it.
pub(super) const BOUNDS: Bounds =
    Bounds { each: Duration::from_secs(15), all: Duration::from_secs(60), most: 64 };

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
    bounds: &Bounds,
    input: &mut Input,
) -> Result<Vec<Retrieval>, Refusal> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|why| Refusal(format!("error: --fetch: {why}")))?;
    let began = now();
    let (mut tried, mut done) = (Vec::new(), Vec::new());
    while let Some(wanted) = next(at, &input.evidence, policy, &tried) {
        let Bounds { each, all, most } = *bounds;
        let left = all.saturating_sub(began.elapsed());
        let given_up = match (done.len() < most, left.is_zero()) {
            (false, _) => Some(format!("not asked: {most} retrievals are the limit")),
            (_, true) => Some(format!("not asked: {} s are the limit", all.as_secs_f32())),
            _ => None,
        };
        let enough = given_up.is_some();
        done.push(match given_up {
            Some(error) => told(&wanted, now(), Err(error)),
            None => one(&runtime, &wanted, left.min(each), resolved, input),
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
    use std::net::TcpListener;

    use revlab_lab::{Seed, Span};
    use revlab_pki::{
        Certificate, CertificateTemplate, DistinguishedName, Issuer, KeyAlgorithm, KeyPair, Usage,
    };
    use revlab_sut::validation::Evidence;

    use super::*;

    const START: Instant = Instant::from_millis(1_709_251_200_000);

    /// A client below an anchor, whose CRL is said to be at two URLs.
    fn input() -> Input {
        let url = |text: &str| text.parse::<Url>().unwrap();
        let template = |name, serial, usage| CertificateTemplate {
            subject: DistinguishedName::common_name(name),
            serial: vec![serial],
            not_before: START,
            not_after: START + Span::from_days(30),
            usage,
            crl_urls: vec![url("http://pki.example/1.crl"), url("http://pki.example/2.crl")],
            freshest_crl_urls: Vec::new(),
            ocsp_urls: Vec::new(),
            issuer_urls: Vec::new(),
            dns_names: Vec::new(),
            ca_version: None,
        };
        let key = |name| KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), name);
        let (root, client) = (key("Root"), key("client"));
        let anchor: Certificate = template("Root", 1, Usage::Authority)
            .issue(root.public_key_info(), &Issuer::Itself(&root))
            .unwrap();
        let client = template("client", 7, Usage::Client)
            .issue(client.public_key_info(), &Issuer::Certificate(&anchor, &root))
            .unwrap();
        let evidence = Evidence::of(client, vec![anchor]);
        Input { evidence, crls: Vec::new(), ocsp: Vec::new() }
    }

    /// What is said of each URL where a server takes connections and never answers.
    fn silence(bounds: &Bounds) -> Vec<String> {
        // The system completes the handshake; nobody ever reads what is sent.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let hosts = [("pki.example".to_owned(), silent.local_addr().unwrap())].into();
        let at = START + Span::from_hours(1);
        let done = missing(at, &Policy::strict(), &hosts, bounds, &mut input()).unwrap();
        let said = |one: Retrieval| {
            let file = one.url.rsplit('/').next().unwrap_or_default().to_owned();
            format!("{file}: {}", one.error.unwrap_or_default())
        };
        done.into_iter().map(said).collect()
    }

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_server_that_never_answers_costs_the_time_of_one_url_each() {
        let bounds = Bounds { each: Duration::from_millis(1), all: HOUR, most: 64 };
        assert_eq!(silence(&bounds), ["1.crl: timed out", "2.crl: timed out"]);
    }

    #[test]
    fn the_time_for_all_ends_a_url_that_has_more_of_its_own() {
        let none = Bounds { each: HOUR, all: Duration::ZERO, most: 64 };
        assert_eq!(silence(&none), ["1.crl: not asked: 0 s are the limit"]);
        // Whether it is over before or while the first is asked, nobody waits for an hour.
        let little = Bounds { all: Duration::from_millis(1), ..none };
        let said = silence(&little);
        let end = "not asked: 0.001 s are the limit";
        assert!(said.last().is_some_and(|last| last.ends_with(end)), "{said:?}");
    }

    #[test]
    fn only_so_many_retrievals_are_made() {
        let bounds = Bounds { each: Duration::from_millis(1), all: HOUR, most: 1 };
        let end = "2.crl: not asked: 1 retrievals are the limit";
        assert_eq!(silence(&bounds), ["1.crl: timed out", end]);
    }

    #[test]
    fn a_host_is_given_an_address_and_a_port() {
        let address = resolved("PKI.example=127.0.0.1:8080").unwrap();
        assert_eq!(address, ("pki.example".to_owned(), ([127, 0, 0, 1], 8080).into()));
        for wrong in ["pki.example", "=127.0.0.1:1", "pki=127.0.0.1", "pki=localhost:80"] {
            assert!(resolved(wrong).is_err(), "{wrong}");
        }
    }
}
