//! What `--out` keeps of a run: `DIR/<scenario>/<variant>/<sut>/…`, and `DIR/junit.xml` over all.
//!
//! A scenario without variants has the one variant `default`. Reports and logs are functions of
//! scenario and trace; only certificates and keys come from the run itself.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use revlab_fake_ca::access_log;
use revlab_sut::logs;

use crate::exec::{Cast, Identity, Run};
use crate::scenario::model::Scenario;

/// The folder of one run.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
}

/// A file or folder that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be written: {source}", path.display())]
pub struct OutError {
    path: PathBuf,
    source: io::Error,
}

impl RunFolder {
    /// Makes the folder of a run below `out`.
    ///
    /// # Errors
    ///
    /// It cannot be made or written to.
    pub fn create(out: &Path, scenario: &Scenario) -> Result<RunFolder, OutError> {
        let variant = scenario.variant.as_deref().unwrap_or("default");
        let sut = scenario.suts.values().find(|s| s.under_test).map_or("none", |s| &*s.name);
        let path = out.join(&scenario.name).join(variant).join(sut);
        // What an earlier run left there would be taken for this one's.
        for stale in ["logs", "pki"] {
            let _ = fs::remove_dir_all(path.join(stale));
        }
        let folder = RunFolder { path };
        folder.directory("logs")?;
        folder.directory("pki")?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the folder away again, with those above it that it leaves empty: nothing was run.
    pub fn discard(self, out: &Path) {
        let _ = fs::remove_dir_all(&self.path);
        let above = self.path.ancestors().skip(1).take_while(|p| p.starts_with(out));
        for folder in above {
            // Fails where something else is in it, and then it stays.
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }

    /// Opens the trace for writing.
    ///
    /// # Errors
    ///
    /// The file cannot be made.
    pub fn trace(&self) -> Result<BufWriter<File>, OutError> {
        let path = self.path.join("trace.jsonl");
        let file = File::create(&path).map_err(|source| OutError { path, source })?;
        Ok(BufWriter::with_capacity(1 << 20, file))
    }

    /// Writes everything but the trace: the resolved scenario, the report, logs and certificates.
    ///
    /// # Errors
    ///
    /// A file cannot be written.
    pub fn keep(&self, scenario: &Scenario, run: &Run, report: &str) -> Result<(), OutError> {
        self.file("scenario.toml", scenario.resolved.as_bytes())?;
        self.file("report.json", report.as_bytes())?;
        self.logs(scenario, run)?;
        self.certificates(&run.cast)
    }

    fn logs(&self, scenario: &Scenario, run: &Run) -> Result<(), OutError> {
        let records = run.trace.records();
        for (name, config) in &scenario.suts {
            let mut options = logs::Options::of(config);
            let clients = scenario.clients.values().filter(|c| c.sut == *name);
            options.clients = Some(clients.map(|c| c.name.clone()).collect());
            let below = if scenario.suts.len() == 1 { PathBuf::new() } else { PathBuf::from(&**name) };
            for log in logs::render(records, name, &options) {
                self.file(Path::new("logs").join(&below).join(&log.path), &log.bytes)?;
            }
        }
        let mut hosts: Vec<String> = scenario.cas.values().map(|c| c.host.clone()).collect();
        hosts.dedup();
        let options = access_log::Options {
            // Local work of the SUT before a request is no time of the CA's.
            overhead: scenario
                .suts
                .values()
                .find(|s| s.under_test)
                .map(|s| s.profile.parameters().per_retrieval_overhead)
                .unwrap_or_default(),
            ..access_log::Options::default()
        };
        let text = access_log::render(records, &hosts, &options);
        self.file("logs/ca-access.log", text.as_bytes())
    }

    fn certificates(&self, cast: &Cast) -> Result<(), OutError> {
        for (name, chain) in &cast.authorities {
            let text: String = chain.iter().map(|c| c.pem()).collect();
            self.file(format!("pki/ca-{name}.pem"), text.as_bytes())?;
        }
        let servers = cast.servers.iter().map(|(n, i)| (format!("server-{n}"), i));
        let clients = cast.identities.iter().map(|(n, i)| (format!("client-{n}"), i));
        for (name, identity) in servers.chain(clients) {
            self.identity(&name, identity)?;
        }
        Ok(())
    }

    fn identity(&self, name: &str, identity: &Identity) -> Result<(), OutError> {
        let text: String = identity.chain.iter().map(|c| c.pem()).collect();
        self.file(format!("pki/{name}.pem"), text.as_bytes())?;
        self.secret(&format!("pki/{name}.key"), identity.key.pkcs8_pem().as_bytes())
    }

    fn directory(&self, name: &str) -> Result<(), OutError> {
        let path = self.path.join(name);
        fs::create_dir_all(&path).map_err(|source| OutError { path, source })
    }

    fn file(&self, name: impl AsRef<Path>, bytes: &[u8]) -> Result<(), OutError> {
        let path = self.path.join(name);
        let parent = path.parent().map(fs::create_dir_all);
        let written = parent.unwrap_or(Ok(())).and_then(|()| fs::write(&path, bytes));
        written.map_err(|source| OutError { path, source })
    }

    /// A private key: readable by its owner alone.
    fn secret(&self, name: &str, bytes: &[u8]) -> Result<(), OutError> {
        let path = self.path.join(name);
        // An older file would keep its own mode.
        let _ = fs::remove_file(&path);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&path).and_then(|mut file| file.write_all(bytes));
        written.map_err(|source| OutError { path, source })
    }
}

/// Writes `junit.xml` over all runs.
///
/// # Errors
///
/// The file cannot be written.
pub fn junit(out: &Path, text: &str) -> Result<(), OutError> {
    let path = out.join("junit.xml");
    fs::write(&path, text).map_err(|source| OutError { path, source })
}
