//! Amounts of which a text says only how much they are, and flows that nobody is given.

use std::ops::Range;

use super::Unit;
use super::context::Context;
use super::numbers::Number;
use super::words::{Class, whole_word};

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

/// Letters behind an amount in which it is said what goes with it.
const LINK: usize = 90;
/// What says what goes with an amount, rather than that it is given: `10 mg a day or more at the start is linked to poorer
/// outcomes`.
const LINKED: [&str; 14] = [
    " is linked",
    " are linked",
    " is associated",
    " are associated",
    " geht mit ",
    " gehen mit ",
    " se asocia",
    " est associé",
    " sont associé",
    " è associat",
    " sono associat",
    " está associad",
    " से जुड़",
    "สัมพันธ์กับ",
];

/// Articles before an amount, and nouns behind it, of something that was given.
const DEFINITE: [(&str, &str); 8] = [
    ("the ", "application"),
    ("the ", "exposure"),
    ("the ", "overdose"),
    ("the ", "ingestion"),
    ("der ", "überdosis"),
    ("l'", "application"),
    ("the ", "load "),
    ("this ", "application"),
];

/// Vessels and spoons, by the beginnings of words: food and water come in them, too.
const KITCHEN: [&str; 34] = [
    "spoon",
    "teaspoon",
    "tablespoon",
    "cup",
    "glass",
    "jar",
    "bottle",
    "löffel",
    "teelöffel",
    "esslöffel",
    "tasse",
    "becher",
    "flasche",
    "cuillère",
    "cuillerée",
    "verre",
    "bouteille",
    "cuchar",
    "vaso",
    "taza",
    "frasco",
    "botella",
    "cucchia",
    "bicchier",
    "tazza",
    "bottiglia",
    "colher",
    "copo",
    "xícara",
    "चम्मच",
    "कप",
    "ช้อน",
    "ถ้วย",
    "ขวด",
];
/// Words for one time, which are no frequency: `prepare once`, `once he is seen`.
const ONCE: [&str; 9] = [
    "once",
    "one time",
    "einmal",
    "una vez",
    "une fois",
    "una volta",
    "uma vez",
    "एक बार",
    "ครั้งเดียว",
];

/// What makes once a frequency.
const DAILY: [&str; 14] = [
    "a day",
    "daily",
    "every",
    "per ",
    "each",
    "at night",
    "am tag",
    "täglich",
    "al día",
    "par jour",
    "al giorno",
    "por dia",
    "ao dia",
    "a week",
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
        let far: String = rest.chars().take(LINK).collect();
        JUDGED.iter().any(|word| near.contains(word))
            || LINKED.iter().any(|word| far.contains(word))
    }

    /// Whether an amount is spoken of as one that is there: `favoured by the 60 g application over a large area`.
    pub(super) fn is_definite(&self, number: &Number) -> bool {
        let before = self.view.between(self.sentence.start, number.place.start);
        let behind =
            self.view.between(number.place.end, self.sentence.end).trim_start_matches([' ', '-']);
        DEFINITE.iter().any(|(the, noun)| before.ends_with(the) && behind.starts_with(noun))
            && !self.names(&[Class::Advice])
    }

    /// Whether pieces are counted in spoons or vessels: `test a single teaspoon`, `un frasco para la semana`.
    pub(super) fn is_of_kitchen(&self, number: &Number) -> bool {
        let said = self.view.between(number.place.start, number.place.end);
        said.split_whitespace().any(|word| {
            KITCHEN.iter().any(|vessel| {
                word.starts_with(vessel) || (!vessel.is_ascii() && word.contains(vessel))
            })
        })
    }

    /// Whether a part of the sentence says how often something is taken, other than once.
    pub(super) fn is_regular(&self, part: &Range<usize>) -> bool {
        self.hits.iter().filter(|hit| hit.class == Class::Frequency).any(|hit| {
            let (from, to) = whole_word(self.view.lower, hit.start, hit.end);
            let said = self.view.between(from, to).trim();
            part.contains(&hit.start)
                && (!ONCE.contains(&said)
                    || DAILY.iter().any(|day| {
                        self.view.between(to, self.sentence.end).trim_start().starts_with(day)
                    }))
        })
    }
}
