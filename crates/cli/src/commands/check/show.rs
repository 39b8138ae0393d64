//! The rows and places that one metric is about.

use std::collections::HashMap;

use clinstruct_curate::metrics::{Fault, excerpt};
use clinstruct_records::Record;
use clinstruct_schema::Role;
use clinstruct_schema::summary::MetricId;

use super::Report;
use crate::commands::{print, print_json};
use crate::table::number;

/// A fault of a message as a whole.
fn whole(record: Option<&&Record>, id: &str, message: usize, detail: String) -> Fault {
    let messages = record.map_or(&[][..], |r| r.messages.as_slice());
    let said = messages.iter().take(message + 1);
    Fault {
        id: id.to_owned(),
        turn: said.filter(|m| m.role == Role::User).count().max(1),
        message,
        span: None,
        excerpt: messages.get(message).map_or_else(String::new, |m| excerpt(&m.content, 0)),
        detail,
    }
}

/// The faults of the metrics that look at all rows together.
fn of_all_rows(report: &Report, rows: &[Record], id: MetricId) -> Vec<Fault> {
    let by_id: HashMap<&str, &Record> = match id {
        MetricId::NearDuplicates | MetricId::EvalItems => {
            rows.iter().map(|r| (r.id.as_str(), r)).collect()
        }
        _ => HashMap::new(),
    };
    let whole = |id: &str, message, detail| whole(by_id.get(id), id, message, detail);
    match id {
        MetricId::UnreadableRows => {
            let split = |bad: &String| {
                let (row, why) = bad.split_once(": ").unwrap_or((bad, ""));
                whole(row, 0, why.to_owned())
            };
            report.bad_rows.iter().map(split).collect()
        }
        MetricId::NearDuplicates => {
            let all = report.duplicates.duplicates.iter();
            all.map(|d| whole(&d.id, 0, format!("repeats {}", d.repeats))).collect()
        }
        MetricId::EvalItems => {
            let hits = report.contamination.iter().flat_map(|b| b.hits.iter().map(move |h| (b, h)));
            hits.map(|(set, hit)| {
                let detail =
                    format!("{} of {} words of an item of {}", hit.matched, hit.words, set.name);
                whole(&hit.id, hit.message, detail)
            })
            .collect()
        }
        _ => Vec::new(),
    }
}

/// Prints all faults of a metric, one a line.
pub(super) fn show(
    report: &Report,
    rows: &[Record],
    id: MetricId,
    mut faults: Vec<Fault>,
    as_json: bool,
) -> clinstruct_app::Result<()> {
    faults.extend(of_all_rows(report, rows, id));
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
