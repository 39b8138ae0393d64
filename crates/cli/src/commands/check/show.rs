//! The rows and places that one metric is about.

use clinstruct_curate::metrics::{Fault, Faults, excerpt};
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

/// Calls `each` with the faults of the metrics that look at all rows together.
fn of_all_rows(
    report: &Report,
    rows: &Rows,
    id: MetricId,
    each: &mut dyn FnMut(&Fault) -> clinstruct_app::Result<()>,
) -> clinstruct_app::Result<()> {
    match id {
        MetricId::UnreadableRows => report.bad_rows.iter().try_for_each(|bad| {
            let (row, why) = bad.split_once(": ").unwrap_or((bad, ""));
            each(&fault(row, 1, 0, String::new(), why.to_owned()))
        }),
        MetricId::NearDuplicates => report.duplicates.duplicates.iter().try_for_each(|d| {
            let start = excerpt(&rows.message(d.row, 0)?, 0);
            each(&fault(&d.id, 1, 0, start, format!("repeats {}", d.repeats)))
        }),
        MetricId::EvalItems => {
            let hits = report.contamination.iter().flat_map(|b| &b.hits);
            hits.filter_map(|hit| hit.fault.as_ref()).try_for_each(each)
        }
        _ => Ok(()),
    }
}

/// Prints all faults of a metric, one a line.
pub(super) fn show(
    report: &Report,
    rows: &Rows,
    id: MetricId,
    faults: Option<&Faults>,
    as_json: bool,
) -> clinstruct_app::Result<()> {
    let mut each = |fault: &Fault| line(fault, as_json);
    if let Some(faults) = faults {
        for fault in faults.read()? {
            each(&fault?)?;
        }
    }
    of_all_rows(report, rows, id, &mut each)
}

fn line(fault: &Fault, as_json: bool) -> clinstruct_app::Result<()> {
    if as_json {
        return print_json(fault);
    }
    let place = fault.span.map_or_else(String::new, |[from, to]| format!(", bytes {from}..{to}"));
    let detail = match fault.detail.as_str() {
        "" => String::new(),
        detail => format!(" ({detail})"),
    };
    let message = number(fault.message as u64 + 1);
    print(&format!("{}, message {message}{place}: {}{detail}\n", fault.id, fault.excerpt))
}
