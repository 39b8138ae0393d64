//! What a pilot says about the whole plan, for people.

use std::fmt::Write as _;
use std::time::Duration;

use clinstruct_schema::dollars;
use clinstruct_schema::summary::{Pilot, Projection};
use clinstruct_store::JobRecord;

use crate::table::number;

/// The extrapolation of a sample that had `answered` requests answered, and took `time`.
pub(crate) fn text(pilot: &Pilot, answered: u64, time: Duration) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "the whole plan, from this sample of {} of its {} prompt requests, with 95% intervals",
        number(pilot.seed_rows),
        number(pilot.of)
    );
    let mut line = |name: &str, p: Projection, show: &dyn Fn(u64) -> String| {
        let _ = writeln!(
            out,
            "  {name:<16} {:>12}  ({} to {})",
            show(p.expected),
            show(p.low),
            show(p.high)
        );
    };
    line("conversations", pilot.planned, &number);
    line("rejected", pilot.rejected, &number);
    line("requests", pilot.requests, &number);
    line("tokens", pilot.tokens, &number);
    if pilot.micro_usd.expected > 0 {
        line("cost", pilot.micro_usd, &|micro| dollars(micro));
    }
    let all = time.mul_f64(pilot.requests.expected as f64 / answered.max(1) as f64);
    let _ = writeln!(
        out,
        "  time             from {} (with as many jobs at once as it needs) to {} (at the pace of this run)",
        duration(time),
        duration(all)
    );
    out.push_str(
        "near duplicates grow faster than the rows: how many are dropped is not extrapolated\n",
    );
    out
}

/// How long jobs were open: times in which several were count once.
pub(crate) fn open_time(jobs: &[JobRecord]) -> Duration {
    let mut spans: Vec<(i64, i64)> = jobs.iter().map(|job| (job.created, job.updated)).collect();
    spans.sort_unstable();
    let (mut seconds, mut until) = (0, i64::MIN);
    for (from, to) in spans {
        seconds += (to - from.max(until)).max(0);
        until = until.max(to);
    }
    Duration::from_secs(seconds.unsigned_abs())
}

/// A duration, for people.
fn duration(time: Duration) -> String {
    match time.as_secs() {
        s @ 0..=119 => format!("{s} s"),
        s @ 120..=7199 => format!("{} min", s / 60),
        s => format!("{:.1} h", s as f64 / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_which_several_jobs_were_open_count_once() {
        let job = |created, updated| JobRecord {
            id: clinstruct_store::JobId(1),
            tag: String::new(),
            provider_ref: None,
            state: clinstruct_store::JobProgress::Ended,
            ended: None,
            rows: 0,
            route: String::new(),
            queued_tokens: 0,
            reserved: 0,
            cost: 0,
            estimated: 0,
            fault: None,
            usage: clinstruct_schema::Usage::default(),
            counts: clinstruct_store::JobCounts::default(),
            created,
            updated,
        };
        let jobs = [job(50, 60), job(0, 10), job(5, 20), job(7, 9), job(100, 100)];
        assert_eq!(open_time(&jobs), Duration::from_secs(30));
        assert_eq!(open_time(&[]), Duration::ZERO);
    }
}
