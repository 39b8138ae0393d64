//! The named rules that remove what is not part of a text.

/// The rules that changed a text, as a bit set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Cleanup(u32);

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $bit:literal, $text:literal;)*) => {
        impl Cleanup {
            $($(#[$doc])* pub const $name: Self = Self(1 << $bit);)*

            /// Every rule with its name.
            const ALL: &'static [(Self, &'static str)] = &[$((Self::$name, $text)),*];
        }
    };
}

rules! {
    /// Removed a code fence around the whole text.
    CODE_FENCE = 0, "code_fence";
    /// Removed a pair of quotation marks around the whole text.
    WRAPPING_QUOTES = 1, "wrapping_quotes";
    /// Removed a role tag before the text or one of its lines.
    ROLE_TAG = 2, "role_tag";
    /// Removed the number of a single prompt.
    NUMBERING = 3, "numbering";
    /// Turned a heading of three or more number signs into bold text.
    HASH_HEADING = 4, "hash_heading";
    /// Removed control characters or U+FFFD.
    CONTROL_CHARACTER = 5, "control_character";
    /// Trimmed white space around the text.
    OUTER_SPACE = 6, "outer_space";
    /// Repaired JSON escapes that swallowed a backslash.
    JSON_ESCAPES = 7, "json_escapes";
    /// Dropped text around the JSON object.
    TEXT_AROUND = 8, "text_around";
    /// Separated reasoning from the answer.
    REASONING = 9, "reasoning";
    /// Removed control tokens before or after the text.
    CONTROL_TOKEN = 10, "control_token";
}

impl Cleanup {
    /// The set as bits.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// The set of these bits.
    pub fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Whether no rule changed anything.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The union of both sets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Names of the rules in the set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().filter(move |(rule, _)| self.0 & rule.0 != 0).map(|(_, name)| *name)
    }
}

/// A text after the rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// The text.
    pub text: String,
    /// Reasoning that was removed, if any.
    pub reasoning: Option<String>,
    /// Rules that changed the text.
    pub cleanup: Cleanup,
}

type Rule = (Cleanup, fn(&str) -> Option<String>);

const RULES: [Rule; 7] = [
    (Cleanup::CONTROL_CHARACTER, control_character),
    (Cleanup::OUTER_SPACE, outer_space),
    (Cleanup::CONTROL_TOKEN, crate::control::edges),
    (Cleanup::CODE_FENCE, code_fence),
    (Cleanup::WRAPPING_QUOTES, wrapping_quotes),
    (Cleanup::ROLE_TAG, role_tag),
    (Cleanup::HASH_HEADING, hash_heading),
];

/// Applies the rules until none changes anything. `item`: the text is a single prompt, which may be numbered.
pub fn clean(text: &str, item: bool) -> Cleaned {
    let mut text = text.to_owned();
    let mut cleanup = Cleanup::default();
    // This terminates: every rule but one shortens the text, and that one leaves nothing for itself.
    loop {
        let mut changed = false;
        for (rule, apply) in RULES {
            if let Some(next) = apply(&text) {
                // White space around a text is too common to report.
                if rule != Cleanup::OUTER_SPACE {
                    cleanup = cleanup.and(rule);
                }
                text = next;
                changed = true;
            }
        }
        if item && let Some(next) = numbering(&text) {
            cleanup = cleanup.and(Cleanup::NUMBERING);
            text = next;
            changed = true;
        }
        if !changed {
            return Cleaned { text, reasoning: None, cleanup };
        }
    }
}

fn control_character(text: &str) -> Option<String> {
    let bad = |c: char| (c.is_control() && !matches!(c, '\n' | '\r' | '\t')) || c == '\u{fffd}';
    let start = text.strip_prefix('\u{feff}');
    // The first bytes of such characters; most texts have none of them, and need not be looked at character by character.
    let may = |byte: &u8| match byte {
        b'\n' | b'\r' | b'\t' => false,
        0..0x20 | 0x7f | 0xc2 | 0xef => true,
        _ => false,
    };
    if start.is_none() && !(text.as_bytes().iter().any(may) && text.contains(bad)) {
        return None;
    }
    Some(start.unwrap_or(text).chars().filter(|c| !bad(*c)).collect())
}

fn outer_space(text: &str) -> Option<String> {
    let trimmed = text.trim();
    (trimmed.len() < text.len()).then(|| trimmed.to_owned())
}

fn code_fence(text: &str) -> Option<String> {
    let inner = text.strip_prefix("```")?.strip_suffix("```")?;
    let (language, body) = inner.split_once('\n')?;
    let plain = language.trim().chars().all(|c| c.is_ascii_alphanumeric());
    (plain && !body.contains("```")).then(|| body.trim_end_matches(['\n', '\r']).to_owned())
}

const QUOTES: [(char, char); 7] =
    [('"', '"'), ('\'', '\''), ('“', '”'), ('‘', '’'), ('«', '»'), ('„', '“'), ('「', '」')];

fn wrapping_quotes(text: &str) -> Option<String> {
    QUOTES.iter().find_map(|(open, close)| {
        let inner = text.strip_prefix(*open)?.strip_suffix(*close)?;
        // A quote inside may pair with an outer one: `"a" and "b"` is not wrapped.
        (!inner.contains(*open) && !inner.contains(*close)).then(|| inner.to_owned())
    })
}

/// Tags that people and models write before a turn; lower case.
const LEADING_TAGS: [&str; 18] = [
    "user:",
    "assistant:",
    "chatbot:",
    "human:",
    "ai:",
    "system:",
    "health worker:",
    "medical assistant:",
    "doctor:",
    "(user)",
    "(chatbot)",
    "(assistant)",
    "[user]",
    "[assistant]",
    "**user:**",
    "**assistant:**",
    "**doctor:**",
    "**chatbot:**",
];
/// Tags that no person writes, at the start of any line; lower case.
const MACHINE_TAGS: [&str; 5] = ["(user)", "(chatbot)", "(assistant)", "[user]", "[assistant]"];

/// The length in bytes of the tag at the start of a line. Tags are ASCII, so lengths agree.
fn tag(line: &str, tags: &[&str]) -> Option<usize> {
    tags.iter()
        .find(|t| line.get(..t.len()).is_some_and(|start| start.eq_ignore_ascii_case(t)))
        .map(|t| t.len())
}

fn role_tag(text: &str) -> Option<String> {
    if let Some(length) = tag(text, &LEADING_TAGS) {
        let rest = text.get(length..)?.trim_start_matches([' ', '\t', ':']);
        return Some(rest.to_owned());
    }
    // Fast path: no line can start with a machine's tag.
    if !text.as_bytes().iter().any(|byte| matches!(byte, b'(' | b'<' | b'[')) {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut changed = false;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        let (space, start) = line.split_at(indent);
        match tag(start, &MACHINE_TAGS).and_then(|length| start.get(length..)) {
            Some(rest) => {
                changed = true;
                out.push_str(rest.trim_start_matches([' ', '\t', ':']));
            }
            None => {
                out.push_str(space);
                out.push_str(start);
            }
        }
    }
    changed.then_some(out)
}

fn numbering(text: &str) -> Option<String> {
    let rest = match text.get(..7).filter(|t| t.eq_ignore_ascii_case("prompt ")) {
        Some(_) => text.get(7..)?,
        None => text,
    };
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits == 0 || digits > 2 {
        return None;
    }
    let after = rest.get(digits..)?;
    let body = after
        .strip_prefix(". ")
        .or_else(|| after.strip_prefix(") "))
        .or_else(|| after.strip_prefix(": "))?;
    // A list of several items belongs to the text.
    let is_list = body.lines().any(|l| {
        let l = l.trim_start();
        let number = l.len() - l.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        number > 0 && l.get(number..).is_some_and(|r| r.starts_with(['.', ')']))
    });
    (!is_list).then(|| body.to_owned())
}

fn hash_heading(text: &str) -> Option<String> {
    if !text.contains("###") {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut changed = false;
    let mut fenced = false;
    for line in text.split_inclusive('\n') {
        let body = line.trim_end_matches(['\n', '\r']);
        let end = line.get(body.len()..).unwrap_or_default();
        if body.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let title = body.trim_start().strip_prefix("###").filter(|_| !fenced);
        match title {
            Some(title) => {
                changed = true;
                let title = title.trim_matches(['#', ' ', '\t']);
                if !title.is_empty() {
                    let bold = title.starts_with("**") && title.ends_with("**") && title.len() > 4;
                    if bold {
                        out.push_str(title);
                    } else {
                        out.push_str("**");
                        out.push_str(title);
                        out.push_str("**");
                    }
                }
                out.push_str(end);
            }
            None => out.push_str(line),
        }
    }
    changed.then_some(out)
}
