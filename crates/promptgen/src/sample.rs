//! Samples of a plan in which the values of each axis occur about equally often.

use clinstruct_draw as draw;

/// Indices of `wanted` rows of the crossing of some lists, the last of which runs fastest, in ascending order; of all rows where
/// there are not more.
///
/// Each list is put into an order of its own, by a draw that is keyed by the `name` of each value, so that a new value leaves the
/// order of the others as it is. Then rows are taken along the diagonals of the crossing: after any number of them,
/// the values of the first list have occurred equally often, give or take one, and those of the other lists nearly so.
/// No row comes twice. A larger sample begins with the rows of a smaller one.
pub(crate) fn rows<T>(
    lists: &[(Vec<T>, bool)],
    seed: u64,
    part: &str,
    wanted: usize,
    name: impl Fn(&T) -> Option<String>,
) -> Vec<usize> {
    let orders: Vec<Vec<usize>> = lists
        .iter()
        .enumerate()
        .map(|(axis, (values, _))| {
            let mut order: Vec<(u64, usize)> = values
                .iter()
                .enumerate()
                .map(|(i, value)| {
                    let name = name(value).unwrap_or_default();
                    (draw::number(seed, &name, &format!("sample of {part}, axis {axis}")), i)
                })
                .collect();
            order.sort_unstable();
            order.into_iter().map(|(_, i)| i).collect()
        })
        .collect();
    let all: usize = orders.iter().map(Vec::len).product();
    let row = |k: usize| {
        let mut index = 0;
        let mut k = k;
        for (axis, order) in orders.iter().enumerate() {
            let rest: usize = orders.iter().skip(axis + 1).map(Vec::len).product();
            index = index * order.len() + order.get(k % order.len()).copied().unwrap_or_default();
            // One step down and one to the right; one more to the right where a diagonal has come back to its beginning.
            k = (k + k / common(order.len(), rest)) % rest;
        }
        index
    };
    let mut rows: Vec<usize> = (0..wanted.min(all)).map(row).collect();
    rows.sort_unstable();
    rows
}

/// The least common multiple of two numbers, both above 0.
fn common(a: usize, b: usize) -> usize {
    let (mut divisor, mut rest) = (a, b);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    a / divisor * b
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn sample(lengths: &[usize], seed: u64, wanted: usize) -> Vec<usize> {
        let lists: Vec<(Vec<usize>, bool)> =
            lengths.iter().map(|n| ((0..*n).collect(), false)).collect();
        rows(&lists, seed, "part", wanted, |value| Some(value.to_string()))
    }

    /// How often each value of each axis occurs.
    fn counts(lengths: &[usize], rows: &[usize]) -> Vec<Vec<usize>> {
        let mut counts: Vec<Vec<usize>> = lengths.iter().map(|n| vec![0; *n]).collect();
        for row in rows {
            let mut left = *row;
            for (axis, n) in lengths.iter().enumerate().rev() {
                counts[axis][left % n] += 1;
                left /= n;
            }
        }
        counts
    }

    #[test]
    fn every_row_comes_once() {
        for lengths in
            [&[6, 4][..], &[7, 5], &[4, 4], &[1, 9], &[9, 1], &[12], &[4, 6, 10], &[3, 3, 3]]
        {
            let all = lengths.iter().product();
            for wanted in [all, all + 5] {
                assert_eq!(sample(lengths, 1, wanted), (0..all).collect::<Vec<_>>(), "{lengths:?}");
            }
        }
        assert!(sample(&[4, 0], 1, 3).is_empty());
    }

    #[test]
    fn the_values_of_each_axis_occur_equally_often() {
        for lengths in [&[129, 49][..], &[13, 199], &[14, 906], &[5, 8, 6]] {
            for wanted in [10, 60, 200] {
                let rows = sample(lengths, 7, wanted);
                assert_eq!(rows.iter().collect::<HashSet<_>>().len(), wanted);
                for counts in counts(lengths, &rows) {
                    let (least, most) =
                        (counts.iter().min().unwrap(), counts.iter().max().unwrap());
                    assert!(most - least <= 2, "{lengths:?} {wanted}: {counts:?}");
                }
            }
        }
    }

    #[test]
    fn a_larger_sample_has_the_rows_of_a_smaller_one() {
        let (few, many) = (sample(&[129, 49], 3, 40), sample(&[129, 49], 3, 90));
        let many: HashSet<usize> = many.into_iter().collect();
        assert!(few.iter().all(|row| many.contains(row)));
        assert!(few.is_sorted());
        assert_ne!(few, sample(&[129, 49], 4, 40));
    }
}
