//! Full handshakes with a P-256 client certificate and one GET each, with one nginx, by turns: revlab,
//! `openssl s_time` and JMeter.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use revlab::exec::Cast;
use revlab_benches::jmeter::{JMeter, Took};
use revlab_benches::mutual::{self, Mutual};
use revlab_benches::{processor, server};
use revlab_lab::Span;

use super::{begun, now, run, say};

/// How long revlab and each `s_time` make handshakes.
const ROUND: i64 = 10;
const ROUNDS: usize = 3;

/// Clients at one time, of revlab and of JMeter.
const THREADS: u32 = 8;
/// How many requests each thread of JMeter makes: few tell what its start costs, warming up included.
const FEW: u32 = 50;
const MANY: u32 = 1000;

const OURS: &str = "revlab";
const ONE: &str = "openssl s_time";
const TWO: &str = "two openssl s_time";
const JMETER: &str = "JMeter, start included";
const WARM: &str = "JMeter, start left out";

/// What one program came to.
#[derive(Clone, Copy)]
struct Rate {
    a_second: f64,
    /// Processor time of the client for each handshake, in milliseconds.
    each_ms: f64,
}

type Rates = BTreeMap<&'static str, Vec<Rate>>;

/// revlab and `s_time`, one and two at a time.
pub(super) fn beside_s_time(tls: &'static str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(mut ground) = Ground::new(tls, folder.path()) else {
        return say("skipped: nginx is not installed");
    };
    let mut rates = Rates::new();
    for _ in 0..ROUNDS {
        rates.entry(OURS).or_default().push(ground.ours());
        rates.entry(ONE).or_default().push(ground.s_time(1));
        rates.entry(TWO).or_default().push(ground.s_time(2));
    }
    let medians = said(tls, &rates);
    if let (Some(ours), Some(one), Some(two)) =
        (medians.get(OURS), medians.get(ONE), medians.get(TWO))
    {
        say(&format!(
            "TLS {tls}: processor {:.2} of s_time's, rate {:.2} of two s_time",
            ours.each_ms / one.each_ms,
            ours.a_second / two.a_second
        ));
    }
}

/// revlab, `s_time` and JMeter.
pub(super) fn beside_jmeter(tls: &'static str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(mut ground) = Ground::new(tls, folder.path()) else {
        return say("skipped: nginx is not installed");
    };
    let Some(jmeter) = JMeter::prepare(folder.path()) else {
        return say(
            "skipped: JMeter (Debian: jmeter, jmeter-http) or Java's compiler is not installed",
        );
    };
    let mut rates = Rates::new();
    for _ in 0..ROUNDS {
        rates.entry(OURS).or_default().push(ground.ours());
        rates.entry(ONE).or_default().push(ground.s_time(1));
        let (few, many) = (ground.jmeter(&jmeter, FEW), ground.jmeter(&jmeter, MANY));
        rates.entry(JMETER).or_default().push(rate(many));
        rates.entry(WARM).or_default().push(beyond(few, many));
    }
    let medians = said(tls, &rates);
    let Some(ours) = medians.get(OURS) else { return };
    for other in [ONE, JMETER, WARM] {
        let Some(its) = medians.get(other) else { continue };
        let ratio = ours.each_ms / its.each_ms;
        say(&format!("TLS {tls}: processor {ratio:.3} of that of {other}"));
    }
}

fn rate(took: Took) -> Rate {
    let count = took.requests as f64;
    Rate { a_second: count / took.lasted, each_ms: took.processor * 1000.0 / count }
}

/// What the longer run has beyond the shorter one.
fn beyond(few: Took, many: Took) -> Rate {
    rate(Took {
        requests: many.requests - few.requests,
        lasted: many.lasted - few.lasted,
        processor: many.processor - few.processor,
    })
}

/// The medians, which are told.
fn said(tls: &str, rates: &Rates) -> BTreeMap<&'static str, Rate> {
    let mut medians = BTreeMap::new();
    for (name, rates) in rates {
        let rate = Rate {
            a_second: median(rates.iter().map(|r| r.a_second)),
            each_ms: median(rates.iter().map(|r| r.each_ms)),
        };
        say(&format!(
            "TLS {tls}, {name}: {:.0} handshakes a second, {:.3} ms of processor for each (median of {ROUNDS})",
            rate.a_second, rate.each_ms
        ));
        medians.insert(*name, rate);
    }
    medians
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Where all of them meet the same server.
struct Ground<'a> {
    tls: &'static str,
    folder: &'a Path,
    server: SocketAddr,
    nginx: Mutual,
    cast: Cast,
    certificate: PathBuf,
    key: PathBuf,
}

impl<'a> Ground<'a> {
    /// None where nginx is not installed.
    fn new(tls: &'static str, folder: &'a Path) -> Option<Ground<'a>> {
        let server = server::free_port();
        let cast = certificates(server);
        let nginx = Mutual::start(folder, server, &cast)?;
        nginx.wait(server);
        let (certificate, key) = mutual::write_client(folder, &cast, "users-1")?;
        Some(Ground { tls, folder, server, nginx, cast, certificate, key })
    }

    fn clients(&self) -> String {
        format!("threads = {THREADS}\nthink = \"0s\"\ntls = \"{}\"\n", self.tls)
    }

    fn ours(&mut self) -> Rate {
        let scenario = now(Span::from_secs(ROUND), &self.clients());
        let before = processor::of("self");
        let ran = run(&scenario, self.server, &|_| Ok(()));
        let taken = processor::of("self") - before;
        let ran = ran.unwrap_or_else(|error| panic!("{error}"));
        let count: usize = begun(&ran).values().map(Vec::len).sum();
        self.nginx.made_full_handshakes(count, self.tls);
        Rate { a_second: count as f64 / ROUND as f64, each_ms: taken * 1000.0 / count as f64 }
    }

    /// So many `openssl s_time` side by side.
    fn s_time(&mut self, programs: usize) -> Rate {
        let line = format!(
            "for i in $(seq {programs}); do openssl s_time -new -connect {} -tls{} -cert {} -key {} \
             -CAfile ca.pem -www /page -time {ROUND} & done; wait",
            self.server,
            self.tls.replace('.', "_"),
            self.certificate.display(),
            self.key.display(),
        );
        let timed = processor::timed(self.folder, &line);
        // `2417 connections in 11 real seconds, 3 bytes read per connection`
        let real = timed.said.lines().filter(|line| line.contains("real seconds"));
        let counts = real.filter_map(|line| line.split_whitespace().next()?.parse::<usize>().ok());
        let count: usize = counts.sum();
        assert!(count > 0, "s_time made no handshake: {}", timed.said);
        self.nginx.made_full_handshakes(count, self.tls);
        // It tells whole seconds, one more than it was given: the count is over what it was given.
        Rate {
            a_second: count as f64 / ROUND as f64,
            each_ms: timed.processor * 1000.0 / count as f64,
        }
    }

    /// JMeter with the plan that is exported of the clients.
    fn jmeter(&mut self, jmeter: &JMeter, loops: u32) -> Took {
        let clients = format!("{}loops = {loops}\n", self.clients());
        let took = jmeter.send(&now(Span::from_mins(30), &clients), &self.cast, self.server);
        assert_eq!(took.requests, (THREADS * loops) as usize, "JMeter did not send all");
        self.nginx.made_full_handshakes(took.requests, self.tls);
        took
    }
}

/// The certificates of the scenario, which its seed gives to each run.
fn certificates(server: SocketAddr) -> Cast {
    let cast = Mutex::new(None);
    let _ = run(&now(Span::from_secs(1), "every = \"1m\"\n"), server, &|given| {
        *cast.lock().map_err(|e| e.to_string())? = Some(given.clone());
        Err("only the certificates are wanted".to_owned())
    });
    cast.into_inner().ok().flatten().expect("the certificates")
}
