//! What stated texts are, and their form in a case: phrases, in the list where they belong.

use clinstruct_catalog::Catalog;
use clinstruct_schema::FactName;

use super::known;

/// Words of a phrase, at most.
const WORDS: usize = 14;

/// Subjects with which a copied sentence begins.
const SUBJECTS: [&str; 9] =
    ["the patient ", "patient ", "she ", "he ", "they ", "who ", "she's ", "he's ", "and "];

/// A stated text as a phrase: without a subject and a full stop, and cut at its first clause if it is long. `None` for a
/// sentence that cannot be cut.
pub(super) fn phrase(text: &str) -> Option<String> {
    let mut text = text.trim().trim_end_matches(['.', '!', ';', ',']).trim();
    // The last of several sentences says something else.
    if let Some((first, _)) = text.split_once(". ") {
        text = first;
    }
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
        let whole = |at: &usize| !text[..*at].ends_with("ing");
        let cut =
            cuts.filter(|at| (3..=WORDS).contains(&count(&text[..*at])) && whole(at)).max()?;
        text = text[..cut].trim_end_matches([',', ';', ' ']);
    }
    Some(text.to_owned()).filter(|text| !text.is_empty())
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

/// Words of diseases and deaths beside the names of the catalog, by their beginnings.
const DISEASES: [&str; 46] = [
    "cancer",
    "tumour",
    "tumor",
    "leuk",
    "lymph",
    "diabet",
    "stroke",
    "heart",
    "hypertens",
    "asthma",
    "epilep",
    "seizure",
    "tubercul",
    "hiv",
    "hepat",
    "malaria",
    "sickle",
    "thalass",
    "haemoph",
    "hemoph",
    "anaem",
    "anem",
    "disease",
    "disorder",
    "syndrome",
    "carrier",
    "gene",
    "mutation",
    "died",
    "death",
    "dead",
    "ill",
    "sick",
    "allerg",
    "eczema",
    "psoria",
    "arthrit",
    "osteo",
    "kidney",
    "dialysis",
    "clot",
    "thromb",
    "dement",
    "depress",
    "psych",
    "alcohol",
];

/// Abbreviations of diseases, as whole words.
const ABBREVIATED: [&str; 20] = [
    "mi", "cad", "chd", "ihd", "cva", "tia", "dm", "t1dm", "t2dm", "htn", "ca", "tb", "copd",
    "ckd", "dvt", "pe", "vte", "af", "ra", "sle",
];

/// Words for relatives.
const RELATIVES: [&str; 40] = [
    "mother",
    "father",
    "mum",
    "mom",
    "dad",
    "parent",
    "parents",
    "sister",
    "sisters",
    "brother",
    "brothers",
    "sibling",
    "siblings",
    "twin",
    "son",
    "sons",
    "daughter",
    "daughters",
    "grandmother",
    "grandfather",
    "grandparent",
    "grandma",
    "grandpa",
    "aunt",
    "aunts",
    "uncle",
    "uncles",
    "cousin",
    "cousins",
    "niece",
    "nephew",
    "relative",
    "relatives",
    "family",
    "half-brother",
    "half-sister",
    "grandson",
    "granddaughter",
    "maternal",
    "paternal",
];

/// Words by which a text says how somebody lives, whoever is ill.
const LIVING: [&str; 24] = [
    "live",
    "lives",
    "living",
    "stays",
    "shares",
    "share",
    "house",
    "household",
    "home",
    "carer",
    "cares",
    "caring",
    "looks",
    "looking",
    "cared",
    "supports",
    "work",
    "works",
    "working",
    "smokes",
    "smoke",
    "drinks",
    "married",
    "widow",
];

/// Whether a text listed as social history is about a disease or a death of a relative: `little sister with sickle cell
/// disease`, but not `lives with her mother, who has dementia`.
pub(super) fn is_of_relative(catalog: &Catalog, band: usize, text: &str) -> bool {
    let lower = text.to_lowercase();
    let says = |list: &[&str]| words(&lower).any(|word| list.contains(&word));
    says(&RELATIVES) && !says(&LIVING) && (is_family(catalog, band, text) || is_of_one(&lower))
}

/// What is said of a relative who has something, or had it.
const HAS: [&str; 13] = [
    "has",
    "had",
    "have",
    "having",
    "with",
    "gets",
    "got",
    "suffers",
    "suffered",
    "diagnosed",
    "similar",
    "same",
    "likewise",
];
/// What somebody has who is not ill.
const HAS_NO_DISEASE: [&str; 15] = [
    "car",
    "job",
    "phone",
    "money",
    "child",
    "children",
    "farm",
    "land",
    "shop",
    "motorbike",
    "fridge",
    "school",
    "time",
    "keys",
    "house",
];

fn words(lower: &str) -> impl Iterator<Item = &str> {
    lower.split(|c: char| !c.is_alphanumeric() && c != '-').filter(|word| !word.is_empty())
}

/// Whether a text is about one relative, in its first words, who has something: `uncle has the same fits`, `his father had
/// it at 47`.
fn is_of_one(lower: &str) -> bool {
    let subject = words(lower).take(3).any(|word| RELATIVES.contains(&word));
    subject
        && words(lower).any(|word| HAS.contains(&word))
        && !words(lower).any(|word| HAS_NO_DISEASE.contains(&word))
}

/// Whether a text listed as family history is: about a disease, or about a relative by blood of whom it does not say how
/// they live: `parents are first cousins`, `brother, 16, similar gait`.
pub(super) fn is_family_history(catalog: &Catalog, band: usize, text: &str) -> bool {
    let lower = text.to_lowercase();
    let lives = |word: &str| LIVING.contains(&word) || HAS_NO_DISEASE.contains(&word);
    is_family(catalog, band, text)
        || words(&lower).any(|word| RELATIVES.contains(&word)) && !words(&lower).any(lives)
}

/// Whether a text only names people: `grandson`, `her mother and aunt`.
pub(super) fn is_only_people(text: &str) -> bool {
    let lower = text.to_lowercase();
    let beside = ["her", "his", "their", "the", "a", "an", "and", "my", "one", "two"];
    words(&lower).any(|word| RELATIVES.contains(&word))
        && words(&lower).all(|word| RELATIVES.contains(&word) || beside.contains(&word))
}

/// Whether a text begins with how somebody lives: `lives with her mother, who has dementia`.
pub(super) fn is_living(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut words = lower.split_whitespace();
    let first = words.next().filter(|word| !["she", "he", "they", "patient"].contains(word));
    first.or_else(|| words.next()).is_some_and(|word| LIVING.contains(&word))
}

/// Whether a text listed as family history is about a disease or a death of a relative.
pub(super) fn is_family(catalog: &Catalog, band: usize, text: &str) -> bool {
    let lower = text.to_lowercase();
    let disease = |word: &str| {
        DISEASES.iter().any(|start| word.starts_with(start))
            || ABBREVIATED.contains(&word)
            || word.ends_with("itis")
            || word.ends_with("oma")
            || word.ends_with("aemia")
            || word.ends_with("emia")
    };
    lower.split(|c: char| !c.is_alphanumeric()).any(disease)
        || lower.contains("family history")
        || !known::conditions_in(catalog, band, text).is_empty()
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
                "She has for two weeks been drinking and passing water at all hours of the long hot night at home",
                None,
            ),
            (
                "whether what was told to us by those with whom she now lives can be trusted by anybody here",
                None,
            ),
        ] {
            assert_eq!(phrase(text).as_deref(), is, "{text}");
        }
    }

    #[test]
    fn a_gender_is_not_repeated_and_more_than_one_stays() {
        assert!(is_gender("transgender woman"));
        assert!(is_gender("identifies as non-binary"));
        assert!(!is_gender("transgender woman who lives with her sister"));
        assert!(!is_gender("lives with a man"));
    }

    #[test]
    fn family_history_is_of_diseases() {
        let catalog = Catalog::embedded().unwrap();
        let band = catalog.ages.len() / 2;
        for text in [
            "mother died at 60",
            "brother with asthma",
            "two aunts with breast cancer",
            "nephritis in an uncle",
            "brother mi at 52",
            "father CAD",
        ] {
            assert!(is_family(&catalog, band, text), "{text}");
        }
        for text in ["wife has two children", "lives with her parents", "husband works abroad"] {
            assert!(!is_family(&catalog, band, text), "{text}");
            assert!(!is_family_history(&catalog, band, text), "{text}");
        }
        for text in
            ["parents are first cousins", "father had it at 47", "brother, 16, similar gait"]
        {
            assert!(is_family_history(&catalog, band, text), "{text}");
        }
        assert!(is_only_people("her grandson") && !is_only_people("sister in prison"));
    }

    #[test]
    fn a_disease_of_a_relative_is_no_way_of_living() {
        let catalog = Catalog::embedded().unwrap();
        let band = catalog.ages.len() / 2;
        for text in [
            "little sister with sickle cell disease",
            "her father died of a stroke at 61",
            "two maternal aunts had breast cancer",
            "twin brother has epilepsy",
            "uncle has the same fits",
            "her older sister had it too",
            "his father had it at 47",
            "cousin's baby had spina bifida",
            "paternal uncle, who has a pacemaker",
            "brother, 16, similar gait",
        ] {
            assert!(is_of_relative(&catalog, band, text) && !is_living(text), "{text}");
        }
        for text in [
            "lives with her mother, who has dementia",
            "cares for a brother with epilepsy",
            "little sister goes to school",
            "uncle has a car",
            "brother with money for the bus",
            "smokes, as her father with lung cancer did",
            "allergic to work in the heat",
        ] {
            assert!(!is_of_relative(&catalog, band, text), "{text}");
        }
        assert!(is_living("She lives with her mother, who has dementia"));
        assert!(!is_living("mother lives with heart failure"));
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
