//! What the table of contradictions can name, and the wordings of styles as a whole.

use std::collections::HashSet;

use clinstruct_schema::{PersonaTrait, VoiceTrait};

use crate::contradiction::KnownItems;
use crate::load::Loader;
use crate::load_parts::Axes;
use crate::{AgeBand, Move, Part, Personas, Styles, Voices};

/// Phrases that code uses, beside those of the templates.
pub(crate) const PHRASES: [&str; 12] = [
    "user-next",
    "aim-words",
    "aim-characters",
    "aim-asked-words",
    "aim-asked-characters",
    "repair-head",
    "repair-keep",
    "repair-keep-user",
    "repair-limits",
    "repair-tail",
    "prompt-retry",
    "prompt-openings",
];

/// A reader of a request tells options apart by their texts alone.
pub(crate) fn distinct_wordings(l: &mut Loader<'_>, styles: &Styles, files: &[&str; 2]) {
    let texts = |o: &'_ crate::StyleOption| -> Vec<String> {
        o.wordings.iter().map(|w| w.text.0.clone()).collect()
    };
    let mut seen = HashSet::new();
    let again: Vec<String> =
        styles.options().flat_map(texts).filter(|text| !seen.insert(text.clone())).collect();
    for text in again {
        let quoted = format!("\"{text}\"");
        let file = files.map(|name| l.place(name));
        let at = |place: &crate::mistake::Place| place.text.rfind(&quoted);
        let found = file.iter().rev().find_map(|place| at(place).map(|at| (place, at)));
        if let Some((place, at)) = found {
            let span = at..at + quoted.len();
            l.mistakes.push(place.mistake(span, "another wording has the same text", None));
        }
    }
}

/// What the table of contradictions can name.
pub(crate) fn known_items(
    axes: &Axes<'_>,
    ages: &[AgeBand],
    parts: &[Part],
    voices: [&Voices; 2],
    moves: [&Vec<Move>; 2],
    personas: &Personas,
) -> KnownItems {
    let styles = axes.styles;
    let emergencies = parts.iter().filter_map(|p| p.emergency.as_ref()).map(|e| &e.instruction);
    let mut items: Vec<String> = styles
        .options()
        .chain(axes.lay_styles.options())
        .chain(emergencies)
        .map(|o| o.id.to_string())
        .collect();
    let mut kind = |kind: &str, names: &mut dyn Iterator<Item = String>| {
        items.extend(names.map(|name| format!("{kind}:{name}")));
    };
    kind("mode", &mut styles.modes.iter().map(|m| m.id.as_str().to_owned()));
    kind("register", &mut styles.registers.iter().map(|r| r.id.as_str().to_owned()));
    kind("place", &mut std::iter::once("later".to_owned()));
    kind("message", &mut std::iter::once("incomplete".to_owned()));
    kind("patient", &mut ["none", "some"].into_iter().map(str::to_owned));
    kind("age", &mut ages.iter().map(|a| a.id.to_string()));
    kind("task", &mut axes.tasks.iter().map(|t| t.id.to_string()));
    kind("domain", &mut axes.domains.iter().map(|d| d.id.to_string()));
    kind("subtopic", &mut axes.subtopics.iter().map(|s| s.id.to_string()));
    kind("profession", &mut axes.professions.iter().map(|p| p.id.to_string()));
    let specialties = axes
        .professions
        .iter()
        .flat_map(|p| p.specialties.iter().map(move |s| format!("{}.{}", p.id, s.id)));
    kind("specialty", &mut specialties.into_iter());
    for of in [VoiceTrait::Form, VoiceTrait::Opening, VoiceTrait::Length] {
        let values = voices.into_iter().flat_map(|voices| voices.of(of));
        kind(of.as_str(), &mut values.map(|value| value.id.to_string()));
    }
    for of in PersonaTrait::ALL {
        let values = personas.lists.get(&of).into_iter().flatten();
        kind(of.as_str(), &mut values.map(|value| value.id.to_string()));
    }
    kind("move", &mut moves.into_iter().flatten().map(|m| m.id.to_string()));
    let asked = styles.asked.iter().chain(&axes.lay_styles.asked);
    let groups = asked.map(|o| (format!("group:{}", o.group), o.id.to_string())).collect();
    KnownItems { items, groups }
}
