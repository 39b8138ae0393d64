//! What a first message is about, and its sentences.

use clinstruct_draw::Draw;
use clinstruct_schema::Language;

use super::super::{Facts, age_text, fits, fitting, lead, lower_first, lower_start, spoken_sex};
use super::{Fact, Written};
use crate::grammar::{Template, grammar, worker};
use crate::read::{ParsedRequest, known, value};

/// Draws for a template that fits.
const TRIES: usize = 24;

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

/// A number of a slot such as `7.4..15.8`, with as many decimals as its ends.
fn number(slot: &str, draw: &mut Draw) -> Option<String> {
    let (from, to) = slot.split_once("..")?;
    let decimals = from.split_once('.').map_or(0, |(_, digits)| digits.len());
    let scale = 10_f64.powi(i32::try_from(decimals).ok()?);
    let end = |text: &str| Some((text.parse::<f64>().ok()? * scale).round() as u32);
    let drawn = f64::from(draw.between(end(from)?, end(to)?)) / scale;
    Some(format!("{drawn:.decimals$}"))
}

/// What a message is about: the facts that it may use, and those that it has stated.
pub(super) struct Scene<'a> {
    parsed: &'a ParsedRequest,
    patient: &'a Facts,
    sex: &'a str,
    age: &'a str,
    background: Option<&'a str>,
    topic: Option<String>,
    names: Vec<&'static str>,
    /// What was stated.
    pub(super) facts: Vec<Fact>,
    /// Whether age and sex were stated.
    pub(super) person: bool,
    /// Whether a complaint was stated.
    pub(super) complaint: bool,
}

impl<'a> Scene<'a> {
    pub(super) fn new(parsed: &'a ParsedRequest, patient: &'a Facts) -> Self {
        let mut names = vec![
            "person",
            "age_sex",
            "complaint",
            "place",
            "duration",
            "detail",
            "attempt",
            "finding",
            "test",
            "concern",
            "lab",
            "measure",
            "drug",
            "timeframe",
        ];
        let background = known(patient, "background");
        if background.is_some() {
            names.push("background");
        }
        for name in ["specialty", "domain"] {
            if parsed.fact(name).is_some() {
                names.push(name);
            }
        }
        let topic = ["topic", "domain", "specialty"].iter().find_map(|label| parsed.fact(label));
        let topic = topic.map(lower_first);
        if topic.is_some() {
            names.push("topic");
        }
        Self {
            parsed,
            patient,
            sex: spoken_sex(patient),
            age: value(patient, "age").unwrap_or("40 years"),
            background,
            topic,
            names,
            facts: Vec::new(),
            person: false,
            complaint: false,
        }
    }

    pub(super) fn has_background(&self) -> bool {
        self.background.is_some()
    }

    /// A sentence of a list that asks nothing; blank if none fits.
    pub(super) fn sentence(&mut self, draw: &mut Draw, group: &str, name: &str) -> String {
        self.chosen(draw, group, name, |plain| !plain.contains('?'))
    }

    fn chosen(
        &mut self,
        draw: &mut Draw,
        group: &str,
        name: &str,
        is_right: impl Fn(&str) -> bool,
    ) -> String {
        let list = worker().all(group, name);
        let chosen = (0..TRIES).find_map(|_| {
            draw.pick(list).filter(|template| {
                let plain = template.plain();
                template.needs_only(&self.names) && fits(&plain, self.sex) && is_right(&plain)
            })
        });
        chosen.map(|template| template.fill(|slot| self.slot(slot, draw))).unwrap_or_default()
    }

    fn slot(&mut self, slot: &str, draw: &mut Draw) -> String {
        match slot {
            "person" => self.person(draw),
            "age_sex" => {
                self.state_person();
                let noun = match (self.sex, is_child(self.age)) {
                    ("female", false) => "woman",
                    ("male", false) => "man",
                    ("female", true) => "girl",
                    ("male", true) => "boy",
                    (_, false) => "adult",
                    (_, true) => "child",
                };
                format!("{} {noun}", age_text(self.age))
            }
            "complaint" => {
                let complaint = fitting("lists", slot, self.sex, draw);
                self.facts.push(("complaint", complaint.clone(), "1"));
                self.complaint = true;
                complaint
            }
            "detail" | "attempt" | "place" | "concern" => fitting("lists", slot, self.sex, draw),
            "duration" => duration(draw),
            "background" => {
                let background = self.background.unwrap_or_default();
                for condition in background.split("; ") {
                    let fact = ("condition", condition.to_owned(), "1");
                    if !self.facts.contains(&fact) {
                        self.facts.push(fact);
                    }
                }
                background.replace("; ", " and ")
            }
            "topic" => self.topic.clone().unwrap_or_default(),
            "specialty" | "domain" => self.parsed.fact(slot).unwrap_or_default().to_owned(),
            "lab" => Self::lab(draw),
            list => grammar(Language::English).map(|g| g.item(list, draw)).unwrap_or_default(),
        }
    }

    fn person(&mut self, draw: &mut Draw) -> String {
        self.state_person();
        let people = if is_child(self.age) { "person_child" } else { "person_adult" };
        let person = draw.pick(worker().all("lists", people)).map(|template| {
            let raw = template.raw(|slot| match slot {
                "age_text" => age_text(self.age),
                "sex" => self.sex.to_owned(),
                _ => String::new(),
            });
            correct_article(&worded(&raw, self.age, self.sex, draw))
        });
        person.unwrap_or_default()
    }

    fn state_person(&mut self) {
        if std::mem::replace(&mut self.person, true) {
            return;
        }
        let number = self.age.split_whitespace().next().filter(|_| !self.age.starts_with("less"));
        let unit = if self.age.contains("month") { "mo" } else { "a" };
        self.facts.push(("age", number.unwrap_or("0").to_owned(), unit));
        let sex = value(self.patient, "sex");
        self.facts.extend(sex.map(|sex| ("sex", sex.to_owned(), "1")));
    }

    /// A laboratory value.
    fn lab(draw: &mut Draw) -> String {
        let template = draw.pick(worker().all("pasted", "lab"));
        template.map(|t| t.raw(|slot| number(slot, draw).unwrap_or_default())).unwrap_or_default()
    }

    /// A pasted result: a line before it, and lines with different values.
    pub(super) fn pasted(lines: usize, draw: &mut Draw) -> Vec<String> {
        let mut labs: Vec<&Template> = worker().all("pasted", "lab").iter().collect();
        draw.shuffle(&mut labs);
        let head = draw.pick(worker().all("pasted", "head")).map(Template::plain);
        let mut value = |t: &Template| t.raw(|slot| number(slot, draw).unwrap_or_default());
        let values: Vec<String> = labs.into_iter().take(lines).map(&mut value).collect();
        head.into_iter().chain(values).collect()
    }

    /// Whether a sentence ends as a question.
    fn asks(plain: &str) -> bool {
        plain.trim_end().ends_with('?')
    }

    /// A question; with `lead`, its fixed wording gets something to be about.
    pub(super) fn question(&mut self, general: bool, with_lead: bool, draw: &mut Draw) -> String {
        let question = self.bare_question(general, draw);
        if with_lead { lead(&question, draw) } else { question }
    }

    fn bare_question(&mut self, general: bool, draw: &mut Draw) -> String {
        if general {
            return self.chosen(draw, "question", "ask", Self::asks);
        }
        let parsed = self.parsed;
        let task = parsed.fact("task").map(|t| t.to_lowercase().replace(' ', "-"));
        let about_task = parsed.fact("topic").is_none() && parsed.fact("domain").is_none();
        let of_task = match &task {
            Some(task) if about_task || draw.chance(0.7) => {
                self.chosen(draw, "ask", task, Self::asks)
            }
            _ => String::new(),
        };
        if of_task.is_empty() { self.chosen(draw, "ask", "general", Self::asks) } else { of_task }
    }

    /// A question to begin with: what it is about comes first.
    pub(super) fn led_question(&mut self, general: bool, draw: &mut Draw) -> String {
        let list = if general { "general" } else { "patient" };
        let about = self.sentence(draw, "lead", list);
        let question = self.bare_question(general, draw);
        format!("{about} {}", lower_start(&question)).trim().to_owned()
    }

    /// The sentence on the pregnancy, whose fact is stated.
    pub(super) fn pregnancy(&mut self, draw: &mut Draw) -> Option<String> {
        let weeks = value(self.patient, "pregnant")?.split_whitespace().next()?;
        let template = draw.pick(worker().all("case", "pregnant"))?;
        self.facts.push(("pregnancy_weeks", weeks.to_owned(), "wk"));
        Some(template.fill(|_| weeks.to_owned()))
    }

    /// Two vital signs.
    pub(super) fn measured(&self, draw: &mut Draw) -> Option<Written> {
        measured(self.age, draw)
    }
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
