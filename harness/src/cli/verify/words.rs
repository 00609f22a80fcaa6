//! A finding for people: the verdict first, then what was looked at, then why.

use std::fmt::Write;

use revlab_lab::Instant;
use revlab_sut::validation::{Finding, Status};

use super::input::Input;
use super::retrieval::{self, Retrieval};

pub(super) fn report(
    finding: &Finding,
    at: Instant,
    profile: &str,
    input: &Input,
    retrievals: &[Retrieval],
) -> String {
    let verdict = match finding.status {
        Status::Good => "GOOD",
        Status::Revoked => "REVOKED",
        Status::Undetermined => "UNDETERMINED",
        Status::PathInvalid => "PATH INVALID",
    };
    let mut text = format!("{verdict}: {}\n", finding.reason);
    let mut line = |name: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {name:<9}{value}");
    };
    let target = &input.evidence.target;
    line("target", &target.subject().to_string());
    line("at", &at.to_string());
    line("profile", profile);
    line("code", finding.code);
    if let Some(subject) = &finding.failing_subject {
        line("fails at", &subject.to_string());
    }
    for (places, kind) in [(&input.crls, "CRL"), (&input.ocsp, "OCSP")] {
        for (n, place) in places.iter().enumerate() {
            line(&format!("{kind} [{}]", n + 1), place);
        }
    }
    if !retrievals.is_empty() {
        text.push_str("\nRetrievals\n");
        for retrieval in retrievals {
            let _ = writeln!(text, "  {}", retrieval::words(retrieval));
        }
    }
    text.push_str("\nSteps\n");
    for step in &finding.steps {
        let _ = writeln!(text, "  {step}  [{}]", step.source());
    }
    text
}
