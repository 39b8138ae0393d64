//! Divides a stated medicine into drug, dose and frequency.

use clinstruct_schema::{CaseMedicine, Origin};

use super::medicine_words::{
    CHANGED, COUNTED, COUNTS, FORMS, FREQUENCY, GIVEN, MANNERS, NEARLY, PERHAPS, TIME, TIMES, UNITS,
};
use super::sorted::SPANS;
use super::spaced::{THAI, apart, joined};

/// How often, in front of a name: `weekly paclitaxel`.
const OFTEN: [&str; 8] = [
    "weekly",
    "daily",
    "monthly",
    "fortnightly",
    "three-weekly",
    "nightly",
    "hourly",
    "twice-daily",
];
/// Lengths of time before `of` and a name: `three weeks of salbutamol`.
const LENGTHS: [&str; 6] = ["day", "days", "week", "weeks", "month", "months"];
/// What is counted before `of` and a name: `one dose of ceftriaxone 2 g`.
const SHARES: [&str; 6] = ["dose", "doses", "course", "courses", "injection", "injections"];
/// Pieces behind a name whose count stands before it: `one iron tablet`.
const PIECES: [&str; 6] = ["tablet", "tablets", "capsule", "capsules", "sachet", "sachets"];

/// Who gave or takes it, and other beginnings of a clause behind a name: `prednisolone we gave 20 mg`.
const WHO: [&str; 9] = ["we", "i", "they", "she", "he", "you", "that", "which", "was"];

/// The medicine of a stated value, such as `metformin 500 mg twice daily`. What cannot be divided becomes the drug.
pub(super) fn parse(value: &str) -> CaseMedicine {
    let value = joined(&apart(value.trim()));
    let value = value.as_str();
    let words: Vec<&str> = value.split_whitespace().collect();
    if let Some(oxygen) = oxygen(&words) {
        return oxygen;
    }
    let is = |list: &[&str], at: usize| {
        words.get(at).is_some_and(|word| list.contains(&bare(word).as_str()))
    };
    // What stands before the name belongs behind it.
    if words.len() == 2 && is(&OFTEN, 0) {
        let drug = divided(words[1]);
        return CaseMedicine { frequency: words[0].to_lowercase(), ..drug };
    }
    let lasts = is(&LENGTHS, 1);
    if words.len() > 3 && is(&["of"], 2) && (lasts || (is(COUNTS, 0) && is(&SHARES, 1))) {
        let drug = divided(&words[3..].join(" "));
        let said = format!("{} {}", words[0], words[1]);
        let frequency = if lasts {
            format!("{} for {said}", drug.frequency)
        } else {
            format!("{said} {}", drug.frequency)
        };
        return CaseMedicine { frequency: frequency.trim().to_owned(), ..drug };
    }
    if is(COUNTS, 0) && is(&PIECES, 2) && !is(FORMS, 1) {
        let drug = divided(&[&words[1..2], &words[3..]].concat().join(" "));
        if drug.dose.is_empty() {
            return CaseMedicine { dose: format!("{} {}", words[0], words[2]), ..drug };
        }
    }
    divided(value)
}

/// What oxygen comes from or through, by the beginnings of words, and its name in that language.
const OXYGEN: [(&str, &str); 10] = [
    ("concentrator", "oxygen"),
    ("konzentrator", "Sauerstoff"),
    ("nasenbrille", "Sauerstoff"),
    ("concentrateur", "oxygène"),
    ("lunettes", "oxygène"),
    ("concentrador", "oxígeno"),
    ("concentratore", "ossigeno"),
    ("nasal", "oxygen"),
    ("non-rebreather", "oxygen"),
    ("nrb", "oxygen"),
];

/// The oxygen of a device that is listed with its flow: `concentrator 5 L`, `nasal prongs 2 L/min`.
fn oxygen(words: &[&str]) -> Option<CaseMedicine> {
    let first = words.first()?.to_lowercase();
    let (_, name) = OXYGEN.iter().find(|(device, _)| first.starts_with(device))?;
    let at = words.iter().position(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let (flow, end) = dose(words, at).filter(|_| at <= 3)?;
    let unit = flow.rsplit(' ').next().unwrap_or_default().to_lowercase();
    ["l", "l/min"].contains(&unit.as_str()).then(|| CaseMedicine {
        drug: (*name).to_owned(),
        dose: flow,
        frequency: [&words[..at], &words[end..]].concat().join(" "),
        atc: String::new(),
        origin: Origin::Stated,
    })
}

/// The same for a value that begins with the name or the dose.
fn divided(value: &str) -> CaseMedicine {
    let whole = |drug: &str| CaseMedicine {
        drug: drug.to_owned(),
        dose: String::new(),
        frequency: String::new(),
        atc: String::new(),
        origin: Origin::Stated,
    };
    let words: Vec<&str> = value.split_whitespace().collect();
    let frequency_from = |words: &[&str]| {
        let timed = |word: &&str| {
            let bare = bare(word);
            [TIMES, &SPANS].iter().any(|list| list.contains(&bare.as_str()))
                || word.contains(|c: char| c.is_ascii_digit())
        };
        let ends = |(at, word): (usize, &&str)| {
            let word = bare(word);
            THAI.iter().any(|often| word.starts_with(often))
                || [FREQUENCY, TIME].iter().any(|list| list.contains(&word.as_str()))
                    && (!PERHAPS.contains(&word.as_str())
                        || words[at + 1..].iter().take(4).any(timed))
        };
        let Some(at) = words.iter().enumerate().position(ends) else { return words.len() };
        let nearly = |word: &&&str| NEARLY.contains(&bare(word).as_str());
        at - words[..at].iter().rev().take_while(nearly).count()
    };
    let names_none = |drug: &[&str]| drug.iter().all(|word| FORMS.contains(&bare(word).as_str()));
    let without_dose = || {
        // `salbutamol, two puffs through the spacer`: what comes behind a comma is no name.
        let comma = comma_end(&words);
        let at = frequency_from(&words).min(comma).min(name_end(&words));
        // `iron one tablet a day`: the count is the dose.
        let counts = (1..words.len().min(comma)).find_map(|at| Some((at, count_end(&words, at)?)));
        if let Some((count, end)) = counts.filter(|(count, _)| !names_none(&words[..*count])) {
            let drug = words[..count].join(" ");
            return CaseMedicine {
                dose: words[count..end].join(" ").trim_end_matches([',', ';']).to_owned(),
                frequency: words[end..].join(" "),
                ..whole(drug.trim_matches([',', ';', ':', ' ']))
            };
        }
        if names_none(&words[..at]) {
            return whole(value);
        }
        let drug = words[..at].join(" ");
        let drug = whole(drug.trim_matches([',', ';', ':', ' ']));
        CaseMedicine { frequency: words[at..].join(" "), ..drug }
    };
    let is_number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    // `3% saline 150 mL`: the strength is part of the name.
    let strength = words.first().is_some_and(|word| word.ends_with('%') && is_number(word));
    let amount = || words.iter().skip(2).position(is_number).map(|at| at + 2);
    let amount = amount().filter(|at| strength && dose(&words, *at).is_some());
    let first = amount.or_else(|| words.iter().position(is_number));
    let amount = |at| dose(&words, at).or_else(|| without_unit(&words, at));
    let Some((start, (dose, end))) = first.and_then(|at| Some((at, amount(at)?))) else {
        return without_dose();
    };
    // `calcium gluconate 10% 10 ml IV`: the strength is part of the name.
    let behind = (dose.ends_with('%') && start > 0).then(|| self::dose(&words, end)).flatten();
    let (strength, dose, end) = match behind {
        Some((amount, after)) => (format!(" {dose}"), amount, after),
        None => (String::new(), dose, end),
    };
    // What stands between name and dose says how it is given, or how the dose came about: `doubled to 5 mg`.
    let mut given: &[&str] = &[];
    let mut since = String::new();
    let is_of = |at: usize| words.get(at).is_some_and(|word| ["of", "de", "von"].contains(word));
    let (drug, rest) = if start > 1 && is_of(start - 1) && end < words.len() {
        // `a small push of 10% dextrose`.
        given = &words[..start - 1];
        let after = &words[end..];
        after.split_at(frequency_from(after).min(comma_end(after)).min(name_end(after)))
    } else if start > 0 {
        let (drug, between) = words[..start].split_at(name_end(&words[..start]));
        // `prednisolone we gave 20 mg`: who gave it is left out.
        if between.first().is_some_and(|word| GIVEN.contains(&bare(word).as_str())) {
            // The `at` before an amount says nothing.
            given = if between.len() == 1 && bare(between[0]) == "at" { &[] } else { between };
        }
        // `started on day 2, titrated to 400 mg BD`: since when is not lost.
        if between.first().is_some_and(|word| ["started", "begun"].contains(&bare(word).as_str())) {
            let end = comma_end(between);
            if end < between.len() {
                since = format!(" ({})", between[..end].join(" ").trim_end_matches(','));
            }
        }
        (drug, &words[end..])
    } else {
        // The dose stands first: `500 mg of metformin twice daily`.
        let after = &words[end..];
        let after = if after.first() == Some(&"of") { &after[1..] } else { after };
        // `0.9% sodium chloride, one litre over the first hour`.
        after.split_at(frequency_from(after).min(comma_end(after)).min(name_end(after)))
    };
    // `oral morphine 4 mg`: how it is given may be the first word of its name.
    let name = if drug.len() > 1 && frequency_from(drug) == 0 { &drug[1..] } else { drug };
    if frequency_from(name) < name.len() {
        return without_dose();
    }
    if names_none(drug) {
        return whole(value);
    }
    let drug = drug.join(" ");
    CaseMedicine {
        dose,
        frequency: [given, rest].concat().join(" ").trim_matches([',', ';', '.', ' ']).to_owned()
            + &since,
        ..whole(&(drug.trim_matches([',', ';', ':', ' ']).to_owned() + &strength))
    }
}

/// Where a count of pieces that begins at this word ends: `one tablet`, `one intramuscular dose`.
fn count_end(words: &[&str], at: usize) -> Option<usize> {
    let is = |list: &[&str], at: usize| {
        words.get(at).is_some_and(|word| list.contains(&bare(word).as_str()))
    };
    let between = usize::from(is(MANNERS, at + 1));
    (is(COUNTS, at) && is(COUNTED, at + 1 + between)).then_some(at + 2 + between)
}

/// Where the first word with a comma ends.
fn comma_end(words: &[&str]) -> usize {
    words.iter().position(|word| word.ends_with(',')).map_or(words.len(), |at| at + 1)
}

/// Where a name ends, in front of words that say how it is given or how its dose was changed.
fn name_end(words: &[&str]) -> usize {
    let ends =
        |word: &&str| [GIVEN, CHANGED, &WHO].iter().any(|list| list.contains(&bare(word).as_str()));
    words.iter().skip(1).position(ends).map_or(words.len(), |at| at + 1)
}

/// What units are of, between a number and the word.
const OF_UNITS: [&str; 6] = ["lipase", "amylase", "protease", "international", "usp", "million"];

/// What a dose may be for: `5 mg/kg/day`.
const PER: [&str; 20] = [
    "kg",
    "m2",
    "m²",
    "dose",
    "day",
    "d",
    "h",
    "hr",
    "hour",
    "min",
    "week",
    "wk",
    "24h",
    "tag",
    "jour",
    "día",
    "giorno",
    "dia",
    "दिन",
    "วัน",
];

fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

/// The dose that starts at this word, and where it ends.
fn dose(words: &[&str], start: usize) -> Option<(String, usize)> {
    let word = words.get(start)?;
    let digits = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '/' | '-' | '–');
    let number = word.trim_end_matches(|c: char| !c.is_ascii_digit() && c != '%');
    let unit = word.get(number.len()..).unwrap_or_default();
    let is_unit = |unit: &str| {
        let unit =
            unit.trim_matches(|c: char| matches!(c, ',' | ';' | '.' | ')' | '(')).to_lowercase();
        let mut parts = unit.split('/');
        let first = parts.next().is_some_and(|unit| UNITS.contains(&unit));
        UNITS.contains(&unit.as_str()) || (first && parts.all(|per| PER.contains(&per)))
    };
    let is_number = |text: &str| text.trim_end_matches('%').chars().all(digits);
    if is_number(number) && !number.is_empty() && is_unit(unit) {
        let unit = unit.trim_end_matches([',', ';', '.']);
        return Some((format!("{number} {unit}"), start + 1));
    }
    if number.ends_with('%') && is_number(number) {
        return Some((number.to_owned(), start + 1));
    }
    // `500mg/5ml` and the like keep their form.
    if is_number(word) {
        let next = words.get(start + 1)?;
        if is_unit(next) {
            let next = next.trim_end_matches([',', ';', '.']);
            return Some((format!("{word} {next}"), start + 2));
        }
        // `10,000 lipase units`: units of what.
        let of = words.get(start + 2).filter(|word| is_unit(word) && word.starts_with(['u', 'U']));
        if let Some(units) = of.filter(|_| OF_UNITS.contains(&bare(next).as_str())) {
            let units = units.trim_end_matches([',', ';', '.']);
            return Some((format!("{word} {next} {units}"), start + 3));
        }
    }
    None
}

/// Words in front of a number that is part of a name.
const NUMBERED: [&str; 7] = ["vitamin", "vitamina", "vitamine", "omega", "pcv", "ppsv", "factor"];
/// Words behind a number without a unit that say how often a dose is taken.
const OFTEN_BEHIND: [&str; 24] = [
    "once", "twice", "daily", "od", "bd", "bid", "tds", "tid", "qds", "qid", "qd", "nocte", "mane",
    "weekly", "nightly", "prn", "every", "po", "iv", "im", "sc", "täglich", "at", "in",
];

/// The dose of a name with a mere number, as colleagues write it: `furosemide 40 once a day`, `amlodipine 5`.
fn without_unit(words: &[&str], start: usize) -> Option<(String, usize)> {
    let number = words.get(start)?.trim_end_matches([',', ';', '.']);
    let is_amount = number.parse::<f64>().is_ok_and(|n| n >= 1.0) || number == "0.5";
    let name = bare(words.get(start.checked_sub(1)?)?);
    let named = name.chars().count() > 2
        && name.chars().all(|c| c.is_alphabetic() || c == '-')
        && ![&NUMBERED[..], FREQUENCY, TIME, NEARLY, FORMS, GIVEN, CHANGED]
            .iter()
            .any(|list| list.contains(&name.as_str()));
    let often = words.get(start + 1).is_none_or(|next| OFTEN_BEHIND.contains(&bare(next).as_str()));
    (start == 1 && is_amount && named && often).then(|| (number.to_owned(), start + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, drug: &str, dose: &str, frequency: &str) {
        let m = parse(value);
        assert_eq!([m.drug.as_str(), &m.dose, &m.frequency], [drug, dose, frequency], "{value}");
    }

    #[test]
    fn medicines_are_divided_where_they_can_be() {
        check("metformin 500 mg twice daily", "metformin", "500 mg", "twice daily");
        check("bisoprolol 2.5mg OD", "bisoprolol", "2.5 mg", "OD");
        check(
            "co-trimoxazole 160/800 mg, once daily",
            "co-trimoxazole",
            "160/800 mg",
            "once daily",
        );
        check("insulin glargine 20 units at night", "insulin glargine", "20 units", "at night");
        check("salbutamol inhaler as needed", "salbutamol inhaler", "", "as needed");
        check(
            "500 mg of amoxicillin three times daily",
            "amoxicillin",
            "500 mg",
            "three times daily",
        );
        check("aspirin", "aspirin", "", "");
        check("iron tablets begun in September", "iron tablets", "", "begun in September");
        check("intravenous metronidazole, day three", "intravenous metronidazole", "", "day three");
        check("hydrocortisone 1% cream", "hydrocortisone", "1%", "cream");
        check("warfarin 3 or 4 tablets", "warfarin 3 or 4 tablets", "", "");
        check("blue inhaler about four times a day", "blue inhaler", "", "about four times a day");
        check(
            "paracetamol only when the head hurts",
            "paracetamol",
            "",
            "only when the head hurts",
        );
        check("something from the shop", "something from the shop", "", "");
        check("herbs from the market", "herbs from the market", "", "");
        check(
            "salbutamol, two puffs through the spacer when tight",
            "salbutamol",
            "",
            "two puffs through the spacer when tight",
        );
        check(
            "insulin aspart before meals, one unit for every 8 grams",
            "insulin aspart",
            "",
            "before meals, one unit for every 8 grams",
        );
        check(
            "fer-acide folique un comprimé par jour quand il y en a",
            "fer-acide folique",
            "un comprimé",
            "par jour quand il y en a",
        );
        check("rusf one sachet", "rusf", "one sachet", "");
        check("Metformin zweimal täglich", "Metformin", "", "zweimal täglich");
        check("metformina dos veces al día", "metformina", "", "dos veces al día");
        check("hierro, una vez al día", "hierro", "", "una vez al día");
        check("insulin in the morning", "insulin", "", "in the morning");
        check("adrenaline in the thigh", "adrenaline", "", "in the thigh");
        check("vanco going up", "vanco", "", "going up");
        check("atorvastatin at 10 mg daily", "atorvastatin", "10 mg", "daily");
        check("oxygen at 2 L/min", "oxygen", "2 L/min", "");
        check("NRB 15 L/min", "oxygen", "15 L/min", "NRB");
        check(
            "benzathine penicillin one intramuscular dose",
            "benzathine penicillin",
            "one intramuscular dose",
            "",
        );
        check("adrenaline 0.5 mg into the thigh", "adrenaline", "0.5 mg", "into the thigh");
        check("adrenaline into the thigh 0.5 mg", "adrenaline", "0.5 mg", "into the thigh");
        check("bisoprolol doubled to 5 mg daily", "bisoprolol", "5 mg", "daily");
        check("Torasemid erhöht auf 20 mg", "Torasemid", "20 mg", "");
        check(
            "salbutamol MDI without spacer, 5-6x/day",
            "salbutamol MDI",
            "",
            "without spacer, 5-6x/day",
        );
        check(
            "salbutamol syrup two spoons at a time",
            "salbutamol syrup",
            "two spoons",
            "at a time",
        );
        check("aspirin for his heart", "aspirin", "", "for his heart");
        check("diclofenac all week for his knees", "diclofenac", "", "all week for his knees");
        check(
            "pancreatin 10,000 lipase units with each meal",
            "pancreatin",
            "10,000 lipase units",
            "with each meal",
        );
        check(
            "0.9% sodium chloride, one litre over the first hour",
            "sodium chloride",
            "0.9%",
            "one litre over the first hour",
        );
        check("magnesium sulfate 1 g/h IV", "magnesium sulfate", "1 g/h", "IV");
        check("Phenobarbital 5 mg/kg/day", "Phenobarbital", "5 mg/kg/day", "");
        check("dopamine 5 mcg/kg/min IV", "dopamine", "5 mcg/kg/min", "IV");
        check("oral morphine 4 mg", "oral morphine", "4 mg", "");
        check("IV ceftriaxone 2 g once daily", "IV ceftriaxone", "2 g", "once daily");
        check("nebulised salbutamol 5 mg", "nebulised salbutamol", "5 mg", "");
        check(
            "Carbamazepine started D2, titrated to 400 mg BD",
            "Carbamazepine",
            "400 mg",
            "BD (started D2)",
        );
        check("enalapril started at 5 mg daily", "enalapril", "5 mg", "daily");
        check("3% saline 150 mL given twice", "3% saline", "150 mL", "given twice");
        check("weekly paclitaxel", "paclitaxel", "", "weekly");
        check("three weeks of salbutamol", "salbutamol", "", "for three weeks");
        check("one iron tablet a day", "iron", "one tablet", "a day");
        check("two iron tablets", "iron", "two tablets", "");
        check("a small push of 10% dextrose", "dextrose", "10%", "a small push");
        check("aspirine contre la fièvre", "aspirine", "", "contre la fièvre");
        check("eighteen months of thiamazole", "thiamazole", "", "for eighteen months");
        check("one dose of ceftriaxone 2 g", "ceftriaxone", "2 g", "one dose");
        check("phenobarbital went up to 5 mg/kg/day", "phenobarbital", "5 mg/kg/day", "");
        check("iron since the birth", "iron", "", "since the birth");
        // What names no medicine stays as it was written.
        for value in
            ["tablet for blood", "a small white tablet for the pressure", "tablets 5 mg at night"]
        {
            check(value, value, "", "");
        }
        check("furosemide 40 once a day", "furosemide", "40", "once a day");
        check("cápsula de yodo 15 mCi, ayer", "cápsula de yodo", "15 mCi", "ayer");
        check(
            "nystatin 100 000 units four times a day",
            "nystatin",
            "100000 units",
            "four times a day",
        );
        check("saline 1 litre", "saline", "1 litre", "");
        check("amlodipine 5", "amlodipine", "5", "");
        check("bisoprolol 2.5 OD", "bisoprolol", "2.5", "OD");
        check("vitamin D 1000 daily", "vitamin D 1000", "", "daily");
        check("amoxicillin 5 days", "amoxicillin 5 days", "", "");
        check("omega 3 daily", "omega 3", "", "daily");
        check(
            "prednisolone we gave 20 mg twice a day for six days",
            "prednisolone",
            "20 mg",
            "twice a day for six days",
        );
        check("calcium gluconate 10% 10 ml iv", "calcium gluconate 10%", "10 ml", "iv");
        check("hydrocortisone 1% cream twice daily", "hydrocortisone", "1%", "cream twice daily");
        check("concentrator 5 L", "oxygen", "5 L", "concentrator");
        check("nasal prongs 2 L/min", "oxygen", "2 L/min", "nasal prongs");
        check("nasal fluticasone 50 mcg daily", "nasal fluticasone", "50 mcg", "daily");
        check("โลชั่นวันละครั้ง", "โลชั่น", "", "วันละครั้ง");
        check("พาราเซตามอล 500 มก. ทุก 6 ชั่วโมง", "พาราเซตามอล 500 มก.", "", "ทุก 6 ชั่วโมง");
        check("", "", "", "");
        check("5", "5", "", "");
    }
}
