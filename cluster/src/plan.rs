//! The plan: queries over the conversations of a run, each of which writes a file that later ones read.
//!
//! 1. `texts`, one query per group of lines: the texts to compare with their bands, and rows with evaluation items.
//! 2. `prompts`: the prompts without those of variants, which share them on purpose.
//! 3. `candidates`, one query per some bands: pairs of texts that share a bucket.
//! 4. `pairs`, one query per range of places: the candidates that are near duplicates.
//!
//! No step joins: hash joins do not spill, and sorts and aggregates do. A place says where its text is, so the texts
//! themselves are in no intermediate file: they are read again for candidates only, as on one machine.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clinstruct_curate::minhash::BANDS;
use clinstruct_schema::summary::TextKind;
use datafusion::arrow::array::AsArray as _;
use datafusion::arrow::datatypes::{UInt32Type, UInt64Type};

use crate::engine::{Engine, Query, Width, quoted};
use crate::functions::COLUMNS;
use crate::rows::{Group, Place};
use crate::{Error, Result};

/// Memory of a bucket in an aggregate, in bytes, with what a growing table has twice.
const BUCKET: u64 = 100;
/// Bands of a query, at most: several queries use a cluster.
const MOST_BANDS: u64 = BANDS as u64 / 8;
/// Bytes of conversations whose pairs one query compares.
const RANGE: u64 = 1 << 29;

/// What the plan found.
#[derive(Debug)]
pub struct Found {
    /// Conversations with an evaluation item, by where their line starts: set and description.
    pub contaminated: HashMap<u64, (u32, String)>,
    /// Parquet files with the columns `a` and `b`, places of near duplicates. Each pair is there once.
    pub pairs: Vec<PathBuf>,
    /// Texts that were compared.
    pub texts: u64,
    /// Candidates whose texts were compared.
    pub candidates: u64,
}

/// Runs the plan over the `bytes` of a run's conversations. Files go to `folder`, which all processes see at the same path.
///
/// # Errors
/// A query that fails.
pub async fn find(
    engine: &Engine,
    folder: &Path,
    manifest: &Path,
    groups: &[Group],
    bytes: u64,
    memory: u64,
) -> Result<Found> {
    let file = |name: String| folder.join(format!("{name}.parquet"));
    let manifest = quoted(&manifest.display().to_string());
    let columns = COLUMNS.map(|name| format!("t['{name}'] AS {name}")).join(", ");
    let of_group = |(i, group): (usize, &Group)| Query {
        doing: format!("the signatures of group {} of {}", i + 1, groups.len()),
        sql: format!(
            "SELECT {columns} FROM (
                SELECT unnest(texts({manifest}, start, bytes)) AS t
                FROM (SELECT CAST(column1 AS BIGINT UNSIGNED) AS start,
                             CAST(column2 AS BIGINT UNSIGNED) AS bytes
                      FROM (VALUES ({}, {}))))",
            group.start, group.bytes
        ),
        to: file(format!("texts-{i}")),
    };
    let queries = groups.iter().enumerate().map(of_group).collect();
    let (texts, rows) = engine.run(Width::All, queries).await?;
    let mut found =
        Found { contaminated: HashMap::new(), pairs: Vec::new(), texts: rows, candidates: 0 };
    if texts.is_empty() {
        return Ok(found);
    }
    engine.name("texts", &texts).await?;
    found.contaminated = contaminated(engine).await?;

    let prompts = Query {
        doing: "the prompts without variants".to_owned(),
        sql: "SELECT place, bands FROM (
                  SELECT place, bands, row_number() OVER (PARTITION BY base ORDER BY chat) AS nth
                  FROM texts WHERE head)
              WHERE nth = 1 AND bands IS NOT NULL"
            .to_owned(),
        to: file("prompts".to_owned()),
    };
    let (prompts, _) = engine.run(Width::All, vec![prompts]).await?;
    let mut compared = "SELECT place, bands FROM texts WHERE NOT head".to_owned();
    if !prompts.is_empty() {
        engine.name("prompts", &prompts).await?;
        compared += " UNION ALL SELECT place, bands FROM prompts";
    }

    let at_once = (memory / 2 / (rows * BUCKET).max(1)).clamp(1, MOST_BANDS) as usize;
    let of_bands = |from: usize| Query {
        doing: format!("the buckets of bands {from} to {}", (from + at_once).min(BANDS)),
        sql: format!(
            "SELECT DISTINCT pair['a'] AS a, pair['b'] AS b FROM (
                SELECT unnest(near) AS pair FROM (
                    SELECT neighbours(place) AS near FROM (
                        SELECT place, unnest(slots(place, bands, {from}, {})) AS slot
                        FROM ({compared}))
                    GROUP BY slot)
                WHERE near IS NOT NULL)",
            (from + at_once).min(BANDS)
        ),
        to: file(format!("candidates-{from}")),
    };
    let queries = (0..BANDS).step_by(at_once).map(of_bands).collect();
    let (candidates, rows) = engine.run(Width::All, queries).await?;
    found.candidates = rows;
    if candidates.is_empty() {
        return Ok(found);
    }
    engine.name("candidates", &candidates).await?;

    let of_range = |(i, [from, to]): (usize, [Place; 2])| Query {
        doing: format!("the comparison of candidates, range {}", i + 1),
        sql: format!(
            "SELECT a, b FROM (
                SELECT a, b, similar({manifest}, a, b) AS alike FROM (
                    SELECT DISTINCT a, b FROM candidates WHERE a >= {} AND a < {}
                    ORDER BY a, b))
             WHERE alike",
            from.0, to.0
        ),
        to: file(format!("pairs-{i}")),
    };
    let queries = ranges(bytes).into_iter().enumerate().map(of_range).collect();
    (found.pairs, _) = engine.run(Width::All, queries).await?;
    Ok(found)
}

/// Ranges of places: those of each kind of text, by where their conversations start.
fn ranges(bytes: u64) -> Vec<[Place; 2]> {
    let ends = |kind: TextKind| {
        (0..bytes.div_ceil(RANGE)).map(move |i| {
            let end = ((i + 1) * RANGE).min(bytes);
            [i * RANGE, end].map(|chat| Place::new(kind, chat, 0))
        })
    };
    TextKind::ALL.into_iter().flat_map(ends).collect()
}

async fn contaminated(engine: &Engine) -> Result<HashMap<u64, (u32, String)>> {
    let doing = "the list of rows with evaluation items";
    let sql = "SELECT chat, item_set, item FROM texts WHERE item_set IS NOT NULL";
    let mut all = HashMap::new();
    for batch in engine.rows(doing, sql).await? {
        let columns = (|| {
            let [chat, set, item] = batch.columns() else { return None };
            let numbers = chat.as_primitive_opt::<UInt64Type>()?;
            Some((numbers, set.as_primitive_opt::<UInt32Type>()?, item.as_string_opt::<i32>()?))
        })();
        let Some((chats, sets, items)) = columns else {
            let other = format!("the columns {}", batch.schema());
            return Err(Error::engine(doing)(datafusion::error::DataFusionError::Internal(other)));
        };
        for i in 0..chats.len() {
            all.insert(chats.value(i), (sets.value(i), items.value(i).to_owned()));
        }
    }
    Ok(all)
}
