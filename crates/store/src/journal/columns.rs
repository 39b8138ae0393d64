//! Column encodings: kinds, states and stages by name, accepted responses as packed bytes.

use clinstruct_schema::{RequestId, Stage};
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use crate::types::{JobProgress, Rejection, Step, TaskKey, TaskRecord, TaskState};

/// Stores a type by its `as_str` name, and parses it from the list of all values.
macro_rules! stored_by_name {
    ($($type:ty),+) => {$(
        impl ToSql for $type {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::from(self.as_str()))
            }
        }

        impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                by_name(value, &Self::ALL, |v| v.as_str())
            }
        }
    )+};
}

stored_by_name!(TaskState, JobProgress, RequestState);

fn by_name<T: Copy>(
    value: ValueRef<'_>,
    all: &[T],
    name_of: impl Fn(&T) -> &'static str,
) -> FromSqlResult<T> {
    let name = value.as_str()?;
    all.iter()
        .find(|v| name_of(v) == name)
        .copied()
        .ok_or_else(|| FromSqlError::Other(format!("unknown name \"{name}\"").into()))
}

/// State of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestState {
    /// A job has it.
    Sent,
    /// Its response is stored.
    Answered,
    /// Its job gave no usable response.
    Released,
}

impl RequestState {
    const ALL: [Self; 3] = [Self::Sent, Self::Answered, Self::Released];

    fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Answered => "answered",
            Self::Released => "released",
        }
    }
}

/// A stage, defined in `schema`.
struct StageName(Stage);

impl FromSql for StageName {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        by_name(value, &Stage::ALL, |s| s.as_str()).map(Self)
    }
}

/// Bytes of a packed [`Step`]: the request's id, attempts, cleanup rules.
pub(super) const STEP_BYTES: usize = 21;

pub(super) fn pack(steps: &[Step]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(steps.len() * STEP_BYTES);
    for step in steps {
        bytes.extend_from_slice(&step.request.0);
        bytes.push(step.attempts);
        bytes.extend_from_slice(&step.cleanup.to_le_bytes());
    }
    bytes
}

fn unpack(bytes: &[u8]) -> Vec<Step> {
    bytes
        .chunks_exact(STEP_BYTES)
        .filter_map(|chunk| {
            let (request, rest) = chunk.split_at(16);
            let (attempts, cleanup) = rest.split_first()?;
            Some(Step {
                request: RequestId(request.try_into().ok()?),
                attempts: *attempts,
                cleanup: u32::from_le_bytes(cleanup.try_into().ok()?),
            })
        })
        .collect()
}

pub(super) fn request_of(row: &Row<'_>, column: usize) -> rusqlite::Result<RequestId> {
    row.get::<_, [u8; 16]>(column).map(RequestId)
}

/// A `SELECT` of tasks, in the order that [`task_of`] reads.
macro_rules! select_tasks {
    ($rest:literal) => {
        concat!(
            "SELECT key, state, waiting, attempts, delivery_attempts, unusable, steps, stage, failed,
             reason, detail FROM task ",
            $rest
        )
    };
}
pub(super) use select_tasks;

pub(super) fn task_of(row: &Row<'_>) -> rusqlite::Result<TaskRecord> {
    let rejection = match row.get::<_, Option<String>>(9)? {
        None => None,
        Some(reason) => Some(Rejection {
            stage: row.get::<_, StageName>(7)?.0,
            failed: row.get::<_, Option<bool>>(8)?.unwrap_or_default(),
            reason,
            detail: row.get::<_, Option<String>>(10)?.unwrap_or_default(),
        }),
    };
    Ok(TaskRecord {
        key: TaskKey(row.get(0)?),
        state: row.get(1)?,
        waiting: row.get::<_, Option<[u8; 16]>>(2)?.map(RequestId),
        attempts: row.get(3)?,
        delivery_attempts: row.get(4)?,
        unusable: row.get(5)?,
        steps: unpack(&row.get::<_, Vec<u8>>(6)?),
        rejection,
    })
}
