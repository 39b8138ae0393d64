//! Texts as words, and words as hashes, for duplicates and contamination.

/// FNV-1a with a final mix; the same on every machine.
const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

pub(crate) fn mix(mut x: u64) -> u64 {
    // The finaliser of splitmix64.
    x ^= x >> 30;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 27;
    x = x.wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Whether a script has no spaces between words: Thai, Lao, Khmer, Burmese, Han and kana.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}

/// Combining marks of the letter before them.
fn joins(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{900}'..='\u{903}' | '\u{93a}'..='\u{94f}' | '\u{200c}' | '\u{200d}')
}

/// The words of a text as hashes, in order: lower case, without punctuation. In scripts without spaces, each letter
/// counts as a word.
pub fn tokens(text: &str, into: &mut Vec<u64>) {
    into.clear();
    let mut hash = OFFSET;
    let mut open = false;
    let mut end = |hash: &mut u64, open: &mut bool| {
        if *open {
            into.push(mix(*hash));
        }
        *hash = OFFSET;
        *open = false;
    };
    for c in text.chars() {
        if c.is_ascii() {
            if c.is_ascii_alphanumeric() {
                hash = (hash ^ u64::from(c.to_ascii_lowercase() as u32)).wrapping_mul(PRIME);
                open = true;
            } else {
                end(&mut hash, &mut open);
            }
        } else if is_unspaced(c) {
            end(&mut hash, &mut open);
            hash = (hash ^ u64::from(c as u32)).wrapping_mul(PRIME);
            open = true;
            end(&mut hash, &mut open);
        } else if c.is_alphanumeric() || joins(c) {
            for lower in c.to_lowercase() {
                hash = (hash ^ u64::from(lower as u32)).wrapping_mul(PRIME);
            }
            open = true;
        } else {
            end(&mut hash, &mut open);
        }
    }
    end(&mut hash, &mut open);
}

/// Hashes of all runs of `n` words; of the whole text if it is shorter.
pub(crate) fn grams(tokens: &[u64], n: usize, mut each: impl FnMut(u64)) {
    if tokens.is_empty() {
        return;
    }
    for window in tokens.windows(n.min(tokens.len())) {
        let hash = window.iter().fold(OFFSET, |h, t| (h ^ t).wrapping_mul(PRIME).rotate_left(23));
        each(mix(hash));
    }
}
