//! The cost of a new plan in answered rows, for display.

use std::fmt;

use clinstruct_schema::{MicroUsd, counted, dollars};

/// Answered rows that a new plan would change or drop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanChange {
    /// Differences, such as `seed 1 -> 2`.
    pub differences: Vec<String>,
    /// The parts that lose rows.
    pub parts: Vec<PartChange>,
    /// Whether the settings and models are the run's own: resources or version of the program differ.
    pub resources_only: bool,
    /// Where the resources of the run and those of this call are from, for display; blank if they are the same, or if the
    /// caller does not say it.
    pub resources: String,
    /// Whether the resources differ.
    pub has_other_resources: bool,
    /// What would be sent again; `None` where the journal cannot tell.
    pub resent: Option<Resent>,
}

impl PlanChange {
    /// What becomes of answers that do not fit any more.
    pub(crate) fn again(&self) -> &'static str {
        match self.resent {
            Some(Resent { micro_usd: None, .. }) => "requested again",
            _ => "requested, and paid for, again",
        }
    }
}

/// Requests that a new plan sends again in the place of answered ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resent {
    /// How many, retries included.
    pub requests: u64,
    /// What the stored answers to them cost at the present prices; `None` where nothing costs.
    pub micro_usd: Option<MicroUsd>,
}

impl fmt::Display for Resent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} would be sent again", counted(self.requests, "request"))?;
        match self.micro_usd {
            None => Ok(()),
            Some(cost) => write!(f, ", for about {}", dollars(cost)),
        }
    }
}

/// Answered rows of one part that a new plan would change or drop. Rows are conversations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartChange {
    /// Id of the part.
    pub part: String,
    /// Rows with other content.
    pub changed: u64,
    /// Rows that are not in the plan any more.
    pub dropped: u64,
}

impl fmt::Display for PlanChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changed: u64 = self.parts.iter().map(|p| p.changed).sum();
        let dropped: u64 = self.parts.iter().map(|p| p.dropped).sum();
        f.write_str("this would overwrite the run: ")?;
        match (changed, dropped) {
            (changed, 0) => write!(f, "{} with answers would change", counted(changed, "row"))?,
            (0, dropped) => write!(f, "{} with answers would disappear", counted(dropped, "row"))?,
            (changed, dropped) => {
                write!(
                    f,
                    "{} with answers would change and {dropped} would disappear",
                    counted(changed, "row")
                )?;
            }
        }
        for difference in &self.differences {
            write!(f, "\n  {difference}")?;
        }
        if !self.resources.is_empty() {
            write!(f, "\n  {}", self.resources)?;
        }
        for PartChange { part, changed, dropped } in &self.parts {
            match (changed, dropped) {
                (changed, 0) => write!(f, "\n  in {part}: {changed} would change")?,
                (0, dropped) => write!(f, "\n  in {part}: {dropped} would disappear")?,
                (changed, dropped) => {
                    write!(f, "\n  in {part}: {changed} would change, {dropped} disappear")?;
                }
            }
        }
        match &self.resent {
            Some(resent) if resent.requests > 0 => write!(f, "\n  {resent}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_says_what_is_lost_and_why() {
        let change = PlanChange {
            differences: vec!["seed 1 -> 2".into(), "part b left out".into()],
            parts: vec![
                PartChange { part: "a".into(), changed: 3, dropped: 0 },
                PartChange { part: "b".into(), changed: 0, dropped: 4 },
            ],
            resources_only: false,
            resources: "the run was begun with the resources of a".into(),
            has_other_resources: true,
            resent: Some(Resent { requests: 12, micro_usd: Some(123_000) }),
        };
        insta::assert_snapshot!(change, @r"
        this would overwrite the run: 3 rows with answers would change and 4 would disappear
          seed 1 -> 2
          part b left out
          the run was begun with the resources of a
          in a: 3 would change
          in b: 4 would disappear
          12 requests would be sent again, for about $0.12
        ");
        let free = Resent { requests: 1, micro_usd: None };
        assert_eq!(free.to_string(), "1 request would be sent again");
    }
}
