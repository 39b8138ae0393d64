//! Long-standing conditions.

use clinstruct_catalog::{Catalog, Condition};
use clinstruct_draw::{self as draw, Draw};
use clinstruct_schema::{Case, CaseCondition, FactName, FramePatient, IncomeGroup, Origin};

use super::{Completion, known};

/// Weights of 0 to 3 conditions, for people under 41 and for older ones.
const CONDITIONS_YOUNG: [f64; 4] = [0.35, 0.45, 0.15, 0.05];
/// See [`CONDITIONS_YOUNG`].
const CONDITIONS_OLD: [f64; 4] = [0.05, 0.30, 0.40, 0.25];
/// Share of frames without a condition.
const HEALTHY: f64 = 0.4;

/// Conditions that complete the case: none that the message states or rules out, that is in question in it, or that
/// nobody has together with the others.
pub(crate) fn conditions(ctx: &Completion<'_>, case: &Case) -> Vec<CaseCondition> {
    if known::ruled_out(ctx, FactName::Condition) || known::ruled_out(ctx, FactName::History) {
        return Vec::new();
    }
    let patient = ctx.patient;
    let mut numbers = Draw::new(ctx.seed, ctx.key, "number of conditions");
    let shares = if patient.age.years > 40 { CONDITIONS_OLD } else { CONDITIONS_YOUNG };
    let many = numbers.weighted(shares);
    let mut all = known::conditions(ctx, case);
    // Conditions with names that the catalog does not know count as well.
    let before = all.len();
    let many = many.saturating_sub(before.max(case.conditions.len()));

    let taken = known::medicines(ctx, case);
    let texts = known::texts(ctx, case);
    let said = known::Said::new(&texts);
    let in_question = |c: &Condition| !texts.is_empty() && c.names().any(|n| said.mentions(n));
    let forbidden = |c: &Condition| {
        taken.iter().any(|d| ctx.catalog.never.iter().any(|n| n.forbids_with(d, &c.icd10)))
    };
    let place = &ctx.frame.place;
    let possible = ctx
        .catalog
        .conditions
        .iter()
        .filter(|c| c.fits(ctx.band, patient.age, patient.sex, patient.pregnancy_weeks))
        .filter(|c| c.regions.is_empty() || c.regions.contains(&place.region))
        .filter(|c| !c.not_countries.contains(&place.country_code))
        .filter(|c| !in_question(c) && !forbidden(c))
        .map(|c| (c.id.as_str(), c.weight_in(place.income), c));
    for condition in draw::order(ctx.seed, ctx.key, "conditions", possible) {
        if all.len() == before + many {
            break;
        }
        let has_needed = condition.needs.is_empty()
            || condition.needs.iter().any(|needed| all.iter().any(|c| &c.id == needed));
        if has_needed && !all.iter().any(|c| c.clashes(condition)) {
            all.push(condition);
        }
    }
    all.split_off(before)
        .into_iter()
        .map(|c| CaseCondition {
            name: c.name.clone(),
            icd10: c.icd10.clone(),
            origin: Origin::Drawn,
        })
        .collect()
}

/// The long-standing condition of a frame. If `listed`, by index, has any, it is one of them that the patient can have.
/// Otherwise it is drawn among the conditions that are typical of one of `fields` (of any if no condition is), or there
/// is none.
pub(crate) fn frame_condition<'c>(
    catalog: &'c Catalog,
    seed: u64,
    key: &str,
    patient: &FramePatient,
    income: IncomeGroup,
    fields: &[&str],
    listed: &[usize],
) -> Option<&'c Condition> {
    let band = catalog.ages.iter().position(|a| a.id == patient.age_band)?;
    let fits = |c: &&Condition| c.fits(band, patient.age, patient.sex, patient.pregnancy_weeks);
    let one = |all: &mut dyn Iterator<Item = &'c Condition>| {
        let weighted = all.map(|c| (c.id.as_str(), c.weight_in(income), c));
        draw::choose(seed, key, "condition", weighted)
    };
    if !listed.is_empty() {
        return one(&mut listed.iter().filter_map(|i| catalog.conditions.get(*i)).filter(fits));
    }
    if Draw::new(seed, key, "has a condition").chance(HEALTHY) {
        return None;
    }
    let typical = |c: &Condition| c.fields.iter().any(|f| fields.contains(&f.as_str()));
    let any = !catalog.conditions.iter().any(typical);
    // What needs another condition, or occurs in some regions only, is not there alone.
    let simple = |c: &&Condition| c.needs.is_empty() && c.regions.is_empty();
    one(&mut catalog.conditions.iter().filter(fits).filter(simple).filter(|c| any || typical(c)))
}
