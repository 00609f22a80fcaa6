//! The page of a kit: what both sides do, step by step.

use super::{AGE, Content, LIFE, settings};

pub(super) fn text(content: &Content<'_>, hosts: &[String]) -> String {
    let (scenario, wish, sut) = (content.scenario, content.wish, content.sut);
    let name = &scenario.name;
    let variant = scenario.variant.as_ref().map(|v| format!(" --variant {v}")).unwrap_or_default();
    let of = scenario.variant.as_ref().map(|v| format!(", variant {v}")).unwrap_or_default();
    let names: String =
        settings::host_lines(content, hosts).iter().map(|line| format!("{line}\n")).collect();
    let revocation = settings::revocation(content).join(" ");
    let (port, listen) = (wish.https_port, wish.listen);
    let end = crate::judge::at(wish.at - AGE + LIFE);
    let host = &sut.host;
    let long = match scenario.duration > revlab_lab::Span::from_hours(1) {
        true => "?for=1h",
        false => "",
    };
    format!(
        "# {title}

What a machine needs to be the system under test of `{name}`{of}, written by revlab. The lab plays the CA and the clients in
real time; the machine checks revocation as it does in life. Certificates end at {end}.

| folder | for |
|---|---|
| `lab.json` | the lab: keys of the CAs and clients. **It stays with the lab** |
| `windows/` | Windows with IIS: certificates, and scripts for PowerShell |
| `pem/` | anything else: roots, intermediate CAs, the server's certificate and key in PEM |
| `clients/` | the clients' certificates, to try by hand |

The password of the PFX files is in `windows/password.txt`. Whoever has the keys can pass for the server and the clients of this
lab, and for nobody else: the root vouches for the hosts of the scenario alone.

## Windows

1. Copy the folder `windows` to the machine, and nothing else.
2. In an elevated PowerShell there: `powershell -ExecutionPolicy Bypass -File .\\Prepare.ps1`. It

   - puts the roots into *Trusted Root Certification Authorities*, other CAs into *Intermediate Certification Authorities*, the server's
     certificate into *Personal* of the machine;
   - adds to the hosts file, so that CRLs, OCSP responders and CA certificates are found at the lab:

```text
{names}```

   - makes the site `{site}` at port {port}, which requires client certificates, with failed-request tracing;
   - adds the binding of http.sys: `clientcertnegotiation=enable {revocation}`;
   - turns the log *CAPI2/Operational* on, with 100 MB;
   - has the machine forget cached CRLs and OCSP answers (`Clear-Cache.ps1`, which is also of use between two runs).

3. Let the machine reach the lab at {listen}, and the lab reach the machine at port {port}.
4. Run the scenario (below).
5. `powershell -ExecutionPolicy Bypass -File .\\Collect.ps1 -Since TIME` puts CAPI2 events, IIS logs, HTTPERR, failed-request traces
   and the list of the URL cache into a folder. Copy it to the lab.
6. `powershell -ExecutionPolicy Bypass -File .\\Undo.ps1` takes back what Prepare has done, and nothing that was there before.

## Anything else

- It serves HTTPS as `{host}` with `pem/server.pem` and `pem/server.key`, requires client certificates below `pem/roots.pem`, in the first
  handshake, and checks their revocation.
- It finds these names at the lab, as above:

```text
{names}```

## The lab

The folder is that of this page. `MACHINE` is where the lab reaches the machine.

```sh
revlab run {name}.toml{variant} --sut 'https://MACHINE:{port}{long}' --kit . --out out
revlab import-sut-logs LOGS --run out
```

The CA listens at {listen} during the run (`--listen` says otherwise, as behind a router). What happens to the machine in the scenario,
such as a restart, is done by a command of yours: `--hook restart_service='ssh admin@MACHINE iisreset'`.
`import-sut-logs` puts what the machine has logged into the trace, and judges anew.
",
        title = scenario.title,
        site = settings::site(content),
    )
}
