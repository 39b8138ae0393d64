//! Age, sex or gender that is not the patient's.

use std::ops::Range;
use std::sync::LazyLock;

use clinstruct_schema::{AgeYears, Sex};
use regex::{Captures, Regex};

use crate::Turn;
use crate::card::{Gender, PatientFacts};
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};

/// The check.
pub const CHECK: Check = Check {
    id: "other_patient",
    former_ids: &[],
    repair_name: None,
    summary: "Age, sex or gender that is not the patient's.",
    group: Group::Facts,
    strictness: PerSpeaker {
        prompt: Some(Strictness::Blocks),
        assistant: None,
        user: Some(Strictness::Blocks),
    },
    run: Run::Text { find, example },
    good: &[
        "A 45-year-old woman coughs.",
        "A 44-year-old coughs.",
        "She is 45 and her son 3.",
        "A 45 year old tired lady.",
        "His 70-year-old mother and a 45-year-old woman with a cough.",
        "My 27-year-old colleague saw a woman of 45.",
        "They cough, and their son says he is worried.",
        "A 12-year-old boy, her son, brought the 45-year-old woman.",
        "Eine 45-jährige Frau hustet.",
        "Una mujer de 45 años tose desde hace 3 años.",
        "45 वर्षीय महिला को खाँसी है।",
        "หญิงอายุ 45 ปี ไอ",
    ],
    bad: &[
        "A 54-year-old woman coughs.",
        "A 45-year-old male patient coughs.",
        "A 7-month-old girl coughs.",
        "A 45-year-old transgender man coughs.",
        "My patient is a man with a cough.",
        "This elderly gentleman coughs.",
        "The patient has an enlarged gland: his prostate is 60 g.",
        "Ein 45-jähriger Mann hustet.",
        "Un homme de 45 ans tousse.",
        "Una mujer de 54 años tose.",
        "Un uomo di 45 anni tossisce.",
        "Um homem de 45 anos tosse.",
        "45 वर्षीय पुरुष को खाँसी है।",
        "ชายอายุ 45 ปี ไอ",
    ],
};

fn example(text: &'static str) -> Turn<'static> {
    let age = AgeYears { years: 45, months: None };
    let patient = PatientFacts { age, sex: Sex::Female, gender: Gender::Woman };
    Turn { patient: Some(patient), ..Turn::prompt(text) }
}

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    turn.patient.and_then(|patient| other_patient(turn.text, patient)).into_iter().collect()
}

/// Ages with their unit. What names the person stands behind the number in English, German and Hindi, and
/// before it in the others.
static AGES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let words_behind = r"(?P<behind>(?:[ -]\p{L}+){0,3})";
    [
        format!(r"(?i)\b(?P<n>[0-9]{{1,3}})[- ](?P<unit>year|month|week|day)s?[- ]old{words_behind}"),
        format!(r"(?i)\b(?P<n>[0-9]{{1,3}})[ -]?(?P<unit>jährig|monatig|wöchig)(?:e[nrms]?)?{words_behind}"),
        String::from(
            r"(?P<n>[0-9०-९]{1,3})[ -]?(?P<unit>वर्षीय|वर्षीया|(?:साल|वर्ष|महीने) (?:का|की|के|उम्र))(?P<behind>(?: [\x{900}-\x{97f}]+){0,3})",
        ),
        String::from(
            r"(?i)\b(?P<before>femmes?|hommes?|filles?|fillette|garçon|dame|monsieur|patiente?|enfant|mujer|hombre|niñ[ao]|señora?|chic[ao]|paciente|donna|uomo|ragazz[ao]|bambin[ao]|signor[ae]|paziente|mulher|homem|menin[ao]|senhora?|moça|rapaz)(?P<words>(?: \p{L}+){0,2}?) (?:de|di|com|âgée?s? de) (?P<n>[0-9]{1,3}) (?P<unit>ans|mois|años|meses|anni|mesi|anos)\b",
        ),
        String::from(
            r"(?P<before>ผู้ป่วยหญิง|ผู้ป่วยชาย|ผู้หญิง|ผู้ชาย|เด็กหญิง|เด็กชาย|หญิง|ชาย|ผู้ป่วย)[^0-9๐-๙]{0,12}อายุ ?(?P<n>[0-9๐-๙]{1,3}) ?(?P<unit>ปี|เดือน)",
        ),
    ]
    .iter()
    .filter_map(|pattern| Regex::new(pattern).ok())
    .collect()
});

/// The patient without an age: who "my patient" and "this man" are.
static PATIENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:(?:my|our|the|this) patient is an? (?:[a-z-]+ ){0,2}?(?P<a>man|woman|boy|girl|lady|gentleman|male|female)|this (?:[a-z-]+ )?(?P<b>man|woman|boy|girl|lady|gentleman)|(?:my|our|the|this) (?:[a-z-]+ )?(?P<c>male|female) patient)\b",
    )
    .ok()
});

/// What only one sex has.
static ORGANS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:his|her|their|the patient's) (?:[a-z]+ )?(?:(?P<f>uterus|womb|ovary|ovaries|vagina|cervix|pregnancy)|(?P<m>prostate|testicles?|testes|testis|penis|scrotum))\b",
    )
    .ok()
});

/// Somebody besides the patient, in English and, for the ages, in the other languages.
static OTHERS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:mother|father|mum|mom|dad|parents?|sister|brother|siblings?|twin|son|daughter|husband|wife|spouse|partner|boyfriend|girlfriend|uncle|aunt|cousin|nephew|niece|grand[a-z]+|relatives?|family|baby|newborn|neighbou?r|friend|colleague|nurse|doctor|midwife|paramedic|surgeon|carer|caregiver|commander|mutter|vater|eltern|schwester|bruder|sohn|tochter|ehemann|ehefrau|kollegin|kollege|mère|père|parents|sœur|frère|fils|mari|épouse|madre|padre|hermana|hermano|hij[oa]|esposa|marido|sorella|fratello|figli[oa]|moglie|marito|mãe|pai|irmã|irmão|filh[oa])\b|माँ|मां|पिता|बहन|भाई|बेटा|बेटी|पति|पत्नी|แม่|พ่อ|พี่|น้อง|ลูก|สามี|ภรรยา",
    )
    .ok()
});

/// How a word speaks of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Called {
    /// A noun, which says the gender.
    Noun(Gender),
    /// `male` or `female`, which may say the recorded sex.
    Sex(Sex),
}

fn called(word: &str) -> Option<Called> {
    Some(match word {
        "male" => Called::Sex(Sex::Male),
        "female" => Called::Sex(Sex::Female),
        "man" | "boy" | "gentleman" | "mann" | "junge" | "jungen" | "herr" => {
            Called::Noun(Gender::Man)
        }
        "homme"
        | "hommes"
        | "garçon"
        | "monsieur"
        | "hombre"
        | "niño"
        | "señor"
        | "chico"
        | "uomo"
        | "ragazzo"
        | "bambino"
        | "signore"
        | "homem"
        | "menino"
        | "senhor"
        | "rapaz"
        | "पुरुष"
        | "आदमी"
        | "लड़का"
        | "लड़के"
        | "युवक"
        | "ชาย"
        | "ผู้ชาย"
        | "เด็กชาย"
        | "ผู้ป่วยชาย" => Called::Noun(Gender::Man),
        "woman"
        | "girl"
        | "lady"
        | "frau"
        | "mädchen"
        | "dame"
        | "patientin"
        | "femme"
        | "femmes"
        | "fille"
        | "filles"
        | "fillette"
        | "mujer"
        | "niña"
        | "señora"
        | "chica"
        | "donna"
        | "ragazza"
        | "bambina"
        | "signora"
        | "mulher"
        | "menina"
        | "senhora"
        | "moça"
        | "महिला"
        | "औरत"
        | "लड़की"
        | "युवती"
        | "หญิง"
        | "ผู้หญิง"
        | "เด็กหญิง"
        | "ผู้ป่วยหญิง" => Called::Noun(Gender::Woman),
        _ => return None,
    })
}

/// Words behind which another phrase begins: who is named there is not the one whose age was given.
const PARTING: [&str; 12] =
    ["with", "who", "and", "of", "in", "from", "at", "after", "mit", "und", "aus", "nach"];

impl PatientFacts {
    /// How a word contradicts the patient, if it does.
    ///
    /// `male` and `female` may mean the recorded sex or the gender: a transgender man may be called either.
    fn contradicts(&self, word: Called) -> Option<(Sex, Sex)> {
        let of = |gender| if gender == Gender::Man { Sex::Male } else { Sex::Female };
        match word {
            Called::Noun(gender) => {
                let other = self.gender != Gender::Either && self.gender != gender;
                other.then(|| (of(gender), of(self.gender)))
            }
            Called::Sex(sex) => {
                let agrees = self.sex == Sex::Intersex
                    || self.gender == Gender::Either
                    || sex == self.sex
                    || sex == of(self.gender);
                (!agrees).then_some((sex, self.sex))
            }
        }
    }

    /// Whether an age is the patient's, a year more or less.
    fn is_aged(&self, number: u32, unit: &str) -> bool {
        let known = self.age;
        match unit {
            "year" | "jährig" | "वर्षीय" | "वर्षीया" | "ans" | "años" | "anni" | "anos" | "ปี" => {
                match known.months {
                    None => number.abs_diff(known.years) <= 1,
                    Some(_) => number <= 1,
                }
            }
            "month" | "monatig" | "mois" | "meses" | "mesi" | "เดือน" => {
                match known.months {
                    Some(months) => number.abs_diff(months) <= 1,
                    None => number / 12 == known.years || number <= 24 && known.years <= 2,
                }
            }
            _ if unit.starts_with("साल") || unit.starts_with("वर्ष") => {
                self.is_aged(number, "year")
            }
            _ if unit.starts_with("महीने") => self.is_aged(number, "month"),
            // Weeks and days.
            _ => true,
        }
    }
}

/// Somebody whose age a text gives.
struct Person {
    span: Range<usize>,
    /// Whether it may be somebody besides the patient.
    other: bool,
    agrees: bool,
    called: Option<Called>,
}

/// Digits of any of the scripts as a number.
fn number(digits: &str) -> Option<u32> {
    digits.chars().try_fold(0, |sum: u32, c| {
        let digit = match c {
            '0'..='9' => u32::from(c) - u32::from('0'),
            '०'..='९' => u32::from(c) - u32::from('०'),
            '๐'..='๙' => u32::from(c) - u32::from('๐'),
            _ => return None,
        };
        Some(sum * 10 + digit)
    })
}

/// The person whom a match is about.
fn person(text: &str, hit: &Captures<'_>, patient: PatientFacts) -> Option<Person> {
    let number_span = hit.name("n")?;
    let unit = hit.name("unit")?;
    let behind = hit.name("behind").map_or("", |m| m.as_str());
    let before = hit.name("before").map_or("", |m| m.as_str());
    let head = text.get(..hit.get(0)?.start())?;
    // Whoever was named in the same sentence may be the one whose age it is.
    let sentence = head.rfind(['.', '!', '?', '\n', '।', ';']).map_or(head, |at| &head[at..]);
    let others = OTHERS.as_ref()?;
    let mut words = behind
        .split([' ', '-'])
        .filter(|w| !w.is_empty())
        .map(str::to_lowercase)
        .take_while(|w| !PARTING.contains(&w.as_str()));
    let said = called(&before.to_lowercase()).or_else(|| words.find_map(|w| called(&w)));
    Some(Person {
        other: others.is_match(sentence) || others.is_match(behind),
        span: number_span.start()..unit.end(),
        agrees: patient.is_aged(number(number_span.as_str())?, &unit.as_str().to_lowercase()),
        called: said,
    })
}

fn of_sex(span: Range<usize>, (said, known): (Sex, Sex)) -> Finding {
    let seen = format!("{} where the patient is {}", said.as_str(), known.as_str());
    Finding::at(span, seen)
}

/// An age that differs from the patient's by more than a year, or the other sex or gender.
///
/// Others have their own: relatives, colleagues, a cohort. So an age is wrong only where no age of the text
/// is the patient's, pronouns are never held against it, and in a text that names somebody else only a noun
/// beside the patient's age counts.
pub(crate) fn other_patient(text: &str, patient: PatientFacts) -> Option<Finding> {
    let mut people: Vec<Person> = AGES
        .iter()
        .flat_map(|ages| ages.captures_iter(text))
        .filter_map(|hit| person(text, &hit, patient))
        .collect();
    people.sort_by_key(|p| p.span.start);
    if let Some(first) = people.iter().find(|p| !p.other)
        && !people.iter().any(|p| p.agrees)
    {
        // English says the whole of it, `54-year-old`: what a repair quotes stays as it was.
        let old = text.get(first.span.end..).unwrap_or_default();
        let length = ["s-old", "s old", "-old", " old"].iter().find(|o| old.starts_with(**o));
        let span = first.span.start..first.span.end + length.map_or(0, |o| o.len());
        let seen =
            format!("{} where the patient's age is {}", &text[span.clone()], patient.age.measure());
        return Some(Finding::at(span, seen));
    }
    let contrary = people.iter().filter(|p| p.agrees && !p.other).find_map(|p| {
        let found = patient.contradicts(p.called?)?;
        Some(of_sex(p.span.clone(), found))
    });
    if contrary.is_some() || OTHERS.as_ref()?.is_match(text) {
        return contrary;
    }
    if let Some(hit) = PATIENT.as_ref()?.captures(text) {
        let word = hit.name("a").or_else(|| hit.name("b")).or_else(|| hit.name("c"))?;
        let said = called(&word.as_str().to_lowercase())?;
        if let Some(found) = patient.contradicts(said) {
            return Some(of_sex(word.range(), found));
        }
    }
    // Of a transgender or intersex patient, organs say nothing.
    let same = matches!(
        (patient.sex, patient.gender),
        (Sex::Male, Gender::Man) | (Sex::Female, Gender::Woman)
    );
    let hit = ORGANS.as_ref()?.captures(text).filter(|_| same)?;
    let (organ, sex) = match (hit.name("f"), hit.name("m")) {
        (Some(organ), _) => (organ, Sex::Female),
        (_, Some(organ)) => (organ, Sex::Male),
        _ => return None,
    };
    (sex != patient.sex).then(|| of_sex(organ.range(), (sex, patient.sex)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_detail_names_both() {
        let seen = |text| find(&example(text)).pop().unwrap().detail;
        assert_eq!(
            seen("A 54-year-old woman coughs."),
            "54-year-old where the patient's age is 45 years"
        );
        assert_eq!(seen("A 45-year-old male patient coughs."), "male where the patient is female");
    }

    #[test]
    fn the_gender_is_what_a_patient_is_called_by() {
        let age = AgeYears { years: 30, months: None };
        let is_wrong = |sex, gender: &str, text: &str| {
            let gender = Gender::of(Some(gender), sex);
            other_patient(text, PatientFacts { age, sex, gender }).is_some()
        };
        let man =
            "A 30-year-old transgender man has cramps; his uterus is enlarged and he is afraid.";
        assert!(!is_wrong(Sex::Female, "transgender man", man));
        assert!(!is_wrong(Sex::Female, "transgender man", "A 30-year-old man, recorded female."));
        assert!(!is_wrong(Sex::Female, "transgender man", "A 30-year-old female patient."));
        assert!(is_wrong(Sex::Female, "transgender man", "A 30-year-old woman coughs."));
        assert!(!is_wrong(Sex::Male, "transgender woman", "This woman says she coughs."));
        assert!(is_wrong(Sex::Male, "transgender woman", "This man says he coughs."));
        for text in ["A 30-year-old man coughs.", "This woman coughs.", "They cough."] {
            assert!(!is_wrong(Sex::Female, "non-binary person", text), "{text}");
            assert!(!is_wrong(Sex::Male, "two-spirit person", text), "{text}");
        }
        assert!(is_wrong(Sex::Male, "man", "The patient has pain over her uterus."));
        assert!(is_wrong(Sex::Male, "man", "A 45-year-old woman coughs."));
        assert!(!is_wrong(
            Sex::Male,
            "man",
            "The patient's mother says she has pain in her uterus."
        ));
        assert!(!is_wrong(
            Sex::Male,
            "man",
            "He came with his mother. She is 52 and her womb was removed."
        ));
    }
}
