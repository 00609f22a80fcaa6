//! `Settings.ps1`: what the scripts of a kit are about. Everything else in them is the same in every kit.

use revlab_pki::Certificate;

use super::Content;

/// How many characters of the root's thumbprint tell one kit from another.
const ID: usize = 12;

/// What tells this kit from others on the same machine.
pub(super) fn id(content: &Content<'_>) -> String {
    let root = content.roots.first().copied().unwrap_or(content.server);
    root.sha1().chars().take(ID).collect()
}

pub(super) fn text(content: &Content<'_>, hosts: &[String]) -> String {
    let id = id(content);
    let stored = content.stored().map(|(file, store, certificate)| {
        format!(
            "@{{ Store = {}; File = {}; Thumbprint = {} }}",
            quoted(store),
            quoted(&file),
            quoted(&thumbprint(certificate))
        )
    });
    let lines = [
        ("Id", quoted(&id)),
        ("Site", quoted(&site(content))),
        ("Host", quoted(&content.sut.host)),
        ("Port", content.wish.https_port.to_string()),
        (
            "Folder",
            format!(
                "(Join-Path $env:SystemDrive {})",
                quoted(&format!("inetpub\\{}", site(content)))
            ),
        ),
        ("AppId", quoted(&app_id(content))),
        ("Certificates", list(stored)),
        (
            "Server",
            format!(
                "@{{ File = 'server.pfx'; Thumbprint = {} }}",
                quoted(&thumbprint(content.server))
            ),
        ),
        ("Hosts", list(host_lines(content, hosts).iter().map(|line| quoted(line)))),
        ("Revocation", list(revocation(content).iter().map(|word| quoted(word)))),
    ];
    let lines: String =
        lines.iter().map(|(name, value)| format!("    {name} = {value}\n")).collect();
    format!("# Written by revlab from {}.\n$Kit = @{{\n{lines}}}\n", quoted(&content.scenario.name))
}

/// The name of the site in IIS.
pub(super) fn site(content: &Content<'_>) -> String {
    format!("revlab-{}", id(content))
}

/// The lines of the hosts file, each with the mark of the kit.
pub(super) fn host_lines(content: &Content<'_>, hosts: &[String]) -> Vec<String> {
    let named = hosts.iter().filter(|host| host.parse::<std::net::IpAddr>().is_err());
    let (ip, id) = (content.wish.listen.ip(), id(content));
    named.map(|host| format!("{ip} {host} # revlab {id}")).collect()
}

/// The words of `netsh http add sslcert` about revocation, as the profile of the system under test has them
/// (fact sheet §3.2).
pub(super) fn revocation(content: &Content<'_>) -> Vec<String> {
    let p = content.sut.profile.parameters();
    let switch = |on| if on { "enable" } else { "disable" };
    vec![
        format!("verifyclientcertrevocation={}", switch(p.verify_revocation)),
        format!("verifyrevocationwithcachedclientcertonly={}", switch(p.cached_only)),
        format!("usagecheck={}", switch(p.usage_check)),
        format!(
            "revocationfreshnesstime={}",
            p.revocation_freshness_time.as_millis().max(0) / 1000
        ),
        format!("urlretrievaltimeout={}", p.binding_url_timeout.as_millis().max(0)),
    ]
}

fn thumbprint(certificate: &Certificate) -> String {
    certificate.sha1().to_uppercase()
}

/// A GUID of its own for each kit, made from the server's thumbprint (version 5 in form, RFC 9562 §5.5).
fn app_id(content: &Content<'_>) -> String {
    let hex = content.server.sha1();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!(
        "{{{}-{}-5{}-8{}-{}}}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}

/// A text between single quotes, in which nothing but a quote is special to PowerShell; curly ones are quotes too.
fn quoted(text: &str) -> String {
    let quotes = ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];
    let doubled: String = text
        .chars()
        .flat_map(|c| std::iter::repeat_n(c, if quotes.contains(&c) { 2 } else { 1 }))
        .collect();
    format!("'{doubled}'")
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.map(|item| format!("\n        {item}")).collect();
    format!("@({}\n    )", items.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_quotes() {
        assert_eq!(quoted("plain $x `y` \"z\""), "'plain $x `y` \"z\"'");
        assert_eq!(quoted("it's"), "'it''s'");
        assert_eq!(quoted("\u{2019}; rm"), "'\u{2019}\u{2019}; rm'");
    }
}
