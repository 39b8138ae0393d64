//! Runs passes over rows.

use clinstruct_schema::{Annotation, SCHEMA_VERSION};

use crate::Result;
use crate::curated::Curated;
use crate::pass::{Annotates, Pass};
use crate::row::{Fields, Row, Source, Variants};

/// Runs passes over the rows of `source`, in order. Each sees the rows that no earlier pass dropped.
///
/// The result does not depend on the number of threads. Passes share scans of the rows: a scan ends at the first pass
/// that drops rows at its end.
///
/// # Errors
/// Rows or a plan that cannot be read.
pub fn curate<'p>(source: &mut dyn Source, passes: Vec<Box<dyn Pass + 'p>>) -> Result<Curated> {
    let mut curated = Curated::default();
    let mut left = passes;
    while !left.is_empty() {
        let last = left.iter().position(|p| p.annotates() == Annotates::DropsAtEnd);
        let rest = left.split_off(last.map_or(left.len(), |i| i + 1));
        scan(source, left, &mut curated)?;
        left = rest;
    }
    Ok(curated)
}

/// One scan of the rows for some passes.
fn scan<'p>(
    source: &mut dyn Source,
    mut passes: Vec<Box<dyn Pass + 'p>>,
    curated: &mut Curated,
) -> Result<()> {
    let fields = passes.iter().map(|p| p.reads()).max().unwrap_or(Fields::Messages);
    let mut variants = Variants::default();
    let mut number = 0;
    source.scan(fields, &mut |rows| {
        let mut kept: Vec<Row<'_>> = Vec::with_capacity(rows.len());
        for row in rows {
            if number == curated.annotations.len() {
                curated.annotations.push(Annotation {
                    id: row.id.to_owned(),
                    split: None,
                    dropped: None,
                    schema_version: SCHEMA_VERSION,
                });
            }
            if curated.annotation(number).is_some_and(|a| a.dropped.is_none()) {
                let variant = row.base.is_some_and(|base| variants.is_variant(base));
                kept.push(Row { number, variant, ..*row });
            }
            number += 1;
        }
        for pass in &mut passes {
            let dropped = pass.read(&kept);
            if !dropped.is_empty() {
                kept.retain(|row| dropped.iter().all(|(number, _)| *number != row.number));
            }
            for (number, why) in dropped {
                if let Some(annotation) = curated.annotation(number) {
                    annotation.dropped = Some(why);
                }
            }
        }
        Ok(())
    })?;
    passes.into_iter().try_for_each(|pass| pass.finish(source, curated))
}
