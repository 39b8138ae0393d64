//! What is said of relatives: their diseases, and how the patient lives with them.

use clinstruct_catalog::Catalog;

use super::known;

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
const LIVING: [&str; 62] = [
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
    "looked",
    "raises",
    "raised",
    "raising",
    "feeds",
    "cooks",
    "minds",
    "guardian",
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
    "lebt",
    "leben",
    "wohnt",
    "wohnen",
    "arbeitet",
    "raucht",
    "pflegt",
    "vit",
    "vivent",
    "habite",
    "travaille",
    "fume",
    "vive",
    "viven",
    "vivono",
    "vivem",
    "abita",
    "mora",
    "trabaja",
    "trabalha",
    "lavora",
    "fuma",
    "betreut",
    "versorgt",
    "kümmert",
    "soigne",
    "élève",
    "garde",
    "cuida",
    "accudisce",
];
/// Relatives who share no blood, and so no disease of the family.
const MARRIED: [&str; 9] = [
    "husband",
    "wife",
    "spouse",
    "partner",
    "stepfather",
    "stepmother",
    "in-law",
    "fiancé",
    "fiancée",
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

/// Whether a text listed as family history is: about a disease, or without a word of how somebody lives: `parents are first
/// cousins`, `brother, 16, similar gait`, `Vater stottert`.
pub(super) fn is_family_history(catalog: &Catalog, band: usize, text: &str) -> bool {
    let lower = text.to_lowercase();
    let lives =
        |word: &str| [&LIVING[..], &HAS_NO_DISEASE, &MARRIED].iter().any(|l| l.contains(&word));
    is_family(catalog, band, text) || !words(&lower).any(lives)
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

#[cfg(test)]
mod tests {
    use super::*;

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
        for text in [
            "wife has two children",
            "lives with her parents",
            "husband works abroad",
            "lebt bei der Großmutter",
            "his grandmother has looked after him since June",
            "sa grand-mère la garde",
            "vive con la abuela",
        ] {
            assert!(!is_family(&catalog, band, text), "{text}");
            assert!(!is_family_history(&catalog, band, text), "{text}");
        }
        for text in [
            "parents are first cousins",
            "father had it at 47",
            "brother, 16, similar gait",
            "Vater stottert",
            "Tante väterlicherseits soziale Phobie",
            "padre con temblor",
        ] {
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
}
