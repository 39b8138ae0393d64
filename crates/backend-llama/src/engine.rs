//! What the scheduler asks of a model: tokens in, tokens out, and a cache of several sequences.

use std::fmt;

use clinstruct_batch_client::ErrorKind;

/// A token's number in the model's vocabulary.
pub type Token = i32;

/// How a row is sampled.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// Temperature; 0 takes the likeliest token each time.
    pub temperature: f32,
    /// Seed of the row's own draw.
    pub seed: u32,
    /// JSON schema that the text has to fit.
    pub json_schema: Option<String>,
}

/// One token of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fed {
    /// The token.
    pub token: Token,
    /// Its place in its sequence, from 0.
    pub position: usize,
    /// Its sequence.
    pub sequence: usize,
    /// Whether the next token will be sampled after it.
    pub output: bool,
}

/// Trouble that ends the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Kind, for the driver's decisions.
    pub kind: ErrorKind,
    /// What was seen, and what to do about it.
    pub message: String,
}

impl Broken {
    /// The engine cannot work as it is set up.
    pub fn refused(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Refused, message: message.into() }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// A model with a cache of several sequences.
///
/// Sequences are numbered from 0. What was fed to one stays in its cache until it is cut or another is copied
/// over it, so that a text with the same beginning needs only its rest.
pub trait Engine {
    /// State of the sampling of one row.
    type Sampler;

    /// Number of sequences.
    fn sequences(&self) -> usize;

    /// Most tokens of one sequence.
    fn context(&self) -> usize;

    /// Most tokens of one step.
    fn batch(&self) -> usize;

    /// Most tokens of one sequence in one step. Where an engine computes long pieces in another way than short
    /// ones, keeping to one way makes a text the same however its prompt was cut.
    fn piece_of_prompt(&self) -> usize {
        self.batch()
    }

    /// Most tokens of one sequence that the model was trained for.
    fn trained_context(&self) -> usize;

    /// The model's chat template, and the texts of its tokens for the beginning and the end of a text.
    fn template(&self) -> TemplateSource;

    /// Tokens of a text, in which the texts of control tokens stand for themselves. `begin` puts the model's
    /// token for the beginning before it, where the model has one.
    fn tokenize(&self, text: &str, begin: bool) -> Vec<Token>;

    /// The bytes of a token, which may be a part of a character. Empty for control tokens.
    fn piece(&self, token: Token) -> Vec<u8>;

    /// Whether a text is over with this token.
    fn ends(&self, token: Token) -> bool;

    /// A new state of sampling; an error where the schema cannot be held.
    fn sampler(&self, sampling: &Sampling) -> Result<Self::Sampler, String>;

    /// Computes what follows these tokens. Those of one sequence come in their order.
    fn step(&mut self, tokens: &[Fed]) -> Result<(), Broken>;

    /// The next token after the token at `index` of the last step, which was fed with `output`.
    fn sample(&mut self, sampler: &mut Self::Sampler, index: usize) -> Token;

    /// Makes the cache of `to` that of `from`, as far as `tokens`.
    fn copy(&mut self, from: usize, to: usize, tokens: usize) -> Result<(), Broken>;

    /// Cuts a sequence's cache to its first `tokens`.
    fn cut(&mut self, sequence: usize, tokens: usize) -> Result<(), Broken>;
}

/// A chat template as a model's file has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TemplateSource {
    /// Jinja.
    pub text: String,
    /// Text of the token that begins a text.
    pub begin: String,
    /// Text of the token that ends one.
    pub end: String,
}
