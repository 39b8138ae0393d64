//! Medicines: whole regimens of the conditions, in doses that are sold.

use clinstruct_catalog::{Availability, Condition, Drug, Regimen, RegimenItem};
use clinstruct_draw::{self as draw, Draw};
use clinstruct_schema::{Case, CaseMedicine, FactName, Origin};

use super::history::drawn_allergies;
use super::{Completion, known, stated, untaken};

/// Patients below this age in years get doses for children.
const ADULT_DOSES: u32 = 13;
/// Words that leave open whether a stated condition is treated, or rule it out.
const OPEN: &[&str] = &[
    "suspected",
    "suspicion",
    "possible",
    "possibly",
    "probable",
    "likely",
    "presumed",
    "query",
    "rule out",
    "new",
    "newly",
    "recently diagnosed",
    "untreated",
    "not treated",
    "acute",
    "no treatment",
    "without treatment",
    "resolved",
    "in remission",
    "family history",
    "at risk",
    "undiagnosed",
    "screening",
    "contact",
    "exposure",
    "exposed",
    "verdacht",
    "neu diagnostiziert",
    "unbehandelt",
    "sospecha",
    "recién diagnosticada",
    "recién diagnosticado",
    "sin tratamiento",
    "suspicion",
    "non traité",
    "non traitée",
    "sospetto",
    "senza terapia",
    "suspeita",
    "sem tratamento",
];
/// Words that show that a condition is not new.
const KNOWN: &[&str] = &[
    "previous",
    "previously",
    "prior",
    "past",
    "known",
    "history",
    "chronic",
    "old",
    "established",
    "since",
    "years",
    "months",
    "ago",
    "treated",
    "treatment",
    "undetectable",
    "after",
    "post",
];

/// What restricts the choice of drugs.
struct Limits<'a, 'c> {
    ctx: &'a Completion<'c>,
    conditions: Vec<&'c Condition>,
    /// ICD-10 codes of everything that the patient has.
    codes: Vec<String>,
    availability: Availability,
    /// ATC classes of the allergies.
    allergic: Vec<String>,
    /// ATC classes of what the message says is not taken.
    untaken: Vec<String>,
    years: u32,
    pregnant: bool,
    kilograms: f64,
}

/// The medicines that complete the case. Each condition has one whole regimen or none. If the message states medicines,
/// only conditions that are drawn get any.
pub(crate) fn medicines(ctx: &Completion<'_>, case: &Case) -> Vec<CaseMedicine> {
    if known::stated(ctx, FactName::Medicine).any(|v| known::is_none(v) && !untaken::is_one(v)) {
        return Vec::new();
    }
    let limits = Limits::new(ctx, case);
    if limits.conditions.is_empty() && !limits.pregnant {
        return Vec::new();
    }
    // A medicine that was stopped, or that has run out, is what the message says of medicines.
    let texts = [FactName::History, FactName::Complaint, FactName::Finding, FactName::Allergy];
    let told = || {
        let mut all = texts.into_iter().flat_map(|name| known::stated(ctx, name));
        all.any(|text| !known::drugs(ctx.catalog, text).is_empty())
    };
    let states_any =
        stated::is_complete(ctx.stated, FactName::Medicine) || !case.medicines.is_empty() || told();
    let mut taken = known::medicines(ctx, case);
    let mut all = Vec::new();
    for condition in &limits.conditions {
        let open = !states_any || is_drawn(ctx, case, condition) || is_left_out(ctx, condition);
        if !open || !is_listed(ctx, case, condition) || !is_treated(ctx, case, condition) {
            continue;
        }
        let purpose = format!("medicines for {}", condition.id);
        if Draw::new(ctx.seed, ctx.key, &purpose).chance(condition.treated) {
            let index = ctx.catalog.conditions.iter().position(|c| c.id == condition.id);
            all.extend(limits.regimen(&purpose, index, condition, &mut taken));
        }
    }
    let purpose = "medicines in pregnancy";
    if limits.pregnant
        && !states_any
        && Draw::new(ctx.seed, ctx.key, purpose).chance(ctx.catalog.pregnancy_treated)
    {
        all.extend(limits.regimen_of(purpose, |regimen| regimen.condition.is_none(), &mut taken));
    }
    all
}

/// Whether a message that states other medicines leaves out those of the condition of the frame, without which nobody
/// lives with it: it has no room for a steroid beside the antibiotic that it is about.
fn is_left_out(ctx: &Completion<'_>, condition: &Condition) -> bool {
    let framed = ctx.patient.condition.as_ref().is_some_and(|c| c.code == condition.icd10);
    let all = || known::stated(ctx, FactName::Medicine).filter(|text| !untaken::is_one(text));
    let only = ["only", "nothing else", "no other"];
    // A name that code does not know may be the one: `insulin`, `her steroid`.
    let known = |text: &str| !known::drugs(ctx.catalog, text).is_empty();
    framed
        && condition.treated >= 1.0
        && stated::is_complete(ctx.stated, FactName::Medicine)
        && all().all(|text| known(text) && !only.iter().any(|word| known::mentions(text, word)))
}

fn is_drawn(ctx: &Completion<'_>, case: &Case, condition: &Condition) -> bool {
    let drawn = case.conditions.iter().filter(|c| c.origin == Origin::Drawn);
    let mut found = drawn.flat_map(|c| known::conditions_in(ctx.catalog, ctx.band, &c.name));
    found.any(|c| c.id == condition.id)
}

/// Whether the case has the condition. A statement that is not in it explains no medicine: `unclear whether schizophrenia`.
fn is_listed(ctx: &Completion<'_>, case: &Case, condition: &Condition) -> bool {
    let names = case.conditions.iter().map(|c| c.name.as_str());
    let mut found = names.flat_map(|name| known::conditions_in(ctx.catalog, ctx.band, name));
    found.any(|c| c.id == condition.id)
}

/// Whether a condition is one that a patient already takes medicine for: drawn, of the frame, or stated as known.
fn is_treated(ctx: &Completion<'_>, case: &Case, condition: &Condition) -> bool {
    let is = |text: &str| {
        let found = known::conditions_in(ctx.catalog, ctx.band, text);
        found.iter().any(|c| c.id == condition.id)
    };
    let stated = case.conditions.iter().filter(|c| c.origin == Origin::Stated);
    let texts: Vec<&str> = known::stated(ctx, FactName::Condition)
        .chain(stated.map(|c| c.name.as_str()))
        .filter(|text| is(text))
        .collect();
    let says = |text: &str, words: &[&str]| words.iter().any(|w| known::mentions(text, w));
    if texts.iter().any(|text| says(text, OPEN) || text.contains('?')) {
        return false;
    }
    let framed = ctx.patient.condition.as_ref().is_some_and(|c| is(&c.name));
    texts.is_empty() || framed || !condition.acute || texts.iter().any(|text| says(text, KNOWN))
}

impl<'a, 'c> Limits<'a, 'c> {
    fn new(ctx: &'a Completion<'c>, case: &Case) -> Self {
        let conditions = known::conditions(ctx, case);
        let years = ctx.patient.age.years;
        let codes = conditions
            .iter()
            .map(|c| c.icd10.clone())
            .chain(case.conditions.iter().map(|c| c.icd10.clone()))
            .filter(|code| !code.is_empty())
            .collect();
        let setting = ctx.frame.place.setting.as_str();
        let availability = match setting {
            "high-resource" => Availability::Specialist,
            "mid-resource" => Availability::Usual,
            _ => Availability::Essential,
        };
        Self {
            ctx,
            conditions,
            codes,
            availability,
            allergic: allergic_classes(ctx, case),
            untaken: untaken::classes(ctx),
            years,
            pregnant: ctx.patient.pregnancy_weeks.is_some(),
            kilograms: case.vitals.weight.unwrap_or_else(|| usual_weight(years)),
        }
    }

    /// One treatment of the condition, by weight among those that fit.
    fn regimen(
        &self,
        purpose: &str,
        index: Option<usize>,
        condition: &'c Condition,
        taken: &mut Vec<&'c Drug>,
    ) -> Vec<CaseMedicine> {
        if condition.drugs.is_empty() {
            return self.regimen_of(purpose, |r| index.is_some() && r.condition == index, taken);
        }
        // Each drug is a regimen by itself.
        let singles = condition
            .drugs
            .iter()
            .filter_map(|d| self.ctx.catalog.drugs.get(*d).map(|drug| (drug.id.as_str(), 1.0, *d)));
        for drug in draw::order(self.ctx.seed, self.ctx.key, purpose, singles) {
            let item = RegimenItem {
                any: vec![drug],
                doses: Vec::new(),
                by_weight: Vec::new(),
                frequency: None,
                share: 1.0,
            };
            let id = condition.id.as_str();
            if let Some(all) = self.compose(purpose, id, std::slice::from_ref(&item), false, taken)
            {
                return all;
            }
        }
        Vec::new()
    }

    fn regimen_of(
        &self,
        purpose: &str,
        of: impl Fn(&Regimen) -> bool,
        taken: &mut Vec<&'c Drug>,
    ) -> Vec<CaseMedicine> {
        let possible = self
            .ctx
            .catalog
            .regimens
            .iter()
            .filter(|r| of(r) && self.fits(r))
            .map(|r| (r.id.as_str(), r.weight, r));
        for regimen in draw::order(self.ctx.seed, self.ctx.key, purpose, possible) {
            let id = regimen.id.as_str();
            if let Some(all) = self.compose(purpose, id, &regimen.items, regimen.for_ages, taken) {
                return all;
            }
        }
        Vec::new()
    }

    fn fits(&self, regimen: &Regimen) -> bool {
        let all = &self.ctx.catalog.conditions;
        let has = |index: &usize| {
            all.get(*index).is_some_and(|c| self.conditions.iter().any(|mine| mine.id == c.id))
        };
        let setting = &self.ctx.frame.place.setting;
        regimen.who.includes(self.ctx.band, self.ctx.patient.sex)
            && regimen.pregnancy.allows(self.pregnant)
            && (regimen.settings.is_empty() || regimen.settings.contains(setting))
            && regimen.min_kg.is_none_or(|least| self.kilograms >= least)
            && regimen.max_kg.is_none_or(|most| self.kilograms <= most)
            && regimen.with.iter().all(has)
            && !regimen.without.iter().any(has)
    }

    /// All medicines of a regimen that are not taken already; `None` if one of them cannot be taken.
    fn compose(
        &self,
        purpose: &str,
        source: &str,
        items: &[RegimenItem],
        for_ages: bool,
        taken: &mut Vec<&'c Drug>,
    ) -> Option<Vec<CaseMedicine>> {
        let mut all = Vec::new();
        let mut added: Vec<&Drug> = Vec::new();
        for (place, item) in items.iter().enumerate() {
            let purpose = format!("{purpose} {source} {place}");
            let mut numbers = Draw::new(self.ctx.seed, self.ctx.key, &purpose);
            if !numbers.chance(item.share) {
                continue;
            }
            let drugs = || item.any.iter().filter_map(|d| self.ctx.catalog.drugs.get(*d));
            if drugs().any(|d| taken.iter().any(|t| t.id == d.id)) {
                continue;
            }
            let possible = drugs()
                .filter(|d| self.allows(d) && !taken.iter().any(|t| self.clash(t, d)))
                .filter_map(|d| {
                    let dose = self.dose(item, d, for_ages, &mut numbers.clone())?;
                    Some((d.id.as_str(), 1.0, (d, dose)))
                });
            let (drug, dose) = draw::choose(self.ctx.seed, self.ctx.key, &purpose, possible)?;
            let frequency =
                item.frequency.as_ref().or_else(|| numbers.pick(&drug.frequencies))?.clone();
            all.push(CaseMedicine {
                drug: drug.prescribed().to_owned(),
                dose,
                frequency,
                atc: drug.atc.clone(),
                origin: Origin::Drawn,
            });
            added.push(drug);
        }
        taken.extend(added);
        Some(all)
    }

    /// Whether the patient can take the drug.
    fn allows(&self, drug: &Drug) -> bool {
        let sex = self.ctx.patient.sex;
        drug.availability <= self.availability
            && !self.allergic.iter().any(|class| drug.atc.starts_with(class.as_str()))
            && !self.untaken.iter().any(|class| drug.atc.starts_with(class.as_str()))
            && !self.ctx.catalog.never.iter().any(|rule| {
                rule.forbids_for(drug, self.years, sex, self.pregnant)
                    || self.codes.iter().any(|code| rule.forbids_with(drug, code))
            })
    }

    /// Whether a drug of another regimen, or a stated one, does not go with the drug.
    fn clash(&self, a: &Drug, b: &Drug) -> bool {
        let subgroup = |d: &Drug| d.atc.get(..5).map(str::to_owned);
        let same = subgroup(a).is_some() && subgroup(a) == subgroup(b);
        same || self.ctx.catalog.never.iter().any(|rule| rule.forbids_pair(a, b))
    }

    /// A single dose with its unit; `None` if the drug has none for the patient.
    fn dose(
        &self,
        item: &RegimenItem,
        drug: &Drug,
        for_ages: bool,
        numbers: &mut Draw,
    ) -> Option<String> {
        if !item.by_weight.is_empty() {
            let reached = item.by_weight.iter().rev().find(|[from, _]| *from <= self.kilograms);
            return reached.map(|[_, dose]| with_unit(*dose, &drug.unit));
        }
        let sold = |dose: &&f64| {
            item.doses.is_empty() || item.doses.iter().any(|d| (d - **dose).abs() < 1e-9)
        };
        let doses: Vec<f64> = drug.strengths.iter().filter(sold).copied().collect();
        let child = self.years < ADULT_DOSES;
        let as_stated = for_ages && !item.doses.is_empty();
        if child && !drug.children && !as_stated {
            let [least, most] = drug.child_mg_per_kg?;
            let amount = (least + numbers.unit() * (most - least)) * self.kilograms;
            return Some(with_unit(rounded(amount.min(drug.high)), &drug.unit));
        }
        numbers.pick(&doses).map(|dose| with_unit(*dose, &drug.unit))
    }
}

/// ATC classes that the patient does not take: of the allergies that are drawn, and of those that are stated.
fn allergic_classes(ctx: &Completion<'_>, case: &Case) -> Vec<String> {
    let mut classes: Vec<String> =
        drawn_allergies(ctx, case).into_iter().flat_map(|(entry, _)| entry.drugs.clone()).collect();
    let stated = case.allergies.iter().filter(|a| a.origin != Origin::Drawn);
    for text in known::stated(ctx, FactName::Allergy).chain(stated.map(|a| a.text.as_str())) {
        if known::is_none(text) {
            continue;
        }
        let named = |words: &[String]| words.iter().any(|w| known::mentions(text, w));
        let entries = ctx.catalog.histories.allergy.iter().filter(|entry| named(&entry.words));
        classes.extend(entries.flat_map(|entry| entry.drugs.clone()));
        let drugs = known::drugs(ctx.catalog, text);
        classes.extend(drugs.iter().filter_map(|d| d.atc.get(..5).map(str::to_owned)));
    }
    classes
}

/// A weight in kilograms for an age in years, where none was measured.
fn usual_weight(years: u32) -> f64 {
    match years {
        0 => 7.0,
        1..=12 => f64::from(2 * years + 8),
        13..=17 => 50.0,
        _ => 65.0,
    }
}

/// Two significant figures, as in practice for a child's dose.
fn rounded(amount: f64) -> f64 {
    let step = [(100.0, 10.0), (10.0, 1.0), (1.0, 0.5)]
        .into_iter()
        .find(|(from, _)| amount >= *from)
        .map_or(0.05, |(_, step)| step);
    ((amount / step).round() * step).max(step)
}

/// `2 tablets`, `1 puff`, `62.5 microgram`; a layer of ointment is not counted.
fn with_unit(amount: f64, unit: &str) -> String {
    if unit.ends_with("layer") || unit == "wash" {
        return unit.to_owned();
    }
    let text = format!("{amount:.3}");
    let number = text.trim_end_matches('0').trim_end_matches('.');
    let one = (amount - 1.0).abs() < 1e-9;
    let counted = ["tablet", "capsule", "puff", "drop", "spray"];
    let stem = unit.trim_end_matches('s');
    match counted.contains(&stem) {
        true if one => format!("{number} {stem}"),
        true => format!("{number} {stem}s"),
        false => format!("{number} {unit}"),
    }
}
