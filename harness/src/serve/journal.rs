//! The journal: the newest requests to the CAs, one by one.

use std::collections::VecDeque;

use revlab_lab::http::{Request, Url};
use revlab_lab::trace::Purpose;
use revlab_lab::{Instant, Name};
use revlab_pki::{CertIdHash, OcspRequest};
use serde_json::{Value as Json, json};

use super::carry_out::Seen;
use super::laboratory::hex;

/// So many requests are kept; older ones are dropped, and counted.
pub(super) const MOST: usize = 10_000;

/// Of each OCSP request so many certificates are kept: a request is not to fill the memory.
const ASKED_MOST: usize = 16;

/// The journal.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal {
    entries: VecDeque<Entry>,
    /// How many have been written since the start.
    written: u64,
    dropped: u64,
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) at: Instant,
    pub(super) peer: Option<String>,
    pub(super) method: &'static str,
    pub(super) url: Url,
    /// The CA and the endpoint that it was for.
    pub(super) purpose: Option<(Name, Purpose)>,
    pub(super) faults: Vec<Name>,
    pub(super) seen: Seen,
    pub(super) ocsp: Vec<Asked>,
    /// `User-Agent`.
    pub(super) agent: Option<String>,
}

/// One certificate that an OCSP request asked about.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    hash: &'static str,
    issuer_name_hash: String,
    issuer_key_hash: String,
    serial: String,
    ca: Option<Name>,
    certificate: Option<Name>,
}

/// What is in an OCSP request; `about` has the CA and the certificate for each of its CertIDs.
pub(super) fn asked(request: &OcspRequest, about: Vec<(Option<Name>, Option<Name>)>) -> Vec<Asked> {
    let pairs = request.ids.iter().zip(about).take(ASKED_MOST);
    let of = |(id, (ca, certificate)): (&revlab_pki::CertId, _)| Asked {
        hash: match id.hash {
            CertIdHash::Sha1 => "sha1",
            CertIdHash::Sha256 => "sha256",
            CertIdHash::Sha384 => "sha384",
            CertIdHash::Sha512 => "sha512",
        },
        issuer_name_hash: hex(&id.issuer_name_hash),
        issuer_key_hash: hex(&id.issuer_key_hash),
        serial: hex(&id.serial),
        ca,
        certificate,
    };
    pairs.map(of).collect()
}

/// `User-Agent`, as far as a line has room for it.
pub(super) fn agent(request: &Request) -> Option<String> {
    let text = request.header("User-Agent")?;
    Some(text.chars().filter(|c| !c.is_control()).take(120).collect())
}

impl Journal {
    pub(super) fn write(&mut self, entry: Entry) {
        if self.entries.len() == MOST {
            self.entries.pop_front();
            self.dropped += 1;
        }
        self.entries.push_back(entry);
        self.written += 1;
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.dropped = 0;
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The newest entry, as one line.
    pub(super) fn line(&self) -> Option<String> {
        self.entries.back().map(Entry::line)
    }

    /// As the control API shows it: the newest `limit`, the oldest of them first.
    pub(super) fn json(&self, limit: usize) -> Json {
        let skipped = self.entries.len().saturating_sub(limit);
        let first = self.written - self.entries.len() as u64 + 1;
        let numbered = (first..).zip(&self.entries).skip(skipped);
        let entries: Vec<Json> = numbered.map(|(n, entry)| entry.json(n)).collect();
        json!({ "entries": entries, "dropped": self.dropped })
    }
}

impl Entry {
    fn json(&self, n: u64) -> Json {
        let (outcome, status, bytes) = match self.seen {
            Seen::Status(status, bytes) => ("answered", Some(status), bytes),
            Seen::Reset => ("reset", None, 0),
            Seen::Broken => ("broken", None, 0),
            Seen::Silent => ("silent", None, 0),
        };
        let ocsp: Vec<Json> = self.ocsp.iter().map(Asked::json).collect();
        json!({
            "n": n,
            "t": self.at,
            "peer": self.peer,
            "user_agent": self.agent,
            "method": self.method,
            "url": self.url,
            "ca": self.purpose.as_ref().map(|(ca, _)| &**ca),
            "purpose": self.purpose.as_ref().map(|(_, purpose)| purpose.as_str()),
            "faults": self.faults.iter().map(|name| &**name).collect::<Vec<_>>(),
            "outcome": outcome,
            "status": status,
            "bytes": bytes,
            "ocsp": ocsp,
        })
    }

    fn line(&self) -> String {
        let seen = self.seen.word();
        let purpose = self.purpose.as_ref().map_or("-", |(_, purpose)| purpose.as_str());
        let mut line = format!("{} {} {} {purpose} {seen}", self.at, self.method, self.url);
        for name in self.ocsp.iter().filter_map(|asked| asked.certificate.as_ref()) {
            line.push_str(&format!(" about {name}"));
        }
        if !self.faults.is_empty() {
            line.push_str(&format!(" [{}]", self.faults.join(", ")));
        }
        line
    }
}

impl Asked {
    fn json(&self) -> Json {
        json!({
            "hash": self.hash,
            "issuer_name_hash": self.issuer_name_hash,
            "issuer_key_hash": self.issuer_key_hash,
            "serial": self.serial,
            "ca": self.ca.as_deref(),
            "certificate": self.certificate.as_deref(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: i64) -> Entry {
        Entry {
            at: Instant::from_millis(n),
            peer: None,
            method: "GET",
            url: "http://127.0.0.1:8001/x.crl".parse().unwrap(),
            purpose: Some(("issuing".into(), Purpose::Base)),
            faults: vec!["slow".into()],
            seen: Seen::Status(200, 3),
            ocsp: Vec::new(),
            agent: None,
        }
    }

    #[test]
    fn only_the_newest_requests_are_kept_and_the_others_counted() {
        let mut journal = Journal::default();
        (0..MOST as i64 + 2).for_each(|n| journal.write(entry(n)));
        let json = journal.json(2);
        assert_eq!(journal.len(), MOST);
        assert_eq!(json["dropped"], 2);
        let numbers: Vec<_> = json["entries"].as_array().unwrap().iter().map(|e| &e["n"]).collect();
        assert_eq!(numbers, [MOST as u64 + 1, MOST as u64 + 2]);
        journal.clear();
        assert_eq!(journal.json(10), json!({ "entries": [], "dropped": 0 }));
    }

    #[test]
    fn an_entry_is_one_line() {
        let mut journal = Journal::default();
        journal.write(entry(0));
        insta::assert_snapshot!(
            journal.line().unwrap(),
            @"1970-01-01T00:00:00.000Z GET http://127.0.0.1:8001/x.crl base 200 [slow]"
        );
    }
}
