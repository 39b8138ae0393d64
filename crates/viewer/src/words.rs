//! Turns user input into a query of SQLite's full text search.

/// User input as an FTS5 query: every word and every phrase is quoted, so that nothing in it is an operator. The last
/// word is a prefix, unless it is in a phrase.
pub(crate) fn fts(text: &str) -> String {
    let mut parts = Vec::new();
    for (i, piece) in text.split('"').enumerate() {
        let within = i % 2 == 1;
        if within {
            parts.extend(Some(piece.trim().to_owned()).filter(|p| !p.is_empty()));
        } else {
            parts.extend(piece.split_whitespace().map(str::to_owned));
        }
    }
    // Without a letter or digit it is not a word, and would match nothing.
    parts.retain(|p| p.chars().any(char::is_alphanumeric));
    let open = text.matches('"').count().is_multiple_of(2) && !text.ends_with(['"', ' ']);
    let last = parts.len().saturating_sub(1);
    let quoted = parts.iter().enumerate().map(|(i, p)| {
        // A single letter is a prefix of too many words to be useful.
        let end = if open && i == last && p.chars().count() > 1 { "*" } else { "" };
        format!("\"{}\"{end}", p.replace('"', "\"\""))
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_never_an_operator() {
        assert_eq!(fts("chest pain"), "\"chest\" \"pain\"*");
        assert_eq!(fts("chest pain "), "\"chest\" \"pain\"");
        assert_eq!(fts("\"chest pain\" NOT"), "\"chest pain\" \"NOT\"*");
        assert_eq!(fts("\"open phrase"), "\"open phrase\"");
        assert_eq!(fts("a* (b) - OR col:x"), "\"a*\" \"(b)\" \"OR\" \"col:x\"*");
        assert_eq!(fts(" \"\" * "), "");
    }
}
