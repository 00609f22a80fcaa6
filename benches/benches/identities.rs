//! Client identities of a lab, each a P-256 key and a certificate of its own:
//! `cargo bench -p revlab-benches --bench identities`.

use divan::Bencher;
use revlab::scenario::from_text;
use revlab_fake_ca::FakeCa;
use revlab_pki::{KeyAlgorithm, KeyPair, Usage};

fn main() {
    divan::main();
}

/// What a scenario with `identities = 10000` makes before its first event.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn ten_thousand_identities(bencher: Bencher<'_, '_>) {
    let text = "format = 1\ntitle = \"t\"\nstart = \"2024-01-01T00:00:00Z\"\nduration = \"1d\"\n\
                ca.issuing = {}\nsut.web = {}\nclients.users.every = \"1m\"\n";
    let scenario = from_text("identities", text).expect("the scenario is right").remove(0);
    bencher.bench_local(|| {
        let cas = scenario.cas.values().cloned().collect();
        let mut ca = FakeCa::new(cas, Vec::new(), scenario.seed, scenario.start)
            .expect("the CA can be set up");
        for number in 1..=10_000 {
            let name = format!("users-{number}");
            let key_name = format!("client/{name}");
            let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, scenario.seed, &key_name);
            let issued = ca.issue("issuing", &name, Usage::Client, &key, &[]);
            divan::black_box(issued.expect("the certificate can be issued"));
        }
    });
}
