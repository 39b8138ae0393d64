//! The records that cross crate boundaries: ids, requests, outcomes, patients, situations,
//! conversations and their provenance, annotations, the summary of a run; and [`Hint`], which all errors implement.
//!
//! Plain data with serde, and its invariants; no I/O, no randomness, no templates. Every stored record has a
//! [`SCHEMA_VERSION`]. Types of a single crate do not belong here.

mod annotation;
mod case;
mod constraint;
mod conversation;
mod count;
mod fact;
mod hint;
mod id;
pub mod json;
mod language;
mod mode;
mod model;
mod money;
mod patient;
mod place;
mod plan;
mod request;
mod response;
mod shard;
mod situation;
pub mod summary;
mod voice;

pub use annotation::{Annotation, Dropped};
pub use case::{
    Case, CaseCondition, CaseMedicine, CasePatient, CaseText, CaseVitals, Coded, Frame,
    FramePatient, Measurement, Origin, RecordSource, Stated, StatedFact,
};
pub use constraint::{Constraint, Facet, Instruction, Meaning, Pattern};
pub use conversation::{
    Attributes, Conversation, FailedText, Provenance, Rejected, SituationRow, Split, Stage,
    TurnProvenance,
};
pub use count::{counted, grouped, number};
pub use fact::{FactKind, FactName};
pub use hint::{Blame, Hint};
pub use id::{BackendId, IdError, PartId, RequestId, RowId, Slug};
pub use json::Json;
pub use language::Language;
pub use mode::{ConversationMode, Register};
pub use model::{Model, ModelPackage};
pub use money::{MicroUsd, Price, dollars, dollars_each};
pub use patient::{AgeYears, CountryBound, Medicine, Patient, PatientCard, Sex, Vitals, Who};
pub use place::{IncomeGroup, Place};
pub use plan::{BaseRow, Subject};
pub use request::{ChatRequest, JsonSchema, Message, Role, Speaker};
pub use response::{Completion, Fault, FinishReason, REHEARSAL_MARK, RowFormat, RowOutcome, Usage};
pub use shard::{Shard, ShardError};
pub use situation::{Situation, Style, StylePlace};
pub use summary::{PartSummary, RepairCounts, Summary};
pub use voice::{Persona, PersonaTrait, Voice, VoiceTrait};

/// Version of the records in a run's folder; incremented when a field changes its meaning.
pub const SCHEMA_VERSION: u32 = 2;
