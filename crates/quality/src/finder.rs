//! Finds many words in one text.
//!
//! Nearly all words of the lists must stand where a word begins. An automaton would read every byte of a text all the
//! same, and needs a table for each language. This looks at a text only where one of the words may stand, and the
//! first bytes there rule out nearly all of them.

/// The most bytes by which a word is looked up.
const KEY: usize = 3;

/// Words, indexed by their first bytes.
#[derive(Debug, Default)]
pub(crate) struct Finder {
    /// All words behind each other, those with the same key together.
    bytes: Vec<u8>,
    words: Vec<Word>,
    /// The words of each key: the first and the one behind the last.
    keys: Vec<(u32, u32, u32)>,
    /// Open hash table of places in `keys`, each one more than it is; zero is empty.
    table: Vec<u32>,
    /// Which lengths of keys there are.
    lengths: [bool; KEY],
}

/// A word of a [`Finder`].
#[derive(Debug)]
struct Word {
    /// Where it begins in the bytes of all.
    from: usize,
    length: usize,
    /// The first byte behind its key; zero where it is no longer.
    next: u8,
    /// Its place in the list that it came from.
    index: usize,
}

/// The first bytes as a number that also tells how many they are.
fn key(bytes: &[u8]) -> u32 {
    let first = bytes.iter().fold(0, |key, byte| (key << 8) | u32::from(*byte));
    // At most three bytes: the count fits before them.
    first | (u32::try_from(bytes.len()).unwrap_or_default() << 24)
}

impl Finder {
    /// Indexes words, of which those that are empty are never found.
    pub(crate) fn new<'w>(list: impl IntoIterator<Item = &'w str>) -> Self {
        let mut list: Vec<(u32, usize, &[u8])> = list
            .into_iter()
            .map(str::as_bytes)
            .enumerate()
            .filter(|(_, word)| !word.is_empty())
            .map(|(index, word)| (key(&word[..word.len().min(KEY)]), index, word))
            .collect();
        list.sort_by_key(|(key, index, _)| (*key, *index));
        let mut finder = Self::default();
        for (key, index, word) in list {
            let at = u32::try_from(finder.words.len()).unwrap_or(u32::MAX);
            match finder.keys.last_mut() {
                Some(last) if last.0 == key => last.2 = at + 1,
                _ => finder.keys.push((key, at, at + 1)),
            }
            let next = word.get(KEY).copied().unwrap_or_default();
            finder.words.push(Word { from: finder.bytes.len(), length: word.len(), next, index });
            finder.bytes.extend_from_slice(word);
            finder.lengths[word.len().min(KEY) - 1] = true;
        }
        // A quarter full at most: a word that is not there is nearly always told by one look.
        finder.table = vec![0; (finder.keys.len() * 4).next_power_of_two()];
        for (at, (key, ..)) in (1_u32..).zip(&finder.keys) {
            let mut slot = finder.slot(*key);
            while finder.table[slot] != 0 {
                slot = (slot + 1) & (finder.table.len() - 1);
            }
            finder.table[slot] = at;
        }
        finder
    }

    /// Where a key is looked for first; the table has a power of two of places.
    fn slot(&self, key: u32) -> usize {
        let hash = key.wrapping_mul(0x9e37_79b1);
        ((hash >> 12) as usize) & (self.table.len() - 1)
    }

    /// Calls `found` with the place of a word in the list and where it begins and ends, for all that stand at one of
    /// these places of a text.
    pub(crate) fn each(
        &self,
        text: &str,
        places: &[usize],
        mut found: impl FnMut(usize, usize, usize),
    ) {
        if self.words.is_empty() {
            return;
        }
        let text = text.as_bytes();
        for &place in places {
            let mut key = 0;
            for length in 1..=KEY {
                let Some(&byte) = text.get(place + length - 1) else { break };
                key = (key << 8) | u32::from(byte);
                if !self.lengths[length - 1] {
                    continue;
                }
                // As in `key`.
                let whole = key | ((length as u32) << 24);
                let mut slot = self.slot(whole);
                while self.table[slot] != 0 {
                    let (own, from, to) = self.keys[self.table[slot] as usize - 1];
                    if own == whole {
                        for word in &self.words[from as usize..to as usize] {
                            let end = place + word.length;
                            let goes_on =
                                word.next == 0 || text.get(place + KEY) == Some(&word.next);
                            if goes_on
                                && text.get(place..end)
                                    == self.bytes.get(word.from..word.from + word.length)
                            {
                                found(word.index, place, end);
                            }
                        }
                        break;
                    }
                    slot = (slot + 1) & (self.table.len() - 1);
                }
            }
        }
    }
}

/// Which characters of a text words are looked for at: by whether the character belongs to a word, and then by
/// whether the one before it does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// Of ASCII.
    pub(crate) ascii: [[bool; 2]; 2],
    /// Of the others.
    pub(crate) other: [[bool; 2]; 2],
}

/// The places of the wanted characters; of ASCII, letters and digits belong to words.
pub(crate) fn places(text: &str, is_of_word: fn(char) -> bool, wanted: Wanted) -> Vec<usize> {
    let bytes = text.as_bytes();
    let mut found = Vec::with_capacity(bytes.len() / 4 + 1);
    let mut place = 0;
    let mut before = false;
    while place < bytes.len() {
        let byte = bytes[place];
        if byte < 0x80 {
            let own = byte.is_ascii_alphanumeric();
            if wanted.ascii[usize::from(own)][usize::from(before)] {
                found.push(place);
            }
            before = own;
            place += 1;
        } else {
            let Some(c) = text[place..].chars().next() else { break };
            let own = is_of_word(c);
            if wanted.other[usize::from(own)][usize::from(before)] {
                found.push(place);
            }
            before = own;
            place += c.len_utf8();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERYWHERE: Wanted = Wanted { ascii: [[true; 2]; 2], other: [[true; 2]; 2] };

    fn found(words: &[&str], text: &str) -> Vec<(usize, usize, usize)> {
        let finder = Finder::new(words.iter().copied());
        let mut all = Vec::new();
        let places = places(text, char::is_alphanumeric, EVERYWHERE);
        finder.each(text, &places, |word, start, end| all.push((word, start, end)));
        all.sort_unstable();
        all
    }

    #[test]
    fn words_of_any_length_are_found_wherever_they_stand() {
        let words = ["a", "mg", "give", "gives", "give", "été", "ให้", ""];
        assert_eq!(
            found(&words, "gives a mg"),
            [(0, 6, 7), (1, 8, 10), (2, 0, 4), (3, 0, 5), (4, 0, 4)]
        );
        assert_eq!(found(&words, "l'été"), [(5, 2, 7)]);
        assert_eq!(found(&words, "ต้องให้"), [(6, 12, 21)]);
        assert_eq!(found(&words, "gi"), []);
        assert_eq!(found(&[], "give"), []);
    }

    #[test]
    fn it_finds_what_a_search_for_each_word_finds() {
        let words: Vec<String> =
            (0..3000_u32).map(|n| format!("{:x}", n * 7919 % 65_537)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let text: Vec<String> =
            (0..400_u32).map(|n| format!("{:x}", n * 104_729 % 99_991)).collect();
        let text = text.join(" ");
        let mut expected: Vec<(usize, usize, usize)> = Vec::new();
        for (index, word) in words.iter().enumerate() {
            for (place, _) in text.char_indices().filter(|(at, _)| text[*at..].starts_with(word)) {
                expected.push((index, place, place + word.len()));
            }
        }
        assert!(expected.len() > 100, "{}", expected.len());
        assert_eq!(found(&words, &text), expected);
    }

    #[test]
    fn places_are_those_that_are_wanted() {
        let at = |wanted| places("ab é-ü", char::is_alphanumeric, wanted);
        assert_eq!(at(EVERYWHERE), [0, 1, 2, 3, 5, 6]);
        let start = [[false, false], [true, false]];
        assert_eq!(at(Wanted { ascii: start, other: start }), [0, 3, 6]);
        let no = [[false; 2]; 2];
        assert_eq!(at(Wanted { ascii: [[true, true], [false, false]], other: no }), [2, 5]);
    }
}
