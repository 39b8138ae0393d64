use clinstruct_schema::FactName;

use super::record::record;
use super::record_tests::{frame, listed, shown};
use clinstruct_schema::Sex;

/// The measurements of a message, as they are listed.
fn measured(text: &str, list: &[(FactName, &str, &str)]) -> Vec<String> {
    let stated = record(text, &frame(Sex::Female), Some(&listed(list)));
    shown(&stated).into_iter().filter(|f| !f.starts_with("age") && !f.starts_with("sex")).collect()
}

#[test]
fn what_resembles_a_fact_keeps_its_own_name() {
    for (text, name, value, unit, expected) in [
        ("BUN 38 mg/dL today.", FactName::Urea, "38", "mg/dL", "other BUN 38 mg/dL mg/dL"),
        (
            "Her blood urea nitrogen (BUN) is 38 mg/dL.",
            FactName::Urea,
            "38",
            "mg/dL",
            "other blood urea nitrogen (BUN) 38 mg/dL mg/dL",
        ),
        (
            "Direct bilirubin was 70 umol/L.",
            FactName::Bilirubin,
            "70",
            "umol/L",
            "other Direct bilirubin 70 umol/L umol/L",
        ),
        (
            "Bilirubin (conjugated) 4.1 mg/dL.",
            FactName::Bilirubin,
            "4.1",
            "mg/dL",
            "other Bilirubin (conjugated) 4.1 mg/dL mg/dL",
        ),
        (
            "Urine sodium 98 mmol/L.",
            FactName::Sodium,
            "98",
            "mmol/L",
            "other Urine sodium 98 mmol/L mmol/L",
        ),
        (
            "CSF glucose 2.1 mmol/L.",
            FactName::Glucose,
            "2.1",
            "mmol/L",
            "other CSF glucose 2.1 mmol/L mmol/L",
        ),
        ("AST 140 U/L.", FactName::Alt, "140", "U/L", "other AST 140 U/L U/L"),
        (
            "Transferrin saturation 45 %.",
            FactName::Saturation,
            "45",
            "%",
            "other Transferrin saturation 45 % %",
        ),
        ("Prothrombin time 14 s.", FactName::Inr, "14", "", "other Prothrombin time 14 s s"),
        (
            "Azote uréique 38 mg/dL.",
            FactName::Urea,
            "38",
            "mg/dL",
            "other Azote uréique 38 mg/dL mg/dL",
        ),
        (
            "Direktes Bilirubin 70 umol/L.",
            FactName::Bilirubin,
            "70",
            "umol/L",
            "other Direktes Bilirubin 70 umol/L umol/L",
        ),
    ] {
        assert_eq!(measured(text, &[(name, value, unit)]), [expected], "{text}");
        // The same where nobody lists it.
        assert_eq!(measured(text, &[]), [expected], "{text}");
    }
}

#[test]
fn a_fact_stands_beside_what_resembles_it() {
    let all = measured("Urea 13.6 mmol/L (BUN 38 mg/dL), total bilirubin 90 umol/L.", &[]);
    assert_eq!(
        all,
        ["urea 13.6 mmol/L", "bilirubin 90 umol/L", "other BUN 38 mg/dL mg/dL"],
        "{all:?}"
    );
    let all = measured(
        "Her total bilirubin is 9.1 and direct bilirubin 7.2 mg/dL.",
        &[(FactName::Other, "direct bilirubin 7.2 mg/dL", "mg/dL")],
    );
    assert!(all.iter().any(|f| f == "other direct bilirubin 7.2 mg/dL mg/dL"), "{all:?}");
    assert!(!all.iter().any(|f| f.starts_with("bilirubin 7.2")), "{all:?}");
}

#[test]
fn glycated_haemoglobin_is_in_the_unit_that_is_said() {
    for (text, expected) in [
        ("Her HbA1c is 58 mmol/mol.", "hba1c 58 mmol/mol"),
        ("HbA1c 58, BMI 31.", "hba1c 58 mmol/mol"),
        ("HbA1c 7.5 %.", "hba1c 7.5 %"),
        ("HbA1c 7.5 today.", "hba1c 7.5 %"),
    ] {
        assert!(measured(text, &[]).iter().any(|f| f == expected), "{text}");
    }
}

#[test]
fn a_mean_or_venous_pressure_is_no_blood_pressure() {
    for text in ["Mean arterial pressure 65.", "Intraocular pressure 52 mmHg on the left."] {
        let all = measured(text, &[]);
        assert!(!all.iter().any(|f| f.starts_with("systolic")), "{text}: {all:?}");
    }
    assert!(measured("Blood pressure 92/58.", &[]).iter().any(|f| f == "systolic 92 mm[Hg]"));
}
