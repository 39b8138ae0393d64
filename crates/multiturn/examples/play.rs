//! Plays one conversation with a one-line model, and prints it.
//!
//! ```sh
//! cargo run -p clinstruct-multiturn --example play
//! ```
#![expect(clippy::print_stdout, reason = "an example that prints")]

use std::error::Error;

use clinstruct_multiturn::catalog::Catalog;
use clinstruct_multiturn::schema::{Case, ChatRequest, RowId, Sex, Situation};
use clinstruct_multiturn::{Dialogue, PromptContext, RequestOptions, RetryPolicy, TurnOutcome};

/// Replaces a call of a chat model. It omits the full stop in the first attempt of each turn.
fn model(request: &ChatRequest) -> String {
    let is_repair = request.messages.iter().any(|m| m.content.contains("full stop"));
    let text = format!("An answer to {} messages", request.messages.len());
    if is_repair { text + "." } else { text }
}

fn main() -> Result<(), Box<dyn Error>> {
    let catalog = Catalog::embedded()?;
    let frame = catalog.frame(45, Sex::Female, "ke").ok_or("the catalog has no such country")?;
    let case = frame.patient.as_ref().map(Case::new);
    let situation = Situation { turns: 2, ..Situation::new("Nurse") };
    let context = PromptContext::new(RowId::new("demo.one")?, frame.place, case, situation);
    let mut dialogue = Dialogue::new(context, "My patient coughs. Why?", RetryPolicy::default());

    let options = RequestOptions::new(&catalog, "some-model");
    while let Some(request) = dialogue.next_request(&options)? {
        let text = model(&request);
        dialogue.apply(if text.ends_with('.') {
            TurnOutcome::Accepted(text)
        } else {
            TurnOutcome::failed_checks("no_stop", text, vec!["the full stop is missing".into()])
        });
    }
    for message in dialogue.messages() {
        println!("[{:?}] {}", message.role, message.content);
    }
    println!("{:?}", dialogue.next());
    Ok(())
}
