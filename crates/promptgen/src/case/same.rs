//! Whether two names mean one condition.

use clinstruct_catalog::Condition;
use clinstruct_schema::{CaseCondition, Language};

use super::beside::{CAUSES, OVER, QUALIFIERS, is_beside};
use super::{Completion, cognate, diagnoses, known, local_names, status};

/// Long words that many conditions share.
const COMMON: &[&str] = &[
    "disorder",
    "syndrome",
    "infection",
    "deficiency",
    "insufficiency",
    "congenital",
    "hereditary",
    "recurrent",
    "inflammatory",
    "respiratory",
    "cardiovascular",
    "childhood",
    "pulmonary",
    "arterial",
    "cerebral",
    "abdominal",
    "intestinal",
    "bacterial",
    "idiopathic",
    "secondary",
    "malignant",
    "transplant",
    "carcinoma",
    "moderate",
    "controlled",
    "long-standing",
    "generalised",
    "peripheral",
    "obstructive",
    "treatment",
    "diagnosed",
    "metastatic",
    "intellectual",
    "myocardial",
    "hypertension",
    "haemorrhage",
    "thrombosis",
    "polyneuropathy",
    "osteoarthritis",
    "depression",
    "epilepsy",
    "pneumonia",
    "psoriasis",
    "migraine",
    "headache",
    "leukaemia",
    "lymphoma",
    "cardiomyopathy",
    "neuropathy",
    "nephropathy",
    "vascular",
    "autoimmune",
    "arthritis",
    "diabetes",
    "mellitus",
    "hepatitis",
    "failure",
];

/// Whether two names mean one condition: `type 2 diabetes`, `Type 2 diabetes mellitus with kidney disease`. Pulmonary
/// hypertension is not hypertension.
fn same_condition(a: &str, b: &str) -> bool {
    let words = |name: &str| words(lower(name).split(" with ").next().unwrap_or_default());
    let (a, b) = (words(a), words(b));
    // A rare word names the condition: `Duchenne`, `haemangioma on the left buttock`.
    let common = |w: &str| COMMON.iter().any(|common| spelled(common) == w);
    let names = |w: &&String| w.chars().count() >= 8 && !common(w);
    if a.iter().filter(names).any(|w| b.contains(w)) {
        return true;
    }
    let adds_nothing = |a: &[String], b: &[String]| {
        a.iter().all(|w| {
            b.contains(w)
                || QUALIFIERS.contains(&w.as_str())
                || w.parse::<u32>().is_ok_and(|_| !has_type(a))
        })
    };
    !a.is_empty() && !b.is_empty() && adds_nothing(&a, &b) && adds_nothing(&b, &a)
}

/// Whether a number in the name tells types apart, rather than stages.
fn has_type(words: &[String]) -> bool {
    words.iter().any(|w| w == "type")
}

/// First letters of words for an illness that is acute.
const ACUTE: [&str; 10] = [
    "acute",
    "hyperacute",
    "massive",
    "evolving",
    "progressing",
    "akut",
    "agud",
    "aigu",
    "acut",
    "तीव्र",
];

/// The code of a condition that a message names: that of the acute illness where the name says so, `massive haemorrhagic
/// stroke`.
fn stage_code<'c>(condition: &'c Condition, name: &str) -> &'c str {
    let name = lower(name);
    let is_over = words(&name).iter().any(|word| OVER.contains(&word.as_str()));
    let is_acute =
        || name.split_whitespace().any(|w| ACUTE.iter().any(|start| w.starts_with(start)));
    match &condition.acute_icd10 {
        // Thai has no spaces.
        Some(code) if !is_over && (is_acute() || name.contains("เฉียบพลัน")) => {
            code
        }
        _ => &condition.icd10,
    }
}

/// Code of the one condition or diagnosis of the catalog that a name means; empty for none or several, and where a cause is
/// named that the catalog's condition does not have.
pub(super) fn code(ctx: &Completion<'_>, name: &str) -> String {
    match known::conditions_in(ctx.catalog, ctx.band, name).as_slice() {
        [] => {
            let code = status::code(name).or_else(|| diagnoses::code(ctx.catalog, name));
            let code = code.map(str::to_owned);
            code.or_else(|| local_names::code(ctx.names(), name)).unwrap_or_default()
        }
        [condition] => {
            let has = |cause: &str| condition.names().any(|known| known::mentions(known, cause));
            let other = CAUSES.iter().any(|cause| known::mentions(name, cause) && !has(cause));
            if let Some(code) = diagnoses::longer(ctx.catalog, name, condition) {
                return code.to_owned();
            }
            if other { String::new() } else { stage_code(condition, name).to_owned() }
        }
        _ => status::code(name).unwrap_or_default().to_owned(),
    }
}

/// What people at home call a condition, and what its name has. As a whole name only: `sugar` in a text is food.
const AT_HOME: [(&str, &str); 14] = [
    ("sugar", "diabet"),
    ("the sugar", "diabet"),
    ("high sugar", "diabet"),
    ("blood sugar", "diabet"),
    ("sugar disease", "diabet"),
    ("sugar sickness", "diabet"),
    ("pressure", "hypertens"),
    ("the pressure", "hypertens"),
    ("blood pressure", "hypertens"),
    ("high blood", "hypertens"),
    ("fits", "epilep"),
    ("falling sickness", "epilep"),
    ("weak heart", "heart failure"),
    ("water on the lungs", "heart failure"),
];

/// Whether a name is what people at home call a listed condition.
fn is_lay_name(listed: &str, name: &str) -> bool {
    let (listed, name) = (lower(listed), lower(name));
    AT_HOME.iter().any(|(lay, has)| name == *lay && listed.contains(has))
}

/// Whether a stated name says no more than a condition that is listed already: in the same words, as another name of the
/// catalog, as its initials, or in a part of its words where the catalog has no code for them.
pub(super) fn is_same(ctx: &Completion<'_>, listed: &CaseCondition, name: &str) -> bool {
    if same_condition(&listed.name, name)
        || is_another_name(ctx, listed, name)
        || is_lay_name(&listed.name, name)
        || local_names::is_name_of(ctx.names(), listed, name)
        || status::is_same(listed, name)
    {
        return true;
    }
    // `sleep apnoea on CPAP` and `obstructive sleep apnoea on night-time CPAP`, `low back pain is years old`.
    let of = |name: &str| known::conditions_in(ctx.catalog, ctx.band, name);
    let named = of(name);
    if let [one] = named.as_slice()
        && matches!(of(&listed.name).as_slice(), [other] if other.id == one.id)
    {
        return true;
    }
    // In a language of its own, a name may have no words of the catalog.
    let local = ctx.frame.language != Language::English;
    if local && cognate::is_cognate(&listed.name, name) {
        return !local_names::is_name_of_another(ctx.names(), listed, name);
    }
    (named.is_empty() && (abbreviates(name, &listed.name) || is_part(name, &listed.name)))
        || (of(&listed.name).is_empty() && abbreviates(&listed.name, name))
}

/// Whether a text of the history only says again what is listed as a condition: `type 2 diabetes since 2015`. An event of it is
/// something else: `admitted with asthma`, `stroke in 2019 with weakness of the left arm`.
pub(super) fn is_repeated(ctx: &Completion<'_>, listed: &CaseCondition, text: &str) -> bool {
    let single = |name: &str| words(&lower(name).replace('-', " "));
    let (own, whole) = (single(text), single(&listed.name));
    let mut named = own.iter().filter(|word| !is_beside(word)).peekable();
    let said = named.peek().is_some() && named.all(|word| whole.contains(word));
    said || is_another_name(ctx, listed, text)
        || abbreviates(text, &listed.name)
        || local_names::is_name_of(ctx.names(), listed, text)
}

/// Whether a name is one that the catalog has for a listed condition, and says nothing more.
fn is_another_name(ctx: &Completion<'_>, listed: &CaseCondition, name: &str) -> bool {
    let all = known::conditions_in(ctx.catalog, ctx.band, &listed.name);
    let lower = lower(name);
    known::conditions_in(ctx.catalog, ctx.band, name).into_iter().any(|c| {
        let found = c.names().filter(|known| known::mentions(name, known)).map(str::to_lowercase);
        let longest = found.max_by_key(String::len).unwrap_or_default();
        all.iter().any(|known| known.id == c.id)
            && words(&lower.replacen(&longest, " ", 1)).iter().all(|word| is_beside(word))
    })
}

/// Whether a name is the initials of another one: `CVI`, `known PKD`.
fn abbreviates(short: &str, long: &str) -> bool {
    let mut names = short
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !is_beside(&word.to_lowercase()));
    let (Some(name), None) = (names.next(), names.next()) else { return false };
    // A message without capitals has none in its abbreviations either.
    let small = short.trim().len() == name.len() && name.len() >= 3;
    let upper = name.to_ascii_uppercase();
    let name = if small { upper.as_str() } else { name };
    let capitals = name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
        && name.starts_with(|c: char| c.is_ascii_uppercase());
    // `T2DM` is also the one of whom the catalog leaves out the `mellitus`.
    let name = name.strip_suffix('M').filter(|name| name.ends_with('D')).unwrap_or(name);
    if !capitals || !(2..=6).contains(&name.len()) {
        return false;
    }
    let lower = lower(long);
    let all: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let spells = |all: &[&str]| {
        let initials: String = all.iter().filter_map(|word| word.chars().next()).collect();
        let rest = all.get(name.len()..).unwrap_or_default();
        // How it is treated makes no other one of it: `obstructive sleep apnoea on CPAP`.
        let treated = rest.first().is_some_and(|word| ["on", "under", "treated"].contains(word));
        initials.starts_with(&name.to_lowercase())
            && (treated || rest.iter().all(|word| is_beside(word)))
    };
    let small = |word: &&&str| !["of", "the", "and", "in", "with", "a"].contains(*word);
    spells(&all) || spells(&all.iter().filter(small).copied().collect::<Vec<_>>())
}

/// Whether a name has only words of another one: `hearing loss` of `congenital hearing loss`.
fn is_part(name: &str, whole: &str) -> bool {
    let single = |name: &str| words(&lower(name).replace('-', " "));
    let (name, whole) = (single(name), single(whole));
    let own: Vec<&String> = name.iter().filter(|word| !is_beside(word)).collect();
    !own.is_empty() && own.iter().all(|word| whole.contains(word))
}

fn lower(name: &str) -> String {
    name.trim().trim_end_matches('.').to_lowercase()
}

/// The words of a name in lower case; British and American spelling are one.
fn words(name: &str) -> Vec<String> {
    name.split(|c: char| !(c.is_alphanumeric() || c == '-'))
        .filter(|w| !w.is_empty())
        .map(spelled)
        .collect()
}

fn spelled(word: &str) -> String {
    word.replace("ae", "e").replace("oe", "e").replace("our", "or")
}

#[cfg(test)]
mod tests {
    use super::super::lists_tests::CATALOG;
    use super::*;

    #[test]
    fn conditions_with_other_words_are_others() {
        for (a, b) in [
            ("type 2 diabetes", "Type 2 diabetes mellitus"),
            ("hypertension", "poorly controlled hypertension"),
            ("chronic kidney disease stage 3", "chronic kidney disease"),
            ("type 2 diabetes", "type 2 diabetes with retinopathy"),
        ] {
            assert!(same_condition(a, b) && same_condition(b, a), "{a} and {b}");
        }
        for (a, b) in [
            ("hypertension", "pulmonary hypertension"),
            ("type 1 diabetes", "type 2 diabetes"),
            ("asthma", "COPD"),
            ("asthma", ""),
        ] {
            assert!(!same_condition(a, b) && !same_condition(b, a), "{a} and {b}");
        }
    }

    #[test]
    fn initials_mean_the_words_that_they_begin() {
        for (short, long) in [
            ("CVI", "common variable immunodeficiency"),
            ("known PKD", "polycystic kidney disease"),
            ("PTSD", "post-traumatic stress disorder"),
            ("CKD", "chronic kidney disease stage 3"),
            ("DDH", "developmental dysplasia of the hip"),
            ("T2DM x 12 y", "type 2 diabetes"),
            ("osa", "obstructive sleep apnoea on night-time CPAP"),
            ("T1DM", "type 1 diabetes mellitus"),
        ] {
            assert!(abbreviates(short, long), "{short} and {long}");
        }
        for (short, long) in [
            ("COPD", "chronic kidney disease"),
            ("asthma", "acute severe thunderstorm hay fever"),
            ("HIV and TB", "human immunodeficiency virus"),
            ("AF", "atrial flutter with block"),
        ] {
            assert!(!abbreviates(short, long), "{short} and {long}");
        }
    }

    #[test]
    fn an_acute_illness_has_its_own_code() {
        let stroke = CATALOG.conditions.iter().find(|c| c.id.as_str() == "haemorrhagic-stroke");
        let stroke = stroke.unwrap();
        for (name, code) in [
            ("massive haemorrhagic stroke", "I61.9"),
            ("Acute intracerebral haemorrhage", "I61.9"),
            ("akute Hirnblutung", "I61.9"),
            ("ictus hemorrágico agudo", "I61.9"),
            ("haemorrhagic stroke", "I69.1"),
            ("previous massive haemorrhagic stroke", "I69.1"),
            ("acute haemorrhagic stroke 5 years ago", "I69.1"),
        ] {
            assert_eq!(stage_code(stroke, name), code, "{name}");
        }
        for condition in CATALOG.conditions.iter().filter(|c| c.acute_icd10.is_some()) {
            assert!(condition.name.starts_with("previous"), "{}", condition.name);
        }
    }

    #[test]
    fn a_part_of_the_words_adds_nothing() {
        assert!(is_part("hearing loss", "congenital hearing loss"));
        assert!(is_part("iron deficiency anemia", "iron deficiency anaemia"));
        assert!(!is_part("hearing loss and squint", "congenital hearing loss"));
        assert!(!is_part("severe", "severe asthma"));
    }
}
