use serde::{Deserialize, Serialize};

/// A model with downloadable weights: one file in the GGUF format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Name on the command line.
    pub name: String,
    /// Name, as its makers write it.
    pub title: String,
    /// Licence, as an SPDX identifier if there is one.
    pub licence: String,
    /// What it is good for, and what to know before using it.
    pub about: String,
    /// Name of the file.
    pub file: String,
    /// Its bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal digits, if known.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Repository at the hub, `owner/name`.
    pub hub: String,
    /// Revision of that repository: a branch, a tag or a commit.
    pub revision: String,
    /// A Python package that contains it.
    #[serde(default)]
    pub package: Option<ModelPackage>,
}

/// A Python package whose wheel contains a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelPackage {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// SHA-256 of the wheel, in hexadecimal digits.
    pub sha256: String,
    /// The model's path in the wheel.
    pub member: String,
}
