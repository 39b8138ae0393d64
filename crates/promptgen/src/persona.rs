//! Draws who writes a first message, where no health worker does, and tells the writer.

use clinstruct_catalog::{Axis, Catalog, PersonaEntry, PersonaFacts};
use clinstruct_draw as draw;
use clinstruct_schema::{Frame, Persona, PersonaTrait, Slug, Subject};

/// The last slug of each subject, and the domains that subtopics are of, as conditions name them.
pub(crate) fn named(subjects: &[Subject]) -> Vec<(Axis, &str)> {
    let axes = [Axis::Task, Axis::Specialty, Axis::Profession, Axis::Domain, Axis::Subtopic];
    let mut all = Vec::with_capacity(subjects.len() + 1);
    for subject in subjects {
        let Some(axis) = axes.into_iter().find(|a| a.as_str() == subject.axis) else { continue };
        all.extend(subject.slugs.last().map(|last| (axis, last.as_str())));
        if axis == Axis::Subtopic {
            all.extend(subject.slugs.first().map(|domain| (Axis::Domain, domain.as_str())));
        }
    }
    all
}

/// The persona that writes the prompt with this key; `None` without a patient, and if the catalog has a trait without values.
pub(crate) fn draw_persona(
    catalog: &Catalog,
    seed: u64,
    key: &str,
    subjects: &[Subject],
    frame: &Frame,
) -> Option<Persona> {
    let patient = frame.patient.as_ref()?;
    let band = catalog.ages.iter().position(|band| band.id == patient.age_band)?;
    let subjects = named(subjects);
    let facts = PersonaFacts { mode: frame.mode, band, sex: patient.sex, subjects: &subjects };
    let mut drawn: Vec<String> = Vec::with_capacity(PersonaTrait::ALL.len());
    let mut one = |of: PersonaTrait| -> Option<Slug> {
        let possible = catalog.personas_beside(of, &facts, &drawn);
        let possible = possible.into_iter().map(|(entry, w)| (entry.id.as_str(), w, entry));
        let entry = draw::choose(seed, key, &format!("persona {}", of.as_str()), possible)?;
        drawn.push(format!("{}:{}", of.as_str(), entry.id));
        Some(entry.id.clone())
    };
    Some(Persona {
        relation: one(PersonaTrait::Relation)?,
        literacy: one(PersonaTrait::Literacy)?,
        recall: one(PersonaTrait::Recall)?,
        proficiency: one(PersonaTrait::Proficiency)?,
        worry: one(PersonaTrait::Worry)?,
        openness: one(PersonaTrait::Openness)?,
    })
}

/// What the writer is told of the persona: a sentence for each trait; `None` where a health worker writes.
pub(crate) fn told(catalog: &Catalog, seed: u64, key: &str, frame: &Frame) -> Option<String> {
    let persona = frame.persona.as_ref()?;
    let sentence = |of: PersonaTrait| -> Option<&str> {
        let entry: &PersonaEntry = catalog.personas.entry(of, persona.of(of))?;
        let texts = entry.writer.iter().map(|text| (text.as_str(), 1.0, text.as_str()));
        draw::choose(seed, key, &format!("wording of {}", of.as_str()), texts)
    };
    let all: Vec<&str> = PersonaTrait::ALL.into_iter().filter_map(sentence).collect();
    Some(all.join(" "))
}
