use serde::{Deserialize, Serialize};

/// A model whose weights can be fetched: one file in the GGUF format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Name, as it is written on the command line.
    pub name: String,
    /// Name, as its makers write it.
    pub title: String,
    /// Licence, as an SPDX identifier where there is one.
    pub licence: String,
    /// What it is good for, and what is to be known before it is used.
    pub about: String,
    /// Name of the file.
    pub file: String,
    /// Its bytes.
    pub bytes: u64,
    /// Its checksum, SHA-256 in hexadecimal digits, where it is known.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Repository of the hub that has it, `owner/name`.
    pub hub: String,
    /// State of that repository: a branch, a tag or a commit.
    pub revision: String,
    /// A Python package that carries it.
    #[serde(default)]
    pub package: Option<ModelPackage>,
}

/// A Python package whose wheel carries a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelPackage {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Checksum of the wheel, SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// The model's path in it.
    pub member: String,
}
