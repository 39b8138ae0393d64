use super::*;

#[test]
fn what_stands_beside_a_number_leaves_out_no_pattern_that_matches() {
    let texts = [
        "She's 45, he is now just 7. The lady turned 77 and the pt is about 30.",
        "Aged 45, age:30, AGE OF 12, age 9. aged,9",
        "A woman, 45, a man (54), a girl of 9, a boy, aged 12. Female 45 y, MALE: 60.",
        "Woman patient, 45 years, man/30y, LADY (72 yrs), girl: 9 mo",
        "45-year-old man, 45yo, female, 9 mth old boy, 30 Y woman, 7month girl",
        "A 45-yr-old, 3 wks old, a 5 DAY-old, 11-month-old",
        "Patient 45y, cough. 45 years. Hello, 30 yrs) (7 y;",
        "45F, 45yoM. Pt 53 F, 28  M 30y/o F.",
        "F/45, M 60, F, 30. M,45.",
        "At 45, she coughs. At 60 they fell.",
        "WITH HER 45 years, with his 30 years",
        "forty-five-year-old, a two month of age, Seven-week-old",
        "Sie ist 45 und hustet. Die Patientin ist 60.",
        "उम्र: 45 साल; 3 दिन का नवजात; อายุ 45 ปี",
    ];
    let more = [
        "Alter: 45 Jahre; ÂGE 5 mois;Edad:33 AÑOS; età 4 mesi; idade 60 anos; Age 5 Monate",
        "Elle a 45 ans; Él tiene 30 años; Lui ha 7 mesi; Ela tem 8 meses; Lei ha 40 ANNI",
        "Frau, 54 J.; Mann (45); Patientin 60 J.; FRAU, (33)",
        "Kleinkind, 3 Jahre; Student, 22 Jahre; nourrisson de 5 mois; Nouveau-né de 3 jours",
        "bébé 4 mois; enfant de 7 ans; étudiant, 20 ans; lactante de 5 meses; Bebé, 3 meses",
        "Recién nacido de 4 días; estudiante tiene 20 años; lattante di 2 mesi; neonato a 3 mesi",
        "neonata, 5 giorni; bimbo di 3 anni; BIMBA di 2 anni; studente ha 20 anni",
        "Il s'agit d'une agricultrice de 45 ans; es un campesino de 60 años; È una contadina di 5 MESI",
        "Madame Rai a 45 ans; Señora Paz tiene 60 años; Signora Rai ha 33 anni; Dona Rai tem 70 anos",
        "lactente de 3 meses; recém-nascido tem 5 dias; adolescente de 15 anos; Adolescente 15 ans",
    ];
    let texts = texts.into_iter().chain(more.into_iter().flat_map(|all| all.split(';')));
    let mut matched = 0;
    for text in texts {
        let text = text.trim();
        let may = beside(&View::new(text));
        for (at, pattern) in MORE.iter().enumerate() {
            if pattern.is_match(text) {
                matched |= 1 << at;
                assert!(may >> at & 1 == 1, "{at}: {text}");
            }
        }
    }
    assert_eq!(matched, (1 << MORE.len()) - 1, "{matched:b}");
    let doses = "Give 500 g of 20 % glucose.";
    // No noun for a person stands before these numbers.
    assert_eq!(beside(&View::new(doses)) & 0b1100, 0);
    assert_eq!(beside(&View::new("Give water.")), 0);
}

#[test]
fn an_age_that_is_to_come_is_nobodys() {
    for text in [
        "Spontaneous resolution before age 2: her card will read \"no review\".",
        "Most walk by the age of 2 years.",
        "Wait until age 5.",
        "La plupart guérissent avant l'âge de 2 ans.",
        "Se cura antes de los 2 años.",
        "Guarisce prima dei 2 anni.",
        "Manual percussion ok over a 3 day old sternotomy.",
        "A 6-month-old fracture, and a 2 week old burn.",
    ] {
        let reader = crate::case::Reader::new(text);
        assert!(reader.ages().is_empty(), "{text}: {:?}", reader.ages());
    }
}

#[test]
fn a_line_may_begin_with_the_age() {
    let reader = crate::case::Reader::new("sat 93 on high flow\n4 yrs, sternum closed");
    let found: Vec<_> = reader.ages().iter().map(|age| (age.number, age.unit)).collect();
    assert_eq!(found, [(4, "a")]);
}
