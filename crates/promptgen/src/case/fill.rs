//! Fills the slots of a sentence.

use clinstruct_catalog::{Piece, Sentence};
use clinstruct_draw::Draw;

/// What slots stand for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Slots<'a> {
    /// Age at the event, in months.
    pub(crate) at: Option<u32>,
    /// Whether that age is said in months.
    pub(crate) in_months: bool,
    /// Months since the event.
    pub(crate) ago: Option<u32>,
    /// Present age, in years.
    pub(crate) years: u32,
    /// The relative.
    pub(crate) relative: &'a str,
}

/// The sentence with everything drawn.
pub(crate) fn fill(sentence: &Sentence, draw: &mut Draw, slots: &Slots<'_>) -> String {
    let mut text = String::new();
    put(sentence, draw, slots, &mut text);
    text
}

fn put(sentence: &Sentence, draw: &mut Draw, slots: &Slots<'_>, text: &mut String) {
    for piece in &sentence.0 {
        match piece {
            Piece::Text(said) => text.push_str(said),
            Piece::OneOf(all) => {
                let chosen = draw.below(all.len());
                if let Some(one) = all.get(chosen) {
                    put(one, draw, slots, text);
                }
            }
            Piece::Number(from, to) => text.push_str(&draw.between(*from, *to).to_string()),
            Piece::Age => text.push_str(&age(slots)),
            Piece::Ago => text.push_str(&ago(slots.ago.unwrap_or(12))),
            Piece::PackYears => text.push_str(&pack_years(draw, slots).to_string()),
            Piece::Relative => text.push_str(slots.relative),
        }
    }
}

fn age(slots: &Slots<'_>) -> String {
    let months = slots.at.unwrap_or(slots.years * 12);
    if slots.in_months { counted(months, "month") } else { (months / 12).to_string() }
}

/// At most a pack a day and a half since the age of 16.
fn pack_years(draw: &mut Draw, slots: &Slots<'_>) -> u32 {
    let until = slots.at.map_or(slots.years, |months| months / 12);
    let most = until.saturating_sub(16) * 3 / 2;
    draw.between(4.min(most), most.clamp(4, 60))
}

/// `a month ago`, `seven months ago`, `two years ago`.
fn ago(months: u32) -> String {
    match months {
        0 | 1 => "a month ago".to_owned(),
        2..=23 => format!("{} ago", counted(months, "month")),
        _ => format!("{} ago", counted(months / 12, "year")),
    }
}

/// Numbers to ten in words.
fn counted(number: u32, unit: &str) -> String {
    const WORDS: [&str; 11] =
        ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    let said =
        WORDS.get(number as usize).map_or_else(|| number.to_string(), |word| (*word).to_owned());
    let plural = if number == 1 { "" } else { "s" };
    format!("{said} {unit}{plural}")
}
