use clinstruct_schema::Summary;

/// What the card says beside the rows: the summary of the run, and what only its user knows.
#[derive(Debug, Clone)]
pub struct About {
    /// Display name.
    pub title: String,
    /// URL at which it is published; blank if it is not.
    pub url: String,
    /// Licence by its hub id, such as `cc-by-4.0`.
    pub license: String,
    /// Version of the program.
    pub program: String,
    /// Day of publication, as `2026-11-23`.
    pub date: String,
    /// Models by role, such as `assistant: gpt-4o (openai)`.
    pub models: Vec<String>,
    /// Whether messages include the model's reasoning.
    pub reasoning: bool,
    /// What became of the run.
    pub summary: Summary,
}
