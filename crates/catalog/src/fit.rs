//! Which values of a persona and a voice go with those that were drawn before.

use clinstruct_schema::{Persona, PersonaTrait, Slug, Voice, VoiceTrait};

use crate::{Catalog, PersonaEntry, PersonaFacts, VoiceEntry, VoiceFacts, VoiceValue};

/// The traits of a persona as items of the table of contradictions, such as `worry:calm`.
#[inline]
pub fn persona_items(persona: &Persona) -> Vec<String> {
    PersonaTrait::ALL.into_iter().map(|of| item(of.as_str(), persona.of(of))).collect()
}

/// The traits of a voice that the table of contradictions can name, such as `opening:question`.
#[inline]
pub fn voice_items(voice: &Voice) -> Vec<String> {
    let traits = [
        (VoiceTrait::Form, &voice.form),
        (VoiceTrait::Opening, &voice.opening),
        (VoiceTrait::Length, &voice.length),
    ];
    traits.into_iter().map(|(of, id)| item(of.as_str(), id)).collect()
}

#[inline]
fn item(of: &str, id: &Slug) -> String {
    format!("{of}:{id}")
}

impl Catalog {
    /// The values of a trait of a persona that are possible beside `drawn`, items of the table of contradictions, with their
    /// weights. Where the table leaves none, those that only the facts allow.
    #[inline]
    pub fn personas_beside(
        &self,
        of: PersonaTrait,
        facts: &PersonaFacts<'_>,
        drawn: &[String],
    ) -> Vec<(&PersonaEntry, f64)> {
        let possible = self.personas.possible(of, facts);
        self.beside(possible, |entry| item(of.as_str(), &entry.id), drawn)
    }

    /// The values of a trait of a voice that are possible beside those already drawn and the persona of the writer, if there
    /// is one, with their weights. Where the table of contradictions leaves none, those that only the voices allow.
    #[inline]
    pub fn voices_beside(
        &self,
        of: VoiceTrait,
        facts: &VoiceFacts<'_>,
        drawn: &[VoiceValue],
        persona: Option<&Persona>,
    ) -> Vec<(&VoiceEntry, f64)> {
        let possible = self.voices_of(persona.is_some()).possible(of, facts, drawn);
        let items = persona.map(persona_items).unwrap_or_default();
        self.beside(possible, |entry| item(of.as_str(), &entry.id), &items)
    }

    #[inline]
    fn beside<'e, E>(
        &self,
        possible: Vec<(&'e E, f64)>,
        item: impl Fn(&E) -> String,
        drawn: &[String],
    ) -> Vec<(&'e E, f64)> {
        if drawn.is_empty() {
            return possible;
        }
        let fits = |(entry, _): &&(&E, f64)| {
            !self.contradictions.any(&item(entry), drawn.iter().map(String::as_str))
        };
        let left: Vec<(&E, f64)> = possible.iter().filter(fits).copied().collect();
        if left.is_empty() { possible } else { left }
    }
}
