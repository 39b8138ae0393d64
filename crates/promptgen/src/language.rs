//! Draws where a prompt is asked, and in which language.

use clinstruct_catalog::{Countries, Country, PartLanguages};
use clinstruct_draw as draw;
use clinstruct_schema::{IncomeGroup, Language, RowId};

use crate::source::Source;

const GROUPS: [(&str, IncomeGroup); 4] = [
    ("high", IncomeGroup::High),
    ("upper-middle", IncomeGroup::UpperMiddle),
    ("lower-middle", IncomeGroup::LowerMiddle),
    ("low", IncomeGroup::Low),
];

/// Country and language of prompt `k` (from 0) of a row.
///
/// The income group comes first, then the language, then a country of that group in which health workers write in it: all
/// countries for English. A list of languages that the group lacks altogether is drawn from countries of any group.
pub(crate) fn country<'c>(
    source: &Source<'c>,
    row: &RowId,
    k: usize,
) -> Option<(&'c Country, Language)> {
    let group = match source.part.countries {
        Countries::Any => None,
        Countries::OnePerIncomeGroup => {
            // The assignment of groups to patients is drawn, so that no group always comes first.
            let groups = GROUPS.iter().map(|(name, group)| (*name, 1.0, *group));
            let order = draw::order(source.seed, row.as_str(), "income groups", groups);
            Some(*order.get(k % order.len().max(1))?)
        }
    };
    let key = row.child('p', k + 1);
    let key = key.as_str();
    let all = &source.catalog.countries;
    let is_in = |country: &Country| group.is_none_or(|group| country.income == group);
    let speaks = |language: Language| {
        all.iter().filter(move |country| country.speaks(language)).collect::<Vec<_>>()
    };
    let language = match &source.part.languages {
        PartLanguages::Shares => {
            let shares = group.map_or(&[][..], |group| source.catalog.languages.shares(group));
            let others: f64 = shares.iter().map(|(_, share)| share).sum();
            let english = (Language::English, (1.0 - others).max(0.0));
            let weighted = shares.iter().chain(std::iter::once(&english));
            let weighted = weighted.map(|(language, share)| (language.code(), *share, *language));
            draw::choose(source.seed, key, "language", weighted)?
        }
        PartLanguages::Evenly(list) => {
            let possible = |language: &&Language| speaks(**language).into_iter().any(is_in);
            let of_group: Vec<Language> = list.iter().filter(possible).copied().collect();
            let list = if of_group.is_empty() { list } else { &of_group };
            let evenly = list.iter().map(|language| (language.code(), 1.0, *language));
            draw::choose(source.seed, key, "language", evenly)?
        }
    };
    let speaking = speaks(language);
    let in_group: Vec<&Country> = speaking.iter().copied().filter(|c| is_in(c)).collect();
    let countries = if in_group.is_empty() { speaking } else { in_group };
    let countries = countries.into_iter().map(|country| (country.code.as_str(), 1.0, country));
    Some((draw::choose(source.seed, key, "country", countries)?, language))
}
