//! A program by its adapter: its folder, its process, what it says.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use revlab_lab::trace::TlsVersion;
use revlab_lab::{Instant, Name, Span};
use revlab_pki::Crl;
use revlab_sut::adapter::{Adapter, Heard, Names, Reload, Server as Description, Values, Where};

use super::child::{self, Child, Tail};
use super::clock::{ClockFile, Library};
use super::launch::{Launch, launched};
use super::publisher::Batch;
use crate::exec::adapter::Program;
use crate::exec::setup::{Cast, Identity};

/// How far the server's clock may be from what it was told: many tell whole seconds.
const APART: Span = Span::from_secs(2);

/// The most that a command that only tells a version or prepares something may say, in octets.
const SAID: usize = 4096;

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
    program: Program,
    child: Option<Child>,
    tails: Vec<Tail>,
    version: String,
    values: Values,
    launch: Launch,
    folder: tempfile::TempDir,
    /// The CRLs in place, in DER.
    crls: BTreeMap<Name, Vec<u8>>,
    /// What was said since it was last asked.
    fresh: String,
    /// Lines that were read and not heard yet.
    pending: Vec<String>,
}

/// Whether its clock is right.
pub(super) enum Clockwork {
    /// It has told the time, and it is lab time.
    Right,
    /// It has told another.
    Wrong(Instant),
    /// It has told none.
    Untold,
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
    ) -> Result<(Server, ClockFile), String> {
        let version = version(program)?;
        let library = Library::find()?;
        let folder = tempfile::tempdir().map_err(|e| format!("no folder for its files: {e}"))?;
        let path = folder.path().to_owned();
        let mut clock = ClockFile::new(path.join("clock"), program.adapter.time.runs);
        clock.set(setting.start).map_err(|e| format!("its clock: {e}"))?;
        let values =
            values(program, cast, &setting, &path).map_err(|e| format!("its files: {e}"))?;
        let launch = Launch {
            folder: path.clone(),
            clock: clock.path().to_owned(),
            library,
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
            child: None,
            tails: Vec::new(),
            version,
            values,
            launch,
            folder,
            crls: BTreeMap::new(),
            fresh: String::new(),
            pending: Vec::new(),
        };
        server.write_crls(&Batch {
            crls: setting.crls,
            unreadable: false,
            truncated: None,
            reload: false,
        })?;
        server.write_files()?;
        for words in &program.adapter.prepare {
            server.run_once(words)?;
        }
        server.begin()?;
        Ok((server, clock))
    }

    fn description(&self) -> Option<&Description> {
        self.program.adapter.server.as_ref()
    }

    fn write_files(&self) -> Result<(), String> {
        let files = self.program.adapter.files(self.program.options(), &self.values);
        let files = files.map_err(|e| e.to_string())?;
        for (name, text) in files {
            let path = self.folder.path().join(&name);
            let made = path.parent().map_or(Ok(()), fs::create_dir_all);
            made.and_then(|()| fs::write(&path, text)).map_err(|e| format!("`{name}`: {e}"))?;
        }
        Ok(())
    }

    /// Runs a command that comes to an end, in its folder and time.
    fn run_once(&self, words: &[String]) -> Result<(), String> {
        let words = self.filled(words)?;
        let (program, arguments) = words.split_first().ok_or("an empty command")?;
        let mut command = self.launch.bare(program);
        let output = command.args(arguments).output();
        let output = output.map_err(|e| format!("`{program}` does not start: {e}"))?;
        if output.status.success() {
            return Ok(());
        }
        let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
        said.push_str(&String::from_utf8_lossy(&output.stdout));
        said.truncate(said.floor_char_boundary(SAID));
        Err(format!("`{}` ended with {}: {}", words.join(" "), output.status, said.trim()))
    }

    fn filled(&self, words: &[String]) -> Result<Vec<String>, String> {
        Adapter::words(words, self.program.options(), &self.values).map_err(|e| e.to_string())
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
        let lines: Vec<String> = self.tails.iter_mut().flat_map(Tail::new_lines).collect();
        match lines.last() {
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
            .and_then(|()| private(&folder.join("client-key.pem"), &identity.key.pkcs8_pem()));
        wrote.map_err(|e| format!("the client's files: {e}"))?;
        let before = self.program.adapter.probe.iter().flat_map(|probe| &probe.before);
        for words in before {
            self.run_once(words)?;
        }
        self.write_files()?;
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
        self.child.as_mut()?.ended()
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
            let heard = self.heard();
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

    fn heard(&self) -> Vec<Heard> {
        let mut heard: Vec<Heard> =
            self.fresh.lines().filter_map(|line| self.program.adapter.reason(line)).collect();
        let mut known = Vec::new();
        heard.retain(|heard| {
            let fresh = !known.contains(heard);
            known.extend(fresh.then(|| heard.clone()));
            fresh
        });
        heard
    }

    /// What its clock read in an attempt that began and ended at these times of its own clock.
    pub(super) fn clockwork(
        &self,
        page: Option<&[u8]>,
        began: Instant,
        ended: Instant,
    ) -> Clockwork {
        let Some(told) = &self.program.adapter.time.told else { return Clockwork::Untold };
        let read = match told.place {
            Where::Body => page.and_then(|page| told.read(&String::from_utf8_lossy(page))),
            Where::Log => told.read(&self.fresh),
        };
        match read {
            None => Clockwork::Untold,
            Some(read) if read < began - APART || read > ended + APART => Clockwork::Wrong(read),
            Some(_) => Clockwork::Right,
        }
    }

    /// Whether it ever tells the time.
    pub(super) fn tells_time(&self) -> bool {
        self.program.adapter.time.told.is_some()
    }

    /// Puts CRLs in place, and tells the server where that is to be.
    pub(super) fn publish(&mut self, batch: &Batch) -> Result<(), String> {
        self.write_crls(batch)?;
        match batch.reload {
            true => self.reload(),
            false => Ok(()),
        }
    }

    fn write_crls(&mut self, batch: &Batch) -> Result<(), String> {
        self.crls.extend(batch.crls.clone());
        let folder = self.folder.path().join("crls");
        let mut all = String::new();
        let cut = |text: &str| match batch.truncated {
            Some(most) => text.get(..most.min(text.len())).unwrap_or_default().to_owned(),
            None => text.to_owned(),
        };
        let mut files = Vec::new();
        fs::create_dir_all(&folder).map_err(|e| format!("its CRLs: {e}"))?;
        for (ca, der) in &self.crls {
            let Ok(crl) = Crl::parse(der) else { continue };
            let text = crl.pem();
            all.push_str(&text);
            let file = folder.join(format!("{ca}.pem"));
            put(&file, cut(&text).as_bytes(), batch.unreadable)
                .map_err(|e| format!("its CRLs: {e}"))?;
            files.push(file.display().to_string());
        }
        let text = cut(&all);
        let one = self.folder.path().join("crls.pem");
        put(&one, text.as_bytes(), batch.unreadable).map_err(|e| format!("its CRLs: {e}"))?;
        self.values.crls = files;
        self.values.crl_text = text;
        let publish = self.program.adapter.publish.clone();
        // A script that cannot read a file goes on with the next.
        publish.iter().for_each(|words| drop(self.run_once(words)));
        Ok(())
    }

    /// Has it take up changed files, and waits until it has.
    fn reload(&mut self) -> Result<(), String> {
        let Some(description) = self.description().cloned() else { return Ok(()) };
        let Some(reload) = &description.reload else { return self.restart() };
        // What was said before says nothing about this.
        self.said();
        if let Some(signal) = reload.signal {
            self.child.as_ref().map_or(Ok(()), |child| child.signal(signal))?;
        }
        if let Some(words) = &reload.run {
            self.run_once(words)?;
        }
        if let Some(socket) = &reload.socket {
            for line in &reload.say {
                let line = Adapter::text(line, self.program.options(), &self.values);
                let line = line.map_err(|e| e.to_string())?;
                let said = say_to(&self.folder.path().join(socket), &line);
                // What it thinks of a file that it does not take belongs to its log.
                let said = said.map_err(|e| format!("`{socket}`: {e}"))?;
                self.pending.extend(said.lines().map(str::to_owned));
            }
        }
        self.await_reload(reload);
        Ok(())
    }

    /// Waits for the line that says that it has done so, for a while.
    fn await_reload(&mut self, reload: &Reload) {
        const TRIES: u32 = 400;
        for _ in 0..TRIES {
            let said = self.said();
            let done = said.iter().any(|line| reload.is_done_by(line) == Some(true));
            self.pending.extend(said);
            if done || reload.done.is_none() {
                return;
            }
            child::nap();
        }
    }

    /// Everything that it has said since this was last asked.
    fn said(&mut self) -> Vec<String> {
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
        let Some(child) = &self.child else { return Ok(()) };
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

/// The version of a program.
///
/// # Errors
///
/// It is not installed, or another than is known.
pub(in crate::exec) fn version(program: &Program) -> Result<String, String> {
    let adapter = &program.adapter;
    let install = format!("Debian: `apt-get install {}`", adapter.packages.join(" "));
    for name in &adapter.programs {
        if launched_path(name).is_none() {
            return Err(format!("`{name}` is not installed ({install})"));
        }
    }
    let (name, arguments) =
        adapter.version.run.split_first().ok_or("no command for the version")?;
    let mut command = std::process::Command::new(launched_path(name).unwrap_or(name.into()));
    let output = command.args(arguments).stdin(std::process::Stdio::null()).output();
    let output = output.map_err(|e| format!("`{name}` does not start: {e} ({install})"))?;
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    adapter.version_in(&said).ok_or_else(|| {
        let first = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("nothing");
        format!("`{}` says `{first}`, and another version is needed", adapter.version.run.join(" "))
    })
}

pub(super) use super::launch::path_of as launched_path;

/// Writes what it reads, and gives what templates are told.
fn values(
    program: &Program,
    cast: &Cast,
    setting: &Setting<'_>,
    folder: &Path,
) -> io::Result<Values> {
    let write = |name: &str, text: &str| fs::write(folder.join(name), text);
    let mut authorities: Vec<_> = cast.authorities.values().flatten().cloned().collect();
    authorities.dedup();
    let mut distinct = Vec::new();
    for certificate in authorities.into_iter().chain(cast.former.iter().cloned()) {
        if !distinct.contains(&certificate) {
            distinct.push(certificate);
        }
    }
    distinct.sort_by_key(|certificate| !certificate.is_self_issued());
    let (mut cas, mut roots) = (Vec::new(), Vec::new());
    for (n, certificate) in distinct.iter().enumerate() {
        let name = format!("ca-{n}.pem");
        write(&name, &certificate.pem())?;
        fs::write(folder.join(format!("ca-{n}.der")), certificate.der())?;
        if certificate.is_self_issued() {
            roots.push(name.clone());
        }
        cas.push(name);
    }
    let only = |root: bool| {
        let wanted = distinct.iter().filter(|c| !root || c.is_self_issued());
        wanted.map(|c| c.pem()).collect::<String>()
    };
    write("roots.pem", &only(true))?;
    write("authorities.pem", &only(false))?;
    let mut chained = false;
    if let Some(own) = cast.servers.get(setting.sut) {
        let list: Vec<String> = own.certificate_list().iter().map(|c| c.pem()).collect();
        let (first, above) = list.split_at(1.min(list.len()));
        write("server.pem", &first.concat())?;
        write("chain.pem", &above.concat())?;
        write("fullchain.pem", &list.concat())?;
        let key = own.key.pkcs8_pem();
        private(&folder.join("key.pem"), &key)?;
        private(&folder.join("bundle.pem"), &format!("{}{key}", list.concat()))?;
        chained = !above.is_empty();
    }
    let leaf = cast.identities.values().find_map(|identity| identity.chain.first());
    let ocsp = leaf.and_then(|leaf| leaf.ocsp_urls().first()).map(ToString::to_string);
    let port = match setting.at.port() {
        0 if program.adapter.server.is_some() => free_port(setting.at)?,
        port => port,
    };
    let shown = |at: Option<SocketAddr>| at.map(|at| at.to_string()).unwrap_or_default();
    Ok(Values {
        dir: folder.display().to_string(),
        address: setting.at.ip().to_string(),
        port,
        host: setting.host.to_owned(),
        resolver: shown(setting.resolver),
        backend: shown(setting.backend),
        tls: if setting.tls == TlsVersion::V1_3 { "1.3" } else { "1.2" }.to_owned(),
        resumption: setting.resumption,
        ocsp_url: ocsp.unwrap_or_default(),
        chained,
        user: if crate::exec::namespace::is_root() { "nobody" } else { "" }.to_owned(),
        group: group().to_owned(),
        client: "client.pem".to_owned(),
        client_chain: "client-chain.pem".to_owned(),
        client_key: "client-key.pem".to_owned(),
        crls: Vec::new(),
        cas,
        roots,
        crl_text: String::new(),
    })
}

/// The group of `nobody`, which distributions do not agree about.
fn group() -> &'static str {
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    let is_there = groups.lines().any(|line| line.starts_with("nogroup:"));
    if is_there { "nogroup" } else { "nobody" }
}

fn free_port(at: SocketAddr) -> io::Result<u16> {
    Ok(TcpListener::bind(at)?.local_addr()?.port())
}

/// A key: its owner's alone.
fn private(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    mode(path, 0o600)
}

/// A file that comes to be there in one go.
fn put(path: &Path, bytes: &[u8], unreadable: bool) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    fs::write(&fresh, bytes)?;
    mode(&fresh, if unreadable { 0 } else { 0o644 })?;
    fs::rename(&fresh, path)
}

#[cfg(unix)]
pub(super) fn mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
pub(super) fn mode(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// One exchange with an admin socket.
#[cfg(unix)]
fn say_to(socket: &Path, line: &str) -> io::Result<String> {
    use std::io::{Read, Write};
    let patience = Some(Duration::from_secs(5));
    let mut stream = std::os::unix::net::UnixStream::connect(socket)?;
    stream.set_read_timeout(patience)?;
    stream.set_write_timeout(patience)?;
    stream.write_all(line.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[cfg(not(unix))]
fn say_to(_socket: &Path, _line: &str) -> io::Result<String> {
    Err(io::Error::other("there are no Unix sockets here"))
}
