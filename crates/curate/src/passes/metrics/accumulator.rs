//! Counts while rows are read, and computes the metrics at the end.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use clinstruct_quality::checks::{filler_opener, offer_at_the_end};
use clinstruct_quality::dose::Unit;
use clinstruct_quality::{
    CONTROL, CONTROL_TOKEN, HASH_HEADING, NOT_NFC, ROLE_TAG, Turn, WRAPPING_QUOTES, card, compare,
    dose, hygiene, identify, name, segment, talk, verify,
};
use clinstruct_schema::summary::{InstructionCounts, MetricId, Metrics, TextKind};
use clinstruct_schema::{Constraint, ConversationMode, Language, Message, Role, Situation};

use super::texts::{
    distinct, ends_by_asking, is_blank, is_mojibake, opening, without_styles, zlib_ratio,
};
use super::{ENOUGH_TEXTS, FEWEST_WORDS, Facts, SAMPLE, TOP, target};
use crate::Row;
use crate::tokens::{mix, tokens};

/// A number of hits and a total.
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

/// Measures a dataset row by row, in any order.
///
/// Several can measure disjoint rows, on any number of threads; [`MetricsAccumulator::and`] merges them.
#[derive(Debug)]
pub struct MetricsAccumulator {
    facts: Facts,
    conversations: u64,
    texts: [u64; 3],
    shares: BTreeMap<(MetricId, Option<TextKind>), Share>,
    instructions: BTreeMap<String, InstructionCounts>,
    openings: [HashMap<String, u64>; 3],
    seen: [HashMap<u64, u64>; 3],
    ids: HashSet<u64>,
    sample: BTreeMap<(u64, u64), String>,
    words: Vec<u64>,
}

impl MetricsAccumulator {
    /// No measurements yet.
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

    fn share(&mut self, id: MetricId, seen: bool) {
        self.shares.entry((id, None)).or_default().add(seen);
    }

    /// Measures a conversation.
    pub fn add(&mut self, row: &Row<'_>) {
        self.conversations += 1;
        let id = row.id.bytes().fold(1, |h, b| mix(h ^ u64::from(b)));
        let new = self.ids.insert(id);
        self.share(MetricId::DuplicateIds, !new);
        let turns: Vec<&Message> = row.messages.iter().filter(|m| m.role != Role::System).collect();
        if turns.len() > 1 {
            let starts = turns.first().is_some_and(|m| m.role == Role::User);
            let alternate = turns.windows(2).all(|w| w[0].role != w[1].role);
            let ends = turns.last().is_some_and(|m| m.role == Role::Assistant);
            self.share(MetricId::RoleOrder, !(starts && alternate && ends));
        }
        let mut asked_back = false;
        for (_, kind, message) in row.texts() {
            self.text(without_styles(&message.content, kind, row), kind, row, id);
            match kind {
                TextKind::Answer => asked_back = self.answer(&message.content, row),
                TextKind::FollowUp if asked_back => {
                    // A reply that contains a statement, not only questions.
                    let said = &message.content;
                    let questions = talk::questions(said, Language::English).len();
                    let all = segment::sentences(said, Language::English).len();
                    self.share(MetricId::UnansweredQuestions, all <= questions);
                }
                _ => {}
            }
        }
    }

    /// Measures any text.
    fn text(&mut self, text: &str, kind: TextKind, row: &Row<'_>, id: u64) {
        let place = kind as usize;
        self.texts[place] += 1;
        let mut words = std::mem::take(&mut self.words);
        tokens(text, &mut words);
        let variant = kind == TextKind::Prompt && row.variant;
        if words.len() >= FEWEST_WORDS && !variant {
            let hash = words.iter().fold(3, |h, w| mix(h ^ w));
            *self.seen[place].entry(hash).or_default() += 1;
        }
        self.words = words;
        if !variant {
            let opening = opening(text);
            if !opening.is_empty() {
                *self.openings[place].entry(opening).or_default() += 1;
            }
        }
        let found = hygiene::check(text);
        let has = |name: &str| found.iter().any(|v| v.check == name);
        let (control, nfc) = (has(CONTROL), has(NOT_NFC));
        let (tag, quotes, hash) =
            (has(ROLE_TAG) || has(CONTROL_TOKEN), has(WRAPPING_QUOTES), has(HASH_HEADING));
        self.share(MetricId::BlankTexts, is_blank(text));
        self.share(MetricId::ControlCharacters, control);
        self.share(MetricId::Mojibake, is_mojibake(text));
        self.share(MetricId::NotNfc, nfc);
        self.share(MetricId::ControlTokens, tag);
        self.shares.entry((MetricId::WrappingQuotes, Some(kind))).or_default().add(quotes);
        self.share(MetricId::HashHeadings, hash);
        if kind == TextKind::Prompt && !variant {
            // Sampled and ordered by text, so that the metrics do not depend on ids.
            let hash = text.bytes().fold(6, |h, b| mix(h ^ u64::from(b)));
            self.sample.insert((hash, id), text.to_owned());
            if self.sample.len() > SAMPLE {
                self.sample.pop_last();
            }
        }
        if kind != TextKind::Answer {
            let meta = talk::meta(text, Language::English).is_some();
            self.share(MetricId::MetaCommentary, meta);
            self.card(text, row);
        }
    }

    fn card(&mut self, text: &str, row: &Row<'_>) {
        if let Some(attributes) = row.attributes {
            let wrong = compare::patient(text, &attributes.card).is_some();
            self.share(MetricId::OtherPatient, wrong);
        }
    }

    /// Measures an answer; returns whether it ends with a question.
    fn answer(&mut self, text: &str, row: &Row<'_>) -> bool {
        let situation = row.attributes.map(|a| &a.situation);
        let asked = situation.map(Situation::language);
        let found = identify(text);
        if let Some(asked) = asked {
            self.share(MetricId::OtherLanguage, found.is_some_and(|f| f != asked));
        }
        let language = asked.or(found).unwrap_or(Language::English);
        let json = situation
            .is_some_and(|s| s.constraints().any(|c| matches!(c, Constraint::JsonObject { .. })));
        self.share(MetricId::TruncatedAnswers, !json && talk::cut(text, language).is_some());
        self.share(MetricId::MetaCommentary, talk::meta(text, language).is_some());
        // A greeting is no filler where the style asks for warmth: the check knows the style.
        let instructions = situation.into_iter().flat_map(Situation::constraints).collect();
        let turn = Turn { language, instructions, ..Turn::answer(text) };
        self.share(MetricId::FillerOpeners, !filler_opener::CHECK.find(&turn).is_empty());
        self.share(MetricId::ClosingOffers, !offer_at_the_end::CHECK.find(&turn).is_empty());
        let doses = dose::find(text, language);
        if !doses.stated.is_empty() {
            self.share(MetricId::DosesWithoutWarning, doses.unwarned.is_some());
        }
        if doses.warning.is_some() {
            self.share(MetricId::WarningsWithoutDose, doses.stated.is_empty());
        }
        self.ranges(text, &doses.stated);
        if let Some(attributes) = row.attributes {
            let country = &attributes.card.patient.country_code;
            let emergency = self.facts.emergency.get(country).map_or("", String::as_str);
            let about = card::About {
                card: &attributes.card,
                emergency,
                country_terms: &self.facts.country_terms,
            };
            let foreign = compare::emergency_number(text, emergency).is_some();
            let bound = compare::foreign(text, &about).is_some();
            self.share(MetricId::OtherCountryTerms, bound);
            self.share(MetricId::OtherEmergencyNumber, foreign);
        }
        let mut wanted = false;
        if let Some(situation) = situation {
            for constraint in situation.constraints() {
                wanted |= matches!(
                    constraint,
                    Constraint::ClarifyingQuestions { .. } | Constraint::OneStep
                );
                if let Some(verdict) = verify(constraint, text, language) {
                    let counts = self.instructions.entry(name(constraint).to_owned()).or_default();
                    counts.checked += 1;
                    counts.strict += u64::from(verdict.strict);
                    counts.loose += u64::from(verdict.loose);
                    self.share(MetricId::InstructionsNotFollowed, !verdict.strict);
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
            self.share(MetricId::ContradictingInstructions, facets.len() < all);
        }
        let asks = ends_by_asking(text, language);
        if !wanted {
            self.share(MetricId::UnsolicitedQuestions, asks);
        }
        asks
    }

    /// Measures the length of an answer against its mode, unless the health worker asked for another length.
    fn mode(
        &mut self,
        text: &str,
        mode: ConversationMode,
        language: Language,
        situation: &Situation,
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
            self.share(MetricId::OverlongAnswers, segment::words(text, language) > most as usize);
        }
    }

    /// Doses compared with the largest single dose of the medicine that they belong to, where that is known.
    fn ranges(&mut self, text: &str, doses: &[dose::Dose]) {
        for stated in doses.iter().filter(|dose| !dose.per_weight) {
            let Some(place) = &stated.medicine else { continue };
            let high = self.facts.drugs.iter().find_map(|drug| {
                let unit = Unit::of_fact(&drug.unit)?;
                let scale = stated.unit.in_unit(unit)?;
                is_named(text, place, &drug.name).then_some(drug.high / scale)
            });
            let Some(high) = high else { continue };
            // A day's dose may be several single ones.
            self.share(MetricId::DosesAboveRange, stated.amount > 4.0 * high);
        }
    }

    /// Merges the measurements of other rows.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.conversations += other.conversations;
        // Both know their ids; one that both have is a duplicate.
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
        if let Some(share) = self.shares.get_mut(&(MetricId::DuplicateIds, None)) {
            share.seen += twice;
        }
        self.ids.extend(other.ids);
        self.sample.extend(other.sample);
        while self.sample.len() > SAMPLE {
            self.sample.pop_last();
        }
        self
    }

    /// Adds all metrics to `metrics`.
    pub fn finish(self, metrics: &mut Metrics) {
        metrics.conversations = self.conversations;
        metrics.texts = self.texts;
        for (place, kind) in TextKind::ALL.into_iter().enumerate() {
            let subject = Some(kind.plural());
            let repeated: u64 = self.seen[place].values().map(|n| n - 1).sum();
            let id = MetricId::ExactDuplicates;
            metrics.push(id, subject, repeated as f64, self.texts[place], target(id, Some(kind)));

            let total: u64 = self.openings[place].values().sum();
            let mut all: Vec<(String, u64)> =
                self.openings[place].iter().map(|(o, n)| (o.clone(), *n)).collect();
            all.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            all.truncate(TOP);
            let top: u64 = all.iter().map(|(_, n)| n).sum();
            let share = if total == 0 { 0.0 } else { top as f64 / total as f64 };
            let id = MetricId::TopOpenings;
            // In a few texts, ten openings always have a large share.
            let target = target(id, Some(kind)).only_if(total >= ENOUGH_TEXTS);
            metrics.push(id, subject, share, total, target);
            metrics.openings[place] = all;
        }
        let sample: Vec<&str> = self.sample.values().map(String::as_str).collect();
        let full = |id| target(id, None).only_if(sample.len() >= SAMPLE);
        let of = sample.len() as u64;
        let pairs = MetricId::DistinctPairs;
        metrics.push(pairs, None, distinct(&sample), of, full(pairs));
        let zlib = MetricId::ZlibRatio;
        metrics.push(zlib, None, zlib_ratio(&sample), of, full(zlib));
        for ((id, kind), share) in &self.shares {
            let subject = kind.map(TextKind::plural);
            metrics.push(*id, subject, share.share(), share.of, target(*id, *kind));
        }
        metrics.instructions = self.instructions;
    }
}

/// Whether the word at a place begins or ends the name of a medicine that stands there: `amoxicilline` and
/// `folic acid` do.
fn is_named(text: &str, place: &Range<usize>, name: &str) -> bool {
    let same = |part: Option<&str>| part.is_some_and(|part| part.to_lowercase() == name);
    // An ending of another language is no other medicine; a longer word is, as is one of several names.
    let begins = same(text.get(place.start..place.start + name.len()))
        && place.end <= place.start + name.len() + 1;
    begins || same(place.end.checked_sub(name.len()).and_then(|from| text.get(from..place.end)))
}
