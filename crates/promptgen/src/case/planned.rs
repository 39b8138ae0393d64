//! What a message only plans, orders or asks for: no complaint, and no result.

/// Names of tests, and of what they are made with, in lower case.
const TESTS: [&str; 62] = [
    "mri",
    "mrt",
    "irm",
    "rm",
    "rmn",
    "tc",
    "tac",
    "tdm",
    "ct",
    "pet",
    "pet-ct",
    "ecg",
    "ekg",
    "eeg",
    "emg",
    "echo",
    "x-ray",
    "x-rays",
    "xray",
    "xr",
    "cxr",
    "radiograph",
    "radiographs",
    "röntgen",
    "röntgenbild",
    "radio",
    "radiographie",
    "radiografía",
    "radiografia",
    "rx",
    "scan",
    "scanner",
    "ultrasound",
    "sonographie",
    "ultraschall",
    "échographie",
    "ecografía",
    "ecografia",
    "ultrassom",
    "ultrassonografia",
    "mammogram",
    "mammography",
    "endoscopy",
    "gastroscopy",
    "colonoscopy",
    "cystoscopy",
    "bronchoscopy",
    "spirometry",
    "audiogram",
    "audiometry",
    "biopsy",
    "angiogram",
    "angiography",
    "electrocardiogram",
    "echocardiogram",
    "polysomnography",
    "एमआरआई",
    "सीटी",
    "एक्स-रे",
    "ईसीजी",
    "ซีที",
    "เอกซเรย์",
];
/// Words of the name of a test that say where, how or for what it is made.
const PLACES: [&str; 58] = [
    "a",
    "an",
    "the",
    "of",
    "for",
    "with",
    "without",
    "and",
    "or",
    "to",
    "in",
    "di",
    "de",
    "des",
    "du",
    "la",
    "le",
    "del",
    "der",
    "do",
    "da",
    "contrast",
    "plain",
    "urgent",
    "routine",
    "first",
    "repeat",
    "new",
    "12-lead",
    "head",
    "brain",
    "orbital",
    "orbit",
    "orbits",
    "chest",
    "abdomen",
    "abdominal",
    "pelvis",
    "pelvic",
    "spine",
    "lumbar",
    "cervical",
    "thoracic",
    "knee",
    "hip",
    "shoulder",
    "ankle",
    "wrist",
    "hand",
    "foot",
    "cardiac",
    "renal",
    "liver",
    "thorax",
    "crâne",
    "cerebral",
    "right",
    "left",
];
/// How texts begin that ask for a judgement.
const ASKED: [&str; 16] = [
    "forecast",
    "prognosis",
    "second opinion",
    "opinion on",
    "advice on",
    "advice about",
    "question about",
    "request for",
    "wants to know",
    "plan for",
    "how long",
    "prognose",
    "pronostic",
    "pronóstico",
    "prognosi",
    "prognóstico",
];
/// What is said of something that is still to come.
const TO_COME: [&str; 46] = [
    "prescribed",
    "ordered",
    "planned",
    "scheduled",
    "booked",
    "requested",
    "awaited",
    "awaiting",
    "pending",
    "to be done",
    "not yet done",
    "verordnet",
    "geplant",
    "steht aus",
    "ausstehend",
    "prescrit",
    "prévu",
    "en attente",
    "recetad",
    "programad",
    "pendiente",
    "prescritto",
    "in attesa",
    "programmat",
    "prescrito",
    "pendente",
    "sent off",
    "not back",
    "still out",
    "no result yet",
    "results to follow",
    "noch nicht da",
    "kommt noch",
    "pas encore revenu",
    "pas encore reçu",
    "résultat attendu",
    "aún no llega",
    "todavía no",
    "sin resultado aún",
    "non ancora arrivat",
    "non ancora tornat",
    "ainda não chegou",
    "ainda não saiu",
    "अभी नहीं आया",
    "अभी नहीं आई",
    "รอผล",
];

/// Whether a text listed as a complaint only names a test, or the judgement that is asked for: `orbital MRI`, `forecast of his
/// speech`.
pub(super) fn is_request(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    let mut words = lower.split(|c: char| !(c.is_alphanumeric() || c == '-' || is_devanagari(c)));
    let is_test = |word: &str| TESTS.contains(&word);
    let about = |word: &str| word.is_empty() || is_test(word) || PLACES.contains(&word);
    ASKED.iter().any(|start| lower.starts_with(start))
        || (words.clone().any(is_test) && words.all(about))
}

/// Whether a text listed as a result is of something that is still to come: `intranasal dexmedetomidine prescribed`.
pub(super) fn is_to_come(text: &str) -> bool {
    let lower = text.to_lowercase();
    TO_COME.iter().any(|word| lower.contains(word))
}

/// How texts begin that tell what the patient does every day.
const HABITS: [&str; 18] = [
    "smokes ",
    "vapes ",
    "chews ",
    "drinks alcohol",
    "drinks beer",
    "drinks wine",
    "drinks coffee",
    "drinks tea",
    "drinks fresh",
    "drinks fruit",
    "drinks juice",
    "drinks grapefruit",
    "works as ",
    "works in ",
    "lives ",
    "eats ",
    "raucht ",
    "fuma ",
];

/// Whether a text listed as a complaint is a habit, which is no reason to be seen: `drinks fresh grapefruit juice`.
pub(super) fn is_habit(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    // `Eats nothing`, `eats soil` are.
    let nothing = ["nothing", "little", "less", "poorly", "only", "soil", "not "];
    HABITS.iter().any(|start| lower.starts_with(start))
        && !nothing.iter().any(|word| lower.contains(word))
}

/// How texts begin that tell what somebody believes or wants.
const BELIEFS: [&str; 33] = [
    "wants ",
    "wanting ",
    "wishes ",
    "would like ",
    "prefers ",
    "möchte ",
    "wünscht ",
    "souhaite ",
    "veut ",
    "quiere ",
    "vorrebbe ",
    "thinks ",
    "believes ",
    "is convinced ",
    "convinced ",
    "is sure ",
    "glaubt",
    "meint, ",
    "denkt, ",
    "ist überzeugt",
    "croit ",
    "pense que ",
    "est convaincu",
    "cree que ",
    "piensa que ",
    "está convencid",
    "acredita ",
    "acha que ",
    "crede ",
    "pensa che ",
    "è convint",
    "เชื่อว่า",
    "คิดว่า",
];

/// Whether a text listed as a complaint is what somebody believes or wants: `thinks vomiting clears the chemo out`. A belief that is
/// the illness is one: `believes that he is being poisoned`.
pub(super) fn is_belief(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    let ill = [
        "poison", "followed", "watched", "spied", "voices", "possess", "bewitch", "dead", "dying",
        "slow",
    ];
    BELIEFS.iter().any(|start| lower.starts_with(start))
        && !ill.iter().any(|word| lower.contains(word))
}

/// Whether a text listed as a result tells when something was done: `serial casts, last changed 2/7 ago`.
pub(super) fn is_done(text: &str) -> bool {
    let lower = text.to_lowercase();
    let when =
        [" ago", "last changed", "last done", "since ", "vor ", "il y a ", "hace ", "fa ", "há "];
    let measured = lower
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| ["negative", "positive", "normal", "neg", "pos"].contains(&word));
    // A number beside a time is a result: `creatinine 310 two weeks ago`.
    let numbers = lower.split_whitespace().filter(|w| w.starts_with(|c: char| c.is_ascii_digit()));
    when.iter().any(|word| lower.contains(word)) && numbers.count() <= 1 && !measured && {
        let span = lower.find(" ago").map_or(&lower[..], |at| &lower[..at]);
        let before = span.rsplit(' ').next().unwrap_or_default();
        before.starts_with(|c: char| c.is_ascii_digit())
            || !span.contains(|c: char| c.is_ascii_digit())
    }
}

/// The signs that are no letters are part of the word.
fn is_devanagari(c: char) -> bool {
    ('\u{900}'..='\u{963}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_or_a_judgement_is_no_complaint() {
        for request in [
            "orbital MRI",
            "chest X-ray",
            "MRI of the lumbar spine with contrast",
            "12-lead ECG",
            "TAC cerebral",
            "forecast of her boy's speech",
            "prognosis after the second stroke",
            "second opinion",
            "एमआरआई",
        ] {
            assert!(is_request(request), "{request}");
        }
        for complaint in [
            "panic in the MRI scanner",
            "headache after the lumbar puncture",
            "pain in the right hip",
            "claustrophobia",
            "cannot lie still for a CT",
            "vomiting after contrast",
            "",
        ] {
            assert!(!is_request(complaint), "{complaint}");
        }
    }

    #[test]
    fn a_habit_is_no_complaint() {
        for habit in [
            "drinks fresh grapefruit juice after training",
            "smokes 20 a day",
            "lives with her son",
        ] {
            assert!(is_habit(habit), "{habit}");
        }
        for complaint in
            ["drinks all night and passes urine", "eats nothing since Monday", "eats soil"]
        {
            assert!(!is_habit(complaint), "{complaint}");
        }
    }

    #[test]
    fn a_belief_is_no_complaint() {
        for belief in [
            "thinks vomiting clears the chemo out",
            "believes the injection causes fever",
            "glaubt, dass Milch die Tabletten aufhebt",
            "cree que la insulina hace daño",
            "wanting no more hospital stays",
        ] {
            assert!(is_belief(belief), "{belief}");
        }
        for complaint in ["believes that he is being poisoned", "thinks slowly since the fall"] {
            assert!(!is_belief(complaint), "{complaint}");
        }
    }

    #[test]
    fn what_was_done_is_no_result() {
        for done in ["serial casts, last changed 2/7 ago", "catheter changed three days ago"] {
            assert!(is_done(done), "{done}");
        }
        for result in [
            "creatinine 310 two weeks ago",
            "HIV test negative a month ago",
            "QT 515",
            "urine dipstick protein 2+",
        ] {
            assert!(!is_done(result), "{result}");
        }
    }

    #[test]
    fn what_is_still_to_come_is_no_result() {
        for plan in [
            "intranasal dexmedetomidine 2 mcg/kg prescribed",
            "urine culture pending",
            "MRT geplant",
            "hémoculture en attente",
            "ecografía programada",
            "viral load sent off, not back yet",
            "Kultur noch nicht da",
            "cultura ainda não saiu",
            "รอผลเพาะเชื้อ",
        ] {
            assert!(is_to_come(plan), "{plan}");
        }
        for result in ["malaria rapid test negative", "BUN 38 mg/dL", "QTc 510 ms"] {
            assert!(!is_to_come(result), "{result}");
        }
    }
}
