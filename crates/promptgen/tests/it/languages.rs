//! The languages of the full plan.

use std::collections::BTreeMap;

use clinstruct_schema::{IncomeGroup, Language};

use super::*;

#[test]
fn part_3_has_the_languages_of_its_file_and_the_others_english() {
    let groups =
        [IncomeGroup::High, IncomeGroup::UpperMiddle, IncomeGroup::LowerMiddle, IncomeGroup::Low];
    let mut seen: BTreeMap<(IncomeGroup, &str), f64> = BTreeMap::new();
    let mut all: BTreeMap<IncomeGroup, f64> = BTreeMap::new();
    for (part, row) in some_rows(1) {
        for frame in &row.frames {
            let country = &frame.place.country_code;
            let country = CATALOG.countries.iter().find(|c| c.code == *country).unwrap();
            assert!(country.speaks(frame.language), "{} {:?}", country.name, frame.language);
            if part.id.as_str() != "task-topic" {
                assert_eq!(frame.language, Language::English, "{}", row.id);
                continue;
            }
            *all.entry(frame.place.income).or_default() += 1.0;
            *seen.entry((frame.place.income, frame.language.code())).or_default() += 1.0;
        }
    }
    for group in groups {
        let shares = CATALOG.languages.shares(group);
        let others: f64 = shares.iter().map(|(_, share)| share).sum();
        let english = (Language::English, 1.0 - others);
        let apart: f64 = shares
            .iter()
            .chain([&english])
            .map(|(language, share)| {
                let count = seen.get(&(group, language.code())).copied().unwrap_or_default();
                (count / all[&group] - share).abs()
            })
            .sum();
        assert!(apart / 2.0 <= 0.02, "{group:?}: {seen:?}");
    }
}
