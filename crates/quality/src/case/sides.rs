//! Numbers that belong to a side of the body, or to a joint.

use super::numbers::Number;
use super::view::View;

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

#[cfg(test)]
mod tests {
    use clinstruct_schema::FactName;

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
