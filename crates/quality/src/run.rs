//! Runs the checks on one turn.

use clinstruct_schema::{Constraint, Frame, Situation, Speaker};

use crate::card::{About, PatientFacts};
use crate::case::Reader;
use crate::check::{Check, Outcome, Run, Strictness, constraint_id};
use crate::checks::{self, ALL};
use crate::{Turn, Violation};

/// The instructions to verify: those given, and the one on doses for every answer.
fn verified<'t>(turn: &'t Turn<'_>) -> impl Iterator<Item = &'t Constraint> {
    // Somebody at home verifies no dose: another check forbids them.
    let doses = turn.speaker == Speaker::Assistant
        && !turn.lay
        && !turn.asks(|c| matches!(c, Constraint::DoseWarning));
    // The language has its own check, which runs before.
    let given = turn.instructions.iter().copied();
    given
        .filter(|c| !matches!(c, Constraint::Language { .. }))
        .chain(doses.then_some(&Constraint::DoseWarning))
}

/// Findings on its instructions, in the order of the instructions.
fn broken(turn: &Turn<'_>) -> impl Iterator<Item = Violation> {
    verified(turn).filter_map(|constraint| {
        let check = checks::by_id(constraint_id(constraint))?;
        match check.outcome(constraint, turn) {
            Outcome::Failed(finding) => Some(check.violation(finding)),
            Outcome::Passed | Outcome::Undecided => None,
        }
    })
}

/// Runs all checks that apply to a turn and do more than measure.
pub fn check(turn: &Turn<'_>) -> Vec<Violation> {
    check_in(turn, &Reader::new(turn.text))
}

/// The same for one who has a reader of the text.
fn check_in(turn: &Turn<'_>, reader: &Reader<'_>) -> Vec<Violation> {
    if !turn.may_take_back() || reader.corrected().text() == reader.text() {
        found_in(turn, reader)
    } else {
        found_in(turn, &Reader::new(reader.corrected().text()))
    }
}

fn found_in(turn: &Turn<'_>, reader: &Reader<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut stopped = false;
    let mut instructed = false;
    for check in ALL {
        let Some(strictness) = check.strictness.of(turn.speaker) else { continue };
        match strictness {
            Strictness::Measures => continue,
            Strictness::Blocks if stopped => break,
            Strictness::Blocks | Strictness::Stops => {}
        }
        let before = found.len();
        match check.run {
            Run::Text { .. } | Run::Facts { .. } => found.extend(check.find_in(turn, reader)),
            Run::Instruction { .. } if instructed => {}
            Run::Instruction { .. } => {
                instructed = true;
                found.extend(broken(turn));
            }
        }
        stopped |= strictness == Strictness::Stops && found.len() > before;
    }
    in_order_of_lines(&mut found);
    found
}

/// Sorts the findings at line starts by position: repairs name findings in this order, and the address of a stored
/// repair depends on it.
fn in_order_of_lines(found: &mut [Violation]) {
    let of_lines = |check: &Check, v: &Violation| v.check == check.id;
    let lines = found
        .iter()
        .take_while(|v| {
            of_lines(&checks::role_tag::CHECK, v) || of_lines(&checks::hash_heading::CHECK, v)
        })
        .count();
    found[..lines].sort_by_key(|v| v.span.as_ref().map(|span| span.start));
}

/// All checks on a prompt.
///
/// `frame` is what the plan fixed about it.
pub fn check_prompt(text: &str, frame: &Frame) -> Vec<Violation> {
    check_prompt_in(&Reader::new(text), frame)
}

/// The same for one who reads more in it: what the checks read is not read again.
pub fn check_prompt_in(reader: &Reader<'_>, frame: &Frame) -> Vec<Violation> {
    let patient = frame.patient.as_ref().map(PatientFacts::from);
    let (language, lay) = (frame.language, frame.persona.is_some());
    let turn = Turn::prompt(reader.text());
    check_in(&Turn { patient, language, frame: Some(frame), lay, ..turn }, reader)
}

/// All checks on message `place` (from 0) of a conversation.
pub fn check_turn(
    text: &str,
    place: usize,
    situation: &Situation,
    about: &About<'_>,
) -> Vec<Violation> {
    check(&Turn::of(text, place, situation, about))
}
