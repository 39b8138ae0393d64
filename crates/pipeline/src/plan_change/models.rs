//! The models that a run was built with.

use clinstruct_store::Store;

use crate::{Error, Result, RunContext};

/// Refuses to continue with other models: every row would be requested, and paid for, again.
pub(super) fn ensure_same_models(context: &RunContext<'_>, store: &Store) -> Result<()> {
    let asked = context.models();
    let Some(known) = store.meta("models")? else { return Ok(()) };
    // For rehearsals, which cost nothing, only the rows count.
    let free = context.free && known.contains("of rehearsal");
    if known != asked && !free && store.answered_total()? > 0 {
        let is_paid = context.routes.all().iter().any(|route| route.price.is_some());
        return Err(Error::OtherModel {
            known: in_short(&known),
            asked: in_short(&asked),
            is_paid,
        });
    }
    Ok(())
}

/// Models from [`RunContext::models`]; a common one of all speakers only once.
pub(crate) fn in_short(models: &str) -> String {
    let each: Option<Vec<&str>> =
        models.split(", ").map(|one| Some(one.split_once(" by ")?.1)).collect();
    match each.as_deref() {
        Some([first, second, third]) if first == second && second == third => (*first).to_owned(),
        _ => models.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_model_for_all_is_named_once() {
        let one = "prompt_writer by m of b, assistant by m of b, user by m of b";
        assert_eq!(in_short(one), "m of b");
        for more in [
            "prompt_writer by m of b, assistant by m of b, user by n of b",
            "prompt_writer by a, c of b, assistant by a, c of b, user by a, c of b",
            "",
        ] {
            assert_eq!(in_short(more), more);
        }
    }
}
