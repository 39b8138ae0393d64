//! Injected faults are found, and correct texts pass unchanged.

use std::fmt::Write as _;
use std::sync::Arc;

use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_batch_client::{BatchRequest, request_id};
use clinstruct_catalog::Catalog;
use clinstruct_multiturn::{Dialogue, PromptContext, RequestOptions, RetryPolicy, Variant};
use clinstruct_parser::{PromptFormat, decode};
use clinstruct_pipeline::{Reading, about, read_prompts, read_turn};
use clinstruct_promptgen::{Plan, PromptOptions, prompt_request};
use clinstruct_quality::card::CountryTerms;
use clinstruct_schema::{
    BaseRow, Case, ChatRequest, Frame, Place, RowFormat, RowOutcome, Situation,
};

/// Kinds that corrupt a turn's text.
const TURNS: [&str; 12] = [
    "refusal",
    "text_refusal",
    "content_filter",
    "cut",
    "empty",
    "wrapping_quotes",
    "role_tag",
    "hash_heading",
    "code_fence",
    "control_character",
    "wrong_language",
    "violation",
];
/// Kinds that corrupt the answer to a prompt request.
const PROMPTS: [&str; 2] = ["malformed_json", "wrong_count"];
/// Seed rows of each part.
const ROWS: usize = 150;

fn engine(catalog: &Catalog, kind: Option<&str>) -> Rehearsal {
    let mut rates = Rates::none();
    if let Some(kind) = kind {
        assert!(rates.set(kind, 1.0), "{kind}");
    }
    Rehearsal::new(catalog.instructions(), rates, None)
}

fn outcome(engine: &Rehearsal, request: &ChatRequest) -> (Vec<u8>, RowOutcome) {
    let request = BatchRequest { id: request_id(request), request: request.clone() };
    let row = engine.rows_of("job", &request).pop().unwrap_or_default();
    let decoded = decode(RowFormat::OpenaiBatch, &row);
    (row, decoded.outcome)
}

/// The case of a frame without stated facts.
fn case(row: &BaseRow, k: usize) -> Option<Case> {
    row.frames[k].patient.as_ref().map(Case::new)
}

fn turn(
    catalog: &Catalog,
    row: &BaseRow,
    k: usize,
    prompt: &str,
) -> Option<(ChatRequest, Situation)> {
    let part = catalog.part(row.part.as_str())?;
    let variant = Variant::Styled(k % part.variants());
    let planned = PromptContext::planned(
        catalog,
        part,
        5,
        row,
        k,
        variant,
        case(row, k).map(std::sync::Arc::new),
    )?;
    let dialogue = Dialogue::new(planned, prompt, RetryPolicy::default());
    let options = RequestOptions { seed: 5, ..RequestOptions::new(catalog, "rehearsal") };
    let request = dialogue.next_request(&options).ok()??;
    Some((request, dialogue.into_parts().0.situation))
}

#[derive(Default, Clone, Copy)]
struct Count {
    spoilt: u64,
    found: u64,
}

/// Whether a reading returns the text unchanged.
fn stands<T>(reading: &Reading<T>, cleaned: impl Fn(&T) -> bool) -> bool {
    matches!(reading, Reading::Accepted(text) if !cleaned(text))
}

#[test]
fn what_was_spoilt_is_found_and_nothing_else() {
    let catalog = Catalog::embedded().unwrap();
    let country_terms = CountryTerms::new(catalog.country_terms.clone());
    let good = engine(&catalog, None);
    let mut turns: Vec<(ChatRequest, Situation, Option<Case>, Place)> = Vec::new();
    let mut prompts: Vec<(ChatRequest, Vec<Frame>)> = Vec::new();
    let mut alarms = Count::default();
    let mut false_alarms = String::new();
    for part in catalog.default_parts() {
        let plan = Plan::new(&catalog, part, 5, None);
        for i in 0..ROWS {
            let row = Arc::new(plan.row(i * plan.len() / ROWS).unwrap());
            let options = PromptOptions {
                model: "rehearsal",
                seed: 5,
                structured: true,
                ..PromptOptions::default()
            };
            let request = prompt_request(&catalog, part, &row, &options).unwrap();
            let (_, answered) = outcome(&good, &request);
            let all: Vec<usize> = (0..row.frames.len()).collect();
            let reading = read_prompts(&answered, PromptFormat::Json, &row.frames, &all);
            alarms.spoilt += 1;
            let Reading::Accepted(texts) = reading else {
                alarms.found += 1;
                writeln!(false_alarms, "  {reading:?}").unwrap();
                continue;
            };
            for (k, text) in texts.texts.iter().enumerate() {
                let text = &text.as_ref().unwrap().text.text;
                let asked = turn(&catalog, &row, k, text);
                let place = row.frames[k].place.clone();
                turns.extend(asked.map(|(r, s)| (r, s, case(&row, k), place)));
            }
            prompts.push((request, row.frames.clone()));
        }
    }
    for (request, situation, case, place) in &turns {
        let (_, answered) = outcome(&good, request);
        let reading = read_turn(
            &answered,
            1,
            situation,
            &about(&catalog, &country_terms, case.as_ref(), place),
        );
        alarms.spoilt += 1;
        if !matches!(reading, Reading::Accepted(_)) {
            alarms.found += 1;
            writeln!(false_alarms, "  {reading:?}").unwrap();
        }
    }
    let (mut table, mut missed) = (String::new(), String::new());
    let mut least = 1.0_f64;
    for kind in TURNS.into_iter().chain(PROMPTS) {
        let bad = engine(&catalog, Some(kind));
        let mut count = Count::default();
        let mut tell = |spoilt: bool, found: bool| {
            count.spoilt += u64::from(spoilt);
            count.found += u64::from(spoilt && found);
        };
        if PROMPTS.contains(&kind) {
            for (request, frames) in &prompts {
                let (_, answered) = outcome(&bad, request);
                let all: Vec<usize> = (0..frames.len()).collect();
                let reading = read_prompts(&answered, PromptFormat::Json, frames, &all);
                // One prompt too many is left out, and all that were asked for are there.
                let given = match &answered {
                    RowOutcome::Answer(c) => c.text.matches("\"prompt\":").count(),
                    _ => 0,
                };
                let whole = kind == "wrong_count" && given >= frames.len();
                tell(!whole, !stands(&reading, |_| false));
            }
        } else {
            for (request, situation, case, place) in &turns {
                let (row, answered) = outcome(&bad, request);
                let reading = read_turn(
                    &answered,
                    1,
                    situation,
                    &about(&catalog, &country_terms, case.as_ref(), place),
                );
                // A fault without effect corrupts nothing: English instead of English, or no instruction to break.
                // A translation may be in any language.
                let any = kind == "wrong_language" && situation.translates;
                let spoilt = !any && row != outcome(&good, request).0;
                let found = !stands(&reading, |text| text.cleanup.bits() != 0);
                if spoilt && !found {
                    writeln!(missed, "  {kind} {:?}: {row:?}", situation.language).unwrap();
                }
                tell(spoilt, found);
            }
        }
        assert!(count.spoilt >= 50, "{kind}: {}", count.spoilt);
        let share = count.found as f64 / count.spoilt as f64;
        writeln!(
            table,
            "{kind:<18} {:>5} spoilt {:>5} found  {:>6.2} %",
            count.spoilt,
            count.found,
            share * 100.0
        )
        .unwrap();
        least = least.min(share);
    }
    let share = alarms.found as f64 / alarms.spoilt as f64;
    writeln!(
        table,
        "{:<18} {:>5} good   {:>5} found  {:>6.2} %",
        "none",
        alarms.spoilt,
        alarms.found,
        share * 100.0
    )
    .unwrap();
    println!("{table}{false_alarms}");
    assert!(least >= 0.99, "{table}{missed}");
    assert!(share <= 0.005, "{table}{false_alarms}");
}
