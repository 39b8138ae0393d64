//! The assistant's answers: structure, length and language as requested, all at once.

mod table;

use clinstruct_draw::Draw;
use clinstruct_schema::{Constraint, ConversationMode, Language, Register};

use crate::grammar::{Grammar, capital, doses, grammar, lay_grammar};
use crate::read::{ParsedRequest, age_in};
use crate::said::{has_any, was_said};
use table::table;

const FLOW: [&str; 9] = [
    "assessment",
    "reasoning",
    "testing",
    "plan",
    "monitoring",
    "safety",
    "context",
    "plan",
    "assessment",
];
/// Share of answers that state a dose.
const WITH_DOSE: f64 = 0.3;
/// Share of answers to somebody at home that ask something unasked.
const ASKS: f64 = 0.55;
/// Draws per sentence when searching for one that fits or is new.
const DRAWS: usize = 12;

/// The requested form.
#[derive(Debug, Default)]
pub(crate) struct Form {
    sentences: Option<usize>,
    max_words: Option<usize>,
    min_words: Option<usize>,
    max_characters: Option<usize>,
    bullets: Option<usize>,
    any_bullets: bool,
    numbered: Option<usize>,
    any_steps: bool,
    headings: Option<usize>,
    columns: Option<usize>,
    paragraphs: Option<usize>,
    lines: Option<usize>,
    no_markdown: bool,
    markdown: bool,
    titled: bool,
    end: Option<String>,
    contains: Vec<String>,
    excludes: Vec<String>,
    questions: usize,
    keys: Option<Vec<String>>,
    dose_warning: bool,
    formal: bool,
    aspects: Vec<String>,
}

impl Form {
    pub(crate) fn of(constraints: &[Constraint]) -> Self {
        let mut form = Self::default();
        for constraint in constraints {
            match constraint {
                Constraint::ExactSentences { n } => form.sentences = Some(*n as usize),
                Constraint::MaxWords { n } => form.max_words = Some(*n as usize),
                Constraint::MinWords { n } => form.min_words = Some(*n as usize),
                Constraint::MaxCharacters { n } => form.max_characters = Some(*n as usize),
                Constraint::ExactBullets { n } => form.bullets = Some(*n as usize),
                Constraint::Bullets => form.any_bullets = true,
                Constraint::ExactNumbered { n } => form.numbered = Some(*n as usize),
                Constraint::Steps => form.any_steps = true,
                Constraint::ExactHeadings { n } => form.headings = Some(*n as usize),
                Constraint::TableColumns { n } => form.columns = Some(*n as usize),
                Constraint::ExactParagraphs { n } => form.paragraphs = Some(*n as usize),
                Constraint::ExactLines { n } => form.lines = Some(*n as usize),
                Constraint::NoMarkdown => form.no_markdown = true,
                Constraint::Markdown => form.markdown = true,
                Constraint::StartsWithTitle => form.titled = true,
                Constraint::EndsWith { marker } => form.end = Some(marker.clone()),
                Constraint::Contains { term } => form.contains.push(term.clone()),
                Constraint::Excludes { term } => form.excludes.push(term.to_lowercase()),
                Constraint::ClarifyingQuestions { n } => form.questions = *n as usize,
                Constraint::OneStep | Constraint::AsksFirst => {
                    form.questions = form.questions.max(1);
                }
                Constraint::JsonObject { keys } => form.keys = Some(keys.clone()),
                Constraint::DoseWarning => form.dose_warning = true,
                Constraint::Formal => form.formal = true,
                Constraint::Judged { aspect } => form.aspects.push(aspect.clone()),
                Constraint::Language { .. } => {}
            }
        }
        form
    }

    fn is_bounded(&self) -> bool {
        self.max_words.is_some() || self.max_characters.is_some()
    }
}

/// Words of a text, separated by white space; a fifth of the characters in scripts without spaces.
pub(crate) fn words(text: &str, language: Language) -> usize {
    if grammar(language).is_some_and(|g| g.unspaced) {
        text.chars().count().div_ceil(5)
    } else {
        text.split_whitespace().count()
    }
}

/// Draws sentences without repeating one, within the answer or from earlier turns.
struct Voice<'a> {
    grammar: &'a Grammar,
    country: &'a str,
    age: String,
    before: &'a str,
    excludes: &'a [String],
    said: Vec<String>,
    /// The medicine of the next sentence.
    drug: String,
    draw: &'a mut Draw,
}

impl Voice<'_> {
    fn fill(&mut self, slot: &str) -> String {
        match slot {
            "drug" => self.drug.clone(),
            "dose" => {
                let lower = self.drug.to_lowercase();
                let dose = self.draw.pick(doses().of(&lower));
                format!("{} mg", dose.map_or("5", String::as_str))
            }
            "percent" => (5 + 5 * self.draw.below(18)).to_string(),
            "number" => self.draw.between(2, 12).to_string(),
            "country" => self.country.to_owned(),
            "age" => self.age.clone(),
            list => self.grammar.item(list, self.draw),
        }
    }

    /// A new sentence of a category; the shortest of several if `short`.
    fn say(&mut self, category: &str, short: bool) -> String {
        let grammar = self.grammar;
        let templates = grammar.sentences(category);
        let mut best: Option<String> = None;
        let mut kept = 0;
        for _ in 0..DRAWS {
            let Some(template) = self.draw.pick(templates) else { break };
            if self.country.is_empty() && template.slots().any(|s| s == "country")
                || self.age.is_empty() && template.slots().any(|s| s == "age")
            {
                continue;
            }
            self.drug = self.grammar.item("drug", self.draw);
            let sentence = template.fill(|slot| self.fill(slot));
            if self.said.contains(&sentence)
                || was_said(self.before, &sentence)
                || has_any(self.excludes, &sentence)
            {
                continue;
            }
            kept += 1;
            let better = best.as_ref().is_none_or(|b| sentence.len() < b.len());
            if better {
                best = Some(sentence);
            }
            if !short || kept >= 6 {
                break;
            }
        }
        let sentence = best.unwrap_or_default();
        self.said.push(sentence.clone());
        sentence
    }

    fn title(&mut self) -> String {
        capital(self.grammar.item("title", self.draw))
    }
}

/// Writes an answer. `first` is the first message, `before` what was answered so far.
pub(crate) fn answer(parsed: &ParsedRequest, first: &str, before: &str, draw: &mut Draw) -> String {
    let first_answer = before.is_empty();
    let due = |c: &&Constraint| first_answer || **c != Constraint::AsksFirst;
    let constraints: Vec<Constraint> = parsed.constraints.iter().filter(due).cloned().collect();
    let mut form = Form::of(&constraints);
    let language = parsed.language();
    let known = if parsed.lay { lay_grammar() } else { grammar(language) };
    let Some(grammar) = known else { return String::new() };
    // Somebody at home leaves out what matters.
    if parsed.lay && form.questions == 0 && draw.chance(ASKS) {
        form.questions = 1;
    }
    let age = age_in(first);
    let mut voice = Voice {
        grammar,
        country: parsed.fact("country").unwrap_or_default(),
        age,
        before,
        excludes: &form.excludes,
        said: Vec::new(),
        drug: String::new(),
        draw,
    };
    let body = compose(&mut voice, &form, parsed);
    finish(&mut voice, &form, body)
}

/// The sentence categories of an answer, in order.
fn flow(
    voice: &mut Voice<'_>,
    form: &Form,
    parsed: &ParsedRequest,
    many: usize,
) -> Vec<&'static str> {
    // Answers open in different ways.
    let openings = match parsed.mode {
        Some(ConversationMode::Emergency) if parsed.lay => ["emergency"; 6],
        _ if parsed.lay => ["lead"; 6],
        _ => ["lead", "assessment", "plan", "testing", "monitoring", "lead"],
    };
    let mut categories = vec![voice.draw.pick(&openings).copied().unwrap_or("lead")];
    for aspect in &form.aspects {
        categories.push(match aspect.as_str() {
            "story" => "story",
            "humour" => "humour",
            "plain" | "student" | "friendly" | "encouraging" => "plain",
            "evidence" | "specialist" => "cite",
            _ => "assessment",
        });
    }
    if form.formal {
        categories.push("formal");
    }
    match parsed.register {
        Some(Register::Popular) => categories.push("plain"),
        Some(Register::Scientific) => categories.push("cite"),
        _ => {}
    }
    // The starting point in the flow is drawn, so that answers differ in their course.
    let from = voice.draw.below(4);
    for i in 0..many.max(1) * 2 {
        categories.push(FLOW[(from + i) % FLOW.len()]);
    }
    categories.truncate(many.max(1));
    if many > 3
        && voice.draw.chance(0.4)
        && let Some(last) = categories.last_mut()
    {
        *last = "closing";
    }
    categories
}

/// `many` sentences, with a dose and its warning if drawn.
fn sentences(
    voice: &mut Voice<'_>,
    form: &Form,
    parsed: &ParsedRequest,
    many: usize,
    short: bool,
) -> Vec<String> {
    let categories = flow(voice, form, parsed, many);
    let mut all: Vec<String> =
        categories.into_iter().map(|category| voice.say(category, short)).collect();
    let room = if form.dose_warning { 3 } else { 2 };
    if many >= room && voice.draw.chance(WITH_DOSE) {
        let at = 1 + voice.draw.below(many - room + 1);
        let dose = voice.say("dose", short);
        if let Some(slot) = all.get_mut(at) {
            *slot = dose;
        }
        if form.dose_warning {
            let warning = voice.say("warning", short);
            if let Some(slot) = all.get_mut(at + 1) {
                *slot = warning;
            }
        }
    }
    all
}

fn join(language: Language) -> &'static str {
    // Thai separates sentences by a space, as other languages do.
    let _ = language;
    " "
}

/// Words of the title and the list of an answer with Markdown.
const MARKDOWN_WORDS: usize = 36;

fn compose(voice: &mut Voice<'_>, form: &Form, parsed: &ParsedRequest) -> String {
    let language = voice.grammar.language;
    let space = join(language);
    if let Some(keys) = &form.keys {
        let entries: serde_json::Map<String, serde_json::Value> =
            keys.iter().map(|k| (k.clone(), voice.say("plan", false).into())).collect();
        return serde_json::Value::Object(entries).to_string();
    }
    // The questions behind are sentences and share the last line.
    if let Some(n) = form.sentences {
        let n = n.saturating_sub(form.questions).max(1);
        return sentences(voice, form, parsed, n, form.is_bounded()).join(space);
    }
    let tight = form.is_bounded();
    if let Some(n) = form.columns {
        return table(voice, n);
    }
    if let Some(n) = form.headings {
        let mut headings: Vec<String> = voice.grammar.list("heading").to_vec();
        voice.draw.shuffle(&mut headings);
        let texts = sentences(voice, form, parsed, 2 * n, tight);
        let sections: Vec<String> = headings
            .into_iter()
            .take(n)
            .zip(texts.chunks(2))
            .map(|(heading, pair)| format!("## {}\n\n{}", capital(heading), pair.join(space)))
            .collect();
        return sections.join("\n\n");
    }
    if let Some(n) = form.lines {
        return sentences(voice, form, parsed, n, tight).join("\n");
    }
    let listed = form.bullets.or(form.numbered);
    if listed.is_some() || form.any_bullets || form.any_steps {
        let numbered = form.numbered.is_some() || form.any_steps;
        return list(voice, form, listed, numbered);
    }
    // A title and an end mark are separate, and count.
    let apart = usize::from(form.titled) + usize::from(form.end.is_some());
    let asked = form.paragraphs.map(|n| n.saturating_sub(apart).max(1));
    let paragraphs = asked.unwrap_or_else(|| match form.max_words {
        Some(_) => 1,
        None => 1 + voice.draw.below(3),
    });
    let many = match (form.max_words, form.min_words) {
        (Some(max), _) => (max / 22).clamp(2, 5).max(paragraphs),
        (None, Some(min)) => (min / 12 + 2).max(paragraphs),
        (None, None) => (3 + voice.draw.below(5)).max(paragraphs),
    };
    let mut all = sentences(voice, form, parsed, many, tight);
    // Shortens what is too long and extends what is too short.
    let reserve = 24 * form.questions
        + if form.titled { 8 } else { 0 }
        + if form.markdown { MARKDOWN_WORDS } else { 0 }
        + if form.end.is_some() { 4 } else { 0 };
    let count = |all: &[String]| all.iter().map(|s| words(s, language)).sum::<usize>();
    if let Some(max) = form.max_words {
        let max = max.saturating_sub(reserve);
        while count(&all) > max && all.len() > paragraphs.max(1) {
            drop_one(voice, &mut all);
        }
    }
    if let Some(min) = form.min_words {
        for i in 0..40 {
            if count(&all) >= min {
                break;
            }
            let more = voice.say(FLOW[i % FLOW.len()], false);
            all.push(more);
        }
    }
    if let Some(max) = form.max_characters {
        let reserve = 8 * reserve;
        while all.iter().map(|s| s.chars().count() + 2).sum::<usize>() > max.saturating_sub(reserve)
            && all.len() > paragraphs.max(1)
        {
            drop_one(voice, &mut all);
        }
    }
    let per = all.len().div_ceil(paragraphs).max(1);
    let mut groups: Vec<Vec<String>> = all.chunks(per).map(<[String]>::to_vec).collect();
    // Even groups can yield one too few: the longest is split.
    while groups.len() < paragraphs {
        let longest = groups.iter().enumerate().max_by_key(|(_, g)| g.len()).map(|(i, _)| i);
        let Some(group) = longest.and_then(|i| groups.get_mut(i)) else { break };
        let Some(last) = group.pop() else { break };
        groups.push(vec![last]);
    }
    let text = groups.iter().map(|g| g.join(space)).collect::<Vec<_>>().join("\n\n");
    if form.markdown {
        let items: Vec<String> = (0..2 + voice.draw.below(2))
            .map(|_| format!("- {}", voice.say("step", tight)))
            .collect();
        return format!("**{}**\n\n{text}\n\n{}", voice.title(), items.join("\n"));
    }
    text
}

/// Removes the last sentence, but never a warning from its dose.
fn drop_one(voice: &Voice<'_>, all: &mut Vec<String>) {
    let warnings = voice.grammar.sentences("warning");
    let is_warning = |s: &String| warnings.iter().any(|t| t.fill(|_| String::new()) == *s);
    match all.last() {
        Some(last) if is_warning(last) => {
            let keep = all.len().saturating_sub(3);
            let lead = all.len() > 3;
            if lead {
                all.remove(keep);
            } else {
                // A dose and its warning stay together.
                all.truncate(all.len().saturating_sub(2).max(1));
            }
        }
        _ => {
            all.pop();
        }
    }
}

fn list(voice: &mut Voice<'_>, form: &Form, exact: Option<usize>, numbered: bool) -> String {
    let language = voice.grammar.language;
    let tight = form.is_bounded();
    let bound = form.max_words.or(form.max_characters.map(|c| c / 8));
    let many = exact.unwrap_or_else(|| match bound {
        Some(max) => (max / 22).clamp(2, 4),
        None => 3 + voice.draw.below(4),
    });
    let mut items: Vec<String> = (0..many).map(|_| voice.say("step", tight)).collect();
    let room = if form.dose_warning { 2 } else { 1 };
    if many > room && voice.draw.chance(WITH_DOSE) {
        let dose = voice.say("dose", tight);
        let warning = if form.dose_warning { voice.say("warning", tight) } else { String::new() };
        if let Some(slot) = items.first_mut() {
            *slot = dose;
        }
        if let (true, Some(slot)) = (form.dose_warning, items.get_mut(1)) {
            *slot = warning;
        }
    }
    if let Some(min) = form.min_words {
        let mut at = 0;
        while items.iter().map(|s| words(s, language)).sum::<usize>() < min && at < 60 {
            if exact.is_some() || items.len() >= 10 {
                let more = voice.say("reasoning", false);
                let place = at % items.len().max(1);
                if let Some(item) = items.get_mut(place) {
                    item.push(' ');
                    item.push_str(&more);
                }
            } else {
                let more = voice.say("step", false);
                items.push(more);
            }
            at += 1;
        }
    }
    // If it must be short, the longest items are removed, but never a dose's warning alone.
    let characters = |items: &[String]| items.iter().map(|s| s.chars().count() + 4).sum::<usize>();
    let counted = |items: &[String]| items.iter().map(|s| words(s, language)).sum::<usize>();
    let reserve = 24 * form.questions;
    while exact.is_none()
        && items.len() > 2
        && (form.max_words.is_some_and(|m| counted(&items) + reserve > m)
            || form.max_characters.is_some_and(|m| characters(&items) + 8 * reserve > m))
    {
        drop_one(voice, &mut items);
    }
    let lines: Vec<String> = items
        .iter()
        .enumerate()
        .map(|(i, item)| if numbered { format!("{}. {item}", i + 1) } else { format!("- {item}") })
        .collect();
    lines.join("\n")
}

/// Title first, questions and end mark last.
fn finish(voice: &mut Voice<'_>, form: &Form, body: String) -> String {
    let mut text = body;
    for term in &form.contains {
        if !text.to_lowercase().contains(&term.to_lowercase()) {
            text = format!("{}: {text}", capital(term.clone()));
        }
    }
    let prose = form.columns.is_none() && form.headings.is_none() && form.keys.is_none();
    for _ in 0..form.questions {
        let question = voice.say("question", form.is_bounded());
        let listed = form.any_bullets
            || form.any_steps
            || form.markdown
            || form.bullets.or(form.numbered).or(form.columns).is_some();
        text.push_str(if listed { "\n\n" } else { " " });
        text.push_str(&question);
    }
    let free = form.sentences.is_none() && form.lines.is_none() && !form.is_bounded();
    if form.questions == 0 && prose && free && form.end.is_none() && voice.draw.chance(0.04) {
        let listed = text.starts_with(['-', '1']);
        if !listed && form.paragraphs.is_none() {
            text.push(' ');
            text.push_str(&voice.say("question", false));
        }
    }
    if form.titled && !text.starts_with("**") {
        text = format!("**{}**\n\n{text}", voice.title());
    }
    if let Some(end) = &form.end {
        text = format!("{text}\n\n{end}");
    }
    text
}
