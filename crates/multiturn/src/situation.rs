use clinstruct_catalog::{Axis, Catalog, Facts, Part, StyleOption};
use clinstruct_draw::Draw;
use clinstruct_schema::{BaseRow, ConversationMode, Language, Register, RowId, Situation};

use crate::language::{Possible, style};
use crate::styles::{asked, fits, share};

/// One of the conversations that a prompt can become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Variant {
    /// With the n-th draw of answer styles, from 1; parts without styles have just the first.
    Styled(usize),
    /// With the fixed emergency instruction.
    Emergency,
}

/// The id of prompt `k` (from 0) of a row: the row's own if it has only one.
fn prompt_id(part: &Part, row: &RowId, k: usize) -> RowId {
    if part.prompts_per_request == 1 { row.clone() } else { row.child('p', k + 1) }
}

/// The id of a conversation from prompt `k` (from 0) of a row.
pub fn conversation_id(part: &Part, row: &RowId, k: usize, variant: Variant) -> RowId {
    let prompt = prompt_id(part, row, k);
    match variant {
        Variant::Styled(_) if part.styles.is_none() => prompt,
        Variant::Styled(n) => prompt.child('s', n),
        Variant::Emergency => prompt.child('e', 1),
    }
}

/// The conversations that prompt `k` (from 0) of a row becomes: one per draw of styles, or a single one if its frame has
/// the emergency instruction.
pub fn variants(part: &Part, row: &BaseRow, k: usize) -> Vec<Variant> {
    if row.frames.get(k).is_some_and(|frame| frame.emergency_instruction) {
        return vec![Variant::Emergency];
    }
    (1..=part.variants()).map(Variant::Styled).collect()
}

/// Draws everything about a conversation.
pub fn situation(
    catalog: &Catalog,
    part: &Part,
    seed: u64,
    row: &BaseRow,
    k: usize,
    variant: Variant,
) -> Situation {
    let id = conversation_id(part, &row.id, k, variant);
    let prompt = prompt_id(part, &row.id, k);
    let key = id.as_str();
    let value_ids: Vec<(Axis, String)> = row
        .subjects
        .iter()
        .filter_map(|s| {
            let axes =
                [Axis::Task, Axis::Specialty, Axis::Profession, Axis::Domain, Axis::Subtopic];
            axes.into_iter().find(|a| a.as_str() == s.axis).map(|a| (a, s.value_id()))
        })
        .collect();
    let mut facts = Facts {
        subjects: value_ids.iter().map(|(a, id)| (*a, id.as_str())).collect(),
        emergency: row.emergency,
        emergency_instruction: variant == Variant::Emergency,
        mode: None,
        asked_groups: Vec::new(),
    };

    // Drawn with the frame: all variants of a prompt share it.
    let frame = row.frames.get(k);
    let language = frame.map_or(Language::English, |frame| frame.language);
    let country = frame.map_or("", |frame| frame.place.country_code.as_str());
    let possible = Possible { catalog, language, country };
    let mut options: Vec<&StyleOption> = match variant {
        Variant::Emergency => part.emergency.iter().map(|e| &e.instruction).collect(),
        Variant::Styled(n) => asked(catalog, part, seed, prompt.as_str(), &facts, possible)
            .into_iter()
            .nth(n.saturating_sub(1))
            .unwrap_or_default(),
    };
    let asked_count = options.len();
    facts.asked_groups = options.iter().map(|o| o.group.as_str()).collect();

    let mode = frame.map_or(ConversationMode::Normal, |frame| frame.mode);
    facts.mode = Some(mode);
    let turns = part.turns.iter().find(|rule| rule.when.holds(&facts)).map_or(1, |rule| {
        Draw::new(seed, key, "turns").weighted(*rule.weights.get_ref()) as u32 + 1
    });

    let lines = catalog.styles.modes.iter().filter(|m| m.id == mode).flat_map(|m| &m.lines);
    for line in lines {
        if fits(line, &options) && possible.has(line) {
            options.push(line);
        }
    }
    if mode == ConversationMode::Normal {
        let s = &catalog.styles;
        let length = share(
            &s.assistant_length,
            &part.assistant_length,
            (&options, possible),
            seed,
            key,
            "length",
        );
        options.extend(length);
        let form =
            share(&s.assistant_form, &part.assistant_form, (&options, possible), seed, key, "form");
        options.extend(form);
    }
    // What limits the health worker's messages is never exported, and stays in English.
    let user_length = catalog.styles.user_length.iter().filter(|o| o.is_countable_in(language));
    let user_length: Vec<StyleOption> = user_length.cloned().collect();
    let spoken = Possible { language: Language::English, ..possible };
    let user_length =
        share(&user_length, &part.user_length, (&[], spoken), seed, key, "user length");
    let user_styles = user_length
        .map(|o| o.style(|n| Draw::new(seed, key, &format!("count of {}", o.id)).below(n)));

    let register = |purpose: &str| {
        let all = [Register::Popular, Register::Standard, Register::Scientific];
        all[Draw::new(seed, key, purpose).weighted(part.register).min(2)]
    };
    let (assistant_register, user_register) =
        (register("assistant register"), register("user register"));
    let style = |o: &&StyleOption| style(possible, o, (mode, user_register), (seed, key));
    Situation {
        mode,
        turns,
        assistant_register,
        user_register,
        asked_styles: options.iter().take(asked_count).map(style).collect(),
        system_styles: options.iter().skip(asked_count).map(style).collect(),
        user_styles: user_styles.into_iter().collect(),
        emergency_instruction: variant == Variant::Emergency,
        language,
        moves: Vec::new(),
        withholds: frame.is_some_and(|f| f.withholds),
        persona: frame.and_then(|f| f.persona.clone()),
        translates: row
            .subjects
            .iter()
            .filter(|s| s.axis == "task")
            .any(|s| catalog.tasks.iter().any(|t| t.translates && Some(&t.id) == s.slugs.last())),
        profession: row.profession.clone(),
        specialty: row.specialty.clone(),
    }
}

/// The health worker's first message: the prompt, followed by the requested styles.
pub fn first_message(prompt: &str, situation: &Situation) -> String {
    let mut text = prompt.to_owned();
    for (i, style) in situation.asked_styles.iter().enumerate() {
        text.push_str(if i == 0 { "\n\n" } else { " " });
        text.push_str(&style.text);
    }
    text
}
