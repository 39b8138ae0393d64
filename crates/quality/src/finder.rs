//! Finds many words in one text.
//!
//! Nearly all words of the lists must stand where a word begins. An automaton would read every byte of a text all the
//! same, and needs a table for each language. This looks at a text only where one of the words may stand, and the
//! first bytes there rule out nearly all of them.

/// The most bytes by which a word is looked up.
const KEY: usize = 4;

/// Words, indexed by their first bytes.
#[derive(Debug)]
pub(crate) struct Finder {
    /// All words behind each other, those with the same key together.
    bytes: Vec<u8>,
    words: Vec<Word>,
    /// The words of each key: the first and the one behind the last.
    keys: Vec<(u32, u32, u32)>,
    /// Open hash table of places in `keys`, each one more than it is; zero is empty.
    table: Vec<u32>,
    /// How far a hash is shifted to be a place in the table.
    shift: u32,
    /// A bit for each hash, some bits for each key: what most places of a text are told by is small enough to stay in
    /// the nearest memory.
    bits: Vec<u64>,
    /// The lengths of the keys that begin with each byte, a bit for each.
    lengths: [u8; 256],
}

/// A word of a [`Finder`].
#[derive(Debug)]
struct Word {
    /// Where it begins and ends in the bytes of all.
    from: u32,
    to: u32,
    /// Its place in the list that it came from.
    index: u32,
    /// The first byte behind its key; zero where it is no longer.
    next: u8,
}

/// Bits for each place of a table, as a power of two.
const BITS: u32 = 3;

/// The hash of a key; its upper bits are the better ones.
fn hash(key: u32) -> u32 {
    key.wrapping_mul(0x9e37_79b1)
}

/// The first bytes as a number, the first one lowest: fewer are filled up with zeros, which no word has.
fn key(bytes: &[u8]) -> u32 {
    bytes.iter().take(KEY).rev().fold(0, |key, byte| (key << 8) | u32::from(*byte))
}

impl Default for Finder {
    fn default() -> Self {
        Self::new([])
    }
}

impl Finder {
    /// Indexes words, of which those that are empty are never found.
    pub(crate) fn new<'w>(list: impl IntoIterator<Item = &'w str>) -> Self {
        let mut list: Vec<(u32, usize, &[u8])> = list
            .into_iter()
            .map(str::as_bytes)
            .enumerate()
            .filter(|(_, word)| !word.is_empty())
            .map(|(index, word)| (key(word), index, word))
            .collect();
        list.sort_by_key(|(key, index, _)| (*key, *index));
        let (mut bytes, mut words) = (Vec::new(), Vec::new());
        let (mut keys, mut lengths): (Vec<(u32, u32, u32)>, _) = (Vec::new(), [0; 256]);
        for (key, index, word) in list {
            let at = u32::try_from(words.len()).unwrap_or(u32::MAX);
            match keys.last_mut() {
                Some(last) if last.0 == key => last.2 = at + 1,
                _ => keys.push((key, at, at + 1)),
            }
            let next = word.get(KEY).copied().unwrap_or_default();
            let [from, to, index] =
                [bytes.len(), bytes.len() + word.len(), index].map(|n| n as u32);
            words.push(Word { from, to, index, next });
            bytes.extend_from_slice(word);
            lengths[usize::from(word[0])] |= 1 << (word.len().min(KEY) - 1);
        }
        // Half full at most.
        let size = (keys.len() * 2).next_power_of_two().max(64);
        let shift = u32::BITS - size.trailing_zeros();
        let mut table = vec![0; size];
        let mut bits = vec![0; (size << BITS) / 64];
        for (at, (key, ..)) in (1_u32..).zip(&keys) {
            let hash = hash(*key);
            let mut slot = (hash >> shift) as usize;
            while table[slot] != 0 {
                slot = (slot + 1) & (size - 1);
            }
            table[slot] = at;
            let bit = (hash >> (shift - BITS)) as usize;
            bits[bit / 64] |= 1 << (bit % 64);
        }
        Self { bytes, words, keys, table, shift, bits, lengths }
    }

    /// The words with a key.
    fn words_of(&self, key: u32) -> &[Word] {
        let hash = hash(key);
        let bit = (hash >> (self.shift - BITS)) as usize;
        if self.bits[bit / 64] >> (bit % 64) & 1 == 0 {
            return &[];
        }
        let mut slot = (hash >> self.shift) as usize;
        loop {
            let at = self.table[slot] as usize;
            if at == 0 {
                return &[];
            }
            let (own, from, to) = self.keys[at - 1];
            if own == key {
                return &self.words[from as usize..to as usize];
            }
            slot = (slot + 1) & (self.table.len() - 1);
        }
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
            let Some(behind) = text.get(place..).filter(|behind| !behind.is_empty()) else {
                continue;
            };
            let mut lengths = self.lengths[usize::from(behind[0])];
            if lengths == 0 {
                continue;
            }
            let bytes = match behind {
                [a, b, c, d, ..] => u32::from_le_bytes([*a, *b, *c, *d]),
                _ => key(behind),
            };
            let next = behind.get(KEY).copied().unwrap_or_default();
            while lengths != 0 {
                let least = lengths.trailing_zeros();
                lengths &= lengths - 1;
                for word in self.words_of(bytes & (u32::MAX >> (24 - 8 * least))) {
                    if word.next != 0 && word.next != next {
                        continue;
                    }
                    let (from, to) = (word.from as usize, word.to as usize);
                    let length = to - from;
                    // A text may have zeros, as the keys of shorter words do.
                    if length.min(KEY) == least as usize + 1
                        && behind.get(..length) == self.bytes.get(from..to)
                    {
                        found(word.index as usize, place, place + length);
                    }
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

/// Whether each byte is a letter or digit of ASCII, in one look.
static OF_WORD: [bool; 256] = {
    let mut of_word = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        of_word[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    of_word
};

/// The places of the wanted characters; of ASCII, letters and digits belong to words.
pub(crate) fn places(text: &str, is_of_word: fn(char) -> bool, wanted: Wanted) -> Vec<usize> {
    let bytes = text.as_bytes();
    let mut found = Vec::with_capacity(bytes.len() / 4 + 1);
    let mut place = 0;
    let mut before = false;
    while place < bytes.len() {
        let byte = bytes[place];
        if byte < 0x80 {
            let own = OF_WORD[usize::from(byte)];
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
