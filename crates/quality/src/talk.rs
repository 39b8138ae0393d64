//! Phrases of answers and questions, shared by several checks and by metrics.

use std::ops::Range;

use clinstruct_schema::Language;

pub use crate::checks::filler_opener::opener;
pub use crate::checks::formal::informal;
pub use crate::checks::meta_commentary::meta;
pub use crate::checks::offer_at_the_end::closing;
pub use crate::checks::truncated_answer::cut;
use crate::lexicon::lexicon;
use crate::segment::sentences;

/// The sentences that are questions.
pub fn questions(text: &str, language: Language) -> Vec<Range<usize>> {
    let marked = text.contains(['?', '？', '؟']);
    if lexicon(language).unspaced {
        return unmarked_questions(text, language);
    }
    if !marked {
        return Vec::new();
    }
    let mut found = Vec::new();
    for sentence in sentences(text, language) {
        let Some(words) = text.get(sentence.clone()) else { continue };
        // Two questions in one line without a break are two.
        let many = words.matches(['?', '？', '؟']).count();
        let doubled = words.matches("??").count();
        for _ in 0..many.saturating_sub(doubled) {
            found.push(sentence.clone());
        }
    }
    found
}

/// An unspaced script has question words, and rarely a question mark.
fn unmarked_questions(text: &str, language: Language) -> Vec<Range<usize>> {
    let lexicon = lexicon(language);
    let mut found = Vec::new();
    for line in sentences(text, language) {
        let Some(words) = text.get(line.clone()) else { continue };
        let marks = words.matches('?').count();
        if marks > 0 {
            found.extend(std::iter::repeat_n(line, marks));
            continue;
        }
        // A question word at the end of a clause asks; within one it is indirect.
        let asks = words.split_whitespace().any(|clause| {
            let bare = lexicon.polite.iter().fold(clause, |c, p| c.trim_end_matches(p.as_str()));
            let reported = lexicon.reports.iter().any(|r| bare.contains(r.as_str()));
            !reported && lexicon.questions.iter().any(|q| bare.ends_with(q.as_str()))
        });
        if asks {
            found.push(line);
        }
    }
    found
}

/// Combining signs, mostly of Devanagari.
pub(crate) fn is_mark(c: char) -> bool {
    ('\u{900}'..='\u{903}').contains(&c) || ('\u{93a}'..='\u{94f}').contains(&c)
}
