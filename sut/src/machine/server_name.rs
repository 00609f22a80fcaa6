//! Whether a certificate is for the host that was asked for, and of the principal that was demanded.

use revlab_pki::{Certificate, SubjectName};

use crate::config::{Principal, PrincipalFrom};

/// Whether a certificate is for this host: one of its DNS names is (RFC 9525 §6.3), or, where it has
/// none, its common name, which Windows still takes (RFC 2818 §3.1).
pub(super) fn is_for(certificate: &Certificate, host: &str) -> bool {
    let names = dns_names(certificate);
    match names.is_empty() {
        true => common_name(certificate).is_some_and(|name| matches(&name, host)),
        false => names.iter().any(|name| matches(name, host)),
    }
}

/// Whether a certificate is of this principal. Case does not count, and a wildcard means itself: the
/// principal of a certificate for `*.example.com` is `msstd:*.example.com`.
pub(super) fn is_of(certificate: &Certificate, principal: &Principal) -> bool {
    let name = match principal.from {
        PrincipalFrom::CommonName => common_name(certificate),
        PrincipalFrom::FirstDnsName => dns_names(certificate).into_iter().next(),
    };
    name.is_some_and(|name| name.eq_ignore_ascii_case(&principal.name))
}

/// A reference name against one of a certificate: a wildcard stands for the whole left-most label.
fn matches(name: &str, host: &str) -> bool {
    let (name, host) = (name.trim_end_matches('.'), host.trim_end_matches('.'));
    match (name.strip_prefix("*."), host.split_once('.')) {
        (Some(above), Some((label, rest))) => !label.is_empty() && above.eq_ignore_ascii_case(rest),
        _ => name.eq_ignore_ascii_case(host),
    }
}

fn dns_names(certificate: &Certificate) -> Vec<String> {
    let names = certificate.constraints().map(|read| read.names.as_slice()).unwrap_or_default();
    let dns = |name: &SubjectName| match name {
        SubjectName::Dns(name) => Some(name.clone()),
        _ => None,
    };
    names.iter().filter_map(dns).collect()
}

fn common_name(certificate: &Certificate) -> Option<String> {
    let text = certificate.subject().to_string();
    text.split(',').find_map(|part| part.trim().strip_prefix("CN=").map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_one_label_and_case_does_not_count() {
        let yes = [("mail.example.com", "MAIL.example.com"), ("*.example.com", "mail.example.com")];
        for (name, host) in yes {
            assert!(matches(name, host), "{name} {host}");
        }
        let no = [
            ("*.example.com", "example.com"),
            ("*.example.com", "a.b.example.com"),
            ("*.example.com", ".example.com"),
            ("mail.example.com", "mail.example.org"),
            ("m*.example.com", "mail.example.com"),
        ];
        for (name, host) in no {
            assert!(!matches(name, host), "{name} {host}");
        }
    }
}
