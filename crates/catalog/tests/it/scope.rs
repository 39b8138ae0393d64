//! Scopes: every value of the axes has one, and no row combines values to a patient who cannot exist.

use clinstruct_catalog::{AboutPatient, Catalog, Part, PregnancyRule, Scope, Value};
use clinstruct_schema::Sex;

use crate::{change, embedded, mistakes, mistakes_of};

/// The rows of a part, as values.
fn rows(c: &Catalog, part: &Part) -> Vec<Vec<Value>> {
    let mut rows = vec![Vec::new()];
    for axes in &part.cross {
        let values: Vec<Value> = axes.iter().flat_map(|axis| c.values(*axis)).collect();
        rows = rows
            .iter()
            .flat_map(|row: &Vec<Value>| {
                values.iter().map(|value| {
                    let mut row = row.clone();
                    row.push(*value);
                    row
                })
            })
            .collect();
    }
    rows
}

/// Each row of each part with its scope.
fn scopes(c: &Catalog) -> impl Iterator<Item = (Vec<Value>, Scope)> + '_ {
    c.default_parts().flat_map(|part| rows(c, part)).map(|row| {
        let scope = c.row_scope(&row);
        (row, scope)
    })
}

fn name(c: &Catalog, value: Value) -> String {
    match value {
        Value::Task(t) => c.tasks[t].name.clone(),
        Value::Profession(p) => c.professions[p].name.clone(),
        Value::Specialty(p, s) => {
            format!("{} {}", c.professions[p].name, c.professions[p].specialties[s].name)
        }
        Value::Domain(d) => c.domains[d].name.clone(),
        Value::Subtopic(s) => c.subtopics[s].name.clone(),
    }
}

/// The rows for which `wrong` holds, as text.
fn rows_that(c: &Catalog, wrong: impl Fn(&[Value], &Scope) -> bool) -> Vec<String> {
    scopes(c)
        .filter(|(row, scope)| wrong(row, scope))
        .map(|(row, scope)| {
            let names: Vec<String> = row.iter().map(|v| name(c, *v)).collect();
            format!("{}: {scope:?}", names.join(" x "))
        })
        .collect()
}

fn has_patient(scope: &Scope) -> bool {
    scope.patient != AboutPatient::None
}

#[test]
fn rows_of_each_part_have_a_patient_or_none() {
    let c = embedded();
    let counts: Vec<String> = c
        .default_parts()
        .map(|part| {
            let scopes: Vec<Scope> = rows(&c, part).iter().map(|r| c.row_scope(r)).collect();
            let count = |wanted: &dyn Fn(&Scope) -> bool| scopes.iter().filter(|s| wanted(s)).count();
            let of = |patient| count(&|s| s.patient == patient);
            format!(
                "{}: {} rows, patient {}, none {}, either {}, emergency {}, pregnant {}, conditions {}",
                part.id,
                scopes.len(),
                of(AboutPatient::Patient),
                of(AboutPatient::None),
                of(AboutPatient::Either),
                count(&|s| s.can_be_emergency),
                count(&|s| has_patient(s) && s.pregnancy == PregnancyRule::Required),
                count(&|s| has_patient(s) && !s.conditions.is_empty()),
            )
        })
        .collect();
    insta::assert_snapshot!(counts.join("\n"), @r"
    specialty-domain: 6321 rows, patient 4169, none 1284, either 868, emergency 1836, pregnant 40, conditions 0
    task-subtopic: 12688 rows, patient 9492, none 2920, either 276, emergency 1356, pregnant 384, conditions 2244
    task-topic: 2587 rows, patient 1928, none 355, either 304, emergency 624, pregnant 12, conditions 0
    ");
}

#[test]
fn every_patient_of_a_row_has_an_age_and_a_sex() {
    let c = embedded();
    let wrong = rows_that(&c, |_, scope| {
        let (first, last) = scope.who.ages;
        let bands = c.ages.get(first..=last.min(c.ages.len() - 1)).unwrap_or_default();
        has_patient(scope)
            && (bands.is_empty()
                || bands.iter().any(|band| scope.months_in(band).is_none())
                || !scope.who.sexes.contains(&true))
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Nor do the bands leave out an age that the months have.
    let touched = |scope: &Scope| {
        (0..c.ages.len()).filter(|b| scope.months_in(&c.ages[*b]).is_some()).collect::<Vec<_>>()
    };
    let wrong = rows_that(&c, |_, scope| {
        let bands: Vec<usize> = (0..c.ages.len())
            .filter(|b| scope.who.ages.0 <= *b && *b <= scope.who.ages.1)
            .collect();
        has_patient(scope) && touched(scope) != bands
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_women_and_intersex_people_of_childbearing_age_are_pregnant() {
    let c = embedded();
    let required = |scope: &Scope| has_patient(scope) && scope.pregnancy == PregnancyRule::Required;
    let wrong = rows_that(&c, |_, scope| {
        required(scope)
            && (scope.who.sexes[Sex::Male as usize]
                || scope.months.0 < 15 * 12
                || scope.months.1 >= 50 * 12
                || scope.weeks.0 > scope.weeks.1)
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(rows_that(&c, |_, scope| required(scope)).len() > 300);
    // Where it is only possible, it is so for somebody.
    let wrong = rows_that(&c, |_, scope| {
        has_patient(scope)
            && scope.pregnancy == PregnancyRule::Possible
            && !(0..1260).any(|months| {
                (scope.months.0..=scope.months.1).contains(&months)
                    && [Sex::Female, Sex::Intersex].iter().any(|sex| {
                        scope.who.sexes[*sex as usize] && scope.can_be_pregnant(months, *sex)
                    })
            })
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn an_emergency_is_allowed_by_every_value_and_has_a_patient() {
    let c = embedded();
    let wrong = rows_that(&c, |row, scope| {
        scope.can_be_emergency
            && (!has_patient(scope) || row.iter().any(|value| !c.scope(*value).can_be_emergency))
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn somebody_of_a_row_can_have_one_of_its_conditions() {
    let c = embedded();
    let wrong = rows_that(&c, |_, scope| {
        let fits = |i: &usize| c.conditions[*i].who.and(&scope.who).is_some();
        has_patient(scope) && !scope.conditions.is_empty() && !scope.conditions.iter().any(fits)
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_topic_without_a_patient_is_asked_about_as_such() {
    let c = embedded();
    let without: Vec<&str> = c
        .domains
        .iter()
        .filter(|d| d.scope.patient == AboutPatient::None)
        .map(|d| d.id.as_str())
        .collect();
    insta::assert_snapshot!(without.join(" "), @"human-anatomy-and-physiology epidemiology biostatistics medical-technology-and-informatics health-policy-and-management clinical-research medical-education health-economics");
    let wrong = rows_that(&c, |row, scope| {
        let none = row.iter().any(|value| c.scope(*value).patient == AboutPatient::None);
        none && has_patient(scope)
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    for task in &c.tasks {
        assert!(task.question.contains("no patient"), "{}", task.id);
    }
}

/// What a name says about its patients, apart from the data: words, youngest and oldest age in years, and whether there
/// may be males and females.
const NAMES: [(&[&str], u32, u32, [bool; 2]); 11] = [
    (&["newborn", "neonatal", "neonate"], 0, 0, [true, true]),
    (&["infant", "infancy", "infantile"], 0, 5, [true, true]),
    (&["toddler"], 1, 5, [true, true]),
    (&["child", "children", "childhood", "pediatric", "boys", "juvenile"], 0, 18, [true, true]),
    (&["adolescent", "adolescents"], 10, 18, [true, true]),
    (&["elders", "elderly", "geriatric", "older", "late"], 60, 104, [true, true]),
    (&["dementia", "alzheimer", "presbycusis"], 40, 104, [true, true]),
    (&["menopausal", "postmenopausal"], 40, 104, [false, true]),
    (
        &["pregnancy", "pregnant", "antenatal", "gestational", "prenatal", "fetal"],
        15,
        49,
        [false, true],
    ),
    (&["postpartum", "lactation", "breastfeeding", "cesarean", "perinatal"], 15, 50, [false, true]),
    (
        &["prostate", "prostatic", "prostatitis", "testicular", "vasectomy", "erectile", "men"],
        12,
        104,
        [true, false],
    ),
];

/// Names in which one of the words is about somebody else than the patient, or means something else.
const OTHERWISE: [&str; 2] =
    ["Fetal and neonatal alloimmune thrombocytopenia", "Late-talking toddlers"];

#[test]
fn ages_and_sexes_agree_with_the_words_of_the_name() {
    let c = embedded();
    let mut wrong = Vec::new();
    let mut seen = 0;
    let mut otherwise = OTHERWISE.to_vec();
    for s in c.subtopics.iter().filter(|s| has_patient(&s.scope)) {
        let lower = s.name.to_lowercase();
        let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
        for (listed, from, to, [male, female]) in NAMES {
            if !listed.iter().any(|w| words.contains(w)) {
                continue;
            }
            seen += 1;
            let (youngest, oldest) = (s.scope.months.0 / 12, s.scope.months.1 / 12);
            let [is_male, is_female, _] = s.scope.who.sexes;
            if youngest < from || oldest > to || is_male && !male || is_female && !female {
                if let Some(at) = otherwise.iter().position(|name| *name == s.name) {
                    otherwise.remove(at);
                    continue;
                }
                wrong.push(format!("{} ({listed:?}): {:?}", s.name, s.scope));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 120, "{seen}");
    assert!(otherwise.is_empty(), "not needed: {otherwise:?}");
}

#[test]
fn words_of_a_scope_that_do_not_exist_are_shown_where_they_stand() {
    let wrong = [
        ("domains.toml", "patient = \"patient\"", "patient = \"person\""),
        ("tasks.toml", "patient = \"patient\"\n", ""),
        ("professions.toml", "emergency = \"usual\"", "emergency = \"always\""),
        ("subtopics/cardiology.toml", "[\"atrial-fibrillation\"]", "[\"atrial-fibrilation\"]"),
        ("subtopics/cardiology.toml", "\"0m..35m\"", "\"0w..35m\""),
        ("subtopics/cardiology.toml", "\"0m..35m\"", "\"3y..35m\""),
        ("subtopics/cardiology.toml", "\"6m..60y\"", "\"6m..60\""),
        ("subtopics/dermatology.toml", "\"12..40\"", "\"12..50\""),
        ("subtopics/dermatology.toml", "pregnancy = \"required\"", "pregnancy = \"possible\""),
        ("subtopics/dermatology.toml", "pregnancy = \"required\"", "pregnancy = \"certain\""),
    ];
    let shown: String = wrong.iter().map(|(name, old, new)| mistakes_of(name, old, new)).collect();
    insta::assert_snapshot!(shown, @r#"
    the resources have 1 mistake
    domains.toml at "\"person\"": `patient` is "person"
        write "patient", "none" or "either"
    the resources have 1 mistake
    tasks.toml at "\"diagnosing-symptoms\"": missing field `patient`
        write "patient", "none" or "either"
    the resources have 1 mistake
    professions.toml at "\"always\"": `emergency` is "always"
        write "usual", "possible" or "never"
    the resources have 1 mistake
    subtopics/cardiology.toml at "\"atrial-fibrilation\"": unknown condition "atrial-fibrilation"
        did you mean "atrial-fibrillation"?
    the resources have 1 mistake
    subtopics/cardiology.toml at "\"0w..35m\"": "0w" is not an age
        write months or years, such as "6m" or "45y"
    the resources have 1 mistake
    subtopics/cardiology.toml at "\"3y..35m\"": 3y is older than 35m
    the resources have 1 mistake
    subtopics/cardiology.toml at "\"6m..60\"": "60" is not an age
        write months or years, such as "6m" or "45y"
    the resources have 1 mistake
    subtopics/dermatology.toml at "\"12..50\"": not weeks of a pregnancy
        write the first and last of 4 to 42 weeks, such as "24..36"
    the resources have 1 mistake
    subtopics/dermatology.toml at "\"12..40\"": `weeks` without a required pregnancy
        add `pregnancy = "required"`
    the resources have 2 mistakes
    subtopics/dermatology.toml at "\"certain\"": `pregnancy` is "certain"
        write "possible", "required" or "never"
    subtopics/dermatology.toml at "\"12..40\"": `weeks` without a required pregnancy
        add `pregnancy = "required"`
    "#);
}

#[test]
fn a_scope_that_nobody_fits_is_a_mistake() {
    let mut files = Catalog::embedded_files();
    let mut put = |old: &str, new: &str| change(&mut files, "subtopics/geriatrics.toml", old, new);
    put("name = \"Frailty syndrome\",", "name = \"Frailty syndrome\", pregnancy = \"required\",");
    put("conditions = [\"dementia\"]", "conditions = [\"positional-plagiocephaly\"]");
    insta::assert_snapshot!(mistakes(files), @r#"
    the resources have 3 mistakes
    subtopics/geriatrics.toml at "\"required\"": nobody of these ages and sexes is pregnant
    subtopics/geriatrics.toml at "\"frailty\"": nobody of these ages and sexes has "frailty"
    subtopics/geriatrics.toml at "\"positional-plagiocephaly\"": nobody of these ages and sexes has "positional-plagiocephaly"
    "#);
    let mut files = Catalog::embedded_files();
    change(&mut files, "domains.toml", "emergency = \"never\"", "emergency = \"possible\"");
    insta::assert_snapshot!(mistakes(files), @r#"
    the resources have 1 mistake
    domains.toml at "\"possible\"": an emergency without a patient
    "#);
}

#[test]
fn what_a_subtopic_does_not_state_is_its_domains() {
    let c = embedded();
    let mut files = Catalog::embedded_files();
    change(
        &mut files,
        "domains.toml",
        "id = \"cardiology\"",
        "id = \"cardiology\"\nsexes = [\"male\"]",
    );
    let changed = Catalog::read(files).unwrap();
    let of = |c: &Catalog, id: &str| {
        c.subtopics.iter().find(|s| s.id.as_str() == id).map(|s| s.scope.clone()).unwrap()
    };
    let before = of(&c, "long-qt-syndrome");
    let after = of(&changed, "long-qt-syndrome");
    assert_eq!(before.who.sexes, [true; 3]);
    assert_eq!(after.who.sexes, [true, false, false]);
    assert_eq!(Scope { who: before.who, ..after }, before);
    assert_eq!(of(&changed, "peripartum-cardiomyopathy"), of(&c, "peripartum-cardiomyopathy"));
}
