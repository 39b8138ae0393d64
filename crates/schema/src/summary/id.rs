//! What is measured, and what it should be.

use serde::{Deserialize, Serialize};

/// Unit of a metric's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Rows, texts or parts.
    Count,
    /// Texts with something, by all texts that were looked at: 0 to 1.
    Share,
    /// A distance between distributions, 0 to 1.
    Distance,
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
    /// Texts in another language than the conversation or the answer has.
    OtherLanguage, Share, "texts in another language";
    /// Answers with a dose but without a warning to verify it.
    DosesWithoutWarning, Share, "doses without a warning";
    /// Answers with a warning to verify a dose, but without a dose.
    WarningsWithoutDose, Share, "warnings without a dose";
    /// Doses far above a medicine's usual range.
    DosesAboveRange, Share, "doses above what the medicine is given in";
    /// Texts with an age or sex that contradicts the patient's.
    OtherPatient, Share, "ages and sexes that differ from the patient's";
    /// Conversations in which a text after the first contradicts the case.
    CaseContradictions, Share, "conversations that contradict their case";
    /// Later turns of the health worker that state a fact which the case does not have.
    AddedFacts, Share, "turns of the health worker that add a fact to the case";
    /// Later turns of the health worker that bring another complaint and nothing of what the conversation is about.
    DerailedTurns, Share, "turns of the health worker that leave the topic";
    /// Facts of the case that patients and relatives tell unasked, by their later turns: simulated patients tell too much.
    UnaskedFacts, Ratio, "facts told unasked, by turn of a patient or relative";
    /// Patients whose case has the most frequent one of the drawn sentences about allergies, past, family and life.
    RepeatedStatement, Share, "patients with the most frequent drawn sentence";
    /// Answers that name a law or a brand of another country.
    OtherCountryTerms, Share, "laws and brands of another country";
    /// Answers that name an emergency number of another country.
    OtherEmergencyNumber, Share, "emergency numbers of another country";
    /// Questions of an answer that the next turn does not answer.
    UnansweredQuestions, Share, "unanswered questions to the health worker";
    /// Unsolicited questions at the end of an answer.
    UnsolicitedQuestions, Share, "unsolicited questions";
    /// First messages that ask more than one question, also two that are joined behind one question mark.
    SeveralQuestions, Share, "first messages that ask more than one question";
    /// First messages with an age among their first five words.
    AgeFirst, Share, "first messages that begin with an age";
    /// First messages that name the country in which their writer works.
    OwnCountry, Share, "first messages that name their own country";
    /// Answers that begin with a filler.
    FillerOpeners, Share, "filler openers";
    /// Answers that end with an offer of more.
    ClosingOffers, Share, "offers at the end";
    /// Answers with more words than their mode allows.
    OverlongAnswers, Share, "answers longer than their mode allows";
    /// Distance between the realised and planned distributions; by attribute.
    PlanDistance, Distance, "distance from the plan";
    /// The largest ratio of the realised to the planned share of an age.
    AgeConcentration, Ratio, "most concentrated age, by its planned share";
    /// Rows that contain an item of an evaluation set; by set.
    EvalItems, Count, "rows with items";
    /// Variants of one prompt, or rows about one patient, in two splits.
    SplitLeaks, Count, "variants or patients in two splits";
}

impl MetricId {
    /// Whether it measures how much texts repeat each other.
    pub fn is_repetition(self) -> bool {
        matches!(
            self,
            Self::ExactDuplicates
                | Self::NearDuplicates
                | Self::TopOpenings
                | Self::DistinctPairs
                | Self::ZlibRatio
        )
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
}
