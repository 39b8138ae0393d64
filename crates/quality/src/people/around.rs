//! What stands around an age: that it is a limit, one of a past event, or whose it is.

use std::ops::Range;

use super::Called;
use crate::card::Gender;

/// Words right before an age that is a limit.
const LIMITS: [&str; 12] = [
    "plus de ",
    "moins de ",
    "más de ",
    "menos de ",
    "mais de ",
    "più di ",
    "meno di ",
    "mayores de ",
    "menores de ",
    "maiores de ",
    "acima de ",
    "oltre i ",
];
/// Words right behind one.
const LIMITS_BEHIND: [&str; 5] = ["बाद", "ऊपर", "से ऊपर", "से अधिक", "से कम"];

/// Whether an age is a limit: `les femmes de plus de 50 ans`, `65 साल के बाद`.
pub(super) fn is_limit(head: &str, behind: &str) -> bool {
    let head = head.to_lowercase();
    LIMITS.iter().any(|limit| head.ends_with(limit))
        || LIMITS_BEHIND.iter().any(|limit| behind.trim_start().starts_with(limit))
}

/// How article and ending call somebody in German: `der 45-Jährige`, `einer 45-jährigen`.
pub(super) fn declined(head: &str, behind: &str) -> Option<(Called, String)> {
    let article = head.split_whitespace().next_back()?.to_lowercase();
    let ending: String = behind.chars().take_while(|c| c.is_alphabetic()).collect();
    let gender = match (article.as_str(), ending.as_str()) {
        ("der" | "dieser" | "unser" | "mein", "e")
        | ("ein" | "unser" | "mein", "er")
        | ("dem" | "den" | "einem" | "einen" | "diesem" | "diesen", "en") => Gender::Man,
        ("die" | "eine" | "diese" | "unsere" | "meine", "e")
        | ("der" | "einer" | "dieser" | "unserer" | "meiner", "en") => Gender::Woman,
        _ => return None,
    };
    Some((Called::Noun(gender), article))
}

/// Whether an age is that of a past event: `repaired at two months of age`.
pub(crate) fn is_of_event(text: &str, age: &Range<usize>) -> bool {
    let (Some(before), Some(said), Some(after)) =
        (text.get(..age.start), text.get(age.clone()), text.get(age.end..))
    else {
        return false;
    };
    let said = said.to_lowercase();
    // `30 साल की उम्र में`, `ตอนอายุ 30 ปี`.
    if ["उम्र में", "की उम्र में"].iter().any(|of| after.trim_start().starts_with(of))
        || said.starts_with("ตอนอายุ")
        || before.trim_end().trim_end_matches("อายุ").ends_with("ตอน")
    {
        return true;
    }
    let word = |text: &str| text.to_lowercase().trim_end().ends_with(" at");
    // A pattern may leave out the plural's last letter.
    let after = after.trim_start_matches('s').trim_start();
    (after.starts_with("of age") || said.ends_with("of age"))
        && (said.starts_with("at ") || word(before))
}
