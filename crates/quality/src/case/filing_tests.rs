//! Where the facts of messages are filed.

use clinstruct_schema::{FactName, StatedFact};

use super::record::record;
use super::standing_tests::frame;
use super::statement::fact_of;

/// The facts of some names, with values and units, where a writer listed `list` with its message.
pub(super) fn filed(
    text: &str,
    list: &[(FactName, &str, &str)],
    names: &[FactName],
) -> Vec<String> {
    let list: Vec<StatedFact> =
        list.iter().map(|(name, value, unit)| fact_of(*name, value, unit)).collect();
    let stated = record(text, &frame(), Some(&list));
    let shown = |f: &StatedFact| {
        let unit = if f.unit == "1" { String::new() } else { format!(" [{}]", f.unit) };
        format!("{}: {}{unit}", f.name.as_str(), f.value)
    };
    stated.facts.iter().filter(|f| names.contains(&f.name)).map(shown).collect()
}

pub(super) const TEXTS: [FactName; 5] = [
    FactName::Complaint,
    FactName::Finding,
    FactName::Condition,
    FactName::History,
    FactName::Other,
];

fn social(text: &str, list: &[(FactName, &str, &str)]) -> Vec<String> {
    filed(text, list, &[FactName::Social])
}

#[test]
fn what_a_relative_reports_is_no_social_fact() {
    for text in [
        "A girl of 13. Her mother says that since Sunday she has been drinking and passing water day and night.",
        "Boy of 2. His grandfather saw him chew on a watch about three hours ago, and he drools.",
        "The family thinks the pacemaker is broken, but the device works. She is 71.",
        "Mum says he has been hot and cross for two days.",
        "58M with bipolar disorder, swallowed his brother's tablets an hour ago.",
        "Woke at night, 2 vomits, now sleepy. Dad thinks it is the new food.",
        "She fell at nursery an hour ago and her father brought her.",
        "Ein Mädchen von 13 Jahren. Die Mutter sagt, dass sie seit Tagen trinkt und Wasser lässt.",
        "Une fille de 13 ans. Sa mère dit qu'elle boit et urine sans arrêt depuis dix jours.",
        "Niña de 13 años. Su madre dice que bebe y orina sin parar desde hace días.",
        "Ragazza di 13 anni. La madre dice che beve e urina in continuazione da giorni.",
        "Menina de 13 anos. A mãe diz que ela bebe e urina sem parar há dias.",
    ] {
        assert_eq!(social(text, &[]), [] as [String; 0], "{text}");
    }
}

#[test]
fn how_a_patient_lives_is_read_from_the_message() {
    for (text, facts) in [
        ("A man of 60 lives alone above a bakery. He coughs.", &["lives alone above a bakery"][..]),
        (
            "Retired miner, 66, short of breath; smokes 20 a day.",
            &["Retired miner", "smokes 20 a day"],
        ),
        (
            "Her son says she drinks two bottles of wine a day and has vomited blood.",
            &["drinks two bottles of wine a day"],
        ),
        (
            "A woman of 30 works as a nurse and does not smoke.",
            &["works as a nurse", "does not smoke"],
        ),
        ("A 45-year-old bus driver with chest pain since noon.", &["bus driver"]),
        ("Mrs K, 70, lives with her son who smokes; she coughs.", &["lives with her son"]),
        ("A man of 30 who uses heroin was found in a park.", &["uses heroin"]),
        ("A man of 64 with 40 pack-years, coughs.", &["40 pack-years"]),
        ("Frau, 70, lebt allein, raucht nicht mehr.", &["lebt allein", "raucht nicht mehr"]),
        (
            "Homme de 60 ans, vit seul, fume 10 cigarettes par jour.",
            &["vit seul", "fume 10 cigarettes par jour"],
        ),
        (
            "Hombre de 60 años, vive solo, bebe dos litros de cerveza al día.",
            &["vive solo", "bebe dos litros de cerveza al día"],
        ),
        (
            "Uomo di 60 anni, vive da solo, fuma 20 sigarette al giorno.",
            &["vive da solo", "fuma 20 sigarette al giorno"],
        ),
        (
            "Homem de 60 anos, mora sozinho, fuma 20 cigarros por dia.",
            &["mora sozinho", "fuma 20 cigarros por dia"],
        ),
    ] {
        let facts: Vec<String> = facts.iter().map(|f| format!("social: {f}")).collect();
        assert_eq!(social(text, &[]), facts, "{text}");
    }
    for text in [
        "Her husband smokes at home. She is 30 and coughs.",
        "Does she live alone? A woman of 80 with a cough.",
        "If he lives alone I would admit him.",
        "A teenager drinks a lot and has lost weight.",
        "She is drinking more than usual.",
        "A woman of 50 was bitten by a farmer. Write it for a student.",
    ] {
        assert_eq!(social(text, &[]), [] as [String; 0], "{text}");
    }
}

#[test]
fn a_listed_social_fact_says_how_the_patient_lives() {
    let text = "His aunt says he has been hot since noon. He lives with her, vomited three times and is drinking a lot. \
        Sells fruit at the bus station.";
    let list = [
        (FactName::Complaint, "vomited three times", ""),
        (FactName::Complaint, "hot since noon", ""),
        (FactName::Social, "His aunt says he has been hot since noon", ""),
        (FactName::Social, "vomited three times", ""),
        (FactName::Social, "drinking a lot", ""),
        (FactName::Social, "sells fruit at the bus station", ""),
        (FactName::Social, "His aunt says he lives with her", ""),
    ];
    assert_eq!(
        filed(text, &list, &[FactName::Social, FactName::Complaint]),
        [
            "complaint: vomited three times",
            "complaint: hot since noon",
            "complaint: drinking a lot",
            "social: sells fruit at the bus station",
            "social: lives with her",
        ]
    );
}

#[test]
fn results_in_words_are_measurements_whatever_they_are_listed_as() {
    let text = "Shivering for two days. Malaria RDT positive, urine dipstick clear. HIV test negative, pregnancy test negative.";
    let list = [
        (FactName::Complaint, "shivering for two days, malaria RDT positive", ""),
        (FactName::Finding, "urine dipstick clear", ""),
        (FactName::History, "HIV test negative", ""),
        (FactName::Condition, "pregnancy test negative", ""),
    ];
    assert_eq!(
        filed(text, &list, &TEXTS),
        [
            "complaint: shivering for two days",
            "other: malaria RDT positive",
            "other: urine dipstick clear",
            "other: HIV test negative",
            "other: pregnancy test negative",
        ]
    );
}

#[test]
fn a_result_that_nobody_listed_is_not_lost() {
    for (text, result) in [
        ("She is pale, the malaria rapid test is negative.", "malaria rapid test is negative"),
        ("Fever. Negative dengue NS1, T 38.9.", "Negative dengue NS1"),
        (
            "The throat swab came back today with group A streptococci, sensitive to penicillin. She takes nothing.",
            "throat swab came back today with group A streptococci, sensitive to penicillin",
        ),
        (
            "Urine dipstick positive for nitrites and blood. She is 30.",
            "Urine dipstick positive for nitrites and blood",
        ),
        ("HIV and syphilis tests negative. He is 30.", "HIV and syphilis tests negative"),
        ("Blood culture grew Klebsiella and he shivers.", "Blood culture grew Klebsiella"),
        ("Er fiebert, der Malaria-Schnelltest ist negativ.", "Malaria-Schnelltest ist negativ"),
        ("Fièvre depuis deux jours, TDR paludisme négatif.", "TDR paludisme négatif"),
        (
            "Fiebre desde ayer, la prueba rápida de malaria es negativa.",
            "prueba rápida de malaria es negativa",
        ),
        (
            "Febbre da ieri, il test rapido per la malaria è negativo.",
            "test rapido per la malaria è negativo",
        ),
        (
            "Febre desde ontem, o teste rápido de malária deu negativo.",
            "teste rápido de malária deu negativo",
        ),
    ] {
        assert_eq!(filed(text, &[], &TEXTS), [format!("other: {result}")], "{text}");
    }
}

#[test]
fn what_is_no_result_of_the_patient_is_none() {
    for text in [
        "If the malaria test is positive I will treat.",
        "Is the pregnancy test negative?",
        "A negative RDT does not rule it out.",
        "The HIV test is pending.",
        "Her husband's HIV test is positive.",
        "She was vaccinated against hepatitis B.",
        "No malaria test has been done.",
        "Treated for malaria and the chest is clear.",
        "In her culture this is normal.",
        "Ketones 4.2 and reflexes normal.",
        "Sollte der Malaria-Schnelltest negativ sein, warten wir.",
        "Si le TDR est négatif, je la renvoie.",
        "¿La prueba rápida de malaria es negativa?",
        "Se il test rapido è negativo, aspetto.",
        "Se o teste rápido for negativo, espero.",
    ] {
        assert_eq!(filed(text, &[], &TEXTS), [] as [String; 0], "{text}");
    }
    let text = "HIV test last year negative. She is pale.";
    assert_eq!(filed(text, &[], &TEXTS), ["history: HIV test last year negative"]);
    // A complaint beside a result stays one, an earlier test is history, and a disease is a condition.
    let text = "Vomiting despite a negative pregnancy test. Smear positive tuberculosis in 2015. HIV positive.";
    let list = [
        (FactName::Complaint, "vomiting despite a negative pregnancy test", ""),
        (FactName::History, "smear positive tuberculosis in 2015", ""),
        (FactName::Condition, "HIV positive", ""),
    ];
    let all = filed(text, &list, &TEXTS);
    assert_eq!(
        all,
        [
            "complaint: vomiting despite a negative pregnancy test",
            "history: smear positive tuberculosis in 2015",
            "condition: HIV positive",
        ]
    );
}

#[test]
fn laboratory_values_have_a_name_and_a_unit_wherever_they_are_listed() {
    let labs = [FactName::WhiteCells, FactName::Neutrophils, FactName::Platelets];
    let names: Vec<FactName> = TEXTS.into_iter().chain(labs).collect();
    let text = "Last week white cells 5.9 and neutrophils 3.2 (x10^9/L). Today he coughs.";
    let list = [(FactName::History, "white cells 5.9 and neutrophils 3.2", "")];
    assert_eq!(
        filed(text, &list, &names),
        [
            "other: last week: white cells 5.9 [10*9/L]",
            "other: last week: neutrophils 3.2 [10*9/L]"
        ]
    );
    for (text, is) in [
        (
            "Letzte Woche Kreatinin 88 µmol/l, heute hustet er.",
            "letzte Woche: Kreatinin 88 µmol/l [umol/L]",
        ),
        (
            "La semaine dernière créatinine 88 µmol/l, il tousse.",
            "la semaine dernière: créatinine 88 µmol/l [umol/L]",
        ),
        (
            "La semana pasada creatinina 88 µmol/l, tose.",
            "la semana pasada: creatinina 88 µmol/l [umol/L]",
        ),
        (
            "La settimana scorsa creatinina 88 µmol/l, tossisce.",
            "la settimana scorsa: creatinina 88 µmol/l [umol/L]",
        ),
        (
            "Na semana passada creatinina 88 µmol/l, tosse.",
            "na semana passada: creatinina 88 µmol/l [umol/L]",
        ),
    ] {
        assert_eq!(filed(text, &[], &[FactName::Other]), [format!("other: {is}")], "{text}");
    }
    let text = "White cells 14.2, platelets 310. He coughs.";
    let list = [(FactName::Complaint, "white cells 14.2 and platelets 310", "")];
    assert_eq!(
        filed(text, &list, &names),
        ["white_cells: 14.2 [10*9/L]", "platelets: 310 [10*9/L]"]
    );
    // What an earlier value is told for stays where it was listed.
    let text = "Platelets 90 now, platelets 310 last year.";
    let list = [(FactName::History, "platelets 310 last year", "")];
    assert_eq!(
        filed(text, &list, &names),
        ["history: platelets 310 last year", "platelets: 90 [10*9/L]"]
    );
}

#[test]
fn a_measurement_without_a_name_of_its_own_keeps_its_unit() {
    for (text, value, unit, is) in [
        (
            "Capillary refill of 4 seconds.",
            "capillary refill 4",
            "s",
            "capillary refill 4 seconds [s]",
        ),
        ("Capillary refill 4, pale.", "capillary refill 4", "", "capillary refill 4 s [s]"),
        (
            "Rekapillarisierungszeit 4 s.",
            "Rekapillarisierungszeit 4",
            "s",
            "Rekapillarisierungszeit 4 s [s]",
        ),
        ("Relleno capilar 4, pálida.", "relleno capilar 4", "", "relleno capilar 4 s [s]"),
        ("Chloride 108 mmol/L today.", "chloride 108", "mmol/L", "chloride 108 mmol/L [mmol/L]"),
        ("pH 7.21 on the gas.", "pH 7.21", "", "pH 7.21"),
    ] {
        let list = [(FactName::Other, value, unit)];
        assert_eq!(filed(text, &list, &[FactName::Other]), [format!("other: {is}")], "{text}");
    }
}

#[test]
fn a_single_dose_stays_in_the_history() {
    let text = "Given haloperidol 5 mg IM last night. Took two ampicillin capsules for a tooth.";
    let list = [
        (FactName::History, "haloperidol 5 mg IM last night", ""),
        (FactName::History, "took two ampicillin capsules for a tooth", ""),
    ];
    assert_eq!(
        filed(text, &list, &TEXTS),
        [
            "history: haloperidol 5 mg IM last night",
            "history: took two ampicillin capsules for a tooth"
        ]
    );
}

#[test]
fn a_result_belongs_to_one_test() {
    for (text, expected) in [
        (
            "Dipstick:\nnitrites positive\nCulture sent this morning.",
            &["other: nitrites positive"][..],
        ),
        ("Nitrites positive culture pending.", &["other: Nitrites positive"]),
        ("HIV test negative malaria film awaited.", &["other: HIV test negative"]),
        ("Urine: leucocytes positive\nHCG not done.", &["other: leucocytes positive"]),
        ("Negative malaria film today.", &["other: Negative malaria film"]),
    ] {
        assert_eq!(filed(text, &[], &[FactName::Other]), expected, "{text}");
    }
}

#[test]
fn what_the_patient_has_now_is_no_history() {
    for (text, value) in [
        ("Girl of 6, hot to touch, vomiting since yesterday.", "vomiting since yesterday"),
        ("He has had a cough for three days.", "cough for three days"),
        ("Fieber seit gestern, trinkt gut.", "Fieber seit gestern"),
        ("Elle a des douleurs depuis deux jours.", "douleurs depuis deux jours"),
    ] {
        let facts = filed(text, &[(FactName::History, value, "")], &TEXTS);
        assert_eq!(facts, [format!("complaint: {value}")], "{text}");
    }
    let text = "A girl of 6 with a temperature of 38.9 since yesterday. What now?";
    let list = [(FactName::History, "temperature of 38.9 since yesterday", "")];
    let facts = filed(text, &list, &[FactName::History, FactName::Temperature]);
    assert_eq!(facts, ["temperature: 38.9 [Cel]"]);
    let text = "Temperature 39.2 yesterday, none today. Pulse 88.";
    let facts = filed(text, &[], &[FactName::History, FactName::Finding]);
    assert!(facts.iter().all(|f| f.starts_with("finding: ")) && facts.len() == 1, "{facts:?}");
}

#[test]
fn what_was_stays_history() {
    for value in [
        "seizure three days ago",
        "seizure-free for two weeks",
        "admitted for three days with pneumonia",
        "previous bleeding for two weeks",
        "on dialysis for three weeks",
        "fever for two weeks in 2019",
    ] {
        let text = format!("A woman of 45. History: {value}. Any advice?");
        let facts = filed(&text, &[(FactName::History, value, "")], &TEXTS);
        assert_eq!(facts, [format!("history: {value}")], "{value}");
    }
}

#[test]
fn what_has_lasted_since_a_time_is_of_now() {
    let names = [FactName::Temperature, FactName::Neutrophils, FactName::Other];
    for (text, facts) in [
        ("Temperature 38.9 since yesterday.", &["temperature: 38.9 [Cel]"][..]),
        ("Temperatur 38,9 seit gestern.", &["temperature: 38.9 [Cel]"]),
        ("Température 38,9 depuis hier.", &["temperature: 38.9 [Cel]"]),
        ("Temperatura 38,9 desde ayer.", &["temperature: 38.9 [Cel]"]),
        ("Temperatura 38,9 °C da ieri.", &["temperature: 38.9 [Cel]"]),
        (
            "Her counts from last week: neutrophils 4.1.",
            &["other: last week: neutrophils 4.1 [10*9/L]"],
        ),
    ] {
        assert_eq!(filed(text, &[], &names), facts, "{text}");
    }
}

#[test]
fn a_result_told_in_a_sentence_is_a_finding() {
    let told = "punch biopsy back after nine days: superficial spreading melanoma of the back, invasion depth 3 mm";
    for (value, unit, name) in [
        (told, "mm", "finding"),
        (
            "CT chest: patchy ground-glass change in both lower lobes, no effusion, no large nodes",
            "1",
            "finding",
        ),
        (
            "urine dipstick: glucose 3+, ketones negative, nitrites negative, leucocytes negative, blood negative",
            "1",
            "other",
        ),
        (
            "blood culture grew MRSA, sensitive to vancomycin and linezolid after 24 hours of incubation",
            "1",
            "other",
        ),
        ("lipase 95 U/L", "U/L", "other"),
        ("malaria rapid test negative", "1", "other"),
    ] {
        let text = format!("A man of 50. {value}. What next?");
        let found = filed(&text, &[(FactName::Other, value, unit)], &TEXTS);
        assert!(
            found.iter().any(|fact| fact.starts_with(&format!("{name}: "))),
            "{value}: {found:?}"
        );
    }
}

#[test]
fn once_daily_is_no_overdose() {
    for (text, medicine) in [
        (
            "BP 148/92 on amlodipine 10 mg OD + furosemide 40 mg BD. UO 1.5 L/d.",
            "amlodipine 10 mg OD",
        ),
        ("Dapsone stopped, PO fluids, folic acid 5 mg OD. D7: Hb 8.1.", "folic acid 5 mg OD"),
    ] {
        let found = filed(
            text,
            &[(FactName::Medicine, medicine, "1")],
            &[FactName::Medicine, FactName::Complaint],
        );
        assert!(found.contains(&format!("medicine: {medicine}")), "{found:?}");
    }
    let text = "Amitriptyline 900 mg, an OD two hours ago, drowsy.";
    let list = [(FactName::Medicine, "amitriptyline 900 mg", "1")];
    assert!(filed(text, &list, &[FactName::Medicine]).is_empty());
}

#[test]
fn a_unit_is_that_of_its_own_number() {
    let text = "Urine pH 5.0. On amlodipine 5 mg daily. Ferritin 12 ng/mL. Zinc 8 µg/L.";
    let list = [
        (FactName::Other, "urine pH 5.0", "1"),
        (FactName::Other, "ferritin 12", "1"),
        (FactName::Other, "zinc 8 µg/L", "ug"),
    ];
    let found = filed(text, &list, &[FactName::Other]);
    assert!(found.contains(&"other: urine pH 5.0".to_owned()), "{found:?}");
    assert!(found.iter().any(|fact| fact.starts_with("other: ferritin 12 ng/mL")), "{found:?}");
    assert!(found.contains(&"other: zinc 8 µg/L [ug/L]".to_owned()), "{found:?}");
}
