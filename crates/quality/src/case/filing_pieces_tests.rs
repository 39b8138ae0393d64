//! Statements that a writer cut out of one phrase.

use clinstruct_schema::FactName;

use super::filing_tests::{TEXTS, filed};
use super::record;
use super::standing_tests::frame;
use super::statement::fact_of;

#[test]
fn pieces_of_one_phrase_are_one_statement() {
    use FactName::{Complaint, Condition, Finding, History, Other};
    for (text, list, facts) in [
        (
            "Infantile haemangioma of the left cheek. How do I put it?",
            &[(Condition, "infantile haemangioma", "1"), (Finding, "of the left cheek", "1")][..],
            &[
                "condition: infantile haemangioma",
                "finding: Infantile haemangioma of the left cheek",
            ][..],
        ),
        (
            "Yellowish papules with erythema have persisted for five months on both hands. What is it?",
            &[
                (Finding, "yellowish papules with erythema", "1"),
                (Finding, "have persisted for five months on both hands", "1"),
            ],
            &[
                "finding: Yellowish papules with erythema have persisted for five months on both hands",
            ],
        ),
        (
            "Her aided speech recognition fell from 78% to 52% with unchanged impedances.",
            &[
                (History, "aided speech recognition fell from 78%", "%"),
                (Other, "52%", "%"),
                (Finding, "unchanged impedances", "1"),
            ],
            &[
                "history: aided speech recognition fell from 78% to 52%",
                "finding: unchanged impedances",
            ],
        ),
        (
            "She has back pain, cough and a rash.",
            &[(Complaint, "back pain", "1"), (Complaint, "cough", "1"), (Finding, "rash", "1")],
            &["complaint: back pain", "complaint: cough", "finding: rash"],
        ),
        (
            "back pain cough rash on trunk since monday what now",
            &[
                (Complaint, "back pain", "1"),
                (Complaint, "cough", "1"),
                (Finding, "rash on", "1"),
                (Finding, "trunk", "1"),
            ],
            &["complaint: back pain", "complaint: cough", "finding: rash on trunk"],
        ),
    ] {
        let found: Vec<String> = filed(text, list, &TEXTS);
        let short = |fact: &String| fact.split(" [").next().unwrap_or_default().to_owned();
        assert_eq!(found.iter().map(short).collect::<Vec<_>>(), facts, "{text}");
    }
}

#[test]
fn a_symptom_that_is_not_there_is_no_complaint() {
    use FactName::{Complaint, Finding};
    for (text, value, is) in [
        ("Nil fever since d/c. Exhausted.", "Nil fever since d/c", Finding),
        ("Calf pain gone, still exhausted.", "Calf pain gone", Finding),
        ("no headaches, sight is fine", "no headaches, sight is fine", Finding),
        ("Keine Schmerzen, kein Fieber.", "Keine Schmerzen", Finding),
        ("No pain relief from paracetamol.", "No pain relief from paracetamol", Complaint),
        ("no stool for 4 days", "no stool for 4 days", Complaint),
        ("Pain in the calf.", "Pain in the calf", Complaint),
    ] {
        let fact = fact_of(Complaint, value, "1");
        let stated = record(text, &frame(), Some(&[fact]));
        let found: Vec<_> =
            stated.facts.iter().filter(|f| f.value == value).map(|f| f.name).collect();
        assert_eq!(found, [is], "{text}: {:?}", stated.facts);
    }
}

#[test]
fn a_complaint_that_another_one_has_is_listed_once() {
    let text = "I need to settle who gives this boy his evening tablets, because they are being missed. Pain in the \
        left knee. He limps.";
    let list = [
        "evening tablets, because they are being missed",
        "evening tablets are being missed",
        "Pain in the left knee",
        "left knee pain",
        "He limps",
    ];
    let list = list.map(|value| fact_of(FactName::Complaint, value, "1"));
    let stated = record(text, &frame(), Some(&list));
    let complaints = stated.facts.iter().filter(|f| f.name == FactName::Complaint);
    let complaints: Vec<&str> = complaints.map(|f| f.value.as_str()).collect();
    assert_eq!(complaints.len(), 3, "{complaints:?}");
}
