//! A first message of more than twice the words that its voice allows.

use std::sync::LazyLock;

use clinstruct_schema::{ConversationMode, Frame, IncomeGroup, Place, Register, Slug, Voice};

use crate::Turn;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::segment::words;

/// The check.
pub const CHECK: Check = Check {
    id: "overlong_prompt",
    former_ids: &[],
    repair_name: None,
    summary: "A first message of more than twice the most words that were asked for.",
    group: Group::Form,
    strictness: PerSpeaker { prompt: Some(Strictness::Blocks), assistant: None, user: None },
    run: Run::Text { find, example },
    good: &["Which dose?", "Which dose for a child of this weight?"],
    bad: &["I have been wondering for a while now which dose it should be."],
};

static EXAMPLE: LazyLock<Option<Frame>> = LazyLock::new(|| {
    let place = Place {
        country_code: "np".to_owned(),
        country: "Nepal".to_owned(),
        income: IncomeGroup::LowerMiddle,
        region: "SEAR".to_owned(),
        setting: Slug::new("low-resource").ok()?,
    };
    let slug = |text: &str| Slug::new(text).ok();
    let voice = Voice {
        register: Register::Standard,
        form: slug("sentences")?,
        opening: slug("question")?,
        length: slug("short")?,
        words: (2, 5),
        questions: 1,
        place: slug("unsaid")?,
    };
    let frame = Frame::new(place, None, ConversationMode::Normal);
    Some(Frame { voice: Some(voice), ..frame })
});

fn example(text: &'static str) -> Turn<'static> {
    Turn { frame: EXAMPLE.as_ref(), ..Turn::prompt(text) }
}

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    let Some(voice) = turn.frame.and_then(|frame| frame.voice.as_ref()) else { return Vec::new() };
    let (least, most) = voice.words;
    let count = words(turn.text, turn.language);
    if count <= 2 * most as usize {
        return Vec::new();
    }
    vec![Finding::new(format!("{count} words, where {least} to {most} were asked for"))]
}
