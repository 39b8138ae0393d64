use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use clinstruct_schema::{
    Constraint, IncomeGroup, Instruction, Meaning, PartId, Pattern, Sex, Slug,
};
use include_dir::{Dir, include_dir};
use toml::Spanned;

use crate::axes::{RawCountry, RawField, RawGender, RawProfession, RawWho};
use crate::mistake::{CatalogError, Mistake, Place, nearest};
use crate::part::{RawPart, Shares};
use crate::patient::{RawCondition, RawHistory};
use crate::read::{Entry, Reader};
use crate::style::{Count, RawMode, RawOption};
use crate::{
    AgeBand, Axis, Condition, Countries, Country, Domain, Drug, EmergencyRule, Gender, Histories,
    HistoryEntry, Mode, Part, Phrase, Profession, Setting, SexShare, Specialty, StyleOption, Styles,
    Subtopic, Task, Templates, Value, VitalRanges, When, Who,
};

/// Resource files: name below the resources folder (with `/`) to text.
pub type Files = BTreeMap<String, String>;

static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../resources");

/// The five WHO regions that countries can lie in, and the sixth.
const REGIONS: [&str; 6] = ["AFR", "AMR", "SEAR", "EUR", "EMR", "WPR"];

/// All resources, resolved.
#[derive(Debug)]
pub struct Catalog {
    /// Age bands, youngest first.
    pub ages: Vec<AgeBand>,
    /// Recorded sexes.
    pub sexes: Vec<SexShare>,
    /// Genders.
    pub genders: Vec<Gender>,
    /// Index of the first age band in which a gender is given.
    pub gender_from: usize,
    /// Care settings.
    pub settings: Vec<Setting>,
    /// Countries.
    pub countries: Vec<Country>,
    /// The World Bank's year that their income groups are of.
    pub income_year: String,
    /// Tasks.
    pub tasks: Vec<Task>,
    /// Professions with their specialties.
    pub professions: Vec<Profession>,
    /// Domains.
    pub domains: Vec<Domain>,
    /// Subtopics, by domain in the domains' order.
    pub subtopics: Vec<Subtopic>,
    /// Drugs.
    pub drugs: Vec<Drug>,
    /// Conditions.
    pub conditions: Vec<Condition>,
    /// Vital signs by age band.
    pub vitals: Vec<VitalRanges>,
    /// Histories.
    pub histories: Histories,
    /// Styles, modes, lengths, registers.
    pub styles: Styles,
    /// Fixed phrases of the templates.
    pub phrases: Vec<Phrase>,
    /// Parts, by file name.
    pub parts: Vec<Part>,
    /// Templates.
    pub templates: Templates,
    /// All files, for a fingerprint.
    files: Files,
}

/// Reads files and collects their mistakes.
struct Loader<'a> {
    files: &'a Files,
    mistakes: Vec<Mistake>,
    used: HashSet<String>,
}

impl<'a> Loader<'a> {
    fn place(&self, name: &str) -> Place {
        let text = self.files.get(name).map_or("", String::as_str);
        Place { name: name.to_owned(), text: Arc::from(text) }
    }

    /// Reads one file with `read`, where it exists; its absence is a mistake.
    fn file<T: Default>(&mut self, name: &str, read: impl FnOnce(&mut Reader<'a>) -> T) -> T {
        self.used.insert(name.to_owned());
        let place = self.place(name);
        let Some(text) = self.files.get(name) else {
            self.mistakes.push(place.mistake(
                0..0,
                format!("the file {name} is missing"),
                Some("take it from the resources folder of the repository".into()),
            ));
            return T::default();
        };
        let mut reader = Reader::new(place, text);
        let value = read(&mut reader);
        self.mistakes.extend(reader.finish());
        value
    }
}

/// Checks that no id comes twice.
fn distinct<'b>(reader: &mut Reader<'_>, what: &str, ids: impl Iterator<Item = (&'b str, Range<usize>)>) {
    let mut seen = HashSet::new();
    let mut again = Vec::new();
    for (id, span) in ids {
        if !seen.insert(id.to_owned()) {
            again.push((id.to_owned(), span));
        }
    }
    for (id, span) in again {
        reader.mistake(span, format!("the {what} \"{id}\" stands here a second time"), None);
    }
}

/// The index of the item with this id; a mistake where there is none.
fn resolve<'b>(
    reader: &mut Reader<'_>,
    what: &str,
    wanted: &str,
    span: Range<usize>,
    known: impl Iterator<Item = &'b str> + Clone,
) -> Option<usize> {
    let found = known.clone().position(|k| k == wanted);
    if found.is_none() {
        reader.mistake(span, format!("there is no {what} \"{wanted}\""), nearest(wanted, known));
    }
    found
}

fn sums_to_one(reader: &mut Reader<'_>, span: Range<usize>, weights: impl Iterator<Item = f64>) {
    let mut sum = 0.0;
    for w in weights {
        if !(0.0..=1.0).contains(&w) {
            reader.mistake(span.clone(), format!("the weight {w} is not between 0 and 1"), None);
        }
        sum += w;
    }
    if (sum - 1.0).abs() > 1e-6 {
        let rounded = (sum * 1e6).round() / 1e6;
        reader.mistake(span, format!("the weights sum to {rounded}, not to 1"), None);
    }
}

fn who(reader: &mut Reader<'_>, ages: &[AgeBand], raw: &RawWho) -> Who {
    let mut who = Who::ANYONE;
    if let Some(range) = &raw.ages {
        let (from, to) = range.get_ref().split_once("..").unwrap_or((range.get_ref(), range.get_ref()));
        let names = || ages.iter().map(|a| a.id.as_str());
        let first = resolve(reader, "age band", from, range.span(), names());
        let last = resolve(reader, "age band", to, range.span(), names());
        if let (Some(first), Some(last)) = (first, last) {
            if first > last {
                reader.mistake(range.span(), format!("{from} is older than {to}"), None);
            }
            who.ages = (first, last);
        }
    }
    if let Some(sexes) = &raw.sexes {
        who.sexes = [false; 3];
        for sex in sexes.get_ref() {
            who.sexes[*sex as usize] = true;
        }
        if sexes.get_ref().is_empty() {
            reader.mistake(sexes.span(), "the list of sexes is empty", None);
        }
    }
    who
}

fn option(reader: &mut Reader<'_>, raw: RawOption, group: &str) -> StyleOption {
    let has_slot = raw.text.get_ref().contains("{n}");
    let counts: Vec<u32> = match raw.n.as_ref().map(Spanned::get_ref) {
        None => Vec::new(),
        Some(Count::Fixed(n)) => vec![*n],
        Some(Count::Range { from, to, step }) => {
            (*from..=*to).step_by((*step).max(1) as usize).collect()
        }
    };
    if has_slot != raw.n.is_some() {
        let message = if has_slot { "{n} in the text has no `n`" } else { "`n` has no {n} in the text" };
        reader.mistake(raw.text.span(), message, None);
    }
    if raw.n.is_some() && counts.is_empty() {
        reader.mistake(raw.text.span(), "the range `n` is empty", None);
    }
    StyleOption {
        id: raw.id.into_inner(),
        group: raw.group.map_or_else(|| group.to_owned(), Spanned::into_inner),
        text: Pattern(raw.text.into_inner()),
        counts,
        constraint: raw.constraint,
        claims: raw.claims.into_inner(),
        not_with: raw.not_with.into_iter().map(Spanned::into_inner).collect(),
    }
}

fn when(reader: &mut Reader<'_>, c: &Axes<'_>, groups: &[crate::Group], when: &When) {
    let mut names = |what: &str, wanted: &Option<Vec<Spanned<String>>>, known: Vec<&str>| {
        for name in wanted.iter().flatten() {
            resolve(reader, what, name.get_ref(), name.span(), known.iter().copied());
        }
    };
    names("task", &when.task, c.tasks.iter().map(|t| t.id.as_str()).collect());
    names("profession", &when.profession, c.professions.iter().map(|t| t.id.as_str()).collect());
    names("domain", &when.domain, c.domains.iter().map(|t| t.id.as_str()).collect());
    names("subtopic", &when.subtopic, c.subtopics.iter().map(|t| t.id.as_str()).collect());
    let specialties: Vec<String> = c
        .professions
        .iter()
        .flat_map(|p| p.specialties.iter().map(move |s| format!("{}.{}", p.id, s.id)))
        .collect();
    names("specialty", &when.specialty, specialties.iter().map(String::as_str).collect());
    names("style group", &when.asked_group, groups.iter().map(|g| g.id.as_str()).collect());
}

fn shares(
    reader: &mut Reader<'_>,
    what: &str,
    raw: &Shares,
    known: &[&str],
) -> Vec<(Option<usize>, f64)> {
    sums_to_one(reader, raw.span(), raw.get_ref().values().copied());
    raw.get_ref()
        .iter()
        .filter_map(|(name, weight)| {
            if name.get_ref() == "unspecified" {
                return Some((None, *weight));
            }
            let found = resolve(reader, what, name.get_ref(), name.span(), known.iter().copied());
            found.map(|i| (Some(i), *weight))
        })
        .collect()
}

/// What part files refer to.
struct Axes<'a> {
    tasks: &'a [Task],
    professions: &'a [Profession],
    domains: &'a [Domain],
    subtopics: &'a [Subtopic],
    countries: &'a [Country],
    styles: &'a Styles,
    template_names: HashSet<String>,
}

fn part(reader: &mut Reader<'_>, c: &Axes<'_>) -> Option<Part> {
    let raw: RawPart = reader.whole::<RawPart>()?.value;
    for rule in &raw.mode {
        when(reader, c, &c.styles.groups, &rule.when);
        let span = rule.weights.span();
        sums_to_one(reader, span, rule.weights.get_ref().values().copied());
    }
    for rule in &raw.turns {
        when(reader, c, &c.styles.groups, &rule.when);
        sums_to_one(reader, rule.weights.span(), rule.weights.get_ref().iter().copied());
    }
    let end = reader.place.text.len().saturating_sub(1)..reader.place.text.len();
    let help = || Some("let the last rule have no `when`".to_owned());
    if raw.mode.last().is_none_or(|r| r.when.is_conditional()) {
        reader.mistake(end.clone(), "no [[mode]] rule holds for every row", help());
    }
    if raw.turns.last().is_none_or(|r| r.when.is_conditional()) {
        reader.mistake(end, "no [[turns]] rule holds for every row", help());
    }
    if raw.cross.get_ref().is_empty() || raw.cross.get_ref().iter().any(Vec::is_empty) {
        reader.mistake(raw.cross.span(), "`cross` names no axis", None);
    }
    let prompts = *raw.prompts_per_request.get_ref();
    if prompts == 0 || prompts > 9 {
        reader.mistake(
            raw.prompts_per_request.span(),
            "`prompts_per_request` must be 1 to 9",
            None,
        );
    }
    if *raw.countries.get_ref() == Countries::OnePerIncomeGroup {
        if prompts > 4 {
            reader.mistake(raw.countries.span(), "there are only four income groups", None);
        }
        for group in [
            IncomeGroup::High,
            IncomeGroup::UpperMiddle,
            IncomeGroup::LowerMiddle,
            IncomeGroup::Low,
        ] {
            if !c.countries.iter().any(|country| country.income == group) {
                let message = format!("no country has the income group {group:?}");
                reader.mistake(raw.countries.span(), message, None);
            }
        }
    }
    // A template that does not compile has had its own mistake shown.
    if !c.template_names.contains(&format!("templates/{}", raw.template.get_ref())) {
        let message = format!("there is no template \"{}\"", raw.template.get_ref());
        reader.mistake(raw.template.span(), message, Some("put it into templates/".into()));
    }
    let stem = raw.stem.get_ref();
    if stem.is_empty() || !stem.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        let help = Some("use letters, digits, `_` and `-`".into());
        reader.mistake(raw.stem.span(), "`stem` is not a plain file name", help);
    }
    let professions: Vec<&str> = c.professions.iter().map(|p| p.id.as_str()).collect();
    let names_worker = raw
        .cross
        .get_ref()
        .iter()
        .any(|axes| axes.iter().all(|a| matches!(a, Axis::Specialty | Axis::Profession)));
    let professions = match &raw.professions {
        Some(raw) => shares(reader, "profession", raw, &professions)
            .into_iter()
            .filter_map(|(i, w)| i.map(|i| (i, w)))
            .collect(),
        None => {
            if !names_worker {
                let help = Some("add a table [professions] with shares that sum to 1".into());
                reader.mistake(raw.cross.span(), "these rows name no health worker", help);
            }
            Vec::new()
        }
    };
    let mut of = |what: &str, raw: &Shares, options: &[StyleOption]| {
        let ids: Vec<&str> = options.iter().map(|o| o.id.as_str()).collect();
        shares(reader, what, raw, &ids)
            .into_iter()
            .map(|(i, w)| (i.and_then(|i| options.get(i)).map(|o| o.id.clone()), w))
            .collect::<Vec<_>>()
    };
    let assistant_length = of("assistant length", &raw.assistant_length, &c.styles.assistant_length);
    let assistant_form = of("assistant form", &raw.assistant_form, &c.styles.assistant_form);
    let user_length = of("user length", &raw.user_length, &c.styles.user_length);
    let mut register = [0.0; 3];
    for (i, w) in shares(reader, "register", &raw.register, &["popular", "standard", "scientific"]) {
        if let Some(slot) = i.and_then(|i| register.get_mut(i)) {
            *slot = w;
        }
    }
    let styles = raw.styles.map(|rule| {
        let span = rule.span();
        let rule = rule.into_inner();
        if rule.variants == 0 || rule.variants > 9 {
            reader.mistake(span.clone(), "`variants` must be 1 to 9", None);
        }
        if rule.options == 0 || rule.options > c.styles.groups.len() {
            reader.mistake(span, "`options` must be at least 1 and at most the number of groups", None);
        }
        for without in &rule.without {
            when(reader, c, &c.styles.groups, &without.when);
            for group in &without.groups {
                let known = c.styles.groups.iter().map(|g| g.id.as_str());
                resolve(reader, "style group", group.get_ref(), group.span(), known);
            }
        }
        rule
    });
    let emergency = raw.emergency.map(|e| {
        if !(0.0..=1.0).contains(e.probability.get_ref()) {
            reader.mistake(e.probability.span(), "`probability` must be between 0 and 1", None);
        }
        EmergencyRule {
            words: e.words,
            probability: e.probability.into_inner(),
            instruction: StyleOption {
                id: e.id,
                group: "emergency".into(),
                text: Pattern(e.text),
                counts: Vec::new(),
                constraint: e.constraint,
                claims: e.claims,
                not_with: Vec::new(),
            },
        }
    });
    Some(Part {
        id: PartId(raw.id.into_inner()),
        stem: raw.stem.into_inner(),
        title: raw.title,
        cross: raw.cross.into_inner(),
        template: raw.template.into_inner(),
        prompts_per_request: prompts,
        countries: raw.countries.into_inner(),
        max_tokens: raw.max_tokens,
        professions,
        styles,
        emergency,
        mode: raw.mode,
        turns: raw.turns,
        assistant_length,
        assistant_form,
        user_length,
        register,
    })
}

fn fields(reader: &mut Reader<'_>, ages: &[AgeBand], what: &str, raw: Vec<RawField>) -> Vec<Specialty> {
    distinct(reader, what, raw.iter().map(|f| (f.id.get_ref().as_str(), f.id.span())));
    raw.into_iter()
        .map(|field| {
            let who = who(reader, ages, &field.who());
            Specialty { id: field.id.into_inner(), name: field.name, who, emergency: field.emergency }
        })
        .collect()
}

fn values<T>(entries: Vec<Entry<T>>) -> Vec<T> {
    entries.into_iter().map(|e| e.value).collect()
}

impl Catalog {
    /// The resources that were compiled in.
    pub fn embedded() -> Result<Self, CatalogError> {
        Self::read(Self::embedded_files())
    }

    /// The texts of the resources that were compiled in.
    pub fn embedded_files() -> Files {
        fn walk(dir: &Dir<'_>, files: &mut Files) {
            for file in dir.files() {
                if let (Some(name), Some(text)) = (file.path().to_str(), file.contents_utf8())
                    && Catalog::is_resource(file.path())
                {
                    files.insert(name.replace('\\', "/"), text.to_owned());
                }
            }
            for dir in dir.dirs() {
                walk(dir, files);
            }
        }
        let mut files = Files::new();
        walk(&EMBEDDED, &mut files);
        files
    }

    /// Whether a file of a resources folder is read: data (`.toml`) and templates (`.j2`).
    pub fn is_resource(path: &std::path::Path) -> bool {
        path.extension().is_some_and(|e| e == "toml" || e == "j2")
    }

    /// Reads and checks a set of files. Files that are not resources (other endings) are left alone.
    pub fn read(files: Files) -> Result<Self, CatalogError> {
        let mut loader = Loader { files: &files, mistakes: Vec::new(), used: HashSet::new() };
        let l = &mut loader;

        let ages = l.file("ages.toml", read_ages);
        let settings = l.file("settings.toml", |r| {
            let settings = r.entries::<Setting>("setting", true);
            distinct(r, "setting", settings.iter().map(|e| (e.value.id.as_str(), e.span.clone())));
            values(settings)
        });
        let (income_year, countries) = l.file("countries.toml", |r| read_countries(r, &settings));
        let (sexes, genders, gender_from) = l.file("sexes.toml", |r| read_sexes(r, &ages, &countries));
        let tasks = l.file("tasks.toml", |r| {
            let tasks = r.entries::<Task>("task", true);
            distinct(r, "task", tasks.iter().map(|e| (e.value.id.as_str(), e.span.clone())));
            values(tasks)
        });
        let professions = l.file("professions.toml", |r| {
            let raw = values(r.entries::<RawProfession>("profession", true));
            distinct(r, "profession", raw.iter().map(|p| (p.id.get_ref().as_str(), p.id.span())));
            raw.into_iter()
                .map(|p| Profession {
                    id: p.id.into_inner(),
                    name: p.name,
                    specialties: fields(r, &ages, "specialty", p.specialty),
                })
                .collect::<Vec<_>>()
        });
        let domains: Vec<Domain> = l.file("domains.toml", |r| {
            let raw = values(r.entries::<RawField>("domain", true));
            fields(r, &ages, "domain", raw)
                .into_iter()
                .map(|f| Domain { id: f.id, name: f.name, who: f.who, emergency: f.emergency })
                .collect()
        });
        let subtopics = read_subtopics(l, &ages, &domains);
        let drugs = l.file("drugs.toml", |r| {
            let drugs = r.entries::<Drug>("drug", true);
            distinct(r, "drug", drugs.iter().map(|e| (e.value.id.as_str(), e.span.clone())));
            for d in &drugs {
                let v = &d.value;
                let sound = v.low > 0.0 && v.high >= v.low && v.step > 0.0 && !v.frequencies.is_empty();
                if !sound {
                    let message = format!("the doses of {} make no range", v.name);
                    r.mistake(d.span.clone(), message, None);
                }
            }
            values(drugs)
        });
        let conditions = l.file("conditions.toml", |r| read_conditions(r, &ages, &drugs));
        let vitals = l.file("vitals.toml", |r| read_vitals(r, &ages));
        let histories = l.file("history.toml", |r| Histories {
            allergy: history(r, &ages, "allergy"),
            family: history(r, &ages, "family"),
            social: history(r, &ages, "social"),
            past: history(r, &ages, "past"),
            presenting: history(r, &ages, "presenting"),
        });
        let mut styles = Styles::default();
        l.file("styles.toml", |r| {
            styles.groups = values(r.entries("group", true));
            let raw = values(r.entries::<RawOption>("option", true));
            for o in &raw {
                match &o.group {
                    Some(group) => {
                        let known = styles.groups.iter().map(|g| g.id.as_str());
                        resolve(r, "style group", group.get_ref(), group.span(), known);
                    }
                    None => r.mistake(o.id.span(), "missing field `group`", None),
                }
            }
            distinct(r, "option", raw.iter().map(|o| (o.id.get_ref().as_str(), o.id.span())));
            styles.asked = raw.into_iter().map(|o| option(r, o, "")).collect();
        });
        l.file("situations.toml", |r| read_situations(r, &mut styles));
        let phrases: Vec<Phrase> = l.file("phrases.toml", |r| {
            let phrases = r.entries::<Phrase>("phrase", true);
            distinct(r, "phrase", phrases.iter().map(|e| (e.value.id.as_str(), e.span.clone())));
            values(phrases)
        });

        let template_files: Vec<(String, String)> = files
            .iter()
            .filter_map(|(name, text)| {
                name.strip_prefix("templates/").map(|n| (n.to_owned(), text.clone()))
            })
            .collect();
        let texts = phrases.iter().map(|p| (p.id.to_string(), p.text.clone())).collect();
        let (templates, errors) = Templates::compile(template_files, texts);
        for (name, e) in errors {
            let place = l.place(&format!("templates/{name}"));
            let span = e.range().unwrap_or_else(|| line_span(&place.text, e.line()));
            let message = format!("not a valid template: {}", e.detail().unwrap_or("syntax error"));
            l.mistakes.push(place.mistake(span, message, None));
        }
        for name in [
            "prompt_system.j2",
            "assistant_system.j2",
            "user_system.j2",
            "user_opening.j2",
        ] {
            let broken = l.files.contains_key(&format!("templates/{name}"));
            if !templates.has(name) && !broken {
                let place = l.place(&format!("templates/{name}"));
                l.mistakes.push(place.mistake(0..0, format!("the template {name} is missing"), None));
            }
        }
        let axes = Axes {
            tasks: &tasks,
            professions: &professions,
            domains: &domains,
            subtopics: &subtopics,
            countries: &countries,
            styles: &styles,
            template_names: files.keys().cloned().collect(),
        };
        let parts = read_parts(l, &axes);

        for name in files.keys() {
            let toml = std::path::Path::new(name).extension().is_some_and(|e| e == "toml");
            if toml && !l.used.contains(name) {
                let place = l.place(name);
                let help = nearest(name, l.used.iter().map(String::as_str));
                l.mistakes.push(place.mistake(0..0, format!("nothing reads the file {name}"), help));
            }
        }
        let mistakes = std::mem::take(&mut loader.mistakes);
        if !mistakes.is_empty() {
            return Err(CatalogError { mistakes });
        }
        Ok(Self {
            ages,
            sexes,
            genders,
            gender_from,
            settings,
            countries,
            income_year,
            tasks,
            professions,
            domains,
            subtopics,
            drugs,
            conditions,
            vitals,
            histories,
            styles,
            phrases,
            parts,
            templates,
            files,
        })
    }

    /// A hash of all files, 32 hexadecimal digits: the same files, the same fingerprint.
    pub fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (name, text) in &self.files {
            hasher.update(&(name.len() as u64).to_le_bytes());
            hasher.update(name.as_bytes());
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.finalize().to_hex().chars().take(32).collect()
    }

    /// The part of this id or file stem.
    pub fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|p| p.id.as_str() == name || p.stem == name)
    }

    /// All values of an axis, in the resources' order.
    pub fn values(&self, axis: Axis) -> Vec<Value> {
        match axis {
            Axis::Task => (0..self.tasks.len()).map(Value::Task).collect(),
            Axis::Profession => (0..self.professions.len()).map(Value::Profession).collect(),
            Axis::Domain => (0..self.domains.len()).map(Value::Domain).collect(),
            Axis::Subtopic => (0..self.subtopics.len()).map(Value::Subtopic).collect(),
            Axis::Specialty => self
                .professions
                .iter()
                .enumerate()
                .flat_map(|(p, profession)| {
                    (0..profession.specialties.len()).map(move |s| Value::Specialty(p, s))
                })
                .collect(),
        }
    }

    /// Every instruction that can stand in a request, with what it asks for.
    pub fn instructions(&self) -> Vec<Instruction> {
        let keep = |c: &Option<Constraint>| {
            c.iter().map(|c| Meaning::Keep { constraint: c.clone() }).collect::<Vec<_>>()
        };
        let mut all = Vec::new();
        for p in &self.phrases {
            let mut means = keep(&p.constraint);
            means.extend(p.role.map(|speaker| Meaning::Role { speaker }));
            if means.is_empty() {
                means.push(Meaning::Tell);
            }
            all.push(Instruction { id: p.id.to_string(), text: Pattern(p.text.clone()), means });
        }
        for m in &self.styles.modes {
            for (side, text) in [("assistant", &m.assistant), ("user", &m.user)] {
                all.push(Instruction {
                    id: format!("{}-{side}", m.id.as_str()),
                    text: Pattern(text.clone()),
                    means: vec![Meaning::Mode { mode: m.id }],
                });
            }
            all.extend(m.lines.iter().map(StyleOption::instruction));
        }
        for r in &self.styles.registers {
            for (side, text) in [("assistant", &r.assistant), ("user", &r.user)] {
                all.push(Instruction {
                    id: format!("{}-{side}", r.id.as_str()),
                    text: Pattern(text.clone()),
                    means: vec![Meaning::Speak { register: r.id }],
                });
            }
        }
        let s = &self.styles;
        let options =
            [&s.asked, &s.assistant_length, &s.assistant_form, &s.user_length].into_iter().flatten();
        all.extend(options.map(StyleOption::instruction));
        let emergencies = self.parts.iter().filter_map(|p| p.emergency.as_ref());
        all.extend(emergencies.map(|e| e.instruction.instruction()));
        all
    }
}

fn line_span(text: &str, line: Option<usize>) -> Range<usize> {
    let line = line.unwrap_or(1).max(1);
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let length = text.get(start..).and_then(|t| t.lines().next()).map_or(0, str::len);
    start..start + length
}

fn read_ages(r: &mut Reader<'_>) -> Vec<AgeBand> {
    let entries = r.entries::<AgeBand>("age", true);
    distinct(r, "age band", entries.iter().map(|e| (e.value.id.as_str(), e.span.clone())));
    let mut next = 0;
    let mut gaps = Vec::new();
    for e in &entries {
        if e.value.from != next || e.value.to < e.value.from {
            gaps.push((e.span.clone(), next));
        }
        next = e.value.to + 1;
    }
    for (span, next) in gaps {
        let message = format!("the band does not start at {next}, where the one before it ended");
        r.mistake(span, message, Some("age bands meet without a gap or an overlap".into()));
    }
    let span = entries.first().map_or(0..0, |e| e.span.clone());
    sums_to_one(r, span, entries.iter().map(|e| e.value.weight));
    values(entries)
}

fn read_countries(r: &mut Reader<'_>, settings: &[Setting]) -> (String, Vec<Country>) {
    let year = r.value::<String>("year", true).map(|e| e.value).unwrap_or_default();
    let raw = values(r.entries::<RawCountry>("country", true));
    distinct(r, "country", raw.iter().map(|c| (c.code.get_ref().as_str(), c.code.span())));
    let countries = raw
        .into_iter()
        .map(|c| {
            resolve(r, "WHO region", c.region.get_ref(), c.region.span(), REGIONS.into_iter());
            if c.settings.get_ref().is_empty() {
                r.mistake(c.settings.span(), "the list of settings is empty", None);
            }
            let known = || settings.iter().map(|s| s.id.as_str());
            let settings = c
                .settings
                .get_ref()
                .iter()
                .filter_map(|s| resolve(r, "setting", s.get_ref(), s.span(), known()))
                .collect();
            Country {
                code: c.code.into_inner(),
                name: c.name,
                income: c.income,
                region: c.region.into_inner(),
                languages: c.languages,
                emergency: c.emergency,
                settings,
            }
        })
        .collect();
    (year, countries)
}

fn read_sexes(
    r: &mut Reader<'_>,
    ages: &[AgeBand],
    countries: &[Country],
) -> (Vec<SexShare>, Vec<Gender>, usize) {
    let sexes = r.entries::<SexShare>("sex", true);
    let span = sexes.first().map_or(0..0, |e| e.span.clone());
    sums_to_one(r, span, sexes.iter().map(|e| e.value.weight));
    let from = r.value::<Spanned<String>>("gender_from", true).map(|e| e.value);
    let gender_from = from
        .and_then(|f| {
            let known = ages.iter().map(|a| a.id.as_str());
            resolve(r, "age band", f.get_ref(), f.span(), known)
        })
        .unwrap_or_default();
    let raw = r.entries::<RawGender>("gender", true);
    let span = raw.first().map_or(0..0, |e| e.span.clone());
    distinct(r, "gender", raw.iter().map(|e| (e.value.id.as_str(), e.span.clone())));
    let mut genders = Vec::new();
    for gender in values(raw) {
        for code in &gender.countries {
            let known = countries.iter().map(|c| c.code.as_str());
            resolve(r, "country code", code.get_ref(), code.span(), known);
        }
        let share = |sex: Sex| gender.weights.get(&sex).copied().unwrap_or(0.0);
        genders.push(Gender {
            weights: [share(Sex::Male), share(Sex::Female), share(Sex::Intersex)],
            id: gender.id,
            name: gender.name,
            countries: gender.countries.into_iter().map(Spanned::into_inner).collect(),
        });
    }
    for sex in 0..3 {
        sums_to_one(r, span.clone(), genders.iter().map(|g| g.weights[sex]));
    }
    (values(sexes), genders, gender_from)
}

fn read_subtopics(l: &mut Loader<'_>, ages: &[AgeBand], domains: &[Domain]) -> Vec<Subtopic> {
    let mut all = Vec::new();
    let mut seen: BTreeMap<Slug, String> = BTreeMap::new();
    let names: Vec<String> =
        l.files.keys().filter(|n| n.starts_with("subtopics/")).cloned().collect();
    for name in names {
        let found = l.file(&name, |r| {
            let domain = r.value::<Spanned<String>>("domain", true);
            let domain = domain.and_then(|d| {
                let known = domains.iter().map(|d| d.id.as_str());
                resolve(r, "domain", d.value.get_ref(), d.value.span(), known)
            });
            let raw = r.subtopics();
            let mut found = Vec::new();
            for raw in raw {
                let rule = RawWho { ages: raw.ages, sexes: raw.sexes };
                let mut who = who(r, ages, &rule);
                let Ok(id) = Slug::of_name(raw.name.get_ref()) else {
                    r.mistake(raw.name.span(), "a subtopic needs a letter or a digit", None);
                    continue;
                };
                if let Some(other) = seen.insert(id.clone(), name.clone()) {
                    let message =
                        format!("the subtopic \"{}\" stands in {other} too", raw.name.get_ref());
                    r.mistake(raw.name.span(), message, Some("name it by what is particular to it".into()));
                }
                if let Some(domain) = domain {
                    // Where both have a rule and nobody fits both, the narrower one holds.
                    who = who.and(&domains[domain].who).unwrap_or(who);
                    found.push(Subtopic { id, name: raw.name.into_inner(), domain, who });
                }
            }
            found
        });
        all.extend(found);
    }
    all.sort_by_key(|s| s.domain);
    all
}

fn read_conditions(r: &mut Reader<'_>, ages: &[AgeBand], drugs: &[Drug]) -> Vec<Condition> {
    let raw = values(r.entries::<RawCondition>("condition", true));
    distinct(r, "condition", raw.iter().map(|c| (c.id.get_ref().as_str(), c.id.span())));
    let ids: Vec<String> = raw.iter().map(|c| c.id.get_ref().to_string()).collect();
    raw.into_iter()
        .map(|c| {
            let who = who(r, ages, &RawWho { ages: c.ages, sexes: c.sexes });
            for other in &c.excludes {
                let known = ids.iter().map(String::as_str);
                resolve(r, "condition", other.get_ref().as_str(), other.span(), known);
            }
            let known = || drugs.iter().map(|d| d.id.as_str());
            let drugs = c
                .drugs
                .iter()
                .filter_map(|d| resolve(r, "drug", d.get_ref().as_str(), d.span(), known()))
                .collect();
            Condition {
                id: c.id.into_inner(),
                name: c.name,
                who,
                weight: c.weight,
                drugs,
                excludes: c.excludes.into_iter().map(Spanned::into_inner).collect(),
            }
        })
        .collect()
}

fn read_vitals(r: &mut Reader<'_>, ages: &[AgeBand]) -> Vec<VitalRanges> {
    let mut all = values(r.entries::<VitalRanges>("vitals", true));
    distinct(r, "band", all.iter().map(|v| (v.band.get_ref().as_str(), v.band.span())));
    for v in &all {
        let known = ages.iter().map(|a| a.id.as_str());
        resolve(r, "age band", v.band.get_ref().as_str(), v.band.span(), known);
    }
    for age in ages {
        if !all.iter().any(|v| v.band.get_ref() == &age.id) {
            r.mistake(0..0, format!("the age band \"{}\" has no vital signs", age.id), None);
        }
    }
    all.sort_by_key(|v| ages.iter().position(|a| &a.id == v.band.get_ref()));
    all
}

fn history(r: &mut Reader<'_>, ages: &[AgeBand], key: &str) -> Vec<HistoryEntry> {
    let raw = r.entries::<RawHistory>(key, true);
    distinct(r, key, raw.iter().map(|e| (e.value.id.get_ref().as_str(), e.value.id.span())));
    let all: Vec<HistoryEntry> = values(raw)
        .into_iter()
        .map(|h| HistoryEntry {
            who: who(r, ages, &RawWho { ages: h.ages, sexes: h.sexes }),
            id: h.id.into_inner(),
            text: h.text,
            weight: h.weight,
        })
        .collect();
    for (band, age) in ages.iter().enumerate() {
        for sex in [Sex::Male, Sex::Female, Sex::Intersex] {
            if !all.iter().any(|h| h.who.includes(band, sex) && h.weight > 0.0) {
                let message = format!("no [[{key}]] entry fits {} {}", sex.as_str(), age.id);
                r.mistake(0..0, message, None);
            }
        }
    }
    all
}

fn read_situations(r: &mut Reader<'_>, styles: &mut Styles) {
    let modes = values(r.entries::<RawMode>("mode", true));
    styles.modes = modes
        .into_iter()
        .map(|m| Mode {
            id: m.id,
            assistant: m.assistant,
            user: m.user,
            lines: m.lines.into_iter().map(|o| option(r, o, "mode")).collect(),
        })
        .collect();
    for mode in ["chat", "normal", "emergency"] {
        if !styles.modes.iter().any(|m| m.id.as_str() == mode) {
            r.mistake(0..0, format!("the mode \"{mode}\" is missing"), None);
        }
    }
    let mut of = |key: &str| {
        let raw = values(r.entries::<RawOption>(key, true));
        distinct(r, key, raw.iter().map(|o| (o.id.get_ref().as_str(), o.id.span())));
        raw.into_iter().map(|o| option(r, o, key)).collect::<Vec<_>>()
    };
    styles.assistant_length = of("assistant_length");
    styles.assistant_form = of("assistant_form");
    styles.user_length = of("user_length");
    styles.registers = values(r.entries("register", true));
    if styles.registers.len() != 3 {
        r.mistake(0..0, "there must be three registers: popular, standard, scientific", None);
    }
}

fn read_parts(l: &mut Loader<'_>, axes: &Axes<'_>) -> Vec<Part> {
    let names: Vec<String> = l.files.keys().filter(|n| n.starts_with("parts/")).cloned().collect();
    let mut parts: Vec<Part> = Vec::new();
    for name in names {
        let taken: Vec<(String, String)> =
            parts.iter().map(|p: &Part| (p.id.to_string(), p.stem.clone())).collect();
        let read = l.file(&name, |r| {
            let part = part(r, axes)?;
            for (id, stem) in &taken {
                if *id == part.id.to_string() {
                    r.mistake(0..0, format!("another part has the id \"{id}\""), None);
                }
                if *stem == part.stem {
                    r.mistake(0..0, format!("another part has the stem \"{stem}\""), None);
                }
            }
            Some(part)
        });
        parts.extend(read);
    }
    if parts.is_empty() && l.mistakes.is_empty() {
        let place = l.place("parts/");
        l.mistakes.push(place.mistake(0..0, "there is no part", Some("add a file to parts/".into())));
    }
    parts
}
