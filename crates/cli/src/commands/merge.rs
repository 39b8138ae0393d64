//! Makes one run of the runs of all shards.

use clinstruct_app::{Setup, Shards};

use super::build;
use crate::args::MergeArgs;
use crate::exit::Code;
use crate::remote::{self, Wanted};

/// Copies the answers of the shards into the merged run, and writes its outputs; sends nothing.
pub(crate) fn merge(args: MergeArgs) -> clinstruct_app::Result<Code> {
    let MergeArgs { shards, mut run } = args;
    run.keyless = true;
    let given = run.given()?;
    let copies = remote::fetch(&shards, Wanted::Answers)?;
    let shards = Shards::read(&given, &copies.paths)?;
    let setup = Setup::new(shards.settings(&given)?)?;
    shards.copy(&setup)?;
    build::merged(&setup)
}
