//! Every kind of key through a whole run: CA, server, client and responder.

use revlab::exec::Transport;
use revlab::judge::{self, Status};
use revlab::report::terminal;
use revlab::scenario::from_text;
use revlab_pki::KeyAlgorithm;
use revlab_tests::run;

fn holds(key: &str, tls: &str, transport: Transport) {
    let text = format!(
        r#"
format = 1
title = "two tiers with {key}"
start = "2024-03-01T00:00:00Z"
duration = "3h"
[ca.root]
host = "root.lab.example"
key = "{key}"
crl = {{ delta_period = "none" }}
[ca.issuing]
host = "pki.lab.example"
parent = "root"
key = "{key}"
crl = {{ period = "1h", delta_period = "30m" }}
aia = {{ ocsp = ["http://pki.lab.example/ocsp"] }}
responder = {{ validity = "30m" }}
[sut.web]
tls = "{tls}"
updates = ["KB2666300"]
[clients.good]
every = "10m"
until = "1h"
[clients.bad]
every = "10m"
[operation.revoke]
on = "issuing"
at = "5m"
revoke = {{ identity = "bad-1" }}
[expect.good-is-admitted]
attempts = {{ clients = ["good"], share = "all", outcome = "admitted" }}
[expect.bad-is-refused-in-the-end]
from = "2h"
attempts = {{ clients = ["bad"], share = "all", outcome = "refused", code = "0x80092010" }}
"#
    );
    let scenarios = from_text(key, &text).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let scenario = &scenarios[0];
    let (run, _) = run(scenario, transport);
    let judgement = judge::judge(scenario, &run.trace);
    let report = terminal::render(scenario, &run.trace, &judgement, false);
    assert_eq!(judgement.status(), Status::Held, "{key}, TLS {tls}\n{report}");
}

#[test]
fn every_kind_of_key_admits_the_good_and_refuses_the_revoked() {
    for (key, _) in KeyAlgorithm::NAMES {
        holds(key, "1.2", Transport::Sim);
    }
}

#[test]
fn every_kind_of_key_also_works_over_real_sockets_and_tls() {
    for (key, _) in KeyAlgorithm::NAMES {
        for tls in ["1.2", "1.3"] {
            holds(key, tls, Transport::Live);
        }
    }
}
