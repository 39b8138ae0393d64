//! ATC codes of stated medicines.

use clinstruct_catalog::{Catalog, Combination, Drug};

use super::known::{self, mentions};

/// What stands between the parts of a combination.
const JOINTS: [&str; 8] = ["/", "+", " and ", " with ", " plus ", " & ", ", ", "-"];
/// Parts of a name that are no medicine: `long-acting`, `slow-release`.
const FORMS: [&str; 16] = [
    "long",
    "short",
    "acting",
    "slow",
    "release",
    "modified",
    "extended",
    "sustained",
    "enteric",
    "coated",
    "retard",
    "depot",
    "dose",
    "strength",
    "tablet",
    "tablets",
];

/// Routes that have codes of their own, with the words for their forms. The first of a name counts: `eye ointment`.
const ROUTES: [(&str, &[&str]); 5] = [
    ("eye", &["eye", "eyedrops", "ophthalmic", "augentropfen"]),
    ("nose", &["nasal", "nose", "intranasal", "nasenspray"]),
    ("inhaler", &["inhaler", "inhaled", "inhalation", "puff", "puffs", "spray"]),
    (
        "skin",
        &[
            "cream", "ointment", "gel", "lotion", "topical", "shampoo", "salbe", "creme", "crema",
            "pomada", "crème",
        ],
    ),
    (
        "mouth",
        &[
            "tablet",
            "tablets",
            "tabs",
            "capsule",
            "capsules",
            "syrup",
            "oral",
            "orally",
            "tabletten",
            "comprimidos",
            "comprimés",
            "compresse",
            "jarabe",
            "sirop",
            "sciroppo",
            "xarope",
        ],
    ),
];

/// Drops, and the ears that they are for.
const DROPS: [&str; 8] =
    ["drops", "otic", "tropfen", "ohrentropfen", "gouttes", "gotas", "gocce", "ear"];

/// Whether a word is that of a form.
pub(super) fn is_form(word: &str) -> bool {
    let word = word.trim_matches([',', ';', '.']).to_lowercase();
    ROUTES.iter().any(|(_, forms)| forms.contains(&word.as_str())) || DROPS.contains(&word.as_str())
}

/// The ATC code of a medicine by its name; empty if code does not know it, or for a combination that is not listed: the code
/// of one part would be that of another medicine.
pub(super) fn code(catalog: &Catalog, name: &str) -> String {
    let parts = parts(name);
    let whole = catalog.combinations.iter().find(|c| c.also.iter().any(|n| mentions(name, n)));
    if parts.len() > 1 {
        let of = catalog.combinations.iter().filter(|c| c.parts.len() == parts.len());
        let named = of.filter_map(|c| Some((length(c, name)?, c)));
        if let Some((_, combination)) = named.max_by_key(|(length, _)| *length) {
            return combination.atc.clone();
        }
    } else if let Some(combination) = whole {
        return combination.atc.clone();
    }
    let found = known::drugs(catalog, name);
    let [drug] = found.as_slice() else { return String::new() };
    // One name with its joints, as in `calcium and vitamin D`, or several names of one medicine.
    let is_whole =
        || drug.names().any(|n| mentions(name, n) && self::parts(n).len() == parts.len());
    let is_same =
        || parts.iter().all(|part| known::drugs(catalog, part).iter().any(|d| d.id == drug.id));
    let one = parts.len() < 2 || is_whole() || is_same();
    if one { in_form(catalog, drug, name).to_owned() } else { String::new() }
}

/// The code of a medicine in the form that its name has: `salbutamol tablets` are not the inhaled medicine. Empty if the list
/// has it in other forms only.
fn in_form<'c>(catalog: &'c Catalog, drug: &'c Drug, name: &str) -> &'c str {
    let lower = name.to_lowercase();
    let words = || lower.split(|c: char| !c.is_alphanumeric());
    let named = ROUTES.iter().find(|(_, forms)| words().any(|word| forms.contains(&word)));
    let Some((route, _)) = named else {
        // `ciprofloxacin drops` are for an ear or an eye, which the list may not have.
        let dropped = words().any(|word| DROPS.contains(&word));
        return if dropped && drug.atc.starts_with('J') { "" } else { &drug.atc };
    };
    let is_of = |d: &Drug| d.route.contains(route);
    // Only where the list has one of the other routes is a code that of a route.
    let is_local = |d: &Drug| ROUTES.iter().any(|(other, _)| d.route.contains(other));
    if is_of(drug) || !is_local(drug) {
        return &drug.atc;
    }
    let other = catalog.drugs.iter().find(|d| is_of(d) && mentions(&d.name, &drug.name));
    other.map_or("", |d| &d.atc)
}

/// Letters of the names by which a text mentions all parts of a combination.
fn length(combination: &Combination, text: &str) -> Option<usize> {
    combination.parts.iter().map(|names| longest(names, text)).sum()
}

fn longest(names: &[String], text: &str) -> Option<usize> {
    names.iter().filter(|name| mentions(text, name)).map(String::len).max()
}

/// The parts of a name that can be medicines.
fn parts(name: &str) -> Vec<&str> {
    let mut all = vec![name];
    for joint in JOINTS {
        all = all.into_iter().flat_map(|part| part.split(joint)).collect();
    }
    let is_medicine = |part: &&str| {
        let mut words = part.split(|c: char| !c.is_alphanumeric());
        words.any(|word| {
            word.chars().any(char::is_alphabetic)
                && word.chars().count() >= 3
                && !FORMS.contains(&word.to_lowercase().as_str())
        })
    };
    all.into_iter().filter(is_medicine).collect()
}

#[cfg(test)]
mod tests {
    use super::super::lists_tests::CATALOG;
    use super::*;

    #[test]
    fn a_combination_has_its_own_code_or_none() {
        for (name, atc) in [
            ("dienogest/ethinylestradiol", "G03AA16"),
            ("ethinylestradiol with levonorgestrel", "G03AA07"),
            ("amoxicillin/clavulanic acid", "J01CR02"),
            ("amoxicillin-clavulanate", "J01CR02"),
            ("co-amoxiclav", "J01CR02"),
            ("co-trimoxazole", "J01EE01"),
            ("trimethoprim-sulfamethoxazole", "J01EE01"),
            ("artemether-lumefantrine", "P01BF01"),
            ("TLD", "J05AR27"),
            ("tenofovir + lamivudine + dolutegravir", "J05AR27"),
            ("TDF/3TC", "J05AR12"),
            ("tenofovir alafenamide/emtricitabine", "J05AR17"),
            ("RHZE", "J04AM06"),
            ("rifampicin, isoniazid, pyrazinamide and ethambutol", "J04AM06"),
            ("rifampicin/isoniazid", "J04AM02"),
            ("sacubitril/valsartan", "C09DX04"),
            ("losartan/HCTZ", "C09DA01"),
            ("valsartan with amlodipine", "C09DB01"),
            ("levodopa/carbidopa", "N04BA02"),
            ("levodopa/benserazide", "N04BA02"),
            ("fluticasone/salmeterol", "R03AK06"),
            ("budesonide-formoterol", "R03AK07"),
            ("salbutamol with ipratropium", "R03AL02"),
            ("metformin and sitagliptin", "A10BD07"),
            ("paracetamol with codeine", "N02AJ06"),
            // Not listed.
            ("dienogest/estradiol", ""),
            ("amoxicillin and metronidazole", ""),
            ("metformin/ertugliflozin", ""),
        ] {
            assert_eq!(code(&CATALOG, name), atc, "{name}");
        }
    }

    #[test]
    fn a_single_medicine_keeps_its_code() {
        for (name, atc) in [
            ("dienogest", "G03DB08"),
            ("losartan", "C09CA01"),
            ("nifedipine long-acting", "C08CA05"),
            ("insulin glargine (Lantus)", "A10AE04"),
            ("calcium and vitamin D", "A12AX"),
            ("levodopa", "N04BA02"),
            ("salbutamol/albuterol", "R03AC02"),
            ("metoprolol succinate", "C07AB02"),
        ] {
            assert_eq!(code(&CATALOG, name), atc, "{name}");
        }
    }

    #[test]
    fn a_form_has_the_code_of_its_route() {
        for (name, atc) in [
            ("salbutamol tablets", "R03CC02"),
            ("oral salbutamol", "R03CC02"),
            ("salbutamol syrup", "R03CC02"),
            ("salbutamol inhaler", "R03AC02"),
            ("inhaled salbutamol", "R03AC02"),
            ("hydrocortisone cream", "D07AA02"),
            ("hydrocortisone tablets", "H02AB09"),
            ("budesonide nasal spray", "R01AD05"),
            ("budesonide", "R03BA02"),
            ("timolol eye drops", "S01ED01"),
            ("estradiol gel", "G03CA03"),
            ("paracetamol syrup", "N02BE01"),
            // Not listed in these forms.
            ("ciprofloxacin eye drops", ""),
            ("ciprofloxacin drops", ""),
            ("ciprofloxacin", "J01MA02"),
            ("aciclovir cream", ""),
            ("diclofenac gel", ""),
            ("prednisolone eye drops", ""),
        ] {
            assert_eq!(code(&CATALOG, name), atc, "{name}");
        }
    }

    #[test]
    fn drugs_and_combinations_agree() {
        for drug in CATALOG.drugs.iter().filter(|d| d.name.contains(" with ")) {
            let own = code(&CATALOG, &drug.name);
            assert!(own.is_empty() || own == drug.atc, "{}: {own}", drug.name);
        }
    }
}
