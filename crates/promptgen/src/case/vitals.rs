//! Vital signs: those of a healthy person, moved by complaint, conditions, medicines and the signs that are stated.

use clinstruct_catalog::{Effect, NormalSigns};
use clinstruct_draw::Draw;
use clinstruct_schema::{Case, FactName, Origin};

use super::applied::Applied;
use super::curve::{interpolated, normal_within, part, rounded};
use super::text::Lower;
use super::{Completion, least, number, stated};

/// Standard deviations that a drawn sign is at most away from the mean.
const WITHIN: [f64; 2] = [-2.2, 2.2];
/// Smallest pulse pressure, mmHg, and its largest share of the systolic pressure.
const PULSE: (f64, f64) = (18.0, 0.62);
/// Systolic pressure of an adult with a complaint of high pressure, at least (ESC and WHO definition), mmHg.
const HYPERTENSION: f64 = 140.0;
/// Heart rate, as a share of the usual one, above which a pressure that nothing lowers is not low.
const DRIVEN: f64 = 1.15;
/// Saturation below which heart and breathing make up for it, %.
const LOW_SATURATION: f64 = 95.0;
/// Effects beyond the strongest count this much.
const FURTHER: f64 = 0.4;

/// Sets the vital signs that are open; leaves out those that are not measured in the setting.
pub(super) fn complete(ctx: &Completion<'_>, case: &mut Case) {
    let normal = normal(ctx, case);
    let mut active = active(ctx, case);
    let acute = active.iter().any(|a| a.acute);
    adapt(case, &normal, &mut active);
    let hidden = stated_reactions(case, &normal, &active);

    let calm = Calm::new(ctx, &normal, &active, hidden);
    let set = |case: &mut Case, name: FactName, value: f64, step: f64| {
        let value = calm.beside_message(name, value);
        if case.vitals.get(name).is_none()
            && !stated::is_unreadable(ctx, case, name)
            && !stated::is_told(ctx, name)
            && case.vitals.set(name, rounded(value, step))
        {
            case.origins.insert(format!("vitals.{}", name.as_str()), Origin::Drawn);
        }
    };
    let sign = |name: FactName, of: [f64; 2]| {
        let mut draw = Draw::new(ctx.seed, ctx.key, name.as_str());
        of[0] + of[1] * normal_within(&mut draw, WITHIN)
    };
    let years = f64::from(ctx.patient.age.years);

    // At home there is a thermometer at best, and it is used when somebody is hot.
    let at_home = ctx.frame.persona.is_some();
    let own = sign(FactName::Temperature, normal.temperature);
    if !at_home || active.iter().any(|a| a.value(|e| e.temperature).is_some()) {
        set(case, FactName::Temperature, temperature(ctx, &active, own), 0.1);
    }
    if at_home {
        return;
    }

    let factor =
        total(active.iter().filter_map(|a| a.value(|e| e.heart_rate)).chain(hidden.heart_rate));
    let fastest = (210.0 - years).max(125.0);
    let of = moved(normal.heart_rate, factor);
    let heart_rate = raised(ctx, FactName::HeartRate, of, factor) * factor;
    let heart_rate = heart_rate.max(least::heart_rate(case, &normal, &active));
    set(case, FactName::HeartRate, heart_rate.clamp(28.0, fastest), 1.0);

    let factor = total(
        active
            .iter()
            .filter_map(|a| a.value(|e| e.respiratory_rate))
            .chain(hidden.respiratory_rate),
    );
    let of = normal.respiratory_rate;
    let respiratory_rate = raised(ctx, FactName::RespiratoryRate, of, factor) * factor;
    let respiratory_rate = respiratory_rate.max(least::respiratory_rate(case, &normal, &active));
    let fastest = if years < 1.0 {
        85.0
    } else if years < 12.0 {
        65.0
    } else {
        48.0
    };
    set(case, FactName::RespiratoryRate, respiratory_rate.clamp(4.0, fastest), 1.0);

    let unmeasured =
        ctx.catalog.signs.unmeasured.iter().find(|u| u.setting == ctx.frame.place.setting);
    let skipped = |purpose: &str, share: f64| {
        let share = if acute { share / 2.0 } else { share };
        Draw::new(ctx.seed, ctx.key, purpose).chance(share)
    };
    // A pressure is measured as a whole: one that states half of it has measured both.
    let pressure_known = case.vitals.systolic.is_some() || case.vitals.diastolic.is_some();
    let share = unmeasured.map_or(0.0, |u| if years < 5.0 { u.infant_pressure } else { 0.0 });
    if pressure_known || !skipped("pressure measured", share) {
        let factor = total(active.iter().filter_map(|a| a.value(|e| e.systolic)));
        let systolic = sign(FactName::Systolic, moved(normal.systolic, factor)) * factor;
        let high = active.iter().any(|a| a.acute && a.effect.systolic.is_some_and(|s| s[0] > 1.2));
        let systolic = if high && years >= 16.0 { systolic.max(HYPERTENSION) } else { systolic };
        let diastolic_z = sign(FactName::Diastolic, [0.0, 1.0]);
        // What drives the heart, and does not lower the pressure, raises it.
        let driven =
            case.vitals.heart_rate.is_some_and(|rate| rate > DRIVEN * normal.heart_rate[0]);
        let lowered = active.iter().any(|a| a.value(|e| e.systolic).is_some_and(|f| f < 1.0));
        let held = normal.systolic[0] - 0.3 * normal.systolic[1];
        let systolic = if driven && !lowered { systolic.max(held) } else { systolic };
        let (systolic, diastolic) = pressures(case, &normal, systolic, diastolic_z);
        set(case, FactName::Systolic, systolic, 1.0);
        set(case, FactName::Diastolic, diastolic, 1.0);
    }

    let share = unmeasured.map_or(0.0, |u| u.saturation);
    if !skipped("saturation measured", share) {
        let own = sign(FactName::Saturation, normal.saturation);
        let low = active.iter().filter_map(|a| a.value(|e| e.saturation)).fold(own, f64::min);
        set(case, FactName::Saturation, low.clamp(50.0, 100.0), 1.0);
    }
}

/// How far from the mean a sign is that a message gives no reason for, in standard deviations.
const UNREMARKABLE: f64 = 1.3;
/// Lowest saturation that a message gives no reason for, and with a long-standing condition that lowers it, %.
const SATURATED: (f64, f64) = (95.0, 93.0);
/// Lowest saturation that nobody speaks of, though the complaint explains it, %.
const UNSAID: f64 = 91.0;
/// Highest systolic and diastolic pressure without a stated reason, mmHg.
const PRESSURES: (f64, f64) = (138.0, 88.0);

/// Keeps signs unremarkable that a message neither states nor explains: whoever writes calmly about a diet has no
/// patient with a pulse of 172.
struct Calm {
    /// Limits by sign; none where the message explains one.
    limits: Vec<(FactName, [f64; 2])>,
}

impl Calm {
    fn new(
        ctx: &Completion<'_>,
        normal: &NormalSigns,
        active: &[Applied<'_>],
        hidden: Reactions,
    ) -> Self {
        if ctx.stated.facts.is_empty() {
            return Self { limits: Vec::new() };
        }
        let acute = |field: fn(&Effect) -> Option<[f64; 2]>| {
            active.iter().any(|a| a.acute && field(a.effect).is_some())
        };
        let lasting = |field: fn(&Effect) -> Option<[f64; 2]>| {
            active.iter().any(|a| !a.acute && field(a.effect).is_some())
        };
        let around = |[mean, sd]: [f64; 2]| [mean - UNREMARKABLE * sd, mean + UNREMARKABLE * sd];
        let mut limits = Vec::new();
        if !acute(|e| e.heart_rate) && hidden.heart_rate.is_none() {
            // Medicines that slow the heart still do so.
            let [low, high] = around(normal.heart_rate);
            let low = if lasting(|e| e.heart_rate) { low - normal.heart_rate[1] } else { low };
            limits.push((FactName::HeartRate, [low, high]));
        }
        if !acute(|e| e.respiratory_rate) && hidden.respiratory_rate.is_none() {
            limits.push((FactName::RespiratoryRate, around(normal.respiratory_rate)));
        }
        if !acute(|e| e.temperature) {
            limits.push((FactName::Temperature, around(normal.temperature)));
        }
        let (healthy, ill) = SATURATED;
        let low = if acute(|e| e.saturation) {
            UNSAID
        } else if lasting(|e| e.saturation) {
            ill
        } else {
            healthy
        };
        limits.push((FactName::Saturation, [low, 100.0]));
        if !acute(|e| e.systolic) && !lasting(|e| e.systolic) && ctx.patient.age.years >= 16 {
            limits.push((FactName::Systolic, [normal.systolic[0].min(96.0), PRESSURES.0]));
            limits.push((FactName::Diastolic, [0.0, PRESSURES.1]));
        } else if !acute(|e| e.systolic) && !lasting(|e| e.systolic) && !stated::has_pressure(ctx) {
            // A low pressure of a child is the last sign of an illness, and no matter of chance.
            let [mean, sd] = normal.systolic;
            limits.push((FactName::Systolic, [mean - sd, mean + UNREMARKABLE * sd]));
            let [mean, sd] = normal.diastolic;
            limits.push((FactName::Diastolic, [0.0, mean + UNREMARKABLE * sd]));
        }
        Self { limits }
    }

    fn beside_message(&self, name: FactName, value: f64) -> f64 {
        let known = self.limits.iter().find(|(n, _)| *n == name);
        known.map_or(value, |(_, [low, high])| value.clamp(*low, *high))
    }
}

/// The signs of a healthy person of the patient's age, pregnant or not.
fn normal(ctx: &Completion<'_>, case: &Case) -> NormalSigns {
    let signs = &ctx.catalog.signs;
    let months = ctx.months();
    let at = |field: fn(&NormalSigns) -> [f64; 2]| {
        [0, 1].map(|i| interpolated(signs.normal.iter().map(|n| (n.months, field(n)[i])), months))
    };
    let mut normal = NormalSigns {
        months,
        heart_rate: at(|n| n.heart_rate),
        respiratory_rate: at(|n| n.respiratory_rate),
        systolic: at(|n| n.systolic),
        diastolic: at(|n| n.diastolic),
        temperature: at(|n| n.temperature),
        saturation: at(|n| n.saturation),
    };
    if let Some(weeks) = case.patient.pregnancy_weeks {
        let weeks = f64::from(weeks);
        let heart_rate =
            interpolated(signs.expecting.iter().map(|e| (e.weeks, e.heart_rate)), weeks);
        let systolic = interpolated(signs.expecting.iter().map(|e| (e.weeks, e.systolic)), weeks);
        normal.heart_rate[0] *= heart_rate;
        normal.systolic[0] *= systolic;
        normal.diastolic[0] *= systolic;
    }
    normal
}

/// The effects that apply to the case.
fn active<'c>(ctx: &Completion<'c>, case: &Case) -> Vec<Applied<'c>> {
    let effects = &ctx.catalog.effects;
    let lower = |text: &String| Lower::new(text);
    // What a test found in words speaks of the illness as a complaint does.
    // A negative one speaks of none.
    let results = case
        .measurements
        .iter()
        .filter(|m| m.name == FactName::Other && !super::sorted::is_negative(&m.value));
    let complaint: Vec<Lower> =
        case.presented().map(|t| lower(&t.text)).chain(results.map(|m| lower(&m.value))).collect();
    let stated: Vec<Lower> = case
        .conditions
        .iter()
        .filter(|c| c.origin == Origin::Stated)
        .map(|c| lower(&c.name))
        .collect();
    let conditions: Vec<Lower> = case.conditions.iter().map(|c| lower(&c.name)).collect();
    let medicines: Vec<Lower> = case.medicines.iter().map(|m| lower(&m.drug)).collect();

    let says = |texts: &[Lower], words: &[String]| texts.iter().any(|t| t.says_any(words));
    let measured = |effect: &Effect| {
        effect.measured.iter().any(|limit| {
            let values = case.measurements.iter().filter(|m| m.name == limit.name);
            values
                .filter(|m| m.unit == limit.name.unit())
                .filter_map(|m| number::number(&m.value))
                .any(|v| {
                    limit.below.is_some_and(|below| v < below)
                        || limit.above.is_some_and(|above| v > above)
                })
        })
    };
    let mut draw = Draw::new(ctx.seed, ctx.key, "severity");
    // Most cases are neither mild nor severe.
    let acute_severity = graded(f64::midpoint(draw.unit(), draw.unit()), &complaint);
    let everyday_severity = f64::midpoint(draw.unit(), draw.unit());
    let complaints = effects
        .complaints
        .iter()
        .filter(|e| {
            says(&complaint, &e.words)
                || says(&complaint, &e.diagnoses)
                || says(&stated, &e.diagnoses)
                || measured(e)
        })
        .map(|effect| Applied { effect, severity: acute_severity, acute: true });
    let others = effects
        .conditions
        .iter()
        .filter(|e| says(&conditions, &e.words) || says(&complaint, &e.words))
        .chain(effects.medicines.iter().filter(|e| says(&medicines, &e.words)))
        .map(|effect| Applied { effect, severity: everyday_severity, acute: false });
    let years = ctx.patient.age.years;
    let all: Vec<Applied<'_>> = complaints
        .chain(others)
        .filter(|a| a.effect.ages.is_none_or(|[from, to]| (from..=to).contains(&years)))
        .collect();
    // Whoever is well again has no fever that nobody measured.
    let well = complaint.iter().any(Lower::says_recovered);
    let over = |a: &Applied<'_>| well && a.acute;
    let cancelled = |a: &Applied<'_>| all.iter().any(|b| b.effect.cancels.contains(&a.effect.id));
    all.iter().filter(|a| !cancelled(a) && !over(a)).copied().collect()
}

/// The severity that words in the complaint give it.
fn graded(severity: f64, complaint: &[Lower]) -> f64 {
    let says = |words: &[&str]| complaint.iter().any(|t| words.iter().any(|w| t.says(w)));
    if says(&[
        "severe",
        "severely",
        "life-threatening",
        "critically",
        "profuse",
        "massive",
        "peri-arrest",
    ]) {
        0.5 + 0.5 * severity
    } else if says(&["mild", "mildly", "slight", "slightly", "low-grade"]) {
        0.45 * severity
    } else {
        severity
    }
}

/// Lets the stated signs say how severe the complaint is.
fn adapt(case: &Case, normal: &NormalSigns, active: &mut [Applied<'_>]) {
    let v = &case.vitals;
    let mut severities: Vec<f64> = Vec::new();
    for a in active.iter().filter(|a| a.acute) {
        let e = a.effect;
        let ratio = |value: Option<f64>, mean: [f64; 2]| value.map(|v| v / mean[0]);
        let pairs = [
            (v.temperature, e.temperature),
            (v.saturation, e.saturation),
            (ratio(v.heart_rate, normal.heart_rate), e.heart_rate),
            (ratio(v.respiratory_rate, normal.respiratory_rate), e.respiratory_rate),
            (ratio(v.systolic, normal.systolic), e.systolic),
        ];
        severities
            .extend(pairs.iter().filter_map(|(value, range)| Some(part((*range)?, (*value)?))));
    }
    if severities.is_empty() {
        return;
    }
    // The drawn severity counts half as much as a stated sign: signs of one illness are not equally severe.
    let stated = 2.0 * severities.iter().sum::<f64>();
    let weight = 1.0 + 2.0 * severities.len() as f64;
    for a in active.iter_mut().filter(|a| a.acute) {
        a.severity = (a.severity + stated) / weight;
    }
}

/// What stated signs do to others that no complaint explains.
#[derive(Debug, Clone, Copy, Default)]
struct Reactions {
    heart_rate: Option<f64>,
    respiratory_rate: Option<f64>,
}

fn stated_reactions(case: &Case, normal: &NormalSigns, active: &[Applied<'_>]) -> Reactions {
    let v = &case.vitals;
    let explained = |field: fn(&Effect) -> Option<[f64; 2]>| {
        active.iter().any(|a| a.acute && field(a.effect).is_some())
    };
    // What only denies a fever does not explain one.
    let fever = active
        .iter()
        .any(|a| a.acute && a.effect.temperature.is_some() && a.effect.heart_rate.is_some());
    let (mut heart_rate, mut respiratory_rate) = (1.0, 1.0);
    if let Some(t) = v.temperature
        && !fever
    {
        // About ten beats per minute and degree in an adult; the same share in a child.
        let degrees = (t - normal.temperature[0]).clamp(-8.0, 4.5);
        if degrees.abs() > 0.9 {
            heart_rate *= 1.0 + 0.09 * degrees;
            respiratory_rate *= 1.0 + 0.05 * degrees;
        }
    }
    if let Some(saturation) = v.saturation.filter(|s| *s < LOW_SATURATION)
        && !explained(|e| e.saturation)
    {
        let lack = (LOW_SATURATION - saturation).min(17.0);
        heart_rate *= 1.03 + 0.014 * lack;
        respiratory_rate *= 1.1 + 0.024 * lack;
    }
    if let Some(systolic) = v.systolic
        && !explained(|e| e.systolic)
    {
        let ratio = systolic / normal.systolic[0];
        if ratio < 0.8 {
            heart_rate *= 1.1 + (0.8 - ratio);
            respiratory_rate *= 1.05 + 0.6 * (0.8 - ratio);
        }
    }
    if let Some(rate) = v.respiratory_rate
        && !explained(|e| e.respiratory_rate)
        && rate > 1.5 * normal.respiratory_rate[0]
    {
        heart_rate *= 1.1;
    }
    // What makes the heart fast makes the breathing fast, except a rhythm of its own.
    if let Some(rate) = v.heart_rate
        && !explained(|e| e.heart_rate)
        && !explained(|e| e.respiratory_rate)
    {
        respiratory_rate *= least::breathing_with(rate / normal.heart_rate[0]);
    }
    let any = |factor: f64| ((factor - 1.0).abs() > 1e-9).then_some(factor);
    Reactions { heart_rate: any(heart_rate), respiratory_rate: any(respiratory_rate) }
}

/// All factors together: the strongest fully, the others in part, since they share their cause.
fn total(factors: impl Iterator<Item = f64>) -> f64 {
    let mut logarithms: Vec<f64> = factors.filter(|f| *f > 0.0).map(libm::log).collect();
    logarithms.sort_by(|a, b| b.abs().total_cmp(&a.abs()));
    let sum =
        logarithms.iter().enumerate().map(|(i, l)| if i == 0 { *l } else { FURTHER * l }).sum();
    libm::exp(sum)
}

/// Mean and standard deviation of a sign that something moves: one that stands out does so by itself, whatever is usual
/// for the patient.
fn moved([mean, sd]: [f64; 2], factor: f64) -> [f64; 2] {
    [mean, if (factor - 1.0).abs() > 0.12 { 0.65 * sd } else { sd }]
}

/// A sign, before its factor. One that something raises keeps at least half of the rise whatever is usual for the
/// patient: a feverish child whose pulse is slower than that of a healthy one contradicts its message.
fn raised(ctx: &Completion<'_>, name: FactName, [mean, sd]: [f64; 2], factor: f64) -> f64 {
    let mut draw = Draw::new(ctx.seed, ctx.key, name.as_str());
    let [low, high] = WITHIN;
    let half = if factor > 1.0 { -mean * (factor - 1.0) / (2.0 * factor * sd) } else { low };
    mean + sd * normal_within(&mut draw, [low.max(half), high])
}

/// The temperature that the complaint calls for, with a scatter; otherwise the patient's own.
fn temperature(ctx: &Completion<'_>, active: &[Applied<'_>], own: f64) -> f64 {
    let mut draw = Draw::new(ctx.seed, ctx.key, "temperature of the complaint");
    let targets = active.iter().filter_map(|a| a.value(|e| e.temperature));
    // The one farthest from normal decides.
    let far = |t: &f64| (t - 36.9).abs();
    match targets.max_by(|a, b| far(a).total_cmp(&far(b))) {
        Some(target) => (target + 0.12 * normal_within(&mut draw, WITHIN)).clamp(28.0, 41.8),
        None => own,
    }
}

/// Systolic and diastolic pressure that go together. A stated one holds.
fn pressures(case: &Case, normal: &NormalSigns, systolic: f64, diastolic_z: f64) -> (f64, f64) {
    let v = &case.vitals;
    let (smallest, largest) = PULSE;
    // Half as far from its mean as the systolic pressure, and some scatter of its own.
    let beside = |systolic: f64| {
        let moved = 0.5 * (systolic - normal.systolic[0]);
        normal.diastolic[0] + moved + 0.7 * normal.diastolic[1] * diastolic_z
    };
    let systolic = match (v.systolic, v.diastolic) {
        (Some(systolic), _) => systolic,
        (None, Some(diastolic)) => {
            let moved = systolic + 1.1 * (diastolic - beside(systolic));
            // Rounded up, so that the bounds hold for whole numbers as well.
            moved
                .clamp(
                    diastolic + smallest,
                    (diastolic / (1.0 - largest)).max(diastolic + smallest),
                )
                .ceil()
        }
        (None, None) => systolic.clamp(45.0, 255.0),
    };
    let highest = (systolic - smallest).min(systolic * 0.78);
    let diastolic = beside(systolic).max((1.0 - largest) * systolic).min(highest).max(0.0);
    (systolic, diastolic)
}
