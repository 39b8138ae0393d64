//! The health worker's later messages: moves, and answers to questions.

use clinstruct_draw::Draw;
use clinstruct_schema::{Constraint, Language, Register};

use super::{Facts, age_text, fits, fitting, lead, lower_first, spoken_sex};
use crate::assistant::words;
use crate::grammar::{Template, grammar, worker};
use crate::read::{ParsedRequest, known};
use crate::said::was_said;

/// Words below which a message of one sentence gets another.
const FEWEST: usize = 22;

/// Answers a question from the facts, in at most `most` words; of a long list only the first entries.
fn reply(patient: &Facts, question: &str, already: &str, most: usize, draw: &mut Draw) -> String {
    let lower = question.to_lowercase();
    let kinds = &worker().words.facts;
    let asked = kinds.iter().find(|fact| fact.keys.iter().any(|k| lower.contains(k.as_str())));
    // A question that names no kind, or is in another language, gets a fact that was not mentioned yet.
    let unused = || {
        kinds.iter().find(|fact| known(patient, &fact.label).is_some_and(|v| !already.contains(v)))
    };
    let told = asked
        .or_else(unused)
        .and_then(|fact| known(patient, &fact.label).map(|v| (fact.kind.as_str(), v)));
    let Some((kind, fact)) = told else {
        let unknown = draw.pick(worker().all("reply", "unknown")).map(Template::plain);
        return unknown.map(|u| lead(&u, draw)).unwrap_or_default();
    };
    let fact = match kind {
        "age" => age_text(fact).replace('-', " "),
        "allergies" => fact.to_owned(),
        _ => fact.replace("; ", ", "),
    };
    let Some(template) = draw.pick(worker().all("reply", kind)) else { return String::new() };
    let entries: Vec<&str> = fact.split(", ").collect();
    let told = |n: usize| template.fill(|_| entries[..n].join(", "));
    (1..=entries.len())
        .rev()
        .map(told)
        .find(|text| words(text, Language::English) <= most)
        .unwrap_or_else(|| told(1))
}

/// Writes the health worker's message after an answer.
pub(crate) fn follow_up(
    parsed: &ParsedRequest,
    last: &str,
    earlier: &str,
    draw: &mut Draw,
) -> String {
    if parsed.lay {
        return super::layperson::follow_up(parsed, last, earlier, draw);
    }
    let patient = parsed.patients.first().map_or(&[][..], Vec::as_slice);
    let sex = spoken_sex(patient);
    let mut exact = None;
    let (mut most, mut least) = (None, 0);
    for constraint in &parsed.constraints {
        match constraint {
            Constraint::ExactSentences { n } => exact = Some(*n as usize),
            Constraint::MaxWords { n } => most = Some(*n as usize),
            Constraint::MinWords { n } => least = *n as usize,
            _ => {}
        }
    }
    let topic = parsed
        .fact("topic")
        .or(parsed.fact("domain"))
        .or(parsed.fact("specialty"))
        .map(lower_first);
    let mut names = vec!["test", "finding", "drug", "sign", "measure", "concern", "timeframe"];
    if topic.is_some() {
        names.push("topic");
    }
    let english = grammar(Language::English);
    let mut said: Vec<String> = Vec::new();
    let mut next = |draw: &mut Draw, name: (&str, &str)| -> String {
        let (group, name) = name;
        for _ in 0..24 {
            let Some(template) = draw.pick(worker().all(group, name)) else { break };
            if !template.needs_only(&names) || !fits(&template.plain(), sex) {
                continue;
            }
            let fixed = template.slots().next().is_none();
            let sentence = template.fill(|slot| match slot {
                "concern" => fitting("lists", slot, sex, draw),
                "topic" => topic.clone().unwrap_or_default(),
                list => english.map(|g| g.item(list, draw)).unwrap_or_default(),
            });
            // Fixed wording gets a topic.
            let led = said.is_empty() && (fixed || draw.chance(0.9));
            let sentence = if led { lead(&sentence, draw) } else { sentence };
            if !said.contains(&sentence) && !was_said(earlier, &sentence) {
                said.push(sentence.clone());
                return sentence;
            }
        }
        String::new()
    };
    let kind = match (&parsed.planned, parsed.register) {
        // A move that the grammar does not know is a question about the next step.
        (Some(planned), _) if !worker().all("move", planned).is_empty() => {
            ("move", planned.as_str())
        }
        (_, Some(Register::Popular)) if draw.chance(0.6) => ("followup", "popular"),
        (_, Some(Register::Scientific)) if draw.chance(0.6) => ("followup", "scientific"),
        _ => ("followup", "next"),
    };
    let question =
        last.rsplit_once('?').map(|(q, _)| q.rsplit(['.', '!', '।']).next().unwrap_or(q));
    let first = match question {
        Some(question) => {
            let most = most.unwrap_or(usize::MAX);
            let first = reply(patient, question, earlier, most, draw);
            if earlier.contains(&first) {
                let mut again = (0..8).map(|_| reply(patient, question, earlier, most, draw));
                again.find(|text| !earlier.contains(text)).unwrap_or(first)
            } else {
                first
            }
        }
        None => {
            let planned = next(draw, kind);
            if planned.is_empty() { next(draw, ("followup", "next")) } else { planned }
        }
    };
    let mut sentences = vec![first];
    let count = |all: &[String]| all.iter().map(|s| words(s, Language::English)).sum::<usize>();
    if let Some(n) = exact {
        while sentences.len() < n {
            let more = next(draw, ("followup", "next"));
            if more.is_empty() {
                break;
            }
            sentences.push(more);
        }
    } else {
        // One sentence alone would soon be said in another conversation, too.
        let alone = count(&sentences) < FEWEST || question.is_some();
        if most.is_none() && (alone || draw.chance(0.4)) {
            let more_kind = if draw.chance(0.5) { "next" } else { "short" };
            let more = next(draw, ("followup", more_kind));
            sentences.push(more);
        } else if let Some(most) = most.filter(|_| alone) {
            sentences.push(next(draw, ("followup", "short")));
            if count(&sentences) > most {
                sentences.pop();
            }
        }
        for _ in 0..10 {
            if count(&sentences) >= least {
                break;
            }
            let more = next(draw, ("followup", "next"));
            sentences.push(more);
        }
        if let Some(most) = most {
            for _ in 0..8 {
                if count(&sentences) <= most {
                    break;
                }
                // An answer to a question is kept; a remark can be shortened.
                if question.is_some() {
                    break;
                }
                let short = next(draw, ("followup", "short"));
                // A fixed remark gets a topic where there is room for it.
                let led = lead(&short, draw);
                let fits = !short.is_empty() && words(&led, Language::English) <= most;
                sentences = vec![if fits { led } else { short }];
            }
        }
    }
    sentences.retain(|s| !s.is_empty());
    sentences.join(" ")
}
