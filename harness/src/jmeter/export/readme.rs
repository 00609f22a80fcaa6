//! The page beside a plan: how to run it.

use super::{KEYSTORE, PLAN};
use crate::scenario::Scenario;

pub(super) fn text(scenario: &Scenario, notes: &[String]) -> String {
    let name = &scenario.name;
    let variant = scenario.variant.as_ref().map(|v| format!(" --variant {v}")).unwrap_or_default();
    let mut slices = String::new();
    for client in scenario.clients.keys() {
        let csv = super::csv_of(client);
        slices.push_str(&format!("split -n l/2 --additional-suffix=.csv {csv} slice-{client}-\n"));
    }
    let differs: String = notes.iter().map(|note| format!("- {note}\n")).collect();
    format!(
        "# {title}

A plan of Apache JMeter, written by revlab from `{name}`{of}. JMeter sends the load, revlab plays the CA
and judges. JMeter is started in this folder: the plan names its files without one.

## On one machine

```sh
revlab serve {name}.toml{variant} --reproducible-keys     # with the `--listen` that the plan was written for
jmeter -n -t {PLAN} -q user.properties -S system.properties -Jhost=HOST -Jport=PORT -l results.jtl
revlab jmeter judge results.jtl {name}.toml{variant}
```

`-Jhost` and `-Jport` say where the server is, `-Jthreads-CLIENT=N` how many threads a client has.
`{KEYSTORE}` holds every client identity under its name; its password is `revlab`. The server has to trust
`roots.pem`.

## On many machines

Each machine needs this folder, with a slice of each CSV file under the file's own name, so that no two use
one identity at a time:

```sh
{slices}```

On each machine, in its folder, and then on the one that collects the results:

```sh
jmeter-server -q user.properties -S system.properties -Jserver.rmi.ssl.disable=true \\
    -Djava.rmi.server.hostname=ADDRESS
jmeter -n -t {PLAN} -q user.properties -Jserver.rmi.ssl.disable=true -Gthreads-CLIENT=N \\
    -Djava.rmi.server.hostname=ADDRESS -R MACHINE1,MACHINE2 -l results.jtl
```

ADDRESS is the machine's own, at which the others reach it: where its name stands for a loopback address, as
Debian has it in `/etc/hosts`, JMeter 2.13 does not start without (`… is a loopback address`). Two servers on
one machine each need `-Jserver_port=PORT`, and `-R MACHINE:PORT1,MACHINE:PORT2`.

Every machine runs the whole plan: N is the number of threads on each. JMeter before 4.0 knows nothing of
`server.rmi.ssl.disable`, and does not mind it. The clocks of the machines have to agree.

## What JMeter does otherwise than the scenario says

{differs}",
        title = scenario.title,
        of = scenario.variant.as_ref().map(|v| format!(", variant {v}")).unwrap_or_default(),
    )
}
