//! Whether something was said before.

/// Bytes of a text that the standard library looks for without preparing a search.
const SHORT: usize = 32;

/// Whether a sentence stands in what was said before. Nearly none does, and its beginning tells that.
pub(crate) fn was_said(before: &str, sentence: &str) -> bool {
    let head = sentence.get(..sentence.floor_char_boundary(SHORT)).unwrap_or(sentence);
    before.contains(head) && before.contains(sentence)
}

/// Whether a sentence, in any case, has one of these words.
pub(crate) fn has_any(words: &[String], sentence: &str) -> bool {
    if words.is_empty() {
        return false;
    }
    let lower = sentence.to_lowercase();
    words.iter().any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_was_said_as_a_whole() {
        let long = "Give paracetamol 500 mg every six hours, and no more than 4 g a day.";
        assert!(was_said(&format!("First. {long} Last."), long));
        assert!(!was_said("Give paracetamol 500 mg every six hours, and rest.", long));
        assert!(was_said("ให้ยาพาราเซตามอลทุกหกชั่วโมง และพัก", "ให้ยาพาราเซตามอลทุกหกชั่วโมง"));
        assert!(!was_said("", "Rest."));
    }

    #[test]
    fn words_are_found_in_any_case() {
        let words = ["insulin".to_owned()];
        assert!(has_any(&words, "Insulin helps.") && !has_any(&words, "Rest helps."));
        assert!(!has_any(&[], "Rest helps."));
    }
}
