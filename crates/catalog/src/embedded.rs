//! The resources that are compiled in.

use include_dir::{Dir, include_dir};

use crate::{Catalog, CatalogError, Files};

static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../resources");

impl Catalog {
    /// The embedded resources.
    pub fn embedded() -> Result<Self, CatalogError> {
        Self::read(Self::embedded_files())
    }

    /// The texts of the embedded resources.
    pub fn embedded_files() -> Files {
        fn walk(dir: &Dir<'_>, files: &mut Files) {
            for file in dir.files() {
                if let (Some(name), Some(text)) = (file.path().to_str(), file.contents_utf8())
                    && Catalog::is_resource(file.path())
                {
                    files.insert(name.replace('\\', "/"), text.to_owned());
                }
            }
            for dir in dir.dirs() {
                walk(dir, files);
            }
        }
        let mut files = Files::new();
        walk(&EMBEDDED, &mut files);
        files
    }

    /// Adds the embedded files that a folder of resources lacks, where it has only those that differ; returns how many it adds.
    ///
    /// A folder with every file that lies outside a subfolder, such as a copy of `resources/`, is whole: a part or a list that is
    /// not in it was left out on purpose.
    pub fn complete(files: &mut Files) -> usize {
        let embedded = Self::embedded_files();
        let is_whole = embedded.keys().filter(|n| !n.contains('/')).all(|n| files.contains_key(n));
        if is_whole {
            return 0;
        }
        let own = files.len();
        for (name, text) in embedded {
            files.entry(name).or_insert(text);
        }
        files.len() - own
    }

    /// Whether a file of a resources folder is read: data (`.toml`) and templates (`.j2`).
    pub fn is_resource(path: &std::path::Path) -> bool {
        path.extension().is_some_and(|e| e == "toml" || e == "j2")
    }
}
