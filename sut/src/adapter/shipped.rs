//! The adapters that are built in: `sut/adapters/`.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};

use super::{Adapter, AdapterError};

static FOLDER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/adapters");

impl Adapter {
    /// The names of those that are built in, in order.
    pub fn shipped() -> Vec<&'static str> {
        let names = FOLDER.dirs().filter_map(|folder| folder.path().file_name()?.to_str());
        let mut names: Vec<&'static str> = names.collect();
        names.sort_unstable();
        names
    }

    /// The built-in adapter of this name; none: there is none.
    ///
    /// # Errors
    ///
    /// It cannot be read: a defect of revlab.
    ///
    /// ```
    /// use revlab_sut::adapter::Adapter;
    /// let nginx = Adapter::of_name("nginx").unwrap().unwrap();
    /// assert!(!nginx.is_verifier());
    /// assert!(Adapter::of_name("iis").is_none());
    /// ```
    pub fn of_name(name: &str) -> Option<Result<Adapter, AdapterError>> {
        let folder = FOLDER.get_dir(name)?;
        let mut templates = BTreeMap::new();
        for file in folder.files() {
            let name = file.path().file_name()?.to_str()?.to_owned();
            templates.insert(name, file.contents_utf8()?.to_owned());
        }
        let text = templates.remove(Adapter::FILE)?;
        Some(Adapter::read(&format!("{name}/{}", Adapter::FILE), &text, templates))
    }
}
