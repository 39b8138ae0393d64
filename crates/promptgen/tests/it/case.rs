//! Cases: what is fixed, what is stated, and what follows from it.

use clinstruct_promptgen::complete;
use clinstruct_schema::{
    AgeYears, Case, CaseText, Coded, ConversationMode, FactName, Frame, FramePatient, IncomeGroup,
    Origin, Place, RecordSource, Sex, Stated, StatedFact,
};
use proptest::prelude::*;

use crate::{CATALOG, SEED};

pub(crate) fn frame(years: u32, sex: Sex) -> Frame {
    let band = CATALOG.ages.iter().find(|a| (a.from..=a.to).contains(&years)).unwrap();
    Frame::new(
        Place {
            country_code: "de".into(),
            country: "Germany".into(),
            income: IncomeGroup::High,
            region: "EUR".into(),
            setting: CATALOG.settings[0].id.clone(),
        },
        Some(FramePatient {
            age_band: band.id.clone(),
            age: AgeYears { years, months: (years == 0).then_some(7) },
            sex,
            gender: None,
            pregnancy_weeks: None,
            condition: None,
        }),
        ConversationMode::Chat,
    )
}

pub(crate) fn stated(facts: &[(FactName, &str)]) -> Stated {
    let facts = facts
        .iter()
        .map(|(name, value)| StatedFact {
            name: *name,
            value: (*value).to_owned(),
            unit: name.unit().to_owned(),
        })
        .collect();
    Stated { facts, source: RecordSource::Writer }
}

pub(crate) fn case(key: &str, frame: &Frame, facts: &[(FactName, &str)]) -> Case {
    complete(&CATALOG, SEED, key, frame, &stated(facts)).unwrap()
}

/// The mean of a sign over a hundred cases.
fn mean(frame: &Frame, facts: &[(FactName, &str)], name: FactName) -> f64 {
    let values =
        (0..100).map(|i| case(&format!("mean.{i}"), frame, facts).vitals.get(name).unwrap());
    values.sum::<f64>() / 100.0
}

#[test]
fn a_frame_without_a_patient_has_no_case() {
    let frame = Frame { patient: None, ..frame(40, Sex::Female) };
    assert_eq!(complete(&CATALOG, SEED, "none", &frame, &Stated::NONE), None);
}

#[test]
fn a_case_depends_on_its_key_alone() {
    let frame = frame(40, Sex::Female);
    assert_eq!(case("a", &frame, &[]), case("a", &frame, &[]));
    assert_ne!(case("a", &frame, &[]), case("b", &frame, &[]));
}

#[test]
fn a_stated_fact_changes_only_what_depends_on_it() {
    let frame = frame(52, Sex::Male);
    for i in 0..50 {
        let key = format!("alone.{i}");
        let before = case(&key, &frame, &[(FactName::Saturation, "98")]);
        let mut after = case(&key, &frame, &[(FactName::Saturation, "97")]);
        after.vitals.saturation = before.vitals.saturation;
        after.origins.clone_from(&before.origins);
        after.source = before.source;
        assert_eq!(after, before);
    }
}

#[test]
fn stated_values_hold_and_say_so() {
    let facts = [
        (FactName::Weight, "81.5"),
        (FactName::Height, "178"),
        (FactName::Temperature, "38,9"),
        (FactName::Systolic, "104/61"),
        (FactName::Age, "12"),
        (FactName::Lactate, "2.1"),
    ];
    let case = case("hold", &frame(52, Sex::Male), &facts);
    let v = &case.vitals;
    assert_eq!((v.weight, v.height, v.temperature), (Some(81.5), Some(178.0), Some(38.9)));
    assert_eq!((v.systolic, v.diastolic), (Some(104.0), Some(61.0)));
    for name in [FactName::Weight, FactName::Temperature, FactName::Systolic, FactName::Diastolic] {
        assert_eq!(case.origin(name), Some(Origin::Stated), "{name:?}");
    }
    assert_eq!(case.origin(FactName::HeartRate), Some(Origin::Drawn));
    // The frame wins over the message.
    assert_eq!(case.patient.age.years, 52);
    assert_eq!(case.origins["patient.age"], Origin::Frame);
    assert_eq!(case.measurements.len(), 1);
    assert_eq!(case.source, RecordSource::Writer);
}

#[test]
fn a_body_mass_index_and_one_size_give_the_other() {
    let frame = frame(45, Sex::Female);
    let weight = case("a", &frame, &[(FactName::Bmi, "34.2"), (FactName::Height, "165")]);
    assert_eq!(weight.vitals.weight, Some(93.0));
    let height = case("a", &frame, &[(FactName::Bmi, "20"), (FactName::Weight, "51.2")]);
    assert_eq!(height.vitals.height, Some(160.0));
    let both = case("a", &frame, &[(FactName::Bmi, "24")]).vitals;
    let bmi = both.weight.unwrap() / (both.height.unwrap() / 100.0).powi(2);
    assert!((bmi - 24.0).abs() < 0.3, "{bmi}");
}

#[test]
fn a_stated_weight_has_a_height_that_goes_with_it() {
    let frame = frame(30, Sex::Male);
    let light = mean(&frame, &[(FactName::Weight, "55")], FactName::Height);
    let heavy = mean(&frame, &[(FactName::Weight, "115")], FactName::Height);
    assert!(heavy > light + 6.0, "{light} and {heavy}");
    // Also an impossible one has an answer.
    let v = case("far", &frame, &[(FactName::Weight, "300")]).vitals;
    assert!((150.0..=205.0).contains(&v.height.unwrap()), "{v:?}");
}

#[test]
fn children_grow() {
    let mut last = (0.0, 0.0);
    for years in [0, 1, 2, 4, 6, 8, 10, 12, 14, 16, 18] {
        let frame = frame(years, Sex::Female);
        let size = (mean(&frame, &[], FactName::Height), mean(&frame, &[], FactName::Weight));
        assert!(size.0 > last.0 && size.1 > last.1, "{size:?} at {years} after {last:?}");
        last = size;
    }
}

#[test]
fn conditions_decide_size() {
    let bmi = |years: u32, what: &str| {
        let frame = frame(years, Sex::Female);
        let facts = [(FactName::Condition, what)];
        let h = mean(&frame, &facts, FactName::Height) / 100.0;
        mean(&frame, &facts, FactName::Weight) / h / h
    };
    assert!(bmi(45, "obesity") > 30.5);
    assert!(bmi(45, "migraine") < 28.0);
    assert!(bmi(22, "anorexia nervosa") < 18.0);
    assert!(bmi(2, "severe acute malnutrition") < 13.6);
    let height =
        |what| mean(&frame(30, Sex::Female), &[(FactName::Condition, what)], FactName::Height);
    assert!(height("Turner syndrome") < 153.0);
    assert!(height("Marfan syndrome") > 174.0);
}

#[test]
fn a_pregnancy_adds_weight_and_quickens_the_heart() {
    let woman = frame(28, Sex::Female);
    let mut pregnant = woman.clone();
    pregnant.patient.as_mut().unwrap().pregnancy_weeks = Some(38);
    let gain = mean(&pregnant, &[], FactName::Weight) - mean(&woman, &[], FactName::Weight);
    assert!((10.0..13.0).contains(&gain), "{gain}");
    let faster = mean(&pregnant, &[], FactName::HeartRate) - mean(&woman, &[], FactName::HeartRate);
    assert!((8.0..18.0).contains(&faster), "{faster}");
    // A message may state one that the frame leaves open, but not of a man.
    let facts = [(FactName::PregnancyWeeks, "24 weeks")];
    assert_eq!(case("p", &woman, &facts).patient.pregnancy_weeks, Some(24));
    assert_eq!(case("p", &frame(28, Sex::Male), &facts).patient.pregnancy_weeks, None);
    assert_eq!(case("p", &pregnant, &facts).patient.pregnancy_weeks, Some(38));
}

#[test]
fn complaints_move_signs_unless_they_are_denied() {
    let frame = frame(50, Sex::Male);
    let temperature = |text| mean(&frame, &[(FactName::Complaint, text)], FactName::Temperature);
    for text in [
        "fever for two days",
        "Fever and rigors",
        "high fever",
        "fièvre depuis hier",
        "दो दिन से बुखार",
    ] {
        assert!(temperature(text) > 38.3, "{text}");
    }
    for text in ["no fever", "afebrile, cough", "denies cough, fever or rash", "fever has resolved"]
    {
        assert!(temperature(text) < 37.3, "{text}");
    }
    let rate = |facts: &[(FactName, &str)]| mean(&frame, facts, FactName::HeartRate);
    let calm = rate(&[]);
    assert!(rate(&[(FactName::Complaint, "haematemesis, in shock")]) > calm + 25.0);
    assert!(rate(&[(FactName::Condition, "septic shock")]) > calm + 25.0);
    assert!(rate(&[(FactName::Finding, "complete heart block")]) < calm - 15.0);
    assert!(rate(&[(FactName::Medicine, "bisoprolol 5 mg once daily")]) < calm - 4.0);
    assert!(rate(&[(FactName::Temperature, "39.6")]) > calm + 12.0);
    assert!(rate(&[(FactName::Lactate, "6.2")]) > calm + 25.0);
    let saturation = |text| mean(&frame, &[(FactName::Condition, text)], FactName::Saturation);
    assert!(saturation("pneumonia") < 93.5);
    assert!(saturation("chronic obstructive pulmonary disease") < 95.0);
    assert!(saturation("previous pneumonia") > 96.0);
}

/// The smallest value of a sign over three hundred cases.
fn least(frame: &Frame, facts: &[(FactName, &str)], name: FactName) -> f64 {
    let values =
        (0..300).map(|i| case(&format!("least.{i}"), frame, facts).vitals.get(name).unwrap());
    values.fold(f64::INFINITY, f64::min)
}

#[test]
fn a_stated_illness_raises_pulse_and_breathing_in_each_case() {
    const COMPLAINT: FactName = FactName::Complaint;
    // What is stated, and how far the pulse and the breathing of the slowest case are above the usual.
    let illnesses = [
        ((FactName::Temperature, "39.2"), 1.06, 1.02),
        ((FactName::Temperature, "38.2"), 1.02, 1.0),
        ((COMPLAINT, "fever since yesterday"), 1.02, 0.99),
        ((COMPLAINT, "hot all over and drowsy"), 1.02, 0.99),
        ((FactName::Finding, "in shock, cold extremities"), 1.1, 1.04),
        ((COMPLAINT, "bleeding profusely after the birth"), 1.05, 1.0),
        ((COMPLAINT, "struggling to breathe"), 0.98, 1.03),
    ];
    for years in [0, 2, 5, 9, 15, 34, 71] {
        let frame = frame(years, Sex::Female);
        let usual = |name| mean(&frame, &[(COMPLAINT, "an itchy elbow")], name);
        let (pulse, breathing) = (usual(FactName::HeartRate), usual(FactName::RespiratoryRate));
        for (fact, faster, deeper) in illnesses {
            let [heart_rate, respiratory_rate] = [FactName::HeartRate, FactName::RespiratoryRate]
                .map(|name| least(&frame, &[fact], name));
            // The usual one is a mean of a hundred draws, and a rate is a whole number.
            let off = pulse * 0.02 + 1.0;
            assert!(heart_rate >= pulse * faster - off, "{years} {fact:?} {heart_rate} {pulse}");
            let off = breathing * 0.03 + 0.5;
            assert!(
                respiratory_rate >= breathing * deeper - off,
                "{years} {fact:?} {respiratory_rate} {breathing}"
            );
        }
        // A temperature that the message calls none is still the temperature.
        let denied = [(FactName::Temperature, "39.2"), (COMPLAINT, "no fever at home")];
        assert!(least(&frame, &denied, FactName::HeartRate) >= pulse * 1.04 - 2.0, "{years}");
    }
}

#[test]
fn what_is_said_of_relatives_is_filed_by_what_it_says() {
    let facts = [
        (FactName::Social, "little sister with sickle cell disease"),
        (FactName::Family, "lives with two cousins above a shop"),
        (FactName::Social, "works in a bakery"),
        (FactName::Family, "mother had a stroke at 58"),
    ];
    let case = case("filed", &frame(22, Sex::Female), &facts);
    let texts = |all: &[CaseText]| -> Vec<String> { all.iter().map(|t| t.text.clone()).collect() };
    assert_eq!(
        texts(&case.family),
        ["mother had a stroke at 58", "little sister with sickle cell disease"]
    );
    assert_eq!(texts(&case.social), ["works in a bakery", "lives with two cousins above a shop"]);
}

#[test]
fn hardly_anything_else_is_drawn_of_the_past_of_the_gravely_ill() {
    let events = |text: &str| {
        let of =
            |i| case(&format!("grave.{i}"), &frame(58, Sex::Male), &[(FactName::Complaint, text)]);
        (0..200).map(|i| of(i).history.len()).sum::<usize>()
    };
    let (calm, grave) = (events("an itchy elbow"), events("end-stage pancreatic cancer, in pain"));
    assert!(calm > 150 && grave * 4 < calm, "{calm} {grave}");
}

#[test]
fn drawn_signs_fit_stated_ones_and_severe_illness() {
    const COMPLAINT: FactName = FactName::Complaint;
    for (years, temperature, pulse) in
        [(34, "40.3", 100.0), (71, "39.5", 90.0), (8, "40.0", 115.0), (1, "39.5", 140.0)]
    {
        let frame = frame(years, Sex::Female);
        for facts in [
            &[(FactName::Temperature, temperature)][..],
            &[(FactName::Temperature, temperature), (COMPLAINT, "high fever and a sore throat")],
        ] {
            let slowest = least(&frame, facts, FactName::HeartRate);
            assert!(slowest >= pulse, "{years} {temperature} {slowest}");
        }
    }
    let grown = frame(50, Sex::Male);
    let breaths = |facts: &[(FactName, &str)]| least(&grown, facts, FactName::RespiratoryRate);
    assert!(breaths(&[(FactName::Saturation, "84")]) >= 18.0);
    assert!(breaths(&[(FactName::Saturation, "84"), (COMPLAINT, "breathless")]) >= 18.0);
    // Whoever breathes slowly has a low saturation for that reason.
    let overdose = [(FactName::Saturation, "84"), (COMPLAINT, "heroin overdose")];
    assert!(mean(&grown, &overdose, FactName::RespiratoryRate) < 12.0);
    for illness in [
        "in shock, cold extremities",
        "septic shock",
        "sepsis from the chest",
        "neuroleptic malignant syndrome",
        "heat stroke",
    ] {
        let slowest = least(&grown, &[(COMPLAINT, illness)], FactName::HeartRate);
        assert!(slowest >= 98.0, "{illness} {slowest}");
    }
    let dystonia = [(COMPLAINT, "acute dystonia after haloperidol")];
    assert!(least(&grown, &dystonia, FactName::HeartRate) >= 80.0);
    // What slows the heart still does.
    let slowed = [(FactName::Temperature, "39.5"), (FactName::Medicine, "bisoprolol 5 mg daily")];
    assert!(least(&grown, &slowed, FactName::HeartRate) < 95.0);
}

#[test]
fn stated_signs_bind_the_others() {
    let frame = frame(60, Sex::Female);
    for i in 0..100 {
        let key = format!("bind.{i}");
        let low = case(&key, &frame, &[(FactName::Systolic, "82")]).vitals;
        let (systolic, diastolic) = (low.systolic.unwrap(), low.diastolic.unwrap());
        assert!(diastolic <= systolic - 18.0 && diastolic > 25.0, "{low:?}");
        let high = case(&key, &frame, &[(FactName::Diastolic, "118")]).vitals;
        assert!(high.systolic.unwrap() >= 136.0, "{high:?}");
    }
    // A mild fever goes with a slower heart than a high one.
    let facts = |t| [(FactName::Complaint, "fever and cough"), (FactName::Temperature, t)];
    let mild = mean(&frame, &facts("38.0"), FactName::HeartRate);
    let high = mean(&frame, &facts("39.8"), FactName::HeartRate);
    assert!(high > mild + 8.0, "{mild} and {high}");
}

/// The names of the conditions of a case whose frame has one and whose message states another.
fn conditions(framed: &str, icd10: &str, stated: &[&str]) -> Vec<String> {
    let mut frame = frame(45, Sex::Female);
    let condition = Coded { name: framed.into(), code: icd10.into() };
    frame.patient.as_mut().unwrap().condition = Some(condition);
    let facts: Vec<_> = stated.iter().map(|name| (FactName::Condition, *name)).collect();
    let case = case("once", &frame, &facts);
    case.conditions.into_iter().map(|c| c.name).collect()
}

#[test]
fn a_disease_is_listed_once() {
    for (framed, icd10, stated) in [
        ("irritable bowel syndrome", "K58.9", "IBS"),
        ("irritable bowel syndrome", "K58.9", "known IBS for years"),
        ("congenital hearing loss", "H90.5", "born deaf"),
        ("congenital hearing loss", "H90.5", "bilateral hearing loss"),
        ("borderline personality disorder", "F60.3", "BPD"),
        ("iron deficiency anaemia", "D50.9", "iron-deficiency anemia"),
        ("type 2 diabetes", "E11.9", "T2DM"),
        ("post-COVID-19 condition", "U09.9", "long COVID"),
        ("common variable immunodeficiency", "D83.9", "CVI"),
    ] {
        assert_eq!(conditions(framed, icd10, &[stated]), [framed], "{stated}");
    }
    // Also where the message alone names it twice.
    let all = conditions("gout", "M10.9", &["chronic obstructive pulmonary disease", "COPD"]);
    assert_eq!(all, ["gout", "chronic obstructive pulmonary disease"]);
}

#[test]
fn another_disease_is_listed_beside_the_first() {
    for (framed, icd10, stated) in [
        ("type 2 diabetes", "E11.9", "type 1 diabetes"),
        ("type 2 diabetes", "E11.9", "diabetic foot ulcer"),
        ("asthma", "J45.9", "COPD"),
        ("hypertension", "I10", "pulmonary hypertension"),
        ("migraine with aura", "G43.1", "epilepsy"),
        ("chronic kidney disease stage 3", "N18.3", "chronic lymphocytic leukaemia"),
        ("congenital hearing loss", "H90.5", "hearing loss and squint"),
    ] {
        assert_eq!(conditions(framed, icd10, &[stated]), [framed, stated]);
    }
}

#[test]
fn results_in_words_are_measurements() {
    let facts = [(FactName::Other, "malaria rapid test negative"), (FactName::Lactate, "2.1")];
    let case = case("result", &frame(52, Sex::Male), &facts);
    let all: Vec<&str> = case.measurements.iter().map(|m| m.value.as_str()).collect();
    assert_eq!(all, ["malaria rapid test negative", "2.1"]);
    assert!(case.complaint.is_empty());
}

#[test]
fn what_is_drawn_was_possible_at_its_time() {
    let year = CATALOG.histories.year.unwrap();
    let mut seen = 0;
    for i in 0..4000 {
        let years = 60 + i % 30;
        let case = case(&format!("time.{i}"), &frame(years, Sex::Female), &[]);
        for (words, since) in
            [("Helicobacter pylori at ", 1998), ("colonoscopy without findings at ", 1990)]
        {
            let told = case.history.iter().find_map(|t| t.text.split_once(words)).map(|(_, at)| at);
            if let Some(at) = told {
                let at: u32 = at.parse().unwrap();
                assert!(year - years + at >= since - 1, "{words}{at} for {years}");
                seen += 1;
            }
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn a_message_that_states_a_list_leaves_nothing_to_draw() {
    let nothing = [
        (FactName::Medicine, "no regular medicines"),
        (FactName::Condition, "No past medical history."),
        (FactName::Allergy, "NKDA"),
    ];
    let some = [
        (FactName::Medicine, "metformin 500 mg twice daily"),
        (FactName::Condition, "type 2 diabetes"),
        (FactName::Allergy, "rash after penicillin"),
        (FactName::Social, "farmer"),
    ];
    let mut frame = frame(63, Sex::Female);
    for i in 0..60 {
        let key = format!("lists.{i}");
        let c = case(&key, &frame, &nothing);
        assert!(c.medicines.is_empty() && c.conditions.is_empty(), "{c:?}");
        assert!(c.allergies.is_empty() && c.history.is_empty(), "{c:?}");
        let c = case(&key, &frame, &some);
        assert_eq!((c.medicines.len(), c.conditions.len()), (1, 1));
        assert_eq!(c.medicines[0].drug, "metformin");
        assert_eq!(c.medicines[0].dose, "500 mg");
        assert_eq!((c.allergies.len(), c.social.len()), (1, 1));
    }
    // Medicines that are not named leave the list open, and the frame's condition stays.
    let condition = Coded { name: "hypertension".into(), code: "I10".into() };
    frame.patient.as_mut().unwrap().condition = Some(condition);
    let facts = [(FactName::Medicine, "her usual tablets"), (FactName::Condition, "Hypertension")];
    let cases: Vec<Case> = (0..60).map(|i| case(&format!("open.{i}"), &frame, &facts)).collect();
    assert!(cases.iter().all(|c| c.conditions.len() == 1), "{:?}", cases[0]);
    assert!(cases.iter().all(|c| c.conditions[0].origin == Origin::Frame));
    assert!(cases.iter().any(|c| !c.medicines.is_empty()));
}

#[test]
fn what_is_stated_in_words_is_left_open() {
    let facts = [(FactName::HeartRate, "rather fast"), (FactName::Weight, "60-70")];
    let case = case("open", &frame(40, Sex::Male), &facts);
    assert_eq!((case.vitals.heart_rate, case.vitals.weight), (None, None));
    assert_eq!(case.origin(FactName::HeartRate), None);
    assert!(case.vitals.height.is_some() && case.vitals.temperature.is_some());
}

#[test]
fn saturation_is_often_not_measured_where_there_is_little() {
    let mut frame = frame(40, Sex::Male);
    let without = |frame: &Frame| {
        (0..200).filter(|i| case(&format!("s.{i}"), frame, &[]).vitals.saturation.is_none()).count()
    };
    assert_eq!(without(&frame), 0);
    let setting = CATALOG.settings.iter().find(|s| s.id.as_str() == "low-resource").unwrap();
    frame.place.setting = setting.id.clone();
    assert!((60..120).contains(&without(&frame)), "{}", without(&frame));
}

fn any_fact() -> impl Strategy<Value = StatedFact> {
    let value = prop_oneof![
        ".{0,40}",
        "-?[0-9]{1,6}([.,/][0-9]{0,3})?( [a-z%]{0,4})?",
        "(no|denies|previous|severe)? ?(fever|pain|sepsis|copd|obesity|बुखार|é)[.,;]? ?[a-zß•]{0,5}",
    ];
    (0..FactName::ALL.len(), value, "[a-zA-Z\\[\\]%/]{0,6}")
        .prop_map(|(i, value, unit)| StatedFact { name: FactName::ALL[i], value, unit })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_facts_give_a_case_with_sound_numbers(
        facts in proptest::collection::vec(any_fact(), 0..12),
        years in 0_u32..104,
        sex in 0_usize..3,
    ) {
        let frame = frame(years, [Sex::Male, Sex::Female, Sex::Intersex][sex]);
        let stated = Stated { facts, source: RecordSource::Writer };
        let case = complete(&CATALOG, SEED, "any", &frame, &stated).unwrap();
        for name in FactName::ALL {
            if let Some(value) = case.vitals.get(*name) {
                prop_assert!(value.is_finite() && value >= 0.0, "{name:?} {value}");
                prop_assert!(case.origin(*name).is_some());
            }
        }
        prop_assert!(case.origins.contains_key("patient.age"));
    }
}
