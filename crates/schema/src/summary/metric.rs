use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Unit of a metric's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Rows, texts or parts.
    Count,
    /// A share, 0 to 1.
    Share,
    /// An unbounded ratio.
    Ratio,
}

macro_rules! metrics {
    ($($(#[doc = $doc:literal])+ $id:ident, $unit:ident, $label:literal;)+) => {
        /// What a metric measures, in listing order.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum MetricId {
            $($(#[doc = $doc])+ $id,)+
        }

        impl MetricId {
            /// All metrics, in listing order.
            pub const ALL: &[Self] = &[$(Self::$id),+];

            /// Description for people.
            pub fn label(self) -> &'static str {
                match self {
                    $(Self::$id => $label,)+
                }
            }

            /// Unit of its value.
            pub fn unit(self) -> Unit {
                match self {
                    $(Self::$id => Unit::$unit,)+
                }
            }
        }
    };
}

metrics! {
    /// Parts of a run whose rows are not all accounted for.
    PartsNotAddingUp, Count, "parts whose counts do not add up";
    /// Rows of a file that are not conversations.
    UnreadableRows, Count, "unreadable rows";
    /// Texts that equal another one; by kind of text.
    ExactDuplicates, Count, "exact duplicates";
    /// Conversations that nearly repeat another one.
    NearDuplicates, Count, "near duplicates";
    /// Texts that begin with one of the ten most common openings; by kind of text.
    TopOpenings, Share, "share of the ten most common openings";
    /// Distinct bigrams divided by all bigrams, in a sample of prompts.
    DistinctPairs, Ratio, "distinct-2 of prompts";
    /// Size divided by compressed size, for a sample of prompts.
    ZlibRatio, Ratio, "zlib ratio of prompts";
    /// Texts without a visible character.
    BlankTexts, Share, "empty or blank texts";
    /// Truncated answers.
    TruncatedAnswers, Share, "truncated answers";
    /// Texts with a control character or U+FFFD.
    ControlCharacters, Share, "control characters and U+FFFD";
    /// UTF-8 texts that were decoded with another encoding.
    Mojibake, Share, "mojibake";
    /// Texts that are not in Unicode normalization form C.
    NotNfc, Share, "not in normalization form C";
    /// Texts with a role tag or a control token of a chat format.
    ControlTokens, Share, "role tags and control tokens";
    /// Texts wholly in quotation marks; by kind of text.
    WrappingQuotes, Share, "wrapping quotes";
    /// Texts with a heading written as `###`.
    HashHeadings, Share, "### at the start of a line";
    /// Meta-commentary: texts about the text itself or the model.
    MetaCommentary, Share, "meta-commentary";
    /// Conversations with a duplicate id.
    DuplicateIds, Share, "duplicate ids";
    /// Conversations whose roles do not alternate between user and assistant.
    RoleOrder, Share, "roles out of order";
    /// Instructions that an answer does not obey.
    InstructionsNotFollowed, Share, "instructions not followed";
    /// Situations whose styles contradict each other.
    ContradictingInstructions, Share, "situations with contradicting instructions";
    /// Answers in another language than requested.
    OtherLanguage, Share, "answers in another language";
    /// Answers with a dose but without a warning to verify it.
    DosesWithoutWarning, Share, "doses without a warning";
    /// Answers with a warning to verify a dose, but without a dose.
    WarningsWithoutDose, Share, "warnings without a dose";
    /// Doses far above a medicine's usual range.
    DosesAboveRange, Share, "doses above what the medicine is given in";
    /// Texts with an age or sex that contradicts the patient's.
    OtherPatient, Share, "ages and sexes that differ from the patient's card";
    /// Answers that name a law or a brand of another country.
    OtherCountryTerms, Share, "laws and brands of another country";
    /// Answers that name an emergency number of another country.
    OtherEmergencyNumber, Share, "emergency numbers of another country";
    /// Questions of an answer that the next turn does not answer.
    UnansweredQuestions, Share, "unanswered questions to the health worker";
    /// Unsolicited questions at the end of an answer.
    UnsolicitedQuestions, Share, "unsolicited questions";
    /// Answers that begin with a filler.
    FillerOpeners, Share, "filler openers";
    /// Answers that end with an offer of more.
    ClosingOffers, Share, "offers at the end";
    /// Answers with more words than their mode allows.
    OverlongAnswers, Share, "answers longer than their mode allows";
    /// Distance between the realised and planned distributions; by attribute.
    PlanDistance, Share, "distance from the plan";
    /// The largest ratio of the realised to the planned share of an age.
    AgeConcentration, Ratio, "most concentrated age, by its planned share";
    /// Rows that contain an item of an evaluation set; by set.
    EvalItems, Count, "rows with items";
    /// Variants of one prompt, or rows about one patient, in two splits.
    SplitLeaks, Count, "variants or patients in two splits";
}

/// A kind of text of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextKind {
    /// The first message of the user.
    Prompt,
    /// A message of the assistant.
    Answer,
    /// A later message of the user.
    FollowUp,
}

impl TextKind {
    /// All kinds, in the order of every array by kind.
    pub const ALL: [Self; 3] = [Self::Prompt, Self::Answer, Self::FollowUp];

    /// Name of this kind in the plural, for people.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Prompt => "prompts",
            Self::Answer => "answers",
            Self::FollowUp => "follow-ups",
        }
    }
}

/// Target of a metric's value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
    /// None: the value is only reported.
    None,
}

impl Target {
    /// Whether a value meets it.
    pub fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most + 1e-9,
            Self::AtLeast(least) => value + 1e-9 >= least,
            Self::None => true,
        }
    }

    /// This target if `enough` was measured, none otherwise: a few texts say nothing about a distribution.
    #[must_use]
    pub fn only_if(self, enough: bool) -> Self {
        if enough { self } else { Self::None }
    }
}

/// One metric with its target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// What it measures.
    pub id: MetricId,
    /// Subject of the metric, if there are several: a kind of text, an attribute or an evaluation set.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<String>,
    /// Value.
    pub value: f64,
    /// Number of texts or rows that were measured.
    pub of: u64,
    /// Target.
    pub target: Target,
    /// Whether the target is met; true if nothing was measured.
    pub met: bool,
}

impl fmt::Display for Metric {
    /// Name with subject, such as `wrapping quotes, prompts`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.subject, self.id) {
            (None, id) => f.write_str(id.label()),
            (Some(set), MetricId::EvalItems) => write!(f, "{} of {set}", self.id.label()),
            (Some(subject), id) => write!(f, "{}, {subject}", id.label()),
        }
    }
}

/// How well an instruction is obeyed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstructionCounts {
    /// Answers that were checked for it.
    pub checked: u64,
    /// Answers that obey it strictly.
    pub strict: u64,
    /// Answers that obey it loosely.
    pub loose: u64,
}

/// The metrics of a dataset.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Conversations.
    pub conversations: u64,
    /// Prompts, answers, follow-ups.
    pub texts: [u64; 3],
    /// The metrics, in the order of [`MetricId`].
    pub values: Vec<Metric>,
    /// Instructions by check.
    pub instructions: BTreeMap<String, InstructionCounts>,
    /// Most common openings of prompts, answers, follow-ups, with their counts.
    pub openings: [Vec<(String, u64)>; 3],
}

impl Metrics {
    /// Metrics that miss their target.
    pub fn missed(&self) -> impl Iterator<Item = &Metric> {
        self.values.iter().filter(|m| !m.met)
    }

    /// The value of a metric: the first with this id and, if given, this subject.
    pub fn value(&self, id: MetricId, subject: Option<&str>) -> Option<f64> {
        let is = |m: &&Metric| m.id == id && (subject.is_none() || m.subject.as_deref() == subject);
        self.values.iter().find(is).map(|m| m.value)
    }

    /// Adds a metric at its position; if nothing was measured, its target is met.
    pub fn push(
        &mut self,
        id: MetricId,
        subject: Option<&str>,
        value: f64,
        of: u64,
        target: Target,
    ) {
        let met = of == 0 || target.is_met(value);
        let metric = Metric { id, subject: subject.map(str::to_owned), value, of, target, met };
        let at = self.values.partition_point(|m| m.id <= id);
        self.values.insert(at, metric);
    }
}
