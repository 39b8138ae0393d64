//! Conversations with patients and families: what somebody at home has told, and whether it was asked for.
//!
//! Simulated patients tell too much unasked (Schlager and others, "Patients With Personality",
//! <https://arxiv.org/abs/2606.17441>), which makes an assistant that asks nothing look good. [`told`] counts that.
//!
//! English only: its words are in `lexicon/lay.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use clinstruct_schema::{Case, CaseText, FactKind, FactName, Language};
use serde::Deserialize;

use crate::case::read;
use crate::segment::sentences;

/// What a fact is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactTopic {
    /// Age, pregnancy, a vital sign or another value.
    Value(FactName),
    /// A long-standing condition.
    Condition,
    /// A medicine that is taken.
    Medicine,
    /// An allergy.
    Allergy,
    /// Something in the past.
    History,
    /// An illness of a relative.
    Family,
    /// Home, work, habits.
    Social,
}

impl FactTopic {
    /// Its list in `lay.toml`.
    fn key(self) -> &'static str {
        match self {
            Self::Value(FactName::Systolic | FactName::Diastolic) => "pressure",
            Self::Value(name) => match name.kind() {
                FactKind::Patient | FactKind::Vital => name.as_str(),
                FactKind::Measurement | FactKind::Text => "measured",
            },
            Self::Condition => "condition",
            Self::Medicine => "medicine",
            Self::Allergy => "allergy",
            Self::History => "history",
            Self::Family => "family",
            Self::Social => "social",
        }
    }
}

/// A fact of the case that a message tells for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldFact {
    /// What it is about.
    pub about: FactTopic,
    /// As the case has it; a value as the message has it.
    pub fact: String,
    /// Whether the answer before the message asks for it.
    pub asked: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    over_the_counter: Vec<String>,
    forms: Vec<String>,
    points: Vec<String>,
    requests: Vec<String>,
    open: Vec<String>,
    asked: BTreeMap<String, Vec<String>>,
    called: BTreeMap<String, Vec<String>>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    crate::embedded::read(include_str!("../lexicon/lay.toml")).unwrap_or_default()
});

/// Share of the words of a statement that a message has if it tells it.
const SHARE: f64 = 0.6;
/// Characters of a word that count: `smokes` and `smoking` are one.
const STEM: usize = 5;
/// Characters of a word that says something.
const WORD: usize = 4;

/// Words in lower case with single spaces between and around them.
fn flat(text: &str) -> String {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .collect();
    format!(" {} ", words.join(" "))
}

/// Whether a flat text has a word, or words, that begin like this.
fn has(flat: &str, stem: &str) -> bool {
    flat.contains(&format!(" {stem}"))
}

/// Whether a medicine is sold without a prescription, by its name in lower case.
fn is_over_the_counter(name: &str) -> bool {
    WORDS.over_the_counter.iter().any(|known| name.starts_with(known.as_str()))
}

/// Whether the medicine of a dose is sold without a prescription: by its name, or, where it is called after its form
/// (`8 tablets of 500 mg`), by the last name before it in its paragraph.
pub(crate) fn needs_no_prescription(text: &str, name: &str, at: usize) -> bool {
    let name = name.to_lowercase();
    if is_over_the_counter(&name) {
        return true;
    }
    if !WORDS.forms.iter().any(|form| name.starts_with(form.as_str())) {
        return false;
    }
    let before = text.get(..at).unwrap_or_default();
    let paragraph = before.rfind("\n\n").and_then(|end| before.get(end..)).unwrap_or(before);
    let lower = paragraph.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 3);
    words.any(is_over_the_counter)
}

/// Whether a text sends its reader to the package or the pharmacist.
pub(crate) fn points_to_the_package(text: &str) -> bool {
    let flat = flat(text);
    WORDS.points.iter().any(|word| has(&flat, word))
}

/// The sentences of an answer that ask for something, flat.
fn questions(answer: &str) -> String {
    let mut asked = String::new();
    for sentence in sentences(answer, Language::English) {
        let Some(text) = answer.get(sentence) else { continue };
        let flat = flat(text);
        if text.contains('?') || WORDS.requests.iter().any(|request| has(&flat, request)) {
            asked.push_str(&flat);
        }
    }
    asked
}

fn is_asked(questions: &str, about: FactTopic) -> bool {
    let any = |stems: &[String]| stems.iter().any(|stem| has(questions, stem));
    any(&WORDS.open) || WORDS.asked.get(about.key()).is_some_and(|stems| any(stems))
}

/// Whether a flat text tells a statement: it has most of its words.
fn tells(flat: &str, statement: &str) -> bool {
    let statement = self::flat(statement);
    let stems: Vec<String> = statement
        .split(' ')
        .filter(|word| word.chars().count() >= WORD)
        .map(|word| word.chars().take(STEM).collect())
        .collect();
    let found = stems.iter().filter(|stem| has(flat, stem)).count();
    !stems.is_empty() && found as f64 >= SHARE * stems.len() as f64
}

fn names_condition(flat: &str, name: &str) -> bool {
    let lower = name.to_lowercase();
    let called = WORDS.called.iter().filter(|(part, _)| lower.contains(part.as_str()));
    tells(flat, name) || called.flat_map(|(_, names)| names).any(|name| has(flat, name))
}

/// The statements of the case with what they are about, and whether a flat text tells them.
fn statements<'c>(case: &'c Case) -> Vec<(FactTopic, &'c str)> {
    let conditions = case.conditions.iter().map(|c| (FactTopic::Condition, c.name.as_str()));
    let medicines = case.medicines.iter().map(|m| (FactTopic::Medicine, m.drug.as_str()));
    let mut all: Vec<(FactTopic, &'c str)> = conditions.chain(medicines).collect();
    for (about, texts) in [
        (FactTopic::Allergy, &case.allergies),
        (FactTopic::History, &case.history),
        (FactTopic::Family, &case.family),
        (FactTopic::Social, &case.social),
    ] {
        all.extend(texts.iter().map(|t: &CaseText| (about, t.text.as_str())));
    }
    all
}

/// The facts of the case that a message tells and that nobody has named before it: `earlier` is all that was said, `answer`
/// the last answer.
///
/// A value is told if the message states one of its kind, a medicine by its name, a condition by its name or an everyday one,
/// another statement by three fifths of its words. It was asked for if a question or a request in the answer has a word for its
/// kind, or asks for everything. The complaint is not counted: it is what the person writes about. Facts in words that share
/// none with the case are missed, so the count is a lower bound.
pub fn told(text: &str, case: &Case, earlier: &str, answer: &str) -> Vec<ToldFact> {
    let (said, before, questions) = (flat(text), flat(earlier), questions(answer));
    let known: Vec<FactName> = read(earlier).into_iter().map(|read| read.fact.name).collect();
    let mut all: Vec<ToldFact> = Vec::new();
    let mut add = |about: FactTopic, fact: String| {
        // A pressure is one fact.
        if !all.iter().any(|told| told.about.key() == about.key() && told.fact == fact) {
            all.push(ToldFact { about, fact, asked: is_asked(&questions, about) });
        }
    };
    for read in read(text) {
        let name = read.fact.name;
        let value =
            name.kind() != FactKind::Text && !matches!(name, FactName::Sex | FactName::Diastolic);
        if value && !known.contains(&name) {
            add(FactTopic::Value(name), read.fact.value);
        }
    }
    for (about, statement) in statements(case) {
        let is_told = |flat: &str| match about {
            FactTopic::Condition => names_condition(flat, statement),
            FactTopic::Medicine => {
                let name = self::flat(statement);
                name.split(' ').find(|word| !word.is_empty()).is_some_and(|word| has(flat, word))
            }
            _ => tells(flat, statement),
        };
        if is_told(&said) && !is_told(&before) {
            add(about, statement.to_owned());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use clinstruct_schema::{
        AgeYears, CaseCondition, CaseMedicine, FramePatient, Origin, Sex, Slug,
    };

    use super::*;

    fn case() -> Case {
        let mut case = Case::new(&FramePatient {
            age_band: Slug::new("middle-aged").unwrap(),
            age: AgeYears { years: 54, months: None },
            sex: Sex::Female,
            gender: None,
            pregnancy_weeks: None,
            condition: None,
        });
        let text = |text: &str| CaseText { text: text.to_owned(), origin: Origin::Drawn };
        let condition = |name: &str| CaseCondition {
            name: name.to_owned(),
            icd10: String::new(),
            origin: Origin::Drawn,
        };
        let medicine = |drug: &str| CaseMedicine {
            drug: drug.to_owned(),
            dose: "5 mg".to_owned(),
            frequency: "once daily".to_owned(),
            atc: String::new(),
            origin: Origin::Drawn,
        };
        case.conditions = vec![condition("hypertension"), condition("migraine with aura")];
        case.medicines = vec![medicine("amlodipine"), medicine("sumatriptan")];
        case.allergies = vec![text("hives after penicillin as a child")];
        case.history = vec![text("gallbladder removed four years ago")];
        case.family = vec![text("father died of a heart attack at 60")];
        case.social = vec![text("lives alone on the third floor without a lift")];
        case
    }

    /// The facts that a message tells: those asked for, and those not.
    fn counted(answer: &str, text: &str) -> (usize, usize) {
        let facts = told(text, &case(), "My head hurts since Monday.", answer);
        let asked = facts.iter().filter(|fact| fact.asked).count();
        (asked, facts.len() - asked)
    }

    #[test]
    fn facts_are_told_asked_or_unasked() {
        let rest = "Lie down in a dark room.";
        let medicines = "Which medicines do you take?";
        for (answer, text, due) in [
            // Nothing is told.
            (rest, "ok i will. can i still go to work?", (0, 0)),
            ("How old are you?", "do you need that", (0, 0)),
            // One fact that was asked for.
            (medicines, "just amlodipine in the morning", (1, 0)),
            ("Are you allergic to anything?", "penicillin gave me hives as a child", (1, 0)),
            ("Have you had an operation?", "they removed my gallbladder, four years ago", (1, 0)),
            ("Do you have a long-term illness?", "only the blood pressure thing", (1, 0)),
            (
                "Tell me whether anyone in the family had this.",
                "father died at 60, heart attack",
                (1, 0),
            ),
            ("Do you have a fever?", "38.4 °C on the thermometer", (1, 0)),
            (
                "Is there anything else I should know?",
                "I live alone on the third floor without a lift",
                (1, 0),
            ),
            // Facts that were not.
            (rest, "I take amlodipine, by the way", (0, 1)),
            (
                medicines,
                "amlodipine. and I'm allergic, penicillin gave me hives as a child",
                (1, 1),
            ),
            (
                "How high is the fever?",
                "38.4 °C on the thermometer. My gallbladder was removed four years ago",
                (1, 1),
            ),
            (rest, "I have migraine with aura and take amlodipine and sumatriptan", (0, 3)),
            (
                "Do you live alone?",
                "yes alone, third floor, no lift. father died of a heart attack at 60",
                (1, 1),
            ),
            // A heading is no question.
            ("Medicines. Keep a list of what you take.", "sumatriptan helps", (0, 1)),
        ] {
            assert_eq!(counted(answer, text), due, "{answer} / {text}");
        }
    }

    #[test]
    fn what_was_said_before_is_not_told_again() {
        let told = |earlier: &str| {
            told("amlodipine, as I said", &case(), earlier, "Which medicines do you take?").len()
        };
        assert_eq!(told("I take amlodipine."), 0);
        assert_eq!(told("My head hurts."), 1);
    }

    #[test]
    fn the_words_are_read() {
        assert!(!WORDS.asked.is_empty() && !WORDS.called.is_empty());
        for about in [
            FactTopic::Value(FactName::Age),
            FactTopic::Value(FactName::PregnancyWeeks),
            FactTopic::Value(FactName::Weight),
            FactTopic::Value(FactName::Height),
            FactTopic::Value(FactName::Temperature),
            FactTopic::Value(FactName::HeartRate),
            FactTopic::Value(FactName::RespiratoryRate),
            FactTopic::Value(FactName::Systolic),
            FactTopic::Value(FactName::Saturation),
            FactTopic::Value(FactName::Crp),
            FactTopic::Condition,
            FactTopic::Medicine,
            FactTopic::Allergy,
            FactTopic::History,
            FactTopic::Family,
            FactTopic::Social,
        ] {
            assert!(WORDS.asked.contains_key(about.key()), "{about:?}");
        }
    }
}
