//! Models in this process: which file is meant, and what its backend is told.

use std::path::{Path, PathBuf};

use clinstruct_catalog::Catalog;
use clinstruct_models::ModelCache;

use crate::backends::variable;
use crate::exit::usage;

/// Where weights are kept.
pub(crate) fn shelf() -> anyhow::Result<ModelCache> {
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

/// The file of a model: one of this machine, or one on the shelf by its name in the list or of its own.
pub(crate) fn file_of(name: &str, catalog: &Catalog) -> anyhow::Result<PathBuf> {
    let path = Path::new(name);
    if path.is_file() {
        return Ok(path.to_owned());
    }
    let shelf = shelf()?;
    if let Some(model) = catalog.model(name) {
        let file = shelf.path(model);
        if file.is_file() {
            return Ok(file);
        }
        return Err(usage(
            format!("the weights of {name} are not here: no {}", file.display()),
            format!("clinstruct model fetch {name} gets them ({} MB)", model.bytes / 1_000_000),
        ));
    }
    shelf.find(name).ok_or_else(|| {
        let known: Vec<&str> = catalog.models.iter().map(|m| m.name.as_str()).collect();
        usage(
            format!("{name} is no file, and no model of the list"),
            format!(
                "give the path of a .gguf file, or one of: {}; `clinstruct model list` shows more",
                known.join(", ")
            ),
        )
    })
}

/// Models that were opened in this process; a file is opened once, for all roles that it plays.
#[derive(Default)]
pub(crate) struct Llama {
    #[cfg(feature = "llama")]
    opened: Vec<opened::Opened>,
}

#[cfg(not(feature = "llama"))]
impl Llama {
    #[expect(clippy::unused_self, reason = "as where there is one")]
    pub(crate) fn route(
        &mut self,
        _: &crate::args::RunArgs,
        _: &Catalog,
        _: Option<String>,
    ) -> anyhow::Result<clinstruct_pipeline::Route> {
        Err(usage(
            "this clinstruct was built without the llama backend",
            "build it in, which needs cmake, clang and a C++ compiler: cargo build --release -p clinstruct-cli \
             --features llama; `cargo xtask build-dataset --backend llama` does so by itself. Or give --backend \
             chat and the address of a llama.cpp server",
        ))
    }
}

#[cfg(feature = "llama")]
mod opened {
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use clinstruct_backend_llama::{
        Broken, Llama as Backend, LlamaCpp, Options, Plan, Settings, waiting,
    };
    use clinstruct_batch_client::{BatchBackend, ErrorKind};
    use clinstruct_catalog::Catalog;
    use clinstruct_pipeline::Route;

    use super::{Llama, file_of};
    use crate::args::RunArgs;
    use crate::backends::variable;
    use crate::commands::say;
    use crate::exit::usage;
    use crate::table::number;

    pub(super) struct Opened {
        file: PathBuf,
        bytes: u64,
        backend: Arc<dyn BatchBackend>,
    }

    impl Llama {
        /// The way to a model, which is loaded when the first request comes. What can be known to be wrong with
        /// it is told now.
        pub(crate) fn route(
            &mut self,
            args: &RunArgs,
            catalog: &Catalog,
            model: Option<String>,
        ) -> anyhow::Result<Route> {
            let name = model.ok_or_else(|| {
                usage(
                    "--backend llama needs --model",
                    "give the path of a .gguf file, or a name that `clinstruct model list` shows",
                )
            })?;
            let file = file_of(&name, catalog)?;
            let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let backend = match self.opened.iter().find(|o| o.file == file) {
                Some(opened) => Arc::clone(&opened.backend),
                None => self.open(args, &file)?,
            };
            Ok(Route { name: format!("llama {stem}"), backend, model: stem, price: None })
        }

        fn open(&mut self, args: &RunArgs, file: &Path) -> anyhow::Result<Arc<dyn BatchBackend>> {
            let processors = std::thread::available_parallelism().map_or(1, usize::from);
            let options = Options {
                file: file.to_owned(),
                threads: args.jobs.unwrap_or(processors),
                context: args.context,
                at_once: args.concurrency,
                taken: self.opened.iter().map(|o| o.bytes).sum(),
            };
            let plan = Plan::new(&options).map_err(refused)?;
            #[cfg(target_os = "linux")]
            begin_anew(options.threads);
            let mib = |bytes: u64| number(bytes.div_ceil(1 << 20));
            say(&format!(
                "{}: {} conversations at once, of up to {} tokens, in about {} MiB of memory",
                file.display(),
                plan.at_once,
                number(plan.context as u64),
                mib(plan.total()),
            ));
            let settings = Settings {
                stop: args.stop.clone(),
                account: plan.fingerprint.clone(),
                ..Settings::default()
            };
            let bytes = plan.total();
            let backend: Arc<dyn BatchBackend> =
                Arc::new(Backend::new(settings, move || LlamaCpp::open(&options, &plan)));
            let opened = Opened { file: file.to_owned(), bytes, backend: Arc::clone(&backend) };
            self.opened.push(opened);
            Ok(backend)
        }
    }

    /// Starts this program anew with OpenMP's setting for waiting, unless the caller has given one. It is read
    /// when a process starts, and nothing has been opened or asked yet. Where that cannot be, the model is only
    /// slower.
    #[cfg(target_os = "linux")]
    fn begin_anew(threads: usize) {
        use std::os::unix::process::CommandExt as _;
        if ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"].into_iter().any(|v| variable(v).is_some()) {
            return;
        }
        let Ok(program) = std::env::current_exe() else { return };
        let (name, value) = waiting(threads);
        let mut again = std::process::Command::new(program);
        let _ = again.args(std::env::args_os().skip(1)).env(name, value).exec();
    }

    fn refused(broken: Broken) -> anyhow::Error {
        match broken.kind {
            ErrorKind::Refused => usage(
                broken.message,
                "`clinstruct model list` shows models with their sizes; the guide has a page on them",
            ),
            kind => {
                clinstruct_batch_client::Error::new(kind, "open the model", broken.message).into()
            }
        }
    }
}
