//! Samples of requests that name columns, headings or paragraphs, with blanks in place of the names.
//!
//! A model that sees names repeats them in other words, under any question: `duties, reasons, exceptions`. The names have to
//! come from the question.

use std::borrow::Cow;

use clinstruct_schema::{Constraint, Style};

use crate::case::apart;

/// What stands in place of a name.
const BLANK: &str = "…";

/// The text of a style as the writer of a message sees it.
pub(crate) fn shown(style: &Style) -> Cow<'_, str> {
    let count = style.constraints.iter().find_map(|constraint| match constraint {
        Constraint::TableColumns { n }
        | Constraint::ExactHeadings { n }
        | Constraint::ExactParagraphs { n } => Some(*n as usize),
        _ => None,
    });
    match count.and_then(|n| with_blanks(&style.text, n)) {
        Some(text) => Cow::Owned(text),
        None => Cow::Borrowed(style.text.as_str()),
    }
}

/// A text whose `count` names behind its colon are blanks.
fn with_blanks(text: &str, count: usize) -> Option<String> {
    let (head, list) = text.split_once(": ").or_else(|| text.split_once(':'))?;
    let names = list.trim_end_matches(apart);
    let end = list.get(names.len()..)?;
    (!names.is_empty()).then(|| format!("{head}: {}{end}", vec![BLANK; count].join(", ")))
}

#[cfg(test)]
mod tests {
    use clinstruct_catalog::Catalog;

    use super::*;

    #[test]
    fn names_are_left_to_the_writer() {
        for (text, count, is) in [
            (
                "Please use three headings: background, what to do, what to watch for.",
                3,
                Some("Please use three headings: …, …, …."),
            ),
            (
                "Pourriez-vous structurer la réponse avec des intertitres : question, options, conseil ?",
                3,
                Some("Pourriez-vous structurer la réponse avec des intertitres : …, …, … ?"),
            ),
            ("हेडिंग लगाकर लिखें: आकलन, योजना, जोखिम।", 3, Some("हेडिंग लगाकर लिखें: …, …, …।")),
            ("ใส่หัวข้อมาด้วย: การประเมิน, แผน, จุดที่พลาดง่าย", 3, Some("ใส่หัวข้อมาด้วย: …, …, …")),
            ("Put it into a table.", 3, None),
            (
                "Ich hätte gern zwei Absätze: die Antwort selbst und was sie noch ändern könnte.",
                2,
                Some("Ich hätte gern zwei Absätze: …, …."),
            ),
        ] {
            assert_eq!(with_blanks(text, count).as_deref(), is, "{text}");
        }
    }

    #[test]
    fn every_wording_that_names_them_has_blanks() {
        let catalog = Catalog::embedded().unwrap();
        let mut seen = 0;
        for id in ["paragraphs", "table", "headings"] {
            let option =
                catalog.styles.asked.iter().find(|option| option.id.as_str() == id).unwrap();
            let count = if id == "paragraphs" { 2 } else { 3 };
            let own = option.wordings.iter();
            let others = catalog.languages.texts.iter().flat_map(|texts| texts.wordings(id));
            for wording in own.chain(others) {
                let text = wording.text.0.as_str();
                let shown = with_blanks(text, count);
                assert!(shown.is_some_and(|shown| shown.matches(BLANK).count() == count), "{text}");
                seen += 1;
            }
        }
        assert!(seen > 150, "{seen}");
    }
}
