//! Words of requests, in all of our languages.

use clinstruct_schema::Language;

/// Words with which the reason for a request begins, in all of our languages.
pub(super) const REASONS: [&str; 47] = [
    " - ",
    ", for ",
    ", so ",
    ", because ",
    " because ",
    ", since ",
    ", as i ",
    ", as it ",
    ", as the ",
    ", as my ",
    ", as our ",
    ", as we ",
    ", as they ",
    ", that way ",
    ", then i ",
    " so that ",
    " so i ",
    " – ",
    " — ",
    ", weil ",
    ", da ",
    ", damit ",
    ", denn ",
    ", sonst ",
    ", car ",
    ", parce qu",
    " parce qu",
    " pour que ",
    ", puisqu",
    ", comme ça",
    ", porque ",
    " porque ",
    ", ya que ",
    " para que ",
    ", así ",
    ", pues ",
    ", perché ",
    " perché ",
    ", così ",
    ", dato che ",
    ", visto che ",
    ", já que ",
    ", pois ",
    ", assim ",
    " क्योंकि ",
    " ताकि ",
    "จะได้",
];

/// Words before the last item of a list, in all of our languages.
pub(super) const LAST_ITEM: [&str; 7] = [" and ", " und ", " et ", " y ", " e ", " और ", "และ"];

/// How messages name a language, in all of our languages: parts of words, in lower case and without nukta.
pub(super) const NAMES: [(Language, &[&str]); 8] = [
    (Language::English, &["englis", "anglais", "ingl", "अंगरे", "अंग्रे", "อังกฤษ"]),
    (Language::German, &["german", "deutsch", "allemand", "tedesc", "alem", "जर्मन", "เยอรมัน"]),
    (Language::French, &["french", "franz", "franç", "franc", "फ्रें", "फ्रां", "ฝรั่งเศส"]),
    (Language::Italian, &["ital", "इताल", "इटाल", "อิตาล"]),
    (Language::Portuguese, &["portug", "portog", "पुर्तग", "โปรตุเกส"]),
    (Language::Hindi, &["hindi", "híndi", "हिंदी", "हिन्दी", "ฮินดี"]),
    (Language::Spanish, &["spani", "espa", "spagn", "स्पेन", "स्पैन", "สเปน"]),
    (Language::Thai, &["thai", "thaï", "tailand", "थाई", "ไทย"]),
];
