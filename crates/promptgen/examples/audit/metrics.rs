//! Metrics over all cases, beside their references.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use clinstruct_schema::{FactName, Origin};

use super::cases::Drawn;
use super::data::{Data, List, Scenario};
use super::rules::{self, texts};

/// Vital signs, in the order of the tables.
const SIGNS: [FactName; 6] = [
    FactName::HeartRate,
    FactName::RespiratoryRate,
    FactName::Systolic,
    FactName::Diastolic,
    FactName::Temperature,
    FactName::Saturation,
];
const LISTS: [(&str, List); 4] = [
    ("allergies", List::Allergies),
    ("history", List::History),
    ("family", List::Family),
    ("social", List::Social),
];
const SEXES: [&str; 2] = ["men", "women"];
/// Adults in the tables of vital signs.
const ADULTS: std::ops::RangeInclusive<u32> = 19..=64;
/// Fewest cases from which a figure is compared.
const ENOUGH: usize = 25;
/// A log-normal median lies this far below the mean of the body mass index.
const MEAN_TO_MEDIAN: f64 = 0.3;

type Pairs = BTreeMap<(String, usize), Vec<(f64, f64)>>;

/// Counts while cases are drawn.
#[derive(Debug)]
pub(crate) struct Metrics<'d> {
    data: &'d Data,
    cases: usize,
    /// Height and its reference, by region and sex.
    heights: Pairs,
    /// Body mass index and its reference, by region and sex.
    bmis: Pairs,
    adults: [Vec<f64>; 2],
    /// Vital signs of adults by scenario.
    signs: BTreeMap<(usize, FactName), Vec<f64>>,
    /// Vital signs without a complaint, by age.
    calm: BTreeMap<(u32, FactName), Vec<f64>>,
    calm_cases: usize,
    fevers: usize,
    saturations: usize,
    low_saturations: usize,
    unmeasured: BTreeMap<String, (usize, usize)>,
    allergy_open: usize,
    allergic: usize,
    /// Whole, broken and without any medicine of the regimen.
    regimens: Vec<[usize; 3]>,
    sentences: [HashMap<String, usize>; 4],
}

impl<'d> Metrics<'d> {
    pub(crate) fn new(data: &'d Data) -> Self {
        Self {
            data,
            cases: 0,
            heights: Pairs::new(),
            bmis: Pairs::new(),
            adults: [Vec::new(), Vec::new()],
            signs: BTreeMap::new(),
            calm: BTreeMap::new(),
            calm_cases: 0,
            fevers: 0,
            saturations: 0,
            low_saturations: 0,
            unmeasured: BTreeMap::new(),
            allergy_open: 0,
            allergic: 0,
            regimens: vec![[0; 3]; data.regimen.len()],
            sentences: std::array::from_fn(|_| HashMap::new()),
        }
    }

    pub(crate) fn add(&mut self, drawn: &Drawn<'_>) {
        self.cases += 1;
        self.add_size(drawn);
        self.add_signs(drawn);
        self.add_lists(drawn);
    }

    fn add_size(&mut self, drawn: &Drawn<'_>) {
        let case = &drawn.case;
        let drawn_size = [FactName::Height, FactName::Weight]
            .iter()
            .all(|name| case.origin(*name) == Some(Origin::Drawn));
        let scenario = drawn.scenario;
        let years = drawn.years();
        let (Some(sex), true) =
            (drawn.sex(), drawn_size && scenario.bmi.is_none() && !scenario.thin)
        else {
            return;
        };
        let place = &drawn.frame.place;
        let key = (place.region.clone(), sex);
        let country = self.data.country.iter().find(|c| c.code == place.country_code);
        if let (Some(height), Some(reference)) =
            (case.vitals.height, country.and_then(|c| c.height))
            && (19..=50).contains(&years)
        {
            self.heights.entry(key.clone()).or_default().push((height, reference[sex]));
        }
        let Some(bmi) = drawn.bmi().filter(|_| years >= 19) else { return };
        self.adults[sex].push(bmi);
        if let Some(reference) = country.and_then(|c| c.bmi)
            && (30..=55).contains(&years)
        {
            self.bmis.entry(key).or_default().push((bmi, reference[sex] - MEAN_TO_MEDIAN));
        }
    }

    fn add_signs(&mut self, drawn: &Drawn<'_>) {
        let v = &drawn.case.vitals;
        let years = drawn.years();
        let at = self.data.scenario.iter().position(|s| std::ptr::eq(s, drawn.scenario));
        let band = self.data.band(years).map(|b| b.years[0]);
        for name in SIGNS {
            let Some(value) = v.get(name) else { continue };
            if let (Some(at), true) = (at, ADULTS.contains(&years)) {
                self.signs.entry((at, name)).or_default().push(value);
            }
            if let (Some(band), true) = (band, drawn.scenario.is_calm()) {
                self.calm.entry((band, name)).or_default().push(value);
            }
        }
        let (missing, all) =
            self.unmeasured.entry(drawn.frame.place.setting.to_string()).or_default();
        *missing += usize::from(v.saturation.is_none());
        *all += 1;
        if drawn.scenario.is_calm() {
            self.calm_cases += 1;
            self.fevers += usize::from(v.temperature.is_some_and(|t| t >= 38.0));
            let saturation =
                v.saturation.filter(|_| !rules::is_short_of_breath(self.data, &drawn.case));
            self.saturations += usize::from(saturation.is_some());
            self.low_saturations += usize::from(saturation.is_some_and(|s| s <= 94.0));
        }
    }

    fn add_lists(&mut self, drawn: &Drawn<'_>) {
        let case = &drawn.case;
        if !drawn.scenario.facts.iter().any(|f| f.name == FactName::Allergy) {
            self.allergy_open += 1;
            self.allergic += usize::from(!case.allergies.is_empty());
        }
        let conditions = texts(case, List::Conditions);
        let medicines = texts(case, List::Medicines);
        for (regimen, counts) in self.data.regimen.iter().zip(&mut self.regimens) {
            let has = |(text, _): &(String, Origin)| {
                regimen.condition.iter().any(|c| text.contains(c.as_str()))
            };
            if !conditions.iter().any(has) {
                continue;
            }
            let met = regimen.groups.iter().filter(|group| {
                group.iter().any(|drug| medicines.iter().any(|(m, _)| m.contains(drug.as_str())))
            });
            let met = met.count();
            let kind = if met == regimen.groups.len() {
                0
            } else if met > 0 {
                1
            } else {
                2
            };
            counts[kind] += 1;
        }
        for ((_, list), counts) in LISTS.iter().zip(&mut self.sentences) {
            for (text, origin) in texts(case, *list) {
                if origin == Origin::Drawn {
                    *counts.entry(text).or_default() += 1;
                }
            }
        }
    }

    /// All tables, and the figures that miss their reference.
    pub(crate) fn report(&self) -> (String, Vec<String>) {
        let mut out = format!("{} cases\n", self.cases);
        let mut misses = Vec::new();
        compare(&mut out, &mut misses, "Height at 19 to 50, cm", &self.heights, 1.0, 7.0);
        compare(&mut out, &mut misses, "Body mass index at 30 to 55, kg/m2", &self.bmis, 0.5, 4.3);
        self.report_adults(&mut out, &mut misses);
        self.report_signs(&mut out, &mut misses);
        self.report_lists(&mut out, &mut misses);
        (out, misses)
    }

    fn report_adults(&self, out: &mut String, misses: &mut Vec<String>) {
        line(
            out,
            "\nBody mass index of all adults: 5th, 50th, 95th percentile; below 16 or above 40 (reference: under 2%)",
        );
        for (sex, values) in SEXES.iter().zip(&self.adults) {
            let extreme = values.iter().filter(|b| **b < 16.0 || **b > 40.0).count();
            let share = percent(extreme, values.len());
            line(
                out,
                &format!("  {sex:6} {}  {share:.1}%  ({} cases)", spread(values, 1), values.len()),
            );
            if share >= 2.0 {
                misses.push(format!(
                    "{share:.1}% of {sex} have a body mass index below 16 or above 40"
                ));
            }
        }
    }

    fn report_signs(&self, out: &mut String, misses: &mut Vec<String>) {
        line(
            out,
            "\nVital signs of adults to 64 by what the message states: 5th, 50th, 95th percentile (reference)",
        );
        for (at, scenario) in self.data.scenario.iter().enumerate() {
            let number = self.signs.get(&(at, FactName::HeartRate)).map_or(0, Vec::len);
            if number == 0 {
                continue;
            }
            line(out, &format!("  {} ({number} cases)", scenario.id));
            for name in SIGNS {
                if let Some(values) = self.signs.get(&(at, name)) {
                    sign(out, misses, scenario, name, values);
                }
            }
        }
        line(out, "\nMedian without a complaint by age (reference)");
        for band in &self.data.band {
            let mut text = format!("  {:>3} to {:3}", band.years[0], band.years[1]);
            for (name, limits) in band.signs() {
                let Some(values) = self.calm.get(&(band.years[0], name)) else { continue };
                let [low, high] = limits.median;
                let median = percentile(values, 0.5);
                let _ = write!(text, "  {} {median:.0} ({low} to {high})", name.as_str());
                if values.len() >= ENOUGH && !(low..=high).contains(&median) {
                    misses.push(format!(
                        "median {} {median} from {} years",
                        name.as_str(),
                        band.years[0]
                    ));
                }
            }
            line(out, &text);
        }
        let fever = percent(self.fevers, self.calm_cases);
        let low = percent(self.low_saturations, self.saturations);
        line(
            out,
            &format!(
                "\nWithout a complaint ({} cases): 38.0 or more {fever:.1}% (reference: under 3%), saturation of 94 or less {low:.1}% (under 3%; without diseases of heart and lungs)",
                self.calm_cases
            ),
        );
        for (share, what) in [(fever, "fever"), (low, "a low saturation")] {
            if share >= 3.0 {
                misses.push(format!("{share:.1}% have {what} without a complaint"));
            }
        }
        let settings: Vec<String> = self
            .unmeasured
            .iter()
            .map(|(setting, (missing, all))| format!("{setting} {:.0}%", percent(*missing, *all)))
            .collect();
        line(out, &format!("Saturation not measured: {}", settings.join(", ")));
    }

    fn report_lists(&self, out: &mut String, misses: &mut Vec<String>) {
        let share = percent(self.allergic, self.allergy_open);
        line(
            out,
            &format!(
                "\nAllergies: {share:.1}% of the cases whose message states none (reference: 20% to 30%)"
            ),
        );
        if self.cases >= 1000 && !(20.0..=30.0).contains(&share) {
            misses.push(format!("{share:.1}% have an allergy"));
        }
        line(out, "\nRegimens: whole, broken, none of the medicines");
        for (regimen, [whole, broken, none]) in self.data.regimen.iter().zip(&self.regimens) {
            line(out, &format!("  {:46} {whole:5} {broken:5} {none:5}", regimen.id));
            let share = percent(*broken, whole + broken + none);
            if share > self.data.limits.broken_regimens {
                misses.push(format!("{share:.1}% of the regimens for {} are broken", regimen.id));
            }
        }
        line(
            out,
            "\nRepetition: different sentences, and the share of cases with the most frequent one",
        );
        for ((name, _), counts) in LISTS.iter().zip(&self.sentences) {
            // Ties are decided by the text, so that two runs print the same.
            let most = counts.iter().max_by_key(|(text, n)| (**n, text.as_str()));
            let (text, n) = most.map_or(("", 0), |(text, n)| (text.as_str(), *n));
            let share = percent(n, self.cases);
            line(out, &format!("  {name:10} {:5}  {share:.2}%  {text}", counts.len()));
            if self.cases >= ENOUGH && share > self.data.limits.same_sentence {
                misses.push(format!("{share:.2}% of the cases have \"{text}\" in {name}"));
            }
        }
    }
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn percent(part: usize, all: usize) -> f64 {
    if all == 0 { 0.0 } else { 100.0 * part as f64 / all as f64 }
}

fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (share * (sorted.len().max(1) - 1) as f64).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

fn spread(values: &[f64], decimals: usize) -> String {
    [0.05, 0.5, 0.95].map(|p| format!("{:6.decimals$}", percentile(values, p))).join(" ")
}

/// A table by region and sex. A median may miss its reference by `tolerance`, and by chance.
fn compare(
    out: &mut String,
    misses: &mut Vec<String>,
    title: &str,
    pairs: &Pairs,
    tolerance: f64,
    sd: f64,
) {
    line(out, &format!("\n{title}: cases, median, reference, difference, 5th and 95th percentile"));
    let mut all: BTreeMap<(String, usize), Vec<(f64, f64)>> = pairs.clone();
    for ((_, sex), values) in pairs {
        all.entry(("all".to_owned(), *sex)).or_default().extend(values);
    }
    for ((region, sex), values) in &all {
        let number = values.len();
        let own: Vec<f64> = values.iter().map(|(value, _)| *value).collect();
        let reference = values.iter().map(|(_, r)| r).sum::<f64>() / number as f64;
        // Regions mix countries: the differences within each have the median that counts.
        let differences: Vec<f64> = values.iter().map(|(value, r)| value - r).collect();
        let difference = percentile(&differences, 0.5);
        let sex = SEXES[*sex];
        line(
            out,
            &format!(
                "  {region:5} {sex:6} {number:5} {:7.1} {reference:7.1} {difference:+6.1} {:7.1} {:7.1}",
                percentile(&own, 0.5),
                percentile(&own, 0.05),
                percentile(&own, 0.95)
            ),
        );
        // 2.3 standard errors of a median.
        let chance = 2.3 * 1.253 * sd / (number as f64).sqrt();
        if number >= ENOUGH && difference.abs() > tolerance + chance {
            misses.push(format!("{title}: {region} {sex} {difference:+.1}"));
        }
    }
}

fn sign(
    out: &mut String,
    misses: &mut Vec<String>,
    scenario: &Scenario,
    name: FactName,
    values: &[f64],
) {
    let decimals = usize::from(name == FactName::Temperature);
    let mut text = format!("    {:17} {}", name.as_str(), spread(values, decimals));
    if let Some([low, high]) = scenario.adults.get(&name) {
        let _ = write!(text, "  ({low} to {high})");
        let median = percentile(values, 0.5);
        if values.len() >= ENOUGH && !(*low..=*high).contains(&median) {
            misses.push(format!("{}: median {} {median}", scenario.id, name.as_str()));
        }
    }
    line(out, &text);
}
