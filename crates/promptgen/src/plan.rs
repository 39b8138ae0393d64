use clinstruct_catalog::{AboutPatient, Axis, Catalog, Facts, Part, Scope, Value};
use clinstruct_draw as draw;
use clinstruct_schema::{BaseRow, Frame, RowId, Shard, Slug, Subject};

use crate::frame;
use crate::persona::named;
use crate::sample;
use crate::shard::Dealt;

/// The rows of one part, in their order: the last axis runs fastest.
#[derive(Debug, Clone)]
pub struct Plan<'c> {
    catalog: &'c Catalog,
    part: &'c Part,
    seed: u64,
    /// The values of each list of axes that is crossed, and whether the list is a union of several axes.
    lists: Vec<(Vec<Value>, bool)>,
    length: usize,
    /// The rows by their index among all rows, in ascending order, where they are not the first ones.
    places: Option<Vec<usize>>,
}

impl<'c> Plan<'c> {
    /// The plan of `part` under `seed`: its first `limit` rows, or all.
    pub fn new(catalog: &'c Catalog, part: &'c Part, seed: u64, limit: Option<usize>) -> Self {
        let lists: Vec<(Vec<Value>, bool)> = part
            .cross
            .iter()
            .map(|axes| {
                let values = axes.iter().flat_map(|axis| catalog.values(*axis));
                (values.filter(|value| takes(catalog, part, *value)).collect(), axes.len() > 1)
            })
            .collect();
        let all = product(&lists);
        let length = limit.map_or(all, |l| l.min(all));
        Self { catalog, part, seed, lists, length, places: None }
    }

    /// A plan of `rows` rows of `part` in which the values of each axis occur about equally often, in the order of the whole
    /// plan. A larger sample under the same seed has all rows of a smaller one.
    pub fn sample(catalog: &'c Catalog, part: &'c Part, seed: u64, rows: usize) -> Self {
        let whole = Self::new(catalog, part, seed, None);
        let sample = sample::rows(&whole.lists, seed, part.id.as_str(), rows, |value| {
            subject(catalog, *value)
                .map(|s| s.slugs.iter().map(Slug::as_str).collect::<Vec<_>>().join("."))
        });
        Self { length: sample.len(), places: Some(sample), ..whole }
    }

    /// The rows of this plan that are in a shard. A row is in the same one of so many shards in a plan of all rows, of the
    /// first ones, and in a sample, so that a shard of a larger plan has all rows of the same shard of a smaller one.
    #[must_use]
    pub fn shard(self, shard: Shard) -> Self {
        let dealt = Dealt::new(shard, self.lists.last().map_or(1, |(values, _)| values.len()));
        let all = (0..self.length).filter_map(|index| self.place(index));
        let places: Vec<usize> = all.filter(|place| dealt.has(*place)).collect();
        Self { length: places.len(), places: Some(places), ..self }
    }

    /// The index of row `index` in the plan of all rows; `None` past the end.
    pub fn place(&self, index: usize) -> Option<usize> {
        match &self.places {
            Some(places) => places.get(index).copied(),
            None => (index < self.length).then_some(index),
        }
    }

    /// The index of the row that has this index in the plan of all rows.
    pub fn at_place(&self, place: usize) -> Option<usize> {
        match &self.places {
            Some(places) => places.binary_search(&place).ok(),
            None => (place < self.length).then_some(place),
        }
    }

    /// Number of rows of the whole plan, of which this one may be a part.
    pub fn whole(&self) -> usize {
        product(&self.lists)
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The part.
    pub fn part(&self) -> &'c Part {
        self.part
    }

    /// The values that row `index` combines; `None` past the end.
    fn values(&self, index: usize) -> Option<Vec<(Value, bool)>> {
        let mut left = self.place(index)?;
        let mut values = Vec::with_capacity(self.lists.len());
        for (list, united) in self.lists.iter().rev() {
            values.push((*list.get(left % list.len())?, *united));
            left /= list.len();
        }
        values.reverse();
        Some(values)
    }

    /// The id of row `index`, without drawing anything.
    pub fn id(&self, index: usize) -> Option<RowId> {
        let mut slugs = Vec::new();
        for (value, united) in self.values(index)? {
            let subject = subject(self.catalog, value)?;
            if united {
                slugs.extend(Slug::of_name(&subject.axis));
            }
            slugs.extend(subject.slugs);
        }
        Some(RowId::of(&self.part.id, &slugs))
    }

    /// The index of the row with this id. A linear search, for user input.
    pub fn find(&self, id: &str) -> Option<usize> {
        (0..self.length).find(|i| self.id(*i).is_some_and(|found| found.as_str() == id))
    }

    /// Row `index`; `None` past the end.
    pub fn row(&self, index: usize) -> Option<BaseRow> {
        let values = self.values(index)?;
        let id = self.id(index)?;
        let subjects =
            values.iter().map(|(v, _)| subject(self.catalog, *v)).collect::<Option<Vec<_>>>()?;
        let scope = self.scope(index)?;
        let emergency = values.iter().any(|(value, _)| self.is_emergency(*value));
        let (profession, specialty) = self.worker(&id, &values);
        let source = crate::source::Source {
            catalog: self.catalog,
            part: self.part,
            seed: self.seed,
            subjects: &subjects,
            emergency,
        };
        let frames: Vec<Frame> = (0..self.part.prompts_per_request)
            .map(|k| frame::draw_frame(&source, &id, k, &scope))
            .collect::<Option<_>>()?;
        Some(BaseRow {
            id,
            part: self.part.id.clone(),
            subjects,
            profession,
            specialty,
            emergency,
            frames,
        })
    }

    /// Which prompts row `index` allows; `None` past the end.
    pub fn scope(&self, index: usize) -> Option<Scope> {
        let values: Vec<Value> = self.values(index)?.into_iter().map(|(value, _)| value).collect();
        let scope = self.catalog.row_scope(&values);
        let patient = if self.part.personas { AboutPatient::Patient } else { scope.patient };
        Some(Scope { patient, ..scope })
    }

    /// All rows in order.
    pub fn rows(&self) -> impl Iterator<Item = BaseRow> + '_ {
        (0..self.length).filter_map(|i| self.row(i))
    }

    /// Whether a value is emergency medicine.
    fn is_emergency(&self, value: Value) -> bool {
        let c = self.catalog;
        let of_domain = |d: usize| c.domains.get(d).is_some_and(|d| d.emergency);
        match value {
            Value::Task(_) | Value::Profession(_) => false,
            Value::Specialty(p, s) => {
                c.professions.get(p).and_then(|p| p.specialties.get(s)).is_some_and(|s| s.emergency)
            }
            Value::Domain(d) => of_domain(d),
            Value::Subtopic(s) => c.subtopics.get(s).is_some_and(|s| of_domain(s.domain)),
        }
    }

    /// Profession and specialty of the health worker: from the row, otherwise drawn.
    fn worker(&self, id: &RowId, values: &[(Value, bool)]) -> (String, Option<String>) {
        let c = self.catalog;
        for (value, _) in values {
            match value {
                Value::Specialty(p, s) => {
                    if let Some(profession) = c.professions.get(*p) {
                        let specialty = profession.specialties.get(*s).map(|s| s.name.clone());
                        return (profession.name.clone(), specialty);
                    }
                }
                Value::Profession(p) => {
                    if let Some(profession) = c.professions.get(*p) {
                        return (profession.name.clone(), None);
                    }
                }
                Value::Task(_) | Value::Domain(_) | Value::Subtopic(_) => {}
            }
        }
        if self.part.personas {
            return (c.personas.profession.clone(), None);
        }
        let shares =
            self.part.professions.iter().filter_map(|(i, weight)| {
                c.professions.get(*i).map(|p| (p.id.as_str(), *weight, p))
            });
        let drawn = draw::choose(self.seed, id.as_str(), "profession", shares);
        (drawn.map(|p| p.name.clone()).unwrap_or_default(), None)
    }
}

/// Number of rows that lists give when they are crossed.
fn product(lists: &[(Vec<Value>, bool)]) -> usize {
    lists.iter().map(|(values, _)| values.len()).product()
}

/// Whether a part has rows with this value. Those who write for themselves ask about a patient.
fn takes(catalog: &Catalog, part: &Part, value: Value) -> bool {
    if part.personas && catalog.scope(value).patient == AboutPatient::None {
        return false;
    }
    if part.leave_out.is_empty() {
        return true;
    }
    let subjects: Vec<Subject> = subject(catalog, value).into_iter().collect();
    let facts = Facts { subjects: named(&subjects), ..Facts::default() };
    !part.leave_out.iter().any(|left_out| left_out.holds(&facts))
}

/// A value with its names.
fn subject(c: &Catalog, value: Value) -> Option<Subject> {
    let (axis, slugs, name) = match value {
        Value::Task(t) => {
            let task = c.tasks.get(t)?;
            (Axis::Task, vec![task.id.clone()], &task.name)
        }
        Value::Profession(p) => {
            let profession = c.professions.get(p)?;
            (Axis::Profession, vec![profession.id.clone()], &profession.name)
        }
        Value::Specialty(p, s) => {
            let profession = c.professions.get(p)?;
            let specialty = profession.specialties.get(s)?;
            let slugs = vec![profession.id.clone(), specialty.id.clone()];
            (Axis::Specialty, slugs, &specialty.name)
        }
        Value::Domain(d) => {
            let domain = c.domains.get(d)?;
            (Axis::Domain, vec![domain.id.clone()], &domain.name)
        }
        Value::Subtopic(s) => {
            let subtopic = c.subtopics.get(s)?;
            let domain = c.domains.get(subtopic.domain)?;
            (Axis::Subtopic, vec![domain.id.clone(), subtopic.id.clone()], &subtopic.name)
        }
    };
    Some(Subject { axis: axis.as_str().to_owned(), slugs, name: name.clone() })
}
