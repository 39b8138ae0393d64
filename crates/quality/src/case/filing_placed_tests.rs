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
