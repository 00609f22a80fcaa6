//! What `--out` keeps of a run: `DIR/<scenario>/<variant>/<sut>/…`, and `DIR/junit.xml` over all.
//!
//! A scenario without variants has the one variant `default`. Reports and logs are functions of
//! scenario and trace; only certificates, keys and caches come from the run itself.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use revlab_fake_ca::access_log;
use revlab_lab::trace::{Kind, Trace};
use revlab_pki::pkcs12::{self, Encryption};
use revlab_sut::logs;

use crate::exec::{Cast, Identity, Run};
use crate::judge::Judgement;
use crate::report::{attempts, html, json, markdown};
use crate::scenario::model::Scenario;

/// Of the PKCS #12 files. They protect nothing: the keys lie beside them in the clear.
pub const PASSWORD: &str = "revlab";

/// The trace in a run's folder.
pub(crate) const TRACE: &str = "trace.jsonl";
/// The resolved scenario in a run's folder.
pub(crate) const SCENARIO: &str = "scenario.toml";

/// Makes a report of a run.
type Render = fn(&Scenario, &Trace, &Judgement) -> String;

/// The reports in a run's folder.
const REPORTS: [(&str, Render); 3] =
    [("report.json", json::text), ("report.md", markdown::render), ("report.html", html::render)];

/// All attempts as a table, which only `revlab report` makes.
const ATTEMPTS: &str = "attempts.csv";

/// One takes as long as many signatures: so many are enough to try things with.
const MOST_PKCS12: usize = 100;

/// The folder of one run.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// The resolved scenario: with it a trace that was cut can be judged.
    resolved: String,
    /// Whether the certificates of this run are there already.
    prepared: AtomicBool,
}

/// A file or folder that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be written: {source}", path.display())]
pub struct OutError {
    path: PathBuf,
    source: io::Error,
}

#[cfg(feature = "live")]
impl OutError {
    pub(crate) fn new(path: PathBuf, source: io::Error) -> OutError {
        OutError { path, source }
    }
}

/// `trace.jsonl` of a run. The first record that is written makes the run's folder: a run that
/// cannot begin leaves no trace, and what an earlier run left there stays.
#[derive(Debug)]
pub struct TraceFile<'a> {
    folder: &'a RunFolder,
    file: Option<BufWriter<File>>,
}

impl Write for TraceFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let file = self.folder.begin().map_err(io::Error::other)?;
                none.insert(BufWriter::with_capacity(1 << 20, file))
            }
        };
        file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl RunFolder {
    /// The folder of a run below `out`. Nothing is made yet.
    pub fn new(out: &Path, scenario: &Scenario) -> RunFolder {
        let variant = scenario.variant.as_deref().unwrap_or("default");
        let sut = scenario.suts.values().find(|s| s.under_test).map_or("none", |s| &*s.name);
        let path = out.join(&scenario.name).join(variant).join(sut);
        RunFolder { path, resolved: scenario.resolved.clone(), prepared: AtomicBool::new(false) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it can be made and written to, as far as can be told without making it.
    ///
    /// # Errors
    ///
    /// A file stands where a folder is needed, or the folder above takes no files.
    pub fn check(&self) -> Result<(), OutError> {
        let there = self.path.ancestors().find(|p| p.symlink_metadata().is_ok());
        // Of a relative path that is all new, the last ancestor is the empty one.
        let path = there.unwrap_or(Path::new("."));
        let fails = |source| OutError { path: path.to_owned(), source };
        if !path.is_dir() {
            return Err(fails(io::Error::new(io::ErrorKind::NotADirectory, "it is not a folder")));
        }
        let probe = path.join(format!(".revlab-{}", std::process::id()));
        OpenOptions::new().write(true).create_new(true).open(&probe).map_err(fails)?;
        fs::remove_file(&probe).map_err(fails)
    }

    /// The trace of the run, to be written.
    pub fn trace(&self) -> TraceFile<'_> {
        TraceFile { folder: self, file: None }
    }

    /// Puts the certificates and keys of a run there before it begins, for a server that is
    /// started from them. Everything else of an earlier run stays until this one begins.
    ///
    /// # Errors
    ///
    /// A file cannot be written.
    pub fn prepare(&self, cast: &Cast) -> Result<(), OutError> {
        let _ = fs::remove_dir_all(self.path.join("pki"));
        self.certificates(cast)?;
        self.prepared.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Makes the folder as if no run had been kept there before, and the file of the trace in it.
    fn begin(&self) -> Result<File, OutError> {
        // What an earlier run left there would be taken for this one's.
        let _ = fs::remove_dir_all(self.path.join("logs"));
        let _ = fs::remove_dir_all(self.path.join("cache"));
        if !self.prepared.load(Ordering::Relaxed) {
            let _ = fs::remove_dir_all(self.path.join("pki"));
        }
        for stale in REPORTS.iter().map(|(name, _)| *name).chain([ATTEMPTS]) {
            let _ = fs::remove_file(self.path.join(stale));
        }
        self.directory("logs")?;
        self.directory("pki")?;
        self.file(SCENARIO, self.resolved.as_bytes())?;
        let path = self.path.join(TRACE);
        File::create(&path).map_err(|source| OutError { path, source })
    }

    /// Writes what is known when a run is over: reports, logs, caches and certificates.
    ///
    /// # Errors
    ///
    /// A file cannot be written.
    pub fn keep(
        &self,
        scenario: &Scenario,
        run: &Run,
        judgement: &Judgement,
    ) -> Result<(), OutError> {
        reports(&self.path, scenario, &run.trace, judgement)?;
        self.logs(scenario, run)?;
        self.caches(run)?;
        self.certificates(&run.cast)
    }

    fn logs(&self, scenario: &Scenario, run: &Run) -> Result<(), OutError> {
        let records = run.trace.records();
        let header = records.first().and_then(|r| match &r.kind {
            Kind::Header(header) => Some(header),
            _ => None,
        });
        let is_model = |name: &str| header.is_none_or(|h| h.adapter(name).is_none());
        for (path, bytes) in &run.logs {
            self.file(Path::new("logs").join(path), bytes)?;
        }
        for (name, config) in scenario.suts.iter().filter(|(name, _)| is_model(name)) {
            let mut options = logs::Options::of(config);
            let clients = scenario.clients.values().filter(|c| c.sut == *name);
            options.clients = Some(clients.map(|c| c.name.clone()).collect());
            let below =
                if scenario.suts.len() == 1 { PathBuf::new() } else { PathBuf::from(&**name) };
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
                .find(|s| s.under_test && is_model(&s.name))
                .map(|s| s.profile.parameters().per_retrieval_overhead)
                .unwrap_or_default(),
            ..access_log::Options::default()
        };
        let text = access_log::render(records, &hosts, &options);
        self.file("logs/ca-access.log", text.as_bytes())
    }

    /// The disk caches at the end: `cache/` of the machine, below it those of each where there are
    /// several.
    fn caches(&self, run: &Run) -> Result<(), OutError> {
        for (name, caches) in &run.caches {
            let mut below = PathBuf::from("cache");
            if run.caches.len() > 1 {
                below.push(&**name);
            }
            for (path, bytes) in caches.to_files() {
                self.file(below.join(path), &bytes)?;
            }
        }
        Ok(())
    }

    fn certificates(&self, cast: &Cast) -> Result<(), OutError> {
        for (name, chain) in &cast.authorities {
            let text: String = chain.iter().map(|c| c.pem()).collect();
            self.file(format!("pki/ca-{name}.pem"), text.as_bytes())?;
        }
        for (name, signer) in &cast.crl_signers {
            self.file(format!("pki/crl-signer-{name}.pem"), signer.pem().as_bytes())?;
        }
        let servers = cast.servers.iter().map(|(n, i)| (format!("server-{n}"), i));
        let clients = cast.identities.iter().map(|(n, i)| (format!("client-{n}"), i));
        for (n, (name, identity)) in servers.chain(clients).enumerate() {
            self.identity(&name, identity)?;
            if n < MOST_PKCS12 {
                self.pkcs12(&name, identity)?;
            }
        }
        Ok(())
    }

    fn identity(&self, name: &str, identity: &Identity) -> Result<(), OutError> {
        let text: String = identity.chain.iter().map(|c| c.pem()).collect();
        self.file(format!("pki/{name}.pem"), text.as_bytes())?;
        self.secret(&format!("pki/{name}.key"), identity.key.pkcs8_pem().as_bytes())
    }

    /// For programs that want both in one file: Windows, Java, browsers.
    fn pkcs12(&self, name: &str, identity: &Identity) -> Result<(), OutError> {
        let file =
            pkcs12::export(&identity.key, &identity.chain, PASSWORD, name, Encryption::Modern);
        self.secret(&format!("pki/{name}.p12"), &file)
    }

    fn directory(&self, name: &str) -> Result<(), OutError> {
        let path = self.path.join(name);
        fs::create_dir_all(&path).map_err(|source| OutError { path, source })
    }

    fn file(&self, name: impl AsRef<Path>, bytes: &[u8]) -> Result<(), OutError> {
        file(self.path.join(name), bytes)
    }

    /// A private key: readable by its owner alone.
    fn secret(&self, name: &str, bytes: &[u8]) -> Result<(), OutError> {
        secret(&self.path.join(name), bytes)
    }
}

/// Writes every report of a run into its folder; gives their names.
///
/// # Errors
///
/// A file cannot be written.
pub fn reports(
    folder: &Path,
    scenario: &Scenario,
    trace: &Trace,
    judgement: &Judgement,
) -> Result<Vec<PathBuf>, OutError> {
    let written = REPORTS.map(|(name, render)| {
        let path = folder.join(name);
        file(path.clone(), render(scenario, trace, judgement).as_bytes()).map(|()| path)
    });
    written.into_iter().collect()
}

/// Writes the table of all attempts into a run's folder.
///
/// # Errors
///
/// The file cannot be written.
pub fn attempts(folder: &Path, trace: &Trace) -> Result<PathBuf, OutError> {
    let path = folder.join(ATTEMPTS);
    file(path.clone(), attempts::csv(trace).as_bytes()).map(|()| path)
}

/// Writes a file that only its owner can read, in place of what may be there.
///
/// # Errors
///
/// It cannot be written.
pub(crate) fn secret(path: &Path, bytes: &[u8]) -> Result<(), OutError> {
    let parent = path.parent().map(fs::create_dir_all);
    // An older file would keep its own mode.
    let _ = fs::remove_file(path);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = parent
        .unwrap_or(Ok(()))
        .and_then(|()| options.open(path))
        .and_then(|mut file| file.write_all(bytes));
    written.map_err(|source| OutError { path: path.to_owned(), source })
}

/// Writes a file and the folders above it.
///
/// # Errors
///
/// It cannot be written.
pub(crate) fn file(path: PathBuf, bytes: &[u8]) -> Result<(), OutError> {
    let parent = path.parent().map(fs::create_dir_all);
    let written = parent.unwrap_or(Ok(())).and_then(|()| fs::write(&path, bytes));
    written.map_err(|source| OutError { path, source })
}

/// Writes a folder with all its files, or none: it appears whole or not at all. Each file has its path in the folder,
/// its bytes, and whether only its owner may read it.
///
/// # Errors
///
/// The folder is there and not empty, or a file cannot be written.
pub(crate) fn whole(folder: &Path, files: &[(&str, &[u8], bool)]) -> Result<(), OutError> {
    let fails = |source| OutError { path: folder.to_owned(), source };
    match fs::read_dir(folder).map(|mut there| there.next().is_none()) {
        Ok(false) => {
            let why = "it is not empty: what lies in it may be in use; name a new folder";
            return Err(fails(io::Error::other(why)));
        }
        Ok(true) => fs::remove_dir(folder).map_err(fails)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(fails(error)),
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
    let above = above.unwrap_or(Path::new("."));
    fs::create_dir_all(above).map_err(fails)?;
    let fresh = tempfile::Builder::new().prefix(".revlab-").tempdir_in(above).map_err(fails)?;
    for (name, bytes, is_secret) in files {
        let path = fresh.path().join(name);
        match is_secret {
            true => secret(&path, bytes)?,
            false => file(path, bytes)?,
        }
    }
    fs::rename(fresh.path(), folder).map_err(fails)?;
    // It has another name now: there is nothing to remove.
    let _ = fresh.keep();
    Ok(())
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
