//! The parameters of the model. Their values, and what these rest on, are in `sut/profiles/`.
//!
//! "§" refers to the fact sheet, whose facts `docs/src/reference/windows.md` restates.

use std::collections::BTreeMap;

use revlab_lab::Span;

use super::parameter::{Info, Setting, Value, ValueError, parameters, policy};

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

policy! {
    /// What the time of the next publication (Next CRL Publish) means while a CRL is still valid.
    RefetchAfterNextPublish {
        /// Nothing: prefetch counts from thisUpdate.
        Off = "off",
        /// Prefetch looks for a newer one.
        Prefetch = "prefetch",
        /// The next check asks for a newer base; if there is none to be had the old one counts.
        OnDemand = "on_demand",
    }
}

policy! {
    /// Which certificates of a chain are checked.
    CheckScope {
        /// Every one but the root.
        Chain = "chain",
        /// The client's alone.
        Leaf = "leaf",
    }
}

policy! {
    /// What a CRL with an issuing distribution point (RFC 5280 §5.2.5) is used for.
    CrlScopes {
        /// Nothing: a critical extension that is not looked at.
        Refused = "refused",
        /// Its kind of certificates counts, and where it names a place, a URL of the certificate's,
        /// without regard to case. One for some reasons or for other issuers is not used.
        Urls = "urls",
        /// All that RFC 5280 §6.3.3 (b) to (e) says.
        Full = "full",
    }
}

policy! {
    /// Whose signature a CRL may bear.
    CrlSigner {
        /// The key's that signed the certificate.
        Issuer = "issuer",
        /// Also another's that the anchor of the certificate vouches for (RFC 5280 §6.3.3 (f)).
        Authorized = "authorized",
    }
}

policy! {
    /// Whether OCSP is asked after a CRL that goes before it was not to be had.
    OcspAfterCrl {
        /// Always.
        Always = "always",
        /// Not when a CRL came and was refused.
        UnlessRefused = "unless_refused",
        /// Never.
        Never = "never",
    }
}

policy! {
    /// What becomes of the nonce of OCSP (RFC 9654).
    OcspNonce {
        /// None is sent, and none is looked at.
        Ignored = "ignored",
        /// None is sent; of a request that bears one the answer must bear it too.
        Checked = "checked",
        /// Each request bears one, and the answer must bear it too.
        Sent = "sent",
    }
}

policy! {
    /// What becomes of an OCSP response that a server has stapled.
    StapleUse {
        /// It is not looked at.
        Ignore = "ignore",
        /// Where it is valid it decides; otherwise the other sources are asked.
        Use = "use",
        /// It decides, and without a valid one the check is offline.
        Require = "require",
    }
}

parameters! {
    /// What becomes of an OCSP response that a server has stapled to its certificate (RFC 6066 §8).
    staple: StapleUse;

    /// Whether those are heard too that came with the certificates above the server's (RFC 8446 §4.4.2.1).
    staple_chain: bool;

    /// Whether a certificate that demands a stapled response (RFC 7633) is refused without a valid one.
    must_staple: bool;

    /// User-Agent of retrievals.
    user_agent: String;

    /// Whether OCSP is spoken at all.
    ocsp_client: bool;

    /// Whether CRLs are asked for at all.
    crl_client: bool;

    /// Which certificates of the chain are checked.
    check_scope: CheckScope;

    /// Whether the server checks revocation at all (netsh verifyclientcertrevocation).
    verify_revocation: bool;

    /// Whether a check keeps to what is cached and asks no network (netsh
    /// verifyrevocationwithcachedclientcertonly).
    cached_only: bool;

    /// With this many cached OCSP answers of an issuer its CRL goes before OCSP; 4294967295
    /// (0xFFFFFFFF): the CRL always goes first (CryptnetCachedOcspSwitchToCrlCount).
    switch_to_crl_count: u32;

    /// With this many OCSP answers in the account's disk cache for certificates that share a CRL, that
    /// CRL alone is asked and OCSP not even after it; 4294967295 (0xFFFFFFFF): OCSP is never asked
    /// after a CRL (CryptnetMaxCachedOcspPerCrlCount).
    max_ocsp_per_crl: u32;

    /// Whether OCSP is asked after a CRL that went before it was not to be had.
    ocsp_after_crl: OcspAfterCrl;

    /// Whether the first source that knows the certificate decides; otherwise CRLs that are at hand
    /// are heard behind a responder that says good, and a revocation in any of them counts.
    first_source_decides: bool;

    /// Whether `unknown` of a responder counts as good; otherwise the next source is asked.
    unknown_is_good: bool;

    /// What becomes of the nonce of OCSP (RFC 9654).
    ocsp_nonce: OcspNonce;

    /// Whether a delegated responder's certificate without id-pkix-ocsp-nocheck must be proven not
    /// revoked by a CRL at hand (RFC 6960 §4.2.2.2.1).
    responder_checked: bool;

    /// Whether a delegated responder is believed whose own certificate names a CRL or a responder.
    responder_with_source: bool;

    /// What a CRL with an issuing distribution point is used for.
    crl_scope: CrlScopes;

    /// Whose signature a CRL may bear.
    crl_signer: CrlSigner;

    /// Whether CRLs of version 1 are used, which have neither a number nor a key identifier.
    crl_version_1: bool;

    /// Whether a CRL or an OCSP answer without nextUpdate is current for ever; otherwise never.
    without_next_update: bool;

    /// Whether a CRL that has expired still counts against the certificates that it lists.
    expired_crl_revokes: bool;

    /// Whether a current delta brings an expired base up to date, where artefacts are given
    /// (`revlab verify`); the model fetches a new base.
    delta_renews_base: bool;

    /// Whether signatures with MD5 or SHA-1 count, on certificates, CRLs and OCSP answers.
    weak_signatures: bool;

    /// Whether a client's certificate must be for client authentication (netsh usagecheck).
    usage_check: bool;

    /// Whether the extended key usage of a CA limits what is below it.
    usage_is_nested: bool;

    /// Whether the root's own validity and constraints count.
    anchor_checked: bool;

    /// Whether the CRL is asked for when every OCSP URL has failed.
    ocsp_failover_to_crl: bool;

    /// OCSP requests go by GET when the whole URL has at most this many bytes, else by POST.
    ocsp_get_url_limit: u32;

    /// Whether a GET to an OCSP URL that ends in `/` has two of them before the request.
    ocsp_get_double_slash: bool;

    /// Whether an OCSP GET that failed is tried again by POST. Off unless a hypothesis says so.
    ocsp_post_after_get: bool;

    /// Time for one URL (ChainUrlRetrievalTimeoutMilliseconds).
    url_timeout: Span;

    /// Time for a whole check (ChainRevAccumulativeUrlRetrievalTimeoutMilliseconds); a URL may use
    /// half of what remains. 0: each URL has its own time, and the check as many as it needs.
    accumulative_timeout: Span;

    /// Time for one URL as the binding gives it (netsh urlretrievaltimeout); 0: `url_timeout` counts.
    binding_url_timeout: Span;

    /// A cached CRL that was stored longer ago than this is fetched anew though it is valid (netsh
    /// revocationfreshnesstime with CertCheckMode 4); 0: only when it has expired.
    revocation_freshness_time: Span;

    /// Whether CRLs are read from `file://` URLs.
    file_urls: bool;

    /// Whether anything is retrieved from `https://` URLs.
    https_urls: bool;

    /// How long a retrieval goes on behind a check that has given it up; what it brings serves later
    /// checks. 0: it ends with the check's patience.
    background_retrieval: Span;

    /// A longer answer to a retrieval is refused, in octets (MaxUrlRetrievalByteCount).
    max_object_size: u32;

    /// Whether an issuer that neither the peer nor a store has is fetched from the URLs of caIssuers.
    aia_issuers: bool;

    /// How many of these URLs of a certificate are looked at (MaxAIAUrlCountInCert).
    aia_max_urls: u32;

    /// How many such retrievals are made for a chain (MaxAIAUrlRetrievalCountPerChain).
    aia_max_retrievals: u32;

    /// A longer answer to one is refused, in octets (MaxAIAUrlRetrievalByteCount).
    aia_max_bytes: u32;

    /// An answer with more certificates is refused (MaxAIAUrlRetrievalCertCount).
    aia_max_certificates: u32;

    /// Whether cross-certificates are fetched from where a certificate on the way up says that they are
    /// (Microsoft's extension 1.3.6.1.4.1.311.10.9.1).
    cross_certificates: bool;

    /// How long after that they are not fetched again, where the certificate names no time of its own
    /// (CrossCertDownloadIntervalHours). 0: they are fetched for each check.
    cross_cert_download_interval: Span;

    /// Local work before each retrieval, such as proxy detection.
    per_retrieval_overhead: Span;

    /// Whether that overhead counts against the time of the URL and of the check.
    overhead_in_budget: bool;

    /// Whether checks that need the same object at once share one retrieval.
    share_retrievals: bool;

    /// Whether the Cryptnet URL cache service renews disk cache entries before they expire.
    prefetch: bool;

    /// The prefetch window opens this fraction of the period after the next publication
    /// (AfterPublishPreFetchDivisor).
    prefetch_after_publish_divisor: u32;

    /// The prefetch window closes this fraction of the period before nextUpdate
    /// (BeforeNextUpdatePreFetchDivisor).
    prefetch_before_next_update_divisor: u32;

    /// A shorter window is not used (MinBeforeNextUpdatePreFetchSeconds).
    prefetch_min_window: Span;

    /// Whether a CRL that was fetched because every OCSP URL had failed is left out of prefetch
    /// (0x10D0, ERROR_MEDIA_OFFLINE).
    prefetch_skip_after_ocsp_failure: bool;

    /// So often the Cryptographic Services look for what is due (PreFetchTriggerPeriod), and prefetch it
    /// then. 0: at its very moment.
    prefetch_trigger_period: Span;

    /// Whether CRLs whose URLs are listed for it (`crl_prefetch` of a machine) are renewed by a rule of
    /// their own (key CrlPreFetch), whether anything uses them or not.
    crl_prefetch: bool;

    /// A listed CRL is asked for again when it is so old (MaxAgeSeconds).
    crl_prefetch_max_age: Span;

    /// A listed CRL is asked for again so long before its nextUpdate (PublishBeforeNextUpdateSeconds).
    crl_prefetch_before_next_update: Span;

    /// And up to so long before that, at random (PublishRandomIntervalSeconds).
    crl_prefetch_random: Span;

    /// It is asked for again no sooner than after this time, also once it has expired (the minimal periods
    /// before and after nextUpdate).
    crl_prefetch_min_period: Span;

    /// The retrieval of a listed CRL may take so long (TimeoutSeconds).
    crl_prefetch_timeout: Span;

    /// How long after a prefetch that brought nothing new the next one is made
    /// (AfterCurrentTimePreFetchPeriod).
    prefetch_retry: Span;

    /// Prefetch that has come to nothing goes on after the object's nextUpdate, each time after this
    /// fraction of its validity (ValidityPeriodAfterNextUpdatePreFetchDivisor). 0: it does not.
    prefetch_after_expiry_divisor: u32;

    /// But not more often (MinAfterNextUpdatePreFetchPeriod).
    prefetch_after_expiry_min: Span;

    /// And not less often than this (MaxAfterNextUpdatePreFetchPeriod).
    prefetch_after_expiry_max: Span;

    /// What the time of the next publication means while a CRL is still valid.
    refetch_after_next_publish: RefetchAfterNextPublish;

    /// What a web server says in max-age counts for at least this long; when it is over, prefetch asks
    /// whether there is something new (CryptnetPreFetchMinMaxAgeSeconds).
    prefetch_min_max_age: Span;

    /// And for at most this long (CryptnetPreFetchMaxMaxAgeSeconds).
    prefetch_max_max_age: Span;

    /// How long after its expiry an object that prefetch does not keep stays on disk
    /// (CryptnetDefaultFlushExemptSeconds).
    disk_flush_exempt: Span;

    /// Time for one URL in prefetch (PreFetchRetrievalTimeout).
    prefetch_timeout: Span;

    /// What a missing or expired delta means when the base is valid.
    expired_delta_policy: ExpiredDelta;

    /// What a delta with a lower number than the base means: a base that was published since.
    older_delta: OlderDelta;

    /// Whether a delta is only fetched when the base is valid.
    delta_requires_valid_base_to_fetch: bool;

    /// Whether a new base makes the engine fetch the delta anew.
    new_base_forces_delta_fetch: bool;

    /// How long after its nextUpdate a CRL is still taken for valid; 0: not at all (policy "allow
    /// … to be valid longer", 12 h when on).
    crl_validity_extension: Span;

    /// How far back the thisUpdate of an OCSP answer may lie, whatever its nextUpdate; 0: as far as it
    /// likes.
    ocsp_max_age: Span;

    /// How far the machine's clock may be off: by so much an object counts before its thisUpdate and
    /// after its nextUpdate.
    clock_skew_tolerance: Span;

    /// What shares one entry of the memory cache.
    entry_scope: EntryScope;

    /// How long a failed OCSP URL is not tried again.
    ocsp_offline_memory: Span;

    /// How long a failed CRL URL is not tried again.
    crl_offline_memory: Span;

    /// By how much such a time grows with each further failure in a row: 1: not at all, 2: it doubles.
    offline_growth: u32;

    /// The longest that it grows to.
    offline_growth_limit: Span;

    /// Whether a check that meets an offline mark makes it last anew.
    offline_rearm_on_read: bool;

    /// How long a URL of either kind that failed is not tried again, if that is longer; 0: no longer.
    /// Up to 8 h have been claimed.
    negative_cache: Span;

    /// Whether that is kept with the account's disk cache: it then holds for every process of the
    /// account, outlives a reboot, and is deleted with that cache.
    negative_cache_survives_reboot: bool;

    /// How long an offline mark keeps the base CRL's entry from being retrieved.
    entry_offline_delay: Span;

    /// What an OCSP failure on the wire does to the CRL in the same pass.
    skip_crl_on_ocsp_wire_error: SkipCrl;

    /// Whether an OCSP failure on the wire writes an offline mark on the base CRL's entry.
    ocsp_error_mark: OcspErrorMark;

    /// When the base CRL is tried again after a pass that skipped it.
    base_retry: BaseRetry;

    /// Whether a certificate new to the process makes it try OCSP although a valid CRL is cached.
    ocsp_before_cached_crl: bool;

    /// Whether setting ChainCacheResyncFiletime makes cached objects be ignored.
    chain_cache_resync: bool;

    /// Whether setting ChainCacheResyncFiletime lifts offline marks too.
    resync_lifts_offline_marks: bool;

    /// Whether a client is refused whose revocation could not be found out; otherwise it is let in
    /// (soft fail).
    offline_refuses: bool;

    /// Whether a client is refused whose chain names no source of revocation, or whose responder does
    /// not know it and nothing else does.
    no_source_refuses: bool;

    /// Whether a resumed TLS session is let in without a check.
    resumption_skips_revocation: bool;

    /// How long a TLS session can be resumed (ServerCacheTime).
    tls_session_lifetime: Span;

    /// How long a TLS session may lie unused before it cannot be resumed any more; 0: as long as it
    /// lives.
    tls_session_idle: Span;

    /// How long a connection that a client keeps open may lie unused before the server closes it
    /// (http.sys' connection time-out); 0: none is kept.
    connection_idle: Span;

    /// Whether a refusal closes the connection. Otherwise it stays open where the client keeps it, and
    /// each further request on it is refused in the same way, without another check.
    refusal_closes_connection: bool;
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
    use crate::profile::Sheet;

    fn sample() -> Parameters {
        Sheet::named("windows-2008r2").unwrap().parameters().clone()
    }

    #[test]
    fn every_parameter_can_be_set_by_its_name_and_shows_what_was_set() {
        let mut p = sample();
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
        let mut p = sample();
        let error = p.set("entry_scope", Value::Text("planet")).unwrap_err();
        assert_eq!(error.to_string(), "one of `certificate`, `issuer`, `url_set` is needed");
        assert!(p.set("prefetch", Value::Integer(1)).is_err());
        assert!(p.set("url_timeout", Value::Text("-5s")).is_err());
        assert!(matches!(p.set("prefetsch", Value::Boolean(true)), Err(ValueError::Unknown(_))));
    }
}
