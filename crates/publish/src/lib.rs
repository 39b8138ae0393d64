//! Uploads a dataset folder to a hub in one commit.
//!
//! Speaks the Hugging Face Hub's API: small files go into the commit itself, large ones by Git LFS before it, in
//! parts where the hub asks for that (<https://huggingface.co/docs/hub/api>,
//! <https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md>). What the hub has already is not sent again, so
//! that an upload that broke off goes on. Nothing is visible before the commit; a checksum that does not fit stops
//! everything before that.

mod folder;
mod hub;

pub use folder::{Entry, entries};
pub use hub::{Published, Target, publish};
