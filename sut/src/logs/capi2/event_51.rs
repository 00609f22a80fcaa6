//! Event 51, Retrieve Object from Cache: a look into the account's disk cache.
//!
//! An entry whose base CRL was retrieved because OCSP had failed shows prefetch error 10D0
//! (documented, fact sheet §2.5). What an empty cache answers with is inferred.

use revlab_lab::Code;
use revlab_lab::trace::{Purpose, State};

use super::envelope::{Manifest, Outcome};
use super::objects::Object;
use super::words;
use crate::logs::Options;
use crate::logs::xml::Xml;

pub(super) const MANIFEST: Manifest =
    Manifest { id: 51, opcode: 2, keywords: 0x2e, root: "CryptRetrieveObjectByUrlCache" };

/// ERROR_FILE_NOT_FOUND as an HRESULT.
const NOT_FOUND: Code = Code(0x8007_0002);

/// A look into the disk cache.
pub(super) struct Cache<'a> {
    pub(super) purpose: Purpose,
    pub(super) state: State,
    /// Where the object is retrieved from, the key of the cache.
    pub(super) url: Option<&'a str>,
    pub(super) found: Option<Object<'a>>,
}

impl Cache<'_> {
    pub(super) fn outcome(&self) -> Outcome {
        match self.state {
            State::Absent => Outcome {
                result: NOT_FOUND,
                text: Some("The system cannot find the file specified.".into()),
            },
            State::Fresh | State::Stale | State::NotYetValid => Code(0).into(),
        }
    }

    pub(super) fn body(&self, xml: &mut Xml, options: &Options) {
        let (kind, constant) = words::context(self.purpose);
        let url = self.url.unwrap_or_default();
        xml.text("URL", &[("scheme", words::scheme(url))], url);
        xml.empty("Object", &[("type", kind), ("constant", constant)]);
        xml.empty("Flags", &[("value", "2"), ("CRYPT_CACHE_ONLY_RETRIEVAL", "true")]);
        if self.state == State::Absent {
            return;
        }
        if let Some(object) = &self.found {
            self.cache_info(xml, object, options);
            xml.element("RetrievedObjects", &[], |xml| {
                words::reference(xml, object, None, false);
            });
        }
    }

    fn cache_info(&self, xml: &mut Xml, object: &Object<'_>, options: &Options) {
        let synced = object.synced.map(|t| options.stamp(t).to_string());
        let attributes: Vec<_> =
            synced.as_deref().map(|text| ("lastSyncTime", text)).into_iter().collect();
        let error = format!("{:X}", Code::ERROR_MEDIA_OFFLINE.0);
        let this_update = object.this_update.to_string();
        let next_update = object.next_update.map(|t| t.to_string());
        let publish = object.next_publish.map(|t| t.to_string());
        let mut prefetch = vec![("objectType", words::context(self.purpose).0)];
        prefetch.push(("error", if object.after_ocsp_failure { &error } else { "0" }));
        prefetch.push(("thisUpdateTime", &this_update));
        prefetch.extend(next_update.as_deref().map(|text| ("nextUpdateTime", text)));
        prefetch.extend(publish.as_deref().map(|text| ("publishTime", text)));
        xml.element("CacheInfo", &attributes, |xml| {
            xml.empty("URLCachePrefetchInfo", &prefetch);
            if let Some(expires) = &next_update {
                xml.empty("URLCacheFlushInfo", &[("expireTime", expires)]);
            }
        });
    }
}
