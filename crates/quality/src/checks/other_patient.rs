//! Age, sex or gender that is not the patient's.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use clinstruct_schema::{AgeYears, Sex};

use crate::Turn;
use crate::card::{Gender, PatientFacts};
use crate::case::{Reader, is_of_patient};
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::pattern::Pattern;
use crate::people::{Called, Person, Unit, called, is_of_event, names_others};

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
    run: Run::Facts { find, example },
    good: &[
        "A 45-year-old woman coughs.",
        "A 44-year-old coughs.",
        "She is 45 and her son 3.",
        "A 45 year old tired lady.",
        "His 70-year-old mother and a 45-year-old woman with a cough.",
        "My 27-year-old colleague saw a woman of 45.",
        "Her hernia was repaired at 11 months of age.",
        "They cough, and their son says he is worried.",
        "A 12-year-old boy, her son, brought the 45-year-old woman.",
        "Eine 45-jährige Frau hustet.",
        "Una mujer de 45 años tose desde hace 3 años.",
        "45 वर्षीय महिला को खाँसी है।",
        "หญิงอายุ 45 ปี ไอ",
        "My patient, a woman of 45, weighs as much as a man of 80 kg.",
        "La paciente tiene 45 años y asma desde hace 10 años.",
        "La patiente a 45 ans ; son mari, 50 ans, l'accompagne.",
        "Estimado señor doctor, la paciente tiene 45 años.",
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
        "A woman, aged 54, coughs.",
        "45 M, coughs.",
        "A 54 y/o woman coughs.",
        "Meine Patientin ist 54 Jahre alt.",
        "Mein Patient ist 45 Jahre alt.",
        "Der 45-jährige Patient hustet.",
        "Eine Dame, 54 Jahre, hustet.",
        "Mon patient a 45 ans et tousse.",
        "La patiente, 54 ans, tousse.",
        "Mi paciente, un hombre, tiene 45 años.",
        "La mia paziente ha 54 anni.",
        "O paciente, 45 anos, tosse.",
        "एक महिला, उम्र 54 साल, खाँसती है।",
        "ผู้หญิงวัย 54 ปี ไอ",
        "ดูแลผู้ป่วยชาย 45 ปี",
    ],
};

fn example(text: &'static str) -> Turn<'static> {
    let age = AgeYears { years: 45, months: None };
    let patient = PatientFacts { age, sex: Sex::Female, gender: Gender::Woman };
    Turn { patient: Some(patient), ..Turn::prompt(text) }
}

fn find(turn: &Turn<'_>, reader: &Reader<'_>) -> Vec<Finding> {
    let found = turn.patient.and_then(|patient| other_patient(reader, patient));
    let of_patient =
        |f: &Finding| f.span.as_ref().is_none_or(|at| is_of_patient(reader, turn.frame, at));
    found.filter(of_patient).into_iter().collect()
}

/// The patient without an age: who "my patient" and "this man" are.
static PATIENT: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"(?i)\b(?:(?:my|our|the|this) patient is an? (?:[a-z-]+ ){0,2}?(?P<a>man|woman|boy|girl|lady|gentleman|male|female)|this (?:[a-z-]+ )?(?P<b>man|woman|boy|girl|lady|gentleman)|(?:my|our|the|this) (?:[a-z-]+ )?(?P<c>male|female) patient)\b",
    )
});

/// What only one sex has.
static ORGANS: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"(?i)\b(?:his|her|their|the patient's) (?:[a-z]+ )?(?:(?P<f>uterus|womb|ovary|ovaries|vagina|cervix|pregnancy)|(?P<m>prostate|testicles?|testes|testis|penis|scrotum))\b",
    )
});

/// Parts of the words of [`PATIENT`] and [`ORGANS`], by which a text without any of them is told fast.
static NAMED: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let parts = [
        "man",
        "boy",
        "girl",
        "lady",
        "male",
        "uterus",
        "womb",
        "ovar",
        "vagina",
        "cervix",
        "pregnancy",
        "prostate",
        "test",
        "penis",
        "scrotum",
    ];
    AhoCorasick::builder().ascii_case_insensitive(true).build(parts).ok()
});

/// Whether a text may name a person by the sex, or an organ.
fn may_name(text: &str) -> bool {
    // The patterns take the long s for an s.
    text.contains('ſ') || NAMED.as_ref().is_none_or(|named| named.is_match(text))
}

impl PatientFacts {
    /// How a word contradicts the patient, if it does.
    ///
    /// `male` and `female` may mean the recorded sex or the gender: a transgender man may be called either.
    pub(crate) fn contradicts(&self, word: Called) -> Option<(Sex, Sex)> {
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
    fn is_aged(&self, person: &Person) -> bool {
        let (number, known) = (person.age, self.age);
        match person.unit {
            Unit::Years => match known.months.filter(|_| known.years == 0) {
                None => number.abs_diff(known.years) <= 1,
                Some(_) => number <= 1,
            },
            Unit::Months => match known.total_months() {
                Some(months) => number.abs_diff(months) <= 1,
                None => number / 12 == known.years || number <= 24 && known.years <= 2,
            },
            Unit::Shorter => true,
        }
    }

    /// The other sex or gender of a child whom a parent brings: the son or daughter of the patient's age is the
    /// patient, who is too young to have one.
    fn brought(&self, people: &[&Person]) -> Option<Finding> {
        if self.age.years >= PARENT {
            return None;
        }
        let ours = || people.iter().filter(|p| p.is_child && self.is_aged(p));
        let other = |p: &Person| self.contradicts(p.called?);
        ours().all(|p| other(p).is_some()).then_some(())?;
        ours().find_map(|p| Some(of_sex(p.span.clone(), other(p)?)))
    }
}

/// Age from which a patient may have children.
const PARENT: u32 = 12;

fn of_sex(span: Range<usize>, (said, known): (Sex, Sex)) -> Finding {
    let seen = format!("{} where the patient is {}", said.as_str(), known.as_str());
    Finding::at(span, seen)
}

/// An age that differs from the patient's by more than a year, or the other sex or gender.
///
/// Others have their own: relatives, colleagues, a cohort. So an age is wrong only where no age of the text
/// is the patient's, pronouns are never held against it, and in a text that names somebody else only a noun
/// beside the patient's age counts.
pub(crate) fn other_patient(reader: &Reader<'_>, patient: PatientFacts) -> Option<Finding> {
    let text = reader.text();
    let people: Vec<&Person> =
        reader.people().iter().filter(|person| !is_of_event(text, &person.span)).collect();
    if let Some(first) = people.iter().find(|p| !p.other)
        && !people.iter().any(|p| patient.is_aged(p))
    {
        // English says the whole of it, `54-year-old`: what a repair quotes stays as it was.
        let old = text.get(first.span.end..).unwrap_or_default();
        let length = ["s-old", "s old", "-old", " old"].iter().find(|o| old.starts_with(**o));
        let span = first.span.start..first.span.end + length.map_or(0, |o| o.len());
        let seen =
            format!("{} where the patient's age is {}", &text[span.clone()], patient.age.measure());
        return Some(Finding::at(span, seen));
    }
    let contrary = people.iter().filter(|p| patient.is_aged(p) && !p.other).find_map(|p| {
        let found = patient.contradicts(p.called?)?;
        Some(of_sex(p.span.clone(), found))
    });
    let contrary = contrary.or_else(|| patient.brought(&people));
    if contrary.is_some() || !may_name(text) || names_others(text) {
        return contrary;
    }
    if let Some(hit) = PATIENT.of(text)?.captures(text) {
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
    let hit = ORGANS.of(text)?.captures(text).filter(|_| same)?;
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
        let seen = |text| find(&example(text), &Reader::new(text)).pop().unwrap().detail;
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
            other_patient(&Reader::new(text), PatientFacts { age, sex, gender }).is_some()
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
