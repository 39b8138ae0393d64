use std::collections::BTreeMap;
use std::fmt::Write as _;

use clinstruct_quality::{dose, identify, talk, verify};
use clinstruct_schema::{Constraint, Language};
use serde::Deserialize;

#[derive(Deserialize)]
struct Corpus {
    example: Vec<Example>,
}

#[derive(Deserialize)]
struct Example {
    check: String,
    broken: bool,
    text: String,
}

fn reports(check: &str, text: &str, language: Language) -> bool {
    let broken = |c: &Constraint| verify(c, text, language).is_some_and(|v| !v.strict);
    match check {
        // Both directions: only the first is a fault of a text.
        "dose_warning" => {
            let doses = dose::find(text, language);
            doses.unwarned.is_some() || (doses.stated.is_empty() && doses.warning.is_some())
        }
        "formal" => broken(&Constraint::Formal),
        "one_step" => broken(&Constraint::OneStep),
        "two_questions" => broken(&Constraint::ClarifyingQuestions { n: 2 }),
        "opener" => talk::opener(text, language).is_some(),
        "closing" => talk::closing(text, language).is_some(),
        "question" => !talk::questions(text, language).is_empty(),
        "language" => identify(text) != Some(language),
        "meta" => talk::meta(text, language).is_some(),
        "cut" => talk::cut(text, language).is_some(),
        // An unknown check id finds nothing, and the table shows it.
        _ => false,
    }
}

#[derive(Default)]
struct Count {
    found: usize,
    missed: usize,
    false_alarms: usize,
    passed: usize,
}

/// Precision and recall of each check, over eight languages.
#[test]
fn checks_find_what_is_broken_and_nothing_else() {
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    let mut wrong = String::new();
    for language in Language::ALL {
        let path = format!("{}/corpus/checks/{}.toml", env!("CARGO_MANIFEST_DIR"), language.code());
        let corpus: Corpus = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for example in &corpus.example {
            let count = counts.entry(example.check.clone()).or_default();
            let reported = reports(&example.check, &example.text, language);
            let slot = match (example.broken, reported) {
                (true, true) => &mut count.found,
                (true, false) => &mut count.missed,
                (false, true) => &mut count.false_alarms,
                (false, false) => &mut count.passed,
            };
            *slot += 1;
            if example.broken != reported {
                let what = if reported { "false alarm" } else { "missed" };
                writeln!(
                    wrong,
                    "  {what}: {} {}: {}",
                    language.code(),
                    example.check,
                    example.text
                )
                .unwrap();
            }
        }
    }
    let mut table = String::new();
    let mut worst = 1.0_f64;
    for (check, c) in &counts {
        let share = |right: usize, wrong: usize| right as f64 / (right + wrong).max(1) as f64;
        let (precision, recall) = (share(c.found, c.false_alarms), share(c.found, c.missed));
        let all = c.found + c.missed + c.false_alarms + c.passed;
        writeln!(
            table,
            "{check:<14} {all:>4} examples  precision {precision:.3}  recall {recall:.3}"
        )
        .unwrap();
        worst = worst.min(precision).min(recall);
    }
    println!("{table}{wrong}");
    assert_eq!(counts.len(), 10);
    assert!(worst >= 0.97, "{table}{wrong}");
}
