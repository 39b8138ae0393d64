//! Which list a stated text belongs to, and which texts say nothing.

/// How texts begin that deny something, or call it normal.
const DENIALS: [&str; 26] = [
    "no ",
    "without ",
    "never ",
    "denies ",
    "afebrile",
    "apyrexial",
    "normal ",
    "clear ",
    "neg ",
    "negative ",
    "kein ",
    "keine ",
    "keinen ",
    "ohne ",
    "pas de ",
    "pas d'",
    "aucun",
    "sans ",
    "nessun",
    "senza ",
    "sem ",
    "nenhum",
    "sin ",
    "ningun",
    "ไม่มี",
    "ไม่พบ",
];
/// Words of a text that finds something normal.
const NORMAL: [&str; 14] = [
    "normal",
    "intact",
    "palpable",
    "symmetrical",
    "unremarkable",
    "negative",
    "neg",
    "afebrile",
    "soft",
    "nad",
    "clear",
    "felt",
    "reactive",
    "unchanged",
];

/// What is missing in somebody who is ill, behind `no`.
const LACKING: [&str; 13] = [
    "no longer",
    "no appetite",
    "no sleep",
    "no strength",
    "no energy",
    "no urine",
    "no stool",
    "no milk",
    "no period",
    "no movement",
    "no pulse",
    "no feeling",
    "no voice",
];
/// Spanish words behind `no`, which is also its `not`.
const SPANISH: [&str; 11] =
    ["le", "se", "me", "puede", "quiere", "come", "duerme", "tolera", "camina", "siente", "ha"];

/// Whether a text in lower case says what somebody lacks or cannot do: `no appetite`, `no le entra más que sopa`.
fn is_lacking(lower: &str) -> bool {
    let not = lower.strip_prefix("no ").and_then(|rest| rest.split(' ').next());
    LACKING.iter().any(|start| lower.starts_with(start))
        || not.is_some_and(|word| SPANISH.contains(&word))
}

/// Whether a text listed as a complaint tells what was found normal, or looked for and not found: `no rash`, `both pulses felt`.
/// What has been missing for some time is a complaint: `no urine since yesterday`.
pub(super) fn is_finding(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    let lasts = [" since ", " for ", " seit ", " depuis ", " desde ", " da ", " há "];
    if lasts.iter().any(|word| lower.contains(word)) || is_lacking(&lower) {
        return false;
    }
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    DENIALS.iter().any(|start| lower.starts_with(start))
        || words.any(|word| NORMAL.contains(&word)) && !lower.contains("not ")
}

/// Words of results that rule out what was looked for.
const NEGATIVE: [&str; 16] = [
    "neg",
    "negative",
    "nonreactive",
    "non-reactive",
    "normal",
    "absent",
    "undetectable",
    "negativ",
    "unauffällig",
    "négatif",
    "négative",
    "negativo",
    "negativa",
    "ausente",
    "नकारात्मक",
    "निगेटिव",
];

/// Whether a result in words rules out what was looked for: `malaria RDT NEG`.
pub(super) fn is_negative(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut words =
        lower.split(|c: char| c.is_whitespace() || matches!(c, ',' | ':' | ';' | '.' | '(' | ')'));
    words.any(|word| NEGATIVE.contains(&word))
}

/// Whether a text listed as an allergy says that there is none to something: `never reacted to penicillin`.
pub(super) fn is_tolerated(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    ["never ", "no reaction", "not allergic", "tolerat", "has taken ", "takes ", "had "]
        .iter()
        .any(|start| lower.starts_with(start))
        || ["without a reaction", "without reaction", "without problem", "tolerated"]
            .iter()
            .any(|said| lower.contains(said))
}

/// What a vaccination is called, by the beginnings of words.
const VACCINATION: [&str; 12] = [
    "vaccin",
    "immuni",
    "jab",
    "booster",
    "tetanus",
    "toxoid",
    "impf",
    "vacun",
    "vacin",
    "vaccinaz",
    "टीक",
    "วัคซีน",
];
/// What an ordinary reaction to one is called.
const ORDINARY: [&str; 38] = [
    "sore",
    "aching",
    "ache",
    "arm",
    "thigh",
    "fever",
    "febrile",
    "temperature",
    "warm",
    "chill",
    "shiver",
    "tired",
    "fatigue",
    "irritab",
    "cried",
    "crying",
    "redness",
    "red ",
    "lump",
    "swelling",
    "tender",
    "fieber",
    "schmerz",
    "müde",
    "rötung",
    "fièvre",
    "douleur",
    "rougeur",
    "fiebre",
    "dolor",
    "febre",
    "dor ",
    "febbre",
    "dolore",
    "बुखार",
    "दर्द",
    "ไข้",
    "ปวด",
];
/// What is no ordinary reaction.
const ALLERGIC: [&str; 32] = [
    "anaphyl",
    "hive",
    "urticari",
    "wheez",
    "face",
    "facial",
    "lip",
    "tongue",
    "throat",
    "angio",
    "collaps",
    "breath",
    "shock",
    "seizure",
    "convuls",
    "rash",
    "itch",
    "faint",
    "nesselsucht",
    "quaddel",
    "atemnot",
    "visage",
    "éruption",
    "roncha",
    "erupción",
    "orticaria",
    "gonfiore del viso",
    "urticária",
    "allergic to",
    "egg",
    "लकवा",
    "ผื่น",
];

/// Whether a text listed as an allergy is an ordinary reaction to a vaccine: `sore arm and a mild fever after the tetanus jab`.
pub(super) fn is_vaccine_reaction(text: &str) -> bool {
    let lower = format!("{} ", text.trim().to_lowercase());
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    says(&VACCINATION) && says(&ORDINARY) && !says(&ALLERGIC)
}

/// How texts begin that say of a medicine that it is not taken.
const NOT_TAKEN: [&str; 6] = ["no ", "not ", "without ", "never ", "off ", "has never "];
/// What texts say of a medicine that was taken.
const ENDED: [&str; 40] = [
    "on hold",
    "held ",
    "withheld",
    "stopped",
    "paused",
    "until ",
    "discontinued",
    "ran out",
    "run out",
    "finished",
    "completed",
    "no longer",
    "used to",
    "was taking",
    "was on ",
    "previously",
    "in the past",
    "came off",
    "taken off",
    "ceased",
    "suspended",
    "interrupted",
    "abandoned",
    "expired",
    "last year",
    "last month",
    "years ago",
    "months ago",
    "abgesetzt",
    "pausiert",
    "beendet",
    "arrêté",
    "interromp",
    "suspend",
    "sospes",
    "terminé",
    "parou de",
    "dejó de",
    "หยุด",
    "बंद कर",
];

/// Whether a text listed as a medicine names one that is taken.
pub(super) fn is_taken(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    !NOT_TAKEN.iter().any(|start| lower.starts_with(start)) && !is_event(text)
}

/// Whether a text listed as a medicine is an event: a medicine that ended, or blood that was given.
pub(super) fn is_event(text: &str) -> bool {
    is_ended(text) || is_transfusion(text)
}

/// Whether a text listed as a medicine names one that was taken, and is not any more: `warfarin, stopped on Monday`.
fn is_ended(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    !NOT_TAKEN.iter().any(|start| lower.starts_with(start))
        && ENDED.iter().any(|said| lower.contains(said))
}

/// Whether a text listed as a medicine is about blood or a bag of fluid that was given: `first bag of o neg going in`.
fn is_transfusion(text: &str) -> bool {
    let lower = text.to_lowercase();
    let blood = [
        "bag of",
        "bags of",
        "one bag",
        "two bags",
        "unit of blood",
        "units of blood",
        "units blood",
        "red cells",
        "packed cells",
        "o neg",
        "transfus",
        "whole blood",
        "fresh frozen plasma",
        "platelet concentrate",
        "saline bolus",
    ];
    blood.iter().any(|word| lower.contains(word))
}

/// Units of time, as words of a text.
pub(super) const SPANS: [&str; 12] = [
    "minute", "minutes", "hour", "hours", "day", "days", "week", "weeks", "month", "months",
    "year", "years",
];

/// Words that say when, how often or how much, but not what.
const WHEN: [&str; 36] = [
    "ago",
    "since",
    "for",
    "from",
    "to",
    "in",
    "at",
    "on",
    "the",
    "a",
    "an",
    "about",
    "around",
    "over",
    "last",
    "past",
    "this",
    "now",
    "then",
    "before",
    "after",
    "until",
    "and",
    "or",
    "x",
    "times",
    "time",
    "once",
    "twice",
    "daily",
    "second",
    "today",
    "yesterday",
    "one",
    "two",
    "three",
];

/// Whether a text says only when or how much: `three weeks ago`, `4 in 8 months`. A pressure is more than that:
/// `172/112 an hour ago`.
pub(super) fn is_only_time(text: &str) -> bool {
    let lower = text.to_lowercase();
    let pressure = |(upper, low): (&str, &str)| {
        let [upper, low] = [upper, low].map(|part| part.parse::<u32>().unwrap_or_default());
        upper > low && low >= 20
    };
    if lower.split_whitespace().filter_map(|word| word.split_once('/')).any(pressure) {
        return false;
    }
    let mut words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.all(|word| {
        word.chars().all(|c| c.is_ascii_digit()) || WHEN.contains(&word) || SPANS.contains(&word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_told_from_what_was_found() {
        for finding in [
            "no rash or itching",
            "both pulses felt",
            "DP/PT palpable",
            "Afebrile",
            "PTB neg",
            "limb strength is symmetrical",
            "pas de fièvre",
            "ไม่มีจุดเลือดออก",
        ] {
            assert!(is_finding(finding), "{finding}");
        }
        for complaint in [
            "no urine since yesterday",
            "no appetite",
            "no le entra más que sopa de chuño y pan",
            "no puede tragar",
            "cannot feel her feet",
            "normally walks, now does not",
            "pulses not palpable",
            "swelling of the left calf",
            "not waking well",
        ] {
            assert!(!is_finding(complaint), "{complaint}");
        }
    }

    #[test]
    fn a_negative_result_is_told_from_others() {
        for text in ["Malaria RDT NEG", "HIV test negative", "TDR paludisme : négatif"] {
            assert!(is_negative(text), "{text}");
        }
        for text in ["malaria rapid test positive", "Negeri fever", "dengue NS1 reactive"] {
            assert!(!is_negative(text), "{text}");
        }
    }

    #[test]
    fn what_is_tolerated_is_no_allergy() {
        assert!(is_tolerated("never reacted to penicillin"));
        assert!(is_tolerated("amoxicillin last year without a reaction"));
        assert!(!is_tolerated("penicillin, rash"));
        assert!(!is_tolerated("does not tolerate lactose"));
    }

    #[test]
    fn an_ordinary_reaction_to_a_vaccine_is_no_allergy() {
        for ordinary in [
            "sore arm after the tetanus vaccine",
            "mild fever after vaccination",
            "large local swelling after a hepatitis B vaccine",
            "fièvre après le vaccin",
            "Fieber nach der Impfung",
            "fiebre tras la vacuna",
        ] {
            assert!(is_vaccine_reaction(ordinary), "{ordinary}");
        }
        for allergic in [
            "hives after influenza vaccine",
            "anaphylaxis to yellow fever vaccine",
            "swelling of the face and fever after a vaccine",
            "penicillin, fever",
            "fever and rash after measles vaccine",
        ] {
            assert!(!is_vaccine_reaction(allergic), "{allergic}");
        }
    }

    #[test]
    fn a_medicine_that_ended_is_no_longer_taken() {
        for ended in [
            "warfarin, stopped on Monday",
            "ran out of insulin two days ago",
            "a course of amoxicillin, finished last week",
            "was taking sertraline",
            "used to take iron tablets",
            "Marcumar abgesetzt",
            "enalapril hasta que dejó de tomarlo",
        ] {
            assert!(is_ended(ended) && !is_taken(ended), "{ended}");
        }
        for taken in ["warfarin 5 mg", "amlodipine since last week", "paracetamol when needed"] {
            assert!(is_taken(taken) && !is_ended(taken), "{taken}");
        }
        for never in ["no aspirin", "not on warfarin", "never took statins"] {
            assert!(!is_taken(never) && !is_ended(never), "{never}");
        }
    }

    #[test]
    fn blood_is_no_medicine_that_is_taken() {
        assert!(
            is_transfusion("first bag of O neg going in") && is_transfusion("two units of blood")
        );
        assert!(!is_transfusion("tranexamic acid 1 g") && !is_transfusion("insulin 10 units"));
    }

    #[test]
    fn a_time_alone_says_nothing() {
        for time in ["three weeks ago", "4 in 8 months", "twice last year", ""] {
            assert!(is_only_time(time), "{time}");
        }
        for time in ["5/7 ago", "24/7", "3/12"] {
            assert!(is_only_time(time), "{time}");
        }
        for event in
            ["fever three weeks ago", "two caesareans", "third-degree burn", "172/112 an hour ago"]
        {
            assert!(!is_only_time(event), "{event}");
        }
    }
}
