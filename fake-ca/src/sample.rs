//! The CAs of the incident, for the unit tests of this crate.

use revlab_lab::clock::Drift;
use revlab_lab::{Clock, Instant, Span};
use revlab_pki::KeyAlgorithm;

use crate::config::{
    Aia, BaseRun, CaConfig, CrlSchedule, DeltaBase, DeltaOverlap, Issued, Own, Publishing,
    Responder, WebSite,
};

/// The day of the excerpt.
pub(crate) const START: Instant = Instant::from_millis(1_397_606_400_000);

/// The incident's CA: single tier, base every hour, delta every half hour.
pub(crate) fn issuing() -> CaConfig {
    CaConfig {
        name: "issuing".into(),
        parent: None,
        cross: Vec::new(),
        common_name: "XXX-CA".to_owned(),
        host: "win-msprl0t325o".to_owned(),
        computer: "WIN-MSPRL0T325O".to_owned(),
        key: KeyAlgorithm::EcdsaP256,
        imported: None,
        key_index: 1,
        renewed: Vec::new(),
        age: Span::from_days(30),
        lifetime: Span::from_days(1825),
        issued_lifetime: Span::from_days(365),
        crl: CrlSchedule {
            period: Span::from_hours(1),
            delta_period: Some(Span::from_mins(30)),
            overlap: None,
            delta_overlap: None,
            delta_overlap_rule: DeltaOverlap::A,
            clock_skew: Span::from_mins(10),
            phase: Span::from_mins(5),
            delta_phase: Span::from_mins(5),
            drift: Drift::NONE,
            base_run: BaseRun::BaseOnly,
            delta_base: DeltaBase::Previous,
            virtual_base: true,
        },
        publishing: Publishing::default(),
        cdp: None,
        freshest: None,
        published_locations: Vec::new(),
        aia: Aia::default(),
        issued: Issued::default(),
        own: Own::default(),
        responder: None,
        web: WebSite { double_escaping: true },
        clock: Clock::exact(START),
    }
}

/// An offline root above it, with base CRLs alone.
pub(crate) fn root() -> CaConfig {
    let crl = CrlSchedule { period: Span::from_days(90), delta_period: None, ..issuing().crl };
    CaConfig {
        name: "root".into(),
        common_name: "Root CA".to_owned(),
        host: "pki.example".to_owned(),
        computer: "root".to_owned(),
        key_index: 0,
        age: Span::from_days(60),
        crl,
        ..issuing()
    }
}

/// The incident's CA below that root.
pub(crate) fn subordinate() -> CaConfig {
    CaConfig { parent: Some("root".into()), ..issuing() }
}

/// The incident's CA with a working responder at `url`.
pub(crate) fn with_responder(url: &str) -> CaConfig {
    let aia = Aia { ocsp: url.parse().into_iter().collect(), issuers: None };
    let responder = Responder::valid_for(Span::from_hours(1));
    CaConfig { aia, responder: Some(responder), ..issuing() }
}
