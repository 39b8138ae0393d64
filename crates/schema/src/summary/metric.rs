use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::{MetricId, Target, Unit};
use super::unmeasured::{Unmeasured, by_property};
use super::verdict::{Verdict, least, percent, wilson};

/// A kind of text of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextKind {
    /// The first message of the user.
    Prompt,
    /// A message of the assistant.
    Answer,
    /// A later message of the user.
    FollowUp,
}

impl TextKind {
    /// All kinds, in the order of every array by kind.
    pub const ALL: [Self; 3] = [Self::Prompt, Self::Answer, Self::FollowUp];

    /// Name of this kind in the plural, for people.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Prompt => "prompts",
            Self::Answer => "answers",
            Self::FollowUp => "follow-ups",
        }
    }
}

/// Result of a measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measured {
    /// Some of the texts or rows that were looked at.
    Counted {
        /// Texts or rows with what is measured.
        count: u64,
        /// All that were looked at.
        of: u64,
    },
    /// A number that counts nothing, such as a ratio.
    Value {
        /// The number.
        value: f64,
        /// Texts or rows that it was computed from.
        of: u64,
    },
}

/// One metric with its target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct Metric {
    /// What it measures.
    pub id: MetricId,
    /// Subject of the metric, if there are several: a kind of text, an attribute or an evaluation set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Value.
    pub value: f64,
    /// Texts or rows with what is measured; `null` for a ratio or a distance.
    pub count: Option<u64>,
    /// Number of texts or rows that were measured.
    pub of: u64,
    /// 95% interval of the share that `count` is of `of`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// Target.
    pub target: Target,
    /// Number of texts or rows below which there are too few to tell; 0 without a target.
    pub least: u64,
    /// Whether the target is met.
    pub verdict: Verdict,
    /// Whether the verdict is that it is met.
    pub met: bool,
    /// Ids of the first rows with a fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<String>,
    /// What was counted, where the name does not say it: the most frequent sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub counted: String,
}

/// A metric in `summary.json`. Before it had a verdict, it had its value, target and number of texts only.
#[derive(Deserialize)]
struct Written {
    id: MetricId,
    #[serde(default)]
    subject: Option<String>,
    value: f64,
    of: u64,
    target: Target,
    #[serde(default)]
    count: Option<u64>,
    #[serde(default)]
    rows: Vec<String>,
    #[serde(default)]
    counted: String,
}

impl From<Written> for Metric {
    fn from(written: Written) -> Self {
        let Written { id, subject, value, of, target, count, rows, counted } = written;
        let measured = count.map_or_else(
            || Measured::of_value(id, value, of),
            |count| Measured::Counted { count, of },
        );
        Self { rows, counted, ..Self::new(id, subject, measured, target) }
    }
}

impl Measured {
    /// A result of which only the value was written.
    pub(super) fn of_value(id: MetricId, value: f64, of: u64) -> Self {
        match id.unit() {
            Unit::Count => Self::Counted { count: value.round() as u64, of },
            Unit::Share => Self::Counted { count: (value * of as f64).round() as u64, of },
            Unit::Distance | Unit::Ratio => Self::Value { value, of },
        }
    }
}

impl Metric {
    fn new(id: MetricId, subject: Option<String>, measured: Measured, target: Target) -> Self {
        let (value, count, of) = match measured {
            Measured::Value { value, of } => (value, None, of),
            Measured::Counted { count, of } if id.unit() == Unit::Share => {
                (count as f64 / of.max(1) as f64, Some(count), of)
            }
            Measured::Counted { count, of } => (count as f64, Some(count), of),
        };
        let least = least(id, target);
        let verdict = Verdict::on(value, of, target, least);
        Self {
            id,
            subject,
            value,
            count,
            of,
            interval: count.filter(|_| of > 0).map(|count| wilson(count, of)),
            target,
            least,
            verdict,
            met: verdict == Verdict::Met,
            rows: Vec::new(),
            counted: String::new(),
        }
    }

    /// The result for people: `4 of 4`, `3 of 97 (3.1%, 1.1% to 8.7%)` with the 95% interval, or `0.531 (n = 950)`.
    /// What was counted follows in quotes, where there is a text for it. `number` writes an integer.
    pub fn result(&self, number: impl Fn(u64) -> String) -> String {
        let numbers = self.numbers(number);
        if self.counted.is_empty() { numbers } else { format!("{numbers}: \"{}\"", self.counted) }
    }

    fn numbers(&self, number: impl Fn(u64) -> String) -> String {
        let of = number(self.of);
        let Some(count) = self.count else { return format!("{:.3} (n = {of})", self.value) };
        let counted = format!("{} of {of}", number(count));
        match self.interval.map(|bounds| bounds.map(percent)) {
            Some([low, high]) if count > 0 && count < self.of => {
                let share = percent(count as f64 / self.of as f64);
                format!("{counted} ({share}, {low} to {high})")
            }
            // None or all of them: the count says it.
            _ => counted,
        }
    }

    /// The target for people, such as `at most 1%`; blank if there is none.
    pub fn target_text(&self) -> String {
        let bound = |value: f64| match self.id.unit() {
            Unit::Share if value > 0.0 => percent(value),
            _ => value.to_string(),
        };
        match self.target {
            Target::AtMost(most) => format!("at most {}", bound(most)),
            Target::AtLeast(least) => format!("at least {}", bound(least)),
            Target::None => String::new(),
        }
    }

    /// The verdict for people, with the least number where less was measured.
    pub fn verdict_text(&self) -> String {
        match self.verdict {
            Verdict::TooFew => format!("{} (least {})", self.verdict.label(), self.least),
            verdict => verdict.label().to_owned(),
        }
    }
}

impl fmt::Display for Metric {
    /// Name with subject, such as `wrapping quotes, prompts`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.subject, self.id) {
            (None, id) => f.write_str(id.label()),
            (Some(set), MetricId::EvalItems) => write!(f, "{} of {set}", self.id.label()),
            (Some(subject), id) => write!(f, "{}, {subject}", id.label()),
        }
    }
}

/// How well an instruction is obeyed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstructionCounts {
    /// Answers that were checked for it.
    pub checked: u64,
    /// Answers that obey it strictly.
    pub strict: u64,
    /// Answers that obey it loosely.
    pub loose: u64,
}

/// The metrics of a dataset.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Conversations.
    pub conversations: u64,
    /// Prompts, answers, follow-ups.
    pub texts: [u64; 3],
    /// The metrics, in the order of [`MetricId`].
    pub values: Vec<Metric>,
    /// Instructions by check.
    pub instructions: BTreeMap<String, InstructionCounts>,
    /// Most common openings of prompts, answers, follow-ups, with their counts.
    pub openings: [Vec<(String, u64)>; 3],
    /// Requests and properties that no code measures.
    #[serde(default)]
    pub unmeasured: Vec<Unmeasured>,
}

impl Metrics {
    /// Metrics that miss their target.
    pub fn missed(&self) -> impl Iterator<Item = &Metric> {
        self.with(Verdict::Missed)
    }

    /// Metrics with this verdict.
    pub fn with(&self, verdict: Verdict) -> impl Iterator<Item = &Metric> {
        self.values.iter().filter(move |m| m.verdict == verdict)
    }

    /// Names of all that was not measured: metrics without a text, and what no code can tell.
    pub fn not_measured(&self) -> Vec<String> {
        let empty = self.with(Verdict::NotMeasured).map(ToString::to_string);
        empty.chain(by_property(&self.unmeasured)).collect()
    }

    /// How many metrics have each verdict, such as `30 met, 2 missed, 5 too few to tell`.
    pub fn verdicts(&self) -> String {
        let counted = [
            (Verdict::Met, "met"),
            (Verdict::Missed, "missed"),
            (Verdict::TooFew, "with too few texts to tell"),
            (Verdict::NotMeasured, "not measured"),
            (Verdict::NoTarget, "without a target"),
        ]
        .map(|(verdict, name)| (self.with(verdict).count(), name));
        let some = |(count, name): &(usize, &str)| *count > 0 || matches!(*name, "met" | "missed");
        let shown: Vec<String> = counted
            .iter()
            .filter(|c| some(c))
            .map(|(count, name)| format!("{count} {name}"))
            .collect();
        shown.join(", ")
    }

    /// The value of a metric: the first with this id and, if given, this subject.
    pub fn value(&self, id: MetricId, subject: Option<&str>) -> Option<f64> {
        let is = |m: &&Metric| m.id == id && (subject.is_none() || m.subject.as_deref() == subject);
        self.values.iter().find(is).map(|m| m.value)
    }

    /// Adds a metric at its position, with the verdict on it.
    pub fn push(
        &mut self,
        id: MetricId,
        subject: Option<&str>,
        measured: Measured,
        target: Target,
    ) {
        self.add(Metric::new(id, subject.map(str::to_owned), measured, target));
    }

    /// Adds a metric at its position, with the ids of the first rows that it is about.
    pub fn push_with_rows(
        &mut self,
        id: MetricId,
        subject: Option<&str>,
        measured: Measured,
        target: Target,
        rows: Vec<String>,
    ) {
        self.add(Metric { rows, ..Metric::new(id, subject.map(str::to_owned), measured, target) });
    }

    /// Adds a metric at its position, with the text that it counts.
    pub fn push_counted(
        &mut self,
        id: MetricId,
        counted: String,
        measured: Measured,
        target: Target,
    ) {
        self.add(Metric { counted, ..Metric::new(id, None, measured, target) });
    }

    fn add(&mut self, metric: Metric) {
        let at = self.values.partition_point(|m| m.id <= metric.id);
        self.values.insert(at, metric);
    }
}
