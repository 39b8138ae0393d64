//! Numbers that belong to a side of the body, or to a joint.

use super::numbers::Number;
use super::view::View;
use super::words::Hit;

/// Beginnings of words beside the angle of a joint: `hip abduction, left 40°`.
const ANGLES: [&str; 15] = [
    "abdu",
    "addu",
    "flex",
    "extension",
    "rotat",
    "angle",
    "ankle",
    "cobb",
    "supinat",
    "winkel",
    "ángulo",
    "angolo",
    "ângulo",
    "कोण",
    "มุม",
];

/// Whether a number of degrees is the angle of a joint.
pub(super) fn is_angle(view: &View<'_>, number: &Number) -> bool {
    let said = view.between(view.sentence(number.span.start).start, number.span.start);
    ANGLES.iter().any(|word| said.contains(word))
}

/// Words for a side of the body.
const SIDES: [&str; 22] = [
    "r",
    "l",
    "rt",
    "lt",
    "right",
    "left",
    "rechts",
    "links",
    "re",
    "li",
    "droite",
    "gauche",
    "derecha",
    "izquierda",
    "destra",
    "sinistra",
    "dx",
    "sx",
    "direita",
    "esquerda",
    "दाएँ",
    "बाएँ",
];

/// Whether the side of a body stands right before a number.
pub(super) fn has_side(view: &View<'_>, number: &Number) -> bool {
    let before = view.lower.get(..number.span.start).unwrap_or_default().trim_end();
    let word = before.rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    let rest = before.strip_suffix(word).unwrap_or_default();
    SIDES.contains(&word) && !rest.ends_with(char::is_alphanumeric)
}

/// Letters between the values of two sides: `R 74, L 71`.
const OTHER_SIDE: usize = 14;

/// Whether an `R` before a number is the right side, and no respiratory rate: an `L` with a number of its own stands beside it.
pub(super) fn is_right(view: &View<'_>, label: &Hit, number: &Number) -> bool {
    if view.text.get(label.start..label.end) != Some("R") {
        return false;
    }
    let is_left = |text: &str| {
        let mut words = text.split_whitespace();
        words.any(|word| word.trim_matches(|c: char| !c.is_alphanumeric()) == "L")
    };
    let behind: String =
        view.text.get(number.end..).unwrap_or_default().chars().take(OTHER_SIDE).collect();
    let before = view.text.get(..label.start).unwrap_or_default();
    let before =
        before.char_indices().rev().nth(OTHER_SIDE).map_or(before, |(at, _)| &before[at..]);
    let has_number = |text: &str| text.contains(|c: char| c.is_ascii_digit());
    // A line of its own, and a flow in litres, are something else.
    let near = |text: &str| !text.contains(['\n', '.']) && is_left(text) && has_number(text);
    near(&behind) || near(before)
}

#[cfg(test)]
mod tests {
    use clinstruct_schema::FactName;

    #[test]
    fn the_right_side_breathes_at_no_rate() {
        let rate = |text: &str| {
            let facts = crate::case::read(text);
            facts.iter().any(|fact| fact.fact.name == FactName::RespiratoryRate)
        };
        for text in [
            "PTAs (R 74, L 71 dB HL), 37 y.",
            "WRS L 68, R 20 at MCL, 37 y.",
            "Grip L 30 kg, R 28.",
        ] {
            assert!(!rate(text), "{text}");
        }
        for text in ["T 38.1, P 96, R 24, BP 110/70.", "P 96, R 22, O2 2 L/min"] {
            assert!(rate(text), "{text}");
        }
    }

    #[test]
    fn the_angle_of_a_joint_is_no_temperature() {
        let temperature = |text: &str| {
            let facts = crate::case::read(text);
            facts.iter().any(|fact| fact.fact.name == FactName::Temperature)
        };
        for text in [
            "Hip abduction, knees extended: right 25°, left 40°.",
            "Popliteal angle 40° on the right.",
            "Cobb angle 38°, thoracic.",
            "Knee flexion 35° at most.",
        ] {
            assert!(!temperature(text), "{text}");
        }
        for text in ["Fever of 39.2° since last night.", "T 38.5°, pulse 110."] {
            assert!(temperature(text), "{text}");
        }
    }
}
