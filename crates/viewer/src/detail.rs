//! One conversation with everything known about it.

use std::path::Path;

use clinstruct_curate::metrics::Facts;
use clinstruct_quality::card::About;
use clinstruct_quality::{check_turn, name, verify};
use clinstruct_schema::{Conversation, RequestId, Situation, Speaker};
use clinstruct_store::Store;
use serde_json::{Value, json};

use crate::Result;
use crate::index::Index;
use crate::matching::{MatchedReview, MatchedReviews};
use crate::reviews::Reviews;
use crate::row::StoredRow;
use crate::text::{TextHash, Texts};

/// The row with this id; `None` if there is none.
pub(crate) fn row(
    index: &mut Index,
    reviews: &Reviews,
    facts: &Facts,
    id: &str,
) -> Result<Option<Value>> {
    let Some(row) = index.row(id)? else { return Ok(None) };
    let text_hash = row.text_hash();
    let mut all = json!({
        "id": id, "variants": index.variants(id)?, "dropped": index.dropped(id)?, "reviews": matched(reviews, id, &text_hash)?, "text_hash": text_hash,
    });
    match row {
        StoredRow::Rejected(row) => {
            all["rejected"] = json!(true);
            all["row"] = json!(row);
        }
        StoredRow::Conversation(row) => {
            all["rejected"] = json!(false);
            all["turns"] = json!(turns(&row, facts));
            all["row"] = json!(row);
        }
    }
    Ok(Some(all))
}

/// The reviews of a row, matched with its current text.
pub(crate) fn matched(reviews: &Reviews, id: &str, text: &TextHash) -> Result<Vec<MatchedReview>> {
    let texts = Texts::from_iter([(id.to_owned(), text.clone())]);
    Ok(MatchedReviews::new(reviews.all(Some(id))?, &texts).all().to_vec())
}

/// Converts a byte range to UTF-16 units, the units of a browser's strings.
fn span(text: &str, bytes: Option<std::ops::Range<usize>>) -> Option<[usize; 2]> {
    let units = |end: usize| Some(text.get(..end)?.encode_utf16().count());
    let bytes = bytes?;
    Some([units(bytes.start)?, units(bytes.end)?])
}

/// Findings of the checks on each turn.
fn turns(row: &Conversation, facts: &Facts) -> Vec<Value> {
    let situation = &row.attributes.situation;
    let Some(place) = row.attributes.place() else { return Vec::new() };
    let emergency = facts.emergency.get(&place.country_code).map_or("", String::as_str);
    let case = row.attributes.case.as_ref();
    let about = About { case, place: &place, emergency, country_terms: &facts.country_terms };
    let one = |(i, message): (usize, &clinstruct_schema::Message)| {
        let text = &message.content;
        let speaker = Speaker::of_message(i);
        let found: Vec<Value> = check_turn(text, i, situation, &about)
            .into_iter()
            .map(|v| json!({ "check": v.check, "detail": v.detail, "span": span(text, v.span) }))
            .collect();
        let turn = Situation::turn_of(i);
        let language = situation.language_at(turn);
        let asked: Vec<Value> = if speaker == Speaker::Assistant {
            situation
                .constraints_at(turn)
                .filter_map(|c| {
                    let verdict = verify(c, text, language)?;
                    Some(json!({
                        "check": name(c), "asked": c, "strict": verdict.strict, "loose": verdict.loose,
                        "seen": verdict.seen, "span": span(text, verdict.span),
                    }))
                })
                .collect()
        } else {
            Vec::new()
        };
        json!({ "found": found, "asked": asked })
    };
    row.messages.iter().enumerate().map(one).collect()
}

/// The raw response to a request, unchanged; `None` if the run has none.
pub(crate) fn raw(run: &Path, request: &str) -> Option<String> {
    let id: RequestId = serde_json::from_value(json!(request)).ok()?;
    let store = Store::open_read_only(run).ok()?;
    let at = store.locate(id).ok()??;
    let (_, bytes) = store.reader().read(&at).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Progress of the run, from its journal.
pub(crate) fn progress(run: &Path) -> Value {
    let Ok(store) = Store::open_read_only(run) else {
        return json!({ "journal": false });
    };
    let counts: Vec<Value> = store
        .counts()
        .unwrap_or_default()
        .iter()
        .map(|c| {
            json!({
                "part": c.part, "prompts_waiting": c.seed_rows_waiting, "prompts_done": c.seed_rows_done,
                "waiting": c.conversations_waiting, "done": c.conversations_done,
                "rejected": c.conversations_rejected,
            })
        })
        .collect();
    let jobs = store.jobs().unwrap_or_default();
    let open = store.open_jobs().map_or(0, |j| j.len());
    let money = store.money().unwrap_or_default();
    json!({
        "journal": true, "parts": counts, "jobs": jobs.len(), "open": open, "micro_usd": money.spent,
        "prompt_tokens": money.usage.prompt_tokens, "completion_tokens": money.usage.completion_tokens,
        "rows": jobs.iter().map(|j| j.counts.answered).sum::<u64>(),
    })
}
