//! Sentences that ask to verify a dose.

use std::ops::Range;

use super::context::is_listed;
use super::words::{Class, Hit};
use super::{Dose, View};

/// What a sentence asks to verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// Doses, by that name.
    Doses,
    /// What was said before: `please verify that before use`.
    ThatSaid,
}

/// The words that are nearest to a verb, and how near a comma between them lets them be.
const COMMA: usize = 40;
/// What stands on the side of a verb where its object does not.
const WRONG_SIDE: usize = 14;

/// The first sentence that asks to verify doses by that name, and the first dose without a warning.
pub(super) fn unwarned(view: &View<'_>, doses: &[Dose]) -> (Option<Range<usize>>, Option<usize>) {
    let asks: Vec<Option<Asks>> = view.sentences.iter().map(|s| asks(view, s)).collect();
    let named = asks.iter().position(|asks| *asks == Some(Asks::Doses));
    if let Some(named) = named {
        return (view.sentences.get(named).cloned(), None);
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
    (None, dosed.iter().position(|own| !warned(*own)))
}

/// What a sentence asks to verify, if anything that a dose may be.
fn asks(view: &View<'_>, sentence: &Range<usize>) -> Option<Asks> {
    let hits = view.within(sentence);
    let verbs = hits.iter().filter(|hit| hit.class == Class::Verify);
    let mut found = None;
    for verb in verbs {
        match object(view, verb, hits) {
            Some(Class::Dose) => return Some(Asks::Doses),
            None if stands_alone(view, verb) => found = Some(Asks::ThatSaid),
            Some(Class::Object) | None => {}
            Some(_) => found = Some(Asks::ThatSaid),
        }
    }
    found
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
                | Class::Pronoun
                | Class::BeforeUse
                | Class::Source
                | Class::Object
        )
    });
    let near = objects.filter_map(|hit| {
        if hit.class == Class::Dose && is_time(view, hit, hits) {
            return None;
        }
        let behind = hit.start >= verb.end;
        let gap = if behind {
            view.between(verb.end, hit.start)
        } else {
            view.between(hit.end, verb.start)
        };
        let far = gap.contains([',', ';', ':']);
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
        Some((distance, hit.class))
    });
    let near: Vec<(usize, Class)> = near.collect();
    // What is looked up, or when, says little about what is verified: another object in the clause decides.
    let (_, nearest) = near.iter().min_by_key(|(distance, class)| (*distance, rank(*class)))?;
    if !matches!(nearest, Class::Dose | Class::Object) {
        let said = |class: Class| near.iter().any(|(d, c)| *c == class && *d < 2 * COMMA);
        if said(Class::Dose) {
            return Some(Class::Dose);
        }
        let sourced = *nearest != Class::BeforeUse && said(Class::Source);
        let near_object = near.iter().any(|(d, c)| *c == Class::Object && *d < COMMA);
        if near_object && !sourced {
            return Some(Class::Object);
        }
    }
    Some(*nearest)
}

/// At the same distance another object is the likelier one.
fn rank(class: Class) -> u8 {
    u8::from(class != Class::Object)
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
