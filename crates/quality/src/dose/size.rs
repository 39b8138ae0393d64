//! Amounts that are the size of a syringe, a spoon or a cup: `a new 1 mL syringe`, `una jeringa de 1 ml`.

use super::Unit;
use super::context::Context;
use super::numbers::Number;
use super::words::Class;

/// Beginnings of words for what medicine is measured with, in all of our languages.
const DEVICES: [&str; 34] = [
    "syringe",
    "spoon",
    "cup",
    "dropper",
    "beaker",
    "needle",
    "spritze",
    "löffel",
    "becher",
    "pipette",
    "messbecher",
    "seringue",
    "cuillère",
    "cuiller",
    "gobelet",
    "jeringa",
    "jeringuilla",
    "cuchara",
    "gotero",
    "siringa",
    "cucchiai",
    "bicchier",
    "contagocce",
    "seringa",
    "colher",
    "copo",
    "conta-gotas",
    "सिरिंज",
    "चम्मच",
    "ड्रॉपर",
    "กระบอกฉีดยา",
    "ไซริงค์",
    "ช้อน",
    "ถ้วย",
];
/// What joins a device to its size, before the number: `seringue de 1 ml`.
const OF: [&str; 6] = ["", "de", "da", "di", "à", "ขนาด"];
/// What else stands between a size and its device: `1 ml की सिरिंज`.
const SIZED: [&str; 10] =
    ["", "injection", "oral", "measuring", "medicine", "plastic", "insulin", "की", "का", "वाली"];

impl Context<'_> {
    /// Whether millilitres are the size of what medicine is measured with, rather than what is given.
    pub(super) fn is_size(&self, number: &Number) -> bool {
        if number.unit != Unit::Millilitre || number.per_weight || number.per_time {
            return false;
        }
        let (start, end) = (number.place.start, number.place.end);
        let before = self.view.between(self.sentence.start, start);
        let behind = self.view.between(end, self.sentence.end);
        let (gap, device) = first_device(behind, &SIZED);
        let (filled, sized) = match device {
            Some(_) => (end + gap, true),
            None => (end, last_device(before)),
        };
        // `A 5 mL syringe of lidocaine` is given.
        let full = self.after(filled, self.sentence.end).find(|hit| hit.class == Class::Medicine);
        let full = full.is_some_and(|hit| {
            let gap = self.view.between(filled, hit.start);
            gap.split_whitespace().count() <= 2
        });
        sized && !full
    }
}

/// Where a device ends that stands right behind a number, but for one of these words.
fn first_device(behind: &str, between: &[&str]) -> (usize, Option<&'static str>) {
    for device in DEVICES {
        let Some(at) = behind.find(device) else { continue };
        let gap = behind.get(..at).unwrap_or_default().trim_matches([' ', '-', '\u{a0}']);
        if between.contains(&gap) {
            return (at + device.len(), Some(device));
        }
    }
    (0, None)
}

/// Whether a device stands right before a number.
fn last_device(before: &str) -> bool {
    let before = before.trim_end();
    OF.iter().any(|of| {
        let Some(rest) = before.strip_suffix(of) else { return false };
        // A word of its own: `ampoule` does not end with `de`.
        let apart = of.is_empty() || !of.is_ascii() || rest.ends_with(' ');
        let word = rest.trim_end().rsplit(char::is_whitespace).next().unwrap_or_default();
        let is = |device: &&str| {
            word.starts_with(device) || (!device.is_ascii() && word.contains(*device))
        };
        apart && DEVICES.iter().any(is)
    })
}
