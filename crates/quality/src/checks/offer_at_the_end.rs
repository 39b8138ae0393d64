//! An offer of more or a pleasantry at the end.

use std::ops::Range;

use clinstruct_schema::{Constraint, Language};

use crate::Turn;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::lexicon::lexicon;
use crate::phrases::plain;
use crate::segment::last_sentences;
use crate::talk::{praise, questions};

/// The check.
pub const CHECK: Check = Check {
    id: "offer_at_the_end",
    former_ids: &[],
    repair_name: None,
    summary: "An offer of more or a pleasantry at the end, where no tone was asked for that has them.",
    group: Group::Wording,
    strictness: PerSpeaker::assistant(Strictness::Blocks),
    run: Run::Text { find, example: Turn::answer },
    good: &[
        "Give water. Let me know is what to say.\nSee the child again.",
        "Give water. His breathing should improve within two days.",
        "Rest. If you have any of these signs, come back at once.",
        "Rest. If you have any questions, ask your midwife.",
        "Rest. Please let me know whether he is feeding, and watch him hourly until you are sure.",
        "Do not hesitate to call an ambulance.",
        "Take care with the second dose.",
    ],
    bad: &[
        "Give water. Let me know if you need more.",
        "Rest. Would you like a table?",
        "Rest. Safe travels to all of you!",
        "Rest. You have the choice, and you're doing a wonderful job.",
        "Rest. Let me know how it goes. Take care!",
        "Rest. Let me know whether you would like a table.",
        "Rest. You are all doing wonderful work, carry on like this!",
        "Rest. We hope you found this article useful!",
        "Rest. Feel free to ask.\n\nEND OF ADVICE",
    ],
};

/// What stands at the end beside the matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// An offer of more.
    Offer,
    /// A wish, praise or the form of a letter.
    Pleasantry,
}

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    let unwanted = |ending, span: &Range<usize>| match ending {
        Ending::Offer => !(turn.waits() && awaits(turn, &turn.text[span.clone()])),
        Ending::Pleasantry => !turn.is_letter(),
    };
    let all = endings(turn.text, turn.language).into_iter();
    let found = all.into_iter().find(|(ending, span)| unwanted(*ending, span));
    found.map(|(_, span)| Finding::quote(turn.text, span)).into_iter().collect()
}

/// Whether a sentence asks for what a style waits for: a report, leave to go on, or the answer to a question.
fn awaits(turn: &Turn<'_>, sentence: &str) -> bool {
    let words = lexicon(turn.language);
    let lower = plain(sentence);
    let asks = !questions(sentence, turn.language).is_empty();
    let counted = turn.asks(|c| matches!(c, Constraint::ClarifyingQuestions { .. }));
    words.replies.is_in(&lower) || asks && (counted || words.continues.is_in(&lower))
}

/// A last sentence that offers more or wishes well, whatever tone was asked for.
pub fn closing(text: &str, language: Language) -> Option<Range<usize>> {
    endings(text, language).into_iter().next().map(|(_, span)| span)
}

/// Sentences at the end that are looked at, as long as each is no part of the matter.
const SENTENCES: usize = 4;
/// Words of a signature or a mark at the end.
const SIGNATURE: usize = 3;
/// Characters at the end of a line of an unspaced script, which holds more than one sentence.
const TAIL: usize = 60;

fn endings(text: &str, language: Language) -> Vec<(Ending, Range<usize>)> {
    let words = lexicon(language);
    let mut found = Vec::new();
    for span in last_sentences(text, language).take(SENTENCES) {
        let sentence = &text[span.clone()];
        // With something behind it, the first sentence is an opening.
        if text[..span.start].trim().is_empty() && text[span.end..].contains(char::is_alphanumeric)
        {
            break;
        }
        let from = sentence.find(|c: char| c.is_alphanumeric() || c == '¿').unwrap_or(0);
        let lower = plain(sentence.get(from..).unwrap_or(sentence));
        let tail = if words.unspaced {
            let skip = lower.chars().count().saturating_sub(TAIL);
            lower.char_indices().nth(skip).map_or(lower.as_str(), |(at, _)| &lower[at..])
        } else {
            &lower
        };
        let offers = words.closings.all(tail).any(|hit| {
            // Where a line is one sentence, only the clause of the offer and what follows it can send the reader on.
            let clause = if words.unspaced {
                tail[..hit.start].rfind(' ').map_or(tail, |at| &tail[at..])
            } else {
                tail
            };
            !words.referrals.is_in(clause) && !words.asked_facts.is_in(clause)
        });
        if offers {
            found.push((Ending::Offer, span));
        } else if words.pleasantries.is_in(tail) || praise(tail, language).is_some() {
            found.push((Ending::Pleasantry, span));
        } else {
            let open = !sentence.ends_with(['.', '!', '?', '।', ':']);
            let signature = open && sentence.split_whitespace().count() <= SIGNATURE;
            if words.unspaced || !signature {
                break;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_that_is_asked_for_is_no_offer() {
        for (language, text) in [
            (Language::English, "Rest. Let me know if she passes urine."),
            (Language::German, "Ruhe. Lassen Sie mich wissen, ob er trinkt."),
            (Language::French, "Repos. Faites-moi savoir si l'enfant boit."),
            (Language::Spanish, "Reposo. Avíseme si el niño bebe."),
            (Language::Italian, "Riposo. Mi faccia sapere se il bambino beve."),
            (Language::Portuguese, "Repouso. Avise-me se a criança bebe."),
            (Language::Hindi, "आराम दें। मुझे बताएं कि क्या बच्चा पी रहा है।"),
            (Language::Thai, "ให้พัก บอกฉันว่าผู้ป่วยดื่มน้ำได้หรือไม่"),
        ] {
            assert_eq!(closing(text, language), None, "{text}");
        }
        for (language, text) in [
            (Language::English, "Rest. Let me know if you need the doses."),
            (Language::German, "Ruhe. Lassen Sie mich wissen, wenn Sie mehr brauchen."),
            (Language::Spanish, "Reposo. Avíseme si necesita algo más."),
            (Language::Italian, "Riposo. Mi faccia sapere se ha bisogno di altro."),
            (Language::Portuguese, "Repouso. Avise-me se precisar de mais."),
            (Language::Hindi, "आराम दें। मुझे बताएं अगर और जानकारी चाहिए।"),
        ] {
            assert!(closing(text, language).is_some(), "{text}");
        }
    }

    #[test]
    fn a_style_that_waits_may_ask_and_a_warm_one_may_wish() {
        let judged = |aspect: &str| Constraint::Judged { aspect: aspect.into() };
        let finds = |text, constraint: &Constraint| {
            !find(&Turn { instructions: vec![constraint], ..Turn::answer(text) }).is_empty()
        };
        let report = "Splint it. Let me know whether you found a pulse.";
        let on = "Splint it. Would you like me to go on with the next step?";
        let offer = "Splint it. Would you like me to draft the letter?";
        let wish = "Splint it. Safe travels!";
        let free = "Splint it. Feel free to ask.";
        for waiting in [Constraint::OneStep, Constraint::ClarifyingQuestions { n: 1 }] {
            assert!(!finds(report, &waiting) && !finds(on, &waiting) && finds(free, &waiting));
            assert!(finds(wish, &waiting));
        }
        assert!(finds(offer, &Constraint::OneStep) && finds(report, &judged("friendly")));
        assert!(!finds(wish, &judged("friendly")) && finds(free, &judged("encouraging")));
        let letter = "Splint it.\n\nYours sincerely\nDr Ada Mensah";
        assert!(!finds(letter, &Constraint::Formal) && finds(letter, &judged("direct")));
    }
}
