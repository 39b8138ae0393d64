//! The first answer asks for what the first message left out.

use clinstruct_schema::{Constraint, Language};

use crate::check::{Check, Finding, Group, Outcome, PerSpeaker, Run, Strictness};
use crate::lexicon::lexicon;
use crate::phrases::plain;
use crate::talk::questions;

/// The check.
pub const CHECK: Check = Check {
    id: "asks_first",
    former_ids: &[],
    repair_name: None,
    summary: "The first answer asks for what the first message left out.",
    group: Group::Instruction,
    strictness: PerSpeaker::assistant(Strictness::Blocks),
    run: Run::Instruction { verify, example: || Constraint::AsksFirst },
    good: &[
        "What is her potassium? Until you know, give no more of the tablets.",
        "Hold the next tablet. How long has the cough lasted?",
        "Keep him warm. Then tell me whether he can swallow.",
        "Hold the tablets. I do not know whether folic acid has been taken; please ask this first.",
        "Keep the neck still. What I'm missing: power and sensation in arms and legs. Test both now.",
    ],
    bad: &[
        "Give fluids and keep her warm.",
        "The potassium decides. Check it, and hold the tablets until then.",
    ],
};

fn verify(_: &Constraint, text: &str, language: Language) -> Outcome {
    let words = lexicon(language);
    let says = || [&words.replies, &words.unknowns].iter().any(|list| list.is_in(&plain(text)));
    let asks = !questions(text, language).is_empty() || says();
    let missing = "no question about what the first message leaves out";
    if asks { Outcome::Passed } else { Outcome::Failed(Finding::new(missing)) }
}
