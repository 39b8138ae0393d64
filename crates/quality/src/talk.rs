//! Phrases of answers and questions, shared by several checks and by metrics.

use std::ops::Range;
use std::sync::LazyLock;

use clinstruct_schema::Language;
use regex::Regex;

pub use crate::checks::filler_opener::opener;
pub use crate::checks::formal::informal;
pub use crate::checks::meta_commentary::{meta, meta_of_user};
pub use crate::checks::offer_at_the_end::closing;
pub use crate::checks::truncated_answer::{cut, cut_in};
use crate::language::identify;
use crate::lexicon::{Lexicon, lexicon};
use crate::lines::{lines, without_quotes};
use crate::phrases::plain;
use crate::segment::{last_sentence, sentences, sentences_of_lines};
use crate::structure::marker_length;

/// Words between what is praised and the praise: `an excellent and very important question`.
const APART: usize = 3;
/// Words behind both in a sentence of praise: `an amazing job under all this pressure`.
const REST: usize = 4;
/// Words of a verb at the end of a sentence.
const VERB: usize = 2;
/// Characters, where no spaces part the words.
const UNSPACED_APART: usize = 12;

/// Where a sentence, in lower case, praises what the reader does.
///
/// The adjective and the noun stand close together and end their clause, or it addresses the reader: "great
/// work of breathing", "good reflexes of the pupils" and "a good question to ask the mother" go on.
pub(crate) fn praise(lower: &str, language: Language) -> Option<Range<usize>> {
    let words = lexicon(language);
    let nouns: Vec<_> = words.praised.all(lower).collect();
    if nouns.is_empty() {
        return None;
    }
    words.praising.all(lower).find_map(|adjective| {
        nouns.iter().find_map(|noun| {
            let (first, second) =
                if noun.start < adjective.start { (noun, &adjective) } else { (&adjective, noun) };
            let between = lower.get(first.end..second.start)?;
            if between.contains([',', '.', ':', ';']) {
                return None;
            }
            let close = if words.unspaced {
                between.chars().count() <= UNSPACED_APART
            } else {
                between.split_whitespace().count() <= APART
            };
            let rest = lower.get(second.end..)?;
            let clause = rest.split(['.', '!', ',', ';', ':', '।', '\n']).next().unwrap_or(rest);
            let left = clause.split_whitespace().count();
            let addressed = || words.address.is_in(&lower[..first.start]);
            // Hindi has its verb behind the noun.
            let verb = if words.caseless { VERB } else { 0 };
            let ends = words.unspaced || left <= verb || (left <= REST && addressed());
            (close && ends).then_some(first.start..second.end)
        })
    })
}

/// The sentences that are questions.
pub fn questions(text: &str, language: Language) -> Vec<Range<usize>> {
    let is_marked =
        |text: &str| text.contains('?') || !text.is_ascii() && text.contains(['？', '؟']);
    if lexicon(language).unspaced {
        return unmarked_questions(text, language);
    }
    if !is_marked(text) {
        return Vec::new();
    }
    let mut found = Vec::new();
    // No sentence crosses lines, and most lines ask nothing.
    for sentence in sentences_of_lines(text, language, is_marked) {
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

/// Quotation marks around what somebody is to be asked.
const QUOTES: [char; 6] = ['"', '“', '”', '„', '«', '»'];

/// The first question that is put to the reader.
///
/// A heading asks for the reader, a quoted question is for somebody else, as are those of a list, and one
/// that the next sentence answers ("Does it drink? If so, ..") is a condition. A question at the end is put to
/// the reader whatever its form.
pub(crate) fn put_to_the_reader(text: &str, language: Language) -> Option<Range<usize>> {
    let last = last_sentence(text, language)?;
    questions(text, language).into_iter().find(|span| {
        !is_quoted(text, span, language) && (*span == last || is_put(text, span, language))
    })
}

/// The questions that are put to the reader in the language of the text, with their number as [`asked`] counts them.
///
/// What is quoted, or stands in a paragraph of another language as the answer to a request for a translation does, is for
/// somebody else.
pub(crate) fn own_questions(text: &str, language: Language) -> (usize, usize) {
    let all = questions(text, language);
    if all.is_empty() {
        return (0, 0);
    }
    let quoted = quoted(text);
    let foreign = foreign_paragraphs(text, language);
    // A sentence with several marks is there as often: the number of the mark that is looked at.
    let mut last: Option<(Range<usize>, usize)> = None;
    let mut own = |span: &Range<usize>| {
        let at = match &last {
            Some((before, at)) if before == span => at + 1,
            _ => 0,
        };
        last = Some((span.clone(), at));
        if foreign.iter().any(|p| p.start <= span.start && span.end <= p.end) {
            return false;
        }
        let words = &text[span.clone()];
        if lexicon(language).unspaced {
            return !is_quoted(text, span, language);
        }
        let mark = words.match_indices(['?', '？', '؟']).nth(at).map_or(words.len(), |(i, _)| i);
        let mark = span.start + mark;
        !quoted.iter().any(|q| q.contains(&mark)) && !is_cited(text, span)
    };
    let marked: Vec<Range<usize>> = all.into_iter().filter(|span| own(span)).collect();
    (marked.len(), count(text, &marked, language))
}

/// Whether a sentence stands in a line that is set off as a quotation.
fn is_cited(text: &str, span: &Range<usize>) -> bool {
    text[line_start(text, span)..].trim_start().starts_with('>')
}

/// What stands between quotation marks. A mark without its partner ends with its paragraph.
fn quoted(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    // Where a quotation begins, and the marks that end it.
    let mut open: Option<(usize, &[char])> = None;
    let mut last = ' ';
    for (at, c) in text.char_indices() {
        if let Some((start, ends)) = open {
            if ends.contains(&c) {
                found.push(start..at);
                open = None;
            } else if c == '\n' && last == '\n' {
                open = None;
            }
        } else {
            open = match c {
                '"' => Some((at, &['"'])),
                '“' => Some((at, &['”', '"'])),
                '„' => Some((at, &['“', '”', '"'])),
                '«' => Some((at, &['»'])),
                '»' => Some((at, &['«'])),
                _ => None,
            };
        }
        last = c;
    }
    found
}

/// The paragraphs in another language, where others are in the text's own.
fn foreign_paragraphs(text: &str, language: Language) -> Vec<Range<usize>> {
    let all: Vec<(Range<usize>, Option<Language>)> = lines(text)
        .map(|line| {
            let found = text.get(line.clone()).and_then(identify);
            (line, found)
        })
        .collect();
    if !all.iter().any(|(_, found)| *found == Some(language)) {
        return Vec::new();
    }
    let other = |found: Option<Language>| found.is_some_and(|found| found != language);
    all.into_iter().filter(|(_, found)| other(*found)).map(|(line, _)| line).collect()
}

/// The start of the line of a sentence.
fn line_start(text: &str, span: &Range<usize>) -> usize {
    text[..span.start].rfind('\n').map_or(0, |at| at + 1)
}

fn is_quoted(text: &str, span: &Range<usize>, language: Language) -> bool {
    if lexicon(language).unspaced {
        // The whole line is one sentence there.
        let said = without_quotes(&text[span.clone()], usize::MAX);
        return unmarked_questions(&said, language).is_empty();
    }
    let before = &text[line_start(text, span)..span.start];
    let open = before.matches(['„', '«', '“']).count() > before.matches(['»', '”']).count();
    text[span.clone()].contains(QUOTES) || before.matches('"').count() % 2 == 1 || open
}

/// Whether a question within a text is put to the reader.
fn is_put(text: &str, span: &Range<usize>, language: Language) -> bool {
    let to = text[span.end..].find('\n').map_or(text.len(), |at| span.end + at);
    let line = text[line_start(text, span)..to].trim();
    let set_off = marker_length(line) > 0
        || line.starts_with(['#', '|', '>'])
        || (line.starts_with("**") && line.ends_with("**"));
    // Without a blank line between, a line that is only a question is the heading of the next one.
    let behind = text.get(to + 1..).unwrap_or_default();
    let alone = line.len() == span.len();
    let heads = alone && !behind.trim().is_empty() && !behind.starts_with('\n');
    if set_off || heads {
        return false;
    }
    let next = text[span.end..to].trim_start_matches(|c: char| !c.is_alphanumeric());
    let end = next.char_indices().nth(CONDITION).map_or(next.len(), |(at, _)| at);
    !lexicon(language).conditions.is_in(&plain(&next[..end]))
}

/// Characters behind a question in which a condition begins.
const CONDITION: usize = 40;

/// The number of questions, those that are joined behind one question mark counted one by one: "How old is
/// he, and does he drink?" asks two things.
pub fn asked(text: &str, language: Language) -> usize {
    count(text, &questions(text, language), language)
}

/// The sentence with the second question of a text that asks more than one, as [`asked`] counts them.
pub fn second_question(text: &str, language: Language) -> Option<Range<usize>> {
    let marked = questions(text, language);
    let several = count(text, &marked, language) > 1;
    marked.get(1).or(marked.first()).filter(|_| several).cloned()
}

/// The number of questions in these sentences, of which one with several marks is there as often.
fn count(text: &str, marked: &[Range<usize>], language: Language) -> usize {
    let words = lexicon(language);
    let joined = |span: &Range<usize>| {
        let lower = plain(&text[span.clone()]);
        if words.unspaced { clauses(&lower, language) } else { joined(&lower, language) }
    };
    let mut seen = None;
    let mut count = 0;
    for span in marked {
        count += 1;
        // Several marks in one sentence are counted by their number already.
        if seen != Some(span) {
            count += joined(span).saturating_sub(1);
        }
        seen = Some(span);
    }
    count
}

/// Characters behind "how many" in which what is counted is named.
const COUNTED: usize = 12;

/// Whether a clause of an unspaced script asks: with a question word at its end, before particles and words
/// of time, or with one anywhere and the particle of a question.
fn clause_asks(clause: &str, lexicon: &Lexicon) -> bool {
    let bare = clause.trim_end_matches(['?', ')', '"', '”', '.', '*']);
    let particle = lexicon.asking.iter().any(|a| bare.ends_with(a.as_str()));
    let particle = particle && !lexicon.softened.iter().any(|s| bare.ends_with(s.as_str()));
    let bare = lexicon.polite.iter().fold(bare, |c, p| c.trim_end_matches(p.as_str()));
    if lexicon.reports.iter().any(|r| bare.contains(r.as_str())) {
        return false;
    }
    let bare = lexicon.trailing.iter().fold(bare, |c, t| c.trim_end_matches(t.as_str()));
    lexicon.questions.iter().any(|q| {
        let Some(at) = bare.rfind(q.as_str()) else { return false };
        let behind = bare[at + q.len()..].chars().count();
        behind == 0 || particle || (lexicon.counting.contains(q) && behind <= COUNTED)
    })
}

/// Clauses of a line of an unspaced script that end with a question word, at least one.
fn clauses(line: &str, language: Language) -> usize {
    let lexicon = lexicon(language);
    let marks = line.matches('?').count();
    let asking = line.split_whitespace().filter(|clause| clause_asks(clause, lexicon)).count();
    asking.saturating_sub(marks.saturating_sub(1)).max(1)
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

/// Whether a line is an item of a list of what to look for rather than of what is asked: no polite particle ends it, and
/// the line before the list does not ask.
fn is_listed(text: &str, line: &Range<usize>, lexicon: &Lexicon) -> bool {
    let start = line_start(text, line);
    let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let item = text[start..end].trim();
    if marker_length(item) == 0 {
        return false;
    }
    // `ค่ะ` ends statements.
    let polite = lexicon.polite.iter().any(|p| p != "ค่ะ" && item.ends_with(p.as_str()));
    let mut before = text[..start].lines().rev().map(str::trim);
    let lead = before.find(|l| !l.is_empty() && marker_length(l) == 0).unwrap_or_default();
    !polite && !lexicon.asks_for.iter().any(|word| lead.contains(word.as_str()))
}

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
        if is_listed(text, &line, lexicon) {
            continue;
        }
        // A question word at the end of a clause asks; within one it is indirect.
        let asks = words.split_whitespace().any(|clause| clause_asks(clause, lexicon));
        if asks {
            found.push(line);
        }
    }
    found
}
