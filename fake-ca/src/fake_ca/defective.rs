//! Defects that no fault scripts: for tests that drive the CA themselves.

use revlab_lab::http::{Reply, Request};
use revlab_lab::{Instant, Out};

use super::FakeCa;
use crate::content::Defects;
use crate::content::crl::CrlDefect;
use crate::content::ocsp::OcspDefect;

impl FakeCa {
    /// The reply to a request that has reached a server of the CAs by lab time `now`, with these
    /// defects in a CRL or in an OCSP answer, whichever it asks for. Without defects it is the reply
    /// to [`CaEvent::Request`](super::CaEvent::Request); what is published meanwhile goes on no record.
    pub fn reply_with(
        &mut self,
        now: Instant,
        request: &Request,
        crl: &[CrlDefect],
        ocsp: &[OcspDefect],
    ) -> Reply {
        let mut out = Out::new();
        self.publish(|due| due <= now, &mut out);
        self.begin(&mut out);
        let defects = Defects { crl: crl.to_vec(), ocsp: ocsp.to_vec(), ..Defects::default() };
        self.answer(now, request, &defects, &mut out)
    }
}

#[cfg(test)]
mod tests {
    use revlab_lab::Seed;
    use revlab_pki::{CertId, CertStatus, KeyAlgorithm, KeyPair, OcspRequest, OcspResponse, Usage};

    use super::*;
    use crate::sample::{self, START};

    const OCSP: &str = "http://ocsp.example/ocsp";

    #[test]
    fn a_defect_is_in_the_answer_that_it_is_given_for_and_in_no_other() {
        let configs = vec![sample::with_responder(OCSP)];
        let mut ca = FakeCa::new(configs, Vec::new(), Seed(1), START).unwrap();
        let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), "client");
        let client = ca.issue("issuing", "client", Usage::Client, &key, &[]).unwrap();
        let id = CertId::new(&client, ca.certificate("issuing").unwrap());
        let url = OcspRequest::of(id.clone()).url(&OCSP.parse().unwrap()).unwrap();
        let mut status = |ocsp: &[OcspDefect]| {
            let reply = ca.reply_with(START, &Request::get(url.clone()), &[], ocsp);
            OcspResponse::parse(&reply.body).unwrap().find(&id).unwrap().status
        };
        assert_eq!(status(&[]), CertStatus::Good);
        assert_eq!(status(&[OcspDefect::SayUnknown]), CertStatus::Unknown);
        assert_eq!(status(&[]), CertStatus::Good);
        let list = Request::get(client.crl_urls().first().unwrap().clone());
        let right = ca.reply_with(START, &list, &[], &[OcspDefect::Empty]);
        assert_eq!(right.status, 200);
        assert!(!right.body.is_empty(), "it is no OCSP answer");
        let empty = ca.reply_with(START, &list, &[CrlDefect::Empty], &[]);
        assert_eq!((empty.status, empty.body.len()), (200, 0));
        assert_eq!(ca.reply_with(START, &list, &[], &[]), right);
    }
}
