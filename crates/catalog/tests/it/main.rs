//! The catalog: the embedded resources are valid, and all mistakes of a changed copy are reported together.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod contradictions;
mod personas;
mod scope;

use std::collections::HashSet;
use std::fmt::Write as _;

use clinstruct_catalog::{Axis, Catalog, Files};
use clinstruct_schema::{Facet, IncomeGroup, Sex};

fn embedded() -> Catalog {
    Catalog::embedded().unwrap()
}

/// Replaces the first `old` of a file, which must exist, by `new`.
fn change(files: &mut Files, name: &str, old: &str, new: &str) {
    let text = files.get_mut(name).unwrap();
    assert!(text.contains(old), "{name} has no {old:?}");
    *text = text.replacen(old, new, 1);
}

/// The mistakes of a set of files: file, text under the caret, message, hint.
fn mistakes(files: Files) -> String {
    let error = Catalog::read(files).unwrap_err();
    let mut shown = format!("{error}\n");
    for m in &error.mistakes {
        let text = m.file.inner();
        let under = &text[m.span.offset()..m.span.offset() + m.span.len()];
        writeln!(shown, "{} at {under:?}: {m}", m.file.name()).unwrap();
        if let Some(help) = &m.help {
            writeln!(shown, "    {help}").unwrap();
        }
    }
    shown
}

/// The mistakes after one change.
fn mistakes_of(name: &str, old: &str, new: &str) -> String {
    let mut files = Catalog::embedded_files();
    change(&mut files, name, old, new);
    mistakes(files)
}

#[test]
fn what_was_compiled_in_is_read() {
    let c = embedded();
    let specialties: usize = c.professions.iter().map(|p| p.specialties.len()).sum();
    let counts = format!(
        "professions {}, specialties {specialties}, domains {}, subtopics {}, tasks {}, ages {}, \
         countries {}, styles {} in {} groups, parts {}",
        c.professions.len(),
        c.domains.len(),
        c.subtopics.len(),
        c.tasks.len(),
        c.ages.len(),
        c.countries.len(),
        c.styles.asked.len(),
        c.styles.groups.len(),
        c.parts.len(),
    );
    insta::assert_snapshot!(counts, @"professions 21, specialties 129, domains 49, subtopics 976, tasks 13, ages 11, countries 193, styles 35 in 6 groups, parts 4");
    assert_eq!(c.values(Axis::Specialty).len(), specialties);
    assert_eq!(c.values(Axis::Subtopic).len(), c.subtopics.len());
}

#[test]
fn a_part_is_found_by_id_and_by_stem() {
    let c = embedded();
    for part in &c.parts {
        assert_eq!(c.part(part.id.as_str()).unwrap().stem, part.stem);
        assert_eq!(c.part(&part.stem).unwrap().id, part.id);
    }
    assert!(c.part("no-such-part").is_none());
}

#[test]
fn age_bands_have_no_gap() {
    let c = embedded();
    assert_eq!(c.ages[0].from, 0);
    for pair in c.ages.windows(2) {
        assert_eq!(pair[0].to + 1, pair[1].from, "{} and {}", pair[0].id, pair[1].id);
    }
    assert!(c.ages.iter().all(|a| a.from <= a.to));
    assert_eq!(c.ages[c.gender_from].id.as_str(), "adolescents");
}

#[test]
fn nobody_male_is_an_obstetric_patient() {
    const WORDS: [&str; 9] = [
        "obstet",
        "gynec",
        "midwi",
        "women",
        "pregnan",
        "matern",
        "antenatal",
        "perinat",
        "partum",
    ];
    let obstetric = |name: &str| {
        let name = name.to_lowercase();
        WORDS.iter().any(|w| name.contains(w))
    };
    let c = embedded();
    let mut seen = [0; 3];
    let male = Sex::Male as usize;
    for p in &c.professions {
        for s in &p.specialties {
            if obstetric(&p.name) || obstetric(&s.name) {
                assert!(!s.scope.who.sexes[male], "{} {}", p.id, s.id);
                seen[0] += 1;
            }
        }
    }
    for d in c.domains.iter().filter(|d| obstetric(&d.name)) {
        assert!(!d.scope.who.sexes[male], "{}", d.id);
        seen[1] += 1;
    }
    for s in &c.subtopics {
        if obstetric(&s.name) || obstetric(&c.domains[s.domain].name) {
            assert!(!s.scope.who.sexes[male], "{}", s.id);
            seen[2] += 1;
        }
    }
    insta::assert_snapshot!(format!("{seen:?}"), @"[2, 1, 47]");
}

#[test]
fn every_income_group_has_countries_and_every_country_a_setting() {
    let c = embedded();

    for group in
        [IncomeGroup::High, IncomeGroup::UpperMiddle, IncomeGroup::LowerMiddle, IncomeGroup::Low]
    {
        assert!(c.countries.iter().any(|x| x.income == group), "{group:?}");
    }
    for country in &c.countries {
        assert!(!country.settings.is_empty(), "{}", country.code);
        assert!(country.settings.iter().all(|s| *s < c.settings.len()), "{}", country.code);
        assert_eq!(country.code.len(), 2, "{}", country.code);
    }
    let codes: HashSet<_> = c.countries.iter().map(|x| x.code.as_str()).collect();
    assert_eq!(codes.len(), c.countries.len());
}

#[test]
fn ids_are_unique_and_wordings_are_many() {
    let c = embedded();
    let emergencies = c.parts.iter().filter_map(|p| p.emergency.as_ref()).map(|e| &e.instruction);
    let all: Vec<_> = c.styles.options().chain(emergencies).collect();
    let ids: HashSet<_> = all.iter().map(|o| &o.id).collect();
    assert_eq!(ids.len(), all.len(), "an option's id is unique over all kinds");
    let texts: Vec<&str> =
        all.iter().flat_map(|o| &o.wordings).map(|w| w.text.0.as_str()).collect();
    for option in &all {
        assert!(option.wordings.len() >= 6, "{}", option.id);
        let languages = option.claims.contains(&Facet::Language);
        assert!(!languages || option.wordings.iter().all(|w| w.every), "{}", option.id);
    }
    // A text inside another one would be taken for an instruction of its own.
    for one in &texts {
        assert!(!texts.iter().any(|other| other != one && other.contains(one)), "{one}");
    }
}

#[test]
fn every_template_has_its_phrases_and_every_phrase_stands_in_one() {
    let files = Catalog::embedded_files();
    let templates: String = files
        .iter()
        .filter(|(name, _)| name.starts_with("templates/"))
        .map(|(_, text)| text.as_str())
        .collect();
    // These are put together in code.
    let in_code = |id: &str| {
        ["repair-", "aim-", "prompt-retry", "prompt-openings", "request-", "user-next"]
            .iter()
            .any(|p| id.starts_with(p))
    };
    for phrase in embedded().phrases.iter().filter(|p| !in_code(p.id.as_str())) {
        let use_ = format!("phrases[\"{}\"]", phrase.id);
        assert!(templates.contains(&use_), "{} stands in no template", phrase.id);
    }
}

#[test]
fn the_fingerprint_tells_files_apart() {
    let same = Catalog::read(Catalog::embedded_files()).unwrap();
    assert_eq!(embedded().fingerprint(), same.fingerprint());
    let mut files = Catalog::embedded_files();
    change(&mut files, "tasks.toml", "Predictive Analytics", "Forecasts");
    assert_ne!(embedded().fingerprint(), Catalog::read(files).unwrap().fingerprint());
}

#[test]
fn a_template_without_a_variable_is_an_error() {
    let c = embedded();
    let error = c.templates.render("assistant_system.j2", ().into()).unwrap_err();
    insta::assert_snapshot!(error, @"cannot render template assistant_system.j2");
}

#[test]
fn mistakes_of_many_files_are_shown_at_once() {
    let mut files = Catalog::embedded_files();
    let mut put = |name: &str, old: &str, new: &str| change(&mut files, name, old, new);
    // An unknown task in a part's `when`.
    put("parts/2-tasks-x-subtopics.toml", "\"clinical-documentation\"", "\"clinical-documents\"");
    // Weights that sum to 0.9.
    put("parts/1-specialty-x-domain.toml", "emergency = 0.10", "emergency = 0.0");
    // No TOML.
    put("history.toml", "text = \"itchy swellings", "text = itchy swellings");
    // A missing field.
    put(
        "phrases.toml",
        "text = \"Be respectful to everyone, even when you are asked to be blunt.\"\n",
        "",
    );
    // A duplicate id.
    put("styles.toml", "id = \"analogy\"", "id = \"humour\"");
    // Unknown fields, in an entry and at the top level.
    put("countries.toml", "code = \"", "capital = \"Kabul\"\ncode = \"");
    put("vitals.toml", "[[normal]]", "colour = 1\n\n[[normal]]");
    // An invalid template.
    put("templates/user_opening.j2", "I am ready.", "I am {{ ready.");
    insta::assert_snapshot!(mistakes(files), @r#"
    the resources have 14 mistakes
    countries.toml at "capital": unknown field `capital`, expected one of `code`, `name`, `income`, `region`, `languages`, `minorities`, `emergency`, `settings`
    vitals.toml at "colour": unknown field `colour`
    body.toml at "[[population]]": unknown country code "af"
    history.toml at "": not valid TOML: missing opening quote, expected `"`
        see https://toml.io/en/v1.0.0 for the syntax
    styles.toml at "\"humour\"": duplicate option "humour"
    phrases.toml at "[[phrase]]": missing field `text`
    templates/user_opening.j2 at "would": not a valid template: unexpected identifier, expected end of variable block
    parts/1-specialty-x-domain.toml at "{ chat = 0.35, normal = 0.55, emergency = 0.0 }": the weights sum to 0.9, not to 1
    parts/2-tasks-x-subtopics.toml at "\"clinical-documents\"": unknown task "clinical-documents"
        did you mean "clinical-documentation"?
    contradictions.toml at "\"analogy\"": unknown item "analogy"
    contradictions.toml at "\"analogy\"": unknown item "analogy"
    contradictions.toml at "\"analogy\"": unknown item "analogy"
    contradictions.toml at "\"analogy\"": unknown item "analogy"
    contradictions.toml at "\"analogy\"": unknown item "analogy"
    "#);
}

#[test]
fn a_part_that_is_no_toml_is_shown_where_it_breaks() {
    let mut files = Catalog::embedded_files();
    change(&mut files, "parts/1-specialty-x-domain.toml", "max_tokens = 1600", "max_tokens = ");
    let shown = mistakes(files);
    let syntax: Vec<_> = shown.lines().filter(|l| l.contains("not valid TOML")).collect();
    insta::assert_snapshot!(syntax.join("\n"), @r#"parts/1-specialty-x-domain.toml at "": not valid TOML: string values must be quoted, expected literal string"#);
}

#[test]
fn mistakes_about_sizes_and_vital_signs_are_shown() {
    let wrong = [
        ("body.toml", "countries = [\"ca\", \"us\"]", "countries = [\"ca\", \"xx\"]"),
        ("body.toml", "region = \"SEAR\"\n", ""),
        ("body.toml", "men = 178.7", "men = -178.7"),
        ("body.toml", "months = 24", "months = 2"),
        (
            "complaints.toml",
            "cancels = [\"fever\", \"infection\"]",
            "cancels = [\"fevers\", \"infection\"]",
        ),
        ("complaints.toml", "\"palpitation*\"", "\"Palpitation*\""),
        (
            "complaints.toml",
            "{ name = \"lactate\", above = 3.0 }",
            "{ name = \"weight\", above = 3.0 }",
        ),
        ("complaints.toml", "{ name = \"lactate\", above = 3.0 }", "{ name = \"lactate\" }"),
        ("vitals.toml", "setting = \"low-resource\"", "setting = \"low-resources\""),
        ("vitals.toml", "saturation = 0.45", "saturation = 45.0"),
    ];
    let shown: String = wrong.iter().map(|(name, old, new)| mistakes_of(name, old, new)).collect();
    let shown = shown.replace("the resources have 1 mistake\n", "");
    insta::assert_snapshot!(shown, @r#"
    body.toml at "[[population]]": unknown country code "xx"
    body.toml at "": the region SEAR has 0 default populations, not one
    body.toml at "[[population]]": western-europe: -178.7 is not a positive number
    body.toml at "[[growth]]": the [[growth]] entries are not in ascending order
    complaints.toml at "[[complaint]]": unknown class "fevers"
        did you mean "fever"?
    complaints.toml at "[[complaint]]": "Palpitation*" is not in lower case
    complaints.toml at "[[complaint]]": weight is not a measurement
    complaints.toml at "[[complaint]]": lactate needs either `below` or `above`
    vitals.toml at "[[unmeasured]]": unknown setting "low-resources"
        did you mean "low-resource"?
    vitals.toml at "[[unmeasured]]": the share 45 is not between 0 and 1
    "#);
}

#[test]
fn a_year_without_a_time_to_reckon_with_is_a_mistake() {
    let wrong = [
        ("history.toml", "since = 1998", "since = 2998"),
        ("history.toml", "year = 2026\n", ""),
        ("history.toml", "at = [22, 70]\nsince = 1998\n", "since = 1998\n"),
    ];
    let shown: String = wrong.iter().map(|(name, old, new)| mistakes_of(name, old, new)).collect();
    for message in [
        "`since` is later than the `year` of the file, 2026",
        "`since` needs the `year` of the file",
        "`since` needs `at`, `at_months` or `ago`",
    ] {
        assert!(shown.contains(message), "{shown}");
    }
}

#[test]
fn the_young_have_names_of_their_own() {
    let c = Catalog::embedded().unwrap();
    assert_eq!(c.adult_from, 18);
    let young =
        |id: &str| c.genders.iter().find(|g| g.id.as_str() == id).and_then(|g| g.young.as_deref());
    assert_eq!(
        (young("cisgender-woman"), young("transgender-man")),
        (Some("girl"), Some("transgender boy"))
    );
    assert_eq!(young("non-binary"), None);
}

#[test]
fn a_wrong_name_comes_with_the_nearest_one() {
    let wrong = [
        ("domains.toml", "infants..adolescents\"\n", "infant..adolescents\"\n"),
        ("conditions.toml", "drugs = [\"", "drugs = [\"x"),
        ("countries.toml", "region = \"E", "region = \"X"),
        ("sexes.toml", "countries = [\"ca\", \"us\"]", "countries = [\"ca\", \"xx\"]"),
        ("subtopics/cardiology.toml", "domain = \"cardiology\"", "domain = \"cardioligy\""),
    ];
    let shown: String = wrong.iter().map(|(name, old, new)| mistakes_of(name, old, new)).collect();
    insta::assert_snapshot!(shown, @r#"
    the resources have 1 mistake
    domains.toml at "\"infant..adolescents\"": unknown age band "infant"
        did you mean "infants"?
    the resources have 1 mistake
    conditions.toml at "\"xfurosemide\"": unknown drug "xfurosemide"
        did you mean "furosemide"?
    the resources have 1 mistake
    countries.toml at "\"XMR\"": unknown WHO region "XMR"
        did you mean "EMR"?
    the resources have 1 mistake
    sexes.toml at "\"xx\"": unknown country code "xx"
    the resources have 1 mistake
    subtopics/cardiology.toml at "\"cardioligy\"": unknown domain "cardioligy"
        did you mean "cardiology"?
    "#);
}

#[test]
fn rules_of_single_files_are_checked() {
    let wrong = [
        ("ages.toml", "from = 13", "from = 14"),
        ("sexes.toml", "weight = 0.02", "weight = 0.01"),
        ("styles.toml", "later = 0.14", "later = 0.04"),
        ("styles.toml", "no more than {n} words.", "no more than a few words."),
        ("parts/1-specialty-x-domain.toml", "countries = \"any\"", "countries = \"all\""),
        ("parts/1-specialty-x-domain.toml", "prompts_per_request = 1", "prompts_per_request = 0"),
        ("parts/1-specialty-x-domain.toml", "_specialty_domain.j2", "_none.j2"),
        ("parts/1-specialty-x-domain.toml", "id = \"specialty-domain\"", "id = \"task-topic\""),
    ];
    let shown: String = wrong.iter().map(|(name, old, new)| mistakes_of(name, old, new)).collect();
    insta::assert_snapshot!(shown, @r#"
    the resources have 1 mistake
    ages.toml at "[[age]]": the band does not start at 13, where the previous one ended
        age bands must have no gaps and no overlaps
    the resources have 1 mistake
    sexes.toml at "[[sex]]": the weights sum to 0.99, not to 1
    the resources have 1 mistake
    styles.toml at "[places]": the weights sum to 0.9, not to 1
    the resources have 1 mistake
    styles.toml at "\"I have about a minute to read your answer, so no more than a few words.\"": {n} is missing in the text for `n`
    the resources have 1 mistake
    parts/1-specialty-x-domain.toml at "\"all\"": unknown variant `all`, expected `any` or `one-per-income-group`
    the resources have 1 mistake
    parts/1-specialty-x-domain.toml at "0": `prompts_per_request` must be 1 to 9
    the resources have 1 mistake
    parts/1-specialty-x-domain.toml at "\"prompt_none.j2\"": there is no template "prompt_none.j2"
        put it into templates/
    the resources have 1 mistake
    parts/3-tasks-x-topics-x-patients.toml at "": another part has the id "task-topic"
    "#);
}

#[test]
fn files_that_are_missing_or_not_read_are_mistakes() {
    let mut files = Catalog::embedded_files();
    files.remove("phrases.toml").unwrap();
    files.remove("templates/user_opening.j2").unwrap();
    files.insert("phrase.toml".into(), String::new());
    insta::assert_snapshot!(mistakes(files), @r#"
    the resources have 3 mistakes
    phrases.toml at "": the file phrases.toml is missing
        copy it from the resources folder of the repository
    templates/user_opening.j2 at "": the template user_opening.j2 is missing
    phrase.toml at "": the file phrase.toml is not used
        did you mean "phrases.toml"?
    "#);
}

#[test]
fn rules_about_patients_are_checked() {
    let wrong = [
        ("drugs.toml", "atc = \"A10BA02\"", "atc = \"A10BA2\""),
        ("drugs.toml", "high = 1000\n", "high = 100\n"),
        ("conditions.toml", "icd10 = \"P07.3\"", "icd10 = \"P7\""),
        ("conditions.toml", "fields = [\"dermatology\"", "fields = [\"dermatologie\""),
        ("conditions.toml", "excludes = [\"rosacea\"]\n", ""),
        ("conditions.toml", "treated = 1\n", "treated = 2\n"),
        ("conditions.toml", "id = \"clubfoot\"\n", "id = \"clubfoot\"\ntreated = 0.5\n"),
        ("regimens.toml", "condition = \"gout\"", "condition = \"gowt\""),
        ("regimens.toml", "condition = \"gout\"", "condition = \"clubfoot\""),
        ("regimens.toml", "doses = [40, 80]", "doses = [40, 81]"),
        ("regimens.toml", "with = [\"N05AN\"]", "with = [\"N05AX99\"]"),
        ("regimens.toml", "share = 0.6", "share = 6"),
        ("history.toml", "infusion {ago}", "infusion {agoo}"),
        ("history.toml", "grommets placed at {age}", "grommets placed {ago}"),
        ("history.toml", "kind = \"home\"", "kind = \"hoem\""),
        ("history.toml", "relatives = [\"mother\"", "relatives = [\"mothr\""),
    ];
    let shown: String = wrong.iter().map(|(name, old, new)| mistakes_of(name, old, new)).collect();
    insta::assert_snapshot!(shown, @r#"
    the resources have 1 mistake
    drugs.toml at "[[drug]]": metformin: A10BA2 is not an ATC code
    the resources have 1 mistake
    drugs.toml at "[[drug]]": the doses of metformin are not a range
    the resources have 1 mistake
    conditions.toml at "\"P7\"": "P7" is not an ICD-10 code
    the resources have 1 mistake
    conditions.toml at "\"dermatologie\"": unknown field "dermatologie"
        did you mean "dermatology"?
    the resources have 1 mistake
    conditions.toml at "\"acne\"": rosacea excludes acne, which does not exclude it
        list it on both sides
    the resources have 1 mistake
    conditions.toml at "2": `treated` is 2, not between 0 and 1
    the resources have 1 mistake
    conditions.toml at "\"clubfoot\"": clubfoot is treated, but has neither drugs nor regimens
    the resources have 1 mistake
    regimens.toml at "\"gowt\"": unknown condition "gowt"
        did you mean "gout"?
    the resources have 1 mistake
    conditions.toml at "\"clubfoot\"": `treated` is missing for the regimens of clubfoot
    the resources have 1 mistake
    regimens.toml at "{ any = [\"atorvastatin\"], doses = [40, 81], frequency = \"once daily\" }": 81 is not a strength of any of its drugs
        see `strengths` in drugs.toml
    the resources have 1 mistake
    regimens.toml at "\"N05AX99\"": no drug has a code N05AX99...
    the resources have 1 mistake
    regimens.toml at "{ any = [\"furosemide\"], doses = [20, 40], frequency = \"once daily in the morning\", share = 6 }": `share` is 6, not between 0 and 1
    the resources have 1 mistake
    history.toml at "\"flushing during a vancomycin infusion {agoo}\"": unknown slot {agoo}
        did you mean "ago"?
    the resources have 1 mistake
    history.toml at "\"grommets placed {ago}\"": {ago} needs `ago`
    the resources have 1 mistake
    history.toml at "\"hoem\"": unknown kind "hoem"
        did you mean "home"?
    the resources have 1 mistake
    history.toml at "\"mothr\"": unknown relative "mothr"
        did you mean "mother"?
    "#);
}

#[test]
fn what_a_patient_is_drawn_from_is_rich_and_coded() {
    let c = embedded();
    assert!(c.conditions.len() >= 250 && c.drugs.len() >= 300 && c.regimens.len() >= 300);
    for condition in &c.conditions {
        for other in &condition.excludes {
            let other = c.conditions.iter().find(|o| &o.id == other).unwrap();
            assert!(other.excludes.contains(&condition.id), "{} and {}", condition.id, other.id);
        }
        let regimens = c.regimens.iter().filter_map(|r| r.condition);
        let treatments = condition.drugs.len()
            + regimens.filter(|r| c.conditions[*r].id == condition.id).count();
        assert_eq!(condition.treated > 0.0, treatments > 0, "{}", condition.id);
    }
    // A rule that a regimen breaks by itself would be followed by nobody.
    for regimen in &c.regimens {
        for item in &regimen.items {
            let possible = item.any.iter().any(|d| {
                let code = regimen.condition.map_or("", |i| c.conditions[i].icd10.as_str());
                !c.never.iter().any(|n| n.forbids_with(&c.drugs[*d], code))
            });
            assert!(possible, "{} is against a rule", regimen.id);
        }
    }
}
