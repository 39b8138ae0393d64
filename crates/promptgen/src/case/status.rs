//! ICD-10 codes of what is missing, worn or implanted (WHO ICD-10, Z89 to Z99), by words of eight languages.

use clinstruct_schema::CaseCondition;

/// Words that a text has, and the code; the first row that fits applies.
const CODES: &[(&[&str], &str)] = &[
    (
        &[
            "below-knee",
            "below knee",
            "transtibial",
            "bka",
            "unterschenkelamput",
            "infracondílea",
            "por debajo de la rodilla",
            "sous le genou",
            "transtibiale",
            "sotto il ginocchio",
            "abaixo do joelho",
        ],
        "Z89.5",
    ),
    (
        &[
            "above-knee",
            "above knee",
            "through-knee",
            "transfemoral",
            "aka",
            "oberschenkelamput",
            "supracondílea",
            "au-dessus du genou",
            "sopra il ginocchio",
            "acima do joelho",
        ],
        "Z89.6",
    ),
    (
        &[
            "foot amput",
            "amputated foot",
            "toe amput",
            "amputated toe",
            "amputation of the right foot",
            "amputation of the left foot",
            "fußamput",
            "zehenamput",
            "amputación del pie",
            "pie amputado",
            "amputation du pied",
            "pied amputé",
            "amputazione del piede",
            "piede amputato",
            "amputação do pé",
            "pé amputado",
            "ตัดเท้า",
            "ตัดนิ้วเท้า",
        ],
        "Z89.4",
    ),
    (
        &[
            "arm amput",
            "amputated arm",
            "forearm amput",
            "transradial amput",
            "missing an arm",
            "lost an arm",
            "lost his arm",
            "lost her arm",
            "armamput",
            "amputación del brazo",
            "amputation du bras",
            "amputazione del braccio",
            "amputação do braço",
            "हाथ कटा",
            "ตัดแขน",
            "แขนขาด",
        ],
        "Z89.2",
    ),
    (
        &[
            "one leg short",
            "one leg missing",
            "missing a leg",
            "only one leg",
            "lost a leg",
            "lost his leg",
            "lost her leg",
            "ein bein verloren",
            "nur ein bein",
            "einbeinig",
            "beinamput",
            "una sola pierna",
            "perdió una pierna",
            "une seule jambe",
            "a perdu une jambe",
            "una sola gamba",
            "ha perso una gamba",
            "só uma perna",
            "perdeu uma perna",
            "leg amput",
            "amputated leg",
            "पैर कट",
            "पैर काट",
            "टांग कटी",
            "ตัดขา",
            "ขาขาด",
            "เหลือขาข้างเดียว",
        ],
        "Z89.7",
    ),
    (
        &[
            "amputee",
            "amputat",
            "amputiert",
            "amputación",
            "amputada",
            "amputado",
            "amputation",
            "amputé",
            "amputazione",
            "amputata",
            "amputação",
            "stump",
            "stumpf",
            "muñón",
            "moignon",
            "moncone",
            "अंगच्छेदन",
        ],
        "Z89.9",
    ),
    (
        &[
            "prosthetic eye",
            "artificial eye",
            "glass eye",
            "glasauge",
            "ojo de cristal",
            "œil de verre",
            "occhio di vetro",
            "olho de vidro",
            "ตาปลอม",
        ],
        "Z97.0",
    ),
    (
        &[
            "pacemaker",
            "pace-maker",
            "implantable defibrillator",
            "icd in place",
            "schrittmacher",
            "defibrillator implantiert",
            "marcapasos",
            "desfibrilador implantable",
            "stimulateur cardiaque",
            "défibrillateur implantable",
            "defibrillatore impiantabile",
            "marcapasso",
            "marca-passo",
            "desfibrilador implantável",
            "पेसमेकर",
            "เครื่องกระตุ้นหัวใจ",
        ],
        "Z95.0",
    ),
    (
        &[
            "mechanical valve",
            "prosthetic valve",
            "artificial valve",
            "metal valve",
            "mechanische klappe",
            "klappenprothese",
            "válvula mecánica",
            "valve mécanique",
            "valvola meccanica",
            "válvula mecânica",
            "ลิ้นหัวใจเทียม",
        ],
        "Z95.2",
    ),
    (&["coronary stent"], "Z95.5"),
    (
        &[
            "hip replacement",
            "knee replacement",
            "hüftprothese",
            "hüft-tep",
            "knie-tep",
            "knieprothese",
            "prótesis de cadera",
            "prótesis de rodilla",
            "prothèse de hanche",
            "prothèse de genou",
            "protesi d'anca",
            "protesi di ginocchio",
        ],
        "Z96.6",
    ),
    (
        &[
            "prosthesis",
            "prosthetic",
            "artificial leg",
            "artificial arm",
            "prothese",
            "prótesis",
            "pierna ortopédica",
            "prothèse",
            "jambe artificielle",
            "protesi",
            "gamba artificiale",
            "prótese",
            "perna artificial",
            "कृत्रिम पैर",
            "नकली पैर",
            "कृत्रिम हाथ",
            "प्रोस्थेसिस",
            "ขาเทียม",
            "แขนเทียม",
        ],
        "Z97.1",
    ),
    (
        &["colostom", "kolostoma", "colostoma", "anus praeter", "कोलोस्टॉमी", "ลำไส้เปิดหน้าท้อง"],
        "Z93.3",
    ),
    (&["ileostom", "iléostom", "इलियोस्टॉमी"], "Z93.2"),
    (&["urostom"], "Z93.6"),
    (
        &["tracheosto", "trachéosto", "trachéotomie", "traqueosto", "traqueotomía", "เจาะคอ"],
        "Z93.0",
    ),
    (&["gastrostom", "peg tube", "peg-sonde", "feeding tube", "สายให้อาหารทางหน้าท้อง"], "Z93.1"),
    (&["stoma", "estoma", "stomie", "stomia", "स्टोमा", "ทวารเทียม"], "Z93.9"),
    (
        &[
            "dialysis fistula",
            "av fistula",
            "dialyseshunt",
            "fístula arteriovenosa",
            "fistule artério-veineuse",
            "fistola artero-venosa",
        ],
        "Z99.2",
    ),
    (
        &[
            "shunt",
            "válvula de derivación",
            "derivación ventriculoperitoneal",
            "dérivation ventriculo",
            "valve de dérivation",
            "derivazione ventricolo",
            "derivação ventriculo",
            "válvula de derivação",
            "शंट",
            "ท่อระบายน้ำในสมอง",
        ],
        "Z98.2",
    ),
    (
        &[
            "cochlear implant",
            "cochlea-implantat",
            "implante coclear",
            "implant cochléaire",
            "impianto cocleare",
            "कॉक्लियर",
            "ประสาทหูเทียม",
        ],
        "Z96.2",
    ),
    (
        &[
            "hearing aid",
            "hörgerät",
            "audífono",
            "appareil auditif",
            "appareils auditifs",
            "apparecchio acustico",
            "apparecchi acustici",
            "aparelho auditivo",
            "aparelhos auditivos",
            "सुनने की मशीन",
            "เครื่องช่วยฟัง",
        ],
        "Z97.4",
    ),
    (
        &[
            "indwelling catheter",
            "suprapubic catheter",
            "dauerkatheter",
            "sonda permanente",
            "sonde à demeure",
            "catetere a permanenza",
            "sonda vesical permanente",
            "algália permanente",
        ],
        "Z96.0",
    ),
    (
        &[
            "one kidney",
            "single kidney",
            "solitary kidney",
            "einzelniere",
            "einnierig",
            "nur eine niere",
            "un solo riñón",
            "riñón único",
            "monorreno",
            "rein unique",
            "un seul rein",
            "rene unico",
            "monorene",
            "un solo rene",
            "rim único",
            "um só rim",
            "एक ही किडनी",
            "एक किडनी",
            "ไตข้างเดียว",
        ],
        "Z90.5",
    ),
    (
        &[
            "no spleen",
            "splenectomised",
            "splenectomized",
            "asplenic",
            "splenektomiert",
            "ohne milz",
            "esplenectomizad",
            "sin bazo",
            "splénectomisé",
            "sans rate",
            "splenectomizzat",
            "senza milza",
            "sem baço",
            "तिल्ली निकाल",
            "ตัดม้าม",
        ],
        "Z90.8",
    ),
    (&["only one eye", "lost an eye"], "Z90.0"),
];

/// What makes a text about something else: `shunt nephritis`, `wears no prosthesis`.
const OTHERS: [&str; 18] = [
    "infect",
    "block",
    "malfunction",
    "portosystemic",
    "cardiac shunt",
    "left-to-right",
    "nephritis",
    "dental",
    "zahn",
    "dentaire",
    "dentale",
    "dentária",
    "no prosthesis",
    "without",
    "transjugular",
    "bleed",
    "pain",
    "for complete heart block",
];

/// Where a leg ends, and what says that it ends there: a below-knee cast is worn on a whole leg.
const HEIGHTS: [&str; 5] = ["knee", "rodilla", "genou", "ginocchio", "joelho"];
const LOST: [&str; 10] = [
    "amput",
    "stump",
    "prosthe",
    "prótesis",
    "prothèse",
    "protesi",
    "prótese",
    "missing",
    "muñón",
    "moignon",
];

/// The code of what is missing, worn or implanted that a name means; `None` if it means something else.
pub(super) fn code(name: &str) -> Option<&'static str> {
    let lower = name.to_lowercase();
    if OTHERS.iter().any(|word| lower.contains(word)) {
        return None;
    }
    let has = |word: &str| {
        lower.match_indices(word).any(|(at, found)| {
            let before = lower.get(..at).and_then(|t| t.chars().next_back());
            let after = lower.get(at + found.len()..).and_then(|t| t.chars().next());
            // Short words are whole ones, and long ones may be part of a German word.
            let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            found.len() > 6 || !(letter(before) || letter(after))
        })
    };
    let row = CODES.iter().find(|(words, _)| words.iter().any(|word| has(word)));
    let is_lost = |code: &str| {
        let is_height = HEIGHTS.iter().any(|word| lower.contains(word)) && code.starts_with("Z89");
        !is_height || LOST.iter().any(|word| lower.contains(word))
    };
    row.map(|(_, code)| *code).filter(|code| is_lost(code))
}

/// Whether two names mean the same thing that is missing, worn or implanted, the second as exactly as the first or less.
pub(super) fn is_same(listed: &CaseCondition, name: &str) -> bool {
    let Some(own) = code(name) else { return false };
    let listed = [Some(listed.icd10.as_str()), code(&listed.name)];
    let chapter = |code: &str| code.get(..3).map(str::to_owned);
    let open = matches!(own, "Z89.9" | "Z89.7" | "Z93.9");
    listed.into_iter().flatten().any(|code| code == own || (open && chapter(code) == chapter(own)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_worn_or_implanted_has_a_code() {
        for (name, is) in [
            ("left below-knee amputation", "Z89.5"),
            ("Unterschenkelamputation links", "Z89.5"),
            ("amputation sous le genou", "Z89.5"),
            ("above-knee amputation", "Z89.6"),
            ("one leg short", "Z89.7"),
            ("amputee", "Z89.9"),
            ("prosthesis", "Z97.1"),
            ("Beinprothese", "Z97.1"),
            ("ขาเทียม", "Z97.1"),
            ("marcapasos", "Z95.0"),
            ("Herzschrittmacher", "Z95.0"),
            ("पेसमेकर", "Z95.0"),
            ("colostomia", "Z93.3"),
            ("stoma", "Z93.9"),
            ("VP shunt", "Z98.2"),
            ("hearing aids", "Z97.4"),
            ("rene unico", "Z90.5"),
        ] {
            assert_eq!(code(name), Some(is), "{name}");
        }
        for other in [
            "asthma",
            "shunt infection",
            "stomach cancer",
            "awaken at night",
            "lymphoma",
            "below-knee cast after an Achilles rupture",
            "plâtre sous le genou",
            "above-knee DVT",
        ] {
            assert_eq!(code(other), None, "{other}");
        }
    }
}
