//! Every rule in every language, measured by the simplest means.

use std::collections::{BTreeMap, HashSet};

use clinstruct_backend_rehearsal::{Rates, Rehearsal};
use clinstruct_batch_client::request_id;
use clinstruct_schema::{Constraint, Instruction, Language, Meaning, Message, Role, Speaker};

use crate::{ASSISTANT, RULE, answer, engine, instruction, language_text, request};

/// Answers examined per rule and language.
const ANSWERS: u64 = 25;

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|l| !l.is_empty())
}

fn bullets(text: &str) -> usize {
    lines(text)
        .filter(|l| l.starts_with("- ") || l.starts_with("* ") || l.starts_with("• "))
        .count()
}

fn numbered(text: &str) -> usize {
    lines(text)
        .filter(|l| {
            let rest = l.trim_start_matches(|c: char| c.is_ascii_digit());
            rest.len() < l.len() && (rest.starts_with(". ") || rest.starts_with(") "))
        })
        .count()
}

fn headings(text: &str) -> usize {
    lines(text).filter(|l| l.trim_start_matches('#').starts_with(' ') && l.starts_with('#')).count()
}

/// Sentence ends: a mark before white space or the end, without a digit before it.
fn sentences(text: &str) -> usize {
    let all: Vec<char> = text.trim().chars().collect();
    (0..all.len())
        .filter(|i| {
            matches!(all[*i], '.' | '?' | '!' | '।')
                && all.get(i + 1).is_none_or(|c| c.is_whitespace())
                && !(all[*i] == '.' && *i > 0 && all[i - 1].is_ascii_digit() && all.len() > i + 1)
        })
        .count()
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

fn has_markdown(text: &str) -> bool {
    text.contains("**")
        || text.contains('`')
        || text.contains("| ")
        || headings(text) > 0
        || bullets(text) > 0
}

/// Whether a text obeys a rule; `None` if the rule does not apply to this language or cannot be checked by code.
fn keeps(rule: &Constraint, text: &str, language: Language) -> Option<bool> {
    let n = |n: &u32| *n as usize;
    Some(match rule {
        Constraint::ExactSentences { .. } | Constraint::MinWords { .. }
            if language == Language::Thai =>
        {
            return None;
        }
        Constraint::ExactSentences { n: k } => sentences(text) == n(k),
        Constraint::MaxWords { n: k } => words(text) <= n(k),
        Constraint::MinWords { n: k } => words(text) >= n(k),
        Constraint::MaxCharacters { n: k } => text.chars().count() <= n(k),
        Constraint::ExactBullets { n: k } => bullets(text) == n(k),
        Constraint::Bullets => bullets(text) > 1,
        Constraint::ExactNumbered { n: k } => numbered(text) == n(k),
        Constraint::Steps => numbered(text) > 1,
        Constraint::ExactHeadings { n: k } => headings(text) == n(k),
        Constraint::TableColumns { n: k } => {
            let rows: Vec<usize> = lines(text)
                .filter(|l| l.starts_with('|'))
                .map(|l| l.trim_matches('|').split('|').count())
                .collect();
            rows.len() > 2 && rows.iter().all(|r| *r == n(k))
        }
        Constraint::ExactParagraphs { n: k } => {
            text.split("\n\n").filter(|p| !p.trim().is_empty()).count() == n(k)
        }
        Constraint::ExactLines { n: k } => lines(text).count() == n(k),
        Constraint::NoMarkdown => !has_markdown(text),
        Constraint::Markdown => has_markdown(text),
        Constraint::StartsWithTitle => {
            lines(text).next().is_some_and(|l| l.starts_with("**") && l.ends_with("**"))
        }
        Constraint::EndsWith { marker } => text.trim_end().ends_with(marker.as_str()),
        Constraint::Contains { term } => text.to_lowercase().contains(&term.to_lowercase()),
        Constraint::Excludes { term } => !text.to_lowercase().contains(&term.to_lowercase()),
        Constraint::ClarifyingQuestions { n: k } => text.matches('?').count() == n(k),
        Constraint::OneStep | Constraint::AsksFirst if language == Language::Thai => return None,
        Constraint::OneStep => text.trim_end().ends_with('?'),
        Constraint::AsksFirst => text.contains('?'),
        Constraint::JsonObject { keys } => {
            let value: Result<BTreeMap<String, serde_json::Value>, _> = serde_json::from_str(text);
            value.is_ok_and(|v| v.len() == keys.len() && keys.iter().all(|k| v.contains_key(k)))
        }
        Constraint::Language { .. }
        | Constraint::Formal
        | Constraint::DoseWarning
        | Constraint::Judged { .. } => return None,
    })
}

fn rules() -> Vec<Constraint> {
    vec![
        Constraint::ExactSentences { n: 4 },
        Constraint::MaxWords { n: 50 },
        Constraint::MinWords { n: 150 },
        Constraint::MaxCharacters { n: 320 },
        Constraint::ExactBullets { n: 5 },
        Constraint::Bullets,
        Constraint::ExactNumbered { n: 4 },
        Constraint::Steps,
        Constraint::ExactHeadings { n: 3 },
        Constraint::TableColumns { n: 3 },
        Constraint::ExactParagraphs { n: 3 },
        Constraint::ExactLines { n: 6 },
        Constraint::NoMarkdown,
        Constraint::Markdown,
        Constraint::StartsWithTitle,
        Constraint::EndsWith { marker: "END OF ADVICE".into() },
        Constraint::Contains { term: "Buruli".into() },
        Constraint::ClarifyingQuestions { n: 2 },
        Constraint::OneStep,
        Constraint::AsksFirst,
        Constraint::JsonObject { keys: vec!["summary".into(), "advice".into()] },
    ]
}

#[test]
fn every_rule_is_kept_in_every_language() {
    let mut broken = Vec::new();
    let mut looked_at = 0;
    for rule in rules() {
        let engine = engine(rule.clone(), Rates::none());
        let asked = RULE.replace("{n}", &count(&rule).unwrap_or(1).to_string());
        for language in Language::ALL {
            for seed in 0..ANSWERS {
                let text = answer(&engine, &[&asked, &language_text(language)], seed);
                looked_at += 1;
                if keeps(&rule, &text, language) == Some(false) {
                    broken.push(format!("{rule:?} in {}: {text}", language.code()));
                }
            }
        }
    }
    assert_eq!(looked_at, rules().len() as u64 * 8 * ANSWERS);
    assert!(broken.is_empty(), "{} of {looked_at}, such as {}", broken.len(), broken[0]);
}

fn count(rule: &Constraint) -> Option<u32> {
    let value = serde_json::to_value(rule).ok()?;
    u32::try_from(value.get("n")?.as_u64()?).ok()
}

/// A term to leave out is one that answers contain when nothing forbids it.
#[test]
fn a_term_to_leave_out_is_left_out() {
    let term = "patient";
    let engine = engine(Constraint::Excludes { term: term.into() }, Rates::none());
    let rule = RULE.replace("{n}", "1");
    let has = |i: &[&str], seed| answer(&engine, i, seed).to_lowercase().contains(term);
    assert!((0..40).any(|seed| has(&[], seed)));
    assert!(!(0..40).any(|seed| has(&[&rule], seed)));
}

#[test]
fn a_rule_that_is_not_in_the_request_is_not_kept() {
    for rule in rules() {
        let engine = engine(rule.clone(), Rates::none());
        let kept = (0..60)
            .filter(|seed| {
                let case = format!("Case {seed}.");
                keeps(&rule, &answer(&engine, &[&case], *seed), Language::English) == Some(true)
            })
            .count();
        let all = matches!(rule, Constraint::NoMarkdown);
        assert!(all || kept < 50, "{rule:?} is kept unasked by {kept} of 60");
    }
}

#[test]
fn the_language_asked_for_is_the_one_written() {
    let engine = engine(Constraint::Formal, Rates::none());
    let mut seen = HashSet::new();
    for language in Language::ALL {
        let expected = match language {
            Language::English => whatlang::Lang::Eng,
            Language::German => whatlang::Lang::Deu,
            Language::French => whatlang::Lang::Fra,
            Language::Italian => whatlang::Lang::Ita,
            Language::Portuguese => whatlang::Lang::Por,
            Language::Hindi => whatlang::Lang::Hin,
            Language::Spanish => whatlang::Lang::Spa,
            Language::Thai => whatlang::Lang::Tha,
        };
        let right = (0..100)
            .map(|seed| answer(&engine, &[&language_text(language)], seed))
            .filter(|text| whatlang::detect_lang(text) == Some(expected))
            .count();
        assert!(right >= 98, "{}: {right} of 100", language.code());
        seen.insert(expected);
    }
    assert_eq!(seen.len(), 8);
}

/// With the rule, every answer that states a dose says that it must be verified; doses do occur.
#[test]
fn a_dose_comes_with_a_warning_where_it_is_asked_for() {
    let engine = engine(Constraint::DoseWarning, Rates::none());
    let rule = RULE.replace("{n}", "1");
    let dosed = |text: &str| text.contains(" mg");
    let mut doses = 0;
    for seed in 0..200 {
        let with = answer(&engine, &[&rule, &format!("Case {seed}.")], seed);
        let lower = with.to_lowercase();
        let warned = ["verif", "check", "confirm", "formulary"].iter().any(|w| lower.contains(w));
        if dosed(&with) {
            doses += 1;
            assert!(warned, "{with}");
        }
    }
    assert!((20..180).contains(&doses), "{doses} of 200 state a dose");
}

#[test]
fn answers_differ_and_the_same_request_gets_the_same() {
    let engine = engine(Constraint::Formal, Rates::none());
    let all = || -> Vec<String> {
        (0..400).map(|seed| answer(&engine, &[&format!("Case {seed}.")], seed)).collect()
    };
    let (texts, again) = (all(), all());
    assert_eq!(texts, again);
    assert_eq!(texts.iter().collect::<HashSet<_>>().len(), 400);
    let mut openings: BTreeMap<String, usize> = BTreeMap::new();
    for text in &texts {
        let opening: Vec<&str> = text.split_whitespace().take(3).collect();
        *openings.entry(opening.join(" ")).or_default() += 1;
    }
    let most = openings.values().max().copied().unwrap_or_default();
    assert!(most <= 40, "one opening stands before {most} of 400");
}

#[test]
fn what_a_message_asks_for_once_binds_its_answer_alone() {
    let text = "Close with the line DONE.";
    let keep = Meaning::Keep { constraint: Constraint::EndsWith { marker: "DONE".into() } };
    for once in [true, false] {
        let known = vec![
            instruction("role", ASSISTANT, Meaning::Role { speaker: Speaker::Assistant }),
            Instruction { once, ..instruction("end", text, keep.clone()) },
        ];
        let engine = Rehearsal::new(known, Rates::none(), None);
        let ends = |messages: &[(Role, &str)]| {
            let mut request = request(&[], 7).request;
            request.messages.truncate(1);
            let say = |(role, content): &(Role, &str)| Message {
                role: *role,
                content: (*content).into(),
            };
            request.messages.extend(messages.iter().map(say));
            engine.answer(&request, request_id(&request)).trim_end().ends_with("DONE")
        };
        let asks = format!("What now? {text}");
        assert!(ends(&[(Role::User, &asks)]));
        let later =
            [(Role::User, asks.as_str()), (Role::Assistant, "Rest."), (Role::User, "And then?")];
        assert_eq!(ends(&later), !once);
        let later =
            [(Role::User, "What now?"), (Role::Assistant, "Rest."), (Role::User, asks.as_str())];
        assert!(ends(&later));
    }
}
