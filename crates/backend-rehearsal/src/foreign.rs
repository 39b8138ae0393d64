//! The health worker's messages in other languages than English.
//!
//! Names of topics, conditions and places are in a request in English only, so that these messages are about what their
//! grammar has, and answers to questions state what is a number or a name of a medicine.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use clinstruct_draw::Draw;
use clinstruct_schema::{Constraint, Language, Register};
use serde::Deserialize;

use crate::assistant::words;
use crate::grammar::{Grammar, Template, capital, grammar};
use crate::read::{ParsedRequest, known, value, without_patient};
use crate::worker::Written;

type Facts = [(String, String)];

/// The health worker's side of a language.
#[derive(Debug, Deserialize)]
pub(crate) struct Worker {
    ages: Ages,
    vitals: BTreeMap<String, String>,
    words: Words,
    #[serde(flatten)]
    groups: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

/// An age inside a sentence; `{n}` is its number.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ages {
    years: String,
    months: String,
    month: String,
    newborn: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    /// Decimal mark.
    decimal: String,
    facts: Vec<Kind>,
}

/// Stems of questions about a kind of fact.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    kind: String,
    keys: Vec<String>,
}

const FILES: [(Language, &str); 7] = [
    (Language::German, include_str!("../grammar/worker/de.toml")),
    (Language::French, include_str!("../grammar/worker/fr.toml")),
    (Language::Italian, include_str!("../grammar/worker/it.toml")),
    (Language::Portuguese, include_str!("../grammar/worker/pt.toml")),
    (Language::Hindi, include_str!("../grammar/worker/hi.toml")),
    (Language::Spanish, include_str!("../grammar/worker/es.toml")),
    (Language::Thai, include_str!("../grammar/worker/th.toml")),
];

static WORKERS: LazyLock<Vec<(Language, Worker)>> = LazyLock::new(|| {
    let read =
        |(language, text): &(Language, &str)| Some((*language, crate::embedded::read(text).ok()?));
    FILES.iter().filter_map(read).collect()
});

/// The health worker's side of a language; `None` for English, and for a language without one.
fn worker(language: Language) -> Option<&'static Worker> {
    WORKERS.iter().find(|(l, _)| *l == language).map(|(_, worker)| worker)
}

/// The language in which a line of a request wants its message: `German, as health workers in Austria write it`.
pub(crate) fn wanted(facts: &Facts) -> Option<Language> {
    let line = value(facts, "language")?;
    // Names only: `it` is the code of one.
    let named = |word: &str| Language::ALL.into_iter().find(|language| language.name() == word);
    let found = line.split(|c: char| !c.is_alphabetic()).find_map(named)?;
    (found != Language::English && worker(found).is_some()).then_some(found)
}

/// Age and sex of a patient, as the lists of persons go by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Who {
    /// Part of the names of lists: `adult`, `child`, `infant`, `month`, `newborn`.
    age: &'static str,
    number: u32,
    sex: &'static str,
}

impl Who {
    fn of(patient: &Facts) -> Self {
        let age = value(patient, "age").unwrap_or("40 years");
        let number = age.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0);
        let months = age.contains("month");
        let age = match number {
            0 => "newborn",
            1 if months => "month",
            _ if months => "infant",
            1..13 => "child",
            _ => "adult",
        };
        let sex = match (value(patient, "gender"), value(patient, "sex")) {
            // `woman` contains `man`.
            (Some(gender), _) if gender.contains("woman") || gender.contains("girl") => "female",
            (Some(gender), _) if gender.contains("man") || gender.contains("boy") => "male",
            (None, Some("female")) => "female",
            (None, Some("male")) => "male",
            _ => "other",
        };
        Self { age, number, sex }
    }

    /// The age as a fact: number and unit.
    fn fact(self) -> (String, &'static str) {
        let unit = if matches!(self.age, "infant" | "month") { "mo" } else { "a" };
        (self.number.to_string(), unit)
    }
}

/// Writes the messages of one language.
struct Pen<'d> {
    worker: &'static Worker,
    grammar: &'static Grammar,
    sex: &'static str,
    draw: &'d mut Draw,
}

impl<'d> Pen<'d> {
    fn new(language: Language, sex: &'static str, draw: &'d mut Draw) -> Option<Self> {
        Some(Self { worker: worker(language)?, grammar: grammar(language)?, sex, draw })
    }

    /// An entry of a list or of its companion for the patient's sex.
    fn pick(&mut self, group: &str, name: &str) -> Option<&'static str> {
        let lists = self.worker.groups.get(group)?;
        let own = lists.get(&format!("{name}_{}", self.sex));
        let all: Vec<&'static String> = lists.get(name).into_iter().chain(own).flatten().collect();
        self.draw.pick(&all).map(|text| text.as_str())
    }

    /// A sentence of a list; `fill` knows slots that the grammar lacks.
    fn write(
        &mut self,
        group: &str,
        name: &str,
        mut fill: impl FnMut(&mut Self, &str) -> Option<String>,
    ) -> String {
        let Some(text) = self.pick(group, name) else { return String::new() };
        let mut out = String::with_capacity(text.len() + 48);
        let template = Template::parse(text);
        let mut slots = Vec::new();
        for slot in template.slots() {
            let filled = fill(self, slot);
            slots.push(filled.unwrap_or_else(|| match slot {
                "concern" | "complaint" | "duration" => {
                    self.pick("lists", slot).unwrap_or_default().to_owned()
                }
                list => self.grammar.item(list, self.draw),
            }));
        }
        let mut slots = slots.into_iter();
        out.push_str(&template.raw(|_| slots.next().unwrap_or_default()));
        capital(out)
    }

    fn plain(&mut self, group: &str, name: &str) -> String {
        self.write(group, name, |_, _| None)
    }

    fn person(&mut self, who: Who) -> String {
        let name = format!("{}_{}", who.age, who.sex);
        let lists = self.worker.groups.get("person");
        let list = lists.and_then(|lists| lists.get(&name)).map_or(&[][..], Vec::as_slice);
        let text = self.draw.pick(list).map_or("", String::as_str);
        text.replace("{age}", &self.age(who)).replace("{n}", &who.number.to_string())
    }

    fn age(&self, who: Who) -> String {
        let ages = &self.worker.ages;
        let text = match who.age {
            "newborn" => &ages.newborn,
            "month" => &ages.month,
            "infant" => &ages.months,
            _ => &ages.years,
        };
        text.replace("{n}", &who.number.to_string())
    }

    /// A number with the language's decimal mark.
    fn decimal(&self, number: &str) -> String {
        number.replace('.', &self.worker.words.decimal)
    }
}

/// Words that a request wants of a message: `15 to 35 words`.
fn wanted_words(patient: &Facts) -> Option<(usize, usize)> {
    patient.iter().find_map(|(_, value)| {
        let (before, after) = value.split_once(" to ")?;
        let from = before.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
        let digits = after.find(|c: char| !c.is_ascii_digit())?;
        let to = after.get(..digits)?.parse().ok()?;
        after.get(digits..)?.starts_with(" words").then_some((from, to))
    })
}

/// Words below which a message of one sentence gets another.
const FEWEST: usize = 14;

/// Probability that a first message states vital signs.
const MEASURED: f64 = 0.4;

/// Writes a first message.
pub(crate) fn prompt(
    language: Language,
    parsed: &ParsedRequest,
    patient: &Facts,
    draw: &mut Draw,
) -> Written {
    let who = Who::of(patient);
    let Some(mut pen) = Pen::new(language, who.sex, draw) else { return Written::default() };
    let mut facts = Vec::new();
    let general = without_patient(patient);
    let open = if general {
        pen.plain("question", "open")
    } else {
        let (number, unit) = who.fact();
        facts.push(("age", number, unit));
        facts.extend(value(patient, "sex").map(|sex| ("sex", sex.to_owned(), "1")));
        pen.write("case", "open", |pen, slot| match slot {
            "person" => Some(pen.person(who)),
            "complaint" => {
                let complaint = pen.pick("lists", "complaint").unwrap_or_default().to_owned();
                facts.push(("complaint", complaint.clone(), "1"));
                Some(complaint)
            }
            _ => None,
        })
    };
    let mut sentences = vec![open];
    let weeks = value(patient, "pregnant").and_then(|p| p.split_whitespace().next());
    if let Some(weeks) = weeks.filter(|_| !general) {
        facts.push(("pregnancy_weeks", weeks.to_owned(), "wk"));
        sentences.push(pen.write("case", "pregnant", |_, _| Some(weeks.to_owned())));
    }
    if !general && pen.draw.chance(MEASURED) {
        let (rate, temperature) = measured(who, pen.draw);
        sentences.push(pen.write("case", "measured", |pen, slot| match slot {
            "heart_rate" => Some(rate.to_string()),
            "temperature" => Some(pen.decimal(&temperature)),
            _ => None,
        }));
        facts.push(("heart_rate", rate.to_string(), "/min"));
        facts.push(("temperature", temperature, "Cel"));
    }
    let task = parsed.fact("task").map(|task| task.to_lowercase().replace(' ', "-"));
    let asked = match task.filter(|_| !general && pen.draw.chance(0.7)) {
        Some(task) => pen.plain("ask", &task),
        None if general => pen.plain("question", "ask"),
        None => String::new(),
    };
    let ask = if asked.is_empty() { pen.plain("ask", "general") } else { asked };
    let more = if general { "question" } else { "case" };
    let (least, most) = wanted_words(patient).unwrap_or((0, usize::MAX));
    let fewest = pen.draw.below(2);
    let count = |all: &[String]| all.iter().map(|s| words(s, language)).sum::<usize>();
    let asking = words(&ask, language);
    for tried in 0..12 {
        let so_far = count(&sentences) + asking;
        if so_far >= least && tried >= fewest || so_far * 10 >= most.saturating_mul(9) {
            break;
        }
        let sentence = pen.plain(more, "more");
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    let at = if pen.draw.chance(0.25) { 0 } else { sentences.len() };
    sentences.insert(at, ask);
    Written { text: joined(&sentences), facts }
}

fn joined(sentences: &[String]) -> String {
    let said: Vec<&str> =
        sentences.iter().map(String::as_str).filter(|sentence| !sentence.is_empty()).collect();
    said.join(" ")
}

/// Heart rate and temperature at presentation, by age.
fn measured(who: Who, draw: &mut Draw) -> (u32, String) {
    let (from, to) = match (who.age, who.number) {
        ("newborn" | "month" | "infant", _) => (110, 150),
        (_, 0..=5) => (95, 130),
        (_, 6..=12) => (75, 110),
        _ => (62, 104),
    };
    let temperature = f64::from(draw.between(364, 384)) / 10.0;
    (draw.between(from, to), format!("{temperature:.1}"))
}

/// The vital signs of a case in the words of a language: `heart rate 88 a minute; temperature 37.2 °C`.
fn vitals(pen: &Pen<'_>, known: &str) -> Vec<String> {
    let mut all = Vec::new();
    for entry in known.split("; ") {
        let start = entry.find(|c: char| c.is_ascii_digit());
        let Some((label, rest)) = start.and_then(|at| entry.split_at_checked(at)) else { continue };
        let number: String =
            rest.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | '/')).collect();
        let name = match label.trim() {
            "oxygen saturation" => "saturation".to_owned(),
            label => label.replace(' ', "_"),
        };
        if let Some(text) = pen.worker.vitals.get(&name) {
            all.push(text.replace("{n}", &pen.decimal(&number)));
        }
    }
    all
}

/// Names and doses of medicines, without how often they are taken: `metformin 500 mg twice daily; ..`.
fn medicines(known: &str) -> Vec<String> {
    let short = |entry: &str| {
        let mut words: Vec<&str> = Vec::new();
        for word in entry.split_whitespace() {
            let is_dose = words.last().is_some_and(|w| w.starts_with(|c: char| c.is_ascii_digit()));
            words.push(word);
            if is_dose {
                break;
            }
        }
        words.join(" ")
    };
    known.split("; ").map(short).collect()
}

/// Answers a question from the facts, in at most `most` words.
fn reply(
    pen: &mut Pen<'_>,
    language: Language,
    patient: &Facts,
    question: &str,
    most: usize,
) -> String {
    let lower = question.to_lowercase();
    let kinds = &pen.worker.words.facts;
    let asked = kinds.iter().find(|kind| kind.keys.iter().any(|key| lower.contains(key.as_str())));
    let entries = match asked.map(|kind| kind.kind.as_str()) {
        Some("vitals") => known(patient, "vital signs").map(|said| vitals(pen, said)),
        Some("medicines") => known(patient, "medicines").map(medicines),
        Some("age") => value(patient, "age").map(|_| vec![pen.age(Who::of(patient))]),
        _ => None,
    };
    let entries = entries.unwrap_or_default();
    let (Some(kind), false) = (asked, entries.is_empty()) else {
        return pen.plain("reply", "unknown");
    };
    let Some(text) = pen.pick("reply", &kind.kind) else { return String::new() };
    let template = Template::parse(text);
    let told = |n: usize| template.fill(|_| entries[..n].join(", "));
    let fitting = (1..=entries.len()).rev().map(told);
    let mut fitting = fitting.filter(|text| words(text, language) <= most);
    fitting.next().unwrap_or_else(|| told(1))
}

/// Writes the health worker's message after an answer.
pub(crate) fn follow_up(
    language: Language,
    parsed: &ParsedRequest,
    (last, earlier): (&str, &str),
    draw: &mut Draw,
) -> String {
    let planned = parsed.planned.as_deref();
    let patient = parsed.patients.first().map_or(&[][..], Vec::as_slice);
    let Some(mut pen) = Pen::new(language, Who::of(patient).sex, draw) else {
        return String::new();
    };
    let (mut exact, mut most, mut least) = (None, usize::MAX, 0);
    for constraint in &parsed.constraints {
        match constraint {
            Constraint::ExactSentences { n } => exact = Some(*n as usize),
            Constraint::MaxWords { n } => most = *n as usize,
            Constraint::MinWords { n } => least = *n as usize,
            _ => {}
        }
    }
    let question =
        last.rsplit_once('?').map(|(q, _)| q.rsplit(['.', '!', '।']).next().unwrap_or(q));
    let mut said: Vec<String> = Vec::new();
    let mut new = |pen: &mut Pen<'_>, name: &str| {
        let fresh = |text: &String| !earlier.contains(text.as_str()) && !said.contains(text);
        let text = (0..24).map(|_| pen.plain("followup", name)).find(fresh).unwrap_or_default();
        said.push(text.clone());
        text
    };
    let first = match (question, planned) {
        (Some(question), _) => {
            let mut said = || reply(&mut pen, language, patient, question, most);
            let first = said();
            // Asked for the same once more, nobody says it in the same words.
            if earlier.contains(&first) {
                let again = (0..8).map(|_| said()).find(|text| !earlier.contains(text.as_str()));
                again.unwrap_or(first)
            } else {
                first
            }
        }
        (None, Some(planned)) => new(&mut pen, planned),
        (None, None) => String::new(),
    };
    let register = match parsed.register {
        Some(Register::Popular) if pen.draw.chance(0.6) => "popular",
        Some(Register::Scientific) if pen.draw.chance(0.6) => "scientific",
        _ => "next",
    };
    let mut sentences = vec![if first.is_empty() { new(&mut pen, register) } else { first }];
    let count = |all: &[String]| all.iter().map(|s| words(s, language)).sum::<usize>();
    let due = |all: &[String]| match exact {
        Some(n) => all.len() < n,
        None => count(all) < least,
    };
    for _ in 0..16 {
        if !due(&sentences) {
            break;
        }
        let more = new(&mut pen, "next");
        if !more.is_empty() {
            sentences.push(more);
        }
    }
    // One short sentence alone would soon be said in another conversation, too.
    if exact.is_none() && count(&sentences) < FEWEST {
        // Thai sets no mark between the two, so that both would be one question.
        let more = match (language, question) {
            (Language::Thai, None) => String::new(),
            (Language::Thai, Some(_)) => pen.plain("reply", "unknown"),
            _ => new(&mut pen, "next"),
        };
        if !sentences.contains(&more) {
            sentences.push(more);
            if count(&sentences) > most {
                sentences.pop();
            }
        }
    }
    // An answer to a question is kept; a remark can be shortened.
    for _ in 0..8 {
        if exact.is_some() || question.is_some() || count(&sentences) <= most {
            break;
        }
        sentences = vec![new(&mut pen, "short")];
    }
    joined(&sentences)
}

#[cfg(test)]
mod tests;
