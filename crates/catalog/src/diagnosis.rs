use std::collections::{BTreeMap, HashSet};

use toml::Spanned;

use crate::Condition;
use crate::load_patient::is_icd10;
use crate::read::Reader;

/// An illness that a message may state, and from which nothing is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// ICD-10 code.
    pub icd10: String,
    /// What messages call it: at least one name, of no condition and of no other diagnosis.
    pub names: Vec<String>,
}

pub(crate) fn read_diagnoses(r: &mut Reader<'_>, conditions: &[Condition]) -> Vec<Diagnosis> {
    let all = r.value::<BTreeMap<String, Spanned<Vec<Spanned<String>>>>>("names", true);
    let mut seen: HashSet<String> = HashSet::new();
    let mut diagnoses = Vec::new();
    for (icd10, names) in all.map(|entry| entry.value).unwrap_or_default() {
        if !is_icd10(&icd10) {
            r.mistake(names.span(), format!("\"{icd10}\" is not an ICD-10 code"), None);
        }
        if names.get_ref().is_empty() {
            r.mistake(names.span(), format!("{icd10} has no names"), None);
        }
        for name in names.get_ref() {
            let lower = name.get_ref().to_lowercase();
            if let Some(condition) =
                conditions.iter().find(|c| c.names().any(|known| known.to_lowercase() == lower))
            {
                let message =
                    format!("\"{}\" is a name of the condition {}", name.get_ref(), condition.id);
                r.mistake(name.span(), message, Some("leave it out here".into()));
            } else if !seen.insert(lower) {
                r.mistake(name.span(), format!("duplicate name \"{}\"", name.get_ref()), None);
            }
        }
        let names = names.into_inner().into_iter().map(Spanned::into_inner).collect();
        diagnoses.push(Diagnosis { icd10, names });
    }
    diagnoses
}
