//! An answer that holds data.

use std::borrow::Cow;

use crate::clean::Cleanup;
use crate::problem::Problem;
use crate::reasoning::separate;
use crate::turn::is_text_refusal;

/// Number of braces at which an object is searched for.
pub(crate) const OBJECTS: usize = 200;

/// The answer without reasoning, and the rule that removed it.
pub(crate) fn answer_of(text: &str) -> Result<(Cow<'_, str>, Cleanup), Problem> {
    let separated = separate(text)?;
    if is_text_refusal(&separated.text) {
        return Err(Problem::TextRefusal {
            text: separated.text.trim().chars().take(120).collect(),
        });
    }
    let rule = if separated.changed { Cleanup::REASONING } else { Cleanup::default() };
    Ok((separated.text, rule))
}
