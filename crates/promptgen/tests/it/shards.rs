//! Shards of the parts that are shipped.

use std::collections::{BTreeMap, BTreeSet};

use clinstruct_promptgen::Plan;
use clinstruct_schema::Shard;

use crate::{CATALOG, SEED};

fn shards(plan: &Plan<'static>, of: u32) -> Vec<Plan<'static>> {
    Shard::new(1, of).unwrap().all().map(|shard| plan.clone().shard(shard)).collect()
}

fn ids(plan: &Plan<'_>) -> BTreeSet<String> {
    (0..plan.len()).map(|i| plan.id(i).unwrap().to_string()).collect()
}

#[test]
fn every_row_of_a_part_is_in_one_shard_as_in_the_whole_plan() {
    for part in &CATALOG.parts {
        let whole = Plan::new(&CATALOG, part, SEED, None);
        for of in [1, 2, 3, 7, 8, 14, 64] {
            let shards = shards(&whole, of);
            let all: Vec<String> = shards.iter().flat_map(ids).collect();
            assert_eq!(all.len(), whole.len(), "{} in {of}", part.id);
            assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), ids(&whole));
            let sizes = || shards.iter().map(Plan::len);
            let apart = sizes().max().unwrap() - sizes().min().unwrap();
            assert!(apart <= 3, "{} in {of}: {apart}", part.id);
        }
        let shard = whole.clone().shard(Shard::new(2, 3).unwrap());
        for i in [0, 1, shard.len() / 2, shard.len() - 1] {
            let place = shard.place(i).unwrap();
            assert_eq!(shard.row(i), whole.row(place));
            assert_eq!(shard.at_place(place), Some(i));
            assert_eq!(whole.at_place(place), Some(place));
        }
        assert_eq!((shard.place(shard.len()), shard.row(shard.len())), (None, None));
        assert_eq!(shard.whole(), whole.len());
    }
}

#[test]
fn each_shard_has_each_value_about_equally_often() {
    for part in &CATALOG.parts {
        let whole = Plan::new(&CATALOG, part, SEED, None);
        for of in [2, 3, 4, 7, 8, 14] {
            // By axis and value, how often it is in each shard.
            let mut counts: BTreeMap<(String, String), Vec<u32>> = BTreeMap::new();
            for (number, shard) in shards(&whole, of).iter().enumerate() {
                for id in ids(shard) {
                    let slugs: Vec<&str> = id.split('.').skip(1).collect();
                    // The first axis is specialty (two names), task or subtopic; the rest of an id is the other one.
                    let first = if part.id.as_str() == "specialty-domain" { 2 } else { 1 };
                    let (first, second) = slugs.split_at(first.min(slugs.len()));
                    for (axis, value) in [("first", first), ("second", second)] {
                        let key = (axis.to_owned(), value.join("."));
                        counts.entry(key).or_insert_with(|| vec![0; of as usize])[number] += 1;
                    }
                }
            }
            let lists = part.cross.len();
            for ((axis, value), counts) in counts {
                // A part with one axis has each value once; the names of a topic's domain come before it.
                let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
                assert!(
                    lists < 2 || most - least <= 1,
                    "{} in {of}: {axis} {value} {counts:?}",
                    part.id
                );
            }
        }
    }
}

#[test]
fn a_row_stays_in_its_shard_under_any_limit_and_in_any_sample() {
    for part in &CATALOG.parts {
        let whole = Plan::new(&CATALOG, part, SEED, None);
        let plans = [
            Plan::new(&CATALOG, part, SEED, Some(100)),
            Plan::sample(&CATALOG, part, SEED, 50),
            Plan::sample(&CATALOG, part, SEED, 90),
        ];
        for plan in plans {
            for (all, some) in shards(&whole, 4).iter().zip(shards(&plan, 4)) {
                assert!(ids(&some).is_subset(&ids(all)) && ids(&some).is_subset(&ids(&plan)));
                // Of 100, 50 or 90 rows, about a quarter.
                assert!((5..=36).contains(&some.len()), "{}: {}", part.id, some.len());
            }
        }
    }
}
