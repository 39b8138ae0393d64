//! What stated texts are, and their form in a case: phrases, in the list where they belong.

use clinstruct_catalog::Catalog;
use clinstruct_schema::FactName;

use super::known;

/// Words of a phrase, at most.
const WORDS: usize = 18;
/// Letters of an abbreviation, at most.
const ABBREVIATION: usize = 4;

/// Subjects with which a copied sentence begins.
const SUBJECTS: [&str; 9] =
    ["the patient ", "patient ", "she ", "he ", "they ", "who ", "she's ", "he's ", "and "];

/// The sentences of a text. The point of an abbreviation or a number ends none: `sleeps approx. 7 h`, `3. Kl. VS`.
pub(super) fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let ends = |(at, _): &(usize, &str)| {
        let (before, after) = (&text[..*at], text[at + 1..].trim_start());
        let word = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        word.chars().count() > ABBREVIATION
            && !word.chars().all(char::is_numeric)
            && after.starts_with(|c: char| c.is_alphabetic() && !c.is_lowercase())
    };
    let mut from = 0;
    let ends = text.match_indices(". ").filter(ends).map(|(at, _)| at + 1);
    ends.chain([text.len()]).map(move |end| {
        let sentence = text[from..end].trim();
        from = end;
        sentence
    })
}

/// A stated sentence as a phrase: without a subject and a full stop, and cut at its first clause if it is long. `None` where
/// it cannot be cut.
pub(super) fn phrase(text: &str) -> Option<String> {
    let mut text = text.trim().trim_end_matches(['.', '!', ';', ',']).trim();
    let lower = text.to_lowercase();
    for subject in SUBJECTS {
        if lower.starts_with(subject) && lower.len() == text.len() {
            text = text.get(subject.len()..).unwrap_or(text).trim();
            break;
        }
    }
    let count = |text: &str| text.split_whitespace().count();
    if count(text) > WORDS {
        let parts = [", ", "; ", " – ", " but ", " and ", " because ", " so that "];
        let cuts = parts.iter().flat_map(|part| text.match_indices(part).map(|(at, _)| at));
        // A verb whose object comes later says something else when it ends there: `has been drinking and passing urine`.
        let whole = |at: &usize| !text[..*at].ends_with("ing") && !is_listed(text, *at);
        let cut =
            cuts.filter(|at| (3..=WORDS).contains(&count(&text[..*at])) && whole(at)).max()?;
        text = text[..cut].trim_end_matches([',', ';', ' ']);
    }
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// Words of one thing in a list, at most.
const ITEM: usize = 2;

/// Whether a list is cut in two at a place: `while eggs, coconut | and bananas come from the garden`.
fn is_listed(text: &str, at: usize) -> bool {
    let count = |text: &str| text.split_whitespace().count();
    let (before, after) = text.split_at(at);
    let after = after.trim_start_matches([',', ';', ' ']);
    let clause = ["while", "but", "because", "who", "which", "so", "when", "where", "although"];
    if clause.iter().any(|word| after.starts_with(word)) {
        return false;
    }
    let item = before.rsplit(", ").next().filter(|item| item.len() < before.len());
    let next = [", ", " and "].iter().filter_map(|part| after.find(part)).min();
    item.is_some_and(|item| count(item) <= ITEM)
        || next.is_some_and(|end| count(&after[..end]) <= ITEM)
}

/// Words of a fragment, at most.
const FRAGMENT: usize = 2;

/// Whether a text is a piece of a phrase: `with wine`.
pub(super) fn is_fragment(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    let starts =
        ["never did", "with ", "and ", "or ", "of ", "after ", "mit ", "avec ", "con ", "com "];
    lower.split_whitespace().count() <= FRAGMENT
        && starts.iter().any(|word| lower.starts_with(word))
}

/// Words of a gender; a case has it in a field of its own.
const GENDERS: [&str; 11] = [
    "transgender",
    "trans woman",
    "trans man",
    "trans girl",
    "trans boy",
    "non-binary",
    "nonbinary",
    "cisgender",
    "two-spirit",
    "gender identity",
    "assigned",
];
/// Words that may stand beside one and say nothing more.
const BESIDE: [&str; 28] = [
    "a",
    "an",
    "is",
    "as",
    "transgender",
    "trans",
    "non",
    "binary",
    "nonbinary",
    "cisgender",
    "two",
    "spirit",
    "woman",
    "man",
    "girl",
    "boy",
    "person",
    "female",
    "male",
    "identifies",
    "gender",
    "identity",
    "at",
    "birth",
    "assigned",
    "lives",
    "she",
    "he",
];

/// Whether a text only repeats the gender.
pub(super) fn is_gender(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    GENDERS.iter().any(|gender| lower.contains(gender)) && words.all(|word| BESIDE.contains(&word))
}

/// Whether a text listed as a complaint only says that a medicine is not taken: `no nitrates`, `takes no medicines`.
pub(super) fn is_medicine_free(catalog: &Catalog, text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    let starts = ["no ", "not on ", "not taking ", "takes no ", "on no ", "without "];
    let Some(rest) = starts.iter().find_map(|start| lower.strip_prefix(start)) else {
        return false;
    };
    let medicines = [
        "medicine",
        "medication",
        "drug",
        "tablet",
        "nitrate",
        "anticoagul",
        "steroid",
        "antibiotic",
        "painkiller",
        "hormone",
        "insulin",
        "blood thinner",
        "contracept",
        "inhaler",
    ];
    rest.split_whitespace().count() <= 4
        && (medicines.iter().any(|word| rest.contains(word))
            || !known::drugs(catalog, rest).is_empty())
}

/// Words by which a text gives a value of a sign that is not its standing one.
pub(super) fn sign_words(name: FactName) -> &'static [&'static str] {
    match name {
        FactName::Saturation => &["saturation", "spo2", "sats", "oximet"],
        FactName::Temperature => &["temperature", "°c"],
        FactName::HeartRate => &["heart rate", "heart_rate", "pulse"],
        FactName::RespiratoryRate => &["respiratory rate", "breaths", "breathing rate"],
        FactName::Systolic | FactName::Diastolic => &["systolic", "blood pressure"],
        FactName::Weight => &["weight", "weighed"],
        FactName::Height => &["height"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_become_phrases() {
        for (text, is) in [
            ("She lives alone on the third floor.", Some("lives alone on the third floor")),
            ("market trader", Some("market trader")),
            (
                "He herds goats with two brothers in the hills above the town, and comes down only once a month to sell.",
                Some("herds goats with two brothers in the hills above the town"),
            ),
            (
                "tinned fish is affordable once a week, while eggs, coconut and aibika come from the garden behind the house of her brother",
                Some("tinned fish is affordable once a week"),
            ),
            (
                "She has for two weeks been drinking and passing water at all hours of the long hot night at home in the village",
                None,
            ),
            (
                "whether what was told to us by those with whom she now lives can be trusted by anybody here in this town",
                None,
            ),
        ] {
            assert_eq!(phrase(text).as_deref(), is, "{text}");
        }
    }

    #[test]
    fn a_point_ends_a_sentence_where_none_is_abbreviated() {
        let of = |text| sentences(text).collect::<Vec<_>>();
        for one in [
            "3. Kl. VS",
            "Schläft ca. 7 h, Tablet bis 22 h",
            "works at St. Mary's",
            "smokes approx. 10 a day",
            "lives with Dr. Abebe",
        ] {
            assert_eq!(of(one), [one]);
        }
        assert_eq!(
            of("Vater stottert. Mutter gesund. Geht in die 3. Klasse."),
            ["Vater stottert.", "Mutter gesund.", "Geht in die 3. Klasse."]
        );
    }

    #[test]
    fn a_gender_is_not_repeated_and_more_than_one_stays() {
        assert!(is_gender("transgender woman"));
        assert!(is_gender("identifies as non-binary"));
        assert!(!is_gender("transgender woman who lives with her sister"));
        assert!(!is_gender("lives with a man"));
    }

    #[test]
    fn what_is_not_taken_is_no_complaint() {
        let catalog = Catalog::embedded().unwrap();
        for text in ["no nitrates", "takes no medicines", "not on warfarin"] {
            assert!(is_medicine_free(&catalog, text), "{text}");
        }
        for text in ["no urine for a day", "nosebleeds", "no appetite", "not bleeding"] {
            assert!(!is_medicine_free(&catalog, text), "{text}");
        }
    }
}
