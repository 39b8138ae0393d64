//! What requests ask for, for a reader that recognizes it by its words.

use clinstruct_schema::{Instruction, Meaning, Pattern};

use crate::{Catalog, Move, Phrase, Styles};

/// What the texts on modes and levels of speech ask for.
fn of_sides(styles: &Styles) -> Vec<Instruction> {
    let mut all = Vec::new();
    for m in &styles.modes {
        for (side, text) in [("assistant", &m.assistant), ("user", &m.user)] {
            all.push(Instruction {
                id: format!("{}-{side}", m.id.as_str()),
                text: Pattern(text.clone()),
                means: vec![Meaning::Mode { mode: m.id }],
                once: false,
            });
        }
        all.extend(m.lines.iter().flat_map(|line| line.instructions(false)));
    }
    for r in &styles.registers {
        for (side, text) in [("assistant", &r.assistant), ("user", &r.user)] {
            all.push(Instruction {
                id: format!("{}-{side}", r.id.as_str()),
                text: Pattern(text.clone()),
                means: vec![Meaning::Speak { register: r.id }],
                once: false,
            });
        }
    }
    all
}

fn of_moves(moves: &[Move]) -> impl Iterator<Item = Instruction> {
    moves.iter().flat_map(|m| {
        m.texts.iter().map(|text| Instruction {
            id: m.id.to_string(),
            text: Pattern(text.clone()),
            means: vec![Meaning::Move { id: m.id.clone() }],
            once: false,
        })
    })
}

/// What styles that are asked for ask for, and what system prompts say of lengths and forms.
fn of_options(s: &Styles) -> impl Iterator<Item = Instruction> {
    let asked = s.asked.iter().flat_map(|option| option.instructions(true));
    let options = [&s.assistant_length, &s.assistant_form, &s.user_length];
    asked.chain(options.into_iter().flatten().flat_map(|option| option.instructions(false)))
}

impl Catalog {
    /// Every instruction that a request may contain, with its constraint.
    pub fn instructions(&self) -> Vec<Instruction> {
        let mut all = self.english_instructions();
        all.extend(self.foreign_instructions());
        all
    }

    /// The instructions of the English texts.
    pub(crate) fn english_instructions(&self) -> Vec<Instruction> {
        let mut all: Vec<Instruction> = self.phrases.iter().map(Phrase::instruction).collect();
        all.extend(of_sides(&self.styles));
        all.extend(of_moves(&self.moves));
        all.extend(of_options(&self.styles));
        let emergencies = self.parts.iter().filter_map(|p| p.emergency.as_ref());
        all.extend(emergencies.flat_map(|e| e.instruction.instructions(true)));
        all.extend(self.voices.instructions());
        all.extend(self.personas.instructions());
        all.extend(of_sides(&self.personas.styles));
        all.extend(of_moves(&self.personas.moves));
        all.extend(of_options(&self.personas.styles));
        all
    }
}
