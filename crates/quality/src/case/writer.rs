//! Whether an age or a sex in a message from home is that of its patient.

use std::ops::Range;

use clinstruct_schema::Frame;

use super::reader::Reader;

/// Words by which writers speak of themselves.
const SELF: [&str; 9] = ["i", "i'm", "im", "me", "myself", "am", "i've", "i’m", "i’ve"];
/// Words before somebody who belongs to the writer or to somebody else.
const OF_OTHERS: [&str; 10] =
    ["my", "our", "his", "her", "their", "whose", "sister's", "brother's", "mother's", "father's"];
/// Words between a possessive and the person: `my first little boy`.
const NEAR: usize = 3;

/// Whether what a place of a first message says of age or sex can be said of the patient of its frame. Messages of health
/// workers are about their patients. Those of people at home name themselves and their families: who writes about herself
/// says so in the first person, and who writes about somebody else does not.
pub(crate) fn is_of_patient(reader: &Reader<'_>, frame: Option<&Frame>, at: &Range<usize>) -> bool {
    let Some(persona) = frame.and_then(|frame| frame.persona.as_ref()) else { return true };
    let view = reader.view();
    let sentence = view.sentence(at.start);
    let word = |c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '’');
    let before: Vec<&str> =
        view.between(sentence.start, at.start).split(word).filter(|w| !w.is_empty()).collect();
    let near = || before.iter().rev().take(NEAR);
    let within: Vec<&str> = view.between(at.start, at.end).split(word).collect();
    if persona.relation.as_str() == "self" {
        let own = before.iter().any(|word| SELF.contains(word));
        let others = near().chain(&within).any(|word| OF_OTHERS.contains(word));
        return own && !others;
    }
    !near().any(|word| SELF.contains(word))
}

#[cfg(test)]
mod tests {
    use clinstruct_schema::{
        AgeYears, ConversationMode, Frame, FramePatient, IncomeGroup, Persona, Place, Sex, Slug,
    };

    use crate::check_prompt;

    fn frame(relation: &str, years: u32, sex: Sex) -> Frame {
        let slug = |text: &str| Slug::new(text).unwrap();
        let place = Place {
            country_code: "np".to_owned(),
            country: "Nepal".to_owned(),
            income: IncomeGroup::LowerMiddle,
            region: "SEAR".to_owned(),
            setting: slug("low-resource"),
        };
        let patient = FramePatient {
            age_band: slug("adults"),
            age: AgeYears { years, months: None },
            sex,
            gender: None,
            pregnancy_weeks: None,
            condition: None,
        };
        let persona = Persona {
            relation: slug(relation),
            literacy: slug("some"),
            recall: slug("rough"),
            proficiency: slug("fluent"),
            worry: slug("uneasy"),
            openness: slug("plain"),
        };
        let persona = Some(persona);
        Frame { persona, ..Frame::new(place, Some(patient), ConversationMode::Normal) }
    }

    fn found(relation: &str, years: u32, sex: Sex, text: &str) -> Vec<&'static str> {
        check_prompt(text, &frame(relation, years, sex)).iter().map(|v| v.check).collect()
    }

    #[test]
    fn people_at_home_name_their_families() {
        for text in [
            "could my grandson have this because of me? he's three weeks old.",
            "My boy is 4 years old and coughs, and now my own chest hurts too. What can I take?",
            "The doctor says my 30-year-old daughter carries the gene. Do I carry it too?",
            "My wife is 52 years old and worries more than I do. Should I have the test?",
        ] {
            assert_eq!(found("self", 57, Sex::Male, text), [] as [&str; 0], "{text}");
        }
        let text = "Could my boy have fragile X because of me? He is 6 years old.";
        assert_eq!(found("self", 43, Sex::Female, text), [] as [&str; 0]);
        let text =
            "I'm 34 and on my own with him. My boy has had a fever since last night, what now?";
        assert_eq!(found("parent", 3, Sex::Male, text), [] as [&str; 0]);
    }

    #[test]
    fn another_age_or_sex_of_the_patient_is_found() {
        for (relation, years, sex, text) in [
            (
                "self",
                57,
                Sex::Male,
                "I am a 35-year-old man and my chest hurts when I climb. Is it the heart?",
            ),
            ("self", 57, Sex::Male, "I'm a 57-year-old woman with a cough. What can it be?"),
            ("parent", 3, Sex::Male, "He is 9 years old and coughs at night. What can I give him?"),
        ] {
            let found = found(relation, years, sex, text);
            assert!(!found.is_empty(), "{text}");
        }
    }
}
