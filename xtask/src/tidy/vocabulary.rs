//! Words that the project has replaced. The guide's glossary has the current ones.
//!
//! Identifiers are matched as whole words, and in code only; phrases anywhere. Resources, grammar data, lexicons and
//! the changelog are exempt.

/// Files that need the old words, because they read data of earlier versions or check the words themselves.
const EXEMPT: [&str; 10] = [
    "crates/cli/tests/it/crash_test.rs",
    "crates/cli/tests/it/ship.rs",
    "crates/pipeline/src/config.rs",
    "crates/pipeline/tests/it/previous.rs",
    "crates/schema/src/conversation.rs",
    "crates/schema/src/summary/v1.rs",
    "crates/schema/tests/it/summary.rs",
    "crates/store/src/journal/migrations.rs",
    "crates/store/tests/it/previous.rs",
    "xtask/src/tidy/vocabulary.rs",
];

/// Identifiers, each with its replacement.
const IDENTIFIERS: &[(&str, &str)] = &[
    ("take_in", "ingest"),
    ("take_up", "recover"),
    ("follow_job", "poll_job"),
    ("FirstWord", "StallWatch"),
    ("linger_until", "batch_deadline"),
    ("cool_until", "backoff_until"),
    ("halt", "fatal_error"),
    ("Halt", "FatalError"),
    ("UnitRecord", "TaskRecord"),
    ("UnitKey", "TaskKey"),
    ("UnitState", "TaskState"),
    ("Active", "Task"),
    ("Waits", "InFlight"),
    ("Scripts", "SystemPrompts"),
    ("infra_tries", "delivery_attempts"),
    ("tries", "attempts"),
    ("sums_close", "counts_add_up"),
    ("beginnings", "prefixes"),
    ("style_twin", "variant"),
    ("Mended", "Cleanup"),
    ("mended", "cleanup or repaired"),
    ("Astray", "JournalMismatch"),
    ("Shelf", "ModelCache"),
    ("Mind", "Engine"),
    ("Understood", "ParsedRequest"),
    ("Ordeal", "JobFault"),
    ("put_off", "throttled"),
    ("barren", "empty"),
    ("Meter", "MetricsAccumulator"),
    ("Figures", "Metrics"),
    ("Told", "None"),
    ("Forbidden", "EvalItems"),
    ("take_out", "drop_rows"),
    ("sceptic", "crash_test"),
    ("leave_to_spend", "confirm_budget"),
    ("same_plan", "ensure_same_plan"),
    ("misbehaviour", "injected faults"),
    ("Misbehaviour", "InjectedFaults"),
];

/// Phrases, each with its replacement.
const PHRASES: &[(&str, &str)] = &[
    ("raw rows", "raw responses"),
    ("base row", "seed row"),
    ("sums close", "counts add up"),
    ("sums that close", "counts that add up"),
    ("style twin", "variant"),
    ("texts said twice", "exact duplicates"),
    ("answers that ask unasked", "unsolicited questions"),
    ("text about the text", "meta-commentary"),
    ("answers that break off", "truncated answers"),
    ("for anew", "again"),
    ("made anew", "rebuilt"),
    ("writes anew", "rewrites"),
    ("mend it", "fix it"),
    ("lies beside", "is next to"),
    ("ways to the models", "routes to the models"),
    ("come to its end", "finished"),
    ("came to its end", "finished"),
];

/// Findings about one file.
pub(crate) fn check(path: &str, text: &str) -> Vec<String> {
    if EXEMPT.contains(&path) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let is_source = std::path::Path::new(path).extension().is_some_and(|e| e == "rs");
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.split("//").next().filter(|_| is_source).unwrap_or_default();
        for (word, instead) in IDENTIFIERS.iter().filter(|(word, _)| has_word(code, word)) {
            findings.push(format!("{path}:{number}: `{word}`: use {instead}"));
        }
        let lower = line.to_lowercase();
        for (phrase, instead) in PHRASES.iter().filter(|(phrase, _)| lower.contains(phrase)) {
            findings.push(format!("{path}:{number}: \"{phrase}\": write \"{instead}\""));
        }
    }
    findings
}

/// Whether a line contains a word that is not part of a longer identifier.
fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(is_part) && !line[at + word.len()..].starts_with(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_identifiers_and_phrases_are_found() {
        let text = "fn take_in() {}\nlet intake_in = halted; // take_in\n// The Base Row of it\n";
        assert_eq!(
            check("crates/a/src/b.rs", text),
            [
                "crates/a/src/b.rs:1: `take_in`: use ingest",
                "crates/a/src/b.rs:3: \"base row\": write \"seed row\"",
            ]
        );
        assert_eq!(check("README.md", "take_in\n"), [""; 0]);
    }
}
