//! What a pilot says about the whole plan, for people.

use std::fmt::Write as _;
use std::time::Duration;

use clinstruct_schema::dollars;
use clinstruct_schema::summary::{Pilot, Projection};

use crate::progress::rounded;
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
        rounded(time),
        rounded(all)
    );
    out.push_str(
        "near duplicates grow faster than the rows: how many are dropped is not extrapolated\n",
    );
    out
}

/// How long jobs were open, each from one second to another: times in which several were count once.
pub(crate) fn open_time(mut spans: Vec<(i64, i64)>) -> Duration {
    spans.sort_unstable();
    let (mut seconds, mut until) = (0, i64::MIN);
    for (from, to) in spans {
        seconds += (to - from.max(until)).max(0);
        until = until.max(to);
    }
    Duration::from_secs(seconds.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_which_several_jobs_were_open_count_once() {
        let spans = vec![(50, 60), (0, 10), (5, 20), (7, 9), (100, 100)];
        assert_eq!(open_time(spans), Duration::from_secs(30));
        assert_eq!(open_time(Vec::new()), Duration::ZERO);
    }
}
