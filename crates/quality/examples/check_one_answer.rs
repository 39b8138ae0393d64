//! Checks standard input as an answer to a question about a patient in Kenya.
//!
//! `echo "Call 911 and give paracetamol 500 mg." | cargo run --example check_one_answer`

use std::io::{Read as _, Write as _};

use clinstruct_quality::{CountryTerms, Place, Turn, check};
use clinstruct_schema::Constraint;

fn main() -> std::io::Result<()> {
    let mut answer = String::new();
    std::io::stdin().read_to_string(&mut answer)?;

    let short = Constraint::MaxWords { n: 120 };
    let terms = CountryTerms::default();
    let kenya = Place { country: "ke", emergency: "999", terms: &terms };
    let turn = Turn { instructions: vec![&short], place: Some(kenya), ..Turn::answer(&answer) };

    let mut out = std::io::stdout().lock();
    for violation in check(&turn) {
        writeln!(out, "{}: {}", violation.check, violation.detail)?;
    }
    Ok(())
}
