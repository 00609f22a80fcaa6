//! The run's folder: what programs need to take part, and the token.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::ServeError;
use super::credential::Artefact;
use crate::out::OutError;

/// The folder of a run, gone with it where nobody has named it.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _temporary: Option<TempDir>,
}

impl Folder {
    /// The folder `out`, or one of its own for its owner alone.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub(super) fn new(out: Option<&Path>) -> Result<Folder, ServeError> {
        if let Some(path) = out {
            let made = fs::create_dir_all(path);
            made.map_err(|source| OutError::new(path.to_owned(), source))?;
            // Commands that are printed work from every folder.
            let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
            return Ok(Folder { path, _temporary: None });
        }
        let made = tempfile::Builder::new().prefix("revlab-serve-").tempdir();
        let temporary = made.map_err(|e| ServeError::system("a temporary folder", e))?;
        Ok(Folder { path: temporary.path().to_owned(), _temporary: Some(temporary) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file, in place of what may be there; secrets can be read by their owner alone.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub(super) fn write(&self, artefact: &Artefact) -> Result<PathBuf, ServeError> {
        let path = self.path.join(artefact.name());
        let fails = |source| OutError::new(path.clone(), source);
        // An older file would keep its own mode, and a link lead elsewhere.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(fails(error).into());
            }
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if artefact.is_secret() {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        let written = options.open(&path).and_then(|mut file| file.write_all(artefact.bytes()));
        written.map_err(fails)?;
        Ok(path)
    }
}
