//! Weights files: where they are stored, and how a name is resolved.

use std::path::{Path, PathBuf};

use clinstruct_catalog::Catalog;
use clinstruct_models::ModelCache;

use crate::{suggest, usage, variable};

/// Where weights are kept.
pub fn model_cache() -> crate::Result<ModelCache> {
    let folder = match variable("CLINSTRUCT_MODELS") {
        Some(folder) => PathBuf::from(folder),
        None => dirs::cache_dir().map(|cache| cache.join("clinstruct").join("models")).ok_or_else(
            || {
                usage(
                    "this user has no folder for caches",
                    "name a folder for weights in CLINSTRUCT_MODELS",
                )
            },
        )?,
    };
    Ok(ModelCache::new(folder))
}

/// The file of a model: one of this machine, or one in the cache by its name in the list or of its own.
pub fn file_of(name: &str, catalog: &Catalog) -> crate::Result<PathBuf> {
    let path = Path::new(name);
    if path.is_file() {
        return Ok(path.to_owned());
    }
    let cache = model_cache()?;
    if let Some(model) = catalog.model(name) {
        let file = cache.path(model);
        if file.is_file() {
            return Ok(file);
        }
        return Err(usage(
            format!("the weights of {name} are not here: no {}", file.display()),
            format!("clinstruct model fetch {name} gets them ({} MB)", model.bytes / 1_000_000),
        ));
    }
    cache.find(name).ok_or_else(|| {
        let known: Vec<&str> = catalog.models.iter().map(|m| m.name.as_str()).collect();
        usage(
            format!("{name} is no file, and no model of the list"),
            suggest(
                name,
                known.iter().copied(),
                &format!(
                    "give the path of a .gguf file, or one of: {}; `clinstruct model list` shows more",
                    known.join(", ")
                ),
            ),
        )
    })
}

/// The name of a model in a run, taken from its file, which need not exist.
pub(crate) fn called(name: &str, catalog: &Catalog) -> String {
    let file = match catalog.model(name) {
        Some(model) => model.file.clone(),
        None => name.to_owned(),
    };
    let path = Path::new(&file);
    let is_weights = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gguf"));
    let stem = path.file_stem().filter(|_| is_weights);
    stem.map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned())
}
