//! Name constraints (RFC 5280 §4.2.1.10, §6.1.3 (b) and (c)).

use revlab_pki::{Certificate, Constraints, NameLimits, SubjectName};

use super::step::{Name, Step};

/// Whether the names of a certificate keep within the limits of a CA above it.
pub(super) fn within(
    certificate: &Certificate,
    read: &Constraints,
    limits: &NameLimits,
) -> Result<(), Step> {
    let subject = || Name::from(certificate.subject());
    for name in names_of(certificate, read) {
        let mut permitted = None;
        for (subtree, excluded) in limits
            .permitted
            .iter()
            .map(|subtree| (subtree, false))
            .chain(limits.excluded.iter().map(|subtree| (subtree, true)))
        {
            if !same_kind(&name, subtree) {
                continue;
            }
            let unsupported = |kind: &str| Step::NameConstraintUnsupported {
                subject: subject(),
                kind: kind.to_owned(),
            };
            if limits.has_distances {
                return Err(unsupported("a minimum or a maximum"));
            }
            let inside = contains(subtree, &name).ok_or_else(|| unsupported(&words(subtree)))?;
            match excluded {
                true if inside => {
                    return Err(Step::NameExcluded { subject: subject(), name: words(&name) });
                }
                true => {}
                false => permitted = Some(permitted.unwrap_or(false) || inside),
            }
        }
        if permitted == Some(false) {
            return Err(Step::NameNotPermitted { subject: subject(), name: words(&name) });
        }
    }
    Ok(())
}

/// The subject, if it is not empty, and the alternative names; a mail address in the subject counts
/// where there are no alternative names.
fn names_of(certificate: &Certificate, read: &Constraints) -> Vec<SubjectName> {
    let subject = certificate.subject();
    let mut names = read.names.clone();
    if names.is_empty() {
        names.extend(subject.email_addresses().into_iter().map(SubjectName::Email));
    }
    if !subject.is_empty() {
        names.push(SubjectName::Directory(subject.clone()));
    }
    names
}

fn same_kind(one: &SubjectName, other: &SubjectName) -> bool {
    match (one, other) {
        (SubjectName::Other(one, _), SubjectName::Other(other, _)) => one == other,
        _ => std::mem::discriminant(one) == std::mem::discriminant(other),
    }
}

/// Whether a name lies in a subtree of its kind; `None` for kinds that are not processed and for
/// values without their form.
fn contains(subtree: &SubjectName, name: &SubjectName) -> Option<bool> {
    match (subtree, name) {
        (SubjectName::Dns(base), SubjectName::Dns(name)) => Some(is_domain_below(name, base)),
        (SubjectName::Email(base), SubjectName::Email(name)) => is_mail_of(name, base),
        (SubjectName::Directory(base), SubjectName::Directory(name)) => Some(name.is_within(base)),
        (SubjectName::Uri(base), SubjectName::Uri(name)) => Some(is_host(host_of(name)?, base)),
        (SubjectName::Ip(base), SubjectName::Ip(name)) => is_address_in(name, base),
        _ => None,
    }
}

/// The domain itself and all below it; everything for an empty one.
fn is_domain_below(name: &str, base: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let base = base.trim_end_matches('.').to_ascii_lowercase();
    let below = |parent: &str| name.strip_suffix(parent).is_some_and(|left| left.ends_with('.'));
    match base.strip_prefix('.') {
        // Not RFC 5280's form, but written: what is below, and not the domain itself.
        Some(parent) => below(parent),
        None => base.is_empty() || name == base || below(&base),
    }
}

/// A host as it is, or for a domain behind a dot each host below it.
fn is_host(name: &str, base: &str) -> bool {
    match base.strip_prefix('.') {
        Some(_) => is_domain_below(name, base),
        None => name.eq_ignore_ascii_case(base),
    }
}

/// A mailbox, all of a host, or all of a domain behind a dot.
fn is_mail_of(name: &str, base: &str) -> Option<bool> {
    let (local, host) = name.rsplit_once('@')?;
    Some(match base.rsplit_once('@') {
        Some((user, at)) => user == local && at.eq_ignore_ascii_case(host),
        None => base.is_empty() || is_host(host, base),
    })
}

/// The host of a URI, which must have one by name (RFC 5280 §4.2.1.10).
fn host_of(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let is_address = host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok();
    (!host.is_empty() && !is_address).then_some(host)
}

fn is_address_in(name: &[u8], base: &[u8]) -> Option<bool> {
    let (address, mask) = base.split_at_checked(base.len() / 2)?;
    if ![8, 32].contains(&base.len()) {
        return None;
    }
    let masked = |(octet, (base, mask)): (&u8, (&u8, &u8))| octet & mask == base & mask;
    let same_length = name.len() == address.len();
    Some(same_length && name.iter().zip(address.iter().zip(mask)).all(masked))
}

/// A name for people.
fn words(name: &SubjectName) -> String {
    match name {
        SubjectName::Email(text) => format!("mail address `{text}`"),
        SubjectName::Dns(text) => format!("DNS name `{text}`"),
        SubjectName::Directory(name) => format!("directory name `{name}`"),
        SubjectName::Uri(text) => format!("URI `{text}`"),
        SubjectName::Ip(octets) => {
            let octets: Vec<String> = octets.iter().map(u8::to_string).collect();
            format!("address {}", octets.join("."))
        }
        SubjectName::Other(number, _) => format!("a name of kind [{number}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_name_has_its_rule() {
        let dns = |base: &str, name: &str| {
            contains(&SubjectName::Dns(base.into()), &SubjectName::Dns(name.into()))
        };
        assert_eq!(dns("corp.example", "A.Corp.example"), Some(true));
        assert_eq!(dns("corp.example", "corp.example"), Some(true));
        assert_eq!(dns("corp.example", "xcorp.example"), Some(false));
        assert_eq!(dns("", "anything"), Some(true));
        let mail = |base: &str, name: &str| {
            contains(&SubjectName::Email(base.into()), &SubjectName::Email(name.into()))
        };
        assert_eq!(mail("a@x.example", "a@X.example"), Some(true));
        assert_eq!(mail("a@x.example", "A@x.example"), Some(false));
        assert_eq!(mail("x.example", "a@y.x.example"), Some(false));
        assert_eq!(mail(".x.example", "a@y.x.example"), Some(true));
        assert_eq!(mail(".x.example", "a@x.example"), Some(false));
        assert_eq!(mail("x.example", "no address"), None);
        let uri = |base: &str, name: &str| {
            contains(&SubjectName::Uri(base.into()), &SubjectName::Uri(name.into()))
        };
        assert_eq!(uri("h.example", "http://u@H.example:80/a"), Some(true));
        assert_eq!(uri("h.example", "http://a.h.example/"), Some(false));
        assert_eq!(uri(".h.example", "http://a.h.example/"), Some(true));
        assert_eq!(uri("h.example", "http://10.0.0.1/"), None);
        assert_eq!(uri("h.example", "urn:a"), None);
    }

    #[test]
    fn addresses_are_compared_under_the_mask() {
        let base = SubjectName::Ip(vec![10, 1, 0, 0, 255, 255, 0, 0]);
        let ip = |octets: &[u8]| contains(&base, &SubjectName::Ip(octets.to_vec()));
        assert_eq!(ip(&[10, 1, 9, 9]), Some(true));
        assert_eq!(ip(&[10, 2, 9, 9]), Some(false));
        assert_eq!(ip(&[0; 16]), Some(false));
        assert_eq!(contains(&SubjectName::Ip(vec![1]), &SubjectName::Ip(vec![1])), None);
    }
}
