use clinstruct_schema::Summary;

/// What the card says beside the rows: the summary of the run, and what only its user knows.
#[derive(Debug, Clone)]
pub struct About {
    /// Name, for people.
    pub title: String,
    /// Address at which it is published; blank where it is not.
    pub url: String,
    /// Licence by its name at the hub, such as `cc-by-4.0`.
    pub license: String,
    /// Version of the program.
    pub program: String,
    /// Day of publication, as `2026-11-23`.
    pub date: String,
    /// Models by role, such as `assistant: gpt-4o (openai)`.
    pub models: Vec<String>,
    /// Whether messages have the reasoning of the model.
    pub reasoning: bool,
    /// What became of the run.
    pub summary: Summary,
}
