use clinstruct_batch_client::OpenError;

/// Rates of injected faults, each a share from 0 to 1.
///
/// The defaults are similar to the rates of real batches, so that every run exercises every path behind the backend.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates {
    rates: [f64; Self::NAMES.len()],
}

/// An injected fault; its number is its index in [`Rates::NAMES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InjectedFault {
    Refusal,
    TextRefusal,
    ContentFilter,
    Cut,
    Empty,
    MalformedJson,
    WrongCount,
    WrappingQuotes,
    RoleTag,
    HashHeading,
    CodeFence,
    ControlCharacter,
    WrongLanguage,
    Violation,
    Missing,
    Duplicated,
    RowError,
    BadRow,
    ExpiredJob,
}

impl Rates {
    /// Names of the kinds, as used in settings. By content of the request: `refusal` (in the refusal field),
    /// `text_refusal` (in the text), `content_filter`, `cut` (token limit in mid-word), `empty` (null content),
    /// `malformed_json`, `wrong_count` (of prompts), `wrapping_quotes`, `role_tag`, `hash_heading`, `code_fence`,
    /// `control_character`, `wrong_language` (English instead of the requested language), `violation` (one instruction
    /// broken). By job and request: `missing`, `duplicated`, `row_error` (status 500), `bad_row` (no JSON). By job:
    /// `expired_job` (its last tenth is missing).
    pub const NAMES: [&'static str; 19] = [
        "refusal",
        "text_refusal",
        "content_filter",
        "cut",
        "empty",
        "malformed_json",
        "wrong_count",
        "wrapping_quotes",
        "role_tag",
        "hash_heading",
        "code_fence",
        "control_character",
        "wrong_language",
        "violation",
        "missing",
        "duplicated",
        "row_error",
        "bad_row",
        "expired_job",
    ];

    /// No injected faults.
    pub fn none() -> Self {
        Self { rates: [0.0; Self::NAMES.len()] }
    }

    /// Rates from settings such as `none` or `refusal=0.1`; later settings override earlier ones.
    pub fn parse(settings: &[String]) -> Result<Self, OpenError> {
        let known = || format!("use `none` or one of: {}", Self::NAMES.join(", "));
        let mut rates = Self::default();
        for setting in settings {
            if setting == "none" {
                rates = Self::none();
                continue;
            }
            let (name, value) = setting.split_once('=').ok_or_else(|| {
                OpenError::setting(format!("--misbehave {setting} has no `=`"), known())
            })?;
            let rate: f64 =
                value.parse().ok().filter(|r| (0.0..=1.0).contains(r)).ok_or_else(|| {
                    OpenError::setting(
                        format!("{value} is not a rate"),
                        "give a number from 0 to 1",
                    )
                })?;
            if !rates.set(name, rate) {
                let message = format!("unknown injected fault \"{name}\"");
                return Err(OpenError::setting(message, known()));
            }
        }
        Ok(rates)
    }

    /// Sets one kind's rate; false if there is no such kind.
    pub fn set(&mut self, name: &str, rate: f64) -> bool {
        let place = Self::NAMES.iter().position(|n| *n == name);
        match place.and_then(|p| self.rates.get_mut(p)) {
            Some(slot) => {
                *slot = rate;
                true
            }
            None => false,
        }
    }

    pub(crate) fn of(&self, kind: InjectedFault) -> f64 {
        self.rates[kind as usize]
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            rates: [
                0.002, 0.001, 0.0005, 0.003, 0.001, 0.004, 0.004, 0.02, 0.004, 0.004, 0.002, 0.001,
                0.004, 0.01, 0.003, 0.002, 0.002, 0.0005, 0.02,
            ],
        }
    }
}
