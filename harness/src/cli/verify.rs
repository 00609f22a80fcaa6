//! `revlab verify`: judges a chain by artefacts in files.

mod input;
mod words;

use std::path::PathBuf;

use revlab_lab::Instant;
use revlab_pki::Verifier;
use revlab_sut::validation::policy::{Policy, Purpose};
use revlab_sut::validation::{Finding, Status, verify as judge};

use super::{Format, Refusal, print};

/// What `revlab verify` is given.
#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// The certificate to judge and those that may lead to an anchor or have signed CRLs or OCSP
    /// responses, in any order: judged is the one that has issued none of the others. PEM, with
    /// any number in a file, or DER.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    chain: Vec<PathBuf>,
    /// Certificates that are trusted.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    anchor: Vec<PathBuf>,
    /// CRLs, base and delta, in any order.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    crl: Vec<PathBuf>,
    /// OCSP responses.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    ocsp: Vec<PathBuf>,
    /// When: an RFC 3339 time such as `2024-03-01T12:00:00Z`.
    #[arg(long, value_name = "TIME")]
    at: Instant,
    /// By which rules: rfc5280-strict, soft-fail, ocsp-only, crl-only, windows-2003,
    /// windows-2008r2, windows-2012r2 or windows-10.
    #[arg(long, value_name = "NAME", default_value = "rfc5280-strict")]
    profile: String,
    /// What the certificate is used for.
    #[arg(long, value_enum, default_value_t = PurposeArg::Any)]
    purpose: PurposeArg,
    /// How to print the finding.
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    format: Format,
}

/// `--purpose`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum PurposeArg {
    /// Anything.
    Any,
    /// Authenticating a TLS client.
    Client,
    /// Authenticating a TLS server.
    Server,
}

/// Exit status 0 good, 1 refused, 3 undetermined; what cannot be read is a refusal (2).
pub(super) fn verify(args: &VerifyArgs) -> Result<u8, Refusal> {
    let policy = policy(args)?;
    let input = input::read(args)?;
    let finding = judge(args.at, &input.evidence, &policy, &mut Verifier::new());
    print(&match args.format {
        Format::Json => json(&finding),
        Format::Terminal => words::report(&finding, args, &input),
    })?;
    Ok(match finding.status {
        Status::Good => 0,
        Status::Revoked | Status::PathInvalid => 1,
        Status::Undetermined => 3,
    })
}

fn policy(args: &VerifyArgs) -> Result<Policy, Refusal> {
    let Some(policy) = Policy::preset(&args.profile) else {
        let names = Policy::PRESETS;
        let nearest = names
            .into_iter()
            .max_by(|a, b| {
                let by = |name| strsim::jaro_winkler(name, &args.profile);
                by(a).total_cmp(&by(b))
            })
            .unwrap_or_default();
        return Err(Refusal(format!(
            "error: there is no profile `{}`; did you mean `{nearest}`? There are {}",
            args.profile,
            names.join(", ")
        )));
    };
    let purpose = match args.purpose {
        PurposeArg::Any => Purpose::Any,
        PurposeArg::Client => Purpose::Client,
        PurposeArg::Server => Purpose::Server,
    };
    Ok(Policy { purpose, ..policy })
}

/// The finding; each step with its words and its source.
fn json(finding: &Finding) -> String {
    let steps: Vec<serde_json::Value> = finding
        .steps
        .iter()
        .map(|step| {
            let mut value = serde_json::to_value(step).unwrap_or_default();
            if let Some(fields) = value.as_object_mut() {
                fields.insert("words".to_owned(), step.to_string().into());
                fields.insert("source".to_owned(), step.source().into());
            }
            value
        })
        .collect();
    let json = serde_json::json!({
        "status": finding.status,
        "reason": finding.reason,
        "failing_subject": finding.failing_subject,
        "code": finding.code,
        "steps": steps,
    });
    format!("{json:#}")
}
