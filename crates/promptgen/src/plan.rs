use clinstruct_catalog::{Axis, Catalog, Part, Value, Who};
use clinstruct_draw as draw;
use clinstruct_schema::{BaseRow, PatientCard, RowId, Slug, Subject};

use crate::card;

/// The rows of one part, in their order: the last axis runs fastest.
#[derive(Debug, Clone)]
pub struct Plan<'c> {
    catalog: &'c Catalog,
    part: &'c Part,
    seed: u64,
    /// The values of each list of axes that is crossed, and whether the list is a union of several axes.
    lists: Vec<(Vec<Value>, bool)>,
    length: usize,
}

impl<'c> Plan<'c> {
    /// The plan of `part` under `seed`: its first `limit` rows, or all.
    pub fn new(catalog: &'c Catalog, part: &'c Part, seed: u64, limit: Option<usize>) -> Self {
        let lists: Vec<(Vec<Value>, bool)> = part
            .cross
            .iter()
            .map(|axes| {
                (axes.iter().flat_map(|axis| catalog.values(*axis)).collect(), axes.len() > 1)
            })
            .collect();
        let all = lists.iter().map(|(values, _)| values.len()).product();
        Self { catalog, part, seed, lists, length: limit.map_or(all, |l| l.min(all)) }
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
        if index >= self.length {
            return None;
        }
        let mut left = index;
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
            let subject = self.subject(value)?;
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
        let subjects = values.iter().map(|(v, _)| self.subject(*v)).collect::<Option<Vec<_>>>()?;
        let mut who = Who::ANYONE;
        let mut emergency = false;
        for (value, _) in &values {
            let (rule, is_emergency) = self.rule(*value);
            who = together(&who, &rule);
            emergency |= is_emergency;
        }
        let (profession, specialty) = self.worker(&id, &values);
        let source = card::Source { catalog: self.catalog, part: self.part, seed: self.seed };
        let cards: Vec<PatientCard> = (0..self.part.prompts_per_request)
            .map(|k| card::draw_card(&source, &id, k, &who))
            .collect::<Option<_>>()?;
        Some(BaseRow {
            id,
            part: self.part.id.clone(),
            subjects,
            profession,
            specialty,
            emergency,
            cards,
        })
    }

    /// All rows in order.
    pub fn rows(&self) -> impl Iterator<Item = BaseRow> + '_ {
        (0..self.length).filter_map(|i| self.row(i))
    }

    fn subject(&self, value: Value) -> Option<Subject> {
        let c = self.catalog;
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

    /// Who can be the patient, and whether it is emergency medicine.
    fn rule(&self, value: Value) -> (Who, bool) {
        let c = self.catalog;
        let of_domain = |d: usize| c.domains.get(d).map(|d| (d.scope.who, d.emergency));
        match value {
            Value::Task(_) | Value::Profession(_) => None,
            Value::Specialty(p, s) => c
                .professions
                .get(p)
                .and_then(|p| p.specialties.get(s))
                .map(|s| (s.scope.who, s.emergency)),
            Value::Domain(d) => of_domain(d),
            Value::Subtopic(s) => c.subtopics.get(s).map(|s| {
                (s.scope.who, of_domain(s.domain).is_some_and(|(_, emergency)| emergency))
            }),
        }
        .unwrap_or((Who::ANYONE, false))
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
        let shares =
            self.part.professions.iter().filter_map(|(i, weight)| {
                c.professions.get(*i).map(|p| (p.id.as_str(), *weight, p))
            });
        let drawn = draw::choose(self.seed, id.as_str(), "profession", shares);
        (drawn.map(|p| p.name.clone()).unwrap_or_default(), None)
    }
}

/// The intersection of both rules. If no age fits both, the first one's ages apply: a specialist's patients outweigh a
/// domain's. The sexes of both apply unless that excludes everyone.
fn together(first: &Who, second: &Who) -> Who {
    first.and(second).unwrap_or_else(|| {
        let sexes = Who { ages: first.ages, sexes: second.sexes };
        first.and(&sexes).unwrap_or(*first)
    })
}
