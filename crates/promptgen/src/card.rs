//! Draws a patient and the card that goes with it. All patients are made up.

use std::collections::BTreeMap;

use clinstruct_catalog::{Catalog, Countries, Country, Part, Who};
use clinstruct_draw::{self as draw, Draw};
use clinstruct_schema::{
    AgeYears, Case, CaseCondition, CasePatient, CaseText, CaseVitals, Coded, ConversationMode,
    Frame, FramePatient, IncomeGroup, Origin, PatientCard, Place, RecordSource, RowId, Stated,
    Vitals,
};

use crate::case::{
    Completion, Slots, allergies, conditions, family, fill, frame_condition, history, medicines,
    social,
};

/// Inputs of all cards of a plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'c> {
    pub(crate) catalog: &'c Catalog,
    pub(crate) part: &'c Part,
    pub(crate) seed: u64,
}

/// Probability of the usual care setting of a country that has others.
const USUAL_SETTING: f64 = 0.7;
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
    let presenting = catalog
        .histories
        .presenting
        .iter()
        .filter(|h| fits(&h.who))
        .map(|h| (h.id.as_str(), h.weight, h));
    let slots = Slots { years, ..Slots::default() };
    let presenting = draw::choose(seed, key, "presenting", presenting)
        .map(|h| fill(&h.text, &mut Draw::new(seed, key, "presenting words"), &slots))
        .unwrap_or_default();
    let vitals = draw_vitals(source, band_index, years, months, &mut numbers)?;

    let place = Place {
        country_code: country.code.clone(),
        country: country.name.clone(),
        income: country.income,
        region: country.region.clone(),
        setting: setting.id.clone(),
    };
    let mut patient = FramePatient {
        age_band: band.id.clone(),
        age,
        sex,
        gender: gender.clone(),
        pregnancy_weeks: None,
        condition: None,
    };
    patient.condition = frame_condition(catalog, seed, key, &patient, place.income, &[], &[])
        .map(|c| Coded { name: c.name.clone(), code: c.icd10.clone() });
    let framed = patient.condition.iter().map(|c| CaseCondition {
        name: c.name.clone(),
        icd10: c.code.clone(),
        origin: Origin::Frame,
    });
    let text = |text: String| CaseText { text, origin: Origin::Drawn };
    let mut case = Case {
        patient: CasePatient { age_band: band.id.clone(), age, sex, gender, pregnancy_weeks: None },
        vitals: CaseVitals {
            height: Some(f64::from(vitals.height)),
            weight: Some(vitals.weight),
            heart_rate: Some(f64::from(vitals.heart_rate)),
            respiratory_rate: Some(f64::from(vitals.respiratory_rate)),
            systolic: Some(f64::from(vitals.systolic)),
            diastolic: Some(f64::from(vitals.diastolic)),
            temperature: Some(vitals.temperature),
            saturation: Some(f64::from(vitals.saturation)),
        },
        complaint: vec![text(presenting)],
        measurements: Vec::new(),
        conditions: framed.collect(),
        medicines: Vec::new(),
        allergies: Vec::new(),
        history: Vec::new(),
        family: Vec::new(),
        social: Vec::new(),
        origins: BTreeMap::new(),
        source: RecordSource::Code,
    };
    let mode = ConversationMode::Normal;
    let frame = Frame { place, patient: Some(patient.clone()), mode, emergency_instruction: false };
    let stated = Stated::NONE;
    let ctx = Completion {
        catalog,
        seed,
        key,
        frame: &frame,
        patient: &patient,
        stated: &stated,
        band: band_index,
    };
    case.conditions.extend(conditions(&ctx, &case));
    case.medicines = medicines(&ctx, &case);
    case.allergies = allergies(&ctx, &case);
    case.history = history(&ctx, &case);
    case.family = family(&ctx, &case);
    case.social = social(&ctx, &case);
    Some(case.card(&frame.place))
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
