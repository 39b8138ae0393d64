//! What requests ask for, for a reader that recognizes it by its words.

use clinstruct_schema::{Constraint, Instruction, Meaning, Pattern};

use crate::Catalog;

impl Catalog {
    /// Every instruction that a request may contain, with its constraint.
    pub fn instructions(&self) -> Vec<Instruction> {
        let mut all = self.english_instructions();
        all.extend(self.foreign_instructions());
        all
    }

    /// The instructions of the English texts.
    pub(crate) fn english_instructions(&self) -> Vec<Instruction> {
        let keep = |c: &Option<Constraint>| {
            c.iter().map(|c| Meaning::Keep { constraint: c.clone() }).collect::<Vec<_>>()
        };
        let mut all = Vec::new();
        for p in &self.phrases {
            let mut means = keep(&p.constraint);
            means.extend(p.role.map(|speaker| Meaning::Role { speaker }));
            if means.is_empty() {
                means.push(Meaning::Tell);
            }
            all.push(Instruction {
                id: p.id.to_string(),
                text: Pattern(p.text.clone()),
                means,
                once: false,
            });
        }
        for m in &self.styles.modes {
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
        for r in &self.styles.registers {
            for (side, text) in [("assistant", &r.assistant), ("user", &r.user)] {
                all.push(Instruction {
                    id: format!("{}-{side}", r.id.as_str()),
                    text: Pattern(text.clone()),
                    means: vec![Meaning::Speak { register: r.id }],
                    once: false,
                });
            }
        }
        let s = &self.styles;
        for m in &self.moves {
            all.extend(m.texts.iter().map(|text| Instruction {
                id: m.id.to_string(),
                text: Pattern(text.clone()),
                means: vec![Meaning::Move { id: m.id.clone() }],
                once: false,
            }));
        }
        all.extend(s.asked.iter().flat_map(|option| option.instructions(true)));
        let options = [&s.assistant_length, &s.assistant_form, &s.user_length];
        all.extend(options.into_iter().flatten().flat_map(|option| option.instructions(false)));
        let emergencies = self.parts.iter().filter_map(|p| p.emergency.as_ref());
        all.extend(emergencies.flat_map(|e| e.instruction.instructions(true)));
        all.extend(self.voices.instructions());
        all
    }
}
