//! How the two sides of a conversation talk.

use serde::{Deserialize, Serialize};

/// How the two sides talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversationMode {
    /// Short messages as in a messenger.
    Chat,
    /// Considered questions and answers.
    Normal,
    /// Somebody must act now.
    Emergency,
}

impl ConversationMode {
    /// The name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Normal => "normal",
            Self::Emergency => "emergency",
        }
    }
}

/// Level of speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Register {
    /// Everyday words.
    Popular,
    /// Professional, plain.
    Standard,
    /// Technical.
    Scientific,
}

impl Register {
    /// The name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Popular => "popular",
            Self::Standard => "standard",
            Self::Scientific => "scientific",
        }
    }
}
