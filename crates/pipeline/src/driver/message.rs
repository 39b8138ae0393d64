//! Messages from the tasks that poll jobs to the driver.

use std::time::Duration;

use clinstruct_batch_client::JobRef;
use clinstruct_parser::DecodedRow;
use clinstruct_store::{EncodedFrame, JobId};

use super::job_end::JobEnd;
use crate::Error;

/// A message to the driver.
pub(super) enum Message {
    /// Rows of a job.
    Rows(JobId, EncodedFrame, Vec<DecodedRow>),
    /// A job ended, and its rows were sent.
    Ended(JobId, JobEnd, JobRef),
    /// A job cannot be polled or read.
    Failed(JobId, Error),
    /// A temporary error; the call is retried after a pause.
    Retrying(String, Duration),
}
