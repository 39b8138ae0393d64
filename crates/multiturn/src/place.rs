//! Puts the styles that a health worker asks for into its messages.

use clinstruct_draw::Draw;
use clinstruct_schema::{Situation, Style, StylePlace};

/// Fewest words before a style inside a message: a greeting alone is no place for it.
const WORDS_BEFORE: usize = 4;
/// Fewest letters of the word before a full stop that ends a sentence; shorter ones can be abbreviations.
const WORD: usize = 4;

/// The health worker's first message: the prompt with the styles that it asks for.
pub fn first_message(prompt: &str, situation: &Situation) -> String {
    message_with_styles(prompt, situation, 1)
}

/// A message of the health worker with the styles that it asks for in this turn, from 1.
///
/// A style at the start is a sentence before the message, or a paragraph before one of several. One inside stands
/// before the first question, never in a list, a table, a quotation, or after a greeting. Where the text has no such place, it follows the
/// last sentence; and where the text ends with something else, it is a paragraph of its own.
pub fn message_with_styles(text: &str, situation: &Situation, turn: u32) -> String {
    let styles = || situation.asked_styles.iter().filter(|style| style.turn == turn);
    if styles().next().is_none() {
        return text.to_owned();
    }
    let (mut start, mut inside, mut last, mut end) = (vec![], vec![], vec![], vec![]);
    // A message that ends without a mark, as it is thumbed.
    let mut line = vec![];
    let open = text.lines().next_back().is_some_and(is_prose);
    // Looked for only where one is needed.
    let within = |style: &Style| {
        style.place == StylePlace::Inside || (style.place == StylePlace::Start && greets(text))
    };
    let places = if styles().any(within) { places(text) } else { Vec::new() };
    let closes = text.lines().next_back().is_some_and(|line| is_prose(line) && ends_sentence(line));
    for style in styles() {
        let wanted = match style.place {
            StylePlace::Start if greets(text) => StylePlace::Inside,
            place => place,
        };
        match wanted {
            StylePlace::Start => start.push(style.text.as_str()),
            StylePlace::Inside if !places.is_empty() => {
                inside.push((at(text, style, &places), style));
            }
            StylePlace::Inside | StylePlace::Last if closes => last.push(style.text.as_str()),
            StylePlace::Inside | StylePlace::Last if open && style.reworded => {
                line.push(style.text.as_str());
            }
            StylePlace::Inside | StylePlace::Last | StylePlace::End => {
                end.push(style.text.as_str());
            }
        }
    }
    let mut message = String::with_capacity(text.len() + 200);
    let in_line = start.last().is_some_and(|style| !is_casual(style));
    for style in start {
        message.push_str(style);
        message.push_str(close(style));
        message.push_str(if is_casual(style) { "\n" } else { " " });
    }
    if in_line && text.contains('\n') {
        message.truncate(message.trim_end().len());
        message.push_str("\n\n");
    }
    inside.sort_by_key(|(at, _)| *at);
    let mut from = 0;
    for (at, style) in inside {
        message.push_str(text.get(from..at).unwrap_or_default());
        from = at;
        if is_casual(&style.text) {
            let rest = text.get(at..).unwrap_or_default();
            from += rest.len() - rest.trim_start_matches(' ').len();
            message.extend(["\n", &style.text, "\n"]);
        } else {
            message.extend([" ", &style.text, close(&style.text)]);
        }
    }
    message.push_str(text.get(from..).unwrap_or_default());
    for style in last {
        message.push_str(if is_casual(style) { "\n" } else { " " });
        message.extend([style, close(style)]);
    }
    for style in line {
        message.extend(["\n", style]);
    }
    for (i, style) in end.iter().enumerate() {
        message.push_str(match i {
            0 => "\n\n",
            _ if is_casual(style) => "\n",
            _ => " ",
        });
        message.push_str(style);
        // Another one follows in the same line.
        if end.get(i + 1).is_some_and(|next| !is_casual(next)) {
            message.push_str(close(style));
        }
    }
    message
}

/// Whether a request is written as people thumb it: in lower case, without a mark at its end. It is a line of its own.
fn is_casual(style: &str) -> bool {
    style.starts_with(|c: char| c.is_lowercase()) && !is_closed(style)
}

fn is_closed(style: &str) -> bool {
    style.ends_with(|c: char| !c.is_alphanumeric() && !matches!(c, ')' | '%' | '"' | '”'))
}

/// The mark that a sentence lacks at its end. Thai has none.
fn close(style: &str) -> &'static str {
    let script = style.chars().rev().find(|c| c.is_alphabetic());
    match script {
        _ if is_closed(style) || is_casual(style) => "",
        Some('\u{900}'..='\u{97f}') => "।",
        Some('\u{e00}'..='\u{e7f}') => "",
        _ => ".",
    }
}

/// One of the places, by the text and the style alone, so that a replay finds the same.
fn at(text: &str, style: &Style, places: &[usize]) -> usize {
    Draw::new(0, text, &style.text).pick(places).copied().unwrap_or(text.len())
}

/// Whether a text begins with a salutation.
fn greets(text: &str) -> bool {
    let first: String =
        text.chars().take_while(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    ["dear", "hello", "hi", "hey", "good", "greetings", "to"].contains(&first.as_str())
}

/// Whether a line is running text: no list item, table row, heading, quotation or pasted value.
fn is_prose(line: &str) -> bool {
    let line = line.trim();
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = digits.len() < line.len() && digits.starts_with(['.', ')', ':']);
    let marked = line.starts_with(['-', '*', '•', '|', '#', '>', '–']);
    !line.is_empty() && !marked && !numbered && !line.contains(['|', '\t'])
}

fn ends_sentence(line: &str) -> bool {
    line.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '”' | '’' | ')'))
        .ends_with(['.', '?', '!', '।'])
}

/// Whether the first sentence of a text is a question.
fn asks(text: &str) -> bool {
    let stop = |c: char| matches!(c, '?' | '!' | '।' | '\n');
    let rest = text.trim_start();
    let end = rest.find(stop).unwrap_or(rest.len());
    let sentence = rest.get(..end).unwrap_or_default();
    rest.get(end..).is_some_and(|r| r.starts_with('?')) && !sentence.contains(". ")
}

/// Ends of sentences of running text before the question: between two findings, or the halves of a question, nobody says
/// how to answer.
fn places(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut from = 0;
    for line in text.split_inclusive('\n') {
        let start = from;
        from += line.len();
        if !is_prose(line) {
            continue;
        }
        let (mut depth, mut quoted) = (0_i32, false);
        for (i, c) in line.char_indices() {
            match c {
                '(' | '[' | '“' | '«' => depth += 1,
                ')' | ']' | '”' | '»' => depth -= 1,
                '"' => quoted = !quoted,
                _ => {}
            }
            let end = i + c.len_utf8();
            let (before, after) =
                (line.get(..i).unwrap_or_default(), line.get(end..).unwrap_or_default());
            let stops = match c {
                '.' => {
                    let word: Vec<char> =
                        before.chars().rev().take_while(|c| c.is_alphabetic()).collect();
                    // A word with a capital letter can be a title or a name's short form.
                    word.len() >= WORD && word.last().is_some_and(|c| !c.is_uppercase())
                        || before.ends_with([')', '%'])
                }
                '?' | '!' | '।' => true,
                _ => false,
            };
            let here = start + end;
            if !stops || depth != 0 || quoted {
                continue;
            }
            let words = text.get(..here).unwrap_or_default().split_whitespace();
            if words.take(WORDS_BEFORE).count() < WORDS_BEFORE {
                continue;
            }
            let next = after.trim_start_matches([' ', '\r', '\n']).chars().next();
            let follows = match next {
                Some(next) => {
                    after.starts_with(' ') && next.is_alphabetic() && !next.is_lowercase()
                }
                None => {
                    let rest = text.get(here..).unwrap_or_default();
                    rest.lines().find(|l| !l.trim().is_empty()).is_some_and(is_prose)
                }
            };
            if follows && c != '?' && asks(text.get(here..).unwrap_or_default()) {
                found.push(here);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use clinstruct_schema::Situation;

    fn style(text: &str, place: StylePlace, turn: u32) -> Style {
        Style {
            id: clinstruct_schema::Slug::new("brief").unwrap(),
            group: "content-depth".into(),
            text: text.into(),
            claims: Vec::new(),
            constraints: Vec::new(),
            wording: 0,
            place,
            turn,
            once: true,
            reworded: false,
        }
    }

    fn put(text: &str, places: &[StylePlace]) -> String {
        let asked_styles =
            places.iter().zip(["STYLE.", "OTHER."]).map(|(p, text)| style(text, *p, 1)).collect();
        message_with_styles(text, &Situation { asked_styles, ..Situation::new("Nurse") }, 1)
    }

    #[test]
    fn a_style_stands_where_it_was_drawn() {
        use StylePlace::{End, Inside, Last, Start};
        let text = "The wound is red and warm. What should I do now?";
        assert_eq!(put(text, &[Start]), format!("STYLE. {text}"));
        assert_eq!(put(text, &[Inside]), "The wound is red and warm. STYLE. What should I do now?");
        assert_eq!(put(text, &[Last]), format!("{text} STYLE."));
        assert_eq!(put(text, &[End]), format!("{text}\n\nSTYLE."));
        assert_eq!(put(text, &[End, End]), format!("{text}\n\nSTYLE. OTHER."));
        assert_eq!(put(text, &[End, Start]), format!("OTHER. {text}\n\nSTYLE."));
        assert_eq!(
            put(text, &[Inside, Inside]),
            "The wound is red and warm. STYLE. OTHER. What should I do now?"
        );
        let two = "He is in pain again.\n\nWhat can I give?";
        assert_eq!(put(two, &[Start]), format!("STYLE.\n\n{two}"));
        assert_eq!(put(two, &[Inside]), "He is in pain again. STYLE.\n\nWhat can I give?");
    }

    #[test]
    fn a_request_in_the_words_of_the_writer_is_joined_as_it_is_written() {
        use StylePlace::{End, Inside, Last, Start};
        let worded = |text: &str, place, style_text: &str| {
            let asked_styles = vec![style(style_text, place, 1)];
            message_with_styles(text, &Situation { asked_styles, ..Situation::new("Nurse") }, 1)
        };
        let thumbed = "ear hurts since monday\nwhat can i give";
        assert_eq!(
            worded(thumbed, Start, "under 80 words pls"),
            format!("under 80 words pls\n{thumbed}")
        );
        assert_eq!(worded(thumbed, End, "no lists pls"), format!("{thumbed}\n\nno lists pls"));
        let text = "The wound is red and warm. What should I do now?";
        assert_eq!(worded(text, Last, "no lists pls"), format!("{text}\nno lists pls"));
        assert_eq!(
            worded(text, Last, "and no lists, please."),
            format!("{text} and no lists, please.")
        );
        assert_eq!(
            worded(text, Inside, "no lists pls"),
            "The wound is red and warm.\nno lists pls\nWhat should I do now?"
        );
        let mut reworded = style("no lists pls", Last, 1);
        reworded.reworded = true;
        let situation = Situation { asked_styles: vec![reworded], ..Situation::new("Nurse") };
        assert_eq!(message_with_styles(thumbed, &situation, 1), format!("{thumbed}\nno lists pls"));
        // A sentence that lacks its mark gets one where another follows.
        assert_eq!(worded(text, Last, "No lists, please"), format!("{text} No lists, please."));
        assert_eq!(worded(text, Start, "In 80 words:"), format!("In 80 words: {text}"));
        assert_eq!(worded(text, Start, "No lists, please"), format!("No lists, please. {text}"));
        assert_eq!(worded("क्या करूँ?", Last, "बस 80 शब्द"), "क्या करूँ? बस 80 शब्द।");
        assert_eq!(worded("ทำอย่างไรดีคะ?", Last, "ขอ 80 คำค่ะ"), "ทำอย่างไรดีคะ? ขอ 80 คำค่ะ");
    }

    #[test]
    fn no_style_breaks_what_it_must_not() {
        for text in [
            "Dear colleague, thank you for the call yesterday.",
            "- Sodium is low today.\n- Potassium is high today.",
            "| Test | Value |\n| Sodium is low. | What now? |",
            "Seen by Dr. Mensah at 5 p.m. Friday",
            "1. Check the pulse.\n2. Call the team.",
            "He said \"It hurts here. Please help me.\" and left",
            "Results (taken today. Fasting.) are below",
        ] {
            let shown = put(text, &[StylePlace::Inside]);
            assert!(shown.starts_with(text), "{shown}");
            assert!(shown.ends_with("STYLE."), "{shown}");
        }
        let letter = "Dear colleague,\nThe boy has a rash on both legs. Is it an allergy?";
        let shown = put(letter, &[StylePlace::Start]);
        assert_eq!(
            shown,
            "Dear colleague,\nThe boy has a rash on both legs. STYLE. Is it an allergy?"
        );
        let listed = "These are the results that came back.\n- sodium 128\n- potassium 5.9";
        assert_eq!(put(listed, &[StylePlace::Last]), format!("{listed}\n\nSTYLE."));
    }

    #[test]
    fn a_later_style_waits_for_its_turn() {
        let asked_styles = vec![style("STYLE.", StylePlace::Last, 2)];
        let situation = Situation { asked_styles, turns: 2, ..Situation::new("Nurse") };
        assert_eq!(first_message("What now?", &situation), "What now?");
        assert_eq!(message_with_styles("And then?", &situation, 2), "And then? STYLE.");
    }
}
