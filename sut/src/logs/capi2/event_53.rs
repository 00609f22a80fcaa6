//! Event 53, Retrieve Object from Network: one request to a CA endpoint.
//!
//! The action `Call_WinHttpSendRequest` with WinHTTP's error number is reported (fact sheet §5.2).
//! That an HTTP status shows as HTTP_E_STATUS (0x80190000 + status, winerror.h), and an answer that
//! cannot be decoded as CRYPT_E_BAD_ENCODE, is inferred.

use revlab_lab::Code;
use revlab_lab::http::FetchError;
use revlab_lab::trace::Fetch;

use super::envelope::{Manifest, Outcome, result};
use super::objects::Object;
use super::words::{self, Budgets};
use crate::logs::message;
use crate::logs::xml::Xml;

pub(super) const MANIFEST: Manifest =
    Manifest { id: 53, opcode: 2, keywords: 0x36, root: "CryptRetrieveObjectByUrlWire" };

const CRYPT_E_BAD_ENCODE: Code = Code(0x8009_2002);
/// HTTP_E_STATUS_*: the HTTP status in the low word.
const HTTP_E_STATUS: u32 = 0x8019_0000;
/// HRESULT_FROM_WIN32.
const FACILITY_WIN32: u32 = 0x8007_0000;

/// A retrieval, with what it brought.
pub(super) struct Wire<'a> {
    pub(super) fetch: &'a Fetch,
    pub(super) object: Option<Object<'a>>,
}

impl Wire<'_> {
    pub(super) fn outcome(&self) -> Outcome {
        if let Some(error) = self.fetch.error {
            let text = Some(message::retrieval(error).to_owned());
            return Outcome { result: Code(FACILITY_WIN32 | error.winhttp()), text };
        }
        match (self.fetch.status, &self.fetch.rejected) {
            (Some(200) | None, None) => Code(0).into(),
            (Some(200) | None, Some(why)) => {
                Outcome { result: CRYPT_E_BAD_ENCODE, text: Some(why.to_string()) }
            }
            (Some(status), _) => {
                let text = format!("{} ({status}).", message::reason_phrase(status));
                let result = Code(HTTP_E_STATUS | u32::from(status));
                Outcome { result, text: Some(text.trim_start().to_owned()) }
            }
        }
    }

    pub(super) fn body(&self, xml: &mut Xml, budgets: &Budgets) {
        let url = self.fetch.url.as_str();
        let (kind, constant) = words::context(self.fetch.purpose);
        xml.text("URL", &[("scheme", self.fetch.url.scheme())], url);
        xml.empty("Object", &[("type", kind), ("constant", constant)]);
        xml.text("Timeout", &[], &words::duration(budgets.url));
        // The value that a published event 53 shows (fact sheet §2.3).
        xml.empty("Flags", &[("value", "202005")]);
        xml.empty("AuxInfo", &[("fProxyCacheRetrieval", "false")]);
        self.additional_info(xml);
        if let Some(object) = &self.object {
            xml.element("RetrievedObjects", &[], |xml| {
                words::reference(xml, object, None, false);
            });
        }
    }

    fn additional_info(&self, xml: &mut Xml) {
        let action = |error: Option<FetchError>| match error {
            Some(FetchError::BadReply) | None => "Call_WinHttpReceiveResponse",
            Some(_) => "Call_WinHttpSendRequest",
        };
        let error = match (self.fetch.error, self.fetch.status) {
            (Some(error), _) => Some((Code(error.winhttp()), message::retrieval(error))),
            (None, Some(status)) if status != 200 => {
                Some((Code(HTTP_E_STATUS | u32::from(status)), message::reason_phrase(status)))
            }
            _ => None,
        };
        let Some((code, text)) = error else { return };
        xml.element("AdditionalInfo", &[], |xml| {
            xml.element("Action", &[("name", action(self.fetch.error))], |xml| {
                result(xml, "Error", code, text);
            });
        });
    }
}
