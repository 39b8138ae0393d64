//! Near duplicates and contamination over many rows: time, and recall compared with brute force.
//!
//! Arguments, both optional: the number of rows (400,000) and of evaluation items (50,000). A twentieth of the rows are
//! copies with some words changed.

use std::io::Write as _;
use std::time::Instant;

use clinstruct_curate::contamination::EvalItems;
use clinstruct_curate::minhash::{jaccard, pairs, runs, signature};
use clinstruct_draw::Draw;
use rayon::prelude::*;

/// Rows that are compared by brute force.
const SAMPLE: usize = 3000;
const SIMILAR: f64 = 0.8;

fn mix(x: u64) -> u64 {
    Draw::from_u64(x).bits()
}

/// A word; small numbers are common words, as in a language.
fn word(draw: u64) -> String {
    let rank = ((draw % 1000) as f64 / 1000.0).powi(3) * 20_000.0;
    let mut number = rank as u64 + 11;
    let mut word = String::new();
    while number > 0 {
        word.push((b'a' + (number % 26) as u8) as char);
        number /= 26;
    }
    word
}

/// A text of about 1.5 kB; every twentieth is the previous one with a fortieth of its words changed.
fn text(row: u64, words: u64) -> String {
    let copy = row % 20 == 19;
    let of = if copy { row - 1 } else { row };
    let mut text = String::with_capacity(1600);
    for i in 0..words {
        let changed = copy && mix(row ^ mix(i)).is_multiple_of(40);
        let seed = if changed { row.wrapping_mul(7919) } else { of };
        text.push_str(&word(mix(seed.wrapping_mul(0x9e37_79b9) ^ mix(i))));
        text.push(if i % 12 == 11 { '.' } else { ' ' });
    }
    text
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).filter_map(|a| a.parse::<u64>().ok());
    let rows = arguments.next().unwrap_or(400_000);
    let items = arguments.next().unwrap_or(50_000);
    let mut out = std::io::stdout().lock();
    let texts: Vec<String> = (0..rows).into_par_iter().map(|i| text(i, 400)).collect();
    let bytes: usize = texts.iter().map(String::len).sum();
    writeln!(out, "{rows} rows, {} bytes a row", bytes / texts.len().max(1))?;

    let start = Instant::now();
    let signatures: Vec<_> = texts.par_iter().map(|t| signature(t)).collect();
    let signed = start.elapsed();
    let found = pairs(&signatures, SIMILAR, &|i| Ok(texts[i].clone()))?;
    writeln!(
        out,
        "near duplicates: {:.1} s, of them {:.1} s for signatures; {} pairs",
        start.elapsed().as_secs_f64(),
        signed.as_secs_f64(),
        found.len()
    )?;

    let few = SAMPLE.min(texts.len());
    let sets: Vec<_> = texts.iter().take(few).map(|t| runs(t)).collect();
    let all: Vec<(u32, u32)> = (0..few)
        .into_par_iter()
        .flat_map_iter(|a| {
            let sets = &sets;
            (a + 1..few)
                .filter(move |b| jaccard(&sets[a], &sets[*b]) >= SIMILAR)
                .map(move |b| (a as u32, b as u32))
        })
        .collect();
    let hit = all.iter().filter(|p| found.binary_search(p).is_ok()).count();
    writeln!(out, "recall on {few} rows: {hit} of {} pairs", all.len())?;

    let start = Instant::now();
    let mut eval_items = EvalItems::new();
    let set = eval_items.add_set("synthetic");
    for i in 0..items {
        // One item in a hundred occurs in a row.
        let from = if i % 100 == 0 { i % rows } else { rows + 1 + i };
        eval_items.add(set, &text(from, 45));
    }
    let built = start.elapsed();
    let contaminated = texts.par_iter().filter(|t| !eval_items.find(t).is_empty()).count();
    writeln!(
        out,
        "contamination with {items} items: {:.1} s, of them {:.1} s for the index; {contaminated} rows",
        start.elapsed().as_secs_f64(),
        built.as_secs_f64()
    )?;
    Ok(())
}
