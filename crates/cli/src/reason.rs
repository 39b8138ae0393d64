//! Why rows are not in the dataset, in words.

use std::collections::BTreeMap;

use clinstruct_schema::number;

/// Reasons that a line lists.
const NAMED: usize = 3;

/// What a reason means, where its name does not say it. The guide's page on troubleshooting has them all.
fn meaning(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "contaminated" => "has an item of an evaluation set",
        "content_filter" => "held back by the provider",
        "cut" => "reached the token limit",
        "empty" => "the answers had no text",
        "finish_reason" => "ended for an unknown reason",
        "lost_in_repair" => "each rewrite left out something medical",
        "missing" => "no response came",
        "near_duplicate" => "repeats another row",
        "other_case" => "contradicts its case",
        "other_country" => "a law, brand or number of another country",
        "other_frame" => "differs from its plan",
        "other_patient" => "another age or sex",
        "refused" => "the model declined",
        _ => return None,
    })
}

/// A reason in words, as in `lost in repair`.
pub(crate) fn name(reason: &str) -> String {
    reason.replace('_', " ")
}

/// A reason with what it means, as in `lost in repair: each rewrite left out something medical`.
fn explained(reason: &str) -> String {
    match meaning(reason) {
        Some(meaning) => format!("{}: {meaning}", name(reason)),
        None => name(reason),
    }
}

/// The most common of these reasons with their numbers; a single one with what it means, and without its number.
pub(crate) fn most_common(all: &BTreeMap<&str, u64>) -> String {
    let mut sorted: Vec<(&str, u64)> = all.iter().map(|(reason, n)| (*reason, *n)).collect();
    sorted.retain(|(_, count)| *count > 0);
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    if let [(reason, _)] = sorted.as_slice() {
        return explained(reason);
    }
    let rest: u64 = sorted.iter().skip(NAMED).map(|(_, count)| count).sum();
    let mut each: Vec<String> =
        sorted.iter().take(NAMED).map(|(r, n)| format!("{} {}", number(*n), name(r))).collect();
    if rest > 0 {
        each.push(format!("{} for other reasons", number(rest)));
    }
    each.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_reason_is_explained_and_several_add_up() {
        let of = |all: &[(&'static str, u64)]| most_common(&all.iter().copied().collect());
        assert_eq!(
            of(&[("lost_in_repair", 1)]),
            "lost in repair: each rewrite left out something medical"
        );
        assert_eq!(of(&[("max_words", 7)]), "max words");
        assert_eq!(of(&[("max_words", 7), ("refused", 1200)]), "1,200 refused, 7 max words");
        assert_eq!(
            of(&[("a", 1), ("b", 5), ("c", 4), ("d", 3), ("e", 2), ("f", 0)]),
            "5 b, 4 c, 3 d, 3 for other reasons"
        );
    }
}
