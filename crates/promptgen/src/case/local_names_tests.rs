//! One condition under several names.

use clinstruct_schema::{CaseCondition, Language};

use super::cognate::is_cognate;
use super::lists_tests::CATALOG;
use super::local_names::{Names, code, further, is_name_of};

fn names(language: Language) -> Names<'static> {
    Names { catalog: &CATALOG, language }
}

fn listed(name: &str, icd10: &str) -> CaseCondition {
    CaseCondition {
        name: name.into(),
        icd10: icd10.into(),
        origin: clinstruct_schema::Origin::Frame,
    }
}

#[test]
fn a_condition_has_names_at_home_and_in_other_languages() {
    for (name, icd10, said) in [
        ("age-related hearing loss", "H91.1", "Very HOH"),
        ("age-related hearing loss", "H91.1", "quite hard of hearing"),
        ("age-related hearing loss", "H91.1", "Schwerhörigkeit seit Jahren"),
        ("age-related hearing loss", "H91.1", "หูตึงมา 5 ปี"),
        ("clubfoot treated with serial casts", "Q66.0", "क्लबफुट, सीरियल कास्ट"),
        ("clubfoot treated with serial casts", "Q66.0", "pie zambo"),
        ("hypertension", "I10", "Bluthochdruck"),
        ("hypertension", "I10", "pressão alta há 10 anos"),
        ("hypertension", "I10", "HTA connue"),
        ("hypertension", "I10", "हाई बीपी"),
        ("type 2 diabetes", "E11.9", "diabete mellito tipo 2"),
        ("type 2 diabetes", "E11.9", "เป็นเบาหวาน"),
        ("amyotrophic lateral sclerosis", "G12.2", "MND"),
        ("gastro-oesophageal reflux", "K21.9", "GER"),
        ("tobacco dependence", "F17.2", "Tabakabhängigkeit"),
    ] {
        assert!(is_name_of(names(Language::English), &listed(name, icd10), said), "{said}");
    }
    for (name, icd10, said) in [
        ("type 2 diabetes", "E11.9", "type 1 diabetes"),
        ("type 2 diabetes", "E11.9", "retinopatía diabética"),
        ("hypertension", "I10", "hipertensión pulmonar"),
        ("asthma", "J45.9", "EPOC"),
        ("age-related hearing loss", "H91.1", "hearing loss and tinnitus"),
        ("migraine", "G43.9", "epilepsia"),
    ] {
        assert!(!is_name_of(names(Language::English), &listed(name, icd10), said), "{said}");
    }
}

#[test]
fn what_a_name_says_beside_its_condition_is_not_lost() {
    for (name, is) in [
        ("diabetes, hypertension", &["hypertension"][..]),
        ("Diabetes mit Nephropathie seit 2010", &["Nephropathie seit 2010"]),
        ("HTA (mal contrôlée)", &["mal contrôlée"]),
        ("hipertensión desde hace 10 años, gota", &["gota"]),
        ("type 2 diabetes, poorly controlled", &[]),
        ("congenital hearing loss, bilateral and sensorineural", &[]),
        ("heart failure with reduced ejection fraction", &[]),
        ("asthma, 10 years", &[]),
        ("HIV/TB", &[]),
    ] {
        assert_eq!(further(name), is, "{name}");
    }
    assert!(!is_name_of(names(Language::English), &listed("HIV infection", "B20"), "HIV/TB"));
}

#[test]
fn names_in_related_languages_have_the_same_words() {
    for (listed, said) in [
        ("rheumatoid arthritis", "artritis reumatoide"),
        ("multiple sclerosis", "esclerosis múltiple"),
        ("hypertension", "hipertensão arterial"),
        ("type 2 diabetes", "Diabetes mellitus Typ 2"),
        ("focal epilepsy", "épilepsie"),
        ("ulcerative colitis", "colite ulcerativa"),
        ("osteoporosis", "Osteoporose"),
    ] {
        assert!(is_cognate(listed, said), "{said}");
    }
    for (listed, said) in [
        ("type 2 diabetes", "diabetes tipo 1"),
        ("hypertension", "hipertensión pulmonar"),
        ("type 2 diabetes", "retinopatía diabética"),
        ("rheumatoid arthritis", "artritis psoriásica"),
        ("chronic hepatitis B", "pneumonia"),
    ] {
        assert!(!is_cognate(listed, said), "{said}");
    }
}

#[test]
fn a_name_at_home_or_in_another_language_has_a_code() {
    for (name, expected) in [
        ("Tabakabhängigkeit", Some("F17.2")),
        ("Bluthochdruck", Some("I10")),
        ("HTA connue", Some("I10")),
        ("diabetes mellitus tipo 2", Some("E11.9")),
        ("diabético", Some("E14")),
        ("schwerhörig", Some("H91")),
        ("วัณโรคปอด", Some("A15")),
        ("gonarthrose", None),
        ("Alzheimer", None),
        ("müde", None),
    ] {
        assert_eq!(code(names(Language::English), name).as_deref(), expected, "{name}");
    }
}

#[test]
fn a_condition_has_names_in_the_language_of_the_message() {
    for (name, icd10, language, said) in [
        ("episodic cluster headache", "G44.0", Language::Italian, "cefalea a grappolo episodica"),
        ("episodic cluster headache", "G44.0", Language::German, "Clusterkopfschmerz"),
        (
            "paraplegia after a spinal cord injury",
            "T91.3",
            Language::Thai,
            "อัมพาตครึ่งล่างจากการบาดเจ็บไขสันหลัง",
        ),
        (
            "paraplegia after a spinal cord injury",
            "T91.3",
            Language::French,
            "paraplégie par lésion médullaire",
        ),
        ("pacemaker for complete heart block", "Z95.0", Language::Spanish, "marcapasos desde 2019"),
        ("phenylketonuria on a low-protein diet", "E70.0", Language::Portuguese, "fenilcetonúria"),
        ("repaired tetralogy of Fallot", "Q21.3", Language::Hindi, "टेट्रालॉजी ऑफ फैलो"),
    ] {
        assert!(is_name_of(names(language), &listed(name, icd10), said), "{said}");
        assert_eq!(code(names(language), said).as_deref(), Some(icd10), "{said}");
    }
    // An abbreviation means something else in another language: autism, and a hole in the heart.
    let hole = listed("small atrial septal defect under observation", "Q21.1");
    assert!(is_name_of(names(Language::German), &hole, "ASD"));
    assert!(!is_name_of(names(Language::English), &hole, "ASD"));
}
