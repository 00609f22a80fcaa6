//! One revocation check: link by link from the root's side, stage by stage.

use std::sync::Arc;

use revlab_lab::trace::{Layer, Purpose, State, Step, Used, Verdict};
use revlab_lab::{Code, Instant, Name, Out, Span};
use revlab_pki::{Certificate, Crl, Reasons};

use super::answer::listed;
use super::issuer::Search;
use super::process::{Process, ProcessId};
use super::retrieval::Answered;
use super::subject::{Link, Subject, Usage};
use super::{Engine, disk::Object};
use crate::event::SutAction;

/// Who wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A request of this attempt waits for the verdict on the client.
    Attempt(u64),
    /// The same attempt waits for the verdict on the directory.
    Directory(u64),
    /// Another machine waits for it, for this attempt.
    Asked(u64),
    /// An administrator's command.
    Command,
}

/// How a certificate came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Presented {
    /// By a server, in a handshake in which it could staple.
    pub(crate) by_server: bool,
    /// The responses that it stapled, each with the certificate that it came with.
    pub(crate) staples: Vec<(Certificate, Arc<[u8]>)>,
}

/// A check that is under way.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) id: u64,
    pub(super) began: Instant,
    pub(super) caller: Caller,
    pub(super) process: ProcessId,
    pub(super) subject: Arc<Subject>,
    /// Which link is looked at.
    pub(super) at: usize,
    pub(super) stage: Stage,
    pub(super) pass: Pass,
    pub(super) steps: Vec<Step>,
    pub(super) used: Vec<Used>,
    /// What could not be found out about a link that is let in all the same (soft fail).
    pub(super) shortfall: Option<Verdict>,
    /// Time spent on the wire, to be held against the accumulative time-out.
    pub(super) spent: Span,
    /// How the certificate came.
    pub(super) presented: Presented,
    /// The search for issuers that comes first, while it lasts.
    pub(super) search: Option<Box<Search>>,
}

/// What comes next for the link that is looked at. The stages on the wire carry the place in
/// their list of URLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Staple,
    Caches,
    Wire,
    Ocsp(usize),
    OcspSaid(Verdict),
    AfterOcsp,
    Crl(usize),
    Delta,
    DeltaWire(usize),
    Judge,
}

/// What has been found out about the link that is looked at.
#[derive(Debug, Default)]
pub(super) struct Pass {
    pub(super) base: Option<Crl>,
    pub(super) delta: Option<Crl>,
    /// For which reasons CRLs that are for some reasons alone have cleared the certificate so far.
    pub(super) cleared: Reasons,
    /// A CRL came and was refused.
    pub(super) crl_refused: bool,
    /// The base was there before, stale: this pass refreshes an existing entry.
    pub(super) refresh: bool,
    /// An OCSP request was made in this pass and failed.
    pub(super) ocsp_failed: bool,
    /// The CRL is asked for before OCSP, and OCSP only if that fails.
    pub(super) crl_first: bool,
    /// A cached valid base stands back until OCSP has been tried (hypothesis H1c).
    pub(super) base_in_hand: bool,
    /// A GET failed, and the same URL is asked by POST next.
    pub(super) post_next: bool,
    /// A newer base has been looked for because the delta needs one.
    pub(super) sought_newer_base: bool,
    /// The delta is older than the base, and the base alone decides.
    pub(super) delta_ignored: bool,
    /// How many of the check's used objects belong to the links before.
    pub(super) used_before: usize,
    /// This pass skipped the CRL because of OCSP.
    pub(super) skipped: bool,
}

/// What a stage comes to.
pub(super) enum Next {
    /// Go on with this stage.
    Stage(Stage),
    /// Wait for this fetch.
    Wait(u64),
    /// The link is done.
    Link(Verdict),
}

impl Check {
    pub(super) fn link(&self) -> Option<Arc<Link>> {
        self.subject.links.get(self.at).cloned()
    }

    /// The base of this link is replaced by a newer one: the verdict does not rest on it any more.
    pub(super) fn forget_used_base(&mut self) {
        let (mut count, before) = (0, self.pass.used_before);
        self.used.retain(|used| {
            count += 1;
            count <= before || used.object != Purpose::Base
        });
    }
}

impl Engine {
    /// Begins a check of these certificates; its end is told by [`Engine::concluded`].
    pub(crate) fn check(
        &mut self,
        now: Instant,
        peer: &[Certificate],
        presented: Presented,
        caller: Caller,
        out: &mut Out<SutAction>,
    ) {
        let Some(process) = self.lsass() else { return };
        self.begin(now, process, peer, presented, caller, out);
    }

    /// Begins a check by a process.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        process: ProcessId,
        peer: &[Certificate],
        presented: Presented,
        caller: Caller,
        out: &mut Out<SutAction>,
    ) {
        let usage = usage(caller, presented.by_server);
        let Some(subject) = self.build_chain(now, process, usage, peer) else { return };
        let id = self.next_check;
        self.next_check += 1;
        let mut check = Check {
            id,
            began: now,
            caller,
            process,
            subject,
            at: 0,
            stage: Stage::Staple,
            pass: Pass::default(),
            steps: Vec::with_capacity(4),
            used: Vec::with_capacity(2),
            shortfall: None,
            spent: Span::ZERO,
            presented,
            search: None,
        };
        self.note_issuers_in_memory(&mut check, peer);
        let p = &self.parameters;
        let crossed = p.cross_certificates && !check.subject.crossed().is_empty();
        if crossed || p.aia_issuers && check.subject.missing().is_some() {
            check.search = Some(Box::new(Search::new(usage, peer)));
            self.seek_issuers(now, check, out);
        } else {
            self.chain_is_known(now, check, out);
        }
    }

    /// Goes on with a check whose chain is as good as it can be had.
    pub(super) fn chain_is_known(
        &mut self,
        now: Instant,
        mut check: Check,
        out: &mut Out<SutAction>,
    ) {
        check.search = None;
        let (error, rule) = check.subject.flaw().map(|f| (f.code, f.rule.clone())).unzip();
        if error.is_some() {
            check.steps.push(Step::Chain { error, rule });
            self.conclude(now, check, Verdict::NotChecked, error, out);
        } else if !self.parameters.verify_revocation && check.caller != Caller::Command {
            // The binding's setting is the server's own; certutil does not know it.
            check.steps.push(Step::Chain { error: None, rule: None });
            self.conclude(now, check, Verdict::NotChecked, None, out);
        } else {
            self.enter_link(&mut check);
            self.advance(now, check, out);
        }
    }

    /// The subject of a peer's certificates as they are now, with what a process has got before.
    pub(super) fn build_chain(
        &mut self,
        now: Instant,
        process: ProcessId,
        usage: Usage,
        peer: &[Certificate],
    ) -> Option<Arc<Subject>> {
        let got = self.processes.get(&process).map_or(&[][..], Process::at_hand);
        self.subjects.meet(self.clock.at(now), usage, peer, got, &mut self.verifier)
    }

    /// Goes on until the check waits or ends.
    pub(super) fn advance(&mut self, now: Instant, mut check: Check, out: &mut Out<SutAction>) {
        loop {
            let Some(link) = check.link() else {
                let verdict = check.shortfall.unwrap_or(Verdict::Good);
                return self.conclude(now, check, verdict, code_of(verdict), out);
            };
            let next = match check.stage {
                Stage::Staple => self.look_at_staple(now, &mut check, &link),
                Stage::Caches => self.look_into_caches(now, &mut check, &link, out),
                Stage::Wire => self.go_to_the_wire(now, &mut check, &link),
                Stage::Ocsp(i) => self.ask_ocsp(now, &mut check, &link, i, out),
                Stage::OcspSaid(verdict) => self.ocsp_said(now, &mut check, &link, verdict),
                Stage::AfterOcsp => self.after_ocsp(now, &mut check, &link),
                Stage::Crl(i) => self.ask_crl(now, &mut check, &link, i, out),
                Stage::Delta => self.need_delta(now, &mut check, &link, out),
                Stage::DeltaWire(i) => self.ask_delta(now, &mut check, &link, i, out),
                Stage::Judge => self.judge(now, &mut check, &link),
            };
            match next {
                Next::Stage(stage) => check.stage = stage,
                Next::Wait(fetch) => {
                    self.wait(now, fetch, check);
                    return;
                }
                Next::Link(verdict) if verdict == Verdict::Good || self.admits(verdict) => {
                    if verdict != Verdict::Good {
                        check.shortfall.get_or_insert(verdict);
                    }
                    check.at += 1;
                    self.enter_link(&mut check);
                }
                Next::Link(verdict) => {
                    let code = code_of(verdict);
                    return self.conclude(now, check, verdict, code, out);
                }
            }
        }
    }

    /// A fetch that the check waited for has come to its end.
    pub(super) fn resume(
        &mut self,
        now: Instant,
        mut check: Check,
        answered: &Answered,
        out: &mut Out<SutAction>,
    ) {
        match &check.search {
            Some(search) if search.crossing.waits() => {
                return self.crosses_answered(now, check, answered, out);
            }
            Some(_) => return self.issuers_answered(now, check, answered, out),
            None => {}
        }
        let Some(link) = check.link() else { return };
        check.spent = check.spent + answered.charged;
        check.steps.push(answered.step(check.id));
        check.stage = match (check.stage, &answered.object) {
            (Stage::Ocsp(i), Some(Object::Ocsp(response))) => {
                self.take_ocsp(&mut check, &link, response, i)
            }
            (Stage::Ocsp(i), _) => self.ocsp_failed(now, &mut check, &link, i),
            (Stage::Crl(i), Some(Object::Crl(crl))) => {
                self.take_base(now, &mut check, &link, crl, i, out)
            }
            (Stage::Crl(i), _) => self.crl_failed(now, &mut check, &link, i, answered.is_refused()),
            (Stage::DeltaWire(i), Some(Object::Crl(crl))) => {
                self.take_delta(now, &mut check, &link, crl, i, out)
            }
            (Stage::DeltaWire(i), _) => self.delta_failed(now, &check, &link, i),
            (stage, _) => stage,
        };
        self.advance(now, check, out);
    }

    /// Whether a client is let in of whom this is all that could be found out (soft fail).
    pub(crate) fn admits(&self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Offline => !self.parameters.offline_refuses,
            Verdict::Unknown => !self.parameters.no_source_refuses,
            Verdict::Good | Verdict::Revoked | Verdict::NotChecked => false,
        }
    }

    fn enter_link(&self, check: &mut Check) {
        check.pass = Pass { used_before: check.used.len(), ..Pass::default() };
        check.stage = Stage::Staple;
        if let Some(link) = check.link() {
            check.steps.push(Step::Certificate { subject: link.subject.clone() });
        }
    }

    /// Listed beats everything; without a valid base nothing is known.
    fn judge(&mut self, now: Instant, check: &mut Check, link: &Link) -> Next {
        if check.pass.skipped {
            self.remember_skip(now, check, link);
        }
        let stale = match check.pass.base {
            Some(_) => None,
            None => self.stale_that_revokes(check, link),
        };
        let Some(base) = check.pass.base.as_ref().or(stale.as_ref()) else {
            let known = !link.crl_urls.is_empty() || !link.ocsp_urls.is_empty();
            return Next::Link(if known { Verdict::Offline } else { Verdict::Unknown });
        };
        let (issuer, serial) = (link.certificate.issuer(), link.certificate.serial());
        let in_delta =
            check.pass.delta.as_ref().filter(|d| d.find_matching(issuer, serial).is_some());
        let (object, entry) = match in_delta {
            Some(delta) => (Purpose::Delta, listed(delta, link)),
            None => (Purpose::Base, listed(base, link)),
        };
        match entry {
            Some(entry) => {
                check.steps.push(Step::Listed { object, reason: entry.reason });
                Next::Link(Verdict::Revoked)
            }
            None if self.delta_is_missing(check, link) => Next::Link(Verdict::Offline),
            None => Next::Link(Verdict::Good),
        }
    }

    /// The base in memory that has expired and still lists the certificate.
    fn stale_that_revokes(&mut self, check: &Check, link: &Link) -> Option<Crl> {
        let process = self.processes.get_mut(&check.process)?;
        let held = process.entry(link.entry).base.as_ref()?.object.clone();
        let revokes =
            self.covered(&held, link) != Reasons::NONE && self.revokes_though_expired(&held, link);
        revokes.then_some(held)
    }

    /// The name of the process that a check runs in.
    pub(super) fn process_name(&self, id: ProcessId) -> Name {
        self.processes.get(&id).map_or_else(|| Arc::from("gone"), |p| p.name.clone())
    }
}

/// What the certificates of a check are used for.
pub(super) fn usage(caller: Caller, by_server: bool) -> Usage {
    match caller {
        Caller::Attempt(_) => Usage::Client,
        Caller::Directory(_) | Caller::Asked(_) if by_server => Usage::Server,
        Caller::Directory(_) | Caller::Asked(_) => Usage::Client,
        Caller::Command => Usage::Any,
    }
}

fn code_of(verdict: Verdict) -> Option<Code> {
    match verdict {
        Verdict::Revoked => Some(Code::CRYPT_E_REVOKED),
        Verdict::Offline => Some(Code::CRYPT_E_REVOCATION_OFFLINE),
        Verdict::Unknown => Some(Code::CRYPT_E_NO_REVOCATION_CHECK),
        Verdict::Good | Verdict::NotChecked => None,
    }
}

/// What is looked up, and how it was found, as a step.
pub(super) fn lookup(purpose: Purpose, layer: Layer, state: State, crl: Option<&Crl>) -> Step {
    Step::Lookup {
        object: purpose,
        layer,
        state,
        number: crl.and_then(Crl::number),
        next_update: crl.and_then(Crl::next_update),
    }
}

/// A CRL that a verdict rests on.
pub(super) fn used(purpose: Purpose, layer: Layer, crl: &Crl) -> Used {
    Used { object: purpose, layer, number: crl.number(), next_update: crl.next_update() }
}
