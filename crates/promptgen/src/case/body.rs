//! Height and weight.

use clinstruct_catalog::{Growth, SizeRule};
use clinstruct_draw::Draw;
use clinstruct_schema::{Case, FactName, Origin};

use super::curve::{between, interpolated, lms, lms_z, normal_within, rounded};
use super::text::Lower;
use super::{Completion, number, stated};

/// Age in months from which the sizes of adults apply.
const ADULT: f64 = 228.0;
/// Heights that are tried for a stated weight.
const CANDIDATES: usize = 64;
/// Kilograms under which a newborn is shorter than any born at term.
const PRETERM: f64 = 2.2;
/// Months under which a child whose weight is stated is about as long as its weight makes it.
const INFANT: f64 = 24.0;
/// Standard deviations of the BMI that such a child is at most away from the median.
const PROPORTIONATE: f64 = 2.0;
/// Standard deviations that a drawn height or BMI is at most away from the median.
const WITHIN: [f64; 2] = [-2.5, 2.5];

/// Distribution of the BMI.
#[derive(Debug, Clone, Copy)]
struct Bmi {
    l: f64,
    m: f64,
    s: f64,
    /// Limits of the value.
    limits: [f64; 2],
    /// Limits in standard deviations.
    z: [f64; 2],
    /// Whether something in the case narrows it: spread evenly within the limits.
    narrow: bool,
}

/// Distribution of the sizes of people like the patient.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    height: [f64; 2],
    height_z: [f64; 2],
    bmi: Bmi,
    /// Kilograms gained in pregnancy.
    gain: f64,
}

impl Sizes {
    fn draw_height(&self, draw: &mut Draw) -> f64 {
        self.height[0] + self.height[1] * normal_within(draw, self.height_z)
    }

    fn draw_bmi(&self, draw: &mut Draw) -> f64 {
        let b = &self.bmi;
        if b.narrow {
            // Most people are close to the limit that is closer to the median.
            let part = draw.unit() * draw.unit();
            let [low, high] = b.limits;
            let rising = (low - b.m).abs() <= (high - b.m).abs();
            return if rising { between([low, high], part) } else { between([high, low], part) };
        }
        lms(b.l, b.m, b.s, normal_within(draw, b.z)).clamp(b.limits[0], b.limits[1])
    }

    fn weight(&self, height: f64, bmi: f64) -> f64 {
        bmi * (height / 100.0).powi(2) + self.gain
    }

    /// How plausible a weight is at a height: the logarithm of its density, up to a constant.
    fn plausibility(&self, height: f64, weight: f64) -> f64 {
        let b = &self.bmi;
        let bmi = (weight - self.gain).max(0.2) / (height / 100.0).powi(2);
        if b.narrow {
            let beyond = (b.limits[0] - bmi).max(bmi - b.limits[1]).max(0.0);
            return -beyond * beyond;
        }
        let z = lms_z(b.l, b.m, b.s, bmi);
        // The density of the BMI, times how fast the BMI changes with the weight at this height.
        -0.5 * z * z - 2.0 * b.l * libm::log(height)
    }

    /// The height nearest to this one at which a weight is not out of proportion: a newborn of 4.4 kg is not 48 cm long.
    fn proportionate(&self, height: f64, weight: f64) -> f64 {
        let b = &self.bmi;
        let [shortest, longest] = [PROPORTIONATE, -PROPORTIONATE]
            .map(|z| 100.0 * ((weight - self.gain).max(0.2) / lms(b.l, b.m, b.s, z)).sqrt());
        if b.narrow { height } else { height.clamp(shortest, longest) }
    }

    /// A height that goes with a stated weight.
    fn height_for(&self, draw: &mut Draw, weight: f64) -> f64 {
        let heights: Vec<f64> = (0..CANDIDATES).map(|_| self.draw_height(draw)).collect();
        let scores: Vec<f64> = heights.iter().map(|h| self.plausibility(*h, weight)).collect();
        let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let chosen = draw.weighted(scores.iter().map(|s| libm::exp(s - best)));
        heights.get(chosen).copied().unwrap_or(self.height[0])
    }
}

/// Sets height and weight where they are open.
pub(super) fn complete(ctx: &Completion<'_>, case: &mut Case) {
    let sizes = sizes(ctx, case);
    let mut draw = Draw::new(ctx.seed, ctx.key, "size");
    let vitals = &case.vitals;
    let bmi = case
        .measurements
        .iter()
        .filter(|m| m.name == FactName::Bmi)
        .find_map(|m| number::number(&m.value))
        .filter(|b| (8.0..=100.0).contains(b));
    let height_step = if ctx.months() < 24.0 { 0.5 } else { 1.0 };
    let (height, weight) = match (vitals.height, vitals.weight, bmi) {
        (Some(height), Some(weight), _) => (height, weight),
        (Some(height), None, Some(bmi)) => (height, bmi * (height / 100.0).powi(2)),
        (Some(height), None, None) => (height, sizes.weight(height, sizes.draw_bmi(&mut draw))),
        (None, Some(weight), Some(bmi)) => (100.0 * (weight / bmi).sqrt(), weight),
        // Born weeks too early: at the same proportions, 31 cm at 650 g and 41 cm at 1.5 kg, as on Fenton's chart
        // (https://doi.org/10.1186/1471-2431-13-59).
        (None, Some(weight), None) if ctx.months() < 3.0 && weight < PRETERM => {
            (36.0 * libm::cbrt(weight), weight)
        }
        (None, Some(weight), None) => {
            let height = sizes.height_for(&mut draw, weight);
            (
                if ctx.months() < INFANT { sizes.proportionate(height, weight) } else { height },
                weight,
            )
        }
        (None, None, Some(bmi)) => {
            // As it will be listed, so that a reader finds the BMI that was stated.
            let height = rounded(sizes.draw_height(&mut draw), height_step);
            (height, bmi * (height / 100.0).powi(2))
        }
        (None, None, None) => {
            let height = sizes.draw_height(&mut draw);
            (height, sizes.weight(height, sizes.draw_bmi(&mut draw)))
        }
    };
    let weight_step = if weight < 30.0 { 0.1 } else { 0.5 };
    let drawn = [(FactName::Height, height, height_step), (FactName::Weight, weight, weight_step)];
    for (name, value, step) in drawn {
        let open = case.vitals.get(name).is_none()
            && !stated::is_unreadable(ctx, case, name)
            && !stated::is_told(ctx, name);
        if open && case.vitals.set(name, rounded(value, step)) {
            case.origins.insert(format!("vitals.{}", name.as_str()), Origin::Drawn);
        }
    }
}

/// The distribution for the patient of this case.
fn sizes(ctx: &Completion<'_>, case: &Case) -> Sizes {
    let body = &ctx.catalog.body;
    let place = &ctx.frame.place;
    let months = ctx.months();
    let years = months / 12.0;
    let reference = growth(ctx, months.min(ADULT));
    // Without a population, children and adults are those of the reference.
    let at_19 = growth(ctx, ADULT);
    let population = body.population(&place.country_code, &place.region);
    let adult_height = population.map_or(at_19.height[0], |p| ctx.by_sex(p.men, p.women));
    let adult_bmi = population.map_or(at_19.bmi[1], |p| ctx.by_sex(p.bmi_men, p.bmi_women));
    // Age moves the BMI less where people are lean, and their distribution is narrower.
    let fullness = (adult_bmi - 18.5) / 8.5;
    let age_bmi = |years| {
        let by_age = interpolated(body.adult.iter().map(|a| (a.age, a.bmi)), years);
        by_age * fullness.clamp(0.2, 1.2)
    };
    let rules = rules(ctx, case);
    let (height, mut bmi) = if months >= ADULT {
        let lost =
            interpolated(body.adult.iter().map(|a| (a.age, ctx.by_sex(a.men, a.women))), years);
        let shift = rules.bmi_shift.unwrap_or(0.0);
        let spread = ctx.by_sex(body.bmi_spread.men, body.bmi_spread.women);
        let spread = spread * (0.75 + 0.25 * fullness).clamp(0.75, 1.1);
        let bmi = Bmi {
            l: 0.0,
            m: adult_bmi + age_bmi(years) + shift,
            s: spread,
            limits: body.bmi_limits,
            z: WITHIN,
            narrow: false,
        };
        let sd = ctx.by_sex(body.height_sd.men, body.height_sd.women);
        ([adult_height - lost, sd], bmi)
    } else {
        // Children grow towards the adults of their population.
        let grown = months / ADULT;
        let taller = (adult_height - at_19.height[0]) / at_19.height[1];
        let height = reference.height[0]
            + reference.height[1] * taller.clamp(-1.5, 1.2) * (0.6 + 0.4 * grown);
        let [l, m, s] = reference.bmi;
        let heavier = libm::log((adult_bmi + age_bmi(19.0)) / at_19.bmi[1]) / at_19.bmi[2];
        let by_age = 0.1 + 0.6 * ((months - 24.0) / 192.0).clamp(0.0, 1.0);
        let median = lms(l, m, s, heavier.clamp(-1.0, 1.0) * by_age);
        let bmi = Bmi { l, m: median, s, limits: [9.0, 45.0], z: [-2.2, 2.4], narrow: false };
        ([height, reference.height[1]], bmi)
    };
    if months >= ADULT {
        if let Some(limits) = rules.bmi {
            bmi = Bmi { limits, narrow: true, ..bmi };
        }
    } else if let Some(z) = rules.bmi_z {
        // Standard deviations of the reference, not of the population.
        let [l, m, s] = reference.bmi;
        bmi = Bmi { l, m, s, limits: z.map(|z| lms(l, m, s, z)), z, narrow: true };
    }
    // Likewise: somebody is short by the reference.
    let (height, height_z) = match rules.height_z {
        Some(z) if months < ADULT => (reference.height, z),
        Some(z) => (height, z),
        None => (height, WITHIN),
    };
    let gain = case.patient.pregnancy_weeks.map_or(0.0, |weeks| {
        interpolated(body.pregnancy.iter().map(|p| (p.weeks, p.gain)), f64::from(weeks))
    });
    Sizes { height, height_z, bmi, gain }
}

/// The growth reference at an age, for the patient's sex.
fn growth(ctx: &Completion<'_>, months: f64) -> Growth {
    let at = |field: fn(&Growth) -> f64| {
        let points = ctx
            .catalog
            .body
            .growth
            .iter()
            .map(|p| (p.months, ctx.by_sex(field(&p.boys), field(&p.girls))));
        interpolated(points, months)
    };
    Growth {
        height: [at(|g| g.height[0]), at(|g| g.height[1])],
        bmi: [at(|g| g.bmi[0]), at(|g| g.bmi[1]), at(|g| g.bmi[2])],
    }
}

/// What the case says about size: each field by the first rule that has it.
#[derive(Debug, Default, Clone, Copy)]
struct Rules {
    bmi: Option<[f64; 2]>,
    bmi_shift: Option<f64>,
    bmi_z: Option<[f64; 2]>,
    height_z: Option<[f64; 2]>,
}

fn rules(ctx: &Completion<'_>, case: &Case) -> Rules {
    // What the message states outweighs the rest: a stated anorexia, obesity in the frame.
    let stated = case
        .conditions
        .iter()
        .filter(|c| c.origin == Origin::Stated)
        .map(|c| &c.name)
        .chain(case.presented().map(|c| &c.text))
        // `height below the 3rd centile` may be listed as measured.
        .chain(case.measurements.iter().filter(|m| m.name == FactName::Other).map(|m| &m.value));
    let others = case.conditions.iter().filter(|c| c.origin != Origin::Stated).map(|c| &c.name);
    // `POD2 sleeve` is an event.
    let events = case.history.iter().filter(|h| h.origin == Origin::Stated).map(|h| &h.text);
    let events = lower(events);
    let mut found = Rules::default();
    for (texts, events) in [(lower(stated), events.as_slice()), (lower(others), &[])] {
        // Words about the past are looked for as they are.
        let applies = |rule: &SizeRule| {
            let events = if rule.events { events } else { &[] };
            texts.iter().chain(events).any(|t| {
                rule.words
                    .iter()
                    .any(|w| t.says(w) || (w.contains("previous") && t.text().contains(w.as_str())))
            })
        };
        for rule in ctx.catalog.body.sizes.iter().filter(|rule| applies(rule)) {
            let decided = found.bmi.is_some() || found.bmi_shift.is_some() || found.bmi_z.is_some();
            if !decided {
                found.bmi = rule.bmi;
                found.bmi_shift = rule.bmi_shift;
                found.bmi_z = rule.bmi_z;
            }
            found.height_z = found.height_z.or(rule.height_z);
        }
    }
    found
}

fn lower<'t>(texts: impl Iterator<Item = &'t String>) -> Vec<Lower> {
    texts.map(|t| Lower::new(t)).collect()
}
