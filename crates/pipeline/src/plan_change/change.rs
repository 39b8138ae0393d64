//! The cost of a new plan in answered rows, for display.

use std::fmt;

use clinstruct_schema::{MicroUsd, dollars};

/// Answered rows that a new plan would change or drop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanChange {
    /// Differences, such as `seed 1 -> 2`.
    pub differences: Vec<String>,
    /// The parts that lose rows.
    pub parts: Vec<PartChange>,
    /// Whether the settings and models are the run's own: resources or version of the program differ.
    pub resources_only: bool,
    /// What would be sent again; `None` where the journal cannot tell.
    pub resent: Option<Resent>,
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
        let requests = match self.requests {
            1 => "1 request".to_owned(),
            many => format!("{many} requests"),
        };
        match self.micro_usd {
            None => write!(f, "{requests} would be sent again, free of charge"),
            Some(cost) => write!(f, "{requests} would be sent again, for about {}", dollars(cost)),
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
            (changed, 0) => write!(f, "{changed} rows with answers would change")?,
            (0, dropped) => write!(f, "{dropped} rows with answers would disappear")?,
            (changed, dropped) => {
                write!(
                    f,
                    "{changed} rows with answers would change and {dropped} would disappear"
                )?;
            }
        }
        for difference in &self.differences {
            write!(f, "\n  {difference}")?;
        }
        for PartChange { part, changed, dropped } in &self.parts {
            match (changed, dropped) {
                (changed, 0) => write!(f, "\n  in {part}: {changed} change")?,
                (0, dropped) => write!(f, "\n  in {part}: {dropped} disappear")?,
                (changed, dropped) => {
                    write!(f, "\n  in {part}: {changed} change, {dropped} disappear")?;
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
            resent: Some(Resent { requests: 12, micro_usd: Some(123_000) }),
        };
        insta::assert_snapshot!(change, @r"
        this would overwrite the run: 3 rows with answers would change and 4 would disappear
          seed 1 -> 2
          part b left out
          in a: 3 change
          in b: 4 disappear
          12 requests would be sent again, for about $0.12
        ");
        let free = Resent { requests: 1, micro_usd: None };
        assert_eq!(free.to_string(), "1 request would be sent again, free of charge");
    }
}
