//! What the simulated health worker does in its later messages.

use clinstruct_catalog::{After, Catalog, Facts, Move};
use clinstruct_draw::{self as draw, Draw};
use clinstruct_schema::Situation;

/// The moves that are possible in the health worker's message of `turn`, from 2, given those of its earlier messages. None
/// is repeated as long as others are left.
pub(crate) fn possible<'c>(
    catalog: &'c Catalog,
    facts: &Facts<'_>,
    fixed: &[String],
    situation: &Situation,
    patient: bool,
    turn: u32,
) -> Vec<&'c Move> {
    let styles = || situation.asked_styles.iter().chain(&situation.system_styles);
    let ids = fixed.iter().map(String::as_str).chain(styles().map(|s| s.id.as_str()));
    let against = catalog.contradictions.against(ids);
    let at_odds = |m: &Move| against.with(&format!("move:{}", m.id));
    let (after, last) = (After::of(situation, turn), turn == situation.turns);
    let fit = || {
        let all = catalog.moves_of(situation.persona.is_some()).iter();
        all.filter(|m| m.fits(facts, after, patient, last) && !at_odds(m))
    };
    let new: Vec<&Move> = fit().filter(|m| !situation.moves.contains(&m.id)).collect();
    if new.is_empty() { fit().collect() } else { new }
}

/// Draws a move for each later message of the health worker that has none, or one that does not follow any more.
pub(crate) fn draw_moves(
    catalog: &Catalog,
    seed: u64,
    key: &str,
    facts: &Facts<'_>,
    fixed: &[String],
    patient: bool,
    situation: &mut Situation,
) {
    for (turn, place) in (2..=situation.turns).zip(0..) {
        let purpose = match situation.move_at(turn) {
            None => format!("move {turn}"),
            Some(_) if still_follows(catalog, situation, turn) => continue,
            Some(_) => format!("move {turn} without its style"),
        };
        let possible = possible(catalog, facts, fixed, situation, patient, turn);
        let weighted = possible.into_iter().map(|m| (m.id.as_str(), m.weight, m));
        let Some(drawn) = draw::choose(seed, key, &purpose, weighted) else { break };
        match situation.moves.get_mut(place) {
            Some(old) => old.clone_from(&drawn.id),
            None => situation.moves.push(drawn.id.clone()),
        }
        situation.reports.retain(|reported| *reported != turn);
        if drawn.reports {
            situation.reports.push(turn);
            situation.reports.sort_unstable();
        }
    }
}

/// Whether the move of a message still follows from what the answer before it was asked for.
pub(crate) fn still_follows(catalog: &Catalog, situation: &Situation, turn: u32) -> bool {
    let moves = catalog.moves_of(situation.persona.is_some());
    let drawn = situation.move_at(turn).and_then(|id| moves.iter().find(|m| m.id == *id));
    drawn.is_none_or(|m| m.after == After::of(situation, turn))
}

/// What the health worker is told about its message of `turn`, from 2: the move, in one of its wordings.
pub(crate) fn move_text(
    catalog: &Catalog,
    seed: u64,
    key: &str,
    situation: &Situation,
    turn: u32,
) -> String {
    let drawn = situation.move_at(turn);
    let moves = catalog.moves_of(situation.persona.is_some());
    let Some(drawn) = drawn.and_then(|id| moves.iter().find(|m| m.id == *id)) else {
        return catalog.phrase("user-next").to_owned();
    };
    let mut wording = Draw::new(seed, key, &format!("wording of move {turn}"));
    let text = wording.pick(&drawn.texts).map_or("", String::as_str);
    let mut told = format!("{text} {}", drawn.not).trim().to_owned();
    // What the first message withheld is told when it is asked for, and options are chosen from.
    let asked = matches!(drawn.after, After::Advice | After::Question);
    if let Some(manner) = manner(seed, key, turn).filter(|_| situation.persona.is_some() && asked) {
        told.push(' ');
        told.push_str(catalog.phrase(manner));
    }
    told
}

/// How a patient or relative answers the questions of an answer, with weights. Nobody who writes at home goes through all of them,
/// in order, each time.
const MANNERS: [(&str, f64); 3] =
    [("lay-answers-some", 0.3), ("lay-answers-order", 0.25), ("lay-answers-beside", 0.1)];

/// The phrase for the manner in which a message answers; `None` for one that answers all it was asked.
fn manner(seed: u64, key: &str, turn: u32) -> Option<&'static str> {
    let rest = 1.0 - MANNERS.iter().map(|(_, weight)| weight).sum::<f64>();
    let weights = MANNERS.iter().map(|(_, weight)| *weight).chain([rest]);
    let drawn = Draw::new(seed, key, &format!("answers of message {turn}")).weighted(weights);
    MANNERS.get(drawn).map(|(phrase, _)| *phrase)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use clinstruct_promptgen::Plan;
    use clinstruct_schema::{Constraint, ConversationMode};

    use super::*;
    use crate::{situation, variants};

    const SEED: u64 = 42;

    /// What [`situation`] knows of a row when it draws moves.
    fn facts(mode: ConversationMode) -> Facts<'static> {
        Facts { mode: Some(mode), ..Facts::default() }
    }

    #[test]
    fn nobody_chooses_from_options_that_are_not_asked_for() {
        let catalog = Catalog::embedded().unwrap();
        let id = |name: &str| clinstruct_schema::Slug::of_name(name).unwrap();
        for i in 0..50 {
            let moves = vec![id("chooses"), id("next-step")];
            let mut situation =
                Situation { turns: 3, moves, reports: vec![3], ..Situation::new("Nurse") };
            assert!(!still_follows(&catalog, &situation, 2));
            assert!(still_follows(&catalog, &situation, 3));
            let facts = facts(ConversationMode::Normal);
            draw_moves(&catalog, SEED, &format!("row.{i}"), &facts, &[], true, &mut situation);
            assert!((2..=3).all(|turn| still_follows(&catalog, &situation, turn)));
            assert_eq!(situation.moves[1], id("next-step"), "what follows stays");
            assert_ne!(situation.moves[0], situation.moves[1]);
            assert!(situation.reports.contains(&3));
        }
    }

    #[test]
    fn moves_are_drawn_by_their_weights() {
        let catalog = Catalog::embedded().unwrap();
        let counts = |turn: u32, patient: bool| {
            let (mut drawn, mut due) = (BTreeMap::new(), BTreeMap::new());
            let all = 20_000;
            for i in 0..all {
                let mut situation = Situation { turns: 3, ..Situation::new("Nurse") };
                let facts = facts(ConversationMode::Normal);
                let key = format!("row.{i}");
                draw_moves(&catalog, SEED, &key, &facts, &[], patient, &mut situation);
                let place = usize::try_from(turn).unwrap() - 2;
                *drawn.entry(situation.moves[place].clone()).or_insert(0.0) += 1.0 / f64::from(all);
                situation.moves.truncate(place);
                let possible = possible(&catalog, &facts, &[], &situation, patient, turn);
                let sum: f64 = possible.iter().map(|m| m.weight).sum();
                for m in possible {
                    *due.entry(m.id.clone()).or_insert(0.0) += m.weight / sum / f64::from(all);
                }
            }
            let none = |id| drawn.get(id).copied().unwrap_or(0.0);
            due.iter().map(|(id, share): (_, &f64)| (share - none(id)).abs()).sum::<f64>() / 2.0
        };
        for (turn, patient) in [(2, true), (2, false), (3, true), (3, false)] {
            let distance = counts(turn, patient);
            assert!(distance <= 0.02, "turn {turn}, patient {patient}: {distance}");
        }
    }

    #[test]
    fn people_at_home_answer_in_several_manners() {
        let mut drawn: BTreeMap<Option<&str>, u32> = BTreeMap::new();
        for i in 0..4_000 {
            *drawn.entry(manner(SEED, &format!("row.{i}"), 2)).or_default() += 1;
        }
        for (phrase, weight) in MANNERS {
            let share = f64::from(drawn[&Some(phrase)]) / 4_000.0;
            assert!((share - weight).abs() < 0.03, "{phrase}: {share}");
        }
        assert_eq!(manner(SEED, "row.1", 2), manner(SEED, "row.1", 2));

        let catalog = Catalog::embedded().unwrap();
        for id in MANNERS.map(|(phrase, _)| phrase) {
            assert!(!catalog.phrase(id).is_empty(), "{id}");
        }
        for entry in catalog.personas.lists.values().flatten() {
            assert!(entry.user.len() >= 3, "{}", entry.id);
        }
    }

    #[test]
    fn every_later_message_of_a_plan_has_a_move_that_fits() {
        let catalog = Catalog::embedded().unwrap();
        let (mut kinds, mut messages) = (BTreeMap::new(), 0);
        for part in catalog.default_parts() {
            let plan = Plan::new(&catalog, part, SEED, None);
            for row in plan.rows().step_by(7) {
                for k in 0..row.frames.len() {
                    for variant in variants(part, &row, k) {
                        let s = situation(&catalog, part, SEED, &row, k, variant);
                        assert_eq!(
                            s.moves.len(),
                            s.turns as usize - 1,
                            "{variant:?} of {}",
                            row.id
                        );
                        for (turn, id) in (2..).zip(&s.moves) {
                            let of = catalog.moves.iter().find(|m| m.id == *id).unwrap();
                            let about_patient = row.frames[k].patient.is_some();
                            assert!(about_patient || !of.patient, "{id} of {}", row.id);
                            assert!(!of.last || turn == s.turns, "{id} of {}", row.id);
                            assert_eq!(of.reports, s.reports.contains(&turn));
                            let waits = s.constraints_at(turn - 1).any(|c| {
                                matches!(
                                    c,
                                    Constraint::ClarifyingQuestions { .. } | Constraint::OneStep
                                )
                            });
                            let withheld = s.withholds && turn == 2;
                            assert_eq!(of.after == After::Question, waits && !withheld, "{id}");
                            assert_eq!(of.after == After::Withheld, withheld, "{id}");
                            *kinds.entry(id.clone()).or_insert(0) += 1;
                            messages += 1;
                        }
                        let [second, third] = [0, 1].map(|i| s.moves.get(i));
                        if catalog
                            .moves
                            .iter()
                            .any(|m| Some(&m.id) == second && m.after == After::Advice)
                        {
                            assert_ne!(second, third, "{}", row.id);
                        }
                    }
                }
            }
        }
        assert_eq!(kinds.len(), catalog.moves.len(), "{kinds:?}");
        assert!(kinds.values().all(|n| *n * 4 < messages), "{kinds:?} of {messages}");
    }

    #[test]
    fn a_move_has_several_wordings_and_says_what_it_is_not() {
        let catalog = Catalog::embedded().unwrap();
        for m in &catalog.moves {
            let situation =
                Situation { turns: 2, moves: vec![m.id.clone()], ..Situation::new("Nurse") };
            let texts: std::collections::BTreeSet<String> = (0..40)
                .map(|i| move_text(&catalog, SEED, &format!("row.{i}"), &situation, 2))
                .collect();
            assert_eq!(texts.len(), m.texts.len(), "{}", m.id);
            assert!(
                texts.iter().all(|text| text.ends_with(&m.not) && !m.not.is_empty()),
                "{}",
                m.id
            );
        }
        let none = Situation { turns: 2, ..Situation::new("Nurse") };
        assert_eq!(move_text(&catalog, SEED, "row", &none, 2), catalog.phrase("user-next"));
    }
}
