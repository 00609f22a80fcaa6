//! What faults do to a request before it reaches a server, and which faults there are.

use std::collections::BTreeMap;

use revlab_lab::http::{Method, Request, Url};
use revlab_lab::trace::Purpose;
use revlab_lab::{Instant, Name, Seed};
use revlab_pki::OcspRequest;

use super::FakeCa;
use crate::authority::Authority;
use crate::fault::{
    self, Acting, Asked, Caller, Effect, Endpoint, FaultConfig, FaultPlan, Meeting, Ruling, Target,
    Way,
};
use crate::locations::below;
use crate::setup::{self, SetupError};
use crate::site_name;

impl FakeCa {
    /// What the faults do to a request that a client is about to make at `now`, and what comes of it
    /// before any server thinks about its path. Faults count the requests that they are asked about.
    ///
    /// A host of no CA does not resolve, and a port other than 80 refuses, without any fault. The
    /// order of composition is that of [`fault`].
    pub fn meet(&mut self, now: Instant, caller: &Caller<'_>, request: &Request) -> Meeting {
        let unmet = |ruling| Meeting { faults: Vec::new(), way: Way::default(), ruling };
        let url = &request.url;
        if !self.hosts.iter().any(|host| site_name::resolves(host, url)) {
            return unmet(Ruling::NameNotResolved);
        }
        let listens = self.hosts.iter().any(|host| site_name::listens(host, url));
        if self.faults.is_idle(now) {
            return unmet(if listens { Ruling::undisturbed() } else { Ruling::Refused });
        }
        let purpose = self.purpose(request);
        let serials = match self.faults.needs_serials(now) {
            true => self.serials(request),
            false => Vec::new(),
        };
        let purpose = purpose.as_ref();
        let asked = Asked { caller: *caller, request, purpose, serials: &serials };
        let authorities = &self.authorities;
        let is_on = |on: &Target| is_target(authorities, on, request, purpose);
        let is_issued_to = |ca: &Name, common_name: &str, serial: &[u8]| {
            authorities.get(ca).is_some_and(|a| a.has_issued_to(common_name, serial))
        };
        let acting = self.faults.meet(now, &asked, is_on, is_issued_to);
        // Port 443 is open while somebody speaks TLS there.
        let speaks_tls = |one: &Acting<'_>| matches!(one.fault.effect, Effect::Https(_));
        let listens = listens || url.port() == 443 && acting.iter().any(speaks_tls);
        let mut meeting = fault::compose(&acting, caller);
        if let Ruling::Elsewhere(ca) = &meeting.ruling {
            let site = authorities.get(ca).map(|authority| authority.config.host.as_str().into());
            meeting.ruling = site.map_or(Ruling::Refused, Ruling::Elsewhere);
        }
        if listens || meeting.ruling == Ruling::NameNotResolved {
            meeting
        } else {
            unmet(Ruling::Refused)
        }
    }

    /// What faults leave to chance is drawn by this seed from now on, and not by that of the keys.
    /// Nothing has been counted then.
    pub fn draw_faults_by(&mut self, seed: Seed) {
        self.faults = FaultPlan::new(self.faults.faults().to_vec(), seed);
    }

    /// The faults, in the order in which they compose.
    pub fn faults(&self) -> &[FaultConfig] {
        self.faults.faults()
    }

    /// Puts other faults in place. One that is there before and after as it was goes on counting.
    ///
    /// # Errors
    ///
    /// A fault acts on a CA that is not there; nothing has changed then.
    pub fn set_faults(&mut self, faults: Vec<FaultConfig>) -> Result<(), SetupError> {
        setup::check_faults(&faults, &self.authorities)?;
        self.faults.set(faults);
        Ok(())
    }

    /// Ends the faults on one CA, or on all: from `now` on they do not act, nor do those that were
    /// still to begin. Gives those that were active.
    pub fn heal(&mut self, now: Instant, ca: Option<&str>) -> Vec<FaultConfig> {
        self.faults.heal(now, ca)
    }

    /// The serial numbers that an OCSP request to any of the CAs asks about; of another request none.
    pub fn serials(&self, request: &Request) -> Vec<Vec<u8>> {
        let read = |url: &Url| match (below(url, &request.url)?, request.method) {
            ("", Method::Post) => OcspRequest::parse(&request.body).ok(),
            (rest, Method::Get | Method::Head) => OcspRequest::from_path(rest).ok(),
            _ => None,
        };
        let urls = self.authorities.values().flat_map(|authority| {
            let own = authority.config.responder.as_ref().and_then(|r| r.at.as_ref());
            own.into_iter().flatten().chain(&authority.locations.ocsp)
        });
        let asked = urls.into_iter().find_map(read);
        asked.into_iter().flat_map(|asked| asked.ids).map(|id| id.serial).collect()
    }
}

fn is_target(
    authorities: &BTreeMap<Name, Authority>,
    on: &Target,
    request: &Request,
    purpose: Option<&(Name, Purpose)>,
) -> bool {
    let meant = purpose.filter(|(ca, _)| *ca == on.ca);
    let on_site = || {
        let authority = authorities.get(&on.ca);
        authority.is_some_and(|a| site_name::is_at(&a.config.host, &request.url))
    };
    meant.is_some_and(|(_, purpose)| on.endpoint.covers(*purpose))
        || on.endpoint == Endpoint::All && on_site()
}
