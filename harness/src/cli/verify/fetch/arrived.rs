//! What a retrieval brought: read, put among the evidence, and told.

use revlab_lab::trace::Purpose;
use revlab_pki::{CertStatus, Certificate, Crl, OcspResponse, pem};

use super::Input;

/// Takes what a URL gave; in words what it is.
///
/// # Errors
///
/// It is not what was asked for; what is wrong, in words.
pub(super) fn take(
    purpose: Purpose,
    body: &[u8],
    url: &str,
    input: &mut Input,
) -> Result<String, String> {
    match purpose {
        Purpose::Issuer => issuers(body, input),
        Purpose::Base | Purpose::Delta => list(purpose, body, url, input),
        Purpose::Ocsp => response(body, url, input),
    }
}

fn issuers(body: &[u8], input: &mut Input) -> Result<String, String> {
    let found = Certificate::parse_issuers(body).map_err(|why| why.to_string())?;
    let names: Vec<String> =
        found.iter().map(|one| format!("certificate of {}", one.subject())).collect();
    for certificate in found {
        if !input.evidence.certificates.contains(&certificate) {
            input.evidence.certificates.push(certificate);
        }
    }
    Ok(if names.is_empty() { "no certificate".to_owned() } else { names.join(", ") })
}

fn list(purpose: Purpose, body: &[u8], url: &str, input: &mut Input) -> Result<String, String> {
    let der = unwrapped(body, &["X509 CRL"]);
    let crl = Crl::from_der(der).map_err(|why| why.to_string())?;
    let kind = if crl.base_number().is_some() { "delta CRL" } else { "CRL" };
    let number = crl.number().map(|number| format!(", number {number}")).unwrap_or_default();
    let until = crl.next_update().map(|until| format!(", until {until}")).unwrap_or_default();
    let words = format!("{kind} of {}{number}, from {}{until}", crl.issuer(), crl.this_update());
    let wrong = (purpose == Purpose::Delta) != crl.base_number().is_some();
    if !input.evidence.crls.contains(&crl) {
        input.evidence.crls.push(crl);
        input.crls.push(url.to_owned());
    }
    match wrong {
        true => Err(format!("{words}; another kind was asked for")),
        false => Ok(words),
    }
}

fn response(body: &[u8], url: &str, input: &mut Input) -> Result<String, String> {
    let response = OcspResponse::parse(body).map_err(|why| why.to_string())?;
    let words = match (response.status(), response.answers()) {
        (0, answers) => {
            let status: Vec<&str> = answers
                .iter()
                .map(|answer| match answer.status {
                    CertStatus::Good => "good",
                    CertStatus::Revoked { .. } => "revoked",
                    CertStatus::Unknown => "unknown",
                })
                .collect();
            format!("OCSP response: {}", status.join(", "))
        }
        (status, _) => format!("OCSP error, responseStatus {status}"),
    };
    input.evidence.ocsp.push(response);
    input.ocsp.push(url.to_owned());
    Ok(words)
}

/// The DER in a PEM block with one of these labels; anything else as it is.
fn unwrapped(body: &[u8], labels: &[&str]) -> Vec<u8> {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let mut blocks = pem::located_blocks(text).into_iter();
    let found = blocks.find(|block| labels.contains(&block.label)).and_then(|block| block.der);
    found.unwrap_or_else(|| body.to_vec())
}
