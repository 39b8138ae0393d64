//! The languages of answers, in one table.

use serde::{Deserialize, Serialize};

/// The table of languages. Other crates use it for their per-language data files.
///
/// `language_table!(files "../lexicon/")` is an array of [`Language`] and the text of its file, in the order of the
/// table; the folder is relative to the calling file:
///
/// ```ignore
/// const LEXICONS: [(Language, &str); Language::ALL.len()] =
///     clinstruct_schema::language_table!(files "../lexicon/");
/// ```
///
/// # Adding a language
///
/// 1. Add its row to this table.
/// 2. Add the files that the compiler then misses: `crates/quality/lexicon/CODE.toml` (the word lists of the checks,
///    and properties of the script) and `crates/backend-rehearsal/grammar/CODE.toml` (sentences of the offline
///    backend).
/// 3. Add the labelled texts that the tests then miss: `crates/quality/corpus/checks/CODE.toml` and
///    `crates/quality/corpus/sentences/CODE.toml`.
/// 4. Add an option with its instruction to `resources/styles.toml`.
/// 5. For whole conversations add `resources/languages/CODE.toml`, its share in `resources/languages.toml` and
///    `crates/backend-rehearsal/grammar/worker/CODE.toml`.
#[macro_export]
macro_rules! language_table {
    (@ [define] $($(#[$doc:meta])* $name:ident $code:literal;)+) => {
        /// A language of answers.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        pub enum Language {
            $($(#[$doc])* #[serde(rename = $code)] $name,)+
        }

        impl Default for Language {
            fn default() -> Self {
                Self::English
            }
        }

        impl Language {
            /// All of them.
            pub const ALL: [Self; [$($code),+].len()] = [$(Self::$name),+];

            /// ISO 639-1 code.
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }

            /// English name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }

            /// The language with this ISO 639-1 code or English name, in any case.
            pub fn of(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|language| {
                    let known = [language.code(), language.name()];
                    known.into_iter().any(|known| known.eq_ignore_ascii_case(name))
                })
            }
        }
    };
    (@ [files $folder:literal] $($(#[$doc:meta])* $name:ident $code:literal;)+) => {
        [$(($crate::Language::$name, include_str!(concat!($folder, $code, ".toml")))),+]
    };
    ($($use:tt)+) => {
        $crate::language_table! { @ [$($use)+]
            /// English.
            English "en";
            /// German.
            German "de";
            /// French.
            French "fr";
            /// Italian.
            Italian "it";
            /// Portuguese.
            Portuguese "pt";
            /// Hindi, in Devanagari.
            Hindi "hi";
            /// Spanish.
            Spanish "es";
            /// Thai.
            Thai "th";
        }
    };
}

language_table!(define);

impl Language {
    /// Its index in [`Language::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}
