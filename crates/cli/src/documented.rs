//! Checks the documentation against the program: every command, and every metric.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clinstruct_schema::summary::{MetricId, Unit};

use crate::Backends;
use crate::args::Cli;

/// Separators between two commands of one line.
const BETWEEN: [&str; 5] = ["|", "||", "&&", ";", "&"];

/// A line of code as a shell would read it, with the number of its first line.
#[derive(Debug)]
struct Line {
    number: usize,
    text: String,
}

/// Lines in fenced and indented code blocks; lines that end in `\` are joined with the next.
fn code(document: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let (mut fence, mut indented, mut blank, mut goes_on) = (None, false, true, false);
    for (number, line) in (1..).zip(document.lines()) {
        let inner = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| inner.starts_with(mark));
        if mark.is_some() && (fence.is_none() || fence == mark) {
            fence = if fence.is_some() { None } else { mark };
            (indented, blank, goes_on) = (false, true, false);
            continue;
        }
        // An indented block cannot start inside a paragraph.
        indented = fence.is_none() && line.starts_with("    ") && (indented || blank);
        blank = inner.is_empty();
        if fence.is_none() && !indented {
            goes_on = false;
            continue;
        }
        let (text, more) = match inner.strip_suffix('\\') {
            Some(text) => (text, true),
            None => (inner, false),
        };
        match lines.last_mut().filter(|_| goes_on) {
            Some(last) => last.text.push_str(text),
            None => lines.push(Line { number, text: text.to_owned() }),
        }
        goes_on = more;
    }
    lines
}

/// Our commands in a line, each as a list of words.
fn commands(line: &str) -> Vec<Vec<String>> {
    let line = line.strip_prefix("$ ").unwrap_or(line);
    // Lines that are not valid shell (an apostrophe in a program's output) are not commands; comments are dropped here.
    let words = shlex::split(line).unwrap_or_default();
    words
        .split(|word| BETWEEN.contains(&word.as_str()))
        .filter_map(|command| {
            let end = command.iter().position(|w| w.starts_with(['>', '<']) || w.starts_with("2>"));
            let command = command.get(..end.unwrap_or(command.len()))?;
            let begin = command.iter().position(|w| !is_assignment(w))?;
            let command: Vec<&str> = command.get(begin..)?.iter().map(String::as_str).collect();
            let words = match command.as_slice() {
                ["cargo", "xtask", "build-dataset", flags @ ..] => {
                    [&["clinstruct", "build"], flags].concat()
                }
                ["clinstruct", ..] => command,
                _ => return None,
            };
            Some(words.into_iter().map(str::to_owned).collect())
        })
        .collect()
}

/// Whether a word sets a variable for the command after it.
fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map_or("", |(name, _)| name);
    !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

/// Number of commands in a document, and those that the command line rejects.
fn check(place: &str, document: &str) -> (usize, Vec<String>) {
    let backends = Backends::shipped();
    let (mut count, mut wrong) = (0, Vec::new());
    for line in code(document) {
        for words in commands(&line.text) {
            count += 1;
            let Err(error) = Cli::with(backends.registry()).try_get_matches_from(&words) else {
                continue;
            };
            if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
                continue;
            }
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            wrong.push(format!("{place}:{}: {}: {first}", line.number, words.join(" ")));
        }
    }
    (count, wrong)
}

/// Adds all Markdown files of a folder.
fn documents(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            documents(&path, files);
        } else if path.extension().is_some_and(|e| e == "md") {
            files.push(path);
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The metrics of a page, by the id in the first cell of their row, with their unit in the third.
fn metrics(page: &str) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut table = false;
    for line in page.lines() {
        table = line.starts_with("| id |") || table && line.starts_with('|');
        let cells: Vec<&str> = line.split(" | ").map(str::trim).collect();
        let [id, _, unit, _, _] = cells.as_slice() else { continue };
        let id = id.strip_prefix("| `").and_then(|id| id.strip_suffix('`'));
        if let Some(id) = id.filter(|_| table) {
            all.entry(id.to_owned()).or_default().push((*unit).to_owned());
        }
    }
    all
}

#[test]
fn every_metric_has_its_line_in_the_guide() {
    let page = std::fs::read_to_string(root().join("docs/guide/src/metrics.md")).unwrap();
    let name = |unit: Unit| match unit {
        Unit::Count => "count",
        Unit::Share => "share",
        Unit::Distance => "distance",
        Unit::Ratio => "ratio",
    };
    let known: BTreeMap<String, Vec<String>> = MetricId::ALL
        .iter()
        .map(|id| {
            let text = serde_json::to_value(id).unwrap();
            (text.as_str().unwrap().to_owned(), vec![name(id.unit()).to_owned()])
        })
        .collect();
    assert_eq!(metrics(&page), known);
}

#[test]
fn every_command_in_the_documents_is_one() {
    let root = root();
    let mut files = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    documents(&root.join("docs"), &mut files);
    files.sort();
    let (mut count, mut wrong) = (0, Vec::new());
    for file in files {
        let place = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
        let (more, found) = check(&place, &std::fs::read_to_string(&file).unwrap());
        count += more;
        wrong.extend(found);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 50, "{count} commands were found, so most were not looked at");
}

#[test]
fn a_wrong_flag_is_found_with_its_file_and_line() {
    let text = "\
# A page

```sh
clinstruct build --limit 5 --nonsense   # a comment with an ' in it
$ OPENAI_API_KEY=.. clinstruct status --watch | less
to resume, run: clinstruct build --no-such
cargo xtask build-dataset --limit 5 \\
    --limti 6
cargo xtask test
```

Prose: clinstruct build --nonsense

    clinstruct plan --rows > rows.jsonl && clinstruct paln
    clinstruct --help
    clinstruct build --command 'vllm run-batch -i {input} | tee --all' --backend command

text that goes on
    clinstruct is indented here, inside of a paragraph
";
    let (count, wrong) = check("docs/page.md", text);
    assert_eq!(count, 7);
    assert_eq!(
        wrong,
        [
            "docs/page.md:4: clinstruct build --limit 5 --nonsense: error: unexpected argument '--nonsense' found",
            "docs/page.md:7: clinstruct build --limit 5 --limti 6: error: unexpected argument '--limti' found",
            "docs/page.md:14: clinstruct paln: error: unrecognized subcommand 'paln'",
        ]
    );
}
