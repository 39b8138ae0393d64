//! A folder that the `datasets` library loads without a script.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clinstruct_schema::{Conversation, Json, Speaker, Split};
use rayon::prelude::*;

use crate::about::About;
use crate::files::{Done, Shards, failed, text};
use crate::format::{System, messages};
use crate::layout::{Folder, Shard, Used, columns_of};
use crate::source::{Part, Selection, counts, rows};
use crate::table::{Cell, Column};
use crate::{Error, Result, card, croissant, snippets};

/// Rows per shard.
const SHARD: u64 = 20_000;

fn number(n: impl TryInto<i32>) -> Cell {
    Cell::Int(n.try_into().unwrap_or(i32::MAX))
}

fn speaker(speaker: Speaker) -> &'static str {
    match speaker {
        Speaker::PromptWriter => "prompt_writer",
        Speaker::Assistant => "assistant",
        Speaker::User => "user",
    }
}

fn cells(row: &Conversation, system: System, reasoning: bool) -> Vec<Cell> {
    let (attributes, provenance) = (&row.attributes, &row.provenance);
    let situation = &attributes.situation;
    let (who, place) = (attributes.who(), attributes.place());
    let text = |t: &str| Cell::Text(t.to_owned());
    let styles = situation.asked_styles.iter().chain(&situation.system_styles);
    let turns = provenance.turns.iter().map(|t| {
        vec![
            text(speaker(t.speaker)),
            Cell::Text(t.request.to_string()),
            number(t.attempts),
            number(t.usage.prompt_tokens),
            number(t.usage.completion_tokens),
        ]
    });
    vec![
        text(row.id.as_str()),
        text(row.part.as_str()),
        messages(row, system, reasoning),
        text(situation.answer_language().code()),
        text(situation.mode.as_str()),
        number(situation.turns),
        text(&situation.profession),
        text(situation.specialty.as_deref().unwrap_or_default()),
        Cell::Texts(attributes.subjects.iter().map(|s| s.name.clone()).collect()),
        Cell::Texts(styles.map(|s| s.id.to_string()).collect()),
        text(who.map_or("", |who| who.sex.as_str())),
        who.map_or(Cell::Null, |who| number(who.age.years)),
        text(place.as_ref().map_or("", |place| &place.country_code)),
        text(place.as_ref().map_or("", |place| place.setting.as_str())),
        text(attributes.base.as_str()),
        Cell::Text(format!("{} ({})", provenance.model, provenance.backend)),
        Cell::Flag(provenance.rehearsal),
        Cell::Records(turns.collect()),
        Cell::Text(attributes.to_json().unwrap_or_default()),
    ]
}

/// What is made of a part.
struct Made {
    languages: BTreeSet<String>,
    used: Used,
    /// Files with their splits and rows.
    files: Vec<(Split, Done, u64)>,
}

/// Writes the dataset folder `to`: Parquet files by part and split, and their description.
///
/// Removes the output of an earlier call: old shards would be loaded along with new ones.
///
/// # Errors
/// A row that cannot be read, a file that cannot be written, or nothing to write.
pub fn dataset(
    parts: &[Part],
    selection: &Selection,
    system: System,
    about: &About,
    to: &Path,
) -> Result<Folder> {
    let data = to.join("data");
    if data.exists() {
        fs::remove_dir_all(&data).map_err(failed(&data))?;
    }
    let columns = || {
        let columns = columns_of(about.reasoning);
        columns.iter().map(|(name, kind, _)| Column::new(name, *kind)).collect()
    };
    let one = |part: &Part| -> Result<Made> {
        let dir = data.join(&part.stem);
        let mut shards: BTreeMap<Split, Shards<'_>> = counts(part, selection)?
            .into_iter()
            .map(|(split, n)| (split, Shards::new(dir.clone(), split, n, SHARD, &columns)))
            .collect();
        let (mut languages, mut used) = (BTreeSet::new(), Used::default());
        rows(part, selection, |split, row| {
            let language = row.attributes.situation.answer_language().code();
            if !languages.contains(language) {
                languages.insert(language.to_owned());
            }
            used.add(&row.provenance.turns);
            match shards.get_mut(&split) {
                Some(shards) => shards.push(cells(&row, system, about.reasoning)),
                None => Ok(()),
            }
        })?;
        let mut files = Vec::new();
        for (split, mut shards) in shards {
            shards.close()?;
            files.extend(shards.done.into_iter().map(|(file, rows)| (split, file, rows)));
        }
        Ok(Made { languages, used, files })
    };
    let written: Vec<Made> = parts.par_iter().map(one).collect::<Result<_>>()?;
    let mut folder = Folder::default();
    let mut all: Vec<Done> = Vec::new();
    for (part, made) in parts.iter().zip(written) {
        folder.languages.extend(made.languages);
        folder.used = folder.used.and(made.used);
        for (split, done, rows) in made.files {
            let path = below(&done.path, to);
            let (stem, bytes, sha256) = (part.stem.clone(), done.bytes, done.sha256.clone());
            folder.shards.push(Shard { path, stem, split, rows, bytes, sha256 });
            all.push(done);
        }
    }
    if folder.shards.is_empty() {
        return Err(Error::Empty(
            "the run has none, or none in the selected split or with the selected reviews".into(),
        ));
    }
    all.push(text(&to.join("README.md"), &card::card(about, &folder))?);
    all.push(text(&to.join("croissant.json"), &croissant::croissant(about, &folder))?);
    for (name, content) in snippets::all(about) {
        all.push(text(&to.join(name), &content)?);
    }
    // The format of `sha256sum --check`.
    let mut sums = String::new();
    for done in &all {
        let _ = writeln!(sums, "{}  {}", done.sha256, below(&done.path, to));
    }
    text(&to.join("SHA256SUMS"), &sums)?;
    Ok(folder)
}

fn below(path: &Path, folder: &Path) -> String {
    let path = path.strip_prefix(folder).unwrap_or(path);
    path.components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}
