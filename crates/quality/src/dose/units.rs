//! Abbreviations of units.

use super::Unit;

/// Units that every language abbreviates like this, in any script.
pub(super) const ABBREVIATIONS: &[(&str, Unit, bool)] = &[
    ("mg", Unit::Milligram, true),
    ("mgs", Unit::Milligram, true),
    ("mcg", Unit::Microgram, true),
    ("µg", Unit::Microgram, true),
    ("μg", Unit::Microgram, true),
    ("ug", Unit::Microgram, true),
    ("iu", Unit::International, true),
    ("i.u.", Unit::International, true),
    ("g", Unit::Gram, false),
    ("gm", Unit::Gram, false),
    ("ml", Unit::Millilitre, false),
    ("mls", Unit::Millilitre, false),
    ("cc", Unit::Millilitre, false),
    ("l", Unit::Litre, false),
    ("mmol", Unit::Millimole, false),
    ("meq", Unit::Millimole, false),
    ("u", Unit::International, false),
    ("%", Unit::Percent, false),
];
