//! Fixed combinations of medicines, as messages name them.

use serde::Deserialize;

use crate::load_patient::is_atc;
use crate::read::{Entry, Reader};

/// Medicines in one tablet, inhaler or bottle, with the code of the whole.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Combination {
    /// Names of each part.
    #[serde(deserialize_with = "parts")]
    pub parts: Vec<Vec<String>>,
    /// Names of the whole.
    #[serde(default)]
    pub also: Vec<String>,
    /// ATC code.
    pub atc: String,
}

fn parts<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Vec<String>>, D::Error> {
    let all = Vec::<String>::deserialize(from)?;
    Ok(all.iter().map(|names| names.split('|').map(str::to_owned).collect()).collect())
}

pub(crate) fn read_combinations(r: &mut Reader<'_>) -> Vec<Combination> {
    let all = r.entries::<Combination>("combination", false);
    for Entry { value, span } in &all {
        let name: Vec<&str> =
            value.parts.iter().filter_map(|p| p.first()).map(String::as_str).collect();
        let name = name.join("/");
        if value.parts.len() < 2 {
            r.mistake(span.clone(), format!("{name} is not a combination"), None);
        }
        if !is_atc(&value.atc) {
            r.mistake(span.clone(), format!("{name}: {} is not an ATC code", value.atc), None);
        }
    }
    all.into_iter().map(|e| e.value).collect()
}

#[cfg(test)]
mod tests {
    use crate::Catalog;

    #[test]
    fn a_combination_has_parts_and_a_code() {
        for (old, new, message) in [
            (
                "atc = \"G03AA16\"",
                "atc = \"G03AA6\"",
                "dienogest/ethinylestradiol: G03AA6 is not an ATC code",
            ),
            (
                "parts = [\"artemether\", \"lumefantrine\"]",
                "parts = [\"artemether\"]",
                "artemether is not a combination",
            ),
        ] {
            let mut files = Catalog::embedded_files();
            let text = files.get_mut("drugs.toml").unwrap();
            assert!(text.contains(old), "{old}");
            *text = text.replace(old, new);
            let error = Catalog::read(files).unwrap_err();
            let shown: Vec<&str> = error.mistakes.iter().map(|m| m.message.as_str()).collect();
            assert_eq!(shown, [message]);
        }
    }
}
