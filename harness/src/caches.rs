//! The disk caches that a run left behind, in words and as JSON: what `certutil -urlcache` would show.

use std::fmt::Write;

use revlab_lab::trace::Purpose;
use revlab_lab::{Instant, Name};
use revlab_pki::{Crl, OcspAnswer};
use revlab_sut::cache::{Account, Cached, Caches, Object, Prefetch};
use serde_json::json;

/// How an object's dates lie to a time.
fn state(this_update: Instant, next_update: Option<Instant>, at: Instant) -> &'static str {
    if at < this_update {
        "not yet valid"
    } else if next_update.is_some_and(|next| at > next) {
        "stale"
    } else {
        "fresh"
    }
}

/// A machine's caches for people, judged at a time; none: at what its clock showed at the end.
pub fn words(caches: &Caches, at: Option<Instant>) -> String {
    let about = &caches.about;
    let at = at.unwrap_or(about.clock);
    let mut text = format!("{}: its clock showed {}\n", about.machine, about.clock);
    if at != about.clock {
        let _ = writeln!(text, "judged at {at}");
    }
    if let Some(since) = about.resynced {
        let _ =
            writeln!(text, "ChainCacheResyncFiletime {since}: what was stored before is ignored");
    }
    for (name, account) in &caches.accounts {
        account_words(name, account, at, &mut text);
    }
    if caches.accounts.is_empty() {
        text.push_str("\nno account has anything cached\n");
    }
    if !caches.store.is_empty() {
        let _ = writeln!(text, "\nthe machine's store: {}", counted(caches.store.len(), "CRL"));
        for crl in &caches.store {
            let state = state(crl.this_update(), crl.next_update(), at);
            let _ = writeln!(text, "  {}, {state}", crl_words(crl));
            dates(crl.this_update(), crl.next_update(), &mut text);
        }
    }
    text
}

fn account_words(name: &Name, account: &Account, at: Instant, text: &mut String) {
    let _ = writeln!(text, "\n{name}: {}", counted(account.entries.len(), "object"));
    for entry in &account.entries {
        let _ = writeln!(text, "  {}", entry.url);
        let (what, size) = (object_words(entry), entry.object.bytes().len());
        let state =
            entry.dates().map_or("of another certificate", |(from, to)| state(from, to, at));
        let _ = writeln!(text, "    {what}, {}, {state}", counted(size, "byte"));
        if let Some((from, to)) = entry.dates() {
            text.push_str("  ");
            match (&entry.object, to) {
                (Object::Issuers(_), Some(to)) => {
                    let _ = writeln!(text, "  notBefore {from}, notAfter {to}");
                }
                _ => dates(from, to, text),
            }
        }
        let used = if entry.used { "" } else { ", by prefetch, and read by nobody since" };
        let _ = writeln!(text, "    stored {}{used}", entry.stored);
        let _ = writeln!(text, "    prefetch: {}", prefetch_words(&entry.prefetch));
        if let Some(etag) = &entry.response.etag {
            let _ = writeln!(text, "    ETag {etag}");
        }
        let _ = writeln!(text, "    file {}", entry.key());
    }
    for (url, until) in &account.failed {
        let _ = writeln!(text, "  {url}\n    failed, and is not tried again before {until}");
    }
}

fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn dates(this_update: Instant, next_update: Option<Instant>, text: &mut String) {
    let next = next_update.map_or("none".to_owned(), |next| next.to_string());
    let _ = writeln!(text, "  thisUpdate {this_update}, nextUpdate {next}");
}

fn crl_words(crl: &Crl) -> String {
    let kind = if crl.base_number().is_some() { "delta CRL" } else { "base CRL" };
    let number = crl.number().map(|n| format!(" {n}")).unwrap_or_default();
    let entries = counted(crl.len(), "certificate");
    format!("{kind}{number} of {}, {entries} listed", crl.issuer())
}

fn object_words(entry: &Cached) -> String {
    match &entry.object {
        Object::Crl(crl) => crl_words(crl),
        Object::Ocsp(_) => {
            let status = entry.answer().map_or("nothing", |answer| status(&answer));
            format!("OCSP response about {}: {status}", entry.certificate.subject())
        }
        Object::Issuers(issuers) => {
            let subjects = issuers.certificates().iter().map(|c| c.subject().to_string());
            format!("certificate of {}", subjects.collect::<Vec<_>>().join(", "))
        }
    }
}

fn status(answer: &OcspAnswer) -> &'static str {
    match answer.status {
        revlab_pki::CertStatus::Good => "good",
        revlab_pki::CertStatus::Revoked { .. } => "revoked",
        revlab_pki::CertStatus::Unknown => "unknown",
    }
}

fn prefetch_words(prefetch: &Prefetch) -> String {
    let result = result_words(prefetch.status);
    match prefetch.at {
        Some(at) => format!("next at {at}; {result}"),
        None => format!("none; {result}"),
    }
}

/// What a prefetch came to (fact sheet §2.5).
fn result_words(status: u32) -> String {
    const HTTP: u32 = 0x8019_0000;
    match status {
        Prefetch::PENDING => "nothing was tried yet (0)".into(),
        Prefetch::INVALID_DATA => "what came was of no use (13)".into(),
        Prefetch::NOT_CONNECTED => "the machine had no network (2250)".into(),
        Prefetch::MEDIA_OFFLINE => "off, for OCSP was offline (4304, 0x10D0)".into(),
        Prefetch::FILE_OFFLINE => "the content is unchanged (4350)".into(),
        status if status & 0xFFFF_0000 == HTTP => format!("HTTP status {}", status & 0xFFFF),
        status => format!("error {status}"),
    }
}

/// The same for programs.
pub fn json(caches: &Caches, at: Option<Instant>) -> serde_json::Value {
    let about = &caches.about;
    let at = at.unwrap_or(about.clock);
    let account = |account: &Account| {
        let entries: Vec<_> = account.entries.iter().map(|entry| entry_json(entry, at)).collect();
        json!({ "entries": entries, "failed": account.failed })
    };
    let accounts: serde_json::Map<String, serde_json::Value> =
        caches.accounts.iter().map(|(name, a)| (name.to_string(), account(a))).collect();
    let store: Vec<_> = caches.store.iter().map(|crl| crl_json(crl, at)).collect();
    json!({
        "machine": about.machine,
        "clock": about.clock,
        "at": at,
        "resynced": about.resynced,
        "accounts": accounts,
        "store": store,
    })
}

fn crl_json(crl: &Crl, at: Instant) -> serde_json::Value {
    json!({
        "what": if crl.base_number().is_some() { "delta" } else { "base" },
        "issuer": crl.issuer().to_string(),
        "number": crl.number(),
        "base_number": crl.base_number(),
        "this_update": crl.this_update(),
        "next_update": crl.next_update(),
        "entries": crl.len(),
        "bytes": crl.der().len(),
        "state": state(crl.this_update(), crl.next_update(), at),
    })
}

fn entry_json(entry: &Cached, at: Instant) -> serde_json::Value {
    let mut value = match &entry.object {
        Object::Crl(crl) => crl_json(crl, at),
        Object::Ocsp(_) => {
            let answer = entry.answer();
            json!({
                "what": Purpose::Ocsp,
                "issuer": entry.issuer.as_ref().map(|issuer| issuer.subject().to_string()),
                "status": answer.as_ref().map(status),
                "this_update": answer.as_ref().map(|a| a.this_update),
                "next_update": answer.as_ref().and_then(|a| a.next_update),
                "bytes": entry.object.bytes().len(),
                "state": entry.dates().map(|(from, to)| state(from, to, at)),
            })
        }
        Object::Issuers(issuers) => {
            let certificates = issuers.certificates().iter();
            json!({
                "what": Purpose::Issuer,
                "certificates": certificates.map(|c| c.subject().to_string()).collect::<Vec<_>>(),
                "not_before": entry.dates().map(|(from, _)| from),
                "not_after": entry.dates().and_then(|(_, to)| to),
                "bytes": entry.object.bytes().len(),
                "state": entry.dates().map(|(from, to)| state(from, to, at)),
            })
        }
    };
    if let Some(fields) = value.as_object_mut() {
        fields.insert("url".into(), json!(entry.url));
        fields.insert("certificate".into(), json!(entry.certificate.subject().to_string()));
        fields.insert("stored".into(), json!(entry.stored));
        fields.insert("used".into(), json!(entry.used));
        fields.insert("prefetch".into(), json!(entry.prefetch));
        fields.insert("response".into(), json!(entry.response));
        fields.insert("file".into(), json!(entry.key()));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_fresh_up_to_and_including_its_next_update() {
        let t = Instant::from_millis;
        assert_eq!(state(t(10), Some(t(20)), t(9)), "not yet valid");
        assert_eq!(state(t(10), Some(t(20)), t(10)), "fresh");
        assert_eq!(state(t(10), Some(t(20)), t(20)), "fresh");
        assert_eq!(state(t(10), Some(t(20)), t(21)), "stale");
        assert_eq!(state(t(10), None, t(i64::MAX)), "fresh");
    }

    #[test]
    fn what_a_prefetch_came_to_is_said_with_its_number() {
        let said = [0, 13, 2250, 4304, 4350, 0x8019_0194, 12007].map(result_words);
        insta::assert_snapshot!(said.join("\n"), @r"
        nothing was tried yet (0)
        what came was of no use (13)
        the machine had no network (2250)
        off, for OCSP was offline (4304, 0x10D0)
        the content is unchanged (4350)
        HTTP status 404
        error 12007
        ");
    }
}
