//! Words that related languages share.

use super::local_names::{apart, head, says_nothing};

/// Share of the shorter word that related words have in common.
const ALIKE: f64 = 0.7;

/// A word as languages have it in common: `artritis` for `arthritis`.
fn folded(word: &str) -> String {
    let mut folded = String::new();
    for c in word.chars() {
        match c {
            'á' | 'à' | 'â' | 'ã' => folded.push('a'),
            'ä' | 'æ' | 'ö' | 'œ' | 'é' | 'è' | 'ê' | 'ë' => folded.push('e'),
            'í' | 'ì' | 'î' | 'ï' | 'y' => folded.push('i'),
            'ó' | 'ò' | 'ô' | 'õ' => folded.push('o'),
            'ú' | 'ù' | 'û' | 'ü' => folded.push('u'),
            'ç' | 'k' | 'z' => folded.push('c'),
            'ñ' => folded.push('n'),
            _ => folded.push(c),
        }
    }
    for (from, to) in [("ae", "e"), ("oe", "e"), ("ph", "f"), ("th", "t"), ("rh", "r"), ("ch", "c")]
    {
        folded = folded.replace(from, to);
    }
    let mut plain = String::new();
    for c in folded.chars() {
        if !plain.ends_with(c) {
            plain.push(c);
        }
    }
    match plain.strip_prefix('e') {
        Some(rest) if ["sc", "sp", "st"].iter().any(|s| rest.starts_with(s)) => rest.to_owned(),
        _ => plain.strip_prefix('h').unwrap_or(&plain).to_owned(),
    }
}

/// Whether two folded words begin alike for most of the shorter one: `artritis` and `artrite`.
fn is_alike(a: &str, b: &str) -> bool {
    let common = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let shorter = a.chars().count().min(b.chars().count());
    a == b || (common >= 5 && common as f64 >= ALIKE * shorter as f64)
}

/// Whether a name in another language has the words of a listed condition: `artritis reumatoide` of rheumatoid arthritis.
pub(super) fn is_cognate(listed: &str, name: &str) -> bool {
    let lower = name.to_lowercase();
    let stems = |text: &str| -> Vec<String> {
        let words = text.split(apart).filter(|word| !says_nothing(word));
        words.filter(|word| word.parse::<u32>().is_err()).map(folded).collect()
    };
    let numbers = |text: &str| -> Vec<String> {
        text.split(apart).filter(|word| word.parse::<u32>().is_ok()).map(str::to_owned).collect()
    };
    let (own, listed) = (head(&lower), listed.to_lowercase());
    let (a, b) = (stems(own), stems(&listed));
    let (own, other) = (numbers(own), numbers(&listed));
    let typed = own.is_empty() || other.is_empty() || own == other;
    let long = a.iter().any(|word| word.chars().count() >= 5);
    typed && long && a.iter().all(|word| b.iter().any(|other| is_alike(word, other)))
}
