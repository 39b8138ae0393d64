//! Faults that are put into clean texts by code, in eight languages: `corpus/planted/`.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clinstruct_quality::{PatientFacts, Turn};
use clinstruct_schema::{Constraint, Language, Sex, Speaker};
use serde::Deserialize;

use crate::answers::{Count, Example, alarms, examples, facts, head, least, read, share};

/// What is found of the kinds that fall short of the aim of 0.99.
const BELOW: &[(&str, f64)] = &[];
/// Largest share of texts on which a check reports what was not planted: the aim.
const FALSE_ALARMS: f64 = 0.005;
/// Faults of each kind in each language.
const EACH: usize = 40;

/// The sentences of a language; `corpus/planted/README.md` says what they are.
#[derive(Deserialize)]
struct Sentences {
    dose: Vec<String>,
    warning: Vec<String>,
    praise: Vec<String>,
    offer: Vec<String>,
    question: Vec<String>,
    meta: Vec<String>,
    tails: Vec<String>,
    patient: Frames,
}

#[derive(Deserialize)]
struct Frames {
    woman: Vec<String>,
    man: Vec<String>,
}

/// Control tokens and role tags, which belong to no language.
const TOKENS: [&str; 12] = [
    "<|im_end|>",
    "</s>",
    "<|eot_id|>",
    "[INST]",
    "[/INST]",
    "<end_of_turn>",
    "<|endoftext|>",
    "<<SYS>>",
    "<think>",
    "<|start_header_id|>assistant<|end_header_id|>",
    "<|im_start|>user",
    "<user>: ",
];

/// A text with what was put into it.
struct Planted {
    kind: &'static str,
    /// The alarm that it has to raise; `None` where it is clean.
    fault: Option<&'static str>,
    /// Alarms that it may raise as well, since the fault can be seen so, too.
    also: &'static [&'static str],
    /// The text before.
    clean: String,
    text: String,
    speaker: Speaker,
    patient: Option<PatientFacts>,
}

fn answer(kind: &'static str, fault: &'static str, clean: &str, text: String) -> Planted {
    let (fault, clean, speaker) = (Some(fault), clean.to_owned(), Speaker::Assistant);
    Planted { kind, fault, also: &[], clean, text, speaker, patient: None }
}

/// Whether the last line is a sentence rather than a row, a point or a diagnosis.
fn ends_in_prose(text: &str) -> bool {
    let last = text.lines().last().unwrap_or_default();
    let point = |c: char| "-|*#".contains(c) || c.is_ascii_digit();
    !last.starts_with(point) && last.chars().count() > 40
}

/// Puts a sentence before a text, after it, or between its paragraphs.
fn insert(text: &str, sentence: &str, place: usize) -> String {
    match place % 3 {
        0 if ends_in_prose(text) => format!("{text} {sentence}"),
        1 => format!("{sentence}\n\n{text}"),
        2 if text.contains("\n\n") && !text.contains("|\n\n") => {
            text.replacen("\n\n", &format!("\n\n{sentence}\n\n"), 1)
        }
        _ => format!("{text}\n\n{sentence}"),
    }
}

fn before(text: &str, sentence: &str, n: usize) -> String {
    let prose = text.starts_with(char::is_alphabetic);
    let space = if n.is_multiple_of(2) && prose { " " } else { "\n\n" };
    format!("{sentence}{space}{text}")
}

fn after(text: &str, sentence: &str, n: usize) -> String {
    let space = if n.is_multiple_of(2) && ends_in_prose(text) { " " } else { "\n\n" };
    format!("{text}{space}{sentence}")
}

/// Breaks a text off: in every second one after a word that needs another, otherwise inside a word.
fn cut(text: &str, tail: &str, n: usize, language: Language) -> String {
    let whole = text.trim_end_matches(['.', '!', '।', ')', '"', '»', '”']);
    // A Thai text can end with any word, so that only a word that needs another shows the cut.
    if n.is_multiple_of(2) || language == Language::Thai {
        return format!("{whole} {tail}");
    }
    let mut end = whole.len() * 9 / 10;
    let inside = |at: usize| {
        whole.is_char_boundary(at)
            && whole[at..].starts_with(char::is_alphabetic)
            && whole[..at].ends_with(char::is_alphabetic)
    };
    while !inside(end) {
        end -= 1;
    }
    whole[..end].to_owned()
}

/// The digits of the script of a language, in every second text.
fn number(n: u32, i: usize, language: Language) -> String {
    let zero = match language {
        Language::Hindi if i % 2 == 1 => '०',
        Language::Thai if i % 2 == 1 => '๐',
        _ => '0',
    };
    let digit = |c: char| char::from_u32(u32::from(zero) + c.to_digit(10).unwrap()).unwrap();
    n.to_string().chars().map(digit).collect()
}

/// Messages about a patient, with facts that agree in age and sex, or differ in one of them.
fn people(frames: &Frames, language: Language) -> Vec<Planted> {
    let ages = [23, 31, 38, 45, 52, 64, 71, 86];
    let mut all = Vec::new();
    for i in 0..EACH {
        let age = ages[i % ages.len()];
        let (of, sex, other) = if i % 2 == 0 {
            (&frames.woman, Sex::Female, Sex::Male)
        } else {
            (&frames.man, Sex::Male, Sex::Female)
        };
        let text = of[i % of.len()].replace("{age}", &number(age, i / 2, language));
        let speaker = if i % 3 == 0 { Speaker::User } else { Speaker::PromptWriter };
        let (kind, also) = ("patient", &[] as &[_]);
        let planted = |kind, fault, patient| Planted {
            kind,
            fault,
            also,
            clean: String::new(),
            text: text.clone(),
            speaker,
            patient,
        };
        all.push(planted(kind, None, Some(facts(age, sex))));
        all.push(planted("age", Some("contradiction"), Some(facts(age + 9, sex))));
        all.push(planted("sex", Some("contradiction"), Some(facts(age, other))));
    }
    all
}

/// One of a list, which begins again at its end.
fn pick<T>(of: &[T], i: usize) -> &T {
    &of[i % of.len()]
}

/// All planted texts of a language.
fn planted(language: Language, all: &BTreeMap<&str, Vec<Example>>) -> Vec<Planted> {
    let sentences: Sentences = read("planted", language);
    let clean: Vec<&Example> = all[language.code()].iter().collect();
    let undosed: Vec<&Example> = clean.iter().copied().filter(|e| e.doses == 0).collect();
    let prose: Vec<&Example> =
        clean.iter().copied().filter(|e| ends_in_prose(e.text.trim())).collect();
    let foreign: Vec<&Example> = all
        .iter()
        .filter(|(code, _)| **code != language.code())
        .flat_map(|(_, texts)| texts.iter().filter(|e| ends_in_prose(&e.text)).take(EACH / 7 + 1))
        .collect();

    let mut planted = people(&sentences.patient, language);
    for i in 0..EACH {
        let text = pick(&clean, i).text.trim();
        let without = pick(&undosed, i).text.trim();
        let ending = pick(&prose, i).text.trim();
        let other = pick(&foreign, i).text.trim();
        let Sentences { dose, warning, praise, offer, question, meta, tails, .. } = &sentences;
        let (dose, warning) = (pick::<String>(dose, i), pick::<String>(warning, i));
        let meta = pick::<String>(meta, i);
        let meta = if meta.ends_with(':') || i % 2 == 1 {
            before(text, meta, 1)
        } else {
            after(text, meta, i)
        };
        let praised = before(text, pick::<String>(praise, i), i);
        let offered = after(text, pick::<String>(offer, i), i);
        let asked = insert(text, pick::<String>(question, i), i);
        let tagged = insert(text, TOKENS[i % TOKENS.len()], i);
        let broken_off = cut(ending, pick::<String>(tails, i), i, language);
        let mixed = format!("{text}\n\n{other}");
        planted.extend([
            answer("dose", "dose_without_warning", without, insert(without, dose, i)),
            answer("warning", "warning_without_dose", without, insert(without, warning, i)),
            answer("praise", "opener", text, praised),
            // An offer can be worded as a question.
            Planted { also: &["question"], ..answer("offer", "closing", text, offered) },
            answer("question", "question", text, asked),
            // "Here is the revised version" is an announcement as well.
            Planted { also: &["opener"], ..answer("meta", "meta", text, meta) },
            // A text that ends in a token may look broken off.
            Planted { also: &["truncated"], ..answer("token", "token", text, tagged) },
            answer("cut off", "truncated", ending, broken_off),
            answer("foreign text", "language", other, other.to_owned()),
            answer("foreign paragraph", "language", text, mixed),
        ]);
    }
    for example in clean {
        let text = example.text.trim().to_owned();
        planted.push(Planted { fault: None, ..answer("clean", "", "", text) });
    }
    planted
}

#[test]
fn planted_faults_are_found() {
    let mut all: BTreeMap<&str, Vec<Example>> = BTreeMap::new();
    for language in Language::ALL {
        let clean = examples(language).into_iter().filter(Example::is_clean_answer).collect();
        all.insert(language.code(), clean);
    }
    let mut counts: BTreeMap<(&str, &str), Count> = BTreeMap::new();
    let mut wrong = String::new();
    for language in Language::ALL {
        let code = language.code();
        for Planted { kind, fault, also, clean, text, speaker, patient } in planted(language, &all)
        {
            let instructions = vec![&Constraint::DoseWarning];
            let turn = Turn { language, instructions, patient, ..Turn::new(speaker, &text) };
            let before = alarms(&Turn { text: &clean, ..turn.clone() });
            let alarms = alarms(&turn);
            let count = counts.entry((kind, code)).or_default();
            if let Some(fault) = fault {
                let found = alarms.contains_key(fault);
                count.add(true, found);
                if !found {
                    writeln!(wrong, "  {code} {kind} missed: {}", head_and_end(&text)).unwrap();
                }
            }
            // Of a text in another language nothing else can be told, and what the clean text
            // raises is counted there.
            let expected = |alarm: &str| {
                fault == Some(alarm)
                    || also.contains(&alarm)
                    || fault == Some("language")
                    || before.contains_key(alarm)
            };
            let false_alarm = alarms.iter().find(|(alarm, _)| !expected(alarm));
            count.add(false, false_alarm.is_some());
            if let Some((alarm, detail)) = false_alarm {
                let text = head_and_end(&text);
                writeln!(wrong, "  {code} {kind} false: {alarm} ({detail}): {text}").unwrap();
            }
        }
    }

    let mut table = String::new();
    let mut kinds: BTreeMap<&str, Count> = BTreeMap::new();
    let (mut texts, mut false_alarms) = (0, 0);
    for ((kind, code), count) in &counts {
        writeln!(table, "{kind:<17} {code} {count}").unwrap();
        let faults = count.found + count.missed;
        assert!(faults >= 30 || ["clean", "patient"].contains(kind), "{kind} {code} {faults}");
        let sum = kinds.entry(kind).or_default();
        sum.found += count.found;
        sum.missed += count.missed;
        sum.false_alarms += count.false_alarms;
        sum.passed += count.passed;
        false_alarms += count.false_alarms;
        texts += count.false_alarms + count.passed;
    }
    for (kind, count) in &kinds {
        writeln!(table, "{kind:<17} ** {count}").unwrap();
    }
    writeln!(table, "{false_alarms} of {texts} texts with a false alarm").unwrap();
    println!("{table}{wrong}");
    for (kind, count) in &kinds {
        assert!(count.recall() >= least(BELOW, kind), "{kind}\n{table}{wrong}");
    }
    assert!(share(false_alarms, texts) <= FALSE_ALARMS, "{table}{wrong}");
}

/// The first and last words of a text.
fn head_and_end(text: &str) -> String {
    let skip = text.chars().count().saturating_sub(60);
    let end: String = text.chars().skip(skip).collect();
    format!("{} .. {}", head(text), end.replace('\n', " / "))
}
