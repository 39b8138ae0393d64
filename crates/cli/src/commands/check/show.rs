//! The rows and places that one metric is about.

use clinstruct_curate::metrics::{Fault, excerpt};
use clinstruct_schema::summary::MetricId;
use clinstruct_schema::{Message, Role};

use super::Report;
use super::rows::Rows;
use crate::commands::{print, print_json};
use crate::table::number;

/// A fault of a message as a whole, of a row with these messages.
pub(super) fn whole(messages: &[Message], id: &str, message: usize, detail: String) -> Fault {
    let said = messages.iter().take(message + 1);
    let text = messages.get(message).map_or("", |m| m.content.as_str());
    let turn = said.filter(|m| m.role == Role::User).count().max(1);
    fault(id, turn, message, excerpt(text, 0), detail)
}

fn fault(id: &str, turn: usize, message: usize, excerpt: String, detail: String) -> Fault {
    Fault { id: id.to_owned(), turn, message, span: None, excerpt, detail }
}

/// What is said of a hit.
pub(super) fn eval_item(matched: usize, words: usize, set: &str) -> String {
    format!("{matched} of {words} words of an item of {set}")
}

/// The faults of the metrics that look at all rows together.
fn of_all_rows(
    report: &Report,
    rows: &Rows,
    id: MetricId,
) -> clinstruct_curate::Result<Vec<Fault>> {
    match id {
        MetricId::UnreadableRows => {
            let split = |bad: &String| {
                let (row, why) = bad.split_once(": ").unwrap_or((bad, ""));
                Ok(fault(row, 1, 0, String::new(), why.to_owned()))
            };
            report.bad_rows.iter().map(split).collect()
        }
        MetricId::NearDuplicates => {
            let all = report.duplicates.duplicates.iter();
            all.map(|d| {
                let start = excerpt(&rows.message(d.row, 0)?, 0);
                Ok(fault(&d.id, 1, 0, start, format!("repeats {}", d.repeats)))
            })
            .collect()
        }
        MetricId::EvalItems => {
            let hits = report.contamination.iter().flat_map(|b| &b.hits);
            Ok(hits.filter_map(|hit| hit.fault.clone()).collect())
        }
        _ => Ok(Vec::new()),
    }
}

/// Prints all faults of a metric, one a line.
pub(super) fn show(
    report: &Report,
    rows: &Rows,
    id: MetricId,
    mut faults: Vec<Fault>,
    as_json: bool,
) -> clinstruct_app::Result<()> {
    faults.extend(of_all_rows(report, rows, id)?);
    for fault in &faults {
        if as_json {
            print_json(fault)?;
            continue;
        }
        let place =
            fault.span.map_or_else(String::new, |[from, to]| format!(", bytes {from}..{to}"));
        let detail = match fault.detail.as_str() {
            "" => String::new(),
            detail => format!(" ({detail})"),
        };
        let message = number(fault.message as u64 + 1);
        print(&format!("{}, message {message}{place}: {}{detail}\n", fault.id, fault.excerpt))?;
    }
    Ok(())
}
