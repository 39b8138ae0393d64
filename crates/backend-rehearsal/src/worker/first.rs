//! First messages.

use clinstruct_draw::Draw;
use clinstruct_schema::Language;

use super::{Facts, age_text, fits, fitting, lead, lower_first, spoken_sex};
use crate::grammar::{Template, grammar, worker};
use crate::read::{ParsedRequest, known, value, without_patient};

fn duration(draw: &mut Draw) -> String {
    let words = &worker().words;
    let number = draw.pick(&words.numbers).map_or("two", String::as_str);
    let unit = draw.pick(&words.units).map_or("days", String::as_str);
    format!("{number} {unit}")
}

fn is_child(age: &str) -> bool {
    let years = age.split_whitespace().next().and_then(|n| n.parse::<u32>().ok()).unwrap_or(40);
    age.contains("month") || years < 13
}

/// Occasionally rephrases age and sex: `a 54-year-old female patient` becomes `a woman of 54`.
fn worded(person: &str, age: &str, sex: &str, draw: &mut Draw) -> String {
    let Some(years) = age.strip_suffix(" years").or(age.strip_suffix(" year")) else {
        return person.to_owned();
    };
    let noun = match (sex, is_child(age)) {
        ("female", false) => "woman",
        ("male", false) => "man",
        ("female", true) => "girl",
        ("male", true) => "boy",
        _ => return person.to_owned(),
    };
    let way = draw.below(5);
    for kind in ["patient", "child", "person"] {
        let plain = format!("{years}-year-old {sex} {kind}");
        if person.contains(&plain) {
            let other = match way {
                0 => format!("{noun} of {years}"),
                1 => format!("{noun} aged {years}"),
                2 => format!("{noun} ({years})"),
                3 => format!("{years}-year-old {noun}"),
                _ => return person.to_owned(),
            };
            return person.replace(&plain, &other);
        }
    }
    // Another noun keeps its sex, with the age after it.
    let plain = format!("{years}-year-old {sex} ");
    let Some((before, after)) = person.split_once(&plain).filter(|_| way < 3) else {
        return person.to_owned();
    };
    let end = after.find(|c: char| !c.is_alphabetic() && c != '-').unwrap_or(after.len());
    let (noun, rest) = after.split_at(end);
    match way {
        0 => format!("{before}{sex} {noun} of {years}{rest}"),
        1 => format!("{before}{sex} {noun} aged {years}{rest}"),
        _ => format!("{before}{sex} {noun} ({years}){rest}"),
    }
}

/// A first message, and the facts that it states: name, value, unit.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written {
    pub(crate) text: String,
    pub(crate) facts: Vec<(&'static str, String, &'static str)>,
}

/// Writes a first message that is not about a patient.
fn question(parsed: &ParsedRequest, place: &Facts, draw: &mut Draw) -> String {
    let fact = |label: &str| parsed.fact(label).map(str::to_owned);
    let topic = fact("topic").or_else(|| fact("domain")).or_else(|| fact("specialty"));
    let country = value(place, "country").or(parsed.fact("country")).unwrap_or_default();
    let (topic, specialty) = (topic.unwrap_or_default(), fact("specialty").unwrap_or_default());
    let mut names = vec!["topic", "test", "finding", "measure", "drug", "timeframe"];
    for (name, known) in [("country", country), ("specialty", specialty.as_str())] {
        if !known.is_empty() {
            names.push(name);
        }
    }
    let english = grammar(Language::English);
    let mut write = |name: &str| -> String {
        let list = worker().all("question", name);
        let chosen = (0..16).find_map(|_| draw.pick(list).filter(|t| t.needs_only(&names)));
        let Some(template) = chosen else { return String::new() };
        template.fill(|slot| match slot {
            "topic" => lower_first(&topic),
            "specialty" => specialty.clone(),
            "country" => country.to_owned(),
            list => english.map(|g| g.item(list, draw)).unwrap_or_default(),
        })
    };
    let [open, more, ask] = ["open", "more", "ask"].map(&mut write);
    let [open, ask] = [open, ask].map(|sentence| lead(&sentence, draw));
    [open, more, ask].join(" ").trim().to_owned()
}

/// Two vital signs at presentation, by age, as a sentence with its facts.
fn measured(age: &str, draw: &mut Draw) -> Option<Written> {
    let years = if age.contains("month") {
        0
    } else {
        age.split_whitespace().next().and_then(|n| n.parse::<u32>().ok()).unwrap_or(40)
    };
    let (from, to) = match years {
        0 => (110, 150),
        1..=5 => (95, 130),
        6..=12 => (75, 110),
        _ => (62, 104),
    };
    let rate = draw.between(from, to);
    let temperature = f64::from(draw.between(364, 384)) / 10.0;
    let template = draw.pick(worker().all("case", "measured"))?;
    let text = template.fill(|slot| match slot {
        "heart_rate" => rate.to_string(),
        "temperature" => format!("{temperature:.1}"),
        _ => String::new(),
    });
    let facts = vec![
        ("heart_rate", rate.to_string(), "/min"),
        ("temperature", format!("{temperature:.1}"), "Cel"),
    ];
    Some(Written { text, facts })
}

/// Writes a first message.
pub(crate) fn prompt(parsed: &ParsedRequest, patient: &Facts, draw: &mut Draw) -> Written {
    if without_patient(patient) {
        return Written { text: question(parsed, patient, draw), facts: Vec::new() };
    }
    let sex = spoken_sex(patient);
    let age = value(patient, "age").unwrap_or("40 years");
    let country = value(patient, "country").or(parsed.fact("country")).unwrap_or_default();
    let background = known(patient, "background");
    let mut facts = stated_patient(patient, age);
    let people = if is_child(age) { "person_child" } else { "person_adult" };
    let mut names = vec![
        "person",
        "complaint",
        "place",
        "duration",
        "detail",
        "attempt",
        "finding",
        "test",
        "concern",
    ];
    if background.is_some() {
        names.push("background");
    }
    if !country.is_empty() {
        names.push("country");
    }
    let topic = parsed
        .fact("topic")
        .map(str::to_owned)
        .or_else(|| parsed.fact("domain").map(str::to_owned));
    let specialty = parsed.fact("specialty").map(str::to_owned);
    let domain = parsed.fact("domain").map(str::to_owned);
    for (name, known) in [("topic", &topic), ("specialty", &specialty), ("domain", &domain)] {
        if known.is_some() {
            names.push(name);
        }
    }
    let english = grammar(Language::English);
    let mut write = |draw: &mut Draw, group: &str, name: &str| -> String {
        let list = worker().all(group, name);
        let mut chosen: Option<&Template> = None;
        for _ in 0..16 {
            chosen = draw.pick(list).filter(|t| t.needs_only(&names) && fits(&t.plain(), sex));
            if chosen.is_some() {
                break;
            }
        }
        let Some(template) = chosen else { return String::new() };
        template.fill(|slot| match slot {
            "person" => draw
                .pick(worker().all("lists", people))
                .map(|t| {
                    let raw = t.raw(|s| match s {
                        "age_text" => age_text(age),
                        "sex" => sex.to_owned(),
                        _ => String::new(),
                    });
                    correct_article(&worded(&raw, age, sex, draw))
                })
                .unwrap_or_default(),
            "complaint" => {
                let complaint = fitting("lists", slot, sex, draw);
                facts.push(("complaint", complaint.clone(), "1"));
                complaint
            }
            "detail" | "attempt" | "place" | "concern" => fitting("lists", slot, sex, draw),
            "duration" => duration(draw),
            "background" => {
                let background = background.unwrap_or_default();
                facts.extend(background.split("; ").map(|b| ("condition", b.to_owned(), "1")));
                background.replace("; ", " and ")
            }
            "topic" => lower_first(topic.as_deref().unwrap_or_default()),
            "specialty" => specialty.clone().unwrap_or_default(),
            "domain" => domain.clone().unwrap_or_default(),
            "country" => country.to_owned(),
            list => english.map(|g| g.item(list, draw)).unwrap_or_default(),
        })
    };
    let task = parsed.fact("task").map(|t| t.to_lowercase().replace(' ', "-"));
    let open = write(draw, "case", "open");
    let mut more: Vec<String> = (0..draw.below(2)).map(|_| write(draw, "case", "more")).collect();
    more.dedup();
    let ask = match &task {
        Some(task) if topic.is_none() || draw.chance(0.7) => write(draw, "ask", task),
        _ => write(draw, "ask", "general"),
    };
    let ask = if ask.is_empty() { write(draw, "ask", "general") } else { ask };
    // A question with fixed wording gets a topic.
    let ask = lead(&ask, draw);
    let mut sentences = Vec::with_capacity(6);
    match draw.below(4) {
        0 => {
            sentences.push(ask);
            sentences.push(open);
            sentences.extend(more);
        }
        1 if more.len() > 1 => {
            let first = more.remove(0);
            sentences.push(open);
            sentences.extend(more);
            sentences.push(first);
            sentences.push(ask);
        }
        _ => {
            sentences.push(open);
            sentences.extend(more);
            sentences.push(ask);
        }
    }
    sentences.retain(|s| !s.is_empty());
    if let Some(weeks) = value(patient, "pregnant").and_then(|p| p.split_whitespace().next()) {
        let list = worker().all("case", "pregnant");
        let sentence = draw.pick(list).map(|t| t.fill(|_| weeks.to_owned()));
        sentences.extend(sentence);
    }
    if draw.chance(MEASURED)
        && let Some(measured) = measured(age, draw)
    {
        let last = sentences.len().saturating_sub(1);
        sentences.insert(last, measured.text);
        facts.extend(measured.facts);
    }
    Written { text: sentences.join(" "), facts }
}

/// Probability that a first message states vital signs.
const MEASURED: f64 = 0.4;

/// The facts that every message about a patient states.
fn stated_patient(patient: &Facts, age: &str) -> Vec<(&'static str, String, &'static str)> {
    let number = age.split_whitespace().next().filter(|_| !age.starts_with("less"));
    let number = number.unwrap_or("0").to_owned();
    let unit = if age.contains("month") { "mo" } else { "a" };
    let mut facts = vec![("age", number, unit)];
    facts.extend(value(patient, "sex").map(|sex| ("sex", sex.to_owned(), "1")));
    if let Some(weeks) = value(patient, "pregnant").and_then(|p| p.split_whitespace().next()) {
        facts.push(("pregnancy_weeks", weeks.to_owned(), "wk"));
    }
    facts
}

/// `a 8-year-old` becomes `an 8-year-old`; likewise 11, 18 and the eighties.
fn correct_article(text: &str) -> String {
    let mut out = text.to_owned();
    for number in ["8-", "11-", "18-"] {
        out = out.replace(&format!(" a {number}"), &format!(" an {number}"));
        if let Some(rest) = out.strip_prefix(&format!("a {number}")) {
            out = format!("an {number}{rest}");
        }
    }
    for tens in 80..90 {
        out = out.replace(&format!(" a {tens}-"), &format!(" an {tens}-"));
        if let Some(rest) = out.strip_prefix(&format!("a {tens}-")) {
            out = format!("an {tens}-{rest}");
        }
    }
    out
}
