//! What the servers of the CAs answer to a request that has reached them.

use revlab_lab::http::{Reply, Request};
use revlab_lab::trace::Kind;
use revlab_lab::{Instant, Out};

use super::{CaAction, FakeCa};
use crate::authority::Authority;
use crate::content::Defects;
use crate::content::ocsp::OcspDefect;
use crate::responder::{self, Refusal};
use crate::{site_name, web_site};

impl FakeCa {
    /// What the servers answer: a responder where one is asked, otherwise the web site; `defects`
    /// are those of faults.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        request: &Request,
        defects: &Defects,
        out: &mut Out<CaAction>,
    ) -> Reply {
        if let Some(reply) = self.respond(now, request, &defects.ocsp, out) {
            return reply;
        }
        let spoilt = self.authorities.values_mut().find_map(|a| {
            a.spoilt_file(request, &defects.crl)
                .or_else(|| a.spoilt_certificate(request, &defects.issuer))
                .or_else(|| a.other_file(now, request))
        });
        let url = &request.url;
        let here = || self.authorities.values().filter(|a| site_name::is_at(&a.config.host, url));
        let older = here().flat_map(Authority::older_files);
        let sound = here().flat_map(Authority::files).chain(older);
        let files: Vec<_> = spoilt.into_iter().chain(sound).collect();
        let double_escaping = here().next().is_some_and(|a| a.config.web.double_escaping);
        web_site::answer(&files, double_escaping, request)
    }

    /// What a responder answers, where one is asked; `defects` are those of faults.
    pub(crate) fn respond(
        &mut self,
        now: Instant,
        request: &Request,
        defects: &[OcspDefect],
        out: &mut Out<CaAction>,
    ) -> Option<Reply> {
        let mut otherwise = None;
        // Several CAs may share a responder's URL: the one that is asked about answers.
        for authority in self.authorities.values_mut() {
            let Some(asked) = authority.asked(now, request) else { continue };
            if let Some(reply) = responder::instead(defects) {
                return Some(reply);
            }
            match asked.request {
                Ok(about) if about.ids.first().is_some_and(|id| authority.has_issued(id)) => {
                    let (reply, new) = authority.respond(now, &asked.at, &about, defects, request);
                    if let Some(mut publish) = new {
                        self.publications += 1;
                        publish.id = self.publications;
                        out.trace(Kind::Publish(publish));
                    }
                    return Some(reply);
                }
                Ok(about) if about.ids.is_empty() => {
                    otherwise = Some(responder::refused(Refusal::Malformed));
                }
                Ok(_) => otherwise = Some(responder::unauthorized()),
                Err(refusal) => otherwise = Some(responder::refused(refusal)),
            }
        }
        otherwise
    }
}
