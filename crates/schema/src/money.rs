use serde::{Deserialize, Serialize};

use crate::Usage;

/// Millionths of a US dollar.
pub type MicroUsd = u64;

/// Price of a model, in US dollars per million tokens, without the batch discount.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Model name at its provider; also applies to dated snapshots of it.
    pub model: String,
    /// Prompt tokens.
    pub input: f64,
    /// Prompt tokens in the provider's cache.
    pub cached_input: f64,
    /// Tokens with which a prompt has to begin like another one for the provider's cache to have them; `None` if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_from: Option<u64>,
    /// Completion tokens.
    pub output: f64,
    /// Day of the price, such as `2026-06-21`.
    pub date: String,
    /// Source page.
    pub source: String,
}

impl Price {
    /// The cost of these tokens, rounded up; `factor` is the batch price relative to single calls, 0.5 for half.
    pub fn cost(&self, usage: Usage, factor: f64) -> MicroUsd {
        let fresh = usage.prompt_tokens.saturating_sub(usage.cached_tokens);
        let cost = fresh as f64 * self.input
            + usage.cached_tokens as f64 * self.cached_input
            + usage.completion_tokens as f64 * self.output;
        // A dollar per million tokens is a millionth of a dollar per token.
        (cost * factor).max(0.0).ceil() as MicroUsd
    }

    /// Whether this is the price of a model: its name, or a dated snapshot of it.
    pub fn is_of(&self, model: &str) -> bool {
        model.strip_prefix(&self.model).is_some_and(|rest| {
            rest.is_empty()
                || rest
                    .strip_prefix('-')
                    .is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit()))
        })
    }
}

/// Millionths of a dollar as dollars, for display: `$12.35`.
pub fn dollars(cost: MicroUsd) -> String {
    format!("${:.2}", cost as f64 / 1e6)
}

/// What each of `count` things cost, in dollars: to a hundredth of a cent below a dollar, further below that. `None` where nothing
/// was paid, or for nothing.
///
/// ```
/// use clinstruct_schema::dollars_each;
///
/// assert_eq!(dollars_each(363_420_000, 39_403).as_deref(), Some("$0.0092"));
/// assert_eq!(dollars_each(0, 5), None);
/// ```
pub fn dollars_each(cost: MicroUsd, count: u64) -> Option<String> {
    if cost == 0 || count == 0 {
        return None;
    }
    let each = cost as f64 / 1e6 / count as f64;
    let digits = match each {
        1.0.. => 2,
        0.001.. => 4,
        _ => 6,
    };
    Some(format!("${each:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_of_one_has_digits_to_tell_it_by() {
        for (cost, count, each) in [
            (363_420_000, 39_403, Some("$0.0092")),
            (12_000_000, 4, Some("$3.00")),
            (5_000_000, 10, Some("$0.5000")),
            (80_000, 1_000, Some("$0.000080")),
            (10, 0, None),
            (0, 10, None),
        ] {
            assert_eq!(dollars_each(cost, count).as_deref(), each, "{cost} for {count}");
        }
    }

    #[test]
    fn cached_tokens_and_batches_are_cheaper() {
        let price = Price {
            model: "gpt-4o".into(),
            input: 2.5,
            cached_input: 1.25,
            cached_from: None,
            output: 10.0,
            date: String::new(),
            source: String::new(),
        };
        let usage = Usage {
            prompt_tokens: 1000,
            completion_tokens: 100,
            cached_tokens: 400,
            ..Usage::default()
        };
        assert_eq!(price.cost(usage, 1.0), 1500 + 500 + 1000);
        assert_eq!(price.cost(usage, 0.5), 1500);
        assert!(price.is_of("gpt-4o") && price.is_of("gpt-4o-2024-11-20"));
        assert!(!price.is_of("gpt-4o-mini") && !price.is_of("gpt-4"));
        assert_eq!(dollars(12_345_678), "$12.35");
    }
}
