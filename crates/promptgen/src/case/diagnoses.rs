//! Codes of illnesses that are no conditions of the catalog: `osteomyelitis`.

use clinstruct_catalog::{Catalog, Condition};

use super::beside::{CAUSES, OVER};
use super::known::{Said, mentions};

/// Words beside an illness that the patient may not have, or does not have any more.
const DOUBTED: [&str; 26] = [
    "suspected",
    "suspicion",
    "possible",
    "possibly",
    "probable",
    "probably",
    "likely",
    "presumed",
    "query",
    "exclude",
    "excluded",
    "versus",
    "vs",
    "or",
    "resolved",
    "verdacht",
    "möglich",
    "suspecté",
    "suspectée",
    "sospecha",
    "posible",
    "sospetto",
    "sospetta",
    "suspeita",
    "possível",
    "संदिग्ध",
];

/// The code of the illness that a name means and nothing else; `None` for several, where another illness is its cause, and
/// where the patient may not have it.
pub(super) fn code<'c>(catalog: &'c Catalog, name: &str) -> Option<&'c str> {
    let said = Said::new(name);
    let all = catalog.diagnoses.iter().flat_map(|d| d.names.iter().map(move |n| (n.as_str(), d)));
    let mut found: Vec<_> = all.filter(|(known, _)| said.mentions(known)).collect();
    let names: Vec<String> = found.iter().map(|(known, _)| known.to_lowercase()).collect();
    // `severe malaria` has `malaria` in it.
    found.retain(|(known, _)| {
        let known = known.to_lowercase();
        !names.iter().any(|other| other.len() > known.len() && other.contains(&known))
    });
    let (first, rest) = found.split_first()?;
    if rest.iter().any(|(_, d)| d.icd10 != first.1.icd10)
        || name.contains(['?', '/'])
        || name.contains("สงสัย")
    {
        return None;
    }
    let lower = name.to_lowercase();
    let of_another =
        DOUBTED.iter().chain(&OVER).chain(&CAUSES).any(|words| mentions(&lower, words));
    (!of_another).then_some(first.1.icd10.as_str())
}

/// The code of an illness whose name has that of a condition in it: `anaemia of prematurity` is no `prematurity`.
pub(super) fn longer<'c>(
    catalog: &'c Catalog,
    name: &str,
    condition: &Condition,
) -> Option<&'c str> {
    let known: Vec<String> = condition.names().map(str::to_lowercase).collect();
    let longer = |own: &String| {
        let own = own.to_lowercase();
        known.iter().any(|known| own.len() > known.len() && own.contains(known.as_str()))
    };
    let said = Said::new(name);
    let named = |own: &String| longer(own) && said.mentions(own);
    catalog.diagnoses.iter().any(|d| d.names.iter().any(named)).then(|| code(catalog, name))?
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::embedded().unwrap());

    #[test]
    fn a_longer_name_is_no_condition() {
        let id = |c: &&Condition| c.id.as_str() == "former-preterm-birth";
        let preterm = CATALOG.conditions.iter().find(id).unwrap();
        for (name, code) in [
            ("anaemia of prematurity", Some("P61.2")),
            ("retinopathy of prematurity, stage 2", Some("H35.1")),
            ("prematurity", None),
            ("born at 31 weeks, neonatal sepsis", None),
        ] {
            assert_eq!(longer(&CATALOG, name, preterm), code, "{name}");
        }
    }

    #[test]
    fn illnesses_that_are_no_conditions_have_a_code() {
        for (name, expected) in [
            ("Osteomyelitis", "M86.9"),
            ("osteomyelitis of the left tibia", "M86.9"),
            ("AML", "C92.0"),
            ("severe pneumonia day 3", "J18.9"),
            ("severe malaria", "B50.8"),
            ("22q11 deletion", "D82.1"),
            ("transfusion-related acute lung injury", "J95.8"),
            ("neonatal sepsis", "P36.9"),
            ("anaemia of prematurity", "P61.2"),
            ("गले के संक्रमण", "J02.9"),
            ("lungenentzündung", "J18.9"),
        ] {
            assert_eq!(code(&CATALOG, name), Some(expected), "{name}");
        }
        for name in [
            "suspected pneumonia",
            "pneumonia or pulmonary oedema",
            "previous meningitis",
            "epilepsy after meningitis",
            "appendicitis?",
            "all well",
            "cap on the tooth",
            "pneumonia with septic shock",
        ] {
            assert_eq!(code(&CATALOG, name), None, "{name}");
        }
    }
}
