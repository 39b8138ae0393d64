//! JSON as models write it.

/// LaTeX commands whose first letter JSON would read as an escape: `\b`, `\f`, `\n`, `\r`, `\t`. The longest of each
/// kind suffices: `beta` covers `\beta` only. `\ni` and `\ne` are not among them: lines begin
/// with `i` on a phone, and with `e` in Italian and Portuguese.
const COMMANDS: [&str; 44] = [
    "bar",
    "backslash",
    "because",
    "begin",
    "beta",
    "bf",
    "big",
    "binom",
    "boldsymbol",
    "bot",
    "bullet",
    "boxed",
    "forall",
    "frac",
    "flat",
    "nabla",
    "neg",
    "neq",
    "nolimits",
    "not",
    "notin",
    "nu",
    "rangle",
    "rbrace",
    "rceil",
    "rfloor",
    "rho",
    "right",
    "rightarrow",
    "rm",
    "tan",
    "tanh",
    "tau",
    "text",
    "textbf",
    "textit",
    "textrm",
    "tfrac",
    "theta",
    "tilde",
    "times",
    "to",
    "top",
    "triangle",
];

/// Repairs escapes in a JSON text that would swallow a backslash: invalid ones (`\c`, `\alpha`, `C:\Programs`) and
/// valid ones that start a LaTeX command (`\frac`). `None` if there is nothing to repair.
pub(crate) fn repair_escapes(json: &str) -> Option<String> {
    if !json.contains('\\') {
        return None;
    }
    let mut out = String::with_capacity(json.len() + 16);
    let mut rest = json;
    let mut changed = false;
    while let Some(at) = rest.find('\\') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let after = from.get(1..).unwrap_or_default();
        let mut chars = after.chars();
        let literal = match chars.next() {
            Some('"' | '\\' | '/') => false,
            Some('u') => {
                let four: Vec<char> = chars.by_ref().take(4).collect();
                four.len() < 4 || !four.iter().all(char::is_ascii_hexdigit)
            }
            Some('b' | 'f' | 'n' | 'r' | 't') => {
                let word: &str =
                    after.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
                COMMANDS.contains(&word)
            }
            _ => true,
        };
        if literal {
            changed = true;
            out.push_str("\\\\");
            rest = after;
        } else {
            // The escape is kept: the backslash and the next character.
            let length = after.chars().next().map_or(0, char::len_utf8);
            out.push('\\');
            out.push_str(after.get(..length).unwrap_or_default());
            rest = after.get(length..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    changed.then_some(out)
}

/// The first JSON object in a text, and whether anything but white space surrounds it.
pub(crate) fn object(text: &str) -> Option<(&str, bool)> {
    let start = text.find('{')?;
    let mut depth = 0_usize;
    let mut quoted = false;
    let mut escaped = false;
    for (i, b) in text.bytes().enumerate().skip(start) {
        if quoted {
            match b {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
            continue;
        }
        match b {
            b'"' => quoted = true,
            b'{' => depth += 1,
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    let around = !text.get(..start)?.trim().is_empty()
                        || !text.get(i + 1..)?.trim().is_empty();
                    return Some((text.get(start..=i)?, around));
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> String {
        let text = repair_escapes(json).unwrap_or_else(|| json.to_owned());
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn backslashes_survive_however_a_model_wrote_them() {
        for (json, text) in [
            (r#""\\frac{1}{2}""#, r"\frac{1}{2}"),
            (r#""\frac{1}{2}""#, r"\frac{1}{2}"),
            (r#""3 \times 4 and \beta""#, r"3 \times 4 and \beta"),
            (r#""\alpha, \Delta, \(x\)""#, r"\alpha, \Delta, \(x\)"),
            (r#""C:\Programs\data""#, r"C:\Programs\data"),
            (r#""C:\\new""#, r"C:\new"),
            (r#""a\nb\tc""#, "a\nb\tc"),
            (r#""a\nnew line""#, "a\nnew line"),
            (r#""help\ni have a fever""#, "help\ni have a fever"),
            (r#""tosse\ne febbre""#, "tosse\ne febbre"),
            (r#""\u00e9 \"x\" \/""#, "é \"x\" /"),
            (r#""\unit""#, r"\unit"),
            (r#""\text{mg}\rightarrow\nu""#, r"\text{mg}\rightarrow\nu"),
        ] {
            assert_eq!(read(json), text, "{json}");
        }
    }

    #[test]
    fn finds_the_object() {
        assert_eq!(object(r#"Here: {"a": "}"} ok"#), Some((r#"{"a": "}"}"#, true)));
        assert_eq!(object(r#" {"a": {"b": 1}} "#), Some((r#"{"a": {"b": 1}}"#, false)));
        assert_eq!(object(r#"{"a": "#), None);
    }
}
