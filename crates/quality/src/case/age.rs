//! Ages and sexes of the patient.

mod nobodys;

use std::ops::Range;
use std::sync::LazyLock;

use clinstruct_schema::{AgeYears, FactName, Sex};
use regex::{Captures, Regex};

use self::nobodys::is_nobodys;
use super::numbers::in_words;
use super::view::View;
use super::words::Class;
use crate::card::Gender;
use crate::people::{Called, Person, Unit, called};

/// An age that is said of the patient.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Age {
    pub(super) span: Range<usize>,
    pub(super) number: u32,
    /// `a`, `mo`, `wk` or `d`.
    pub(super) unit: &'static str,
    pub(super) called: Option<Called>,
    /// Without a unit, so that it may be another number of the patient.
    pub(super) bare: bool,
}

impl Age {
    /// Whether it is the patient's, a year more or less, and a month more or less in an infant.
    pub(super) fn is(&self, known: AgeYears) -> bool {
        let n = self.number;
        match (self.unit, known.total_months()) {
            ("a", None) => n.abs_diff(known.years) <= 1,
            ("a", Some(_)) => n <= 1,
            ("mo", Some(months)) => n.abs_diff(months) <= 1,
            ("mo", None) => n / 12 == known.years || (n <= 24 && known.years <= 2),
            ("wk", months) => months.is_some_and(|m| (n / 4).abs_diff(m) <= 1),
            (_, months) => months.is_some_and(|m| (n / 30).abs_diff(m) <= 1),
        }
    }
}

/// What [`people`](crate::people) does not read: the shorthand of notes, and an age without a noun.
///
/// `n` is the number, `word` one in letters, `unit` its unit; `sex` calls the person.
static MORE: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let n = "(?P<n>[0-9]{1,3})";
    let noun = "woman|man|female|male|lady|gentleman|girl|boy";
    [
        // `she is 45`, `she's 45`, `turned 45`, `the lady is 77`.
        format!(r"(?i)(?-u:\b)(?:she|he|they|patient|pt|lady|gentleman|woman|man|girl|boy|child)(?:'s|’s| is| turned)(?: now| only| already| just| about| around| actually)* {n}(?P<bare>[ ,.;:!?)]|$)"),
        format!(r"(?i)(?-u:\b)age[d]?(?: of| is|:|=|,)? ?{n}(?P<free>(?-u:\b))"),
        format!(r"(?i)(?-u:\b)(?P<sex>{noun})(?:,|:| \(|, aged| of)? ?{n}(?: ?(?:y|yrs?|years?))?(?P<bare>[,.;:)]|$)"),
        format!(r"(?i)(?-u:\b)(?P<sex>{noun})(?: patient)?(?:,|:|/| \() ?{n} ?(?P<unit>y|yrs?|years?|mo|months?)(?-u:\b)"),
        format!(r"(?i)(?-u:\b){n}[- ]?(?P<unit>y|yr|yrs|year|years|yo|y/o|mo|months?|mths?)[- ]?(?:old)?[,]? (?P<sex>{noun})(?-u:\b)"),
        format!(r"(?i)(?-u:\b){n}[- ](?P<unit>y|yr|yrs|year|mo|mth|month|week|wk|day)s?[- ]old(?-u:\b)"),
        format!(r"(?:^|[\n,(:.] ?|(?i:patient|pt|Hi|Hello)[,:]? ){n} ?(?P<unit>y|yrs?|years)(?P<comma>[,.;)]|$)"),
        // `45F`, `Pt 53F`, `45yoF`, `28 F,`.
        String::from(r"(?-u:\b)(?P<n>[0-9]{1,2})(?P<short> ?)(?:y|yo|yrs?|y/o)? ?(?P<sex>[MF])(?P<end>[ ,.;:)]|$)"),
        String::from(r"(?-u:\b)(?P<sex>[MF])(?:[/,]| |, ?)(?P<n>[0-9]{1,2})(?P<bare>[ ,.;:)]|$)"),
        String::from(r"(?-u:\b)At (?P<n>[0-9]{2,3}),? (?:she|he|they)(?-u:\b)"),
        String::from(r"(?i)(?-u:\b)with (?:her|his) (?P<n>[0-9]{1,3}) years(?-u:\b)"),
        String::from(r"(?i)(?-u:\b)(?P<word>(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen)[- ](?P<unit>year|month|week|day)s?[- ](?:old|of age)(?-u:\b)"),
        // The other languages.
        format!(r"(?i)(?:\A|[.!?,;] ?)(?:alter|âge|age|edad|età|idade) ?:? ?{n} (?P<unit>jahre|monate|ans|mois|años|meses|anni|mesi|anos)(?-u:\b)"),
        format!(r"(?i)(?:\A|[.!?:;] )(?:elle|il|ella|él|lei|lui|ela|ele) (?:a|tiene|ha|tem) {n} (?P<unit>ans|mois|años|meses|anni|mesi|anos)(?-u:\b)"),
        format!(r"(?:\A|[.!?] )(?:Sie|Er|Die Patientin|Der Patient) ist {n}(?: und|[,.;])"),
        format!(r"(?i)(?-u:\b)(?:patientin|mann|frau),? \(?{n}(?:\)| (?P<unit>J)\.)"),
        format!(r"(?i)(?-u:\b)(?:kleinkind|student|nourrisson|nouveau-né|bébé|enfant|étudiant|lactante|bebé|recién nacido|estudiante|lattante|neonat[oa]|bimb[oa]|studente|lactente|recém-nascido|adolescente)(?:,| de| di| ha| tiene| tem| a)? {n} (?P<unit>jahre|monate|tage|ans|mois|semaines?|jours?|años|meses|semanas?|días?|anni|mesi|settimane|giorni|anos|dias?)(?-u:\b)"),
        // `il s'agit d'une agricultrice de 45 ans`.
        format!(r"(?i)(?:\A|[ .,;:])(?:il s['’]agit d['’]une?|c['’]est une?|es una?|se trata de una?|trata-se de uma?|é uma?|è un[a'’]?|si tratta di un[a'’]?) ?\p{{L}}+ (?:de|di) {n} (?P<unit>ans|mois|años|meses|anni|mesi|anos)(?-u:\b)"),
        // `Madame Rai a 45 ans`.
        format!(r"(?-u:\b)(?i:madame|monsieur|mme|señora?|signora?|senhora?|dona|doña|sra\.|sr\.)(?: \p{{Lu}}[\p{{L}}-]+)+ (?:a|tiene|ha|tem) {n} (?P<unit>ans|mois|años|meses|anni|mesi|anos)(?-u:\b)"),
        String::from(r"(?:उम्र|आयु):? (?P<n>[0-9]{1,3}) (?P<unit>साल|वर्ष|महीने)"),
        String::from(r"(?P<n>[0-9]{1,3}) (?P<unit>दिन|हफ़्ते|हफ्ते|महीने) (?:का|की) (?:नवजात|बच्चा|बच्ची|शिशु)"),
        String::from(r"อายุ ?(?P<n>[0-9]{1,3}) ?(?P<unit>ปี|เดือน|สัปดาห์|วัน)"),
    ]
    .iter()
    .filter_map(|pattern| Regex::new(pattern).ok())
    .collect()
});

/// Words behind a bare number by which it is no age.
const COUNTED: [&str; 28] = [
    "kg", "kilo", "cm", "weeks", "week", "wks", "months", "month", "days", "hours", "%", "percent",
    "lb", "pounds", "minutes", "minute", "out", "mg", "ml", "degrees", "beats", "breaths", "over",
    "mmhg", "per", "tablets", "on", "bpm",
];

/// Ends of the words for children and young people in the other languages.
const CHILDREN: [&str; 13] = [
    "kind",
    "student",
    "nourrisson",
    "né",
    "bé",
    "ant",
    "ante",
    "ente",
    "cido",
    "nato",
    "nata",
    "mbo",
    "mba",
];

/// All ages of the patient, in the order of the text, whose `people` are known.
pub(super) fn ages(view: &View<'_>, people: &[Person]) -> Vec<Age> {
    let mut all: Vec<Age> = people
        .iter()
        .filter(|person| !person.other)
        .filter_map(|person| of_person(view, person))
        .collect();
    let may = beside(view);
    let patterns = MORE.iter().enumerate().filter(|(at, _)| may >> at & 1 == 1);
    for hit in patterns.flat_map(|(_, pattern)| pattern.captures_iter(view.text)) {
        let Some(age) = of_hit(view, &hit) else { continue };
        match all.iter_mut().find(|a| a.span.start == age.span.start) {
            Some(known) => known.called = known.called.or(age.called),
            None => all.push(age),
        }
    }
    all.retain(|age| !is_nobodys(view, age));
    all.sort_by_key(|age| age.span.start);
    all
}

/// Bit set of the patterns of [`MORE`] that a text may match, by what stands beside its numbers: most are no ages, and
/// each pattern reads all of the text.
fn beside(view: &View<'_>) -> u32 {
    // The patterns take these for an s and a k.
    if !view.text.is_ascii() && view.text.contains(['\u{17f}', '\u{212a}']) {
        return u32::MAX;
    }
    let (text, lower) = (view.text.as_bytes(), view.lower.as_bytes());
    let ends = |head: &[u8], words: &[&str]| words.iter().any(|w| head.ends_with(w.as_bytes()));
    // The text before one of these, where it ends with it.
    let without = |head: &'_ [u8], words: &[&str]| {
        let word = words.iter().find(|word| head.ends_with(word.as_bytes()));
        head.len() - word.map_or(0, |word| word.len())
    };
    let mut found = 0;
    if ["-old", " old", "of age"].iter().any(|word| view.lower.contains(word)) {
        found |= 1 << 11;
    }
    let mut at = 0;
    while let Some(start) = lower[at..].iter().position(u8::is_ascii_digit) {
        let start = at + start;
        at = start + lower[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let head = &lower[..start];
        let near = &head[..without(head, &[" "])];
        let noun = |head: &[u8]| ends(head, &["man", "male", "lady", "girl", "boy"]);
        let unit = &lower[at..];
        let unit = unit.strip_prefix(b" ").or(unit.strip_prefix(b"-")).unwrap_or(unit);
        let begins = |first: &[u8]| unit.first().is_some_and(|byte| first.contains(byte));
        let mut add = |pattern: u32, may: bool| found |= u32::from(may) << pattern;
        add(0, near.len() < head.len() && ends(near, &["s", "d", "w", "y", "t"]));
        let age = &near[..without(near, &[" of", " is", ":", "=", ","])];
        add(1, ends(age, &["age", "aged"]));
        let called = &near[..without(near, &[", aged", ",", ":", " (", " of"])];
        add(2, noun(called));
        let called = &near[..without(near, &[",", ":", "/", " ("])];
        add(3, noun(&called[..without(called, &[" patient"])]));
        add(4, begins(b"ym"));
        add(5, begins(b"ymwd"));
        add(6, begins(b"y"));
        let exact = text[at..].trim_ascii_start();
        add(7, begins(b"y") || exact.starts_with(b"M") || exact.starts_with(b"F"));
        let sex = &near[..without(near, &["/", ","])];
        add(8, ends(sex, &["m", "f"]));
        add(9, ends(head, &["at "]));
        add(10, ends(head, &["her ", "his "]));
        // `jahre`, `monate`, `ans`, `años`.
        let foreign =
            matches!(unit, [b'j', ..] | [b'm', b'o' | b'e', ..] | [b'a', b'n' | 0x80.., ..]);
        add(12, foreign);
        add(13, foreign);
        add(14, ends(head, &["ist "]));
        let called = &head[..without(head, &["("])];
        let called = &called[..without(called, &[", ", " "])];
        add(15, ends(called, &["patientin", "mann", "frau"]));
        let child = &near[..without(near, &[",", " de", " di", " ha", " tiene", " tem", " a"])];
        add(16, ends(child, &CHILDREN));
        add(17, foreign);
        add(18, foreign);
        // Hindi and Thai.
        let letters = unit.first().is_some_and(|byte| !byte.is_ascii());
        (19..22).for_each(|pattern| add(pattern, letters));
    }
    found
}

fn of_person(view: &View<'_>, person: &Person) -> Option<Age> {
    let word = view.between(person.span.start, person.span.end);
    let week = ["week", "woch", "wöch", "wk"].iter().any(|w| word.contains(w));
    let unit = match person.unit {
        Unit::Years => "a",
        Unit::Months => "mo",
        Unit::Shorter if week => "wk",
        Unit::Shorter => "d",
    };
    let sentence = view.sentence(person.span.start);
    (!view.is_of_other(&sentence, person.span.start)).then_some(Age {
        span: person.span.clone(),
        number: person.age,
        unit,
        called: person.called,
        bare: false,
    })
}

fn of_hit(view: &View<'_>, hit: &Captures<'_>) -> Option<Age> {
    let digits = hit.name("n").or_else(|| hit.name("word"))?;
    let number = match digits.as_str().parse::<u32>() {
        Ok(number) => number,
        Err(_) => in_words(&digits.as_str().to_lowercase())?,
    };
    let rest = view.lower.get(digits.end()..)?;
    if hit.name("unit").is_none() {
        let next = rest.trim_start().split([' ', ',', '.', ';']).next().unwrap_or_default();
        if COUNTED.contains(&next) || is_joined(rest) {
            return None;
        }
    }
    // A bare number behind a verb ends its phrase: `she is 91 on air` is no age.
    if hit.name("bare").is_some_and(|m| m.as_str() == " ") {
        let next = rest.trim_start().split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
        let ends = [
            "and", "years", "year", "yrs", "yr", "with", "but", "so", "who", "now", "y", "w",
            "last", "this",
        ];
        if !ends.contains(&next) {
            return None;
        }
    }
    if hit.name("short").is_some_and(|m| m.as_str() == " ") && number >= 93 {
        return None;
    }
    let shorthand = hit.name("end").is_some();
    let tube = ["catheter", "foley", "tube", "gauge", "sheath", "ng"];
    if shorthand
        && tube.iter().any(|word| rest.trim_start_matches(['f', 'm', ' ']).starts_with(word))
    {
        return None;
    }
    let unit = hit.name("unit").map_or("a", |unit| {
        let unit = unit.as_str().to_lowercase();
        let is = |starts: &[&str]| starts.iter().any(|start| unit.starts_with(start));
        if is(&["mo", "mth", "mes", "महीन", "เดือน"]) {
            "mo"
        } else if is(&["w", "sem", "sett", "हफ", "สัปดาห์"]) {
            "wk"
        } else if is(&["d", "tag", "jour", "gior", "दिन", "วัน"]) {
            "d"
        } else {
            "a"
        }
    });
    if unit == "a" && number > 115 {
        return None;
    }
    let sentence = view.sentence(digits.start());
    let said = hit.name("sex").map(|m| m.as_str().to_lowercase());
    let head = view.between(sentence.start, digits.start());
    let fraction =
        head.strip_suffix(['.', ',', '/']).is_some_and(|h| h.ends_with(char::is_numeric));
    if fraction {
        return None;
    }
    // `when she was 12`, `I am 28`: another time, another person.
    let earlier =
        ["i am ", "i'm ", "i’m ", "was ", "were ", "bed ", "room ", "day ", "ของเธอ", "ของเขา"];
    if earlier.iter().any(|word| head.ends_with(word))
        || view.is_of_other(&sentence, digits.start())
    {
        return None;
    }
    let named = hit.name("free").is_some() || hit.name("word").is_some();
    let bare = hit.name("unit").is_none() && said.is_none() && !named;
    if bare && hit.get(0).is_some_and(|m| is_measured(view, m.start(), number)) {
        return None;
    }
    let end = hit.name("unit").map_or(digits.end(), |m| m.end());
    let called = said.and_then(|s| called(&s));
    Some(Age { span: digits.start()..end, number, unit, called, bare })
}

/// Whether what is measured was named right before: `last thing, weight: he's 97`.
fn is_measured(view: &View<'_>, at: usize, number: u32) -> bool {
    view.hits.iter().filter(|hit| hit.end <= at).any(|hit| {
        let Class::Label(name) = hit.class else { return false };
        let gap = view.between(hit.end, at).trim();
        matches!(gap, ":" | "?" | "-" | "–" | "—" | "=" | "," | "...")
            && super::sizes::is_plausible(name, f64::from(number))
            // `a fever, she is 38 and` speaks of both.
            && (gap != "," || !matches!(name, FactName::Temperature | FactName::PainScore))
    })
}

/// Whether a number goes on: a decimal, a range, a ratio.
fn is_joined(rest: &str) -> bool {
    let mut chars = rest.chars();
    match chars.next() {
        Some('.' | ',' | ':') => chars.next().is_some_and(|c| c.is_ascii_digit()),
        Some('/' | '-' | '–' | '%' | '+' | '°') => !rest.starts_with("-year"),
        _ => false,
    }
}

/// The sex that a text gives of the patient, and where.
pub(super) fn sex(view: &View<'_>, ages: &[Age]) -> Option<(Sex, Range<usize>)> {
    let of = |word| match word {
        Called::Noun(Gender::Woman) => Some(Sex::Female),
        Called::Noun(Gender::Man) => Some(Sex::Male),
        Called::Noun(Gender::Either) => None,
        Called::Sex(sex) => Some(sex),
    };
    let aged = ages.iter().find_map(|age| Some((of(age.called?)?, age.span.clone())));
    aged.or_else(|| named(view).and_then(|(word, place)| Some((of(word)?, place)))).or_else(|| {
        pronoun(view).map(|(gender, place)| {
            let sex = if gender == Gender::Woman { Sex::Female } else { Sex::Male };
            (sex, place)
        })
    })
}

/// A noun with which the patient is named without an age: `this man`, `our female patient`, `sex: male`.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)(?-u:\b)(?:",
        r"(?:my|our|the|this|that) (?:(?:sick|ill|old|young|elderly|older|younger|poor|pregnant|anxious|tired|same|little) ){0,2}(?P<a>man|woman|boy|girl|lady|gentleman)(?-u:\b)(?P<who> who shares| next door| next to| from the next| in the next| in the other)?",
        r"|(?:my|our|the|this)? ?(?P<b>male|female) patient(?-u:\b)",
        r"|(?:patient|pt|sex|gender)(?: is| was|:|,)+ ?(?:an? )?(?:[a-z]+ )?(?P<c>male|female|man|woman|boy|girl|lady|gentleman)(?-u:\b)",
        r"|(?:\A|[.!?] )(?P<d>male|female)[,.]",
        r"|(?-i:(?P<e>Mr|Mrs|Ms|Miss)\.? \p{Lu})",
        r"|pregnant (?P<f>woman|girl|lady)(?-u:\b))"
    ))
    .ok()
});

/// How a text names the patient without an age.
pub(super) fn named(view: &View<'_>) -> Option<(Called, Range<usize>)> {
    for hit in NAMED.as_ref()?.captures_iter(view.text) {
        if hit.name("who").is_some() {
            continue;
        }
        let word = ["a", "b", "c", "d", "e", "f"].iter().find_map(|group| hit.name(group))?;
        let said = match word.as_str().to_lowercase().as_str() {
            "mr" => Some(Called::Noun(Gender::Man)),
            "mrs" | "ms" | "miss" => Some(Called::Noun(Gender::Woman)),
            other => called(other),
        };
        let sentence = view.sentence(word.start());
        if let Some(said) = said
            && !view.is_of_other(&sentence, word.start())
        {
            return Some((said, word.range()));
        }
    }
    None
}

/// Pronouns of one person.
static PRONOUNS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?-u:\b)(?:(?P<f>she|her|hers|herself)|(?P<m>he|his|him|himself))(?-u:\b)")
        .ok()
});

/// Whether an age in years stands at the head of a line of notes, without a unit: `55, BP 158/96`.
pub(super) fn is_noted(view: &View<'_>, age: AgeYears) -> bool {
    view.numbers.iter().any(|number| {
        let before = view.between(0, number.span.start);
        let behind = view.between(number.span.end, view.lower.len());
        number.unit.is_none()
            && number.value.to_bits() == f64::from(age.years).to_bits()
            && (before.is_empty() || before.ends_with(['\n', '(']))
            && behind.starts_with([',', ';', ')', '\n'])
    })
}

/// How many pronouns of one person a text has.
pub(super) fn pronouns(view: &View<'_>) -> usize {
    PRONOUNS.as_ref().map_or(0, |pronouns| pronouns.find_iter(view.text).count())
}

/// The gender of the pronouns of a text that speaks of one person only.
pub(super) fn pronoun(view: &View<'_>) -> Option<(Gender, Range<usize>)> {
    if view.hits.iter().any(|hit| hit.class == super::words::Class::Person) {
        return None;
    }
    let mut seen = None;
    for hit in PRONOUNS.as_ref()?.captures_iter(view.text) {
        let gender = if hit.name("f").is_some() { Gender::Woman } else { Gender::Man };
        let place = hit.get(0)?.range();
        match &seen {
            None => seen = Some((gender, place)),
            Some((first, _)) if *first != gender => return None,
            Some(_) => {}
        }
    }
    seen
}

#[cfg(test)]
mod tests;
