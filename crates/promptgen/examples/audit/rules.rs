//! Rules that no case may violate. Independent of the generator: nothing here reads its tables.

use clinstruct_schema::{Case, FactKind, FactName, Origin, Sex};

use super::cases::Drawn;
use super::data::{Data, Excluded, List, Pair, WeightReference};

/// The rules in this file beside those of the data.
const IN_CODE: usize = 20;

pub(crate) fn number(data: &Data) -> usize {
    let expected: usize = data.scenario.iter().map(|s| s.expect.len()).sum();
    let raised: usize = data.scenario.iter().map(|s| s.raised.len()).sum();
    IN_CODE + data.excluded.len() + data.pair.len() + expected + raised
}

/// What is wrong with the case.
pub(crate) fn violations(data: &Data, drawn: &Drawn<'_>) -> Vec<String> {
    let mut found = Vec::new();
    signs(data, drawn, &mut found);
    size(data, drawn, &mut found);
    statements(drawn, &mut found);
    calm(drawn, &mut found);
    beside(data, drawn, &mut found);
    let p = &drawn.case.patient;
    if p.pregnancy_weeks.is_some() && (p.sex == Sex::Male || !(12..=55).contains(&p.age.years)) {
        found.push("is pregnant".to_owned());
    }
    found.extend(data.excluded.iter().filter_map(|rule| excluded(rule, drawn)));
    found.extend(data.pair.iter().filter_map(|rule| pair(rule, &drawn.case)));
    let who = format!("{} {}", p.age.measure(), p.sex.as_str());
    found
        .into_iter()
        .map(|what| format!("{} ({who}, {}): {what}", drawn.key, drawn.scenario.id))
        .collect()
}

fn is_drawn(case: &Case, name: FactName) -> bool {
    case.origin(name) == Some(Origin::Drawn)
}

fn signs(data: &Data, drawn: &Drawn<'_>, found: &mut Vec<String>) {
    let (case, scenario) = (&drawn.case, drawn.scenario);
    let v = &case.vitals;
    if let (Some(systolic), Some(diastolic)) = (v.systolic, v.diastolic) {
        if diastolic >= systolic - 10.0 {
            found.push(format!("blood pressure {systolic}/{diastolic}"));
        }
        if diastolic < systolic * 0.3 {
            found.push(format!("pulse pressure of {systolic}/{diastolic}"));
        }
    }
    if v.systolic.is_some() != v.diastolic.is_some() {
        found.push("half a blood pressure".to_owned());
    }
    for (name, any) in
        [(FactName::Saturation, [50.0, 100.0]), (FactName::Temperature, [27.0, 42.0])]
    {
        if let Some(value) = v.get(name)
            && !(any[0]..=any[1]).contains(&value)
        {
            found.push(format!("{} {value}", name.as_str()));
        }
    }
    let band = data.band(drawn.years());
    for (name, limits) in band.iter().flat_map(|b| b.signs()) {
        if let Some(value) = v.get(name)
            && is_drawn(case, name)
            && !(limits.any[0]..=limits.any[1]).contains(&value)
        {
            found.push(format!("{} {value} at this age", name.as_str()));
        }
    }
    let short_of_breath = is_short_of_breath(data, case);
    for (name, [low, high]) in &scenario.expect {
        if let Some(value) = v.get(*name)
            && !(*name == FactName::Saturation && short_of_breath)
            && !(*low..=*high).contains(&value)
        {
            found.push(format!("{} {value}, not {low} to {high}", name.as_str()));
        }
    }
    raised(data, drawn, found);
    let slowed = case.medicines.iter().any(|m| m.drug.ends_with("olol"))
        || case.conditions.iter().any(|c| c.name.contains("anorexia"));
    if scenario.faster
        && !slowed
        && let (Some(rate), Some(band)) = (v.heart_rate, band)
        && rate < band.heart_rate.median[0] - 12.0
    {
        found.push(format!("heart rate {rate} in spite of {}", scenario.id));
    }
}

/// What a message states as raised, each drawn sign has: the pulse of fever, the breathing of a child in shock.
fn raised(data: &Data, drawn: &Drawn<'_>, found: &mut Vec<String>) {
    let (case, scenario) = (&drawn.case, drawn.scenario);
    let Some(band) = data.band(drawn.years()) else { return };
    if is_slowed(data, drawn) {
        return;
    }
    for (name, limits) in band.signs() {
        let (Some(share), Some(value)) = (scenario.raised.get(&name), case.vitals.get(name)) else {
            continue;
        };
        if is_drawn(case, name) && value < limits.median[0] * share {
            found.push(format!("{} {value} in spite of {}", name.as_str(), scenario.id));
        }
    }
}

/// Degrees above 37 that each raise the pulse, and beats per minute for each: 8 of an adult (Karjalainen and Viitasalo 1986), 9.5
/// of a child (the lowest centile of Davies and Maconochie 2009).
const FEVER: (f64, [f64; 2]) = (1.0, [8.0, 9.5]);
/// Saturation below which breathing is faster than usual, per cent.
const LOW: f64 = 88.0;

/// The pulse fits the temperature, and the breathing the saturation, whoever gave them.
fn beside(data: &Data, drawn: &Drawn<'_>, found: &mut Vec<String>) {
    let case = &drawn.case;
    let Some(band) = data.band(drawn.years()) else { return };
    if is_slowed(data, drawn) {
        return;
    }
    let v = &case.vitals;
    let (from, by) = FEVER;
    if let (Some(temperature), Some(rate)) = (v.temperature, v.heart_rate)
        && temperature - 37.0 > from
        && is_drawn(case, FactName::HeartRate)
    {
        let degrees = temperature - 37.0;
        let least = band.heart_rate.median[0] - 6.0 + by[usize::from(drawn.years() < 12)] * degrees;
        if rate < least {
            found.push(format!("heart rate {rate} is too calm for {temperature} degrees"));
        }
    }
    if let (Some(saturation), Some(rate)) = (v.saturation, v.respiratory_rate)
        && saturation < LOW
        && is_drawn(case, FactName::RespiratoryRate)
        && case.origin(FactName::Saturation) == Some(Origin::Stated)
        && !is_short_of_breath(data, case)
        && rate < band.respiratory_rate.median[0] * 1.15
    {
        found.push(format!("respiratory rate {rate} is too calm for a saturation of {saturation}"));
    }
}

/// Whether a medicine or a condition slows pulse or breathing.
fn is_slowed(data: &Data, drawn: &Drawn<'_>) -> bool {
    let case = &drawn.case;
    let stated = case.presented().any(|c| {
        let text = c.text.to_lowercase();
        data.slowing.iter().any(|word| text.contains(word.as_str())) || text.contains("overdose")
    });
    stated
        || texts(case, List::Medicines)
            .iter()
            .chain(&texts(case, List::Conditions))
            .any(|(text, _)| data.slowing.iter().any(|word| text.contains(word.as_str())))
}

/// Beside a message that states facts and no reason for it, no drawn sign would change what is advised.
fn calm(drawn: &Drawn<'_>, found: &mut Vec<String>) {
    if drawn.scenario.facts.is_empty() || !drawn.scenario.is_calm() || drawn.years() < 16 {
        return;
    }
    let limits = [
        (FactName::Saturation, [93.0, 100.0]),
        (FactName::RespiratoryRate, [9.0, 22.0]),
        (FactName::HeartRate, [42.0, 105.0]),
        (FactName::Temperature, [35.9, 37.7]),
    ];
    for (name, [low, high]) in limits {
        if let Some(value) = drawn.case.vitals.get(name)
            && is_drawn(&drawn.case, name)
            && !(low..=high).contains(&value)
        {
            found.push(format!("{} {value} beside a calm message", name.as_str()));
        }
    }
}

/// Whether a long-standing condition lowers the saturation.
pub(crate) fn is_short_of_breath(data: &Data, case: &Case) -> bool {
    texts(case, List::Conditions)
        .iter()
        .any(|(text, _)| data.low_saturation.iter().any(|w| text.contains(w.as_str())))
}

fn size(data: &Data, drawn: &Drawn<'_>, found: &mut Vec<String>) {
    let case = &drawn.case;
    let (Some(height), Some(weight)) = (case.vitals.height, case.vitals.weight) else {
        // Only a message can leave a size open, by stating one that is no number.
        if !drawn
            .scenario
            .facts
            .iter()
            .any(|f| matches!(f.name, FactName::Height | FactName::Weight))
        {
            found.push("no size".to_owned());
        }
        return;
    };
    let years = drawn.years();
    let bmi = weight / (height / 100.0).powi(2);
    if years >= 19 {
        let tallest = if case.patient.sex == Sex::Female { 192.0 } else { 212.0 };
        if !(120.0..=tallest).contains(&height) {
            found.push(format!("height {height}"));
        }
        let most = if case.patient.pregnancy_weeks.is_some() { 57.0 } else { 50.3 };
        if is_drawn(case, FactName::Weight) && !(14.8..=most).contains(&bmi) {
            found.push(format!("body mass index {bmi:.1}"));
        }
        if let Some([low, high]) = drawn.scenario.bmi
            && case.patient.pregnancy_weeks.is_none()
            && !(low - 0.2..=high + 0.2).contains(&bmi)
        {
            found.push(format!("body mass index {bmi:.1} with {}", drawn.scenario.id));
        }
    }
    if drawn.scenario.thin && bmi > 14.6 {
        found.push(format!("body mass index {bmi:.1} of a wasted child"));
    }
    let months = case.patient.age.total_months().map_or(f64::from(years) * 12.0 + 6.0, f64::from);
    let wasted = drawn.scenario.thin;
    if years < 10 && is_drawn(case, FactName::Weight) && !wasted {
        let [low, high] = weight_limits(&data.weight, months, case.patient.sex);
        if !(low..=high).contains(&weight) {
            found.push(format!("weight {weight}, not {low:.1} to {high:.1}"));
        }
    }
}

/// Four standard deviations below and above the median, from three.
fn weight_limits(all: &[WeightReference], months: f64, sex: Sex) -> [f64; 2] {
    let of = |w: &WeightReference| {
        let [low, median, high] = match sex {
            Sex::Male => w.boys,
            Sex::Female => w.girls,
            Sex::Intersex => [w.boys[0].min(w.girls[0]), w.boys[1], w.boys[2].max(w.girls[2])],
        };
        [median - (median - low) * 1.3, median + (high - median) * 1.5]
    };
    let after = all.iter().position(|w| w.months >= months).unwrap_or(all.len() - 1).max(1);
    let (a, b) = (&all[after - 1], &all[after]);
    let part = ((months - a.months) / (b.months - a.months)).clamp(0.0, 1.0);
    let (from, to) = (of(a), of(b));
    [0, 1].map(|i| from[i] + (to[i] - from[i]) * part)
}

/// ICD-10 codes of conditions of the frame with which nobody is seen who takes nothing for them: a message about metformin leaves
/// out the buprenorphine.
const LIFELONG: [&str; 20] = [
    "B20", "A15", "A30", "C25", "C61", "C91", "C92", "E03.1", "E10", "E25", "E27", "E84", "E89",
    "F11.2", "M31.6", "N18.5", "Z30.4", "Z85.8", "Z94", "Z95.2",
];

/// What a message states holds, and what it leaves no room for is not drawn.
fn statements(drawn: &Drawn<'_>, found: &mut Vec<String>) {
    let (case, scenario) = (&drawn.case, drawn.scenario);
    let condition = drawn.frame.patient.as_ref().and_then(|patient| patient.condition.as_ref());
    let lifelong = condition.is_some_and(|c| LIFELONG.iter().any(|code| c.code.starts_with(code)));
    for fact in &scenario.facts {
        let name = fact.name;
        let number = fact
            .value
            .split('/')
            .next()
            .and_then(|v| v.parse::<f64>().ok())
            .filter(|n| n.is_finite());
        if let (FactKind::Vital, Some(number)) = (name.kind(), number)
            && (case.vitals.get(name) != Some(number) || case.origin(name) != Some(Origin::Stated))
        {
            found.push(format!("{} is not the stated {}", name.as_str(), fact.value));
        }
        if name.kind() == FactKind::Vital
            && number.is_none()
            && case.vitals.get(name).is_some()
            && !fact.value.is_empty()
        {
            found.push(format!("{} was drawn beside \"{}\"", name.as_str(), fact.value));
        }
        let (all, drawn) = origins(case, name);
        let nothing = fact.value.starts_with("no ") || fact.value.starts_with("none");
        if drawn > 0 && !(name == FactName::Medicine && lifelong) {
            found.push(format!(
                "{drawn} drawn beside the stated {} \"{}\"",
                name.as_str(),
                fact.value
            ));
        }
        if nothing
            && all > 0
            && name.kind() == FactKind::Text
            && name != FactName::Complaint
            && name != FactName::Finding
        {
            found.push(format!("{all} in spite of {} \"{}\"", name.as_str(), fact.value));
        }
    }
    if case.presented().any(|c| c.origin != Origin::Stated) {
        found.push("a complaint was drawn".to_owned());
    }
    for name in FactName::ALL.iter().filter(|n| n.kind() == FactKind::Vital) {
        if case.vitals.get(*name).is_some() != case.origin(*name).is_some() {
            found.push(format!("{} and its origin do not agree", name.as_str()));
        }
    }
    let mut drugs: Vec<&str> = case.medicines.iter().map(|m| m.drug.as_str()).collect();
    drugs.sort_unstable();
    if let Some([drug, ..]) = drugs.windows(2).find(|pair| pair[0] == pair[1]) {
        found.push(format!("takes {drug} twice"));
    }
}

/// How many items the list of a fact has, and how many of them were drawn.
fn origins(case: &Case, name: FactName) -> (usize, usize) {
    let all: Vec<Origin> = match name {
        FactName::Condition => case.conditions.iter().map(|c| c.origin).collect(),
        FactName::Medicine => case.medicines.iter().map(|m| m.origin).collect(),
        FactName::Allergy => case.allergies.iter().map(|t| t.origin).collect(),
        FactName::History => case.history.iter().map(|t| t.origin).collect(),
        FactName::Family => case.family.iter().map(|t| t.origin).collect(),
        FactName::Social => case.social.iter().map(|t| t.origin).collect(),
        _ => Vec::new(),
    };
    // A message that contradicts the frame is written again; it is no draw.
    let own = all.iter().filter(|o| **o != Origin::Frame).count();
    (own, all.iter().filter(|o| **o == Origin::Drawn).count())
}

/// The texts of a list, in lower case, with their origins.
pub(crate) fn texts(case: &Case, list: List) -> Vec<(String, Origin)> {
    let one = |t: &clinstruct_schema::CaseText| (t.text.to_lowercase(), t.origin);
    let of = |all: &[clinstruct_schema::CaseText]| all.iter().map(one).collect();
    match list {
        List::Complaint => case.presented().map(one).collect(),
        List::Conditions => {
            case.conditions.iter().map(|c| (c.name.to_lowercase(), c.origin)).collect()
        }
        List::Medicines => {
            case.medicines.iter().map(|m| (m.drug.to_lowercase(), m.origin)).collect()
        }
        List::Allergies => of(&case.allergies),
        List::History => of(&case.history),
        List::Family => of(&case.family),
        List::Social => of(&case.social),
    }
}

/// The lists that are about the patient, not about relatives.
const OWN: [List; 6] = [
    List::Complaint,
    List::Conditions,
    List::Medicines,
    List::Allergies,
    List::History,
    List::Social,
];

fn excluded(rule: &Excluded, drawn: &Drawn<'_>) -> Option<String> {
    let p = &drawn.case.patient;
    let about = (rule.sexes.is_empty() || rule.sexes.contains(&p.sex))
        && rule.ages.is_none_or(|[from, to]| (from..=to).contains(&p.age.years))
        && (!rule.pregnant || p.pregnancy_weeks.is_some())
        && (!rule.beside_message || !drawn.scenario.facts.is_empty())
        && (rule.regions.is_empty() || rule.regions.contains(&drawn.frame.place.region))
        && (rule.only_in.is_empty() || !rule.only_in.contains(&drawn.frame.place.country_code));
    if !about {
        return None;
    }
    let lists: &[List] = if rule.lists.is_empty() { &OWN } else { &rule.lists };
    let all = lists.iter().flat_map(|list| texts(&drawn.case, *list));
    all.into_iter()
        .filter(|(_, origin)| !rule.drawn_only || *origin == Origin::Drawn)
        .map(|(text, _)| text)
        .find(|text| {
            rule.words.iter().any(|w| text.contains(w.as_str()))
                && !rule.without.iter().any(|w| text.contains(w.as_str()))
        })
        .map(|text| format!("{}: {text}", rule.id))
}

fn pair(rule: &Pair, case: &Case) -> Option<String> {
    let find = |words: &[String], lists: &[List]| {
        let lists: &[List] = if lists.is_empty() { &OWN } else { lists };
        lists
            .iter()
            .flat_map(|list| texts(case, *list))
            .map(|(text, _)| text)
            .find(|text| words.iter().any(|w| text.contains(w.as_str())))
    };
    let first = find(&rule.first, &rule.first_in)?;
    let second = find(&rule.second, &rule.second_in)?;
    (first != second).then(|| format!("{}: {first}; {second}", rule.id))
}
