//! A dose in an answer to somebody at home, beyond what a package says.

use crate::Turn;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::dose;
use crate::lay::{needs_no_prescription, points_to_the_package};
use clinstruct_schema::Language;

/// The check.
pub const CHECK: Check = Check {
    id: "prescription_dose",
    former_ids: &[],
    repair_name: None,
    summary: "A dose of a prescription medicine in an answer to a patient or relative, or a dose of another one with no word of its package or a pharmacist.",
    group: Group::Facts,
    strictness: PerSpeaker::assistant(Strictness::Blocks),
    run: Run::Text { find, example },
    good: &[
        "Rest and drink. If the fever is a burden, paracetamol may help: take it as the package says.",
        "Paracetamol 500 mg can help; the leaflet says how often.",
        "Ask your pharmacist whether ibuprofen 200 mg is right for you.",
        "Do not stop the tablets for your blood pressure on your own.",
        "A grown-up takes at most 8 tablets of Panadol 500 mg in a day, as the box says.",
        "Panadol is paracetamol. Never more than 8 tablets of 500 mg in a day; the box says so too.",
    ],
    bad: &[
        "Take amoxicillin 500 mg three times a day, as the package says.",
        "Give paracetamol 500 mg every six hours.",
        "Double the tablet and take amlodipine 10 mg from tonight.",
        "The pharmacy has your ramipril. Take two tablets of 5 mg from tomorrow.",
    ],
};

fn example(text: &'static str) -> Turn<'static> {
    Turn { lay: true, ..Turn::answer(text) }
}

fn find(turn: &Turn<'_>) -> Vec<Finding> {
    if !turn.lay || turn.language != Language::English {
        return Vec::new();
    }
    let doses = dose::find(turn.text, turn.language).stated;
    let text = |place: &std::ops::Range<usize>| turn.text.get(place.clone()).unwrap_or_default();
    let prescribed = doses.iter().find_map(|dose| {
        let medicine = text(dose.medicine.as_ref()?);
        let counted = matches!(
            dose.unit,
            dose::Unit::Microgram
                | dose::Unit::Milligram
                | dose::Unit::Gram
                | dose::Unit::International
        );
        let free = || needs_no_prescription(turn.text, medicine, dose.place.start);
        (counted && !free()).then_some((dose, medicine))
    });
    if let Some((dose, medicine)) = prescribed {
        let stated = text(&dose.place);
        let seen = format!("a dose of {medicine} ({stated}), which somebody has to prescribe");
        return vec![Finding::at(dose.place.clone(), seen)];
    }
    let Some(dose) = doses.first().filter(|_| !points_to_the_package(turn.text)) else {
        return Vec::new();
    };
    let stated = text(&dose.place);
    let seen = format!("a dose ({stated}) with no word of the package or a pharmacist");
    vec![Finding::at(dose.place.clone(), seen)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_to_health_workers_have_doses() {
        let text = "Give amoxicillin 500 mg three times a day.";
        assert!(find(&Turn::answer(text)).is_empty());
        assert_eq!(find(&example(text)).len(), 1);
    }
}
