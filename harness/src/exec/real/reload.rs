//! CRL files of a program: put in place, and taken up.

use std::fs;

use revlab_pki::Crl;
use revlab_sut::adapter::{Adapter, Reload};

use super::admin_socket::say_to;
use super::child;
use super::folder::put;
use super::publisher::Batch;
use super::server::Server;

impl Server {
    /// Puts CRLs in place, and tells the server where that is to be.
    pub(super) fn publish(&mut self, batch: &Batch) -> Result<(), String> {
        self.write_crls(batch)?;
        match batch.reload {
            true => self.reload(),
            false => Ok(()),
        }
    }

    /// Puts CRLs in place.
    pub(super) fn write_crls(&mut self, batch: &Batch) -> Result<(), String> {
        self.crls.extend(batch.crls.clone());
        let folder = self.folder.path().join("crls");
        let mut all = String::new();
        let mut files = Vec::new();
        fs::create_dir_all(&folder).map_err(|e| format!("its CRLs: {e}"))?;
        for (ca, der) in &self.crls {
            let Ok(crl) = Crl::parse(der) else { continue };
            let text = crl.pem();
            all.push_str(&text);
            let file = folder.join(format!("{ca}.pem"));
            put(&file, batch.written(&text).as_bytes(), batch.unreadable)
                .map_err(|e| format!("its CRLs: {e}"))?;
            files.push(file.display().to_string());
        }
        let text = batch.written(&all).to_owned();
        let one = self.folder.path().join("crls.pem");
        put(&one, text.as_bytes(), batch.unreadable).map_err(|e| format!("its CRLs: {e}"))?;
        self.values.crls = files;
        self.values.crl_text = text;
        let publish = self.program.adapter.publish.clone();
        // A script that cannot read a file goes on with the next.
        publish.iter().for_each(|words| drop(self.run_to_its_end(words)));
        Ok(())
    }

    /// Switches its checks of revocation on or off.
    pub(super) fn check_revocation(&mut self, enabled: bool) -> Result<(), String> {
        let options = self.program.adapter.options(self.program.options(), enabled);
        self.options = options.ok_or("its checks cannot be switched off")?;
        self.write_files()?;
        match self.description().map(|server| &server.reload) {
            None => Ok(()),
            Some(Some(reload)) if reload.configuration => self.reload(),
            Some(_) => self.restart(),
        }
    }

    /// Has it take up changed files, and waits until it has.
    fn reload(&mut self) -> Result<(), String> {
        let Some(description) = self.description().cloned() else { return Ok(()) };
        let Some(reload) = &description.reload else { return self.restart() };
        self.refused.clear();
        // What was said before says nothing about this.
        self.said();
        if let Some(signal) = reload.signal {
            let told = self.child.as_ref().map_or(Ok(()), |child| child.signal(signal));
            told.map_err(|gone| self.ended().unwrap_or(gone))?;
        }
        if let Some(words) = &reload.run {
            self.run_to_its_end(words)?;
        }
        if let Some(socket) = &reload.socket {
            for line in &reload.say {
                let line = Adapter::text(line, &self.options, &self.values);
                let line = line.map_err(|e| e.to_string())?;
                let said = say_to(&self.folder.path().join(socket), &line);
                // What it thinks of a file that it does not take belongs to its log.
                let said =
                    said.map_err(|e| self.ended().unwrap_or_else(|| format!("`{socket}`: {e}")))?;
                self.pending.extend(said.lines().map(|line| format!("{socket}: {line}")));
            }
        }
        self.await_reload(reload);
        Ok(())
    }

    fn mark_refused(&mut self, reload: &Reload, said: &[String]) {
        let refused = said.iter().filter_map(|line| reload.refusal(line));
        // The folder has another name each time.
        let dir = &self.values.dir;
        for line in refused.map(|line| line.replace(dir, ".")) {
            // Some write into their log what they say aloud.
            if !self.refused.contains(&line) {
                self.refused.push(line);
            }
        }
    }

    /// Waits for the line that says that it has done so, for a while.
    fn await_reload(&mut self, reload: &Reload) {
        const TRIES: u32 = 400;
        let mut all = Vec::new();
        for _ in 0..TRIES {
            let said = self.said();
            let done = said.iter().any(|line| reload.is_done_by(line) == Some(true));
            all.extend(said);
            if done || reload.done.is_none() {
                break;
            }
            child::nap();
        }
        self.mark_refused(reload, &all);
        self.pending.extend(all);
    }
}
