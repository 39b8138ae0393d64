//! The facets of the index.

/// Columns to filter rows by.
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
