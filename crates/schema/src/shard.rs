use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One of several shares of a plan, which is made without the others. Written `3/8`: the third of eight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard {
    number: u32,
    of: u32,
}

impl Shard {
    /// Shard `number`, from 1, of `of`; `None` where there is no such shard.
    pub fn new(number: u32, of: u32) -> Option<Self> {
        (1..=of).contains(&number).then_some(Self { number, of })
    }

    /// Its number, from 1.
    pub fn number(self) -> u32 {
        self.number
    }

    /// How many there are.
    pub fn of(self) -> u32 {
        self.of
    }

    /// All shards of its plan, in order.
    pub fn all(self) -> impl Iterator<Item = Self> {
        (1..=self.of).map(move |number| Self { number, of: self.of })
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

/// Why a text names no shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardError {
    /// It is not `K/N`.
    Form,
    /// There are no shards in a plan of none.
    None,
    /// The number is not one of `1..=of`.
    Number {
        /// How many shards there are.
        of: u32,
    },
}

impl fmt::Display for ShardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str(
                "it is not K/N, the number of a shard and how many there are, such as 3/8",
            ),
            Self::None => f.write_str("there must be at least 1 shard, such as 1/1"),
            Self::Number { of: 1 } => f.write_str("the only shard is 1/1"),
            Self::Number { of } => write!(f, "the shards are 1/{of} to {of}/{of}"),
        }
    }
}

impl std::error::Error for ShardError {}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let whole = |digits: &str| {
            let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse().ok().filter(|_| is_number).ok_or(ShardError::Form)
        };
        let (number, of) = text.split_once('/').ok_or(ShardError::Form)?;
        let (number, of): (u32, u32) = (whole(number)?, whole(of)?);
        if of == 0 {
            return Err(ShardError::None);
        }
        Self::new(number, of).ok_or(ShardError::Number { of })
    }
}

impl Serialize for Shard {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Shard {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|e| D::Error::custom(format!("\"{text}\" is no shard: {e}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_read_as_it_is_written() {
        for text in ["1/1", "3/8", "8/8"] {
            let shard: Shard = text.parse().unwrap();
            assert_eq!(shard.to_string(), text);
            let json = serde_json::to_string(&shard).unwrap();
            assert_eq!(serde_json::from_str::<Shard>(&json).unwrap(), shard);
        }
        let all: Vec<String> =
            "2/3".parse::<Shard>().unwrap().all().map(|s| s.to_string()).collect();
        assert_eq!(all, ["1/3", "2/3", "3/3"]);
    }

    #[test]
    fn each_wrong_shard_has_its_message() {
        let form = "it is not K/N, the number of a shard and how many there are, such as 3/8";
        for (text, message) in [
            ("3", form),
            ("", form),
            ("a/b", form),
            ("1/", form),
            ("+1/4", form),
            ("1/2/3", form),
            ("99999999999/4", form),
            ("1/0", "there must be at least 1 shard, such as 1/1"),
            ("0/4", "the shards are 1/4 to 4/4"),
            ("5/4", "the shards are 1/4 to 4/4"),
            ("2/1", "the only shard is 1/1"),
        ] {
            assert_eq!(text.parse::<Shard>().unwrap_err().to_string(), message, "{text}");
        }
        let e = serde_json::from_str::<Shard>("\"5/4\"").unwrap_err().to_string();
        assert!(e.starts_with("\"5/4\" is no shard: the shards are 1/4 to 4/4"), "{e}");
    }
}
