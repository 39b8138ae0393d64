//! Finds import cycles between the modules of a crate.
//!
//! An import is an edge from the importing module to the module that defines the name; re-exports are followed to their
//! definition. Imports from ancestor modules do not count: a type and its `impl` blocks may be spread over a module and
//! its children. Unit tests are ignored.

use std::collections::{BTreeMap, BTreeSet};

/// A module's path from the crate root: empty for the root itself.
type Module = Vec<String>;

/// Findings about the modules of one crate: `files` are paths relative to its `src` folder with their texts.
pub(crate) fn circles(place: &str, files: &[(String, String)]) -> Vec<String> {
    let modules: BTreeMap<Module, Vec<Import>> =
        files.iter().map(|(path, text)| (module(path), imports(&module(path), text))).collect();
    let mut edges: BTreeMap<&Module, BTreeSet<Module>> = BTreeMap::new();
    for (from, imports) in &modules {
        for import in imports {
            if let Some(to) = target(&modules, &import.path, 0)
                && to != *from
                && !from.starts_with(&to)
                && !import.is_reexport
            {
                edges.entry(from).or_default().insert(to);
            }
        }
    }
    let mut findings = Vec::new();
    let mut seen: BTreeSet<&Module> = BTreeSet::new();
    for start in edges.keys().copied() {
        if seen.contains(start) {
            continue;
        }
        if let Some(circle) = circle_through(&edges, start) {
            seen.extend(modules.keys().filter(|m| circle.contains(m)));
            let names: Vec<String> = circle.iter().map(name).collect();
            findings.push(format!("{place}: import cycle: {}", names.join(" -> ")));
        }
    }
    findings
}

/// The shortest cycle through a module.
fn circle_through(
    edges: &BTreeMap<&Module, BTreeSet<Module>>,
    start: &Module,
) -> Option<Vec<Module>> {
    let mut ways = vec![vec![start.clone()]];
    let mut visited = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in way.last().and_then(|last| edges.get(last)).into_iter().flatten() {
                if next == start {
                    return Some([way.as_slice(), std::slice::from_ref(start)].concat());
                }
                if visited.insert(next.clone()) {
                    longer.push([way.as_slice(), std::slice::from_ref(next)].concat());
                }
            }
        }
        ways = longer;
    }
    None
}

fn name(module: &Module) -> String {
    if module.is_empty() { "crate".to_owned() } else { module.join("::") }
}

/// The module in a file of `src`.
fn module(path: &str) -> Module {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let mut parts: Module = path.split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        parts.pop();
    }
    parts
}

struct Import {
    /// From the crate root, the imported name last.
    path: Vec<String>,
    is_reexport: bool,
}

/// A source's imports from its own crate.
fn imports(module: &Module, text: &str) -> Vec<Import> {
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("use ") {
        let before = rest[..at].rsplit('\n').next().unwrap_or("").trim();
        let statement = &rest[at + 4..];
        rest = statement;
        if !(before.is_empty() || before.starts_with("pub")) {
            continue;
        }
        let Some(end) = statement.find(';') else { break };
        let tree: String = statement[..end].split_whitespace().collect::<Vec<_>>().join(" ");
        let is_reexport = before.starts_with("pub");
        for path in expand(&tree) {
            if let Some(path) = absolute(module, &path) {
                found.push(Import { path, is_reexport });
            }
        }
    }
    found.extend(inline(module, code));
    found
}

/// Inline paths, such as `super::table::print(..)`.
fn inline(module: &Module, code: &str) -> Vec<Import> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut found = Vec::new();
    for line in code.lines().map(str::trim).filter(|l| !l.starts_with("//")) {
        for start in ["crate::", "super::"] {
            for (at, _) in line.match_indices(start) {
                if line[..at].ends_with(is_path) {
                    continue;
                }
                let end = line[at..].find(|c| !is_path(c)).map_or(line.len(), |n| at + n);
                let path: Vec<String> = line[at..end]
                    .split("::")
                    .filter(|part| !part.is_empty())
                    .map(str::to_owned)
                    .collect();
                if let Some(path) = absolute(module, &path).filter(|p| !p.is_empty()) {
                    found.push(Import { path, is_reexport: line.starts_with("pub") });
                }
            }
        }
    }
    found
}

/// The paths of a use tree, without renames.
fn expand(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let path = tree.split(" as ").next().unwrap_or(tree);
        return vec![path.split("::").map(|p| p.trim().to_owned()).collect()];
    };
    let head: Vec<String> = tree[..open]
        .split("::")
        .map(str::trim)
        .filter(|p| !p.is_empty())
        .map(str::to_owned)
        .collect();
    let inner = tree[open + 1..].strip_suffix('}').unwrap_or(&tree[open + 1..]);
    let (mut depth, mut start, mut items) = (0_i32, 0, Vec::new());
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(&inner[start..]);
    let items = items.into_iter().filter(|item| !item.trim().is_empty());
    items
        .flat_map(expand)
        .map(|tail| {
            let tail = tail.into_iter().filter(|p| p != "self");
            head.iter().cloned().chain(tail).collect()
        })
        .collect()
}

/// A path from the crate root; `None` if it may lead out of the crate.
fn absolute(module: &Module, path: &[String]) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" => Some([module.as_slice(), rest].concat()),
        "super" => {
            let parent = module.split_last()?.1.to_vec();
            match rest.first().map(String::as_str) {
                Some("super") => absolute(&parent, rest),
                _ => Some([parent.as_slice(), rest].concat()),
            }
        }
        // A child module, by its plain name.
        _ => Some([module.as_slice(), path].concat()),
    }
}

/// The module that defines a path's target; `None` if the path leads out of the crate.
fn target(
    modules: &BTreeMap<Module, Vec<Import>>,
    path: &[String],
    depth: usize,
) -> Option<Module> {
    if modules.contains_key(path) {
        return Some(path.to_vec());
    }
    let (last, head) = path.split_last()?;
    // The last segment may be an item of a type or of a module that is only re-exported.
    let Some(imports) = modules.get(head) else { return target(modules, head, depth + 1) };
    // A name that the module imports from elsewhere in the crate.
    let from = imports.iter().find(|i| i.path.last() == Some(last) && i.path.as_slice() != path);
    match from {
        Some(import) if depth < 8 => target(modules, &import.path, depth + 1),
        _ => {
            let child = [head, std::slice::from_ref(last)].concat();
            let defines_child = modules.keys().any(|m| *m == child);
            (!defines_child).then(|| head.to_vec())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<(String, String)> =
            files.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned())).collect();
        circles("crates/x", &files)
    }

    #[test]
    fn two_files_that_import_each_other_are_found() {
        let all = found(&[
            ("lib.rs", "mod a;\nmod b;\npub use a::A;"),
            ("a.rs", "use crate::b::B;\nstruct A;"),
            ("b.rs", "use std::fs;\nuse crate::A;\nstruct B;"),
        ]);
        assert_eq!(all, ["crates/x: import cycle: a -> b -> a"]);
    }

    #[test]
    fn longer_circles_and_nested_trees_are_found() {
        let all = found(&[
            ("main.rs", "mod a;\nmod b;\nmod c;"),
            ("a.rs", "fn f() {\n    crate::b::B::new()\n}"),
            ("b/mod.rs", "use super::{c::{self, C as D}, other::Thing};"),
            ("c.rs", "use crate::a::f;"),
        ]);
        assert_eq!(all, ["crates/x: import cycle: a -> b -> c -> a"]);
    }

    #[test]
    fn parents_reexports_and_tests_make_none() {
        let all = found(&[
            ("lib.rs", "mod a;\npub use a::A;\nuse a::f;\nstruct Root;"),
            (
                "a.rs",
                "mod c;\nuse crate::Root;\nuse c::C;\npub use b::B;\n#[cfg(test)]\nmod tests { use crate::b::T; }",
            ),
            ("a/c.rs", "use super::A;\nuse crate::b::B;"),
            ("b.rs", "use clinstruct_schema::a::X;\nuse serde_json::Value;"),
        ]);
        assert_eq!(all, [""; 0]);
    }
}
