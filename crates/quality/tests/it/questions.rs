//! Messages that ask one thing or several, in eight languages.

use clinstruct_quality::talk::{asked, second_question};
use clinstruct_quality::verify;
use clinstruct_schema::Constraint;
use clinstruct_schema::Language::{
    self, English, French, German, Hindi, Italian, Portuguese, Spanish, Thai,
};

/// Two questions or more.
const SEVERAL: [(Language, &str); 22] = [
    (English, "What is the dose, and how should I monitor her?"),
    (English, "Is it safe to go on with the tablets? When should I see him again?"),
    (
        English,
        "He has had a fever since Monday. Which test comes first, and what should I tell the family?",
    ),
    (English, "How long do I wait and should I give more fluid?"),
    (
        English,
        "My patient is breathless. How much oxygen does she need, and for how long should it run?",
    ),
    (English, "What is it?? Who can tell me more?"),
    (German, "Welche Dosis braucht er, und wie soll ich ihn überwachen?"),
    (German, "Ist das gefährlich? Wann muss sie ins Krankenhaus?"),
    (German, "Was soll ich ihm geben und wie oft soll ich messen?"),
    (French, "Quelle dose dois-je donner, et comment dois-je la surveiller ?"),
    (French, "Est-ce grave ? Quand faut-il la revoir ?"),
    (Spanish, "¿Qué dosis le doy y cómo debo vigilarla?"),
    (Spanish, "¿Es grave? ¿Cuándo la vuelvo a ver?"),
    (Italian, "Quale dose devo dare e come devo seguirla?"),
    (Italian, "È grave? Quando la devo rivedere?"),
    (Portuguese, "Qual dose devo dar e como devo acompanhar a paciente?"),
    (Portuguese, "É grave? Quando devo ver a criança de novo?"),
    (Hindi, "इस दवा की खुराक कितनी है और उसकी निगरानी कैसे करूँ?"),
    (Hindi, "क्या यह गंभीर है? उसे कब दोबारा देखूँ?"),
    (Thai, "ควรให้ยาขนาดเท่าไร และต้องติดตามอย่างไร"),
    (Thai, "อันตรายไหม\nควรนัดเมื่อไร"),
    (Thai, "อันตรายไหม? ควรนัดเมื่อไร?"),
];

/// One question or none.
const ONE: [(Language, &str); 20] = [
    (English, "What is the dose for a child of 12 kg?"),
    (English, "When and how did it start?"),
    (English, "What do I do with a man who vomits and has a fever?"),
    (English, "Do you know when it started and how long it lasted?"),
    (English, "What should I check and write down before the night?"),
    (English, "She coughs, and I do not know why. Please advise."),
    (English, "What is going on??"),
    (German, "Was gebe ich einem Kind mit Fieber und Husten?"),
    (German, "Wann und wie hat es angefangen?"),
    (French, "Que faire devant une fièvre et une toux chez un enfant ?"),
    (French, "Quand et comment cela a-t-il commencé ?"),
    (Spanish, "¿Qué hago con un niño que tiene fiebre y tos?"),
    (Spanish, "Tose desde el lunes y no duerme. ¿Qué le doy?"),
    (Italian, "Che cosa faccio con un bambino che ha febbre e tosse?"),
    (Italian, "Tossisce da lunedì e non dorme. Che cosa gli do?"),
    (Portuguese, "O que faço com uma criança com febre e tosse?"),
    (Hindi, "बुखार और खाँसी वाले बच्चे को क्या दूँ?"),
    (Hindi, "उसे खाँसी है और बुखार भी है। क्या दूँ?"),
    (Thai, "เด็กมีไข้และไอ ควรให้ยาอะไร"),
    (Thai, "เด็กมีไข้และไอมาสามวัน"),
];

#[test]
fn messages_that_ask_several_things_are_told_from_those_that_ask_one() {
    let mut wrong = Vec::new();
    for (several, all) in [(true, SEVERAL.as_slice()), (false, ONE.as_slice())] {
        for (language, text) in all {
            let second = second_question(text, *language);
            if second.is_some() != several || (asked(text, *language) > 1) != several {
                wrong.push(format!("{} {several}: {text} ({second:?})", language.code()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_second_question_is_named() {
    let place = |text: &'static str| second_question(text, English).map(|span| &text[span]);
    assert_eq!(place("Is it bad? Who can help? And when?"), Some("Who can help?"));
    let joined = "What is the dose, and how should I monitor her?";
    assert_eq!(place(joined), Some(joined));
    assert_eq!(place("What is the dose?"), None);
}

/// Answers that ask the reader one question, beside questions for somebody else.
const TRANSLATED: [(Language, &str); 10] = [
    (
        English,
        "\"¿Le duele la cabeza? ¿Desde cuándo?\" is what you ask in Spanish. Does she speak it?",
    ),
    (English, "Say: “Haben Sie Schmerzen? Wo genau?” Is a relative there who speaks German?"),
    (German, "Fragen Sie: „Do you have pain? Since when?“ Spricht er gut Englisch?"),
    (German, "Sie sagt: „Gut.“ Wie alt ist das Kind jetzt?"),
    (French, "Dites-lui : « ¿Le duele? ¿Dónde? » Parle-t-il espagnol à la maison ?"),
    (Spanish, "Pregunte: «Where does it hurt? Since when?» ¿Entiende ella el inglés?"),
    (Italian, "Chieda: «Where does it hurt? Since when?» Capisce bene l'inglese?"),
    (Portuguese, "Pergunte: \"Where does it hurt? Since when?\" Ela entende inglês?"),
    (Hindi, "पूछें: \"Where does it hurt? Since when?\" क्या उसे अंग्रेज़ी आती है?"),
    (
        English,
        "Here is the text for the family, in plain German, as you asked.\n\nHat Ihr Kind heute schon etwas getrunken? Wie oft hat es heute Wasser gelassen?\n\nCan somebody read it to them this evening?",
    ),
];

#[test]
fn a_question_for_somebody_else_is_no_clarifying_one() {
    let asks = |language, text: &str, n| {
        let wanted = Constraint::ClarifyingQuestions { n };
        verify(&wanted, text, language).map(|verdict| (verdict.strict, verdict.seen))
    };
    let wrong: Vec<_> = TRANSLATED
        .into_iter()
        .map(|(language, text)| (text, asks(language, text, 1)))
        .filter(|(_, seen)| !seen.as_ref().is_some_and(|(strict, _)| *strict))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    // In an answer wholly in another language, its questions are all there are.
    let spanish = "¿Desde cuándo tiene fiebre? ¿Ha tomado algún medicamento en casa?";
    assert!(asks(English, spanish, 2).is_some_and(|(strict, _)| strict));
}
