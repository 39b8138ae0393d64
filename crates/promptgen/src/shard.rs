//! Shards of a plan: shares of equal size in which the values of each axis occur about equally often.

use clinstruct_schema::Shard;

/// Which rows a shard has, of a crossing whose last list has `width` values.
///
/// A row's shard depends on its place in the whole crossing alone, so that a limit, a sample and the whole plan put it into
/// the same one. Rows are dealt in turn, and `skip` shards are left out at the end of each line of the crossing, a number
/// that makes the length of a line and the number of shards coprime. Without it a shard would have the same few values of the
/// last list in each line wherever the two share a divisor. With it each shard has, along a line and along a column, each
/// value as often as any other shard, give or take one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dealt {
    shard: usize,
    of: usize,
    width: usize,
    skip: usize,
}

impl Dealt {
    pub(crate) fn new(shard: Shard, width: usize) -> Self {
        let (of, width) = (shard.of() as usize, width.max(1));
        let skip = (0..of).find(|skip| divisor(width + skip, of) == 1).unwrap_or(0);
        Self { shard: shard.number() as usize - 1, of, width, skip }
    }

    /// Whether the shard has the row at this place of the whole crossing.
    pub(crate) fn has(self, place: usize) -> bool {
        (place % self.of + self.skip * (place / self.width % self.of)) % self.of == self.shard
    }
}

/// The greatest common divisor of two numbers above 0.
fn divisor(mut a: usize, mut b: usize) -> usize {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places of each shard in a crossing of two lists.
    fn dealt(lines: usize, width: usize, of: u32) -> Vec<Vec<usize>> {
        let one = |shard| {
            let dealt = Dealt::new(shard, width);
            (0..lines * width).filter(|place| dealt.has(*place)).collect()
        };
        Shard::new(1, of).unwrap().all().map(one).collect()
    }

    #[test]
    fn every_row_is_in_one_shard_and_the_shards_have_equal_sizes() {
        for (lines, width) in [(129, 49), (13, 199), (14, 906), (14, 192), (1, 500), (6, 8), (9, 1)]
        {
            for of in [1, 2, 3, 4, 6, 7, 8, 12, 16, 30, 49, 64] {
                let shards = dealt(lines, width, of);
                let mut all = shards.concat();
                all.sort_unstable();
                assert_eq!(all, (0..lines * width).collect::<Vec<_>>());
                let sizes = || shards.iter().map(Vec::len);
                let apart = sizes().max().unwrap() - sizes().min().unwrap();
                // Lines that are not a multiple of the shards leave some over, in other shards each time.
                assert!(apart <= 4, "{lines} x {width} in {of}: {apart}");
            }
        }
    }

    #[test]
    fn each_shard_has_the_values_of_both_axes_equally_often() {
        for (lines, width) in [(129, 49), (13, 199), (14, 906), (14, 192), (64, 64)] {
            for of in [2, 3, 4, 6, 7, 8, 12, 14] {
                let shards = dealt(lines, width, of);
                for (axis, values) in [(0, lines), (1, width)] {
                    let mut counts = vec![vec![0_usize; shards.len()]; values];
                    for (shard, places) in shards.iter().enumerate() {
                        for place in places {
                            let value = if axis == 0 { place / width } else { place % width };
                            counts[value][shard] += 1;
                        }
                    }
                    for of_value in counts {
                        let (least, most) =
                            (of_value.iter().min().unwrap(), of_value.iter().max().unwrap());
                        assert!(most - least <= 1, "{lines} x {width} in {of}: {of_value:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_first_rows_are_dealt_in_turn() {
        for of in [1, 3, 4, 7] {
            for rows in 0..40 {
                let sizes = Shard::new(1, of).unwrap().all().map(|shard| {
                    let dealt = Dealt::new(shard, 49);
                    (0..rows).filter(|place| dealt.has(*place)).count()
                });
                let sizes: Vec<usize> = sizes.collect();
                let apart = sizes.iter().max().unwrap() - sizes.iter().min().unwrap();
                assert!(apart <= 1, "{rows} in {of}: {sizes:?}");
            }
        }
    }
}
