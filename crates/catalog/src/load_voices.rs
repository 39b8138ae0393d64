//! Reads the file of voices.

use std::collections::BTreeMap;
use std::ops::Range;

use clinstruct_schema::{ConversationMode, Register, Slug, VoiceTrait};
use toml::Spanned;

use crate::load::{distinct, resolve, sums_to_one, values};
use crate::read::Reader;
use crate::voice::{RawExclusion, RawVoiceEntry, RawVoiceMode, RawWeight};
use crate::{Task, VoiceEntry, VoiceExclusion, VoiceValue, Voices};

const MODES: [ConversationMode; 3] =
    [ConversationMode::Chat, ConversationMode::Normal, ConversationMode::Emergency];

pub(crate) fn read_voices(r: &mut Reader<'_>, tasks: &[Task]) -> Voices {
    let modes = values(r.entries::<RawVoiceMode>("mode", true));
    let modes = modes.into_iter().map(|mode| (mode.id, mode.writer)).collect();
    let mut texts: Vec<(VoiceTrait, Slug, String, Range<usize>)> = Vec::new();
    let mut lists: BTreeMap<VoiceTrait, Vec<VoiceEntry>> = BTreeMap::new();
    for of in VoiceTrait::ALL {
        let raw = values(r.entries::<RawVoiceEntry>(of.as_str(), true));
        distinct(r, of.as_str(), raw.iter().map(|e| (e.id.get_ref().as_str(), e.id.span())));
        let span = raw.first().map_or(0..0, |e| e.weight.span());
        let mut entries = Vec::with_capacity(raw.len());
        for entry in raw {
            let at = entry.writer.span();
            let read = read_entry(r, of, entry, tasks);
            texts.extend(read.writer.iter().map(|t| (of, read.id.clone(), t.clone(), at.clone())));
            entries.push(read);
        }
        for mode in MODES {
            let weights: Vec<f64> =
                entries.iter().filter_map(|e| e.weights.get(&mode).copied()).collect();
            if !entries.is_empty() {
                sums_to_one(r, span.clone(), weights.into_iter());
            }
        }
        lists.insert(of, entries);
    }
    // Texts are recognized in a request: one that is part of another one would be found in it.
    for (of, id, text, span) in &texts {
        let inside = texts
            .iter()
            .find(|(o, i, other, _)| (o, i) != (of, id) && other.contains(text.as_str()));
        if let Some((other_of, other, ..)) = inside {
            let message = format!("\"{text}\" is also in a text of {} {other}", other_of.as_str());
            r.mistake(span.clone(), message, Some("word it differently".into()));
        }
    }
    let raw = values(r.entries::<RawExclusion>("exclusion", false));
    let exclusions = raw
        .into_iter()
        .map(|e| VoiceExclusion {
            one: e.one.iter().filter_map(|name| value(r, name, &lists)).collect(),
            other: e.other.iter().filter_map(|name| value(r, name, &lists)).collect(),
            why: e.why,
        })
        .collect();
    Voices { lists, modes, exclusions }
}

fn read_entry(
    r: &mut Reader<'_>,
    of: VoiceTrait,
    raw: RawVoiceEntry,
    tasks: &[Task],
) -> VoiceEntry {
    let known = || tasks.iter().map(|t| t.id.as_str());
    let mut of_tasks = |all: Vec<Spanned<Slug>>| -> Vec<Slug> {
        for task in &all {
            resolve(r, "task", task.get_ref().as_str(), task.span(), known());
        }
        all.into_iter().map(Spanned::into_inner).collect()
    };
    let (tasks, without_tasks) = (of_tasks(raw.task), of_tasks(raw.without_task));
    let id = raw.id.get_ref();
    for (due, given, key) in [
        (of == VoiceTrait::Length, raw.words.is_some(), "words"),
        (of == VoiceTrait::Questions, raw.n.is_some(), "n"),
    ] {
        if due && !given {
            r.mistake(raw.id.span(), format!("missing field `{key}`"), None);
        } else if given && !due {
            let message = format!("`{key}` has no meaning in a {}", of.as_str());
            r.mistake(raw.id.span(), message, None);
        }
    }
    if let Some((from, to)) = raw.words.filter(|(from, to)| *from == 0 || from > to) {
        let message = format!("{from} to {to} is no range of words");
        r.mistake(raw.id.span(), message, None);
    }
    let registers = [Register::Popular, Register::Standard, Register::Scientific];
    if of == VoiceTrait::Register && !registers.iter().any(|known| known.as_str() == id.as_str()) {
        let known = registers.iter().map(|known| known.as_str());
        resolve(r, "register", id.as_str(), raw.id.span(), known);
    }
    if raw.writer.get_ref().is_empty() {
        r.mistake(raw.writer.span(), "the list of sentences is empty", None);
    }
    let (from, to) = raw.words.unwrap_or_default();
    let filled =
        |text: String| text.replace("{from}", &from.to_string()).replace("{to}", &to.to_string());
    let weights = by_mode(raw.weight.into_inner());
    VoiceEntry {
        id: raw.id.into_inner(),
        weights,
        writer: raw.writer.into_inner().into_iter().map(filled).collect(),
        patient: raw.patient,
        tasks,
        without_tasks,
        words: raw.words,
        n: raw.n,
    }
}

/// A weight in each mode.
pub(crate) fn by_mode(weight: RawWeight) -> BTreeMap<ConversationMode, f64> {
    match weight {
        RawWeight::All(weight) => MODES.into_iter().map(|mode| (mode, weight)).collect(),
        RawWeight::ByMode(weights) => weights,
    }
}

/// The value that `form:phone` names; a mistake if there is none.
fn value(
    r: &mut Reader<'_>,
    name: &Spanned<String>,
    lists: &BTreeMap<VoiceTrait, Vec<VoiceEntry>>,
) -> Option<VoiceValue> {
    let all: Vec<(String, VoiceValue)> = lists
        .iter()
        .flat_map(|(of, list)| list.iter().map(|entry| (*of, entry.id.clone())))
        .map(|(of, id)| (format!("{}:{id}", of.as_str()), (of, id)))
        .collect();
    let names = all.iter().map(|(name, _)| name.as_str());
    let at = resolve(r, "value of a voice", name.get_ref(), name.span(), names)?;
    all.into_iter().nth(at).map(|(_, value)| value)
}
