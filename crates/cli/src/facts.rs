//! The facts of the resources that texts are compared with.

use clinstruct_catalog::{Catalog, Drug};
use clinstruct_curate::metrics::{DrugRange, Facts};
use clinstruct_quality::CountryTerms;

/// Doses, emergency numbers, and terms of one country.
pub(crate) fn facts(catalog: &Catalog) -> Facts {
    let drug =
        |d: &Drug| DrugRange { name: d.name.to_lowercase(), unit: d.unit.clone(), high: d.high };
    let emergency = catalog.countries.iter().map(|c| (c.code.clone(), c.emergency.clone()));
    Facts {
        drugs: catalog.drugs.iter().map(drug).collect(),
        emergency: emergency.collect(),
        bound: CountryTerms::new(catalog.bound.clone()),
    }
}
