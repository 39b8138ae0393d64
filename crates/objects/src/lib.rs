//! Keeps finished runs in object storage: S3, Google Cloud Storage, Azure, and folders as `file://`.
//!
//! A run is driven in a local folder. [`Storage::upload`] copies its finished files to a [`Location`]; [`Storage::finished`] and
//! [`Storage::download`] read them from there.
//!
//! What always holds:
//!
//! - **Nothing half-written is read as finished.** The [`Manifest`], an object beside the files, lists each of them with its size
//!   and digest. Before anything else is written it says that an upload is under way, and at the very end that the run is
//!   complete. A reader demands the second, and compares every file that it reads with its digest.
//! - **An upload resumes.** Large files are sent in parts. The parts and files that have arrived are in a small state file in the
//!   run's folder, so that a killed process, or one whose server went away, continues where it stopped. If the server has
//!   forgotten an upload, or has lost a file, that file is sent again.
//! - **Files that have not changed are not sent again**, and files of an earlier upload that the run no longer has are removed.
//! - **Memory is bounded**: [`PARTS_AT_ONCE`] parts of [`PART`] bytes.
//!
//! Credentials and endpoints come from the environment variables of each provider, as `object_store` reads them. They are
//! neither stored nor printed.
//!
//! Left out on purpose: choosing the files of a run, and what to do with them once they are here (`app` and `cli` do), and access
//! to single ranges of an object.

mod download;
mod error;
#[cfg(test)]
mod faults;
mod folder;
mod location;
mod manifest;
mod parts;
mod patience;
mod state;
mod storage;
#[cfg(test)]
mod tests;
mod upload;

pub use error::{Error, ErrorKind, Result};
pub use location::Location;
pub use manifest::{Entry, MANIFEST, Manifest};
pub use parts::{PART, PARTS_AT_ONCE};
pub use patience::Patience;
pub use storage::Storage;
pub use upload::{LocalFile, Progress, Upload, Uploaded};
