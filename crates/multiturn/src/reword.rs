//! Puts the styles that a health worker asks for into the words of the prompt's writer.

mod numbers;
mod words;

use clinstruct_schema::{Constraint, Language, Situation, Style};

use self::numbers::{has_numbers, numbers};
use self::words::{LAST_ITEM, NAMES, REASONS};

/// Fewest and most characters of a request; the longest sample has about 140.
const LENGTH: (usize, usize) = (4, 260);

/// Replaces the texts of the styles that a conversation asks for by those that the writer of its prompt gave for them, in
/// the same order. Where that text is blank, nobody would ask for the style in this message, and it is left out; but an
/// emergency instruction always stays. A text that is missing, or that asks for something else, leaves its style in the words
/// that were drawn: what is checked has to be what is asked for.
pub fn reword(situation: &mut Situation, written: &[String]) {
    let language = situation.language;
    let stays = situation.emergency_instruction;
    let mut written = written.iter().map(|text| text.trim());
    let declined = &mut situation.declined_styles;
    situation.asked_styles.retain_mut(|style| {
        let Some(text) = written.next() else { return true };
        if text.is_empty() && !stays {
            declined.push(style.id.clone());
            return false;
        }
        let text = in_a_line(text);
        let asked = counted_by(style, &text);
        if fits(&asked, &text, language) {
            let reworded = style.reworded || style.text != text;
            *style = Style { text, reworded, ..asked };
        }
        true
    });
}

/// Columns, headings or paragraphs that a writer may name, whatever the sample has.
const NAMED: std::ops::RangeInclusive<usize> = 2..=6;

/// The style with as many columns, headings or paragraphs as a text names, where nothing but their names counts them: who compares
/// three treatments needs a column more.
fn counted_by(style: &Style, text: &str) -> Style {
    let mut asked = style.clone();
    let Some(named) = named(text).filter(|named| is_named(style) && NAMED.contains(named)) else {
        return asked;
    };
    for constraint in &mut asked.constraints {
        if let Constraint::TableColumns { n }
        | Constraint::ExactHeadings { n }
        | Constraint::ExactParagraphs { n } = constraint
        {
            *n = u32::try_from(named).unwrap_or(*n);
        }
    }
    asked
}

/// A text whose lines are broken, as one thumbs into a phone, in one.
fn in_a_line(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut all = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        let ends = all.ends_with(|c: char| !c.is_alphanumeric() && !matches!(c, '"' | ')' | '\''));
        all.push_str(if ends { " " } else { ", " });
        all.push_str(line);
    }
    all
}

/// Whether a text asks for the same as the style.
fn fits(style: &Style, text: &str, language: Language) -> bool {
    let length = text.chars().count();
    let whole = (LENGTH.0..=LENGTH.1).contains(&length)
        && !text.contains(['\n', '<', '{', '[', '|'])
        && !text.contains("===");
    whole
        && ((has_numbers(text, &style.text) && !is_named(style)) || names_all(style, text))
        && in_script(text, language)
        && style.constraints.iter().all(|constraint| names(constraint, style, text))
}

/// Whether a text names what goes into each column or paragraph, or under each heading, after a colon, where the style counts them: few people
/// count columns, but many say what is in them.
fn names_all(style: &Style, text: &str) -> bool {
    let wanted = style.constraints.iter().find_map(|constraint| match constraint {
        Constraint::TableColumns { n }
        | Constraint::ExactHeadings { n }
        | Constraint::ExactParagraphs { n } => Some(*n as usize),
        _ => None,
    });
    named(text).is_some_and(|named| wanted == Some(named))
}

/// How many columns, headings or paragraphs a text names behind a colon, where it counts them by nothing else.
fn named(text: &str) -> Option<usize> {
    // `A table with the food, its replacement and the meal`.
    let lists = [": ", " with ", " mit ", " avec ", " con ", " com "];
    let (_, list) = lists.iter().find_map(|lead| text.split_once(lead))?;
    // Why it is asked for, and what else is said, is no item.
    let list = list.split_inclusive(['?', '.', '!', '।', ';']).next().unwrap_or_default();
    let lower = list.to_lowercase();
    let reason = REASONS.iter().filter_map(|word| lower.find(word)).min();
    let list = list.get(..reason.unwrap_or(list.len())).unwrap_or(list);
    // Only the last item has its own behind an `and`: `what is certain of diet and growth, what is not`.
    let is_end = |c: char| [',', ';', '/', '?', '.', '!', '।'].contains(&c);
    let list = list.trim_end_matches(|c: char| is_end(c) || c.is_whitespace());
    let (head, last) = list.split_at(list.rfind(is_end).unwrap_or(0));
    let last = LAST_ITEM.iter().fold(last.to_owned(), |last, word| last.replace(word, ","));
    let items = head.split(is_end).chain(last.split(is_end));
    let named = items.filter(|item| item.chars().any(char::is_alphabetic)).count();
    // `In 2 paragraphs: what you would do, what could change it` counts what it names.
    let counted = || has_numbers(text, &named.to_string());
    (numbers(list).is_empty() && (has_numbers(text, "") || counted())).then_some(named)
}

/// Whether a style names its columns, headings or paragraphs rather than count them, so that another wording has to name as many.
fn is_named(style: &Style) -> bool {
    names_all(style, &style.text)
}

/// Whether a text has letters of the script of a language.
fn in_script(text: &str, language: Language) -> bool {
    let (from, to) = match language {
        Language::Hindi => ('\u{900}', '\u{97f}'),
        Language::Thai => ('\u{e00}', '\u{e7f}'),
        _ => return text.chars().any(|c| c.is_alphabetic() && c < '\u{250}'),
    };
    text.chars().any(|c| (from..=to).contains(&c))
}

/// Whether a text has the words without which the constraint cannot be read from it: the marker, the language.
fn names(constraint: &Constraint, style: &Style, text: &str) -> bool {
    match constraint {
        Constraint::EndsWith { marker } => text.contains(marker.as_str()),
        Constraint::Contains { term } => text.to_lowercase().contains(&term.to_lowercase()),
        Constraint::Language { language } => {
            let known = NAMES.iter().filter(|(known, _)| known == language);
            let known: Vec<&str> = known.flat_map(|(_, names)| names.iter().copied()).collect();
            let short = SHORT.iter().filter(|(short, _)| short == language);
            let short: Vec<&str> = short.flat_map(|(_, names)| names.iter().copied()).collect();
            let named = |text: &str| {
                let text = plain(text);
                let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
                let shortened = words.windows(2).any(|pair| {
                    matches!(pair, [before, name] if IN.contains(before) && short.contains(name))
                });
                shortened || known.iter().any(|name| text.contains(name))
            };
            // Whoever writes their own styles may name it otherwise.
            named(text) || !named(&style.text)
        }
        _ => true,
    }
}

/// Short names of languages, behind one of the words of [`IN`]: `in Fr pls`.
const SHORT: [(Language, &[&str]); 6] = [
    (Language::English, &["eng", "engl"]),
    (Language::French, &["fr", "fra", "franc"]),
    (Language::German, &["ger", "germ", "dt", "dtsch"]),
    (Language::Spanish, &["sp", "span", "esp"]),
    (Language::Portuguese, &["port", "portug"]),
    (Language::Italian, &["ital"]),
];
const IN: [&str; 5] = ["in", "en", "em", "auf", "to"];

/// A text in lower case and without the nukta, which is written as a sign of its own, as part of a letter, or not at all.
fn plain(text: &str) -> String {
    let one = |c: char| match c {
        '\u{958}' => Some('\u{915}'),
        '\u{959}' => Some('\u{916}'),
        '\u{95a}' => Some('\u{917}'),
        '\u{95b}' => Some('\u{91c}'),
        '\u{95e}' => Some('\u{92b}'),
        '\u{93c}' => None,
        c => Some(c),
    };
    text.to_lowercase().chars().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use clinstruct_schema::{Facet, Slug, StylePlace};

    use super::*;

    fn style(text: &str, constraint: Constraint) -> Style {
        Style {
            id: Slug::of_name("s").expect("a slug"),
            group: "g".into(),
            text: text.into(),
            claims: vec![Facet::Length],
            constraints: vec![constraint],
            wording: 0,
            place: StylePlace::End,
            turn: 1,
            once: true,
            reworded: false,
        }
    }

    fn worded(style: Style, language: Language, written: &str) -> (String, bool) {
        let mut situation =
            Situation { asked_styles: vec![style], language, ..Situation::new("Nurse") };
        reword(&mut situation, &[written.to_owned()]);
        let style = situation.asked_styles.remove(0);
        (style.text, style.reworded)
    }

    #[test]
    fn a_request_is_taken_in_the_words_of_the_writer() {
        let same = "Keep your answer under 80 words.";
        let limit = style(same, Constraint::MaxWords { n: 80 });
        for written in ["80 words tops, I'm mid-round", " Can you keep it to 80 words? "] {
            let read = worded(limit.clone(), Language::English, written);
            assert_eq!(read, (written.trim().to_owned(), true));
        }
        assert_eq!(worded(limit.clone(), Language::English, same), (same.to_owned(), false));
        // Numbers of the reason, and lines broken with a thumb.
        for written in ["80 words max, 2 more are waiting", "80 words max - i see 12 today"] {
            assert_eq!(worded(limit.clone(), Language::English, written).0, written);
        }
        let written = "max 80 words pls\nthe bus leaves";
        let (text, _) = worded(limit, Language::English, written);
        assert_eq!(text, "max 80 words pls, the bus leaves");
        let child = style("A child should understand it.", Constraint::MaxWords { n: 200 });
        for (written, taken) in [
            ("In words for a child please, his sister of 8 will retell it.", true),
            ("In words for a child please, in 8 short sentences.", false),
        ] {
            assert_eq!(worded(child.clone(), Language::English, written).1, taken, "{written}");
        }
    }

    #[test]
    fn a_text_that_asks_for_something_else_is_not_taken() {
        let sample = "Keep your answer under 80 words.";
        let limit = style(sample, Constraint::MaxWords { n: 80 });
        for written in [
            "ok",
            "Short, please.",
            "At most 60 words, please.",
            "At most 80 words in 2 paragraphs, please.",
            "{\"text\": \"At most 80 words\"}",
            "<80 words>",
            &"80 words, and not one more. ".repeat(20),
        ] {
            let (text, reworded) = worded(limit.clone(), Language::English, written);
            assert_eq!((text.as_str(), reworded), (sample, false), "{written}");
        }
    }

    #[test]
    fn columns_may_be_named_instead_of_counted() {
        let sample = "Give me a table, 3 columns.";
        let table = style(sample, Constraint::TableColumns { n: 3 });
        for (language, written, taken) in [
            (Language::English, "As a table please: drug, dose and what to watch.", true),
            (Language::English, "As a table: drug, dose, and what to watch", true),
            (Language::English, "As a table: drug / dose / monitoring.", true),
            (
                Language::English,
                "Could you make it a table with the food, its replacement and the meal, so her daughter can stick it on the fridge?",
                true,
            ),
            (Language::English, "As a table: drug and dose.", false),
            (Language::English, "As a table with drug, dose and what to watch.", true),
            (Language::English, "A table I can go through with her, please.", false),
            (Language::English, "table: stump task, reason, hour, for bedside wall", true),
            (Language::English, "As a table: drug, dose in 2 units and what to watch.", false),
            // Blanks that nobody filled in.
            (Language::English, "As a table: …, …, ….", false),
            (Language::German, "Bitte eine Tabelle: Mittel, Dosis und Kontrolle", true),
            (Language::Hindi, "तालिका में दीजिए: दवा, खुराक और निगरानी।", true),
            (Language::Thai, "ขอเป็นตาราง: ยา, ขนาด และสิ่งที่ต้องเฝ้าระวัง", true),
        ] {
            assert_eq!(worded(table.clone(), language, written).1, taken, "{written}");
        }
        for (language, written) in [
            (
                Language::English,
                "As a table please: agent, what speaks for it, what speaks against it, so that I can read it across to the consultant by radio.",
            ),
            (
                Language::English,
                "A table would help: drug, dose, what to watch. I'm pinning it up in the store.",
            ),
            (
                Language::English,
                "As a table: drug, dose and what to watch, because the ward has no formulary",
            ),
            (
                Language::German,
                "Bitte eine Tabelle: Mittel, Dosis und Kontrolle, weil ich sie aufhänge.",
            ),
            (
                Language::French,
                "En tableau : le produit, la dose, la surveillance, car je le colle sur l'armoire.",
            ),
            (Language::Hindi, "तालिका में दीजिए: दवा, खुराक और निगरानी, ताकि मैं इसे दीवार पर लगा सकूँ।"),
        ] {
            assert!(worded(table.clone(), language, written).1, "{written}");
        }
        let sample = "A resposta deve ter dois parágrafos: a sua opinião, o que poderia mudá-la.";
        let opinion = style(sample, Constraint::ExactParagraphs { n: 2 });
        for (written, taken) in [
            (
                "Em 2 parágrafos, por favor: a conduta que defende, o que poderia mudá-la, porque na reunião vão perguntar pelas exceções.",
                true,
            ),
            ("Em 3 parágrafos: a conduta, o que poderia mudá-la.", false),
            ("Em 2 parágrafos: a conduta, o que poderia mudá-la, as fontes.", false),
        ] {
            let read = worded(opinion.clone(), Language::Portuguese, written);
            assert_eq!(read.1, taken, "{written}");
        }
        let paragraphs = style(
            "Two paragraphs please: what to do, then why.",
            Constraint::ExactParagraphs { n: 2 },
        );
        let written = "Two paragraphs, please: the wording itself, then what could change it, since his Hb is repeated before departure.";
        assert!(worded(paragraphs.clone(), Language::English, written).1);
        let written = "Two paragraphs please: what is certain of diet and growth, what is not, as I defend the plan on Friday.";
        assert!(worded(paragraphs, Language::English, written).1);
        // Bullets are counted, whatever is named.
        let headings =
            style("Headings: now, this week, later.", Constraint::ExactHeadings { n: 3 });
        let written =
            "Headings pls: now, this week, later - mum is back on Friday and I'd work down them.";
        assert!(worded(headings, Language::English, written).1);
        let bullets = style("Just 3 bullets.", Constraint::ExactBullets { n: 3 });
        let written = "As bullets: drug, dose and what to watch.";
        assert!(!worded(bullets, Language::English, written).1);
    }

    #[test]
    fn columns_headings_and_paragraphs_are_named() {
        let catalog = clinstruct_catalog::Catalog::embedded().unwrap();
        for (id, short) in [
            ("table", "A table please."),
            ("headings", "With headings please."),
            ("paragraphs", "In paragraphs please."),
        ] {
            let option = catalog.styles.asked.iter().find(|o| o.id.as_str() == id).unwrap();
            let others = catalog.languages.texts.iter().map(|t| t.wordings(id));
            for wordings in others.chain([option.wordings.as_slice()]) {
                assert!(wordings.len() >= 6);
                for wording in wordings {
                    let style = style(&wording.text.0, option.constraint.clone());
                    assert!(is_named(&style), "{}", wording.text.0);
                    assert!(!fits(&style, short, Language::English));
                }
            }
        }
    }

    #[test]
    fn a_writer_may_name_more_than_the_sample() {
        let sample = "Please put your answer into a table: what to do, why, when.";
        let table = style(sample, Constraint::TableColumns { n: 3 });
        for (text, n, is_taken) in [
            ("Both want to compare, so a table: treatment, bleeding, clots, the baby.", 4, true),
            ("As a table: treatment, bleeding.", 2, true),
            ("As a table: a, b, c, d, e, f, g.", 3, false),
            ("As a table: …, …, ….", 3, false),
        ] {
            let mut situation =
                Situation { asked_styles: vec![table.clone()], ..Situation::new("Nurse") };
            reword(&mut situation, &[text.to_owned()]);
            let asked = &situation.asked_styles[0];
            assert_eq!(asked.constraints, [Constraint::TableColumns { n }], "{text}");
            assert_eq!(asked.text == text, is_taken, "{text}");
        }
    }

    #[test]
    fn a_marker_is_in_the_language_of_its_request() {
        let catalog = clinstruct_catalog::Catalog::embedded().unwrap();
        let option = catalog.styles.asked.iter().find(|o| o.id.as_str() == "end-marker").unwrap();
        for texts in &catalog.languages.texts {
            let Constraint::EndsWith { marker } = texts.constraint(option) else {
                panic!("no marker")
            };
            assert_ne!(Constraint::EndsWith { marker: marker.clone() }, option.constraint);
            let wordings = texts.wordings("end-marker");
            assert!(wordings.iter().all(|w| w.text.0.contains(&marker)), "{marker}");
        }
    }

    #[test]
    fn a_marker_and_a_language_stay() {
        let marker = Constraint::EndsWith { marker: "END OF ADVICE".into() };
        let marked = style("End with the line END OF ADVICE.", marker);
        let taken = |written: &str| worded(marked.clone(), Language::English, written).1;
        assert!(taken("Put END OF ADVICE last so I know nothing was cut off."));
        assert!(!taken("Put a last line so I know nothing was cut off."));

        for (of, language, sample, good, bad) in [
            (
                Language::English,
                Language::German,
                "Please answer in German.",
                "Our notes are in German, so write that.",
                "Our notes are in French, so write that.",
            ),
            (
                Language::French,
                Language::English,
                "Répondez en anglais.",
                "En anglais s'il vous plaît.",
                "En espagnol s'il vous plaît.",
            ),
            (
                Language::Hindi,
                Language::French,
                "कृपया फ़्रेंच में उत्तर दें।",
                "जवाब फ्रेंच में लिखिए",
                "जवाब जर्मन में लिखिए",
            ),
            (
                Language::Thai,
                Language::Hindi,
                "กรุณาตอบเป็นภาษาฮินดี",
                "ขอคำตอบเป็นภาษาฮินดี",
                "ขอคำตอบเป็นภาษาสเปน",
            ),
        ] {
            let asked = style(sample, Constraint::Language { language });
            assert!(worded(asked.clone(), of, good).1, "{good}");
            assert!(!worded(asked, of, bad).1, "{bad}");
        }
    }

    #[test]
    fn a_language_may_be_named_in_short() {
        let asked =
            style("Please answer in French.", Constraint::Language { language: Language::French });
        for (text, kept) in [
            ("In Fr pls, nurse reading along?", true),
            ("Ans in fra, wife reads no Eng", true),
            ("In Sp pls, nurse reading along?", false),
            ("Ref to fracture clinic, pls", false),
        ] {
            assert_eq!(worded(asked.clone(), Language::English, text).1, kept, "{text}");
        }
    }

    #[test]
    fn a_request_is_in_the_language_of_the_message() {
        let sample = "उत्तर 80 शब्दों में दें।";
        let asked = style(sample, Constraint::MaxWords { n: 80 });
        assert!(!worded(asked.clone(), Language::Hindi, "80 words, please.").1);
        let (text, reworded) = worded(asked, Language::Hindi, "बस 80 शब्द काफ़ी हैं");
        assert_eq!((text.as_str(), reworded), ("बस 80 शब्द काफ़ी हैं", true));
    }

    #[test]
    fn what_nobody_would_ask_for_is_left_out() {
        let one = style("One.", Constraint::NoMarkdown);
        let other = Style { id: Slug::of_name("other").expect("a slug"), ..one.clone() };
        let asked_styles = vec![one, other];
        let mut situation = Situation { asked_styles, ..Situation::new("Nurse") };
        let mut emergency = Situation { emergency_instruction: true, ..situation.clone() };
        reword(&mut situation, &[" ".into(), "Plain text, please.".into()]);
        let left: Vec<&str> = situation.asked_styles.iter().map(|s| s.text.as_str()).collect();
        assert_eq!(left, ["Plain text, please."]);
        assert_eq!(situation.declined_styles, [Slug::of_name("s").expect("a slug")]);
        reword(&mut emergency, &[String::new()]);
        assert_eq!((emergency.asked_styles.len(), emergency.declined_styles.len()), (2, 0));
    }

    #[test]
    fn missing_texts_leave_the_drawn_words() {
        let one = style("One.", Constraint::NoMarkdown);
        let mut situation =
            Situation { asked_styles: vec![one.clone(), one.clone()], ..Situation::new("Nurse") };
        reword(&mut situation, &["Plain text, please.".into()]);
        assert_eq!(situation.asked_styles[0].text, "Plain text, please.");
        assert_eq!(situation.asked_styles[1], one);
    }
}
