//! Reads the statements that a patient's history is drawn from.

use clinstruct_schema::Sex;
use toml::Spanned;

use crate::load::{distinct, resolve, values, who};
use crate::load_axes::REGIONS;
use crate::load_patient::{Known, indices, is_of_some, share, slugs, texts};
use crate::mistake::nearest;
use crate::patient::RawHistory;
use crate::read::Reader;
use crate::sentence::Lists;
use crate::who::RawWho;
use crate::{Condition, Drug, Histories, HistoryEntry, Kind, Piece, Relative, Sentence};

pub(crate) fn read_histories(
    r: &mut Reader<'_>,
    known: &Known<'_>,
    drugs: &[Drug],
    conditions: &[Condition],
) -> Histories {
    let lists = r.value::<Lists>("lists", true).map(|e| e.value).unwrap_or_default();
    let allergic = r.value::<Spanned<f64>>("allergic", true).map(|e| e.value);
    let year = r.value::<Spanned<u32>>("year", false).map(|e| e.value.into_inner());
    let grave = r.value::<Vec<String>>("grave", false).map(|e| e.value).unwrap_or_default();
    let relatives = values(r.entries::<Relative>("relative", true));
    let kinds = r.entries::<Kind>("kind", true);
    for kind in &kinds {
        share(r, "share", kind.span.clone(), kind.value.share);
    }
    let kinds = values(kinds);
    let with = Statements {
        known,
        drugs,
        conditions,
        relatives: &relatives,
        lists: &lists,
        kinds: &kinds,
        year,
    };
    Histories {
        allergic: allergic.map_or(0.0, |s| {
            share(r, "allergic", s.span(), *s.get_ref());
            s.into_inner()
        }),
        grave,
        year,
        allergy: with.read(r, "allergy"),
        family: with.read(r, "family"),
        social: with.read(r, "social"),
        past: with.read(r, "past"),
        relatives,
        kinds,
    }
}

/// What the entries of `history.toml` refer to.
struct Statements<'a> {
    known: &'a Known<'a>,
    drugs: &'a [Drug],
    conditions: &'a [Condition],
    relatives: &'a [Relative],
    lists: &'a Lists,
    kinds: &'a [Kind],
    year: Option<u32>,
}

impl Statements<'_> {
    fn read(&self, r: &mut Reader<'_>, key: &str) -> Vec<HistoryEntry> {
        let raw = r.entries::<RawHistory>(key, true);
        distinct(r, key, raw.iter().map(|e| (e.value.id.get_ref().as_str(), e.value.id.span())));
        let raw = values(raw);
        if key == "social" {
            self.check_kinds(r, &raw);
        }
        let all: Vec<HistoryEntry> = raw.into_iter().map(|entry| self.entry(r, entry)).collect();
        for (band, age) in self.known.ages.iter().enumerate() {
            for sex in [Sex::Male, Sex::Female, Sex::Intersex] {
                if !all.iter().any(|h| h.who.includes(band, sex) && h.weight > 0.0) {
                    let message = format!("no [[{key}]] entry fits {} {}", sex.as_str(), age.id);
                    r.mistake(0..0, message, None);
                }
            }
        }
        all
    }

    /// A social statement that is of no kind is never drawn.
    fn check_kinds(&self, r: &mut Reader<'_>, all: &[RawHistory]) {
        let known = || self.kinds.iter().map(|k| k.id.as_str());
        for entry in all {
            match &entry.kind {
                Some(kind) => {
                    resolve(r, "kind", kind.get_ref().as_str(), kind.span(), known());
                }
                None => r.mistake(entry.id.span(), "missing field `kind`", None),
            }
        }
    }

    fn entry(&self, r: &mut Reader<'_>, raw: RawHistory) -> HistoryEntry {
        let text = Sentence::parse(raw.text.get_ref(), self.lists).unwrap_or_else(|wrong| {
            let help = wrong.slot.as_deref().and_then(|slot| {
                let slots = ["age", "ago", "pack", "relative"];
                let known = self.lists.keys().map(String::as_str).chain(slots);
                nearest(slot, known)
            });
            r.mistake(raw.text.span(), wrong.message, help);
            Sentence::default()
        });
        let at = raw.at.as_ref().map(|at| at.get_ref().map(|years| years * 12));
        let months = raw.at_months.as_ref().map(|at| *at.get_ref());
        let at_months = months.is_some();
        let at = at.or(months);
        let ago = raw.ago.as_ref().map(|ago| *ago.get_ref());
        let needed = [
            (Piece::Age, at.is_some(), "{age} needs `at` or `at_months`"),
            (Piece::Ago, ago.is_some(), "{ago} needs `ago`"),
            (Piece::Relative, !raw.relatives.is_empty(), "{relative} needs `relatives`"),
        ];
        for (piece, has, message) in needed {
            if text.has(&piece) && !has {
                r.mistake(raw.text.span(), message, None);
            }
        }
        for range in [&raw.at, &raw.at_months, &raw.ago].into_iter().flatten() {
            let [from, to] = range.get_ref();
            if from > to {
                r.mistake(range.span(), "the range is empty", None);
            }
        }
        if let Some(since) = &raw.since {
            let dated = at.is_some() || ago.is_some();
            let wrong = match self.year {
                None => Some("`since` needs the `year` of the file".to_owned()),
                Some(_) if !dated => Some("`since` needs `at`, `at_months` or `ago`".to_owned()),
                Some(year) if *since.get_ref() > year => {
                    Some(format!("`since` is later than the `year` of the file, {year}"))
                }
                Some(_) => None,
            };
            if let Some(message) = wrong {
                r.mistake(since.span(), message, None);
            }
        }
        for setting in &raw.settings {
            let all = self.known.settings.iter().map(|s| s.id.as_str());
            resolve(r, "setting", setting.get_ref().as_str(), setting.span(), all);
        }
        for region in raw.regions.iter().chain(&raw.not_regions) {
            resolve(r, "WHO region", region.get_ref(), region.span(), REGIONS.into_iter());
        }
        for code in raw.countries.iter().chain(&raw.not_countries) {
            let all = self.known.countries.iter().map(|c| c.code.as_str());
            resolve(r, "country code", code.get_ref(), code.span(), all);
        }
        indices(r, &raw.needs, self.conditions);
        indices(r, &raw.not_conditions, self.conditions);
        for class in &raw.drugs {
            is_of_some(r, "drug", class, self.drugs.iter().map(|d| d.atc.as_str()));
        }
        let relatives = raw
            .relatives
            .iter()
            .filter_map(|name| {
                let all = self.relatives.iter().map(|x| x.name.as_str());
                resolve(r, "relative", name.get_ref(), name.span(), all)
            })
            .collect();
        HistoryEntry {
            who: who(r, self.known.ages, &RawWho { ages: raw.ages, sexes: raw.sexes }),
            id: raw.id.into_inner(),
            text,
            kind: raw.kind.map(Spanned::into_inner),
            from_months: raw.from_months.or(raw.from_age.map(|y| y * 12)).unwrap_or(0),
            weight: raw.weight,
            at,
            at_months,
            ago,
            since: raw.since.map(Spanned::into_inner),
            incomes: raw.incomes,
            settings: slugs(raw.settings),
            regions: texts(raw.regions),
            not_regions: texts(raw.not_regions),
            not_countries: texts(raw.not_countries),
            countries: texts(raw.countries),
            pregnancy: raw.pregnancy,
            needs: slugs(raw.needs),
            not_conditions: slugs(raw.not_conditions),
            excludes_words: raw.excludes_words.iter().map(|w| w.to_lowercase()).collect(),
            drugs: texts(raw.drugs),
            words: raw.words,
            relatives,
            not_kinds: raw.not_kinds,
            alive: raw.alive,
            died: raw.died,
            alone: raw.alone,
            weighty: raw.weighty,
        }
    }
}
