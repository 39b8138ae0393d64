//! Finds many texts in one, wherever they stand.

use std::collections::HashMap;

/// Bytes by which a text is looked up: many begin with the same two words.
const KEY: usize = 16;
/// Bytes by which a shorter one is.
const SHORT: usize = 4;

/// Texts, indexed by their beginnings.
///
/// An automaton of all texts in all languages has a state for each of their bytes, more than stays in near memory. Few
/// places of a request begin as one of them does: their first four bytes tell that.
#[derive(Debug)]
pub(crate) struct Heads {
    texts: Vec<String>,
    /// Whether one of them begins with a byte: few begin with a small letter, as most words of a request do.
    starts: [bool; 256],
    /// A bit for the hash of the first bytes of each that has some.
    fours: Vec<u64>,
    /// A bit for each two bytes that a shorter one begins with.
    pairs: Vec<u64>,
    /// Those that have a whole key, by it.
    long: HashMap<[u8; KEY], Vec<usize>>,
    /// Shorter ones, by their first bytes.
    short: HashMap<[u8; SHORT], Vec<usize>>,
    /// Those that are shorter still.
    shortest: Vec<usize>,
    /// Those that are empty stand everywhere.
    empty: Vec<usize>,
}

/// The bit of the first bytes of a text.
fn four(bytes: [u8; SHORT]) -> usize {
    (u32::from_le_bytes(bytes).wrapping_mul(0x9e37_79b1) >> 16) as usize
}

/// The bit of two bytes.
fn pair(first: u8, second: u8) -> usize {
    (usize::from(second) << 8) | usize::from(first)
}

impl Heads {
    pub(crate) fn new(texts: Vec<String>) -> Self {
        let mut heads = Self {
            texts: Vec::new(),
            starts: [false; 256],
            fours: vec![0; (1 << 16) / 64],
            pairs: vec![0; (1 << 16) / 64],
            long: HashMap::new(),
            short: HashMap::new(),
            shortest: Vec::new(),
            empty: Vec::new(),
        };
        for (at, text) in texts.iter().enumerate() {
            match *text.as_bytes() {
                [] => heads.empty.push(at),
                // Anything may be behind it.
                [first] => (0..=u8::MAX).for_each(|second| heads.add(first, second)),
                [a, b, c, d, ..] => {
                    heads.starts[usize::from(a)] = true;
                    let bit = four([a, b, c, d]);
                    heads.fours[bit / 64] |= 1 << (bit % 64);
                }
                [first, second, ..] => heads.add(first, second),
            }
            let bytes = text.as_bytes();
            if let Some(key) = bytes.first_chunk::<KEY>() {
                heads.long.entry(*key).or_default().push(at);
            } else if let Some(key) = bytes.first_chunk::<SHORT>() {
                heads.short.entry(*key).or_default().push(at);
            } else if !bytes.is_empty() {
                heads.shortest.push(at);
            }
        }
        heads.texts = texts;
        heads
    }

    fn add(&mut self, first: u8, second: u8) {
        self.starts[usize::from(first)] = true;
        let bit = pair(first, second);
        self.pairs[bit / 64] |= 1 << (bit % 64);
    }

    /// The places in the list of all that stand in a text, each with its end there: in the order of their ends, of those
    /// with one end the longer first.
    pub(crate) fn all(&self, text: &str) -> Vec<(usize, usize)> {
        let bytes = text.as_bytes();
        let mut found: Vec<(usize, usize, usize)> = Vec::new();
        let mut next = 0;
        while next < bytes.len() {
            let start = next;
            next += 1;
            let first = bytes[start];
            if !self.starts[usize::from(first)] {
                continue;
            }
            let rest = bytes.get(start..).unwrap_or_default();
            let may_four = rest.first_chunk().is_some_and(|key| {
                let bit = four(*key);
                self.fours[bit / 64] >> (bit % 64) & 1 == 1
            });
            let bit = pair(first, bytes.get(next).copied().unwrap_or_default());
            let may_pair = self.pairs[bit / 64] >> (bit % 64) & 1 == 1;
            if !may_four && !may_pair {
                continue;
            }
            let long = rest.first_chunk().filter(|_| may_four).and_then(|key| self.long.get(key));
            let short = rest.first_chunk().filter(|_| may_four).and_then(|key| self.short.get(key));
            let same = long.into_iter().flatten().chain(short.into_iter().flatten());
            let shortest = self.shortest.iter().filter(|_| may_pair);
            for at in same.chain(shortest) {
                let head = self.texts.get(*at).map_or("", String::as_str);
                if rest.starts_with(head.as_bytes()) {
                    found.push((start + head.len(), start, *at));
                }
            }
        }
        for at in &self.empty {
            found.extend((0..=bytes.len()).map(|place| (place, place, *at)));
        }
        found.sort_unstable();
        found.into_iter().map(|(end, _, at)| (at, end)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_what_an_automaton_finds_in_its_order() {
        let heads = [
            "Give ",
            "Give me",
            "Give me a list of signs",
            "me a list",
            "list of signs",
            "list of signs",
            "s",
            "",
            "é",
            "ให้คำตอบสั้นๆ",
            "Exactly ",
            "signs of danger",
            "Exactly {",
            "Give me a list of signs of",
            "me",
        ];
        let search = aho_corasick::AhoCorasick::new(heads).unwrap();
        let index = Heads::new(heads.iter().map(|head| (*head).to_owned()).collect());
        for text in [
            "",
            "s",
            "Give me a list of signs of danger. Exactly 5. Give",
            "été: list of signs",
            "ตอบ ให้คำตอบสั้นๆ s",
            "Give me a list of sign",
        ] {
            let found = search.find_overlapping_iter(text);
            let mut expected: Vec<(usize, usize)> =
                found.map(|found| (found.pattern().as_usize(), found.end())).collect();
            // It finds what is empty once for each state on its way.
            expected.dedup();
            assert_eq!(index.all(text), expected, "{text}");
        }
    }
}
