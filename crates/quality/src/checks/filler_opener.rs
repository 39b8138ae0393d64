//! A filler, a greeting or praise at the beginning.

use std::ops::Range;

use clinstruct_schema::Language;

use crate::Turn;
use crate::case::Reader;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::lexicon::lexicon;
use crate::lines::is_mark;
use crate::phrases::plain;
use crate::segment::each_sentence;
use crate::talk::praise;

/// The check.
pub const CHECK: Check = Check {
    id: "filler_opener",
    former_ids: &[],
    repair_name: None,
    summary: "A filler, a greeting or praise at the beginning, where no tone was asked for that has them.",
    group: Group::Wording,
    strictness: PerSpeaker::assistant(Strictness::Blocks),
    run: Run::Facts { find, example: Turn::answer },
    good: &[
        "Give water.",
        "Sure signs of dehydration are sunken eyes.",
        "Absolutely contraindicated is a second dose.",
        "If you're doing a lumbar puncture, check the platelets first.",
        "The important question is whether he drinks.",
        "A good work-up begins with a history.",
        "The meat has to be well done.",
        "It is good that she drinks.",
        "A good question to ask the mother is whether the child drinks.",
        "Excellent observation units have two nurses for each four beds.",
    ],
    bad: &[
        "Certainly! Give water.",
        "**Of course** it depends.",
        "You're doing a great job. Give water.",
        "What a careful family! Give water.",
        "It's great that you're thinking about the journey. Give water.",
        "It is a hard choice, and it's clear how much you care. Give water.",
        "**Answer**\n\nGreat question! Give water.",
        "Excellent observation. Give water.",
        "That's an excellent and very important question. Give water.",
        "You are doing remarkable work under all this pressure. Give water.",
        "Hello! Give water.",
        "Dear colleague,\n\nGive water.",
    ],
};

/// How an answer begins that does not begin with the matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// Words that say nothing: wrong in any tone.
    Filler,
    /// A greeting or thanks.
    Greeting,
    /// Praise of the reader.
    Praise,
}

fn find(turn: &Turn<'_>, reader: &Reader<'_>) -> Vec<Finding> {
    let unwanted = |opening| match opening {
        Opening::Filler => true,
        Opening::Greeting => !turn.is_letter(),
        Opening::Praise => !turn.is_warm(),
    };
    let all = reader.openings(turn.language);
    let found = all.iter().find(|(opening, _)| unwanted(*opening));
    found.map(|(_, span)| Finding::quote(turn.text, span.clone())).into_iter().collect()
}

/// What a text begins with instead of the matter, whatever tone was asked for.
pub fn opener(text: &str, language: Language) -> Option<Range<usize>> {
    openings(text, language).into_iter().next().map(|(_, span)| span)
}

/// Bytes at the beginning in which an opening may stand.
const HEAD: usize = 400;
/// Sentences there: behind a title or a greeting comes another one.
const SENTENCES: usize = 3;
/// Words of a title.
const TITLE: usize = 4;
/// Characters of a first clause in a script that marks no sentences.
const CLAUSE: usize = 60;

/// An opening with its place.
pub(crate) type Opened = (Opening, Range<usize>);

/// All openings of a text, in its order.
pub(crate) fn openings(text: &str, language: Language) -> Vec<Opened> {
    let words = lexicon(language);
    let end = (0..=HEAD.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let mut found = Vec::new();
    for sentence in each_sentence(&text[..end], language).take(SENTENCES) {
        let whole = &text[sentence.clone()];
        let from = whole.find(|c: char| c.is_alphanumeric() || is_mark(c)).unwrap_or(0);
        let bare = &whole[from..];
        let bare = match bare.char_indices().nth(CLAUSE) {
            Some((at, _)) if words.unspaced => &bare[..at],
            _ => bare,
        };
        let lower = plain(bare);
        // Lower case may have other lengths: places are carried over by characters.
        let place = |hit: Range<usize>| {
            let at = |end: usize| {
                let characters = lower.get(..end).map_or(0, |head| head.chars().count());
                let byte = bare.char_indices().nth(characters).map_or(bare.len(), |(at, _)| at);
                sentence.start + from + byte
            };
            at(hit.start)..at(hit.end)
        };
        let before = found.len();
        let filler = words.openers.start_of(&lower).map(|hit| (Opening::Filler, hit));
        let greeting = words.greetings.start_of(&lower).map(|hit| (Opening::Greeting, hit));
        let praised = words
            .praise
            .find(&lower)
            .or_else(|| praise(&lower, language))
            .map(|hit| (Opening::Praise, hit));
        let all = [filler, greeting, praised].into_iter().flatten();
        found.extend(all.map(|(opening, hit)| (opening, place(hit))));
        if words.unspaced || (found.len() == before && whole.split_whitespace().count() > TITLE) {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use clinstruct_schema::Constraint;

    use super::*;

    #[test]
    fn a_tone_that_was_asked_for_is_no_filler() {
        let judged = |aspect: &str| Constraint::Judged { aspect: aspect.into() };
        let finds = |text, constraint: &Constraint| {
            let turn = Turn { instructions: vec![constraint], ..Turn::answer(text) };
            !find(&turn, &Reader::new(text)).is_empty()
        };
        let praise = "You're doing a great job with the splint. Check the pulse.";
        let letter = "Dear colleague,\n\nCheck the pulse.";
        let filler = "Certainly! Check the pulse.";
        assert!(!finds(praise, &judged("friendly")) && !finds(praise, &judged("encouraging")));
        assert!(finds(praise, &judged("humour")) && finds(praise, &Constraint::Formal));
        assert!(!finds(letter, &Constraint::Formal) && !finds(letter, &judged("friendly")));
        assert!(finds(letter, &judged("direct")));
        assert!(finds(filler, &judged("friendly")) && finds(filler, &Constraint::Formal));
    }
}
