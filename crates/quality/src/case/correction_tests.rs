//! Messages in which a dictated value is taken back, and others that look like it.

use clinstruct_schema::{FactName, StatedFact};

use super::correction::Corrected;
use super::record;
use super::standing_tests::frame;

/// The facts of a message, with a list that names `list`.
fn of(text: &str, list: &[(FactName, &str)]) -> Vec<String> {
    let fact = |(name, value): &(FactName, &str)| StatedFact {
        name: *name,
        value: (*value).to_owned(),
        unit: name.unit().to_owned(),
    };
    let listed: Vec<StatedFact> = list.iter().map(fact).collect();
    let stated = record(text, &frame(), Some(&listed));
    stated.facts.iter().map(|f| format!("{} {}", f.name.as_str(), f.value)).collect()
}

#[test]
fn what_is_said_after_a_correction_holds() {
    for (text, name, old, new) in [
        ("Weight 74, sorry, 66 kg.", FactName::Weight, "74", "66"),
        ("She weighs 74 kg, sorry, 66.", FactName::Weight, "74", "66"),
        ("She weighs 74 kg – no, 66 kg – and is well.", FactName::Weight, "74", "66"),
        ("Temp 39.8, no, 38.9, and she is shivering.", FactName::Temperature, "39.8", "38.9"),
        ("Pulse 121, I mean 112, resps 24.", FactName::HeartRate, "121", "112"),
        ("SpO2 is 81, correction, 91% on air.", FactName::Saturation, "81", "91"),
        ("BP 150/90, sorry, 105/60, pulse 112.", FactName::Systolic, "150", "105"),
        ("BP 150/90, sorry, 105/60, pulse 112.", FactName::Diastolic, "90", "60"),
        ("Creatinine 2.4, make that 1.4 mg/dL.", FactName::Creatinine, "2.4", "1.4"),
        ("A 54-year-old, sorry, 45-year-old woman coughs.", FactName::Age, "54", "45"),
        ("She is 54, no wait, 45 years old.", FactName::Age, "54", "45"),
        ("Sie wiegt 74 kg, pardon, 66 kg.", FactName::Weight, "74", "66"),
        ("Temperatur 39,8, nein, 38,9 °C.", FactName::Temperature, "39.8", "38.9"),
        ("Puls 121, ich meine 112.", FactName::HeartRate, "121", "112"),
        ("She weighs 74 kilos. Sorry, 66.", FactName::Weight, "74", "66"),
        ("Pulse 121. No, 112.", FactName::HeartRate, "121", "112"),
        ("Sie wiegt 74 kg. Nein, 66 kg.", FactName::Weight, "74", "66"),
        ("Elle pèse 74 kg, pardon, 66 kg.", FactName::Weight, "74", "66"),
        ("Température 39,8, enfin non, 38,9 °C.", FactName::Temperature, "39.8", "38.9"),
        ("Pesa 74 kg, scusi, 66 kg.", FactName::Weight, "74", "66"),
        ("Temperatura 39,8, anzi 38,9 °C.", FactName::Temperature, "39.8", "38.9"),
        ("Pesa 74 kg, perdón, 66 kg.", FactName::Weight, "74", "66"),
        ("Temperatura 39,8, no, 38,9 °C.", FactName::Temperature, "39.8", "38.9"),
        ("Pesa 74 kg, desculpe, 66 kg.", FactName::Weight, "74", "66"),
        ("Temperatura 39,8, quer dizer, 38,9 °C.", FactName::Temperature, "39.8", "38.9"),
        ("वजन 74 किलो, नहीं, 66 किलो।", FactName::Weight, "74", "66"),
        ("तापमान 39.8, माफ़ कीजिए, 38.9 °C।", FactName::Temperature, "39.8", "38.9"),
        ("น้ำหนัก 74 กก. ไม่ใช่ 66 กก.", FactName::Weight, "74", "66"),
        ("อุณหภูมิ 39.8 ขอโทษค่ะ 38.9 °C", FactName::Temperature, "39.8", "38.9"),
    ] {
        for listed in [old, new] {
            let all = of(text, &[(name, listed)]);
            let start = format!("{} ", name.as_str());
            let values: Vec<&String> = all.iter().filter(|f| f.starts_with(&start)).collect();
            assert_eq!(values, [&format!("{start}{new}")], "{text}: {all:?}");
        }
        let all = of(text, &[]);
        assert!(all.contains(&format!("{} {new}", name.as_str())), "{text}: {all:?}");
    }
}

#[test]
fn a_time_is_corrected_too() {
    for (text, value) in [
        ("Temp 37.8 yesterday, no, this morning.", "37.8"),
        ("Temperatur 37,8 gestern, nein, heute Morgen.", "37.8"),
        ("Température 37,8 hier, non, ce matin.", "37.8"),
        ("Temperatura 37,8 ieri, no, stamattina.", "37.8"),
        ("Temperatura 37,8 ayer, no, hoy.", "37.8"),
        ("Temperatura 37,8 ontem, não, hoje.", "37.8"),
    ] {
        let all = of(text, &[(FactName::Temperature, value)]);
        assert!(all.contains(&format!("temperature {value}")), "{text}: {all:?}");
        assert!(!all.iter().any(|f| f.starts_with("history")), "{text}: {all:?}");
    }
}

#[test]
fn a_statement_of_the_list_says_what_holds() {
    for (text, name, listed, right) in [
        (
            "The cough began six weeks ago, no, closer to eight.",
            FactName::Complaint,
            "cough since six weeks ago",
            "cough since eight weeks ago",
        ),
        (
            "Cough for 3 days, sorry, 5 days.",
            FactName::Complaint,
            "cough for 3 days",
            "cough for 5 days",
        ),
        (
            "She takes metformin 500 mg twice daily, sorry, 850 mg.",
            FactName::Medicine,
            "metformin 500 mg twice daily",
            "metformin 850 mg twice daily",
        ),
        (
            "He takes metformin 500 mg daily, sorry, gliclazide 80 mg daily.",
            FactName::Medicine,
            "gliclazide 80 mg daily",
            "gliclazide 80 mg daily",
        ),
        (
            "Pain in the left knee, no, right knee, for a week.",
            FactName::Complaint,
            "pain in the left knee for a week",
            "pain in the right knee for a week",
        ),
        (
            "Schmerzen im linken, Entschuldigung, rechten Knie.",
            FactName::Complaint,
            "Schmerzen im linken Knie",
            "Schmerzen im rechten Knie",
        ),
        (
            "Der Husten begann vor sechs Wochen, nein, eher acht.",
            FactName::Complaint,
            "Husten begann vor sechs Wochen",
            "Husten begann vor acht Wochen",
        ),
    ] {
        let all = of(text, &[(name, listed)]);
        assert!(all.contains(&format!("{} {right}", name.as_str())), "{text}: {all:?}");
        let wrong = |f: &String| listed != right && f.ends_with(listed);
        assert!(!all.iter().any(wrong), "{text}: {all:?}");
    }
}

#[test]
fn what_takes_nothing_back_stays() {
    for text in [
        "Weight 74 kg, sorry for the delay, she had 2 visits.",
        "Pulse 112, no fever, 3 days of cough.",
        "Temp 38.9, no rash, BP 96/60.",
        "Is it 74 kg? No, 66 people came.",
        "She weighs 74 kg. Sorry, I had 3 other patients.",
        "Pulse 112, sorry, temp 38.4 too.",
        "Temp 38.9. No, 3 days of cough before.",
        "On metformin, well, right arm swollen since.",
        "No allergies. Sorry, 2 questions more: is it safe?",
        "Gewicht 74 kg, kein Fieber, 3 Tage Husten.",
        "Peso 74 kg, no Nepal, 3 dias de tosse.",
        "Toux depuis 5 jours, non fumeuse, 45 ans.",
        "Pesa 74 kg, no fuma, 3 días de tos.",
        "वजन 74 किलो, बुखार नहीं, 3 दिन से खाँसी।",
        "น้ำหนัก 74 กก. ไม่มีไข้ ไอ 3 วัน",
        "She takes 5 mg, well tolerated, 2 years now.",
    ] {
        let corrected = Corrected::of(text);
        assert_eq!(corrected.text(), text);
    }
}

#[test]
fn a_change_keeps_both_values() {
    for text in [
        "Her weight went from 74 to 66 kg in two months.",
        "Weight fell from 74 kg to 66 kg since June.",
        "Das Gewicht fiel von 74 auf 66 kg.",
    ] {
        for list in [&[][..], &[(FactName::Weight, "74")], &[(FactName::Weight, "66")]] {
            let all = of(text, list);
            assert!(all.contains(&"weight 66".to_owned()), "{text}: {all:?}");
            let history = |f: &String| f.starts_with("history ") && f.contains("74");
            assert!(all.iter().any(history), "{text}: {all:?}");
        }
    }
}
