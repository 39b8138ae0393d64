//! Curates a run as a build does, on rayon: what the engine is compared with.
//!
//! Arguments: the run's folder, and `near_duplicates` for that pass alone.

use std::path::PathBuf;

use clinstruct_app::{facts, read_catalog, summary_of, write_whole};
use clinstruct_curate::contamination::EvalItems;
use clinstruct_curate::near_duplicates::NearDuplicates;
use clinstruct_curate::splits::Shares;
use clinstruct_curate::{Settings, Spill, curate_run, curate_run_with};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let run: PathBuf = arguments.next().ok_or("name the folder of a run")?.into();
    let mut summary = summary_of(&run)?;
    for part in &mut summary.parts {
        part.in_dataset += part.dropped();
        part.dropped.clear();
    }
    summary.quality = None;
    let (eval_items, facts) = (EvalItems::default(), facts(&read_catalog(None)?));
    let (shares, seed, spill) = (Shares::default(), summary.seed, Spill::to(&run));
    let settings = Settings { eval_items: &eval_items, facts: &facts, shares, seed, spill: &spill };
    if arguments.next().as_deref() == Some("near_duplicates") {
        let only = NearDuplicates::new(&spill);
        curate_run_with(&run, &mut summary, vec![Box::new(only)], &spill)?;
    } else {
        curate_run(&run, &mut summary, &settings)?;
    }
    write_whole(&run.join("summary.json"), &summary.to_json()?)?;
    Ok(())
}
