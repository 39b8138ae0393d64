//! Compares the dependencies between crates: manifests and the table of ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};

use super::manifest::Manifest;

/// The page with the table.
const PAGE: &str = "ARCHITECTURE.md";
/// First and last heading of the table.
const FIRST: &str = "crate";
const LAST: &str = "may use";

/// For each crate, what the page allows.
pub(crate) type Table = BTreeMap<String, BTreeSet<String>>;

/// Reads the first table of `page` with these headings. Names are in backticks.
pub(crate) fn table(page: &str) -> Result<Table, String> {
    let mut lines = page.lines().skip_while(|line| {
        let cells = cells(line);
        cells.first().copied() != Some(FIRST) || cells.last().copied() != Some(LAST)
    });
    if lines.next().is_none() {
        return Err(format!("{PAGE}: no table from \"{FIRST}\" to \"{LAST}\""));
    }
    let mut table = Table::new();
    for line in lines.skip(1).take_while(|line| line.starts_with('|')) {
        let cells = cells(line);
        let (Some(first), Some(last)) = (cells.first(), cells.last()) else { continue };
        let names = names(first);
        let Some(name) = names.first() else {
            return Err(format!("{PAGE}: \"{first}\" is not a crate in backticks"));
        };
        let uses = self::names(last).into_iter().map(str::to_owned).collect();
        if table.insert((*name).to_owned(), uses).is_some() {
            return Err(format!("{PAGE}: `{name}` is in the table twice"));
        }
    }
    Ok(table)
}

/// The trimmed cells of a table row; `None` for any other line.
fn cells(line: &str) -> Vec<&str> {
    let inner = line.trim().strip_prefix('|').and_then(|l| l.strip_suffix('|'));
    inner.map(|l| l.split('|').map(str::trim).collect()).unwrap_or_default()
}

/// The text in backticks.
fn names(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Differences in both directions.
pub(crate) fn compare(table: &Table, manifests: &BTreeMap<String, Manifest>) -> Vec<String> {
    let mut findings = Vec::new();
    for name in table.keys().filter(|name| !manifests.contains_key(*name)) {
        findings.push(format!("{PAGE}: `{name}` is in the table and has no folder"));
    }
    for (name, manifest) in manifests {
        let Some(said) = table.get(name) else {
            findings.push(format!("{PAGE}: `{name}` has a folder and is not in the table"));
            continue;
        };
        let used = manifest.uses();
        for edge in used.difference(said) {
            findings.push(format!("{PAGE}: `{name}` uses `{edge}`, which the table does not list"));
        }
        for edge in said.difference(&used) {
            findings.push(format!("{PAGE}: `{name}` does not use `{edge}`, which the table lists"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE_TEXT: &str = "\
# A house

| crate | files |
|---|---|
| `abacus` | 3 |

| crate | what lives there | may use |
|---|---|---|
| `abacus` | counting, see `beads` | `beads`, `frame` |
| `beads` | round things | none of ours |
| `ghost` | nothing | `beads` |

| crate | what lives there | may use |
|---|---|---|
| `later` | not read | `abacus` |
";

    fn manifest(uses: &[&str]) -> Manifest {
        let lines: Vec<String> =
            uses.iter().map(|name| format!("clinstruct-{name}.workspace = true")).collect();
        Manifest::parse(&format!("[dependencies]\nserde.workspace = true\n{}", lines.join("\n")))
            .unwrap()
    }

    #[test]
    fn reads_the_first_table_of_edges() {
        let table = table(PAGE_TEXT).unwrap();
        assert_eq!(table.keys().collect::<Vec<_>>(), ["abacus", "beads", "ghost"]);
        assert_eq!(table["abacus"].iter().collect::<Vec<_>>(), ["beads", "frame"]);
        assert!(table["beads"].is_empty());
    }

    #[test]
    fn differences_are_found_both_ways() {
        let manifests = BTreeMap::from([
            ("abacus".to_owned(), manifest(&["beads", "ink"])),
            ("beads".to_owned(), manifest(&[])),
            ("ink".to_owned(), manifest(&[])),
        ]);
        assert_eq!(
            compare(&table(PAGE_TEXT).unwrap(), &manifests),
            [
                "ARCHITECTURE.md: `ghost` is in the table and has no folder",
                "ARCHITECTURE.md: `abacus` uses `ink`, which the table does not list",
                "ARCHITECTURE.md: `abacus` does not use `frame`, which the table lists",
                "ARCHITECTURE.md: `ink` has a folder and is not in the table",
            ]
        );
    }

    #[test]
    fn a_page_without_the_table_is_a_finding() {
        assert!(table("# A house\n").is_err());
        assert!(table("| crate | may use |\n|---|---|\n| abacus | `beads` |\n").is_err());
        assert!(table("| crate | may use |\n|---|---|\n| `a` | x |\n| `a` | y |\n").is_err());
    }
}
