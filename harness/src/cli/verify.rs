//! `revlab verify`: judges a chain by artefacts in files, and by what it may fetch.

#[cfg(feature = "live")]
mod fetch;
mod input;
mod retrieval;
mod words;

use std::path::PathBuf;

use revlab_lab::Instant;
use revlab_pki::Verifier;
use revlab_sut::validation::policy::{Policy, Purpose};
use revlab_sut::validation::{Finding, Status, verify as judge};

use super::{Format, Refusal, print};
use retrieval::Retrieval;

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
    /// When: an RFC 3339 time such as `2024-03-01T12:00:00Z`; with --fetch now, unless given.
    #[arg(long, value_name = "TIME")]
    at: Option<Instant>,
    /// By which rules: a profile such as rfc5280-strict or windows-10 (`revlab profiles` lists
    /// them), or a file of your own that ends in `.toml`.
    #[arg(long, value_name = "NAME|FILE", default_value = "rfc5280-strict")]
    profile: String,
    /// What the certificate is used for.
    #[arg(long, value_enum, default_value_t = PurposeArg::Any)]
    purpose: PurposeArg,
    /// Fetch what is missing (issuers, CRLs, deltas, OCSP answers) by HTTP from the URLs that the
    /// certificates name, and list each retrieval.
    #[cfg(feature = "live")]
    #[arg(long)]
    fetch: bool,
    /// Where --fetch finds a host, instead of by the system; can be given several times.
    #[cfg(feature = "live")]
    #[arg(long, value_name = "HOST=ADDR:PORT", requires = "fetch", value_parser = fetch::resolved)]
    resolve: Vec<(String, std::net::SocketAddr)>,
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
    let at = at(args)?;
    let mut input = input::read(args)?;
    let retrievals = retrieve(args, at, &policy, &mut input)?;
    let finding = judge(at, &input.evidence, &policy, &mut Verifier::new());
    print(&match args.format {
        Format::Json => json(&finding, retrievals.as_deref()),
        Format::Terminal => {
            words::report(&finding, at, &args.profile, &input, &retrievals.unwrap_or_default())
        }
    })?;
    Ok(match finding.status {
        Status::Good => 0,
        Status::Revoked | Status::PathInvalid => 1,
        Status::Undetermined => 3,
    })
}

fn at(args: &VerifyArgs) -> Result<Instant, Refusal> {
    #[cfg(feature = "live")]
    if args.fetch {
        return Ok(args.at.unwrap_or_else(fetch::present));
    }
    let missing = "error: --at TIME is needed: no clock is asked without --fetch";
    args.at.ok_or_else(|| Refusal(missing.to_owned()))
}

/// What `--fetch` did; `None` without it.
#[cfg(feature = "live")]
fn retrieve(
    args: &VerifyArgs,
    at: Instant,
    policy: &Policy,
    input: &mut input::Input,
) -> Result<Option<Vec<Retrieval>>, Refusal> {
    if !args.fetch {
        return Ok(None);
    }
    let resolved = args.resolve.iter().cloned().collect();
    fetch::missing(at, policy, &resolved, &fetch::BOUNDS, input).map(Some)
}

/// Without the shells nothing is fetched.
#[cfg(not(feature = "live"))]
fn retrieve(
    _: &VerifyArgs,
    _: Instant,
    _: &Policy,
    _: &mut input::Input,
) -> Result<Option<Vec<Retrieval>>, Refusal> {
    Ok(None)
}

fn policy(args: &VerifyArgs) -> Result<Policy, Refusal> {
    let sheet = super::profiles::sheet(&args.profile)?;
    let policy = Policy::of(sheet.parameters());
    let purpose = match args.purpose {
        PurposeArg::Any => Purpose::Any,
        PurposeArg::Client => Purpose::Client,
        PurposeArg::Server => Purpose::Server,
    };
    Ok(Policy { purpose, ..policy })
}

/// The finding; each step with its words and its source. Retrievals where some could be made.
fn json(finding: &Finding, retrievals: Option<&[Retrieval]>) -> String {
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
    let mut json = serde_json::json!({
        "status": finding.status,
        "reason": finding.reason,
        "failing_subject": finding.failing_subject,
        "code": finding.code,
        "steps": steps,
    });
    if let (Some(fields), Some(retrievals)) = (json.as_object_mut(), retrievals) {
        let list = serde_json::to_value(retrievals).unwrap_or_default();
        fields.insert("retrievals".to_owned(), list);
    }
    format!("{json:#}")
}
