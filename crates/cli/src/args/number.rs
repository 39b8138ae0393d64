//! Numbers on the command line, with messages that say what is wrong.

/// A whole number that is not negative.
pub(super) fn whole<T: TryFrom<u64>>(text: &str) -> Result<T, String> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if text.starts_with('-') && digits.parse::<f64>().is_ok() {
        return Err("it must not be negative".into());
    }
    if !is_number {
        return Err("it is not a whole number, such as 20".into());
    }
    let number: Option<u64> = digits.parse().ok();
    number.and_then(|n| T::try_from(n).ok()).ok_or_else(|| "it is too large".into())
}

/// A whole number of at least 1.
pub(super) fn positive<T: TryFrom<u64>>(text: &str) -> Result<T, String> {
    match whole::<u64>(text)? {
        0 => Err("it must be at least 1".into()),
        _ => whole(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_number_has_its_message() {
        assert_eq!(whole::<usize>("20"), Ok(20));
        assert_eq!(whole::<u64>("+3"), Ok(3));
        assert_eq!(whole::<u16>("0"), Ok(0));
        for (text, message) in [
            ("-3", "it must not be negative"),
            ("-0.5", "it must not be negative"),
            ("many", "it is not a whole number, such as 20"),
            ("2.5", "it is not a whole number, such as 20"),
            ("-", "it is not a whole number, such as 20"),
            ("", "it is not a whole number, such as 20"),
            ("70000", "it is too large"),
            ("99999999999999999999999", "it is too large"),
        ] {
            assert_eq!(whole::<u16>(text), Err(message.to_owned()), "{text}");
            assert_eq!(positive::<u16>(text), Err(message.to_owned()), "{text}");
        }
        assert_eq!(positive::<u16>("1"), Ok(1));
        assert_eq!(positive::<u16>("0"), Err("it must be at least 1".to_owned()));
    }
}
