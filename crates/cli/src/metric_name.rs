//! Metrics on the command line.

use clinstruct_curate::metrics::MetricsAccumulator;
use clinstruct_schema::summary::MetricId;
use serde_json::json;

/// A metric whose rows can be listed, by its id in `summary.json`.
pub(crate) fn metric(name: &str) -> Result<MetricId, String> {
    let id_of = |name: &str| serde_json::from_value::<MetricId>(json!(name)).ok();
    if let Some(id) = id_of(&name.replace('-', "_")).filter(|id| can_show(*id)) {
        return Ok(id);
    }
    let known = MetricId::ALL.iter().filter(|id| can_show(**id)).map(|id| json!(id));
    let known: Vec<String> = known.filter_map(|id| Some(id.as_str()?.to_owned())).collect();
    Err(format!("the metrics with rows are {}", known.join(", ")))
}

fn can_show(id: MetricId) -> bool {
    let of_all_rows = [MetricId::UnreadableRows, MetricId::NearDuplicates, MetricId::EvalItems];
    of_all_rows.contains(&id) || MetricsAccumulator::names_faults_of(id)
}
