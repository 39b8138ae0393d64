//! The resources of clinstruct, read and checked: axes, patients' facts, styles, parts, templates.
//!
//! The catalog is data in, data out: [`Catalog::embedded`] reads what was compiled in, and
//! [`Catalog::read`] any other set of files, given as texts. Every name that a file refers to is resolved
//! here, every set of weights sums to one, every template compiles; a [`Catalog`] that exists is sound.
//! All mistakes of all files are found in one go and shown with file, line and caret.
//!
//! It draws nothing and knows no run; reading a folder is the caller's.

mod axes;
mod catalog;
mod load;
mod load_axes;
mod load_parts;
mod mistake;
mod part;
mod patient;
mod read;
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
pub use patient::{Condition, Drug, Histories, HistoryEntry, VitalRanges};
pub use read::Files;
pub use style::{Group, Mode, Phrase, RegisterText, StyleOption, Styles};
pub use templates::{TemplateError, Templates, card_context};
