//! Interpolation and distributions.

use clinstruct_draw::Draw;

/// The value at `x` of the line through `points`, which ascend; constant beyond both ends, 0 without points.
pub(super) fn interpolated(points: impl Iterator<Item = (f64, f64)>, x: f64) -> f64 {
    let mut last: Option<(f64, f64)> = None;
    for (at, value) in points {
        if x <= at {
            return match last {
                Some((before, from)) => from + (value - from) * (x - before) / (at - before),
                None => value,
            };
        }
        last = Some((at, value));
    }
    last.map_or(0.0, |(_, value)| value)
}

/// A standard normal number within `limits`.
pub(super) fn normal_within(draw: &mut Draw, limits: [f64; 2]) -> f64 {
    for _ in 0..16 {
        let z = draw.normal();
        if (limits[0]..=limits[1]).contains(&z) {
            return z;
        }
    }
    between(limits, draw.unit())
}

/// The number a share `part` of the way from one end of the range to the other.
pub(super) fn between(range: [f64; 2], part: f64) -> f64 {
    range[0] + (range[1] - range[0]) * part
}

/// Which part of the way from one end of the range to the other the number is; within 0 and 1.
pub(super) fn part(range: [f64; 2], number: f64) -> f64 {
    let width = range[1] - range[0];
    if width.abs() < 1e-9 { 0.5 } else { ((number - range[0]) / width).clamp(0.0, 1.0) }
}

/// The value at `z` standard deviations by the LMS method (Cole and Green, Stat Med 1992;11:1305-19).
pub(super) fn lms(l: f64, m: f64, s: f64, z: f64) -> f64 {
    if l.abs() < 1e-6 {
        return m * libm::exp(s * z);
    }
    // Far beyond the data the bracket becomes negative, where the distribution has no value.
    m * libm::pow((1.0 + l * s * z).max(0.05), 1.0 / l)
}

/// Standard deviations of a value above 0: the inverse of [`lms`].
pub(super) fn lms_z(l: f64, m: f64, s: f64, value: f64) -> f64 {
    let ratio = (value / m).max(1e-3);
    if l.abs() < 1e-6 { libm::log(ratio) / s } else { (libm::pow(ratio, l) - 1.0) / (l * s) }
}

/// To the nearest multiple of `step`, without the noise of binary fractions.
pub(super) fn rounded(number: f64, step: f64) -> f64 {
    ((number / step).round() * step * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lms_and_its_inverse_agree() {
        for l in [-1.7, -0.3, 0.0, 0.4, 1.0] {
            for z in [-2.5, -1.0, 0.0, 1.3, 2.5] {
                let value = lms(l, 16.0, 0.1, z);
                assert!((lms_z(l, 16.0, 0.1, value) - z).abs() < 1e-6, "L {l}, z {z}");
            }
        }
    }

    #[test]
    fn a_line_is_constant_beyond_its_ends() {
        let at = |x| interpolated([(1.0, 10.0), (3.0, 20.0)].into_iter(), x);
        for (x, value) in [(0.0, 10.0), (1.0, 10.0), (2.0, 15.0), (3.0, 20.0), (9.0, 20.0)] {
            assert!((at(x) - value).abs() < 1e-12, "at {x}");
        }
    }
}
