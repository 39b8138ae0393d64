use crate::clean::{Cleaned, Cleanup, clean};
use crate::control;
use crate::problem::Problem;
use crate::reasoning::separate;

/// A refusal is short; a longer text with such a start goes on to help.
const LONGEST_REFUSAL: usize = 300;

/// Starts of refusals, lower case, with straight apostrophes; in all eight languages.
const REFUSALS: [&str; 31] = [
    "i'm sorry, but i can't",
    "i'm sorry, but i cannot",
    "i am sorry, but i can't",
    "i am sorry, but i cannot",
    "i'm sorry, i can't",
    "i'm unable to",
    "i am unable to",
    "i cannot help",
    "i can't help",
    "i cannot assist",
    "i can't assist",
    "i won't be able to",
    "sorry, but i can't",
    "sorry, i can't",
    "es tut mir leid, aber",
    "dabei kann ich nicht helfen",
    "das kann ich leider nicht",
    "je suis désolé, mais",
    "je suis désolée, mais",
    "je ne peux pas vous aider",
    "mi dispiace, ma non posso",
    "non posso aiutar",
    "lamento, mas não posso",
    "desculpe, mas não posso",
    "não posso ajudar",
    "lo siento, pero no puedo",
    "no puedo ayudar",
    "क्षमा करें, मैं",
    "माफ़ कीजिए, मैं",
    "ขออภัย ฉันไม่สามารถ",
    "ขอโทษ ฉันไม่สามารถ",
];

/// Whether a text only declines.
pub fn is_text_refusal(text: &str) -> bool {
    let text = text.trim();
    if text.chars().count() > LONGEST_REFUSAL {
        return false;
    }
    let start: String = text
        .chars()
        .take(40)
        .map(|c| if c == '\u{2019}' { '\'' } else { c })
        .flat_map(char::to_lowercase)
        .collect();
    REFUSALS.iter().any(|refusal| start.starts_with(refusal))
}

/// Reads a text: separates reasoning, applies the named rules, and rejects remaining control tokens.
pub(crate) fn read(text: &str, item: bool) -> Result<Cleaned, Problem> {
    let separated = separate(text)?;
    let mut cleaned = clean(&separated.text, item);
    if separated.changed {
        cleaned.cleanup = cleaned.cleanup.and(Cleanup::REASONING);
    }
    if let Some(token) = control::within(&cleaned.text) {
        return Err(Problem::ControlToken { token: token.to_owned() });
    }
    cleaned.reasoning = Some(separated.reasoning).filter(|r| !r.is_empty());
    Ok(cleaned)
}

/// A text as the model wrote it, without its reasoning and the white space around it.
pub fn as_written(text: &str) -> String {
    match separate(text) {
        Ok(separated) => separated.text.trim().to_owned(),
        Err(_) => text.trim().to_owned(),
    }
}

/// Reads the text of a turn.
pub fn turn(text: &str) -> Result<Cleaned, Problem> {
    let cleaned = read(text, false)?;
    if cleaned.text.is_empty() {
        return Err(Problem::NoText);
    }
    if is_text_refusal(&cleaned.text) {
        return Err(Problem::TextRefusal { text: cleaned.text.chars().take(120).collect() });
    }
    Ok(cleaned)
}
