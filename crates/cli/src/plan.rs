//! Checks that a command and its run have the same plan.

use clinstruct_pipeline::RunContext;
use clinstruct_store::Store;

use crate::exit::usage;

/// The error for a row that the plan does not have.
pub(crate) fn no_row(id: &str) -> clinstruct_app::Error {
    usage(
        format!("the plan has no seed row \"{id}\""),
        "type `clinstruct plan --rows` to see all of them; for rows of your own, give the same --resources",
    )
}

/// Refuses to read a run with another plan than it was made with.
pub(crate) fn ensure_same_plan(
    context: &RunContext<'_>,
    store: &Store,
) -> clinstruct_app::Result<()> {
    let made = store.meta("plan")?.unwrap_or_default();
    if made == context.fingerprint() {
        return Ok(());
    }
    Err(usage(
        "the run was built with other settings or resources, or by another version of this program",
        "leave out flags that `clinstruct build` did not get; if the resources or the program have changed, \
         `clinstruct reparse` writes all files again",
    ))
}
