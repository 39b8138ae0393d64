//! Values that stand, and others, in messages with and without a list of facts.

use clinstruct_schema::{
    ConversationMode, FactName, Frame, FramePatient, IncomeGroup, Place, Sex, Slug, StatedFact,
};

use super::record;
use super::standing::readings;
use super::view::View;

/// A woman of 45 in Nepal.
pub(super) fn frame() -> Frame {
    let slug = |s: &str| Slug::new(s).unwrap();
    let place = Place {
        country_code: "np".into(),
        country: "Nepal".into(),
        income: IncomeGroup::LowerMiddle,
        region: "SEAR".into(),
        setting: slug("low-resource"),
    };
    let patient = FramePatient {
        age_band: slug("adult"),
        age: clinstruct_schema::AgeYears { years: 45, months: None },
        sex: Sex::Female,
        gender: None,
        pregnancy_weeks: None,
        condition: None,
    };
    Frame::new(place, Some(patient), ConversationMode::Normal)
}

/// The facts of a message, with a list that names `list`.
fn of(text: &str, list: &[(FactName, &str, &str)]) -> Vec<String> {
    let fact = |(name, value, unit): &(FactName, &str, &str)| StatedFact {
        name: *name,
        value: (*value).to_owned(),
        unit: (*unit).to_owned(),
    };
    let listed: Vec<StatedFact> = list.iter().map(fact).collect();
    let stated = record(text, &frame(), Some(&listed));
    let facts = stated.facts.iter();
    facts.map(|f| format!("{} {} {}", f.name.as_str(), f.value, f.unit)).collect()
}

#[test]
fn a_time_belongs_to_its_own_clause_in_thai() {
    let list = [(FactName::Weight, "20", "kg"), (FactName::Temperature, "39.2", "Cel")];
    let all =
        of("ขอช่วยปรับยาให้ผู้ป่วย หนัก 20 กก. หลังผ่าตัดวันที่ 4 เมื่อวานมีไข้ 39.2 °C แผลแห้งดี ไม่บวมแดง", &list);
    assert!(all.contains(&"weight 20 kg".to_owned()), "{all:?}");
    // Yesterday's fever ends where the wound begins.
    assert!(all.iter().all(|fact| !(fact.contains("39.2") && fact.contains("แผล"))), "{all:?}");
}

#[test]
fn a_threshold_in_advice_is_no_measurement() {
    let temperature = [(FactName::Temperature, "38", "Cel")];
    for text in [
        "Sheet for home: Come at once for fever of 38 °C, or if she vomits.",
        "Sheet for home: Fever of 38 °C: come at once.",
        "Come back at once if:\n- she vomits\n- a temperature of 38 °C\nThanks.",
        "Merkblatt: Kommen Sie sofort, wenn sie erbricht, bei Fieber von 38 °C.",
        "Feuille : revenez pour une fièvre de 38 °C.",
        "Hoja: acuda de inmediato, fiebre de 38 °C.",
        "Foglio: torni subito per febbre di 38 °C.",
        "Folha: volte logo com febre de 38 °C.",
        "घर के लिए: बुखार 38 °C, तुरंत आएँ।",
        "ใบสำหรับที่บ้าน: ไข้ 38 °C ให้มาทันที",
    ] {
        let all = of(text, &temperature);
        assert!(!all.iter().any(|f| f.starts_with("temperature")), "{text}: {all:?}");
    }
    for text in [
        "She came back at noon with a fever of 38 °C.",
        "She has a fever of 38 °C and should come back tomorrow.",
        "Fieber von 38 °C seit heute, wir sehen sie morgen wieder.",
    ] {
        let all = of(text, &temperature);
        assert!(all.iter().any(|f| f == "temperature 38 Cel"), "{text}: {all:?}");
    }
}

#[test]
fn a_dip_is_not_the_value_that_stands() {
    let text = "Last week's oximetry: his saturation dipped to 84% several times on his back; on his side he \
        stays at 95%.";
    for list in
        [&[][..], &[(FactName::Saturation, "84", "%")], &[(FactName::Saturation, "95", "%")]]
    {
        let all = of(text, list);
        assert!(all.iter().any(|f| f == "saturation 95 %"), "{all:?}");
        assert!(!all.iter().any(|f| f.starts_with("saturation 84")), "{all:?}");
    }
    for (text, value) in [
        ("Her saturation dipped to 84% on her back. What now?", "84"),
        ("SpO2 88% on walking.", "88"),
        ("Sättigung nachts 84 %.", "84"),
        ("Saturation à 84 % pendant le sommeil.", "84"),
        ("Saturación de 84 % al caminar.", "84"),
        ("Saturazione 84 % di notte.", "84"),
        ("Saturação de 84 % à noite.", "84"),
    ] {
        let all = of(text, &[(FactName::Saturation, value, "%")]);
        let measured = |f: &String| f.starts_with("saturation");
        assert!(!all.iter().any(measured), "{text}: {all:?}");
        assert!(all.iter().any(|f| f.starts_with("finding ")), "{text}: {all:?}");
    }
    let all = of("SpO2 96% at rest, 88% walking.", &[(FactName::Saturation, "88", "%")]);
    assert!(all.iter().any(|f| f == "saturation 96 %"), "{all:?}");
}

#[test]
fn of_several_times_the_latest_counts() {
    for (text, name, old, new) in [
        ("Her INR was 2.4 on arrival and is 4.6 this morning.", FactName::Inr, "2.4", "4.6"),
        ("INR 4.6 this morning, 2.4 on arrival.", FactName::Inr, "2.4", "4.6"),
        ("On arrival INR 2.4, this morning 4.6.", FactName::Inr, "2.4", "4.6"),
        ("INR bei Aufnahme 2,4, heute 4,6.", FactName::Inr, "2.4", "4.6"),
        ("INR 2,4 à l'arrivée et 4,6 aujourd'hui.", FactName::Inr, "2.4", "4.6"),
        ("INR de 2,4 al ingreso y 4,6 ahora.", FactName::Inr, "2.4", "4.6"),
        ("INR 2,4 all'arrivo, 4,6 adesso.", FactName::Inr, "2.4", "4.6"),
        ("INR 2,4 na admissão e 4,6 agora.", FactName::Inr, "2.4", "4.6"),
        ("Her potassium was 6.1 on admission, now 4.8.", FactName::Potassium, "6.1", "4.8"),
        ("Weight 68 kg a year ago, 76 kg now.", FactName::Weight, "68", "76"),
    ] {
        for listed in [old, new] {
            let all = of(text, &[(name, listed, "")]);
            let start = format!("{} ", name.as_str());
            let values: Vec<&String> = all.iter().filter(|f| f.starts_with(&start)).collect();
            let expected = format!("{start}{new} ");
            assert!(
                values.len() == 1 && values[0].starts_with(&expected),
                "{text}: {all:?} {:?}",
                readings(&View::new(text))
            );
        }
    }
    let all = of("HbA1c 5.5% a year ago, no recent value.", &[(FactName::Hba1c, "5.5", "%")]);
    assert!(!all.iter().any(|f| f.starts_with("hba1c")), "{all:?}");
    assert!(all.iter().any(|f| f.starts_with("other a year ago: HbA1c 5.5")), "{all:?}");
    let all = of("Temp 38.2, pulse 120, and three days ago he coughed 2 times.", &[]);
    assert!(all.iter().any(|f| f == "temperature 38.2 Cel"), "{all:?}");
    assert!(all.iter().any(|f| f == "heart_rate 120 /min"), "{all:?}");
}

#[test]
fn what_is_asked_of_a_medicine_leaves_the_weight_of_the_patient() {
    let weight = [(FactName::Weight, "46", "kg")];
    let of_patient = "I am not sure oral morphine is safe for a 46 kg woman with a lymphoma who is drowsy. \
        Would you start it tonight?";
    for list in [&weight[..], &[]] {
        let all = of(of_patient, list);
        assert!(all.iter().any(|f| f == "weight 46 kg"), "{all:?}");
    }
    let of_anybody = of("Is the usual dose safe for a 46 kg woman?", &[]);
    assert!(!of_anybody.iter().any(|f| f.starts_with("weight")), "{of_anybody:?}");
}

#[test]
fn what_a_sentence_without_capitals_says_is_not_said_of_the_next_one() {
    let vitals = ["temperature 38.3 Cel", "heart_rate 128 /min", "respiratory_rate 28 /min"];
    for before in [
        "the back arches when a door bangs",
        "i do not know whether the cuff fits",
        "she would not let us look",
        "call me if you need more",
        "what should we do with the leg",
        "his mother says he slept",
        "the normal range is on the wall",
    ] {
        for stop in [". ", "? ", "; "] {
            let text = format!("{before}{stop}temp 38.3 pulse 128 breathing 28. leg is off");
            let found = of(&text, &[]);
            assert!(vitals.iter().all(|v| found.iter().any(|f| f == v)), "{text}: {found:?}");
        }
    }
    for text in ["call me if temp 38.3. she sleeps", "the aim is a pulse of 128. nothing else"] {
        assert!(of(text, &[]).iter().all(|f| !f.contains("38.3") && !f.contains("128")), "{text}");
    }
}

#[test]
fn a_length_behind_a_weight_is_no_weight() {
    for (text, weight) in [
        ("A 26 kg girl swallowed a 20 mm lithium cell three hours ago. She is drooling.", "26"),
        ("Six-year-old male, 21 kg. Fell 2 m from monkey bars yesterday.", "21"),
        ("Junge, 21 kg. Gestern aus 2 m Höhe gestürzt.", "21"),
        ("Niño de 21 kg. Ayer cayó de 2 m.", "21"),
        ("She weighs 58 kg. Now a lump of 30 mm in the left breast.", "58"),
    ] {
        let all = of(text, &[]);
        assert!(all.contains(&format!("weight {weight} kg")), "{text}: {all:?}");
    }
}

#[test]
fn words_beside_a_value_say_more_than_its_clause() {
    for text in [
        "Weight today 8.6 kilos and it was 8.9 seven weeks ago, and the swab has grown Pseudomonas.",
        "Weight today 8.6 kg, it was 8.9 last month.",
    ] {
        let all = of(text, &[(FactName::Weight, "8.6", "kg")]);
        assert!(all.contains(&"weight 8.6 kg".to_owned()), "{text}: {all:?}");
    }
}

#[test]
fn the_last_day_of_a_chart_stands() {
    for text in [
        "Day 1: BP 88/52 mmHg, SpO2 84 %\nDay 2: BP 96/58 mmHg, SpO2 91 %\nDay 3: BP 104/60 mmHg, SpO2 92 %\nWhat next?",
        "Chart. Day 1: BP 88/52 mmHg, SpO2 84 %; day 3: BP 104/60 mmHg, SpO2 92 %; day 2: BP 96/58 mmHg, SpO2 91 %.",
        "Tag 1: RR 88/52 mmHg, SpO2 84 %\nTag 3: RR 104/60 mmHg, SpO2 92 %",
        "Jour 1 : PA 88/52 mmHg, SpO2 84 %\nJour 3 : PA 104/60 mmHg, SpO2 92 %",
        "Día 1: PA 88/52 mmHg, SpO2 84 %\nDía 3: PA 104/60 mmHg, SpO2 92 %",
        "दिन 1: BP 88/52 mmHg, SpO2 84 %\nदिन 3: BP 104/60 mmHg, SpO2 92 %",
    ] {
        let all = of(text, &[]);
        for fact in ["systolic 104 mm[Hg]", "diastolic 60 mm[Hg]", "saturation 92 %"] {
            assert!(all.contains(&fact.to_owned()), "{text}: {all:?}");
        }
    }
    // One day is no series.
    let all = of("Day 4 of ceftriaxone. SpO2 91 %, BP 96/58 mmHg.", &[]);
    assert!(all.contains(&"saturation 91 %".to_owned()), "{all:?}");
}

#[test]
fn a_dipstick_is_no_dip() {
    let all = of(
        "kidney transplant 4 years ago. bp 148/92 temp 36.9 urine dipstick protein 1+ no pain over the graft.",
        &[],
    );
    for fact in ["systolic 148 mm[Hg]", "diastolic 92 mm[Hg]", "temperature 36.9 Cel"] {
        assert!(all.contains(&fact.to_owned()), "{all:?}");
    }
}

#[test]
fn what_has_sides_is_no_weight() {
    for text in [
        "13F, ALL. Today: grip R 9 kg, L 8 kg (R 14 kg pre-induction), drops pen after 5 min.",
        "Handkraft rechts 9 kg, links 8 kg.",
        "Fuerza de prensión: derecha 19 kg, izquierda 18 kg.",
    ] {
        let all = of(text, &[]);
        assert!(!all.iter().any(|fact| fact.starts_with("weight")), "{text}: {all:?}");
    }
    assert!(of("Boy of 6, weight 21 kg.", &[]).contains(&"weight 21 kg".to_owned()));
}

#[test]
fn a_value_fell_to_what_stands() {
    let text = "His haemoglobin has fallen from 8.1 to 6.4 g/dL, and he is short of breath.";
    let list = [
        (FactName::Haemoglobin, "6.4", "g/dL"),
        (FactName::History, "haemoglobin 8.1 g/dL before", "1"),
    ];
    for list in [&list[..], &list[..1], &[]] {
        let facts = of(text, list);
        assert!(facts.iter().any(|f| f.contains("haemoglobin 6.4")), "{facts:?}");
        assert!(!facts.iter().any(|f| f.starts_with("haemoglobin 8.1")), "{facts:?}");
    }
}

#[test]
fn a_weight_has_no_dips() {
    let text = "how do i word the discharge note for a man 83 old ischaemic stroke in with a fall and delirium now clear but \
                walking with a frame weight 58 kg from 64 and wanting no more hospital stays";
    let list = [
        (FactName::Weight, "58", "kg"),
        (FactName::History, "weight 64 kg before", "1"),
        (FactName::Other, "wanting no more hospital stays", "1"),
    ];
    let facts = of(text, &list);
    assert!(facts.contains(&"weight 58 kg".to_owned()), "{facts:?}");
    assert!(facts.contains(&"history weight 64 kg before 1".to_owned()), "{facts:?}");
    assert!(!facts.iter().any(|f| f.contains("from 64")), "{facts:?}");
}

#[test]
fn a_question_states_what_a_value_changed_to() {
    for text in [
        "Should hydroxycarbamide be withheld in a man of 54 whose haemoglobin has fallen from 8.1 to 6.4 g/dL?",
        "Should hydroxycarbamide be withheld in a man of 54 whose haemoglobin has fallen from 8.1 to 6.4 g/dL, and is \
         it safe to continue co-trimoxazole alongside it?",
        "Can she go home now that her haemoglobin has fallen from 8.1 to 6.4 g/dL?",
        "Should I transfuse a woman of 45 whose haemoglobin is 6.4 g/dL?",
        "Should a woman of 45 with a haemoglobin of 6.4 g/dL be transfused?",
        "Should we transfuse now, as her haemoglobin is 6.4 g/dL?",
    ] {
        let list = [
            (FactName::Haemoglobin, "6.4", "g/dL"),
            (FactName::History, "haemoglobin 8.1 g/dL before", "1"),
        ];
        for list in [&list[..], &[]] {
            let facts = of(text, list);
            assert!(facts.contains(&"haemoglobin 6.4 g/dL".to_owned()), "{list:?}: {facts:?}");
            assert!(!facts.iter().any(|f| f.starts_with("haemoglobin 8.1")), "{facts:?}");
        }
    }
    for text in [
        "Should a haemoglobin of 6.4 g/dL be transfused?",
        "Should her haemoglobin be 10 g/dL before the operation?",
        "Would a patient need blood at a haemoglobin of 6.4 g/dL?",
    ] {
        let facts = of(text, &[]);
        assert!(!facts.iter().any(|f| f.starts_with("haemoglobin")), "{text}: {facts:?}");
    }
}

#[test]
fn what_was_is_the_number_behind_it() {
    for text in [
        "boy of 15, hb 8.2 g/dl on the hemocue and it was 11.6 in march. what should i make of it",
        "Her Hb is 8.2 g/dL and was 11.6 in March.",
        "Hb 8.2 g/dL, it was 11.6 in March",
    ] {
        let facts = of(text, &[(FactName::History, "Hb 11.6 in March", "1")]);
        assert!(facts.contains(&"haemoglobin 8.2 g/dL".to_owned()), "{text}: {facts:?}");
    }
    let facts = of("Last week her Hb was 8.2 g/dL.", &[]);
    assert!(!facts.contains(&"haemoglobin 8.2 g/dL".to_owned()), "{facts:?}");
}

#[test]
fn a_result_in_words_of_an_unknown_test_is_a_finding() {
    let of_other = |text: &str, value: &str| {
        let facts = of(text, &[(FactName::Other, value, "1")]);
        assert!(facts.contains(&format!("finding {value} 1")), "{facts:?}");
    };
    of_other(
        "The barium swallow from Praia shows aspiration of thin liquids. Should I thicken his drinks?",
        "barium swallow: aspiration of thin liquids",
    );
    of_other("chest film from bamako big heart\nwhat do i change", "chest film big heart");
    of_other(
        "So her stomach's still full on the ultrasound, and she last ate ten hours before.",
        "ultrasound: stomach's still full, last ate ten hours before",
    );
}

#[test]
fn thai_words_are_found_inside_of_others() {
    let complaint = "ปวดบวมหลังหูขวามา 4 วัน";
    let text = "เริ่มปวดบวมหลังหูขวามา 4 วันค่ะ ตรงตำแหน่งที่ฝังประสาทหูเทียมไว้ คนไข้หญิง 45 ปี ไข้ 38.4 °C";
    let facts = of(text, &[(FactName::Complaint, complaint, "1")]);
    assert!(facts.contains(&format!("complaint {complaint} 1")), "{facts:?}");
}

#[test]
fn a_listed_pregnancy_counts_where_the_frame_has_none() {
    let text = "New tinnitus in a woman of 45 who is 24 weeks pregnant.";
    let listed = of(text, &[(FactName::PregnancyWeeks, "24", "wk")]);
    assert!(listed.contains(&"pregnancy_weeks 24 wk".to_owned()), "{listed:?}");
    let other = of("Her sister is 24 weeks pregnant, she has a cough.", &[]);
    assert!(!other.iter().any(|fact| fact.starts_with("pregnancy")), "{other:?}");
}

#[test]
fn whoever_measured_a_value_does_not_have_it() {
    for (text, is) in [
        (
            "nurse at our health centre got sats 92 sitting and 86 after walking round the shed",
            "saturation 92 %",
        ),
        ("The midwife read a saturation of 92% at rest.", "saturation 92 %"),
        ("Die Krankenschwester maß eine Sättigung von 92 %.", "saturation 92 %"),
        ("L'infirmière a mesuré une saturation de 92 %.", "saturation 92 %"),
        ("La enfermera midió una saturación de 92 %.", "saturation 92 %"),
        ("L'infermiera ha misurato una saturazione di 92 %.", "saturation 92 %"),
        ("A enfermeira mediu uma saturação de 92 %.", "saturation 92 %"),
        (
            "Saturation dropped to 91% on room air while he slept, two hours after oral morphine 4 mg, and came back to \
             97% when we woke him.",
            "saturation 97 %",
        ),
    ] {
        let value = is.split(' ').nth(1).unwrap();
        let all = of(text, &[(FactName::Saturation, value, "%")]);
        assert!(all.contains(&is.to_owned()), "{text}: {all:?}");
    }
}

#[test]
fn of_a_value_at_rest_and_one_after_effort_the_first_stands() {
    use FactName::{Haemoglobin, HeartRate, Other, Saturation, Systolic};
    for (text, list, is) in [
        (
            "Nil fever since d/c, T 36.7. HR 84 at rest, 118 after one flight of stairs, SpO2 98% RA.",
            &[(HeartRate, "84", "/min"), (Other, "HR 118 after one flight of stairs", "/min")][..],
            "heart_rate 84 /min",
        ),
        (
            "nurse at our health centre got sats 92 sitting and 86 after walking round the shed",
            &[(Saturation, "92", "%"), (Other, "sats 86 after walking round the shed", "%")],
            "saturation 92 %",
        ),
        ("Sats 92 sitting and 86 walking.", &[], "saturation 92 %"),
        (
            "BP lying 128/70 mmHg, 92/58 after three minutes standing, pulse 64 then 70.",
            &[(Other, "BP lying 128/70 mmHg", "mm[Hg]"), (Systolic, "92", "mm[Hg]")],
            "systolic 128 mm[Hg]",
        ),
        ("bp 95/60 when she stands up, 126/72 lying", &[], "systolic 126 mm[Hg]"),
        (
            "Lying down his blood pressure was 148/82, and after three minutes of standing it was 112/64.",
            &[(Systolic, "112", "mm[Hg]")],
            "systolic 148 mm[Hg]",
        ),
        (
            "He takes indapamide 1.5 mg, and the urologist added tamsulosin 0.4 mg, which he swallows at breakfast.",
            &[(FactName::Medicine, "tamsulosin 0.4 mg", "1")],
            "medicine tamsulosin 0.4 mg 1",
        ),
        (
            "Fasting glucose was 1.6 g/L in March, 2.1 in April and 2.5 this week, although she takes metformin 1 g.",
            &[(FactName::Glucose, "2.5", "g/L")],
            "glucose 2.5 g/L",
        ),
        (
            "Glycémie à jeun 0,92 g/L, créatinine 12 mg/L.",
            &[(FactName::Glucose, "0,92", "g/L")],
            "glucose 0.92 g/L",
        ),
        (
            "What should I make of a haemoglobin of 9.6 g/dL in a worker who is 31 weeks pregnant?",
            &[(Haemoglobin, "9.6", "g/dL")],
            "haemoglobin 9.6 g/dL",
        ),
        (
            "How should I read a haemoglobin of 9.6 g/dL in this man?",
            &[(Haemoglobin, "9.6", "g/dL")],
            "haemoglobin 9.6 g/dL",
        ),
    ] {
        let all = of(text, list);
        assert!(all.contains(&is.to_owned()), "{text}: {all:?}");
    }
}
