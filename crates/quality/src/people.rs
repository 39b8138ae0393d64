//! The people whose age a text gives, and how it calls them, in all languages.

mod around;
mod beside;
mod others;

use std::ops::Range;
use std::sync::LazyLock;

use clinstruct_schema::Sex;
use regex::Captures;

pub(crate) use self::around::is_of_event;
use self::around::{declined, is_limit};
use self::beside::{digit, old, patterns};
use self::others::has_other_forms;
pub(crate) use self::others::names_others;
use crate::card::Gender;
use crate::pattern::Pattern;

/// How a word speaks of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Called {
    /// A noun, which says the gender.
    Noun(Gender),
    /// `male` or `female`, which may say the recorded sex.
    Sex(Sex),
}

/// Unit of an age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Years.
    Years,
    /// Months.
    Months,
    /// Weeks or days.
    Shorter,
}

impl Unit {
    fn of(word: &str) -> Self {
        let starts = |with: &[&str]| with.iter().any(|w| word.starts_with(w));
        // German `monatig` and `Monate`, French `mois`, Romance `mes-`.
        if starts(&["month", "monat", "mois", "mes", "เดือน", "महीन"]) {
            Self::Months
        } else if starts(&["week", "day", "wöch", "woche", "tag"]) {
            Self::Shorter
        } else {
            Self::Years
        }
    }
}

/// Somebody whose age a text gives.
#[derive(Debug)]
pub(crate) struct Person {
    /// Where the age is, from the number to its unit.
    pub(crate) span: Range<usize>,
    /// The age.
    pub(crate) age: u32,
    /// Its unit.
    pub(crate) unit: Unit,
    /// Whether it may be somebody besides the patient.
    pub(crate) other: bool,
    /// How the text calls the person.
    pub(crate) called: Option<Called>,
    /// Whether it is called somebody's son or daughter.
    pub(crate) is_child: bool,
}

/// Nouns for a person, of the languages that have words between spaces.
const NOUNS: &str = r"woman|man|lady|gentleman|boy|girl|male|female|frau|mann|herrn?|dame|mädchen|jungen?|patientin|femmes?|hommes?|filles?|fillette|fils|garçon|monsieur|mujer|hombre|niñ[ao]|señora?|chic[ao]|donna|uomo|ragazz[ao]|bambin[ao]|signor[ae]|mulher|homem|menin[ao]|senhora?|moça|rapaz|hij[ao]|varón|figli[ao]|filh[ao]|tochter|sohn";

/// Words for the patient, whose gender is in the article if anywhere.
const PATIENTS: &str = "patiente?|patientin|paciente|paziente";

/// Ages with their unit. What names the person stands behind the number in English, German and Hindi, and
/// before it in the others.
static AGES: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let behind = r"(?P<behind>(?:[ -]\p{L}+){0,3})";
    let n = "(?P<n>[0-9]{1,3})";
    let who = format!("(?:{NOUNS}|{PATIENTS})");
    let romance = "ans|mois|años|meses|anni|mesi|anos";
    [
        format!(r"(?i)\b{n}[- ](?P<unit>year|month|week|day)s?[- ](?:old|of age)\b{behind}"),
        format!(r"(?i)\b{n}[- ]?(?P<unit>y/?o|y\.o\.|y-o|yrs? old)(?:\b|,| ){behind}"),
        format!(r"(?i)\b{who}(?: \p{{L}}+)?,?(?: who is| is)? aged {n}(?P<unit> months?| years?)?\b"),
        format!(r"(?i)\b(?:woman|man|lady|gentleman|boy|girl) of {n}(?P<unit> months?| years?)?\b"),
        // `45 F` may be a temperature elsewhere, and `16F` a catheter.
        format!(r"\A\s*(?:(?:Pt|pt|Patient)[:,]? )?{n} ?(?P<behind>[MF])\b[ ,.]"),
        String::from(r"\b(?P<behind>[MF])/(?P<n>[1-9][0-9])\b"),
        String::from(r"\b(?P<n>[1-9][0-9])/(?P<behind>[MF])\b"),
        format!(r"(?i)\b{n}[ -]?(?P<unit>jährig|monatig|wöchig)(?:e[nrms]?)?{behind}"),
        format!(r"(?i)\b{n} (?P<unit>jahre|monate|wochen|tage) alt(?:e[nrms]?)?\b{behind}"),
        format!(r"(?i)\b{who}(?: \p{{L}}+){{0,2}}? (?:im alter )?von {n} (?P<unit>jahren|monaten)\b"),
        // An apposition: `the patient, 45 years, ..`. The bare unit may also measure how long something lasts.
        format!(r"(?i)\b{who}(?: \p{{L}}+){{0,2}}(?:,|,? \() ?(?:de |di |âgée?s? de )?{n} (?P<unit>years|jahre|{romance})[,.;:)!?]"),
        format!(r"(?i)\b{who}(?: \p{{L}}+){{0,2}}? (?:de|di|com|âgée?s? de) {n} (?P<unit>{romance})\b"),
        format!(r"(?i)\bâgée?s? de {n} (?P<unit>ans|mois)\b"),
        // `has 45 years`, as the Romance languages say it.
        format!(r"(?i)\b{who}(?P<between>[^.!?;:\n0-9]{{0,40}}?) (?:tiene|a|ha|tem) {n} (?P<unit>{romance})(?P<next>[,.;:)!?]| \p{{L}}+)"),
        String::from(
            r"(?P<n>[0-9०-९]{1,3})[ -]?(?P<unit>वर्षीय|वर्षीया|(?:साल|वर्ष|महीने) (?:का|की|के|उम्र))(?P<behind>(?: [\x{900}-\x{97f}]+){0,3})",
        ),
        String::from(
            r"(?:महिला|पुरुष|आदमी|औरत|लड़की|लड़का|युवक|युवती|बच्ची|बच्चा|मरीज़|मरीज|रोगी)[^0-9०-९।\n]{0,12}(?:उम्र|आयु)(?: लगभग| क़रीब| करीब)? (?P<n>[0-9०-९]{1,3}) (?P<unit>साल|वर्ष|महीने)",
        ),
        String::from(
            r"(?:ผู้ป่วยหญิง|ผู้ป่วยชาย|คนไข้หญิง|คนไข้ชาย|ผู้หญิง|ผู้ชาย|เด็กหญิง|เด็กชาย|ลูกสาว|ลูกชาย|หญิง|ชาย)(?:[^0-9๐-๙\n]{0,12}(?:อายุ|วัย))? ?(?P<n>[0-9๐-๙]{1,3}) ?(?P<unit>ปี|เดือน)",
        ),
        String::from(
            r"(?:ผู้ป่วย|คนไข้)[^0-9๐-๙\n]{0,12}(?:อายุ|วัย) ?(?P<n>[0-9๐-๙]{1,3}) ?(?P<unit>ปี|เดือน)",
        ),
    ]
    .map(Pattern::new)
    .into_iter()
    .collect()
});

/// Words behind `has 45 years` and `, 45 years` by which it is how long something lasts.
const LASTING: [&str; 16] = [
    "de", "di", "d", "con", "com", "avec", "fumando", "sin", "sem", "senza", "sans", "en", "em",
    "in", "mit", "fa",
];

/// How the words before an age call the person; the last of them counts.
static CALLED: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(format!(
        r"(?i)\b(?:(?P<article>mein|meinen|meinem|unser|unseren|der|den|dem|ein|einen|einem|dieser|diesen|mon|le|un|ce|cet|el|este|o|um|meu|este|nosso|nuestro|il|questo|nostro|mio) (?:\p{{L}}+ )?(?P<man>patient(?:en)?|paciente|paziente)|(?P<la>la|una|une|a|uma|minha|nossa|esta|mia|questa|nuestra|nostra) (?:\p{{L}}+ )?(?P<woman>paciente|paziente)|(?P<patiente>patiente)|(?P<noun>{NOUNS}))\b|(?P<other>(?:मेरी|हमारी|एक महिला) (?:मरीज़|मरीज)|ผู้ป่วยหญิง|ผู้ป่วยชาย|คนไข้หญิง|คนไข้ชาย|ผู้หญิง|ผู้ชาย|เด็กหญิง|เด็กชาย|ลูกสาว|ลูกชาย|หญิง|ชาย|महिला|पुरुष|आदमी|औरत|लड़की|लड़का|युवक|युवती)"
    ))
});

/// Words for a son or a daughter, as they stand beside an age.
const CHILDREN: [&str; 17] = [
    "son",
    "daughter",
    "sohn",
    "tochter",
    "fils",
    "fille",
    "hijo",
    "hija",
    "figlio",
    "figlia",
    "filho",
    "filha",
    "बेटा",
    "बेटे",
    "बेटी",
    "ลูกสาว",
    "ลูกชาย",
];

/// Words that are forms of address, too: without an article they may speak to the reader.
const ADDRESSES: [&str; 9] =
    ["frau", "herr", "herrn", "monsieur", "señor", "señora", "signora", "senhor", "senhora"];

/// How a word, in lower case, calls somebody.
pub(crate) fn called(word: &str) -> Option<Called> {
    let men = [
        "man",
        "boy",
        "gentleman",
        "mann",
        "junge",
        "jungen",
        "herr",
        "herrn",
        "sohn",
        "son",
        "homme",
        "hommes",
        "garçon",
        "fils",
        "monsieur",
        "hombre",
        "niño",
        "varón",
        "señor",
        "chico",
        "hijo",
        "uomo",
        "ragazzo",
        "bambino",
        "signore",
        "figlio",
        "homem",
        "menino",
        "senhor",
        "rapaz",
        "filho",
        "पुरुष",
        "आदमी",
        "लड़का",
        "लड़के",
        "युवक",
        "बेटा",
        "बेटे",
        "ชาย",
        "ผู้ชาย",
        "เด็กชาย",
        "ผู้ป่วยชาย",
        "คนไข้ชาย",
        "ลูกชาย",
    ];
    let women = [
        "woman",
        "girl",
        "lady",
        "frau",
        "mädchen",
        "dame",
        "patientin",
        "tochter",
        "daughter",
        "femme",
        "femmes",
        "fille",
        "filles",
        "fillette",
        "patiente",
        "mujer",
        "niña",
        "señora",
        "chica",
        "hija",
        "donna",
        "ragazza",
        "bambina",
        "signora",
        "figlia",
        "mulher",
        "menina",
        "senhora",
        "moça",
        "filha",
        "महिला",
        "औरत",
        "लड़की",
        "युवती",
        "बेटी",
        "หญิง",
        "ผู้หญิง",
        "เด็กหญิง",
        "ผู้ป่วยหญิง",
        "คนไข้หญิง",
        "ลูกสาว",
    ];
    match word {
        "male" | "m" => Some(Called::Sex(Sex::Male)),
        "female" | "f" => Some(Called::Sex(Sex::Female)),
        _ if men.contains(&word) => Some(Called::Noun(Gender::Man)),
        _ if women.contains(&word) => Some(Called::Noun(Gender::Woman)),
        _ => None,
    }
}

/// How the words before an age call somebody, with the noun.
fn called_before(words: &str) -> Option<(Called, String)> {
    let hit = CALLED.of(words)?.captures_iter(words).last()?;
    if let Some(noun) = hit.name("man") {
        return Some((Called::Noun(Gender::Man), noun.as_str().to_lowercase()));
    }
    if let Some(noun) = hit.name("woman").or_else(|| hit.name("patiente")) {
        return Some((Called::Noun(Gender::Woman), noun.as_str().to_lowercase()));
    }
    if let Some(noun) = hit.name("other") {
        let word = noun.as_str().split(' ').next_back().unwrap_or_default();
        let said = called(word).unwrap_or(Called::Noun(Gender::Woman));
        return Some((said, word.to_owned()));
    }
    let noun = hit.name("noun")?;
    let word = noun.as_str().to_lowercase();
    if ADDRESSES.contains(&word.as_str()) {
        let mut before = words[..noun.start()].split_whitespace().rev().take(2);
        let article = |w: &str| {
            ["ein", "der", "die", "den", "dies", "un", "um", "el", "la", "il", "o", "a"].iter().any(
                |a| w.to_lowercase().strip_prefix(a).is_some_and(|end| end.chars().count() <= 2),
            )
        };
        before.any(article).then_some(())?;
    }
    Some((called(&word)?, word))
}

/// Words behind which another phrase begins: who is named there is not the one whose age was given.
const PARTING: [&str; 12] =
    ["with", "who", "and", "of", "in", "from", "at", "after", "mit", "und", "aus", "nach"];
/// Words that make the number behind `a man of` no age.
const MEASURES: [&str; 12] =
    ["kg", "kilos", "stone", "st", "lb", "pounds", "cm", "weeks", "days", "to", "or", "%"];
/// Bytes before an age among which its person is named.
const NEAR: usize = 100;
/// Ages that somebody once had.
const PAST: [&str; 9] = [
    "he was ",
    "she was ",
    "they were ",
    "als er ",
    "als sie ",
    "i was ",
    // The one who writes is no patient.
    "i am ",
    "i'm ",
    "i’m ",
];
/// Words behind an age that is nobody's: `a class of 12-year-old pupils`, `what a 10-year-old can read`.
const GENERAL: [&str; 14] = [
    "pupils", "children", "students", "patients", "girls", "boys", "women", "men", "people", "can",
    "could", "would", "should", "adults",
];

/// Digits of any of the scripts as a number.
fn number(digits: &str) -> Option<u32> {
    digits.chars().try_fold(0, |sum: u32, c| Some(sum * 10 + digit(c)?))
}

/// The end of a text, at most so many bytes.
fn tail(text: &str, most: usize) -> &str {
    let from = text.len().saturating_sub(most);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    &text[from..]
}

/// An age as a text gives it, with the words beside it.
#[derive(Debug, PartialEq, Eq)]
struct Aged<'t> {
    digits: Range<usize>,
    unit: Option<Range<usize>>,
    /// Words behind it that may name the person.
    behind: &'t str,
    /// The word behind it, by which it may be how long something lasts.
    next: &'t str,
    /// What stands between the person and the verb before it.
    between: &'t str,
}

impl<'t> Aged<'t> {
    /// What one of [`AGES`] found.
    fn of(hit: &Captures<'t>) -> Option<Self> {
        let text = |name| hit.name(name).map_or("", |m| m.as_str());
        let digits = hit.name("n")?.range();
        let unit = hit.name("unit").map(|m| m.range());
        let (behind, next, between) = (text("behind"), text("next"), text("between"));
        Some(Self { digits, unit, behind, next, between })
    }
}

/// The person whom an age is about.
fn person(text: &str, hit: &Aged<'_>) -> Option<Person> {
    let Aged { digits, behind, between, .. } = hit;
    let unit = hit.unit.clone().and_then(|unit| Some((text.get(unit.clone())?, unit)));
    let rest = text.get(digits.end..)?;
    let next = hit.next.trim_start().to_lowercase();
    // `a boy of 46 kg` has a weight.
    let measured = ["kg", "kilo", "lb", "pound", "stone", "cm", "g ", "%"];
    if unit.is_none() && measured.iter().any(|word| rest.trim_start().starts_with(word)) {
        return None;
    }
    // `il y a 10 ans` is a time.
    if LASTING.contains(&next.as_str())
        || between.ends_with(" y")
        || between.contains(',') && between.len() > 30
    {
        return None;
    }
    let measured = rest.split_whitespace().next().unwrap_or_default().to_lowercase();
    if unit.is_none()
        && (MEASURES.contains(&measured.as_str()) || rest.starts_with(['-', '–', '%', '/', '.']))
    {
        let ends =
            rest.strip_prefix('.').is_some_and(|r| !r.starts_with(|c: char| c.is_ascii_digit()));
        if !ends {
            return None;
        }
    }
    let head = text.get(..digits.start)?;
    if PAST.iter().any(|was| tail(head, 12).to_lowercase().ends_with(was)) {
        return None;
    }
    let behind_unit =
        unit.as_ref().map_or("", |(_, place)| text.get(place.end..).unwrap_or_default());
    if is_limit(head, behind_unit) {
        return None;
    }
    // Whoever was named in the same sentence may be the one whose age it is.
    let sentence = head.rfind(['.', '!', '?', '\n', '।', ';']).map_or(head, |at| &head[at..]);
    let words: Vec<String> = behind
        .split([' ', '-'])
        .filter(|w| !w.is_empty())
        .map(str::to_lowercase)
        .take_while(|w| !PARTING.contains(&w.as_str()))
        .collect();
    if words.first().is_some_and(|w| GENERAL.contains(&w.as_str())) {
        return None;
    }
    let german = unit.as_ref().is_some_and(|(u, _)| u.to_lowercase().ends_with("ig"));
    // The postposition has the gender of the noun: `का मरीज़`, `की मरीज़`.
    let hindi = unit.as_ref().and_then(|(u, _)| match u.rsplit(' ').next() {
        Some("का") => Some(Called::Noun(Gender::Man)),
        Some("की") => Some(Called::Noun(Gender::Woman)),
        _ => None,
    });
    let named = words.iter().find_map(|w| {
        let said = if german && ["patient", "patienten"].contains(&w.as_str()) {
            Some(Called::Noun(Gender::Man))
        } else if ["मरीज़", "मरीज", "रोगी"].contains(&w.as_str()) {
            hindi
        } else {
            called(w)
        };
        Some((said?, w.clone()))
    });
    let named = named.or_else(|| german.then(|| declined(head, behind_unit)).flatten());
    let named = named.or_else(|| called_before(tail(sentence, NEAR)));
    let is_child = named.as_ref().is_some_and(|(_, word)| CHILDREN.contains(&word.as_str()));
    let end = unit.as_ref().map_or(digits.end, |(_, place)| place.end);
    Some(Person {
        other: names_others(sentence) || names_others(behind),
        span: digits.start..end,
        age: number(text.get(digits.clone())?)?,
        unit: unit.map_or(Unit::Years, |(u, _)| Unit::of(u.trim_start().to_lowercase().as_str())),
        called: named.map(|(said, _)| said),
        is_child,
    })
}

/// The people whose age a text gives, in the order of the text.
pub(crate) fn people(text: &str) -> Vec<Person> {
    let mut patterns = patterns(text);
    if patterns == 0 {
        return Vec::new();
    }
    let mut found = Vec::new();
    // Nearly all ages are of this form, which needs no pattern.
    if patterns & 1 == 1 && !has_other_forms(text) {
        patterns &= !1;
        found.extend(old(text).iter().filter_map(|hit| person(text, hit)));
    }
    let others = AGES.iter().enumerate().filter(|(at, _)| patterns >> at & 1 == 1);
    for ages in others.filter_map(|(_, ages)| ages.of(text)) {
        let hits = ages.captures_iter(text).filter_map(|hit| Aged::of(&hit));
        found.extend(hits.filter_map(|hit| person(text, &hit)));
    }
    found.sort_by_key(|p| p.span.start);
    found
}

#[cfg(test)]
mod tests;
