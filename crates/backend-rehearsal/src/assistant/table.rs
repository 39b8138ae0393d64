//! A table as an answer.

use super::Voice;
use crate::grammar::capital;

/// Three to five rows.
pub(super) fn table(voice: &mut Voice<'_>, columns: usize) -> String {
    let mut heads: Vec<String> = voice.grammar.list("column").to_vec();
    voice.draw.shuffle(&mut heads);
    let row = |cells: &[String]| format!("| {} |", cells.join(" | "));
    let heads: Vec<String> = heads.into_iter().take(columns).map(capital).collect();
    let mut lines = vec![row(&heads), format!("|{}", " --- |".repeat(columns))];
    for _ in 0..3 + voice.draw.below(3) {
        let kinds = ["finding", "test", "measure", "sign", "cause"];
        let from = voice.draw.below(kinds.len());
        let cells: Vec<String> = (0..columns)
            .map(|c| capital(voice.grammar.item(kinds[(from + c) % kinds.len()], voice.draw)))
            .collect();
        lines.push(row(&cells));
    }
    lines.join("\n")
}
