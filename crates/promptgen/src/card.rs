//! Draws a patient and the card that goes with it. All patients are made up.

use clinstruct_catalog::{Catalog, Condition, Countries, Country, Drug, HistoryEntry, Part, Who};
use clinstruct_draw::{self as draw, Draw};
use clinstruct_schema::{AgeYears, IncomeGroup, Medicine, Patient, PatientCard, RowId, Vitals};

/// Inputs of all cards of a plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'c> {
    pub(crate) catalog: &'c Catalog,
    pub(crate) part: &'c Part,
    pub(crate) seed: u64,
}

/// Probability of the usual care setting of a country that has others.
const USUAL_SETTING: f64 = 0.7;
/// Probability that a patient takes a medicine for a condition that has one.
const TREATED: f64 = 0.8;
/// Weights of 0 to 3 conditions, for people under 41 and for older ones.
const CONDITIONS_YOUNG: [f64; 4] = [0.35, 0.45, 0.15, 0.05];
/// See [`CONDITIONS_YOUNG`].
const CONDITIONS_OLD: [f64; 4] = [0.05, 0.30, 0.40, 0.25];

const GROUPS: [(&str, IncomeGroup); 4] = [
    ("high", IncomeGroup::High),
    ("upper-middle", IncomeGroup::UpperMiddle),
    ("lower-middle", IncomeGroup::LowerMiddle),
    ("low", IncomeGroup::Low),
];

/// The card of patient `k` (from 0) of the row; `None` only if the catalog has no country or band.
pub(crate) fn draw_card(
    source: &Source<'_>,
    row: &RowId,
    k: usize,
    who: &Who,
) -> Option<PatientCard> {
    let key = row.child('p', k + 1);
    let key = key.as_str();
    let catalog = source.catalog;
    let seed = source.seed;

    let sexes = catalog
        .sexes
        .iter()
        .filter(|s| who.sexes[s.id as usize])
        .map(|s| (s.id.as_str(), s.weight, s.id));
    let sex = draw::choose(seed, key, "sex", sexes)?;
    let bands = catalog
        .ages
        .iter()
        .enumerate()
        .filter(|(i, _)| who.includes(*i, sex))
        .map(|(i, band)| (band.id.as_str(), band.weight, (i, band)));
    let (band_index, band) = draw::choose(seed, key, "age band", bands)?;
    let mut numbers = Draw::new(seed, key, "numbers");
    let years = numbers.between(band.from, band.to);
    let months = numbers.between(1, 11);
    let age = AgeYears { years, months: (years == 0).then_some(months) };

    let country = draw_country(source, row, k)?;
    let settings: Vec<(&str, f64, &clinstruct_catalog::Setting)> = country
        .settings
        .iter()
        .enumerate()
        .filter_map(|(i, s)| {
            let others = country.settings.len().saturating_sub(1).max(1) as f64;
            let weight = if i == 0 { USUAL_SETTING } else { (1.0 - USUAL_SETTING) / others };
            catalog.settings.get(*s).map(|s| (s.id.as_str(), weight, s))
        })
        .collect();
    let setting = draw::choose(seed, key, "setting", settings)?;

    let gender = (band_index >= catalog.gender_from)
        .then(|| {
            let genders = catalog
                .genders
                .iter()
                .filter(|g| g.countries.is_empty() || g.countries.contains(&country.code))
                .map(|g| (g.id.as_str(), g.weights[sex as usize], g));
            draw::choose(seed, key, "gender", genders).map(|g| g.name.clone())
        })
        .flatten();

    let fits = |who: &Who| who.includes(band_index, sex);
    let one = |purpose: &str, entries: &[HistoryEntry]| {
        let entries = entries
            .iter()
            .filter(|h| fits(&h.who))
            .map(|h| (h.id.as_str(), h.weight, h.text.clone()));
        draw::choose(seed, key, purpose, entries).unwrap_or_default()
    };
    let allergies = one("allergy", &catalog.histories.allergy);
    let family = one("family", &catalog.histories.family);
    let social = one("social", &catalog.histories.social);
    let presenting = one("presenting", &catalog.histories.presenting);
    let past_events = catalog
        .histories
        .past
        .iter()
        .filter(|h| fits(&h.who))
        .map(|h| (h.id.as_str(), h.weight, h));
    let how_many = numbers.below(3);
    let past = past_of(draw::order(seed, key, "past", past_events), how_many);

    let vitals = draw_vitals(source, band_index, years, months, &mut numbers)?;
    let shares = if years > 40 { CONDITIONS_OLD } else { CONDITIONS_YOUNG };
    let how_many = numbers.weighted(shares);
    let conditions = draw_conditions(source, key, how_many, &fits);
    let medicines = conditions
        .iter()
        .filter_map(|c| draw_medicine(source, key, c, &allergies, years, vitals.weight))
        .collect();

    Some(PatientCard {
        patient: Patient {
            age_band: band.id.clone(),
            age,
            sex,
            gender,
            country_code: country.code.clone(),
            country: country.name.clone(),
            income: country.income,
            region: country.region.clone(),
            setting: setting.id.clone(),
        },
        conditions: conditions.iter().map(|c| c.name.clone()).collect(),
        medicines,
        allergies,
        vitals,
        past,
        family,
        social,
        presenting,
    })
}

/// The first `many` compatible events: at most one of each kind (`born-early`, `born-at-term`), and nothing with an
/// entry that says that there is nothing.
fn past_of(events: Vec<&HistoryEntry>, many: usize) -> Vec<String> {
    let kind = |h: &HistoryEntry| h.id.as_str().split('-').next().unwrap_or_default().to_owned();
    let alone = |h: &HistoryEntry| matches!(kind(h).as_str(), "none" | "nothing" | "unknown");
    let mut taken: Vec<&HistoryEntry> = Vec::new();
    for event in events {
        if taken.len() == many {
            break;
        }
        let clash = taken.iter().any(|t| kind(t) == kind(event) || alone(t) || alone(event));
        if !clash {
            taken.push(event);
        }
    }
    taken.into_iter().map(|h| h.text.clone()).collect()
}

fn draw_country<'c>(source: &Source<'c>, row: &RowId, k: usize) -> Option<&'c Country> {
    let all = &source.catalog.countries;
    let key = row.child('p', k + 1);
    match source.part.countries {
        Countries::Any => {
            let any = all.iter().map(|c| (c.code.as_str(), 1.0, c));
            draw::choose(source.seed, key.as_str(), "country", any)
        }
        Countries::OnePerIncomeGroup => {
            // The assignment of groups to patients is drawn, so that no group always comes first.
            let groups = GROUPS.iter().map(|(name, group)| (*name, 1.0, *group));
            let order = draw::order(source.seed, row.as_str(), "income groups", groups);
            let group = *order.get(k % order.len().max(1))?;
            let within =
                all.iter().filter(|c| c.income == group).map(|c| (c.code.as_str(), 1.0, c));
            draw::choose(source.seed, key.as_str(), "country", within)
        }
    }
}

fn draw_vitals(
    source: &Source<'_>,
    band: usize,
    years: u32,
    months: u32,
    numbers: &mut Draw,
) -> Option<Vitals> {
    let ranges = source.catalog.vitals.get(band)?;
    let age = source.catalog.ages.get(band)?;
    let mut whole = |range: [u32; 2]| numbers.between(range[0], range[1]);
    let (heart_rate, respiratory_rate) = (whole(ranges.heart_rate), whole(ranges.respiratory_rate));
    let (systolic, diastolic) = (whole(ranges.systolic), whole(ranges.diastolic));
    let saturation = whole(ranges.saturation);
    let tenths = |x: f64| (x * 10.0).round() / 10.0;
    let temperature =
        ranges.temperature[0] + numbers.unit() * (ranges.temperature[1] - ranges.temperature[0]);
    // A child's weight and height depend on its age within the band; an adult's do not.
    let size = numbers.unit();
    let grown = if years == 0 {
        f64::from(months) / 12.0
    } else {
        f64::from(years - age.from) / f64::from((age.to - age.from).max(1))
    };
    let child = years < 19;
    let position = if child { (0.75 * grown + 0.25 * size).clamp(0.0, 1.0) } else { size };
    let other = numbers.unit();
    let tall = if child { (0.85 * grown + 0.15 * other).clamp(0.0, 1.0) } else { other };
    let between = |range: [f64; 2], p: f64| range[0] + p * (range[1] - range[0]);
    let height = between([f64::from(ranges.height[0]), f64::from(ranges.height[1])], tall);
    Some(Vitals {
        heart_rate,
        respiratory_rate,
        systolic,
        diastolic: diastolic.min(systolic.saturating_sub(20)),
        temperature: tenths(temperature),
        saturation,
        weight: tenths(between(ranges.weight, position)),
        height: height.round() as u32,
    })
}

fn draw_conditions<'c>(
    source: &Source<'c>,
    key: &str,
    how_many: usize,
    fits: &dyn Fn(&Who) -> bool,
) -> Vec<&'c Condition> {
    let possible = source
        .catalog
        .conditions
        .iter()
        .filter(|c| fits(&c.who))
        .map(|c| (c.id.as_str(), c.weight, c));
    let mut taken: Vec<&Condition> = Vec::new();
    for condition in draw::order(source.seed, key, "conditions", possible) {
        if taken.len() == how_many {
            break;
        }
        let clash = |a: &Condition, b: &Condition| a.excludes.contains(&b.id);
        if !taken.iter().any(|t| clash(t, condition) || clash(condition, t)) {
            taken.push(condition);
        }
    }
    taken
}

fn draw_medicine(
    source: &Source<'_>,
    key: &str,
    condition: &Condition,
    allergies: &str,
    years: u32,
    weight: f64,
) -> Option<Medicine> {
    let purpose = format!("medicine for {}", condition.id);
    let mut numbers = Draw::new(source.seed, key, &purpose);
    if !numbers.chance(TREATED) {
        return None;
    }
    let child = years < 13;
    let drugs = condition
        .drugs
        .iter()
        .filter_map(|d| source.catalog.drugs.get(*d))
        .filter(|d| !allergies.contains(&d.name))
        .filter(|d| !child || d.child_mg_per_kg.is_some())
        .map(|d| (d.id.as_str(), 1.0, d));
    let drug = draw::choose(source.seed, key, &purpose, drugs)?;
    let frequency = numbers.pick(&drug.frequencies)?.clone();
    let dose = match drug.child_mg_per_kg {
        // A child's dose depends on its weight, in the drug's own unit, and never exceeds the adult's.
        Some(range) if child => {
            let amount = (range[0] + numbers.unit() * (range[1] - range[0])) * weight;
            rounded(amount.min(drug.high))
        }
        _ => adult_dose(drug, &mut numbers),
    };
    let dose = format!("{dose} {}", drug.unit);
    Some(Medicine { drug: drug.name.clone(), dose, frequency })
}

/// An available dose: a whole number of steps above the lowest.
fn adult_dose(drug: &Drug, numbers: &mut Draw) -> String {
    let steps = ((drug.high - drug.low) / drug.step + 1e-9).floor().max(0.0) as u32;
    let dose = drug.low + drug.step * f64::from(numbers.between(0, steps));
    plain(dose)
}

/// Two significant figures, as in practice for a child's dose.
fn rounded(amount: f64) -> String {
    let unit = if amount >= 100.0 {
        10.0
    } else if amount >= 10.0 {
        1.0
    } else if amount >= 1.0 {
        0.5
    } else {
        0.05
    };
    plain(((amount / unit).round() * unit).max(unit))
}

/// A number without trailing zeros, at most three decimals.
fn plain(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
