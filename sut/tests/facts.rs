//! Each fact of the sheet (`docs/src/reference/windows.md`) that the engine models has a test, which
//! names the paragraph in its doc comment.

use std::fs;
use std::path::Path;

/// Paragraph, fact, test.
const FACTS: &[(&str, &str, &str)] = &[
    (
        "§1.1",
        "with the hotfix OCSP failures never keep the CRL away",
        "with_the_hotfix_a_good_client_is_never_refused",
    ),
    ("§1.2", "binding-recreated: checks are on again", "a_new_binding_has_its_defaults"),
    (
        "§1.2",
        "dedicated-crl-signer: failure after the switch to CRLs",
        "ocsp_does_not_follow_a_crl_that_was_refused",
    ),
    (
        "§1.2",
        "kb2831238: later callers wait and share",
        "checks_at_once_make_one_request_or_each_their_own_as_the_switch_says",
    ),
    (
        "§1.2",
        "kb884115: the download goes on behind the check",
        "on_2003_a_slow_crl_fails_the_check_and_serves_the_next",
    ),
    ("§1.2", "kb946401: file URLs are refused", "file_urls_are_passed_over_since_vista"),
    (
        "§1.2",
        "ocsp-url-trailing-slash: two slashes",
        "an_ocsp_url_that_ends_in_a_slash_gets_another",
    ),
    (
        "§1.2",
        "ocsp-count-500: OCSP is given up",
        "after_so_many_answers_for_a_crl_ocsp_is_given_up",
    ),
    (
        "§2.1",
        "time-valid objects in the caches go first",
        "a_second_check_finds_the_base_in_memory_and_asks_nobody",
    ),
    (
        "§2.1",
        "a CRL in the store goes before downloads",
        "a_crl_in_the_store_serves_where_the_network_does_not",
    ),
    (
        "§2.1",
        "OCSP is preferred to CRLs",
        "a_good_answer_admits_and_is_used_from_memory_until_its_next_update",
    ),
    (
        "§2.1",
        "OCSP URLs that policy adds go before those in AIA",
        "urls_added_by_policy_go_before_those_in_the_certificate",
    ),
    (
        "§2.1",
        "all OCSP URLs are tried before a CRL URL",
        "every_ocsp_url_is_asked_before_the_first_crl_url",
    ),
    (
        "§2.1",
        "many cached answers put the CRL first",
        "with_fifty_cached_answers_the_crl_goes_first",
    ),
    ("§2.1", "from the root side down", "the_issuing_ca_is_checked_before_the_client"),
    (
        "§2.1",
        "OCSP failure leads to the CRL",
        "without_fail_over_the_crl_is_not_asked_for_after_ocsp",
    ),
    (
        "§2.1",
        "fullName is compared, without regard to case",
        "a_point_is_matched_by_its_url_without_regard_to_case",
    ),
    (
        "§2.1",
        "onlySomeReasons is not honoured",
        "crls_for_some_reasons_add_up_by_the_rfc_and_not_for_windows",
    ),
    (
        "§2.1",
        "without nextUpdate a CRL never expires",
        "a_crl_without_next_update_never_expires_for_windows",
    ),
    (
        "§2.1",
        "a CRL is signed by the certificate's issuer",
        "a_crl_signer_of_its_own_counts_by_the_rfc_and_not_for_windows",
    ),
    (
        "§2.1",
        "a delegated OCSP signer is accepted",
        "a_delegated_responder_is_judged_by_its_certificate",
    ),
    ("§2.2", "ChainUrlRetrievalTimeoutMilliseconds", "no_url_gets_more_than_its_own_limit"),
    (
        "§2.2",
        "CryptnetCachedOcspSwitchToCrlCount 0xFFFFFFFF",
        "the_highest_switch_count_puts_the_crl_first_and_ocsp_last",
    ),
    ("§2.2", "CryptnetMaxCachedOcspPerCrlCount 0xFFFFFFFF", "ocsp_after_a_crl_can_be_ruled_out"),
    (
        "§2.2",
        "CRL_VALIDITY_EXT_PERIOD",
        "the_validity_extension_keeps_a_base_in_use_past_its_next_update",
    ),
    ("§2.2", "the MaxAIA values", "the_limits_of_the_fact_sheet_hold"),
    (
        "§2.2",
        "CrossCertDownloadIntervalHours",
        "cross_certificates_are_fetched_again_after_168_hours_and_not_before",
    ),
    (
        "§2.2",
        "ValidityPeriodAfterNextUpdatePreFetchDivisor",
        "after_the_expiry_prefetch_goes_on_less_often",
    ),
    ("§2.2", "MaxUrlRetrievalByteCount", "an_object_above_the_limit_is_refused"),
    (
        "§2.2",
        "AfterCurrentTimePreFetchPeriod",
        "a_prefetch_that_brought_nothing_new_is_repeated_every_half_hour",
    ),
    ("§2.3", "half of what remains of 20 s", "each_url_gets_half_of_what_remains"),
    ("§2.3", "20 s for the whole check", "the_links_of_a_chain_share_one_time_budget"),
    (
        "§2.3",
        "failures are remembered for a while",
        "a_failed_crl_url_is_left_alone_for_crl_offline_memory",
    ),
    (
        "§2.4",
        "memory is the process's, disk the account's",
        "with_memory_empty_the_base_comes_from_disk_and_then_stays_in_memory",
    ),
    ("§2.4", "the delta is an entry of its own", "a_delta_expires_and_is_renewed_without_the_base"),
    ("§2.4", "ChainCacheResyncFiletime", "a_resync_makes_older_objects_be_ignored_for_good"),
    (
        "§2.4",
        "certutil -urlcache delete reaches one account",
        "deleting_the_url_cache_reaches_one_account_and_no_memory",
    ),
    (
        "§2.4",
        "negative caching, unverified",
        "with_a_negative_cache_a_failed_url_is_left_alone_for_its_length",
    ),
    ("§2.5", "the window of prefetch", "the_moment_is_seeded_and_within_the_window"),
    ("§2.5", "windows of an hour and less are not used", "a_short_window_is_not_used"),
    (
        "§2.5",
        "0x10D0 after a failure of OCSP",
        "a_base_fetched_because_ocsp_had_failed_is_not_prefetched",
    ),
    (
        "§2.5",
        "unused objects stop being prefetched",
        "an_object_that_nobody_used_is_not_prefetched_again",
    ),
    (
        "§2.5",
        "Next CRL Publish, by the switch",
        "the_next_publication_is_heeded_as_the_switch_says",
    ),
    (
        "§2.5",
        "the status of an entry: 0, 13, 4350, others",
        "each_entry_keeps_what_its_last_prefetch_came_to",
    ),
    ("§2.5", "ETag after max-age", "when_max_age_is_over_the_server_is_asked_by_etag"),
    ("§2.5", "entries are flushed after 28 days", "an_expired_entry_is_flushed_after_28_days"),
    (
        "§2.6",
        "a delta that is pointed to is needed",
        "a_delta_that_cannot_be_had_means_offline_or_nothing_as_the_policy_says",
    ),
    (
        "§2.6",
        "d > b ≥ e",
        "a_delta_is_current_when_its_number_its_indicator_and_the_base_are_in_order",
    ),
    (
        "§2.6",
        "b < e: a newer base is looked for",
        "a_newer_base_that_is_found_makes_the_delta_current",
    ),
    (
        "§2.7",
        "CRYPT_E_REVOKED",
        "a_revoked_answer_refuses_even_where_the_crl_does_not_list_the_certificate",
    ),
    ("§2.7", "CRYPT_E_NO_REVOCATION_CHECK", "a_certificate_that_names_no_source_is_unknown"),
    ("§2.7", "the first bad index ends the check", "the_first_bad_link_ends_the_check"),
    (
        "§2.7",
        "weak signatures count as offline",
        "a_weakly_signed_crl_is_no_crl_where_the_policy_says_so",
    ),
    (
        "§2.8",
        "GET up to 255 bytes",
        "the_request_goes_by_get_up_to_255_bytes_of_url_and_by_post_beyond",
    ),
    ("§2.2", "PreFetchTriggerPeriod", "what_is_due_waits_for_the_next_trigger"),
    ("§2.2", "the key CrlPreFetch", "a_listed_crl_is_asked_for_after_its_age_and_in_time"),
    ("§2.4", "ERROR_NOT_CONNECTED", "without_a_network_nothing_is_asked_and_nothing_is_marked"),
    ("§2.5", "CRLs over LDAP", "a_directory_is_asked_in_its_place"),
    ("§2.8", "https URLs only by a flag", "https_urls_are_passed_over_without_a_flag"),
    ("§2.8", "User-Agent", "the_user_agent_is_the_one_that_is_set"),
    ("§3.1", "403.7", "no_client_certificate_is_403_7_and_no_check"),
    ("§3.1", "403.16 and 403.17", "a_bad_chain_is_refused_without_any_fetch"),
    ("§3.2", "verifyclientcertrevocation", "a_server_that_does_not_check_lets_the_revoked_in"),
    (
        "§3.2",
        "verifyrevocationwithcachedclientcertonly",
        "a_server_that_keeps_to_its_cache_asks_nobody",
    ),
    ("§3.2", "usagecheck", "usage_is_checked_unless_the_binding_says_otherwise"),
    ("§3.2", "revocationfreshnesstime", "a_valid_crl_is_fetched_anew_after_the_freshness_time"),
    ("§3.2", "urlretrievaltimeout", "the_binding_can_give_a_url_less_time"),
    (
        "§3.3",
        "resumed sessions are not checked",
        "a_resumed_session_skips_the_check_unless_the_parameter_says_otherwise",
    ),
    (
        "§3.3",
        "kept connections are not checked again",
        "a_request_on_a_kept_connection_is_let_in_without_a_check_also_when_the_crl_has_expired",
    ),
    (
        "§3.3",
        "connectionTimeout",
        "a_connection_ends_when_it_was_idle_for_its_time_and_with_its_machine_or_service",
    ),
    ("§5", "event 41 shows the failed check", "a_refusal_leaves_evidence_in_both_logs"),
];

/// The paragraphs that the engine models as a whole.
const MODELLED: [&str; 13] = [
    "§1.1", "§1.2", "§2.1", "§2.2", "§2.3", "§2.4", "§2.5", "§2.6", "§2.7", "§2.8", "§3.1", "§3.2",
    "§3.3",
];

/// All Rust text below a folder.
fn sources(folder: &Path, text: &mut String) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|e| e == "rs") {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

/// The doc comment of a test, as it stands before `#[test]`.
fn doc_of(text: &str, test: &str) -> Option<String> {
    let before = text.get(..text.find(&format!("fn {test}("))?)?;
    let mut lines = before.lines().rev().map(str::trim).filter(|line| !line.is_empty());
    let is_test = lines.next() == Some("#[test]");
    let doc: Vec<&str> = lines.take_while(|line| line.starts_with("///")).collect();
    is_test.then(|| doc.concat())
}

#[test]
fn every_fact_has_a_test_that_names_its_paragraph() {
    let mut text = String::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut text);
    for (paragraph, fact, test) in FACTS {
        let doc = doc_of(&text, test).unwrap_or_else(|| panic!("{paragraph}: no test `{test}`"));
        assert!(doc.contains(paragraph), "`{test}` does not name {paragraph}: {fact}");
    }
}

#[test]
fn every_paragraph_that_is_modelled_has_facts_and_is_on_the_page() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/reference/windows.md");
    let page = fs::read_to_string(page).unwrap();
    for paragraph in MODELLED {
        assert!(FACTS.iter().any(|(of, ..)| *of == paragraph), "{paragraph} has no fact");
    }
    for (paragraph, ..) in FACTS {
        assert!(page.contains(&format!("## {paragraph} ")), "{paragraph} is not on the page");
    }
}
