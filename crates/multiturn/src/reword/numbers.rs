//! Numbers of requests.

/// Beginnings of the words for what a request counts, in all of our languages.
const COUNTED: [&str; 84] = [
    "word",
    "bullet",
    "point",
    "sentence",
    "paragraph",
    "step",
    "heading",
    "column",
    "line",
    "character",
    "question",
    "page",
    "item",
    "row",
    "section",
    "wort",
    "wört",
    "satz",
    "sätz",
    "punkt",
    "absatz",
    "absätz",
    "schritt",
    "überschrift",
    "spalte",
    "zeile",
    "zeichen",
    "frage",
    "mot",
    "phrase",
    "puce",
    "étape",
    "titre",
    "colonne",
    "ligne",
    "caractère",
    "palabra",
    "frase",
    "punto",
    "viñeta",
    "párrafo",
    "paso",
    "título",
    "encabezado",
    "columna",
    "línea",
    "carácter",
    "caracter",
    "pregunta",
    "parol",
    "frasi",
    "punti",
    "paragraf",
    "pass",
    "titol",
    "colonn",
    "righ",
    "caratter",
    "domand",
    "palavra",
    "ponto",
    "tópico",
    "parágrafo",
    "coluna",
    "linha",
    "pergunta",
    "शब्द",
    "वाक्य",
    "बिंदु",
    "बिन्दु",
    "अनुच्छेद",
    "पैराग्राफ",
    "कदम",
    "चरण",
    "शीर्षक",
    "कॉलम",
    "पंक्ति",
    "अक्षर",
    "सवाल",
    "คำ",
    "ประโยค",
    "ข้อ",
    "ย่อหน้า",
    "ขั้น",
];
/// Words between a number and what it counts: `3 short bullet points`.
const BETWEEN: usize = 2;

/// Whether a text has the numbers of another one. A number more is another limit, or a count of something else, but not if it
/// belongs to the reason: `his sister of 8 will read it`.
pub(super) fn has_numbers(text: &str, wanted: &str) -> bool {
    let mut wanted = numbers(wanted);
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let digits = &rest[start..];
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let number: Option<u32> = digits[..end].parse().ok();
        rest = &digits[end..];
        match number.and_then(|number| wanted.iter().position(|wanted| *wanted == number)) {
            Some(at) => {
                wanted.remove(at);
            }
            None if counts(rest) => return false,
            None => {}
        }
    }
    wanted.is_empty()
}

/// Whether what a request counts stands behind a number.
fn counts(behind: &str) -> bool {
    let clause = behind.split([',', '.', ';', ':']).next().unwrap_or_default().to_lowercase();
    let words = clause.split(|c: char| c.is_whitespace() || c == '-').filter(|w| !w.is_empty());
    words.take(BETWEEN + 1).any(|word| COUNTED.iter().any(|known| word.starts_with(known)))
}

/// The numbers of a text in digits.
pub(super) fn numbers(text: &str) -> Vec<u32> {
    let digits = text.split(|c: char| !c.is_ascii_digit());
    digits.filter_map(|digits| digits.parse().ok()).collect()
}
