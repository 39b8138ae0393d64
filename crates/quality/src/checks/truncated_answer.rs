//! A truncated answer: its last sentence has no end.

use std::ops::Range;

use clinstruct_schema::{Constraint, Language};

use crate::Turn;
use crate::case::Reader;
use crate::check::{Check, Finding, Group, PerSpeaker, Run, Strictness};
use crate::lexicon::{Lexicon, lexicon};
use crate::lines::is_mark;
use crate::lines::lines;
use crate::phrases::plain;
use crate::segment::{each_sentence, sentences};
use crate::structure::{is_fence, is_rule, marker_length};

/// The check.
pub const CHECK: Check = Check {
    id: "truncated_answer",
    former_ids: &["breaks_off"],
    repair_name: Some("breaks_off"),
    summary: "A truncated answer: its last sentence has no end.",
    group: Group::Wording,
    strictness: PerSpeaker::assistant(Strictness::Blocks),
    run: Run::Facts { find, example: Turn::answer },
    good: &[
        "Give water.",
        "Give:\n- water and salt",
        "Rest.\nEND OF ADVICE",
        "Appendicitis",
        "Acute appendicitis with perforation",
        "Rice, beans, lentils, green leaves, eggs and fish",
        "140 mmol/L",
        "Serum sodium: 140 mmol/L",
        "Hepatitis A",
        "Look at the chart.\n\nSource: WHO 2023",
        "| Sign | Meaning |\n|---|---|\n| Fever | Infection |",
        "```\nscore = age + 2\n```",
        "Rest.\n\nWith kind regards\nDr Ada Mensah",
        "Weigh him again on Monday.\n\nWith collegial regards",
        "Rest.\n\nWith cordial regards,",
        "Rest.\n\nYours respectfully\nDr Ada Mensah\nConsultant physician\nHuye District Hospital",
        "1. Rest the leg\n2. Call for transport",
        "Great question! Pulmonary embolism",
        "Thank you for the details.\n\n**Diagnosis:** acute cholecystitis",
        "Give small sips every few minutes.\n\nshout if he gets worse",
        "hey, fluids first. 500 ml over 15 min, then recheck bp",
        "fluids first, 500 ml over 15 min, then recheck bp\n\nfor the report: attention fluctuates, sleep under work-up, \
         retest in 3 months. that leaves the door open without putting a label on her",
        "write 80 g a day, split over three meals. one dish won't reach it. breakfast is where it usually fails, so greek yogurt \
         there, 150 g fish or chicken at lunch, legumes with pasta and 30 g grana at dinner",
        "ask about snoring and blank spells, those need an eeg\n\ni would go back with the ferritin and the legs in one sentence \
         and ask for treatment dose iron plus a look for the cause of it all",
        "Say it like this:\n\"the lump has to be examined in Ouagadougou\"\nsit beside her when it's said, and hold her hand\nif \
         she asks, don't say no\nask who decides about the travel money\nis there a wound? put it in the letter, or write that it \
         wasn't looked at",
    ],
    bad: &[
        "Give water and look at the",
        "Give water. Then look",
        "Rest the leg.\n\nThen look for swelling of both feet",
        "- Give water.\n- Keep him warm.\n- Count the breaths",
        "- Give water\n- Look for signs of",
        "Give water,",
        "give water first. then look at the",
        "Rest the leg.\n\nWith regards to the",
        "Rest the leg.\n\nWith collegial regards\nand one more thing about the swelling in his legs",
        "| 0 | 10 mg |\n\nDoses for adults: each of them should be checked in the formul",
        "```json\n{\"dose\": 5",
        "| Sign | Meaning |\n|---|---|\n| Fever | Infec",
    ],
};

fn find(turn: &Turn<'_>, reader: &Reader<'_>) -> Vec<Finding> {
    if turn.asks(|c| matches!(c, Constraint::JsonObject { .. })) {
        return Vec::new();
    }
    // What the answer was asked to end with is its end, in a list item, too.
    let ends = turn.text.trim_end().trim_end_matches(['*', '_', '.']);
    if turn.asks(|c| matches!(c, Constraint::EndsWith { marker } if ends.ends_with(marker.trim_end_matches('.')))) {
        return Vec::new();
    }
    // Where something was taken back, the reader has it blank.
    let same = reader.text() == turn.text;
    let found = if same { cut_in(reader, turn.language) } else { cut(turn.text, turn.language) };
    found.map(|span| Finding::quote(turn.text, span)).into_iter().collect()
}

/// Words of an answer that is a diagnosis or a title and no sentence.
const NAME: usize = 8;
/// Words of a value with its label.
const VALUE: usize = 12;
/// Words of a label behind which a value may be as long.
const LABEL: usize = 2;
/// Words of a value in lower case behind another one: more are a sentence.
const OF_VALUE: usize = 4;
/// Words of the last sentence of a phone chat, and of a last line behind one with an end.
const CHAT: usize = 32;
const LINE: usize = 10;
/// Words of a mark or a signature.
const MARK: usize = 2;
/// Words of the line that closes a letter.
const CLOSING: usize = 8;
/// Lines behind it, and words of each.
const SIGNED: usize = 3;
const SIGNATURE: usize = 6;

/// Where a text is truncated: it ends within a sentence, an item, a row or a block of code.
pub fn cut(text: &str, language: Language) -> Option<Range<usize>> {
    cut_in(&Reader::new(text), language)
}

/// The same for one who reads more in it.
pub fn cut_in(reader: &Reader<'_>, language: Language) -> Option<Range<usize>> {
    let text = reader.text();
    // A diagnosis behind an opening sentence is as whole as one alone.
    if let Some((_, opening)) = reader.openings(language).first()
        && let Some(first) = each_sentence(text, language).find(|s| s.end >= opening.end)
        && first.end < text.trim_end().len()
    {
        let found = cut_alone(&text[first.end..], language)?;
        return Some(found.start + first.end..found.end + first.end);
    }
    cut_alone(text, language)
}

fn cut_alone(text: &str, language: Language) -> Option<Range<usize>> {
    let lexicon = lexicon(language);
    if lexicon.unspaced {
        // Without end marks, a word that needs a successor shows that the sentence is incomplete.
        let end = text.trim_end();
        if lexicon.whole_ends.iter().any(|w| end.ends_with(w.as_str())) {
            return None;
        }
        let found = lexicon.hanging.iter().find(|h| end.ends_with(h.as_str()))?;
        return Some(end.len() - found.len()..end.len());
    }
    let last = lines(text).last()?;
    let line = &text[last.clone()];
    if is_fence(line) || text.contains("```") {
        let fences = lines(text).filter(|l| is_fence(&text[l.clone()])).count();
        return (fences % 2 == 1).then_some(last);
    }
    if is_rule(line) || is_ended(line) || is_letter(text, language) {
        return None;
    }
    if line.starts_with('#') {
        return None;
    }
    let word = line.rsplit(char::is_whitespace).next().unwrap_or_default();
    // `Hepatitis A` ends with a letter, and `look at a` with a word.
    let hangs = lexicon.hanging.iter().any(|h| h == word)
        && !is_verb_at_the_end(line, word, lexicon)
        && !is_object(line, word)
        && !is_passive(line, word);
    if line.ends_with(',') || hangs {
        return Some(last);
    }
    // All rows of a table are closed or none is.
    if line.starts_with('|') {
        let closed =
            lines(text).any(|l| text[l.clone()].starts_with('|') && text[l].ends_with('|'));
        return closed.then_some(last);
    }
    if marker_length(line) > 0 {
        return is_open_among_ended(text, &last).then_some(last);
    }
    is_open_prose(text, &last, language).then_some(last)
}

/// Whether a text ends with an object that could also be a possessive: `without putting a label on her`.
fn is_object(line: &str, word: &str) -> bool {
    let before = line.split_whitespace().rev().nth(1).unwrap_or_default();
    word == "her" && ["on", "for", "with", "to", "at", "from", "by", "about"].contains(&before)
}

/// Whether a text ends with the preposition of a verb in the passive: `that it wasn't looked at`.
fn is_passive(line: &str, word: &str) -> bool {
    let mut before = line.split_whitespace().rev().skip(1);
    let is_participle =
        |verb: &str| verb.ends_with("ed") || ["spoken", "seen", "taken"].contains(&verb);
    let be =
        ["was", "wasn't", "is", "isn't", "were", "weren't", "be", "been", "being", "are", "aren't"];
    ["at", "for", "to", "with", "on", "about", "after"].contains(&word)
        && before.next().is_some_and(is_participle)
        && before.take(3).any(|verb| be.contains(&verb.replace('’', "'").as_str()))
}

fn is_ended(line: &str) -> bool {
    let closing = ['"', '\'', '”', '’', '»', ')', ']', '}', '*', '`', '_', '“'];
    let Some(end) = line.chars().next_back() else { return true };
    line.ends_with(closing)
        || matches!(end, '.' | '!' | '?' | '।' | '॥' | ':' | ';' | '…' | '¶')
        || !(end.is_alphanumeric() || is_mark(end) || end == ',' || end == '-')
}

/// Whether a text ends like a letter: a short line with regards, and a signature of few short lines behind it.
fn is_letter(text: &str, language: Language) -> bool {
    let regards = &lexicon(language).regards;
    let all: Vec<&str> = lines(text).map(|line| &text[line]).collect();
    let from = all.len().saturating_sub(SIGNED + 1).max(1);
    let Some(end) = all.get(from..) else { return false };
    end.iter().enumerate().any(|(at, line)| {
        let closes = is_short(line, CLOSING)
            && marker_length(line) == 0
            && regards.is_in(&plain(line))
            && !lexicon(language).hanging.iter().any(|h| line.ends_with(&format!(" {h}")));
        let signed = |line: &&str| is_short(line, SIGNATURE) && marker_length(line) == 0;
        closes && end[at + 1..].iter().all(signed)
    })
}

fn is_short(line: &str, most: usize) -> bool {
    line.split_whitespace().count() <= most
}

/// Whether all other items end with a mark, two of them or more, and the last one does not.
fn is_open_among_ended(text: &str, last: &Range<usize>) -> bool {
    let mut others = 0;
    for line in lines(text).filter(|l| l.start < last.start) {
        let line = &text[line];
        if marker_length(line) > 0 && !line.starts_with('#') {
            if !line.ends_with(['.', '!', '?', '।']) {
                return false;
            }
            others += 1;
        }
    }
    others > 1
}

/// Whether no paragraph of several ends with a mark: whoever writes like this does not end the last one either.
fn never_ends(text: &str) -> bool {
    let mut paragraphs = 0;
    for line in lines(text).filter(|l| marker_length(&text[l.clone()]) == 0) {
        if is_ended(&text[line]) {
            return false;
        }
        paragraphs += 1;
    }
    paragraphs > 1
}

/// Whether half of the other lines, two or more, begin with a small letter and have no mark at their end.
fn is_casual(text: &str) -> bool {
    let all = lines(text).map(|line| &text[line]).filter(|line| marker_length(line) == 0);
    let mut all: Vec<&str> = all.collect();
    all.pop();
    let casual = |line: &&&str| line.starts_with(char::is_lowercase) && !is_ended(line);
    let count = all.iter().filter(casual).count();
    count > 1 && 2 * count >= all.len()
}

/// Whether the last line, which is prose, breaks off.
fn is_open_prose(text: &str, last: &Range<usize>, language: Language) -> bool {
    let line = &text[last.clone()];
    let count = line.split_whitespace().count();
    let said = sentences(line, language);
    let length = |span: &Range<usize>| line[span.clone()].split_whitespace().count();
    if (is_small(text) || is_casual(text)) && is_small(line) {
        // Without capitals, a full stop alone ends a sentence.
        let behind = line.rsplit(['.', '!', '?']).next().unwrap_or(line);
        if said.last().is_some_and(|s| length(s) <= CHAT)
            || behind.split_whitespace().count() <= CHAT
            || never_ends(text)
        {
            return false;
        }
    }
    // Behind a sentence with an end, one without is broken, however short.
    if said.len() > 1 {
        return true;
    }
    // A mark such as `END OF ADVICE`, or the form of a letter, which has no full stop.
    let shouted = !line.chars().any(char::is_lowercase) && line.is_ascii();
    if shouted || count <= MARK {
        return false;
    }
    let before: Vec<Range<usize>> = lines(text).filter(|l| l.start < last.start).collect();
    let previous = before.last().cloned().map_or("", |l| &text[l]);
    let wishes = &lexicon(language).pleasantries;
    if [line, previous].iter().any(|l| wishes.is_in(&plain(l))) {
        return false;
    }
    let plain_line = line.replace(['*', '_'], "");
    let labelled = count <= VALUE
        && plain_line.split_once(": ").is_some_and(|(label, value)| {
            label.split_whitespace().count() <= LABEL
                || value.split_whitespace().count() <= OF_VALUE
                || !value.starts_with(char::is_lowercase)
        });
    if labelled {
        return false;
    }
    let prose = before.into_iter().any(|l| {
        let line = &text[l];
        marker_length(line) == 0 && line.ends_with(['.', '!', '?', '।'])
    });
    if prose {
        return !is_whole_line(line, previous, count, language);
    }
    let valued = line.chars().any(char::is_numeric) && count <= VALUE;
    let parts = line.split(", ");
    let listed = parts.clone().count() > 2 && parts.into_iter().all(|p| p.split(' ').count() <= 5);
    !(count <= NAME || valued || listed)
}

/// Whether the last word of a line is the verb of a clause that ends with it: `bis der Wagen da ist`.
fn is_verb_at_the_end(line: &str, word: &str, lexicon: &Lexicon) -> bool {
    let clause = line.rsplit([',', ':', ';']).next().unwrap_or(line);
    let begins = |said: &str| lexicon.subordinate.iter().any(|s| s == &said.to_lowercase());
    lexicon.whole_ends.iter().any(|end| end == word) && clause.split_whitespace().any(begins)
}

/// Whether a text begins with a small letter, as messages of a phone chat do, which leave out full stops as well.
fn is_small(text: &str) -> bool {
    text.chars().find(|c| c.is_alphabetic()).is_some_and(char::is_lowercase)
}

/// Whether a short line without a mark is whole behind one with an end: in small letters, as in a phone chat, or with a
/// verb at its end where a script has no capitals.
fn is_whole_line(line: &str, previous: &str, count: usize, language: Language) -> bool {
    let lexicon = lexicon(language);
    let verb = || {
        let last = line.rsplit(char::is_whitespace).next().unwrap_or_default();
        lexicon.caseless && lexicon.whole_ends.iter().any(|end| end == last)
    };
    let ended = previous.ends_with(['.', '!', '?', ':', '।']);
    ended && count <= LINE && (is_small(line) || verb())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thai_compounds_end_a_text() {
        for text in [
            "ก่อนให้ยาทุกครั้งต้องตรวจสอบขนาดยากับบัญชียาของพื้นที่",
            "ให้คะแนนอาการจากศูนย์ถึงสิบเพื่อดูพัฒนาการ",
            "ปัสสาวะช่วงกลางที่เก็บใหม่ให้ผลน่าเชื่อถือมากกว่า",
            "ส่งตัวอย่างไปที่ห้องปฏิบัติการ",
        ] {
            assert_eq!(cut(text, Language::Thai), None, "{text}");
        }
        for text in ["ให้ยาแก้ปวดแก่ผู้ป่วยที่", "แนะนำให้ดื่มน้ำมากๆ และ"]
        {
            assert!(cut(text, Language::Thai).is_some(), "{text}");
        }
    }
}
