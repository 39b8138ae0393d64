//! The local web application.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clinstruct_app::Context as _;

use clinstruct_catalog::Catalog;
use clinstruct_curate::metrics::Facts;

use super::print_err;
use crate::args::{RunArgs, ServeArgs};
use crate::exit::{Code, usage};
use crate::settings;
use clinstruct_app::Setup;

/// The facts from the run's own resources, or from the embedded ones if those cannot be read.
fn facts(mut run: RunArgs, data: &Path) -> Facts {
    if data.is_dir() {
        run.out = Some(data.to_owned());
    }
    let settings = settings::of_run(run.clone()).or_else(|_| settings::own(run));
    match settings.and_then(Setup::new) {
        Ok(setup) => clinstruct_app::facts(&setup.catalog),
        Err(e) => {
            print_err(&format!("{e}; texts are checked against the resources of this build"));
            Catalog::embedded().map(|c| clinstruct_app::facts(&c)).unwrap_or_default()
        }
    }
}

/// Serves a run until Ctrl-C.
pub(crate) fn serve(args: ServeArgs) -> clinstruct_app::Result<Code> {
    let data: PathBuf = match args.data {
        Some(data) => data,
        None => Setup::new(settings::own(args.run.clone())?)?.out,
    };
    if !data.exists() {
        return Err(usage(
            format!("there is nothing at {}", data.display()),
            "give the folder of a run, or one file of its conversations",
        ));
    }
    let facts = facts(args.run, &data);
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), args.port);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    print_err(&format!("making the conversations of {} searchable", data.display()));
    let ready =
        |at: SocketAddr| print_err(&format!("open http://{at}/ in a browser; Ctrl-C ends it"));
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    runtime.block_on(clinstruct_viewer::serve(&data, address, facts, ready, stop))?;
    Ok(Code::Done)
}
