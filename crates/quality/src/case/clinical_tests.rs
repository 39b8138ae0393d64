//! What clinicians missed in cases: results in grades, what was swallowed, what is missing or worn, what is not taken.

use clinstruct_schema::{FactName, Frame, Persona, Slug, StatedFact};

use super::record::record;
use super::standing_tests::frame;
use super::statement::fact_of;

fn listed(list: &[(FactName, &str)]) -> Vec<StatedFact> {
    list.iter().map(|(name, value)| fact_of(*name, value, "1")).collect()
}

/// The facts of some names.
fn facts(frame: &Frame, text: &str, list: &[(FactName, &str)], names: &[FactName]) -> Vec<String> {
    let stated = record(text, frame, Some(&listed(list)));
    let all = stated.facts.iter().filter(|f| names.contains(&f.name));
    all.map(|f| format!("{}: {}", f.name.as_str(), f.value)).collect()
}

fn results(text: &str, list: &[(FactName, &str)]) -> Vec<String> {
    facts(&frame(), text, list, &[FactName::Other, FactName::Glucose, FactName::WhiteCells])
}

#[test]
fn results_in_grades_are_measurements() {
    for (text, is) in [
        (
            "Urine: blood one plus and protein one plus. He is 9.",
            "blood one plus and protein one plus",
        ),
        ("Dipstick: protein ++, nitrite positive.", "Dipstick: protein ++, nitrite positive"),
        ("On the strip leukocytes 2+, and it burns.", "leukocytes 2+"),
        ("There is a trace of ketones, she vomits.", "trace of ketones"),
        ("Urine dip shows glucose 3+.", "Urine dip shows glucose 3+"),
        ("2+ protein and 1+ blood on the stick.", "2+ protein and 1+ blood"),
        (
            "Leukocytes 3+, blood trace, protein negative.",
            "Leukocytes 3+, blood trace, protein negative",
        ),
        ("Sputum smear 2+. He coughs.", "Sputum smear 2+"),
        ("Malaria parasites ++, T 39.1.", "Malaria parasites ++"),
        ("U-Stix: Eiweiß zweifach positiv, Blut +.", "U-Stix: Eiweiß zweifach positiv, Blut +"),
        ("Im Urin Spuren von Ketonen, sie ist schwanger.", "Spuren von Ketonen"),
        ("Tira de orina: proteínas dos cruces, le duele.", "Tira de orina: proteínas dos cruces"),
        ("Bandelette : protéines ++, sang une croix.", "protéines ++, sang une croix"),
        (
            "Stick urine: proteine tre croci, tracce di sangue.",
            "Stick urine: proteine tre croci, tracce di sangue",
        ),
        ("Fita urinária: proteínas duas cruzes.", "Fita urinária: proteínas duas cruzes"),
        ("पेशाब की जांच में प्रोटीन दो प्लस है।", "प्रोटीन दो प्लस"),
        ("ตรวจปัสสาวะพบโปรตีน 2+ ปวดหัว", "โปรตีน 2+"),
    ] {
        assert_eq!(results(text, &[]), [format!("other: {is}")], "{text}");
    }
}

#[test]
fn a_grade_that_is_listed_is_kept_once() {
    let text = "Her dipstick has blood one plus and protein one plus, leukocytes 2+ and a trace of ketones.";
    let list = [
        (FactName::Other, "blood one plus and protein one plus"),
        (FactName::Other, "leukocytes 2+"),
        (FactName::Finding, "trace of ketones"),
    ];
    assert_eq!(
        results(text, &list),
        [
            "other: blood one plus and protein one plus",
            "other: urine leukocytes 2+",
            "other: trace of ketones"
        ]
    );
    let text = "Troponin raised, he is grey.";
    assert_eq!(results(text, &[(FactName::Other, "troponin raised")]), ["other: troponin raised"]);
}

#[test]
fn a_plus_is_not_always_a_grade() {
    for text in [
        "Reflexes 2+, pulses 2+ and oedema ++.",
        "Should I send urea + creatinine?",
        "K+ 4.1 and Na+ 139.",
        "If the dipstick shows protein 2+ I will refer.",
        "Is protein 2+ on the dipstick a worry?",
        "Men of 40+ with blood pressure trouble.",
        "Swab +ve last time? No idea.",
    ] {
        assert_eq!(results(text, &[]), [] as [String; 0], "{text}");
    }
}

#[test]
fn what_was_swallowed_is_a_complaint() {
    let names = [FactName::Other, FactName::Medicine, FactName::Complaint, FactName::History];
    let text = "Woman of 24, amitriptyline 900 mg, 3 h ago. It was an overdose. Drowsy.";
    for listed in [FactName::Other, FactName::Medicine] {
        let list = [(listed, "amitriptyline 900 mg, 3 h ago"), (FactName::Complaint, "drowsy")];
        let found = facts(&frame(), text, &list, &names);
        let is = "complaint: amitriptyline 900 mg taken 3 h ago";
        assert!(found.contains(&is.to_owned()), "{found:?}");
        assert!(
            !found.iter().any(|fact| fact.starts_with("other") || fact.starts_with("med")),
            "{found:?}"
        );
    }
    for (text, value) in [
        ("She swallowed 30 paracetamol 500 mg at noon.", "paracetamol 500 mg, 30 tablets"),
        ("Er hat 40 Tabletten Amitriptylin verschluckt.", "40 Tabletten Amitriptylin"),
        ("She took 20 tablets of paracetamol at noon.", "paracetamol, 20 tablets"),
        ("He drank 50 mL organophosphate 2 h ago.", "organophosphate 50 mL taken 2 h ago"),
        ("Tragó 20 comprimidos de paracetamol.", "20 comprimidos de paracetamol"),
        ("Elle a avalé 20 comprimés de paracétamol.", "20 comprimés de paracétamol"),
        ("Ha ingerito 20 compresse di paracetamolo.", "20 compresse di paracetamolo"),
        ("Ingeriu 20 comprimidos de paracetamol.", "20 comprimidos de paracetamol"),
    ] {
        for name in [FactName::Other, FactName::Medicine] {
            let found = facts(&frame(), text, &[(name, value)], &names);
            assert_eq!(found, [format!("complaint: {value}")], "{text} {name:?}");
        }
    }
    // A single dose is an event, and a level is measured.
    let text =
        "He had ibuprofen 400 mg 2 h ago. Paracetamol level 90 mg/L. Takes amlodipine 5 mg daily.";
    let list = [
        (FactName::Other, "ibuprofen 400 mg, 2 h ago"),
        (FactName::Other, "paracetamol level 90 mg/L"),
        (FactName::Medicine, "amlodipine 5 mg daily"),
    ];
    let found = facts(&frame(), text, &list, &names);
    assert_eq!(
        found,
        [
            "other: paracetamol level 90 mg/L",
            "medicine: amlodipine 5 mg daily",
            "history: ibuprofen 400 mg taken 2 h ago",
        ]
    );
}

#[test]
fn how_somebody_behaves_is_no_complaint_beside_a_better_one() {
    let names = [FactName::Complaint, FactName::History, FactName::Finding];
    let text = "8 y boy, flexor tendon repair nine days ago. has a splint, peels it off the second i turn round.";
    let quote = (FactName::Complaint, "peels it off the second i turn round");
    let repair = (FactName::History, "flexor tendon repair nine days ago");
    assert_eq!(
        facts(&frame(), text, &[quote, repair], &names),
        ["complaint: flexor tendon repair nine days ago"]
    );
    let text = format!("{text} The hand is swollen.");
    let swollen = (FactName::Complaint, "hand is swollen");
    assert_eq!(
        facts(&frame(), &text, &[quote, repair, swollen], &names),
        ["history: flexor tendon repair nine days ago", "complaint: hand is swollen"]
    );
    // Alone it stays, and so does what names something.
    assert_eq!(
        facts(&frame(), &text, &[quote], &names),
        ["complaint: peels it off the second i turn round"]
    );
    let text = "I cannot feel my foot, my chest hurts. Grade I sprain.";
    for complaint in ["my chest hurts", "Grade I sprain"] {
        let list = [(FactName::Complaint, complaint), (FactName::Complaint, "cannot feel my foot")];
        let found = facts(&frame(), text, &list, &names);
        assert!(found.contains(&format!("complaint: {complaint}")), "{found:?}");
    }
    let slug = |text: &str| Slug::new(text).unwrap();
    let persona = Persona {
        relation: slug("self"),
        literacy: slug("some"),
        recall: slug("rough"),
        proficiency: slug("fluent"),
        worry: slug("uneasy"),
        openness: slug("plain"),
    };
    let own = Frame { persona: Some(persona), ..frame() };
    let text = "i cannot sleep and i itch";
    let list = [(FactName::Complaint, "i cannot sleep"), (FactName::Complaint, "i itch")];
    assert_eq!(facts(&own, text, &list, &names).len(), 2);
}

#[test]
fn what_is_missing_worn_or_implanted_is_a_condition() {
    let names = [FactName::Condition, FactName::History, FactName::Complaint];
    for (text, is) in [
        (
            "Man of 58 with a left below-knee amputation, sore skin.",
            &["left below-knee amputation"][..],
        ),
        ("He is one leg short and wants to travel.", &["one leg short"]),
        ("Her prosthesis rubs at night.", &["prosthesis"]),
        ("She has had a colostomy for years.", &["colostomy"]),
        ("The stump is red, amputee since 2015.", &["amputee"]),
        ("His stoma leaks since the ileostomy.", &["ileostomy"]),
        ("Can he have an MRI with his pacemaker?", &["pacemaker"]),
        ("Boy of 6 with a VP shunt, headache.", &["VP shunt"]),
        ("Amputation of the right foot in 2019, now 61.", &["Amputation of the right foot"]),
        (
            "Mann, 60, Unterschenkelamputation links, trägt eine Prothese.",
            &["Unterschenkelamputation", "Prothese"],
        ),
        ("Hombre de 60 años con marcapasos, tos.", &["marcapasos"]),
        ("Homme de 60 ans avec une colostomie, fièvre.", &["colostomie"]),
        ("Uomo di 60 anni, amputazione sotto il ginocchio.", &["amputazione sotto il ginocchio"]),
        ("Homem de 60 anos com marcapasso e tosse.", &["marcapasso"]),
        ("60 साल के आदमी को पेसमेकर लगा है।", &["पेसमेकर"]),
        ("ชาย 60 ปี ใส่ขาเทียม มีแผล", &["ขาเทียม"]),
    ] {
        let is: Vec<String> = is.iter().map(|name| format!("condition: {name}")).collect();
        assert_eq!(facts(&frame(), text, &[], &names), is, "{text}");
    }
    for text in [
        "Does he need a pacemaker?",
        "We want to avoid an amputation of the foot.",
        "She may need a stoma after the operation.",
        "His brother has a pacemaker. He coughs.",
        "If we insert a VP shunt, what next?",
        "She has no prosthesis.",
        "Braucht er einen Schrittmacher?",
        "¿Necesita un marcapasos?",
        "Faut-il un pacemaker ?",
        "Precisa de marcapasso?",
        "उसे पेसमेकर की ज़रूरत है।",
    ] {
        assert_eq!(facts(&frame(), text, &[], &names), [] as [String; 0], "{text}");
    }
    // What a fact has is not said again.
    let text = "Man of 58 with a left below-knee amputation.";
    let list = [(FactName::History, "below-knee amputation on the left")];
    assert_eq!(
        facts(&frame(), text, &list, &names),
        ["history: below-knee amputation on the left"]
    );
}

#[test]
fn words_of_size_are_findings() {
    let names = [FactName::Finding, FactName::Complaint];
    for (text, is) in [
        ("Girl of 7, short for her age, otherwise well.", "short for her age"),
        ("He is not growing and eats little.", "not growing"),
        ("Boy of 2 with failure to thrive.", "failure to thrive"),
        ("She is obese and short of breath.", "obese"),
        ("Sie ist zu klein für ihr Alter.", "klein für ihr Alter"),
        ("Es bajo para su edad.", "bajo para su edad"),
        ("Elle est petite pour son âge.", "petite pour son âge"),
        ("È bassa per la sua età.", "bassa per la sua età"),
        ("É pequeno para a idade.", "pequeno para a idade"),
        ("बच्चे का कद नहीं बढ़ रहा।", "कद नहीं बढ़"),
        ("เด็กตัวเล็กกว่าเกณฑ์", "ตัวเล็กกว่าเกณฑ์"),
    ] {
        assert_eq!(facts(&frame(), text, &[], &names), [format!("finding: {is}")], "{text}");
    }
    for text in
        ["She is not obese.", "Her brother is short for his age.", "If he is underweight I stop."]
    {
        assert_eq!(facts(&frame(), text, &[], &names), [] as [String; 0], "{text}");
    }
}

#[test]
fn what_a_message_asks_about_beginning_is_not_taken() {
    let of = |text: &str| facts(&frame(), text, &[], &[FactName::Medicine]);
    for (text, is) in [
        ("HIV, 34. Should I start isoniazid preventive therapy now?", &["not on isoniazid"][..]),
        ("Type 2 diabetes, HbA1c 10.2 %. Is it time for insulin?", &["not on insulin"]),
        ("LDL is 4.9. Would you begin a statin", &["not on statin"]),
        (
            "Is it safe to give melatonin before a sleep test in a boy of 2 who snores?",
            &["not on melatonin"],
        ),
        ("Soll ich ihm Melatonin geben?", &["not on Melatonin"]),
        ("Do I add amlodipine or ramipril here?", &["not on amlodipine", "not on ramipril"]),
        ("When should we switch to methotrexate?", &["not on methotrexate"]),
        ("She is not taking warfarin.", &["not on warfarin"]),
        ("Not on any anticoagulant, AF on the ECG.", &["not on anticoagulant"]),
        ("LDL 4.9, bisher kein Statin.", &["not on statin"]),
        ("Soll ich mit Insulin beginnen?", &["not on insulin"]),
        ("Wann sollte man ein Statin ansetzen?", &["not on statin"]),
        ("¿Debo iniciar insulina?", &["not on insulin"]),
        ("Faut-il débuter une statine ?", &["not on statin"]),
        ("Devo iniziare l'insulina?", &["not on insulin"]),
        ("Devo iniciar insulina já?", &["not on insulin"]),
        ("क्या इंसुलिन शुरू करनी चाहिए?", &["not on insulin"]),
        ("ควรเริ่มอินซูลินหรือยัง", &["not on insulin"]),
    ] {
        let is: Vec<String> = is.iter().map(|value| format!("medicine: {value}")).collect();
        assert_eq!(of(text), is, "{text}");
    }
    for text in [
        "Her blood pressure is still untreated.",
        "Man of 50, no treatment yet, BP 168/98.",
        "Sie ist noch ohne Medikamente.",
        "Mujer de 50 años, sin tratamiento.",
        "Femme de 50 ans, non traitée.",
        "Donna di 50 anni, senza terapia.",
        "Mulher de 50 anos, sem tratamento.",
        "50 साल की महिला, अभी तक कोई दवा नहीं।",
        "หญิง 50 ปี ยังไม่ได้กินยา",
    ] {
        assert_eq!(of(text), ["medicine: none"], "{text}");
    }
    for text in [
        "She started insulin last year.",
        "Should I stop her warfarin?",
        "Left untreated it can blind.",
        "Can he go back to work when he starts to walk?",
        "How do I explain insulin resistance to her?",
    ] {
        assert!(
            !of(text).iter().any(|value| value.starts_with("medicine: no")),
            "{text} {:?}",
            of(text)
        );
    }
    let list = [(FactName::Medicine, "isoniazid preventive therapy")];
    let text = "HIV, 34. Should I start isoniazid preventive therapy?";
    assert_eq!(facts(&frame(), text, &list, &[FactName::Medicine]), ["medicine: not on isoniazid"]);
    let text = "Takes insulin glargine 10 units at night. Should I add insulin aspart?";
    let found = of(text);
    assert!(!found.iter().any(|value| value == "medicine: not on insulin"), "{found:?}");
}

#[test]
fn the_family_history_ends_where_the_signs_begin() {
    let pressure = [(FactName::Systolic, "156"), (FactName::Diastolic, "92")];
    let both = ["systolic: 156", "diastolic: 92"];
    for text in [
        "I am considering verapamil in a smoker of 62 whose brother had a heart attack, BP 156/92 mmHg; the cardiologist visits monthly.",
        "62M, smoker, brother died of an MI at 50, BP 156/92, ECG normal.",
        "Fumeur de 62 ans dont le frère a fait un infarctus, TA 156/92 mmHg.",
        "Raucher, 62 Jahre, dessen Bruder einen Infarkt hatte, RR 156/92 mmHg.",
        "Fumador de 62 años cuyo hermano tuvo un infarto, TA 156/92 mmHg.",
        "Fumatore di 62 anni il cui fratello ha avuto un infarto, PA 156/92 mmHg.",
        "Fumante de 62 anos cujo irmão teve um enfarte, PA 156/92 mmHg.",
    ] {
        let names = [FactName::Systolic, FactName::Diastolic];
        assert_eq!(facts(&frame(), text, &pressure, &names), both, "{text}");
        assert_eq!(facts(&frame(), text, &[], &names), both, "{text}");
    }
    for text in [
        "He is well, but his brother, BP 156/92, is not.",
        "His brother has a BP of 156/92 and he is worried about his own.",
        "Her mother had a stroke with a BP of 156/92.",
    ] {
        let names = [FactName::Systolic, FactName::Diastolic];
        let none: [&str; 0] = [];
        assert_eq!(facts(&frame(), text, &[], &names), none, "{text}");
    }
}

#[test]
fn what_was_stopped_is_not_taken() {
    let list = [(FactName::Medicine, "enalapril 10 mg twice daily")];
    for text in [
        "His potassium is 6.1 mmol/L; I have discontinued his enalapril 10 mg twice daily.",
        "He took enalapril until Monday; the enalapril was stopped then.",
        "Enalapril 10 mg twice daily, stopped on Monday. Potassium 6.1 mmol/L.",
        "Kalium 6,1 mmol/l, ich habe das Enalapril abgesetzt.",
        "Potasio 6,1 mmol/L; le suspendí el enalapril ayer.",
        "Potassio 6,1 mmol/L, ho sospeso l'enalapril ieri.",
    ] {
        let taken = facts(&frame(), text, &list, &[FactName::Medicine]);
        assert!(
            taken
                .iter()
                .all(|m| m.to_lowercase().contains("not on enalapril") || m.contains("stopped")),
            "{text}: {taken:?}"
        );
    }
    for text in [
        "He takes enalapril 10 mg twice daily. Should it be stopped?",
        "Vomiting stopped, and he is on enalapril 10 mg twice daily.",
        "He has not stopped his enalapril 10 mg twice daily.",
        "If his enalapril is stopped, what then? He takes enalapril 10 mg twice daily.",
    ] {
        let taken = facts(&frame(), text, &list, &[FactName::Medicine]);
        assert_eq!(taken, ["medicine: enalapril 10 mg twice daily"], "{text}");
    }
}

#[test]
fn what_is_listed_in_the_wrong_place_moves() {
    use FactName::{Complaint, Family, Finding, History, Medicine, Other, Social};
    for (text, name, value, is) in [
        (
            "Her brother had a heart attack at 52.",
            Social,
            "brother had a heart attack at 52",
            Family,
        ),
        (
            "Bruder erlitt mit 52 Jahren einen Myokardinfarkt.",
            Social,
            "Bruder erlitt mit 52 Jahren einen Myokardinfarkt",
            Family,
        ),
        ("Su madre tuvo cáncer de mama.", History, "madre tuvo cáncer de mama", Family),
        ("Sa mère est diabétique.", Social, "mère est diabétique", Family),
        ("He drinks most evenings.", Complaint, "drinks most evenings", Social),
        ("He drinks nothing and vomits.", Complaint, "drinks nothing and vomits", Complaint),
        ("She drinks a glass of clairin.", Social, "She drinks a glass of clairin", Social),
        (
            "He drinks two glasses of tuba a day.",
            Social,
            "drinks two glasses of tuba a day",
            Social,
        ),
        ("He drinks and drinks.", Social, "drinks and drinks", Complaint),
        ("He feels perfectly well.", Complaint, "feels perfectly well", Finding),
        (
            "Carbamazepine started D2, titrated to 400 mg BD.",
            History,
            "Carbamazepine started D2, titrated to 400 mg BD",
            Medicine,
        ),
        (
            "For a year she has taken diclofenac 50 mg twice daily, bought at the market.",
            History,
            "diclofenac 50 mg twice daily, bought at the market",
            Medicine,
        ),
        ("Enalapril 5 mg daily since May.", History, "Enalapril 5 mg daily since May", Medicine),
        ("3% saline 150 mL given twice.", History, "3% saline 150 mL given twice", Medicine),
        (
            "Warfarin 5 mg daily ran out three weeks ago.",
            History,
            "Warfarin 5 mg daily ran out three weeks ago",
            History,
        ),
        ("Enalapril 5 mg daily until May.", History, "Enalapril 5 mg daily until May", History),
        (
            "Amoxicillin 500 mg three times daily in January.",
            History,
            "Amoxicillin 500 mg three times daily in January",
            History,
        ),
        ("Se siente bien.", Complaint, "se siente bien", Finding),
        ("She feels well but has a fever.", Complaint, "feels well but has a fever", Complaint),
        ("He missed 9 of the last 30 days.", Other, "missed 9 of the last 30 days", History),
        (
            "Fórmula de leche de vaca desde hace 3 semanas.",
            Other,
            "Fórmula de leche de vaca desde hace 3 semanas",
            History,
        ),
        (
            "She inhales a tiotropium 18 µg capsule daily.",
            Complaint,
            "tiotropium 18 µg capsule daily",
            FactName::Medicine,
        ),
        ("Capillary refill time 4 seconds.", Other, "capillary refill time 4 seconds", Other),
        ("She lives with her mother.", Social, "lives with her mother", Social),
    ] {
        let unit = if value.contains("seman") { "wk" } else { "d" };
        let unit = if name == Other { unit } else { "1" };
        let stated = record(text, &frame(), Some(&[fact_of(name, value, unit)]));
        let found: Vec<_> =
            stated.facts.iter().filter(|f| f.value == value).map(|f| f.name).collect();
        assert_eq!(found, [is], "{text}: {:?}", stated.facts);
    }
}

#[test]
fn cells_and_viruses_are_counted_in_whole_numbers() {
    for (text, name, is) in [
        ("Carga viral 18.400 copias/mL.", FactName::ViralLoad, "viral_load: 18400"),
        ("Viral load 18,400 copies/mL.", FactName::ViralLoad, "viral_load: 18400"),
        ("Viral load 1.15 copies/mL.", FactName::ViralLoad, "viral_load: 1.15"),
        ("CD4 1.150/µL.", FactName::Cd4, "cd4: 1150"),
        ("Thrombozyten 250.000/µl.", FactName::Platelets, "platelets: 250000"),
        ("Leucocitos 12.300/mm3.", FactName::WhiteCells, "white_cells: 12300"),
        ("Creatinine 1.150 mg/dL.", FactName::Creatinine, "creatinine: 1.150"),
    ] {
        assert_eq!(facts(&frame(), text, &[], &[name]), [is], "{text}");
    }
}

#[test]
fn the_strength_of_a_hand_and_a_load_are_no_weight() {
    for text in [
        "Her grip is 14 kg on the right and 27 kg on the left.",
        "Grip strength 14 kg, pinch 3 kg.",
        "She lifts 14 kg with both hands.",
        "He carries a sack of 25 kg.",
        "Griffkraft rechts 14 kg.",
        "La force de préhension est de 14 kg à droite.",
        "La fuerza de prensión es de 14 kg.",
    ] {
        let weight = [(FactName::Weight, "14")];
        assert_eq!(facts(&frame(), text, &weight, &[FactName::Weight]), [""; 0], "{text}");
        assert_eq!(facts(&frame(), text, &[], &[FactName::Weight]), [""; 0], "{text}");
    }
    let text = "Her grip is 14 kg on the right. She weighs 61 kg.";
    assert_eq!(facts(&frame(), text, &[], &[FactName::Weight]), ["weight: 61"]);
}
