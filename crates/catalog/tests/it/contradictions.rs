//! The table of contradictions against pairs that were labelled by reading them, before the table was written.

use clinstruct_catalog::Catalog;

use crate::{change, embedded, mistakes};

/// Pairs that no reader would believe.
const AT_ODDS: [(&str, &str); 44] = [
    ("step-at-a-time", "table"),
    ("step-at-a-time", "exact-steps"),
    ("step-at-a-time", "headings"),
    ("step-at-a-time", "in-depth"),
    ("step-at-a-time", "long"),
    ("step-at-a-time", "exact-sentences"),
    ("for-the-patient", "patient:none"),
    ("for-the-family", "patient:none"),
    ("for-the-patient", "domain:microbiology"),
    ("for-the-patient", "profession:medical-laboratory-scientist"),
    ("for-the-family", "specialty:pharmacist.industrial-pharmacy"),
    ("for-the-patient", "age:infants"),
    ("for-a-child", "task:treatment-recommendations"),
    ("for-a-child", "task:clinical-documentation"),
    ("story", "register:scientific"),
    ("story", "exact-steps"),
    ("story", "step-by-step"),
    ("story", "table"),
    ("story", "patient:some"),
    ("humour", "mode:emergency"),
    ("humour", "age:infants"),
    ("humour", "task:emergency-triage"),
    ("humour", "domain:oncology"),
    ("for-a-manager", "patient:some"),
    ("for-a-student", "mode:chat"),
    ("for-a-manager", "mode:chat"),
    ("formal", "mode:emergency"),
    ("analogy", "mode:emergency"),
    ("end-marker", "mode:emergency"),
    ("formal", "register:popular"),
    ("for-a-specialist", "register:popular"),
    ("task:language-translation", "brief"),
    ("task:language-translation", "short"),
    ("task:language-translation", "step-by-step"),
    ("task:language-translation", "plain-text"),
    ("task:language-translation", "register:scientific"),
    ("task:language-translation", "german"),
    ("options-first", "mode:emergency"),
    ("options-first", "exact-sentences"),
    ("encouraging", "mode:emergency"),
    ("encouraging", "task:emergency-triage"),
    ("mode:emergency", "task:health-policy-guidance"),
    ("for-a-child", "for-a-specialist"),
    ("brief", "in-depth"),
];

/// Pairs that people do ask for.
const TOGETHER: [(&str, &str); 26] = [
    ("brief", "direct"),
    ("brief", "evidence"),
    ("table", "for-a-specialist"),
    ("table", "formal"),
    ("exact-bullets", "direct"),
    ("exact-bullets", "mode:emergency"),
    ("exact-steps", "task:medication-management"),
    ("step-at-a-time", "mode:emergency"),
    ("step-at-a-time", "friendly"),
    ("clarifying-questions", "patient:none"),
    ("clarifying-questions", "friendly"),
    ("for-the-patient", "task:patient-education"),
    ("for-the-patient", "brief"),
    ("for-the-family", "age:infants"),
    ("for-a-child", "task:patient-education"),
    ("for-a-manager", "patient:none"),
    ("for-a-student", "in-depth"),
    ("story", "patient:none"),
    ("humour", "domain:medical-education"),
    ("analogy", "for-a-student"),
    ("options-first", "table"),
    ("direct", "mode:emergency"),
    ("plain-paragraphs", "brief"),
    ("task:language-translation", "formal"),
    ("task:language-translation", "table"),
    ("encouraging", "task:patient-education"),
];

/// Whether two items cannot stand in one conversation, by the table or because they share a facet.
fn at_odds(c: &Catalog, a: &str, b: &str) -> bool {
    let option = |id: &str| c.styles.options().find(|o| o.id.as_str() == id);
    let share = option(a).zip(option(b)).is_some_and(|(a, b)| a.shares_facet(b));
    share || c.contradictions.between(a, b)
}

#[test]
fn labelled_pairs_are_judged_as_a_reader_judges_them() {
    let c = &embedded();
    let missed: Vec<_> = AT_ODDS.iter().filter(|(a, b)| !at_odds(c, a, b)).collect();
    let wrong: Vec<_> = TOGETHER.iter().filter(|(a, b)| at_odds(c, a, b)).collect();
    assert!(missed.is_empty() && wrong.is_empty(), "missed {missed:?}, wrong {wrong:?}");
}

#[test]
fn the_table_holds_in_both_directions() {
    let c = embedded();
    let t = &c.contradictions;
    assert!(t.pairs() > 300, "{}", t.pairs());
    for entry in t.entries() {
        for (a, b) in entry.one.iter().flat_map(|a| entry.other.iter().map(move |b| (a, b))) {
            assert!(a == b || t.between(a, b) && t.between(b, a), "{a} {b}");
        }
    }
}

#[test]
fn unknown_items_of_the_table_are_mistakes() {
    let mut files = Catalog::embedded_files();
    change(&mut files, "contradictions.toml", "\"step-at-a-time\"", "\"step-at-time\"");
    change(&mut files, "contradictions.toml", "\"domain:oncology\"", "\"domain:oncologie\"");
    insta::assert_snapshot!(mistakes(files), @r#"
    the resources have 2 mistakes
    contradictions.toml at "\"step-at-time\"": unknown item "step-at-time"
        did you mean "step-at-a-time"?
    contradictions.toml at "\"domain:oncologie\"": unknown item "domain:oncologie"
        did you mean "domain:oncology"?
    "#);
}
