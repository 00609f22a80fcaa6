//! Each mistake that a scenario file can have, as the user sees it.

use insta::assert_snapshot;

use super::{Errors, from_text, load};

/// A scenario without a mistake, to which each test adds one.
pub(super) const GOOD: &str = r#"
format = 1
title = "good"
start = "2014-04-16T00:00:00Z"
duration = "24h"
[ca.issuing]
[sut.web]
profile = "windows-2008r2"
[clients.jmeter]
every = "10s"
"#;

/// What is said about the good scenario with `more` after it: the mistakes stand in `more`.
fn said(more: &str) -> String {
    errors(&format!("{GOOD}{more}")).to_string()
}

/// What is said, one line each.
fn lines(text: &str) -> String {
    errors(text).lines().join("\n")
}

fn errors(text: &str) -> Errors {
    from_text("x", text).expect_err("the scenario has a mistake")
}

/// The good scenario with one line of it replaced.
fn instead(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "{old}");
    lines(&GOOD.replace(old, new))
}

#[test]
fn a_time_of_which_nothing_is_left_when_it_is_divided() {
    let said =
        instead("every = \"10s\"", "every = \"10s\"\n[real_time]\ndivide = 86400\nnow = true");
    assert_snapshot!(said, @"x.toml:10:9: `every` of client `jmeter`: `10s` divided by `real_time.divide` is nothing");
}

#[test]
fn a_load_that_can_never_send_or_is_two_at_once_is_a_mistake() {
    let with = |load: &str| {
        let text = format!(
            "format = 1\ntitle = \"t\"\nstart = \"2024-03-01T00:00:00Z\"\nduration = \"1h\"\nca.issuing = {{}}\n\
             sut.web = {{}}\n[clients.users]\n{load}\n"
        );
        lines(&text)
    };
    let all = [
        "threads = 2",
        "every = \"1s\"\nthink = \"1s\"",
        "every = \"0s\"",
        "every = \"gaussian 10s\"",
        "think = \"5s..\"",
        "think = \"15s..5s\"",
        "every = \"1s\"\narrivals = \"even\"",
        "rate = \"0 per 1s\"",
        "rate = \"1000 per 1ms\"",
        "rate = []",
        "rate = [{ for = \"2h\", rate = \"0 per 1s\" }, { rate = \"2 per 1s\" }]",
        "rate = [{ rate = \"1 per 1s\" }, { rate = \"2 per 1s\" }]",
        "rate = [{ rate = \"1 per 1s\", to = \"2 per 1s\" }]",
        "rate = \"1 per 1s\"\nramp_up = \"3s\"",
        "every = \"1s\"\nthreads = 3\nbarrier = 4",
    ];
    let told: Vec<String> = all.map(with).into();
    assert_snapshot!(told.join("\n"), @r#"
    x.toml:7:10: client `users` needs `every`; such as `every = "10s"`, `think = "10s"` or `rate = "10 per 1s"`
    x.toml:9:9: `think` of client `users`: there is `every` already, and only one of them can be
    x.toml:8:9: `every` of client `users`: `0s` is not longer than zero
    x.toml:8:9: `every` of client `users`: `gaussian 10s` needs a mean and a deviation: `gaussian 10s, 2s`
    x.toml:8:9: `think` of client `users`: `5s..` needs both ends, such as `5s..15s`
    x.toml:8:9: `think` of client `users`: `15s..5s` ends below where it begins
    x.toml:9:12: `arrivals` of client `users`: only a `rate` has arrivals
    x.toml:8:8: `rate` of client `users`: nobody ever comes: one rate must be above 0 before the group ends
    x.toml:8:8: `rate` of client `users`: `1000 per 1ms` is more than 100 a millisecond
    x.toml:8:8: `rate` of client `users`: nobody ever comes: one rate must be above 0 before the group ends
    x.toml:8:8: `rate` of client `users`: nobody ever comes: one rate must be above 0 before the group ends
    x.toml:8:9: `rate` of client `users` needs `for`; such as `for = "10m"`
    x.toml:8:35: `to` of `rate` of client `users`: how long it takes must be said: add `for`
    x.toml:9:11: `ramp_up` of client `users`: a rate has stages instead: `{ rate = "0 per 1s", to = …, for = … }`
    x.toml:10:11: `barrier` of client `users`: nobody would ever pass it: there are 3 `threads`
    "#);
}

#[test]
fn the_good_scenario_has_no_mistake() {
    assert_eq!(from_text("x", GOOD).expect("no mistake").len(), 1);
}

#[test]
fn a_syntax_error_is_shown_where_it_stands() {
    assert_snapshot!(said("[fault.x\non = 1"), @r#"
    error: TOML syntax: unclosed table, expected `]`
      --> x.toml:11:9
       |
    11 | [fault.x
       |         ^
    "#);
    assert_snapshot!(said("[expect.x]\nwhy = \"a\"\nwhy = \"b\"\n"), @r#"
    error: TOML syntax: duplicate key
      --> x.toml:13:1
       |
    13 | why = "b"
       | ^^^
    "#);
}

#[test]
fn an_unknown_key_gets_the_nearest_name_or_the_list() {
    assert_snapshot!(said("[ca.issuing.crl]\nperod = \"1h\"\n"), @r#"
    error: unknown key `perod` in `crl` of CA `issuing`
      --> x.toml:12:1
       |
    12 | perod = "1h"
       | ^^^^^
       |
       = help: did you mean `period`?
    "#);
    assert_snapshot!(said("[network]\ncolour = 1\n"), @r#"
    error: unknown key `colour` in `network` of the scenario
      --> x.toml:12:1
       |
    12 | colour = 1
       | ^^^^^^
       |
       = help: valid keys: `round_trip`, `name_error`, `name_timeout`, `connect_timeout`
    "#);
    assert_snapshot!(said("[fualt.x]\n"), @r#"
    error: unknown key `fualt` in the scenario
      --> x.toml:11:2
       |
    11 | [fualt.x]
       |  ^^^^^
       |
       = help: did you mean `fault`?
    "#);
}

#[test]
fn a_wrong_type_says_what_is_needed_and_what_is_there() {
    assert_snapshot!(instead("every = \"10s\"", "every = 10"), @r#"x.toml:10:9: `every` of client `jmeter` must be a duration such as `"10s"`, or one that is drawn: `"5s..15s"`, `"gaussian 10s, 2s"`, `"poisson 10s"`, but is the number 10"#);
    assert_snapshot!(instead("[sut.web]", "[sut]\nweb = 3\n[sut.web2]"), @r#"
    x.toml:8:7: SUT `web` must be a table, but is the number 3; its keys: `adapter`, `profile`, `hypothesis`, `updates`, `parameters`, `under_test`, `host`, `ca`, `tls`, `http`, `clock`, `client_certificates`, `directory`, `staple`, `sends_issuers`, `stores`, `ocsp_urls`, `crl_prefetch`, `publisher`
    x.toml:9:6: none of the SUTs is under test; say `under_test = true` in one of them
    "#);
    assert_snapshot!(said("[ca.issuing.web]\ndouble_escaping = \"yes\""), @r#"
    error: `double_escaping` of `web` of CA `issuing` must be `true` or `false`, but is the text "yes"
      --> x.toml:12:19
       |
    12 | double_escaping = "yes"
       |                   ^^^^^
    "#);
    assert_snapshot!(said("[ca.issuing.aia]\nocsp = \"http://a/\""), @r#"
    error: `ocsp` of `aia` of CA `issuing` must be a list of texts, but is the text "http://a/"
      --> x.toml:12:8
       |
    12 | ocsp = "http://a/"
       |        ^^^^^^^^^^^
    "#);
}

#[test]
fn a_period_must_be_longer_than_zero() {
    assert_snapshot!(said("[ca.issuing.crl]\nperiod = \"-1h\"\ndelta_period = \"0s\"\n"), @r#"
    error: `period` of `crl` of CA `issuing`: `-1h` is not longer than zero
      --> x.toml:12:10
       |
    12 | period = "-1h"
       |          ^^^^^

    error: `delta_period` of `crl` of CA `issuing`: `0s` is not longer than zero
      --> x.toml:13:16
       |
    13 | delta_period = "0s"
       |                ^^^^
    "#);
    assert_snapshot!(instead("every = \"10s\"", "every = \"-10s\""), @"x.toml:10:9: `every` of client `jmeter`: `-10s` is negative");
    assert_snapshot!(instead("duration = \"24h\"", "duration = \"1mo\""), @"x.toml:5:12: `duration` of the scenario: `1mo` has no fixed length: months and years cannot be used, days and weeks can");
}

#[test]
fn an_unknown_actor_gets_the_nearest_name() {
    assert_snapshot!(instead("every = \"10s\"", "every = \"10s\"\nsut = \"wev1\"\nca = \"isuing\""), @r#"
    x.toml:11:7: there is no SUT `wev1`; did you mean `web`?
    x.toml:12:6: there is no CA `isuing`; did you mean `issuing`?
    "#);
    assert_snapshot!(said("[fault.x]\non = \"isuing.crl\"\ndown = {}\n"), @r#"
    error: there is no CA `isuing`
      --> x.toml:12:6
       |
    12 | on = "isuing.crl"
       |      ^^^^^^^^^^^^
       |
       = help: did you mean `issuing`?
    "#);
    assert_snapshot!(said("[fault.x]\non = \"issuing.bse\"\ndown = {}\n"), @r#"
    error: `on` of fault `x` cannot be `bse`
      --> x.toml:12:6
       |
    12 | on = "issuing.bse"
       |      ^^^^^^^^^^^^^
       |
       = help: did you mean `base`?
    "#);
    assert_snapshot!(said("[operation.x]\non = \"wbe\"\nat = \"1h\"\nreboot = {}\n"), @r#"
    error: there is no SUT or validator `wbe`
      --> x.toml:12:6
       |
    12 | on = "wbe"
       |      ^^^^^
       |
       = help: did you mean `web`?
    "#);
    assert_snapshot!(said("[operation.x]\non = \"issuing\"\nat = \"1h\"\nreboot = {}\n"), @r#"
    error: `issuing` is a CA; a SUT or validator is needed
      --> x.toml:12:6
       |
    12 | on = "issuing"
       |      ^^^^^^^^^
       |
       = help: there are: `web`
    "#);
}

#[test]
fn an_expectation_on_a_client_that_does_not_exist_is_a_mistake() {
    assert_snapshot!(
        said("[expect.x]\nattempts = { share = \"all\", outcome = \"admitted\", clients = [\"jmetr\"] }\n"), @r#"
    error: there is no client `jmetr`
      --> x.toml:12:62
       |
    12 | attempts = { share = "all", outcome = "admitted", clients = ["jmetr"] }
       |                                                              ^^^^^^^
       |
       = help: did you mean `jmeter`?
    "#
    );
}

#[test]
fn an_identity_that_does_not_exist_is_a_mistake() {
    let revoke = |who: &str| {
        lines(&format!(
            "{GOOD}[operation.x]\non = \"issuing\"\nat = \"1h\"\nrevoke = {{ identity = \"{who}\" }}\n"
        ))
    };
    assert_snapshot!(revoke("jmeter-2"), @"x.toml:14:23: there is no identity `jmeter-2`; client `jmeter` has one: `jmeter-1`");
    assert_snapshot!(revoke("jmetr-1"), @"x.toml:14:23: there is no identity `jmetr-1`; did you mean `jmeter-1`?");
    assert_snapshot!(revoke("issuing"), @"x.toml:12:6: `on` of operation `x`: `issuing` did not issue the certificate of CA `issuing`: it is a root");
    assert_snapshot!(revoke("jmeter-01"), @"x.toml:14:23: there is no identity `jmeter-01`; did you mean `jmeter-1`?");
}

#[test]
fn a_window_or_an_instant_outside_the_run_is_a_mistake() {
    let outage = "episodes = { outcome = \"refused\" }";
    assert_snapshot!(said(&format!("[expect.x]\nto = \"25h\"\n{outage}\n")), @r#"
    error: `to` of expectation `x` is outside the run: 2014-04-17T01:00:00.000Z
      --> x.toml:12:6
       |
    12 | to = "25h"
       |      ^^^^^
       |
       = help: the run lasts 1d, from 2014-04-16T00:00:00.000Z to 2014-04-17T00:00:00.000Z
    "#);
    assert_snapshot!(lines(&format!("{GOOD}[expect.x]\nfrom = \"2014-04-15T00:00:00Z\"\n{outage}\n")), @"x.toml:12:8: `from` of expectation `x` is outside the run: 2014-04-15T00:00:00.000Z; the run lasts 1d, from 2014-04-16T00:00:00.000Z to 2014-04-17T00:00:00.000Z");
    assert_snapshot!(lines(&format!("{GOOD}[operation.x]\non = \"web\"\nat = \"24h\"\nreboot = {{}}\n")), @"x.toml:13:6: `at` of operation `x` is outside the run: 2014-04-17T00:00:00.000Z; the run lasts 1d, from 2014-04-16T00:00:00.000Z to 2014-04-17T00:00:00.000Z");
    assert_snapshot!(lines(&format!("{GOOD}[fault.x]\non = \"issuing\"\nfrom = \"23h\"\nfor = \"2h\"\ndown = {{}}\n")), @"x.toml:14:7: `for` of fault `x`: `2h` ends 2014-04-17T01:00:00.000Z, outside the run, which ends 2014-04-17T00:00:00.000Z");
}

#[test]
fn a_window_must_not_end_before_it_begins() {
    assert_snapshot!(said("[expect.x]\nfrom = \"3h\"\nto = \"2h\"\nlog = {}\n"), @r#"
    error: expectation `x`: `to` (2014-04-16T02:00:00.000Z) is not after `from` (2014-04-16T03:00:00.000Z)
      --> x.toml:13:6
       |
    13 | to = "2h"
       |      ^^^^
    "#);
}

#[test]
fn what_a_fault_cannot_do_is_said_where_it_stands() {
    let fault = |text: &str| lines(&format!("{GOOD}[fault.x]\non = \"issuing\"\n{text}\n"));
    assert_snapshot!(fault("name_slow = {}"), @r#"x.toml:13:1: `name_slow` of fault `x` needs `delay`; such as `delay = "3s"`"#);
    assert_snapshot!(fault("name_slow = { delay = \"0s\" }"), @"x.toml:13:23: `delay` of `name_slow` of fault `x`: `0s` is not longer than zero");
    assert_snapshot!(fault("name_wrong_address = { of = \"isuing\" }"), @"x.toml:13:29: there is no CA `isuing`; did you mean `issuing`?");
    assert_snapshot!(fault("name_wrong_address = { of = \"issuing\" }"), @"x.toml:12:6: `on` of fault `x`: `of` names the CA whose own address it is");
    assert_snapshot!(fault("https = { certificate = \"expird\" }"), @"x.toml:13:25: `certificate` of `https` of fault `x` cannot be `expird`; did you mean `expired`?");
    assert_snapshot!(fault("limit_data = {}"), @"x.toml:13:1: `limit_data` of fault `x` needs `bytes`; such as `bytes = 100`");
    assert_snapshot!(fault("wrong_length = { by = 0 }"), @"x.toml:13:23: `by` of `wrong_length` of fault `x`: 0 makes no length wrong");
    assert_snapshot!(fault("reset_peer = { at = \"request\", bytes = 1 }"), @"x.toml:13:40: `bytes` of `reset_peer` of fault `x`: `at` says already when it is reset; only one of them can be");
    assert_snapshot!(fault("redirect = { to = \"loop\", status = 304 }"), @"x.toml:13:36: `status` of `redirect` of fault `x`: only 301, 302, 303, 307 and 308 lead elsewhere");
    assert_snapshot!(fault("authenticate = { status = 403 }"), @"x.toml:13:27: `status` of `authenticate` of fault `x`: only 401 and 407 demand credentials");
    assert_snapshot!(fault("slicer = { average_size = 10, size_variation = 10 }"), @"x.toml:13:48: `size_variation` of `slicer` of fault `x`: it is not less than `average_size`");
    assert_snapshot!(fault("headers = {}"), @r#"x.toml:13:1: `headers` of fault `x` changes no header field; say `set = ["Cache-Control: max-age=31536000"]` or `remove = ["ETag"]`"#);
    assert_snapshot!(fault("headers = { set = [\"Age 5\", \"Content-Length: 5\"], remove = [\"a b\"] }"), @r"
    x.toml:13:20: `Age 5` is not a header field such as `Age: 3600`
    x.toml:13:29: `Content-Length` belongs to the framing of the answer; `wrong_length`, `broken_chunking`, `no_length` and `slow_close` change it
    x.toml:13:61: `a b` is not the name of a header field
    ");
    assert_snapshot!(fault("content_type = { content_type = \"a\\nb\" }"), @"x.toml:13:33: `content_type` of `content_type` of fault `x`: `a b` cannot stand in a header field");
    assert_snapshot!(fault("crl = { defect = \"expird\" }"), @"x.toml:13:18: `defect` of `crl` of fault `x` cannot be `expird`; did you mean `expired`?");
    assert_snapshot!(lines(&format!("{GOOD}[fault.x]\non = \"issuing.ocsp\"\ncrl = {{ defect = \"expired\" }}\n")), @"x.toml:12:6: `on` of fault `x`: `crl` can do nothing to this endpoint");
    assert_snapshot!(fault("latency = { latency = \"1s\", jiter = \"1s\" }"), @"x.toml:13:29: unknown key `jiter` in `latency` of fault `x`; did you mean `jitter`?");
}

#[test]
fn what_a_fault_cannot_select_is_said_where_it_stands() {
    let fault =
        |text: &str| lines(&format!("{GOOD}[fault.x]\non = \"issuing\"\ndown = {{}}\n{text}\n"));
    assert_snapshot!(fault("only = { url = \"ca.lab\", client = \"wep\", method = \"PUT\" }"), @r"
    x.toml:14:16: `url` of `only` of fault `x`: `ca.lab` is not an absolute URL such as `http://host/path`
    x.toml:14:35: there is no SUT or validator `wep`; did you mean `web`?
    x.toml:14:51: `method` of `only` of fault `x` cannot be `PUT`; it can be: `GET`, `HEAD`, `POST`
    ");
    assert_snapshot!(fault("only = { identity = \"jmeter-1\", serial = \"xyz\" }"), @r"
    x.toml:14:42: `serial` of `only` of fault `x`: `identity` says already which certificate; only one can be
    x.toml:14:42: `serial` of `only` of fault `x`: `xyz` is not a serial number in hex such as `1a2b3c`
    ");
    assert_snapshot!(fault("when = { every = 0, first = -1, probability = 1.5 }"), @r"
    x.toml:14:18: `every` of `when` of fault `x` must be a whole number from 1 on, but is the number 0
    x.toml:14:29: `first` of `when` of fault `x` must be a whole number from 0 on, but is the number -1
    x.toml:14:47: `probability` of `when` of fault `x`: a number from 0.0 to 1.0 is needed
    ");
    assert_snapshot!(fault("when = { probability = \"half\" }"), @"x.toml:14:24: `probability` of `when` of fault `x`: a number from 0.0 to 1.0 is needed");
}

#[test]
fn faults_of_a_ca_are_tables_with_names_of_their_own() {
    assert_snapshot!(lines(&format!("{GOOD}[ca.issuing.fault]\nx = {{ on = \"crl\", down = {{}} }}\n[fault.x]\non = \"issuing\"\ndown = {{}}\n")), @"x.toml:12:1: there is a fault `x` already; each fault needs a name of its own");
    assert_snapshot!(instead("[ca.issuing]", "[ca.issuing]\nfault = 1"), @"x.toml:7:9: `fault` of CA `issuing` must hold tables of faults by name");
    assert_snapshot!(lines(&format!("{GOOD}[ca.issuing.fault]\n\"a/b\" = {{ down = {{}} }}\ny = {{ on = \"clr\", down = {{}} }}\n")), @r"
    x.toml:12:1: `a/b` cannot name a fault: at most 64 ASCII letters, digits, `-` and `_` can
    x.toml:13:12: `on` of fault `y` cannot be `clr`; did you mean `crl`?
    ");
}

#[test]
fn what_a_validity_cannot_be_is_said_where_it_stands() {
    let ca =
        |text: &str| lines(&GOOD.replace("[ca.issuing]\n", &format!("[ca.issuing]\n{text}\n")));
    assert_snapshot!(ca("not_before = \"3h\""), @r#"x.toml:7:14: `not_before` of CA `issuing`: a time such as `"2014-04-16T10:51:34Z"` is needed, not one relative to the run, `3h`"#);
    assert_snapshot!(ca("not_before = \"2014-04-16T00:00:00Z\""), @"x.toml:7:14: `not_before` of CA `issuing`: 2014-04-16T00:00:00.000Z is not before the start of the run, 2014-04-16T00:00:00.000Z");
    assert_snapshot!(ca("age = \"1d\"\nnot_before = \"2014-01-01T00:00:00Z\""), @"x.toml:8:14: `not_before` of CA `issuing`: `age` says it already; only one of them can be");
    assert_snapshot!(ca("not_after = \"2013-01-01T00:00:00Z\""), @"x.toml:7:13: `not_after` of CA `issuing`: 2013-01-01T00:00:00.000Z is not after the begin, 2014-03-17T00:00:00.000Z");
}

#[test]
fn exactly_one_kind_must_be_said() {
    assert_snapshot!(said("[fault.x]\non = \"issuing\"\ndown = {}\ntimeout = {}\n"), @r#"
    error: fault `x` has both `down` and `timeout`
      --> x.toml:14:1
       |
    14 | timeout = {}
       | ^^^^^^^
       |
       = help: only one can be: give the other a table of its own
    "#);
    assert_snapshot!(said("[operation.x]\non = \"web\"\nat = \"1h\"\n"), @r#"
    error: operation `x` does not say what
      --> x.toml:11:12
       |
    11 | [operation.x]
       |            ^
       |
       = help: one of these is needed: `reboot`, `restart_service`, `urlcache_delete`, `delete_cache_files`, `chain_cache_resync`, `recreate_binding`, `disable_revocation_check`, `enable_revocation_check`, `disconnect`, `connect`, `add_to_store`, `verify_urlfetch`, `revoke`, `publish`, `reissue`, `release`, `skip`, `postpone`, `restore`, `renew`, `heal`, `swap_certificate`, `restore_certificate`, `clear_ssl_state`
    "#);
    assert_snapshot!(said("[expect.x]\nlog = {}\nexposure = { at_most = \"1h\" }\n"), @r#"
    error: expectation `x` has both `log` and `exposure`
      --> x.toml:13:1
       |
    13 | exposure = { at_most = "1h" }
       | ^^^^^^^^
       |
       = help: only one can be: give the other a table of its own
    "#);
}

#[test]
fn a_sketch_of_another_form_is_explained() {
    assert_snapshot!(lines(&format!("{GOOD}[expect.x]\nattempts = \"all\"\noutcome = \"admitted\"\n")), @r#"
    x.toml:12:12: `attempts` of expectation `x` must be a table, but is the text "all"; its keys: `share`, `outcome`, `code`, `substatus`, `by`, `clients`, `identity`
    x.toml:13:1: unknown key `outcome` in expectation `x`; valid keys: `why`, `shows`, `known`, `from`, `to`, `attempts`, `episodes`, `fetches`, `order`, `follows`, `checks`, `exposure`, `log`
    "#);
}

#[test]
fn an_overlap_must_not_be_longer_than_the_period() {
    assert_snapshot!(
        said("[ca.issuing.crl]\nperiod = \"1h\"\noverlap = \"2h\"\ndelta_period = \"none\"\n"), @r#"
    error: `overlap` of `crl` of CA `issuing`: `2h` is longer than `period` (`1h`)
      --> x.toml:13:11
       |
    13 | overlap = "2h"
       |           ^^^^
    "#
    );
    assert_snapshot!(said("[ca.issuing.crl]\nperiod = \"1h\"\n"), @r#"
    error: `period`: deltas every 1d come less often than bases, every 1h
      --> x.toml:12:10
       |
    12 | period = "1h"
       |          ^^^^
       |
       = help: set a shorter `delta_period`, or `delta_period = "none"` for no deltas
    "#);
}

#[test]
fn another_format_is_refused() {
    assert_snapshot!(instead("format = 1", "format = 2"), @"x.toml:2:10: `format` must be 1, but is the number 2; this revlab reads scenarios of format 1 only");
    assert_snapshot!(instead("format = 1", ""), @"x.toml:3:1: the scenario needs `format`; such as `format = 1`");
}

#[test]
fn a_scenario_needs_its_actors() {
    assert_snapshot!(lines("format = 1\ntitle = \"t\"\nstart = \"2014-04-16T00:00:00Z\"\nduration = \"1h\"\n"), @r#"
    x.toml:1:1: the scenario has no CA; add a table `[ca.NAME]`
    x.toml:1:1: the scenario has no SUT; add a table `[sut.NAME]`
    x.toml:1:1: the scenario has no client; add a table `[clients.NAME]`
    "#);
    assert_snapshot!(lines(""), @r#"
    x.toml:1:1: the scenario has no CA; add a table `[ca.NAME]`
    x.toml:1:1: the scenario has no SUT; add a table `[sut.NAME]`
    x.toml:1:1: the scenario has no client; add a table `[clients.NAME]`
    x.toml:1:1: the scenario needs `duration`; such as `duration = "24h"`
    x.toml:1:1: the scenario needs `format`; such as `format = 1`
    x.toml:1:1: the scenario needs `start`; such as `start = "2014-04-16T00:00:00Z"`
    x.toml:1:1: the scenario needs `title`; such as `title = "The CRL is not fetched again"`
    "#);
}

#[test]
fn exactly_one_sut_is_under_test() {
    assert_snapshot!(said("[sut.b]\n"), @r#"
    error: none of the SUTs is under test
      --> x.toml:11:6
       |
    11 | [sut.b]
       |      ^
       |
       = help: say `under_test = true` in one of them
    "#);
    assert_snapshot!(lines(&format!("{}[sut.b]\nunder_test = true\n", GOOD.replace("[sut.web]", "[sut.web]\nunder_test = true"))), @"x.toml:12:6: SUT `b` is a second SUT under test; only one can be; `web` is too");
    assert_snapshot!(instead("[sut.web]", "[sut.web]\nunder_test = false"), @"x.toml:8:14: `under_test` of SUT `web`: the only SUT must be under test");
}

#[test]
fn a_profile_and_what_changes_it_must_exist() {
    assert_snapshot!(instead("windows-2008r2", "windows-208r2"), @"x.toml:8:11: `profile` of SUT `web` cannot be `windows-208r2`; did you mean `windows-2008r2`?");
    let of = |line: &str| instead("[sut.web]", &format!("[sut.web]\n{line}"));
    assert_snapshot!(of("hypothesis = \"H9\""), @"x.toml:8:14: `hypothesis` of SUT `web` cannot be `H9`; it can be: `H0`, `H1a`, `H1b`, `H1c`, `H1d`, `H2`, `H4`, `H5`");
    assert_snapshot!(of("updates = [\"KB266630\"]"), @"x.toml:8:12: `updates` of SUT `web` cannot be `KB266630`; did you mean `KB2666300`?");
    assert_snapshot!(of("parameters = { ocsp_ofline_memory = \"6h\" }"), @"x.toml:8:16: there is no parameter `ocsp_ofline_memory`; did you mean `ocsp_offline_memory`?");
    assert_snapshot!(of("parameters = { ocsp_offline_memory = 6, entry_scope = \"all\" }"), @r#"
    x.toml:8:38: parameter `ocsp_offline_memory`: a duration such as `"6h"` is needed, but it is the number 6
    x.toml:8:55: parameter `entry_scope`: one of `certificate`, `issuer`, `url_set` is needed, but it is the text "all"
    "#);
}

#[test]
fn a_bad_url_code_count_or_share_says_what_would_be_right() {
    assert_snapshot!(lines(&format!("{GOOD}[ca.issuing.aia]\nocsp = [\"win/x.crt\"]\n")), @"x.toml:12:9: `ocsp` of `aia` of CA `issuing`: `win/x.crt` is not an absolute URL such as `http://host/path`");
    let expect = |kind: &str| lines(&format!("{GOOD}[expect.x]\n{kind}\n"));
    assert_snapshot!(expect("log = { code = \"0x8009201g\" }"), @"x.toml:12:16: `code` of `log` of expectation `x`: `0x8009201g` is not a code such as `0x80092013`");
    assert_snapshot!(expect("log = { count = \"many\" }"), @"x.toml:12:17: `count` of `log` of expectation `x`: `many` is not a count such as `>= 1`, `= 0` or `2..5`");
    assert_snapshot!(expect("attempts = { share = \"95\", outcome = \"refusd\" }"), @r#"
    x.toml:12:22: `share` of `attempts` of expectation `x`: `95` is not a share such as `all`, `none`, `>= 95%` or `<= 5%`
    x.toml:12:38: `outcome` of `attempts` of expectation `x` cannot be `refusd`; did you mean `refused`?
    "#);
    assert_snapshot!(expect("episodes = { outcome = \"refused\", length = \"2h..1h\" }"), @"x.toml:12:44: `length` of `episodes` of expectation `x`: `2h..1h` ends below where it begins");
    assert_snapshot!(expect("checks = { count = 1, share = \"all\" }"), @"x.toml:12:31: `share` of `checks` of expectation `x`: `count` says already how many; only one of them can be");
}

#[test]
fn a_name_that_cannot_be_a_file_name_is_refused() {
    assert_snapshot!(lines(&format!("{GOOD}[fault.\"../x\"]\n")), @"x.toml:11:8: `../x` cannot name a fault: at most 64 ASCII letters, digits, `-` and `_` can");
    assert_snapshot!(lines(&format!("{GOOD}[variant.\"a/b\"]\n")), @"x.toml:11:10: `a/b` cannot name a variant: at most 64 ASCII letters, digits, `-` and `_` can");
    assert_snapshot!(instead("[ca.issuing]", "[ca.web]"), @"x.toml:7:6: `web` already names a CA; each actor needs a name of its own");
}

#[test]
fn a_responder_answers_somewhere() {
    assert_snapshot!(said("[ca.issuing.responder]\n"), @r#"
    error: the responder answers at no URL
      --> x.toml:11:13
       |
    11 | [ca.issuing.responder]
       |             ^^^^^^^^^
       |
       = help: give it `at`, or the CA `aia.ocsp`
    "#);
}

#[test]
fn a_ca_above_itself_is_a_mistake() {
    assert_snapshot!(instead("[ca.issuing]", "[ca.root]\nparent = \"issuing\"\n[ca.issuing]\nparent = \"root\""), @r#"
    x.toml:7:10: CA `root` is above itself: its `parent` leads back to it; a CA without `parent` is a root
    x.toml:9:10: CA `issuing` is above itself: its `parent` leads back to it; a CA without `parent` is a root
    "#);
}

#[test]
fn removing_what_is_not_there_is_a_mistake() {
    assert_snapshot!(said("[expect.outage]\nlog = {}\n[variant.a]\nremove = [\"expect.outge\"]\n"), @r#"
    error: `remove` names `expect.outge`, which is not there
      --> x.toml:14:11
       |
    14 | remove = ["expect.outge"]
       |           ^^^^^^^^^^^^^^
       |
       = help: did you mean `outage`?
    "#);
    assert_snapshot!(lines(&format!("{GOOD}[variant.a]\nremove = [\"fault.x\"]\n")), @"x.toml:12:11: `remove` names `fault.x`, which is not there; there are: `format`, `title`, `start`, `duration`, `ca`, `sut`, `clients`");
}

#[test]
fn a_mistake_of_one_variant_says_so_unless_it_stands_in_its_table() {
    let text = format!(
        "{GOOD}[fault.x]\non = \"issuing\"\ndown = {{}}\n\
         [variant.a]\nfault.x.timeout = {{}}\n\
         [variant.b]\n\
         [variant.c]\nclients.other.every = \"1m\"\nremove = [\"sut.web\"]\ncolour = 1\n"
    );
    assert_snapshot!(lines(&text), @r#"
    x.toml:7:2: the scenario has no SUT (in variant `c`)
    x.toml:15:9: fault `x` has both `down` and `timeout`; only one can be: give the other a table of its own
    x.toml:20:1: unknown key `colour` in variant `c`; valid keys: `remove`, `title`, `description`, `tags`, `seed`, `start`, `duration`, `real_time`, `network`, `ca`, `sut`, `validator`, `clients`, `fault`, `operation`, `expect`
    "#);
}

#[test]
fn a_mistake_that_all_variants_share_is_reported_once() {
    let text = GOOD.replace("every = \"10s\"", "every = \"10\"");
    assert_snapshot!(lines(&format!("{text}[variant.a]\n[variant.b]\n")), @"x.toml:10:9: `every` of client `jmeter`: `10` is not a duration such as `90s`, `1h 30m` or `7d`");
}

#[test]
fn all_mistakes_are_reported_at_once_in_the_order_of_the_file() {
    let text = "format = 1\ntitle = 3\nstart = \"soon\"\nduration = \"24h\"\n\
                [clients.jmeter]\nevery = \"10s\"\nthreads = 0\nfrom = \"99d\"\n\
                [ca.issuing]\nkey = \"rsa1024\"\n\
                [sut.web]\ntls = \"1.1\"\n";
    assert_snapshot!(lines(text), @r#"
    x.toml:2:9: `title` of the scenario must be a text, but is the number 3
    x.toml:3:9: `start` of the scenario: `soon` is not a time such as `2014-04-16T10:51:34Z`
    x.toml:7:11: `threads` of client `jmeter` must be a whole number from 1 to 10000, but is the number 0
    x.toml:10:7: `key` of CA `issuing` cannot be `rsa1024`; it can be: `p256`, `p384`, `ed25519`, `rsa2048`, `rsa3072`, `rsa4096`, `rsa-pss`
    x.toml:12:7: `tls` of SUT `web` cannot be `1.1`; it can be: `1.2`, `1.3`
    "#);
}

#[test]
fn suites_and_sessions_that_cannot_be_are_said_where_they_stand() {
    let with = |more: &str| lines(&format!("{GOOD}{more}\n"));
    let sut_of_1_3 = GOOD.replace("[sut.web]", "[sut.web]\ntls = \"1.3\"");
    let of_1_3 = |more: &str| lines(&format!("{sut_of_1_3}[clients.j]\nevery = \"10s\"\n{more}\n"));
    assert_snapshot!(with("ciphers = [\"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA25\", \"TLS_AES_128_GCM_SHA256\"]"), @r#"
    x.toml:11:12: `ciphers` of client `jmeter` cannot be `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA25`; did you mean `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256`?
    x.toml:11:54: `ciphers` of client `jmeter`: `TLS_AES_128_GCM_SHA256` is no suite of TLS 1.2; it can be: `TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384`, `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256`, `TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256`, `TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384`, `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`, `TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256`
    "#);
    assert_snapshot!(with("ciphers = []"), @r#"x.toml:11:11: `ciphers` of client `jmeter`: without a suite there is no handshake"#);
    let chacha = "\"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256\"";
    assert_snapshot!(with(&format!("ciphers = [{chacha}, {chacha}]")), @r#"x.toml:11:59: `ciphers` of client `jmeter`: it is there twice"#);
    assert_snapshot!(of_1_3("ciphers = [\"TLS_AES_128_GCM_SHA265\"]"), @r#"x.toml:14:12: `ciphers` of client `j` cannot be `TLS_AES_128_GCM_SHA265`; did you mean `TLS_AES_128_GCM_SHA256`?"#);
    assert_snapshot!(with("resumed_by = \"id\"\nsessions = \"shared\""), @r#"
    x.toml:11:14: `resumed_by` of client `jmeter`: no session is taken up: add `session = "resumed"`
    x.toml:12:12: `sessions` of client `jmeter`: no session is taken up: add `session = "resumed"`
    "#);
    assert_snapshot!(with("keep_alive = true\nchoice = \"minted\""), @r#"x.toml:11:14: `keep_alive` of client `jmeter`: each attempt has a certificate of its own, and so a connection of its own: leave out `keep_alive`, or let `choice` be another"#);
    assert_snapshot!(with("http = \"3\""), @r#"x.toml:11:8: `http` of client `jmeter` cannot be `3`; it can be: `1.1`, `2`"#);
    assert_snapshot!(of_1_3("session = \"resumed\"\nresumed_by = \"id\""), @r#"x.toml:15:14: `resumed_by` of client `j`: TLS 1.3 resumes by ticket alone (RFC 8446 §2.2)"#);
}

#[test]
fn a_file_that_cannot_be_read_is_reported_with_its_path() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let hidden = |errors: Errors| {
        let folder = folder.path().display().to_string();
        (errors.to_string() + "\n" + &errors.lines().join("\n")).replace(&folder, "FOLDER")
    };
    let errors = load(&folder.path().join("x.toml")).expect_err("there is no such file");
    assert_snapshot!(hidden(errors), @r#"
    error: FOLDER/x.toml: cannot be read: there is no such file
    FOLDER/x.toml: cannot be read: there is no such file
    "#);
    let errors = load(folder.path()).expect_err("it is a folder");
    assert_snapshot!(hidden(errors), @r#"
    error: FOLDER: cannot be read: it is a folder; a scenario file is needed
    FOLDER: cannot be read: it is a folder; a scenario file is needed
    "#);
    let path = folder.path().join("y.toml");
    std::fs::write(&path, "title = \"y\"\nextends = \"common.toml\"\n").expect("writable");
    assert_snapshot!(hidden(load(&path).expect_err("it extends nothing")), @r#"
    error: FOLDER/common.toml cannot be read: there is no such file
     --> FOLDER/y.toml:2:11
      |
    2 | extends = "common.toml"
      |           ^^^^^^^^^^^^^
    FOLDER/y.toml:2:11: FOLDER/common.toml cannot be read: there is no such file
    "#);
}

#[test]
fn control_characters_of_a_file_do_not_reach_the_terminal() {
    let errors = errors(&format!("{GOOD}\"a\\u001b[31m\\nb\" = 1\n[\"\\u001bfoo\".x]\n"));
    let shown = errors.render(false) + &errors.lines().join("");
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
}

#[test]
fn a_hold_instruction_is_for_a_certificate_on_hold() {
    let revoke = "revoke = { identity = \"jmeter-1\", reason = 1, hold_instruction = \"reject\" }";
    let more = format!("[operation.r]\non = \"issuing\"\nat = \"1h\"\n{revoke}\n");
    assert_snapshot!(said(&more), @r#"
    error: `hold_instruction` of `revoke` of operation `r`: only a certificate on hold has one: `reason = 6` is needed
      --> x.toml:14:66
       |
    14 | revoke = { identity = "jmeter-1", reason = 1, hold_instruction = "reject" }
       |                                                                  ^^^^^^^^
    "#);
}

#[test]
fn a_signer_of_crls_has_a_name_and_a_kind_of_key() {
    let more = "[ca.issuing.crl.signer]\nname = \"a/b\"\nkey = \"dsa\"\nkee = 1\n";
    assert_snapshot!(lines(&format!("{GOOD}{more}")), @"
    x.toml:12:8: `name` of `signer` of `crl` of CA `issuing`: 1 to 64 characters that can stand in a file name are needed
    x.toml:13:7: `key` of `signer` of `crl` of CA `issuing` cannot be `dsa`; it can be: `p256`, `p384`, `ed25519`, `rsa2048`, `rsa3072`, `rsa4096`, `rsa-pss`
    x.toml:14:1: unknown key `kee` in `signer` of `crl` of CA `issuing`; did you mean `key`?
    ");
}

#[test]
fn a_renewal_lies_between_the_set_up_of_its_ca_and_the_start() {
    let more =
        "renewed = [{ ago = \"30d\", key = \"old\" }, { key = \"new\" }, { ago = \"0s\" }]\n";
    let text = GOOD.replace("[ca.issuing]\n", &format!("[ca.issuing]\n{more}"));
    assert_snapshot!(lines(&text), @r#"
    x.toml:7:20: `ago` of `renewed` of CA `issuing`: the CA was set up 30d before the start; before that it was not
    x.toml:7:33: `key` of `renewed` of CA `issuing` cannot be `old`; it can be: `new`, `same`
    x.toml:7:42: `renewed` of CA `issuing` needs `ago`; such as `ago = "10d"`
    x.toml:7:67: `ago` of `renewed` of CA `issuing`: `0s` is not longer than zero
    "#);
    let more = "[operation.r]\non = \"issuing\"\nat = \"1h\"\nrenew = { key = \"old\" }\n";
    assert_snapshot!(lines(&format!("{GOOD}{more}")), @"x.toml:14:17: `key` of `renew` of operation `r` cannot be `old`; it can be: `new`, `same`");
}

#[test]
fn what_a_validator_cannot_be_is_said_where_it_stands() {
    let with = |more: &str| lines(&format!("{GOOD}{more}"));
    let operation = |what: &str| with(&format!("[operation.o]\non = \"web\"\nat = \"1h\"\n{what}"));
    assert_snapshot!(with("[validator.dc]\neach_thread = true\ndirectory = {}"), @r"x.toml:12:15: `each_thread` of validator `dc`: a directory is one machine: no thread has one of its own");
    assert_snapshot!(operation("swap_certificate = { names = [] }"), @r"x.toml:14:30: `names` of `swap_certificate` of operation `o`: at least one host name is needed");
    assert_snapshot!(operation("clear_ssl_state = {}"), @r"x.toml:12:6: `web` is a SUT; a client is needed; the clients are: `jmeter`");
    assert_snapshot!(with("validator = \"web\"\nprincipal = { name = \"mail\" }"), @r"
    x.toml:11:13: `web` is a SUT; a validator is needed
    x.toml:12:22: `name` of `principal` of client `jmeter`: must be `msstd:` with a name behind it
    ");
    assert_snapshot!(instead("[sut.web]", "[sut.web]\nstaple = { chain = true }"), @r#"x.toml:8:20: `chain` of `staple` of SUT `web`: TLS 1.2 has room for one response: say `tls = "1.3"` too"#);
    assert_snapshot!(with("[validator.dc]\nstores = [\"isuing\"]"), @r"x.toml:12:11: there is no CA `isuing`; did you mean `issuing`?");
    assert_snapshot!(with("principal = { name = \"msstd:mail\" }"), @r"x.toml:11:13: `principal` of client `jmeter`: only a validator looks at it: add `validator`");
}
