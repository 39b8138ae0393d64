//! The facets of the index.

/// What rows can be chosen by, as columns.
pub(crate) const FACETS: [&str; 10] = [
    "status",
    "part",
    "mode",
    "language",
    "turns",
    "profession",
    "sex",
    "age",
    "country",
    "setting",
];
