//! Reads the files of patients and relatives who write for themselves.

use clinstruct_schema::{ConversationMode, PersonaTrait, Sex};

use crate::items::distinct_wordings;
use crate::load::{Loader, distinct, sums_to_one, values, who};
use crate::load_axes::{read_situations, read_styles};
use crate::load_parts::{Axes, when};
use crate::load_voices::{by_mode, read_voices};
use crate::moves::read_moves;
use crate::persona::RawPersonaEntry;
use crate::read::Reader;
use crate::{AgeBand, PersonaEntry, Personas, Phrase, Styles};

const MODES: [ConversationMode; 3] =
    [ConversationMode::Chat, ConversationMode::Normal, ConversationMode::Emergency];

/// Reads styles and situations, which the files of parts refer to.
pub(crate) fn read_lay_styles(l: &mut Loader<'_>) -> Styles {
    let mut styles = Styles::default();
    l.file("layperson/styles.toml", |r| read_styles(r, &mut styles));
    l.file("layperson/situations.toml", |r| read_situations(r, &mut styles));
    distinct_wordings(l, &styles, &["layperson/styles.toml", "layperson/situations.toml"]);
    styles
}

/// Reads everything else.
pub(crate) fn read_personas(l: &mut Loader<'_>, axes: &Axes<'_>, ages: &[AgeBand]) -> Personas {
    let mut personas = Personas { styles: axes.lay_styles.clone(), ..Personas::default() };
    l.file("personas.toml", |r| {
        personas.profession =
            r.value::<String>("profession", true).map(|e| e.value).unwrap_or_default();
        for of in PersonaTrait::ALL {
            let entries = read_trait(r, axes, ages, of);
            personas.lists.insert(of, entries);
        }
        let phrases = r.entries::<Phrase>("phrase", true);
        distinct(r, "phrase", phrases.iter().map(|e| (e.value.id.as_str(), e.span.clone())));
        personas.phrases = values(phrases);
    });
    personas.voices = l.file("layperson/voices.toml", |r| read_voices(r, axes.tasks));
    personas.moves = l.file("layperson/moves.toml", |r| read_moves(r, axes));
    personas
}

fn read_trait(
    r: &mut Reader<'_>,
    axes: &Axes<'_>,
    ages: &[AgeBand],
    of: PersonaTrait,
) -> Vec<PersonaEntry> {
    let name = of.as_str();
    let raw = values(r.entries::<RawPersonaEntry>(name, true));
    distinct(r, name, raw.iter().map(|e| (e.id.get_ref().as_str(), e.id.span())));
    let span = raw.first().map_or(0..0, |e| e.weight.span());
    let mut entries = Vec::with_capacity(raw.len());
    for entry in raw {
        for condition in &entry.unless {
            when(r, axes, &axes.lay_styles.groups, condition);
        }
        let who = who(r, ages, &entry.who());
        for texts in [&entry.writer, &entry.user] {
            if texts.get_ref().iter().all(|text| text.trim().is_empty()) {
                r.mistake(texts.span(), "the list of sentences is empty", None);
            }
        }
        entries.push(PersonaEntry {
            id: entry.id.into_inner(),
            weights: by_mode(entry.weight.into_inner()),
            who,
            unless: entry.unless,
            writer: entry.writer.into_inner(),
            user: entry.user.into_inner(),
        });
    }
    // Modes with the same weights have the same mistakes.
    let mut summed: Vec<Vec<f64>> = Vec::new();
    for mode in MODES {
        let weights: Vec<f64> =
            entries.iter().filter_map(|e| e.weights.get(&mode).copied()).collect();
        if !entries.is_empty() && !summed.contains(&weights) {
            sums_to_one(r, span.clone(), weights.iter().copied());
            summed.push(weights);
        }
    }
    everyone_has_one(r, span, ages, of, &entries);
    entries
}

/// Every patient goes with an entry, in every mode.
fn everyone_has_one(
    r: &mut Reader<'_>,
    span: std::ops::Range<usize>,
    ages: &[AgeBand],
    of: PersonaTrait,
    entries: &[PersonaEntry],
) {
    for (band, age) in ages.iter().enumerate() {
        for (mode, sex) in MODES.into_iter().flat_map(|mode| {
            [Sex::Male, Sex::Female, Sex::Intersex].into_iter().map(move |sex| (mode, sex))
        }) {
            let fits = |e: &&PersonaEntry| {
                e.who.includes(band, sex) && e.weights.get(&mode).is_some_and(|w| *w > 0.0)
            };
            if !entries.is_empty() && !entries.iter().any(|e| fits(&e)) {
                let message = format!(
                    "no {} is for {} patients of the age band \"{}\" in {} mode",
                    of.as_str(),
                    sex.as_str(),
                    age.id,
                    mode.as_str()
                );
                r.mistake(span, message, Some("widen the `ages` of one".into()));
                return;
            }
        }
    }
}
