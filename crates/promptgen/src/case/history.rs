//! Allergies, past events, family and social history.

use std::cell::OnceCell;

use clinstruct_catalog::{Condition, HistoryEntry, Relative};
use clinstruct_draw::{self as draw, Draw};
use clinstruct_schema::{Case, CaseText, FactName, Origin, Slug};

use super::fill::{Slots, fill};
use super::{Completion, known};

/// Weights of 0 to 3 past events: of children under two, of people under 41, and of older ones.
const EVENTS: [[f64; 4]; 3] =
    [[0.30, 0.45, 0.25, 0.0], [0.30, 0.40, 0.25, 0.05], [0.15, 0.35, 0.35, 0.15]];
/// The same where the illness is severe or the patient is dying: what else there was is idle.
const EVENTS_OF_THE_GRAVE: [f64; 4] = [0.85, 0.15, 0.0, 0.0];
/// Weights of 0 to 2 statements about relatives.
const RELATIVES: [f64; 3] = [0.35, 0.45, 0.20];
/// Share of allergic patients with a second allergy.
const SECOND_ALLERGY: f64 = 0.2;
/// Greatest age of a relative who is alive, in years.
const OLDEST: u32 = 92;

/// What the statements of a case have in common.
struct About<'a, 'c> {
    ctx: &'a Completion<'c>,
    case: &'a Case,
    /// Looked for in many names, and not needed where nothing is said.
    conditions: OnceCell<Vec<&'c Condition>>,
    texts: OnceCell<String>,
    months: u32,
}

impl<'a, 'c> About<'a, 'c> {
    fn new(ctx: &'a Completion<'c>, case: &'a Case) -> Self {
        Self {
            ctx,
            case,
            conditions: OnceCell::new(),
            texts: OnceCell::new(),
            months: known::months(ctx.patient.age),
        }
    }

    fn has(&self, id: &Slug) -> bool {
        let known = self.conditions.get_or_init(|| known::conditions(self.ctx, self.case));
        known.iter().any(|c| &c.id == id)
    }

    /// What is said about the patient, in lower case.
    fn texts(&self) -> &str {
        self.texts.get_or_init(|| known::texts(self.ctx, self.case).to_lowercase())
    }

    /// Whether the entry can be said of the patient.
    fn fits(&self, entry: &HistoryEntry) -> bool {
        let place = &self.ctx.frame.place;
        let patient = self.ctx.patient;
        let among = |all: &[String], one: &String| all.is_empty() || all.contains(one);
        // Beside a message, what would change its advice is only stated.
        (!entry.weighty || self.ctx.stated.facts.is_empty())
            && entry.who.includes(self.ctx.band, patient.sex)
            && self.months >= entry.from_months
            && entry.pregnancy.allows(patient.pregnancy_weeks.is_some())
            && (entry.incomes.is_empty() || entry.incomes.contains(&known::income(place)))
            && (entry.settings.is_empty() || entry.settings.contains(&place.setting))
            && among(&entry.regions, &place.region)
            && !entry.not_regions.contains(&place.region)
            && !entry.not_countries.contains(&place.country_code)
            && among(&entry.countries, &place.country_code)
            && (entry.needs.is_empty() || entry.needs.iter().any(|id| self.has(id)))
            && !entry.not_conditions.iter().any(|id| self.has(id))
            && !entry.excludes_words.iter().any(|word| self.texts().contains(word.as_str()))
    }

    /// The most months that the event can be ago, by the year before which it is not plausible.
    fn most_ago(&self, entry: &HistoryEntry) -> Option<u32> {
        Some((self.ctx.catalog.histories.year?.checked_sub(entry.since?)?) * 12)
    }

    fn draw(&self, list: &str, entry: &HistoryEntry) -> Draw {
        Draw::new(self.ctx.seed, self.ctx.key, &format!("{list} {}", entry.id))
    }

    /// The entry about the patient, with ages and times within the patient's life; `None` if there is no room for
    /// them.
    fn say(&self, list: &str, entry: &HistoryEntry) -> Option<String> {
        let mut numbers = self.draw(list, entry);
        let mut slots = Slots {
            years: self.ctx.patient.age.years,
            in_months: entry.at_months,
            ..Slots::default()
        };
        if let Some([from, to]) = entry.at {
            // An age in years is said only of an earlier year of life.
            let last = if entry.at_months {
                self.months.checked_sub(1)?
            } else {
                (self.ctx.patient.age.years.checked_sub(1)?) * 12
            };
            let first = self.most_ago(entry).map_or(0, |most| self.months.saturating_sub(most));
            slots.at = Some(within(&mut numbers, from.max(first), to.min(last), entry.at_months)?);
        }
        if let Some([from, to]) = entry.ago {
            let born = self.months.checked_sub(1)?.max(1);
            let most = self.most_ago(entry).map_or(born, |most| most.min(born));
            slots.ago = Some(within(&mut numbers, from, to.min(most), true)?);
        }
        Some(fill(&entry.text, &mut numbers, &slots))
    }

    /// At most `many` statements of different kinds, those that say `alone` by themselves.
    fn statements(
        &self,
        list: &str,
        entries: impl IntoIterator<Item = &'c HistoryEntry>,
        many: usize,
        say: &dyn Fn(&HistoryEntry, &[&HistoryEntry]) -> Option<String>,
    ) -> Vec<(&'c HistoryEntry, CaseText)> {
        if many == 0 {
            return Vec::new();
        }
        let possible =
            entries.into_iter().filter(|h| self.fits(h)).map(|h| (h.id.as_str(), h.weight, h));
        let mut taken: Vec<(&HistoryEntry, CaseText)> = Vec::new();
        for entry in draw::order(self.ctx.seed, self.ctx.key, list, possible) {
            if taken.len() == many || taken.iter().any(|(t, _)| t.alone) {
                break;
            }
            let before: Vec<&HistoryEntry> = taken.iter().map(|(t, _)| *t).collect();
            let same = |t: &HistoryEntry| t.kind.is_some() && t.kind == entry.kind;
            if before.iter().any(|t| same(t)) || (entry.alone && !before.is_empty()) {
                continue;
            }
            if let Some(text) = say(entry, &before) {
                taken.push((entry, drawn(text)));
            }
        }
        taken
    }
}

fn drawn(text: String) -> CaseText {
    CaseText { text, origin: Origin::Drawn }
}

/// A number of months within a range; a whole number of years unless `exact`.
fn within(numbers: &mut Draw, from: u32, to: u32, exact: bool) -> Option<u32> {
    if exact {
        return (from <= to).then(|| numbers.between(from, to));
    }
    let (from, to) = (from.div_ceil(12), to / 12);
    (from <= to).then(|| numbers.between(from, to) * 12)
}

/// The allergies that are drawn, with their entries. They depend on what the message states, and not on medicines that
/// are drawn.
pub(super) fn drawn_allergies<'c>(
    ctx: &Completion<'c>,
    case: &Case,
) -> Vec<(&'c HistoryEntry, CaseText)> {
    let stated = known::stated(ctx, FactName::Allergy).next().is_some();
    let histories = &ctx.catalog.histories;
    let mut numbers = Draw::new(ctx.seed, ctx.key, "allergic");
    // Nobody knows yet what a newborn does not tolerate.
    let young = ctx.months() < 6.0;
    if stated || young || !numbers.chance(histories.allergic) {
        return Vec::new();
    }
    let many = 1 + usize::from(numbers.chance(SECOND_ALLERGY));
    let about = About::new(ctx, case);
    // Nobody takes what they are allergic to.
    let taken: Vec<_> =
        known::stated(ctx, FactName::Medicine).flat_map(|t| known::drugs(ctx.catalog, t)).collect();
    let say = |entry: &HistoryEntry, _: &[&HistoryEntry]| {
        let takes = |class: &String| taken.iter().any(|d| d.atc.starts_with(class.as_str()));
        if entry.drugs.iter().any(takes) { None } else { about.say("allergy", entry) }
    };
    about.statements("allergy", &histories.allergy, many, &say)
}

/// Allergies; empty if there is none known, or if the message says something about them.
pub(crate) fn allergies(ctx: &Completion<'_>, case: &Case) -> Vec<CaseText> {
    drawn_allergies(ctx, case).into_iter().map(|(_, text)| text).collect()
}

/// Past events.
pub(crate) fn history(ctx: &Completion<'_>, case: &Case) -> Vec<CaseText> {
    if known::ruled_out(ctx, FactName::History) {
        return Vec::new();
    }
    let about = About::new(ctx, case);
    let grave = |word: &String| about.texts().contains(word.as_str());
    let shares = match ctx.patient.age.years {
        _ if ctx.catalog.histories.grave.iter().any(grave) => EVENTS_OF_THE_GRAVE,
        0..=1 => EVENTS[0],
        2..=40 => EVENTS[1],
        _ => EVENTS[2],
    };
    let many = Draw::new(ctx.seed, ctx.key, "number of past events").weighted(shares);
    let say = |entry: &HistoryEntry, _: &[&HistoryEntry]| about.say("past", entry);
    let all = about.statements("past", &ctx.catalog.histories.past, many, &say);
    all.into_iter().map(|(_, text)| text).collect()
}

/// A relative with the age at the event.
struct Kin<'c> {
    relative: &'c Relative,
    at: Option<u32>,
}

/// One of the relatives of the entry, old enough for it and not among those that were spoken of.
fn kin<'c>(
    about: &About<'_, 'c>,
    entry: &HistoryEntry,
    spoken: &[String],
    numbers: &mut Draw,
) -> Option<Kin<'c>> {
    let years = about.ctx.patient.age.years as i32;
    let all = &about.ctx.catalog.histories.relatives;
    let mut possible: Vec<&Relative> = entry
        .relatives
        .iter()
        .filter_map(|i| all.get(*i))
        .filter(|r| !spoken.contains(&r.name))
        .collect();
    numbers.shuffle(&mut possible);
    possible.into_iter().find_map(|relative| {
        let [from, to] = relative.older;
        let event = entry.at.map(|[from, to]| (from as i32 / 12, to as i32 / 12));
        let youngest = (years + from).max(event.map_or(0, |(from, _)| from + 1));
        let oldest = if entry.alive { (years + to).min(OLDEST as i32) } else { years + to };
        if youngest > oldest {
            return None;
        }
        let age = numbers.between(youngest as u32, oldest as u32) as i32;
        let Some((first, last)) = event else { return Some(Kin { relative, at: None }) };
        // Parents lived to see the patient's birth.
        let born = if entry.died && from >= 16 && to <= 52 { age - years } else { 0 };
        let earliest = about.most_ago(entry).map_or(0, |most| age - (most / 12) as i32);
        let (first, last) = (first.max(born).max(earliest), last.min(age - 1));
        let at = (first <= last).then(|| numbers.between(first as u32, last as u32) * 12)?;
        Some(Kin { relative, at: Some(at) })
    })
}

/// Statements about relatives of a fitting age.
pub(crate) fn family(ctx: &Completion<'_>, case: &Case) -> Vec<CaseText> {
    if known::ruled_out(ctx, FactName::Family) {
        return Vec::new();
    }
    let about = About::new(ctx, case);
    let many = Draw::new(ctx.seed, ctx.key, "number of relatives").weighted(RELATIVES);
    let spoken = std::cell::RefCell::new(Vec::new());
    let say = |entry: &HistoryEntry, _: &[&HistoryEntry]| {
        let mut numbers = about.draw("family", entry);
        let mut slots = Slots { years: ctx.patient.age.years, ..Slots::default() };
        if !entry.relatives.is_empty() {
            let kin = kin(&about, entry, &spoken.borrow(), &mut numbers)?;
            spoken.borrow_mut().push(kin.relative.name.clone());
            slots.relative = &kin.relative.name;
            slots.at = kin.at;
        }
        Some(fill(&entry.text, &mut numbers, &slots))
    };
    let all = about.statements("family", &ctx.catalog.histories.family, many, &say);
    all.into_iter().map(|(_, text)| text).collect()
}

/// Kinds of social facts that are drawn beside a message that states facts.
const SAFE_BESIDE_A_MESSAGE: [&str; 2] = ["smoking", "alcohol"];

/// Occupation, home and habits.
pub(crate) fn social(ctx: &Completion<'_>, case: &Case) -> Vec<CaseText> {
    if known::ruled_out(ctx, FactName::Social) {
        return Vec::new();
    }
    let about = About::new(ctx, case);
    let histories = &ctx.catalog.histories;
    let mut taken: Vec<(&HistoryEntry, CaseText)> = Vec::new();
    for kind in &histories.kinds {
        let list = format!("social {}", kind.id);
        let ruled_out = taken.iter().any(|(t, _)| t.not_kinds.contains(&kind.id));
        // Beside a message, only what no message contradicts: whoever cannot walk does not walk to the market.
        let beside = SAFE_BESIDE_A_MESSAGE.contains(&kind.id.as_str());
        if ruled_out
            || !(beside || ctx.stated.facts.is_empty())
            || !Draw::new(ctx.seed, ctx.key, &list).chance(kind.share)
        {
            continue;
        }
        let of_kind = histories.social.iter().filter(|entry| entry.kind.as_ref() == Some(&kind.id));
        let say = |entry: &HistoryEntry, _: &[&HistoryEntry]| about.say(&list, entry);
        taken.extend(about.statements(&list, of_kind, 1, &say));
    }
    taken.into_iter().map(|(_, text)| text).collect()
}
