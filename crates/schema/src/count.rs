/// A number with a separator between thousands.
pub fn grouped(n: u64, separator: char) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(separator);
        }
        out.push(c);
    }
    out
}

/// A number with commas between thousands, for people.
pub fn number(n: u64) -> String {
    grouped(n, ',')
}

/// A number with what is counted, for people: `1 row`, `2,000 rows`. `one` is its name in the singular.
pub fn counted(n: u64, one: &str) -> String {
    format!("{} {one}{}", number(n), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let all = [0, 7, 999, 1000, 39_705, 1_234_567].map(number);
        assert_eq!(all.join(" "), "0 7 999 1,000 39,705 1,234,567");
    }

    #[test]
    fn one_thing_is_named_in_the_singular() {
        let all = [0, 1, 2, 1000].map(|n| counted(n, "row"));
        assert_eq!(all, ["0 rows", "1 row", "2 rows", "1,000 rows"]);
    }
}
