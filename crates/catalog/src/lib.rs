//! The resources of clinstruct, read and checked: axes, patient facts, styles, parts, templates.
//!
//! [`Catalog::embedded`] reads the embedded resources, [`Catalog::read`] any other set of files, given as texts. All
//! names that a file refers to are resolved, all weights sum to one, all templates compile: a [`Catalog`] that exists
//! is valid. Mistakes in all files are reported together, with file, line and caret.
//!
//! It draws nothing and knows no run; the caller reads the folder.

mod axes;
mod catalog;
mod load;
mod load_axes;
mod load_history;
mod load_parts;
mod load_patient;
mod mistake;
mod part;
mod patient;
mod read;
mod regimen;
mod sentence;
mod style;
mod templates;

pub use axes::{
    AgeBand, Axis, Country, Domain, Gender, Profession, Setting, SexShare, Specialty, Subtopic,
    Task, Value, Who,
};
pub use catalog::Catalog;
pub use mistake::{CatalogError, Mistake};
pub use part::{
    Countries, EmergencyRule, Facts, ModeRule, Part, StyleRule, TurnsRule, When, Without,
};
pub use patient::{
    Availability, Condition, Drug, Histories, HistoryEntry, Kind, Pregnancy, Relative, VitalRanges,
};
pub use read::Files;
pub use regimen::{Never, Regimen, RegimenItem};
pub use sentence::{Piece, Sentence};
pub use style::{Group, Mode, Phrase, RegisterText, StyleOption, Styles};
pub use templates::{TemplateError, Templates, card_context};
