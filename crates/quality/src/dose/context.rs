//! Whether a number with a unit is a dose that the text advises, and of which medicine.

use std::ops::Range;

use super::numbers::Number;
use super::words::{Class, Hit};
use super::{Dose, Unit, View};
use crate::lines::lines;
use crate::structure::marker_length;

/// The longest distance, in bytes, at which two words belong together without a boundary between them.
pub(super) const BESIDE: usize = 90;

/// How far behind a number, in letters, what it measures is named.
const NEXT: usize = 24;

/// The longest start, in letters, of a clause that says that a medicine is taken.
const RELATIVE: usize = 32;

/// Per cents that are those of oxygen in the blood rather than a strength.
const SATURATION: Range<f64> = 75.0..100.0;

/// The lowest bound, in degrees Celsius, at which medicines are kept.
const STORED: f64 = 8.0;

/// The longest distance, in letters, between a word for growth and its number.
const GROWTH: usize = 24;

/// A longer rest of a clause than this is no verb with its object.
const CLAUSE: usize = 20;

/// Larger amounts than these without a medicine are food or drink.
const SMALL_GRAMS: f64 = 10.0;
const SMALL_MILLILITRES: f64 = 50.0;

/// The doses among the numbers of a text.
pub(super) fn doses(view: &View<'_>, numbers: &[Number]) -> Vec<Dose> {
    let mut found = Vec::new();
    // The sentence before measures food or drink, as the bare numbers behind it then do.
    let mut fed = None;
    for (at, sentence) in view.sentences.iter().enumerate() {
        let from = numbers.partition_point(|number| number.place.start < sentence.start);
        let to = numbers.partition_point(|number| number.place.start < sentence.end);
        let own = numbers.get(from..to).unwrap_or_default();
        if own.is_empty() || is_question(view.between(sentence.start, sentence.end)) {
            continue;
        }
        let context = Context {
            view,
            sentence,
            hits: view.within(sentence),
            numbers: own,
            lead: lead(view, at),
        };
        let goes_on = fed.is_some_and(|last| last + 1 == at) && !context.names(&MEASURED);
        let fed_or_eaten = context.names(&[Class::Other, Class::Growth]);
        let food = goes_on || (fed_or_eaten && !context.names(&MEASURED));
        let mut eaten = goes_on;
        let is_dose = |number: &&Number| {
            let bare = matches!(number.unit, Unit::Gram | Unit::Millilitre | Unit::Litre);
            let is_dose = !(eaten && bare) && context.is_dose(number);
            eaten |= food && bare && !is_dose;
            is_dose
        };
        let advised = own.iter().filter(is_dose);
        found.extend(advised.map(|number| Dose {
            place: number.place.clone(),
            unit: number.unit,
            amount: number.amount,
            per_weight: number.per_weight,
            medicine: context.medicine(number),
        }));
        if food {
            fed = Some(at);
        }
    }
    found
}

/// What a bare number of grams or millilitres measures if it is a dose.
const MEASURED: [Class; 3] = [Class::Medicine, Class::Route, Class::Form];

/// Whether an amount that only a frequency stands beside can be one of a medicine: two litres a day are drunk.
fn is_small(number: &Number) -> bool {
    match number.unit {
        Unit::Gram => number.amount <= SMALL_GRAMS,
        Unit::Millilitre => number.amount <= SMALL_MILLILITRES,
        Unit::Litre => number.per_time,
        // `Haemolysis from one unit`: those of insulin are written in digits.
        Unit::International => !number.worded,
        _ => true,
    }
}

fn is_question(sentence: &str) -> bool {
    sentence.trim_end().trim_end_matches(['*', '_', '"', '”', '»', ')']).ends_with('?')
}

/// The sentence before an item of a list or a row of a table, whose words count for it too.
fn lead(view: &View<'_>, at: usize) -> Option<Range<usize>> {
    let sentence = view.sentences.get(at)?;
    is_listed(view.text, sentence).then(|| view.sentences.get(at.checked_sub(1)?).cloned())?
}

/// Whether a sentence stands in an item of a list or a row of a table.
pub(super) fn is_listed(text: &str, sentence: &Range<usize>) -> bool {
    let start = text[..sentence.start].rfind('\n').map_or(0, |at| at + 1);
    let line = lines(&text[start..]).next().and_then(|line| text[start..].get(line));
    line.is_some_and(|line| line.trim_start().starts_with('|') || marker_length(line) > 0)
}

/// A sentence with its words.
pub(super) struct Context<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) sentence: &'a Range<usize>,
    pub(super) hits: &'a [Hit],
    /// The numbers of the sentence.
    pub(super) numbers: &'a [Number],
    /// The sentence before a list.
    pub(super) lead: Option<Range<usize>>,
}

impl Context<'_> {
    fn is_dose(&self, number: &Number) -> bool {
        let clause = self.clause(&number.place);
        if self.counts_other(number)
            || self.is_interval(number)
            || self.is_history(number, &clause)
            || self.is_described(number)
            || self.is_one_by_one(number)
            || self.is_size(number)
            || self.is_temperature(number)
            || self.is_of_growth(number)
            || self.is_breath(number)
            || self.is_judged(number)
            || self.is_definite(number)
        {
            return false;
        }
        let other = self.is_other(number, &clause);
        let has = |class| self.hits.iter().any(|h| h.class == class && overlaps(&clause, h));
        match number.unit {
            Unit::Percent => {
                let saturation = SATURATION.contains(&number.amount);
                !other && !saturation && self.is_strength_of_medicine(number, &clause)
            }
            _ if number.sure => !other,
            Unit::Piece if self.is_of_kitchen(number) => {
                !other
                    && (self.names(&[Class::Medicine])
                        || self.leads(Class::Medicine)
                        || has(Class::Route)
                        || self.is_regular(&clause))
            }
            Unit::Piece => {
                !other
                    && (number.per_weight
                        || [Class::Medicine, Class::Route, Class::Frequency, Class::Advice]
                            .into_iter()
                            .any(has))
            }
            _ => {
                if other {
                    return false;
                }
                let advised = self.hits.iter().any(|h| h.class == Class::Advice);
                // A flow is one of its own sentence: `clearance above 50 mL/min`.
                let named =
                    has(Class::Medicine) || (self.leads(Class::Medicine) && !number.per_time);
                let drunk = self.is_drunk(number, &clause, named || has(Class::Form));
                (has(Class::Route) && !drunk)
                    || (has(Class::Frequency) && (named || has(Class::Form) || is_small(number)))
                    || (advised && (number.per_weight || has(Class::Form)))
                    || (number.unit == Unit::Millimole && advised)
                    || (named && !self.is_estimate(number))
            }
        }
    }

    /// Whether an amount is one that people drink, by mouth: `about 1.7 litres a day by mouth`. One for each kilogram
    /// is calculated and given.
    fn is_drunk(&self, number: &Number, clause: &Range<usize>, named: bool) -> bool {
        let routes = self.hits.iter().filter(|h| h.class == Class::Route && overlaps(clause, h));
        let by_mouth = |hit: &Hit| {
            let route = self.view.between(hit.start, self.sentence.end);
            self.view.words.oral.iter().any(|word| route.starts_with(word.as_str()))
        };
        matches!(number.unit, Unit::Millilitre | Unit::Litre)
            && !(named || number.per_weight || is_small(number))
            && routes.into_iter().all(by_mouth)
    }

    /// Whether grams or millilitres are those of a child's growth or feeds: `gains less than 20 g a day`. What is named
    /// right before a number says so beside a medicine, too: `a weight gain above 50 g a day calls for furosemide`.
    fn is_of_growth(&self, number: &Number) -> bool {
        if number.unit == Unit::Gram && self.is_behind_growth(number) {
            return true;
        }
        let bare = matches!(number.unit, Unit::Gram | Unit::Millilitre | Unit::Litre)
            || self.is_of_kitchen(number);
        let measured = self.names(&MEASURED) || MEASURED.iter().any(|class| self.leads(*class));
        let fed = self.names(&[Class::Growth]) || self.leads(Class::Growth);
        bare && fed && !measured
    }

    /// Whether growth is what is named right before a number, and no medicine or advice is named between.
    fn is_behind_growth(&self, number: &Number) -> bool {
        let place = &number.place;
        let said = |hit: &&Hit| {
            MEASURED.contains(&hit.class) || matches!(hit.class, Class::Growth | Class::Advice)
        };
        let before = self.before(place.start, self.sentence.start).filter(said);
        let last = before.max_by_key(|hit| hit.end);
        last.filter(|hit| hit.class == Class::Growth).is_some_and(|hit| {
            let gap = self.view.between(hit.end, place.start);
            gap.chars().count() <= GROWTH && !gap.contains([',', ';', ':', '.'])
        })
    }

    fn leads(&self, class: Class) -> bool {
        let Some(lead) = &self.lead else { return false };
        self.view.within(lead).iter().any(|hit| hit.class == class)
    }

    /// Whether the sentence has a word of one of these classes.
    pub(super) fn names(&self, classes: &[Class]) -> bool {
        self.hits.iter().any(|hit| classes.contains(&hit.class))
    }

    /// Whether `one puff at a time` says how the puffs of a dose are taken, and not how many.
    fn is_one_by_one(&self, number: &Number) -> bool {
        if (number.unit, number.amount) != (Unit::Piece, 1.0) {
            return false;
        }
        let before = self.view.between(self.sentence.start, number.place.start).trim_end();
        let after = self.view.between(number.place.end, self.sentence.end).trim_start();
        let mut singly = self.view.words.singly.iter();
        singly.any(|words| after.starts_with(words.as_str()) || before.ends_with(words.as_str()))
            && !self.names(&[Class::Frequency])
    }

    /// Whether a number says when: `pause after each 20 mL`.
    fn is_interval(&self, number: &Number) -> bool {
        let place = &number.place;
        self.before(place.start, self.sentence.start).any(|hit| {
            hit.class == Class::Interval
                && self.view.between(hit.end, place.start).trim().is_empty()
        })
    }

    /// Whether a number of vials is the temperature at which they are kept: `Below 25 vials: keep them`.
    fn is_temperature(&self, number: &Number) -> bool {
        let place = &number.place;
        number.unit == Unit::Piece
            && !number.worded
            && number.amount >= STORED
            && self.before(place.start, self.sentence.start).any(|hit| {
                hit.class == Class::Bound
                    && self.view.between(hit.end, place.start).trim().is_empty()
            })
    }

    /// The part of the sentence between semicolons and dashes.
    fn clause(&self, place: &Range<usize>) -> Range<usize> {
        let before = self.view.between(self.sentence.start, place.start);
        let after = self.view.between(place.end, self.sentence.end);
        let boundary = |text: &str| -> Vec<usize> {
            [";", " – ", " — ", " - "]
                .iter()
                .flat_map(|mark| text.match_indices(mark).map(|(at, _)| at))
                .collect()
        };
        let start = boundary(before).into_iter().max().map_or(0, |at| at + 1);
        let end = boundary(after).into_iter().min().unwrap_or(after.len());
        self.sentence.start + start..place.end + end
    }

    /// Hits before a number in a clause, the nearest first.
    pub(super) fn before(&self, at: usize, from: usize) -> impl Iterator<Item = &Hit> {
        let to = self.hits.partition_point(|hit| hit.start < at);
        self.hits[..to].iter().rev().filter(move |hit| hit.start >= from && hit.end <= at)
    }

    /// Hits behind a number in a clause, the nearest first.
    pub(super) fn after(&self, at: usize, to: usize) -> impl Iterator<Item = &Hit> {
        let from = self.hits.partition_point(|hit| hit.start < at);
        self.hits[from..].iter().filter(move |hit| hit.start < to)
    }

    /// Whether the thing counted stands right behind the unit and is no medicine: `500 mL of clean water`.
    fn counts_other(&self, number: &Number) -> bool {
        let mut at = number.place.end;
        for hit in self.after(number.place.end, self.sentence.end) {
            let gap = self.view.between(at, hit.start);
            if !gap.chars().all(|c| c.is_whitespace() || matches!(c, '*' | '_' | '\'' | '’')) {
                return false;
            }
            match hit.class {
                Class::Link => at = at.max(hit.end),
                Class::Other => return true,
                _ => return false,
            }
        }
        false
    }

    /// Whether the patient takes it already, was told to stop it, or it is only the strength of a product.
    fn is_history(&self, number: &Number, clause: &Range<usize>) -> bool {
        let says = |hit: &&Hit| match hit.class {
            Class::Advice | Class::Limit | Class::History => true,
            // Only what is counted is in store: `if the pain remains, ibuprofen 400 mg`.
            Class::Stock => number.unit == Unit::Piece,
            _ => false,
        };
        let last = self.before(number.place.start, self.sentence.start).find(says);
        let past = last.filter(|hit| matches!(hit.class, Class::History | Class::Stock));
        if past.is_some_and(|hit| !self.ends_before(hit.end, number.place.start)) {
            return true;
        }
        if self.is_stopped(number) {
            return true;
        }
        let next = self
            .after(number.place.end, clause.end)
            .find(|hit| matches!(hit.class, Class::Advice | Class::Earlier))
            .filter(|hit| hit.class != Class::Advice);
        let Some(next) = next else { return false };
        let gap = self.view.between(number.place.end, next.start);
        let near = gap.len() < BESIDE && !gap.contains([',', '(', '|', ':']);
        let near = near || self.is_relative(number, next);
        // What is advised in another clause says nothing about this number.
        let advised = last.filter(|hit| hit.class == Class::Advice).is_some_and(|hit| {
            let gap = self.view.between(hit.end, number.place.start);
            gap.len() < BESIDE && !gap.contains([',', ';', ':'])
        });
        // In a script without spaces the mark of a past verb follows its object: `ให้ 500 มก. ไปแล้ว`.
        near && (!advised || (self.view.words.unspaced && gap.trim().is_empty()))
    }

    /// Whether what is said about a number behind a colon or a dash is that it is stopped: `warfarin 5 mg: stop it`.
    fn is_stopped(&self, number: &Number) -> bool {
        let said = self.view.between(number.place.end, self.sentence.end);
        let says = |hit: &&Hit| {
            matches!(
                hit.class,
                Class::Advice | Class::Limit | Class::History | Class::Frequency | Class::Route
            )
        };
        let first = self.after(number.place.end, self.sentence.end).find(says);
        let bare = said.trim_start_matches(['*', '_', ' ', '\u{a0}']);
        bare.starts_with([':', '–', '—']) && first.is_some_and(|hit| hit.class == Class::History)
    }

    /// Whether what a word says ends before a number that has a medicine of its own: `since she already vomits a lot,
    /// ondansetron 4 mg`. In a script without spaces between words a space ends a clause that is not short.
    fn ends_before(&self, from: usize, to: usize) -> bool {
        let gap = self.view.between(from, to);
        if self.view.words.unspaced {
            let rest = gap.split(' ').next().unwrap_or_default();
            return rest.len() < gap.trim_end().len() && rest.chars().count() > CLAUSE;
        }
        let Some(comma) = gap.find(',') else { return false };
        let rest = &gap[..comma];
        let medicines = |part: Range<usize>| {
            self.view.within(&part).iter().any(|hit| hit.class == Class::Medicine)
        };
        rest.split_whitespace().count() > 0
            && !rest.contains(char::is_numeric)
            && !medicines(from..from + comma)
            && medicines(from + comma..to)
    }

    /// Whether a clause right behind the number says that it is taken: `10 mg, which he has taken for years`.
    fn is_relative(&self, number: &Number, earlier: &Hit) -> bool {
        let gap = self.view.between(number.place.end, earlier.start).trim_start();
        let medicines = self.view.within(&(number.place.end..earlier.start));
        gap.strip_prefix([',', '(']).is_some_and(|gap| {
            gap.chars().count() <= RELATIVE
                && !gap.contains([',', '(', ')', '|', ':'])
                && !medicines.iter().any(|hit| hit.class == Class::Medicine)
        })
    }

    /// Whether the number belongs to a laboratory value, food, blood or the like.
    fn is_other(&self, number: &Number, clause: &Range<usize>) -> bool {
        let topic = |hit: &&Hit| {
            matches!(hit.class, Class::Medicine | Class::Route | Class::Advice | Class::Other)
        };
        // What is named right behind the number comes first: `1 L saline`.
        let next = self.after(number.place.end, clause.end).find(topic);
        if let Some(next) = next {
            let gap = self.view.between(number.place.end, next.start);
            let close = gap.len() <= 8 && !gap.contains(['.', ',', ';', ':', '(', ')', '|']);
            if close && matches!(next.class, Class::Medicine | Class::Route) {
                return false;
            }
        }
        if let Some(last) = self.before(number.place.start, clause.start).find(topic) {
            if last.class != Class::Other {
                // A verb alone does not make grams of something else a dose.
                let open =
                    !number.sure && number.unit != Unit::Piece && last.class == Class::Advice;
                return open && self.names_other(number, clause);
            }
            return true;
        }
        next.is_some_and(|hit| {
            let gap = self.view.between(number.place.end, hit.start);
            hit.class == Class::Other
                && gap.chars().count() <= NEXT
                && !gap.contains([',', '(', ':', '|'])
        })
    }

    /// Whether the clause names something else that is measured, and no medicine.
    fn names_other(&self, number: &Number, clause: &Range<usize>) -> bool {
        let mut other = false;
        for hit in self.hits.iter().filter(|hit| overlaps(clause, hit)) {
            match hit.class {
                Class::Medicine | Class::Route => return false,
                Class::Other => {
                    other |= hit.start.abs_diff(number.place.start) < BESIDE;
                }
                _ => {}
            }
        }
        other
    }

    /// Whether a percentage is that of a medicine which the text advises: `hydrocortisone 1% cream`.
    fn is_strength_of_medicine(&self, number: &Number, clause: &Range<usize>) -> bool {
        let beside = |from: usize, to: usize| {
            let gap = self.view.between(from, to);
            let advised = self
                .hits
                .iter()
                .any(|hit| hit.class == Class::Advice && from <= hit.start && hit.end <= to);
            let words = gap.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
            !advised
                && !gap.contains(['.', ',', ';', ':', '|', '('])
                && words.count() <= 1
                && gap.len() <= 24
        };
        let is = |hit: &&Hit| matches!(hit.class, Class::Medicine | Class::Form);
        let before = self
            .before(number.place.start, clause.start)
            .find(is)
            .is_some_and(|hit| beside(hit.end, number.place.start));
        let after = self
            .after(number.place.end, clause.end)
            .find(is)
            .is_some_and(|hit| beside(number.place.end, hit.start));
        let in_clause = |class| self.hits.iter().any(|h| h.class == class && overlaps(clause, h));
        let named = in_clause(Class::Medicine) || in_clause(Class::Form);
        let advised = in_clause(Class::Advice) || in_clause(Class::Frequency);
        (before || after) && named && advised && !self.carries(number, clause)
    }

    /// `0.9% saline`, `5% dextrose`: the percentage is part of the name.
    fn carries(&self, number: &Number, clause: &Range<usize>) -> bool {
        let medicines = self.hits.iter().filter(|h| h.class == Class::Medicine);
        let distance = |hit: &&Hit| {
            let place = &number.place;
            if hit.end <= place.start {
                place.start - hit.end
            } else {
                hit.start.abs_diff(place.end)
            }
        };
        let nearest = medicines.filter(|hit| overlaps(clause, hit)).min_by_key(distance);
        nearest.is_some_and(|hit| {
            let name = self.view.between(hit.start, hit.end);
            self.view.words.carriers.iter().any(|carrier| name.starts_with(carrier.as_str()))
        })
    }

    /// About 4 g, with nothing that says how to give it: an estimate of what was swallowed.
    fn is_estimate(&self, number: &Number) -> bool {
        let before = self.hits.iter().rev().find(|hit| hit.end <= number.place.start);
        before.is_some_and(|hit| {
            hit.class == Class::About
                && self.view.between(hit.end, number.place.start).trim().is_empty()
        })
    }
}

fn overlaps(clause: &Range<usize>, hit: &Hit) -> bool {
    hit.start < clause.end && clause.start < hit.end
}

/// A vowel sign of Devanagari, which is no letter.
pub(super) fn is_sign(c: char) -> bool {
    ('\u{900}'..='\u{963}').contains(&c)
}
