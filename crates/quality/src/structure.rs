//! Lists, headings, tables, paragraphs and marks of a text.

use std::ops::Range;

use crate::lines::lines;

/// Whether a line is a code fence.
pub(crate) fn is_fence(line: &str) -> bool {
    line.starts_with("```") || line.starts_with("~~~")
}

/// Whether a line is a rule, or the line below a table header.
pub(crate) fn is_rule(line: &str) -> bool {
    line.len() >= 3 && line.chars().all(|c| matches!(c, '-' | '|' | ':' | ' ' | '*' | '_' | '='))
}

fn bullet_length(line: &str) -> Option<usize> {
    ["- ", "* ", "• ", "+ ", "– ", "◦ "].iter().find(|m| line.starts_with(**m)).map(|m| m.len())
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || ('०'..='९').contains(&c) || ('๐'..='๙').contains(&c)
}

fn number_length(line: &str) -> Option<usize> {
    let rest = line.trim_start_matches("**");
    let digits = rest.len() - rest.trim_start_matches(is_digit).len();
    let behind = rest.get(digits..)?;
    let mark = behind.chars().next().filter(|c| matches!(c, '.' | ')'))?;
    let space = behind.get(mark.len_utf8()..)?.chars().next()?;
    let short = digits > 0 && rest.get(..digits)?.chars().count() <= 3;
    (short && (space.is_whitespace() || space == '*'))
        .then(|| line.len() - rest.len() + digits + mark.len_utf8())
}

fn heading_length(line: &str) -> Option<usize> {
    let rest = line.trim_start_matches('#');
    let marks = line.len() - rest.len();
    ((1..=6).contains(&marks) && rest.starts_with(' ')).then_some(marks)
}

/// Length in bytes of the list or heading marker at the start of a line.
pub(crate) fn marker_length(line: &str) -> usize {
    let marker =
        bullet_length(line).or_else(|| heading_length(line)).or_else(|| number_length(line));
    let marker = marker.unwrap_or(0);
    // A number after a heading marker.
    match line.get(marker..) {
        Some(rest) if marker > 0 && line.starts_with('#') => {
            let space = rest.len() - rest.trim_start().len();
            marker + space + number_length(rest.trim_start()).unwrap_or(0)
        }
        _ => marker,
    }
}

fn matching(text: &str, wanted: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
    lines(text).filter(|l| wanted(&text[l.clone()])).collect()
}

/// Lines that are bullets.
pub fn bullets(text: &str) -> Vec<Range<usize>> {
    matching(text, |l| bullet_length(l).is_some() && !is_rule(l))
}

/// Lines that are numbered items.
pub fn numbered(text: &str) -> Vec<Range<usize>> {
    matching(text, |l| number_length(l).is_some())
}

/// What steps are called in front of their numbers, in lower case.
const STEP: [&str; 9] =
    ["step", "schritt", "étape", "etape", "paso", "passo", "etapa", "चरण", "ขั้นตอนที่"];

/// Lines that begin with the number of a step in words: `**Step 2. Drink.**`, `### Schritt 2: Trinken`.
pub fn labelled_steps(text: &str) -> Vec<Range<usize>> {
    matching(text, |line| {
        let rest = line.trim_start_matches(['#', '*', ' ']);
        let word = rest.split(|c: char| c.is_whitespace() || is_digit(c)).next();
        let Some(word) = word.filter(|word| STEP.contains(&word.to_lowercase().as_str())) else {
            return false;
        };
        let behind = rest.get(word.len()..).unwrap_or_default().trim_start();
        let after = behind.trim_start_matches(is_digit);
        let ends = |c: char| c.is_whitespace() || ".:)–—-*".contains(c);
        after.len() < behind.len() && after.chars().next().is_none_or(ends)
    })
}

/// Lines that are Markdown headings.
pub fn headings(text: &str) -> Vec<Range<usize>> {
    matching(text, |l| heading_length(l).is_some())
}

/// Lines that are bold from end to end.
pub fn bold_lines(text: &str) -> usize {
    let bold = |line: &str| {
        let inner = line.trim().trim_end_matches(':').strip_prefix("**");
        let inner = inner.and_then(|rest| rest.strip_suffix("**"));
        inner.is_some_and(|inner| !inner.trim().is_empty() && !inner.contains("**"))
    };
    text.lines().filter(|line| bold(line)).count()
}

/// Columns of each table row of a text, without the lines below headers.
pub fn table_rows(text: &str) -> Vec<usize> {
    matching(text, |l| l.starts_with('|') && !is_rule(l))
        .into_iter()
        .map(|l| text[l].trim_matches('|').split('|').count())
        .collect()
}

/// Blocks of text between blank lines.
pub fn paragraphs(text: &str) -> usize {
    let mut count = 0;
    let mut open = false;
    for line in text.lines() {
        let blank = line.trim().is_empty();
        if !blank && !open {
            count += 1;
        }
        open = !blank;
    }
    count
}

/// Position of the first Markdown: emphasis, code, a heading, a bullet, a table or a link.
///
/// Numbered lines do not count: plain text has them too.
pub fn markdown(text: &str) -> Option<Range<usize>> {
    for line in lines(text) {
        let whole = &text[line.clone()];
        let marks = ["**", "__", "`"].iter().find_map(|m| {
            // Blanks to fill in are no emphasis: `Temperature: ____`.
            if *m == "__" && whole.contains("___") {
                return None;
            }
            let first = whole.find(m)?;
            let second = whole.get(first + m.len()..)?.find(m)?;
            Some(line.start + first..line.start + first + 2 * m.len() + second)
        });
        if marks.is_some() {
            return marks;
        }
        let link = whole.find("](").filter(|at| whole.get(..*at).is_some_and(|b| b.contains('[')));
        if bullet_length(whole)
            .is_some_and(|m| whole.is_char_boundary(m) && !whole.starts_with('–'))
            || heading_length(whole).is_some()
            || is_fence(whole)
            || (whole.starts_with('|') && whole.len() > 1 && whole.ends_with('|'))
            || link.is_some()
        {
            return Some(line);
        }
    }
    None
}

/// Whether the first line is a title in bold.
pub fn starts_with_title(text: &str) -> bool {
    lines(text).next().is_some_and(|l| {
        let line = &text[l];
        let inner = line.strip_prefix("**").and_then(|l| l.strip_suffix("**"));
        inner.is_some_and(|i| !i.contains("**") && i.chars().any(char::is_alphanumeric))
    })
}
