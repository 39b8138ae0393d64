//! Looks at the dataset as a whole once its rows are written: duplicates go, the rest is measured and split.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use clinstruct_quality::card::CountryTerms;
use clinstruct_quality::dataset::contamination::Evaluation;
use clinstruct_quality::dataset::duplicates::{Collector, Duplicates, SIMILAR, collect};
use clinstruct_quality::dataset::metrics::{Aim, Chat, DrugRange, Facts, Figures, Meter, Twins};
use clinstruct_quality::dataset::split::{Row as SplitRow, Shares, split};
use clinstruct_schema::{
    Attributes, Constraint, Conversation, Message, Rejected, RowId, SCHEMA_VERSION, Situation,
    SituationRow, Split, Stage,
};
use rayon::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::materialize::{Pending, line};
use crate::{Error, Result, RunContext, Summary};

/// Lines that are looked at together.
const LINES_AT_ONCE: usize = 1024;

/// What is known of a dataset as a whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Figures with their targets.
    pub figures: Figures,
    /// Near duplicates that were taken out.
    pub duplicates: Duplicates,
    /// Rows with items of evaluation sets that were taken out, by the set's name.
    #[serde(default)]
    pub contaminated: BTreeMap<String, u64>,
    /// Rows by part and split.
    pub splits: BTreeMap<String, BTreeMap<String, u64>>,
    /// Largest distance of a planned from a realised distribution, by attribute: total variation, 0 to 1.
    pub distances: BTreeMap<String, f64>,
}

/// A row of `splits/`.
#[derive(Debug, Serialize)]
struct SplitLine<'a> {
    id: &'a str,
    split: Split,
}

/// Where a conversation stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    file: usize,
    offset: u64,
    length: usize,
}

struct Files {
    paths: Vec<PathBuf>,
    open: Vec<Mutex<File>>,
}

fn failed(path: &Path) -> impl Fn(io::Error) -> Error + '_ {
    move |source| Error::Write { path: path.to_owned(), source }
}

/// The facts of the resources that text is held against.
pub fn facts(catalog: &clinstruct_catalog::Catalog) -> Facts {
    let drug = |d: &clinstruct_catalog::Drug| DrugRange {
        name: d.name.to_lowercase(),
        unit: d.unit.clone(),
        high: d.high,
    };
    let emergency = catalog.countries.iter().map(|c| (c.code.clone(), c.emergency.clone()));
    Facts {
        drugs: catalog.drugs.iter().map(drug).collect(),
        emergency: emergency.collect(),
        bound: CountryTerms::new(catalog.bound.clone()),
    }
}

impl Files {
    fn open(dir: &Path, stems: &[String]) -> Result<Self> {
        let paths: Vec<PathBuf> =
            stems.iter().map(|s| dir.join("conversations").join(format!("{s}.jsonl"))).collect();
        let open = paths
            .iter()
            .map(|p| File::open(p).map(Mutex::new).map_err(failed(p)))
            .collect::<Result<_>>()?;
        Ok(Self { paths, open })
    }

    /// Hands all lines on, some at once, with where they stand.
    fn lines(&self, mut each: impl FnMut(&[(Place, String)]) -> Result<()>) -> Result<()> {
        for (file, path) in self.paths.iter().enumerate() {
            let mut reader =
                BufReader::with_capacity(1 << 20, File::open(path).map_err(failed(path))?);
            let mut offset = 0;
            let mut some = Vec::with_capacity(LINES_AT_ONCE);
            loop {
                let mut text = String::new();
                let length = reader.read_line(&mut text).map_err(failed(path))?;
                if length > 0 {
                    some.push((Place { file, offset, length }, text));
                    offset += length as u64;
                }
                if some.len() >= LINES_AT_ONCE || (length == 0 && !some.is_empty()) {
                    each(&some)?;
                    some.clear();
                }
                if length == 0 {
                    break;
                }
            }
        }
        Ok(())
    }

    /// A message of the conversation at a place; blank where it cannot be read any more.
    fn message(&self, place: Place, message: usize) -> String {
        let mut bytes = vec![0; place.length];
        let Some(file) = self.open.get(place.file) else { return String::new() };
        {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            if file
                .seek(SeekFrom::Start(place.offset))
                .and_then(|_| file.read_exact(&mut bytes))
                .is_err()
            {
                return String::new();
            }
        }
        let row: Option<Conversation> = serde_json::from_slice(&bytes).ok();
        row.and_then(|r| r.messages.into_iter().nth(message))
            .map_or_else(String::new, |m| m.content)
    }
}

/// What duplicates and evaluation items are looked for in.
#[derive(Debug, Deserialize)]
struct Texts {
    id: RowId,
    messages: Vec<Message>,
    attributes: Origin,
}

#[derive(Debug, Deserialize)]
struct Origin {
    base: RowId,
}

impl Texts {
    fn chat(&self, twin: bool) -> Chat<'_> {
        Chat { id: self.id.as_str(), messages: &self.messages, attributes: None, twin }
    }
}

fn parsed<T: DeserializeOwned + Send>(lines: &[(Place, String)]) -> Result<Vec<T>> {
    let one = |(_, text): &(Place, String)| {
        serde_json::from_str(text).map_err(|e| Error::Write {
            path: PathBuf::from("conversations"),
            source: io::Error::other(e),
        })
    };
    lines.par_iter().map(one).collect()
}

/// Evaluation sets whose items must not be in the dataset.
#[derive(Debug, Default)]
pub struct Forbidden {
    /// Their items.
    pub items: Evaluation,
    /// Their names, by the numbers that the items were added with.
    pub names: Vec<String>,
}

impl Forbidden {
    /// The first item that a conversation has, in words.
    fn found(&self, messages: &[Message]) -> Option<(&str, String)> {
        if self.items.is_empty() {
            return None;
        }
        messages.iter().enumerate().find_map(|(i, m)| {
            let hit = self.items.find(&m.content).into_iter().next()?;
            let name = self.names.get(hit.benchmark as usize)?;
            let (found, words) = (hit.matched, hit.words);
            Some((
                name.as_str(),
                format!("message {}: {found} of {words} words of an item of {name}", i + 1),
            ))
        })
    }
}

/// Takes near duplicates and what is forbidden out of the files in `dir`, measures what is left, and writes `splits/`.
///
/// Rows that go are in `rejected/` from then on, and the summary's counts move with them.
pub fn assess(
    context: &RunContext<'_>,
    dir: &Path,
    summary: &mut Summary,
    forbidden: &Forbidden,
    shares: Shares,
) -> Result<Quality> {
    let stems: Vec<String> = summary.parts.iter().map(|p| p.stem.clone()).collect();
    let files = Files::open(dir, &stems)?;
    let (duplicates, hits) = find(&files, forbidden)?;
    let mut gone: HashMap<&str, (&'static str, String)> = HashMap::new();
    let mut contaminated: BTreeMap<String, u64> = BTreeMap::new();
    for d in &duplicates.duplicates {
        gone.insert(&d.goes, ("near_duplicate", format!("repeats {}", d.stays)));
    }
    for (id, name, detail) in &hits {
        *contaminated.entry(name.clone()).or_default() += 1;
        gone.insert(id, ("contaminated", detail.clone()));
    }
    if !gone.is_empty() {
        take_out(&files, dir, &stems, &gone, summary)?;
    }
    let files = Files::open(dir, &stems)?;
    let mut quality = measure(context, &files, dir, &stems, shares)?;
    summary.sums_close = summary.parts.iter().all(crate::PartSummary::closes);
    let lost: u64 = summary.parts.iter().map(|p| u64::from(!p.closes())).sum();
    let planned: u64 = summary.parts.iter().map(|p| p.planned).sum();
    quality.figures.push(
        1,
        "parts whose sums do not close",
        lost as f64,
        planned,
        Aim::AtMost,
        0.0,
    );
    quality.figures.push(
        3,
        "near duplicates kept",
        0.0,
        quality.figures.conversations,
        Aim::AtMost,
        0.0,
    );
    for name in &forbidden.names {
        let of = quality.figures.conversations;
        quality.figures.push(
            21,
            &format!("rows with items of {name} kept"),
            0.0,
            of,
            Aim::AtMost,
            0.0,
        );
        contaminated.entry(name.clone()).or_default();
    }
    quality.figures.metrics.sort_by_key(|m| m.row);
    quality.duplicates = duplicates;
    quality.contaminated = contaminated;
    Ok(quality)
}

fn chat(row: &Conversation, twin: bool) -> Chat<'_> {
    Chat { id: row.id.as_str(), messages: &row.messages, attributes: Some(&row.attributes), twin }
}

/// A row with an evaluation item: its id, the set, what was found.
type Contaminated = (String, String, String);

fn find(files: &Files, forbidden: &Forbidden) -> Result<(Duplicates, Vec<Contaminated>)> {
    let mut places = Vec::new();
    let mut hits = Vec::new();
    let mut collector = Collector::default();
    let mut twins = Twins::default();
    files.lines(|lines| {
        let rows: Vec<Texts> = parsed(lines)?;
        let known: Vec<bool> = rows.iter().map(|r| twins.is_twin(&r.attributes.base)).collect();
        let seen: Vec<_> = rows
            .par_iter()
            .zip(known)
            .map(|(row, twin)| (collect(&row.chat(twin)), forbidden.found(&row.messages)))
            .collect();
        for (row, ((collected, hit), (place, _))) in rows.iter().zip(seen.into_iter().zip(lines)) {
            match hit {
                // What goes for that reason is held against nobody else.
                Some((name, detail)) => hits.push((row.id.to_string(), name.to_owned(), detail)),
                None => {
                    places.push(*place);
                    collector.add(collected);
                }
            }
        }
        Ok(())
    })?;
    let duplicates = collector.find(SIMILAR, &|row, message| files.message(places[row], message));
    Ok((duplicates, hits))
}

/// Writes the files anew without the rows that go, and tells `rejected/` of them.
fn take_out(
    files: &Files,
    dir: &Path,
    stems: &[String],
    gone: &HashMap<&str, (&'static str, String)>,
    summary: &mut Summary,
) -> Result<()> {
    for (stem, (path, part)) in stems.iter().zip(files.paths.iter().zip(&mut summary.parts)) {
        let mut out = Pending::open(dir, "conversations", stem)?;
        let mut rejected: Vec<u8> = Vec::new();
        for text in
            BufReader::with_capacity(1 << 20, File::open(path).map_err(failed(path))?).lines()
        {
            let text = text.map_err(failed(path))?;
            match id_of(&text).and_then(|id| gone.get(id)) {
                None => {
                    out.write(text.as_bytes())?;
                    out.write(b"\n")?;
                }
                Some((reason, detail)) => {
                    let going: Conversation = serde_json::from_str(&text)
                        .map_err(|e| failed(path)(io::Error::other(e)))?;
                    let row = Rejected {
                        id: going.id,
                        part: going.part,
                        stage: Stage::Quality,
                        failed: false,
                        reason: (*reason).to_owned(),
                        detail: detail.clone(),
                        schema_version: SCHEMA_VERSION,
                    };
                    line(&mut rejected, &row)?;
                    part.in_dataset -= 1;
                    *part.rejected.entry(row.reason).or_default() += 1;
                }
            }
        }
        let path = dir.join("rejected").join(format!("{stem}.jsonl"));
        let before = fs::read(&path).map_err(failed(&path))?;
        let mut all = Pending::open(dir, "rejected", stem)?;
        all.write(&before)?;
        all.write(&rejected)?;
        // Rejected first: a row that is in both is found, one that is in neither is lost.
        all.finish()?;
        out.finish()?;
    }
    Ok(())
}

/// The id at the beginning of a line that we wrote.
fn id_of(line: &str) -> Option<&str> {
    line.strip_prefix("{\"id\":\"")?.split('"').next()
}

/// What distributions are compared of.
fn traits(attributes: &Attributes) -> Vec<(&'static str, String)> {
    let (situation, patient) = (&attributes.situation, &attributes.card.patient);
    let language = situation.constraints().find_map(|c| match c {
        Constraint::Language { language } => Some(language.code()),
        _ => None,
    });
    let mut all = vec![
        ("mode", situation.mode.as_str().to_owned()),
        ("turns", situation.turns.to_string()),
        ("profession", situation.profession.clone()),
        ("register", situation.assistant_register.as_str().to_owned()),
        ("language", language.unwrap_or("en").to_owned()),
        ("age band", patient.age_band.to_string()),
        ("age", patient.age.measure()),
        ("sex", patient.sex.as_str().to_owned()),
        ("country", patient.country_code.clone()),
        ("setting", patient.setting.to_string()),
        ("style", styles(situation)),
    ];
    all.extend(
        attributes
            .subjects
            .iter()
            .take(1)
            .filter_map(|s| Some(("subject", s.slugs.last()?.to_string()))),
    );
    all
}

fn styles(situation: &Situation) -> String {
    let all: Vec<&str> = situation.asked_styles.iter().map(|s| s.id.as_str()).collect();
    all.join("+")
}

type Counts = HashMap<(&'static str, String), u64>;

fn measure(
    context: &RunContext<'_>,
    files: &Files,
    dir: &Path,
    stems: &[String],
    shares: Shares,
) -> Result<Quality> {
    let facts = facts(context.catalog);
    let threads = rayon::current_num_threads().max(1);
    let mut meters: Vec<Meter> = (0..threads).map(|_| Meter::new(facts.clone())).collect();
    let mut twins = Twins::default();
    let mut realised = Counts::new();
    let mut rows: Vec<(String, usize, Vec<u64>, u64)> = Vec::new();
    files.lines(|lines| {
        let parsed: Vec<Conversation> = parsed(lines)?;
        let known: Vec<bool> = parsed.iter().map(|r| twins.is_twin(&r.attributes.base)).collect();
        let share = parsed.len().div_ceil(threads).max(1);
        parsed.par_chunks(share).zip(known.par_chunks(share)).zip(meters.par_iter_mut()).for_each(
            |((some, known), meter)| {
                for (row, twin) in some.iter().zip(known) {
                    meter.add(&chat(row, *twin));
                }
            },
        );
        for (row, (place, _)) in parsed.iter().zip(lines) {
            for key in traits(&row.attributes) {
                *realised.entry(key).or_default() += 1;
            }
            rows.push(to_split(row, place.file));
        }
        Ok(())
    })?;
    let mut planned = realised.clone();
    let kept: HashSet<&str> = rows.iter().map(|r| r.0.as_str()).collect();
    for stem in stems {
        let path = dir.join("situations").join(format!("{stem}.jsonl"));
        for text in
            BufReader::with_capacity(1 << 20, File::open(&path).map_err(failed(&path))?).lines()
        {
            let text = text.map_err(failed(&path))?;
            if id_of(&text).is_some_and(|id| kept.contains(id)) {
                continue;
            }
            if let Ok(row) = serde_json::from_str::<SituationRow>(&text) {
                for key in traits(&row.attributes) {
                    *planned.entry(key).or_default() += 1;
                }
            }
        }
    }
    let figures = meters.into_iter().reduce(Meter::and).map(Meter::finish).unwrap_or_default();
    let mut quality = Quality { figures, ..Quality::default() };
    distances(&planned, &realised, &mut quality);
    splits(context, dir, stems, &rows, shares, &mut quality)?;
    Ok(quality)
}

/// Half the sum of differences between the planned and the realised shares of each attribute.
fn distances(planned: &Counts, realised: &Counts, quality: &mut Quality) {
    let mut totals: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for ((name, _), count) in planned {
        totals.entry(name).or_default().0 += count;
    }
    for ((name, _), count) in realised {
        totals.entry(name).or_default().1 += count;
    }
    // Of a few rows each that goes is a large share.
    let aim = if quality.figures.conversations < 500 { Aim::Told } else { Aim::AtMost };
    let mut piled = 0.0_f64;
    for (name, (all, here)) in totals {
        let share = |count: u64, of: u64| count as f64 / of.max(1) as f64;
        let mut distance = 0.0;
        for ((of, value), count) in planned.iter().filter(|((of, _), _)| *of == name) {
            let there = realised.get(&(of, value.clone())).copied().unwrap_or(0);
            let (plan, real) = (share(*count, all), share(there, here));
            distance += (plan - real).abs() / 2.0;
            if name == "age" && plan > 0.0 {
                piled = piled.max(real / plan);
            }
        }
        quality.distances.insert(name.to_owned(), distance);
        quality.figures.push(
            20,
            &format!("distance from the plan, {name}"),
            distance,
            here,
            aim,
            0.02,
        );
    }
    let of = quality.figures.conversations;
    quality.figures.push(20, "most piled age, times its plan", piled, of, aim, 1.5);
}

/// What splitting needs to know of a row: id, file, keys, stratum.
fn to_split(row: &Conversation, file: usize) -> (String, usize, Vec<u64>, u64) {
    let number = |text: &str| {
        let hash = blake3::hash(text.as_bytes());
        let mut half = [0; 8];
        half.copy_from_slice(&hash.as_bytes()[..8]);
        u64::from_le_bytes(half)
    };
    let attributes = &row.attributes;
    let base = number(&format!("base {}", attributes.base));
    let card = serde_json::to_string(&attributes.card).unwrap_or_default();
    let subject = attributes.subjects.first().and_then(|s| s.slugs.first());
    let stratum =
        number(&format!("{} {}", row.part, subject.map(ToString::to_string).unwrap_or_default()));
    (row.id.to_string(), file, vec![base, number(&card)], stratum)
}

fn splits(
    context: &RunContext<'_>,
    dir: &Path,
    stems: &[String],
    rows: &[(String, usize, Vec<u64>, u64)],
    shares: Shares,
    quality: &mut Quality,
) -> Result<()> {
    let to_split: Vec<SplitRow<'_>> = rows
        .iter()
        .map(|(id, _, keys, stratum)| SplitRow { id, keys: keys.clone(), stratum: *stratum })
        .collect();
    let all = split(&to_split, shares, context.config.seed);
    let mut side: HashMap<u64, Split> = HashMap::new();
    let mut apart = 0;
    for (row, split) in to_split.iter().zip(&all) {
        for key in &row.keys {
            apart += u64::from(*side.entry(*key).or_insert(*split) != *split);
        }
    }
    quality.figures.push(
        23,
        "twins or patients on both sides of a split",
        apart as f64,
        rows.len() as u64,
        Aim::AtMost,
        0.0,
    );
    for (file, stem) in stems.iter().enumerate() {
        let mut out = Pending::open(dir, "splits", stem)?;
        let counts = quality.splits.entry(stem.clone()).or_default();
        for split in Split::ALL {
            counts.insert(split.as_str().to_owned(), 0);
        }
        let mut bytes = Vec::new();
        for ((id, _, _, _), split) in rows.iter().zip(&all).filter(|((_, of, _, _), _)| *of == file)
        {
            *counts.entry(split.as_str().to_owned()).or_default() += 1;
            line(&mut bytes, &SplitLine { id, split: *split })?;
        }
        out.write(&bytes)?;
        out.finish()?;
    }
    Ok(())
}
