//! Which list a statement belongs to by what it says.

use clinstruct_schema::FactName;

use super::filing_tests::{TEXTS, filed};

#[test]
fn a_medicine_that_the_history_stops_is_no_longer_taken() {
    let names = [FactName::Medicine, FactName::History];
    for (text, list, is) in [
        (
            "Oxybutynin 5 mg TDS + amitriptyline 25 mg nocte, oxybutynin stopped 4 d ago.",
            [
                (FactName::Medicine, "oxybutynin 5 mg TDS", ""),
                (FactName::Medicine, "amitriptyline 25 mg nocte", ""),
                (FactName::History, "oxybutynin stopped 4 d ago", ""),
            ],
            &[
                "history: oxybutynin 5 mg TDS",
                "medicine: amitriptyline 25 mg nocte",
                "history: oxybutynin stopped 4 d ago",
                "medicine: not on oxybutynin",
            ][..],
        ),
        (
            "Warfarin 5 mg daily, bisoprolol 5 mg daily; warfarin stopped in May, restarted in June.",
            [
                (FactName::Medicine, "warfarin 5 mg daily", ""),
                (FactName::Medicine, "bisoprolol 5 mg daily", ""),
                (FactName::History, "warfarin stopped in May, restarted in June", ""),
            ],
            &[
                "medicine: warfarin 5 mg daily",
                "medicine: bisoprolol 5 mg daily",
                "history: warfarin stopped in May, restarted in June",
            ],
        ),
    ] {
        assert_eq!(filed(text, &list, &names), is, "{text}");
    }
}

#[test]
fn what_a_quoted_leaflet_says_was_not_found() {
    let list = [(FactName::Other, "braces on every night over cotton socks", "")];
    let text = "Could you put this into Kinyarwanda for a girl with bow legs? \"Put the braces on every night over cotton \
        socks. Look for red skin each morning.\" We riveted the braces.";
    assert_eq!(filed(text, &list, &TEXTS), [] as [String; 0]);
    // One sentence of somebody is what was said.
    let list = [(FactName::Finding, "walks on her toes", "")];
    let text = "Her teacher says \"she walks on her toes\" all day. What is it?";
    assert_eq!(filed(text, &list, &TEXTS), ["finding: walks on her toes"]);
}

#[test]
fn hours_in_which_something_is_worn_are_no_measurement() {
    for value in ["TLSO 18 h/day", "Korsett 20 Stunden am Tag", "corset 18 heures par jour"] {
        let text = format!("F/13, Cobb 32°, {value}. Red skin under the pad.");
        let list = [(FactName::Other, value, "h/day")];
        let is = format!("history: {value}");
        assert_eq!(filed(&text, &list, &TEXTS), [is], "{value}");
    }
}

#[test]
fn a_complaint_with_its_time_repeats_none() {
    let text =
        "About ten days now, her ankles swelling up and she's breathless on the path to church.";
    let list = [
        (FactName::Complaint, "ankles swelling up and she's breathless on the path to church", ""),
        (FactName::Complaint, "about ten days now, her ankles swelling up", ""),
    ];
    assert_eq!(
        filed(text, &list, &TEXTS),
        ["complaint: ankles swelling up and she's breathless on the path to church"]
    );
}

#[test]
fn a_complaint_is_never_lost() {
    for (text, complaint, others) in [
        (
            "\"Both heels, and now my shins ache at night.\" Plantar fasciitis 9/12, MRI bilat calcaneal marrow oedema.",
            "Both heels, and now my shins ache at night",
            &[(FactName::Finding, "bilat calcaneal marrow oedema", "")][..],
        ),
        (
            "Stool frequency: 1 per 6 days. Functional constipation in a girl of 20 months.",
            "Functional constipation",
            &[(FactName::Condition, "Functional constipation", "")],
        ),
    ] {
        let list = [&[(FactName::Complaint, complaint, "")], others].concat();
        let is = format!("complaint: {complaint}");
        assert_eq!(filed(text, &list, &[FactName::Complaint]), [is], "{text}");
    }
}

#[test]
fn a_medicine_that_the_message_stops_stays_in_the_history() {
    let list = [(FactName::History, "lactulose 5 mL twice daily", "")];
    let names = [FactName::Medicine, FactName::History];
    for (text, is) in [
        (
            "A girl of 20 months. She was prescribed lactulose 5 mL twice daily; her grandmother discontinued it after four days.",
            "history: lactulose 5 mL twice daily",
        ),
        (
            "A girl of 20 months on lactulose 5 mL twice daily since May.",
            "medicine: lactulose 5 mL twice daily",
        ),
    ] {
        assert!(
            filed(text, &list, &names).contains(&is.to_owned()),
            "{text}: {:?}",
            filed(text, &list, &names)
        );
    }
}

#[test]
fn a_result_of_an_unknown_test_is_a_measurement_and_a_feed_is_not_found() {
    for (value, is) in [
        ("sickling test positive", "other"),
        ("amylase WNL", "other"),
        ("amino acid-based formula exclusively", "history"),
    ] {
        let text = format!("He is 4, {value}. He coughs.");
        let is = format!("{is}: {value}");
        assert_eq!(filed(&text, &[(FactName::Other, value, "")], &TEXTS), [is]);
    }
}

#[test]
fn words_for_people_may_be_other_words() {
    let vitals = [FactName::Weight, FactName::Systolic, FactName::HeartRate, FactName::Temperature];
    for (text, is) in [
        (
            "Au CSPS, son périmètre brachial est à 120 mm pour 10,4 kg. Elle a 3 ans.",
            &["weight: 10.4 [kg]"][..],
        ),
        (
            "Depuis hier son état empire : 39,4 °C, FC 130.",
            &["temperature: 39.4 [Cel]", "heart_rate: 130 [/min]"],
        ),
        (
            "Sus valores son peso 62 kg y temperatura 38,9 °C.",
            &["weight: 62 [kg]", "temperature: 38.9 [Cel]"],
        ),
        ("Pupils equal and reactive, HR 58.", &["heart_rate: 58 [/min]"]),
        ("Pupils 3 mm HR 58.", &["heart_rate: 58 [/min]"]),
        (
            "Chief complaint: cough, T 38.9, HR 112.",
            &["temperature: 38.9 [Cel]", "heart_rate: 112 [/min]"],
        ),
        ("had a tia 2 years ago, hr 84", &["heart_rate: 84 [/min]"]),
        ("Her son has BP 150/90.", &[]),
        ("Son has BP 150/90 and she is well.", &[]),
        ("Three pupils have BP 150/90.", &[]),
        ("A minha tia tem PA 150/90.", &[]),
    ] {
        assert_eq!(filed(text, &[], &vitals), is, "{text}");
    }
}

#[test]
fn a_listed_value_is_of_now_where_only_a_month_is_before_it() {
    let text = "what should i check next for her tired since giving platelets by apheresis in may hb 10.6 g/dl ferritin 7 ng/ml";
    let list = [(FactName::Haemoglobin, "10.6", "g/dL")];
    assert_eq!(filed(text, &list, &[FactName::Haemoglobin]), ["haemoglobin: 10.6 [g/dL]"]);
    let text = "tired, last year hb 10.6 g/dl, ferritin 7 ng/ml";
    assert_eq!(filed(text, &list, &[FactName::Haemoglobin]), [] as [String; 0]);
}

#[test]
fn a_range_that_a_writer_lists_is_its_lower_end() {
    let list = [(FactName::Saturation, "between 88 and 90", "%")];
    let text = "A woman of 26. The saturation remains between 88 and 90% despite 6 L/min of oxygen by mask.";
    assert_eq!(filed(text, &list, &[FactName::Saturation]), ["saturation: 88 [%]"]);
    let text = "A woman of 26 on oxygen. Keep the saturation between 88 and 90%?";
    assert_eq!(filed(text, &list, &[FactName::Saturation]), [] as [String; 0]);
}

#[test]
fn a_habit_is_no_thirst_and_a_course_no_complaint() {
    let names = [FactName::Complaint, FactName::History, FactName::Social];
    for (text, fact, is) in [
        (
            "A man of 50 vomits blood, drinks every day.",
            (FactName::Social, "drinks every day", ""),
            "social: drinks every day",
        ),
        (
            "A boy of 9 is thin and drinking a lot.",
            (FactName::Social, "drinking a lot", ""),
            "complaint: drinking a lot",
        ),
        (
            "Shaking and shouting, began 6 h ago.",
            (FactName::Complaint, "began 6 h ago", ""),
            "history: began 6 h ago",
        ),
        (
            "Seizures began 6 h ago in a man of 19.",
            (FactName::Complaint, "seizures began 6 h ago", ""),
            "complaint: seizures began 6 h ago",
        ),
    ] {
        let list = [(FactName::Finding, "shaking", ""), fact];
        let all = filed(text, &list, &names);
        assert!(all.contains(&is.to_owned()), "{text}: {all:?}");
    }
}

#[test]
fn grades_of_a_dipstick_are_of_urine() {
    let list = [(FactName::Other, "blood 3+", ""), (FactName::Other, "protein 2+", "")];
    let text = "Just dipped his urine: blood 3+, protein 2+. He is 43.";
    assert_eq!(filed(text, &list, &TEXTS), ["other: urine blood 3+", "other: urine protein 2+"]);
}

#[test]
fn a_bound_is_a_measurement_too() {
    let list = [(FactName::Tsh, "<0,01", "m[IU]/L")];
    let text = "Hombre de 35 años, TSH: <0,01 µUI/mL, pulso 118.";
    assert_eq!(filed(text, &list, &TEXTS), ["other: TSH <0,01 [m[IU]/L]"]);
}

#[test]
fn what_a_relative_drinks_or_smokes_is_no_complaint() {
    let names = [FactName::Complaint, FactName::Social];
    for text in ["दादा घर के अंदर बीड़ी पीते हैं", "his father drinks"]
    {
        let list = [(FactName::Social, text, "")];
        let all = filed(&format!("{text}. He is 8."), &list, &names);
        assert!(!all.iter().any(|fact| fact.starts_with("complaint")), "{all:?}");
    }
}

#[test]
fn values_in_words_and_before_a_peak_flow_are_read() {
    let vitals = [
        FactName::Saturation,
        FactName::Temperature,
        FactName::HeartRate,
        FactName::RespiratoryRate,
        FactName::Weight,
        FactName::Glucose,
    ];
    let text = "Her saturation has slipped to ninety-three when it was ninety-six in January. No fever, temperature thirty-seven one, \
        pulse a hundred and two, breathing twenty-four. What bothers me is the weight too, forty-four kilos. Fingerstick fasting was a \
        hundred and eight.";
    let list = [
        (FactName::Saturation, "saturation has slipped to ninety-three", "%"),
        (FactName::Temperature, "temperature thirty-seven one", "Cel"),
        (FactName::HeartRate, "pulse a hundred and two", "/min"),
        (FactName::RespiratoryRate, "breathing twenty-four", "/min"),
        (FactName::Weight, "the weight too, forty-four kilos", "kg"),
        (FactName::Glucose, "Fingerstick fasting was a hundred and eight", "mg/dL"),
    ];
    assert_eq!(
        filed(text, &list, &vitals),
        [
            "saturation: 93 [%]",
            "temperature: 37.1 [Cel]",
            "heart_rate: 102 [/min]",
            "respiratory_rate: 24 [/min]",
            "weight: 44 [kg]",
            "glucose: 108 [mg/dL]",
        ]
    );
    for text in [
        "saturation 95 peak flow 250. no wheeze",
        "bp 158/94 saturation 95 peak expiratory flow 250",
    ] {
        let list = [(FactName::Saturation, "saturation 95", "%")];
        assert_eq!(filed(text, &list, &vitals), ["saturation: 95 [%]"], "{text}");
    }
}

#[test]
fn a_pressure_beside_an_earlier_potassium_is_of_now() {
    let text = "A man of 60. His blood pressure is 104/64 and his potassium was 3.4 last week.";
    let list = [(FactName::Systolic, "104", "mm[Hg]"), (FactName::Diastolic, "64", "mm[Hg]")];
    assert_eq!(
        filed(text, &list, &[FactName::Systolic, FactName::Diastolic, FactName::Finding]),
        ["systolic: 104 [mm[Hg]]", "diastolic: 64 [mm[Hg]]"]
    );
}
