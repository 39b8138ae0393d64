//! An engine whose next token depends only on all tokens before it in its sequence: a cache that is copied, cut or
//! filled wrongly changes the text.

use std::sync::{Arc, Mutex};

use clinstruct_backend_llama::{Broken, Engine, Fed, Sampling, TemplateSource, Token};
use clinstruct_batch_client::ErrorKind;

/// The token that ends a text.
const END: Token = 1000;
const TEMPLATE: &str =
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>";

/// Tokens are bytes; each sequence is a list of them.
#[derive(Debug)]
pub(crate) struct Counting {
    cache: Vec<Vec<Token>>,
    context: usize,
    trained: usize,
    last: Vec<Fed>,
    breaks: Option<usize>,
    /// Tokens fed in each step.
    pub(crate) steps: Vec<usize>,
    /// Prompts and schemas that it received.
    pub(crate) seen: Arc<Mutex<Vec<String>>>,
}

impl Counting {
    pub(crate) fn new(sequences: usize, context: usize) -> Self {
        Self {
            cache: vec![Vec::new(); sequences],
            context,
            trained: 100_000,
            last: Vec::new(),
            breaks: None,
            steps: Vec::new(),
            seen: Arc::default(),
        }
    }

    pub(crate) fn trained_for(sequences: usize, tokens: usize) -> Self {
        Self { trained: tokens, ..Self::new(sequences, tokens) }
    }

    pub(crate) fn breaking_after(sequences: usize, steps: usize) -> Self {
        Self { breaks: Some(steps), ..Self::new(sequences, 1000) }
    }

    /// What it writes after these tokens, and how long that is.
    fn next(before: &[Token], seed: u32) -> Token {
        let sum = before
            .iter()
            .fold(u64::from(seed) | 1, |h, t| (h ^ *t as u64).wrapping_mul(0x0000_0100_0000_01b3));
        // No answer is empty: a template ends with this.
        let begun = before.last() != Some(&Token::from(b'>'));
        if begun && (sum >> 20).is_multiple_of(17) {
            END
        } else {
            i32::from(b'a') + (sum >> 30) as i32 % 26
        }
    }

    /// The text of a prompt, independent of concurrent rows.
    pub(crate) fn alone(prompt: &[Token], seed: u32, max_tokens: usize) -> String {
        let mut all = prompt.to_vec();
        let mut text = String::new();
        for _ in 0..max_tokens {
            let token = Self::next(&all, seed);
            if token == END {
                break;
            }
            text.push(char::from(token as u8));
            all.push(token);
        }
        text
    }
}

impl Engine for Counting {
    type Sampler = u32;

    fn sequences(&self) -> usize {
        self.cache.len()
    }

    fn context(&self) -> usize {
        self.context
    }

    fn batch(&self) -> usize {
        128
    }

    fn trained_context(&self) -> usize {
        self.trained
    }

    fn template(&self) -> TemplateSource {
        TemplateSource { text: TEMPLATE.into(), ..TemplateSource::default() }
    }

    fn tokenize(&self, text: &str, _begin: bool) -> Vec<Token> {
        self.seen.lock().unwrap().push(text.to_owned());
        text.bytes().map(Token::from).collect()
    }

    fn piece(&self, token: Token) -> Vec<u8> {
        vec![token as u8]
    }

    fn ends(&self, token: Token) -> bool {
        token == END
    }

    fn sampler(&self, sampling: &Sampling) -> Result<u32, String> {
        self.seen.lock().unwrap().extend(sampling.json_schema.clone());
        Ok(sampling.seed)
    }

    fn step(&mut self, tokens: &[Fed]) -> Result<(), Broken> {
        assert!(tokens.len() <= self.batch(), "a step of {} tokens", tokens.len());
        if self.breaks.is_some_and(|n| self.steps.len() >= n) {
            return Err(Broken { kind: ErrorKind::Io, message: "it broke".into() });
        }
        for fed in tokens {
            let cache = &mut self.cache[fed.sequence];
            assert_eq!(cache.len(), fed.position, "a token comes where its sequence ends");
            cache.push(fed.token);
            assert!(cache.len() <= self.context, "a sequence keeps to its room");
        }
        self.steps.push(tokens.len());
        self.last = tokens.to_vec();
        Ok(())
    }

    fn sample(&mut self, seed: &mut u32, index: usize) -> Token {
        let fed = self.last[index];
        assert!(fed.output, "only what was asked for is sampled");
        Self::next(&self.cache[fed.sequence][..=fed.position], *seed)
    }

    fn copy(&mut self, from: usize, to: usize, tokens: usize) -> Result<(), Broken> {
        assert_ne!(from, to);
        self.cache[to] = self.cache[from][..tokens].to_vec();
        Ok(())
    }

    fn cut(&mut self, sequence: usize, tokens: usize) -> Result<(), Broken> {
        assert!(tokens <= self.cache[sequence].len(), "a cut makes nothing longer");
        self.cache[sequence].truncate(tokens);
        Ok(())
    }
}
