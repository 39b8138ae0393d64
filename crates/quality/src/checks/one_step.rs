//! One step at a time: the answer ends by asking for what the next step depends on.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Finding, Group, Outcome, PerSpeaker, Run, Strictness};
use crate::lexicon::lexicon;
use crate::phrases::plain;
use crate::segment::last_sentences;
use crate::talk::questions;

/// The check.
pub const CHECK: Check = Check {
    id: "one_step",
    former_ids: &[],
    repair_name: None,
    summary: "One step at a time: the answer ends by asking for what the next step depends on.",
    group: Group::Instruction,
    strictness: PerSpeaker::assistant(Strictness::Blocks),
    run: Run::Instruction { verify, example: || Constraint::OneStep },
    good: &[
        "Splint the leg first. Can you feel the pulse at the foot?",
        "Splint the leg first. Then tell me whether you can feel a pulse at the foot.",
        "Is there a pulse at the foot?\n\nEND OF ADVICE",
        "Splint the leg first. Describe to me what you see.",
    ],
    bad: &[
        "Splint the leg, then give fluids and call for transport.",
        "Splint the leg. Tell the mother to come back tomorrow.",
        "Is it swollen? If so, splint it. Give fluids. Call for transport. Keep him warm.",
    ],
};

/// Sentences at the end among which the question stands: a mark or a reason may follow it.
const AT_THE_END: usize = 3;

/// The last answer of a conversation is no exception: "wait for my answer" is asked of each of them, and a
/// text does not show whether another one follows.
fn verify(_: &Constraint, text: &str, language: Language) -> Outcome {
    let words = lexicon(language);
    let asks = last_sentences(text, language).take(AT_THE_END).any(|span| {
        let sentence = &text[span];
        let lower = plain(sentence);
        !questions(sentence, language).is_empty()
            || words.replies.is_in(&lower)
            || (words.to_me.is_in(&lower) && words.tells.is_in(&lower))
    });
    let missing = "no question at the end that the next step depends on";
    if asks { Outcome::Passed } else { Outcome::Failed(Finding::new(missing)) }
}
