//! The resources of clinstruct, read and checked: axes, patient facts, styles, parts, templates.
//!
//! [`Catalog::embedded`] reads the embedded resources, [`Catalog::read`] any other set of files, given as texts. All
//! names that a file refers to are resolved, all weights sum to one, all templates compile: a [`Catalog`] that exists
//! is valid. Mistakes in all files are reported together, with file, line and caret.
//!
//! It draws nothing and knows no run; the caller reads the folder.
//!
//! Nearly all of its code reads files once, and is compiled without optimization in a release build. What a run asks for each of
//! its rows is `#[inline]`: it is compiled in the crates that ask, as fast as these are.

mod axes;
mod body;
mod catalog;
mod combination;
mod context;
mod contradiction;
mod diagnosis;
mod embedded;
mod fit;
mod instructions;
mod items;
mod language;
mod load;
mod load_axes;
mod load_body;
mod load_history;
mod load_language;
mod load_parts;
mod load_patient;
mod load_personas;
mod load_topics;
mod load_voices;
mod mistake;
mod moves;
mod part;
mod patient;
mod persona;
mod read;
mod regimen;
mod said;
mod scope;
mod sentence;
mod style;
mod templates;
mod value;
mod voice;
mod who;

pub use axes::{
    Axis, Country, Domain, Gender, Profession, Setting, SexShare, Specialty, Subtopic, Task, Value,
};
pub use body::{
    AdultSize, Body, BySex, Effect, Effects, Expecting, Growth, GrowthPoint, Measured, NormalSigns,
    Population, PregnancyGain, Signs, SizeRule, Unmeasured,
};
pub use catalog::Catalog;
pub use combination::Combination;
pub use context::{case_context, frame_context, language_context};
pub use contradiction::{AtOdds, Contradiction, Contradictions};
pub use diagnosis::Diagnosis;
pub use fit::{persona_items, voice_items};
pub use language::{LanguageTexts, Languages, PartLanguages, SettingText};
pub use mistake::{CatalogError, Mistake, is_near, nearest};
pub use moves::{After, Move};
pub use part::{
    Countries, EmergencyRule, Facts, ModeRule, Part, RoleTemplates, StyleRule, TurnsRule,
    WITHHOLDS, When, subject_ids, translates,
};
pub use patient::{
    Availability, Condition, Drug, Histories, HistoryEntry, Kind, Pregnancy, Relative,
};
pub use persona::{PersonaEntry, PersonaFacts, Personas};
pub use read::Files;
pub use regimen::{Never, Regimen, RegimenItem};
pub use scope::{AboutPatient, PregnancyRule, Scope};
pub use sentence::{Piece, Sentence};
pub use style::{
    Group, Mode, Phrase, Places, RegisterText, StyleOption, Styles, Wording, WordingPlace,
};
pub use templates::{TemplateError, Templates};
pub use voice::{VoiceEntry, VoiceExclusion, VoiceFacts, VoiceValue, Voices};
pub use who::{AgeBand, Who};
