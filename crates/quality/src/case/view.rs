//! A text with the words and numbers found in it, and what stands around them.

use std::ops::Range;

use super::homograph::is_another_word;
use super::numbers::{Number, numbers};
use super::words::{Class, Hit, has_no_capitals, hits, sentence};

/// Words with which something else is said of the same person: `weighs 22 kg and was admitted two days ago`.
const ANOTHER: [&str; 10] = [
    " and was ",
    " and were ",
    " and is ",
    " and has ",
    " and had ",
    " and came ",
    " and started ",
    " and began ",
    " and got ",
    " and takes ",
];

/// Whether a space ends a clause of a Thai text, which has no commas: one before Thai words, unless a number is before it.
fn is_thai_gap(text: &str, space: usize) -> bool {
    let thai = |c: char| ('\u{e00}'..='\u{e7f}').contains(&c);
    let before = text.get(..space).and_then(|before| before.chars().next_back());
    let after = text.get(space + 1..).and_then(|after| after.chars().next());
    after.is_some_and(thai) && before.is_some_and(|c| !c.is_numeric() && c != ' ')
}

/// Words before a time by which something has lasted since then; the Italian one is another word in Portuguese.
const SINCE: [&str; 6] = ["since", "seit", "depuis", "desde", "ตั้งแต่", "da"];
/// Words behind it, where they stand there.
const SINCE_BEHIND: [&str; 2] = ["से", "onwards"];

/// Whether something has lasted since a time, rather than being of that time.
fn is_since(lower: &str, time: &Hit) -> bool {
    let before = lower.get(..time.start).unwrap_or_default().trim_end();
    let after = lower.get(time.end..).unwrap_or_default().trim_start();
    let word = |c: char| c.is_whitespace() || c.is_ascii_punctuation();
    let said = lower.get(time.start..time.end).unwrap_or_default();
    let is_meant = |since: &str| since != "da" || said.starts_with("ieri");
    SINCE.iter().filter(|since| is_meant(since)).any(|since| {
        before
            .strip_suffix(since)
            .is_some_and(|rest| !since.is_ascii() || rest.is_empty() || rest.ends_with(word))
    }) || SINCE_BEHIND.iter().any(|since| {
        after.strip_prefix(since).is_some_and(|rest| rest.is_empty() || rest.starts_with(word))
    })
}

/// A text with all that was found in it.
pub(super) struct View<'a> {
    pub(super) text: &'a str,
    /// In lower case, with every byte at its place.
    pub(super) lower: String,
    pub(super) hits: Vec<Hit>,
    pub(super) numbers: Vec<Number>,
    /// Whether the writer uses no capitals.
    small: bool,
}

impl<'a> View<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let lower = crate::dose::lower_case(text);
        let mut hits = hits(text, &lower);
        // What has been so since yesterday is so now.
        hits.retain(|hit| hit.class != Class::Past || !is_since(&lower, hit));
        hits.retain(|hit| !is_another_word(text, &lower, hit));
        let mut numbers = numbers(text, &lower);
        // The 2 of SpO2 is no number.
        numbers.retain(|n| {
            let named = |h: &&Hit| h.start < n.span.start && n.span.end <= h.end;
            !hits.iter().filter(named).any(|h| matches!(h.class, Class::Label(_) | Class::Pregnant))
        });
        Self { text, lower, hits, numbers, small: has_no_capitals(text) }
    }

    pub(super) fn between(&self, from: usize, to: usize) -> &str {
        self.lower.get(from..to).unwrap_or_default()
    }

    /// Hits that lie in a part of the text.
    pub(super) fn within(&self, part: Range<usize>) -> impl DoubleEndedIterator<Item = &Hit> {
        let from = self.hits.partition_point(|hit| hit.start < part.start);
        let to = self.hits.partition_point(|hit| hit.start < part.end);
        let all = self.hits.get(from..to).unwrap_or_default();
        all.iter().filter(move |hit| hit.end <= part.end)
    }

    /// Whether a part of the text has a word of a class.
    pub(super) fn has(&self, part: Range<usize>, class: Class) -> bool {
        self.within(part).any(|hit| hit.class == class)
    }

    pub(super) fn sentence(&self, at: usize) -> Range<usize> {
        sentence(self.text, self.small, at)
    }

    /// Whether a sentence ends as a question.
    pub(super) fn is_question(&self, sentence: &Range<usize>) -> bool {
        self.between(sentence.start, sentence.end).trim_end().ends_with('?')
    }

    /// Where the clause before a place begins: behind the last comma of its sentence.
    pub(super) fn clause_start(&self, sentence: &Range<usize>, at: usize) -> usize {
        let before = self.between(sentence.start, at);
        let mark = |(i, c): &(usize, char)| {
            let decimal = || {
                let digit = |c: Option<char>| c.is_some_and(char::is_numeric);
                digit(before.get(..*i).and_then(|b| b.chars().next_back()))
                    && digit(before.get(i + 1..).and_then(|b| b.chars().next()))
            };
            matches!(c, ',' | '—' | '–') && !decimal()
        };
        let comma = before.char_indices().rev().find(mark).map(|(i, c)| i + c.len_utf8());
        let but = [" but ", " aber ", " mais ", " pero ", " ma ", " mas "]
            .iter()
            .filter_map(|word| before.rfind(word).map(|i| i + word.len()))
            .max();
        let gap = before.rmatch_indices(' ').map(|(i, _)| i).find(|i| is_thai_gap(before, *i));
        sentence.start + comma.max(but).max(gap).unwrap_or_default()
    }

    /// The end of the clause behind a place.
    pub(super) fn clause_end(&self, sentence: &Range<usize>, at: usize) -> usize {
        let after = self.between(at, sentence.end);
        let mark = after.find([',', '(', ')']).unwrap_or(after.len());
        // Where a writer uses no capitals, a full stop ends it all the same.
        let mark = after.find(". ").map_or(mark, |stop| stop.min(mark));
        let gap = after.match_indices(' ').map(|(i, _)| i).find(|i| is_thai_gap(after, *i));
        at + mark.min(gap.unwrap_or(mark))
    }

    /// Where what is said of a value that ends at a place ends itself, within its clause.
    pub(super) fn predicate_end(&self, from: usize, clause: usize) -> usize {
        let rest = self.between(from, clause);
        from + ANOTHER.iter().filter_map(|word| rest.find(word)).min().unwrap_or(rest.len())
    }

    /// The part of a sentence before a place in which the one is named of whom something is said there. Thai has no full stops:
    /// a whole message is one sentence, of which that is the clause itself and the one before.
    fn near(&self, sentence: &Range<usize>, at: usize) -> Range<usize> {
        let before = self.between(sentence.start, at);
        let mut gaps =
            before.rmatch_indices(' ').map(|(i, _)| i).filter(|i| is_thai_gap(before, *i));
        sentence.start + gaps.nth(1).unwrap_or_default()..sentence.end
    }

    /// Whether somebody besides the patient is the one of whom a number at `at` is said.
    pub(super) fn is_of_other(&self, sentence: &Range<usize>, at: usize) -> bool {
        let sentence = &self.near(sentence, at);
        let people = |hit: &&Hit| matches!(hit.class, Class::Person | Class::Subject);
        let own = |hit: &&Hit| people(hit) && !self.is_possessive(hit);
        let Some(last) = self.within(sentence.start..at).rev().find(own) else { return false };
        // `the porter, a man of 60`.
        let before = self.within(sentence.start..last.start).rev().find(own);
        if let Some(other) = before.filter(|hit| hit.class == Class::Person)
            && last.class == Class::Subject
            && [", a ", ", an ", ", the "].contains(&self.between(other.end, last.start))
        {
            return true;
        }
        // `her mother` is one person, and `another man` is somebody else.
        let last = self
            .within(sentence.start..at)
            .filter(|hit| hit.class == Class::Person)
            .find(|hit| hit.start <= last.start && last.end <= hit.end)
            .unwrap_or(last);
        if last.class != Class::Person {
            return false;
        }
        let gap = last.end..at;
        if self.has(gap.clone(), Class::Report) {
            return false;
        }
        // `the parents of a 3-year-old boy`.
        let whose = self.between(gap.start, gap.end);
        if [" of a ", " of an ", " of my ", " of our ", " of this ", " of the patient"]
            .iter()
            .any(|of| whose.starts_with(of))
        {
            return false;
        }
        let before = sentence.start..last.start;
        // `a smoker whose brother had a heart attack, BP 156/92`.
        if self.between(before.start, before.end).split_whitespace().nth(1).is_some()
            && self.begins_again(sentence, last.end, at)
        {
            return false;
        }
        let brought = |hit: &Hit| {
            hit.class == Class::Report
                && self.lower.get(hit.start..hit.end).is_some_and(|word| word.starts_with("br"))
        };
        if self.within(before.clone()).any(brought) {
            return false;
        }
        // `came with her mother, weight 50 kg`.
        let parted = self.between(gap.start, gap.end).contains([',', ':', ';']);
        let mut words = self.between(before.start, before.end).split_whitespace().rev().take(2);
        let beside =
            words.any(|w| ["with", "by", "from", "to", "mit", "von", "avec", "con"].contains(&w));
        !(parted && beside)
    }

    /// Whether the clause of a number begins with its label, and one that says something of somebody named before it ends
    /// there.
    fn begins_again(&self, sentence: &Range<usize>, named: usize, at: usize) -> bool {
        let clause = self.clause_start(sentence, at);
        let first = self.between(clause, at);
        let label = clause + first.len() - first.trim_start().len();
        clause > named
            && self
                .within(label..at)
                .any(|hit| matches!(hit.class, Class::Label(_)) && hit.start == label)
            && self.between(named, clause).split_whitespace().nth(1).is_some()
    }

    /// Whether a word says whose something is: `son` is the French word for `her`, as before a label.
    fn is_possessive(&self, hit: &Hit) -> bool {
        // `แม่ของเธอ` is her mother.
        if hit.class == Class::Subject && self.between(0, hit.start).ends_with("ของ") {
            return true;
        }
        self.lower.get(hit.start..hit.end) == Some("son")
            && self
                .hits
                .iter()
                .any(|h| matches!(h.class, Class::Label(_)) && h.start == hit.end + 1)
    }

    /// The last of these classes before a place in its sentence.
    pub(super) fn last_of(
        &self,
        sentence: &Range<usize>,
        at: usize,
        wanted: impl Fn(Class) -> bool,
    ) -> Option<&Hit> {
        // `repeat` in `to repeat` is another word.
        let inside = |hit: &Hit| {
            self.hits.iter().any(|long| {
                wanted(long.class)
                    && long.start <= hit.start
                    && hit.end <= long.end
                    && long.end - long.start > hit.end - hit.start
            })
        };
        self.within(sentence.start..at).rev().find(|hit| wanted(hit.class) && !inside(hit))
    }

    /// Whether what is said at a place is said of the time when the patient was first seen, and not of a later one.
    pub(super) fn is_initial(&self, at: Range<usize>) -> bool {
        let sentence = self.sentence(at.start);
        let time = |class| matches!(class, Class::Initial | Class::Later);
        // `checked again:` holds no `again`, and `before the` no time of its own.
        match self.last_of(&sentence, at.start, time) {
            Some(hit) => hit.class == Class::Initial,
            None => {
                let mut behind = self.within(at.end..sentence.end).filter(|hit| time(hit.class));
                behind.next().is_some_and(|hit| hit.class == Class::Initial)
            }
        }
    }

    /// Whether it is said of a later time.
    pub(super) fn is_later(&self, at: Range<usize>) -> bool {
        let sentence = self.sentence(at.start);
        let start = self.clause_start(&sentence, at.start);
        // What is taken currently is no news.
        self.within(start..sentence.end).any(|hit| {
            let word = self.lower.get(hit.start..hit.end).unwrap_or_default();
            hit.class == Class::Later && !word.starts_with("current") && word != "still"
        })
    }
}
