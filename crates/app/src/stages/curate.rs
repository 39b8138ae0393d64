//! The passes over the rows, and the facts that they compare texts with.

use clinstruct_catalog::{Catalog, Drug};
use clinstruct_curate::metrics::{DrugRange, Facts};
use clinstruct_curate::{Spill, curate_run};
use clinstruct_quality::CountryTerms;
use clinstruct_schema::Summary;

use super::Inputs;

/// Doses, emergency numbers, and terms of one country.
pub fn facts(catalog: &Catalog) -> Facts {
    let drug =
        |d: &Drug| DrugRange { name: d.name.to_lowercase(), unit: d.unit.clone(), high: d.high };
    let emergency = catalog.countries.iter().map(|c| (c.code.clone(), c.emergency.clone()));
    Facts {
        drugs: catalog.drugs.iter().map(drug).collect(),
        emergency: emergency.collect(),
        country_terms: CountryTerms::new(catalog.country_terms.clone()),
    }
}

/// Runs the passes over the rows: writes `annotations/`, completes the summary.
pub(super) fn curate(inputs: &Inputs<'_>, summary: &mut Summary) -> crate::Result<()> {
    let facts = facts(&inputs.setup.catalog);
    let (shares, seed) = (inputs.setup.shares()?, summary.seed);
    let eval_items = inputs.eval_items;
    let spill = &Spill::to(&inputs.setup.out);
    let passes = clinstruct_curate::Settings { eval_items, facts: &facts, shares, seed, spill };
    curate_run(&inputs.setup.out, summary, &passes)?;
    Ok(())
}
