//! A program by its adapter: its folder, its process, what it says.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use revlab_lab::trace::TlsVersion;
use revlab_lab::{Instant, Name};
use revlab_sut::adapter::{
    Adapter, Clockwork, Heard, Names, Profile, Server as Description, TimeTold, Values, Where,
};

use super::child::{self, Child, Tail};
use super::clock::{ClockFile, Library};
use super::command;
use super::folder;
use super::launch::{Launch, launched};
use super::publisher::Batch;
use crate::exec::adapter::Program;
use crate::exec::setup::{Cast, Identity};

/// What a program is started with.
pub(super) struct Setting<'a> {
    pub(super) sut: &'a Name,
    pub(super) host: &'a str,
    pub(super) tls: TlsVersion,
    pub(super) resumption: bool,
    /// Where it listens; port 0: one that is free.
    pub(super) at: SocketAddr,
    /// The proxy that leads to the CA, and the name server: either or none.
    pub(super) proxy: Option<SocketAddr>,
    pub(super) resolver: Option<SocketAddr>,
    /// The plain server behind it.
    pub(super) backend: Option<SocketAddr>,
    pub(super) start: Instant,
    /// The CRLs that were put by hand before the start.
    pub(super) crls: BTreeMap<Name, Vec<u8>>,
}

/// A program that is not ours, with the files that it was started from.
pub(super) struct Server {
    pub(super) program: Program,
    /// Those of its profile, or those in which revocation is not checked.
    pub(super) options: Profile,
    pub(super) child: Option<Child>,
    tails: Vec<Tail>,
    version: String,
    pub(super) values: Values,
    pub(super) launch: Launch,
    pub(super) folder: tempfile::TempDir,
    /// The CRLs in place, in DER.
    pub(super) crls: BTreeMap<Name, Vec<u8>>,
    /// What was said since it was last asked.
    fresh: String,
    /// Lines that were read and not heard yet.
    pub(super) pending: Vec<String>,
    /// Lines by which it has not taken up what it was told to, and that nobody has asked for yet.
    pub(super) refused: Vec<String>,
}

impl Server {
    /// Starts it and waits until it listens.
    ///
    /// # Errors
    ///
    /// A program or libfaketime is missing, too old, or has no effect; it does not take its configuration or never
    /// comes to listen; in words.
    pub(super) fn start(
        program: &Program,
        cast: &Cast,
        setting: Setting<'_>,
    ) -> Result<(Server, Option<ClockFile>), String> {
        let version = command::version(program)?;
        let folder = tempfile::tempdir().map_err(|e| format!("no folder for its files: {e}"))?;
        let path = folder.path().to_owned();
        let lab_time = match program.in_real_time {
            true => None,
            false => Some(lab_time(program, &path, setting.start)?),
        };
        let values =
            folder::fill(program, cast, &setting, &path).map_err(|e| format!("its files: {e}"))?;
        let launch = Launch {
            folder: path.clone(),
            lab_time: lab_time
                .as_ref()
                .map(|(clock, library)| (clock.path().to_owned(), library.clone())),
            monotonic: program.adapter.time.monotonic,
            proxy: setting.proxy.filter(|_| program.adapter.names == Names::Proxy),
            resolver: setting.resolver,
            binds: program.adapter.binds.clone(),
            environment: program
                .adapter
                .server
                .iter()
                .flat_map(|s| s.environment.clone())
                .collect(),
        };
        launch.prepare().map_err(|e| format!("its files: {e}"))?;
        let mut server = Server {
            program: program.clone(),
            options: program.options().clone(),
            child: None,
            tails: Vec::new(),
            version,
            values,
            launch,
            folder,
            crls: BTreeMap::new(),
            fresh: String::new(),
            pending: Vec::new(),
            refused: Vec::new(),
        };
        server.write_crls(&Batch {
            crls: setting.crls,
            unreadable: false,
            truncated: None,
            reload: false,
        })?;
        server.write_files()?;
        for words in &program.adapter.prepare {
            server.run_to_its_end(words)?;
        }
        server.begin()?;
        Ok((server, lab_time.map(|(clock, _)| clock)))
    }

    pub(super) fn description(&self) -> Option<&Description> {
        self.program.adapter.server.as_ref()
    }

    pub(super) fn write_files(&self) -> Result<(), String> {
        let files = self.program.adapter.files(&self.options, &self.values);
        let files = files.map_err(|e| e.to_string())?;
        for (name, text) in files {
            let path = self.folder.path().join(&name);
            let made = path.parent().map_or(Ok(()), fs::create_dir_all);
            made.and_then(|()| fs::write(&path, text)).map_err(|e| format!("`{name}`: {e}"))?;
        }
        Ok(())
    }

    pub(super) fn filled(&self, words: &[String]) -> Result<Vec<String>, String> {
        Adapter::words(words, &self.options, &self.values).map_err(|e| e.to_string())
    }

    /// Starts its process, if it has one.
    fn begin(&mut self) -> Result<(), String> {
        let Some(description) = self.description().cloned() else { return Ok(()) };
        let words = self.filled(&description.run)?;
        let log = self.folder.path().join("server.log");
        let at = self.address();
        let logs = description.logs.iter().map(|name| Tail::end_of(self.folder.path().join(name)));
        self.tails = logs.collect();
        let mut listens = |lines: &[String]| match description.ready {
            Some(_) => lines.iter().any(|line| description.is_ready_by(line)),
            None => TcpStream::connect_timeout(&at, Duration::from_millis(200)).is_ok(),
        };
        let (program, command) = launched(&self.launch, &words).ok_or("an empty command")?;
        let started = Child::start(&program, command, &log, description.stop, &mut listens);
        let child = started.map_err(|why| self.with_last_words(why))?;
        self.child = Some(child);
        // What it says of its start is nobody's refusal.
        self.said();
        self.takes_its_time()
    }

    /// What its own logs end with, where its output says nothing.
    fn with_last_words(&mut self, why: String) -> String {
        self.pending.extend(self.tails.iter_mut().flat_map(Tail::new_lines));
        match self.pending.last() {
            Some(last) => format!("{why}; its log ends with: {last}"),
            None => why,
        }
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        let ip = self.values.address.parse().unwrap_or(std::net::IpAddr::from([127, 0, 0, 1]));
        SocketAddr::new(ip, self.values.port)
    }

    /// `nginx/1.22.1`.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// How long clients over TLS 1.3 listen before they send, where that is not the usual time.
    pub(super) fn listens(&self) -> Option<Duration> {
        let ms = self.description()?.listen_ms?;
        Some(Duration::from_millis(u64::from(ms)))
    }

    /// Whether a command is run for each attempt; otherwise clients connect.
    pub(super) fn is_probed(&self) -> bool {
        self.program.adapter.probe.is_some()
    }

    /// What a probe's end means.
    pub(super) fn adapter(&self) -> Arc<Adapter> {
        self.program.adapter.clone()
    }

    /// The command that is run for an attempt with this certificate.
    pub(super) fn probe(&self, identity: &Identity) -> Result<tokio::process::Command, String> {
        let words = self.program.adapter.probe.as_ref().map(|probe| probe.run.clone());
        let words = words.unwrap_or_default();
        let folder = self.folder.path();
        let chain: String = identity.certificate_list().iter().map(|c| c.pem()).collect();
        let own: String = identity.chain.iter().take(1).map(|c| c.pem()).collect();
        let wrote = fs::write(folder.join("client.pem"), own)
            .and_then(|()| fs::write(folder.join("client-chain.pem"), chain))
            .and_then(|()| {
                folder::private(&folder.join("client-key.pem"), &identity.key.pkcs8_pem())
            });
        wrote.map_err(|e| format!("the client's files: {e}"))?;
        let before = self.program.adapter.probe.iter().flat_map(|probe| &probe.before);
        for words in before {
            self.run_to_its_end(words)?;
        }
        let words = self.filled(&words)?;
        let (_, command) = launched(&self.launch, &words).ok_or("an empty command")?;
        Ok(tokio::process::Command::from(command))
    }

    /// Ends it and starts it again where it was.
    pub(super) fn restart(&mut self) -> Result<(), String> {
        if let Some(mut child) = self.child.take() {
            child.stop();
        }
        self.begin()
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<String> {
        let words = self.child.as_mut()?.ended()?;
        Some(self.with_last_words(words))
    }

    /// Takes up what it has said since this was last asked. Where something is to be heard and is not
    /// yet, it is waited for a little: many write when the client is gone.
    pub(super) fn listen(&mut self, waits: bool) -> Vec<Heard> {
        const TRIES: u32 = 40;
        self.fresh.clear();
        for _ in 0..if waits { TRIES } else { 1 } {
            for line in self.said() {
                self.fresh.push_str(&line);
                self.fresh.push('\n');
            }
            let heard = self.program.adapter.reasons(&self.fresh);
            if !heard.is_empty() || self.program.adapter.reason.is_empty() {
                return heard;
            }
            if waits {
                child::nap();
            }
        }
        Vec::new()
    }

    /// Takes what a probe has said for a part of its log.
    pub(super) fn overhear(&mut self, said: &str) -> Vec<Heard> {
        self.pending.extend(said.lines().map(str::to_owned));
        self.listen(false)
    }

    /// What its clock read in an attempt that began and ended at these times of its own clock; `kept`:
    /// over a connection that was open already.
    pub(super) fn clockwork(
        &self,
        page: Option<Cow<'_, str>>,
        kept: bool,
        began: Instant,
        ended: Instant,
    ) -> Clockwork {
        let Some(told) = self.told() else { return Clockwork::Untold };
        match (told.place, page) {
            (Where::Body, page) => told.clockwork(&page.unwrap_or_default(), began, ended),
            // Without a handshake it need not have logged anything: a line that is new can be late.
            (Where::Log, _) if kept => Clockwork::Untold,
            (Where::Log, _) => told.clockwork(&self.fresh, began, ended),
        }
    }

    /// Whether it ever tells the time.
    pub(super) fn tells_time(&self) -> bool {
        self.told().is_some()
    }

    /// Where it tells the time that it has been told.
    fn told(&self) -> Option<&TimeTold> {
        let program = &self.program;
        program.adapter.time.told.as_ref().filter(|_| !program.in_real_time)
    }

    /// Everything that it has said since this was last asked.
    pub(super) fn said(&mut self) -> Vec<String> {
        let mut said = std::mem::take(&mut self.pending);
        said.extend(self.child.iter_mut().flat_map(Child::new_lines));
        said.extend(self.tails.iter_mut().flat_map(Tail::new_lines));
        said
    }

    /// Ends it; what it has said, by file.
    pub(super) fn stop(mut self) -> BTreeMap<String, Vec<u8>> {
        if let Some(child) = &mut self.child {
            child.stop();
        }
        let logs = self.description().map(|d| d.logs.clone()).unwrap_or_default();
        let logs = logs.into_iter().chain(["server.log".to_owned()]);
        let kept = logs.map(|name| (name.clone(), child::kept(&self.folder.path().join(&name))));
        let prefix = &self.program.name;
        kept.filter(|(_, bytes)| !bytes.is_empty())
            .map(|(name, bytes)| match name.as_str() {
                "server.log" => (format!("{prefix}.log"), bytes),
                _ => (format!("{prefix}/{name}"), bytes),
            })
            .collect()
    }

    /// Whether the library is in the process, where the system says so: a program can be built so
    /// that none is loaded. What its clock reads it tells itself, if it does.
    fn takes_its_time(&self) -> Result<(), String> {
        const TRIES: u32 = 40;
        let (Some(child), true) = (&self.child, self.launch.lab_time.is_some()) else {
            return Ok(());
        };
        // Between two programs of one process there is a moment in which there is none of either.
        for _ in 0..TRIES {
            let maps =
                child.program().and_then(|id| fs::read_to_string(format!("/proc/{id}/maps")).ok());
            match maps {
                None => return Ok(()),
                Some(maps) if maps.contains("libfaketime") => return Ok(()),
                Some(_) => child::nap(),
            }
        }
        let name = &self.program.name;
        Err(format!("libfaketime has no effect on it: `{name}` does not load it"))
    }
}

/// The clock that a program is to have, and the library that gives it one.
fn lab_time(
    program: &Program,
    folder: &Path,
    start: Instant,
) -> Result<(ClockFile, PathBuf), String> {
    let library = Library::find()?;
    let mut clock = ClockFile::new(folder.join("clock"), program.adapter.time.runs);
    clock.set(start).map_err(|e| format!("its clock: {e}"))?;
    Ok((clock, library))
}
