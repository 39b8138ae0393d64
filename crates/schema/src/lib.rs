//! The records that cross crate boundaries: ids, requests, outcomes, patients, situations,
//! conversations and their provenance, annotations, the summary of a run; and [`Hint`], which all errors implement.
//!
//! Plain data with serde, and the invariants of that data; no input or output, no randomness, no
//! templates. Every record that is stored carries [`SCHEMA_VERSION`]. A type that only one crate needs
//! does not live here.

mod annotation;
mod constraint;
mod conversation;
mod hint;
mod id;
mod language;
mod mode;
mod model;
mod money;
mod patient;
mod plan;
mod request;
mod response;
mod situation;
pub mod summary;

pub use annotation::{Annotation, Dropped};
pub use constraint::{Constraint, Facet, Instruction, Meaning, Pattern};
pub use conversation::{
    Attributes, Conversation, Provenance, Rejected, SituationRow, Split, Stage, TurnProvenance,
};
pub use hint::{Blame, Hint};
pub use id::{BackendId, IdError, PartId, RequestId, RowId, Slug};
pub use language::Language;
pub use mode::{ConversationMode, Register};
pub use model::{Model, ModelPackage};
pub use money::{MicroUsd, Price, dollars};
pub use patient::{
    AgeYears, CountryBound, IncomeGroup, Medicine, Patient, PatientCard, Sex, Vitals,
};
pub use plan::{BaseRow, Subject};
pub use request::{ChatRequest, JsonSchema, Message, Role, Speaker};
pub use response::{Completion, Fault, FinishReason, REHEARSAL_MARK, RowFormat, RowOutcome, Usage};
pub use situation::{Situation, Style};
pub use summary::{PartSummary, RepairCounts, Summary};

/// Version of the records written below a run's folder; raised when a field changes its meaning.
pub const SCHEMA_VERSION: u32 = 2;
