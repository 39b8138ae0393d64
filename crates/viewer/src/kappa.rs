//! Agreement between reviewers beyond chance.

/// Cohen's kappa of two reviewers: counts of pairs by the first and the second decision.
///
/// `None` without pairs, or if chance alone would always agree (both always decided the same). Source: J. Cohen, A
/// coefficient of agreement for nominal scales, 1960.
pub fn cohen<const N: usize>(pairs: &[[u64; N]; N]) -> Option<f64> {
    let total: u64 = pairs.iter().flatten().sum();
    if total == 0 {
        return None;
    }
    let of = |n: u64| n as f64 / total as f64;
    let agreed = (0..N).map(|i| of(pairs[i][i])).sum::<f64>();
    let chance = (0..N)
        .map(|i| of(pairs[i].iter().sum()) * of(pairs.iter().map(|row| row[i]).sum()))
        .sum::<f64>();
    (chance < 1.0).then(|| (agreed - chance) / (1.0 - chance))
}

/// Fleiss' kappa: for each row, the number of reviewers per category. Rows with another number of reviewers than the
/// first are ignored.
///
/// `None` without two reviewers of a row, or if all decided the same. Source: J. L. Fleiss, Measuring nominal scale
/// agreement among many raters, 1971.
pub fn fleiss<const N: usize>(rows: &[[u64; N]]) -> Option<f64> {
    let raters: u64 = rows.first()?.iter().sum();
    if raters < 2 {
        return None;
    }
    let rows: Vec<&[u64; N]> = rows.iter().filter(|r| r.iter().sum::<u64>() == raters).collect();
    let (n, m) = (rows.len() as f64, raters as f64);
    let agreed = rows
        .iter()
        .map(|row| row.iter().map(|c| (c * c) as f64).sum::<f64>())
        .map(|squares| (squares - m) / (m * (m - 1.0)))
        .sum::<f64>()
        / n;
    let chance = (0..N)
        .map(|i| rows.iter().map(|r| r[i]).sum::<u64>() as f64 / (n * m))
        .map(|share| share * share)
        .sum::<f64>();
    (chance < 1.0).then(|| (agreed - chance) / (1.0 - chance))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cohen_by_hand() {
        // 20 and 15 agreed of 50: agreed .7, chance .5 * .6 + .5 * .4 = .5.
        assert!((cohen(&[[20, 5], [10, 15]]).unwrap() - 0.4).abs() < 1e-12);
        assert!((cohen(&[[7, 0], [0, 3]]).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(cohen(&[[0, 0], [0, 0]]), None);
        assert_eq!(cohen(&[[9, 0], [0, 0]]), None);
    }

    #[test]
    fn fleiss_by_hand() {
        // Three raters: agreed (1 + 1/3) / 2 = 2/3; shares 5/6 and 1/6, chance 26/36.
        let kappa = fleiss(&[[3, 0], [2, 1]]).unwrap();
        assert!((kappa - (2.0 / 3.0 - 26.0 / 36.0) / (1.0 - 26.0 / 36.0)).abs() < 1e-12);
        assert!((fleiss(&[[2, 0, 0], [0, 2, 0], [0, 0, 2]]).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(fleiss(&[[1, 0]]), None);
        assert_eq!(fleiss::<2>(&[]), None);
        // A row with another number of raters does not count.
        assert_eq!(fleiss(&[[3, 0], [2, 1], [1, 0]]), fleiss(&[[3, 0], [2, 1]]));
    }
}
