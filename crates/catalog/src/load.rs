//! Shared by all readers: a mistake drops one entry and does not stop the reading.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;

use crate::mistake::{Mistake, Place, nearest};
use crate::read::{Entry, Reader};
use crate::style::{Count, RawOption, RawWording};
use crate::who::RawWho;
use crate::{AgeBand, Files, StyleOption, Who, Wording};
use clinstruct_schema::{ConversationMode, Register, StylePlace};

/// Reads files and collects their mistakes.
pub(crate) struct Loader<'a> {
    pub(crate) files: &'a Files,
    pub(crate) mistakes: Vec<Mistake>,
    pub(crate) used: HashSet<String>,
}

impl<'a> Loader<'a> {
    pub(crate) fn place(&self, name: &str) -> Place {
        let text = self.files.get(name).map_or("", String::as_str);
        Place { name: name.to_owned(), text: Arc::from(text) }
    }

    /// Reads one file with `read`; a missing file is a mistake.
    pub(crate) fn file<T: Default>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Reader<'a>) -> T,
    ) -> T {
        self.used.insert(name.to_owned());
        let place = self.place(name);
        let Some(text) = self.files.get(name) else {
            self.mistakes.push(place.mistake(
                0..0,
                format!("the file {name} is missing"),
                Some("copy it from the resources folder of the repository".into()),
            ));
            return T::default();
        };
        let mut reader = Reader::new(place, text);
        let value = read(&mut reader);
        self.mistakes.extend(reader.finish());
        value
    }
}

/// Checks that ids are unique.
pub(crate) fn distinct<'b>(
    reader: &mut Reader<'_>,
    what: &str,
    ids: impl Iterator<Item = (&'b str, Range<usize>)>,
) {
    let mut seen = HashSet::new();
    let mut again = Vec::new();
    for (id, span) in ids {
        if !seen.insert(id.to_owned()) {
            again.push((id.to_owned(), span));
        }
    }
    for (id, span) in again {
        reader.mistake(span, format!("duplicate {what} \"{id}\""), None);
    }
}

/// The index of the item with this id; a mistake if there is none.
pub(crate) fn resolve<'b>(
    reader: &mut Reader<'_>,
    what: &str,
    wanted: &str,
    span: Range<usize>,
    known: impl Iterator<Item = &'b str> + Clone,
) -> Option<usize> {
    let found = known.clone().position(|k| k == wanted);
    if found.is_none() {
        reader.mistake(span, format!("unknown {what} \"{wanted}\""), nearest(wanted, known));
    }
    found
}

pub(crate) fn sums_to_one(
    reader: &mut Reader<'_>,
    span: Range<usize>,
    weights: impl Iterator<Item = f64>,
) {
    let mut sum = 0.0;
    for w in weights {
        if !(0.0..=1.0).contains(&w) {
            reader.mistake(span.clone(), format!("the weight {w} is not between 0 and 1"), None);
        }
        sum += w;
    }
    if (sum - 1.0).abs() > 1e-6 {
        let rounded = (sum * 1e6).round() / 1e6;
        reader.mistake(span, format!("the weights sum to {rounded}, not to 1"), None);
    }
}

pub(crate) fn who(reader: &mut Reader<'_>, ages: &[AgeBand], raw: &RawWho) -> Who {
    let mut who = Who::ANYONE;
    if let Some(range) = &raw.ages {
        let (from, to) =
            range.get_ref().split_once("..").unwrap_or((range.get_ref(), range.get_ref()));
        let names = || ages.iter().map(|a| a.id.as_str());
        let first = resolve(reader, "age band", from, range.span(), names());
        let last = resolve(reader, "age band", to, range.span(), names());
        if let (Some(first), Some(last)) = (first, last) {
            if first > last {
                reader.mistake(range.span(), format!("{from} is older than {to}"), None);
            }
            who.ages = (first, last);
        }
    }
    if let Some(sexes) = &raw.sexes {
        who.sexes = [false; 3];
        for sex in sexes.get_ref() {
            who.sexes[*sex as usize] = true;
        }
        if sexes.get_ref().is_empty() {
            reader.mistake(sexes.span(), "the list of sexes is empty", None);
        }
    }
    who
}

pub(crate) fn option(reader: &mut Reader<'_>, raw: RawOption, group: &str) -> StyleOption {
    let counts: Vec<u32> = match raw.n.as_ref().map(Spanned::get_ref) {
        None => Vec::new(),
        Some(Count::Fixed(n)) => vec![*n],
        Some(Count::Range { from, to, step }) => {
            (*from..=*to).step_by((*step).max(1) as usize).collect()
        }
    };
    if let Some(n) = raw.n.as_ref().filter(|_| counts.is_empty()) {
        reader.mistake(n.span(), "the range `n` is empty", None);
    }
    let wordings = wordings(reader, &raw.wordings, raw.n.is_some());
    StyleOption {
        id: raw.id.into_inner(),
        group: raw.group.map_or_else(|| group.to_owned(), Spanned::into_inner),
        wordings,
        counts,
        constraint: raw.constraint,
        claims: raw.claims.into_inner(),
    }
}

/// The wordings of an option with or without a number: every mode, level of speech and place has one.
pub(crate) fn wordings(
    reader: &mut Reader<'_>,
    raw: &Spanned<Vec<Spanned<RawWording>>>,
    counted: bool,
) -> Vec<Wording> {
    for wording in raw.get_ref() {
        let text = &wording.get_ref().0.text.0;
        let slots = text.matches("{n}").count();
        let message = match (slots, counted) {
            (0, true) => "{n} is missing in the text for `n`",
            (1.., false) => "`n` is missing for {n} in the text",
            (2.., true) => "the text has {n} more than once",
            (1, true) if text.starts_with("{n}") => "the text starts with {n}",
            _ => continue,
        };
        reader.mistake(wording.span(), message, None);
    }
    let all: Vec<Wording> = raw.get_ref().iter().map(|w| w.get_ref().0.clone()).collect();
    let modes = [ConversationMode::Chat, ConversationMode::Normal, ConversationMode::Emergency];
    let places = [StylePlace::Start, StylePlace::Inside, StylePlace::End];
    for mode in modes {
        for register in [Register::Popular, Register::Standard, Register::Scientific] {
            for (place, later) in places.into_iter().flat_map(|p| [(p, false), (p, true)]) {
                if !all.iter().any(|w| w.fits(place, later, mode, register)) {
                    let message = format!(
                        "no wording is for {}{} in {} mode, {} speech",
                        place.as_str(),
                        if later { " of a later message" } else { "" },
                        mode.as_str(),
                        register.as_str(),
                    );
                    let help = Some("add one without `at`, `modes` and `registers`".into());
                    reader.mistake(raw.span(), message, help);
                    return all;
                }
            }
        }
    }
    all
}

pub(crate) fn values<T>(entries: Vec<Entry<T>>) -> Vec<T> {
    entries.into_iter().map(|e| e.value).collect()
}
