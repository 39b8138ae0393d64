//! Runs passes over rows.

use crate::Result;
use crate::curated::Curated;
use crate::pass::{Annotates, Pass};
use crate::row::{Fields, Row, Source, Variants};
use crate::spill::Spill;

/// Runs passes over the rows of `source`, in order. Each sees the rows that no earlier pass dropped.
///
/// The result does not depend on the number of threads. Passes share scans of the rows: a scan ends at the first pass
/// that drops rows at its end.
///
/// # Errors
/// Rows or a plan that cannot be read, and temporary files: see [`Spill`].
pub fn curate<'p>(
    source: &mut dyn Source,
    passes: Vec<Box<dyn Pass + 'p>>,
    spill: &Spill,
) -> Result<Curated> {
    let mut curated = Curated::new(spill);
    let mut left = passes;
    while !left.is_empty() {
        let last = left.iter().position(|p| p.annotates() == Annotates::DropsAtEnd);
        let rest = left.split_off(last.map_or(left.len(), |i| i + 1));
        scan(source, left, &mut curated, spill)?;
        left = rest;
    }
    curated.seal();
    Ok(curated)
}

/// One scan of the rows for some passes.
fn scan<'p>(
    source: &mut dyn Source,
    mut passes: Vec<Box<dyn Pass + 'p>>,
    curated: &mut Curated,
    spill: &Spill,
) -> Result<()> {
    let fields = passes.iter().map(|p| p.reads()).max().unwrap_or(Fields::Messages);
    let mut variants = Variants::new(spill);
    let mut number = 0;
    source.scan(fields, &mut |rows| {
        let mut kept: Vec<Row<'_>> = Vec::with_capacity(rows.len());
        for row in rows {
            if number == curated.rows() {
                curated.add(row.id)?;
            }
            if curated.is_kept(number) {
                let variant = row.base.map_or(Ok(false), |base| variants.is_variant(base))?;
                kept.push(Row { number, variant, ..*row });
            }
            number += 1;
        }
        for pass in &mut passes {
            let dropped = pass.read(&kept)?;
            if !dropped.is_empty() {
                kept.retain(|row| dropped.iter().all(|(number, _)| *number != row.number));
            }
            for (number, why) in dropped {
                curated.drop_row(number, why)?;
            }
        }
        Ok(())
    })?;
    passes.into_iter().try_for_each(|pass| pass.finish(source, curated))
}
