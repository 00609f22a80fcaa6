//! Requests on the wire: shared and timed.

use std::sync::Arc;

use revlab_lab::http::{FetchError, Reply, Request, Url};
use revlab_lab::trace::{Kind, Log, Purpose, Step};
use revlab_lab::{Instant, Name, Out, Span};
use revlab_pki::Certificate;

use super::Engine;
use super::check::{Caller, Check};
use super::disk::{About, Object};
use super::process::ProcessId;
use super::subject::Link;
use crate::event::SutAction;

/// Whom the Cryptographic Services, which prefetch (fact sheet §2.5), run as; inferred.
const CRYPTSVC_ACCOUNT: &str = "NetworkService";

/// What a stage wants from the wire.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) purpose: Purpose,
    /// The key in the disk cache.
    pub(super) key: Url,
    pub(super) request: Request,
    /// Whether prefetch is to leave it alone afterwards: OCSP had failed.
    pub(super) media_offline: bool,
    /// The nonce that it bears.
    pub(super) nonce: Option<Vec<u8>>,
}

impl Wanted {
    pub(super) fn get(purpose: Purpose, url: &Url, media_offline: bool) -> Wanted {
        let request = Request::get(url.clone());
        Wanted { purpose, key: url.clone(), request, media_offline, nonce: None }
    }

    pub(super) fn ocsp(key: Url, request: Request, nonce: Option<Vec<u8>>) -> Wanted {
        Wanted { purpose: Purpose::Ocsp, key, request, media_offline: false, nonce }
    }
}

/// A request that is on its way, or about to be.
#[derive(Debug)]
pub(super) struct Retrieval {
    pub(super) fetch: u64,
    pub(super) by: Requester,
    pub(super) about: About,
    pub(super) wanted: Wanted,
    /// The check that it was made for, and the identity that was checked.
    pub(super) made_for: Option<(u64, Name)>,
    waiting: Vec<Waiting>,
    pub(super) began: Instant,
    send_at: Instant,
    sent: bool,
    deadline: Instant,
    /// Nobody waits for it any more: what it brings is for later.
    in_background: bool,
}

/// A check that waits for a retrieval.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    check: u64,
    since: Instant,
    /// Its own time for this URL: a check that shares a retrieval may have less left.
    until: Instant,
}

/// Who makes a request.
#[derive(Clone, Debug)]
pub(super) enum Requester {
    Process(ProcessId),
    /// The Cryptographic Services, for the disk cache of this account.
    Prefetch(Name),
}

/// What a retrieval came to, for the checks that waited.
#[derive(Debug)]
pub(super) struct Answered {
    fetch: u64,
    purpose: Purpose,
    made_for: Option<u64>,
    status: Option<u16>,
    error: Option<FetchError>,
    rejected: Option<Name>,
    /// The check gave it up, or it was given up before it was sent.
    given_up: bool,
    pub(super) object: Option<Object>,
    /// What it costs of the waiting check's time.
    pub(super) charged: Span,
}

impl Answered {
    /// For a check that has given it up.
    fn without_answer(retrieval: &Retrieval) -> Answered {
        Answered {
            fetch: retrieval.fetch,
            purpose: retrieval.wanted.purpose,
            made_for: retrieval.made_for.as_ref().map(|(check, _)| *check),
            status: None,
            error: None,
            rejected: None,
            given_up: true,
            object: None,
            charged: Span::ZERO,
        }
    }

    /// Whether an answer came and was refused for what it is.
    pub(super) fn is_refused(&self) -> bool {
        self.rejected.is_some()
    }

    /// As a step of the check with this number.
    pub(super) fn step(&self, check: u64) -> Step {
        let (object, fetch) = (self.purpose, self.fetch);
        if self.given_up {
            Step::BudgetSpent { object }
        } else if self.made_for == Some(check) {
            let (status, error, rejected) = (self.status, self.error, self.rejected.clone());
            Step::Retrieve { object, fetch, status, error, rejected }
        } else {
            Step::Shared { object, fetch }
        }
    }
}

impl Retrieval {
    /// When something is to be done about it.
    pub(super) fn due(&self) -> Instant {
        let waiting = self.waiting.iter().map(|w| w.until).min();
        let over = waiting.map_or(self.deadline, |until| Ord::min(until, self.deadline));
        if self.sent { over } else { Ord::min(self.send_at, over) }
    }
}

impl Engine {
    /// Gets an object for a check: the fetch to wait for, or none when the time is used up.
    pub(super) fn retrieve(
        &mut self,
        now: Instant,
        check: &mut Check,
        link: &Link,
        wanted: Wanted,
        out: &mut Out<SutAction>,
    ) -> Option<u64> {
        let limit = self.allowance(check);
        if limit <= Span::ZERO {
            check.steps.push(Step::BudgetSpent { object: wanted.purpose });
            return None;
        }
        if let Some(fetch) = self.shared(check.process, Some(&link.issuer), &wanted) {
            return Some(fetch);
        }
        let link = check.link().filter(|l| l.number == link.number)?;
        let made_for = Some((check.id, check.subject.name.clone()));
        let (by, about) = (Requester::Process(check.process), About::Link(link));
        Some(self.start(now, by, about, wanted, made_for, limit, out))
    }

    /// The time that a check may spend on one URL: half of what remains to it (fact sheet §2.3).
    pub(super) fn allowance(&self, check: &Check) -> Span {
        let binding = self.parameters.binding_url_timeout;
        let bound = binding > Span::ZERO && check.caller != Caller::Command;
        let for_url = if bound { binding } else { self.parameters.url_timeout };
        // The budget of a check is one for revocation.
        if self.parameters.accumulative_timeout == Span::ZERO || check.search.is_some() {
            return for_url;
        }
        let remaining = self.parameters.accumulative_timeout - check.spent;
        Ord::min(for_url, remaining.scale(1, 2))
    }

    /// As whom a request goes out.
    fn account_of(&self, by: &Requester) -> Name {
        match by {
            Requester::Process(id) => {
                self.processes.get(id).map_or_else(|| Arc::from("gone"), |p| p.account.clone())
            }
            Requester::Prefetch(_) => Arc::from(CRYPTSVC_ACCOUNT),
        }
    }

    /// From when on a retrieval's time counts.
    fn timed_from(&self, retrieval: &Retrieval) -> Instant {
        if self.parameters.overhead_in_budget { retrieval.began } else { retrieval.send_at }
    }

    /// Only what is validated against the same issuer is the same object.
    pub(super) fn shared(
        &self,
        process: ProcessId,
        issuer: Option<&Certificate>,
        wanted: &Wanted,
    ) -> Option<u64> {
        let same = |r: &&Retrieval| {
            matches!(r.by, Requester::Process(id) if id == process)
                && r.wanted.purpose == wanted.purpose
                && r.wanted.key == wanted.key
                && r.about.issuer() == issuer
        };
        let found = self.retrievals.values().find(same).map(|r| r.fetch);
        found.filter(|_| self.parameters.share_retrievals)
    }

    /// Puts a retrieval on its way.
    #[expect(clippy::too_many_arguments, reason = "each is a fact of the retrieval")]
    pub(super) fn start(
        &mut self,
        now: Instant,
        by: Requester,
        about: About,
        mut wanted: Wanted,
        made_for: Option<(u64, Name)>,
        limit: Span,
        out: &mut Out<SutAction>,
    ) -> u64 {
        let fetch = self.next_fetch;
        self.next_fetch += 1;
        let send_at = now + self.parameters.per_retrieval_overhead;
        let timed_from = if self.parameters.overhead_in_budget { now } else { send_at };
        wanted.request.headers.push(("Accept".into(), "*/*".into()));
        wanted.request.headers.push(("User-Agent".into(), self.parameters.user_agent.clone()));
        let sent = send_at <= now;
        if sent {
            let account = self.account_of(&by);
            out.act(SutAction::Fetch { fetch, request: wanted.request.clone(), account });
        }
        let retrieval = Retrieval {
            fetch,
            by,
            about,
            wanted,
            made_for,
            waiting: Vec::new(),
            began: now,
            send_at,
            sent,
            deadline: timed_from + limit,
            in_background: false,
        };
        self.retrievals.insert(fetch, retrieval);
        fetch
    }

    /// The check waits for this fetch.
    pub(super) fn wait(&mut self, now: Instant, fetch: u64, check: Check) {
        let Some(retrieval) = self.retrievals.get(&fetch) else { return };
        let since = Ord::max(now, self.timed_from(retrieval));
        let until = Ord::min(since + self.allowance(&check), retrieval.deadline);
        if let Some(retrieval) = self.retrievals.get_mut(&fetch) {
            retrieval.waiting.push(Waiting { check: check.id, since, until });
            self.checks.insert(check.id, check);
        }
    }

    /// Sends what is to be sent, and gives up what has run out of time.
    pub(super) fn wake_retrievals(&mut self, now: Instant, out: &mut Out<SutAction>) {
        let due: Vec<u64> =
            self.retrievals.values().filter(|r| r.due() <= now).map(|r| r.fetch).collect();
        for fetch in due {
            let Some(retrieval) = self.retrievals.get_mut(&fetch) else { continue };
            if retrieval.deadline <= now && self.goes_on(now, fetch, out) {
                continue;
            }
            let Some(retrieval) = self.retrievals.get_mut(&fetch) else { continue };
            if retrieval.deadline <= now {
                if retrieval.sent {
                    out.act(SutAction::Abandon { fetch });
                }
                self.fetched(now, fetch, Err(FetchError::TimedOut), out);
                continue;
            }
            if !retrieval.sent && retrieval.send_at <= now {
                retrieval.sent = true;
                let (request, by) = (retrieval.wanted.request.clone(), retrieval.by.clone());
                let account = self.account_of(&by);
                out.act(SutAction::Fetch { fetch, request, account });
            }
            self.leave_shared(now, fetch, out);
        }
    }

    /// Whether a retrieval whose time is up goes on without the checks that waited for it (fact
    /// sheet §2.3). Prefetch has nobody waiting and ends.
    fn goes_on(&mut self, now: Instant, fetch: u64, out: &mut Out<SutAction>) -> bool {
        let more = self.parameters.background_retrieval;
        let Some(retrieval) = self.retrievals.get_mut(&fetch) else { return false };
        let solicited = matches!(retrieval.by, Requester::Process(_));
        if more == Span::ZERO || !solicited || !retrieval.sent || retrieval.in_background {
            return false;
        }
        retrieval.in_background = true;
        retrieval.deadline += more;
        let waiting = std::mem::take(&mut retrieval.waiting);
        let mut answered = Answered {
            error: Some(FetchError::TimedOut),
            given_up: false,
            ..Answered::without_answer(retrieval)
        };
        for waiting in waiting {
            let Some(check) = self.checks.remove(&waiting.check) else { continue };
            answered.charged = Ord::max(now - waiting.since, Span::ZERO);
            self.resume(now, check, &answered, out);
        }
        true
    }

    /// Checks whose own time is up no longer wait for what another check has asked for.
    fn leave_shared(&mut self, now: Instant, fetch: u64, out: &mut Out<SutAction>) {
        let Some(retrieval) = self.retrievals.get_mut(&fetch) else { return };
        let (over, waiting) = retrieval.waiting.iter().partition(|w| w.until <= now);
        retrieval.waiting = waiting;
        let mut answered = Answered::without_answer(retrieval);
        let over: Vec<Waiting> = over;
        for waiting in over {
            let Some(check) = self.checks.remove(&waiting.check) else { continue };
            answered.charged = Ord::max(now - waiting.since, Span::ZERO);
            self.resume(now, check, &answered, out);
        }
    }

    /// An answer has arrived, or none will.
    pub(crate) fn fetched(
        &mut self,
        now: Instant,
        fetch: u64,
        result: Result<Reply, FetchError>,
        out: &mut Out<SutAction>,
    ) {
        let Some(retrieval) = self.retrievals.remove(&fetch) else {
            out.trace(Kind::Log(Log {
                by: self.name.clone(),
                file: Arc::from("engine"),
                line: format!("late answer to fetch {fetch} ignored"),
                code: None,
                attempt: None,
            }));
            return;
        };
        let usable = match &result {
            Ok(reply) if reply.status == 200 => self.validate(now, &retrieval, reply).map(Some),
            _ => Ok(None),
        };
        let (object, rejected) = match usable {
            Ok(object) => (object, None),
            Err(why) => (None, Some(Arc::from(why))),
        };
        if retrieval.sent {
            out.trace(Kind::Fetch(self.record(now, &retrieval, &result, &object, &rejected)));
        }
        let stored = match (&object, &result) {
            (Some(object), Ok(reply)) => self.store(now, &retrieval, reply, object, out),
            _ => false,
        };
        if !stored {
            self.looked(now, &retrieval, &result, rejected.is_some());
        }
        let mut answered = Answered {
            status: result.as_ref().ok().map(|r| r.status),
            error: result.err(),
            rejected,
            object,
            given_up: !retrieval.sent,
            ..Answered::without_answer(&retrieval)
        };
        for waiting in retrieval.waiting {
            let Some(check) = self.checks.remove(&waiting.check) else { continue };
            answered.charged = Ord::max(now - waiting.since, Span::ZERO);
            self.resume(now, check, &answered, out);
        }
    }

    /// Drops every retrieval, as when the machine goes down.
    pub(super) fn drop_retrievals(&mut self, out: &mut Out<SutAction>) {
        for retrieval in std::mem::take(&mut self.retrievals).into_values().filter(|r| r.sent) {
            out.act(SutAction::Abandon { fetch: retrieval.fetch });
        }
    }
}
