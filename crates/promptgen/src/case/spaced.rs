//! Spaces of a stated medicine: none between Thai words, and some within numbers.

/// How Thai, which has no spaces between words, says how often something is taken.
pub(super) const THAI: [&str; 9] =
    ["วันละ", "สัปดาห์ละ", "ครั้งละ", "ทุก", "ก่อนนอน", "ก่อนอาหาร", "หลังอาหาร", "เช้า", "เวลา"];

/// A value whose thousands are not set apart: `nystatin 100 000 units`.
pub(super) fn joined(value: &str) -> String {
    let is_group =
        |word: &str| (1..=3).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit());
    let mut words: Vec<String> = Vec::new();
    let mut grouped = false;
    for word in value.split(' ') {
        let goes_on = is_group(word) && word.len() == 3;
        match words.last_mut() {
            Some(last) if goes_on && (grouped || is_group(last)) => {
                last.push_str(word);
                grouped = true;
            }
            _ => {
                words.push(word.to_owned());
                grouped = false;
            }
        }
    }
    words.join(" ")
}

/// A value whose Thai words of a frequency stand apart from the name: `โลชั่นวันละครั้ง`.
pub(super) fn apart(value: &str) -> String {
    let at = THAI.iter().filter_map(|word| value.find(word)).min().filter(|at| *at > 0);
    match at.map(|at| value.split_at(at)) {
        Some((name, often)) if !name.ends_with(' ') => format!("{name} {often}"),
        _ => value.to_owned(),
    }
}
