//! Pregnancies: whether, and how far.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::Regex;

use super::numbers::Part;
use super::view::View;
use super::words::Class;

/// What a text says about a pregnancy of the patient.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pregnancy {
    pub(super) is: bool,
    /// Completed weeks.
    pub(super) weeks: Option<u32>,
    pub(super) span: Range<usize>,
}

/// Completed weeks of a pregnancy.
const WEEKS: Range<f64> = 3.0..44.0;

/// Words of a pregnancy that is only thought of.
static THOUGHT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?-u:\b)(?:if|whether|unless|could|can|may|might|would|should|were|safe|trying|plans?|planning|wants?|become|becomes|get|gets|getting|rule out|ruled out|exclude|excluded|excluding|in case|risk|was|had been|previous|previously|last|first|second|third|earlier|until|before|during her|ever|never|avoid|avoided|in a|for a|of a|in any|pending|when|wife|sister|daughter|test before|check for|suspect|possible|possibly|once|twice|history of|every|all|assume|assuming|suppose)(?-u:\b)").ok()
});

/// That the patient is pregnant, without weeks.
static YES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?-u:\b)(?:(?:is|she's|she’s|also|currently|now|heavily|\d months) pregnant|(?:my|our|the|this|a|young|year-old|F) pregnant (?:woman|patient|girl|lady|teenager|adolescent|adult)|pregnancy test (?:is |was |came back )?positive|positive pregnancy test|(?:is|now) in (?:the|her) (?:first|second|third) trimester|expecting (?:twins|a baby|her)|months along|multigravida|primigravida)(?-u:\b)|\A\s*pregnant(?-u:\b)|G\dP\d").ok()
});

/// That she is not.
static NO: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?-u:\b)(?:(?:not|isn't|isn’t|never been|non-?) ?pregnant|no pregnancy|pregnancy test (?:is |was |came back )?negative|negative pregnancy test|denies (?:any )?pregnancy|pregnancy (?:is |was |has been )?(?:ruled out|excluded)|postpartum,? day \d+|\d+ (?:days|weeks) post-?partum|gave birth (?:last|yesterday|\d+ (?:days|weeks)|a week|two|three))(?-u:\b)").ok()
});

/// In the other languages: a word for her state, and the one that denies it.
static OTHERS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?P<no>nicht schwanger|keine schwangerschaft|(?:n'est|n’est) pas enceinte|pas enceinte|no está embarazada|no esta embarazada|não está grávida|non è incinta|गर्भवती नहीं|ไม่ได้ตั้งครรภ์|ไม่ตั้งครรภ์)|(?P<yes>(?:ist|sie ist) schwanger|est enceinte|está embarazada|está grávida|è incinta|गर्भवती है|ตั้งครรภ์)").ok()
});

/// Parts of the words of [`YES`], [`NO`] and [`OTHERS`], which tell most texts without one in a single pass. None has a
/// letter with another form that is not of ASCII.
static NAMED: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let gravidity = (0..10).map(|n| format!("g{n}p"));
    let parts = [
        "pregnan",
        "partum",
        "birth",
        "trime",
        "expecting",
        "along",
        "gravida",
        "chwanger",
        "enceinte",
        "embarazada",
        "vida",
        "incinta",
        "गर्भवती",
        "ตั้งครรภ์",
    ];
    let parts = parts.into_iter().map(str::to_owned).chain(gravidity);
    AhoCorasick::builder().ascii_case_insensitive(true).build(parts).ok()
});

/// A number of weeks that needs no other word: `at 34+2 weeks`, `34 weeks pregnant`, `34/40`.
static SURE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\A(?:\+\d)?[ -]?(?:weeks?|wks?|w)?(?: (?:and )?\d days?)?['’]?[ -](?:pregnan|gestation|gravid|of (?:pregnan|gestation)|along|into (?:the|her) pregnan|amenorrh)|\A\+[0-6] ?(?:weeks?|wks?|w)(?-u:\b)").ok()
});

/// Days behind weeks with no word for either: `now at 34+2, bleeding`, but not the sum `3+3=6` of a grade.
static DAYS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\A\+[0-6](?:\z|[,.;:)!?\n]| ?[^=0-9 ])").ok());

/// Completed weeks from which such days are those of a pregnancy: smaller sums are scores and doses.
const WITH_DAYS: f64 = 10.0;

/// What a text says about a pregnancy of the patient, in its order.
pub(super) fn pregnancies(view: &View<'_>) -> Vec<Pregnancy> {
    let mut all = weeks(view);
    // The patterns know digits of other scripts, too.
    let digits = |c: char| !c.is_ascii() && c.is_numeric();
    let may = NAMED.as_ref().is_none_or(|named| named.is_match(view.text));
    if !may && (view.text.is_ascii() || !view.text.contains(digits)) {
        all.sort_by_key(|p| p.span.start);
        return all;
    }
    let state = |pattern: &Option<Regex>, is: bool| -> Vec<Pregnancy> {
        let hits = pattern.iter().flat_map(|p| p.find_iter(view.text));
        hits.filter(|hit| is_said(view, hit.range(), is))
            .map(|hit| Pregnancy { is, weeks: None, span: hit.range() })
            .collect()
    };
    let no = state(&NO, false);
    let mut yes = state(&YES, true);
    yes.retain(|y| !no.iter().any(|n| n.span.start <= y.span.end && y.span.start <= n.span.end));
    all.extend(no);
    all.extend(yes);
    for hit in OTHERS.iter().flat_map(|p| p.captures_iter(view.text)) {
        let is = hit.name("no").is_none();
        if let Some(found) = hit.get(0)
            && !all.iter().any(|p| p.weeks.is_some())
            && !view.is_of_other(&view.sentence(found.start()), found.start())
            && !is_general(view, found.range())
            && !(is && is_thought(view, &found.range()))
            // `การตั้งครรภ์` is pregnancy as a noun: `a pregnancy test`.
            && !view.between(0, found.start()).ends_with("การ")
        {
            all.push(Pregnancy { is, weeks: None, span: found.range() });
        }
    }
    all.sort_by_key(|p| p.span.start);
    all
}

/// A question about any pregnant woman, in a script without marks of its own for one.
fn is_general(view: &View<'_>, at: Range<usize>) -> bool {
    let sentence = view.sentence(at.start);
    let asks = view.between(at.end, sentence.end).trim_end().ends_with("ไหม");
    asks && view.between(sentence.start, at.start).ends_with("ในหญิง")
}

/// Thai words by which a pregnancy is one that may be, that was, or that of any woman.
const THOUGHT_IN_THAI: [&str; 7] = ["อาจ", "เคย", "ในหญิง", "ไหม", "หรือไม่", "หรือเปล่า", "สงสัย"];

/// Whether a sentence asks, or only thinks of a pregnancy.
fn is_thought(view: &View<'_>, at: &Range<usize>) -> bool {
    let sentence = view.sentence(at.start);
    let whole = view.between(sentence.start, sentence.end).trim_end();
    whole.ends_with('?')
        || view.within(sentence.start..at.start).any(|hit| hit.class == Class::Limit)
        || THOUGHT_IN_THAI.iter().any(|word| whole.contains(word))
}

/// Whether it is said of the patient, now.
fn is_said(view: &View<'_>, at: Range<usize>, is: bool) -> bool {
    let sentence = view.sentence(at.start);
    if view.is_of_other(&sentence, at.start) {
        return false;
    }
    let clause = view.clause_start(&sentence, at.start);
    let head = view.between(clause, at.start);
    let whole = view.between(sentence.start, sentence.end).trim_end();
    // `pregnant? no`, `pregnant not that i know`.
    let behind = view.lower.get(at.end..).unwrap_or_default();
    let no = |text: &str| {
        let word: String = text.trim_start().chars().take_while(|c| c.is_alphabetic()).collect();
        ["no", "not", "nope", "nein", "non"].contains(&word.as_str())
    };
    let answered = behind.strip_prefix(['?', ':']).is_some_and(no);
    if is && (answered || behind.trim_start().starts_with("not that")) {
        return false;
    }
    let tail = view.between(at.end, view.clause_end(&sentence, at.end));
    let thought = |text: &str| THOUGHT.as_ref().is_some_and(|p| p.is_match(text));
    if thought(head) || (is && tail.trim_start().starts_with(['?', 's'])) {
        return false;
    }
    let asks =
        ["is she pregnant", "is the patient pregnant", "is it", "are you", "is this", "is that"];
    let asked = whole.ends_with('?') && asks.iter().any(|ask| whole.trim_start().starts_with(ask));
    let then = ["twice", "before", "last", "times", "at the time", "then"];
    let once = then.iter().any(|word| tail.trim_start().starts_with(word));
    !is || !(asked || once)
}

/// Numbers of weeks of a pregnancy.
fn weeks(view: &View<'_>) -> Vec<Pregnancy> {
    let mut all: Vec<Pregnancy> = Vec::new();
    for number in &view.numbers {
        let at = number.span.start;
        if !WEEKS.contains(&number.value) || number.value.fract() != 0.0 {
            continue;
        }
        let sentence = view.sentence(at);
        let rest = view.lower.get(number.span.end..).unwrap_or_default();
        let head = view.between(sentence.start, at);
        // How long something lasted before birth: `breech until 36 weeks of pregnancy`.
        if ["until ", "up to ", "before "].iter().any(|word| head.ends_with(word)) {
            continue;
        }
        // Nor how far it had come when the patient was born: `born 36/40`, `ex-32-weeker`.
        let born = ["born ", "born at ", "delivered ", "delivered at ", "birth at ", "ex ", "ex-"];
        if born.iter().any(|word| head.ends_with(word)) {
            continue;
        }
        let forty = number.part == Part::Pair(40.0) && rest.trim_start().starts_with("/40");
        let dated = number.value >= WITH_DAYS
            && DAYS.as_ref().is_some_and(|p| p.is_match(rest))
            && !view
                .numbers
                .iter()
                .any(|n| n.span.start == number.span.end + 1 && n.unit.is_some());
        let sure = forty || dated || SURE.as_ref().is_some_and(|p| p.is_match(rest));
        let weeks = named_weeks(view, number.span.end, &sentence);
        let is_weeks = number.unit == Some("wk") || weeks.is_some();
        let clause = view.clause_start(&sentence, at);
        let context = view
            .within(sentence.start..at)
            .rfind(|hit| hit.class == Class::Pregnant)
            .is_some_and(|hit| view.between(hit.end, at).chars().count() <= 50);
        let lasts = [
            " for ", " since ", " past ", " last ", " over ", " every ", " next ", " in ", "for ",
            " after ", " within ",
        ];
        let lasting = lasts.iter().any(|word| {
            head.ends_with(word) || head.trim_end_matches(['a', 't', ' ']).ends_with(word)
        }) || rest
            .trim_start_matches(|c: char| c.is_alphanumeric() || c == ' ')
            .starts_with("ago")
            || view.between(number.end, sentence.end).trim_start().starts_with("ago")
            || [
                "of leave",
                "of cough",
                "of fever",
                "of pain",
                "of treatment",
                "of therapy",
                "history",
                "later",
                "postpartum",
                "post-partum",
                "after",
            ]
            .iter()
            .any(|word| view.between(number.end, sentence.end).trim_start().starts_with(word));
        let woman = [
            "year-old at ",
            "years old at ",
            "yo at ",
            "she is at ",
            "f at ",
            "woman at ",
            "patient at ",
            "now at ",
            "she's at ",
            "lady at ",
            "girl at ",
            "patient is at ",
            "dates her at ",
        ]
        .iter()
        .any(|word| head.ends_with(word));
        // `Week 34`, `SSW 34`, `la semana 34`.
        let week_of = view.within(sentence.start..at).any(|hit| {
            hit.class == Class::Weeks
                && view.between(hit.end, at).trim_matches([' ', ':']).is_empty()
        });
        let pregnant_behind = week_of
            && view.within(number.end..sentence.end).any(|hit| hit.class == Class::Pregnant);
        let weeks_end = weeks.unwrap_or(number.end).max(number.end);
        let close_behind = view.within(number.end..sentence.end).any(|hit| {
            let near = |end: usize| view.between(end, hit.start).chars().count() <= 6;
            hit.class == Class::Pregnant && (near(number.end) || near(weeks_end))
        });
        let named = (context && (is_weeks || (week_of)) && !lasting)
            || (woman && is_weeks && !lasting)
            || pregnant_behind
            || (is_weeks && !lasting && close_behind);
        if !sure && (lasting || !named) {
            continue;
        }
        let thought = view.between(clause, at);
        if THOUGHT.as_ref().is_some_and(|p| p.is_match(thought))
            || view.is_of_other(&sentence, at)
            || view.within(clause..at).any(|hit| matches!(hit.class, Class::Limit | Class::Thing))
            || view.within(clause..at).any(|hit| {
                hit.class == Class::Comparison && view.between(hit.end, at).trim().is_empty()
            })
            || matches!(number.part, Part::Other)
        {
            continue;
        }
        // The days behind the weeks are no second number.
        if all.last().is_some_and(|last| last.span.end >= at) {
            continue;
        }
        let end = if forty { number.span.end + 3 } else { number.end };
        let weeks = Some(number.value as u32);
        all.push(Pregnancy { is: true, weeks, span: at..end });
    }
    all
}

/// Endings by which a number counts in order: `34ª`, `34वाँ`.
const ORDINALS: [&str; 12] = ["ª", "º", "°", "ème", "th", "nd", "rd", "वाँ", "वां", "वें", "वे", "a"];

/// The end of a word for weeks that follows: `34. Schwangerschaftswoche`, `34+2 weeks`, `34ª semana`.
fn named_weeks(view: &View<'_>, at: usize, sentence: &Range<usize>) -> Option<usize> {
    view.within(at..view.text.len().min(sentence.end.max(at + 30).min(view.text.len())))
        .filter(|hit| hit.class == Class::Weeks)
        .find(|hit| {
            let gap = view.between(at, hit.start);
            let gap = ORDINALS.iter().find_map(|end| gap.strip_prefix(end)).unwrap_or(gap);
            gap.chars().all(|c| matches!(c, ' ' | '.' | '+') || c.is_numeric())
        })
        .map(|hit| hit.end)
}
