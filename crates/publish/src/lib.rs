//! Uploads a dataset folder to a hub in one commit.
//!
//! Uses the Hugging Face Hub's API: small files are part of the commit, large ones are uploaded by Git LFS before it,
//! in parts if the hub requires that (<https://huggingface.co/docs/hub/api>,
//! <https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md>). Files that the hub already has are not sent
//! again, so that an interrupted upload resumes. Nothing is visible before the commit; a wrong checksum stops the
//! upload before that.

mod folder;
mod hub;

pub use folder::{Entry, entries};
pub use hub::{Published, Target, publish};
