//! What the runs of the shards of one plan have in common, and whether each of them is finished.

use std::fmt;

use clinstruct_promptgen::Plan;
use clinstruct_schema::{Shard, counted};
use clinstruct_store::{Store, TaskKey};

use crate::config::{PlanFacts, SHARD};
use crate::plan_change::in_short;
use crate::{Result, RunContext};

/// The plan of a run, as its journal has it, apart from its shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPlan {
    whole: String,
    models: String,
    shard: Option<Shard>,
}

impl RunPlan {
    /// The plan of a journal; `None` where the run has not begun.
    pub fn of(store: &Store) -> Result<Option<Self>> {
        let Some(plan) = store.meta("plan")? else { return Ok(None) };
        Ok(Some(Self::new(&plan, store.meta("models")?.unwrap_or_default())))
    }

    /// The plan of a command.
    pub fn of_context(context: &RunContext<'_>) -> Self {
        Self::new(&context.fingerprint(), context.models())
    }

    fn new(plan: &str, models: String) -> Self {
        // A model's name may contain anything, but it is not at the end.
        let at_end = plan.rsplit_once(SHARD);
        let (whole, shard) = match at_end.map(|(whole, shard)| (whole, shard.parse())) {
            Some((whole, Ok(shard))) => (whole, Some(shard)),
            _ => (plan, None),
        };
        Self { whole: whole.to_owned(), models, shard }
    }

    /// The shard that the run is.
    pub fn shard(&self) -> Option<Shard> {
        self.shard
    }

    /// How another plan differs besides its shard, such as `seed 1 -> 2`; nothing where it does not.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let (old, new) = (PlanFacts::parse(&self.whole), PlanFacts::parse(&other.whole));
        let mut all = old.differences(&new);
        let added = new.parts.iter().filter(|part| !old.parts.contains(part));
        all.extend(added.map(|part| format!("part {part} added")));
        if self.models != other.models {
            let (old, new) = (in_short(&self.models), in_short(&other.models));
            all.push(format!("model {old} -> {new}"));
        }
        if old.catalog != new.catalog {
            all.push("resources".to_owned());
        }
        if old.reading != new.reading {
            all.push(format!(
                "version of clinstruct, which reads answers differently ({} -> {})",
                old.reading, new.reading
            ));
        }
        if all.is_empty() && self.whole != other.whole {
            all.push("stages that ask a model".to_owned());
        }
        all
    }
}

/// The task of a plan in the place of a task of one of its shards; the key itself where the shard has no such row.
pub fn in_whole_plan<'a>(
    whole: &'a RunContext<'_>,
    shard: Shard,
) -> impl Fn(TaskKey) -> TaskKey + 'a {
    let of_part = |(part, plan): &(u8, Plan<'a>)| (*part, plan.clone().shard(shard));
    let parts: Vec<(u8, Plan<'a>)> = whole.plans.iter().map(of_part).collect();
    move |key| {
        let moved = || {
            let (_, own) = parts.iter().find(|(part, _)| *part == key.part())?;
            let place = own.place(key.seed_row_index() as usize)?;
            let index = whole.plan(key.part())?.at_place(place)?;
            key.with_seed_row(u32::try_from(index).ok()?)
        };
        moved().unwrap_or(key)
    }
}

/// What a run has not done yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// Prompt requests that were not begun, or wait.
    pub prompt_requests: u64,
    /// Conversations that wait.
    pub conversations: u64,
    /// Records of prompts and annotations that wait.
    pub beside: u64,
    /// Jobs that have not ended.
    pub jobs: u64,
}

impl Unfinished {
    /// What the run of a journal has not done; nothing for one that is finished.
    pub fn of(store: &Store) -> Result<Option<Self>> {
        let planned: usize = store.planned_parts()?.iter().map(|(_, rows)| rows).sum();
        let mut all = Self { jobs: store.open_jobs()?.len() as u64, ..Self::default() };
        let mut ended = 0;
        for part in store.counts()? {
            ended += part.seed_rows_done + part.seed_rows_rejected;
            all.conversations += part.conversations_waiting;
        }
        all.prompt_requests = (planned as u64).saturating_sub(ended);
        all.beside = store.beside()?.iter().map(|counts| counts.waiting).sum();
        Ok((all != Self::default()).then_some(all))
    }
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = [
            (self.prompt_requests, "prompt request"),
            (self.conversations, "conversation"),
            (self.beside, "other request"),
            (self.jobs, "open job"),
        ];
        let each = each.into_iter().filter(|(count, _)| *count > 0);
        let each: Vec<String> = each.map(|(count, what)| counted(count, what)).collect();
        f.write_str(&each.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = "reading 8; catalog c; parts a,b; limit Some(4); seed 1; assistant by m; shard 9/9 of b; \
                        temperature None; structured true";

    #[test]
    fn plans_differ_in_all_but_their_shard() {
        let plan = |text: &str| RunPlan::new(text, "m of b".into());
        let (one, two) = (
            plan(&format!("{PLAN}; shard 1/4")),
            plan(&format!("{PLAN}; sample Some(3); shard 2/4")),
        );
        assert_eq!((one.shard(), two.shard()), (Shard::new(1, 4), Shard::new(2, 4)));
        assert_eq!(one.differences(&plan(PLAN)), [""; 0]);
        assert_eq!(one.differences(&two), ["sample none -> 3"]);
        assert_eq!(plan(PLAN).shard(), None);
        let other = plan(&PLAN.replace("parts a,b", "parts b,c").replace("catalog c", "catalog d"));
        assert_eq!(
            plan(PLAN).differences(&other),
            ["part a left out", "part c added", "resources"]
        );
        let newer = plan(&format!("{}; annotator x", PLAN.replace("reading 8", "reading 9")));
        assert!(plan(PLAN).differences(&newer)[0].starts_with("version of clinstruct"));
        assert_eq!(plan(PLAN).differences(&plan(&format!("{PLAN}; annotator x"))).len(), 1);
    }

    #[test]
    fn what_is_not_done_is_counted_by_kind() {
        let some = Unfinished { prompt_requests: 2, jobs: 1, ..Unfinished::default() };
        assert_eq!(some.to_string(), "2 prompt requests, 1 open job");
    }
}
