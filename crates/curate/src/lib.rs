//! Passes over a chat dataset: contamination, near duplicates, metrics, splits.
//!
//! A pass reads rows and annotates them; it never changes them. Rows that it drops remain, with an [`Annotation`] that
//! names the pass and the reason. The dataset is the mix of rows and annotations ([`Mix`]).
//!
//! ```
//! use clinstruct_curate::contamination::EvalItems;
//! use clinstruct_curate::metrics::Facts;
//! use clinstruct_curate::splits::Shares;
//! use clinstruct_curate::{Row, Settings, Spill, curate, passes};
//! use clinstruct_schema::{Message, Role};
//!
//! let talk = |question: &str, answer: &str| {
//!     [(Role::User, question), (Role::Assistant, answer)]
//!         .map(|(role, text)| Message { role, content: text.to_owned() })
//! };
//! let answer = "Start with oral rehydration, and see the child again within two days.";
//! let first = talk("How do I treat a child of two with watery diarrhoea since yesterday?", answer);
//! let second = talk("What is given to a toddler who has had loose stools for a day, please?", answer);
//! let mut rows = vec![Row::new("a", &first), Row::new("b", &second)];
//!
//! let (eval_items, facts) = (EvalItems::default(), Facts::default());
//! let (shares, spill) = (Shares::default(), Spill::in_memory());
//! let settings = Settings { eval_items: &eval_items, facts: &facts, shares, seed: 1, spill: &spill };
//! let curated = curate(&mut rows, passes(&settings), &spill)?;
//!
//! let annotations = curated.annotations()?.collect::<Result<Vec<_>, _>>()?;
//! assert!(annotations[0].dropped.is_none());
//! let dropped = annotations[1].dropped.as_ref().unwrap();
//! assert_eq!((&*dropped.pass, &*dropped.detail), ("near_duplicates", "repeats a"));
//! assert_eq!(curated.quality.metrics.conversations, 1);
//! # Ok::<(), clinstruct_curate::Error>(())
//! ```
//!
//! [`passes()`] lists all passes; each is a file in `passes/`. [`curate_run`] runs them over a run folder and writes
//! `annotations/`. Other sources of rows implement [`Source`]. The parts of the passes can be used alone:
//! [`near_duplicates::Collector`], [`contamination::EvalItems`], [`metrics::MetricsAccumulator`] and [`splits::split`].
//!
//! Results depend on rows, settings and seed only: not on the number of threads, nor, for drops and splits, on the
//! order of the rows. Checks on a single text are in `clinstruct-quality`. Memory is bounded but for some 10
//! bytes per row: what the passes keep of each row beyond that goes to temporary files once it exceeds a budget ([`Spill`]),
//! and the results are the same for any budget.

mod curate;
mod curated;
mod error;
mod files;
pub mod minhash;
mod mix;
mod pass;
mod passes;
mod row;
mod run;
mod spill;
mod tokens;

pub use clinstruct_schema::{Annotation, Dropped};
pub use curate::curate;
pub use curated::Curated;
pub use error::{Error, Result};
pub use files::{clear_annotations, conversations_of};
pub use mix::{Annotations, Mix};
pub use passes::{
    Annotates, Pass, Settings, contamination, metrics, near_duplicates, passes, plan_distance,
    splits,
};
pub use row::{Fields, Row, Source, Variants};
pub use run::{Chat, curate_run, curate_run_with};
pub use spill::{Spill, Texts};
pub use tokens::tokens;
