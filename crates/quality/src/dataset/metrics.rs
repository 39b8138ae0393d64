//! What is measured of a dataset, in one pass: each figure with its target.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write as _;

use clinstruct_schema::{Attributes, Constraint, ConversationMode, Language, Message, Role, RowId};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde::{Deserialize, Serialize};

use super::tokens::{mix, tokens};
use crate::{card, dose, hygiene, language, segment, talk, verify};

/// Words of an opening.
const OPENING: usize = 4;
/// Openings whose share is added up.
const TOP: usize = 10;
/// Prompts that variety is measured on.
const SAMPLE: usize = 950;
/// A text with fewer words may be said twice: `Yes.`
pub(crate) const FEWEST_WORDS: usize = 8;

/// A conversation to be measured.
#[derive(Debug, Clone, Copy)]
pub struct Chat<'a> {
    /// Id.
    pub id: &'a str,
    /// Its messages; a system message may come first.
    pub messages: &'a [Message],
    /// What is known about it, where we made it.
    pub attributes: Option<&'a Attributes>,
    /// Whether an earlier conversation has the same base prompt: see [`Twins`].
    pub twin: bool,
}

/// Knows which conversations are style twins: variants of one base prompt.
#[derive(Debug, Default)]
pub struct Twins(HashSet<u64>);

impl Twins {
    /// Whether a conversation with this base prompt was seen before.
    pub fn is_twin(&mut self, base: &RowId) -> bool {
        !self.0.insert(base.as_str().bytes().fold(2, |h, b| mix(h ^ u64::from(b))))
    }
}

/// What facts say of a medicine.
#[derive(Debug, Clone, PartialEq)]
pub struct DrugRange {
    /// Generic name, lower case.
    pub name: String,
    /// Unit of the doses, such as `mg`.
    pub unit: String,
    /// Largest single dose.
    pub high: f64,
}

/// Facts that text is held against.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Medicines.
    pub drugs: Vec<DrugRange>,
    /// Emergency number by country code.
    pub emergency: BTreeMap<String, String>,
    /// Terms that belong to some countries only.
    pub bound: card::CountryTerms,
}

/// How a figure compares with its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// At most the target.
    AtMost,
    /// At least the target.
    AtLeast,
    /// No target.
    Told,
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Row of the table of targets.
    pub row: u32,
    /// Name.
    pub name: String,
    /// Value.
    pub value: f64,
    /// Texts or rows that it is of.
    pub of: u64,
    /// Target.
    pub target: f64,
    /// Which side of the target is good.
    pub aim: Aim,
    /// Whether it is met; true where there is no target or nothing to measure.
    pub met: bool,
}

/// Counts of one check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckCounts {
    /// Texts looked at.
    pub checked: u64,
    /// Texts that passed strictly.
    pub strict: u64,
    /// Texts that passed loosely.
    pub loose: u64,
}

/// All figures of a dataset.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Conversations.
    pub conversations: u64,
    /// Prompts, answers, follow-ups.
    pub texts: [u64; 3],
    /// The figures.
    pub metrics: Vec<Metric>,
    /// Instructions by check.
    pub instructions: BTreeMap<String, CheckCounts>,
    /// Most common openings of prompts, answers, follow-ups, with their counts.
    pub openings: [Vec<(String, u64)>; 3],
}

impl Figures {
    /// Figures that miss their target.
    pub fn missed(&self) -> impl Iterator<Item = &Metric> {
        self.metrics.iter().filter(|m| !m.met)
    }

    /// The figure with this name.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.metrics.iter().find(|m| m.name == name).map(|m| m.value)
    }

    /// Adds a figure that is measured elsewhere.
    pub fn push(&mut self, row: u32, name: &str, value: f64, of: u64, aim: Aim, target: f64) {
        let met = match aim {
            Aim::Told => true,
            _ if of == 0 => true,
            Aim::AtMost => value <= target + 1e-9,
            Aim::AtLeast => value + 1e-9 >= target,
        };
        self.metrics.push(Metric { row, name: name.into(), value, of, target, aim, met });
    }
}

/// How often something was seen, and of how many.
#[derive(Debug, Clone, Copy, Default)]
struct Share {
    seen: u64,
    of: u64,
}

impl Share {
    fn add(&mut self, seen: bool) {
        self.seen += u64::from(seen);
        self.of += 1;
    }

    fn share(self) -> f64 {
        if self.of == 0 { 0.0 } else { self.seen as f64 / self.of as f64 }
    }
}

/// Who says a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Prompt,
    Answer,
    FollowUp,
}

/// Measures a dataset, conversation by conversation; the order does not matter.
#[derive(Debug)]
pub struct Meter {
    facts: Facts,
    conversations: u64,
    texts: [u64; 3],
    shares: BTreeMap<(u32, &'static str), Share>,
    instructions: BTreeMap<String, CheckCounts>,
    openings: [HashMap<String, u64>; 3],
    seen: [HashMap<u64, u64>; 3],
    ids: HashSet<u64>,
    sample: BTreeMap<(u64, u64), String>,
    words: Vec<u64>,
}

impl Meter {
    /// Nothing measured yet.
    pub fn new(facts: Facts) -> Self {
        Self {
            facts,
            conversations: 0,
            texts: [0; 3],
            shares: BTreeMap::new(),
            instructions: BTreeMap::new(),
            openings: Default::default(),
            seen: Default::default(),
            ids: HashSet::new(),
            sample: BTreeMap::new(),
            words: Vec::new(),
        }
    }

    fn share(&mut self, row: u32, name: &'static str, seen: bool) {
        self.shares.entry((row, name)).or_default().add(seen);
    }

    /// Takes a conversation in.
    pub fn add(&mut self, chat: &Chat<'_>) {
        self.conversations += 1;
        let id = chat.id.bytes().fold(1, |h, b| mix(h ^ u64::from(b)));
        let new = self.ids.insert(id);
        self.share(9, "ids given twice", !new);
        let turns: Vec<&Message> =
            chat.messages.iter().filter(|m| m.role != Role::System).collect();
        if turns.len() > 1 {
            let starts = turns.first().is_some_and(|m| m.role == Role::User);
            let alternate = turns.windows(2).all(|w| w[0].role != w[1].role);
            let ends = turns.last().is_some_and(|m| m.role == Role::Assistant);
            self.share(9, "roles out of order", !(starts && alternate && ends));
        }
        let mut asked_back = false;
        for (i, message) in turns.iter().enumerate() {
            let part = match (message.role, i) {
                (Role::Assistant, _) => Part::Answer,
                (_, 0) => Part::Prompt,
                _ => Part::FollowUp,
            };
            self.text(said(&message.content, part, chat), part, chat, id);
            match part {
                Part::Answer => asked_back = self.answer(&message.content, chat),
                Part::FollowUp if asked_back => {
                    // Who answers says something that is no question.
                    let said = &message.content;
                    let questions = talk::questions(said, Language::English).len();
                    let all = segment::sentences(said, Language::English).len();
                    self.share(
                        17,
                        "questions to the health worker that stay without an answer",
                        all <= questions,
                    );
                }
                _ => {}
            }
        }
    }

    /// What is measured of any text.
    fn text(&mut self, text: &str, part: Part, chat: &Chat<'_>, id: u64) {
        let place = part as usize;
        self.texts[place] += 1;
        let mut words = std::mem::take(&mut self.words);
        tokens(text, &mut words);
        let twin = part == Part::Prompt && chat.twin;
        if words.len() >= FEWEST_WORDS && !twin {
            let hash = words.iter().fold(3, |h, w| mix(h ^ w));
            *self.seen[place].entry(hash).or_default() += 1;
        }
        self.words = words;
        if !twin {
            let opening = opening(text);
            if !opening.is_empty() {
                *self.openings[place].entry(opening).or_default() += 1;
            }
        }
        let found = hygiene::check(text);
        let has = |name: &str| found.iter().any(|v| v.check == name);
        let (control, nfc) = (has(crate::CONTROL), has(crate::NOT_NFC));
        let (tag, quotes, hash) = (
            has(crate::ROLE_TAG) || has(crate::CONTROL_TOKEN),
            has(crate::WRAPPING_QUOTES),
            has(crate::HASH_HEADING),
        );
        self.share(6, "empty or blank texts", is_blank(text));
        self.share(7, "control characters and U+FFFD", control);
        self.share(7, "mojibake", is_mojibake(text));
        self.share(7, "not in form C", nfc);
        self.share(8, "role tags and control tokens", tag);
        let name = match part {
            Part::Prompt => "wrapping quotes, prompts",
            Part::Answer => "wrapping quotes, answers",
            Part::FollowUp => "wrapping quotes, follow-ups",
        };
        self.share(8, name, quotes);
        self.share(8, "### at the start of a line", hash);
        if part == Part::Prompt && !twin {
            // Chosen and ordered by the text: what a dataset is measured as does not depend on its ids.
            let hash = text.bytes().fold(6, |h, b| mix(h ^ u64::from(b)));
            self.sample.insert((hash, id), text.to_owned());
            if self.sample.len() > SAMPLE {
                self.sample.pop_last();
            }
        }
        if part != Part::Answer {
            let meta = talk::meta(text, Language::English).is_some();
            self.share(8, "text about the text", meta);
            self.card(text, chat);
        }
    }

    fn card(&mut self, text: &str, chat: &Chat<'_>) {
        if let Some(attributes) = chat.attributes {
            let wrong = card::patient(text, &attributes.card).is_some();
            self.share(15, "ages and sexes that differ from the patient's card", wrong);
        }
    }

    /// What is measured of an answer; whether it ends by asking.
    fn answer(&mut self, text: &str, chat: &Chat<'_>) -> bool {
        let situation = chat.attributes.map(|a| &a.situation);
        let asked = situation.map(crate::asked_language);
        let found = language::identify(text);
        if let Some(asked) = asked {
            self.share(12, "answers in another language", found.is_some_and(|f| f != asked));
        }
        let language = asked.or(found).unwrap_or(Language::English);
        let json = situation
            .is_some_and(|s| s.constraints().any(|c| matches!(c, Constraint::JsonObject { .. })));
        self.share(6, "answers that break off", !json && talk::cut(text, language).is_some());
        self.share(8, "text about the text", talk::meta(text, language).is_some());
        self.share(18, "filler openers", talk::opener(text, language).is_some());
        self.share(18, "offers at the end", talk::closing(text, language).is_some());
        let doses = dose::doses(text, language);
        let warned = dose::warning(text, !doses.is_empty(), language).is_some();
        if !doses.is_empty() {
            self.share(13, "doses without a warning", !warned);
        }
        if warned {
            self.share(13, "warnings without a dose", doses.is_empty());
        }
        self.ranges(text, &doses);
        if let Some(attributes) = chat.attributes {
            let country = &attributes.card.patient.country_code;
            let emergency = self.facts.emergency.get(country).map_or("", String::as_str);
            let about = card::About { card: &attributes.card, emergency, bound: &self.facts.bound };
            let foreign = card::emergency_number(text, emergency).is_some();
            let bound = card::foreign(text, &about).is_some();
            self.share(16, "laws and brands of another country", bound);
            self.share(16, "emergency numbers of another country", foreign);
        }
        let mut wanted = false;
        if let Some(situation) = situation {
            for constraint in situation.constraints() {
                wanted |= matches!(constraint, Constraint::ClarifyingQuestions { .. });
                if let Some(verdict) = verify(constraint, text, language) {
                    let counts =
                        self.instructions.entry(verify::name(constraint).to_owned()).or_default();
                    counts.checked += 1;
                    counts.strict += u64::from(verdict.strict);
                    counts.loose += u64::from(verdict.loose);
                    self.share(10, "instructions not obeyed", !verdict.strict);
                }
            }
            self.mode(text, situation.mode, language, situation);
            let mut facets: Vec<_> = situation
                .asked_styles
                .iter()
                .chain(&situation.system_styles)
                .flat_map(|s| &s.claims)
                .collect();
            let all = facets.len();
            facets.sort_unstable();
            facets.dedup();
            self.share(11, "situations with contradicting instructions", facets.len() < all);
        }
        let asks = ends_by_asking(text, language);
        if !wanted {
            self.share(17, "answers that ask unasked", asks);
        }
        asks
    }

    /// The length of an answer by mode, where the health worker did not ask for another.
    fn mode(
        &mut self,
        text: &str,
        mode: ConversationMode,
        language: Language,
        situation: &clinstruct_schema::Situation,
    ) {
        let most = match mode {
            ConversationMode::Emergency => 80,
            ConversationMode::Chat => 120,
            ConversationMode::Normal => {
                if situation.system_styles.iter().any(|s| s.id.as_str() == "short") {
                    100
                } else {
                    return;
                }
            }
        };
        let bound =
            situation.constraints().any(|c| matches!(c, Constraint::MaxWords { n } if *n <= most));
        if bound {
            self.share(
                19,
                "answers longer than their mode allows",
                segment::words(text, language) > most as usize,
            );
        }
    }

    /// Doses of known medicines, held against what is given at once at most.
    fn ranges(&mut self, text: &str, doses: &[dose::Dose]) {
        if doses.is_empty() || self.facts.drugs.is_empty() {
            return;
        }
        let lower = text.to_lowercase();
        if lower.len() != text.len() {
            return;
        }
        for said in doses {
            let amount: String = text[said.place.clone()]
                .chars()
                .take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
                .map(|c| if c == ',' { '.' } else { c })
                .collect();
            let Ok(amount) = amount.trim_end_matches('.').parse::<f64>() else { continue };
            // The medicine that is named last before the dose, in the same sentence.
            let before = &lower[..said.place.start];
            let before = before.rsplit(['\n', '।', ';']).next().unwrap_or_default();
            let before = before.rsplit(". ").next().unwrap_or_default();
            let named = self
                .facts
                .drugs
                .iter()
                .filter_map(|d| Some((before.rfind(&d.name)?, d)))
                .max_by_key(|(at, d)| (*at, d.name.len()));
            let Some((_, drug)) = named else { continue };
            if drug.unit == said.unit {
                let high = drug.high;
                // A day's dose may be several single ones.
                self.share(14, "doses above what the medicine is given in", amount > 4.0 * high);
            }
        }
    }

    /// This meter with what another one measured of other conversations.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.conversations += other.conversations;
        // Both know which ids they saw; what both saw was given twice.
        let twice = self.ids.intersection(&other.ids).count() as u64;
        for place in 0..3 {
            self.texts[place] += other.texts[place];
        }
        for (key, share) in other.shares {
            let sum = self.shares.entry(key).or_default();
            (sum.seen, sum.of) = (sum.seen + share.seen, sum.of + share.of);
        }
        for (name, counts) in other.instructions {
            let sum = self.instructions.entry(name).or_default();
            sum.checked += counts.checked;
            sum.strict += counts.strict;
            sum.loose += counts.loose;
        }
        for (mine, theirs) in self.openings.iter_mut().zip(other.openings) {
            for (opening, count) in theirs {
                *mine.entry(opening).or_default() += count;
            }
        }
        for (mine, theirs) in self.seen.iter_mut().zip(other.seen) {
            for (hash, count) in theirs {
                *mine.entry(hash).or_default() += count;
            }
        }
        if let Some(share) = self.shares.get_mut(&(9, "ids given twice")) {
            share.seen += twice;
        }
        self.ids.extend(other.ids);
        self.sample.extend(other.sample);
        while self.sample.len() > SAMPLE {
            self.sample.pop_last();
        }
        self
    }

    /// All figures.
    pub fn finish(self) -> Figures {
        let mut figures =
            Figures { conversations: self.conversations, texts: self.texts, ..Figures::default() };
        let names = ["prompts", "answers", "follow-ups"];
        for (place, name) in names.iter().enumerate() {
            let twice: u64 = self.seen[place].values().map(|n| n - 1).sum();
            figures.push(
                2,
                &format!("texts said twice, {name}"),
                twice as f64,
                self.texts[place],
                Aim::AtMost,
                0.0,
            );
        }
        let most = [0.05, 0.08, 0.08];
        for (place, name) in names.iter().enumerate() {
            let total: u64 = self.openings[place].values().sum();
            let mut all: Vec<(String, u64)> =
                self.openings[place].iter().map(|(o, n)| (o.clone(), *n)).collect();
            all.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            all.truncate(TOP);
            let top: u64 = all.iter().map(|(_, n)| n).sum();
            let share = if total == 0 { 0.0 } else { top as f64 / total as f64 };
            // Of a few rows ten openings are always a large share.
            let aim = if total < 500 { Aim::Told } else { Aim::AtMost };
            figures.push(
                4,
                &format!("share of the ten most common openings, {name}"),
                share,
                total,
                aim,
                most[place],
            );
            figures.openings[place] = all;
        }
        let sample: Vec<&str> = self.sample.values().map(String::as_str).collect();
        let of = sample.len() as u64;
        let full = if sample.len() < SAMPLE { Aim::Told } else { Aim::AtLeast };
        figures.push(5, "distinct-2 of prompts", distinct(&sample), of, full, 0.5);
        let full = if sample.len() < SAMPLE { Aim::Told } else { Aim::AtMost };
        figures.push(5, "zlib ratio of prompts", zlib_ratio(&sample), of, full, 3.0);
        for ((row, name), share) in &self.shares {
            let most = match (row, *name) {
                (10 | 14 | 18, _) => 0.01,
                (12, _) => 0.005,
                (17, "answers that ask unasked") => 0.05,
                (17 | 19, _) => 0.02,
                _ => 0.0,
            };
            figures.push(*row, name, share.share(), share.of, Aim::AtMost, most);
        }
        figures.metrics.sort_by_key(|m| m.row);
        figures.instructions = self.instructions;
        figures
    }
}

/// A message without the styles that were put behind the prompt.
fn said<'a>(text: &'a str, part: Part, chat: &Chat<'_>) -> &'a str {
    let style = chat.attributes.and_then(|a| a.situation.asked_styles.first());
    match style.filter(|_| part == Part::Prompt) {
        Some(style) => text.rfind(&style.text).map_or(text, |at| text[..at].trim_end()),
        None => text,
    }
}

/// The first four words, lower case, without marks.
fn opening(text: &str) -> String {
    let mut words = text
        .split_whitespace()
        .map(|w| {
            w.trim_matches(|c: char| !c.is_alphanumeric() && !('\u{900}'..='\u{e7f}').contains(&c))
        })
        .filter(|w| !w.is_empty())
        .map(str::to_lowercase);
    let first: Vec<String> = words.by_ref().take(OPENING).collect();
    // Thai sets no spaces between words: four would be four clauses.
    let text = first.join(" ");
    if text.contains(|c| ('\u{e00}'..='\u{e7f}').contains(&c)) {
        text.chars().take(24).collect()
    } else {
        text
    }
}

/// Whether the last sentence of prose is a question.
fn ends_by_asking(text: &str, language: Language) -> bool {
    let Some(last) = segment::last_sentence(text, language) else { return false };
    !talk::questions(&text[last], language).is_empty()
}

/// Whether nothing of a text can be seen.
fn is_blank(text: &str) -> bool {
    let unseen = |c| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}');
    text.chars().all(|c| c.is_whitespace() || c.is_control() || unseen(c))
}

/// UTF-8 that was read as Latin-1 or Windows-1252.
fn is_mojibake(text: &str) -> bool {
    if text.is_ascii() {
        return false;
    }
    [
        "Ã©", "Ã¨", "Ã¼", "Ã¶", "Ã¤", "Ã±", "Ã§", "Ã³", "Ã¡", "â€™", "â€œ", "â€“", "â€”", "Â°",
        "Â ", "à¤", "à¸",
    ]
    .iter()
    .any(|m| text.contains(m))
}

/// Different pairs of words by all pairs of words. A compound such as `35-year-old` is one word, as common
/// tokenizers of English have it.
fn distinct(texts: &[&str]) -> f64 {
    let (mut all, mut total) = (HashSet::new(), 0_u64);
    for text in texts {
        let lower = text.to_lowercase();
        let words: Vec<u64> = lower
            .split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '\'' | '’')))
            .map(|w| w.trim_matches(['-', '\'', '’']))
            .filter(|w| !w.is_empty())
            .map(|w| w.bytes().fold(5, |h, b| mix(h ^ u64::from(b))))
            .collect();
        for pair in words.windows(2) {
            total += 1;
            all.insert(mix(pair[0]) ^ pair[1]);
        }
    }
    if total == 0 { 1.0 } else { all.len() as f64 / total as f64 }
}

/// Bytes by bytes that zlib makes of them.
fn zlib_ratio(texts: &[&str]) -> f64 {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let mut bytes = 0;
    for text in texts {
        bytes += text.len() + 1;
        // Writing to memory does not fail.
        let _ = encoder.write_all(text.as_bytes()).and_then(|()| encoder.write_all(b"\n"));
    }
    let packed = encoder.finish().map_or(1, |p| p.len().max(1));
    bytes as f64 / packed as f64
}
