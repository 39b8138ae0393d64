//! Meta-commentary: text about the answer, the instructions or the model.

use std::ops::Range;

use clinstruct_schema::{Language, Speaker};

use crate::Turn;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::lexicon::lexicon;
use crate::phrases::{Phrases, plain};
use crate::segment::sentences;

/// The check.
pub const CHECK: Check = Check {
    id: "meta_commentary",
    former_ids: &["text_about_the_text"],
    repair_name: Some("text_about_the_text"),
    summary: "Meta-commentary: text about the answer, the instructions or the model.",
    group: Group::Wording,
    strictness: PerSpeaker {
        prompt: Some(Strictness::Blocks),
        assistant: Some(Strictness::Blocks),
        user: Some(Strictness::Blocks),
    },
    run: Run::Text { find, example: Turn::answer },
    good: &[
        "Give water.",
        "Take the tablets as instructed for the whole course.",
        "Cortisol falls after this test. This response is absent in Cushing's syndrome.",
        "Keep to your instructions from the ward. Change the dressing in two days.",
        "I gave up my training for the marathon because of the pain.",
        "I have kept him nil by mouth and have written to his doctor.",
        "I have followed your instructions and given the fluids.",
        "In my previous pregnancy I had the same rash.",
        "Here is the revised schedule of vaccines.",
        "As an AI engineer, she sits for ten hours a day.",
        "<think>The user wants to know how much to drink.</think>Drink.",
        "If the five sentences do not fit on one side of the sheet, shorten the text.",
        "The user of an inhaler has to shake it. The language model of the scanner reads the film.",
    ],
    bad: &[
        "As an AI, I give advice. Drink.",
        "Here is the revised answer: drink.",
        "I'm just an AI, so ask a doctor. Drink.",
        "As instructed, this answer has exactly three sentences. Drink.",
        "Drink. I have kept it to five bullet points, as you asked.",
        "Drink. This response adheres to the requested format.",
        "Drink. (This answer has 45 words and therefore stays within your limit.)",
        "Here is a shorter version that avoids hard words:\n\nDrink.",
        "Note: this response follows the format you asked for.",
        "I'm sorry, but I cannot assist with that request.",
        "The user wants to know how much to drink. Drink.",
    ],
};

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    let found = match turn.speaker {
        Speaker::Assistant => meta(turn.text, turn.language),
        Speaker::PromptWriter | Speaker::User => meta_of_user(turn.text, turn.language),
    };
    found.map(|span| Finding::quote(turn.text, span)).into_iter().collect()
}

/// The first sentence of an answer with meta-commentary.
pub fn meta(text: &str, language: Language) -> Option<Range<usize>> {
    first(text, language, is_meta)
}

/// The same of a message to the assistant, which may say how the answer is to be: "put the answer into a table".
pub fn meta_of_user(text: &str, language: Language) -> Option<Range<usize>> {
    first(text, language, |lower, language| lexicon(language).meta.is_in(lower))
}

fn first(
    text: &str,
    language: Language,
    is_meta: impl Fn(&str, Language) -> bool,
) -> Option<Range<usize>> {
    // Most texts have none of the phrases: they are looked for before the text is cut into sentences.
    if !is_meta(&plain(text), language) {
        return None;
    }
    let thought = thought(text);
    let mut all = sentences(text, language).into_iter();
    all.find(|s| {
        // What stands behind the thoughts in the same line is looked at alone.
        let range = match &thought {
            Some(thought) if s.end > thought.start => s.start.max(thought.end).min(s.end)..s.end,
            _ => s.clone(),
        };
        is_meta(&plain(text.get(range).unwrap_or_default()), language)
    })
}

/// Thoughts that leaked into a text: their token is reported, and what they say is not said to the reader.
fn thought(text: &str) -> Option<Range<usize>> {
    let start = text.find("<think>")?;
    let end = text[start..].find("</think>").map_or(text.len(), |at| start + at + "</think>".len());
    Some(start..end)
}

/// Most bytes between what is spoken of and what is said about it, in a script that marks no sentences.
const APART: usize = 120;

/// The text of an answer, or of a leaflet.
const TEXTS: [&str; 6] = ["the text", "der text", "el texto", "le texte", "il testo", "o texto"];
/// What a text is printed on, or how: `if the five sentences do not fit on one side, shorten the text`.
const PRINTED: [&str; 18] = [
    "print", "page", "one side", "leaflet", "poster", "letters", "sheet", "druck", "seite",
    "blatt", "plakat", "imprim", "página", "affiche", "stampa", "pagina", "foglio", "cartaz",
];

/// Whether a text, in lower case, has a phrase that is always meta-commentary, or one that may be with what
/// only an answer can have: "this response" is medicine, and "this response has three bullet points" is not.
fn is_meta(lower: &str, language: Language) -> bool {
    let words = lexicon(language);
    let lists = [&words.meta, &words.meta_about, &words.meta_subjects];
    let places = Phrases::places(&lists, lower);
    if words.meta.all_at(lower, &places).next().is_some() {
        return true;
    }
    let abouts: Vec<_> = words.meta_about.all_at(lower, &places).collect();
    !abouts.is_empty()
        && words.meta_subjects.all_at(lower, &places).any(|subject| {
            let is_of_print = lower.get(subject.clone()).is_some_and(|said| TEXTS.contains(&said))
                && PRINTED.iter().any(|word| lower.contains(word));
            !is_of_print
                && abouts.iter().any(|about| {
                    let apart = if about.start >= subject.end {
                        about.start - subject.end
                    } else if subject.start >= about.end {
                        subject.start - about.end
                    } else {
                        return false;
                    };
                    !words.unspaced || apart <= APART
                })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_health_worker_may_say_how_the_answer_is_to_be() {
        let text = "What next? Put the answer into a table with exactly 2 columns.";
        assert_eq!(find(&Turn::prompt(text)), []);
        assert_eq!(find(&Turn::follow_up(text)), []);
        assert!(!find(&Turn::prompt("As an AI language model, I ask: what next?")).is_empty());
    }
}
