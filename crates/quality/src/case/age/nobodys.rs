//! Ages that are those of nobody in particular, of a thing, or still to come.

use super::Age;
use crate::case::view::View;

/// Ages of a group, of a thought, or in a wish for a text.
pub(super) fn is_nobodys(view: &View<'_>, age: &Age) -> bool {
    let sentence = view.sentence(age.span.start);
    let head = view.between(sentence.start, age.span.start).trim_end();
    // `before age 2`, `by the age of 5`.
    let named = [" the age of", " age of", " age"].iter().find_map(|word| head.strip_suffix(word));
    let milestone = named.is_some_and(|head| {
        let last = head.rsplit(' ').next().unwrap_or_default();
        let times = [
            "by", "until", "before", "after", "from", "beyond", "past", "around", "over", "under",
            "since",
        ];
        times.contains(&last)
    });
    let rest = view.between(age.span.end, sentence.end);
    let behind = rest.trim_start_matches(['-', ' ', 's']);
    let behind = behind.strip_prefix("old").unwrap_or(behind).trim_start();
    let ends = |word: &str| {
        head.strip_suffix(word).is_some_and(|left| left.is_empty() || left.ends_with(' '))
    };
    let starts = |word: &str| {
        behind.strip_prefix(word).is_some_and(|r| !r.starts_with(|c: char| c.is_alphabetic()))
    };
    // `a 3 day old sternotomy`.
    let thing = behind.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    let aged = !thing.is_empty() && AGED.iter().any(|word| thing.starts_with(word));
    milestone
        || aged
        || COMPARED.iter().any(|word| ends(word))
        || GENERAL.iter().any(|word| starts(word))
}

/// Words right before an age of nobody.
const COMPARED: [&str; 42] = [
    "avant",
    "avant l'âge de",
    "jusqu'à",
    "jusqu'à l'âge de",
    "antes de los",
    "hasta los",
    "antes dos",
    "até os",
    "até aos",
    "prima dei",
    "fino ai",
    "vor dem alter von",
    "bis zum alter von",
    "bis",
    "plus de",
    "moins de",
    "más de",
    "acima de",
    "over",
    "under",
    "above",
    "below",
    "than",
    "until",
    "from",
    "between",
    "every",
    "turns",
    "before",
    "after",
    "if",
    "like a",
    "that a",
    "imagine a",
    "when",
    "least",
    "i am",
    "i'm",
    "i’m",
    "since",
    "most",
    "only if",
];

/// Beginnings of words for what has an age and is nobody.
const AGED: [&str; 34] = [
    "sternotom",
    "wound",
    "scar",
    "fractur",
    "burn",
    "graft",
    "incision",
    "stroke",
    "bleed",
    "clot",
    "infarct",
    "repair",
    "injur",
    "ulcer",
    "bite",
    "lacerat",
    "sample",
    "cultur",
    "dressing",
    "cast",
    "abscess",
    "haematom",
    "hematom",
    "sutur",
    "stoma",
    "transplant",
    "implant",
    "pacemaker",
    "operation",
    "surger",
    "catheter",
    "cannula",
    "drain",
    "result",
];

/// Words right behind one.
const GENERAL: [&str; 26] = [
    "बाद",
    "के बाद",
    "ऊपर",
    "से ऊपर",
    "से अधिक",
    "can",
    "could",
    "would",
    "should",
    "pupils",
    "children",
    "students",
    "patients",
    "girls",
    "boys",
    "women",
    "men",
    "people",
    "adults",
    "or older",
    "or younger",
    "and older",
    "and younger",
    "and over",
    "and above",
    "or over",
];
