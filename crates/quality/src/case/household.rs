//! What a message says of the patient's household, work and habits.

use super::view::View;

/// Words for those who live with a patient, and for where and how somebody lives.
const HOUSEHOLD: &[&str] = &[
    "wife",
    "husband",
    "partner",
    "spouse",
    "boyfriend",
    "girlfriend",
    "mother",
    "father",
    "parents",
    "mum",
    "dad",
    "son",
    "daughter",
    "children",
    "sister",
    "brother",
    "siblings",
    "grandmother",
    "grandfather",
    "carer",
    "lives",
    "household",
    "alone",
    "widow",
    "widowed",
    "widower",
    "orphanage",
    "works",
    "farmer",
    "worker",
    "retired",
    "school",
    "smokes",
    "drinks",
];

/// Most characters of a statement about the household.
const STATEMENT: usize = 160;

/// The first sentence that speaks of the patient's household, work or habits, shortened at a word.
pub(super) fn said(view: &View<'_>) -> Option<String> {
    let mut at = 0;
    let word = view.lower.split_inclusive(|c: char| !c.is_alphanumeric()).find_map(|word| {
        let start = at;
        at += word.len();
        HOUSEHOLD.contains(&word.trim_end_matches(|c: char| !c.is_alphanumeric())).then_some(start)
    })?;
    let sentence = view.sentence(word);
    let said = view.text.get(sentence)?.trim();
    if said.chars().count() <= STATEMENT {
        return Some(said.to_owned());
    }
    let cut: String = said.chars().take(STATEMENT).collect();
    let end = cut.rfind(' ').unwrap_or(cut.len());
    Some(format!("{}…", cut.get(..end)?))
}
