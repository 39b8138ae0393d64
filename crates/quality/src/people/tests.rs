use super::*;

#[test]
fn every_pattern_reads() {
    assert_eq!(AGES.len(), 18);
    assert!(AGES.iter().all(|ages| ["a", "é"].iter().all(|form| ages.of(form).is_some())));
    assert!(["a", "é"].iter().all(|form| CALLED.of(form).is_some()));
}

#[test]
fn what_stands_beside_a_number_leaves_out_no_pattern_that_matches() {
    let more = [
        "45 F, coughs.",
        "A 45 Y.O. woman, 45YO. M/45 and 45/F.",
        "A man AGED 45 YEARS, a woman Of 60",
        "Una mujer de 45 AÑOS, un uomo di 45 ANNI, une femme de 45 MOIS, um homem de 45 Anos.",
        "Eine 45-JÄHRIGE Frau, ein 5 Monate alter Junge, 3 Wochen altes Mädchen, 9 TAGE alt",
        "Ein Mann von 45 Jahren, ein Junge im Alter von 5 MONATEN.",
        "Una bambina di 5 MESI, la paciente tiene 45 años. Une fillette âgée de 7 mois.",
        "४५ वर्षीय महिला, एक महिला, उम्र 54 साल, ५ महीने की बच्ची",
        "ผู้หญิงวัย ๕๔ ปี ชาย 5เดือน คนไข้อายุ 30ปี",
        "The 2 boys, 12 girls and 3 men of 80 kg drank 5 mL, 10 and 20.",
        "Paciente, 55 anos, uma mulher de 33 ANOS; un hombre de 5 meses, niña, 40 años: una donna di 9 mesi",
        "Une femme âgée de 34 ans, un garçon âgé de 7 MOIS. La patiente a 5 mois; o homem tem 60 anos.",
        "Il ragazzo ha 12 anni, e la bambina ha 3 MESI. El paciente tiene 44 años y tose.",
        "Herr K. (54 Jahre), eine Dame, 81 JAHRE! Ein Mädchen von 4 Monaten, ein Mann von 50 Jahren hat",
        "Ein 14 Monate alter Junge, 3 WOCHEN ALT, 2 tage alt. Eine 8-monatige und eine 67-JÄHRIGE Frau",
        "13 साल के एक पुरुष, महिला उम्र लगभग 40 वर्ष, ३ महीने की बच्ची, 8 वर्षीय लड़के को",
        "ผู้ชายอายุ 32 ปี คนไข้ชายวัย 49ปี ผู้ป่วยอายุ 3 เดือน เด็กหญิง 5 เดือน",
    ];
    let check = &crate::checks::other_patient::CHECK;
    let mut matched = 0;
    for text in check.good.iter().chain(check.bad).chain(&more) {
        for (at, ages) in AGES.iter().enumerate() {
            if ages.is_in(text) {
                matched |= 1 << at;
                assert!(patterns(text) >> at & 1 == 1, "{at}: {text}");
            }
        }
    }
    assert_eq!(matched, (1 << AGES.len()) - 1, "{matched:b}");
    for text in [
        "For 5 months, 2 weeks, 3 days and 12 years too, 10 more, 5 women, 2 of 3, 4 years in.",
        "A dose of 500 mg; 3-day course, 2 year-round, and 5 times.",
    ] {
        assert_eq!(patterns(text), 0, "{text} {:b}", patterns(text));
    }
    assert_eq!(patterns("Give 500 mg, 5 times, for 10 and 2.5 hours; 24 h, 3."), 0);
}

#[test]
fn what_is_so_many_years_old_is_read_as_its_pattern_reads_it() {
    let parts = [
        "", " ", "-", "A ", "x", "_", "5", "45", "0145", "é", "year", "YEARS", "months", "day",
        "weeks", "hours", "old", "Of Age", "olds", " boy", "-girl", " and", ".", "—",
    ];
    let mut found = 0;
    let mut texts = vec![String::from("5-year-old boy-girl and he, a 12 days old man.")];
    for start in ["", "A ", "x", "_", "é", "—", "7"] {
        for number in ["5", "45", "145", "0145", "4.5"] {
            for one in [" ", "-", "--", ""] {
                for unit in ["year", "YEARS", "months", "Day", "weeks", "hour", "yearss"] {
                    for end in ["old", "Of Age", "olds", "old_", "of", "old—she", "of age-x"] {
                        texts.push(format!("{start}{number}{one}{unit}{one}{end} boy and 5"));
                    }
                }
            }
        }
    }
    texts.extend(parts.iter().map(|part| format!("A 45-year-old{part} tall girl from here")));
    texts.extend(
        ["é", "ก", "\u{301}", "²", "ü ", " É", "-Élise x", " \u{301}a", "़"].iter().flat_map(
            |part| [format!("A 45-year-old{part} tall girl"), format!("{part}45-year-old girlé")],
        ),
    );
    for text in &texts {
        let ages = AGES[0].of(text).unwrap();
        let expected: Vec<_> = ages.captures_iter(text).filter_map(|hit| Aged::of(&hit)).collect();
        found += expected.len();
        assert_eq!(old(text), expected, "{text}");
        assert!(expected.is_empty() || patterns(text) & 1 == 1, "{text}");
    }
    assert!(found > 100, "{found}");
}

#[test]
fn a_duration_is_no_age() {
    for text in [
        "La paciente tiene 10 años de diabetes.",
        "La patiente a été opérée il y a 10 ans.",
        "El paciente fuma desde hace 20 años.",
        "Il paziente ha 20 anni di fumo alle spalle.",
        "O paciente tem 30 anos de tabagismo.",
        "A man of 80 kg needs two people.",
        "Temp 101 F, pulse 110.",
        "She had her first fit when she was 12 years old.",
        "Die Patientin raucht seit 20 Jahren.",
    ] {
        assert!(people(text).is_empty(), "{text}: {:?}", people(text));
    }
}
