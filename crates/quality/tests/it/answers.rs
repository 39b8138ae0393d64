//! The checks against whole answers with known labels: `corpus/answers/`.
//!
//! A check that falls short of the aim has its present share in [`BELOW`], so that it cannot become worse; the
//! row goes when the aim is met.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use clinstruct_quality::card::Gender;
use clinstruct_quality::{PatientFacts, Turn, Violation, checks, verify};
use clinstruct_schema::{AgeYears, Constraint, Language, Sex, Speaker};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The aim: the least share of the faults of each kind that is found.
pub(crate) const RECALL: f64 = 0.99;
/// What is found of the kinds that fall short of it.
const BELOW: &[(&str, f64)] = &[];
/// Largest share of texts with a false alarm: the aim.
const FALSE_ALARMS: f64 = 0.005;
/// Least share of texts whose questions are counted right.
const COUNTED_QUESTIONS: f64 = 0.99;

/// What a text can be labelled with, in the order of the table.
pub(crate) const FAULTS: [&str; 11] = [
    "dose_without_warning",
    "warning_without_dose",
    "opener",
    "closing",
    "question",
    "missing_question",
    "meta",
    "token",
    "truncated",
    "language",
    "contradiction",
];

#[derive(Deserialize)]
struct Corpus {
    example: Vec<Example>,
}

/// A text with its labels; `corpus/answers/README.md` says what they mean.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Example {
    source: Source,
    pub(crate) text: String,
    #[serde(default = "assistant")]
    speaker: Speaker,
    style: Option<Style>,
    #[serde(default)]
    pub(crate) doses: u32,
    #[serde(default)]
    dose_without_warning: bool,
    #[serde(default)]
    warning_without_dose: bool,
    #[serde(default)]
    opener: bool,
    #[serde(default)]
    closing: bool,
    #[serde(default)]
    questions: u32,
    #[serde(default)]
    missing_question: bool,
    #[serde(default)]
    meta: bool,
    #[serde(default)]
    token: bool,
    #[serde(default)]
    truncated: bool,
    language: Option<String>,
    patient: Option<Patient>,
    #[serde(default)]
    contradiction: bool,
}

fn assistant() -> Speaker {
    Speaker::Assistant
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Source {
    Answer,
    Public,
}

/// A style in which the answer was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Style {
    Warm,
    Stepwise,
    Letter,
}

impl Style {
    fn constraint(self) -> Constraint {
        match self {
            Self::Warm => Constraint::Judged { aspect: "friendly".to_owned() },
            Self::Stepwise => Constraint::OneStep,
            Self::Letter => Constraint::Formal,
        }
    }
}

#[derive(Debug, Deserialize)]
struct Patient {
    age: u32,
    sex: Sex,
    /// As in `resources/sexes.toml`.
    #[serde(default)]
    gender: Option<String>,
}

impl Patient {
    fn facts(&self) -> PatientFacts {
        PatientFacts {
            gender: Gender::of(self.gender.as_deref(), self.sex),
            ..facts(self.age, self.sex)
        }
    }
}

/// What the checks are told about a patient.
pub(crate) fn facts(years: u32, sex: Sex) -> PatientFacts {
    PatientFacts { age: AgeYears { years, months: None }, sex, gender: Gender::of(None, sex) }
}

impl Example {
    /// The faults that it is labelled with.
    fn faults(&self) -> BTreeSet<&'static str> {
        let question = self.questions > 0
            && self.style != Some(Style::Stepwise)
            && self.speaker == Speaker::Assistant;
        let labels = [
            self.dose_without_warning,
            self.warning_without_dose,
            self.opener,
            self.closing,
            question,
            self.missing_question,
            self.meta,
            self.token,
            self.truncated,
            self.language.is_some(),
            self.contradiction,
        ];
        FAULTS.into_iter().zip(labels).filter_map(|(fault, is)| is.then_some(fault)).collect()
    }

    /// Whether the labels decide this fault.
    fn decides(&self, fault: &str) -> bool {
        match fault {
            // Of a text in another language nothing else can be told.
            _ if self.language.is_some() => fault == "language",
            // An offer can be worded as a question, and a leaked turn of the user can be one.
            "question" => !self.closing && !self.token,
            "missing_question" => self.style == Some(Style::Stepwise),
            "contradiction" => self.patient.is_some(),
            _ => true,
        }
    }

    /// Whether it is an answer without style and fault, into which a fault can be planted.
    pub(crate) fn is_clean_answer(&self) -> bool {
        self.speaker == Speaker::Assistant && self.style.is_none() && self.faults().is_empty()
    }
}

/// Reads the file of a language.
pub(crate) fn read<T: DeserializeOwned>(folder: &str, language: Language) -> T {
    let root = env!("CARGO_MANIFEST_DIR");
    let path = format!("{root}/corpus/{folder}/{}.toml", language.code());
    let text = std::fs::read_to_string(&path).unwrap();
    toml::from_str(&text).map_err(|e| format!("{path}: {e}")).unwrap()
}

/// The labelled texts of a language.
pub(crate) fn examples(language: Language) -> Vec<Example> {
    read::<Corpus>("answers", language).example
}

/// The label that an alarm stands for: the check's id where it stands for none.
fn fault(violation: &Violation) -> &'static str {
    match violation.check {
        "one_step" | "asks_first" => "missing_question",
        "dose_warning" => "dose_without_warning",
        "filler_opener" => "opener",
        "offer_at_the_end" => "closing",
        "unsolicited_question" => "question",
        "meta_commentary" => "meta",
        "control_token" | "role_tag" => "token",
        "truncated_answer" => "truncated",
        "other_patient" => "contradiction",
        other => other,
    }
}

/// All alarms on a turn, those that are only measured included, each with its detail.
pub(crate) fn alarms(turn: &Turn<'_>) -> BTreeMap<&'static str, String> {
    let run = checks::ALL.iter().filter(|check| {
        // The cleanup of responses rewrites headings before a check sees them.
        check.id != "hash_heading" && check.strictness.of(turn.speaker).is_some()
    });
    run.flat_map(|check| check.find(turn)).map(|v| (fault(&v), v.detail)).collect()
}

#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Count {
    pub(crate) found: usize,
    pub(crate) missed: usize,
    pub(crate) false_alarms: usize,
    pub(crate) passed: usize,
}

impl Count {
    pub(crate) fn add(&mut self, is_there: bool, is_reported: bool) {
        let slot = match (is_there, is_reported) {
            (true, true) => &mut self.found,
            (true, false) => &mut self.missed,
            (false, true) => &mut self.false_alarms,
            (false, false) => &mut self.passed,
        };
        *slot += 1;
    }

    pub(crate) fn recall(self) -> f64 {
        share(self.found, self.found + self.missed)
    }
}

/// The share of a kind that has to be found.
pub(crate) fn least(below: &[(&str, f64)], kind: &str) -> f64 {
    below.iter().find(|(name, _)| *name == kind).map_or(RECALL, |(_, share)| *share)
}

/// 1 where there is nothing to count.
pub(crate) fn share(part: usize, all: usize) -> f64 {
    if all == 0 { 1.0 } else { part as f64 / all as f64 }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { found, missed, false_alarms, passed } = *self;
        let (faults, others) = (found + missed, false_alarms + passed);
        write!(f, "found {found:>3} of {faults:>3}, false {false_alarms:>2} of {others:>3}")?;
        // A share of nothing says nothing.
        if found + false_alarms > 0 {
            write!(f, ", precision {:.3}", share(found, found + false_alarms))?;
        }
        if faults > 0 {
            write!(f, ", recall {:.3}", self.recall())?;
        }
        Ok(())
    }
}

/// The first words of a text.
pub(crate) fn head(text: &str) -> String {
    let line: String = text.chars().take(70).collect();
    line.replace('\n', " / ")
}

/// Precision and recall of each check, by language and source.
#[test]
fn checks_agree_with_the_labels_of_answers() {
    let mut counts: BTreeMap<(String, &str), Count> = BTreeMap::new();
    let mut wrong = String::new();
    let (mut texts, mut texts_with_false_alarm) = (0, 0);
    let (mut counted, mut counted_right) = (0, 0);
    for language in Language::ALL {
        let code = language.code();
        let all = examples(language);
        let least = if language == Language::English { 60 } else { 40 };
        assert!(all.len() >= least, "{code} has {}", all.len());
        for example in &all {
            let style = example.style.map(Style::constraint);
            let turn = Turn {
                language,
                instructions: style.iter().chain([&Constraint::DoseWarning]).collect(),
                patient: example.patient.as_ref().map(Patient::facts),
                ..Turn::new(example.speaker, &example.text)
            };
            let labelled = example.faults();
            let alarms = alarms(&turn);
            let kinds: BTreeSet<&str> = FAULTS.into_iter().chain(alarms.keys().copied()).collect();
            let mut false_alarm = false;
            for kind in kinds.into_iter().filter(|kind| example.decides(kind)) {
                let (is_there, reported) = (labelled.contains(kind), alarms.get(kind));
                let source = format!("{:?}", example.source).to_lowercase();
                for group in ["all".to_owned(), code.to_owned(), source] {
                    counts.entry((group, kind)).or_default().add(is_there, reported.is_some());
                }
                false_alarm |= !is_there && reported.is_some();
                if is_there != reported.is_some() {
                    let what = reported.map_or("missed".to_owned(), |d| format!("false ({d})"));
                    writeln!(wrong, "  {code} {kind} {what}: {}", head(&example.text)).unwrap();
                }
            }
            texts += 1;
            texts_with_false_alarm += usize::from(false_alarm);

            if example.speaker == Speaker::Assistant && example.questions > 0 && !example.closing {
                counted += 1;
                let wanted = Constraint::ClarifyingQuestions { n: example.questions };
                let verdict = verify(&wanted, &example.text, language).unwrap();
                counted_right += usize::from(verdict.strict);
                if !verdict.strict {
                    let head = head(&example.text);
                    writeln!(wrong, "  {code} questions, {}: {head}", example.questions).unwrap();
                }
            }
        }
    }

    let mut table = String::new();
    for ((group, kind), count) in &counts {
        // A group without faults of a kind says nothing about its recall.
        if group == "all" || count.found + count.missed + count.false_alarms > 0 {
            writeln!(table, "{group:<8} {kind:<21} {count}").unwrap();
        }
    }
    writeln!(table, "{texts_with_false_alarm} of {texts} texts with a false alarm").unwrap();
    writeln!(table, "{counted_right} of {counted} texts with questions counted right").unwrap();
    println!("{table}{wrong}");
    for ((_, kind), count) in counts.iter().filter(|((group, _), _)| group == "all") {
        assert!(count.recall() >= least(BELOW, kind), "{kind}\n{table}{wrong}");
    }
    assert!(share(texts_with_false_alarm, texts) <= FALSE_ALARMS, "{table}{wrong}");
    assert!(share(counted_right, counted) >= COUNTED_QUESTIONS, "{table}{wrong}");
}
