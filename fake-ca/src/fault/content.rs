//! `crl`, `ocsp` and `issuer`: the server's own answer is wrong in what it says.
//!
//! Where a page stands in place of that answer nobody sees it, and these faults are not met.

use revlab_lab::trace::Purpose;

use super::Answer;
use crate::content::crl::CrlDefect;
use crate::content::issuer::IssuerDefect;
use crate::content::ocsp::OcspDefect;

/// The name in scenarios of what spoils CRLs.
pub(super) const CRL: &str = "crl";

/// The name in scenarios of what spoils OCSP answers.
pub(super) const OCSP: &str = "ocsp";

/// The name in scenarios of what spoils CA certificates.
pub(super) const ISSUER: &str = "issuer";

/// Whether a request with this purpose gets what the defect spoils.
pub(super) fn spoils_crl(defect: CrlDefect, purpose: Purpose) -> bool {
    match purpose {
        Purpose::Base => defect.touches(false),
        Purpose::Delta => defect.touches(true),
        Purpose::Ocsp | Purpose::Issuer => false,
    }
}

/// Spoils a CRL; false where it is spoilt so already.
pub(super) fn act_on_crl(answer: &mut Answer, defect: CrlDefect) -> bool {
    act(&mut answer.defects.crl, defect)
}

/// Spoils an OCSP answer; false where it is spoilt so already.
pub(super) fn act_on_ocsp(answer: &mut Answer, defect: OcspDefect) -> bool {
    act(&mut answer.defects.ocsp, defect)
}

/// Spoils a CA certificate; false where it is spoilt so already.
pub(super) fn act_on_issuer(answer: &mut Answer, defect: IssuerDefect) -> bool {
    act(&mut answer.defects.issuer, defect)
}

fn act<T: PartialEq>(defects: &mut Vec<T>, defect: T) -> bool {
    let new = !defects.contains(&defect);
    if new {
        defects.push(defect);
    }
    new
}

#[cfg(test)]
mod tests {
    use super::super::Effect;
    use super::super::tests::{answer, meeting};
    use super::*;

    #[test]
    fn defects_come_together_in_the_order_of_the_scenario() {
        let faults = [
            ("late", Effect::Ocsp(OcspDefect::Stale)),
            ("again", Effect::Ocsp(OcspDefect::Stale)),
            ("broken", Effect::Ocsp(OcspDefect::BrokenSignature)),
        ];
        let both = [OcspDefect::Stale, OcspDefect::BrokenSignature];
        assert_eq!(answer(&faults).defects.ocsp, both);
        assert_eq!(meeting(&faults).faults, ["late".into(), "broken".into()]);
    }

    #[test]
    fn behind_a_page_no_defect_is_met_wherever_it_stands() {
        let page = || ("page", Effect::CaptivePortal);
        let spoilt = || ("spoilt", Effect::Crl(CrlDefect::Expired));
        for faults in [[page(), spoilt()], [spoilt(), page()]] {
            assert_eq!(meeting(&faults).faults, ["page".into()]);
            assert_eq!(answer(&faults).defects.crl, []);
        }
    }

    #[test]
    fn a_defect_of_deltas_spoils_deltas_alone() {
        let all = [Purpose::Base, Purpose::Delta, Purpose::Ocsp, Purpose::Issuer];
        let spoilt = |defect| all.map(|purpose| spoils_crl(defect, purpose));
        assert_eq!(spoilt(CrlDefect::Expired), [true, true, false, false]);
        assert_eq!(spoilt(CrlDefect::DeltaWrongBase), [false, true, false, false]);
        assert_eq!(spoilt(CrlDefect::DeltaWithoutBase), [true, false, false, false]);
    }
}
