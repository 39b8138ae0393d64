//! The messages of patients and relatives: first ones, and answers to questions.

use clinstruct_draw::Draw;
use clinstruct_schema::{Constraint, Language, PersonaTrait, VoiceTrait};

use super::first::{Written, shape};
use super::{Facts, age_text, fits, lower_start, spoken_sex};
use crate::assistant::words;
use crate::grammar::{Template, lay_grammar, worker};
use crate::read::{ParsedRequest, Persona, Voice, known, value};

/// Draws for a sentence that fits.
const TRIES: usize = 24;
/// Words of a sentence that is led in, since it would be the same in many messages.
const LONG: usize = 5;
/// Draws for a message of the wanted length.
const DRAFTS: usize = 12;
/// Probability that somebody who remembers little has forgotten what is asked for.
const FORGOTTEN: f64 = 0.6;

fn count(text: &str) -> usize {
    words(text, Language::English)
}

/// How the writer speaks of the patient.
struct Who {
    own: bool,
    name: &'static str,
}

impl Who {
    fn of(persona: &Persona, patient: &Facts) -> Self {
        let female = spoken_sex(patient) == "female";
        let of = |girl, boy| if female { girl } else { boy };
        let name = match persona.of(PersonaTrait::Relation) {
            Some("parent") => of("my daughter", "my son"),
            Some("grown-up-child") => of("my mother", "my father"),
            Some("partner") => of("my wife", "my husband"),
            _ => "I",
        };
        Self { own: name == "I", name }
    }

    fn slot(&self, slot: &str) -> &'static str {
        match (slot, self.own) {
            ("has", true) => "have",
            ("has", false) => "has",
            ("is", true) => "am",
            ("is", false) => "is",
            _ => self.name,
        }
    }
}

fn is_child(patient: &Facts) -> bool {
    let age = value(patient, "age").unwrap_or_default();
    let years = age.split_whitespace().next().and_then(|n| n.parse::<u32>().ok()).unwrap_or(0);
    age.contains("month") || age.starts_with("less") || years < 13
}

/// A sentence of a list that fits the sex, with its slots filled; blank if there is none.
fn sentence(
    (group, name): (&str, &str),
    sex: &str,
    draw: &mut Draw,
    mut fill: impl FnMut(&str, &mut Draw) -> String,
) -> String {
    let list = worker().all(group, name);
    let chosen = (0..TRIES).find_map(|_| draw.pick(list).filter(|t| fits(&t.plain(), sex)));
    chosen.map(|template| template.fill(|slot| fill(slot, draw))).unwrap_or_default()
}

/// What somebody with little of the language leaves out.
fn broken(text: &str) -> String {
    let mut text = format!(" {text}");
    for word in [" the", " a", " an", " is", " am", " does"] {
        text = text.replace(&format!("{word} "), " ");
    }
    let text = text.trim();
    crate::grammar::capital(text.to_owned())
}

/// Writes a first message.
pub(crate) fn prompt(
    patient: &Facts,
    persona: &Persona,
    voice: &Voice,
    draw: &mut Draw,
) -> Written {
    let (from, to) = voice.words.unwrap_or((20, 60));
    let (from, to) = (from as usize, to as usize);
    let mut best: Option<(Written, usize)> = None;
    for _ in 0..DRAFTS {
        let written = draft(patient, persona, voice, (from, to), draw);
        let length = count(&written.text);
        let far = from.saturating_sub(length) + length.saturating_sub(to);
        if best.as_ref().is_none_or(|(_, least)| far < *least) {
            best = Some((written, far));
        }
        if far == 0 {
            break;
        }
    }
    best.map(|(written, _)| written).unwrap_or_default()
}

fn draft(
    patient: &Facts,
    persona: &Persona,
    voice: &Voice,
    (from, to): (usize, usize),
    draw: &mut Draw,
) -> Written {
    let who = Who::of(persona, patient);
    let sex = spoken_sex(patient);
    let list = if is_child(patient) { "child" } else { "adult" };
    let complaints: Vec<String> = worker()
        .all("laylists", list)
        .iter()
        .map(Template::plain)
        .filter(|c| fits(c, sex))
        .collect();
    let complaint = draw.pick(&complaints).cloned().unwrap_or_default();
    let poor = persona.of(PersonaTrait::Recall) == Some("poor");
    let mut fill = |slot: &str, draw: &mut Draw| match slot {
        "complaint" => complaint.clone(),
        "duration" if poor => "some time".to_owned(),
        "duration" => {
            let words = &worker().words;
            let number = draw.pick(&words.numbers).map_or("two", String::as_str);
            let unit = draw.pick(&words.units).map_or("days", String::as_str);
            format!("{number} {unit}")
        }
        "when" | "where" | "person" => {
            draw.pick(worker().all("laylists", slot)).map(Template::plain).unwrap_or_default()
        }
        slot => who.slot(slot).to_owned(),
    };
    let opening = voice.of(VoiceTrait::Opening).unwrap_or("course");
    let first = sentence(("layopening", opening), sex, draw, &mut fill);
    let asked = match voice.of(VoiceTrait::Questions) {
        Some("two") => 2,
        Some("none") => 0,
        _ => 1,
    };
    let mut questions: Vec<String> = Vec::new();
    for _ in usize::from(opening == "question")..asked {
        let question = sentence(("layask", "ask"), sex, draw, &mut fill);
        if !questions.contains(&question) {
            questions.push(question);
        }
    }
    let mut sentences = vec![first];
    let fixed: usize = questions.iter().map(|q| count(q)).sum();
    let aim = from + draw.below((to - from) / 2 + 1);
    let talkative = persona.of(PersonaTrait::Openness) == Some("talkative");
    for _ in 0..30 {
        let so_far: usize = sentences.iter().map(|s| count(s)).sum();
        if so_far + fixed >= aim {
            break;
        }
        let kind =
            if talkative && draw.chance(0.5) { ("laylists", "talk") } else { ("laymore", "more") };
        let more = sentence(kind, sex, draw, &mut fill);
        if !more.is_empty() && !sentences.contains(&more) && so_far + fixed + count(&more) <= to {
            sentences.push(more);
        }
    }
    if persona.of(PersonaTrait::Proficiency) == Some("basic") {
        sentences.iter_mut().skip(1).for_each(|s| *s = broken(s));
    }
    let form = voice.of(VoiceTrait::Form).unwrap_or("sentences");
    let facts = vec![("complaint", complaint, "1")];
    Written { text: shape(form, sentences, &[], questions, draw), facts }
}

/// What is asked for, from the facts; `None` where nothing is known.
fn reply(
    patient: &Facts,
    persona: &Persona,
    question: &str,
    most: usize,
    draw: &mut Draw,
) -> Option<String> {
    let lower = question.to_lowercase();
    let (kind, fact) = if ["temperature", "fever"].iter().any(|word| lower.contains(word)) {
        ("temperature", known(patient, "temperature")?)
    } else {
        let asked = worker()
            .words
            .facts
            .iter()
            .find(|f| f.keys.iter().any(|k| lower.contains(k.as_str())))?;
        (asked.kind.as_str(), known(patient, &asked.label)?)
    };
    if persona.of(PersonaTrait::Recall) == Some("poor")
        && matches!(kind, "medicines" | "history")
        && draw.chance(FORGOTTEN)
    {
        return draw.pick(worker().all("layreply", "forgot")).map(Template::plain);
    }
    let fact = match kind {
        "age" => age_text(fact).replace('-', " "),
        _ => fact.to_owned(),
    };
    // Medicines are known by their names.
    let entry = |entry: &'_ str| -> String {
        let named = entry.split(|c: char| c.is_ascii_digit()).next().unwrap_or(entry);
        if kind == "medicines" { named.trim().to_owned() } else { entry.to_owned() }
    };
    let entries: Vec<String> = fact.split("; ").map(entry).filter(|e| !e.is_empty()).collect();
    // Nobody recites a list.
    let told = match persona.of(PersonaTrait::Openness) {
        Some("reserved") => 1,
        _ => entries.len().min(2),
    };
    let template = draw.pick(worker().all("layreply", kind))?;
    let text = |n: usize| template.fill(|_| entries[..n].join(" and "));
    if entries.is_empty() {
        return None;
    }
    let fitting = (1..=told).rev().map(text).find(|text| count(text) <= most);
    Some(fitting.unwrap_or_else(|| text(1)))
}

/// Writes the message after an answer.
pub(crate) fn follow_up(
    parsed: &ParsedRequest,
    last: &str,
    earlier: &str,
    draw: &mut Draw,
) -> String {
    let patient = parsed.patients.first().map_or(&[][..], Vec::as_slice);
    let persona = &parsed.persona;
    let sex = spoken_sex(patient);
    let most = parsed.constraints.iter().find_map(|c| match c {
        Constraint::MaxWords { n } => Some(*n as usize),
        _ => None,
    });
    let most = most.unwrap_or(usize::MAX);
    let grammar = lay_grammar();
    let mut fill = |slot: &str, draw: &mut Draw| match grammar {
        Some(grammar) if !grammar.list(slot).is_empty() => grammar.item(slot, draw),
        _ => draw.pick(worker().all("laylists", slot)).map(Template::plain).unwrap_or_default(),
    };
    let mut sentences: Vec<String> = Vec::new();
    let question =
        last.rsplit_once('?').map(|(q, _)| q.rsplit(['.', '!', '\n']).next().unwrap_or(q));
    if let Some(question) = question {
        let told = reply(patient, persona, question, most, draw);
        let unknown =
            || draw.clone().pick(worker().all("layreply", "unknown")).map(Template::plain);
        sentences.extend(told.or_else(unknown));
    }
    let planned = parsed.planned.as_deref().unwrap_or("lay-just-answers");
    let planned =
        if worker().all("laymove", planned).is_empty() { "lay-just-answers" } else { planned };
    for _ in 0..TRIES {
        let next = sentence(("laymove", planned), sex, draw, &mut fill);
        let lead = sentence(("laylead", "lead"), sex, draw, &mut fill);
        let next =
            if count(&next) >= LONG { format!("{lead} {}", lower_start(&next)) } else { next };
        let length: usize = sentences.iter().chain([&next]).map(|s| count(s)).sum();
        if !earlier.contains(&next) && (length <= most || sentences.is_empty()) {
            sentences.push(next);
            break;
        }
    }
    if persona.of(PersonaTrait::Openness) == Some("talkative") {
        let more = sentence(("laylists", "talk"), sex, draw, &mut fill);
        let length: usize = sentences.iter().chain([&more]).map(|s| count(s)).sum();
        if length <= most && !earlier.contains(&more) {
            sentences.push(more);
        }
    }
    if persona.of(PersonaTrait::Proficiency) == Some("basic") {
        sentences.iter_mut().skip(1).for_each(|s| *s = broken(s));
    }
    let text = sentences.join(" ");
    if text.is_empty() { lower_start("I don't know.") } else { text }
}
