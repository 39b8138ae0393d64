//! Statements that a writer cut out of one phrase.

use clinstruct_schema::FactName;

use super::filing_tests::{TEXTS, filed};

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
