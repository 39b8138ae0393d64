use clinstruct_schema::{
    AgeYears, ConversationMode, FactName, Frame, FramePatient, IncomeGroup, Place, RecordSource,
    Sex, Slug, Stated, StatedFact,
};

use super::record::record;
use super::statement::fact_of;

pub(super) fn frame(sex: Sex) -> Frame {
    let slug = |s: &str| Slug::new(s).unwrap();
    Frame::new(
        Place {
            country_code: "np".into(),
            country: "Nepal".into(),
            income: IncomeGroup::LowerMiddle,
            region: "SEAR".into(),
            setting: slug("low-resource"),
        },
        Some(FramePatient {
            age_band: slug("adult"),
            age: AgeYears { years: 45, months: None },
            sex,
            gender: None,
            pregnancy_weeks: None,
            condition: None,
        }),
        ConversationMode::Normal,
    )
}

pub(super) fn listed(list: &[(FactName, &str, &str)]) -> Vec<StatedFact> {
    list.iter().map(|(name, value, unit)| fact_of(*name, value, unit)).collect()
}

pub(super) fn shown(stated: &Stated) -> Vec<String> {
    let facts = stated.facts.iter();
    facts.map(|f| format!("{} {} {}", f.name.as_str(), f.value, f.unit)).collect()
}

const TEXT: &str = "A 45-year-old woman with known hypertension has had burning on passing urine for 3 days. \
    She weighs 137 lb, temp 101.5 F, BP 138/76, pulse 88. She takes amlodipine 5 mg once daily and has no drug \
    allergies. Creatinine 1.1 mg/dL. What should I prescribe?";

#[test]
fn the_list_is_corrected_by_the_message() {
    let list = listed(&[
        (FactName::Age, "45 years", "years"),
        (FactName::Sex, "F", ""),
        (FactName::Weight, "137", "lb"),
        (FactName::Temperature, "101.5", "°F"),
        (FactName::Systolic, "138/76", "mmHg"),
        (FactName::Complaint, "burning on passing urine for 3 days", ""),
        (FactName::Condition, "hypertension", ""),
        (FactName::Condition, "type 2 diabetes", ""),
        (FactName::Medicine, "amlodipine 5 mg once daily", ""),
        (FactName::Medicine, "metformin 500 mg", ""),
        (FactName::Allergy, "no known drug allergies", ""),
        (FactName::Saturation, "98", "%"),
    ]);
    let stated = record(TEXT, &frame(Sex::Female), Some(&list));
    assert_eq!(stated.source, RecordSource::Writer);
    assert_eq!(
        shown(&stated),
        [
            "age 45 a",
            "sex female 1",
            "weight 62.1 kg",
            "temperature 38.6 Cel",
            "systolic 138 mm[Hg]",
            "diastolic 76 mm[Hg]",
            "complaint burning on passing urine for 3 days 1",
            "condition hypertension 1",
            "medicine amlodipine 5 mg once daily 1",
            "allergy none 1",
            "heart_rate 88 /min",
            "creatinine 1.1 mg/dL",
        ]
    );
}

#[test]
fn without_a_list_code_reads_the_message() {
    let stated = record(TEXT, &frame(Sex::Female), None);
    assert_eq!(stated.source, RecordSource::Code);
    let all = shown(&stated);
    for fact in
        ["age 45 a", "weight 62.1 kg", "allergy none 1", "medicine amlodipine 5 mg once daily 1"]
    {
        assert!(all.iter().any(|f| f == fact), "{fact}: {all:?}");
    }
}

#[test]
fn what_a_list_cannot_mean_is_no_fact() {
    let odd = ["", "°C", "kg.", "yo", "??", "-1", "1e99", "NaN", "९९९९९९९", "½", "12/", "'"];
    for name in FactName::ALL {
        for value in odd {
            for unit in odd {
                let list = listed(&[(*name, value, unit)]);
                let stated = record("She coughs.", &frame(Sex::Female), Some(&list));
                let none = |f: &StatedFact| f.name == FactName::Sex;
                assert!(stated.facts.iter().all(none), "{name:?} {value} {unit}: {stated:?}");
            }
        }
    }
}

#[test]
fn a_question_without_a_patient_states_nothing() {
    let none = Frame { patient: None, ..frame(Sex::Male) };
    assert_eq!(record(TEXT, &none, None), Stated::NONE);
}

#[test]
fn what_two_medicines_share_does_not_make_them_one() {
    for (text, medicines) in [
        (
            "She is on day three of intravenous ceftriaxone and metronidazole. Stop now?",
            ["intravenous ceftriaxone, day three", "intravenous metronidazole, day three"],
        ),
        (
            "He takes insulin glargine 5 units every evening and insulin aspart with his meals. Enough?",
            ["insulin glargine 5 units every evening", "insulin aspart with his meals"],
        ),
    ] {
        let facts = medicines.map(|value| StatedFact {
            name: FactName::Medicine,
            value: value.into(),
            unit: "1".into(),
        });
        let kept = record(text, &frame(Sex::Female), Some(&facts)).facts;
        let kept: Vec<&str> = kept
            .iter()
            .filter(|fact| fact.name == FactName::Medicine)
            .map(|fact| fact.value.as_str())
            .collect();
        assert_eq!(kept, medicines, "{text}");
    }
}

#[test]
fn a_weight_is_a_weight_beside_a_date() {
    let text =
        "The girl is 8 years old, weighs 22 kg and was admitted two days ago for her cleft palate.";
    let weight = StatedFact { name: FactName::Weight, value: "22".into(), unit: "kg".into() };
    let kept = record(text, &frame(Sex::Female), Some(std::slice::from_ref(&weight))).facts;
    assert!(kept.contains(&weight), "{kept:?}");
}

#[test]
fn a_weight_in_words_counts_and_a_dose_is_no_sign() {
    let fact = |name, value: &str, unit: &str| fact_of(name, value, unit);
    let text =
        "He's got kala-azar, he's six, about fourteen kilos, fever on and off for two months.";
    let listed = [fact(FactName::Weight, "about fourteen", "kg")];
    let kept = record(text, &frame(Sex::Male), Some(&listed)).facts;
    assert!(kept.contains(&fact(FactName::Weight, "14", "kg")), "{kept:?}");
    let text =
        "She is breathing at 6 a minute after 8 mg lorazepam in error, and we are bagging her.";
    let listed = [fact(FactName::RespiratoryRate, "6", "/min")];
    for some in [&listed[..1], &listed] {
        let kept = record(text, &frame(Sex::Female), Some(some)).facts;
        assert!(kept.contains(&listed[0]), "{kept:?} of {some:?}");
    }
}

#[test]
fn what_changed_is_no_value_and_what_it_changed_to_is() {
    let fact = |name, value: &str, unit: &str| fact_of(name, value, unit);
    for text in [
        "He has put on 11 kg since we started steroids, and sleeps badly. Taper now?",
        "She lost 6 kg in two months and sweats at night. What next?",
        "He gained 4 kg on mirtazapine. Switch?",
    ] {
        let kept = record(text, &frame(Sex::Male), None).facts;
        assert!(kept.iter().all(|f| f.name != FactName::Weight), "{text} {kept:?}");
    }
    let text = "Her PLA2R titre went from 90 to 240 with creatinine up from 1.0 to 1.4 mg/dl since spring.";
    let listed = [
        fact(FactName::Creatinine, "1.4", "mg/dL"),
        fact(FactName::History, "creatinine 1.0 mg/dl before", "1"),
    ];
    for some in [&listed[..1], &listed] {
        let kept = record(text, &frame(Sex::Female), Some(some)).facts;
        assert!(kept.contains(&listed[0]), "{kept:?} of {some:?}");
    }
}

#[test]
fn a_value_ends_at_a_full_stop_without_a_capital_behind_it() {
    let text = "girl of 11, 62 kg. the school team painted varnish on her teeth this morning";
    let stated =
        record(text, &frame(Sex::Female), Some(&listed(&[(FactName::Weight, "62", "kg")])));
    let all = shown(&stated);
    assert!(all.contains(&"weight 62 kg".to_owned()), "{all:?}");
    assert!(!all.iter().any(|fact| fact.starts_with("history")), "{all:?}");
}

#[test]
fn thousands_of_blood_cells_are_not_lost() {
    let of = |text: &str, value: &str| {
        let list = listed(&[(FactName::Platelets, value, "/uL")]);
        shown(&record(text, &frame(Sex::Female), Some(&list)))
    };
    let all = of("hb 8.6 g/dl, plaquetas 512 mil, creatinina 0.7", "512 mil");
    assert!(all.contains(&"platelets 512 10*9/L".to_owned()), "{all:?}");
    let all = of("plaquetas 512000, creatinina 0.7", "512000");
    assert!(all.contains(&"platelets 512000 /uL".to_owned()), "{all:?}");
}

#[test]
fn one_test_with_several_results_is_one_result() {
    let value = "Urine dipstick: glucose 3+, protein 2+, ketones negative";
    let stated =
        record(value, &frame(Sex::Female), Some(&listed(&[(FactName::Finding, value, "1")])));
    assert_eq!(shown(&stated), [format!("other {value} 1")]);
}

#[test]
fn a_relative_who_is_named_early_in_a_thai_message_has_not_its_signs() {
    let text = "เมื่อ 5 สัปดาห์ก่อนบ้านโดนกระสุนปืนใหญ่และพี่ชายเสียชีวิตต่อหน้า เริ่มได้ยินเสียงพี่ชายเรียก กินได้น้อย ไม่ค่อยพูดกับใคร \
                แต่ตอนเช้าคุยรู้เรื่อง วันนี้วัดไข้ได้ 37.9 °C ชีพจร 104 ครั้ง/นาที คอไม่แข็ง";
    let list =
        listed(&[(FactName::Temperature, "37.9", "Cel"), (FactName::HeartRate, "104", "/min")]);
    let all = shown(&record(text, &frame(Sex::Male), Some(&list)));
    for fact in ["temperature 37.9 Cel", "heart_rate 104 /min"] {
        assert!(all.contains(&fact.to_owned()), "{fact}: {all:?}");
    }
    // One clause before, the relative is the one who has them.
    let of_another = "ลูกสบายดี พี่ชายมีไข้ 39.2 °C";
    let all = shown(&record(of_another, &frame(Sex::Male), Some(&[])));
    assert!(!all.iter().any(|fact| fact.starts_with("temperature")), "{all:?}");
}
