//! Sentences that ask to verify a dose.

use std::ops::Range;

use super::context::is_listed;
use super::words::{Class, Hit, whole_word};
use super::{Dose, Unit, View};

/// What a sentence asks to verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// Doses, by that name.
    Doses,
    /// Amounts, or what is used: `confirm that number`, `verify before use`. Only doses are meant in a text with doses.
    Amounts,
    /// What was said before: `please verify that`.
    ThatSaid,
}

/// The words that are nearest to a verb, and how near a comma between them lets them be.
const COMMA: usize = 40;
/// What stands on the side of a verb where its object does not.
const WRONG_SIDE: usize = 14;

/// The farthest that a pronoun, or a verb without an object, may be from the dose that it means.
const FAR: usize = 4 * COMMA;

/// The longest `please` or `carefully` between a verb and "before use".
const BESIDE_VERB: usize = 12;

/// The longest ` and the vial ` between two objects, and the words that join them.
const JOINED: usize = 20;
const AND: [&str; 7] = ["and", "und", "et", "y", "e", "और", "และ"];

/// The longest `of the` between an amount and what it is of.
const OF: usize = 10;

/// The first sentence that asks to verify doses by that name, and the first dose without a warning.
pub(super) fn unwarned(view: &View<'_>, doses: &[Dose]) -> (Option<Range<usize>>, Option<usize>) {
    let asks: Vec<Option<Asks>> = view.sentences.iter().map(|s| asks(view, s)).collect();
    let named = asks.iter().position(|asks| *asks == Some(Asks::Doses));
    if let Some(named) = named {
        return (view.sentences.get(named).cloned(), None);
    }
    if asks.contains(&Some(Asks::Amounts)) {
        return (None, None);
    }
    let of = |dose: &Dose| {
        let after = view.sentences.partition_point(|s| s.start <= dose.place.start);
        after.saturating_sub(1)
    };
    let dosed: Vec<usize> = doses.iter().map(of).collect();
    let warned = |own: usize| {
        let said = |at: usize| asks.get(at).copied().flatten().is_some();
        // The sentence before a list may ask for all of it.
        let listed = |at: usize| view.sentences.get(at).is_some_and(|s| is_listed(view.text, s));
        let lead = (0..own).rev().find(|at| !listed(*at));
        if said(own) || (listed(own) && lead.is_some_and(said)) {
            return true;
        }
        // A run of doses, or a list, shares the warning behind it.
        let mut at = own + 1;
        while at < view.sentences.len() {
            if said(at) {
                return true;
            }
            let goes_on = dosed.contains(&at) || (listed(own) && listed(at));
            if !goes_on {
                return false;
            }
            at += 1;
        }
        false
    };
    // A dose that is said again needs no second warning: `not held at 4 L/min: call the physician`.
    let is_same = |a: &Dose, b: &Dose| a.unit == b.unit && a.amount.to_bits() == b.amount.to_bits();
    let said_before = |at: usize| {
        let earlier = doses.iter().zip(&dosed).take(at);
        earlier.filter(|(_, own)| warned(**own)).any(|(dose, _)| is_same(dose, &doses[at]))
    };
    let mut unwarned = (0..doses.len()).filter(|at| !warned(dosed[*at]));
    (None, unwarned.find(|at| !said_before(*at)))
}

/// What a sentence asks to verify, if anything that a dose may be.
fn asks(view: &View<'_>, sentence: &Range<usize>) -> Option<Asks> {
    let hits = view.within(sentence);
    let verbs = hits.iter().filter(|hit| hit.class == Class::Verify);
    let mut found = None;
    for verb in verbs {
        let near = bracket(view, sentence, verb).map_or(hits, |bracket| view.within(&bracket));
        match object(view, verb, near) {
            Some(Class::Dose) => return Some(Asks::Doses),
            Some(Class::Amount) => found = Some(Asks::Amounts),
            Some(Class::BeforeUse)
                if is_beside(view, verb, near) || is_verified(view, verb, near) =>
            {
                found = Some(Asks::Amounts);
            }
            Some(Class::Object) => {}
            None if !stands_alone(view, verb) => {}
            None | Some(_) => found = found.or(Some(Asks::ThatSaid)),
        }
    }
    found
}

/// Whether "before use" stands beside a verb, so that nothing else can be what it asks to verify.
fn is_beside(view: &View<'_>, verb: &Hit, hits: &[Hit]) -> bool {
    hits.iter().filter(|hit| hit.class == Class::BeforeUse).any(|hit| {
        let gap = if hit.start >= verb.end {
            view.between(whole_word(view.lower, verb.start, verb.end).1, hit.start)
        } else {
            view.between(hit.end, verb.start)
        };
        gap.chars().count() <= BESIDE_VERB
    })
}

/// The longest `the steroid threshold` between `verify` and "before use".
const VERIFIED: usize = 40;
/// Verbs that, unlike `check`, are said of numbers rather than of a patient or a thing.
const VERIFIES: [&str; 2] = ["verif", "vérif"];

/// Whether something of the answer is to be verified before it is used, and nothing of the patient: `please verify the steroid
/// threshold before use`.
fn is_verified(view: &View<'_>, verb: &Hit, hits: &[Hit]) -> bool {
    let said = view.between(verb.start, verb.end);
    VERIFIES.iter().any(|word| said.starts_with(word))
        && hits.iter().filter(|hit| hit.class == Class::BeforeUse).any(|hit| {
            let gap = view.between(verb.end, hit.start);
            let of_patient = hits.iter().any(|other| {
                other.class == Class::Object && (verb.end..hit.start).contains(&other.start)
            });
            hit.start >= verb.end && gap.chars().count() <= VERIFIED && !of_patient
        })
}

/// The inside of the brackets around a verb: what stands outside of them is not what it asks to verify.
fn bracket(view: &View<'_>, sentence: &Range<usize>, verb: &Hit) -> Option<Range<usize>> {
    let before = view.between(sentence.start, verb.start);
    let open = before.rfind('(').filter(|open| !before[*open..].contains(')'))?;
    let close = view.between(verb.end, sentence.end).find(')')?;
    Some(sentence.start + open..verb.end + close)
}

/// `Please verify.`, `(à vérifier)`: nothing else is said, so it is what was said before.
fn stands_alone(view: &View<'_>, verb: &Hit) -> bool {
    let marks = ['.', ',', ';', ':', '(', ')', '!', '।', '\n'];
    let before = view.between(0, verb.start).rsplit(marks).next().unwrap_or_default();
    let after = view.between(verb.end, view.lower.len()).split(marks).next().unwrap_or_default();
    before.chars().count() <= 12 && after.chars().count() <= 8
}

/// The class of the word that a verb asks to verify: the nearest, on the side where its language has objects.
fn object(view: &View<'_>, verb: &Hit, hits: &[Hit]) -> Option<Class> {
    let objects = hits.iter().filter(|hit| {
        matches!(
            hit.class,
            Class::Dose
                | Class::Amount
                | Class::Count
                | Class::Pronoun
                | Class::BeforeUse
                | Class::Source
                | Class::Object
        )
    });
    let near = objects.filter_map(|hit| {
        let of_another =
            matches!(hit.class, Class::Dose | Class::Amount) && is_of_another(view, hit, hits);
        if hit.class == Class::Dose && is_time(view, hit, hits) {
            return None;
        }
        if hit.class == Class::Object && is_measure(view, hit, hits) {
            return None;
        }
        let behind = hit.start >= verb.end;
        let gap = if behind {
            view.between(verb.end, hit.start)
        } else {
            view.between(hit.end, verb.start)
        };
        // A cell of a table is a clause of its own.
        let far = gap.contains([',', ';', ':', '|']);
        // A pronoun or a source counts in the clause of the verb only.
        if far && matches!(hit.class, Class::Pronoun | Class::BeforeUse) {
            return None;
        }
        if hit.class == Class::Pronoun && gap.chars().count() > 14 {
            return None;
        }
        // A space sets clauses apart where it sets no words apart.
        if hit.class == Class::Object && view.words.unspaced && gap.contains(' ') {
            return None;
        }
        let wrong = behind == view.words.verb_last;
        let distance =
            gap.chars().count() + usize::from(far) * COMMA + usize::from(wrong) * WRONG_SIDE;
        let class = match hit.class {
            _ if of_another => Class::Object,
            Class::Count if counts_pieces(view, hit) => Class::Amount,
            Class::Count => Class::Object,
            class => class,
        };
        Some((distance, class))
    });
    let near: Vec<(usize, Class)> = near.collect();
    if joined_amount(view, verb, hits) {
        return Some(Class::Amount);
    }
    // What is looked up, or when, says little about what is verified: another object in the clause decides.
    let (_, nearest) = near.iter().min_by_key(|(distance, class)| (*distance, rank(*class)))?;
    if !matches!(nearest, Class::Dose | Class::Amount | Class::Object) {
        let within = |class: Class, most: usize| near.iter().any(|(d, c)| *c == class && *d < most);
        let said = |class: Class| within(class, 2 * COMMA);
        // A pronoun may stand for the subject: `dosages differ by region, therefore confirm them with ..`.
        if within(Class::Dose, FAR) {
            return Some(Class::Dose);
        }
        // `Confirm that volume`.
        let amount = |(d, c): &(usize, Class)| *c == Class::Amount && *d < COMMA;
        if near.iter().any(amount) {
            return Some(Class::Amount);
        }
        let sourced = *nearest != Class::BeforeUse && said(Class::Source);
        let near_object = near.iter().any(|(d, c)| *c == Class::Object && *d < COMMA);
        if near_object && !sourced {
            return Some(Class::Object);
        }
    }
    Some(*nearest)
}

/// Whether an amount is joined to another object behind a verb: `verify weight and vial strength`.
fn joined_amount(view: &View<'_>, verb: &Hit, hits: &[Hit]) -> bool {
    let behind = || hits.iter().filter(|hit| hit.start >= verb.end);
    let Some(object) = behind().find(|hit| hit.class == Class::Object) else { return false };
    let amount = behind().find(|hit| hit.class == Class::Amount && hit.start >= object.end);
    amount.is_some_and(|amount| {
        let gap = view.between(object.end, amount.start);
        let mut words = gap.split_whitespace();
        words.any(|word| AND.contains(&word))
            && gap.chars().count() <= JOINED
            && !gap.contains(['.', ';', ','])
    })
}

/// At the same distance another object is the likelier one.
fn rank(class: Class) -> u8 {
    u8::from(class != Class::Object)
}

/// `The number of puffs`, and not that of wet nappies.
fn counts_pieces(view: &View<'_>, count: &Hit) -> bool {
    let mut pieces = view.words.units.iter().filter(|unit| unit.unit == Unit::Piece);
    let before = view.between(0, count.start).trim_end();
    let after = view.between(count.end, view.lower.len());
    // An article may stand between the two.
    let mut words = after.split_whitespace().take(2).map(|word| word.trim_matches(['.', ',', '*']));
    if view.words.verb_last {
        pieces.any(|piece| before.ends_with(piece.text.as_str()))
    } else if view.words.unspaced {
        pieces.any(|piece| after.starts_with(piece.text.as_str()))
    } else {
        words.any(|word| pieces.clone().any(|piece| piece.text == word))
    }
}

/// `The amount of urine`: the amount of something that is no dose.
fn is_of_another(view: &View<'_>, amount: &Hit, hits: &[Hit]) -> bool {
    hits.iter().filter(|hit| hit.class == Class::Object).any(|other| {
        // The whole follows its part in the languages in which the verb does not come last.
        let (from, to) = if view.words.verb_last {
            (other.end, amount.start)
        } else if amount.class == Class::Amount {
            (amount.end, other.start)
        } else {
            return false;
        };
        let compared =
            |hit: &Hit| hit.class == Class::Comparison && from <= hit.start && hit.end <= to;
        from <= to
            && !hits.iter().any(compared)
            && view.between(from, to).chars().count() <= OF
            && view.between(from, to).split_whitespace().count() <= 2
            && !view.between(from, to).contains([',', ';', '.', ':', '('])
    })
}

/// `The dose for age, weight and kidney function`: what a dose depends on is not what is verified.
fn is_measure(view: &View<'_>, object: &Hit, hits: &[Hit]) -> bool {
    hits.iter().filter(|hit| hit.class == Class::Dose && hit.end <= object.start).any(|dose| {
        let end = whole_word(view.lower, dose.start, dose.end).1;
        let gap = view.between(end, object.start);
        let verbs = |hit: &Hit| hit.class == Class::Verify && dose.end <= hit.start;
        let verb = hits.iter().any(|hit| verbs(hit) && hit.end <= object.start);
        // A verb may stand before it: `die Dosis ist für das Gewicht zu prüfen`.
        let gap = gap.trim_start();
        let after = gap.split_once(' ').map_or("", |(_, rest)| rest);
        let leads =
            |word: &String| gap.starts_with(word.as_str()) || after.starts_with(word.as_str());
        view.words.measures.iter().any(leads) && !verb && !gap.contains([';', '.', ':'])
    })
}

/// `After the dose, check the pulse`: the dose is a time there.
fn is_time(view: &View<'_>, dose: &Hit, hits: &[Hit]) -> bool {
    hits.iter().filter(|hit| hit.class == Class::Time).any(|time| {
        // What says when follows its noun in the languages in which the verb comes last.
        let (from, to) =
            if view.words.verb_last { (dose.end, time.start) } else { (time.end, dose.start) };
        let gap = view.between(from, to);
        from <= to
            && gap.len() <= 24
            && gap.split_whitespace().count() <= 2
            && !gap.contains([',', ';', '.'])
    })
}
