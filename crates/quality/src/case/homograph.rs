//! Words for people, and for what passes, that are other words in another language or another phrase: the French `son état`, the pupils of the eyes,
//! a chief complaint.

use clinstruct_schema::Language;

use super::words::{Class, Hit};

/// Words before `son` where it is a relative.
const WHOSE: [&str; 24] = [
    "her", "his", "my", "their", "our", "your", "a", "an", "the", "and", "or", "whose", "only",
    "eldest", "oldest", "younger", "youngest", "older", "elder", "adult", "teenage", "first",
    "second", "grown",
];
/// Verbs behind `son` where it is a relative and nothing stands before.
const DOES: [&str; 12] = [
    "is", "has", "had", "was", "says", "said", "found", "brought", "reports", "thinks", "wants",
    "who",
];
/// Words near `pupils` where they are those of the eyes.
const EYES: [&str; 26] = [
    "equal",
    "react",
    "mm",
    "dilat",
    "pinpoint",
    "fixed",
    "round",
    "light",
    "constrict",
    "small",
    "large",
    "sluggish",
    "midpoint",
    "mid-point",
    "unequal",
    "brisk",
    "normal",
    "perl",
    "left",
    "right",
    "both",
    "blown",
    "size",
    "are ",
    "eye",
    "bilateral",
];
/// What is called chief beside a person.
const CHIEF: [&str; 8] =
    ["complaint", "concern", "problem", "symptom", "worry", "reason", "question", "cause"];
/// Letters around a word in which its meaning is looked for.
const NEAR: usize = 24;

/// Whether a hit means something else in this text: a person that is none, or the `peak` of a peak flow.
pub(super) fn is_another_word(text: &str, lower: &str, hit: &Hit) -> bool {
    if hit.class == Class::Episode && lower.get(hit.start..hit.end) == Some("peak") {
        let after = lower.get(hit.end..).unwrap_or_default().trim_start();
        return ["flow", "expiratory", "inspiratory", "cough"].iter().any(|w| after.starts_with(w));
    }
    if hit.class != Class::Person {
        return false;
    }
    let before = lower.get(..hit.start).unwrap_or_default().trim_end();
    let after = lower.get(hit.end..).unwrap_or_default().trim_start();
    let last = || before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let next = || after.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    match lower.get(hit.start..hit.end).unwrap_or_default() {
        "son" => {
            let whose = WHOSE.contains(&last()) || last() == "s" || DOES.contains(&next());
            let stands = after.starts_with([',', '.', ';', ':', ')']) || after.is_empty();
            !whose
                && crate::language::likely(text)
                    .iter()
                    .any(|l| *l == Language::French || (*l == Language::Spanish && !stands))
        }
        // In small letters, English has the stroke.
        "tia" => {
            let likely = crate::language::likely(text);
            likely.contains(&Language::English) && !likely.contains(&Language::Portuguese)
        }
        "pupil" | "pupils" => {
            let near: String = after.chars().take(NEAR).collect();
            EYES.iter().any(|eye| near.contains(eye)) || ["left", "right", "both"].contains(&last())
        }
        "chief" => CHIEF.contains(&next()),
        _ => false,
    }
}
