//! Whether two names of a medicine are one in different languages or scripts: by their consonants.

/// Letters that are one consonant in the names of medicines; those of vowels, and what is not heard, are in none.
const CONSONANTS: [(char, &str); 12] = [
    ('p', "pपพผป"),
    ('b', "bबभบ"),
    ('f', "fफฟฝ"),
    ('v', "vwवว"),
    ('m', "mमม"),
    ('n', "nñनणंँङञณนง"),
    ('l', "lलळลฬ"),
    ('r', "rरรฤ"),
    ('t', "tतथटठตทถฏฐฑธ"),
    ('d', "dदधडढดฎ"),
    ('k', "kqgकखगघกขคฆ"),
    ('s', "szßçसशषजझचछซสศษชจฉ"),
];

/// The consonants of a name in lower case, alike ones beside each other once: `metformin` and `मेटफॉर्मिन` are `mtfrmn`.
pub(super) fn consonants(name: &str) -> Vec<char> {
    let letters: Vec<char> = name.chars().collect();
    let mut all: Vec<char> = Vec::new();
    let mut at = 0;
    // Between vowels, the same consonant counts twice.
    let mut beside = false;
    while let Some(&letter) = letters.get(at) {
        let next = letters.get(at + 1).copied().unwrap_or(' ');
        at += 1;
        let mut add = |consonant: char, beside: bool| {
            if !(beside && all.last() == Some(&consonant)) {
                all.push(consonant);
            }
        };
        match (letter, next) {
            // A sign over a Thai letter says that it is not heard.
            (_, '์') => {}
            ('p', 'h') => add('f', beside),
            ('t', 'h') => add('t', beside),
            ('c', 'e' | 'i' | 'y' | 'é' | 'è' | 'í' | 'ê') => add('s', beside),
            ('c', _) => add('k', beside),
            ('x', _) => {
                add('k', beside);
                add('s', false);
            }
            _ => {
                let Some((consonant, _)) = CONSONANTS.iter().find(|(_, all)| all.contains(letter))
                else {
                    // The sign that joins two letters of Devanagari parts none, and neither does a dot below one.
                    beside = beside && matches!(letter, '\u{94d}' | '\u{93c}' | 'h');
                    continue;
                };
                add(*consonant, beside);
            }
        }
        beside = true;
    }
    all
}

/// Whether a name in a text is that of a medicine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Likeness {
    /// It is.
    Same,
    /// Nobody can tell.
    Open,
    /// It is another one.
    Other,
}

/// Fewest consonants by which another name is told.
const TOLD: usize = 4;

/// Compares two names in lower case. One may be cut short, as where only a stem of it is known.
pub(super) fn likeness(word: &str, drug: &str) -> Likeness {
    let (a, b) = (consonants(word), consonants(drug));
    let length = a.len().min(b.len());
    if length < 3 {
        return Likeness::Open;
    }
    let one = |c: char| a.first() == Some(&c);
    // A stem is compared with as much of the other name.
    let apart =
        distance(&a, &b).min(distance(&a[..length], &b[..length]) + a.len().abs_diff(b.len()) / 3);
    // Other scripts leave out what is hardly heard.
    let near = apart * 5 <= length || (apart == 1 && length >= TOLD && !word.is_ascii());
    if near && b.first().is_some_and(|c| one(*c)) {
        Likeness::Same
    } else if apart * 3 <= length || length < TOLD {
        Likeness::Open
    } else {
        Likeness::Other
    }
}

/// How many consonants are left out, added or exchanged between two names.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut before = i;
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        for (j, y) in b.iter().enumerate() {
            let (above, left) = (row[j + 1], row[j]);
            row[j + 1] = (before + usize::from(x != y)).min(above + 1).min(left + 1);
            before = above;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_in_other_languages_and_scripts() {
        for (word, drug) in [
            ("metformina", "metformin"),
            ("मेटफॉर्मिन", "metformin"),
            ("मेटफ़ॉर्मिन", "metformin"),
            ("เมตฟอร์มิน", "metformin"),
            ("เมทฟอร์มิน", "metformin"),
            ("amlodipine", "amlodipine"),
            ("एम्लोडिपीन", "amlodipine"),
            ("แอมโลดิปีน", "amlodipine"),
            ("อะม็อกซีซิลลิน", "amoxicillin"),
            ("एमोक्सिसिलिन", "amoxicillin"),
            ("amoxicilina", "amoxicillin"),
            ("furosémide", "furosemide"),
            ("fenitoína", "phenytoin"),
            ("idroclorotiazide", "hydrochlorothiazide"),
            ("idrossiclorochina", "hydroxychloroquine"),
            ("teofilina", "theophylline"),
            ("รามิพริล", "ramipril"),
            ("वारफ़रिन", "warfarin"),
            ("วาร์ฟาริน", "warfarin"),
            ("azithromyzin", "azithromycin"),
            ("ciclosporina", "ciclosporin"),
        ] {
            assert_eq!(likeness(word, drug), Likeness::Same, "{word} {drug}");
        }
    }

    #[test]
    fn another_name_is_told_or_left_open() {
        for (word, drug) in [
            ("ramipril", "amlodipine"),
            ("glibenclamid", "metformin"),
            ("ไกลเบนคลาไมด์", "metformin"),
            ("ग्लिबेनक्लामाइड", "amlodipine"),
            ("เลโวไทรอกซิน", "metformin"),
            ("metronidazol", "metformin"),
            ("nifedipin", "amlodipine"),
            ("enalapril", "ramipril"),
        ] {
            assert_eq!(likeness(word, drug), Likeness::Other, "{word} {drug}");
        }
        for (word, drug) in [("valsartan", "losartan"), ("eisen", "ferrous sulfate")] {
            assert_eq!(likeness(word, drug), Likeness::Open, "{word} {drug}");
        }
    }
}
