//! Reading what is judged: PEM or DER, any number in a file, each with its place.

use std::fs;
use std::path::Path;

use revlab_pki::{Certificate, Crl, Malformed, OcspResponse, pem};
use revlab_sut::validation::Evidence;

use super::VerifyArgs;
use crate::cli::Refusal;

/// What was read, and from where.
pub(super) struct Input {
    pub(super) evidence: Evidence,
    /// The place of each CRL, in the order of the evidence.
    pub(super) crls: Vec<String>,
    /// The place of each OCSP response.
    pub(super) ocsp: Vec<String>,
}

/// Larger files are not artefacts that anybody publishes; in bytes.
const MOST: u64 = 1 << 30;

pub(super) fn read(args: &VerifyArgs) -> Result<Input, Refusal> {
    let mut chain = Vec::new();
    for file in &args.chain {
        chain.extend(certificates(file)?);
    }
    let mut anchors = Vec::new();
    for file in &args.anchor {
        anchors.extend(certificates(file)?);
    }
    let Some(place) = target(&chain) else {
        return Err(Refusal("error: --chain names no certificate".to_owned()));
    };
    let target = chain.remove(place);
    let mut input = Input {
        evidence: Evidence { certificates: chain, ..Evidence::of(target, anchors) },
        crls: Vec::new(),
        ocsp: Vec::new(),
    };
    for file in &args.crl {
        for (place, der) in blocks(file, "X509 CRL", "CRL")? {
            match Crl::from_der(der) {
                Ok(crl) => {
                    input.evidence.crls.push(crl);
                    input.crls.push(place);
                }
                Err(why) => input.cannot_be_used(place, why)?,
            }
        }
    }
    for file in &args.ocsp {
        for (place, der) in blocks(file, "OCSP RESPONSE", "OCSP response")? {
            match OcspResponse::parse(&der) {
                Ok(response) => {
                    input.evidence.ocsp.push(response);
                    input.ocsp.push(place);
                }
                Err(why) => input.cannot_be_used(place, why)?,
            }
        }
    }
    Ok(input)
}

impl Input {
    /// What has a critical part that nobody understands is sound and must not be used
    /// (RFC 5280 §5.2); anything else cannot be read.
    fn cannot_be_used(&mut self, place: String, why: Malformed) -> Result<(), Refusal> {
        match why {
            Malformed::UnknownCritical { .. } => {
                self.evidence.not_understood.push((place, why.to_string()));
                Ok(())
            }
            why => Err(Refusal(format!("error: {place}: {why}"))),
        }
    }
}

/// Which of them is to be judged: one that has issued none of the others, an end entity's before a
/// CA's, one for use before one that signs CRLs or OCSP responses, an earlier before a later one.
fn target(chain: &[Certificate]) -> Option<usize> {
    let serves = |c: &Certificate| {
        let usage = c.constraints().ok().and_then(|read| read.key_usage);
        c.allows_ocsp_signing() || usage.is_some_and(|u| u.crl_sign() && !u.certificate_sign())
    };
    let issued = |c: &Certificate| {
        chain.iter().any(|other| other != c && other.issuer().matches(c.subject()))
    };
    let all = chain.iter().enumerate();
    all.min_by_key(|(_, c)| (issued(c), c.is_ca(), serves(c))).map(|(place, _)| place)
}

fn certificates(file: &Path) -> Result<Vec<Certificate>, Refusal> {
    let read = |(place, der): (String, Vec<u8>)| {
        Certificate::parse(&der).map_err(|why| Refusal(format!("error: {place}: {why}")))
    };
    blocks(file, "CERTIFICATE", "certificate")?.into_iter().map(read).collect()
}

/// The objects of a file with their places: all blocks of one label where it is PEM, otherwise the
/// file itself.
fn blocks(file: &Path, label: &str, what: &str) -> Result<Vec<(String, Vec<u8>)>, Refusal> {
    let name = file.display();
    let cannot = |why: &dyn std::fmt::Display| Refusal(format!("error: {name}: {why}"));
    let size = fs::metadata(file).map_err(|why| cannot(&why))?.len();
    if size > MOST {
        return Err(cannot(&format!("has {size} bytes; at most {MOST} are read")));
    }
    let bytes = fs::read(file).map_err(|why| cannot(&why))?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    if !text.contains("-----BEGIN ") {
        return Ok(vec![(name.to_string(), bytes)]);
    }
    let mut found = Vec::new();
    let mut others = Vec::new();
    for block in pem::located_blocks(text) {
        if block.label != label {
            others.push(block.label);
            continue;
        }
        let place = format!("{name}:{}", block.line);
        let der = block.der.ok_or_else(|| {
            Refusal(format!("error: {place}: the block `{label}` is not base64, or is cut short"))
        })?;
        found.push((place, der));
    }
    if found.is_empty() {
        let there = match others.as_slice() {
            [] => "no whole block".to_owned(),
            others => format!("`{}`", others.join("`, `")),
        };
        return Err(cannot(&format!("no {what}: a block `{label}` is wanted, there is {there}")));
    }
    Ok(found)
}
