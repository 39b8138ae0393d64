//! The solver: draws compatible styles, where they stand, and how they are worded.

use std::cell::OnceCell;

use clinstruct_catalog::{
    Catalog, Contradictions, Part, Places, StyleOption, Wording, persona_items, voice_items,
};
use clinstruct_draw::{self as draw, Draw};
use clinstruct_schema::{
    ConversationMode, Frame, Language, Register, Slug, Style, StylePlace, Subject,
};

use crate::language::Possible;

/// Weight of a wording for every answer beside those for one: hardly anybody thinks of all answers before the first one.
const EVERY: f64 = 0.03;

/// The items of the table of contradictions that are fixed before any style of a prompt is drawn.
pub(crate) fn fixed_items(
    catalog: &Catalog,
    subjects: &[Subject],
    profession: &str,
    frame: Option<&Frame>,
) -> Vec<String> {
    let mode = frame.map_or(ConversationMode::Normal, |frame| frame.mode);
    let mut items = vec![format!("mode:{}", mode.as_str())];
    if frame.is_some_and(|frame| frame.withholds) {
        items.push("message:incomplete".to_owned());
    }
    for subject in subjects {
        items.push(format!("{}:{}", subject.axis, subject.value_id()));
        if let ("specialty", Some(of)) = (subject.axis.as_str(), subject.slugs.first()) {
            items.push(format!("profession:{of}"));
        }
    }
    // Who asks, where the row does not name anybody.
    if let Some(of) = catalog.professions.iter().find(|p| p.name == profession) {
        items.push(format!("profession:{}", of.id));
    }
    match frame.and_then(|frame| frame.patient.as_ref()) {
        Some(patient) => {
            items.push("patient:some".to_owned());
            items.push(format!("age:{}", patient.age_band));
        }
        None => items.push("patient:none".to_owned()),
    }
    items.extend(frame.and_then(|f| f.voice.as_ref()).map(voice_items).unwrap_or_default());
    items.extend(frame.and_then(|f| f.persona.as_ref()).map(persona_items).unwrap_or_default());
    items
}

/// Whether an option is compatible with all of `others` and with what is fixed.
pub(crate) fn fits(
    table: &Contradictions,
    fixed: &[String],
    option: &StyleOption,
    others: &[&StyleOption],
) -> bool {
    let id = option.id.as_str();
    !others.iter().any(|o| option.shares_facet(o) || table.between(id, o.id.as_str()))
        && !table.any(id, fixed.iter().map(String::as_str))
}

/// Options for each of the part's variants: from as many groups as specified, all compatible, none repeated among the
/// variants of a prompt.
///
/// Each variant has groups in the order of a weighted draw without replacement, and the options of a group in a drawn
/// order. The first sets in these orders are taken that leave every variant complete; where there are none, each
/// variant takes as many options as it can.
pub(crate) fn asked<'c>(
    catalog: &'c Catalog,
    part: &Part,
    seed: u64,
    prompt: &str,
    (fixed, in_language): (&[String], Possible<'_>),
) -> Vec<Vec<&'c StyleOption>> {
    let Some(rule) = &part.styles else { return vec![Vec::new()] };
    let styles = catalog.styles_of(part.personas);
    let table = &catalog.contradictions;
    let at_odds = table.against(fixed.iter().map(String::as_str));
    let is_possible = |o: &&StyleOption| !at_odds.with(o.id.as_str()) && in_language.has(o);
    let possible: Vec<&StyleOption> = styles.asked.iter().filter(is_possible).collect();
    let draw = |group: &Group<'_, 'c>| -> Vec<&'c StyleOption> {
        let items = possible.iter().filter(|o| o.group == group.name);
        let items = items.map(|o| (o.id.as_str(), in_language.weight(o), *o));
        draw::order(seed, prompt, &format!("style of {} {}", group.name, group.variant), items)
    };
    let variants: Vec<Vec<Group<'_, 'c>>> = (1..=rule.variants)
        .map(|variant| {
            let groups = styles.groups.iter().map(|g| (g.id.as_str(), g.weight, g.id.as_str()));
            let order = draw::order(seed, prompt, &format!("style groups {variant}"), groups);
            let group = |name| Group { name, variant, drawn: OnceCell::new() };
            order.into_iter().map(group).collect()
        })
        .collect();
    let search = Search { table, variants: &variants, draw: &draw, wanted: rule.options };
    let mut done = Vec::with_capacity(rule.variants);
    if !search.complete(&mut done, 0, &mut Vec::new()) {
        done.clear();
        for groups in &variants {
            let most = search.most(groups, &done);
            done.push(most);
        }
    }
    done
}

/// A group of options of a variant. Most are never looked at.
struct Group<'s, 'c> {
    name: &'s str,
    variant: usize,
    /// Its options in their drawn order, once something asked for them.
    drawn: OnceCell<Vec<&'c StyleOption>>,
}

/// A search for sets of options, one for each variant.
struct Search<'s, 'c> {
    table: &'s Contradictions,
    /// The groups of each variant in their drawn order.
    variants: &'s [Vec<Group<'s, 'c>>],
    /// Draws the order of the options of a group.
    draw: &'s dyn Fn(&Group<'s, 'c>) -> Vec<&'c StyleOption>,
    /// Options of each variant.
    wanted: usize,
}

impl<'s, 'c> Search<'s, 'c> {
    /// The options of a group, in their drawn order.
    fn options(&self, group: &'s Group<'s, 'c>) -> &'s [&'c StyleOption] {
        group.drawn.get_or_init(|| (self.draw)(group))
    }

    fn can_take(
        &self,
        option: &StyleOption,
        taken: &[&'c StyleOption],
        done: &[Vec<&'c StyleOption>],
    ) -> bool {
        !done.iter().flatten().any(|o| o.id == option.id) && fits(self.table, &[], option, taken)
    }

    /// Completes the variant that has `taken` so far, from groups at `from` on, and all variants after it.
    fn complete(
        &self,
        done: &mut Vec<Vec<&'c StyleOption>>,
        from: usize,
        taken: &mut Vec<&'c StyleOption>,
    ) -> bool {
        let Some(groups) = self.variants.get(done.len()) else { return true };
        if taken.len() >= self.wanted {
            done.push(taken.clone());
            if self.complete(done, 0, &mut Vec::new()) {
                return true;
            }
            done.pop();
            return false;
        }
        for (i, group) in groups.iter().enumerate().skip(from) {
            for option in self.options(group) {
                if self.can_take(option, taken, done) {
                    taken.push(option);
                    if self.complete(done, i + 1, taken) {
                        return true;
                    }
                    taken.pop();
                }
            }
        }
        false
    }

    /// As many options as fit, taken one after the other.
    fn most(
        &self,
        groups: &'s [Group<'s, 'c>],
        done: &[Vec<&'c StyleOption>],
    ) -> Vec<&'c StyleOption> {
        let mut taken: Vec<&StyleOption> = Vec::new();
        for group in groups {
            if taken.len() < self.wanted {
                taken.extend(self.options(group).iter().find(|o| self.can_take(o, &taken, done)));
            }
        }
        taken
    }
}

/// An option by its share, among those compatible with `others`; `None` is `unspecified`.
pub(crate) fn share<'c>(
    catalog: &Catalog,
    options: &'c [StyleOption],
    shares: &[(Option<Slug>, f64)],
    (fixed, others, in_language): (&[String], &[&StyleOption], Possible<'_>),
    (seed, row, purpose): (u64, &str, &str),
) -> Option<&'c StyleOption> {
    let possible = shares.iter().filter_map(|(id, weight)| match id {
        None => Some(("unspecified", *weight, None)),
        Some(id) => options
            .iter()
            .find(|o| {
                let table = &catalog.contradictions;
                o.id == *id && in_language.has(o) && fits(table, fixed, o, others)
            })
            .map(|o| (o.id.as_str(), *weight, Some(o))),
    });
    draw::choose(seed, row, purpose, possible).flatten()
}

/// What the place and the wording of a style depend on.
pub(crate) struct Stage<'a> {
    pub(crate) catalog: &'a Catalog,
    /// Weights of the places of styles.
    pub(crate) places: Places,
    pub(crate) seed: u64,
    /// The conversation.
    pub(crate) key: &'a str,
    /// What the wordings are in.
    pub(crate) language: Language,
    pub(crate) mode: ConversationMode,
    /// Level of speech of the side that says it.
    pub(crate) register: Register,
    pub(crate) turns: u32,
}

impl<'a> Stage<'a> {
    /// The wordings of an option in the language of the conversation.
    fn wordings(&self, option: &'a StyleOption) -> &'a [Wording] {
        let texts = self.catalog.languages.texts(self.language);
        texts.map_or(&option.wordings, |texts| texts.wordings(option.id.as_str()))
    }

    fn draw(&self, purpose: &str, option: &StyleOption) -> Draw {
        Draw::new(self.seed, self.key, &format!("{purpose} {}", option.id))
    }

    fn worded(&self, option: &'a StyleOption, place: StylePlace, later: bool) -> Style {
        let wordings = self.wordings(option);
        let fitting: Vec<usize> = wordings
            .iter()
            .enumerate()
            .filter(|(_, w)| w.fits(place, later, self.mode, self.register))
            .map(|(i, _)| i)
            .collect();
        let weight =
            |i: &usize| wordings.get(*i).map_or(1.0, |w| if w.every { EVERY } else { 1.0 });
        let weights = fitting.iter().map(weight);
        let wording = self.draw("wording of", option).weighted(weights);
        let wording = fitting.get(wording).copied().unwrap_or_default();
        let texts = self.catalog.languages.texts(self.language);
        let constraint = texts.map_or_else(|| option.constraint.clone(), |t| t.constraint(option));
        option.style_in(wordings, &constraint, wording, |n| self.draw("count of", option).below(n))
    }

    /// A style that a system prompt states: it binds every answer.
    pub(crate) fn stated(&self, option: &'a StyleOption) -> Style {
        self.worded(option, StylePlace::End, false)
    }

    /// A style that the health worker asks for.
    pub(crate) fn asked_for(&self, option: &'a StyleOption) -> Style {
        let places = self.places;
        let within = [
            ("start", places.start, Some(StylePlace::Start)),
            ("inside", places.inside, Some(StylePlace::Inside)),
            ("last", places.last, Some(StylePlace::Last)),
            ("end", places.end, Some(StylePlace::End)),
        ];
        let table = &self.catalog.contradictions;
        let waits = self.turns > 1 && !table.between(option.id.as_str(), "place:later");
        let later = waits.then_some(("later", places.later, None));
        let choose = |purpose: &str, later| {
            let purpose = format!("{purpose} {}", option.id);
            draw::choose(self.seed, self.key, &purpose, within.into_iter().chain(later))
        };
        let (place, turn) = match choose("place of", later) {
            Some(Some(place)) => (place, 1),
            _ => {
                let turn = self.draw("turn of", option).between(2, self.turns.max(2));
                // What a later message answers or reports comes first.
                let last = self.draw("later place of", option).chance(0.5);
                (if last { StylePlace::Last } else { StylePlace::End }, turn)
            }
        };
        let turn = if self.turns > 1 { turn } else { 1 };
        let style = self.worded(option, place, turn > 1);
        let wording = self.wordings(option).get(style.wording as usize);
        let once = option.can_bind_once() && wording.is_none_or(|w| !w.every);
        Style { place, turn, once, ..style }
    }
}
