//! Agreement of what is said with what is known: the patient's card and the country of care.

use std::ops::Range;
use std::sync::LazyLock;

use clinstruct_schema::PatientCard;
use regex::Regex;

static AGE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b(\d{1,3})[- ](year|month|week|day)s?[- ]old\b").ok());

static EMERGENCY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    // Only a number that is called: `call 911`, `dial 112`, `appelez le 15`, `rufen Sie die 112`.
    let pattern = r"(?i)(?:\bcall|\bdial|\bphone|\bring|\bappele[zr]|\bcomposez|\bruf(?:en)?(?: Sie)?|\bwähl(?:en)?(?: Sie)?|\bchiam[ai]\w*|\bllam[ae]\w*|\bmarque|\bligue|\blig(?:ar|ue)|\bchame)\s+(?:for an ambulance on |an ambulance on |emergency services on |emergency services at |the |le |la |die |den |il |al |el |o |para o |para |now on |on |at )*(\d{2,4})\b";
    Regex::new(pattern).ok()
});

/// An age that differs from the card's by more than a year, in a text about the patient.
///
/// Ages of weeks and days, and of people far from the patient's age who are named as others (a mother, a
/// cohort), cannot be told apart by code: only the first age of the text is held against the card.
pub fn age(text: &str, card: &PatientCard) -> Option<(String, Range<usize>)> {
    let hit = AGE.as_ref()?.captures(text)?;
    let number: u32 = hit.get(1)?.as_str().parse().ok()?;
    let whole = hit.get(0)?;
    let unit = hit.get(2)?.as_str().to_lowercase();
    let known = card.patient.age;
    let agrees = match (unit.as_str(), known.months) {
        ("year", None) => number.abs_diff(known.years) <= 1,
        ("year", Some(_)) => number <= 1,
        ("month", Some(months)) => number.abs_diff(months) <= 1,
        ("month", None) => number / 12 == known.years || number <= 24 && known.years <= 2,
        _ => true,
    };
    (!agrees).then(|| {
        (
            format!("{} where the patient's age is {}", whole.as_str(), known.measure()),
            whole.range(),
        )
    })
}

/// An emergency number that is called and is not among those of the country.
///
/// `known` are the country's numbers, such as `["112", "15"]`; with none known nothing is held wrong.
/// 112 works from mobile telephones nearly everywhere (GSM) and is held right in every country.
pub fn emergency_number(text: &str, known: &[&str]) -> Option<(String, Range<usize>)> {
    if known.is_empty() {
        return None;
    }
    for hit in EMERGENCY.as_ref()?.captures_iter(text) {
        let number = hit.get(1)?;
        if number.as_str() != "112" && !known.contains(&number.as_str()) {
            let seen =
                format!("{} where the country's number is {}", number.as_str(), known.join(" or "));
            return Some((seen, number.range()));
        }
    }
    None
}
