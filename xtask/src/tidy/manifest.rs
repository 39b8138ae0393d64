//! Requirements for a crate's manifest, and its dependencies on our crates.

use std::collections::BTreeSet;

use toml::{Table, Value};

/// Keys of `[package]` that are inherited from the workspace.
const INHERITED: [&str; 4] = ["version", "edition", "rust-version", "license"];
/// Prefix of our package names.
const PREFIX: &str = "clinstruct-";

/// A crate's manifest.
#[derive(Debug)]
pub(crate) struct Manifest(Table);

impl Manifest {
    /// Parses a manifest; an error is a finding.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|e: toml::de::Error| format!("not TOML: {}", e.message()))
    }

    /// Findings about the manifest of the crate in the folder `folder`.
    pub(crate) fn check(&self, folder: &str) -> Vec<String> {
        let mut findings = Vec::new();
        let package = self.0.get("package").and_then(Value::as_table);
        let expected = format!("{PREFIX}{folder}");
        let name = package.and_then(|p| p.get("name")).and_then(Value::as_str);
        if name != Some(&expected) {
            findings.push(format!(
                "the package is named \"{}\", but its folder requires \"{expected}\"",
                name.unwrap_or_default()
            ));
        }
        for key in INHERITED {
            if !package.and_then(|p| p.get(key)).is_some_and(is_inherited) {
                findings.push(format!("`{key}` is not inherited from the workspace"));
            }
        }
        if !self.0.get("lints").is_some_and(is_inherited) {
            findings.push("`lints` are not inherited from the workspace".to_owned());
        }
        for kind in ["dependencies", "build-dependencies", "dev-dependencies"] {
            for (name, value) in self.tables(kind).into_iter().flatten() {
                if !is_inherited(value) {
                    findings
                        .push(format!("`{name}` in {kind} is not inherited from the workspace"));
                }
            }
        }
        findings
    }

    /// Folders of our crates that this one depends on, without dev-dependencies.
    pub(crate) fn uses(&self) -> BTreeSet<String> {
        ["dependencies", "build-dependencies"]
            .into_iter()
            .flat_map(|kind| self.tables(kind))
            .flatten()
            .filter_map(|(name, _)| name.strip_prefix(PREFIX))
            .map(str::to_owned)
            .collect()
    }

    /// The dependency tables of one kind: the general one, and those of single targets.
    fn tables(&self, kind: &str) -> Vec<&Table> {
        let targets = self.0.get("target").and_then(Value::as_table);
        let of_targets = targets.into_iter().flatten().filter_map(|(_, target)| target.get(kind));
        self.0.get(kind).into_iter().chain(of_targets).filter_map(Value::as_table).collect()
    }
}

/// Whether a value is `{ workspace = true, .. }`.
fn is_inherited(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [package]
        name = "clinstruct-abacus"
        version.workspace = true
        edition.workspace = true
        rust-version.workspace = true
        license.workspace = true

        [dependencies]
        clinstruct-beads = { workspace = true, features = ["round"] }
        serde.workspace = true

        [target.'cfg(unix)'.dependencies]
        clinstruct-frame.workspace = true

        [dev-dependencies]
        clinstruct-hands.workspace = true

        [lints]
        workspace = true
    "#;

    #[test]
    fn a_good_manifest_has_no_findings() {
        assert_eq!(Manifest::parse(GOOD).unwrap().check("abacus"), [""; 0]);
    }

    #[test]
    fn uses_are_those_of_the_build() {
        let uses = Manifest::parse(GOOD).unwrap().uses();
        assert_eq!(uses.into_iter().collect::<Vec<_>>(), ["beads", "frame"]);
    }

    #[test]
    fn every_key_that_is_not_inherited_is_found() {
        let bad = r#"
            [package]
            name = "abacus"
            version = "0.1.0"
            edition.workspace = true
            license.workspace = false

            [dev-dependencies]
            insta = "1"
        "#;
        assert_eq!(
            Manifest::parse(bad).unwrap().check("abacus"),
            [
                "the package is named \"abacus\", but its folder requires \"clinstruct-abacus\"",
                "`version` is not inherited from the workspace",
                "`rust-version` is not inherited from the workspace",
                "`license` is not inherited from the workspace",
                "`lints` are not inherited from the workspace",
                "`insta` in dev-dependencies is not inherited from the workspace",
            ]
        );
    }

    #[test]
    fn what_is_not_toml_is_a_finding() {
        assert!(Manifest::parse("[package\nname").unwrap_err().starts_with("not TOML: "));
    }
}
