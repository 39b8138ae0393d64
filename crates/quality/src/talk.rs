//! Phrases of answers and questions, shared by several checks and by metrics.

use std::ops::Range;
use std::sync::LazyLock;

use clinstruct_schema::Language;
use regex::Regex;

pub use crate::checks::filler_opener::opener;
pub use crate::checks::formal::informal;
pub use crate::checks::meta_commentary::meta;
pub use crate::checks::offer_at_the_end::closing;
pub use crate::checks::truncated_answer::cut;
use crate::lexicon::lexicon;
use crate::phrases::plain;
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

/// The number of questions, those that are joined behind one question mark counted one by one: "How old is
/// he, and does he drink?" asks two things.
pub fn asked(text: &str, language: Language) -> usize {
    let words = lexicon(language);
    let marked = questions(text, language);
    let joined = |span: &Range<usize>| {
        let lower = plain(&text[span.clone()]);
        if words.unspaced { clauses(&lower, language) } else { joined(&lower, language) }
    };
    let mut seen = None;
    let mut count = 0;
    for span in &marked {
        count += 1;
        // Several marks in one sentence are counted by their number already.
        if seen != Some(span) {
            count += joined(span).saturating_sub(1);
        }
        seen = Some(span);
    }
    count
}

/// Clauses of a line of an unspaced script that end with a question word, at least one.
fn clauses(line: &str, language: Language) -> usize {
    let lexicon = lexicon(language);
    let asks = |clause: &&str| {
        let bare = clause.trim_end_matches('?');
        let bare = lexicon.polite.iter().fold(bare, |c, p| c.trim_end_matches(p.as_str()));
        !lexicon.reports.iter().any(|r| bare.contains(r.as_str()))
            && lexicon.questions.iter().any(|q| bare.ends_with(q.as_str()))
    };
    let marks = line.matches('?').count();
    line.split_whitespace().filter(asks).count().saturating_sub(marks.saturating_sub(1)).max(1)
}

/// Questions in one sentence, in lower case: those behind "and" that begin as a question of their own does.
fn joined(sentence: &str, language: Language) -> usize {
    let Some(rule) = JOINED.get(language.index()).and_then(Option::as_ref) else { return 1 };
    // What is reported ("do you know when .. and how ..") is one question.
    if rule.reports.is_match(sentence) {
        return 1;
    }
    // `When and how did it start?` joins two question words and no questions.
    let behind_a_clause = |at: usize| sentence[..at].split_whitespace().count() >= CLAUSE;
    1 + rule.second.find_iter(sentence).filter(|hit| behind_a_clause(hit.start())).count()
}

/// Fewest words of a first question.
const CLAUSE: usize = 3;

/// How a second question is joined.
struct Joined {
    second: Regex,
    reports: Regex,
}

static JOINED: LazyLock<Vec<Option<Joined>>> = LazyLock::new(|| {
    let of = |language: Language| {
        let lexicon = lexicon(language);
        let regex = |pattern: &str| Regex::new(pattern).ok();
        (!lexicon.second_question.is_empty()).then_some(())?;
        Some(Joined {
            second: regex(&lexicon.second_question)?,
            reports: regex(&lexicon.reported_question)?,
        })
    };
    Language::ALL.into_iter().map(of).collect()
});

/// An unspaced script has question words, and sets a question mark only sometimes.
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
