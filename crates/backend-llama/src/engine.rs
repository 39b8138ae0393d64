//! What the scheduler needs from a model: tokens in, tokens out, and a cache of several sequences.

use std::fmt;

use clinstruct_batch_client::ErrorKind;

/// A token's number in the model's vocabulary.
pub type Token = i32;

/// How a row is sampled.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// Temperature; 0 is greedy.
    pub temperature: f32,
    /// Seed of the row's sampler.
    pub seed: u32,
    /// JSON schema that constrains the text.
    pub json_schema: Option<String>,
}

/// One token of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fed {
    /// The token.
    pub token: Token,
    /// Its position in its sequence, from 0.
    pub position: usize,
    /// Its sequence.
    pub sequence: usize,
    /// Whether a token will be sampled after it.
    pub output: bool,
}

/// An error that ends the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Kind, for the driver's decisions.
    pub kind: ErrorKind,
    /// Message, with what to do about it.
    pub message: String,
}

impl Broken {
    /// The engine cannot work with its configuration.
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
/// Sequences are numbered from 0. Tokens fed to a sequence stay in its cache until they are cut or overwritten by a
/// copy, so that a text with the same prefix only needs its rest.
pub trait Engine {
    /// Sampler state of one row.
    type Sampler;

    /// Number of sequences.
    fn sequences(&self) -> usize;

    /// Most tokens of one sequence.
    fn context(&self) -> usize;

    /// Most tokens of one step.
    fn batch(&self) -> usize;

    /// Most tokens of one sequence per step. An engine may compute long batches differently from short ones; using only
    /// one code path makes a text independent of how its prompt was cut.
    fn piece_of_prompt(&self) -> usize {
        self.batch()
    }

    /// Context length that the model was trained for.
    fn trained_context(&self) -> usize;

    /// The model's chat template, and the texts of its begin and end tokens.
    fn template(&self) -> TemplateSource;

    /// Tokenizes a text, including control tokens in it. `begin` prepends the model's begin token, if it has one.
    fn tokenize(&self, text: &str, begin: bool) -> Vec<Token>;

    /// The bytes of a token, possibly part of a character. Empty for control tokens.
    fn piece(&self, token: Token) -> Vec<u8>;

    /// Whether a token ends the text.
    fn ends(&self, token: Token) -> bool;

    /// A new sampler state; an error if the schema is not supported.
    fn sampler(&self, sampling: &Sampling) -> Result<Self::Sampler, String>;

    /// Evaluates these tokens. Those of one sequence are in order.
    fn step(&mut self, tokens: &[Fed]) -> Result<(), Broken>;

    /// Samples the token after the one at `index` of the last step, which was fed with `output`.
    fn sample(&mut self, sampler: &mut Self::Sampler, index: usize) -> Token;

    /// Copies the first `tokens` of the cache of `from` to `to`.
    fn copy(&mut self, from: usize, to: usize, tokens: usize) -> Result<(), Broken>;

    /// Truncates a sequence's cache to its first `tokens`.
    fn cut(&mut self, sequence: usize, tokens: usize) -> Result<(), Broken>;
}

/// A chat template from a model file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TemplateSource {
    /// Jinja.
    pub text: String,
    /// Text of the begin token.
    pub begin: String,
    /// Text of the end token.
    pub end: String,
}
