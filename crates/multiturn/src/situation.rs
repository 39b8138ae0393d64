use std::cell::OnceCell;

use clinstruct_catalog::{Axis, Catalog, Facts, Part, StyleOption, subject_ids, translates};
use clinstruct_draw::Draw;
use clinstruct_schema::{BaseRow, ConversationMode, Language, Register, RowId, Situation};

use crate::language::Possible;
use crate::moves::{draw_moves, still_follows};
use crate::styles::{Stage, asked, fits, fixed_items, share};

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

/// What is drawn for all variants of a prompt at once, by the first that needs it.
#[derive(Default)]
struct Shared<'c>(OnceCell<Vec<Vec<&'c StyleOption>>>);

/// Draws everything about a conversation.
pub fn situation(
    catalog: &Catalog,
    part: &Part,
    seed: u64,
    row: &BaseRow,
    k: usize,
    variant: Variant,
) -> Situation {
    situation_beside(catalog, part, seed, (row, k), variant, &Shared::default())
}

/// The same for all conversations of a prompt, in the order of [`variants`].
pub fn situations(
    catalog: &Catalog,
    part: &Part,
    seed: u64,
    row: &BaseRow,
    k: usize,
) -> Vec<(Variant, Situation)> {
    let shared = Shared::default();
    let draw = |of| (of, situation_beside(catalog, part, seed, (row, k), of, &shared));
    variants(part, row, k).into_iter().map(draw).collect()
}

fn situation_beside<'c>(
    catalog: &'c Catalog,
    part: &Part,
    seed: u64,
    (row, k): (&BaseRow, usize),
    variant: Variant,
    Shared(shared): &Shared<'c>,
) -> Situation {
    let id = conversation_id(part, &row.id, k, variant);
    let prompt = prompt_id(part, &row.id, k);
    let key = id.as_str();
    let value_ids = subject_ids(&row.subjects);
    let mut facts = facts_of(row, &value_ids, variant);

    // Drawn with the frame: all variants of a prompt share it.
    let frame = row.frames.get(k);
    let mode = frame.map_or(ConversationMode::Normal, |frame| frame.mode);
    let withholds = frame.is_some_and(|f| f.withholds);
    let translates = translates(&catalog.tasks, &row.subjects);
    let mut fixed = fixed_items(catalog, &row.subjects, &row.profession, frame);
    let table = &catalog.contradictions;
    let language = frame.map_or(Language::English, |frame| frame.language);
    let country = frame.map_or("", |frame| frame.place.country_code.as_str());
    let in_language = Possible { catalog, language, country };
    let mut options: Vec<&StyleOption> = match variant {
        Variant::Emergency => part.emergency.iter().map(|e| &e.instruction).collect(),
        Variant::Styled(n) => shared
            .get_or_init(|| asked(catalog, part, seed, prompt.as_str(), (&fixed, in_language)))
            .get(n.saturating_sub(1))
            .filter(|_| {
                let share = part.styles.as_ref().map_or(1.0, |rule| rule.share);
                share >= 1.0 || Draw::new(seed, key, "asks for styles").chance(share)
            })
            .cloned()
            .unwrap_or_default(),
    };
    let asked_count = options.len();
    facts.asked_groups = options.iter().map(|o| o.group.as_str()).collect();

    facts.mode = Some(mode);
    let could = frame.is_some_and(|f| part.can_withhold(&facts, f, translates));
    let weights =
        if could { part.turn_weights_of(&facts, withholds) } else { part.turn_weights(&facts) };
    let turns = weights.map_or(1, |weights| Draw::new(seed, key, "turns").weighted(weights) + 1);
    let turns = u32::try_from(turns).unwrap_or(1);

    let all = [Register::Popular, Register::Standard, Register::Scientific];
    // The voice of the first message is kept in later ones.
    let voice = frame.and_then(|f| f.voice.as_ref());
    let user_register = voice.map_or_else(
        || all[Draw::new(seed, key, "user register").weighted(part.register).min(2)],
        |voice| voice.register,
    );
    let possible = all.map(|register| {
        let item = format!("register:{}", register.as_str());
        let at_odds = table.any(&item, fixed.iter().map(String::as_str))
            || table.any(&item, options.iter().map(|o| o.id.as_str()));
        if at_odds { 0.0 } else { part.register[register as usize] }
    });
    let assistant_register =
        all[Draw::new(seed, key, "assistant register").weighted(possible).min(2)];
    fixed.push(format!("register:{}", assistant_register.as_str()));

    let s = catalog.styles_of(part.personas);
    // Never exported, so in English, unless the language has nothing to count.
    let user_length = share(
        catalog,
        &s.user_length,
        &part.user_length,
        (&fixed, &options[..asked_count], Possible { language: Language::English, ..in_language }),
        (seed, key, "user length"),
    )
    .filter(|option| option.is_countable_in(language));
    let lines = s.modes.iter().filter(|m| m.id == mode).flat_map(|m| &m.lines);
    for line in lines {
        if in_language.has(line) && fits(table, &fixed, line, &options) {
            options.push(line);
        }
    }
    if mode == ConversationMode::Normal {
        for (options_of, shares, purpose) in [
            (&s.assistant_length, &part.assistant_length, "length"),
            (&s.assistant_form, &part.assistant_form, "form"),
        ] {
            let drawn = share(
                catalog,
                options_of,
                shares,
                (&fixed, &options, in_language),
                (seed, key, purpose),
            );
            options.extend(drawn);
        }
    }

    let places = s.places;
    let stage =
        |language, register| Stage { catalog, places, seed, key, language, mode, register, turns };
    let by_user = stage(language, user_register);
    let by_system = stage(language, assistant_register);
    // What limits the health worker's messages is never exported, and stays in English.
    let to_user = stage(Language::English, user_register);
    let mut situation = Situation {
        mode,
        turns,
        assistant_register,
        user_register,
        asked_styles: options.iter().take(asked_count).map(|o| by_user.asked_for(o)).collect(),
        declined_styles: Vec::new(),
        system_styles: options.iter().skip(asked_count).map(|o| by_system.stated(o)).collect(),
        user_styles: user_length.into_iter().map(|o| to_user.stated(o)).collect(),
        emergency_instruction: variant == Variant::Emergency,
        language,
        moves: Vec::new(),
        reports: Vec::new(),
        withholds,
        persona: frame.and_then(|f| f.persona.clone()),
        translates,
        profession: row.profession.clone(),
        specialty: row.specialty.clone(),
    };
    let patient = frame.is_some_and(|f| f.patient.is_some());
    draw_moves(catalog, seed, key, &facts, &fixed, patient, &mut situation);
    situation
}

/// What is known of a row with these subjects before anything of a conversation is drawn.
fn facts_of<'a>(row: &BaseRow, subjects: &'a [(Axis, String)], variant: Variant) -> Facts<'a> {
    Facts {
        subjects: subjects.iter().map(|(axis, id)| (*axis, id.as_str())).collect(),
        emergency: row.emergency,
        emergency_instruction: variant == Variant::Emergency,
        ..Facts::default()
    }
}

/// Draws the moves again that do not follow any more from what is asked for, since the writer of the prompt left a style out:
/// nobody chooses from options that were not asked for.
pub fn refit_moves(
    catalog: &Catalog,
    part: &Part,
    seed: u64,
    (row, k): (&BaseRow, usize),
    variant: Variant,
    situation: &mut Situation,
) {
    if (2..=situation.turns).all(|turn| still_follows(catalog, situation, turn)) {
        return;
    }
    let value_ids = subject_ids(&row.subjects);
    let frame = row.frames.get(k);
    let facts = Facts { mode: Some(situation.mode), ..facts_of(row, &value_ids, variant) };
    let mut fixed = fixed_items(catalog, &row.subjects, &row.profession, frame);
    fixed.push(format!("register:{}", situation.assistant_register.as_str()));
    let patient = frame.is_some_and(|f| f.patient.is_some());
    let id = conversation_id(part, &row.id, k, variant);
    draw_moves(catalog, seed, id.as_str(), &facts, &fixed, patient, situation);
}

/// The pairs of the table of contradictions in a conversation of the plan, and the pairs of its styles that share a
/// facet: none, since the draws exclude them.
pub fn contradictions(
    catalog: &Catalog,
    row: &BaseRow,
    k: usize,
    situation: &Situation,
) -> Vec<(String, String)> {
    let frame = row.frames.get(k);
    let mut items = fixed_items(catalog, &row.subjects, &situation.profession, frame);
    items.push(format!("register:{}", situation.assistant_register.as_str()));
    items.extend(situation.moves.iter().map(|id| format!("move:{id}")));
    let table = &catalog.contradictions;
    let asked_and_stated = || situation.asked_styles.iter().chain(&situation.system_styles);
    let styles = || asked_and_stated().chain(&situation.user_styles);
    let ids: Vec<&str> =
        items.iter().map(String::as_str).chain(styles().map(|s| s.id.as_str())).collect();
    let owned = |(a, b): (&str, &str)| (a.to_owned(), b.to_owned());
    let mut found: Vec<(String, String)> = table.among(&ids).into_iter().map(owned).collect();
    // Only what is asked for later is at odds with being asked for later.
    let late = situation.asked_styles.iter().filter(|style| style.turn > 1);
    let late = late.map(|style| (style.id.as_str(), "place:later"));
    found.extend(late.filter(|(id, place)| table.between(id, place)).map(owned));
    let all: Vec<_> = asked_and_stated().collect();
    for (i, one) in all.iter().enumerate() {
        let shared =
            all.iter().skip(i + 1).filter(|o| one.claims.iter().any(|f| o.claims.contains(f)));
        found.extend(shared.map(|other| (one.id.to_string(), other.id.to_string())));
    }
    found
}
