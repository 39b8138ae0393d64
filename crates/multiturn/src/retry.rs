//! How often a request is retried before its task ends without an answer.

/// Limits on retries. Each includes the first attempt, except `repairs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts of one turn or prompt request, each with another sampling seed.
    pub attempts: u32,
    /// Repairs per turn: a complete response that failed a check is sent back with the findings.
    pub repairs: u32,
    /// Failed deliveries of one request that cost nothing.
    pub deliveries: u32,
    /// Responses that are or may be billed and are unusable: failed deliveries and truncated texts. `None` if no
    /// response costs anything: such deliveries then count as free ones, and truncated texts as any other.
    pub paid_deliveries: Option<u32>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 4, repairs: 2, deliveries: 20, paid_deliveries: Some(2) }
    }
}

/// Why a response is unusable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// The model's text: another sample may be better, up to the limit of attempts.
    Text,
    /// It is truncated or empty: another sample is rarely better, and each is billed.
    Truncated,
}

/// What one turn or prompt request has used of its [`RetryPolicy`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetryCounts {
    /// Unusable responses.
    pub attempts: u32,
    /// Failed deliveries that cost nothing.
    pub delivery_attempts: u32,
    /// Unusable responses that were billed, or may have been.
    pub paid_deliveries: u32,
}

impl RetryCounts {
    /// Counts an unusable response; returns whether to request another sample.
    pub fn unusable(&mut self, policy: &RetryPolicy, defect: Defect) -> bool {
        self.attempts += 1;
        let mut paid_out = false;
        if let (Defect::Truncated, Some(most)) = (defect, policy.paid_deliveries) {
            self.paid_deliveries += 1;
            paid_out = self.paid_deliveries >= most;
        }
        self.attempts < policy.attempts && !paid_out
    }

    /// Counts a failed delivery that was or may have been `paid` for; returns whether to send the request again.
    pub fn undelivered(&mut self, policy: &RetryPolicy, paid: bool) -> bool {
        match policy.paid_deliveries.filter(|_| paid) {
            Some(most) => {
                self.paid_deliveries += 1;
                self.paid_deliveries < most
            }
            None => {
                self.delivery_attempts += 1;
                self.delivery_attempts < policy.deliveries
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(mut one: impl FnMut(&mut RetryCounts) -> bool) -> Vec<bool> {
        let mut counts = RetryCounts::default();
        let mut all = Vec::new();
        while all.last() != Some(&false) {
            all.push(one(&mut counts));
        }
        all
    }

    #[test]
    fn each_limit_counts_its_own() {
        let policy = RetryPolicy { attempts: 3, deliveries: 4, ..RetryPolicy::default() };
        let free = RetryPolicy { paid_deliveries: None, ..policy };
        let retries = |all: Vec<bool>| all.len();
        assert_eq!(retries(answers(|c| c.unusable(&policy, Defect::Text))), 3);
        assert_eq!(retries(answers(|c| c.unusable(&policy, Defect::Truncated))), 2);
        assert_eq!(retries(answers(|c| c.unusable(&free, Defect::Truncated))), 3);
        assert_eq!(retries(answers(|c| c.undelivered(&policy, false))), 4);
        assert_eq!(retries(answers(|c| c.undelivered(&policy, true))), 2);
        assert_eq!(retries(answers(|c| c.undelivered(&free, true))), 4);
    }

    #[test]
    fn truncated_texts_count_with_deliveries_that_were_paid_for() {
        let policy = RetryPolicy::default();
        let mut counts = RetryCounts::default();
        assert!(counts.undelivered(&policy, true));
        assert!(!counts.unusable(&policy, Defect::Truncated));
        assert_eq!(counts, RetryCounts { attempts: 1, delivery_attempts: 0, paid_deliveries: 2 });
    }
}
