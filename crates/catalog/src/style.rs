use std::fmt;

use clinstruct_schema::{
    Constraint, ConversationMode, Facet, Instruction, Language, Meaning, Pattern, Register, Slug,
    Speaker, Style, StylePlace,
};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use toml::Spanned;

/// A group of answer styles.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Slug.
    pub id: Slug,
    /// Relative frequency.
    pub weight: f64,
}

/// Values of `{n}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Count {
    Fixed(u32),
    Range { from: u32, to: u32, step: u32 },
}

/// A position for which a wording can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WordingPlace {
    /// The start of a message.
    Start,
    /// Between two sentences.
    Inside,
    /// The end of a message.
    End,
    /// Messages after the first.
    Later,
}

/// One way to ask for an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    /// The text; it has `{n}` once if the option has counts.
    pub text: Pattern,
    /// Where it reads well; empty: everywhere.
    pub at: Vec<WordingPlace>,
    /// Modes in which it is said; empty: all.
    pub modes: Vec<ConversationMode>,
    /// Levels of speech of those who say it; empty: all.
    pub registers: Vec<Register>,
    /// Whether its own words make it hold for every answer.
    pub every: bool,
}

impl Wording {
    /// A wording for all occasions.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: Pattern(text.into()),
            at: Vec::new(),
            modes: Vec::new(),
            registers: Vec::new(),
            every: false,
        }
    }

    /// Whether it can be said at this place, in the first or a later message.
    #[inline]
    pub fn fits(
        &self,
        place: StylePlace,
        later: bool,
        mode: ConversationMode,
        register: Register,
    ) -> bool {
        let place = match place {
            StylePlace::Start => WordingPlace::Start,
            StylePlace::Inside => WordingPlace::Inside,
            StylePlace::Last | StylePlace::End => WordingPlace::End,
        };
        let at = |p| self.at.is_empty() || self.at.contains(&p);
        at(place)
            && (!later || at(WordingPlace::Later))
            && (self.modes.is_empty() || self.modes.contains(&mode))
            && (self.registers.is_empty() || self.registers.contains(&register))
    }
}

/// An instruction about form that can be drawn: an answer style, a length, a line of a mode.
#[derive(Debug, Clone)]
pub struct StyleOption {
    /// Slug, unique over all of them.
    pub id: Slug,
    /// Group, such as `formatting` or `assistant_length`.
    pub group: String,
    /// Texts that ask for it.
    pub wordings: Vec<Wording>,
    /// Values of `{n}`; empty if the texts have none.
    pub counts: Vec<u32>,
    /// The constraint; its number is a placeholder.
    pub constraint: Constraint,
    /// Facets that it affects.
    pub claims: Vec<Facet>,
}

impl StyleOption {
    /// Whether both speak of the same facet, so that they cannot be in one conversation.
    pub fn shares_facet(&self, other: &Self) -> bool {
        self.claims.iter().any(|f| other.claims.contains(f))
    }

    /// Whether its wordings without `every` bind only the answer to their message: what a health worker asks for does,
    /// but for a language, and for what all English wordings ask of every answer.
    pub fn can_bind_once(&self) -> bool {
        !self.claims.contains(&Facet::Language) && self.wordings.iter().any(|w| !w.every)
    }

    /// The style in one of its wordings, with its number filled in, as an instruction at the end of the first message
    /// that binds every answer; `pick` returns an index below its argument.
    pub fn style(&self, wording: usize, pick: impl FnOnce(usize) -> usize) -> Style {
        self.style_in(&self.wordings, &self.constraint, wording, pick)
    }

    /// The same with the wordings of another language in place of its own, and what they ask for.
    pub fn style_in(
        &self,
        wordings: &[Wording],
        constraint: &Constraint,
        wording: usize,
        pick: impl FnOnce(usize) -> usize,
    ) -> Style {
        let n = self.counts.get(pick(self.counts.len().max(1))).copied();
        let text = wordings.get(wording).map(|w| &w.text);
        let constraint = match (text, n) {
            (Some(text), Some(n)) => text.constraint(constraint, n),
            _ => constraint.clone(),
        };
        Style {
            id: self.id.clone(),
            group: self.group.clone(),
            text: text.map(|text| text.with(n)).unwrap_or_default(),
            claims: self.claims.clone(),
            constraints: vec![constraint],
            wording: u32::try_from(wording).unwrap_or(u32::MAX),
            place: StylePlace::End,
            turn: 1,
            once: false,
            reworded: false,
        }
    }

    /// The questions for a reader of the texts; `asked` if a health worker says them, rather than a system prompt.
    pub fn instructions(&self, asked: bool) -> impl Iterator<Item = Instruction> {
        self.wordings.iter().map(move |w| self.instruction(w, &self.constraint, asked))
    }

    /// One of them, or a wording in another language.
    pub(crate) fn instruction(
        &self,
        wording: &Wording,
        constraint: &Constraint,
        asked: bool,
    ) -> Instruction {
        Instruction {
            id: self.id.to_string(),
            text: wording.text.clone(),
            means: vec![Meaning::Keep { constraint: constraint.clone() }],
            once: asked && !wording.every && self.can_bind_once(),
        }
    }
}

/// Weights of the places of a style; they sum to 1.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Places {
    /// Before the first message.
    pub start: f64,
    /// Between two sentences of the first message.
    pub inside: f64,
    /// In the last paragraph of the first message, at its end.
    pub last: f64,
    /// In a paragraph of its own after the first message.
    pub end: f64,
    /// In a later message.
    pub later: f64,
}

/// A mode of talking.
#[derive(Debug, Clone)]
pub struct Mode {
    /// Which.
    pub id: ConversationMode,
    /// Instruction to the assistant.
    pub assistant: String,
    /// Instruction to the simulated user.
    pub user: String,
    /// Description of the answers in this mode.
    pub lines: Vec<StyleOption>,
}

/// A level of speech.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterText {
    /// Which.
    pub id: Register,
    /// Instruction to the assistant.
    pub assistant: String,
    /// Instruction to the simulated user.
    pub user: String,
}

/// A text that templates always contain.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phrase {
    /// Slug.
    pub id: Slug,
    /// Text.
    pub text: String,
    /// The role of the model, if it states one.
    #[serde(default)]
    pub role: Option<Speaker>,
    /// The constraint, if it can be checked.
    #[serde(default)]
    pub constraint: Option<Constraint>,
}

impl Phrase {
    /// What it asks for.
    pub(crate) fn instruction(&self) -> Instruction {
        let kept = self.constraint.iter().map(|c| Meaning::Keep { constraint: c.clone() });
        let mut means: Vec<Meaning> =
            kept.chain(self.role.map(|speaker| Meaning::Role { speaker })).collect();
        if means.is_empty() {
            means.push(Meaning::Tell);
        }
        let text = Pattern(self.text.clone());
        Instruction { id: self.id.to_string(), text, means, once: false }
    }
}

/// All options of form.
#[derive(Debug, Clone, Default)]
pub struct Styles {
    /// Groups of answer styles.
    pub groups: Vec<Group>,
    /// Answer styles that a health worker requests.
    pub asked: Vec<StyleOption>,
    /// Modes.
    pub modes: Vec<Mode>,
    /// Lengths of the assistant's answers.
    pub assistant_length: Vec<StyleOption>,
    /// Forms of the assistant's answers.
    pub assistant_form: Vec<StyleOption>,
    /// Lengths of the simulated user's messages.
    pub user_length: Vec<StyleOption>,
    /// Levels of speech.
    pub registers: Vec<RegisterText>,
    /// Where styles stand.
    pub places: Places,
}

impl Styles {
    /// Every option but the emergency instructions of parts.
    pub fn options(&self) -> impl Iterator<Item = &StyleOption> {
        [&self.asked, &self.assistant_length, &self.assistant_form, &self.user_length]
            .into_iter()
            .flatten()
            .chain(self.modes.iter().flat_map(|mode| &mode.lines))
    }
}

/// A wording as written: a text, or a table.
#[derive(Debug)]
pub(crate) struct RawWording(pub(crate) Wording);

impl<'de> Deserialize<'de> for RawWording {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            text: String,
            #[serde(default)]
            at: Vec<WordingPlace>,
            #[serde(default)]
            modes: Vec<ConversationMode>,
            #[serde(default)]
            registers: Vec<Register>,
            #[serde(default)]
            every: bool,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = RawWording;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or a table with `text`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<RawWording, E> {
                Ok(RawWording(Wording::new(text)))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawWording, A::Error> {
                let Table { text, at, modes, registers, every } =
                    Table::deserialize(MapAccessDeserializer::new(map))?;
                Ok(RawWording(Wording { text: Pattern(text), at, modes, registers, every }))
            }
        }
        from.deserialize_any(Either)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawOption {
    pub(crate) id: Spanned<Slug>,
    #[serde(default)]
    pub(crate) group: Option<Spanned<String>>,
    pub(crate) wordings: Spanned<Vec<Spanned<RawWording>>>,
    #[serde(default)]
    pub(crate) n: Option<Spanned<Count>>,
    pub(crate) constraint: Constraint,
    pub(crate) claims: Spanned<Vec<Facet>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMode {
    pub(crate) id: ConversationMode,
    pub(crate) assistant: String,
    pub(crate) user: String,
    #[serde(default)]
    pub(crate) lines: Vec<RawOption>,
}

impl StyleOption {
    /// Whether what it counts can be counted in a language: Thai sets no spaces between words and no mark at the end of a
    /// sentence.
    pub fn is_countable_in(&self, language: Language) -> bool {
        let of_words = matches!(
            self.constraint,
            Constraint::MaxWords { .. }
                | Constraint::MinWords { .. }
                | Constraint::ExactSentences { .. }
        );
        !(of_words && language == Language::Thai)
    }
}
