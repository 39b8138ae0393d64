//! Counts of rows and repairs.

use std::collections::{BTreeMap, BTreeSet};

use clinstruct_multiturn::Variant;
use clinstruct_schema::{PartSummary, RepairCounts, Speaker};
use clinstruct_store::TaskState;

use super::Group;
use crate::RunContext;
use crate::task::{Retried, variant_of};

/// Counts for the rows of one seed row.
pub(super) fn of(group: &Group<'_>) -> PartSummary {
    let mut sum = PartSummary {
        in_progress: group.not_begun,
        prompts: group.prompts.iter().flatten().count() as u64,
        ..PartSummary::default()
    };
    for conversation in &group.conversations {
        if variant_of(conversation.task.key.variant()) == Variant::Emergency {
            sum.emergencies += 1;
        }
        match conversation.task.state {
            TaskState::Waiting => sum.in_progress += 1,
            TaskState::Done => sum.in_dataset += 1,
            TaskState::Rejected => {
                let counts =
                    if conversation.failed() { &mut sum.failed } else { &mut sum.rejected };
                *counts.entry(conversation.reason().to_owned()).or_default() += 1;
            }
        }
        let done = conversation.task.state == TaskState::Done;
        let Some(row) = conversation.row.as_ref().filter(|_| done) else { continue };
        for turn in &row.provenance.turns {
            sum.assistant_turns += u64::from(turn.speaker == Speaker::Assistant);
            for rule in &turn.cleanup {
                *sum.cleanup.entry(rule.clone()).or_default() += 1;
            }
        }
    }
    sum
}

pub(super) fn add(sum: &mut PartSummary, more: &PartSummary) {
    sum.prompts += more.prompts;
    sum.emergencies += more.emergencies;
    sum.in_dataset += more.in_dataset;
    sum.in_progress += more.in_progress;
    sum.assistant_turns += more.assistant_turns;
    for (into, from) in [
        (&mut sum.rejected, &more.rejected),
        (&mut sum.failed, &more.failed),
        (&mut sum.cleanup, &more.cleanup),
    ] {
        for (reason, count) in from {
            *into.entry(reason.clone()).or_default() += count;
        }
    }
}

/// Counts the failed attempts at one turn or prompt request, by the checks that they failed.
pub(super) fn add_retries(
    context: &RunContext<'_>,
    repairs: &mut BTreeMap<String, RepairCounts>,
    retried: &Retried,
) {
    let route = context.routes.of(retried.speaker);
    let limits = route.backend.limits();
    let mut checks: BTreeSet<&str> = BTreeSet::new();
    for (number, failed) in retried.failed.iter().enumerate() {
        for check in &failed.checks {
            let counts = repairs.entry(check.clone()).or_default();
            counts.attempts += 1;
            if number == 0 {
                counts.first += 1;
                *counts.speakers.entry(retried.speaker).or_default() += 1;
            }
            if checks.insert(check) {
                counts.repaired += u64::from(retried.succeeded);
                counts.rejected += u64::from(!retried.succeeded);
            }
        }
        if let Some(first) = failed.checks.first() {
            let counts = repairs.entry(first.clone()).or_default();
            counts.requests += 1;
            counts.usage += failed.usage;
            counts.micro_usd += route.cost(failed.usage, &limits);
        }
    }
}
