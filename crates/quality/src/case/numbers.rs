//! The numbers of a text with what stands right behind them.

use std::ops::Range;

/// A number.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Number {
    /// Its digits, with a decimal point or comma.
    pub(super) span: Range<usize>,
    /// Its value.
    pub(super) value: f64,
    /// Digits, points and ASCII only: `38.6` for `३८,६`.
    pub(super) text: String,
    /// Its unit in UCUM; `None` without one.
    pub(super) unit: Option<&'static str>,
    /// The end of the number with its unit.
    pub(super) end: usize,
    /// What it is part of.
    pub(super) part: Part,
}

/// What a number is part of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Part {
    /// Nothing more.
    Alone,
    /// The first of two with a slash, such as a blood pressure: the other value.
    Pair(f64),
    /// The second of two.
    Second,
    /// What something changed to: `from 70 to 61`.
    Changed,
    /// A range, a date, a time, a ratio.
    Other,
}

/// A digit of any script as its value.
fn digit(c: char) -> Option<u32> {
    let zero = match c {
        '0'..='9' => '0',
        '\u{966}'..='\u{96f}' => '\u{966}',
        '\u{e50}'..='\u{e59}' => '\u{e50}',
        _ => return None,
    };
    Some(u32::from(c) - u32::from(zero))
}

/// Where a number that starts at `at` ends, and its digits.
fn scan(text: &str, at: usize) -> (usize, String) {
    let mut digits = String::new();
    let mut end = at;
    let rest = text.get(at..).unwrap_or_default();
    let mut chars = rest.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        if let Some(value) = digit(c) {
            digits.extend(char::from_digit(value, 10));
            end = at + i + c.len_utf8();
            continue;
        }
        let next = chars.peek().and_then(|(_, next)| digit(*next)).is_some();
        if !next || !matches!(c, '.' | ',' | '·') || digits.contains('.') {
            break;
        }
        // Three digits behind a comma are thousands, unless the number starts with a zero.
        let following = rest.get(i + 1..).unwrap_or_default();
        let group = following.chars().take_while(|c| digit(*c).is_some()).count();
        if c == ',' && group == 3 && !digits.starts_with('0') && digits.len() <= 3 {
            continue;
        }
        digits.push('.');
    }
    (end, digits)
}

/// Units in which cells and viruses are counted.
const COUNTS: [&str; 2] = ["/uL", "{copies}/mL"];

/// All numbers of a text.
pub(super) fn numbers(text: &str, lower: &str) -> Vec<Number> {
    let mut all: Vec<Number> = Vec::new();
    let mut at = 0;
    while let Some((i, _)) =
        text.get(at..).and_then(|rest| rest.char_indices().find(|(_, c)| digit(*c).is_some()))
    {
        let start = at + i;
        let (end, digits) = scan(text, start);
        at = end.max(start + 1);
        let (unit, with_unit) = match unit(text, lower, end) {
            Some((unit, end)) => (Some(unit), end),
            None => (None, end),
        };
        // Nobody counts thousandths of a cell: in `18.400 copias/mL`, the point is that of thousands.
        let thousands = unit.is_some_and(|unit| COUNTS.contains(&unit))
            && digits.find('.') == digits.len().checked_sub(4);
        let digits = if thousands { digits.replace('.', "") } else { digits };
        let Ok(value) = digits.parse::<f64>() else { continue };
        let part = Part::Alone;
        all.push(Number { span: start..end, value, text: digits, unit, end: with_unit, part });
    }
    for i in 0..all.len() {
        let touches = |a: &Number, b: &Number| {
            let between = lower.get(a.span.end..b.span.start)?;
            let between = between.trim_matches(|c| matches!(c, ' ' | '\u{a0}'));
            // `70 kg to 61 kg` names its unit twice.
            let bare = a.unit.and_then(|_| lower.get(a.end..b.span.start)).map(str::trim);
            // `fiel von 74 auf 66`.
            let before = lower.get(..a.span.start).unwrap_or_default().trim_end();
            if between == "auf" && before.ends_with("von") {
                return Some('-');
            }
            Some(match (between, bare) {
                ("/" | "over" | "zu" | "sur" | "sobre" | "por" | "su" | "auf", _) => '/',
                (":" | "." | ",:", _) => ':',
                (
                    "-" | "–" | "—" | "to" | "or" | "oder" | "ou" | "o" | "या" | "หรือ" | "bis"
                    | "à" | "a" | "até" | "से" | "ถึง",
                    _,
                )
                | (_, Some("-" | "–" | "to" | "bis" | "à" | "até")) => '-',
                _ => return None,
            })
        };
        let next = all.get(i + 1).and_then(|next| touches(all.get(i)?, next));
        let previous =
            i.checked_sub(1).and_then(|p| touches(all.get(p)?, all.get(i)?).map(|c| (p, c)));
        let from = |of: usize| {
            let before = all.get(of).and_then(|n| lower.get(..n.span.start)).unwrap_or_default();
            let before = before.trim_end();
            ["from", "von", "de", "da"].iter().any(|word| before.ends_with(word))
        };
        let part = match (previous, next) {
            // Of `from 70 to 61`, the first was and the second is.
            (Some((p, '-')), None) if from(p) => Part::Changed,
            (Some((_, '/')), Some('/')) | (_, Some(':' | '-')) | (Some((_, ':' | '-')), _) => {
                Part::Other
            }
            (None, Some('/')) => all.get(i + 1).map_or(Part::Alone, |next| {
                let third = all.get(i + 2).and_then(|third| touches(next, third));
                if third == Some('/') { Part::Other } else { Part::Pair(next.value) }
            }),
            (Some((p, '/')), None) => match all.get(p).map(|n| n.part) {
                Some(Part::Other) => Part::Other,
                _ => Part::Second,
            },
            _ => Part::Alone,
        };
        if let Some(number) = all.get_mut(i) {
            number.part = part;
        }
    }
    all
}

/// Units as they are written, the longer first where one begins another, with their UCUM names. Those in capitals
/// count only so.
const UNITS: &[(&str, &str)] = &[
    ("kg/m2", "kg/m2"),
    ("kg/m²", "kg/m2"),
    ("kilograms", "kg"),
    ("kilogram", "kg"),
    ("kilogrammes", "kg"),
    ("kilogramme", "kg"),
    ("kilogramm", "kg"),
    ("kilos", "kg"),
    ("kilo", "kg"),
    ("kgs", "kg"),
    ("kg", "kg"),
    ("chili", "kg"),
    ("quilos", "kg"),
    ("किलोग्राम", "kg"),
    ("किलो", "kg"),
    ("किग्रा", "kg"),
    ("กิโลกรัม", "kg"),
    ("กก.", "kg"),
    ("กก", "kg"),
    ("กิโล", "kg"),
    ("pounds", "[lb_av]"),
    ("pound", "[lb_av]"),
    ("lbs", "[lb_av]"),
    ("lb", "[lb_av]"),
    ("centimetres", "cm"),
    ("centimeters", "cm"),
    ("cms", "cm"),
    ("cm", "cm"),
    ("सेमी", "cm"),
    ("ซม.", "cm"),
    ("ซม", "cm"),
    ("metres", "m"),
    ("meters", "m"),
    ("m", "m"),
    ("feet", "[ft_i]"),
    ("foot", "[ft_i]"),
    ("ft", "[ft_i]"),
    ("inches", "[in_i]"),
    ("inch", "[in_i]"),
    ("in.", "[in_i]"),
    ("degrees celsius", "Cel"),
    ("degree celsius", "Cel"),
    ("degrees centigrade", "Cel"),
    ("degrees c", "Cel"),
    ("deg c", "Cel"),
    ("celsius", "Cel"),
    ("centigrade", "Cel"),
    ("° c", "Cel"),
    ("°c", "Cel"),
    ("ºc", "Cel"),
    ("℃", "Cel"),
    ("degrees fahrenheit", "[degF]"),
    ("degrees f", "[degF]"),
    ("deg f", "[degF]"),
    ("fahrenheit", "[degF]"),
    ("° f", "[degF]"),
    ("°f", "[degF]"),
    ("ºf", "[degF]"),
    ("℉", "[degF]"),
    ("C", "Cel"),
    ("F", "[degF]"),
    ("degrees", "deg"),
    ("grad", "deg"),
    ("degrés", "deg"),
    ("grados", "deg"),
    ("gradi", "deg"),
    ("graus", "deg"),
    ("डिग्री", "deg"),
    ("องศา", "deg"),
    ("°", "deg"),
    ("beats per minute", "{beats}/min"),
    ("beats a minute", "{beats}/min"),
    ("beats/min", "{beats}/min"),
    ("bpm", "{beats}/min"),
    ("ครั้งต่อนาที", "/min"),
    ("ครั้ง/นาที", "/min"),
    ("breaths per minute", "{breaths}/min"),
    ("breaths a minute", "{breaths}/min"),
    ("breaths/minute", "{breaths}/min"),
    ("breaths/min", "{breaths}/min"),
    ("breaths", "{breaths}/min"),
    ("brpm", "{breaths}/min"),
    ("times a minute", "/min"),
    ("times per minute", "/min"),
    ("per minute", "/min"),
    ("a minute", "/min"),
    ("per min", "/min"),
    ("/minute", "/min"),
    ("/min", "/min"),
    ("mm hg", "mm[Hg]"),
    ("mmhg", "mm[Hg]"),
    ("per cent", "%"),
    ("percent", "%"),
    ("%", "%"),
    ("mmol/mol", "mmol/mol"),
    ("mmol/l", "mmol/L"),
    ("meq/l", "meq/L"),
    ("µmol/l", "umol/L"),
    ("μmol/l", "umol/L"),
    ("umol/l", "umol/L"),
    ("micromol/l", "umol/L"),
    ("mg/dl", "mg/dL"),
    ("mg%", "mg/dL"),
    ("mg/l", "mg/L"),
    ("g/dl", "g/dL"),
    ("g%", "g/dL"),
    ("g/l", "g/L"),
    ("ng/l", "ng/L"),
    ("ng/ml", "ng/mL"),
    ("pg/ml", "pg/mL"),
    ("ng/dl", "ng/dL"),
    ("nmol/l", "nmol/L"),
    ("pmol/l", "pmol/L"),
    ("µg/l", "ug/L"),
    ("μg/l", "ug/L"),
    ("ug/l", "ug/L"),
    ("mcg/l", "ug/L"),
    ("µg/dl", "ug/dL"),
    ("μg/dl", "ug/dL"),
    ("ug/dl", "ug/dL"),
    ("mcg/dl", "ug/dL"),
    ("iu/l", "U/L"),
    ("u/l", "U/L"),
    ("miu/l", "m[IU]/L"),
    ("mu/l", "m[IU]/L"),
    ("uiu/ml", "m[IU]/L"),
    ("µiu/ml", "m[IU]/L"),
    ("cells/mm3", "/uL"),
    ("cells/mm³", "/uL"),
    ("cells/µl", "/uL"),
    ("cells/μl", "/uL"),
    ("cells/ul", "/uL"),
    ("células/mm3", "/uL"),
    ("células/mm³", "/uL"),
    ("células/µl", "/uL"),
    ("células/μl", "/uL"),
    ("cellules/mm3", "/uL"),
    ("cellules/mm³", "/uL"),
    ("cellule/mm3", "/uL"),
    ("cellule/mm³", "/uL"),
    ("zellen/µl", "/uL"),
    ("zellen/μl", "/uL"),
    ("/mm3", "/uL"),
    ("/mm³", "/uL"),
    ("/µl", "/uL"),
    ("/μl", "/uL"),
    ("/ul", "/uL"),
    ("cells", "/uL"),
    ("x 10^9/l", "10*9/L"),
    ("x10^9/l", "10*9/L"),
    ("x 10⁹/l", "10*9/L"),
    ("x10⁹/l", "10*9/L"),
    ("× 10⁹/l", "10*9/L"),
    ("×10⁹/l", "10*9/L"),
    ("× 10^9/l", "10*9/L"),
    ("×10^9/l", "10*9/L"),
    ("x10e9/l", "10*9/L"),
    ("10^9/l", "10*9/L"),
    ("copies/ml", "{copies}/mL"),
    ("copies per ml", "{copies}/mL"),
    ("copias/ml", "{copies}/mL"),
    ("copias por ml", "{copies}/mL"),
    ("cópias/ml", "{copies}/mL"),
    ("cópias por ml", "{copies}/mL"),
    ("kopien/ml", "{copies}/mL"),
    ("kopien pro ml", "{copies}/mL"),
    ("copie/ml", "{copies}/mL"),
    ("copie per ml", "{copies}/mL"),
    ("copies par ml", "{copies}/mL"),
    ("copies", "{copies}/mL"),
    ("copias", "{copies}/mL"),
    ("cópias", "{copies}/mL"),
    ("kopien", "{copies}/mL"),
    ("कॉपी/ml", "{copies}/mL"),
    ("ml/min/1.73 m2", "mL/min/{1.73_m2}"),
    ("ml/min/1.73 m²", "mL/min/{1.73_m2}"),
    ("ml/min/1.73m2", "mL/min/{1.73_m2}"),
    ("ml/min/1.73m²", "mL/min/{1.73_m2}"),
    ("ml/min", "mL/min/{1.73_m2}"),
    ("weeks'", "wk"),
    ("weeks", "wk"),
    ("week", "wk"),
    ("wks", "wk"),
    ("wk", "wk"),
    ("w", "wk"),
    ("semaines", "wk"),
    ("semanas", "wk"),
    ("settimane", "wk"),
    ("wochen", "wk"),
    ("सप्ताह", "wk"),
    ("हफ़्ते", "wk"),
    ("สัปดาห์", "wk"),
    ("days", "d"),
    ("day", "d"),
    ("d", "d"),
    ("months", "mo"),
    ("month", "mo"),
    ("years", "a"),
    ("year", "a"),
    ("yrs", "a"),
    ("yr", "a"),
    ("hours", "h"),
    ("hour", "h"),
    ("hrs", "h"),
    ("hr", "h"),
    ("h", "h"),
    ("minutes", "min"),
    ("mins", "min"),
    ("min", "min"),
    ("seconds", "s"),
    ("secs", "s"),
    ("ml/kg/h", "mL/kg/h"),
    ("ml/h", "other"),
    ("ml", "mL"),
    ("mg", "mg"),
    ("mcg", "ug"),
    ("µg", "ug"),
    ("micrograms", "ug"),
    ("mikrogramm", "ug"),
    ("microgrammes", "ug"),
    ("microgrammi", "ug"),
    ("microgramos", "ug"),
    ("microgramas", "ug"),
    ("माइक्रोग्राम", "ug"),
    ("ไมโครกรัม", "ug"),
    ("มคก.", "ug"),
    ("milligramm", "mg"),
    ("milligrammes", "mg"),
    ("milligrammi", "mg"),
    ("miligramos", "mg"),
    ("miligramas", "mg"),
    ("मिलीग्राम", "mg"),
    ("मिग्रा", "mg"),
    ("मि.ग्रा.", "mg"),
    ("มิลลิกรัม", "mg"),
    ("มก.", "mg"),
    ("มก", "mg"),
    ("units", "[IU]"),
    ("iu", "[IU]"),
    ("mmol", "mmol"),
    ("meq", "mmol"),
    ("l/min", "other"),
    ("l", "L"),
    ("g", "g"),
    ("grams", "g"),
    ("gram", "g"),
    ("gm", "g"),
    ("km", "km"),
    ("mm", "mm"),
];

/// The unit behind a number, and where it ends.
fn unit(text: &str, lower: &str, at: usize) -> Option<(&'static str, usize)> {
    let rest = lower.get(at..)?;
    let bare = rest.trim_start_matches([' ', '\u{a0}', '\u{202f}']);
    let bare = bare.strip_prefix('-').unwrap_or(bare);
    let from = at + rest.len() - bare.len();
    let first = bare.chars().next()?;
    let mut best: Option<(&'static str, usize)> = None;
    for (written, ucum) in UNITS {
        let exact = written.len() == 1 && written.starts_with(|c: char| c.is_ascii_uppercase());
        let Some(wanted) = written.chars().next() else { continue };
        if !exact && wanted != first {
            continue;
        }
        let found = if exact {
            text.get(from..).is_some_and(|rest| rest.starts_with(written))
        } else {
            bare.starts_with(written)
        };
        let end = from + written.len();
        let word = written.chars().next_back().is_some_and(super::words::is_of_word);
        let whole = !word
            || lower.get(end..).and_then(|rest| rest.chars().next()).is_none_or(|c| {
                !super::words::is_of_word(c) || (*ucum == "wk" && c.is_ascii_digit())
            });
        if found && whole && best.is_none_or(|(_, longest)| end > longest) {
            best = Some((ucum, end));
        }
    }
    best
}

/// `forty-five` as a number.
pub(super) fn in_words(words: &str) -> Option<u32> {
    const ONES: [&str; 19] = [
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 8] =
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    let mut sum = 0;
    for word in words.split(['-', ' ']) {
        let one = ONES.iter().position(|w| *w == word).map(|i| i + 1);
        let ten = TENS.iter().position(|w| *w == word).map(|i| (i + 2) * 10);
        sum += u32::try_from(one.or(ten)?).ok()?;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(String, Option<&'static str>, Part)> {
        let found = numbers(text, &crate::dose::lower_case(text));
        found.into_iter().map(|n| (n.text, n.unit, n.part)).collect()
    }

    #[test]
    fn numbers_have_units_and_partners() {
        assert_eq!(
            all("BP 96/60, T 38,6 °C, 1,200 mL"),
            [
                ("96".into(), None, Part::Pair(60.0)),
                ("60".into(), None, Part::Second),
                ("38.6".into(), Some("Cel"), Part::Alone),
                ("1200".into(), Some("mL"), Part::Alone),
            ]
        );
        assert!(all("12/03/2024 at 14:30").iter().all(|(_, _, part)| *part == Part::Other));
        let fall = all("from 70 to 61 kg");
        assert_eq!((fall[0].2, fall[1].2), (Part::Other, Part::Changed));
        assert_eq!(all("३८.६ डिग्री")[0], ("38.6".into(), Some("deg"), Part::Alone));
    }
}
