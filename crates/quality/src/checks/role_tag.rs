//! A role tag at the start of a line.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::Turn;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::lines::line_starts;

/// The check.
pub const CHECK: Check = Check {
    id: "role_tag",
    former_ids: &[],
    repair_name: None,
    summary: "A role tag at the start of a line.",
    group: Group::Form,
    strictness: PerSpeaker {
        prompt: Some(Strictness::Blocks),
        assistant: Some(Strictness::Stops),
        user: Some(Strictness::Blocks),
    },
    run: Run::Text { find, example: Turn::answer },
    good: &[
        "AI: aortic insufficiency\nMR: mitral regurgitation",
        "System: cardiovascular\nFinding: a murmur",
        "Give fluids.\n- one\n- two\n\n## Next\nC:\\temp and \\frac{1}{2}",
        "The user: a nurse of the ward.",
    ],
    bad: &[
        "User: give fluids.",
        "Fluids.\n(chatbot) more",
        "**User:** is it so?",
        "Human: is it so?\nAI: it is.",
        "System: be brief.\nUser: is it so?",
        "Utilisateur : est-ce vrai ?",
        "USER: is it so? ASSISTANT: it is.",
        "Rest.\n### Response:\nDrink.",
        "Rest two days.### Human: and then?",
    ],
};

/// Tags in brackets, lower case.
const TAGS: [&str; 7] =
    ["(user)", "(chatbot)", "(assistant)", "<|user|>", "<|assistant|>", "<|im_start|>", "[user]"];

/// The same, longer than the tag that they contain.
const BRACKETED: [&str; 3] = ["[assistant]", "[chatbot]", "[bot]"];

/// Names that are tags before a colon, lower case.
const NAMES: [&str; 12] = [
    "user",
    "assistant",
    "chatbot",
    "human",
    "usuario",
    "usuário",
    "utilizador",
    "benutzer",
    "utilisateur",
    "utente",
    "उपयोगकर्ता",
    "ผู้ใช้",
];

/// Names that are tags where another tag is in the text: alone, each of them is an abbreviation, an organ
/// system or a colleague.
const PAIRED: [&str; 14] = [
    "ai",
    "ki",
    "ia",
    "bot",
    "gpt",
    "model",
    "system",
    "sistema",
    "assistent",
    "assistente",
    "asistente",
    "instruction",
    "सहायक",
    "ผู้ช่วย",
];

/// Tags that one flattened conversation has within its lines.
const FLAT: [(&str, &str); 4] =
    [("USER:", "ASSISTANT:"), ("User:", "Assistant:"), ("Human:", "Assistant:"), ("Human:", "AI:")];

/// Headings of the prompt formats of instruction sets.
const HEADINGS: [&str; 6] = [
    "### Human:",
    "### Assistant:",
    "### User:",
    "### Instruction:",
    "### Response:",
    "### Input:",
];

/// Characters at the start of a line in which a tag stands.
const WIDTH: usize = 28;

/// The tag at the start of a line, with its bytes; `paired` tags too where the flag is set.
fn tag(line: &str, paired: bool) -> Option<(String, usize)> {
    let bare = line.trim_start_matches(['*', '_', '>', ' ']);
    let marks = line.len() - bare.len();
    // Most lines begin with neither a bracket nor a name before a colon.
    let is_colon = |c| matches!(c, ':' | '：');
    if !bare.starts_with(['(', '<', '[']) && !bare.chars().take(WIDTH).any(is_colon) {
        return None;
    }
    let lower: String = bare.chars().take(WIDTH).flat_map(char::to_lowercase).collect();
    if let Some(tag) = TAGS.iter().chain(&BRACKETED).find(|tag| lower.starts_with(**tag)) {
        return Some(((*tag).to_owned(), marks + tag.len().min(bare.len())));
    }
    let colon = bare.find([':', '：'])?;
    let (name, _) = lower.split_once([':', '：'])?;
    let name = name.trim_end_matches(['*', '_', ' ', '\u{a0}', '\u{202f}']);
    let known = NAMES.contains(&name) || paired && PAIRED.contains(&name);
    known.then(|| (format!("{name}:"), marks + colon + 1))
}

/// What begins a heading or a flattened conversation, found in one pass.
static FLATTENED: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let first = FLAT.iter().map(|(first, _)| *first);
    AhoCorasick::new(HEADINGS.into_iter().chain(first)).ok()
});

/// A conversation that was flattened into lines, or a heading of a prompt format.
fn flattened(text: &str) -> Option<Range<usize>> {
    if FLATTENED.as_ref().is_some_and(|first| !first.is_match(text)) {
        return None;
    }
    let heading = HEADINGS.iter().find_map(|h| text.find(h).map(|at| at..at + h.len()));
    heading.or_else(|| {
        FLAT.iter().find_map(|(first, second)| {
            let at = text.find(first)?;
            text.get(at..)?.find(second)?;
            Some(at..at + first.len())
        })
    })
}

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    let text = turn.text;
    let of_lines = |paired: bool| {
        line_starts(text).filter_map(move |(number, from, line)| {
            let (tag, length) = tag(line, paired)?;
            let span = from..from + length.min(line.len());
            Some(Finding::at(span, format!("line {number} starts with {tag}")))
        })
    };
    let mut found: Vec<Finding> = of_lines(false).collect();
    if !found.is_empty() {
        found = of_lines(true).collect();
    }
    if found.is_empty() {
        found.extend(flattened(text).map(|span| {
            let detail = format!("it has {}", &text[span.clone()]);
            Finding::at(span, detail)
        }));
    }
    found
}
