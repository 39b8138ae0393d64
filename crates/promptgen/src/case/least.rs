//! The least that a drawn sign is beside those that are stated, and in an illness that raises it.

use clinstruct_catalog::{Effect, NormalSigns};
use clinstruct_schema::Case;

use super::applied::Applied;

/// Beats per minute for each degree above [`WARM`], of adults and of children under twelve.
///
/// Adults: 8.5 in Karjalainen and Viitasalo, Arch Intern Med 1986;146:1169-71, p. 1170, about 10 in NICE NG143. Children:
/// 10 to 11.4 by centile in Davies and Maconochie, Emerg Med J 2009;26:641-3, p. 642; 9.9 to 14.1 in Thompson and others,
/// Arch Dis Child 2009;94:361-5, p. 363.
const BY_DEGREE: [f64; 2] = [10.0, 11.4];
/// Temperature from which the heart is faster, degrees Celsius.
const WARM: f64 = 37.0;
/// Age from which the heart of a child is faster by as much as an adult's, in years.
const GROWN: f64 = 12.0;
/// Standard deviations that a person's own pulse is below the usual one, at most, beside a raised temperature. In a high
/// fever, one that is slower than usual is a sign of its own, which a message would state.
const OWN: f64 = 0.5;
/// Degrees above [`WARM`] from which there is no such allowance.
const HIGH: f64 = 2.0;
/// Saturation below which breathing is faster, per cent, and by which share for each per cent below. Ventilation about
/// doubles between 90 and 75 per cent (Weil and others, J Clin Invest 1970;49:1061-72, p. 1064): half of that.
const BREATHLESS: (f64, f64) = (92.0, 0.035);
/// The largest such share.
const DEEPEST: f64 = 0.6;
/// Heart rate, as a share of the usual one, above which breathing is faster, and by how much of the rest. Illness, pain and
/// crying drive both: a degree of fever adds about 10 beats and 2.2 breaths (Nijman and others, BMJ 2012;345:e4224), and
/// this is half of that, since it is the least.
const FAST: (f64, f64) = (1.2, 0.4);
/// Factor on the heart rate from which an effect without one on breathing is a rhythm of its own.
const RHYTHM: f64 = 1.15;
/// Systolic pressure below which the heart is faster, as a share of the usual one, and by how much.
const LOW_PRESSURE: (f64, f64) = (0.75, 1.15);

/// The least heart rate, beats per minute. What slows the heart lowers it: a medicine, heart block, an overdose.
pub(super) fn heart_rate(case: &Case, normal: &NormalSigns, active: &[Applied<'_>]) -> f64 {
    let [mean, sd] = normal.heart_rate;
    let mut least = of_illness(active, mean, |e| e.heart_rate);
    if let Some(temperature) = case.vitals.temperature.filter(|t| *t > WARM) {
        let by = BY_DEGREE[usize::from(normal.months < GROWN * 12.0)];
        let above = temperature - WARM;
        let own = OWN * (1.0 - above / HIGH).max(0.0);
        least = least.max(mean - own * sd + by * above);
    }
    let (low, faster) = LOW_PRESSURE;
    if case.vitals.systolic.is_some_and(|s| s < low * normal.systolic[0]) {
        least = least.max(mean * faster);
    }
    least * slowed(active, |e| e.heart_rate)
}

/// The least respiratory rate, breaths per minute; none where something slows the breathing, and less of it in a
/// long-standing condition that lowers the saturation.
pub(super) fn respiratory_rate(case: &Case, normal: &NormalSigns, active: &[Applied<'_>]) -> f64 {
    let mean = normal.respiratory_rate[0];
    let mut least = of_illness(active, mean, |e| e.respiratory_rate);
    let (from, share) = BREATHLESS;
    if let Some(saturation) = case.vitals.saturation.filter(|s| *s < from) {
        let lasting = active.iter().any(|a| !a.acute && a.effect.saturation.is_some());
        let lack = ((from - saturation) * share).min(DEEPEST);
        least = least.max(mean * (1.0 + if lasting { lack / 3.0 } else { lack }));
    }
    let rhythm = active.iter().any(|a| {
        a.effect.respiratory_rate.is_none() && a.value(|e| e.heart_rate).is_some_and(|f| f > RHYTHM)
    });
    let ratio = case.vitals.heart_rate.map_or(1.0, |rate| rate / normal.heart_rate[0]);
    if !rhythm {
        let with_heart = breathing_with(ratio);
        least = least.max(if with_heart > 1.0 { mean * with_heart } else { 0.0 });
    }
    // Whoever breathes slowly has a low saturation for that reason.
    let slow =
        active.iter().any(|a| a.acute && a.value(|e| e.respiratory_rate).is_some_and(|f| f < 1.0));
    if slow { 0.0 } else { least * slowed(active, |e| e.respiratory_rate) }
}

/// The least factor on the breathing beside a heart rate, as a share of the usual one.
pub(super) fn breathing_with(ratio: f64) -> f64 {
    let (fast, part) = FAST;
    if ratio > fast { 1.0 + part * (ratio - 1.0) } else { 1.0 }
}

/// What the mildest case of the strongest illness has.
fn of_illness(active: &[Applied<'_>], mean: f64, field: fn(&Effect) -> Option<[f64; 2]>) -> f64 {
    let least = active.iter().filter(|a| a.acute).filter_map(|a| field(a.effect));
    let most = least.map(|range| range[0]).fold(0.0, f64::max);
    if most > 1.0 { mean * most } else { 0.0 }
}

/// The factor of all that slows a sign.
fn slowed(active: &[Applied<'_>], field: fn(&Effect) -> Option<[f64; 2]>) -> f64 {
    active.iter().filter_map(|a| a.value(field)).filter(|factor| *factor < 1.0).product()
}
