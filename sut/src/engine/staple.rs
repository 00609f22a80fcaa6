//! The response that a server has stapled: it goes before every other source (fact sheet §2.1).

use std::sync::Arc;

use revlab_lab::trace::{Layer, Purpose, State, Step, Verdict};
use revlab_lab::{Instant, Name};
use revlab_pki::{CertStatus, OcspAnswer, OcspResponse};

use super::Engine;
use super::check::{Check, Next, Stage};
use super::subject::Link;
use crate::profile::StapleUse;

impl Engine {
    /// What came with the certificate in the handshake decides, where it is valid. What came with one
    /// above it is heard by some (RFC 8446 §4.4.2.1), and demanded by nobody.
    pub(super) fn look_at_staple(&mut self, now: Instant, check: &mut Check, link: &Link) -> Next {
        let last = check.at + 1 == check.subject.links.len();
        let heard = last || self.parameters.staple_chain;
        if !heard || self.parameters.staple == StapleUse::Ignore || !check.presented.by_server {
            return Next::Stage(Stage::Caches);
        }
        let demanded = last
            && (self.parameters.staple == StapleUse::Require
                || self.parameters.must_staple && link.must_staple);
        let staples = &mut check.presented.staples;
        let staple = staples.iter().position(|(of, _)| *of == link.certificate);
        let staple = staple.map(|at| staples.swap_remove(at).1);
        let found = staple.map(|bytes| self.read_staple(now, link, &bytes));
        let verdict = match found {
            Some(Ok(answer)) => {
                check.steps.push(stapled(State::Fresh, answer.next_update));
                let known = answer.status != CertStatus::Unknown;
                known.then(|| self.ocsp_verdict(check, &answer, Layer::Staple)).flatten()
            }
            Some(Err(why)) => {
                check.steps.push(Step::Refused { object: Purpose::Ocsp, why });
                None
            }
            None => {
                if demanded {
                    check.steps.push(stapled(State::Absent, None));
                }
                None
            }
        };
        match verdict {
            Some(verdict) => Next::Link(verdict),
            None if demanded => Next::Link(Verdict::Offline),
            None => Next::Stage(Stage::Caches),
        }
    }

    /// The answer about this certificate in a stapled response, or what is wrong with the response.
    fn read_staple(&mut self, now: Instant, link: &Link, bytes: &[u8]) -> Result<OcspAnswer, Name> {
        let response = OcspResponse::parse(bytes).map_err(|e| e.to_string());
        let answer = response
            .and_then(|response| self.judge_response(now, &response, link, None, Vec::new()));
        answer.map_err(|why| Arc::from(format!("stapled: {why}")))
    }
}

fn stapled(state: State, next_update: Option<Instant>) -> Step {
    let (object, layer) = (Purpose::Ocsp, Layer::Staple);
    Step::Lookup { object, layer, state, number: None, next_update }
}
