//! What clinicians missed in cases: one condition under two names, what is not taken, and signs that do not go together.

use clinstruct_catalog::Catalog;
use clinstruct_schema::{Case, Coded, FactName, Frame, Language, Origin, Sex};

use crate::CATALOG;
use crate::case::{case, frame};

const CASES: usize = 120;

/// A frame with the condition of this id.
fn with(years: u32, sex: Sex, id: &str) -> Frame {
    let catalog: &Catalog = &CATALOG;
    let condition = catalog.conditions.iter().find(|c| c.id.as_str() == id).unwrap();
    let mut frame = frame(years, sex);
    frame.patient.as_mut().unwrap().condition =
        Some(Coded { name: condition.name.clone(), code: condition.icd10.clone() });
    frame
}

fn cases(frame: &Frame, facts: &[(FactName, &str)]) -> Vec<Case> {
    (0..CASES).map(|i| case(&format!("clinical.{i}"), frame, facts)).collect()
}

#[test]
fn a_condition_is_listed_once_under_all_its_names() {
    for (language, id, said) in [
        (Language::English, "age-related-hearing-loss", "Very HOH"),
        (Language::English, "age-related-hearing-loss", "hard of hearing"),
        (Language::Hindi, "clubfoot", "क्लबफुट, सीरियल कास्ट"),
        (Language::German, "hypertension", "arterielle Hypertonie"),
        (Language::French, "type-2-diabetes", "diabète de type 2 depuis 10 ans"),
        (Language::Spanish, "rheumatoid-arthritis", "artritis reumatoide"),
        (Language::Italian, "hypertension", "ipertensione arteriosa"),
        (Language::Portuguese, "epilepsy", "epilepsia focal"),
        (Language::Thai, "type-2-diabetes", "เบาหวานชนิดที่ 2"),
        (Language::English, "amputation", "left below-knee amputation"),
        (Language::Spanish, "pacemaker", "marcapasos"),
        (Language::English, "hydrocephalus-shunt", "VP shunt"),
    ] {
        let frame = Frame { language, ..with(60, Sex::Female, id) };
        let case = case("once", &frame, &[(FactName::Condition, said)]);
        assert_eq!(case.conditions.len(), 1, "{said}: {:?}", case.conditions);
        assert_eq!(case.conditions[0].origin, Origin::Frame);
    }
    for (language, id, said) in [
        (Language::Spanish, "type-2-diabetes", "retinopatía diabética"),
        (Language::Spanish, "hypertension", "hipertensión pulmonar"),
        (Language::Spanish, "pulmonary-hypertension", "hipertensión arterial"),
        (Language::French, "latent-tuberculosis", "tuberculose pulmonaire"),
        (Language::German, "asthma", "COPD"),
        (Language::English, "age-related-hearing-loss", "tinnitus"),
        (Language::English, "amputation", "stoma"),
    ] {
        let frame = Frame { language, ..with(60, Sex::Female, id) };
        let case = case("twice", &frame, &[(FactName::Condition, said)]);
        assert_eq!(case.conditions.len(), 2, "{said}: {:?}", case.conditions);
    }
}

#[test]
fn what_is_said_beside_the_name_of_the_condition_is_kept() {
    let frame = with(60, Sex::Female, "type-2-diabetes");
    let facts = [(FactName::Condition, "T2DM, hypertension, foot ulcer on the left")];
    let case = case("beside", &frame, &facts);
    let names: Vec<&str> = case.conditions.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["type 2 diabetes", "hypertension"]);
    assert!(case.history.iter().any(|t| t.text == "foot ulcer on the left"), "{:?}", case.history);
}

#[test]
fn what_is_missing_or_implanted_has_a_code() {
    for (said, code) in [
        ("left below-knee amputation", "Z89.5"),
        ("prosthesis", "Z97.1"),
        ("marcapasos", "Z95.0"),
        ("colostomie", "Z93.3"),
        ("VP shunt", "Z98.2"),
    ] {
        let case = case("status", &frame(60, Sex::Male), &[(FactName::Condition, said)]);
        assert_eq!(case.conditions[0].icd10, code, "{said}");
    }
}

#[test]
fn what_is_not_taken_is_not_drawn() {
    for (id, denied, class) in [
        ("latent-tuberculosis", "not on isoniazid", "J04"),
        ("latent-tuberculosis", "not on tuberculosis prophylaxis", "J04"),
        ("type-2-diabetes", "not on insulin", "A10A"),
        ("type-2-diabetes", "not on metformina", "A10B"),
        ("high-cholesterol", "not on statin", "C10A"),
        ("depression", "not on antidepressant", "N06A"),
        ("hypertension", "not on amlodipine", "C08C"),
        ("atrial-fibrillation", "not on anticoagulant", "B01AA"),
    ] {
        let frame = with(60, Sex::Female, id);
        let usual = cases(&frame, &[(FactName::Complaint, "an itchy elbow")]);
        let taken = |c: &Case| c.medicines.iter().any(|m| m.atc.starts_with(class));
        assert!(usual.iter().any(taken), "{id} is treated with {class}");
        for case in cases(&frame, &[(FactName::Medicine, denied)]) {
            assert!(!taken(&case), "{denied}: {:?}", case.medicines);
        }
    }
    // The rest of a treatment is still there.
    let frame = with(60, Sex::Female, "type-2-diabetes");
    let others = cases(&frame, &[(FactName::Medicine, "not on insulin")]);
    assert!(others.iter().filter(|c| !c.medicines.is_empty()).count() > CASES / 2);
    for all in ["none", "not on any medicines"] {
        assert!(cases(&frame, &[(FactName::Medicine, all)]).iter().all(|c| c.medicines.is_empty()));
    }
}

#[test]
fn a_drawn_medicine_has_its_condition() {
    for said in ["unclear whether schizophrenia", "unknown, perhaps epilepsy"] {
        for case in cases(&frame(34, Sex::Male), &[(FactName::Condition, said)]) {
            assert!(case.conditions.is_empty() && case.medicines.is_empty(), "{said}: {case:?}");
        }
    }
    for said in ["contact with tuberculosis", "sospecha de epilepsy"] {
        for case in cases(&frame(34, Sex::Male), &[(FactName::Condition, said)]) {
            assert!(case.medicines.is_empty(), "{said}: {:?}", case.medicines);
        }
    }
}

#[test]
fn words_of_size_decide_size() {
    let of = |years, text: &str, name: FactName| -> f64 {
        let all = cases(&frame(years, Sex::Female), &[(FactName::Complaint, text)]);
        all.iter().map(|c| c.vitals.get(name).unwrap()).fold(0.0, f64::max)
    };
    // The third centile of girls of 7 by the WHO is about 110 cm, and of 4 about 95 cm.
    for (years, most) in [(7, 114.0), (4, 99.0)] {
        for text in [
            "not growing",
            "short for her age",
            "suspected growth hormone deficiency",
            "klein für ihr Alter",
            "talla baja",
            "ne grandit plus",
            "bassa statura",
            "baixa estatura",
            "कद नहीं बढ़ रहा",
            "เตี้ยกว่าเกณฑ์",
        ] {
            let tallest = of(years, text, FactName::Height);
            assert!(tallest <= most, "{years} {text} {tallest}");
        }
        assert!(of(years, "an itchy elbow", FactName::Height) > most);
    }
    let bmi = |text: &str| -> f64 {
        let all = cases(&frame(40, Sex::Male), &[(FactName::Finding, text)]);
        let of = |c: &Case| c.vitals.weight.unwrap() / (c.vitals.height.unwrap() / 100.0).powi(2);
        all.iter().map(of).sum::<f64>() / CASES as f64
    };
    for text in ["obese", "adipös", "obesidad", "en obésité", "obesità", "मोटापा"] {
        assert!(bmi(text) > 30.0, "{text}");
    }
    for text in ["painfully thin", "untergewichtig", "muy delgada", "très maigre", "ผอมมาก"]
    {
        assert!(bmi(text) < 19.0, "{text}");
    }
}

#[test]
fn drawn_signs_go_together() {
    // A calm message about a child: no pressure as in shock, whatever the pulse is.
    for (years, low) in [(1, 78.0), (3, 82.0), (6, 86.0), (9, 90.0)] {
        for case in cases(&frame(years, Sex::Male), &[(FactName::Complaint, "an itchy elbow")]) {
            if let Some(systolic) = case.vitals.systolic {
                assert!(systolic >= low, "{years} {systolic}");
            }
        }
    }
    // Whatever makes the heart fast makes the breathing fast.
    for (years, pulse, breaths) in [(8, "132", 22.0), (3, "165", 31.0), (40, "132", 19.0)] {
        let facts = [(FactName::HeartRate, pulse), (FactName::Complaint, "screaming")];
        for case in cases(&frame(years, Sex::Female), &facts) {
            let rate = case.vitals.respiratory_rate.unwrap();
            assert!(rate >= breaths, "{years} {rate}");
        }
    }
    for shock in [
        "haemorrhagic shock",
        "in shock, cold extremities",
        "septic shock",
        "im Schock",
        "en choque",
    ] {
        for case in cases(&frame(40, Sex::Male), &[(FactName::Complaint, shock)]) {
            let v = &case.vitals;
            assert!(v.respiratory_rate.unwrap() > 20.0, "{shock} {v:?}");
            assert!(v.heart_rate.unwrap() > 90.0 && v.systolic.unwrap() < 112.0, "{shock} {v:?}");
        }
    }
    // A fast pulse that nothing of the pressure explains does not stand beside a low one.
    for case in
        cases(&frame(34, Sex::Female), &[(FactName::Complaint, "screaming with pain, in pain")])
    {
        let v = &case.vitals;
        if v.heart_rate.unwrap() > 90.0 {
            assert!(v.systolic.unwrap() >= 110.0, "{v:?}");
        }
    }
}
