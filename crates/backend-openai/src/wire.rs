//! The parts of the provider's objects that are used.
//!
//! Fields are read one by one, so that a field of an unexpected type counts as missing and does not affect the others.

use clinstruct_batch_client::JobRef;
use clinstruct_provider_http::fields::{name, number, text};
use serde_json::Value;

/// Name of the metadata entry that carries a shard's tag.
pub(crate) const TAG: &str = "clinstruct_tag";

/// An uploaded or generated file.
#[derive(Debug, PartialEq)]
pub(crate) struct File {
    pub(crate) id: String,
    /// Its length, if reported.
    pub(crate) bytes: Option<u64>,
}

impl File {
    /// `None` if there is no id.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        Some(Self { id: name(value.get("id"))?, bytes: number(value.get("bytes")) })
    }
}

/// A batch.
#[derive(Debug, PartialEq)]
pub(crate) struct Batch {
    pub(crate) id: String,
    /// In lower case.
    pub(crate) status: String,
    pub(crate) input_file: Option<String>,
    pub(crate) output_file: Option<String>,
    pub(crate) error_file: Option<String>,
    /// Rows with an answer.
    pub(crate) completed: Option<u64>,
    /// Completed rows, with or without an answer.
    pub(crate) done: Option<u64>,
    /// The tag of one of our jobs.
    pub(crate) tag: Option<String>,
    errors: Value,
}

impl Batch {
    /// The batch that was requested by id, even if the response repeats the id wrongly or not at all. `None` if there
    /// is no status.
    pub(crate) fn of(job: &JobRef, value: &Value) -> Option<Self> {
        let mut named = value.clone();
        named.as_object_mut()?.insert("id".into(), job.0.clone().into());
        Self::read(&named)
    }

    /// `None` if there is no id or no status.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let counts = value.get("request_counts");
        let count = |name: &str| number(counts.and_then(|c| c.get(name)));
        let (completed, failed) = (count("completed"), count("failed"));
        let done = completed.or(failed).map(|_| completed.unwrap_or(0) + failed.unwrap_or(0));
        Some(Self {
            id: name(value.get("id"))?,
            status: text(value.get("status"))?.to_lowercase(),
            input_file: name(value.get("input_file_id")),
            output_file: name(value.get("output_file_id")),
            error_file: name(value.get("error_file_id")),
            completed,
            done,
            tag: text(value.get("metadata").and_then(|m| m.get(TAG))),
            errors: value.get("errors").or_else(|| value.get("error")).cloned().unwrap_or_default(),
        })
    }

    /// Why the provider gave it up, code first.
    pub(crate) fn why(&self) -> String {
        let first = match &self.errors {
            Value::Object(frame) => match frame.get("data") {
                Some(Value::Array(all)) => all.first(),
                _ => Some(&self.errors),
            },
            Value::Array(all) => all.first(),
            Value::Null => None,
            other => Some(other),
        };
        let Some(first) = first else { return "the provider gave no reason".into() };
        let Value::Object(_) = first else {
            return text(Some(first)).unwrap_or_else(|| first.to_string());
        };
        let code = text(first.get("code")).unwrap_or_else(|| "no code".into());
        let message = text(first.get("message")).unwrap_or_else(|| first.to_string());
        match number(first.get("line")) {
            Some(line) => format!("{code}: {message} (line {line})"),
            None => format!("{code}: {message}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_odd_field_takes_no_other_with_it() {
        let odd = [
            Value::Null,
            json!(""),
            json!("x"),
            json!(-1),
            json!(1e300),
            json!([]),
            json!({}),
            json!(true),
        ];
        let fields = [
            "input_file_id",
            "error_file_id",
            "request_counts",
            "errors",
            "metadata",
            "usage",
            "created_at",
        ];
        for field in fields {
            for value in &odd {
                let mut batch = json!({"id": "b", "status": "Completed", "output_file_id": "f"});
                batch[field] = value.clone();
                let read = Batch::read(&batch).unwrap();
                assert_eq!(read.id, "b");
                assert_eq!(read.status, "completed");
                assert_eq!(read.output_file.as_deref(), Some("f"), "{field} {value}");
                assert!(!read.why().is_empty());
            }
        }
        for none in [json!(""), json!(" "), json!("null"), json!(0), json!(false), json!("[\"f\"]")]
        {
            let batch = json!({"id": "b", "status": "completed", "error_file_id": none});
            assert_eq!(Batch::read(&batch).unwrap().error_file, None, "{none}");
            let batch = json!({"id": none, "status": "completed"});
            assert_eq!(Batch::read(&batch), None, "{none}");
            assert_eq!(Batch::of(&JobRef("b".into()), &batch).unwrap().id, "b");
        }
        assert_eq!(Batch::read(&json!({"id": "b"})), None);
        assert_eq!(Batch::read(&json!({"error": {"message": "no"}})), None);
    }

    #[test]
    fn why_a_batch_failed_is_read_from_any_shape() {
        let why = |errors: Value| {
            Batch::read(&json!({"id": "b", "status": "failed", "errors": errors})).unwrap().why()
        };
        let entry = json!({"code": "invalid_model", "message": "no such model", "line": 3});
        assert_eq!(why(json!({"data": [entry]})), "invalid_model: no such model (line 3)");
        assert_eq!(why(json!([entry])), "invalid_model: no such model (line 3)");
        assert_eq!(why(json!("no such model")), "no such model");
        assert_eq!(why(json!({"message": "no such model"})), "no code: no such model");
        assert_eq!(why(Value::Null), "the provider gave no reason");
    }
}
