//! The words by which a statement is filed: `lexicon/filing/CODE.toml`.

use std::sync::LazyLock;

use clinstruct_schema::{Language, language_table};
use serde::Deserialize;

use crate::case::words::{Found, Words};

/// What a word says of the statement that it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::case) enum Kind {
    /// The name of a test.
    Test,
    /// What is tested, before the name of a test.
    Sample,
    /// What a test looks for; it needs no name of a test.
    Analyte,
    /// The same, where it stays once it is found: only its absence is a result.
    Lasting,
    /// A result.
    Positive,
    /// A result that rules out.
    Negative,
    /// What was found follows.
    Shows,
    /// What was found.
    Germ,
    /// There is no result.
    Unknown,
    /// The name of a measurement that is counted in seconds.
    Refill,
    /// How somebody lives; the statement begins with it.
    Social,
    /// Said of alcohol or of water.
    Drinking,
    /// Alcohol, or how it is drunk.
    Alcohol,
    /// A complaint.
    Symptom,
    /// What a strip or a slide shows in grades.
    Strip,
    /// A grade.
    Grade,
    /// That too much was taken, or something that nobody takes.
    Overdose,
    /// A disease that relatives have, too.
    Illness,
    /// That somebody is well.
    Well,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tests: Vec<String>,
    samples: Vec<String>,
    analytes: Vec<String>,
    lasting: Vec<String>,
    positive: Vec<String>,
    negative: Vec<String>,
    shows: Vec<String>,
    germs: Vec<String>,
    unknown: Vec<String>,
    refill: Vec<String>,
    social: Vec<String>,
    drinking: Vec<String>,
    alcohol: Vec<String>,
    symptoms: Vec<String>,
    strip: Vec<String>,
    grades: Vec<String>,
    overdose: Vec<String>,
    illnesses: Vec<String>,
    well: Vec<String>,
}

const FILES: [(Language, &str); Language::ALL.len()] =
    language_table!(files "../../../lexicon/filing/");

/// Read once.
static WORDS: LazyLock<Words<Kind>> = LazyLock::new(|| {
    let mut lists: Vec<(Kind, Vec<String>)> = Vec::new();
    for file in FILES.iter().filter_map(|(_, text)| crate::embedded::read::<File>(text).ok()) {
        lists.extend([
            (Kind::Test, file.tests),
            (Kind::Sample, file.samples),
            (Kind::Analyte, file.analytes),
            (Kind::Lasting, file.lasting),
            (Kind::Positive, file.positive),
            (Kind::Negative, file.negative),
            (Kind::Shows, file.shows),
            (Kind::Germ, file.germs),
            (Kind::Unknown, file.unknown),
            (Kind::Refill, file.refill),
            (Kind::Social, file.social),
            (Kind::Drinking, file.drinking),
            (Kind::Alcohol, file.alcohol),
            (Kind::Symptom, file.symptoms),
            (Kind::Strip, file.strip),
            (Kind::Grade, file.grades),
            (Kind::Overdose, file.overdose),
            (Kind::Illness, file.illnesses),
            (Kind::Well, file.well),
        ]);
    }
    Words::of_lists(lists)
});

/// The words of a text by which what it says is filed, in its order.
pub(in crate::case) fn kinds(text: &str, lower: &str) -> Vec<Found<Kind>> {
    WORDS.hits(text, lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_reads() {
        for (language, text) in FILES {
            let file: Result<File, _> = crate::embedded::read(text);
            let file = file.unwrap_or_else(|e| panic!("{}: {e}", language.code()));
            assert!(!file.tests.is_empty() && !file.social.is_empty(), "{}", language.code());
        }
    }
}
