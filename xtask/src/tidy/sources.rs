//! Conventions of single files.

/// Maximum lines of a source file.
const MOST_LINES: usize = 500;
/// The README's first commands.
const COMMANDS: [&str; 2] = ["cargo xtask build-dataset", "cargo xtask test"];
/// Lines of the README that must contain them.
const README_START: usize = 12;

/// Banned text, and what to do instead. Each is written in two pieces, so that this file does not contain it.
const BANNED: [(&str, &str, &str); 4] = [
    ("#[al", "low(", "use #[expect(.., reason = \"..\")]"),
    ("#![al", "low(", "use #![expect(.., reason = \"..\")]"),
    ("to", "do!(", "finish it, or make it an issue"),
    ("FIX", "ME", "fix it, or make it an issue"),
];

/// Findings about the source file at `path`.
pub(crate) fn check(path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let is_front_page = path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs");
    if is_front_page && !text.starts_with("//!") {
        findings.push(format!("{path}: does not begin with `//!`"));
    }
    let lines = text.lines().count();
    if lines > MOST_LINES {
        findings.push(format!("{path}: {lines} lines, more than {MOST_LINES}"));
    }
    for (start, end, instead) in BANNED {
        let banned = format!("{start}{end}");
        for (number, line) in (1..).zip(text.lines()) {
            if line.contains(&banned) {
                findings.push(format!("{path}:{number}: `{banned}`: {instead}"));
            }
        }
    }
    findings
}

/// A finding if the first code block of the README is not the two commands.
pub(crate) fn check_readme(text: &str) -> Option<String> {
    let mut lines = text.lines().take(README_START).skip_while(|line| !line.starts_with("```"));
    lines.next();
    let commands: Vec<&str> = lines
        .take_while(|line| !line.starts_with("```"))
        .filter_map(|line| line.split('#').next().map(str::trim))
        .filter(|command| !command.is_empty())
        .collect();
    (commands != COMMANDS).then(|| {
        format!("README.md: does not start with a block of `{}` and `{}`", COMMANDS[0], COMMANDS[1])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_file_has_no_findings() {
        assert_eq!(check("crates/a/src/lib.rs", "//! A.\n\nmod b;\n"), [""; 0]);
        assert_eq!(check("crates/a/src/b.rs", "fn b() {}\n"), [""; 0]);
    }

    #[test]
    fn each_convention_is_checked() {
        let text = format!(
            "mod b;\n#[{}(dead_code)]\nfn c() {{ {}!() }} // FIX{}\n",
            "allow", "todo", "ME"
        );
        assert_eq!(
            check("crates/a/src/main.rs", &text),
            [
                "crates/a/src/main.rs: does not begin with `//!`".to_owned(),
                format!(
                    "crates/a/src/main.rs:2: `#[{}(`: use #[expect(.., reason = \"..\")]",
                    "allow"
                ),
                format!("crates/a/src/main.rs:3: `{}!(`: finish it, or make it an issue", "todo"),
                format!("crates/a/src/main.rs:3: `FIX{}`: fix it, or make it an issue", "ME"),
            ]
        );
    }

    #[test]
    fn long_files_are_found() {
        let text = "// line\n".repeat(MOST_LINES);
        assert_eq!(check("crates/a/src/b.rs", &text), [""; 0]);
        let text = text + "// one more\n";
        assert_eq!(
            check("crates/a/src/b.rs", &text),
            ["crates/a/src/b.rs: 501 lines, more than 500"]
        );
    }

    #[test]
    fn the_readme_starts_with_the_commands() {
        let block = |commands: &str| format!("# x\n\nA line.\n\n```sh\n{commands}\n```\n\nmore\n");
        let good = "cargo xtask build-dataset   # make it\ncargo xtask test";
        assert_eq!(check_readme(&block(good)), None);
        assert!(check_readme(&block("cargo xtask test")).is_some());
        assert!(check_readme(&format!("{}{}", "text\n".repeat(20), block(good))).is_some());
        assert!(check_readme("# x\n").is_some());
    }
}
