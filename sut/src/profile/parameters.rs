//! The parameters of the Windows model and their values for 2008 R2.
//!
//! "§" refers to the fact sheet, whose facts `docs/src/reference/windows.md` restates.

use std::collections::BTreeMap;

use revlab_lab::Span;

use super::parameter::{Evidence, Info, Setting, Value, ValueError, parameters, policy};

policy! {
    /// What an OCSP failure on the wire does to the CRL in the same pass.
    SkipCrl {
        /// The CRL is asked for, as documented.
        Never = "never",
        /// The CRL is not asked for.
        Always = "always",
        /// Not asked for when an existing entry is being refreshed; asked for when the entry is new.
        RefreshOnly = "refresh_only",
    }
}

policy! {
    /// Whether an OCSP failure on the wire writes an offline mark on the base CRL's entry.
    OcspErrorMark {
        /// It marks its own URL only.
        None = "none",
        /// It marks the entry when it also made the pass skip the CRL.
        WhenSkipped = "when_skipped",
        /// It always marks the entry, for later passes.
        Always = "always",
    }
}

policy! {
    /// When the base CRL is tried again after a pass that skipped it.
    BaseRetry {
        /// As soon as it is needed and no mark forbids it.
        OnNeed = "on_need",
        /// Only in a pass that has to fetch a delta as well.
        WithDelta = "with_delta",
        /// Only after the nextUpdate of the delta: until then the verdict is repeated.
        AfterDeltaNextUpdate = "after_delta_next_update",
    }
}

policy! {
    /// What shares one entry of the memory cache.
    EntryScope {
        /// Each certificate has its own.
        Certificate = "certificate",
        /// All certificates of an issuer share one.
        Issuer = "issuer",
        /// All certificates with the same distribution point URLs share one.
        UrlSet = "url_set",
    }
}

policy! {
    /// What a delta with a lower number than the base means.
    OlderDelta {
        /// It adds nothing: the base alone decides.
        Ignored = "ignored",
        /// It counts as missing.
        Missing = "missing",
    }
}

policy! {
    /// What a missing or expired delta means when the base is valid.
    ExpiredDelta {
        /// The check is offline.
        Offline = "offline",
        /// The base alone decides.
        BaseOnly = "base_only",
    }
}

parameters! {
    /// User-Agent of retrievals.
    Reported "§2.8, the incident's CA log"
    user_agent: String = "Microsoft-CryptoAPI/6.1".into();

    /// Whether OCSP is spoken at all.
    Documented "§2.1, ee619736"
    ocsp_client: bool = true;

    /// With this many cached OCSP answers of an issuer its CRL goes before OCSP; 4294967295
    /// (0xFFFFFFFF): the CRL always goes first (CryptnetCachedOcspSwitchToCrlCount).
    Documented "§2.2, ee619783 and SDK header"
    switch_to_crl_count: u32 = 50;

    /// Whether the CRL is asked for when every OCSP URL has failed.
    Documented "§2.1, ee619723"
    ocsp_failover_to_crl: bool = true;

    /// OCSP requests go by GET when the whole URL has at most this many bytes, else by POST.
    Documented "§2.8, RFC 5019 §5"
    ocsp_get_url_limit: u32 = 255;

    /// Whether an OCSP GET that failed is tried again by POST. Off unless a hypothesis says so.
    Inferred "§7.3, H2"
    ocsp_post_after_get: bool = false;

    /// Time for one URL (ChainUrlRetrievalTimeoutMilliseconds).
    Documented "§2.2, SDK header"
    url_timeout: Span = Span::from_secs(15);

    /// Time for a whole check (ChainRevAccumulativeUrlRetrievalTimeoutMilliseconds); a URL may use
    /// half of what remains.
    Documented "§2.3, CertGetCertificateChain"
    accumulative_timeout: Span = Span::from_secs(20);

    /// Local work before each retrieval, such as proxy detection.
    Inferred "§7.2 no. 7: 5 to 7 s fit the incident's log; 0 unless the scenario says so"
    per_retrieval_overhead: Span = Span::ZERO;

    /// Whether that overhead counts against the time of the URL and of the check.
    Inferred "§7.3, H2"
    overhead_in_budget: bool = false;

    /// Whether checks that need the same object at once share one retrieval.
    Reported "§1.2, kb2831238: the hotfix makes later callers wait and share"
    share_retrievals: bool = true;

    /// Whether the Cryptnet URL cache service renews disk cache entries before they expire.
    Documented "§2.5, ee619723"
    prefetch: bool = true;

    /// The prefetch window opens this fraction of the period after the next publication
    /// (AfterPublishPreFetchDivisor).
    Documented "§2.2, SDK header"
    prefetch_after_publish_divisor: u32 = 10;

    /// The prefetch window closes this fraction of the period before nextUpdate
    /// (BeforeNextUpdatePreFetchDivisor).
    Documented "§2.2, SDK header"
    prefetch_before_next_update_divisor: u32 = 20;

    /// A shorter window is not used (MinBeforeNextUpdatePreFetchSeconds).
    Documented "§2.5, CRL semantics page"
    prefetch_min_window: Span = Span::from_hours(1);

    /// Whether a CRL that was fetched because every OCSP URL had failed is left out of prefetch
    /// (0x10D0, ERROR_MEDIA_OFFLINE).
    Documented "§2.5, ee619723"
    prefetch_skip_after_ocsp_failure: bool = true;

    /// How long after a prefetch that brought nothing new the next one is made
    /// (AfterCurrentTimePreFetchPeriod).
    Documented "§2.2, SDK header; that it is the retry interval is inferred"
    prefetch_retry: Span = Span::from_mins(30);

    /// Time for one URL in prefetch (PreFetchRetrievalTimeout).
    Documented "§2.2, SDK header"
    prefetch_timeout: Span = Span::from_mins(5);

    /// What a missing or expired delta means when the base is valid.
    Documented "§2.6; whether every version is that strict is of low confidence"
    expired_delta_policy: ExpiredDelta = ExpiredDelta::Offline;

    /// What a delta with a lower number than the base means: a base that was published since.
    Inferred "§2.6: a published health check calls it a warning"
    older_delta: OlderDelta = OlderDelta::Ignored;

    /// Whether a delta is only fetched when the base is valid.
    Inferred "§7.1, from O6: the delta was fetched while the base was stale"
    delta_requires_valid_base_to_fetch: bool = false;

    /// Whether a new base makes the engine fetch the delta anew.
    Inferred "§7.1: the delta's entry is keyed by the base"
    new_base_forces_delta_fetch: bool = true;

    /// How long after its nextUpdate a CRL is still taken for valid; 0: not at all (policy "allow
    /// … to be valid longer", 12 h when on).
    Documented "§2.2, SDK header; off by default is inferred"
    crl_validity_extension: Span = Span::ZERO;

    /// What shares one entry of the memory cache.
    Inferred "§8 no. 9"
    entry_scope: EntryScope = EntryScope::Certificate;

    /// How long a failed OCSP URL is not tried again.
    Inferred "§7.1: free, 6 h is a placeholder that must exceed about 1 h"
    ocsp_offline_memory: Span = Span::from_hours(6);

    /// How long a failed CRL URL is not tried again.
    Inferred "§2.3: that failures are remembered is documented, for how long is not; free"
    crl_offline_memory: Span = Span::from_mins(1);

    /// How long an offline mark keeps the base CRL's entry from being retrieved.
    Inferred "§7.1: free, start with 3600 s"
    entry_offline_delay: Span = Span::from_secs(3600);

    /// What an OCSP failure on the wire does to the CRL in the same pass.
    Inferred "§7.3: the defect"
    skip_crl_on_ocsp_wire_error: SkipCrl = SkipCrl::Never;

    /// Whether an OCSP failure on the wire writes an offline mark on the base CRL's entry.
    Inferred "§7.3: the defect"
    ocsp_error_mark: OcspErrorMark = OcspErrorMark::None;

    /// When the base CRL is tried again after a pass that skipped it.
    Inferred "§7.3, H4 and H5"
    base_retry: BaseRetry = BaseRetry::OnNeed;

    /// Whether a certificate new to the process makes it try OCSP although a valid CRL is cached.
    Inferred "§7.3, H1c; contradicts the documented order of §2.1"
    ocsp_before_cached_crl: bool = false;

    /// Whether setting ChainCacheResyncFiletime lifts offline marks too.
    Inferred "§7.3: unknown; that it makes cached objects be ignored is documented (§2.4)"
    resync_lifts_offline_marks: bool = false;

    /// Whether a resumed TLS session is let in without a check.
    Inferred "§3.3, medium to high confidence"
    resumption_skips_revocation: bool = true;

    /// How long a TLS session can be resumed (ServerCacheTime).
    Documented "§3.3, TLS registry settings"
    tls_session_lifetime: Span = Span::from_hours(10);
}

impl Parameters {
    /// What KB2666300 is taken to change: the CDP list is never skipped because of OCSP, and an
    /// OCSP failure marks nothing but its URL. Inferred (§7.3, "Default for the harness").
    pub(super) fn apply_kb2666300(&mut self) {
        self.skip_crl_on_ocsp_wire_error = SkipCrl::Never;
        self.ocsp_error_mark = OcspErrorMark::None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_can_be_set_by_its_name_and_shows_what_was_set() {
        let mut p = Parameters::windows_2008r2();
        p.set("ocsp_offline_memory", Value::Text("90m")).unwrap();
        p.set("entry_scope", Value::Text("issuer")).unwrap();
        p.set("switch_to_crl_count", Value::Integer(4_294_967_295)).unwrap();
        let shown = p.describe();
        assert_eq!(shown["ocsp_offline_memory"], "1h 30m");
        assert_eq!(shown["entry_scope"], "issuer");
        assert_eq!(shown["switch_to_crl_count"], 4_294_967_295u32);
        assert_eq!(shown.len(), Parameters::ALL.len());
    }

    #[test]
    fn a_bad_value_says_what_would_be_right() {
        let mut p = Parameters::windows_2008r2();
        let error = p.set("entry_scope", Value::Text("planet")).unwrap_err();
        assert_eq!(error.to_string(), "one of `certificate`, `issuer`, `url_set` is needed");
        assert!(p.set("prefetch", Value::Integer(1)).is_err());
        assert!(p.set("url_timeout", Value::Text("-5s")).is_err());
        assert!(matches!(p.set("prefetsch", Value::Boolean(true)), Err(ValueError::Unknown(_))));
    }
}
