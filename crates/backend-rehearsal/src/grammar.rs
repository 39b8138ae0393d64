//! The grammar files, parsed once.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use clinstruct_draw::Draw;
use clinstruct_schema::{Language, language_table};
use serde::Deserialize;

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Slot(String),
}

/// A sentence with slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
}

impl Template {
    pub(crate) fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, tail)) = after.split_once('}') else { break };
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(Piece::Slot(name.to_owned()));
            rest = tail;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Self { pieces }
    }

    pub(crate) fn slots(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|p| match p {
            Piece::Slot(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// Whether every slot is one of `names`.
    pub(crate) fn needs_only(&self, names: &[&str]) -> bool {
        self.slots().all(|s| names.contains(&s))
    }

    /// The text with blank slots, for a template without any.
    pub(crate) fn plain(&self) -> String {
        self.raw(|_| String::new())
    }

    /// The sentence with slots filled by `fill`, and a capital first letter.
    pub(crate) fn fill(&self, fill: impl FnMut(&str) -> String) -> String {
        capital(self.raw(fill))
    }

    /// The text with slots filled by `fill`, for use inside a sentence.
    pub(crate) fn raw(&self, mut fill: impl FnMut(&str) -> String) -> String {
        let mut out = String::with_capacity(96);
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Slot(name) => out.push_str(&fill(name)),
            }
        }
        out
    }
}

/// The text with a capital first letter.
pub(crate) fn capital(text: String) -> String {
    match text.chars().next() {
        Some(first) if first.is_lowercase() => {
            let mut out: String = first.to_uppercase().collect();
            out.push_str(text.get(first.len_utf8()..).unwrap_or_default());
            out
        }
        _ => text,
    }
}

#[derive(Deserialize)]
struct File {
    /// Whether the script has no spaces between words and no mark at the end of a sentence.
    #[serde(default)]
    unspaced: bool,
    lists: BTreeMap<String, Vec<String>>,
    sentences: BTreeMap<String, Vec<String>>,
}

/// The grammar of one language.
#[derive(Debug)]
pub(crate) struct Grammar {
    pub(crate) language: Language,
    pub(crate) unspaced: bool,
    lists: BTreeMap<String, Vec<String>>,
    sentences: BTreeMap<String, Vec<Template>>,
}

impl Grammar {
    fn parse(language: Language, text: &str) -> Result<Self, String> {
        let file: File = crate::embedded::read(text)?;
        let sentences = file
            .sentences
            .into_iter()
            .map(|(name, all)| (name, all.iter().map(|t| Template::parse(t)).collect()))
            .collect();
        Ok(Self { language, unspaced: file.unspaced, lists: file.lists, sentences })
    }

    /// An item of a list; blank if there is no such list.
    pub(crate) fn item(&self, list: &str, draw: &mut Draw) -> String {
        self.lists.get(list).and_then(|l| draw.pick(l)).cloned().unwrap_or_default()
    }

    pub(crate) fn list(&self, name: &str) -> &[String] {
        self.lists.get(name).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn sentences(&self, category: &str) -> &[Template] {
        self.sentences.get(category).map_or(&[], Vec::as_slice)
    }
}

/// The health worker's side, in English.
#[derive(Debug, Default)]
pub(crate) struct Worker {
    /// Phrases, by group and name.
    groups: BTreeMap<String, BTreeMap<String, Vec<Template>>>,
    /// Words that decide what fits.
    pub(crate) words: Words,
}

/// Words that decide what fits, and words that join sentences.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    /// Small numbers of a duration.
    pub(crate) numbers: Vec<String>,
    /// Units of a duration.
    pub(crate) units: Vec<String>,
    /// Stems that mark a complaint or detail as one of women and girls.
    pub(crate) female: Vec<String>,
    /// Stems that mark a complaint or detail as one of men and boys.
    pub(crate) male: Vec<String>,
    /// A lead before a sentence with fixed wording; `{}` is its topic.
    pub(crate) leads: Vec<String>,
    /// Lists of the English grammar that supply the topic of a lead.
    pub(crate) about: Vec<String>,
    /// The kinds of facts, in the order in which they are volunteered.
    pub(crate) facts: Vec<FactKind>,
}

/// A kind of fact about the patient.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FactKind {
    /// Its list of replies.
    pub(crate) kind: String,
    /// Its label in the patient's facts.
    pub(crate) label: String,
    /// Stems of questions about it.
    pub(crate) keys: Vec<String>,
}

/// Single doses in milligrams, as written in a sentence.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Doses {
    /// Doses of most medicines.
    any: Vec<String>,
    /// Doses of low-dose medicines, by the first letters of their names in any language.
    usual: Vec<Usual>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Usual {
    stem: String,
    doses: Vec<String>,
}

impl Doses {
    fn parse(text: &str) -> Result<Self, String> {
        crate::embedded::read(text)
    }

    /// The doses of a medicine, by its lower-case name.
    pub(crate) fn of(&self, drug: &str) -> &[String] {
        let usual = self.usual.iter().find(|u| drug.starts_with(&u.stem));
        usual.map_or(&self.any, |u| &u.doses)
    }
}

#[derive(Deserialize)]
struct WorkerFile {
    words: Words,
    #[serde(flatten)]
    groups: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

fn templates(lists: BTreeMap<String, Vec<String>>) -> BTreeMap<String, Vec<Template>> {
    lists
        .into_iter()
        .map(|(name, all)| (name, all.iter().map(|t| Template::parse(t)).collect()))
        .collect()
}

impl Worker {
    fn parse(text: &str) -> Result<Self, String> {
        let file: WorkerFile = crate::embedded::read(text)?;
        let groups =
            file.groups.into_iter().map(|(group, lists)| (group, templates(lists))).collect();
        Ok(Self { groups, words: file.words })
    }

    /// The same with the groups of another file, which has no words.
    fn and(mut self, text: &str) -> Result<Self, String> {
        let file: BTreeMap<String, BTreeMap<String, Vec<String>>> = crate::embedded::read(text)?;
        self.groups.extend(file.into_iter().map(|(group, lists)| (group, templates(lists))));
        Ok(self)
    }

    pub(crate) fn all(&self, group: &str, name: &str) -> &[Template] {
        self.groups.get(group).and_then(|g| g.get(name)).map_or(&[], Vec::as_slice)
    }
}

const FILES: [(Language, &str); Language::ALL.len()] = language_table!(files "../grammar/");

static GRAMMARS: LazyLock<Vec<Grammar>> = LazyLock::new(|| {
    FILES.iter().filter_map(|(language, text)| Grammar::parse(*language, text).ok()).collect()
});

static LAY: LazyLock<Option<Grammar>> = LazyLock::new(|| {
    Grammar::parse(Language::English, include_str!("../grammar/layperson.toml")).ok()
});

/// The English grammar of answers to patients and families.
pub(crate) fn lay_grammar() -> Option<&'static Grammar> {
    LAY.as_ref()
}

static WORKER: LazyLock<Worker> = LazyLock::new(|| read_worker().unwrap_or_default());

fn read_worker() -> Result<Worker, String> {
    Worker::parse(include_str!("../grammar/worker.toml"))?
        .and(include_str!("../grammar/worker/first.toml"))?
        .and(include_str!("../grammar/worker/layperson.toml"))
}

/// The grammar of a language. The files are embedded, and a test reads all of them.
pub(crate) fn grammar(language: Language) -> Option<&'static Grammar> {
    GRAMMARS.iter().find(|g| g.language == language)
}

static DOSES: LazyLock<Doses> =
    LazyLock::new(|| Doses::parse(include_str!("../grammar/doses.toml")).unwrap_or_default());

/// The doses of medicines.
pub(crate) fn doses() -> &'static Doses {
    &DOSES
}

/// The health worker's side.
pub(crate) fn worker() -> &'static Worker {
    &WORKER
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOTS: [&str; 14] = [
        "test",
        "finding",
        "sign",
        "cause",
        "measure",
        "drug",
        "referral",
        "timeframe",
        "frequency",
        "dose",
        "age",
        "percent",
        "number",
        "country",
    ];

    #[test]
    fn every_file_reads_and_has_only_known_slots() {
        for (language, text) in FILES {
            let grammar = Grammar::parse(language, text).unwrap();
            for (category, all) in &grammar.sentences {
                assert!(all.len() >= 8, "{language:?} {category}");
                for template in all {
                    assert!(template.needs_only(&SLOTS), "{language:?} {category} {template:?}");
                }
            }
            for list in ["test", "finding", "sign", "cause", "measure", "drug", "referral"] {
                assert!(grammar.list(list).len() >= 15, "{language:?} {list}");
            }
        }
        let worker = read_worker().unwrap();
        let words = &worker.words;
        for list in [&words.numbers, &words.units, &words.female, &words.male, &words.about] {
            assert!(list.len() >= 4, "{list:?}");
        }
        assert!(words.leads.iter().all(|lead| lead.matches("{}").count() == 1));
        for fact in &words.facts {
            assert!(!worker.all("reply", &fact.kind).is_empty(), "{}", fact.kind);
        }
        let doses = Doses::parse(include_str!("../grammar/doses.toml")).unwrap();
        let all = doses.usual.iter().flat_map(|usual| &usual.doses).chain(&doses.any);
        assert!(all.clone().count() > 50 && all.clone().all(|dose| dose.parse::<u32>().is_ok()));
        assert_eq!(doses.of("paracetamol"), doses.any);
        assert_eq!(doses.of("furosemide"), ["20", "40"]);
    }

    #[test]
    fn every_sentence_ends_once_and_at_its_end() {
        for (language, text) in FILES {
            let grammar = Grammar::parse(language, text).unwrap();
            for (category, all) in &grammar.sentences {
                for template in all {
                    let text = template.fill(|_| "x".into());
                    let marks = text.matches(['.', '!', '?', '।', '…']).count();
                    let due = usize::from(!grammar.unspaced || category == "question");
                    assert_eq!(marks, due, "{language:?} {category}: {text}");
                }
            }
        }
    }
}
