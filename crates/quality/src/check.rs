//! What a check is: one row of [`checks::ALL`](crate::checks::ALL).

use std::ops::Range;

use clinstruct_schema::{Constraint, Language, Speaker};

use crate::case::Reader;
use crate::{Turn, Violation, dose};

/// A check on one text, with its metadata.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Id in reports, rejected rows and the viewer, such as `language`.
    pub id: &'static str,
    /// Its ids in data of earlier versions.
    pub former_ids: &'static [&'static str],
    /// Its name in the repair message to a model; `None` if that is the id.
    ///
    /// Repairs are requests, and the address of a request is a hash of its text: a run that was built with one wording
    /// finds its stored answers only with that wording. It must never change.
    pub repair_name: Option<&'static str>,
    /// What it finds, in one line.
    pub summary: &'static str,
    /// Kind of check.
    pub group: Group,
    /// Effect of a finding, by author of the text.
    pub strictness: PerSpeaker,
    /// How it examines a text.
    pub run: Run,
    /// Texts that pass it.
    pub good: &'static [&'static str],
    /// Texts that fail it.
    pub bad: &'static [&'static str],
}

/// Kinds of checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Form errors that no text may have, whoever wrote it.
    Form,
    /// Agreement with the patient and the country of care.
    Facts,
    /// A verifiable instruction, if the situation has it.
    Instruction,
    /// Text that is beside the point.
    Wording,
}

/// Effect of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// It is counted in the metrics of a dataset, without further effect.
    Measures,
    /// The text is rejected: a repair is requested if possible, with the finding in it.
    Blocks,
    /// Like [`Strictness::Blocks`], and of the other checks only those of this strictness run: in a text in another
    /// language, or with role tags, nothing else can be judged.
    Stops,
}

/// Effect of a finding, by author of the text; `None` if the check does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerSpeaker {
    /// In the first message.
    pub prompt: Option<Strictness>,
    /// In an answer.
    pub assistant: Option<Strictness>,
    /// In a later message of the health worker.
    pub user: Option<Strictness>,
}

impl PerSpeaker {
    /// Only answers are checked.
    pub const fn assistant(strictness: Strictness) -> Self {
        Self { prompt: None, assistant: Some(strictness), user: None }
    }

    /// Effect of a finding in a text of this speaker.
    pub fn of(self, speaker: Speaker) -> Option<Strictness> {
        match speaker {
            Speaker::PromptWriter => self.prompt,
            Speaker::Assistant => self.assistant,
            Speaker::User => self.user,
        }
    }
}

/// How a check examines a text. All forms are pure functions.
#[derive(Debug, Clone, Copy)]
pub enum Run {
    /// Any text.
    Text {
        /// All findings.
        find: fn(&Turn<'_>) -> Vec<Finding>,
        /// The turn of an example text: speaker and patient.
        example: fn(&'static str) -> Turn<'static>,
    },
    /// A text in which other checks read the same: what it says of the patient, or how it begins. That is read once for
    /// all of these.
    Facts {
        /// All findings.
        find: fn(&Turn<'_>, &Reader<'_>) -> Vec<Finding>,
        /// The turn of an example text, with the facts.
        example: fn(&'static str) -> Turn<'static>,
    },
    /// A text for which its instruction was given.
    Instruction {
        /// Whether the text obeys the constraint.
        verify: fn(&Constraint, &str, Language) -> Outcome,
        /// The constraint of the examples, which are in English.
        example: fn() -> Constraint,
    },
}

/// A finding of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Message for people, and for the model that repairs the text.
    pub detail: String,
    /// Position in the text in bytes, if known.
    pub span: Option<Range<usize>>,
}

impl Finding {
    /// A finding without a position.
    pub fn new(detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), span: None }
    }

    /// A finding with a position.
    pub fn at(span: Range<usize>, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), span: Some(span) }
    }

    /// A finding that quotes a position of the text.
    pub fn quote(text: &str, span: Range<usize>) -> Self {
        let detail = format!("\"{}\"", text.get(span.clone()).unwrap_or_default());
        Self::at(span, detail)
    }
}

/// Whether a text obeys an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It does.
    Passed,
    /// It does not.
    Failed(Finding),
    /// Code cannot decide.
    Undecided,
}

impl Outcome {
    /// Failed if `wrong`.
    pub(crate) fn failed_if(wrong: bool, detail: impl Into<String>) -> Self {
        if wrong { Self::Failed(Finding::new(detail)) } else { Self::Passed }
    }

    /// Failed unless there are exactly `n`.
    pub(crate) fn exactly(n: u32, found: usize, what: &str) -> Self {
        Self::failed_if(found != n as usize, format!("{found} {what} instead of {n}"))
    }
}

impl From<Option<Finding>> for Outcome {
    fn from(found: Option<Finding>) -> Self {
        found.map_or(Self::Passed, Self::Failed)
    }
}

impl Check {
    /// Its name in the repair message to a model.
    pub fn repair_name(&self) -> &'static str {
        self.repair_name.unwrap_or(self.id)
    }

    /// All findings in a turn, whatever its strictness there.
    pub fn find(&self, turn: &Turn<'_>) -> Vec<Violation> {
        // Only these checks read who and what a text is about.
        if matches!(self.run, Run::Facts { .. }) {
            self.find_in(turn, &Reader::new(turn.corrected().text()))
        } else {
            self.find_in(turn, &Reader::new(turn.text))
        }
    }

    /// The same for one who reads more in the text.
    pub fn find_in(&self, turn: &Turn<'_>, reader: &Reader<'_>) -> Vec<Violation> {
        let found = match self.run {
            Run::Text { find, .. } => find(turn),
            Run::Facts { find, .. } => find(turn, reader),
            Run::Instruction { .. } => turn
                .instructions
                .iter()
                .filter(|constraint| constraint_id(constraint) == self.id)
                .filter_map(|constraint| match self.outcome(constraint, turn) {
                    Outcome::Failed(finding) => Some(finding),
                    Outcome::Passed | Outcome::Undecided => None,
                })
                .collect(),
        };
        found.into_iter().map(|finding| self.violation(finding)).collect()
    }

    /// Whether a turn obeys an instruction that is verified by this check.
    pub(crate) fn outcome(&self, constraint: &Constraint, turn: &Turn<'_>) -> Outcome {
        match self.run {
            // What the patient takes already is no advice.
            Run::Instruction { .. } if matches!(constraint, Constraint::DoseWarning) => {
                let taken = turn.case.map(|case| case.medicines.as_slice());
                let missing =
                    dose::missing_warning(turn.text, turn.language, taken.unwrap_or_default());
                missing.map(|(at, seen)| Finding::at(at, seen)).into()
            }
            Run::Instruction { verify, .. } => verify(constraint, turn.text, turn.language),
            Run::Text { .. } | Run::Facts { .. } => Outcome::Undecided,
        }
    }

    pub(crate) fn violation(&self, finding: Finding) -> Violation {
        Violation { check: self.id, detail: finding.detail, span: finding.span }
    }
}

/// The id of the check that verifies an instruction; `judged` if no code can.
pub fn constraint_id(constraint: &Constraint) -> &'static str {
    match constraint {
        Constraint::ExactSentences { .. } => "exact_sentences",
        Constraint::MaxWords { .. } => "max_words",
        Constraint::MinWords { .. } => "min_words",
        Constraint::MaxCharacters { .. } => "max_characters",
        Constraint::ExactBullets { .. } => "exact_bullets",
        Constraint::Bullets => "bullets",
        Constraint::ExactNumbered { .. } => "exact_numbered",
        Constraint::Steps => "steps",
        Constraint::ExactHeadings { .. } => "exact_headings",
        Constraint::TableColumns { .. } => "table_columns",
        Constraint::ExactParagraphs { .. } => "exact_paragraphs",
        Constraint::ExactLines { .. } => "exact_lines",
        Constraint::NoMarkdown => "no_markdown",
        Constraint::Markdown => "markdown",
        Constraint::StartsWithTitle => "starts_with_title",
        Constraint::EndsWith { .. } => "ends_with",
        Constraint::Contains { .. } => "contains",
        Constraint::Excludes { .. } => "excludes",
        Constraint::ClarifyingQuestions { .. } => "clarifying_questions",
        Constraint::OneStep => "one_step",
        Constraint::AsksFirst => "asks_first",
        Constraint::JsonObject { .. } => "json_object",
        Constraint::Language { .. } => "language",
        Constraint::Formal => "formal",
        Constraint::DoseWarning => "dose_warning",
        Constraint::Judged { .. } => "judged",
    }
}
