use std::collections::BTreeMap;

/// A statement whose braces hold what is drawn for each patient.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sentence(pub Vec<Piece>);

/// A part of a [`Sentence`].
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// Said as it is.
    Text(String),
    /// One of several.
    OneOf(Vec<Sentence>),
    /// A whole number, both ends included.
    Number(u32, u32),
    /// The age at the event.
    Age,
    /// How long ago the event was.
    Ago,
    /// Pack-years of smoking.
    PackYears,
    /// The relative that the statement is about.
    Relative,
}

/// What is wrong with a sentence, and the slot that it is about.
#[derive(Debug, PartialEq)]
pub(crate) struct Wrong {
    pub(crate) message: String,
    pub(crate) slot: Option<String>,
}

/// Lists that sentences name.
pub(crate) type Lists = BTreeMap<String, Vec<String>>;

/// Lists can name lists, but not themselves.
const DEEPEST: usize = 8;

impl Sentence {
    /// Reads `{a|b}`, `{3..9}`, `{age}` and names of `lists`; braces can be nested.
    pub(crate) fn parse(text: &str, lists: &Lists) -> Result<Self, Wrong> {
        parse(text, lists, 0)
    }

    /// Whether the piece occurs, at any depth.
    pub fn has(&self, wanted: &Piece) -> bool {
        self.0.iter().any(|piece| {
            piece == wanted
                || matches!(piece, Piece::OneOf(all) if all.iter().any(|s| s.has(wanted)))
        })
    }
}

fn parse(text: &str, lists: &Lists, depth: usize) -> Result<Sentence, Wrong> {
    let wrong = |message: &str| Err(Wrong { message: message.to_owned(), slot: None });
    if depth > DEEPEST {
        return wrong("braces are nested too deeply, or a list contains itself");
    }
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        let (said, after) = rest.split_at(open);
        if !after.starts_with('{') {
            return wrong("a brace is closed that was not opened");
        }
        let Some(close) = closing(after) else { return wrong("a brace is not closed") };
        if !said.is_empty() {
            pieces.push(Piece::Text(said.to_owned()));
        }
        pieces.push(slot(&after[1..close], lists, depth)?);
        rest = &after[close + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(Sentence(pieces))
}

/// The brace that closes the first one.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' => open += 1,
            '}' if open == 1 => return Some(at),
            '}' => open -= 1,
            _ => {}
        }
    }
    None
}

fn slot(inner: &str, lists: &Lists, depth: usize) -> Result<Piece, Wrong> {
    let all = alternatives(inner);
    let of = |texts: &mut dyn Iterator<Item = &str>| {
        texts.map(|t| parse(t, lists, depth + 1)).collect::<Result<Vec<_>, _>>()
    };
    if all.len() > 1 {
        return Ok(Piece::OneOf(of(&mut all.into_iter())?));
    }
    if let Some((from, to)) = inner.split_once("..")
        && let (Ok(from), Ok(to)) = (from.parse(), to.parse())
    {
        if from > to {
            let message = format!("the range {{{inner}}} is empty");
            return Err(Wrong { message, slot: Some(inner.to_owned()) });
        }
        return Ok(Piece::Number(from, to));
    }
    match (inner, lists.get(inner)) {
        ("age", _) => Ok(Piece::Age),
        ("ago", _) => Ok(Piece::Ago),
        ("pack", _) => Ok(Piece::PackYears),
        ("relative", _) => Ok(Piece::Relative),
        (_, Some(list)) => Ok(Piece::OneOf(of(&mut list.iter().map(String::as_str))?)),
        (_, None) => {
            let message = format!("unknown slot {{{inner}}}");
            Err(Wrong { message, slot: Some(inner.to_owned()) })
        }
    }
}

/// Splits at the bars that are in no inner braces.
fn alternatives(inner: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let (mut from, mut open) = (0, 0);
    for (at, c) in inner.char_indices() {
        match c {
            '{' => open += 1,
            '}' => open -= 1,
            '|' if open == 0 => {
                all.push(&inner[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    all.push(&inner[from..]);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists() -> Lists {
        [("job".to_owned(), vec!["a cook".to_owned(), "a {sea|river} pilot".to_owned()])].into()
    }

    #[test]
    fn slots_are_read_at_any_depth() {
        let sentence =
            Sentence::parse("was {job|ill at {age}|away for {2..3} days}.", &lists()).unwrap();
        let [Piece::Text(was), Piece::OneOf(all), Piece::Text(stop)] = &sentence.0[..] else {
            panic!("{sentence:?}");
        };
        assert_eq!((was.as_str(), stop.as_str(), all.len()), ("was ", ".", 3));
        assert!(sentence.has(&Piece::Age) && sentence.has(&Piece::Number(2, 3)));
        assert!(!sentence.has(&Piece::Ago));
        // An alternative is a text, and not the name of a list; a lone name is one.
        assert!(sentence.has(&Piece::Text("job".to_owned())));
        let listed = Sentence::parse("{job}", &lists()).unwrap();
        assert!(listed.has(&Piece::Text("river".to_owned())));
    }

    #[test]
    fn mistakes_are_told() {
        let told = |text: &str| Sentence::parse(text, &lists()).unwrap_err().message;
        assert_eq!(told("a {b"), "a brace is not closed");
        assert_eq!(told("a } b"), "a brace is closed that was not opened");
        assert_eq!(told("a {jobs}"), "unknown slot {jobs}");
        assert_eq!(told("a {9..3}"), "the range {9..3} is empty");
        let circle = [("a".to_owned(), vec!["x {a}".to_owned()])].into();
        let wrong = Sentence::parse("{a}", &circle).unwrap_err();
        assert_eq!(wrong.message, "braces are nested too deeply, or a list contains itself");
    }
}
