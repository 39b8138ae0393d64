//! The parts of the provider's objects that are used.
//!
//! Fields are read one by one, so that a field of an unexpected type counts as missing and does not affect the others.
//!
//! Source: <https://docs.anthropic.com/en/api/retrieving-message-batches>.

use clinstruct_provider_http::fields::{name, number, text};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A field documented as a string; any other type counts as missing.
fn string(value: Option<&Value>) -> Option<String> {
    text(value.filter(|v| v.is_string()))
}

/// A message batch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Batch {
    pub(crate) id: String,
    pub(crate) status: String,
    /// Whether cancellation was requested.
    pub(crate) cancelled: bool,
    /// Whether its results can be fetched.
    pub(crate) has_results: bool,
    /// Rows that expired.
    pub(crate) expired: u64,
    /// Completed rows, if reported.
    pub(crate) done: Option<u64>,
    /// Creation time in seconds since 1970, by the provider's clock, which may be wrong.
    pub(crate) created: Option<i64>,
}

impl Batch {
    /// The batch that was requested by id, even if the response repeats the id wrongly or not at all. `None` if there
    /// is no status.
    pub(crate) fn of(id: &str, value: &Value) -> Option<Self> {
        let mut named = value.clone();
        named.as_object_mut()?.insert("id".into(), id.into());
        Self::read(&named)
    }

    /// `None` if there is no id or no status.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let counts = value.get("request_counts");
        let count = |name: &str| number(counts.and_then(|c| c.get(name)));
        let over = ["succeeded", "errored", "canceled", "expired"].map(count);
        let done = over.iter().flatten().copied().reduce(u64::saturating_add);
        let processing = count("processing");
        Some(Self {
            id: name(value.get("id"))?,
            status: string(value.get("processing_status"))?.to_lowercase(),
            cancelled: string(value.get("cancel_initiated_at")).is_some(),
            has_results: string(value.get("results_url")).is_some(),
            expired: count("expired").unwrap_or(0),
            done: done.filter(|d| *d > 0 || processing.unwrap_or(0) > 0),
            created: string(value.get("created_at"))
                .and_then(|t| OffsetDateTime::parse(&t, &Rfc3339).ok())
                .map(OffsetDateTime::unix_timestamp),
        })
    }

    /// Whether all its rows are complete.
    pub(crate) fn ended(&self) -> bool {
        self.status == "ended"
    }

    /// Whether it may be the job that is searched for, judged before its rows are visible; `after` is the creation time
    /// of a job sent earlier. Counts are ignored: they may be wrong, and the job would then be paid for twice.
    pub(crate) fn may_be(&self, after: Option<i64>) -> bool {
        self.created.zip(after).is_none_or(|(made, after)| made >= after)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_odd_field_takes_no_other_with_it() {
        let odd = [Value::Null, json!(""), json!(-1), json!([]), json!({}), json!(true)];
        let fields = ["request_counts", "cancel_initiated_at", "results_url", "created_at"];
        for field in fields {
            for value in &odd {
                let mut batch = json!({"id": "b", "processing_status": "ended"});
                batch[field] = value.clone();
                let read = Batch::read(&batch).unwrap();
                assert!(read.ended() && !read.cancelled && !read.has_results, "{field} {value}");
            }
        }
        assert_eq!(Batch::read(&json!({"id": "b"})), None);
        for odd in [json!([]), json!(""), json!("[\"b\"]"), json!(null)] {
            let batch = json!({"id": odd, "processing_status": "ended"});
            assert_eq!(Batch::read(&batch), None, "{odd}");
            assert_eq!(Batch::of("b", &batch).unwrap().id, "b");
        }
    }

    #[test]
    fn batches_of_others_are_told_apart_while_they_run() {
        // 2026-11-25T12:00:00Z
        let after = Some(1_795_608_000);
        let running = |created: &str| {
            let batch = json!({
                "id": "b", "processing_status": "in_progress", "created_at": created,
                "request_counts": {"processing": 3, "succeeded": 0},
            });
            Batch::read(&batch).unwrap().may_be(after)
        };
        assert!(running("2026-11-25T12:00:05Z"));
        assert!(running("2026-11-25T13:00:05+01:00"));
        assert!(!running("2026-11-25T11:00:05Z"));
        let bare = Batch::read(&json!({"id": "b", "processing_status": "x"})).unwrap();
        assert!(bare.may_be(after) && bare.may_be(None));
    }
}
