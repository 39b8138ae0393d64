//! The progress of a run as one line.

use std::time::Duration;

use clinstruct_schema::{MicroUsd, counted, dollars};

use crate::table::number;

/// What the line says.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// Time since the command began.
    pub(super) elapsed: Duration,
    /// Conversations done.
    pub(super) done: u64,
    /// Conversations planned.
    pub(super) planned: u64,
    /// Requests answered.
    pub(super) answered: u64,
    /// Approximate number of requests of the whole run.
    pub(super) expected: u64,
    /// Repairs requested.
    pub(super) repairs: u64,
    /// Conversations rejected or failed.
    pub(super) rejected: u64,
    /// The commonest reason of these.
    pub(super) reason: Option<String>,
    /// Tokens received.
    pub(super) tokens: u64,
    /// Spent so far.
    pub(super) spent: MicroUsd,
    /// Whether a part of that is an estimate.
    pub(super) is_estimated: bool,
    /// Reserved by the jobs in flight.
    pub(super) reserved: MicroUsd,
    /// The remaining time.
    pub(super) left: Option<String>,
    /// What is waited for, in three forms, each shorter than the one before.
    pub(super) waiting: Option<[String; 3]>,
}

/// One item of the line.
#[derive(Debug)]
struct Item {
    text: String,
    /// Shorter texts, each with when it is used; the last comes first.
    shorter: Vec<(Step, String)>,
    /// When the item is left out.
    out: Step,
}

/// What is given up for a shorter line, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Reserved,
    TokensInFull,
    Tokens,
    Elapsed,
    Bar,
    Repairs,
    About,
    WordDone,
    Requests,
    Reason,
    WaitingInFull,
    WaitingWord,
    Rejected,
    Money,
    Left,
    Waiting,
    Never,
}

const BETWEEN: &str = " · ";
/// Cells of the bar.
const CELLS: u64 = 12;

fn items(f: &Facts) -> Vec<Item> {
    let mut all = Vec::new();
    let mut add = |out, text: String, shorter: Option<(Step, String)>| {
        all.push(Item { text, shorter: shorter.into_iter().collect(), out });
    };
    if f.expected > 0 {
        let filled = (CELLS * f.answered / f.expected.max(f.answered)).min(CELLS);
        let bar = |cell: &str, n: u64| cell.repeat(n as usize);
        add(Step::Bar, format!("{}{}", bar("━", filled), bar("─", CELLS - filled)), None);
    }
    add(Step::Elapsed, duration(f.elapsed), None);
    let (done, planned) = (number(f.done), number(f.planned));
    let short = (Step::WordDone, format!("{done}/{planned}"));
    add(Step::Never, format!("{done} of {planned} done"), Some(short));
    if let Some([text, shorter, shortest]) = f.waiting.clone() {
        let shorter = vec![(Step::WaitingWord, shortest), (Step::WaitingInFull, shorter)];
        all.push(Item { text, shorter, out: Step::Waiting });
    }
    let mut add = |out, text: String, shorter: Option<(Step, String)>| {
        all.push(Item { text, shorter: shorter.into_iter().collect(), out });
    };
    if f.rejected > 0 {
        let rejected = format!("{} rejected", number(f.rejected));
        match &f.reason {
            Some(reason) => {
                let text = format!("{rejected} ({reason})");
                add(Step::Rejected, text, Some((Step::Reason, rejected)));
            }
            None => add(Step::Rejected, rejected, None),
        }
    }
    if f.repairs > 0 {
        add(Step::Repairs, counted(f.repairs, "repair"), None);
    }
    add(Step::Requests, counted(f.answered, "request"), None);
    if f.tokens > 0 {
        let short = format!("{} tokens", abbreviated(f.tokens));
        let text = format!("{} tokens", number(f.tokens));
        add(Step::Tokens, text, Some((Step::TokensInFull, short)));
    }
    if f.spent + f.reserved > 0 {
        let spent = format!("{}{}", if f.is_estimated { "~" } else { "" }, dollars(f.spent));
        let text = format!("{spent} (up to {} reserved)", dollars(f.reserved));
        add(Step::Money, text, Some((Step::Reserved, spent)));
    }
    if let Some(left) = &f.left {
        let short = format!("{} left", left.trim_start_matches("about "));
        add(Step::Left, format!("{left} left"), Some((Step::About, short)));
    }
    all
}

/// The line, with at most `width` columns where the most important items allow it.
pub(super) fn fit(facts: &Facts, width: usize) -> String {
    let mut all = items(facts);
    loop {
        let line: Vec<&str> = all.iter().map(|item| item.text.as_str()).collect();
        let line = line.join(BETWEEN);
        if line.chars().count() <= width {
            return line;
        }
        let step = |item: &Item| item.shorter.last().map_or(item.out, |(step, _)| *step);
        let Some(at) = (0..all.len()).min_by_key(|i| all.get(*i).map_or(Step::Never, step)) else {
            return line;
        };
        match all.get_mut(at) {
            Some(item) if !item.shorter.is_empty() => {
                item.text = item.shorter.pop().map(|(_, shorter)| shorter).unwrap_or_default();
            }
            Some(item) if item.out < Step::Never => drop(all.remove(at)),
            _ => return line,
        }
    }
}

/// A number in a few characters: `12.3M`.
fn abbreviated(n: u64) -> String {
    match n {
        0..=9_999 => number(n),
        10_000..=999_999 => format!("{}k", n / 1000),
        1_000_000..=999_999_999 => format!("{:.1}M", n as f64 / 1e6),
        _ => format!("{:.2}B", n as f64 / 1e9),
    }
}

/// A time for display: `0.4 s`, `21 s`, `3 min 12 s`, `2 h 5 min`, `3 d 4 h`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..=9 => format!("{:.1} s", time.as_secs_f64()),
        10..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..=86_399 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// A length of time in its largest unit, for display: `21 s`, `3 min`, `2.1 h`.
pub(crate) fn rounded(time: Duration) -> String {
    match time.as_secs() {
        s @ 0..=119 => format!("{s} s"),
        s @ 120..=7199 => format!("{} min", s / 60),
        s => format!("{:.1} h", s as f64 / 3600.0),
    }
}

/// How long `rest` answers take if `done` took `time`, for display.
pub(crate) fn left(done: u64, rest: u64, time: Duration) -> Option<String> {
    if done < 20 || rest == 0 {
        return None;
    }
    let minutes = time.as_secs_f64() / done as f64 * rest as f64 / 60.0;
    Some(if minutes < 1.0 {
        "less than a minute".to_owned()
    } else if minutes < 90.0 {
        format!("about {minutes:.0} min")
    } else if minutes < 48.0 * 60.0 {
        format!("about {:.0} h", minutes / 60.0)
    } else {
        format!("about {:.0} days", minutes / 1440.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            elapsed: Duration::from_mins(193),
            done: 12_345,
            planned: 39_342,
            answered: 45_678,
            expected: 133_088,
            repairs: 1_203,
            rejected: 180,
            reason: Some("refused".into()),
            tokens: 34_567_890,
            spent: 12_400_000,
            is_estimated: false,
            reserved: 3_000_000,
            left: Some("about 7 h".into()),
            waiting: None,
        }
    }

    #[test]
    fn a_narrow_line_has_the_most_important_items() {
        for (width, line) in [
            (
                160,
                "━━━━──────── · 3 h 13 min · 12,345 of 39,342 done · 180 rejected (refused) · 1,203 repairs · \
                 45,678 requests · 34,567,890 tokens · $12.40 · about 7 h left",
            ),
            (
                119,
                "12,345 of 39,342 done · 180 rejected (refused) · 1,203 repairs · 45,678 requests · $12.40 · \
                 about 7 h left",
            ),
            (79, "12,345/39,342 · 180 rejected (refused) · 45,678 requests · $12.40 · 7 h left"),
            (59, "12,345/39,342 · 180 rejected (refused) · $12.40 · 7 h left"),
            (30, "12,345/39,342 · 7 h left"),
            (5, "12,345/39,342"),
        ] {
            assert_eq!(fit(&facts(), width), line, "{width}");
        }
        assert!(fit(&facts(), usize::MAX).contains("$12.40 (up to $3.00 reserved)"));
    }

    #[test]
    fn what_is_waited_for_is_more_important_than_numbers() {
        let waiting = Some([
            "waiting for clinstruct-0a1b2c3d4e5f-12 (500 requests), sent 12 min 5 s ago".to_owned(),
            "waiting since 14:02 for clinstruct-0a1b2c3d4e5f-12".to_owned(),
            "clinstruct-0a1b2c3d4e5f-12 since 14:02".to_owned(),
        ]);
        let facts = Facts { waiting, ..facts() };
        for (width, line) in [
            (59, "12,345/39,342 · clinstruct-0a1b2c3d4e5f-12 since 14:02"),
            (79, "12,345/39,342 · clinstruct-0a1b2c3d4e5f-12 since 14:02 · $12.40 · 7 h left"),
        ] {
            assert_eq!(fit(&facts, width), line, "{width}");
        }
        let facts = Facts { done: 0, planned: 6, waiting: facts.waiting, ..Facts::default() };
        assert_eq!(fit(&facts, 59), "0/6 · waiting since 14:02 for clinstruct-0a1b2c3d4e5f-12");
    }

    #[test]
    fn nothing_is_said_of_what_has_not_happened() {
        let facts = Facts { done: 3, planned: 9, answered: 12, ..Facts::default() };
        assert_eq!(fit(&facts, 80), "0.0 s · 3 of 9 done · 12 requests");
    }

    #[test]
    fn times_and_numbers_are_short() {
        let of = |seconds| duration(Duration::from_secs(seconds));
        let all = [0, 9, 10, 59, 60, 3599, 3600, 86_400].map(of);
        let short_ones =
            ["0.0 s", "9.0 s", "10 s", "59 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "1 d 0 h"];
        assert_eq!(all, short_ones);
        let all = [9_999, 10_000, 999_999, 1_000_000, 2_500_000_000].map(abbreviated);
        assert_eq!(all, ["9,999", "10k", "999k", "1.0M", "2.50B"]);
    }

    #[test]
    fn the_time_left_is_that_of_the_pace_so_far() {
        let minute = Duration::from_mins(1);
        assert_eq!(left(5, 100, minute), None);
        assert_eq!(left(100, 0, minute), None);
        assert_eq!(left(1000, 500, minute).unwrap(), "less than a minute");
        assert_eq!(left(100, 3000, minute).unwrap(), "about 30 min");
        assert_eq!(left(100, 18_000, minute).unwrap(), "about 3 h");
        assert_eq!(left(100, 432_000, minute).unwrap(), "about 3 days");
    }
}
