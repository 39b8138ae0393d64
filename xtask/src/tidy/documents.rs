//! Checks links in the documents, and the chapters of the guide.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// Folder of the guide's chapters, and the chapter that lists them.
const GUIDE: &str = "docs/guide/src";
const SUMMARY: &str = "docs/guide/src/SUMMARY.md";

/// Findings about documents, by path relative to the root. `exists` says whether a path exists.
pub(crate) fn check(
    documents: &BTreeMap<String, String>,
    exists: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut findings = Vec::new();
    let mut listed = BTreeSet::from([SUMMARY.to_owned()]);
    for (path, text) in documents {
        let folder = Path::new(path).parent().unwrap_or(Path::new(""));
        for (number, target) in links(text) {
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let Some(leads_to) =
                (if file.is_empty() { Some(path.clone()) } else { join(folder, file) })
            else {
                findings.push(format!("{path}:{number}: {target} leads out of the repository"));
                continue;
            };
            if !exists(&leads_to) {
                findings.push(format!("{path}:{number}: {target} does not exist"));
            } else if within(path, GUIDE) && !within(&leads_to, GUIDE) {
                findings.push(format!("{path}:{number}: {target} leads out of the book"));
            } else if let Some(page) = documents.get(&leads_to)
                && !anchor.is_empty()
                && !anchors(page).contains(anchor)
            {
                findings.push(format!("{path}:{number}: {target}: no heading #{anchor}"));
            }
            if path == SUMMARY {
                listed.insert(leads_to);
            }
        }
    }
    for path in documents.keys().filter(|p| within(p, GUIDE) && !listed.contains(*p)) {
        findings.push(format!("{path}: not in {SUMMARY}, so not in the book"));
    }
    findings
}

fn within(path: &str, folder: &str) -> bool {
    Path::new(path).starts_with(folder)
}

/// A path relative to the root; `None` if it leads out of it.
fn join(folder: &Path, relative: &str) -> Option<String> {
    let mut path = PathBuf::new();
    for component in folder.join(relative).components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir if path.pop() => {}
            _ => return None,
        }
    }
    let parts: Vec<_> = path.components().map(|c| c.as_os_str().to_string_lossy()).collect();
    Some(parts.join("/"))
}

/// Lines outside of code, with their numbers; inline code is removed.
fn prose(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let (mut fenced, mut indented, mut blank) = (false, false, true);
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        // An indented block cannot start inside a paragraph.
        indented = line.starts_with("    ") && (indented || blank);
        blank = line.trim().is_empty();
        if !fenced && !indented {
            lines.push((number, line.split('`').step_by(2).collect::<Vec<_>>().join("`")));
        }
    }
    lines
}

/// Targets of a document's relative links and images, with their lines.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    for (number, line) in prose(text) {
        let defined = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.chain(defined.map(|(_, target)| target)) {
            // A title may follow.
            let target = target.split_whitespace().next().unwrap_or_default();
            let has_scheme = target.split('/').next().is_some_and(|first| first.contains(':'));
            if !target.is_empty() && !has_scheme {
                links.push((number, target.to_owned()));
            }
        }
    }
    links
}

/// The anchors of a page's headings, as forges and mdBook generate them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    // Headings may contain code, which `prose` removes.
    let mut fenced = false;
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        }
        let title = line.trim_start_matches('#');
        if fenced || title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let name: String = title
            .trim()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .flat_map(char::to_lowercase)
            .collect();
        let again = (1..).map(|n| format!("{name}-{n}"));
        let free = std::iter::once(name.clone()).chain(again).find(|n| !anchors.contains(n));
        anchors.extend(free);
    }
    anchors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(pages: &[(&str, &str)]) -> Vec<String> {
        let documents: BTreeMap<String, String> =
            pages.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let others = ["LICENSE", "docs/guide/src/pictures/flow.png"];
        check(&documents, |path| documents.contains_key(path) || others.contains(&path))
    }

    #[test]
    fn good_links_have_no_findings() {
        let readme = "# A\n\n[l](LICENSE) [g](docs/guide/src/one.md#two-words) [a](#a) [w](https://x.org/y)\n\n[r]: LICENSE\n";
        let one =
            "# One\n\n## Two words\n\n![flow](pictures/flow.png \"title\") [other](./two.md)\n";
        assert_eq!(
            findings(&[
                ("README.md", readme),
                ("docs/guide/src/SUMMARY.md", "# S\n\n- [One](one.md)\n  - [Two](two.md)\n"),
                ("docs/guide/src/one.md", one),
                (
                    "docs/guide/src/two.md",
                    "# Two\n\n`[no](link)`\n\n```sh\n[no](link)\n```\n\n    [no](link)\n"
                ),
            ]),
            [""; 0]
        );
    }

    #[test]
    fn each_wrong_link_is_found() {
        assert_eq!(
            findings(&[
                ("README.md", "# A\n[a](#b) [b](none.md)\n[c](../out.md)\n\n[d]: gone.png\n"),
                ("docs/guide/src/SUMMARY.md", "- [One](one.md)\n- [Three](three.md)\n"),
                ("docs/guide/src/one.md", "# One\n\n[r](../../../README.md#a) [t](two.md#x)\n"),
                ("docs/guide/src/two.md", "# Two\n"),
            ]),
            [
                "README.md:2: #b: no heading #b",
                "README.md:2: none.md does not exist",
                "README.md:3: ../out.md leads out of the repository",
                "README.md:5: gone.png does not exist",
                "docs/guide/src/SUMMARY.md:2: three.md does not exist",
                "docs/guide/src/one.md:3: ../../../README.md#a leads out of the book",
                "docs/guide/src/one.md:3: two.md#x: no heading #x",
                "docs/guide/src/two.md: not in docs/guide/src/SUMMARY.md, so not in the book",
            ]
        );
    }

    #[test]
    fn headings_give_anchors() {
        let text = "# A `run` of two\n\n## Stop, go on\n## Same\n## Same\n```sh\n# no\n```\n#no\n";
        let anchors: Vec<_> = anchors(text).into_iter().collect();
        assert_eq!(anchors, ["a-run-of-two", "same", "same-1", "stop-go-on"]);
    }
}
