//! Lists of phrases that are found in one pass, as whole words.

use std::ops::Range;

use serde::Deserialize;

use crate::finder::{Finder, Wanted, places};
use crate::lines::{is_alphanumeric, is_mark};

/// Phrases in lower case, found as whole words.
///
/// `^` before a phrase: only at the start of the text. `*` behind it: words that go on are found too. A phrase
/// that ends with a punctuation mark needs no end of a word. Unspaced scripts have no words to be whole.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Vec<String>")]
pub(crate) struct Phrases {
    finder: Finder,
    rules: Vec<Rule>,
    /// Whether one of them may stand within a word.
    anywhere: bool,
}

#[derive(Debug, Clone, Copy)]
struct Rule {
    at_start: bool,
    goes_on: bool,
    /// Thai sets no spaces between words.
    unspaced: bool,
}

impl From<Vec<String>> for Phrases {
    fn from(list: Vec<String>) -> Self {
        let mut rules = Vec::with_capacity(list.len());
        let mut words = Vec::with_capacity(list.len());
        for phrase in &list {
            let (bare, at_start) =
                phrase.strip_prefix('^').map_or((phrase.as_str(), false), |p| (p, true));
            let (bare, goes_on) = bare.strip_suffix('*').map_or((bare, false), |p| (p, true));
            let ends_a_word = bare.chars().next_back().is_some_and(is_of_word);
            words.push(bare);
            let unspaced = bare.contains(|c| ('\u{e00}'..='\u{e7f}').contains(&c));
            rules.push(Rule { at_start, goes_on: goes_on || !ends_a_word, unspaced });
        }
        let anywhere = rules.iter().any(|rule| rule.unspaced);
        Self { finder: Finder::new(words), rules, anywhere }
    }
}

fn is_of_word(c: char) -> bool {
    is_alphanumeric(c) || is_mark(c)
}

impl Phrases {
    /// The number of phrases.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.rules.len()
    }

    /// Where phrases of these lists may begin in a text in lower case.
    ///
    /// Behind a letter none does, but for those of unspaced scripts.
    pub(crate) fn places(lists: &[&Self], lower: &str) -> Vec<usize> {
        let wanted = [[true, lists.iter().any(|list| list.anywhere)]; 2];
        places(lower, is_of_word, Wanted { ascii: wanted, other: wanted })
    }

    /// Calls `found` with each phrase that stands at one of these places of a text that is in lower case.
    fn each(&self, lower: &str, places: &[usize], mut found: impl FnMut(Range<usize>)) {
        self.finder.each(lower, places, |phrase, start, end| {
            let rule = self.rules[phrase];
            let starts = if rule.at_start {
                start == 0
            } else {
                rule.unspaced || !lower[..start].chars().next_back().is_some_and(is_of_word)
            };
            if starts && (rule.unspaced || rule.goes_on || is_end_of_word(&lower[end..])) {
                found(start..end);
            }
        });
    }

    /// Places of the phrases in a text that is in lower case, in the order of their ends.
    pub(crate) fn all(&self, lower: &str) -> impl Iterator<Item = Range<usize>> + use<> {
        self.all_at(lower, &Self::places(&[self], lower))
    }

    /// The same for one who knows [`Phrases::places`].
    pub(crate) fn all_at(
        &self,
        lower: &str,
        places: &[usize],
    ) -> impl Iterator<Item = Range<usize>> + use<> {
        let mut all = Vec::new();
        self.each(lower, places, |place| all.push(place));
        all.sort_by_key(|place| (place.end, place.start));
        all.into_iter()
    }

    /// The first place of one of the phrases.
    pub(crate) fn find(&self, lower: &str) -> Option<Range<usize>> {
        self.all(lower).next()
    }

    /// Whether a text has one of the phrases.
    pub(crate) fn is_in(&self, lower: &str) -> bool {
        self.find(lower).is_some()
    }

    /// The longest phrase that a text begins with.
    pub(crate) fn start_of(&self, lower: &str) -> Option<Range<usize>> {
        // No phrase is longer than this: what stands behind cannot be at the start.
        let end = lower.char_indices().nth(LONGEST).map_or(lower.len(), |(at, _)| at);
        let head = lower.get(..end)?;
        self.all_at(head, &[0]).max_by_key(|hit| hit.end)
    }
}

/// Longest phrase, in characters, that is looked for at the start of a text.
const LONGEST: usize = 48;

/// Whether a word ends before `behind`: a hyphen joins it with the next one.
fn is_end_of_word(behind: &str) -> bool {
    let mut next = behind.chars();
    match next.next() {
        None => true,
        Some('-') => !next.next().is_some_and(is_of_word),
        Some(c) => !is_of_word(c),
    }
}

/// A text as phrases are looked for in it: lower case, with straight apostrophes.
pub(crate) fn plain(text: &str) -> String {
    // The small form of the Greek letter depends on its place.
    if text.contains('Σ') {
        return text.to_lowercase().replace('’', "'");
    }
    small(text, |c, lower| match c {
        '’' => lower.push('\''),
        // Dashes and quotation marks.
        '\u{2000}'..='\u{206f}' => lower.push(c),
        _ => lower.extend(c.to_lowercase()),
    })
}

/// A text in lower case, in which `put` adds the characters that are not of ASCII. Nearly all characters are of ASCII, and
/// changed all at once.
pub(crate) fn small(text: &str, put: impl Fn(char, &mut String)) -> String {
    let mut lower = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !byte.is_ascii()) {
        let (plain, behind) = rest.split_at(at);
        lower.push_str(plain);
        let mut characters = behind.chars();
        if let Some(c) = characters.next() {
            put(c, &mut lower);
        }
        rest = characters.as_str();
    }
    lower.push_str(rest);
    lower.make_ascii_lowercase();
    lower
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_in_lower_case() {
        for text in ["Don’t", "ΟΔΟΣ Σ", "É—ÀB“C”", "İstanbul ẞ K", "", "ABC", "พก Ü", "x’Y’"]
        {
            assert_eq!(plain(text), text.to_lowercase().replace('’', "'"), "{text}");
        }
        for c in (0..0x11_0000).filter_map(char::from_u32) {
            let text = format!("A{c}B");
            assert_eq!(plain(&text), text.to_lowercase().replace('’', "'"), "{c:?}");
        }
    }

    #[test]
    fn phrases_are_whole_words() {
        let list = ["^well done", "should i", "pront*", "sure,", "good work"].map(str::to_owned);
        let phrases = Phrases::from(list.to_vec());
        let has = |text| phrases.is_in(text);
        assert!(has("well done on that") && !has("it was well done"));
        assert!(has("should i go on?") && !has("it should improve"));
        assert!(has("i am pronto") && has("sure, give it"));
        assert!(has("good work!") && !has("a good work-up"));
        assert_eq!(phrases.start_of("should i go"), Some(0..8));
        assert_eq!(phrases.start_of("what should i do"), None);
    }
}
