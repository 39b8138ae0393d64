//! The forms of first messages.

use clinstruct_draw::Draw;

use super::super::{lower_first, lower_start};
use crate::grammar::{Template, capital, worker};

/// A message in a form, of its sentences, the lines of a result that is pasted, and the questions at its end.
pub(in crate::worker) fn shape(
    form: &str,
    sentences: Vec<String>,
    pasted: &[String],
    questions: Vec<String>,
    draw: &mut Draw,
) -> String {
    if !pasted.is_empty() {
        let mut sentences = sentences.into_iter();
        let first = sentences.next().unwrap_or_default();
        let rest: Vec<String> = sentences.chain(questions).collect();
        return [first, pasted.join("\n"), rest.join(" ")].join("\n\n").trim().to_owned();
    }
    match form {
        "phone" => {
            let all: Vec<String> = sentences.iter().chain(&questions).map(|s| thumbed(s)).collect();
            all.join("\n")
        }
        "notes" => {
            let all = sentences.iter().chain(&questions).map(|s| s.trim_end_matches('.'));
            all.collect::<Vec<_>>().join("\n")
        }
        "dictated" => dictated(&sentences, &questions, draw),
        "shorthand" => {
            let all: Vec<String> = sentences.iter().chain(&questions).map(|s| clipped(s)).collect();
            all.join(" ")
        }
        _ => sentences.into_iter().chain(questions).collect::<Vec<_>>().join(" "),
    }
}

/// As typed with a thumb: lower case, no commas, no full stop.
fn thumbed(sentence: &str) -> String {
    let text = lower_first(sentence.trim_end_matches('.')).replace(',', "");
    let words: Vec<&str> =
        text.split(' ').map(|word| if word == "I" { "i" } else { word }).collect();
    words.join(" ")
}

/// Without what shorthand leaves out, and with its abbreviations.
fn clipped(sentence: &str) -> String {
    let dropped = ["The ", "We ", "I ", "There is ", "This is "];
    let rest = dropped.iter().find_map(|start| sentence.strip_prefix(start)).unwrap_or(sentence);
    let (long, brief) = (worker().all("short", "long"), worker().all("short", "brief"));
    let pairs: Vec<(String, String)> =
        long.iter().zip(brief).map(|(l, b)| (l.plain(), b.plain())).collect();
    let mut text = format!(" {rest}");
    for (long, brief) in &pairs {
        if !text.contains(long.as_str()) {
            continue;
        }
        for end in [' ', ',', '.', '?'] {
            text = text.replace(&format!(" {long}{end}"), &format!(" {brief}{end}"));
        }
    }
    capital(text.trim().to_owned())
}

/// As spoken: sentences run on, and one is corrected.
fn dictated(sentences: &[String], questions: &[String], draw: &mut Draw) -> String {
    let list = |name: &str| worker().all("spoken", name);
    let slip_at = 1 + draw.below(sentences.len().max(2) - 1);
    let mut text = String::new();
    for (at, sentence) in sentences.iter().chain(questions).enumerate() {
        let sentence = sentence.trim_end_matches('.');
        if text.is_empty() {
            sentence.clone_into(&mut text);
            continue;
        }
        if text.ends_with('?') {
            text.push(' ');
            text.push_str(sentence);
            continue;
        }
        text.push_str(&draw.pick(list("join")).map(Template::plain).unwrap_or_default());
        if at == slip_at {
            text.push_str(&draw.pick(list("slip")).map(Template::plain).unwrap_or_default());
            text.push(' ');
        }
        text.push_str(&lower_start(sentence));
    }
    if !text.ends_with('?') {
        text.push('.');
    }
    text
}
