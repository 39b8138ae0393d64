use std::fmt::Write as _;

use clinstruct_quality::segment::sentences;
use clinstruct_schema::Language;
use serde::Deserialize;

#[derive(Deserialize)]
struct Corpus {
    text: Vec<Labelled>,
}

#[derive(Deserialize)]
struct Labelled {
    sentences: usize,
    text: String,
}

/// At least 40 texts in each language, counted by hand; 98 of 100 or better.
#[test]
fn sentences_are_counted_as_people_count_them() {
    let mut report = String::new();
    let mut worst = 1.0_f64;
    for language in Language::ALL {
        let path =
            format!("{}/corpus/sentences/{}.toml", env!("CARGO_MANIFEST_DIR"), language.code());
        let corpus: Corpus = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let total = corpus.text.len();
        assert!(total >= 40, "{path} has {total}");
        let mut right = 0;
        for labelled in &corpus.text {
            let found = sentences(&labelled.text, language);
            if found.len() == labelled.sentences {
                right += 1;
                continue;
            }
            let pieces: Vec<&str> = found.into_iter().map(|s| &labelled.text[s]).collect();
            writeln!(
                report,
                "  {}: {} not {}: {pieces:?}",
                language.code(),
                pieces.len(),
                labelled.sentences
            )
            .unwrap();
        }
        writeln!(report, "{}: {right} of {total}", language.code()).unwrap();
        worst = worst.min(f64::from(right) / total as f64);
    }
    println!("{report}");
    assert!(worst >= 0.98, "{report}");
}
