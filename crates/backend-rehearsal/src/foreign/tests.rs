//! Whole messages in each language, read back by the checks.

use super::*;
use clinstruct_quality::{check_prompt, identify};
use clinstruct_schema::{
    AgeYears, ConversationMode, FactName, Frame, FramePatient, IncomeGroup, Place, Sex, Slug,
};

fn frame(language: Language, age: AgeYears, sex: Sex, pregnant: Option<u32>) -> Frame {
    let place = Place {
        country_code: "at".to_owned(),
        country: "Austria".to_owned(),
        income: IncomeGroup::High,
        region: "EUR".to_owned(),
        setting: Slug::new("high-resource").unwrap(),
    };
    let patient = FramePatient {
        age_band: Slug::new("adults").unwrap(),
        age,
        sex,
        gender: None,
        pregnancy_weeks: pregnant,
        condition: None,
    };
    Frame { language, ..Frame::new(place, Some(patient), ConversationMode::Normal) }
}

fn facts_of(frame: &Frame) -> Vec<(String, String)> {
    let patient = frame.patient.as_ref().unwrap();
    let mut facts = vec![
        ("age".to_owned(), patient.age.measure()),
        ("sex".to_owned(), patient.sex.as_str().to_owned()),
    ];
    facts.extend(patient.pregnancy_weeks.map(|w| ("pregnant".to_owned(), format!("{w} weeks"))));
    facts
}

#[test]
fn every_worker_file_reads_and_has_what_messages_need() {
    for (language, text) in FILES {
        let worker: Worker = crate::embedded::read(text).unwrap();
        assert!(grammar(language).is_some());
        let has = |group: &str, name: &str, least: usize| {
            let n = worker.groups.get(group).and_then(|g| g.get(name)).map_or(0, Vec::len);
            assert!(n >= least, "{language:?} {group}.{name} has {n} entries");
        };
        for age in ["adult", "child", "infant", "month", "newborn"] {
            for sex in ["female", "male", "other"] {
                has("person", &format!("{age}_{sex}"), 1);
            }
        }
        for (group, name) in [
            ("case", "open"),
            ("case", "more"),
            ("question", "open"),
            ("question", "more"),
            ("question", "ask"),
            ("ask", "general"),
            ("followup", "next"),
            ("followup", "short"),
            ("reply", "unknown"),
        ] {
            has(group, name, 6);
        }
        let known = ["medicines", "vitals", "age"];
        assert!(worker.words.facts.iter().all(|kind| known.contains(&kind.kind.as_str())));
    }
}

#[test]
fn worker_languages_are_read_back_and_identified() {
    let ages = [
        AgeYears { years: 0, months: Some(0) },
        AgeYears { years: 0, months: Some(1) },
        AgeYears { years: 1, months: Some(19) },
        AgeYears { years: 7, months: None },
        AgeYears { years: 34, months: None },
        AgeYears { years: 81, months: None },
    ];
    for (language, _) in FILES {
        let (mut read, mut due, mut told, mut all) = (0, 0, 0, 0);
        for (at, age) in ages.into_iter().enumerate() {
            for sex in [Sex::Female, Sex::Male, Sex::Intersex] {
                for n in 0..60 {
                    let pregnant =
                        (age.years == 34 && sex == Sex::Female && n % 2 == 0).then_some(23);
                    let frame = frame(language, age, sex, pregnant);
                    let facts = facts_of(&frame);
                    let mut draw = Draw::from_u64(at as u64 * 1000 + n);
                    let parsed = ParsedRequest::default();
                    let written = prompt(language, &parsed, &facts, &mut draw);
                    let text = &written.text;
                    let violations = check_prompt(text, &frame);
                    assert!(violations.is_empty(), "{text}\n{violations:?}");
                    all += 1;
                    told += usize::from(identify(text) == Some(language));
                    // Newborns and ages of a month are not always read as numbers.
                    if age.years > 1 {
                        due += 1;
                        let record = clinstruct_quality::case::record(text, &frame, None);
                        let years = age.years.to_string();
                        let has = |name, value: &str| {
                            record.facts.iter().any(|f| f.name == name && f.value == value)
                        };
                        let aged = has(FactName::Age, &years);
                        read += usize::from(aged);
                        assert!(aged, "{language:?}: {text}\n{:?}", record.facts);
                        if sex != Sex::Intersex {
                            assert!(has(FactName::Sex, sex.as_str()), "{text}\n{:?}", record.facts);
                        }
                    }
                }
            }
        }
        assert_eq!(read, due, "{language:?}: ages read back");
        assert!(told * 1000 >= all * 995, "{language:?}: {told} of {all} identified");
    }
}

#[test]
fn follow_ups_answer_questions_and_keep_limits() {
    let request = |constraint| ParsedRequest {
        constraints: vec![constraint],
        patients: vec![vec![(
            "vital signs".to_owned(),
            "heart rate 88 a minute; temperature 37.2 °C; not measured: weight".to_owned(),
        )]],
        ..ParsedRequest::default()
    };
    let german = |parsed: &ParsedRequest, last: &str, n| {
        follow_up(Language::German, parsed, (last, ""), &mut Draw::from_u64(n))
    };
    for n in 0..50 {
        let short = request(Constraint::MaxWords { n: 25 });
        let text = german(&short, "Warten Sie ab.", n);
        assert!(!text.is_empty() && text.split_whitespace().count() <= 25, "{text}");
        let text = german(&short, "Wie hoch ist der Puls?", n);
        assert!(text.contains("Puls 88 pro Minute"), "{text}");
        assert!(text.contains("37,2"), "{text}");
        let exact = request(Constraint::ExactSentences { n: 4 });
        let text = german(&exact, "Warten Sie ab.", n);
        assert_eq!(text.matches(['.', '?']).count(), 4, "{text}");
    }
}

#[test]
fn the_language_of_a_line_is_its_name() {
    let of = |line: &str| wanted(&[("language".to_owned(), line.to_owned())]);
    assert_eq!(of("Write it in German, as health workers in Italy do"), Some(Language::German));
    assert_eq!(of("Write it as you like"), None);
}
