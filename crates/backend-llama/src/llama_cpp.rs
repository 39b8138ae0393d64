//! llama.cpp as an [`Engine`].

use std::fs::File;
use std::io::Read as _;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use clinstruct_batch_client::ErrorKind;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::gguf::GgufContext;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;

use crate::engine::{Broken, Engine, Fed, Sampling, TemplateSource, Token};

/// Most tokens per step and per pass over the weights: llama.cpp's default.
const STEP: usize = 512;
/// Most tokens of one sequence per step: from 64, llama.cpp's attention uses another code path, with sums that differ
/// in the last bits. Source: `GGML_FA_TILE_Q` in its `ggml-cpu/common.h`.
const PIECE: usize = 63;
/// Default context per conversation: fits the longest of the default resources.
const CONTEXT: usize = 8192;
/// Default number of concurrent conversations, if memory allows.
const AT_ONCE: usize = 32;
/// Default share of the free memory to use.
const SHARE_OF_MEMORY: u64 = 2;
/// System load that counts as idle.
const ROOM: f64 = 0.3;
/// Bytes at the start of a file that identify it: they contain all metadata of the model.
const HEAD: u64 = 4 << 20;

/// Options of a model.
#[derive(Debug, Clone)]
pub struct Options {
    /// The weights: a GGUF file.
    pub file: PathBuf,
    /// Threads.
    pub threads: usize,
    /// Tokens per conversation; derived from model and memory if `None`.
    pub context: Option<usize>,
    /// Concurrent conversations; derived from memory if `None`.
    pub at_once: Option<usize>,
    /// Bytes of memory reserved by other models of this process.
    pub taken: u64,
}

/// Resource needs of a model, known before it is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Tokens per conversation.
    pub context: usize,
    /// Concurrent conversations.
    pub at_once: usize,
    /// Bytes of weights: the file size.
    pub weights: u64,
    /// Bytes of the cache for all conversations.
    pub cache: u64,
    /// Approximate bytes of compute buffers.
    pub buffers: u64,
    /// Name and hash that identify the file.
    pub fingerprint: String,
}

impl Plan {
    /// All bytes.
    pub fn total(&self) -> u64 {
        self.weights + self.cache + self.buffers
    }

    /// Reads the file's metadata and fits the model into memory. The error says what to change.
    pub fn new(options: &Options) -> Result<Self, Broken> {
        Self::within(options, free_memory().saturating_sub(options.taken))
    }

    fn within(options: &Options, free: u64) -> Result<Self, Broken> {
        crate::processor::check()?;
        let file = &options.file;
        let about = About::read(file)?;
        let context = options.context.unwrap_or_else(|| about.trained.min(CONTEXT));
        if context > about.trained {
            return Err(Broken::refused(format!(
                "--context {context} is more than {} was trained for; give {} at most",
                file.display(),
                about.trained
            )));
        }
        let each = about.cache_of_token * context as u64;
        let fixed = about.weights + about.buffers;
        let at_once = options.at_once.unwrap_or_else(|| {
            let room = (free / SHARE_OF_MEMORY).saturating_sub(fixed) / each.max(1);
            (room as usize).saturating_sub(1).clamp(1, AT_ONCE)
        });
        let at_once = at_once.clamp(1, STEP);
        let plan = Self {
            context,
            at_once,
            weights: about.weights,
            cache: each * sequences(at_once) as u64,
            buffers: about.buffers,
            fingerprint: about.fingerprint,
        };
        if plan.total() > free {
            let mib = |bytes: u64| bytes.div_ceil(1 << 20);
            return Err(Broken::refused(format!(
                "{} needs about {} MiB ({} of weights, {} for {} conversations of {} tokens, {} to compute), \
                 and {} MiB are free; give a smaller --concurrency or --context, or a smaller model",
                file.display(),
                mib(plan.total()),
                mib(plan.weights),
                mib(plan.cache),
                plan.at_once,
                plan.context,
                mib(plan.buffers),
                mib(free),
            )));
        }
        Ok(plan)
    }
}

/// Sequences of a context: one per conversation, and a spare one so that no token is ever decoded alone.
fn sequences(at_once: usize) -> usize {
    at_once + usize::from(at_once > 1)
}

/// Bytes that this process may still allocate, by the machine and by container or cluster limits. Unlimited if neither
/// is known.
fn free_memory() -> u64 {
    let Ok(mut system) = sysinfo::System::new() else { return u64::MAX };
    system.refresh_memory();
    let limit = system.cgroup_limits().map_or(u64::MAX, |l| l.free_memory);
    match system.available_memory() {
        0 => limit,
        free => free.min(limit),
    }
}

/// How llama.cpp's threads should wait for each other, as an OpenMP variable and its value. OpenMP reads it at process
/// start.
///
/// Threads synchronize some hundred times per token. By default they spin, which is fastest with a processor for each,
/// but slows a small model tenfold if another program needs one. With free processors they spin briefly; otherwise not
/// at all, which costs a third for a model of 135 million weights and less for larger ones. Source:
/// <https://gcc.gnu.org/onlinedocs/libgomp/GOMP_005fSPINCOUNT.html>.
pub fn waiting(threads: usize) -> (&'static str, &'static str) {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let busy = sysinfo::System::load_average().map_or(0.0, |load| load.one);
    if busy + threads as f64 <= processors as f64 + ROOM {
        ("GOMP_SPINCOUNT", "1000")
    } else {
        ("OMP_WAIT_POLICY", "passive")
    }
}

/// Metadata of a file.
struct About {
    trained: usize,
    weights: u64,
    cache_of_token: u64,
    buffers: u64,
    fingerprint: String,
}

impl About {
    fn read(file: &Path) -> Result<Self, Broken> {
        let io = |e: std::io::Error| Broken {
            kind: ErrorKind::Io,
            message: format!("cannot read {}: {e}", file.display()),
        };
        let weights = file.metadata().map_err(io)?.len();
        let mut head = Vec::new();
        File::open(file).map_err(io)?.take(HEAD).read_to_end(&mut head).map_err(io)?;
        let no_model = || {
            Broken::refused(format!(
                "{} is not a model in the GGUF format, or is incomplete",
                file.display()
            ))
        };
        if !head.starts_with(b"GGUF") {
            return Err(no_model());
        }
        // llama.cpp prints an error and returns nothing for a broken file.
        quiet();
        let gguf = GgufContext::from_file(file).ok_or_else(no_model)?;
        let key = |key: &str| match gguf.find_key(key) {
            -1 => None,
            at => Some(at),
        };
        let text = |name: &str| key(name).and_then(|at| gguf.val_str(at));
        let family = text("general.architecture").ok_or_else(no_model)?.to_owned();
        if text("tokenizer.chat_template").is_none() {
            return Err(Broken::refused(format!(
                "{} has no chat template, so it is no model to talk with; take one whose name ends in Instruct \
                 or -it",
                file.display()
            )));
        }
        // Only a plain 32-bit number; some families have one per layer.
        let number = |name: &str| {
            let at = key(&format!("{family}.{name}"))?;
            (gguf.kv_type(at) == NUMBER).then(|| u64::from(gguf.val_u32(at)))
        };
        let layers = number("block_count").ok_or_else(no_model)?;
        let heads = number("attention.head_count").unwrap_or(1).max(1);
        let width = number("embedding_length").ok_or_else(no_model)?;
        let cached_heads = number("attention.head_count_kv").unwrap_or(heads);
        let of_head = width / heads;
        let keys = number("attention.key_length").unwrap_or(of_head);
        let values = number("attention.value_length").unwrap_or(of_head);
        let trained = number("context_length").unwrap_or(CONTEXT as u64) as usize;
        let wide = number("feed_forward_length").unwrap_or(4 * width);
        let words = number("vocab_size").unwrap_or(64 << 10);
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let hash = blake3::hash(&head).to_hex();
        Ok(Self {
            trained,
            weights,
            // 16-bit floats: one for the keys, one for the values.
            cache_of_token: 2 * layers * cached_heads * (keys + values),
            buffers: 4 * STEP as u64 * (words + 4 * width + 2 * wide),
            fingerprint: format!("{stem}, {weights} bytes, {}", &hash[..16]),
        })
    }
}

/// Type id of an unsigned 32-bit integer in a GGUF file. Source:
/// <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.
const NUMBER: u32 = 4;

/// llama.cpp's process-wide state, with logging off.
fn quiet() -> Option<&'static LlamaBackend> {
    static BACKEND: OnceLock<Option<LlamaBackend>> = OnceLock::new();
    BACKEND
        .get_or_init(|| {
            let mut backend = LlamaBackend::init().ok()?;
            backend.void_logs();
            Some(backend)
        })
        .as_ref()
}

/// A model with its context.
#[derive(Debug)]
pub struct LlamaCpp {
    model: &'static LlamaModel,
    context: LlamaContext<'static>,
    batch: LlamaBatch<'static>,
    plan: Plan,
    /// Whether a sequence can be cut in the middle; recurrent models cannot.
    cuts: bool,
}

/// Sampler state of a row.
#[derive(Debug)]
pub struct Sampler {
    /// Whether sampling is greedy.
    likeliest: bool,
    chain: LlamaSampler,
    grammar: Option<LlamaSampler>,
}

impl LlamaCpp {
    /// Loads a model as planned.
    pub fn open(options: &Options, plan: &Plan) -> Result<Self, Broken> {
        let plan = plan.clone();
        let broken = |message: String| Broken { kind: ErrorKind::Io, message };
        let backend = quiet().ok_or_else(|| broken("llama.cpp failed to start".into()))?;
        let params = LlamaModelParams::default();
        let model = LlamaModel::load_from_file(backend, &options.file, &params).map_err(|e| {
            broken(format!(
                "llama.cpp cannot load {}: {e}; the file may be truncated, or its architecture unsupported",
                options.file.display()
            ))
        })?;
        // The context refers to the model; both live as long as the thread that uses them.
        let model: &'static LlamaModel = Box::leak(Box::new(model));
        let threads = i32::try_from(options.threads.max(1)).unwrap_or(i32::MAX);
        let sequences = sequences(plan.at_once);
        let whole = u32::try_from(plan.context * sequences).unwrap_or(u32::MAX);
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(whole))
            .with_n_seq_max(sequences as u32)
            .with_n_batch(STEP as u32 + 1)
            .with_n_ubatch(STEP as u32)
            .with_n_threads(threads)
            .with_n_threads_batch(threads)
            // Allows cutting anywhere, also for models with a sliding window.
            .with_swa_full(true)
            // Separate memory per sequence: in a shared one, each token attends over the slots of all others, which
            // costs a third of the speed at 32.
            .with_kv_unified(false);
        let context = model.new_context(backend, params).map_err(|e| {
            broken(format!(
                "llama.cpp has no memory for {} conversations of {} tokens ({e}); give a smaller --concurrency \
                 or --context",
                plan.at_once, plan.context
            ))
        })?;
        let cuts = !model.is_recurrent() && !model.is_hybrid();
        Ok(Self { model, context, batch: LlamaBatch::new(STEP + 1, 1), plan, cuts })
    }

    /// Options that it was opened with.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether prefixes can be shared.
    pub fn shares(&self) -> bool {
        self.cuts
    }
}

/// Index of the largest number; the first of several.
fn likeliest(logits: &[f32]) -> Token {
    let mut best = (0, f32::NEG_INFINITY);
    for (i, &logit) in logits.iter().enumerate() {
        if logit > best.1 {
            best = (i, logit);
        }
    }
    Token::try_from(best.0).unwrap_or_default()
}

fn gone(e: impl std::fmt::Display) -> Broken {
    Broken { kind: ErrorKind::Io, message: format!("llama.cpp failed: {e}") }
}

impl Engine for LlamaCpp {
    type Sampler = Sampler;

    fn sequences(&self) -> usize {
        self.plan.at_once
    }

    fn context(&self) -> usize {
        self.plan.context
    }

    fn batch(&self) -> usize {
        STEP
    }

    fn piece_of_prompt(&self) -> usize {
        PIECE
    }

    fn trained_context(&self) -> usize {
        self.model.n_ctx_train() as usize
    }

    fn template(&self) -> TemplateSource {
        let vocabulary = self.model.vocab();
        let text = |token: LlamaToken| {
            if token.0 < 0 {
                return String::new();
            }
            String::from_utf8(vocabulary.token_to_piece(token, true, None)).unwrap_or_default()
        };
        let template = self.model.chat_template(None).ok();
        TemplateSource {
            text: template.and_then(|t| t.to_string().ok()).unwrap_or_default(),
            begin: text(vocabulary.bos()),
            end: text(vocabulary.eos()),
        }
    }

    fn tokenize(&self, text: &str, begin: bool) -> Vec<Token> {
        self.model.vocab().tokenize(text.as_bytes(), begin, true).into_iter().map(|t| t.0).collect()
    }

    fn piece(&self, token: Token) -> Vec<u8> {
        self.model.vocab().token_to_piece(LlamaToken(token), false, None)
    }

    fn ends(&self, token: Token) -> bool {
        self.model.vocab().is_eog(LlamaToken(token))
    }

    fn sampler(&self, sampling: &Sampling) -> Result<Sampler, String> {
        let likeliest = sampling.temperature <= 0.0;
        let chain = if likeliest {
            LlamaSampler::chain_simple([LlamaSampler::greedy()])
        } else {
            // llama.cpp's own defaults, in its order.
            LlamaSampler::chain_simple([
                LlamaSampler::top_k(40),
                LlamaSampler::top_p(0.95, 1),
                LlamaSampler::min_p(0.05, 1),
                LlamaSampler::temp(sampling.temperature),
                LlamaSampler::dist(sampling.seed),
            ])
        };
        let grammar = match &sampling.json_schema {
            None => None,
            Some(schema) => {
                let rules = llama_cpp_2::json_schema_to_grammar(schema).map_err(|e| {
                    format!("its JSON schema cannot be converted to a grammar: {e}")
                })?;
                Some(LlamaSampler::grammar(self.model, &rules, "root").map_err(|e| {
                    format!("its JSON schema cannot be converted to a grammar: {e}")
                })?)
            }
        };
        Ok(Sampler { likeliest, chain, grammar })
    }

    fn step(&mut self, tokens: &[Fed]) -> Result<(), Broken> {
        self.batch.clear();
        for fed in tokens {
            let position = i32::try_from(fed.position).map_err(gone)?;
            let sequence = i32::try_from(fed.sequence).map_err(gone)?;
            self.batch
                .add(LlamaToken(fed.token), position, &[sequence], fed.output)
                .map_err(gone)?;
        }
        // A single token is computed on another code path than several, with sums that differ in the last bits; but a
        // text must not depend on concurrent rows. So a token is never decoded alone.
        let outputs = tokens.iter().filter(|fed| fed.output).count();
        if self.plan.at_once > 1 && (tokens.len() == 1 || outputs == 1) {
            let aside = i32::try_from(self.plan.at_once).map_err(gone)?;
            self.context.kv_cache_seq_rm(aside, None, None).map_err(gone)?;
            self.batch.add(LlamaToken(tokens[0].token), 0, &[aside], true).map_err(gone)?;
        }
        self.context.decode(&mut self.batch).map_err(gone)
    }

    fn sample(&mut self, sampler: &mut Sampler, index: usize) -> Token {
        let index = i32::try_from(index).unwrap_or(i32::MAX);
        let Some(grammar) = &mut sampler.grammar else {
            if sampler.likeliest {
                return likeliest(self.context.get_logits_ith(index));
            }
            return sampler.chain.sample(&self.context, index).0;
        };
        // The whole vocabulary is checked against the grammar only if the likeliest token violates it.
        let mut all = self.context.token_data_array_ith(index);
        all.apply_sampler(&mut sampler.chain);
        let chosen = all.selected_token().filter(|token| {
            let one = LlamaTokenData::new(*token, 1.0, 0.0);
            let mut one = LlamaTokenDataArray::new(vec![one], false);
            one.apply_sampler(grammar);
            one.data.first().is_some_and(|t| t.logit().is_finite())
        });
        let token = chosen.unwrap_or_else(|| {
            let mut all = self.context.token_data_array_ith(index);
            all.apply_sampler(grammar);
            all.apply_sampler(&mut sampler.chain);
            all.selected_token().unwrap_or_else(|| self.model.vocab().eos())
        });
        grammar.accept(token);
        token.0
    }

    fn copy(&mut self, from: usize, to: usize, tokens: usize) -> Result<(), Broken> {
        let number = |n: usize| i32::try_from(n).map_err(gone);
        let (from, to) = (number(from)?, number(to)?);
        self.context.kv_cache_seq_rm(to, None, None).map_err(gone)?;
        // Copies the whole sequence, since sequences have separate memory; then cuts the excess.
        self.context.copy_kv_cache_seq(from, to, None, None).map_err(gone)?;
        self.cut(to as usize, tokens)
    }

    fn cut(&mut self, sequence: usize, tokens: usize) -> Result<(), Broken> {
        let sequence = i32::try_from(sequence).map_err(gone)?;
        let from = u32::try_from(tokens).map_err(gone)?;
        self.context.kv_cache_seq_rm(sequence, Some(from), None).map_err(gone)
    }
}
