//! Amounts of which a text says only how much they are, and flows that nobody is given.

use super::Unit;
use super::context::Context;
use super::numbers::Number;

/// Letters behind an amount in which it is judged.
const JUDGEMENT: usize = 36;
/// What says that an amount is small, or no more than that.
const JUDGED: [&str; 26] = [
    " is low",
    " is a low",
    " is small",
    " is a small",
    " is little",
    " is not much",
    " are few",
    " is on the low side",
    " ist wenig",
    " sind wenig",
    " ist niedrig",
    " est peu",
    " sont peu",
    " est faible",
    " es poco",
    " es poca",
    " son pocos",
    " es baja",
    " è poc",
    " sono poch",
    " è bass",
    " é pouc",
    " são pouc",
    " é baix",
    "कम है",
    "ถือว่าน้อย",
];

/// Most litres a minute that are given; a peak flow is more.
const FLOW: f64 = 80.0;

impl Context<'_> {
    /// Whether a flow is one that a patient breathes out: `peak flow 300 L/min`.
    #[expect(clippy::unused_self, reason = "asked as the other questions about a number are")]
    pub(super) fn is_breath(&self, number: &Number) -> bool {
        number.unit == Unit::Litre && number.per_time && number.amount > FLOW
    }

    /// Whether what is said of an amount is how much it is: `150 mg a day is not much`.
    pub(super) fn is_judged(&self, number: &Number) -> bool {
        let rest = self.view.between(number.place.end, self.sentence.end);
        let near: String = rest.chars().take(JUDGEMENT).collect();
        JUDGED.iter().any(|word| near.contains(word))
    }
}
