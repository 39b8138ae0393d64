//! Counts while rows are read, and computes the metrics at the end.

mod across;
mod cases;
mod disclosure;
mod doses;
mod first;
mod statements;

use std::collections::BTreeMap;

use clinstruct_quality::case::Reader;
use clinstruct_quality::checks::{filler_opener, offer_at_the_end};
use clinstruct_quality::{
    CONTROL, CONTROL_TOKEN, Check, HASH_HEADING, NOT_NFC, ROLE_TAG, Turn, WRAPPING_QUOTES, card,
    compare, dose, hygiene, identify, name, segment, talk, verify,
};
use clinstruct_schema::summary::{
    InstructionCounts, Measured, MetricId, Metrics, Property, TextKind, Unmeasured,
};
use clinstruct_schema::{
    Constraint, ConversationMode, Language, Message, Register, Role, Situation,
};

use across::Across;
use disclosure::Disclosure;
use statements::Statements;

use super::every::{Every, Faults};
use super::faults::{Place, Seen, Tally};
use super::texts::{
    distinct, ends_by_asking, is_blank, mojibake, opening, spoken, without_styles, zlib_ratio,
};
use super::{FEWEST_WORDS, Facts, LISTED, SAMPLE, target};
use crate::spill::Spill;
use crate::tokens::{mix, tokens};
use crate::{Result, Row};

/// Measures a dataset row by row, in any order.
///
/// Several can measure disjoint rows, on any number of threads; [`MetricsAccumulator::and`] merges them.
#[derive(Debug)]
pub struct MetricsAccumulator {
    facts: Facts,
    conversations: u64,
    texts: [u64; 3],
    shares: BTreeMap<(MetricId, Option<TextKind>), Tally>,
    /// A metric of which all faults are kept.
    every: Option<Every>,
    /// What no code can tell, with the texts or conversations that it is about.
    unmeasured: BTreeMap<(Property, String), u64>,
    /// Conversations of more than one turn.
    longer: u64,
    instructions: BTreeMap<String, InstructionCounts>,
    across: Across,
    sample: BTreeMap<(u64, u64), String>,
    words: Vec<u64>,
    statements: Statements,
    disclosure: Disclosure,
}

impl MetricsAccumulator {
    /// No measurements yet.
    pub fn new(facts: Facts) -> Self {
        Self {
            facts,
            conversations: 0,
            texts: [0; 3],
            shares: BTreeMap::new(),
            every: None,
            unmeasured: BTreeMap::new(),
            longer: 0,
            instructions: BTreeMap::new(),
            across: Across::new(&Spill::in_memory(), usize::MAX),
            sample: BTreeMap::new(),
            words: Vec::new(),
            statements: Statements::default(),
            disclosure: Disclosure::default(),
        }
    }

    /// Keeps what does not fit into the memory of `spill` in its files. Call it first; so many accumulators share it.
    #[must_use]
    pub fn with_spill(self, spill: &Spill, accumulators: usize) -> Self {
        let limit = spill.share(16 * accumulators.max(1));
        let every = self.every.map(|every| Every::new(every.id, spill, limit));
        Self { across: Across::new(spill, limit), every, ..self }
    }

    /// Lists all faults that this metric finds, rather than naming the first rows.
    #[must_use]
    pub fn with_every_fault_of(mut self, id: MetricId) -> Self {
        self.every = Some(Every::new(id, &Spill::in_memory(), usize::MAX));
        self
    }

    /// Whether [`MetricsAccumulator::faults`] can name the faults of a metric.
    pub fn names_faults_of(id: MetricId) -> bool {
        let more = [
            MetricId::WrappingQuotes,
            MetricId::ExactDuplicates,
            MetricId::CaseContradictions,
            MetricId::AddedFacts,
            MetricId::DerailedTurns,
            MetricId::AgeFirst,
            MetricId::OwnCountry,
        ];
        LISTED.contains(&id) || more.contains(&id)
    }

    fn share(&mut self, id: MetricId, at: Place<'_>, seen: impl Into<Seen>) {
        self.noted((id, None), at, seen.into(), "");
    }

    fn noted(
        &mut self,
        key: (MetricId, Option<TextKind>),
        at: Place<'_>,
        seen: Seen,
        detail: &str,
    ) {
        self.shares.entry(key).or_default().add(at, &seen);
        let span = match seen {
            Seen::No => return,
            Seen::Somewhere => None,
            Seen::At(span) => Some(span),
        };
        if let Some(every) = self.every_of(key.0) {
            every.add(at, at.fault(span, detail));
        }
    }

    fn repeatable(&mut self, id: MetricId, hash: u64, at: Place<'_>) {
        if let Some(every) = self.every_of(id) {
            every.add_equal(hash, at);
        }
    }

    /// The list of a metric, if it is the one whose faults are listed.
    fn every_of(&mut self, id: MetricId) -> Option<&mut Every> {
        self.every.as_mut().filter(|every| every.id == id)
    }

    fn unmeasured(&mut self, property: Property, subject: &str) {
        *self.unmeasured.entry((property, subject.to_owned())).or_default() += 1;
    }

    /// Measures a conversation.
    ///
    /// # Errors
    /// A temporary file that cannot be written.
    pub fn add(&mut self, row: &Row<'_>) -> Result<()> {
        self.conversations += 1;
        let id = row.id.bytes().fold(1, |h, b| mix(h ^ u64::from(b)));
        self.across.id(id)?;
        // Which ids are duplicates is known at the end.
        self.shares.entry((MetricId::DuplicateIds, None)).or_default().count(false);
        let text = row.messages.first().map_or("", |m| m.content.as_str());
        let whole = Place { row, message: 0, text };
        self.repeatable(MetricId::DuplicateIds, id, whole);
        if let Some(attributes) = row.attributes {
            let situation = &attributes.situation;
            for register in [situation.assistant_register, situation.user_register] {
                if register != Register::Standard {
                    self.unmeasured(Property::Register, register.as_str());
                }
            }
        }
        let turns: Vec<&Message> = row.messages.iter().filter(|m| m.role != Role::System).collect();
        if turns.len() > 1 {
            let starts = turns.first().is_some_and(|m| m.role == Role::User);
            let alternate = turns.windows(2).all(|w| w[0].role != w[1].role);
            let ends = turns.last().is_some_and(|m| m.role == Role::Assistant);
            self.share(MetricId::RoleOrder, whole, !(starts && alternate && ends));
        }
        let mut asked_back = false;
        let mut longer = false;
        for (index, kind, message) in row.texts() {
            let at = Place { row, message: index, text: &message.content };
            let text = without_styles(&message.content, kind, row);
            self.text(Place { text: &text, ..at }, kind, id)?;
            longer |= kind == TextKind::FollowUp;
            match kind {
                TextKind::Answer => asked_back = self.answer(at),
                TextKind::FollowUp if asked_back => {
                    // A reply that contains a statement, not only questions.
                    let said = &message.content;
                    let language = spoken(row, said);
                    let questions = talk::questions(said, language).len();
                    let all = segment::sentences(said, language).len();
                    self.share(MetricId::UnansweredQuestions, at, all <= questions);
                }
                _ => {}
            }
        }
        self.longer += u64::from(longer);
        self.case(row, whole);
        self.statements.add(row);
        self.disclosure.add(row);
        Ok(())
    }

    /// Measures any text.
    fn text(&mut self, at: Place<'_>, kind: TextKind, id: u64) -> Result<()> {
        let Place { text, row, .. } = at;
        self.texts[kind as usize] += 1;
        let mut words = std::mem::take(&mut self.words);
        tokens(text, &mut words);
        let variant = kind == TextKind::Prompt && row.variant;
        if words.len() >= FEWEST_WORDS && !variant {
            let hash = words.iter().fold(3, |h, w| mix(h ^ w));
            self.across.text(kind, hash)?;
            self.repeatable(MetricId::ExactDuplicates, hash ^ kind as u64, at);
        }
        self.words = words;
        if !variant {
            let opening = opening(text);
            if !opening.is_empty() {
                self.across.opening(kind, opening)?;
            }
        }
        let found = hygiene::check(text);
        let find = |names: &[&str]| {
            let first = found.iter().find(|v| names.contains(&v.check));
            first.map_or(Seen::No, |v| v.span.clone().map_or(Seen::Somewhere, Seen::At))
        };
        self.share(MetricId::BlankTexts, at, is_blank(text));
        self.share(MetricId::ControlCharacters, at, find(&[CONTROL]));
        self.share(MetricId::Mojibake, at, mojibake(text));
        self.share(MetricId::NotNfc, at, find(&[NOT_NFC]));
        self.share(MetricId::ControlTokens, at, find(&[ROLE_TAG, CONTROL_TOKEN]));
        self.noted((MetricId::WrappingQuotes, Some(kind)), at, find(&[WRAPPING_QUOTES]), "");
        self.share(MetricId::HashHeadings, at, find(&[HASH_HEADING]));
        if kind == TextKind::Prompt && !variant {
            // Sampled and ordered by text, so that the metrics do not depend on ids.
            let hash = text.bytes().fold(6, |h, b| mix(h ^ u64::from(b)));
            self.sample.insert((hash, id), text.to_owned());
            if self.sample.len() > SAMPLE {
                self.sample.pop_last();
            }
        }
        if kind != TextKind::Answer {
            let language = spoken(row, text);
            if kind == TextKind::Prompt {
                self.share(MetricId::SeveralQuestions, at, talk::second_question(text, language));
                self.first_message(at);
            }
            // A text to translate is in the language of its reader.
            if row.attributes.is_some_and(|a| !a.situation.translates) {
                let found = identify(text).filter(|found| *found != language);
                self.share(MetricId::OtherLanguage, at, found.is_some());
            }
            self.share(MetricId::MetaCommentary, at, talk::meta_of_user(text, language));
            self.card(at);
        }
        Ok(())
    }

    /// Measures an answer; returns whether it ends with a question.
    fn answer(&mut self, at: Place<'_>) -> bool {
        let Place { text, row, .. } = at;
        let situation = row.attributes.map(|a| &a.situation);
        let spoken = row.messages.iter().take(at.message).filter(|m| m.role != Role::System);
        let number = Situation::turn_of(spoken.count());
        let asked = situation.map(|s| s.language_at(number));
        let found = identify(text);
        let translates = situation.is_some_and(|situation| situation.translates);
        if let Some(asked) = asked.filter(|_| !translates) {
            self.share(MetricId::OtherLanguage, at, found.is_some_and(|f| f != asked));
        }
        let language = asked.or(found).unwrap_or(Language::English);
        let json = situation.is_some_and(|s| {
            s.constraints_at(number).any(|c| matches!(c, Constraint::JsonObject { .. }))
        });
        let reader = Reader::new(text);
        let cut = if json { None } else { talk::cut_in(&reader, language) };
        self.share(MetricId::TruncatedAnswers, at, cut);
        self.share(MetricId::MetaCommentary, at, talk::meta(text, language));
        // A greeting is no filler where the style asks for warmth: the check knows the style.
        let instructions = situation.into_iter().flat_map(|s| s.constraints_at(number)).collect();
        let lay = situation.is_some_and(|s| s.persona.is_some());
        let turn = Turn { language, instructions, lay, ..Turn::answer(text) };
        let first =
            |check: &Check| check.find_in(&turn, &reader).into_iter().next().and_then(|v| v.span);
        self.share(MetricId::FillerOpeners, at, first(&filler_opener::CHECK));
        self.share(MetricId::ClosingOffers, at, first(&offer_at_the_end::CHECK));
        let case = row.attributes.and_then(|a| a.case.as_ref());
        let taken = case.map(|case| case.medicines.as_slice());
        let doses = dose::find_new(text, language, taken.unwrap_or_default());
        // Somebody at home verifies no dose, and is asked what matters.
        if !doses.stated.is_empty() && !lay {
            let unwarned = doses.unwarned.as_ref().map(|dose| dose.place.clone());
            self.share(MetricId::DosesWithoutWarning, at, unwarned);
        }
        if let Some(warning) = doses.warning.clone().filter(|_| !lay) {
            let states = || !dose::find(text, language).stated.is_empty();
            let alone = Some(warning).filter(|_| doses.stated.is_empty() && !states());
            self.share(MetricId::WarningsWithoutDose, at, alone);
        }
        self.ranges(at, &doses.stated);
        if let Some((attributes, care)) = row.attributes.and_then(|a| Some((a, a.place()?))) {
            let emergency = self.facts.emergency.get(&care.country_code);
            let emergency = emergency.map_or("", String::as_str);
            let about = card::About {
                case: attributes.case.as_ref(),
                place: &care,
                emergency,
                country_terms: &self.facts.country_terms,
            };
            let place = |found: Option<(String, _)>| found.map(|(_, place)| place);
            let foreign = place(compare::emergency_number(text, emergency));
            let bound = place(compare::foreign(text, &about));
            self.share(MetricId::OtherCountryTerms, at, bound);
            self.share(MetricId::OtherEmergencyNumber, at, foreign);
        }
        // What the first message leaves out is asked for.
        let mut wanted = lay || situation.is_some_and(|s| s.withholds && number == 1);
        if let Some(situation) = situation {
            for constraint in situation.constraints_at(number) {
                wanted |= matches!(
                    constraint,
                    Constraint::ClarifyingQuestions { .. } | Constraint::OneStep
                );
                if let Some(verdict) = verify(constraint, text, language) {
                    let counts = self.instructions.entry(name(constraint).to_owned()).or_default();
                    counts.checked += 1;
                    counts.strict += u64::from(verdict.strict);
                    counts.loose += u64::from(verdict.loose);
                    let seen = match (verdict.strict, verdict.span) {
                        (true, _) => Seen::No,
                        (false, None) => Seen::Somewhere,
                        (false, Some(span)) => Seen::At(span),
                    };
                    let detail = if verdict.strict {
                        String::new()
                    } else {
                        format!("{}: {}", name(constraint), verdict.seen)
                    };
                    self.noted((MetricId::InstructionsNotFollowed, None), at, seen, &detail);
                } else if let Constraint::Judged { aspect } = constraint {
                    self.unmeasured(Property::JudgedStyle, aspect);
                } else {
                    self.unmeasured(Property::UndecidedInstruction, name(constraint));
                }
            }
            for style in situation.asked_styles.iter().chain(&situation.system_styles) {
                if style.constraints.is_empty() {
                    self.unmeasured(Property::UncheckedStyle, style.id.as_str());
                }
            }
            self.mode(at, number, situation.mode, language, situation);
            let mut facets: Vec<_> = situation
                .asked_styles
                .iter()
                .chain(&situation.system_styles)
                .flat_map(|s| &s.claims)
                .collect();
            let all = facets.len();
            facets.sort_unstable();
            facets.dedup();
            self.share(MetricId::ContradictingInstructions, at, facets.len() < all);
        }
        let asks = ends_by_asking(text, language);
        if !wanted {
            self.share(MetricId::UnsolicitedQuestions, at, asks);
        }
        asks
    }

    /// Measures the length of an answer against its mode, unless the health worker asked for another length.
    fn mode(
        &mut self,
        at: Place<'_>,
        number: u32,
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
        let bound = situation
            .constraints_at(number)
            .any(|c| matches!(c, Constraint::MaxWords { n } if *n <= most));
        if bound {
            let long = segment::words(at.text, language) > most as usize;
            self.share(MetricId::OverlongAnswers, at, long);
        }
    }

    /// Merges the measurements of other rows.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.conversations += other.conversations;
        for place in 0..3 {
            self.texts[place] += other.texts[place];
        }
        for (key, tally) in other.shares {
            self.shares.entry(key).or_default().join(tally);
        }
        for (key, count) in other.unmeasured {
            *self.unmeasured.entry(key).or_default() += count;
        }
        self.longer += other.longer;
        if let (Some(every), Some(others)) = (&mut self.every, other.every) {
            every.join(others);
        }
        for (name, counts) in other.instructions {
            let sum = self.instructions.entry(name).or_default();
            sum.checked += counts.checked;
            sum.strict += counts.strict;
            sum.loose += counts.loose;
        }
        self.across.join(other.across);
        self.statements.join(other.statements);
        self.disclosure.join(&other.disclosure);
        self.sample.extend(other.sample);
        while self.sample.len() > SAMPLE {
            self.sample.pop_last();
        }
        self
    }

    /// The faults of the metric whose faults are listed, in the order of their rows; `None` if there is no such metric. They can be
    /// taken once.
    ///
    /// # Errors
    /// Temporary files that cannot be written or read.
    pub fn faults(&mut self) -> Result<Option<Faults>> {
        self.every.take().map(Every::faults).transpose()
    }

    /// Adds all metrics to `metrics`.
    ///
    /// # Errors
    /// Temporary files that cannot be read.
    pub fn finish(mut self, metrics: &mut Metrics) -> Result<()> {
        metrics.conversations = self.conversations;
        metrics.texts = self.texts;
        let repeated = self.across.finish(metrics, self.texts)?;
        if let Some(share) = self.shares.get_mut(&(MetricId::DuplicateIds, None)) {
            share.seen = repeated;
        }
        self.statements.finish(metrics);
        self.disclosure.finish(metrics);
        let sample: Vec<&str> = self.sample.values().map(String::as_str).collect();
        let of = sample.len() as u64;
        for (id, value) in [
            (MetricId::DistinctPairs, distinct(&sample)),
            (MetricId::ZlibRatio, zlib_ratio(&sample)),
        ] {
            metrics.push(id, None, Measured::Value { value, of }, target(id, None));
        }
        let by_kind = TextKind::ALL.map(|kind| (MetricId::WrappingQuotes, Some(kind)));
        for key in LISTED.into_iter().map(|id| (id, None)).chain(by_kind) {
            self.shares.entry(key).or_default();
        }
        for ((id, kind), tally) in &self.shares {
            let subject = kind.map(TextKind::plural);
            let measured = Measured::Counted { count: tally.seen, of: tally.of };
            metrics.push_with_rows(*id, subject, measured, target(*id, *kind), tally.ids());
        }
        let unmeasured = self.unmeasured.into_iter();
        metrics.unmeasured = unmeasured
            .map(|((property, subject), of)| Unmeasured { property, subject: Some(subject), of })
            .collect();
        let answers = self.texts[TextKind::Answer as usize];
        for property in Property::FOR_A_JUDGE {
            let of = if property == Property::TopicDrift { self.longer } else { answers };
            if of > 0 {
                metrics.unmeasured.push(Unmeasured { property, subject: None, of });
            }
        }
        metrics.instructions = self.instructions;
        Ok(())
    }
}
